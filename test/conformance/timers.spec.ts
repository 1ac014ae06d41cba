/**
 * The generic timers as software sees them. Sections are of the Arm Architecture Reference Manual (DDI 0487, chapter
 * D11 "The Generic Timer", D13.8 its registers). The flat board counts one every 16 cycles of 1 GHz.
 */
import { describe, expect, test } from 'vitest';
import { CODE, cpuBench } from '../../sim/cpu/testbench.js';
import { mrs, msr, type SysregName } from '../support/a64.js';

const COUNT = 1_000_000n;
const U64 = 1n << 64n;
const MAX = U64 - 1n;

const TIMERS = [
  { name: 'CNTP', ctl: 'CNTP_CTL_EL0', cval: 'CNTP_CVAL_EL0', tval: 'CNTP_TVAL_EL0', offset: false },
  { name: 'CNTV', ctl: 'CNTV_CTL_EL0', cval: 'CNTV_CVAL_EL0', tval: 'CNTV_TVAL_EL0', offset: true },
  { name: 'CNTHP', ctl: 'CNTHP_CTL_EL2', cval: 'CNTHP_CVAL_EL2', tval: 'CNTHP_TVAL_EL2', offset: false },
] as const;

/** A core at EL2 whose physical count is COUNT; a program of up to 15 instructions does not change the count. */
function bench() {
  const b = cpuBench();
  const exec = (...words: number[]): void => {
    b.core.cycles = Number(COUNT) * 16;
    b.program(...words);
    b.run(words.length);
    expect(b.core.pc).toBe(CODE + 4n * BigInt(words.length));
  };
  const write = (name: SysregName, value: bigint): void => {
    b.core.setX(1, value);
    exec(msr(name, 1));
  };
  const read = (name: SysregName): bigint => {
    exec(mrs(2, name));
    return b.core.x(2);
  };
  return { ...b, exec, write, read };
}

describe.each(TIMERS)('$name', ({ ctl, cval, tval, offset }) => {
  const OFFSETS = offset ? [0n, 1n, COUNT, COUNT + 1n, 1n << 63n, MAX] : [0n];
  const views = OFFSETS.map((off) => [off, BigInt.asUintN(64, COUNT - off)] as const);

  test('CVAL: the condition is met when (count - offset) mod 2^64 >= CVAL, unsigned (D11.2.4, CompareValue view)', () => {
    const { read, write } = bench();
    for (const [off, view] of views) {
      write('CNTVOFF_EL2', off);
      const values = [0n, 1n, view - 1n, view, view + 1n, (1n << 63n) - 1n, 1n << 63n, MAX];
      for (const value of values.map((v) => BigInt.asUintN(64, v))) {
        write(cval, value);
        expect(read(cval)).toBe(value);
        for (let control = 0n; control < 8n; control++) {
          write(ctl, control);
          // ISTATUS is read-only; IMASK does not gate it; it is UNKNOWN while disabled, ours reads 0 (D13.8 CTL).
          const istatus = (control & 1n) !== 0n && view >= value ? 4n : 0n;
          expect(read(ctl), `offset ${off} cval ${value} ctl ${control}`).toBe((control & 3n) | istatus);
        }
      }
    }
  });

  test('TVAL: writes count + sign-extended value to CVAL, reads the low word of CVAL - count (TimerValue view)', () => {
    const { read, write } = bench();
    for (const [off, view] of views) {
      write('CNTVOFF_EL2', off);
      for (const [value, signed] of [
        [0n, 0n],
        [1n, 1n],
        [0x7fff_ffffn, 0x7fff_ffffn],
        [0x8000_0000n, -0x8000_0000n],
        [0xffff_ffffn, -1n],
        [0xdead_beef_0000_0005n, 5n], // bits 63:32 are RES0
      ] as const) {
        write(tval, value);
        expect(read(cval), `offset ${off} tval ${value}`).toBe(BigInt.asUintN(64, view + signed));
        expect(read(tval)).toBe(value & 0xffff_ffffn);
      }
      // A compare value far away: TVAL shows its low word only.
      write(cval, view + 0x5_0000_0003n);
      expect(read(tval)).toBe(3n);
    }
  });
});

test('CNTVCT is CNTPCT less CNTVOFF, modulo 2^64; both are read-only (D13.8.18, D13.8.26)', () => {
  const { exec, read, write, core } = bench();
  for (const off of [0n, 5n, COUNT, COUNT + 3n, MAX]) {
    write('CNTVOFF_EL2', off);
    expect([read('CNTPCT_EL0'), read('CNTVCT_EL0')]).toEqual([COUNT, BigInt.asUintN(64, COUNT - off)]);
  }
  for (const name of ['CNTPCT_EL0', 'CNTVCT_EL0'] as const) {
    core.cycles = Number(COUNT) * 16;
    expect(() => exec(msr(name, 1))).toThrow(); // UNDEFINED: does not get past it
    expect(core.sysreg('ESR_EL2')).toBe(0x200_0000n);
  }
});

