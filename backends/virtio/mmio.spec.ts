import { expect, test } from 'vitest';
import { blkClass } from './blk.js';
import type { Disk } from './disk.js';
import { registerName, VirtioMmio } from './mmio.js';

// Offsets: virtio 1.2, 4.2.2; values of the real backend: xen-ioreq.md 8.6.
const R = {
  MAGIC: 0,
  VERSION: 4,
  ID: 8,
  VENDOR: 0xc,
  FEATURES: 0x10,
  FEATURES_SEL: 0x14,
  DRIVER: 0x20,
  DRIVER_SEL: 0x24,
  SEL: 0x30,
  MAX: 0x34,
  NUM: 0x38,
  READY: 0x44,
  NOTIFY: 0x50,
  ISR: 0x60,
  ACK: 0x64,
  STATUS: 0x70,
  DESC: 0x80,
  AVAIL: 0x90,
  USED: 0xa0,
  GENERATION: 0xfc,
};
const [ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED] = [1, 2, 4, 8, 64, 128];

const disk = (readOnly = false): Disk => ({
  bytes: 8 << 20,
  readOnly,
  lastError: undefined,
  read: () => true,
  write: () => true,
  flush: () => true,
  close: () => {},
  save: () => null,
  load: () => {},
});

function setup(readOnly = false) {
  const d = new VirtioMmio(blkClass(disk(readOnly)));
  const r = (at: number, size = 4): number => Number(d.read(at, size));
  const w = (at: number, value: number, size = 4) => d.write(at, size, BigInt(value));
  return { d, r, w };
}

/** The set-up of Linux's virtio_blk as observed (golden-libxl.md 5). */
function ready({ r, w }: ReturnType<typeof setup>, features = 0x3000_0204): void {
  w(R.STATUS, 0);
  w(R.STATUS, ACKNOWLEDGE);
  w(R.STATUS, ACKNOWLEDGE | DRIVER);
  w(R.DRIVER_SEL, 1);
  w(R.DRIVER, 3);
  w(R.DRIVER_SEL, 0);
  w(R.DRIVER, features);
  w(R.STATUS, 0xb);
  expect(r(R.STATUS)).toBe(0xb);
  w(R.SEL, 0);
  w(R.NUM, 256);
  [R.DESC, R.AVAIL, R.USED].forEach((at, i) => {
    w(at, 0x4ba6_0000 + i * 0x1000);
    w(at + 4, 0);
  });
}

test('identification and features', () => {
  const { r, w } = setup();
  expect([R.MAGIC, R.VERSION, R.ID, R.VENDOR].map((at) => r(at))).toEqual([0x7472_6976, 2, 2, 0x4d56_4b4c]);
  const features = [0, 1, 2, 0xffff_ffff].map((sel) => (w(R.FEATURES_SEL, sel), r(R.FEATURES)));
  // SEG_MAX 2, FLUSH 9, INDIRECT 28, EVENT_IDX 29; VERSION_1 32, ACCESS_PLATFORM 33
  expect(features).toEqual([0x3000_0204, 3, 0, 0]);
  const ro = setup(true);
  ro.w(R.FEATURES_SEL, 0);
  expect(ro.r(R.FEATURES)).toBe(0x3000_0224);
});

test('the status machine: bits are added, only a reset takes them away', () => {
  const t = setup();
  ready(t);
  const { r, w, d } = t;
  w(R.STATUS, 0xf);
  w(R.STATUS, ACKNOWLEDGE);
  expect(r(R.STATUS)).toBe(0xf);
  w(R.STATUS, FAILED);
  w(R.STATUS, 0xf);
  expect(r(R.STATUS)).toBe(0xf | FAILED);
  w(R.STATUS, 0);
  expect([r(R.STATUS), d.driverFeatures]).toEqual([0, 0n]);
  w(R.STATUS, 0xffff_ff41); // the driver cannot set NEEDS_RESET, and there are eight bits
  expect(r(R.STATUS)).toBe(1);
});

test('features that were not offered are refused', () => {
  const { r, w } = setup();
  w(R.STATUS, 3);
  w(R.DRIVER_SEL, 0);
  w(R.DRIVER, 0x3000_0204 | 1);
  w(R.STATUS, 0xb);
  expect(r(R.STATUS)).toBe(3);
  w(R.DRIVER, 0x204);
  w(R.STATUS, 0xb);
  expect(r(R.STATUS)).toBe(0xb);
  w(R.DRIVER_SEL, 2); // no third word
  w(R.DRIVER, 0xffff_ffff);
  w(R.STATUS, 0xf);
  expect(r(R.STATUS)).toBe(0xf);
});

test('queue 0 has 256 entries whatever the driver says; others are not there', () => {
  const { d, r, w } = setup();
  expect([r(R.MAX), r(R.READY)]).toEqual([256, 0]);
  w(R.NUM, 8);
  expect(d.queue.size).toBe(256);
  w(R.SEL, 1);
  w(R.DESC, 0x1234);
  expect([w(R.READY, 1), r(R.READY), d.queue.desc, d.queue.ready]).toEqual([undefined, 0, 0n, false]);
  w(R.SEL, 0);
  expect([w(R.READY, 1), r(R.READY), w(R.READY, 1)]).toEqual(['queue-ready', 1, undefined]);
  w(R.SEL, 5);
  expect(r(R.READY)).toBe(0);
});

