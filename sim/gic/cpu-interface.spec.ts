// Expected values: GICv2 architecture specification (IHI 0048B) and GIC-400 TRM (DDI 0471B).
import { expect, test } from 'vitest';
import { FLAT, gicBench, H3 } from './testbench.js';

const CTLR = 0x00;
const PMR = 0x04;
const BPR = 0x08;
const IAR = 0x0c;
const EOIR = 0x10;
const RPR = 0x14;
const HPPIR = 0x18;
const DIR = 0x1000;

test('a level-sensitive SPI: signalled, acknowledged, again pending after EOI while the line is high (3.2.4)', () => {
  const { gic, r, w, log, open } = gicBench(FLAT);
  open(0, 1);
  w(gic.dist, 0x821, 1, 0, 1);
  gic.enable(0, 33);
  gic.spiLine(1).set(true);
  expect(r(gic.cpuif, HPPIR)).toBe(33);
  expect(r(gic.cpuif, IAR)).toBe(33);
  expect([r(gic.dist, 0x304), r(gic.dist, 0x204)]).toEqual([2, 2]); // active and pending
  expect(r(gic.cpuif, IAR)).toBe(1023);
  w(gic.cpuif, EOIR, 33);
  expect(r(gic.cpuif, IAR)).toBe(33);
  gic.spiLine(1).set(false);
  w(gic.cpuif, EOIR, 33);
  expect(r(gic.dist, 0x304)).toBe(0);
  expect(log).toEqual(['irq0=1', 'irq0=0', 'irq0=1', 'irq0=0']);
});

test('only a higher priority preempts; RPR follows the nesting (3.3, 4.4.6)', () => {
  const { gic, r, w, open } = gicBench(FLAT);
  open(0);
  for (const [intid, priority] of [
    [33, 0xa0],
    [34, 0xa0],
    [35, 0x80],
  ] as const) {
    gic.dist.setTargets(intid, 1);
    gic.dist.setPriority(0, intid, priority);
    gic.enable(0, intid);
  }
  expect(r(gic.cpuif, RPR)).toBe(0xff);
  gic.spiLine(1).set(true);
  expect(r(gic.cpuif, IAR)).toBe(33);
  gic.spiLine(2).set(true);
  expect(r(gic.cpuif, IAR)).toBe(1023);
  gic.spiLine(3).set(true);
  expect(r(gic.cpuif, IAR)).toBe(35);
  expect(r(gic.cpuif, RPR)).toBe(0x80);
  gic.spiLine(3).set(false);
  w(gic.cpuif, EOIR, 35);
  expect(r(gic.cpuif, RPR)).toBe(0xa0);
  gic.spiLine(1).set(false);
  w(gic.cpuif, EOIR, 33);
  expect(r(gic.cpuif, IAR)).toBe(34);
});

test('the binary point removes low bits from preemption (3.3.3)', () => {
  const { gic, r, w, log, open } = gicBench(FLAT);
  open(0);
  w(gic.cpuif, BPR, 0);
  expect(r(gic.cpuif, BPR)).toBe(2); // the smallest with 5 priority bits
  w(gic.cpuif, BPR, 5); // bits 7:6 preempt
  for (const [intid, priority] of [
    [33, 0x98],
    [34, 0x80],
  ] as const) {
    gic.dist.setTargets(intid, 1);
    gic.dist.setPriority(0, intid, priority);
    gic.enable(0, intid);
  }
  gic.spiLine(1).set(true);
  expect(r(gic.cpuif, IAR)).toBe(33);
  log.length = 0;
  gic.spiLine(2).set(true);
  expect(log).toEqual([]); // 0x80 and 0x98 share a group priority
});

test('priorities not above the mask wait; of equal ones the lowest INTID wins (4.4.2; TRM 2.3.2)', () => {
  const { gic, r, w, log, open } = gicBench(FLAT);
  open(0);
  for (const intid of [40, 39]) {
    gic.dist.setTargets(intid, 1);
    gic.dist.setPriority(0, intid, 0xa0);
    gic.enable(0, intid);
  }
  w(gic.cpuif, PMR, 0xa0);
  gic.spiLine(8).set(true);
  gic.spiLine(7).set(true);
  expect([log.length, r(gic.cpuif, IAR), r(gic.cpuif, HPPIR)]).toEqual([0, 1023, 39]);
  w(gic.cpuif, PMR, 0xa8);
  expect(r(gic.cpuif, IAR)).toBe(39);
});

test('an SPI for two CPUs goes to the first that acknowledges (1-N model, 1.4.3)', () => {
  const { gic, r, log, open } = gicBench(FLAT);
  open(0, 1);
  gic.dist.setTargets(33, 3);
  gic.enable(0, 33);
  gic.spiLine(1).set(true);
  expect(r(gic.cpuif, IAR, 1)).toBe(33);
  expect(r(gic.cpuif, IAR, 0)).toBe(1023);
  expect(log).toEqual(['irq0=1', 'irq1=1', 'irq0=0', 'irq1=0']);
});

test('each source of an SGI is delivered by itself, the lowest CPU first (4.4.4, CPUID)', () => {
  const { gic, r, w, open } = gicBench(FLAT);
  open(0, 1);
  gic.sendSgi(1, 1, 3);
  gic.sendSgi(0, 1, 3);
  gic.sendSgi(0, 1, 3); // merged
  expect(r(gic.cpuif, IAR)).toBe(3);
  w(gic.cpuif, EOIR, 3);
  expect(r(gic.cpuif, IAR)).toBe(3 | (1 << 10));
  w(gic.cpuif, EOIR, 3 | (1 << 10));
  expect(r(gic.cpuif, IAR)).toBe(1023);
});

