// Expected values: R-Car Gen3 hardware manual, SCIF; idioms of linux: drivers/tty/serial/sh-sci.c and
// xen: xen/drivers/char/scif-uart.c.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Scif, SCIF_REGISTERS } from './scif.js';
import { uartBench } from './testbench.js';

const SCSMR = 0x00;
const SCBRR = 0x04;
const SCSCR = 0x08;
const SCFTDR = 0x0c;
const SCFSR = 0x10;
const SCFRDR = 0x14;
const SCFCR = 0x18;
const SCFDR = 0x1c;
const SCLSR = 0x24;
const DL = 0x30;

const BYTES = new Set([SCBRR, SCFTDR, SCFRDR]);
const bench = (tx: 'instant' | 'baud' = 'instant', kind: 'scif' | 'hscif' = 'scif') =>
  uartBench(
    (deps) =>
      new Scif({ name: 'scif2', kind, tx, fckHz: 66_560_000, brgIntHz: 266_240_000, scifClkHz: 14_745_600 }, deps),
    (offset) => (BYTES.has(offset) ? 1 : 2),
  );

/** One character at 14.7456 MHz / (16 * 8) = 115,200 baud: 10 bits of 52,000 ticks. */
const CHARACTER = 520_000n;
function brg(b: ReturnType<typeof bench>): void {
  b.w(DL, 8);
  b.w(SCSCR, 0x32);
}

test('reset values; every register has its own width', () => {
  const b = bench();
  expect([b.r(SCSMR), b.r(SCBRR), b.r(SCSCR), b.r(SCFSR), b.r(SCFDR)]).toEqual([0, 0xff, 0, 0x60, 0]);
  for (const { at, size, policy } of SCIF_REGISTERS.registers) {
    if (policy === 'tagged') continue;
    const other = size === 1 ? 2 : 1;
    expect(b.device.read(at, 4, 0)).toBe(0);
    expect(b.device.read(at, other, 0)).toBe(0);
    expect(b.errors.splice(0)).toEqual(['bad-read', 'bad-read']);
  }
});

test('TDFE and TEND come back after a write of zero (Xen clears the whole status at init)', () => {
  const b = bench();
  b.w(SCFSR, 0);
  expect(b.r(SCFSR)).toBe(0x60);
});

test('characters leave when TE is set; TFRST drops those that wait', () => {
  const b = bench();
  b.w(SCFTDR, 0x41);
  expect([b.sent, b.r(SCFDR), b.r(SCFSR)]).toEqual(['', 0x100, 0x20]);
  b.w(SCSCR, 0x30);
  expect([b.sent, b.r(SCFSR)]).toEqual(['A', 0x60]);
  b.w(SCSCR, 0);
  b.w(SCFTDR, 0x42);
  b.w(SCFCR, 0x06);
  expect(b.r(SCFDR)).toBe(0);
  b.w(SCFTDR, 0x43);
  expect(b.errors).toEqual(['tx-overflow']);
});

test('at 115,200 baud from the BRG a character takes 520,000 ticks; TDFE follows TTRG', () => {
  const b = bench('baud');
  brg(b);
  b.w(SCFCR, 0x30); // trigger 0 as Xen sets it
  for (const c of 'abc') b.w(SCFTDR, c.charCodeAt(0));
  expect([b.r(SCFSR), b.r(SCFDR)]).toEqual([0, 0x200]);
  b.queue.dispatch(CHARACTER - 1n);
  expect(b.sent).toBe('');
  b.queue.dispatch(2n * CHARACTER);
  expect([b.sent, b.r(SCFSR)]).toEqual(['ab', 0x20]);
  b.queue.dispatch(3n * CHARACTER);
  expect([b.sent, b.r(SCFSR)]).toEqual(['abc', 0x60]);
});

test('the internal divider: 66.56 MHz / (32 * 18) = 115,556 baud, the firmware setting', () => {
  const b = bench('baud');
  b.w(SCBRR, 17);
  b.w(SCSCR, 0x30);
  b.w(SCFTDR, 0x41);
  const character = BigInt(Math.floor((10 * 32 * 18 * 5_990_400_000) / 66_560_000));
  b.queue.dispatch(character - 1n);
  expect(b.sent).toBe('');
  b.queue.dispatch(character);
  expect(b.sent).toBe('A');
});

