// Whether the suite notices faults (npm run mutants -- [--only NAME]): each change of list.mjs is made in a copy of the tree,
// kernels are built anew where they are concerned, and the tests nearest to it are run, then wider ones, until one fails.
// Exit status: 0 every mutant was killed, 1 one survived or its line is no longer there, 2 a wrong argument.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { ROOT } from '../../tools/load-ts.mjs';
import { MUTANTS } from './list.mjs';

/** Run when the nearest tests see nothing. */
const WIDER = ['sim', 'test/oracle', 'test/conformance', 'test/differential', 'xen/arch'];
const KERNEL = /^sim\/(cpu\/(isa|kernel)|mmu\/kernel)\//;
/** Quick to compile; what it makes is the same program. */
const LEVEL = '-O1';
/** Tests that a mutant never lets end have noticed it; without a mutant they take seconds. */
const HANG_MS = 300_000;
const LEFT_OUT = new Set(['node_modules', '.git', '.cache', 'dist']);

class UsageError extends Error {}

function chosen() {
  let values;
  try {
    ({ values } = parseArgs({ options: { only: { type: 'string' } } }));
  } catch (error) {
    throw new UsageError(error.message.split('\n')[0]);
  }
  if (values.only === undefined) return MUTANTS;
  const found = MUTANTS.filter(({ name }) => name === values.only);
  if (found.length === 0)
    throw new UsageError(`--only: no mutant '${values.only}', there are ${MUTANTS.map(({ name }) => name).join(', ')}`);
  return found;
}

/** The tree without what is fetched or built; packages are linked. */
function copyTree() {
  const folder = mkdtempSync(join(tmpdir(), 'rcar-sim-mutants-'));
  cpSync(ROOT, folder, { recursive: true, filter: (path) => !LEFT_OUT.has(relative(ROOT, path)) });
  rmSync(join(folder, '.stamps'), { recursive: true, force: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return folder;
}

/** Each line is in its file, once. @returns lines about those that are not. */
function misplaced(mutants) {
  return mutants.flatMap(({ name, file, from, to }) => {
    const path = join(ROOT, file);
    const times = existsSync(path) ? readFileSync(path, 'utf8').split(from).length - 1 : 0;
    if (from === to) return [`${name}: changes nothing`];
    return times === 1 ? [] : [`${name}: ${file} has its line ${times} times`];
  });
}

function node(folder, args) {
  return spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
    timeout: HANG_MS,
    killSignal: 'SIGKILL',
  });
}

function build(folder) {
  const { status, stderr } = node(folder, ['tools/build-kernels.mjs', LEVEL]);
  if (status !== 0) throw new Error(`the kernels do not compile: ${stderr.trim().split('\n').at(-1)}`);
}

/** The first failing test of these specs, as `file: title`; undefined: all pass. Throws if there are none. */
function firstFailure(folder, specs, bail = true) {
  for (const [config, list] of [
    ['vitest.config.ts', specs.filter((spec) => !spec.startsWith('test/'))],
    ['vitest.system.config.ts', specs.filter((spec) => spec.startsWith('test/'))],
  ]) {
    if (list.length === 0) continue;
    const report = join(folder, 'mutants-report.json');
    rmSync(report, { force: true });
    const flags = [
      '--config',
      config,
      '--pool=threads',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...(bail ? ['--bail=1'] : []),
    ];
    const { status, stderr } = node(folder, ['node_modules/vitest/vitest.mjs', 'run', ...flags, ...list]);
    if (status === 0) continue;
    // A host that a mutant sends into an endless loop, or that it breaks, has noticed it as well.
    if (status === null) return `${list.join(' ')}: no end`;
    if (!existsSync(report)) throw new Error(`vitest: ${stderr.trim().split('\n')[0]}`);
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    for (const file of testResults) {
      const failed = file.assertionResults.find((test) => test.status === 'failed');
      const name = relative(folder, file.name);
      if (failed !== undefined) return `${name}: ${failed.fullName}`;
      if (file.status === 'failed' && file.assertionResults.length === 0) return `${name}: does not load`;
    }
    return `${list.join(' ')}: exit status ${status}`;
  }
  return undefined;
}

function tryMutant(folder, { file, from, to, specs }) {
  const path = join(folder, file);
  const source = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
  try {
    if (KERNEL.test(file)) build(folder);
    return firstFailure(folder, specs) ?? firstFailure(folder, WIDER);
  } finally {
    writeFileSync(path, source);
    if (KERNEL.test(file)) rmSync(join(folder, '.stamps'), { recursive: true, force: true });
  }
}

/** One line, at most so long. */
const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 3)}...` : text);

function main() {
  // Those in TypeScript first: they use the kernels as they are.
  const mutants = chosen().toSorted((a, b) => Number(KERNEL.test(a.file)) - Number(KERNEL.test(b.file)));
  const wrong = misplaced(mutants);
  for (const line of wrong) console.error(`mutants: ${line}`);
  if (wrong.length > 0) return 1;
  const folder = copyTree();
  const begin = performance.now();
  const seconds = (since) => ((performance.now() - since) / 1000).toFixed(0);
  const table = new Table({
    head: ['mutant', 'file', 'change', 'killed by', 's'],
    style: { head: [], border: [], compact: true },
  });
  let killed = 0;
  try {
    build(folder);
    const broken = firstFailure(folder, [...new Set(mutants.flatMap(({ specs }) => specs))]);
    if (broken !== undefined) throw new Error(`without any change a test fails: ${broken}`);
    for (const mutant of mutants) {
      const since = performance.now();
      const by = tryMutant(folder, mutant);
      if (by !== undefined) killed++;
      const took = seconds(since);
      console.error(`${mutant.name}: ${by === undefined ? 'SURVIVES' : `killed by ${by}`} (${took} s)`);
      table.push([
        mutant.name,
        mutant.file,
        cut(`${mutant.from} -> ${mutant.to}`, 70),
        by === undefined ? 'nothing' : cut(by, 70),
        took,
      ]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(table.toString());
  console.log(`mutants: ${killed} of ${mutants.length} killed, ${seconds(begin)} s`);
  return killed === mutants.length ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`mutants: ${error.message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
