/**
 * GIC-400 CPU interface (ARM IHI 0048B.b chapter 4.4; TRM: ARM DDI 0471B), as without the Security Extensions, where
 * one view has every bit. Whole histories are in states.spec.ts.
 */
import { describe, expect, test } from 'vitest';
import type { GicConfig } from '../../../sim/gic/config.js';
import { gicBench } from '../../../sim/gic/testbench.js';

const CONFIG: GicConfig = { cpuCount: 4, spiCount: 64, lrCount: 4, securityExtensions: false, alias64k: false };
const [CTLR, PMR, BPR, IAR, EOIR, RPR, HPPIR, ABPR] = [0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c] as const;
const [AIAR, AEOIR, AHPPIR, APR, NSAPR, IIDR, DIR] = [0x20, 0x24, 0x28, 0xd0, 0xe0, 0xfc, 0x1000] as const;

function bench(config: Partial<GicConfig> = {}) {
  const { gic, errors, log, ...rest } = gicBench({ ...CONFIG, ...config });
  const r = (at: number, cpu = 0) => rest.r(gic.cpuif, at, cpu);
  const w = (at: number, value: number, cpu = 0) => rest.w(gic.cpuif, at, value, cpu);
  const spi = (intid: number, priority: number, group1 = false, targets = 1) => {
    gic.dist.setPriority(0, intid, priority);
    gic.dist.setTargets(intid, targets);
    const at = 0x080 + 4 * (intid >> 5);
    if (group1) rest.w(gic.dist, at, rest.r(gic.dist, at) | (1 << (intid & 31)));
    gic.enable(0, intid);
    rest.w(gic.dist, 0x200 + 4 * (intid >> 5), 1 << (intid & 31));
  };
  const open = (control = 3) => {
    rest.w(gic.dist, 0x000, 3);
    w(PMR, 0xff);
    w(CTLR, control);
  };
  return { gic, errors, log, r, w, spi, open, raw: rest };
}

describe('registers', () => {
  test('reset values (TRM table 3-6)', () => {
    const { r } = bench();
    const at = [CTLR, PMR, BPR, IAR, RPR, HPPIR, ABPR, AIAR, AHPPIR, APR, NSAPR, IIDR];
    expect(at.map((offset) => r(offset))).toEqual([0, 0, 2, 1023, 0xff, 1023, 3, 1023, 1023, 0, 0, 0x0202_143b]);
    expect([EOIR, AEOIR, DIR].map((offset) => r(offset))).toEqual([0, 0, 0]); // write-only
  });

  test('writable bits: CTLR 9:0 (table 4-31), PMR 7:3 (4.4.2), BPR and ABPR 2:0 from 2 and 3 up (4.4.3, 4.4.8)', () => {
    const { r, w } = bench();
    for (const [at, ones, zeros] of [
      [CTLR, 0x3ff, 0],
      [PMR, 0xf8, 0],
      [BPR, 7, 2],
      [ABPR, 7, 3],
      [APR, 0xffff_ffff, 0],
      [NSAPR, 0xffff_ffff, 0],
    ] as const) {
      w(at, 0xffff_ffff);
      expect(r(at)).toBe(ones);
      w(at, 0);
      expect(r(at)).toBe(zeros);
    }
    for (let value = 0; value < 8; value++) {
      w(BPR, value);
      w(ABPR, value);
      expect([r(BPR), r(ABPR)]).toEqual([Math.max(2, value), Math.max(3, value)]);
    }
  });

  test('read-only registers keep their value; APR1 to 3 and NSAPR1 to 3 are RAZ/WI with 32 levels (4.4.12)', () => {
    const { r, w } = bench();
    for (const at of [RPR, HPPIR, AHPPIR, IIDR, IAR, AIAR]) {
      const before = r(at);
      w(at, 0);
      expect(r(at)).toBe(before);
    }
    for (const at of [0xd4, 0xd8, 0xdc, 0xe4, 0xe8, 0xec]) {
      w(at, 0xffff_ffff);
      expect(r(at)).toBe(0);
    }
  });

  test('every register is a word (4.1.4); reserved offsets are RAZ/WI and reported', () => {
    for (const at of [CTLR, PMR, BPR, IAR, EOIR, RPR, HPPIR, ABPR, AIAR, APR, IIDR, DIR]) {
      for (const width of [1, 2] as const) {
        const { gic, errors, raw } = bench();
        raw.r(gic.cpuif, at, 0, width);
        raw.w(gic.cpuif, at, 0xff, 0, width);
        expect(errors).toEqual(['bad-read gicc', 'bad-write gicc']);
      }
    }
    for (const at of [0x2c, 0x3c, 0xcc, 0xf0, 0xf8, 0x100, 0xffc, 0x1004, 0x1ffc]) {
      const { r, w, errors } = bench();
      w(at, 0xffff_ffff);
      expect([r(at), ...errors]).toEqual([0, 'bad-write gicc', 'bad-read gicc']);
    }
  });

  test('each CPU has registers of its own', () => {
    const { r, w } = bench();
    [0, 1, 2, 3].forEach((cpu) => {
      w(CTLR, cpu, cpu);
      w(PMR, 0x10 * (cpu + 1), cpu);
      w(BPR, 3 + cpu, cpu);
      w(APR, 1 << cpu, cpu);
    });
    const seen = [0, 1, 2, 3].map((cpu) => [CTLR, PMR, BPR, APR, RPR].map((at) => r(at, cpu)));
    expect(seen).toEqual([
      [0, 0x10, 3, 1, 0x00],
      [1, 0x20, 4, 2, 0x08],
      [2, 0x30, 5, 4, 0x10],
      [3, 0x40, 6, 8, 0x18],
    ]);
  });

  test('the 64 KiB integration: 16 copies of the first page, then of the second (TRM 2.1; DIR at +0x10000)', () => {
    const { gic, r, w } = bench({ alias64k: true });
    for (let page = 0; page < 16; page++) {
      w(page * 0x1000 + PMR, 8 * page);
      expect([r(PMR), r(((page + 5) % 16) * 0x1000 + PMR)]).toEqual([8 * page, 8 * page]);
    }
    w(CTLR, 0x200);
    for (let page = 0; page < 16; page++) {
      gic.dist.setActive(0, 40, true);
      w(0x1_0000 + page * 0x1000, 40);
      expect(gic.dist.read(0x304, 4, 0)).toBe(0);
    }
  });
});

