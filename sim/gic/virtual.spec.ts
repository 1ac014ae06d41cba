// Expected values: GICv2 architecture specification (IHI 0048B), chapter 5, and GIC-400 TRM (DDI 0471B).
import { expect, test } from 'vitest';
import { FLAT, gicBench, H3 } from './testbench.js';

const HCR = 0x000;
const VTR = 0x004;
const VMCR = 0x008;
const MISR = 0x010;
const EISR0 = 0x020;
const ELRSR0 = 0x030;
const APR = 0x0f0;
const LR0 = 0x100;

const PENDING = 1 << 28;
const ACTIVE = 1 << 29;
const GROUP1 = 1 << 30;
const HW = 0x8000_0000;
const priority = (byte: number) => (byte >> 3) << 23;

/** A virtual CPU interface as a guest kernel sets it up: Group 0 enabled, mask 0xf0. */
function guest(config = FLAT) {
  const bench = gicBench(config);
  const { gic, w } = bench;
  w(gic.gich, HCR, 1);
  w(gic.gicv, 0x04, 0xf0);
  w(gic.gicv, 0x00, 1);
  return bench;
}

test('reset values (TRM 3.4, 3.5)', () => {
  const { gic, r } = gicBench(H3);
  expect(r(gic.gich, VTR)).toBe(0x9000_0003);
  expect(r(gic.gich, VMCR)).toBe(0x004c_0000);
  expect(r(gic.gich, ELRSR0)).toBe(0xf);
  expect(r(gic.gicv, 0x08)).toBe(2);
  expect(r(gic.gicv, 0x1c)).toBe(3);
  expect(r(gic.gicv, 0xf0fc)).toBe(0x0202_143b);
});

test('GICV and VMCR are two views of one state (5.3.4)', () => {
  const { gic, r, w } = guest();
  expect(r(gic.gich, VMCR)).toBe(0xf04c_0001);
  w(gic.gich, VMCR, 0x80ac_0201);
  expect([r(gic.gicv, 0x00), r(gic.gicv, 0x04), r(gic.gicv, 0x08)]).toEqual([0x201, 0x80, 5]);
});

test('a software interrupt: signalled, acknowledged, ended; the list register follows (5.2)', () => {
  const { gic, r, w, log } = guest();
  w(gic.gich, LR0, PENDING | priority(0xa0) | 33);
  expect(r(gic.gich, ELRSR0)).toBe(0xe);
  expect(r(gic.gicv, 0x18)).toBe(33);
  expect(r(gic.gicv, 0x0c)).toBe(33);
  expect(r(gic.gich, LR0)).toBe(ACTIVE | priority(0xa0) | 33);
  expect(r(gic.gich, APR)).toBe(1 << 20); // 0xa0 >> 3
  expect(r(gic.gicv, 0x14)).toBe(0xa0);
  w(gic.gicv, 0x10, 33);
  expect(r(gic.gich, LR0)).toBe(priority(0xa0) | 33);
  expect(r(gic.gich, APR)).toBe(0);
  expect(log).toEqual(['virq0=1', 'virq0=0']);
});

test('active and pending: delivered again after the EOI (5.2.2)', () => {
  const { gic, r, w, log } = guest();
  w(gic.gich, LR0, PENDING | 33);
  r(gic.gicv, 0x0c);
  w(gic.gich, LR0, PENDING | ACTIVE | 33);
  expect(r(gic.gicv, 0x0c)).toBe(1023);
  w(gic.gicv, 0x10, 33);
  expect(r(gic.gicv, 0x0c)).toBe(33);
  expect(log).toEqual(['virq0=1', 'virq0=0', 'virq0=1', 'virq0=0']);
});

test('the highest priority of the list registers is delivered, and nests (3.3)', () => {
  const { gic, r, w } = guest();
  w(gic.gich, LR0, PENDING | priority(0xa0) | 40);
  expect(r(gic.gicv, 0x0c)).toBe(40);
  w(gic.gich, LR0 + 4, PENDING | priority(0xa0) | 41);
  w(gic.gich, LR0 + 8, PENDING | priority(0x80) | 42);
  expect(r(gic.gicv, 0x0c)).toBe(42);
  expect(r(gic.gicv, 0x0c)).toBe(1023);
  w(gic.gicv, 0x10, 42);
  w(gic.gicv, 0x10, 40);
  expect(r(gic.gicv, 0x0c)).toBe(41);
});

test('the priority mask and HCR.En hold interrupts back (5.3.2, 5.5.2)', () => {
  const { gic, r, w, log } = guest();
  w(gic.gicv, 0x04, 0xa0);
  w(gic.gich, LR0, PENDING | priority(0xa0) | 40);
  expect(r(gic.gicv, 0x0c)).toBe(1023);
  w(gic.gicv, 0x04, 0xf0);
  w(gic.gich, HCR, 0);
  expect(r(gic.gicv, 0x0c)).toBe(1023);
  expect(log).toEqual(['virq0=1', 'virq0=0']);
});

test('HW: a virtual EOI deactivates the physical interrupt (5.2.1)', () => {
  const { gic, r, w, open } = guest();
  open(0);
  w(gic.cpuif, 0x00, 0x201); // the hypervisor splits drop from deactivation
  gic.enable(0, 27);
  gic.ppiLine(0, 27).set(true);
  expect(gic.acknowledge(0)).toBe(27);
  gic.eoi(0, 27);
  gic.ppiLine(0, 27).set(false);
  w(gic.gich, LR0, HW | PENDING | (27 << 10) | 27);
  expect(r(gic.gicv, 0x0c)).toBe(27);
  expect(r(gic.dist, 0x300)).toBe(1 << 27);
  w(gic.gicv, 0x10, 27);
  expect(r(gic.dist, 0x300)).toBe(0);
});

