/** `npm run bench -- --vs-qemu`: the same kernels, initramfs and programs here and in QEMU's TCG, in turns. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeCpio, type CpioEntry } from '../../index.js';
import { executable, PROGRAM_NAMES } from './guest-programs.js';
import type { GuestJob, GuestTimes } from './guest-run.js';

/** One row; ratioToQemu is speed here by speed in QEMU, so that more is better. */
export interface Row {
  readonly name: string;
  readonly seconds: number;
  readonly qemuSeconds: number;
  readonly ratioToQemu: number;
  /** What it should reach, and what it aims at. */
  readonly reach: number;
  readonly aim: number;
  readonly samples: number;
  readonly peakRssMiB: number;
}

export interface VsQemuOptions {
  readonly root: string;
  /** Parts of the names of rows; none: all. */
  readonly only: readonly string[];
  readonly samples: number;
  readonly settings: readonly string[];
  readonly progress: (text: string) => void;
}

interface RowSpec {
  readonly name: string;
  readonly reach: number;
  readonly aim: number;
  /** Marks between which the time passes; without: the process, from start to power-off. */
  readonly program?: string;
}

interface Guest {
  readonly suite: 'bookworm' | 'trixie';
  readonly append: string;
  /** The programs run, one after the other; none: the demo. */
  readonly programs: readonly string[];
  readonly rows: readonly RowSpec[];
}

const GUESTS: readonly Guest[] = [
  {
    suite: 'bookworm',
    append: 'console=ttyAMA0',
    programs: ['integer', 'memory', 'branches', 'spawn'],
    rows: [
      { name: 'integer loop', program: 'integer', reach: 0.7, aim: 1.3 },
      { name: 'memory loop', program: 'memory', reach: 0.7, aim: 1.3 },
      { name: 'branches and calls', program: 'branches', reach: 0.7, aim: 1.3 },
      { name: 'fork and exec', program: 'spawn', reach: 0.7, aim: 1.5 },
    ],
  },
  {
    suite: 'bookworm',
    append: 'console=ttyAMA0 kpti=1',
    programs: ['getppid'],
    rows: [{ name: 'getppid with kpti=1', program: 'getppid', reach: 3, aim: 10 }],
  },
  {
    suite: 'bookworm',
    append: 'console=ttyAMA0 rcar.run=demo',
    programs: [],
    rows: [{ name: 'Debian 6.1, start to power-off', reach: 1 / 3, aim: 1 }],
  },
  {
    suite: 'trixie',
    append: 'console=ttyAMA0 rcar.run=demo',
    programs: [],
    rows: [{ name: 'Debian 6.12, start to power-off', reach: 1 / 3, aim: 1 }],
  },
];

const QEMU = 'qemu-system-aarch64';
const TIMEOUT = 600_000;
const RUNNER = fileURLToPath(new URL('./guest-run.js', import.meta.url));

