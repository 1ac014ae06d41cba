/**
 * GIC-400 distributor, register by register. Sections are of the GICv2 architecture specification (ARM IHI 0048B.b);
 * TRM is the GIC-400's (ARM DDI 0471B). Values are from there, never from the model.
 */
import { describe, expect, test } from 'vitest';
import type { GicConfig } from '../../../sim/gic/config.js';
import { gicBench } from '../../../sim/gic/testbench.js';

/** Without the Security Extensions, so that every bit of every register can be seen: 4 cores, 64 SPIs. */
const CONFIG: GicConfig = { cpuCount: 4, spiCount: 64, lrCount: 4, securityExtensions: false, alias64k: false };
const INTIDS = 96;
const WORDS = INTIDS / 32;
/** INTIDs 0 to 15 are SGIs, 25 to 31 the PPIs of a GIC-400, 16 to 24 do not exist (TRM 2.2.1). */
const SGIS = 0x0000_ffff;
const PPIS = 0xfe00_0000;
const BANKED = 0xfe00_ffff;

const CPUS = [0, 1, 2, 3];
const bench = () => {
  const { gic, errors, ...rest } = gicBench(CONFIG);
  const r = (at: number, cpu = 0, width: 1 | 2 | 4 = 4) => rest.r(gic.dist, at, cpu, width);
  const w = (at: number, value: number, cpu = 0, width: 1 | 2 | 4 = 4) => rest.w(gic.dist, at, value, cpu, width);
  return { gic, errors, r, w };
};

