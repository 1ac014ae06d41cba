import { expect, test } from 'vitest';
import { fakeXen, type FakeXen } from '../../../test/support/fake-xen.js';
import { VPF_BLOCKED, VPF_DOWN, type Vcpu } from '../../common/domain.js';
import { createDomain } from '../../common/domctl.js';
import { setIrqLevel } from './dm.js';
import { vgicSyncFromLrs, vgicSyncToLrs } from './gic.js';
import { gicdRead, gicdWrite } from './vgic-v2.js';
import { vgicInjectIrq } from './vgic.js';

// GICH_LR by hand (IHI 0048B 5.3.9): state 29:28, priority >> 3 in 27:23, virtual id 9:0.
const PENDING_33 = 0x1a00_0021; // priority 0xa0
const ACTIVE_33 = 0x2a00_0021;
const BOTH_33 = 0x3a00_0021;
const IAR = 0x0c;

/** A guest with two vCPUs, vCPU 0 loaded on pCPU 0, SPI 33 enabled with priority 0xa0 unless told otherwise. */
function guest(enabled = true): FakeXen & { v: Vcpu } {
  const f = fakeXen();
  const options = { maxVcpus: 2, nrSpis: 2 };
  const d = createDomain(f.xen, { name: 'g', uuid: '00000000-0000-0000-0000-000000000001', kind: 'guest', options });
  d.pauseCount = 0;
  const v = d.vcpus[0]!;
  v.pauseFlags = 0;
  d.vcpus[1]!.pauseFlags = VPF_DOWN;
  f.xen.pcpus[0]!.current = v;
  v.isRunning = true;
  f.xen.thisPcpu = 0;
  f.gic.virtual.writeHcr(0, 1);
  f.gic.virtual.writeVmcr(0, (1 | (0x1f << 27)) >>> 0);
  gicdWrite(f.xen, v, 0x420, 4, 0xa0a0_a0a0);
  if (enabled) gicdWrite(f.xen, v, 0x104, 4, 0b10);
  return { ...f, v };
}

const lrs = (f: FakeXen): number[] => [0, 1, 2, 3].map((i) => f.gic.readLr(0, i));
const resync = (f: FakeXen & { v: Vcpu }): void => {
  vgicSyncFromLrs(f.xen, f.v, f.xen.pcpus[0]!);
  vgicSyncToLrs(f.xen, f.v, f.xen.pcpus[0]!);
};
const raise = (f: FakeXen & { v: Vcpu }, irq = 33): void => vgicInjectIrq(f.xen, f.v.domain, null, irq, true);

test('an idle enabled line becomes one pending interrupt', () => {
  const f = guest();
  raise(f);
  expect(lrs(f)).toEqual([PENDING_33, 0, 0, 0]);
});

test('level 0 does nothing', () => {
  const f = guest();
  raise(f);
  vgicInjectIrq(f.xen, f.v.domain, null, 33, false);
  expect(lrs(f)).toEqual([PENDING_33, 0, 0, 0]);
});

test('edges of a pending interrupt merge', () => {
  const f = guest();
  for (let i = 0; i < 3; i++) raise(f);
  resync(f);
  expect(lrs(f)).toEqual([PENDING_33, 0, 0, 0]);
  expect(f.gic.gicv.read(IAR, 4, 0)).toBe(33);
  f.gic.gicv.endOfInterrupt(0, 33);
  resync(f);
  expect(lrs(f)).toEqual([0, 0, 0, 0]);
  expect(f.v.arch.vgic.inflight).toEqual([]);
});

test('any number of edges while it is active gives exactly one more', () => {
  const f = guest();
  raise(f);
  expect(f.gic.gicv.read(IAR, 4, 0)).toBe(33);
  expect(lrs(f)[0]).toBe(ACTIVE_33);
  for (let i = 0; i < 3; i++) raise(f); // the list register of the running vCPU is refreshed at once
  expect(lrs(f)[0]).toBe(BOTH_33);
  f.gic.gicv.endOfInterrupt(0, 33);
  expect(f.gic.gicv.read(IAR, 4, 0)).toBe(33);
  f.gic.gicv.endOfInterrupt(0, 33);
  resync(f);
  expect(f.gic.gicv.read(IAR, 4, 0)).toBe(1023);
  expect(f.v.arch.vgic.inflight).toEqual([]);
});

test('an edge on a disabled line is latched until it is enabled', () => {
  const f = guest(false);
  raise(f);
  resync(f);
  expect(lrs(f)).toEqual([0, 0, 0, 0]);
  gicdWrite(f.xen, f.v, 0x104, 4, 0b10);
  resync(f);
  expect(lrs(f)[0]).toBe(PENDING_33);
});

