// One Debian guest from start to power-off as a user starts it, and what its console and its disk say afterwards.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const SUITES = ['bookworm', 'trixie'];
export const FLAVOURS = ['arm64', 'cloud-arm64'];
const MIB = 1 << 20;

export const guestFolder = ({ suite, flavour }) => join(root, '.cache/guests', `debian-${suite}-${flavour}`);

/** Fetches kernel and initramfs, unless they are there; throws with one line if that is not possible. */
export function prepare(guest) {
  if (existsSync(join(guestFolder(guest), 'guest.cfg'))) return;
  const args = ['tools/guest.mjs', '--suite', guest.suite, '--flavour', guest.flavour];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`no ${guest.suite} ${guest.flavour} kernel on this machine`);
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const mib = (disk, at) => disk.subarray(at * MIB, (at + 1) * MIB);

/** What the console must show and the disk must hold after the demo: pairs of a name and whether it is so. */
function checks({ suite, vcpus }, console, before, after) {
  const sum = sha256(mib(before, 0));
  const says = (text) => console.includes(text);
  return [
    ['kernel', new RegExp(`rcar-sim: init, Linux ${suite === 'bookworm' ? '6\\.1\\.' : '6\\.12\\.'}`).test(console)],
    ['cpus', says(`, ${vcpus} CPU(s)`)],
    ['xen', says('rcar-sim: hypervisor xen')],
    ['read', says(`read 1 MiB sha256 ${sum}`)],
    ['read back', says(`read back sha256 ${sum}`)],
    ['done', says('rcar-sim: done')],
    ['host disk', sha256(mib(after, 4)) === sum && sha256(mib(after, 0)) === sum],
    ['console', !/Kernel panic|BUG:|Call trace:|WARNING:/.test(console)],
  ];
}

/**
 * Runs the guest `{suite, flavour, vcpus, console: 'ttyAMA0' | 'hvc0'}` in a process of its own on a copy of its disk.
 * Returns `{failures, exitCode, report, console, stderr}`; `failures` are the names of the checks that do not hold.
 * @param {any} guest
 * @param {{ options?: string[], extra?: string, execPath?: string }} [how]
 */
export function runDebian(guest, { options = [], extra = '', execPath = process.execPath } = {}) {
  const folder = guestFolder(guest);
  const work = mkdtempSync(join(tmpdir(), 'rcar-sim-boot-'));
  try {
    const disk = join(work, 'disk.raw');
    const reportFile = join(work, 'report.json');
    // What an earlier run of the user's wrote there must not pass for this run's.
    const before = readFileSync(join(folder, 'disk.raw')).fill(0, 4 * MIB, 5 * MIB);
    writeFileSync(disk, before);
    const { status, signal, stdout, stderr } = spawnSync(
      execPath,
      [
        join(root, 'cli/rcar-sim.mjs'),
        'run',
        join(folder, 'guest.cfg'),
        `vcpus=${guest.vcpus}`,
        `extra="console=${guest.console} rcar.run=demo ${extra}"`,
        ...['--disk', `xvda=${disk}`, '--report', reportFile, '--sim-timeout', '120 s', ...options],
      ],
      { encoding: 'utf8', maxBuffer: 1 << 26, timeout: 300_000 },
    );
    const report = existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, 'utf8')) : undefined;
    const failed = checks(guest, stdout, before, readFileSync(disk))
      .filter(([, ok]) => !ok)
      .map(([name]) => name);
    const end = signal ?? (report === undefined ? `exit ${status}` : report.outcome);
    const failures = status === 0 && end === 'poweroff' ? failed : [end, ...failed];
    return { failures, exitCode: status, report, console: stdout, stderr };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