describe('register map (4.1.2, table 4-1; TRM table 3-2)', () => {
  const READ_ONLY: readonly (readonly [name: string, at: number, value: number])[] = [
    ['TYPER', 0x004, (WORDS - 1) | (3 << 5)], // ITLinesNumber, CPUNumber
    ['IIDR', 0x008, 0x0200_143b],
    ['PIDR4', 0xfd0, 0x04],
    ['PIDR5', 0xfd4, 0],
    ['PIDR6', 0xfd8, 0],
    ['PIDR7', 0xfdc, 0],
    ['PIDR0', 0xfe0, 0x90],
    ['PIDR1', 0xfe4, 0xb4],
    ['PIDR2', 0xfe8, 0x2b],
    ['PIDR3', 0xfec, 0],
    ['CIDR0', 0xff0, 0x0d],
    ['CIDR1', 0xff4, 0xf0],
    ['CIDR2', 0xff8, 0x05],
    ['CIDR3', 0xffc, 0xb1],
  ];

  test.each(READ_ONLY)('%s is read-only', (_name, at, value) => {
    const { r, w, errors } = bench();
    for (const cpu of CPUS) expect(r(at, cpu)).toBe(value);
    w(at, ~value >>> 0);
    expect([r(at), errors]).toEqual([value, []]);
  });

  test('reset values (TRM table 3-2): SGIs enabled, SGIs edge, PPIs level, all else clear', () => {
    const { r } = bench();
    expect(r(0x000)).toBe(0);
    for (const cpu of CPUS) {
      for (const set of [0x100, 0x180]) expect(r(set, cpu)).toBe(SGIS);
      for (const bits of [0x080, 0x200, 0x280, 0x300, 0x380]) expect(r(bits, cpu)).toBe(0);
      expect([r(0xc00, cpu), r(0xc04, cpu), r(0xc08, cpu)]).toEqual([0xaaaa_aaaa, 0x5554_0000, 0x5555_5555]);
    }
    for (let at = 0x400; at < 0x400 + INTIDS; at += 4) expect(r(at)).toBe(0);
    for (let at = 0x820; at < 0x800 + INTIDS; at += 4) expect(r(at)).toBe(0);
    for (let at = 0xf10; at < 0xf30; at += 4) expect(r(at)).toBe(0);
  });

  test('access widths (4.1.4): bytes for IPRIORITYR, ITARGETSR, CPENDSGIR, SPENDSGIR; words for all', () => {
    const banks = [0x000, 0x004, 0x008, 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0xc00, 0xf00, 0xfe0];
    for (const at of banks) {
      for (const width of [1, 2] as const) {
        const { r, w, errors } = bench();
        expect(r(at, 0, width)).toBe(0);
        w(at, 0xff, 0, width);
        expect(errors, `${at.toString(16)}/${width}`).toEqual(['bad-read gicd', 'bad-write gicd']);
      }
    }
    for (const at of [0x41a, 0x41b, 0x81a, 0xf11, 0xf22]) {
      const { r, errors } = bench();
      r(at, 0, 1);
      expect(errors).toEqual([]);
      r(at & ~1, 0, 2);
      expect(errors).toEqual(['bad-read gicd']);
    }
  });

  test('reserved offsets read as zero, ignore writes, and are reported', () => {
    for (const at of [0x00c, 0x01c, 0x040, 0x07c, 0x7fc, 0xbfc, 0xd40, 0xdfc, 0xf04, 0xf30, 0xfcc]) {
      const { r, w, errors } = bench();
      w(at, 0xffff_ffff);
      expect(r(at)).toBe(0);
      expect(errors, at.toString(16)).toEqual(['bad-write gicd', 'bad-read gicd']);
    }
  });

  test('registers of INTIDs beyond TYPER.ITLinesNumber are RAZ/WI (4.1.1)', () => {
    for (const base of [0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380]) {
      const { r, w } = bench();
      for (let word = WORDS; word < 32; word++) {
        w(base + 4 * word, 0xffff_ffff);
        expect(r(base + 4 * word)).toBe(0);
      }
    }
    const { r, w } = bench();
    for (let intid = INTIDS; intid < 1020; intid += 4) {
      for (const at of [0x400 + intid, 0x800 + intid]) {
        w(at, 0xffff_ffff);
        expect(r(at)).toBe(0);
      }
    }
    for (let n = WORDS * 2; n < 64; n++) {
      w(0xc00 + 4 * n, 0xffff_ffff);
      expect(r(0xc00 + 4 * n)).toBe(0);
    }
  });

  test('INTIDs 16 to 24 do not exist on a GIC-400 (TRM 2.2.1): RAZ/WI in every register', () => {
    const { r, w } = bench();
    for (const base of [0x080, 0x100, 0x200, 0x300]) {
      w(base, 0xffff_ffff);
      expect(r(base) & 0x01ff_0000, base.toString(16)).toBe(0);
    }
    for (const base of [0x400, 0x800]) {
      w(base + 16, 0xffff_ffff);
      w(base + 20, 0xffff_ffff);
      w(base + 24, 0xff, 0, 1);
      expect([r(base + 16), r(base + 20), r(base + 24, 0, 1)]).toEqual([0, 0, 0]);
    }
  });
});

