import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../../index.js';
import type { Result } from './result.js';

const APPEND = 'console=ttyAMA0 rcar.run=demo';
const MIB = 2 ** 20;
const TIMEOUT = 600_000;

interface Boot {
  readonly report: Report;
  /** Of the whole process, as QEMU's are. */
  readonly seconds: number;
}

/** The command line in a process of its own. Throws an Error with the console's end if the guest does not. */
function rcarSim(root: string, words: readonly string[]): Boot {
  const work = mkdtempSync(join(tmpdir(), 'rcar-sim-bench-'));
  try {
    const file = join(work, 'report.json');
    const begin = process.hrtime.bigint();
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, 'cli/rcar-sim.mjs'), 'run', ...words, '--report', file, '--sim-timeout', '120 s'],
      { encoding: 'utf8', maxBuffer: 1 << 26, timeout: TIMEOUT },
    );
    if (status !== 0) throw new Error(`rcar-sim run ended with ${status}:\n${stdout.slice(-1000)}\n${stderr}`);
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    return { report: JSON.parse(readFileSync(file, 'utf8')) as Report, seconds };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function figures(name: string, { report: { host, sim }, seconds }: Boot): Result[] {
  const million = `${(sim.instructions / 1e6).toFixed(0)} million instructions`;
  return [
    { name: `${name}: start to power-off`, value: seconds, unit: 's', note: million },
    { name: `${name}: speed`, value: host.mips, unit: 'MIPS' },
    { name: `${name}: peak resident memory`, value: host.peakRssBytes / MIB, unit: 'MiB', note: '256 MiB guest' },
  ];
}

/** Host seconds of the same kernel and initramfs in QEMU's TCG; undefined where it is not installed. */
function qemuSeconds(kernel: string, initrd: string): number | undefined {
  const run = (machine: string) => {
    const begin = process.hrtime.bigint();
    const result = spawnSync(
      'qemu-system-aarch64',
      ['-M', machine, '-cpu', 'cortex-a57', '-m', '256', '-nographic', '-no-reboot', '-net', 'none'].concat([
        '-accel',
        'tcg',
        '-kernel',
        kernel,
        '-initrd',
        initrd,
        '-append',
        APPEND,
      ]),
      { encoding: 'utf8', maxBuffer: 1 << 26, timeout: TIMEOUT, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    return { ...result, seconds: Number(process.hrtime.bigint() - begin) / 1e9 };
  };
  // Without kaslr-seed, as on our board: page-table isolation would double the work.
  let result = run('virt,gic-version=2,dtb-randomness=off');
  if (result.error !== undefined) return undefined;
  if (result.status !== 0 && /dtb-randomness/.test(result.stderr)) result = run('virt,gic-version=2');
  if (!result.stdout.includes('reboot: Power down'))
    throw new Error(`QEMU: no power-off\n${result.stdout.slice(-1000)}`);
  return result.seconds;
}

/** `npm run bench -- boot`: Debian 6.1 as `npm run guest` makes it. */
export function bootBench(root: string, report: (result: Result) => void): void {
  const folder = join(root, '.cache/guests/debian-bookworm-arm64');
  const [cfg, kernel, initrd] = ['guest.cfg', 'Image', 'initrd.cpio'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  if (!existsSync(cfg)) throw new Error('no Debian 6.1 guest: npm run guest makes it');
  const timed = ['--set', 'timing.cpu=approximate'];
  const guestWords = [cfg, `extra="${APPEND}"`, '--snapshot-disk'];
  const guest = rcarSim(root, guestWords);
  figures('Xen guest', guest).forEach(report);
  const guestTimed = rcarSim(root, [...guestWords, ...timed]);
  figures('Xen guest, approximate', guestTimed).forEach(report);
  const bareWords = ['--bare', kernel, '--initrd', initrd, '--append', APPEND];
  const bare = rcarSim(root, bareWords);
  figures('flat board', bare).forEach(report);
  const bareTimed = rcarSim(root, [...bareWords, ...timed]);
  const note = 'of the whole process';
  report({ name: 'Xen guest: approximate to functional', value: guestTimed.seconds / guest.seconds, unit: 'x', note });
  report({ name: 'flat board: approximate to functional', value: bareTimed.seconds / bare.seconds, unit: 'x', note });
  const seconds = qemuSeconds(kernel, initrd);
  if (seconds === undefined) {
    report({ name: 'flat board: of QEMU TCG', value: 0, unit: 'x', note: 'qemu-system-aarch64 is not installed' });
    return;
  }
  report({ name: 'QEMU TCG: start to power-off', value: seconds, unit: 's', note: 'same kernel and initramfs' });
  report({ name: 'flat board: time against QEMU TCG', value: bare.seconds / seconds, unit: 'x' });
}