test('EOImode of the virtual machine: EOIR drops, DIR deactivates (5.5.14)', () => {
  const { gic, r, w, errors } = guest();
  w(gic.gicv, 0x00, 0x201);
  w(gic.gich, LR0, PENDING | 50);
  r(gic.gicv, 0x0c);
  w(gic.gicv, 0x10, 50);
  expect([r(gic.gich, APR), r(gic.gich, LR0)]).toEqual([0, ACTIVE | 50]);
  w(gic.gicv, 0x1000, 50);
  expect(r(gic.gich, LR0)).toBe(50);
  w(gic.gicv, 0x00, 0x001);
  w(gic.gicv, 0x1000, 50);
  expect(errors).toEqual(['dir-without-eoimode gicv']);
});

test('an SGI shows its source CPU, and is ended by the pair (5.3.11)', () => {
  const { gic, r, w } = guest();
  w(gic.gich, LR0, PENDING | (5 << 10) | 3);
  expect(r(gic.gicv, 0x0c)).toBe((5 << 10) | 3);
  w(gic.gicv, 0x10, (5 << 10) | 3);
  expect(r(gic.gich, LR0)).toBe((5 << 10) | 3);
});

test('Group 1: 1022 without AckCtl, VFIQEn turns Group 0 into FIQ (tables 5-13, 5-16)', () => {
  const { gic, r, w, log } = guest();
  w(gic.gicv, 0x00, 0x0b);
  w(gic.gich, LR0, PENDING | GROUP1 | 60);
  expect([r(gic.gicv, 0x0c), r(gic.gicv, 0x20)]).toEqual([1022, 60]);
  w(gic.gicv, 0x24, 60);
  w(gic.gich, LR0, PENDING | 61);
  expect(log).toEqual(['virq0=1', 'virq0=0', 'vfiq0=1']);
});

test('EOI maintenance: EISR, ELRSR and MISR (5.3.5 to 5.3.8)', () => {
  const { gic, r, w } = guest();
  w(gic.gich, LR0, PENDING | (1 << 19) | 33);
  r(gic.gicv, 0x0c);
  expect([r(gic.gich, MISR), r(gic.dist, 0xd00)]).toEqual([0, 0]);
  w(gic.gicv, 0x10, 33);
  expect([r(gic.gich, EISR0), r(gic.gich, ELRSR0), r(gic.gich, MISR)]).toEqual([1, 0xe, 1]);
  expect(r(gic.dist, 0xd00)).toBe(1 << 9); // PPI 9 is INTID 25
  w(gic.gich, LR0, 0);
  expect([r(gic.gich, EISR0), r(gic.dist, 0xd00)]).toEqual([0, 0]);
});

test('underflow: none or one valid list register (5.3.5, U)', () => {
  const { gic, r, w } = guest();
  for (let i = 0; i < 4; i++) w(gic.gich, LR0 + 4 * i, PENDING | (40 + i));
  w(gic.gich, HCR, 3);
  for (const expected of [0, 0, 0, 2]) {
    expect(r(gic.gich, MISR)).toBe(expected);
    w(gic.gicv, 0x10, r(gic.gicv, 0x0c));
  }
});

test('an EOI without a list register counts, and asks for maintenance with LRENPIE (5.3.2)', () => {
  const { gic, r, w } = guest();
  w(gic.gich, HCR, 5);
  w(gic.gicv, 0x10, 77); // clears no APR bit: not counted
  expect(r(gic.gich, HCR)).toBe(5);
  w(gic.gich, APR, 1 << 4);
  w(gic.gicv, 0x10, 77);
  expect(r(gic.gich, HCR)).toBe(5 + (1 << 27));
  expect([r(gic.gich, MISR), r(gic.dist, 0xd00)]).toEqual([4, 1 << 9]);
  w(gic.gich, HCR, 0xf800_0005);
  w(gic.gich, APR, 1);
  w(gic.gicv, 0x10, 77);
  expect(r(gic.gich, HCR)).toBe(5); // wraps
});

test('no-pending and group conditions (5.3.5)', () => {
  const { gic, r, w } = guest();
  w(gic.gich, HCR, 0x09);
  expect(r(gic.gich, MISR)).toBe(8);
  w(gic.gich, LR0, PENDING | 33);
  expect(r(gic.gich, MISR)).toBe(0);
  w(gic.gich, HCR, 0xf1);
  expect(r(gic.gich, MISR)).toBe(0x10 | 0x80); // Group 0 enabled, Group 1 disabled
  w(gic.gicv, 0x00, 2);
  expect(r(gic.gich, MISR)).toBe(0x20 | 0x40);
  w(gic.gich, HCR, 0xf0);
  expect(r(gic.dist, 0xd00)).toBe(0); // En gates the interrupt
});

test('the second GICH page addresses every core (TRM 3.4)', () => {
  const { gic, r, w } = gicBench(H3);
  w(gic.gich, LR0, PENDING | 33, 3);
  expect(r(gic.gich, 0x1_0000 + 3 * 0x200 + LR0)).toBe(PENDING | 33);
  w(gic.gich, 0x1_0000 + 2 * 0x200 + LR0, PENDING | 34);
  expect([r(gic.gich, LR0, 2), gic.readLr(2, 0)]).toEqual([PENDING | 34, PENDING | 34]);
});

test('list registers beyond those of the board read as zero', () => {
  const { gic, r, w } = gicBench({ ...FLAT, lrCount: 2 });
  w(gic.gich, LR0 + 8, PENDING | 33);
  expect([r(gic.gich, LR0 + 8), r(gic.gich, VTR), r(gic.gich, ELRSR0)]).toEqual([0, 0x9000_0001, 3]);
});
