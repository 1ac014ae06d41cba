/** `npm run bench -- cpu|boot|mmu|--vs-qemu [--json]`: how fast the host simulates. */
import { cpus } from 'node:os';
import Table from 'cli-table3';
import yargs from 'yargs';
import { bootBench } from './boot.js';
import { cpuBench } from './cpu.js';
import { mmuBench } from './mmu.js';
import type { Result } from './result.js';
import { qemuVersion, ROW_NAMES, vsQemu, type Row } from './vs-qemu.js';

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

function comparison(rows: readonly Row[]): string {
  const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const head = ['', 'here, s', 'QEMU, s', 'speed/QEMU', 'reach', 'aim', 'peak RSS, MiB'];
  const out = new Table({
    head,
    chars,
    style: { head: [], border: [] },
    colAligns: ['left', ...head.slice(1).map(() => 'right' as const)],
  });
  for (const row of rows) {
    out.push([
      row.name,
      row.seconds.toFixed(2),
      row.qemuSeconds.toFixed(2),
      row.ratioToQemu.toFixed(2),
      row.reach.toFixed(2),
      row.aim.toFixed(2),
      row.peakRssMiB.toFixed(0),
    ]);
  }
  return out.toString();
}

/** Returns the exit code. */
export async function main(argv: readonly string[], root: string): Promise<number> {
  const args = await yargs([...argv])
    .scriptName('npm run bench --')
    .usage('$0 cpu|mmu|boot...: how fast this host simulates\n$0 --vs-qemu [ROW...]: the same guests here and in QEMU')
    .option('json', { type: 'boolean', default: false, describe: 'one JSON document on stdout' })
    .option('vs-qemu', {
      type: 'boolean',
      default: false,
      describe: 'against QEMU TCG, in turns; rows by parts of their names',
    })
    .option('samples', { type: 'number', default: 5, describe: 'with --vs-qemu: runs of each' })
    .option('set', {
      type: 'string',
      array: true,
      default: ['cpu.engine=translator'],
      describe: 'with --vs-qemu: KEY=VALUE',
    })
    .strictOptions()
    .version(false)
    .parseAsync();
  const names = args._.map(String);
  const host = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
  if (args.vsQemu) {
    const stranger = names.find((part) => !ROW_NAMES.some((name) => name.includes(part)));
    if (stranger !== undefined || !(args.samples >= 1)) {
      const fault =
        stranger === undefined
          ? '--samples must be at least 1'
          : `no row '${stranger}', there are: ${ROW_NAMES.join('; ')}`;
      process.stderr.write(`bench: ${fault}\n`);
      return 2;
    }
    const qemu = qemuVersion();
    const progress = (text: string): void => void (process.stderr.isTTY && process.stderr.write(`${text}\n`));
    const rows = await vsQemu({ root, only: names, samples: Math.floor(args.samples), settings: args.set, progress });
    const text = args.json
      ? JSON.stringify({ schema: 1, host, qemu, settings: args.set, rows }, null, 2)
      : comparison(rows);
    process.stdout.write(`${text}\n`);
    return 0;
  }
  if (names.length === 0) {
    process.stderr.write(`bench: name a suite: ${SUITES.join(', ')}; or --vs-qemu\n`);
    return 2;
  }
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
  const text = args.json ? JSON.stringify({ schema: 1, host, results }, null, 2) : table(results);
  process.stdout.write(`${text}\n`);
  return 0;
}
