// Hostile guests, drivers and backends at random (npm run fuzz -- [OPTION]...):
//   --count N   accesses of guests (1000000); a tenth as many mutations of hypercalls, ioreq pages and rings
//   --seed S    what is done (1); the same seed does the same
//   --only I    case I alone, as the line of a failure names it
//   --jobs J    cases at once (2)
// Exit status: 0 all held, 1 something did not, 2 a wrong argument.
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { loadTs } from '../../tools/load-ts.mjs';

/** A case takes seconds. One that takes that long does not come back. */
const HANG_MS = 120_000;
const OPTIONS = {
  count: { type: 'string', default: '1000000' },
  seed: { type: 'string', default: '1' },
  only: { type: 'string' },
  jobs: { type: 'string', default: '2' },
};

class UsageError extends Error {}

function number(name, text, least, most) {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least || value > most)
    throw new UsageError(`--${name}: '${text}' is not a whole number from ${least} to ${most}`);
  return value;
}

function options(casesFor) {
  let parsed;
  try {
    parsed = parseArgs({ options: OPTIONS });
  } catch (error) {
    throw new UsageError(error.message.split('\n')[0]);
  }
  const { values } = parsed;
  const count = number('count', values.count, 1, 1e9);
  const cases = casesFor(count);
  return {
    count,
    seed: number('seed', values.seed, 0, 2 ** 32 - 1),
    jobs: number('jobs', values.jobs, 1, 64),
    cases:
      values.only === undefined
        ? Array.from({ length: cases }, (_, i) => i)
        : [number('only', values.only, 0, cases - 1)],
  };
}

/** Gives `take` the result of every case, in whatever order they end. */
function runAll({ seed, count, jobs, cases }, take) {
  const left = [...cases];
  const runner = () =>
    new Promise((resolve, reject) => {
      let worker;
      let watch;
      let index;
      const next = () => {
        clearTimeout(watch);
        index = left.shift();
        if (index === undefined) {
          void worker.terminate();
          return resolve();
        }
        watch = setTimeout(hung, HANG_MS);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has none
        worker.postMessage({ seed, index, count });
      };
      const lost = (what) => {
        clearTimeout(watch);
        worker.removeAllListeners();
        worker.on('error', () => {});
        void worker.terminate();
        take({ index, accesses: 0, mutations: 0, outcomes: {}, failures: [what], trail: [] });
        start();
      };
      const hung = () => lost(`no end after ${HANG_MS / 1000} s`);
      const start = () => {
        worker = new Worker(new URL('./worker.mjs', import.meta.url));
        worker.on('error', (error) => (index === undefined ? reject(error) : lost(`the host fails: ${error.message}`)));
        worker.on('message', (message) => {
          if (message !== 'ready') take(message);
          next();
        });
      };
      start();
    });
  return Promise.all(Array.from({ length: Math.min(jobs, cases.length) }, runner));
}

function table(outcomes) {
  const rows = Object.entries(outcomes).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, count] of rows) console.log(`${String(count).padStart(9)}  ${name}`);
  return rows.length;
}

async function main() {
  const { casesFor } = await loadTs('test/fuzz/cases.ts', { built: true });
  const chosen = options(casesFor);
  const begin = performance.now();
  const sum = { accesses: 0, mutations: 0, failures: 0 };
  const outcomes = {};
  await runAll(chosen, ({ index, accesses, mutations, outcomes: found, failures, trail }) => {
    sum.accesses += accesses;
    sum.mutations += mutations;
    for (const [name, count] of Object.entries(found)) outcomes[name] = (outcomes[name] ?? 0) + count;
    if (failures.length === 0) return;
    sum.failures++;
    console.log(`case ${index} (--count ${chosen.count} --seed ${chosen.seed} --only ${index}):`);
    for (const line of failures) console.log(`  ${line}`);
    if (trail.length > 0) console.log(`  after:\n    ${trail.join('\n    ')}`);
  });
  const names = table(outcomes);
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(
    `fuzz: ${sum.accesses} accesses, ${sum.mutations} mutations, ${names} outcomes, seed ${chosen.seed}, ` +
      `${sum.failures} of ${chosen.cases.length} cases failed, ${seconds} s`,
  );
  return sum.failures === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`fuzz: ${error instanceof UsageError ? error.message : (error.stack ?? error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