/** QEMU's version in one line. Throws an Error if it is not installed. */
export function qemuVersion(): string {
  const { stdout, error } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${QEMU} is not installed: Debian has it in qemu-system-arm`);
  return stdout.split('\n')[0] ?? '';
}

/** An archive for behind the guest's own: the programs, and a script that runs them (guests/debian/init.sh). */
function programArchive(programs: readonly string[]): Uint8Array {
  const script = [
    '#!/bin/busybox sh',
    ...programs.flatMap((name) => [`echo @begin ${name}`, `/${name}`, `echo @end ${name}`]),
  ];
  const text = new TextEncoder().encode(`${script.join('\n')}\npoweroff -f\n`);
  return writeCpio([
    { path: 'init.user', type: 'file', mode: 0o755, bytes: text },
    ...PROGRAM_NAMES.map((path): CpioEntry => ({ path, type: 'file', mode: 0o755, bytes: executable(path) })),
  ]);
}

interface Times {
  readonly total: number;
  readonly marks: ReadonlyMap<string, number>;
  readonly peakRssMiB: number;
}

const since = (begin: bigint): number => Number(process.hrtime.bigint() - begin) / 1e9;

function here(job: GuestJob): Times {
  const begin = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(process.execPath, [RUNNER, JSON.stringify(job)], {
    encoding: 'utf8',
    timeout: TIMEOUT,
  });
  const total = since(begin);
  if (status !== 0) throw new Error(`the run ended with ${status}: ${stderr.slice(-500)}`);
  const times = JSON.parse(stdout.trim()) as GuestTimes;
  if (times.outcome !== 'poweroff') throw new Error(`the guest ended with ${times.outcome}`);
  return { total, marks: new Map(times.marks), peakRssMiB: times.peakRssBytes / 2 ** 20 };
}

/** The same in QEMU; without kaslr-seed, as on our board: page-table isolation would be on. */
async function inQemu(job: GuestJob): Promise<Times> {
  const begin = process.hrtime.bigint();
  const args = ['-M', 'virt,gic-version=2,dtb-randomness=off', '-cpu', 'cortex-a57', '-m', '256', '-nographic'];
  args.push(
    '-no-reboot',
    '-net',
    'none',
    '-accel',
    'tcg',
    '-kernel',
    job.kernel,
    '-initrd',
    job.initrd,
    '-append',
    job.append,
  );
  const child = spawn(QEMU, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT });
  const marks = new Map<string, number>();
  let rest = '';
  let tail = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    const at = since(begin);
    tail = (tail + text).slice(-500);
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('@')) marks.set(line.trim(), at);
  });
  child.stderr.setEncoding('latin1').on('data', (text: string) => (tail = (tail + text).slice(-500)));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0 || !/Power down/.test(tail)) throw new Error(`QEMU ended with ${code}: ${tail}`);
  return { total: since(begin), marks, peakRssMiB: 0 };
}

function timeOf({ total, marks }: Times, program: string | undefined): number {
  if (program === undefined) return total;
  const [begin, end] = [marks.get(`@begin ${program}`), marks.get(`@end ${program}`)];
  if (begin === undefined || end === undefined) throw new Error(`the guest did not run '${program}'`);
  return end - begin;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Names of all rows. */
export const ROW_NAMES: readonly string[] = GUESTS.flatMap(({ rows }) => rows.map(({ name }) => name));

/** Measures the rows asked for. Throws an Error of one line if QEMU or a guest is not there, or a run fails. */
export async function vsQemu(options: VsQemuOptions): Promise<Row[]> {
  const { root, samples, settings, progress } = options;
  const wanted = (name: string): boolean =>
    options.only.length === 0 || options.only.some((part) => name.includes(part));
  const work = mkdtempSync(join(tmpdir(), 'rcar-sim-bench-'));
  const results: Row[] = [];
  try {
    for (const guest of GUESTS) {
      const rows = guest.rows.filter(({ name }) => wanted(name));
      if (rows.length === 0) continue;
      const folder = join(root, `.cache/guests/debian-${guest.suite}-arm64`);
      const [kernel, initrd] = [join(folder, 'Image'), join(folder, 'initrd.cpio')];
      if (!existsSync(kernel)) throw new Error(`no Debian guest in ${folder}: npm run guest -- --suite ${guest.suite}`);
      const programs = guest.programs.filter((name) => rows.some(({ program }) => program === name));
      const both = join(work, 'initrd.cpio');
      const own = readFileSync(initrd);
      writeFileSync(both, programs.length === 0 ? own : Buffer.concat([own, programArchive(programs)]));
      const job: GuestJob = { kernel, initrd: both, append: guest.append, settings };
      const ours: Times[] = [];
      const theirs: Times[] = [];
      for (let sample = 1; sample <= samples; sample++) {
        progress(`${rows.map(({ name }) => name).join(', ')}: sample ${sample} of ${samples}`);
        ours.push(here(job));
        theirs.push(await inQemu(job));
      }
      for (const { name, program, reach, aim } of rows) {
        const seconds = median(ours.map((times) => timeOf(times, program)));
        const qemuSeconds = median(theirs.map((times) => timeOf(times, program)));
        const ratioToQemu = median(
          ours.map((times, i) => timeOf(theirs[i] as Times, program) / timeOf(times, program)),
        );
        const peakRssMiB = Math.max(...ours.map((times) => times.peakRssMiB));
        results.push({ name, seconds, qemuSeconds, ratioToQemu, reach, aim, samples, peakRssMiB });
      }
    }
    return results;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
