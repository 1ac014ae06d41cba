/** An unmodified Debian guest at its console, through the command line: scripted input, a terminal, time, panics. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Folder, PROGRAM } from '../cli/cli.js';
import { debianGuest } from '../support/debian.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CFG = `${ROOT}.cache/guests/debian-bookworm-cloud-arm64/guest.cfg`;
const folder = new Folder();
const terminal = test.skipIf(!existsSync('/usr/bin/script') || process.platform !== 'linux');

beforeAll(() => debianGuest('bookworm', 'cloud-arm64', `${ROOT}guests/debian`));
afterAll(() => folder.remove());

test('sleep 1000 takes a moment; the run fits into 700 MiB and its report is as documented', async () => {
  const typed = ['sleep 1000', 'cut -d. -f1 /proc/uptime', 'poweroff -f'].flatMap((line) => ['--input', line]);
  const { code, out } = await folder.run('run', CFG, '--snapshot-disk', '--report', '@report.json', ...typed);
  expect(code).toBe(0);
  const uptime = Number(/\/proc\/uptime\r?\n(\d+)\r?\n/.exec(out)?.[1]);
  expect(uptime).toBeGreaterThanOrEqual(1000);
  expect(uptime).toBeLessThan(1005);
  const report = folder.report();
  expect([report.outcome, report.ioreq.count > 40]).toEqual(['poweroff', true]);
  expect(report.host.peakRssBytes).toBeLessThan(700 * 2 ** 20);
});

terminal(
  'at a prompt on a terminal time passes as on the wall; keys with Ctrl-C among them replay to an equal run',
  async () => {
    const line = [process.execPath, PROGRAM, 'run', CFG, '--snapshot-disk', 'vcpus=2', '--record', folder.file('keys')];
    const words = [...line, '--report', folder.file('live.json')].map((word) => `'${word}'`).join(' ');
    const running = folder.start(['-qefc', words, '/dev/null'], ['script']);
    const type = (text: string): void => void running.child.stdin?.write(text);
    await running.until(/guest# /);
    type('sleep 100000');
    await running.until(/sleep 100000/);
    type('\x03');
    await running.until(/sleep 100000[^]*guest# /);
    type('cat /proc/uptime\r');
    await running.until(/uptime\r*\n[\d.]+ [\d.]+\r*\n[^]*guest# /);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    type('cat /proc/uptime\r');
    await running.until(/(uptime\r*\n[\d.]+ [\d.]+\r*\n[^]*){2}guest# /);
    type('poweroff -f\r');
    const { code, out } = await running.done;
    expect(code).toBe(0);
    const [first = 0, second = 0] = [...out.matchAll(/uptime\r*\n([\d.]+) /g)].map((match) => Number(match[1]));
    expect(second - first).toBeGreaterThan(2);
    expect(second - first).toBeLessThan(6);
    const again = ['--replay', folder.file('keys'), '--report', folder.file('again.json')];
    expect((await folder.run('run', CFG, '--snapshot-disk', 'vcpus=2', ...again)).code).toBe(0);
    expect(folder.report('again.json').trace.hash).toBe(folder.report('live.json').trace.hash);
  },
);

test.each([
  ['a panic that spins', ''],
  ['a panic that reboots', ' panic=1'],
  ['a panic that reboots at once', ' panic=-1'],
])('%s: outcome panic, exit 1', async (_name, extra) => {
  const cmdline = `extra="console=hvc0${extra}"`;
  const typed = ['--input', 'echo c > /proc/sysrq-trigger'];
  const { code, err } = await folder.run('run', CFG, cmdline, '--snapshot-disk', '--report', '@panic.json', ...typed);
  expect(code).toBe(1);
  const { outcome, detail } = folder.report('panic.json');
  expect([outcome, detail]).toEqual([
    'panic',
    expect.stringContaining('Kernel panic - not syncing: sysrq triggered crash'),
  ]);
  expect(err).toContain(`rcar-sim: panic: ${detail}`);
});

test('grants for a kernel without grant DMA: the disk never appears, and one line says why', async () => {
  const disk = `format=raw,vdev=xvda,access=rw,specification=virtio,backend=DomD,target=disk.raw`;
  const typed = ['--input', 'ls /dev/vda; poweroff -f'];
  const { code, out, err } = await folder.run('run', CFG, `disk=["${disk}"]`, '--snapshot-disk', ...typed);
  expect([code, out.includes('No such file')]).toEqual([0, true]);
  expect(err.filter((line) => line.includes('warning'))).toEqual([
    'rcar-sim: warning: debian-bookworm: the guest never touched xvda: grants are on and its kernel may lack CONFIG_XEN_VIRTIO; try grant_usage=0',
  ]);
});
