/**
 * GICH and GICV of the GIC-400 (ARM IHI 0048B.b chapter 5; TRM: ARM DDI 0471B): registers one by one, then random
 * histories against the reference of this folder, every register compared after every step.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GicConfig } from '../../../sim/gic/config.js';
import { gicBench } from '../../../sim/gic/testbench.js';
import { type ListRegister, packLr, ReferenceVirtual } from './virtual-reference.js';

const CONFIG: GicConfig = { cpuCount: 2, spiCount: 64, lrCount: 4, securityExtensions: false, alias64k: false };
const GICH = { HCR: 0x000, VTR: 0x004, VMCR: 0x008, MISR: 0x010, EISR: 0x020, ELRSR: 0x030, APR: 0x0f0, LR: 0x100 };

function bench() {
  const { gic, errors, ...rest } = gicBench(CONFIG);
  const h = {
    r: (at: number, cpu = 0) => rest.r(gic.gich, at, cpu),
    w: (at: number, value: number, cpu = 0) => rest.w(gic.gich, at, value, cpu),
  };
  const v = {
    r: (at: number, cpu = 0) => rest.r(gic.gicv, at, cpu),
    w: (at: number, value: number, cpu = 0) => rest.w(gic.gicv, at, value, cpu),
  };
  return { gic, errors, h, v, raw: rest };
}

describe('registers', () => {
  test('reset values (TRM 3.4 and 3.5)', () => {
    const { h, v } = bench();
    const gich = [0x000, 0x004, 0x008, 0x010, 0x020, 0x024, 0x030, 0x034, 0x0f0, 0x100, 0x104, 0x108, 0x10c];
    expect(gich.map((at) => h.r(at))).toEqual([0, 0x9000_0003, 0x004c_0000, 0, 0, 0, 0xf, 0, 0, 0, 0, 0, 0]);
    const gicv = [0x00, 0x04, 0x08, 0x0c, 0x14, 0x18, 0x1c, 0x20, 0x28, 0xd0, 0xfc];
    expect(gicv.map((at) => v.r(at))).toEqual([0, 0, 2, 1023, 0xff, 1023, 3, 1023, 1023, 0, 0x0202_143b]);
  });

  test('writable bits of GICH (5.3): HCR 31:27 and 7:0, VMCR, APR, LR without 22:20; the rest is read-only', () => {
    const { h } = bench();
    for (const [at, ones, zeros] of [
      [GICH.HCR, 0xf800_00ff, 0],
      [GICH.VMCR, 0xf8fc_021f, 0x004c_0000],
      [GICH.APR, 0xffff_ffff, 0],
      [GICH.LR + 12, 0xff8f_ffff, 0],
      [GICH.VTR, 0x9000_0003, 0x9000_0003],
    ] as const) {
      h.w(at, 0xffff_ffff);
      expect(h.r(at)).toBe(ones);
      h.w(at, 0);
      expect(h.r(at)).toBe(zeros);
    }
    for (const at of [GICH.MISR, GICH.EISR, GICH.ELRSR]) {
      const before = h.r(at);
      h.w(at, ~before >>> 0);
      expect(h.r(at)).toBe(before);
    }
  });

  test('VMCR and GICV are one state: each field both ways (5.3, GICH_VMCR)', () => {
    for (const [at, bits, shift, least] of [
      [0x00, [0, 1, 2, 3, 4, 9], 0, 0],
      [0x04, [3, 4, 5, 6, 7], 24, 0],
      [0x08, [0, 1, 2], 21, 2],
      [0x1c, [0, 1, 2], 18, 3],
    ] as const) {
      const field = bits.reduce<number>((sum, bit) => sum | (1 << bit), 0);
      for (const value of [0, field, ...bits.map((bit) => 1 << bit)]) {
        const { h, v } = bench();
        const seen = Math.max(least, value);
        const rest = 0x004c_0000 & ~(field << shift);
        v.w(at, value);
        expect(h.r(GICH.VMCR)).toBe((rest | (seen << shift)) >>> 0);
        h.w(GICH.VMCR, 0);
        h.w(GICH.VMCR, (value << shift) >>> 0);
        expect(v.r(at)).toBe(seen);
      }
    }
  });

  test('GICV_APR is GICH_APR; GICV has no NSAPR (5.5)', () => {
    const { h, v } = bench();
    v.w(0xd0, 0x8000_0010);
    expect([h.r(GICH.APR), v.r(0x14)]).toEqual([0x8000_0010, 0x20]);
    for (const at of [0xd4, 0xe0]) {
      v.w(at, 0xffff_ffff);
      expect(v.r(at)).toBe(0);
    }
  });

  test('words only; each CPU has its own', () => {
    for (const frame of ['gich', 'gicv'] as const) {
      for (const width of [1, 2] as const) {
        const { gic, errors, raw } = bench();
        raw.r(gic[frame], 0, 0, width);
        raw.w(gic[frame], 0, 1, 0, width);
        expect(errors).toEqual([`bad-read ${frame}`, `bad-write ${frame}`]);
      }
    }
    const { h, v } = bench();
    h.w(GICH.HCR, 1, 1);
    h.w(GICH.LR, 0x1000_0021, 1);
    v.w(0x04, 0xf0, 1);
    v.w(0x00, 1, 1);
    expect([h.r(GICH.HCR), h.r(GICH.LR), v.r(0x0c), v.r(0x0c, 1)]).toEqual([0, 0, 1023, 33]);
  });
});

describe('hardware-linked list registers (5.2, GICH_LR.HW)', () => {
  const physical = (group1 = false) => {
    const b = bench();
    b.raw.open(0);
    b.raw.w(b.gic.cpuif, 0x00, 0x201);
    b.gic.enable(0, 27);
    b.gic.ppiLine(0, 27).set(true);
    b.gic.eoi(0, b.gic.acknowledge(0));
    b.h.w(GICH.HCR, 1);
    b.v.w(0x04, 0xf8);
    b.v.w(0x00, group1 ? 6 : 1);
    b.h.w(GICH.LR, (0x9000_0000 | (group1 ? 1 << 30 : 0) | (27 << 10) | 99) >>> 0);
    const active = () => b.raw.r(b.gic.dist, 0x300) !== 0;
    return { ...b, active };
  };

  test.each([false, true])(
    'an EOI of the guest deactivates the physical interrupt, not the virtual INTID',
    (group1) => {
      const { v, h, active, gic } = physical(group1);
      expect([v.r(0x0c), active()]).toEqual([99, true]);
      v.w(0x10, 99);
      expect([active(), h.r(GICH.LR) >>> 28]).toEqual([false, group1 ? 0xc : 0x8]);
      // The line is still high, so it is pending again at once.
      expect(gic.acknowledge(0)).toBe(27);
    },
  );

  test('with EOImode of the guest, the DIR does it', () => {
    const { v, active } = physical();
    v.w(0x00, 0x201);
    v.r(0x0c);
    v.w(0x10, 99);
    expect(active()).toBe(true);
    v.w(0x1000, 99);
    expect(active()).toBe(false);
  });

  test('a list register that is pending only ends nothing: the physical interrupt stays active', () => {
    const { v, active } = physical();
    v.w(0x10, 99);
    expect(active()).toBe(true);
  });

  test('physical INTIDs that do not exist deactivate nothing', () => {
    for (const intid of [0, 15, 96, 1019, 1023]) {
      const { h, v, raw, gic } = bench();
      gic.dist.setActive(0, 15, true);
      h.w(GICH.HCR, 1);
      v.w(0x04, 0xf8);
      v.w(0x00, 1);
      h.w(GICH.LR, (0x9000_0000 | (intid << 10) | 99) >>> 0);
      v.w(0x10, v.r(0x0c));
      expect([h.r(GICH.LR) >>> 28, raw.r(gic.dist, 0x300)]).toEqual([8, 1 << 15]);
    }
  });
});

const INTIDS = [0, 3, 15, 16, 27, 33, 64, 1019];
const lr = fc.record({
  hw: fc.boolean(),
  group1: fc.boolean(),
  pending: fc.boolean(),
  active: fc.boolean(),
  priority: fc.constantFrom(0, 0x08, 0x40, 0x48, 0x80, 0xa0, 0xb8, 0xf0, 0xf8),
  physical: fc.constantFrom(0, 1, 5, 40, 0x200, 0x205),
  intid: fc.constantFrom(...INTIDS),
});
const OPS = { lr: 12, iar: 12, aiar: 2, eoi: 10, dir: 4, hcr: 4, ctlr: 3, pmr: 2, bpr: 1, abpr: 1, apr: 1 };
const step = fc.record({
  op: fc.oneof(...Object.entries(OPS).map(([name, weight]) => ({ weight, arbitrary: fc.constant(name) }))),
  index: fc.nat(3),
  lr,
  flag: fc.boolean(),
  value: fc.noBias(fc.nat(0xffff_ffff)),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Bench = ReturnType<typeof bench>;

function apply({ h, v }: Bench, ref: ReferenceVirtual, s: Step, taken: number[]): readonly [number, number] {
  switch (s.op) {
    case 'lr': {
      // The physical INTID of a hardware-linked one is an SPI, so that its deactivation can be seen.
      const now: ListRegister = { ...s.lr, physical: s.lr.hw ? 40 : s.lr.physical };
      h.w(GICH.LR + 4 * s.index, packLr(now));
      ref.lrs[s.index] = now;
      return [0, 0];
    }
    case 'iar':
    case 'aiar': {
      const alias = s.op === 'aiar';
      const want = ref.acknowledge(alias);
      if (want !== 1022 && want !== 1023) taken.push(want);
      return [v.r(alias ? 0x20 : 0x0c), want];
    }
    case 'eoi':
    case 'dir': {
      const value = (s.value & 3) !== 0 ? (taken.pop() ?? s.lr.intid) : s.lr.intid | ((s.value & 0x700) << 2);
      v.w(s.op === 'dir' ? 0x1000 : s.flag ? 0x10 : 0x24, value);
      if (s.op === 'dir') ref.deactivate(value);
      else ref.end(value);
      return [0, 0];
    }
    case 'hcr': {
      const count = s.flag ? ref.eoiCount : s.value >>> 27;
      const control = (s.value & 0xff) | (s.value & 0x700 ? 1 : 0);
      h.w(GICH.HCR, ((count << 27) | control) >>> 0);
      [ref.eoiCount, ref.control] = [count, control];
      return [0, 0];
    }
    case 'ctlr':
      ref.guest = (s.value & 0x21f) | (s.value & 0x1c00 ? 3 : 0);
      v.w(0x00, ref.guest);
      return [0, 0];
    case 'pmr':
      ref.mask = s.flag ? 0xf8 : s.value & 0xf8;
      v.w(0x04, ref.mask);
      return [0, 0];
    case 'bpr':
      ref.bpr = Math.max(2, s.value & 7);
      v.w(0x08, s.value & 7);
      return [0, 0];
    case 'abpr':
      ref.abpr = Math.max(3, s.value & 7);
      v.w(0x1c, s.value & 7);
      return [0, 0];
    default: // a hypervisor that loads another virtual CPU
      ref.active.clear();
      if (s.flag) ref.active.add(0xa0);
      h.w(GICH.APR, s.flag ? 1 << 20 : 0);
      return [0, 0];
  }
}

test('random histories: list registers, GICH and GICV registers, signals and maintenance', () => {
  let acknowledged = 0;
  let maintained = 0;
  let counted = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 60, maxLength: 120 }), (steps) => {
      const b = bench();
      const ref = new ReferenceVirtual();
      const taken: number[] = [];
      [ref.guest, ref.mask, ref.control] = [7, 0xf8, 1];
      b.v.w(0x00, 7);
      b.v.w(0x04, 0xf8);
      b.h.w(GICH.HCR, 1);
      steps.forEach((s, n) => {
        b.gic.dist.setActive(0, 40, true);
        ref.deactivated.length = 0;
        const [got, want] = apply(b, ref, s, taken);
        const at = [GICH.HCR, GICH.VMCR, GICH.MISR, GICH.EISR, GICH.ELRSR, GICH.APR];
        const model = [
          n,
          got,
          ...at.map((offset) => b.h.r(offset)),
          ...ref.lrs.map((_, i) => b.h.r(GICH.LR + 4 * i)),
          ...[0x14, 0x18, 0x28].map((offset) => b.v.r(offset)),
          b.gic.lines(0),
          b.raw.r(b.gic.dist, 0xd00), // PPI 9, the maintenance interrupt (TRM 2.2.1)
          b.raw.r(b.gic.dist, 0x304) & (1 << 8), // INTID 40
        ];
        const expected = [
          n,
          want,
          ...[((ref.eoiCount << 27) | ref.control) >>> 0, ref.vmcr, ref.misr, ref.eisr, ref.elrsr, ref.apr],
          ...ref.lrs.map(packLr),
          ...[ref.running, ref.hppir(false), ref.hppir(true)],
          ref.lines,
          (ref.control & 1) !== 0 && ref.misr !== 0 ? 1 << 9 : 0,
          ref.deactivated.length > 0 ? 0 : 1 << 8,
        ];
        expect(model).toEqual(expected);
        if (s.op === 'iar' && want < 1022) acknowledged++;
        if (ref.misr !== 0) maintained |= ref.misr;
        if (ref.eoiCount > 0) counted++;
      });
    }),
    { numRuns: 200, seed: 5 },
  );
  expect(acknowledged).toBeGreaterThan(300);
  expect(counted).toBeGreaterThan(100);
  expect(maintained).toBe(0xff); // every condition has been met
});