describe('prioritization (3.3)', () => {
  /** Group 0 binary point to the bits of the group priority field, of 5 that exist (table 3-2). */
  const GROUP_BITS = { 2: 0xf8, 3: 0xf0, 4: 0xe0, 5: 0xc0, 6: 0x80, 7: 0 } as const;

  test.each(Object.entries(GROUP_BITS))('binary point %s: group priority is masked by %i (table 3-2)', (bpr, mask) => {
    const { r, w, spi, open } = bench();
    open();
    w(BPR, Number(bpr));
    spi(40, 0xf0);
    expect(r(IAR)).toBe(40);
    expect(r(RPR)).toBe(0xf0 & mask);
    expect(r(APR)).toBe((1 << ((0xf0 & mask) >> 3)) >>> 0);
    for (let priority = 0; priority < 0xf0; priority += 8) {
      spi(41, priority);
      const preempts = (priority & mask) < (0xf0 & mask);
      expect(r(IAR), `priority ${priority}`).toBe(preempts ? 41 : 1023);
      if (preempts) w(EOIR, 41);
    }
  });

  test('Group 1 has one bit more for the same binary point of its own, or that of Group 0 with CBPR (3.5.1)', () => {
    for (const [cbpr, abpr, bpr, mask] of [
      [0, 3, 7, 0xf8],
      [0, 5, 2, 0xe0],
      [0, 7, 2, 0x80],
      [1, 3, 5, 0xc0],
      [1, 7, 2, 0xf8],
    ] as const) {
      const { r, w, spi, open } = bench();
      open(3 | (cbpr << 4));
      w(BPR, bpr);
      w(ABPR, abpr);
      spi(40, 0xb8, true);
      expect([r(AIAR), r(RPR)]).toEqual([40, 0xb8 & mask]);
      expect([r(APR), r(NSAPR)]).toEqual([0, 1 << ((0xb8 & mask) >> 3)]);
    }
  });

  test('PMR: only priorities of a lower value pass, 0 lets none pass (3.3.2, 4.4.2)', () => {
    const { gic, w, spi, open } = bench();
    open();
    for (let mask = 0; mask < 0x100; mask += 8) {
      w(PMR, mask);
      for (let priority = 0; priority < 0x100; priority += 8) {
        spi(40, priority);
        expect(gic.lines(0), `mask ${mask}, priority ${priority}`).toBe(priority < mask ? 1 : 0);
      }
    }
  });

  test('of equal priorities the lowest INTID is first, of one SGI the lowest source (TRM 2.3.2; 4.4.4)', () => {
    const { gic, r, w, spi, open } = bench();
    open();
    for (const intid of [63, 32, 47]) spi(intid, 0x80);
    for (const sgi of [9, 2]) gic.dist.setPriority(0, sgi, 0x80);
    for (const [source, sgi] of [
      [3, 2],
      [1, 2],
      [0, 9],
    ] as const) {
      gic.sendSgi(source, 1, sgi);
    }
    const order: number[] = [];
    for (let i = 0; i < 7; i++) {
      const iar = r(IAR);
      order.push(iar);
      w(EOIR, iar);
    }
    expect(order).toEqual([2 | (1 << 10), 2 | (3 << 10), 9, 32, 47, 63, 1023]);
  });
});