test('the virtual count passes zero and the condition is lost (D11.2.4)', () => {
  const { read, write, core } = bench();
  write('CNTVOFF_EL2', COUNT + 2n); // two counts before the wrap
  write('CNTV_CVAL_EL0', 10n);
  write('CNTV_CTL_EL0', 1n);
  expect([read('CNTVCT_EL0'), read('CNTV_CTL_EL0')]).toEqual([U64 - 2n, 5n]);
  const b = core;
  for (const [later, istatus] of [
    [2n, 1n],
    [11n, 1n],
    [12n, 5n],
  ] as const) {
    b.cycles = Number(COUNT + later) * 16;
    b.pc = CODE;
    // the program at CODE is still mrs x2, cntv_ctl_el0
    b.run(b.cycles + 1);
    expect([later, b.x(2)]).toEqual([later, istatus]);
  }
});

describe('who may access (D11.2.6; D13.8 CNTKCTL_EL1, CNTHCTL_EL2)', () => {
  // CNTKCTL_EL1 bits of which one is needed at EL0, and the CNTHCTL_EL2 bit needed below EL2.
  const [EL0PCTEN, EL0VCTEN, EL0VTEN, EL0PTEN] = [1 << 0, 1 << 1, 1 << 8, 1 << 9];
  const [EL1PCTEN, EL1PCEN] = [1 << 0, 1 << 1];
  const RULES: readonly (readonly [SysregName, el0: number, el2: number])[] = [
    ['CNTFRQ_EL0', EL0PCTEN | EL0VCTEN, 0],
    ['CNTPCT_EL0', EL0PCTEN, EL1PCTEN],
    ['CNTVCT_EL0', EL0VCTEN, 0],
    ['CNTP_CTL_EL0', EL0PTEN, EL1PCEN],
    ['CNTP_CVAL_EL0', EL0PTEN, EL1PCEN],
    ['CNTP_TVAL_EL0', EL0PTEN, EL1PCEN],
    ['CNTV_CTL_EL0', EL0VTEN, 0],
    ['CNTV_CVAL_EL0', EL0VTEN, 0],
    ['CNTV_TVAL_EL0', EL0VTEN, 0],
  ];
  const READ_ONLY = new Set<SysregName>(['CNTFRQ_EL0', 'CNTPCT_EL0', 'CNTVCT_EL0']);

  /** ISS of a trapped MSR or MRS (D13.2.37, EC 0x18), from the instruction word. */
  const syndrome = (word: number): bigint => {
    const field = (at: number, bits: number) => (word >>> at) & ((1 << bits) - 1);
    const iss =
      (field(19, 2) << 20) | (field(5, 3) << 17) | (field(16, 3) << 14) | (field(12, 4) << 10) | (field(0, 5) << 5);
    return BigInt((0x18 << 26) | (1 << 25) | iss | (field(8, 4) << 1) | field(21, 1));
  };

  test.each(RULES)('%s', (name, el0, el2) => {
    const b = cpuBench();
    for (const write of READ_ONLY.has(name) ? [false] : [false, true]) {
      const word = write ? msr(name, 3) : mrs(3, name);
      for (const el of [0, 1, 2] as const) {
        for (let kernel = 0; kernel < 16; kernel++) {
          for (let hyp = 0; hyp < 4; hyp++) {
            for (const tge of el === 0 ? [0, 1] : [0]) {
              const cntkctl = (kernel & 3) | ((kernel & 12) << 6);
              b.core.reset(2);
              b.core.setSysreg('VBAR_EL1', 0x4001_0000n);
              b.core.setSysreg('VBAR_EL2', 0x4002_0000n);
              b.core.setSysreg('HCR_EL2', (1n << 31n) | BigInt(tge << 27));
              b.core.setSysreg('CNTKCTL_EL1', BigInt(cntkctl));
              b.core.setSysreg('CNTHCTL_EL2', BigInt(hyp));
              b.level(el);
              b.program(word);
              b.run(5);
              let expected = 'ok';
              if (el === 0 && (cntkctl & el0) === 0) expected = tge ? 'EL2' : 'EL1';
              else if (el < 2 && el2 !== 0 && (hyp & el2) === 0) expected = 'EL2';
              const pc = b.core.pc;
              const got = pc === CODE + 4n ? 'ok' : pc >= 0x4002_0000n ? 'EL2' : 'EL1';
              expect(`el${el} ${cntkctl} ${hyp} ${tge} ${got}`).toBe(`el${el} ${cntkctl} ${hyp} ${tge} ${expected}`);
              if (got !== 'ok') expect(b.core.sysreg(`ESR_${got}`)).toBe(syndrome(word));
            }
          }
        }
      }
    }
  });

  test('CNTVOFF, CNTHCTL and the EL2 timer are UNDEFINED below EL2', () => {
    const b = cpuBench();
    for (const name of ['CNTVOFF_EL2', 'CNTHCTL_EL2', 'CNTHP_CTL_EL2', 'CNTHP_CVAL_EL2', 'CNTHP_TVAL_EL2'] as const) {
      for (const el of [0, 1] as const) {
        b.core.reset(2);
        b.core.setSysreg('VBAR_EL1', 0x4001_0000n);
        b.core.setSysreg('HCR_EL2', 1n << 31n);
        b.level(el);
        b.program(mrs(0, name));
        b.run(5);
        expect([b.core.pc >> 16n, b.core.sysreg('ESR_EL1')]).toEqual([0x4001n, 0x200_0000n]);
      }
    }
  });
});
