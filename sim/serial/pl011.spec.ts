// Expected values: PrimeCell UART PL011 technical reference manual (DDI 0183G).
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pl011, PL011_REGISTERS } from './pl011.js';
import { uartBench } from './testbench.js';

const DR = 0x00;
const RSR = 0x04;
const FR = 0x18;
const IBRD = 0x24;
const FBRD = 0x28;
const LCR_H = 0x2c;
const CR = 0x30;
const IFLS = 0x34;
const IMSC = 0x38;
const RIS = 0x3c;
const MIS = 0x40;
const ICR = 0x44;
const FIFOS = 0x70; // 8 bits, FEN

const bench = (tx: 'instant' | 'baud' = 'instant', enabledAtReset = true) =>
  uartBench((deps) => new Pl011({ name: 'uart0', tx, clockHz: 24_000_000, enabledAtReset }, deps));

/** 115,200 baud at 24 MHz: 13 + 1/64 (DDI 0183G, 3.3.6); a bit is 16 * 833 / 64 clocks of 249.6 ticks. */
function program(b: ReturnType<typeof bench>): void {
  b.w(IBRD, 13);
  b.w(FBRD, 1);
  b.w(LCR_H, FIFOS);
}
const CHARACTER = BigInt(Math.floor((10 * 833 * 5_990_400_000) / (4 * 24_000_000)));

test('reset values and identification (table 3-1; r1p5)', () => {
  const b = bench('instant', false);
  for (const { at, reset, policy } of PL011_REGISTERS.registers) if (policy !== 'modelled') expect(b.r(at)).toBe(reset);
  expect(b.r(CR)).toBe(0x300);
  expect(b.r(IFLS)).toBe(0x12);
  expect(b.r(FR) & 0xf8).toBe(0x90);
  const id = [0xfe0, 0xfe4, 0xfe8, 0xfec].reduce((all, at, i) => all + b.r(at) * 2 ** (8 * i), 0);
  expect(id).toBe(0x0034_1011); // part 0x011, designer Arm, revision r1p5
});

test('a character goes out; the transmit interrupt is raw, masked and cleared (3.3.10 to 3.3.13)', () => {
  const b = bench();
  b.w(DR, 0x41);
  expect([b.sent, b.r(FR) & 0xa8, b.r(RIS)]).toEqual(['A', 0x80, 0x20]);
  expect([b.r(MIS), b.irq]).toEqual([0, false]);
  b.w(IMSC, 0x20);
  expect([b.r(MIS), b.irq]).toEqual([0x20, true]);
  b.w(ICR, 0x20);
  expect([b.r(RIS), b.irq]).toEqual([0, false]);
});

test('8, 16 and 32-bit accesses reach a register, 64-bit ones do not', () => {
  const b = bench();
  b.w(DR, 0x42, 1);
  b.w(IMSC, 0x7ff, 2);
  expect([b.sent, b.r(IMSC, 2), b.r(FR, 1)]).toEqual(['B', 0x7ff, 0x97]);
  expect(b.device.read(FR, 8, 0)).toBe(0);
  b.r(0x100);
  expect(b.errors).toEqual(['bad-read', 'bad-read']);
});

test('a disabled UART keeps characters, one without FIFO, 32 with (2.4.1, 3.3.8)', () => {
  const b = bench('instant', false);
  b.w(DR, 0x30);
  expect([b.sent, b.r(FR) & 0xa8]).toEqual(['', 0x28]); // full and busy
  b.w(DR, 0x31);
  expect(b.errors).toEqual(['tx-overflow']);
  b.w(LCR_H, FIFOS);
  for (let i = 0; i < 32; i++) b.w(DR, 0x41 + (i % 26));
  expect(b.r(FR) & 0x20).toBe(0x20);
  b.w(CR, 0x301);
  expect(b.sent).toBe('ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF');
});

test('at the programmed rate a character takes ten bits; the interrupt comes at the trigger level', () => {
  const b = bench('baud');
  program(b);
  for (let i = 0; i < 18; i++) b.w(DR, 0x61 + i); // one is in the shifter, 17 wait
  expect(b.r(RIS)).toBe(0);
  b.queue.dispatch(CHARACTER - 1n);
  expect(b.sent).toBe('');
  b.queue.dispatch(CHARACTER);
  expect([b.sent, b.r(RIS)]).toEqual(['a', 0x20]); // 16 are left: half of the FIFO (IFLS 2)
  b.queue.dispatch(CHARACTER * 17n);
  expect([b.sent.length, b.r(FR) & 0x88]).toEqual([17, 0x88]);
  b.queue.dispatch(CHARACTER * 18n);
  expect([b.sent.length, b.r(FR) & 0x88]).toEqual([18, 0x80]);
});

