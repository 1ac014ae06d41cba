import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { configure, createXenSimulation, rcarH3, readGuestConfig } from '../../index.js';
import { Folder } from './cli.js';
import { END, image, say, XEN_UART } from './programs.js';

const BARE = fileURLToPath(new URL('../../guests/bare/virtio.img', import.meta.url));
const folder = new Folder();
const SIZE = 256 * 1024;
const BLOCK = 4096;
/** Where two writes of 4096 bytes go: they end one block before the end (guests/bare/README.md). */
const WRITTEN = SIZE - 3 * BLOCK;

const original = (): Uint8Array => Uint8Array.from({ length: SIZE }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

/** What the guest writes: at byte OFFSET the 64-bit word OFFSET * 0x9e3779b97f4a7c15 + seed. */
function pattern(seed: bigint): Uint8Array {
  const words = BigUint64Array.from({ length: (2 * BLOCK) / 8 }, (_, i) =>
    BigInt.asUintN(64, BigInt(WRITTEN + 8 * i) * 0x9e3779b97f4a7c15n + seed),
  );
  return new Uint8Array(words.buffer);
}

const bytes = (name: string): Uint8Array => new Uint8Array(readFileSync(folder.file(name)));

function cfg(name: string, words: string, access = 'rw'): void {
  folder.write(
    `${name}.cfg`,
    `name = "${name}"
kernel = "${BARE}"
memory = 16
vuart = "sbsa_uart"
extra = "console=ttyAMA0 writes=2 reads=2 peeks=0 ${words}"
disk = [ 'format=raw,vdev=xvda,access=${access},specification=virtio,backend=DomD,grant_usage=0,target=${name}.raw' ]
`,
  );
}

beforeAll(() => {
  folder.write('spin', image(say({ uart: XEN_UART, text: 'spin\n', end: END.spin })));
  folder.write(
    'spin.cfg',
    'name = "s"\nkernel = "spin"\nmemory = 16\nvuart = "sbsa_uart"\nextra = "console=ttyAMA0"\n',
  );
});
beforeEach(() => {
  for (const name of ['a', 'b']) folder.write(`${name}.raw`, original());
});
afterAll(() => folder.remove());

test('writes are in the file after power-off, and nothing else has changed', async () => {
  cfg('a', 'seed=5');
  const { code } = await folder.run('run', '@a.cfg', '--quiet', '--report', '@report.json');
  const wanted = original();
  wanted.set(pattern(5n), WRITTEN);
  expect(code).toBe(0);
  expect(bytes('a.raw')).toEqual(wanted);
  const { ioreq } = folder.report();
  expect(ioreq.count).toBeGreaterThan(40);
  expect(ioreq.stage2Aborts).toBe(ioreq.count + Object.values(ioreq.exceptions).reduce((sum, n) => sum + n, 0));
});

test('--snapshot-disk reads its own writes and leaves the file alone', async () => {
  cfg('a', 'reboots=1');
  const { code, out } = await folder.run('run', '@a.cfg', '--snapshot-disk', '--quiet');
  expect(code).toBe(0);
  expect(out.match(/bare: boot \d of 2/g)).toEqual(['bare: boot 1 of 2', 'bare: boot 2 of 2']);
  expect(bytes('a.raw')).toEqual(original());
});

test('a read-only disk stays as it is', async () => {
  cfg('a', '', 'ro');
  const { code, out } = await folder.run('run', '@a.cfg', '--quiet');
  expect([code, out.includes('read-only')]).toEqual([0, true]);
  expect(bytes('a.raw')).toEqual(original());
});

test('two guests with a driver domain for both: one reboots twice, its disk keeps its content; each has its own', async () => {
  cfg('a', 'seed=1 reboots=2');
  cfg('b', 'seed=2');
  const { code, out, err } = await folder.run('run', '@a.cfg', '@b.cfg');
  expect(code).toBe(0);
  const lines = out.split(/\r?\n/).filter((line) => line !== '');
  expect(lines.every((line) => /^\[[ab]\] bare: /.test(line))).toBe(true);
  expect(lines.filter((line) => line.includes('boot '))).toEqual([1, 2, 3].map((n) => `[a] bare: boot ${n} of 3`));
  expect(err.filter((line) => line.includes('the others go on'))).toEqual([
    'rcar-sim: guest b has ended: poweroff; the others go on',
  ]);
  const [a, b] = [original(), original()];
  a.set(pattern(1n), WRITTEN);
  a.fill(0, SIZE - BLOCK); // the count of boots, taken back at the last one
  b.set(pattern(2n), WRITTEN);
  expect([bytes('a.raw'), bytes('b.raw')]).toEqual([a, b]);
});

test('two guests may read one image', async () => {
  cfg('a', 'writes=0', 'ro');
  cfg('b', 'writes=0', 'ro');
  const { code, out } = await folder.run('run', '@a.cfg', '@b.cfg', '--disk', 'xvda=@a.raw', '--quiet');
  expect(code).toBe(0);
  expect(out.match(/^\[[ab]\] bare: ok/gm)).toHaveLength(2);
});

test('on_reboot=destroy ends with outcome reboot', async () => {
  cfg('a', 'reboots=3');
  const { code, out } = await folder.run('run', '@a.cfg', 'on_reboot=destroy', '--quiet', '--report', '@report.json');
  expect([code, folder.report().outcome]).toEqual([0, 'reboot']);
  expect(out.match(/boot \d of 4/g)).toEqual(['boot 1 of 4']);
});

test('a guest that sleeps for ever, and SIGINT: writes are in the file', async () => {
  const wanted = original();
  wanted.set(pattern(9n), WRITTEN);
  cfg('a', 'seed=9 end=hang');
  const hung = await folder.run('run', '@a.cfg', '--quiet', '--report', '@report.json');
  expect([hung.code, folder.report().outcome]).toEqual([1, 'timeout']);
  expect(bytes('a.raw')).toEqual(wanted);
  folder.write('a.raw', original());
  const running = folder.start(['run', '@a.cfg', '@spin.cfg', '--quiet']);
  await running.until(/bare: ok/);
  running.child.kill('SIGINT');
  expect((await running.done).code).toBe(130);
  expect(bytes('a.raw')).toEqual(wanted);
});

test('a host that cannot read: an error status for the guest, one line for the user', () => {
  cfg('a', 'sector=64');
  const { config } = readGuestConfig(folder.file('a.cfg'), [], true);
  const warn = vi.fn();
  let text = '';
  const disks = config.disks.map((disk) => ({ ...disk, target: folder.file('a.raw') }));
  const simulation = createXenSimulation({
    configuration: configure(rcarH3()),
    guests: [{ ...config, disks }],
    warn,
    onConsole: (_console, byte) => (text += String.fromCharCode(byte)),
  });
  const fd = openSync(folder.file('a.raw'), 'r+');
  ftruncateSync(fd, 32 * 1024);
  closeSync(fd);
  while (simulation.machine.run() === 'more');
  expect(text).toMatch(/bare: FAIL .*status 1/);
  expect(warn.mock.calls).toEqual([[`${folder.file('a.raw')}: EIO`]]);
  simulation.close();
});

test('a write that the host refuses is an error status too, and the close says so', () => {
  cfg('a', 'reads=0');
  const { config } = readGuestConfig(folder.file('a.cfg'), [], true);
  writeFileSync(folder.file('a.raw'), original());
  const disks = config.disks.map((disk) => ({ ...disk, target: folder.file('a.raw') }));
  const failing = {
    bytes: SIZE,
    readOnly: false,
    lastError: 'a.raw: ENOSPC',
    read: () => true,
    write: () => false,
    flush: () => false,
    close: () => {
      throw new Error('a.raw: writes may be lost');
    },
    save: () => null,
    load: () => {},
  };
  let text = '';
  const warn = vi.fn();
  const simulation = createXenSimulation({
    configuration: configure(rcarH3()),
    guests: [{ ...config, disks }],
    disks: new Map([['a:xvda', failing]]),
    warn,
    onConsole: (_console, byte) => (text += String.fromCharCode(byte)),
  });
  while (simulation.machine.run() === 'more');
  expect(text).toMatch(/bare: FAIL .*status 1/);
  expect(warn).toHaveBeenCalledWith('a.raw: ENOSPC');
  expect(() => simulation.close()).toThrow('writes may be lost');
});