test('ring addresses are two words, frozen while the queue is ready', () => {
  const t = setup();
  ready(t);
  const { d, w } = t;
  w(R.DESC + 4, 0x8000_0001);
  w(R.READY, 1);
  w(R.DESC, 0);
  w(R.AVAIL, 0);
  w(R.USED + 4, 7);
  expect([d.queue.desc, d.queue.avail, d.queue.used, d.queue.eventIdx]).toEqual([
    0x8000_0001_4ba6_0000n,
    0x4ba6_1000n,
    0x4ba6_2000n,
    true,
  ]);
  expect([w(R.READY, 0), w(R.READY, 0)]).toEqual(['queue-stop', undefined]);
  const plain = setup();
  ready(plain, 0x204);
  plain.w(R.READY, 1);
  expect(plain.d.queue.eventIdx).toBe(false);
});

// virtio 1.2, 2.1.2: the device MUST NOT consume buffers before DRIVER_OK.
test('notifications count for queue 0, ready, of a driver that is', () => {
  const t = setup();
  ready(t);
  const { d, w } = t;
  w(R.STATUS, 0xf);
  expect(w(R.NOTIFY, 0)).toBeUndefined(); // no queue
  w(R.STATUS, 0);
  ready(t);
  w(R.READY, 1);
  expect(w(R.NOTIFY, 0)).toBeUndefined(); // no DRIVER_OK
  w(R.STATUS, 0xf);
  expect([w(R.NOTIFY, 0), w(R.NOTIFY, 1), w(R.NOTIFY, 0x1_0000)]).toEqual(['notify', undefined, undefined]);
  d.needsReset();
  expect(w(R.NOTIFY, 0)).toBeUndefined();
});

test('reset stops a queue that runs', () => {
  const t = setup();
  ready(t);
  expect(t.w(R.STATUS, 0)).toBeUndefined();
  ready(t);
  t.w(R.READY, 1);
  expect([t.w(R.STATUS, 0), t.r(R.READY), t.d.queue.desc]).toEqual(['queue-stop', 0, 0n]);
});

test('interrupt status is cleared bit by bit', () => {
  const t = setup();
  ready(t);
  t.w(R.STATUS, 0xf);
  t.d.interruptStatus = 3;
  t.w(R.ACK, 0xffff_fffd);
  expect(t.r(R.ISR)).toBe(2);
  t.w(R.ACK, 2);
  expect(t.r(R.ISR)).toBe(0);
  t.w(R.ISR, 3); // read-only
  expect(t.r(R.ISR)).toBe(0);
});

test('needs-reset tells a driver that is ready, and stays until the reset', () => {
  const t = setup();
  expect([t.d.needsReset(), t.r(R.STATUS), t.r(R.ISR)]).toEqual([false, NEEDS_RESET, 0]);
  t.w(R.STATUS, 0);
  ready(t);
  t.w(R.STATUS, 0xb | DRIVER_OK);
  expect([t.d.needsReset(), t.r(R.STATUS), t.r(R.ISR)]).toEqual([true, 0xf | NEEDS_RESET, 2]);
  t.w(R.STATUS, FEATURES_OK);
  expect(t.r(R.STATUS) & NEEDS_RESET).toBe(NEEDS_RESET);
  t.w(R.STATUS, 0);
  expect(t.r(R.STATUS)).toBe(0);
});

test('configuration: 1, 2 and 4 bytes anywhere; capacity in sectors, seg_max; not writable', () => {
  const { r, w } = setup();
  expect([r(0x100), r(0x104), r(0x10c), r(0x10c, 1), r(0x101, 2), r(R.GENERATION)]).toEqual([
    16384, 0, 254, 254, 64, 0,
  ]);
  expect([r(0x100, 8), r(0x100, 3), r(0x1ff), r(0x1fe, 4), r(0x200)]).toEqual([0, 0, 0, 0, 0]);
  w(0x100, 1);
  expect(r(0x100)).toBe(16384);
});

test('registers are four bytes wide: all else reads 0 and writes nothing', () => {
  const { r, w, d } = setup();
  for (const size of [1, 2, 8]) {
    expect([r(R.MAGIC, size), r(R.STATUS, size)]).toEqual([0, 0]);
    w(R.STATUS, 1, size);
  }
  for (const at of [2, 0x18, 0x3c, 0x68, 0xb0, 0xf8]) {
    expect(w(at, 0xffff_ffff)).toBeUndefined();
    expect(r(at)).toBe(0);
  }
  expect(d.save()).toEqual(setup().d.save());
});

test('names for traces', () => {
  expect([registerName(0x50), registerName(0x104), registerName(0x48)]).toEqual(['QueueNotify', 'Config+4', '0x48']);
});

test('saved in any state and restored, it answers the same', () => {
  const t = setup();
  ready(t);
  t.w(R.READY, 1);
  t.w(R.STATUS, 0xf);
  t.w(R.FEATURES_SEL, 1);
  t.d.interruptStatus = 1;
  const copy = setup();
  copy.d.load(JSON.parse(JSON.stringify(t.d.save())));
  for (let at = 0; at < 0x110; at += 4) expect([at, copy.r(at)]).toEqual([at, t.r(at)]);
  expect(copy.w(R.NOTIFY, 0)).toBe('notify');
});

test('any sequence of accesses: nothing throws, and registers stay 32 bits wide', () => {
  const { r, w } = setup();
  let state = 3;
  const random = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 4;
  for (let i = 0; i < 5000; i++) {
    const at = random() % 0x210;
    const size = [1, 2, 4, 8][random() % 4]!;
    if (random() % 2 === 0) w(at, random() * 16, size);
    const value = r(at, size);
    expect(value >= 0 && value < 2 ** 32).toBe(true);
  }
});
