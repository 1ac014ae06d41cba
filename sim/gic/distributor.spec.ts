// Expected values: GICv2 architecture specification (IHI 0048B) and GIC-400 TRM (DDI 0471B).
import { expect, test } from 'vitest';
import { FLAT, gicBench, H3 } from './testbench.js';

test('identification: TYPER, IIDR, peripheral id (4.3.2, 4.3.3; TRM 3.2)', () => {
  const { gic, r } = gicBench(H3);
  expect(r(gic.dist, 0x004)).toBe(0xfcef); // 512 INTIDs, 8 CPUs, Security Extensions, 31 lockable SPIs
  expect(r(gic.dist, 0x008)).toBe(0x0200143b);
  expect([0xfe0, 0xfe4, 0xfe8, 0xfec].map((at) => r(gic.dist, at))).toEqual([0x90, 0xb4, 0x2b, 0]);
  const flat = gicBench(FLAT);
  expect(flat.r(flat.gic.dist, 0x004)).toBe((256 + 32) / 32 - 1 + (1 << 5)); // SecurityExtn 0
});

test('enable bits are set and cleared by ones; SGIs are always enabled (4.3.5, 4.3.6)', () => {
  const { gic, r, w } = gicBench(FLAT);
  expect(r(gic.dist, 0x100)).toBe(0xffff);
  w(gic.dist, 0x104, 0x8000_0001);
  w(gic.dist, 0x104, 0x0000_0100);
  expect(r(gic.dist, 0x184)).toBe(0x8000_0101);
  w(gic.dist, 0x184, 0x8000_0000);
  expect(r(gic.dist, 0x104)).toBe(0x0000_0101);
  w(gic.dist, 0x180, 0xffff_ffff);
  expect(r(gic.dist, 0x100)).toBe(0xffff);
});

test('INTIDs 0..31 are banked by the CPU that makes the access (3.1.2)', () => {
  const { gic, r, w } = gicBench(FLAT);
  w(gic.dist, 0x100, 1 << 27, 1);
  w(gic.dist, 0x41b, 0x60, 1, 1);
  expect([r(gic.dist, 0x100, 0), r(gic.dist, 0x100, 1)]).toEqual([0xffff, 0x0800_ffff]);
  expect([r(gic.dist, 0x41b, 0, 1), r(gic.dist, 0x41b, 1, 1)]).toEqual([0, 0x60]);
  expect([r(gic.dist, 0x800, 0), r(gic.dist, 0x800, 1)]).toEqual([0x0101_0101, 0x0202_0202]);
});

test('priorities have bits 7:3; targets of absent CPUs read as zero (4.3.11, 4.3.12)', () => {
  const { gic, r, w } = gicBench(FLAT);
  w(gic.dist, 0x420, 0xffa5_0701);
  expect(r(gic.dist, 0x420)).toBe(0xf8a0_0000);
  w(gic.dist, 0x820, 0xff03_0204);
  expect(r(gic.dist, 0x820)).toBe(0x0303_0200);
  w(gic.dist, 0x800, 0xffff_ffff); // read-only for banked INTIDs
  expect(r(gic.dist, 0x800)).toBe(0x0101_0101);
});

test('a single-processor GIC has no target registers, SPIs go to CPU 0 (4.3.12)', () => {
  const { gic, r, w, log, open } = gicBench({ ...FLAT, cpuCount: 1 });
  w(gic.dist, 0x820, 0x0101_0101);
  expect(r(gic.dist, 0x820)).toBe(0);
  open(0);
  gic.enable(0, 33);
  gic.spiLine(1).set(true);
  expect(log).toEqual(['irq0=1']);
});

test('the Non-secure view shifts priorities and hides Group 0 (3.8.1, 4.3.4)', () => {
  const { gic, r, w } = gicBench(H3);
  w(gic.dist, 0x420, 0xa0a0_a0a0);
  expect(r(gic.dist, 0x420)).toBe(0xa0a0_a0a0);
  w(gic.dist, 0x420, 0xffff_ffff);
  expect(r(gic.dist, 0x420)).toBe(0xf0f0_f0f0); // 16 levels
  w(gic.dist, 0x080, 0);
  expect(r(gic.dist, 0x080)).toBe(0); // IGROUPR reads as zero
  expect(r(gic.dist, 0x100)).toBe(0xff); // SGIs 8 to 15 belong to the firmware
  w(gic.dist, 0x108, 1 << 6); // INTID 70
  expect(r(gic.dist, 0x108)).toBe(0);
  w(gic.dist, 0x446, 0x80, 0, 1);
  expect(r(gic.dist, 0x446, 0, 1)).toBe(0);
});

