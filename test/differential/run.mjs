// Compares the simulator with QEMU:
//   npm run differential -- [--count N] [--seed S] [--only isa|mmu|exceptions|tlbi] [--class NAME]
//   npm run differential -- fuzz [--minutes N] [...]     the same with random seeds
//   npm run differential -- regenerate [--check]         records test/oracle/*.bin, or compares them
// isa: sequences of instructions in user mode. mmu, exceptions, tlbi: bare-metal programs at EL0 to EL2. What differs is
// made small, shown, and joins the corpus (not with --dry-run).
// Exit status: 0 all equal, 1 something differs, 2 a wrong argument, a missing tool, a crash of QEMU.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { loadTs, ROOT } from '../../tools/load-ts.mjs';

const print = (line) => process.stdout.write(`${line}\n`);
const OPTIONS = {
  seed: { type: 'string', default: '1' },
  count: { type: 'string', default: '100000' },
  only: { type: 'string' },
  class: { type: 'string' },
  minutes: { type: 'string', default: '10' },
  check: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
};
/** Of 100 sequences. */
const SHARES = { isa: 60, mmu: 25, exceptions: 10, tlbi: 5 };
const PLAIN = { head: [], border: [], 'padding-left': 0 };

function number(name, text, least) {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`--${name}: '${text}' is not a number from ${least}`);
  return value;
}

const none = () => ({ rows: [], sequences: 0, instructions: 0, covered: 0, classes: 0, mismatches: 0 });

async function compareKind(kind, count, { seed, keep, only }) {
  if (kind === 'isa') {
    const { compareIsa } = await loadTs('test/differential/isa/main.ts');
    return compareIsa(ROOT, { seed, cases: count, keep, ...(only !== undefined && { only }) }, print);
  }
  const { compareSystem, SYSTEM_KINDS } = await loadTs('test/differential/system/main.ts');
  const { steps, mismatches, instructions } = await compareSystem(ROOT, kind, { seed, count, keep }, print);
  const classes = SYSTEM_KINDS[kind].classes;
  const rows = classes.map((group) => ({
    group,
    classes: 1,
    cases: steps.get(group) ?? 0,
    mismatches: mismatches.get(group) ?? 0,
  }));
  const sum = (field) => rows.reduce((total, row) => total + row[field], 0);
  const covered = rows.filter(({ cases }) => cases > 0).length;
  return {
    rows,
    sequences: sum('cases'),
    instructions,
    covered,
    classes: classes.length,
    mismatches: sum('mismatches'),
  };
}

/** The counts of each kind; all get something. */
function split(kinds, count) {
  const total = kinds.reduce((sum, kind) => sum + SHARES[kind], 0);
  return kinds.map((kind) => [kind, Math.max(1, Math.round((count * SHARES[kind]) / total))]);
}

async function compare(kinds, count, options) {
  const all = none();
  const table = new Table({
    head: ['class', 'kinds', 'sequences', 'mismatches'],
    style: PLAIN,
    colAligns: ['left', 'right', 'right', 'right'],
    chars: Object.fromEntries(
      ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) =>
        [side, `${side}-mid`, `${side}-left`, `${side}-right`].map((key) => [key, '']),
      ),
    ),
  });
  for (const [kind, share] of split(kinds, count)) {
    const sums = await compareKind(kind, share, options);
    for (const { group, classes, cases, mismatches } of sums.rows) table.push([group, classes, cases, mismatches]);
    for (const field of ['sequences', 'instructions', 'covered', 'classes', 'mismatches']) all[field] += sums[field];
  }
  print(table.toString());
  print(
    `differential: ${all.sequences} sequences, ${all.instructions} instructions, ` +
      `${all.covered}/${all.classes} classes, ${all.mismatches} mismatches, 0 skipped`,
  );
  return all.mismatches === 0;
}

async function fuzz(kinds, count, options, minutes) {
  const end = performance.now() + minutes * 60_000;
  let equal = true;
  while (performance.now() < end) {
    const seed = randomInt(2 ** 31);
    print(`seed ${seed}`);
    equal = (await compare(kinds, count, { ...options, seed })) && equal;
  }
  return equal;
}

async function regenerate(check) {
  const isa = await loadTs('test/differential/isa/record.ts');
  const system = await loadTs('test/differential/system/record.ts');
  if (check) {
    const equal = await isa.checkRecord(ROOT, print);
    return (await system.checkSystemRecord(ROOT, print)) && equal;
  }
  await isa.record(ROOT, print);
  await system.recordSystem(ROOT, print);
  return true;
}

async function main() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const [command = 'compare', extra] = positionals;
  if (!['compare', 'fuzz', 'regenerate'].includes(command) || extra !== undefined)
    throw new Error(`no command '${extra ?? command}', there are compare (the default), fuzz and regenerate`);
  const { only } = values;
  if (only !== undefined && !Object.hasOwn(SHARES, only))
    throw new Error(`--only: no '${only}', there are ${Object.keys(SHARES).join(', ')}`);
  const kinds = only === undefined ? (values.class === undefined ? Object.keys(SHARES) : ['isa']) : [only];
  if (values.class !== undefined) {
    if (!kinds.includes('isa')) throw new Error('--class: names instructions, which are in --only isa');
    (await loadTs('test/differential/isa/main.ts')).selectClasses(values.class);
  }
  const options = {
    seed: number('seed', values.seed, 0),
    keep: !values['dry-run'],
    ...(values.class !== undefined && { only: values.class }),
  };
  const count = number('count', values.count, 1);
  const minutes = number('minutes', values.minutes, 1);
  const all = command === 'regenerate';
  const user = await loadTs('test/differential/isa/qemu.ts');
  const machine = await loadTs('test/differential/system/qemu.ts');
  const missing =
    (all || kinds.includes('isa') ? user.missingTool() : undefined) ??
    (all || kinds.some((kind) => kind !== 'isa') ? machine.missingTool() : undefined);
  if (missing) throw new Error(missing);
  if (all) return regenerate(values.check);
  const { readCorpus } = await loadTs('test/differential/isa/corpus.ts');
  const { readSystemCorpus } = await loadTs('test/differential/system/corpus.ts');
  readCorpus(`${ROOT}/test/differential/corpus`);
  readSystemCorpus(`${ROOT}/test/differential/corpus/system`);
  print(`${machine.missingTool() ? user.qemuVersion() : machine.qemuVersion()}, cortex-a57; seed ${options.seed}`);
  return command === 'fuzz' ? fuzz(kinds, count, options, minutes) : compare(kinds, count, options);
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`differential: ${error.message.split('\n')[0]}\n`);
  process.exitCode = 2;
}
