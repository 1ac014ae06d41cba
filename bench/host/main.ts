/** `npm run bench -- cpu|boot|mmu [--json]`: how fast the host simulates. */
import { cpus } from 'node:os';
import Table from 'cli-table3';
import yargs from 'yargs';
import { bootBench } from './boot.js';
import { cpuBench } from './cpu.js';
import { mmuBench } from './mmu.js';
import type { Result } from './result.js';

const SUITES = ['cpu', 'mmu', 'boot'] as const;

function table(results: readonly Result[]): string {
  const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const out = new Table({ chars, style: { head: [], border: [] }, colAligns: ['left', 'right'] });
  for (const { name, value, unit, rme, note } of results) {
    const text = note !== undefined && value === 0 ? '-' : value.toPrecision(4);
    out.push([name, text, unit, rme === undefined ? '' : `± ${rme.toFixed(1)} %`, note ?? '']);
  }
  return out.toString();
}

/** Returns the exit code. */
export async function main(argv: readonly string[], root: string): Promise<number> {
  const args = await yargs([...argv])
    .scriptName('npm run bench --')
    .usage('$0 cpu|mmu|boot...: how fast this host simulates')
    .option('json', { type: 'boolean', default: false, describe: 'one JSON document on stdout' })
    .demandCommand(1, `name a suite: ${SUITES.join(', ')}`)
    .strictOptions()
    .version(false)
    .parseAsync();
  const names = args._.map(String);
  const unknown = names.find((name) => !SUITES.some((suite) => suite === name));
  if (unknown !== undefined) {
    process.stderr.write(`bench: no suite '${unknown}', there are ${SUITES.join(', ')}\n`);
    return 2;
  }
  const results: Result[] = [];
  const report = (result: Result): void => {
    results.push(result);
    if (process.stderr.isTTY) process.stderr.write(`${result.name}: ${result.value.toPrecision(4)} ${result.unit}\n`);
  };
  for (const suite of SUITES.filter((name) => names.includes(name))) {
    if (suite === 'cpu') cpuBench(report);
    if (suite === 'mmu') mmuBench(report);
    if (suite === 'boot') bootBench(root, report);
  }
  const host = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
  const text = args.json ? JSON.stringify({ schema: 1, host, results }, null, 2) : table(results);
  process.stdout.write(`${text}\n`);
  return 0;
}