describe('one bit per interrupt', () => {
  const SET_CLEAR = [
    ['ISENABLER, ICENABLER (4.3.5, 4.3.6)', 0x100, 0x180, PPIS, SGIS],
    ['ISPENDR, ICPENDR (4.3.7, 4.3.8)', 0x200, 0x280, PPIS, 0],
    ['ISACTIVER, ICACTIVER (4.3.9, 4.3.10)', 0x300, 0x380, BANKED, 0],
  ] as const;

  test.each(SET_CLEAR)('%s: a one sets or clears its own bit only, both read alike', (_name, set, clear, rw, fixed) => {
    const { r, w } = bench();
    for (let intid = 0; intid < INTIDS; intid++) {
      const at = 4 * (intid >> 5);
      const bit = (1 << (intid & 31)) >>> 0;
      const changes = intid >= 32 || (rw & bit) !== 0;
      const base = intid < 32 ? fixed : 0;
      w(set + at, bit);
      const after = changes ? (base | bit) >>> 0 : base;
      expect([r(set + at), r(clear + at)], `INTID ${intid}`).toEqual([after, after]);
      w(set + at, 0);
      w(clear + at, 0);
      w(clear + at, ~bit >>> 0);
      expect(r(set + at)).toBe(after);
      w(clear + at, bit);
      expect([r(set + at), r(clear + at)]).toEqual([base, base]);
    }
  });

  test('IGROUPR (4.3.4): plain storage of what exists', () => {
    const { r, w } = bench();
    w(0x080, 0xffff_ffff);
    w(0x084, 0x8000_0001);
    expect([r(0x080), r(0x080, 1), r(0x084, 3)]).toEqual([BANKED, 0, 0x8000_0001]);
    w(0x080, 0);
    expect(r(0x080)).toBe(0);
  });

  test.each([
    ['IGROUPR', 0x080, PPIS],
    ['ISENABLER', 0x100, PPIS],
    ['ISPENDR', 0x200, PPIS],
    ['ISACTIVER', 0x300, BANKED],
  ] as const)('%s0 is banked by CPU, the others are common (4.1.4, 4.3)', (_name, at, rw) => {
    for (const cpu of CPUS) {
      const { r, w } = bench();
      const before = r(at, cpu);
      w(at, rw, cpu);
      w(at + 4, 0x1234_5678, cpu);
      for (const other of CPUS) {
        expect(r(at, other)).toBe(other === cpu ? (before | rw) >>> 0 : before);
        expect(r(at + 4, other)).toBe(0x1234_5678);
      }
    }
  });
});

describe('IPRIORITYR (4.3.11; 5 bits: TRM 2.3.2)', () => {
  test('every byte stores bits 7:3, by byte and by word, banked for INTIDs 0 to 31', () => {
    const { r, w } = bench();
    for (let intid = 0; intid < INTIDS; intid++) {
      if (intid >= 16 && intid < 25) continue;
      w(0x400 + intid, 0xff, 2, 1);
      expect(r(0x400 + intid, 2, 1)).toBe(0xf8);
      expect(r(0x400 + intid, 1, 1)).toBe(intid < 32 ? 0 : 0xf8);
    }
    w(0x440, 0x1122_3344);
    expect([r(0x440), r(0x441, 0, 1)]).toEqual([0x1020_3040, 0x30]);
  });
});