test('EOImode splits priority drop from deactivation (3.2.1, 4.4.15)', () => {
  const { gic, r, w, errors, open } = gicBench(FLAT);
  open(0);
  gic.enable(0, 27);
  gic.ppiLine(0, 27).set(true);
  w(gic.cpuif, CTLR, 0x201);
  expect(r(gic.cpuif, IAR)).toBe(27);
  w(gic.cpuif, EOIR, 27);
  expect([r(gic.cpuif, RPR), r(gic.dist, 0x300), r(gic.cpuif, IAR)]).toEqual([0xff, 1 << 27, 1023]);
  w(gic.cpuif, DIR, 27);
  expect(r(gic.cpuif, IAR)).toBe(27);
  w(gic.cpuif, CTLR, 1);
  w(gic.cpuif, DIR, 27);
  expect(errors).toEqual(['dir-without-eoimode gicc']);
});

test('Group 1 without AckCtl answers 1022; AIAR acknowledges it; Group 0 may be FIQ (4.4.4, 4.4.9, 4.4.1)', () => {
  const { gic, r, w, log } = gicBench(FLAT);
  w(gic.dist, 0x000, 3);
  w(gic.dist, 0x080, 1 << 27);
  w(gic.cpuif, PMR, 0xff);
  w(gic.cpuif, CTLR, 0x0b); // both groups, FIQEn
  gic.enable(0, 27);
  gic.enable(0, 30);
  gic.ppiLine(0, 27).set(true);
  expect([r(gic.cpuif, IAR), r(gic.cpuif, HPPIR), r(gic.cpuif, 0x28)]).toEqual([1022, 1022, 27]);
  expect(r(gic.cpuif, 0x20)).toBe(27);
  expect(r(gic.cpuif, 0xe0)).toBe(1); // NSAPR0: group priority 0
  gic.ppiLine(0, 27).set(false);
  w(gic.cpuif, 0x24, 27);
  gic.ppiLine(0, 30).set(true);
  expect(log).toEqual(['irq0=1', 'irq0=0', 'fiq0=1']);
});

test('Non-secure view: CTLR, PMR, BPR, RPR, APR (tables 4-32, 4-33; 3.8.1)', () => {
  const { gic, r, w, log, open } = gicBench(H3);
  open(4);
  w(gic.cpuif, CTLR, 0x261, 4);
  expect(r(gic.cpuif, CTLR, 4)).toBe(0x261);
  expect(r(gic.cpuif, PMR, 4)).toBe(0xf0);
  expect(r(gic.cpuif, BPR, 4)).toBe(3);
  w(gic.dist, 0x418, 0xa0a0_a0a0, 4); // INTID 24..27
  w(gic.dist, 0x100, 1 << 27, 4);
  gic.ppiLine(4, 27).set(true);
  expect(r(gic.cpuif, IAR, 4)).toBe(27);
  expect(r(gic.cpuif, RPR, 4)).toBe(0xa0);
  expect(r(gic.cpuif, 0xd0, 4)).toBe(1 << 10); // priority 0xa0 is level 10 of 16
  expect(log).toEqual(['irq4=1', 'irq4=0']);
});

test('Non-secure software neither sends nor receives a Group 0 SGI', () => {
  const { gic, r, w, log, open } = gicBench(H3);
  open(0, 1);
  w(gic.dist, 0xf00, 0x0002_0008); // SGI 8 to CPU 1
  w(gic.dist, 0xf00, 0x0002_0007);
  expect(r(gic.cpuif, IAR, 1)).toBe(7);
  expect(r(gic.cpuif, IAR, 1)).toBe(1023);
  expect(log).toEqual(['irq1=1', 'irq1=0']);
});

test('the 64 KiB integration repeats each page (the checks of Linux irq-gic.c and Xen gic-v2.c)', () => {
  const { gic, r, w, open } = gicBench(H3);
  const low = r(gic.cpuif, 0xfc);
  const high = r(gic.cpuif, 0xf0fc);
  expect(low).toBe(high);
  expect((low & 0xff0fff) >>> 0).toBe(0x02043b & 0xff0fff);
  expect((low & 0xfff0fff) >>> 0).toBe(0x0202043b);
  open(0);
  w(gic.cpuif, 0xf000, 0x201);
  gic.sendSgi(0, 1, 2);
  expect(r(gic.cpuif, 0xf00c)).toBe(2);
  w(gic.cpuif, 0xf010, 2);
  w(gic.cpuif, 0x1_0000, 2); // base + 0xf000 + DIR
  expect(r(gic.dist, 0x300)).toBe(0);
});

test('a second EOI is reported and drops nothing', () => {
  const { gic, r, w, errors, open } = gicBench(FLAT);
  open(0);
  gic.sendSgi(0, 1, 2);
  w(gic.cpuif, EOIR, r(gic.cpuif, IAR));
  w(gic.cpuif, EOIR, 2);
  w(gic.cpuif, EOIR, 1023); // spurious: ignored (4.4.5)
  expect(errors).toEqual(['eoi-without-active gicc']);
});

test('a debug read of IAR does not acknowledge', () => {
  const { gic, r, open } = gicBench(FLAT);
  open(0);
  gic.sendSgi(0, 1, 2);
  expect(r(gic.cpuif, IAR, -1)).toBe(2);
  expect(r(gic.cpuif, IAR)).toBe(2);
});