test('an edge for a vCPU that is down is lost', () => {
  const f = guest();
  gicdWrite(f.xen, f.v, 0x821, 1, 0b10); // to vCPU 1
  raise(f);
  f.v.domain.vcpus[1]!.pauseFlags = 0;
  expect(f.v.domain.vcpus[1]!.arch.vgic.inflight).toEqual([]);
});

test('GICD_CTLR does not stop injection', () => {
  const f = guest();
  expect(gicdRead(f.xen, f.v, 0, 4)).toBe(0);
  raise(f);
  expect(lrs(f)[0]).toBe(PENDING_33);
});

test('more than four go by priority, with an underflow interrupt asked for', () => {
  const f = guest();
  gicdWrite(f.xen, f.v, 0x104, 4, 0xffff_ffff);
  for (let at = 0x420; at < 0x440; at += 4) gicdWrite(f.xen, f.v, at, 4, 0xa0a0_a0a0);
  for (let irq = 40; irq < 46; irq++) raise(f, irq);
  gicdWrite(f.xen, f.v, 0x400 + 50, 1, 0x40);
  raise(f, 50);
  resync(f);
  // 50 is more urgent: it evicts the one that came last among the pending
  expect(lrs(f).map((lr) => lr & 0x3ff)).toContain(50);
  expect(f.gic.virtual.hcr[0]! & 2).toBe(2);
  expect(f.v.arch.vgic.lrPending.length).toBe(3);
  expect(f.gic.gicv.read(IAR, 4, 0)).toBe(50);
});

test('a blocked vCPU is woken, one that runs elsewhere is interrupted', () => {
  const f = guest();
  f.v.isRunning = false;
  f.v.pauseFlags = VPF_BLOCKED;
  f.xen.pcpus[0]!.current = f.xen.pcpus[0]!.idle;
  f.xen.thisPcpu = 1;
  raise(f);
  expect(f.v.pauseFlags).toBe(0);
  expect(f.v.arch.vgic.lrPending.map((p) => p.irq)).toEqual([33]);
  expect(f.cores[0]!.lines & 1).toBe(1); // SGI for the reschedule
});

test('set_irq_level checks in order (xen-ioreq 2.3)', () => {
  const f = guest();
  const { domain } = f.v;
  domain.vgic.reserve(40);
  const cases: [number, number, boolean, number][] = [
    [31, 1, true, -22],
    [64, 1, true, -22],
    [33, 2, true, -22],
    [33, 1, false, -22],
    [40, 1, true, -22],
    [33, 0, true, 0],
    [33, 1, true, 0],
  ];
  for (const [irq, level, pad, rc] of cases) expect(setIrqLevel(f.xen, domain, irq, level, pad)).toBe(rc);
  expect(lrs(f)[0]).toBe(PENDING_33);
});

test('the distributor as the guest sees it (xen-ioreq 6.3)', () => {
  const f = guest();
  const read = (offset: number, size = 4): number | undefined => gicdRead(f.xen, f.v, offset, size);
  const write = (offset: number, value: number, size = 4): boolean => gicdWrite(f.xen, f.v, offset, size, value);
  expect(read(0x004)).toBe((1 << 5) | 1);
  expect(read(0x008)).toBe(0x43b);
  expect(read(0x000, 1)).toBeUndefined();
  expect(read(0xf00)).toBe(0xdead_beef);
  expect(read(0x200)).toBe(0);
  expect(read(0x800)).toBe(0x0101_0101);
  expect(gicdRead(f.xen, f.v.domain.vcpus[1]!, 0x800, 4)).toBe(0x0202_0202);
  expect(read(0xc00)).toBe(0xaaaa_aaaa);
  expect(read(0xfe8)).toBeUndefined();
  expect(write(0x380, 0xffff_ffff)).toBe(true);
  expect(write(0x300, 0)).toBe(true);
  expect(write(0x300, 1)).toBe(false);
  expect(write(0x280, 1)).toBe(true);
  expect(write(0xf10, 1)).toBe(false);
  expect(write(0xf00, 3 << 24)).toBe(false);
  expect(write(0x820, 0x0000_fc02)).toBe(true); // byte 0 to vCPU 1, byte 1 has no valid bit
  expect(read(0x820)).toBe(0x0101_0102);
  expect(write(0x422, 0x50, 1)).toBe(true);
  expect(read(0x420)).toBe(0xa050_a0a0);
  expect(write(0x422, 0x50, 2)).toBe(false);
});