describe('ITARGETSR (4.3.12)', () => {
  test('ITARGETSR0 to 7 are read-only and name the CPU that reads', () => {
    const { r, w } = bench();
    for (const cpu of CPUS) {
      for (const intid of [...Array(16).keys(), 25, 26, 27, 28, 29, 30, 31]) {
        w(0x800 + intid, 0xff, cpu, 1);
        expect(r(0x800 + intid, cpu, 1)).toBe(1 << cpu);
      }
      w(0x81c, 0, cpu);
      expect(r(0x81c, cpu)).toBe(0x0101_0101 * (1 << cpu));
    }
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('%i CPU interfaces: bits of absent ones are RAZ/WI', (cpuCount) => {
    const { gic, r, w } = gicBench({ ...CONFIG, cpuCount });
    // With one interface every ITARGETSR is RAZ/WI.
    const mask = cpuCount === 1 ? 0 : (1 << cpuCount) - 1;
    for (let intid = 32; intid < INTIDS; intid++) {
      w(gic.dist, 0x800 + intid, 0xff, 0, 1);
      expect(r(gic.dist, 0x800 + intid, 0, 1)).toBe(mask);
      w(gic.dist, 0x800 + intid, ~mask & 0xff, 0, 1);
      expect(r(gic.dist, 0x800 + intid, 0, 1)).toBe(0);
    }
  });

  test('a pending SPI goes to exactly the CPUs of its byte, also when the byte changes', () => {
    for (let targets = 0; targets < 16; targets++) {
      const { gic, log, open, w } = gicBench(CONFIG);
      open(...CPUS);
      gic.enable(0, 40);
      gic.spiLine(8).set(true);
      expect(log).toEqual([]);
      w(gic.dist, 0x828, targets, 0, 1);
      const reached = CPUS.filter((cpu) => (targets >> cpu) & 1);
      expect(log).toEqual(reached.map((cpu) => `irq${cpu}=1`));
      w(gic.dist, 0x828, 0, 3, 1);
      expect(log.slice(reached.length)).toEqual(reached.map((cpu) => `irq${cpu}=0`));
    }
  });
});

describe('ICFGR (4.3.13; TRM table 3-2)', () => {
  test('bit 1 of an SPI field is programmable, bit 0 reads as one; SGIs and PPIs are fixed', () => {
    const { r, w } = bench();
    for (let n = 2; n < WORDS * 2; n++) {
      for (let field = 0; field < 16; field++) {
        const edge = (2 << (2 * field)) >>> 0;
        w(0xc00 + 4 * n, edge);
        expect(r(0xc00 + 4 * n)).toBe((0x5555_5555 | edge) >>> 0);
      }
      w(0xc00 + 4 * n, 0xffff_ffff);
      expect(r(0xc00 + 4 * n, 3)).toBe(0xffff_ffff);
      w(0xc00 + 4 * n, 0x5555_5555);
      expect(r(0xc00 + 4 * n)).toBe(0x5555_5555);
    }
    for (const value of [0, 0xffff_ffff]) {
      w(0xc00, value);
      w(0xc04, value);
      expect([r(0xc00), r(0xc04)]).toEqual([0xaaaa_aaaa, 0x5554_0000]);
    }
  });
});

describe('input status (TRM 3.2, GICD_PPISR and GICD_SPISRn)', () => {
  test('PPISR has bits 15:9, of the reading CPU; SPISR one bit per SPI; neither depends on enable or trigger', () => {
    const { gic, r, w } = bench();
    for (let intid = 26; intid < 32; intid++) {
      gic.ppiLine(2, intid).set(true);
      expect([r(0xd00, 2), r(0xd00, 1)]).toEqual([1 << (intid - 16), 0]);
      gic.ppiLine(2, intid).set(false);
    }
    w(0xc08, 0xffff_ffff);
    for (const spi of [0, 31, 32, 63]) {
      gic.spiLine(spi).set(true);
      expect(r(0xd04 + 4 * (spi >> 5))).toBe((1 << (spi & 31)) >>> 0);
      gic.spiLine(spi).set(false);
      expect(r(0xd04 + 4 * (spi >> 5))).toBe(0);
    }
  });
});

describe('CTLR (4.3.1)', () => {
  test('bits 0 and 1 enable the forwarding of Group 0 and Group 1, nothing else is stored', () => {
    const { gic, log, r, w, open } = gicBench(CONFIG);
    open(0);
    w(gic.dist, 0x080, PPIS & ~(1 << 27));
    w(gic.cpuif, 0x00, 3);
    w(gic.dist, 0x000, 0xffff_ffff);
    expect(r(gic.dist, 0x000)).toBe(3);
    w(gic.dist, 0x000, 0);
    w(gic.dist, 0x100, PPIS);
    gic.ppiLine(0, 27).set(true); // Group 0
    gic.ppiLine(0, 30).set(true); // Group 1
    expect(log).toEqual([]);
    for (const [enable, hppir] of [
      [1, 27],
      [2, 1022],
      [3, 27],
    ] as const) {
      w(gic.dist, 0x000, enable);
      expect([log.pop(), r(gic.cpuif, 0x18)]).toEqual(['irq0=1', hppir]);
      w(gic.dist, 0x000, 0);
      expect([log.pop(), r(gic.cpuif, 0x18)]).toEqual(['irq0=0', 1023]);
    }
    expect(r(gic.dist, 0x200)).toBe((1 << 27) | (1 << 30)); // pending all the time
  });
});