test('TIE is a level interrupt on TDFE', () => {
  const b = bench();
  b.w(SCSCR, 0xb0);
  expect(b.irq).toBe(true);
  b.w(SCSCR, 0x30);
  expect(b.irq).toBe(false);
});

test('DR is raised again for each character below the trigger (Xen reads one per DR)', () => {
  const b = bench();
  b.w(SCFCR, 0xc0); // RTRG 14
  b.w(SCSCR, 0x70);
  for (const byte of [1, 2]) b.device.input(byte);
  expect([b.irq, b.r(SCFSR) & 3]).toEqual([true, 1]);
  expect(b.r(SCFRDR)).toBe(1);
  b.w(SCFSR, 0xfffc);
  expect([b.r(SCFSR) & 3, b.irq]).toEqual([1, true]);
  expect(b.r(SCFRDR)).toBe(2);
  expect([b.r(SCFSR) & 3, b.irq]).toEqual([0, false]);
});

test('at the programmed rate DR waits for 15 idle bits, RDF does not', () => {
  const b = bench('baud');
  brg(b);
  b.w(SCFCR, 0x80); // RTRG 8, as Linux
  b.w(SCSCR, 0x72);
  b.device.input(1);
  expect(b.r(SCFSR) & 3).toBe(0);
  b.queue.dispatch(15n * 52_000n);
  expect([b.r(SCFSR) & 3, b.irq]).toEqual([1, true]);
  for (let i = 0; i < 7; i++) b.device.input(i);
  expect([b.r(SCFSR) & 3, b.r(SCFDR)]).toEqual([2, 8]);
});

test('overrun sets ORER beside RDF; a written zero clears it, a one does not', () => {
  const b = bench();
  b.w(SCFCR, 0xc0);
  b.w(SCSCR, 0x70);
  for (let i = 0; i < 16; i++) expect(b.device.input(i)).toBe(true);
  expect([b.device.canAccept(), b.device.input(99)]).toEqual([false, false]);
  expect([b.r(SCLSR), b.r(SCFSR) & 3, b.r(SCFDR)]).toEqual([1, 2, 16]);
  b.w(SCLSR, 1);
  expect(b.r(SCLSR)).toBe(1);
  b.w(SCLSR, 0);
  for (let i = 0; i < 16; i++) expect(b.r(SCFRDR)).toBe(i);
  expect(b.irq).toBe(false);
});

test('a break is latched until zero is written; RIE alone raises its interrupt', () => {
  const b = bench();
  b.w(SCSCR, 0x58);
  b.device.input(0, 0x10);
  b.r(SCFRDR);
  expect([b.r(SCFSR), b.irq]).toEqual([0x70, true]);
  b.w(SCFSR, 0xffef);
  expect([b.r(SCFSR), b.irq]).toEqual([0x60, false]);
});

test('HSCIF has 128 characters and its own triggers', () => {
  const b = bench('instant', 'hscif');
  b.w(SCSCR, 0x10);
  b.w(0x54, 100);
  for (let i = 0; i < 128; i++) b.device.input(i);
  expect([b.r(SCFDR), b.r(SCFSR) & 3, b.device.canAccept()]).toEqual([128, 2, false]);
});

const access = fc.tuple(
  fc.nat(4),
  fc.oneof(fc.constantFrom(0, 4, 8, 8, 0x0c, 0x0c, 0x10, 0x14, 0x14, 0x18, 0x1c, 0x24, 0x30, 0x34), fc.nat(0x60)),
  fc.constantFrom<1 | 2 | 4>(1, 2, 4),
  fc.nat(0xffff),
);

test.each(['instant', 'baud'] as const)('%s: no access sequence throws; save, restore, continue is continue', (tx) => {
  type Step = readonly [number, number, 1 | 2 | 4, number];
  const step = (b: ReturnType<typeof bench>, [kind, offset, width, value]: Step): unknown => {
    if (kind === 0) b.queue.dispatch(b.queue.time + BigInt(value) * 100n);
    else if (kind === 1) return b.device.input(value);
    else if (kind === 2) return b.r(offset, BYTES.has(offset) ? 1 : width);
    else b.w(offset, value, BYTES.has(offset) ? 1 : width);
    return b.irq;
  };
  fc.assert(
    fc.property(fc.array(access, { maxLength: 80 }), fc.array(access, { maxLength: 40 }), (before, after) => {
      const a = bench(tx);
      brg(a);
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