describe('groups (3.4, 4.4.1, 4.4.4 to 4.4.11)', () => {
  // What IAR, AIAR, HPPIR, AHPPIR answer while one interrupt of a group pends (tables 4-36 to 4-43).
  test.each([
    ['Group 0', false, 0, [40, 1023, 40, 1023]],
    ['Group 0, AckCtl', false, 4, [40, 1023, 40, 1023]],
    ['Group 1', true, 0, [1022, 40, 1022, 40]],
    ['Group 1, AckCtl', true, 4, [40, 40, 40, 40]],
  ] as const)('%s', (_name, group1, ackCtl, answers) => {
    [IAR, AIAR, HPPIR, AHPPIR].forEach((at, n) => {
      const { r, spi, open } = bench();
      open(3 | ackCtl);
      spi(40, 0x80, group1);
      expect(r(at)).toBe(answers[n]);
    });
  });

  test('a group that the interface does not enable is neither signalled nor shown', () => {
    for (const [group1, control] of [
      [false, 2],
      [true, 1],
    ] as const) {
      const { r, spi, open, log } = bench();
      open(control);
      spi(40, 0x80, group1);
      expect([r(IAR), r(AIAR), r(HPPIR), r(AHPPIR), log.length]).toEqual([1023, 1023, 1023, 1023, 0]);
    }
  });

  test('FIQEn: Group 0 by FIQ, Group 1 by IRQ; without it both by IRQ (4.4.1)', () => {
    for (const [fiqEn, group1, line] of [
      [0, false, 'irq0=1'],
      [0, true, 'irq0=1'],
      [8, false, 'fiq0=1'],
      [8, true, 'irq0=1'],
    ] as const) {
      const { spi, open, log } = bench();
      open(3 | fiqEn);
      spi(40, 0x80, group1);
      expect(log).toEqual([line]);
    }
  });

  test('an EOI drops the priority of its own group (4.4.5, 4.4.10)', () => {
    const { r, w, spi, open } = bench();
    open(7);
    spi(40, 0x80, true);
    expect(r(IAR)).toBe(40);
    spi(41, 0x40);
    expect(r(IAR)).toBe(41);
    expect([r(APR), r(NSAPR), r(RPR)]).toEqual([1 << 8, 1 << 16, 0x40]);
    w(EOIR, 41);
    expect([r(APR), r(NSAPR), r(RPR)]).toEqual([0, 1 << 16, 0x80]);
    w(AEOIR, 40);
    expect([r(APR), r(NSAPR), r(RPR)]).toEqual([0, 0, 0xff]);
  });
});

describe('priority drop and deactivation (3.2.1, 4.4.5, 4.4.15)', () => {
  test('EOImode 1: the drop lets others in, the interrupt stays active until DIR', () => {
    const { gic, r, w, spi, open } = bench();
    open(0x203);
    spi(40, 0x80);
    expect(r(IAR)).toBe(40);
    w(EOIR, 40);
    expect([r(RPR), gic.dist.read(0x304, 4, 0)]).toEqual([0xff, 1 << 8]);
    spi(40, 0x80);
    expect(r(IAR)).toBe(1023); // active and pending: not forwarded
    spi(41, 0xa0);
    expect(r(IAR)).toBe(41); // of lower priority than the active one, which no longer counts
    w(DIR, 40);
    w(EOIR, 41);
    expect([r(IAR), gic.dist.read(0x304, 4, 0)]).toEqual([40, (1 << 8) | (1 << 9)]);
  });

  test('DIR in any order and from any CPU; an INTID that is not active, and special INTIDs, are ignored', () => {
    const { gic, r, w, spi, open, errors } = bench();
    open(0x203);
    w(CTLR, 0x203, 1);
    spi(40, 0x80);
    r(IAR);
    w(EOIR, 40);
    spi(41, 0x80);
    r(IAR);
    w(EOIR, 41);
    for (const intid of [42, 1020, 1022, 1023, 200]) w(DIR, intid, 1);
    expect(gic.dist.read(0x304, 4, 0)).toBe(0x300);
    w(DIR, 40, 1);
    expect(gic.dist.read(0x304, 4, 0)).toBe(0x200);
    w(DIR, 41);
    expect([gic.dist.read(0x304, 4, 0), errors]).toEqual([0, []]);
  });

  test('DIR with EOImode 0 has no defined effect (4.4.15): ours is none, and a report', () => {
    const { gic, r, w, spi, open, errors } = bench();
    open(3);
    spi(40, 0x80);
    r(IAR);
    w(DIR, 40);
    expect([gic.dist.read(0x304, 4, 0), errors]).toEqual([1 << 8, ['dir-without-eoimode gicc']]);
  });

  test('an SGI is active per CPU, whoever sent it', () => {
    const { gic, r, w, open } = bench();
    open(3);
    w(PMR, 0xff, 1);
    w(CTLR, 3, 1);
    gic.sendSgi(2, 3, 4);
    expect([r(IAR, 0), r(IAR, 1)]).toEqual([4 | (2 << 10), 4 | (2 << 10)]);
    gic.sendSgi(3, 1, 4);
    expect(r(IAR, 0)).toBe(1023); // active: the second source waits
    w(EOIR, 4 | (2 << 10), 0);
    expect([r(IAR, 0), gic.dist.read(0x300, 4, 1)]).toEqual([4 | (3 << 10), 1 << 4]);
  });
});