test('ICFGR: SGIs and PPIs are fixed, bit 0 of a field is the handling model (TRM 3.2)', () => {
  const { gic, r, w } = gicBench(FLAT);
  w(gic.dist, 0xc00, 0);
  w(gic.dist, 0xc04, 0xffff_ffff);
  w(gic.dist, 0xc08, 0x0000_0002);
  expect([0xc00, 0xc04, 0xc08].map((at) => r(gic.dist, at))).toEqual([0xaaaa_aaaa, 0x5555_5555, 0x5555_5557]);
});

test('a level-sensitive interrupt is pending while its line is high or its latch is set (3.2.4)', () => {
  const { gic, r, w } = gicBench(FLAT);
  gic.spiLine(0).set(true);
  expect(r(gic.dist, 0x204)).toBe(1);
  w(gic.dist, 0x284, 1); // does not reach the line
  expect(r(gic.dist, 0x204)).toBe(1);
  w(gic.dist, 0x204, 1);
  gic.spiLine(0).set(false);
  expect(r(gic.dist, 0x204)).toBe(1); // the written latch
  w(gic.dist, 0x284, 1);
  expect(r(gic.dist, 0x204)).toBe(0);
});

test('an edge-triggered interrupt latches the rising edge (3.2.4)', () => {
  const { gic, r, w } = gicBench(FLAT);
  w(gic.dist, 0xc08, 2);
  gic.spiLine(0).set(true);
  gic.spiLine(0).set(false);
  expect(r(gic.dist, 0x204)).toBe(1);
  w(gic.dist, 0x284, 1);
  expect(r(gic.dist, 0x204)).toBe(0);
  expect(r(gic.dist, 0xd04)).toBe(0); // SPISR shows the line
});

test.each([
  ['target list', 0x0003_0005, 1, [5 | (1 << 10), 5 | (1 << 10)]],
  ['all others', 0x01ff_0005, 1, [5 | (1 << 10), 1023]],
  ['self', 0x0200_0005, 1, [1023, 5 | (1 << 10)]],
])('SGIR filter: %s (4.3.15)', (_name, value, from, iars) => {
  const { gic, r, w, open } = gicBench(FLAT);
  open(0, 1);
  w(gic.dist, 0xf00, value, from);
  expect([r(gic.cpuif, 0x0c, 0), r(gic.cpuif, 0x0c, 1)]).toEqual(iars);
});

test('the reserved SGIR filter is reported and does nothing', () => {
  const { gic, r, w, errors, open } = gicBench(FLAT);
  open(0, 1);
  w(gic.dist, 0xf00, 0x03ff_0001);
  expect(errors).toEqual(['bad-sgi gicd']);
  expect(r(gic.cpuif, 0x0c)).toBe(1023);
});

test('SPENDSGIR and CPENDSGIR hold a source bit per CPU (4.3.16, 4.3.17)', () => {
  const { gic, r, w } = gicBench(FLAT);
  w(gic.dist, 0xf25, 0x03, 0, 1); // SGI 5 from CPUs 0 and 1
  expect(r(gic.dist, 0xf24)).toBe(0x0000_0300);
  expect(r(gic.dist, 0x200)).toBe(1 << 5);
  w(gic.dist, 0xf15, 0x01, 0, 1);
  expect(r(gic.dist, 0xf14)).toBe(0x0000_0200);
  w(gic.dist, 0x280, 0xffff); // ICPENDR does not clear SGIs
  expect(r(gic.dist, 0x200)).toBe(1 << 5);
});

test('byte access only where the architecture allows it; halfwords nowhere (4.1.4)', () => {
  const { gic, r, w, errors } = gicBench(FLAT);
  expect(r(gic.dist, 0x400, 0, 1)).toBe(0);
  expect(errors).toEqual([]);
  r(gic.dist, 0x100, 0, 1);
  w(gic.dist, 0x400, 0, 0, 2);
  r(gic.dist, 0x00c);
  expect(errors).toEqual(['bad-read gicd', 'bad-write gicd', 'bad-read gicd']);
});
