/**
 * The GIC as Non-secure software sees it after a secure firmware (ARM IHI 0048B.b 3.8, 4.3, 4.4): Group 0 is hidden,
 * priorities are shifted, Secure registers read as zero. The firmware's choice is that of the R-Car H3 board.
 */
import { describe, expect, test } from 'vitest';
import { rcarH3 } from '../../../boards/index.js';
import type { GicConfig } from '../../../sim/gic/config.js';
import { gicBench } from '../../../sim/gic/testbench.js';
import { createFlatMachine } from '../../../sim/machine/flat.js';

const GROUP0 = [8, 15, 29, 70, 97];
const CONFIG: GicConfig = {
  cpuCount: 8,
  spiCount: 480,
  lrCount: 4,
  securityExtensions: true,
  alias64k: true,
  group0: GROUP0,
};
const hidden = (word: number) =>
  GROUP0.filter((intid) => intid >> 5 === word).reduce((bits, intid) => (bits | (1 << (intid & 31))) >>> 0, 0);
/** INTIDs 16 to 24 do not exist. */
const EXIST = 0xfe00_ffff;

function bench() {
  const { gic, ...rest } = gicBench(CONFIG);
  const d = {
    r: (at: number, width: 1 | 2 | 4 = 4) => rest.r(gic.dist, at, 0, width),
    w: (at: number, value: number, width: 1 | 2 | 4 = 4) => rest.w(gic.dist, at, value, 0, width),
  };
  const c = {
    r: (at: number) => rest.r(gic.cpuif, at),
    w: (at: number, value: number) => rest.w(gic.cpuif, at, value),
  };
  return { gic, d, c, open: () => rest.open(0), log: rest.log };
}

describe('distributor', () => {
  test('TYPER shows the Security Extensions with 31 lockable SPIs (4.3.2); CTLR has one bit (table 4-4)', () => {
    const { d } = bench();
    expect(d.r(0x004)).toBe(15 | (7 << 5) | (1 << 10) | (31 << 11));
    d.w(0x000, 0xffff_ffff);
    expect(d.r(0x000)).toBe(1);
  });

  test('IGROUPR and NSACR are RAZ/WI (4.3.4, 4.3.14)', () => {
    const { d } = bench();
    for (let n = 0; n < 16; n++) {
      d.w(0x080 + 4 * n, n & 1 ? 0 : 0xffff_ffff);
      expect(d.r(0x080 + 4 * n)).toBe(0);
    }
    for (let n = 0; n < 64; n++) {
      d.w(0xe00 + 4 * n, 0xffff_ffff);
      expect(d.r(0xe00 + 4 * n)).toBe(0);
    }
    // Nothing became visible or hidden.
    d.w(0x108, 0xffff_ffff);
    expect(d.r(0x108)).toBe((0xffff_ffff & ~hidden(2)) >>> 0);
  });

  test.each([
    ['enable (4.3.5)', 0x100, 0x180, 0xffff],
    ['pending (4.3.7)', 0x200, 0x280, 0xffff],
    ['active (4.3.9)', 0x300, 0x380, 0],
  ])('%s: bits of Group 0 are RAZ/WI', (_name, set, clear, fixed) => {
    const { d } = bench();
    for (let word = 0; word < 16; word++) {
      d.w(set + 4 * word, 0xffff_ffff);
      let all = 0xffff_ffff & ~hidden(word);
      if (word === 0) all &= EXIST;
      // ISPENDR does not write SGIs; ISENABLER has them set for ever.
      if (word === 0 && set === 0x200) all &= ~fixed;
      expect(d.r(set + 4 * word), `word ${word}`).toBe(all >>> 0);
      d.w(clear + 4 * word, 0xffff_ffff);
      expect(d.r(set + 4 * word)).toBe(word === 0 && set === 0x100 ? (fixed & ~hidden(0)) >>> 0 : 0);
    }
  });

  test.each(GROUP0)('INTID %i: priority, target, configuration and SGI sources are RAZ/WI', (intid) => {
    const { d } = bench();
    for (const at of [0x400 + intid, 0x800 + intid, ...(intid < 16 ? [0xf10 + intid, 0xf20 + intid] : [])]) {
      d.w(at, 0xff, 1);
      expect(d.r(at, 1)).toBe(0);
    }
    const at = 0xc00 + 4 * (intid >> 4);
    d.w(at, 0xffff_ffff);
    expect((d.r(at) >>> (2 * (intid & 15))) & 3).toBe(0);
  });

  test('priority: what is written is stored in the lower half and read back shifted (3.8.1): 16 levels', () => {
    const { d } = bench();
    for (let value = 0; value < 0x100; value++) {
      d.w(0x428, value, 1);
      expect(d.r(0x428, 1)).toBe(value & 0xf0);
    }
  });

  test('SGIR: NSATT is ignored, only SGIs of Group 1 are sent (4.3.15)', () => {
    const { gic, d, c, open } = bench();
    open();
    for (const nsatt of [0, 1 << 15]) {
      d.w(0xf00, (2 << 24) | nsatt | 8);
      expect(c.r(0x0c)).toBe(1023);
      d.w(0xf00, (2 << 24) | nsatt | 7);
      expect(c.r(0x0c)).toBe(7);
      c.w(0x10, 7);
    }
    expect(gic.dist.read(0xf28, 4, 0)).toBe(0);
  });
});

