// Compares the simulator with QEMU (npm run differential -- COMMAND):
//   isa [--seed N] [--cases N] [--class NAME]   instructions, as in user mode; what differs joins the corpus
//   fuzz [--minutes N] [--class NAME]           the same with random seeds
//   regenerate [--check]                        records test/oracle/isa.bin, or compares it
// Exit status: 0 all equal, 1 something differs, 2 a wrong argument or a missing tool.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { loadTs, ROOT } from '../../tools/load-ts.mjs';

const print = (line) => process.stdout.write(`${line}\n`);
const OPTIONS = {
  seed: { type: 'string', default: '1' },
  cases: { type: 'string', default: '100000' },
  count: { type: 'string' },
  class: { type: 'string' },
  minutes: { type: 'string', default: '10' },
  check: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
};

function number(name, text, least) {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`--${name}: '${text}' is not a number from ${least}`);
  return value;
}

async function fuzz(compareIsa, options, minutes) {
  const end = performance.now() + minutes * 60_000;
  let equal = true;
  while (performance.now() < end)
    equal = (await compareIsa(ROOT, { ...options, seed: randomInt(2 ** 31) }, print)) && equal;
  return equal;
}

async function main() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const { missingTool } = await loadTs('test/differential/isa/qemu.ts');
  const missing = missingTool();
  if (missing) throw new Error(missing);
  const { compareIsa, selectClasses } = await loadTs('test/differential/isa/main.ts');
  const options = {
    seed: number('seed', values.seed, 0),
    cases: number('cases', values.count ?? values.cases, 1),
    keep: !values['dry-run'],
    ...(values.class !== undefined && { only: values.class }),
  };
  selectClasses(options.only);
  switch (positionals[0]) {
    case 'isa':
      return compareIsa(ROOT, options, print);
    case 'fuzz':
      return fuzz(compareIsa, options, number('minutes', values.minutes, 1));
    case 'regenerate': {
      const { checkRecord, record } = await loadTs('test/differential/isa/record.ts');
      if (values.check) return checkRecord(ROOT, print);
      await record(ROOT, print);
      return true;
    }
    default:
      throw new Error(`no command '${positionals[0] ?? ''}', there are isa, fuzz and regenerate`);
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`differential: ${error.message}\n`);
  process.exitCode = 2;
}