test('the receive interrupt follows the trigger level, the timeout the idle line (2.8.3, 2.8.5)', () => {
  const b = bench('baud');
  program(b);
  b.w(IFLS, 0); // 1/8: 4 characters
  b.w(IMSC, 0x50);
  for (const byte of [1, 2, 3]) b.device.input(byte);
  expect([b.r(RIS), b.irq]).toEqual([0, false]);
  b.queue.dispatch(CHARACTER * 4n); // 32 bits are 3.2 characters
  expect([b.r(RIS), b.irq]).toEqual([0x40, true]);
  b.device.input(4);
  expect(b.r(MIS)).toBe(0x50);
  expect([b.r(DR), b.r(RIS)]).toEqual([1, 0x40]);
  expect([b.r(DR), b.r(DR), b.r(DR), b.r(RIS), b.irq]).toEqual([2, 3, 4, 0, false]);
  expect(b.r(FR) & 0x10).toBe(0x10);
});

test('overrun: the character is lost, the next one carries OE (table 3-2)', () => {
  const b = bench();
  expect(b.device.input(1)).toBe(true);
  expect([b.device.canAccept(), b.device.input(2)]).toEqual([false, false]);
  expect(b.r(RIS) & 0x400).toBe(0x400);
  expect(b.r(DR)).toBe(1);
  b.device.input(3);
  expect([b.r(DR), b.r(RSR)]).toEqual([0x803, 8]);
  b.w(RSR, 0);
  expect(b.r(RSR)).toBe(0);
});

test('a break comes with its character and interrupt (table 3-2, 3.3.11)', () => {
  const b = bench();
  b.device.input(0, 0x400);
  expect([b.r(RIS) & 0x380, b.r(DR), b.r(RSR)]).toEqual([0x200, 0x400, 4]);
});

test('loopback returns what is sent; a receiver that is off loses input (3.3.8)', () => {
  const b = bench();
  b.w(CR, 0x381);
  b.w(DR, 0x5a);
  expect([b.sent, b.r(DR)]).toEqual(['', 0x5a]);
  b.w(CR, 0x101);
  expect(b.device.input(1)).toBe(false);
});

test('a debug read of DR leaves the FIFO alone', () => {
  const b = bench();
  b.device.input(7);
  expect([b.device.read(DR, 4, -1), b.r(DR), b.r(DR)]).toEqual([7, 7, 0]);
});

const access = fc.tuple(
  fc.nat(4),
  fc.oneof(fc.constantFrom(0, 0, 0, 4, 0x18, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38, 0x3c, 0x40, 0x44), fc.nat(0x1004)),
  fc.constantFrom<1 | 2 | 4>(1, 2, 4),
  fc.nat(0xffff),
);

test.each(['instant', 'baud'] as const)('%s: no access sequence throws; save, restore, continue is continue', (tx) => {
  type Step = readonly [number, number, 1 | 2 | 4, number];
  const step = (b: ReturnType<typeof bench>, [kind, offset, width, value]: Step): unknown => {
    if (kind === 0) b.queue.dispatch(b.queue.time + BigInt(value) * 100n);
    else if (kind === 1) return b.device.input(value);
    else if (kind === 2) return b.r(offset, width);
    else b.w(offset, value, width);
    return b.irq;
  };
  fc.assert(
    fc.property(fc.array(access, { maxLength: 80 }), fc.array(access, { maxLength: 40 }), (before, after) => {
      const a = bench(tx);
      program(a);
      for (const each of before) step(a, each);
      const b = bench(tx);
      b.queue.load(JSON.parse(JSON.stringify(a.queue.save())));
      b.device.load(JSON.parse(JSON.stringify(a.device.save())));
      expect(b.device.save()).toEqual(a.device.save());
      const had = a.sent.length;
      expect(after.map((each) => step(b, each))).toEqual(after.map((each) => step(a, each)));
      expect(b.sent).toBe(a.sent.slice(had));
    }),
    { numRuns: 150, seed: 1 },
  );
});