describe('CPU interface', () => {
  test('CTLR: EnableGrp1, two bypass bits and EOImodeNS (table 4-32)', () => {
    const { c } = bench();
    for (const [write, read] of [
      [0xffff_ffff, 0x261],
      [0x19e, 0x000],
      [0x200, 0x200],
      [0x040, 0x040],
      [0x020, 0x020],
      [0x001, 0x001],
    ] as const) {
      c.w(0x00, write);
      expect(c.r(0x00)).toBe(write & read);
    }
  });

  test('PMR: the lower half of the priorities, shifted (4.4.2, 3.8.1)', () => {
    const { c } = bench();
    for (let value = 0; value < 0x100; value++) {
      c.w(0x04, value);
      expect(c.r(0x04)).toBe(value & 0xf0);
    }
  });

  test('BPR is the Group 1 binary point, 3 at least (4.4.3, 4.4.8)', () => {
    const { c } = bench();
    for (let value = 0; value < 8; value++) {
      c.w(0x08, value);
      expect(c.r(0x08)).toBe(Math.max(3, value));
    }
  });

  test('Secure registers are RAZ/WI: ABPR, AIAR, AEOIR, AHPPIR, NSAPR (4.4.8 to 4.4.13)', () => {
    const { gic, d, c, open } = bench();
    open();
    d.w(0x41b, 0, 1); // out of reset the priority is in the Secure half
    d.w(0x100, 1 << 27);
    gic.ppiLine(0, 27).set(true);
    expect([0x1c, 0x20, 0x28, 0xe0].map((at) => c.r(at))).toEqual([0, 0, 0, 0]);
    expect(d.r(0x300)).toBe(0); // the read of AIAR has acknowledged nothing
    expect(c.r(0x0c)).toBe(27);
    c.w(0x1c, 7);
    c.w(0xe0, 0);
    c.w(0x24, 27);
    expect([c.r(0x08), c.r(0xd0), d.r(0x300)]).toEqual([3, 1, 1 << 27]);
  });

  test('RPR and APR show the lower half of the priorities (4.4.6, 4.4.12)', () => {
    const { gic, d, c, open } = bench();
    open();
    expect(c.r(0x14)).toBe(0xff);
    gic.enable(0, 27);
    for (let priority = 0; priority < 0xf0; priority += 0x10) {
      d.w(0x41b, priority, 1);
      gic.ppiLine(0, 27).set(true);
      expect(c.r(0x0c)).toBe(27);
      expect([c.r(0x14), c.r(0xd0)]).toEqual([priority, 1 << (priority >> 4)]);
      gic.ppiLine(0, 27).set(false);
      c.w(0x10, 27);
    }
    c.w(0xd0, 0xffff_ffff);
    expect([c.r(0xd0), c.r(0x14)]).toEqual([0xffff, 0]);
    c.w(0xd0, 0);
    expect(c.r(0x14)).toBe(0xff);
  });

  test('a Group 0 interrupt is neither signalled to nor acknowledged, ended or deactivated by Non-secure software', () => {
    const { gic, d, c, open, log } = bench();
    open();
    gic.dist.setTargets(70, 1);
    gic.enable(0, 70);
    gic.spiLine(38).set(true);
    gic.ppiLine(0, 29).set(true);
    expect([log.length, c.r(0x0c), c.r(0x18), d.r(0xd00), d.r(0xd08)]).toEqual([0, 1023, 1023, 0, 0]);
    c.w(0x00, 0x201);
    c.w(0x10, 70);
    c.w(0x1_0000, 70);
    expect(d.r(0x308)).toBe(0);
  });

  test('GICC_CTLR.EOImodeNS splits drop from deactivation (4.4.1)', () => {
    const { gic, d, c, open } = bench();
    open();
    c.w(0x00, 0x201);
    gic.sendSgi(0, 1, 3);
    c.w(0x10, c.r(0x0c));
    expect([c.r(0x14), d.r(0x300)]).toEqual([0xff, 8]);
    c.w(0x1_0000, 3);
    expect(d.r(0x300)).toBe(0);
  });
});

test("the R-Car H3: what its BL31 keeps in Group 0 is hidden from the machine's software", () => {
  // TF-A plat/renesas/common: SGIs 8 to 15, the secure timer 29, INTIDs 70, 97, 98, 102, 166, 171, 173.
  const { machine } = createFlatMachine({ kernel: Uint8Array.of(0, 0, 0, 0x14), board: rcarH3() });
  const hidden = [0x2000_ff00, 0, 1 << 6, (1 << 1) | (1 << 2) | (1 << 6), 0, (1 << 6) | (1 << 11) | (1 << 13)];
  const exist = [0xfe00_ffff, ...Array<number>(15).fill(0xffff_ffff)];
  for (let word = 0; word < 16; word++) {
    const at = 0xf101_0100 + 4 * word;
    machine.bus.write(0, at, 4, 0xffff_ffff, 0);
    expect(machine.bus.read(0, at, 4), `word ${word}`).toBe((exist[word]! & ~(hidden[word] ?? 0)) >>> 0);
  }
});
