/**
 * Self-hosted debug (DDI 0487 chapter D2; J1.1.2 is the pseudocode, named at the check): which breakpoints and
 * watchpoints match, and where the exceptions go. Single cases with their syndromes are in sim/cpu/debug.spec.ts.
 */
import { describe, expect, test } from 'vitest';
import { CODE, cpuBench, VECTORS_EL1, VECTORS_EL2 } from '../../sim/cpu/testbench.js';
import { brk, ERET, mrs, NOP, SELF, type SysregName } from '../support/a64.js';

const [KDE, MDE] = [1n << 13n, 1n << 15n];
const TDE = 1n << 8n;
const DATA = 0x4000_8000;
const LDRB = 0x3940_0001; // ldrb w1, [x0]
const LDR = 0xf940_0001; // ldr x1, [x0]
const STR = 0xf900_0001; // str x1, [x0]
const LDP = 0xa940_0801; // ldp x1, x2, [x0]
const LD1 = 0x4c40_7000; // ld1 {v0.16b}, [x0]
const DC_ZVA = 0xd50b_7420; // dc zva, x0
const DC_CVAC = 0xd50b_7a20; // dc cvac, x0

type Registers = Partial<Record<SysregName, bigint>>;

/** A core at `el` with PSTATE.D clear; runs one instruction: `ok`, or the exception. */
function bench() {
  const b = cpuBench();
  const one = (el: 0 | 1 | 2, word: number, registers: Registers, x0 = DATA, at = CODE): string => {
    b.core.reset(2);
    b.core.setSysreg('VBAR_EL1', VECTORS_EL1);
    b.core.setSysreg('VBAR_EL2', VECTORS_EL2);
    b.core.setSysreg('HCR_EL2', 1n << 31n);
    b.core.setSysreg('CPACR_EL1', 0x30_0000n);
    b.core.setSysreg('SCTLR_EL1', 0x34d0_c800n); // UCI, UCT, DZE
    b.level(el);
    for (const [name, value] of Object.entries({ OSLSR_EL1: 8n, ...registers })) b.core.setSysreg(name, value);
    b.core.pstate = [0, 5, 9][el]!;
    b.memory.write32(Number(at), word);
    b.memory.write32(Number(at) + 4, SELF);
    b.core.setX(0, BigInt(x0));
    b.core.pc = at;
    b.run(1);
    const target = b.core.pc >= VECTORS_EL2 ? 2 : 1;
    if (b.core.pc < VECTORS_EL1) return 'ok';
    return `EL${target} ${b.core.sysreg(`ESR_EL${target}`).toString(16)}`;
  };
  return { ...b, one };
}

const control = (bits: { hmc?: number; ssc?: number; pmc?: number; type?: number; link?: number }): bigint => {
  const { hmc = 0, ssc = 0, pmc = 3, type = 0, link = 0 } = bits;
  return BigInt((type << 20) | (link << 16) | (ssc << 14) | (hmc << 13) | (0xf << 5) | (pmc << 1) | 1);
};

describe('StateMatch: HMC, SSC and PMC say at which levels a breakpoint matches (D2.9.3, table D2-9)', () => {
  /** AArch64.StateMatch() for Non-secure state with EL2 and EL3; undefined: reserved. */
  const matches = (hmc: number, ssc: number, pmc: number, el: number): boolean | undefined => {
    const key = [hmc, ssc >> 1, ssc & 1, pmc >> 1, pmc & 1].join('');
    if (/^(011..|100.0|101.0|11010|11101|1111.)$/.test(key)) return undefined;
    if (hmc === 0 && pmc === 0) return undefined; // AArch32 modes only
    const level = el === 2 ? hmc === 1 : el === 1 ? (pmc & 1) === 1 : (pmc & 2) === 2;
    return level && ssc !== 2;
  };

  test.each([0, 1, 2] as const)('EL%i', (el) => {
    const { one } = bench();
    for (let combination = 0; combination < 32; combination++) {
      const [hmc, ssc, pmc] = [combination >> 4, (combination >> 2) & 3, combination & 3];
      const expected = matches(hmc, ssc, pmc, el);
      if (expected === undefined) continue;
      // To EL2, which may break itself: every level can then be seen.
      const registers = {
        MDSCR_EL1: MDE | KDE,
        MDCR_EL2: TDE,
        DBGBVR1_EL1: CODE,
        DBGBCR1_EL1: control({ hmc, ssc, pmc }),
      };
      const ec = el === 2 ? 'c6000022' : 'c2000022';
      expect(`${hmc} ${ssc} ${pmc} ${one(el, NOP, registers)}`).toBe(
        `${hmc} ${ssc} ${pmc} ${expected ? `EL2 ${ec}` : 'ok'}`,
      );
    }
  });
});

test('GenerateDebugExceptionsFrom(): by level, target, KDE, PSTATE.D and the locks (D2.4)', () => {
  const { one } = bench();
  for (const el of [0, 1, 2] as const) {
    for (let n = 0; n < 32; n++) {
      const bit = (i: number) => ((n >> i) & 1) !== 0;
      const [tde, kde, mde, oslk, dlk] = [bit(0), bit(1), bit(2), bit(3), bit(4)];
      const target = tde ? 2 : 1;
      const generates = mde && !oslk && !dlk && (el === target ? kde : target > el);
      const registers = {
        MDSCR_EL1: (mde ? MDE : 0n) | (kde ? KDE : 0n),
        MDCR_EL2: tde ? TDE : 0n,
        OSLSR_EL1: oslk ? 10n : 8n,
        OSDLR_EL1: dlk ? 1n : 0n,
        DBGBVR0_EL1: CODE,
        DBGBCR0_EL1: control({ hmc: 1, pmc: 3 }),
      };
      const ec = el === target ? 'c6000022' : 'c2000022';
      expect(`${el} ${n} ${one(el, NOP, registers)}`).toBe(`${el} ${n} ${generates ? `EL${target} ${ec}` : 'ok'}`);
    }
  }
});

describe('BreakpointValueMatch(): types of breakpoints (D2.9.2)', () => {
  const [CONTEXT, VMID] = [0x1234_5678n, 0x2an];
  const state = { MDSCR_EL1: MDE, CONTEXTIDR_EL1: CONTEXT, VTTBR_EL2: VMID << 48n };
  const value = (context: bigint, vmid: bigint) => (vmid << 32n) | context;

  test('each type on each breakpoint: what it compares, and that a linked one alone does nothing', () => {
    const { one } = bench();
    for (let n = 0; n < 6; n++) {
      for (let type = 0; type < 16; type++) {
        const contextAware = n >= 4; // ID_AA64DFR0_EL1: BRPs 5, CTX_CMPs 1
        const [address, linked] = [type < 2, (type & 1) === 1];
        const known = address || (contextAware && [2, 3, 8, 9, 10, 11].includes(type));
        for (const [ok, context, vmid] of [
          [true, CONTEXT, VMID],
          [false, CONTEXT + 1n, VMID],
          [false, CONTEXT, VMID + 1n],
        ] as const) {
          const compares = (type & 2 ? context === CONTEXT : true) && (type & 8 ? vmid === VMID : true);
          const registers: Registers = {
            ...state,
            [`DBGBVR${n}_EL1`]: address ? CODE : value(context, vmid),
            // A linked address breakpoint needs its context: none is set up here.
            [`DBGBCR${n}_EL1`]: control({ type, link: 5 }),
          };
          const hit = known && !linked && (address || compares);
          expect(`${n} ${type} ${ok} ${one(0, NOP, registers)}`).toBe(
            `${n} ${type} ${ok} ${hit ? 'EL1 c2000022' : 'ok'}`,
          );
        }
      }
    }
  });

  test('a linked address breakpoint: its context breakpoint must be linked, enabled, context-aware and match', () => {
    const { one } = bench();
    for (let link = 0; link < 8; link++) {
      for (const type of [2, 3, 8, 9, 10, 11]) {
        for (const enabled of [0n, 1n]) {
          const context: Registers =
            link < 6
              ? {
                  [`DBGBVR${link}_EL1`]: value(CONTEXT, VMID),
                  [`DBGBCR${link}_EL1`]: (control({ type }) & ~1n) | enabled,
                }
              : {};
          const registers = { ...state, ...context, DBGBVR1_EL1: CODE, DBGBCR1_EL1: control({ type: 1, link }) };
          if (link === 1) continue; // itself
          const hit = (link === 4 || link === 5) && enabled === 1n && (type & 1) === 1;
          // An unlinked context breakpoint matches by itself.
          const alone = (link === 4 || link === 5) && enabled === 1n && (type & 1) === 0;
          expect(`${link} ${type} ${enabled} ${one(0, NOP, registers)}`).toBe(
            `${link} ${type} ${enabled} ${hit || alone ? 'EL1 c2000022' : 'ok'}`,
          );
        }
      }
    }
  });

  test('addresses are compared from bit 2 to the top, less the top byte where it is ignored (AddrTop)', () => {
    const { one } = bench();
    const at = (bvr: bigint, tcr = 0n) =>
      one(0, NOP, { MDSCR_EL1: MDE, TCR_EL1: tcr, DBGBVR0_EL1: bvr, DBGBCR0_EL1: control({}) });
    for (let bit = 2; bit < 49; bit++) expect([bit, at(CODE ^ (1n << BigInt(bit)))]).toEqual([bit, 'ok']);
    expect([at(CODE), at(CODE | 3n)]).toEqual(['EL1 c2000022', 'EL1 c2000022']); // bits 1:0 are RES0
  });
});

describe('watchpoints (D2.10)', () => {
  const WATCH = (bas: number, lsc = 3, mask = 0): bigint =>
    BigInt((mask << 24) | (bas << 5) | (lsc << 3) | (3 << 1) | 1);
  const watch = (wvr: number, wcr: bigint): Registers => ({
    MDSCR_EL1: MDE,
    DBGWVR3_EL1: BigInt(wvr),
    DBGWCR3_EL1: wcr,
  });

  test('BAS: every contiguous set of bytes, every byte accessed (WatchpointByteMatch())', () => {
    const { one, core } = bench();
    for (const wvr of [DATA, DATA + 4]) {
      const width = wvr & 4 ? 4 : 8;
      for (let first = 0; first < width; first++) {
        for (let count = 1; first + count <= width; count++) {
          const bas = ((1 << count) - 1) << first;
          for (let byte = -1; byte <= width; byte++) {
            const hit = byte >= first && byte < first + count;
            const got = one(0, LDRB, watch(wvr, WATCH(bas)), wvr + byte);
            expect(`${wvr & 4} ${bas} ${byte} ${got}`).toBe(`${wvr & 4} ${bas} ${byte} ${hit ? 'EL1 d2000022' : 'ok'}`);
            if (hit) expect(core.sysreg('FAR_EL1')).toBe(BigInt(wvr + byte));
          }
        }
      }
    }
  });

  test('LSC: loads, stores, both, none; WnR is of the access', () => {
    const { one } = bench();
    for (let lsc = 0; lsc < 4; lsc++) {
      const on = watch(DATA, WATCH(0xff, lsc));
      expect([lsc, one(0, LDR, on), one(0, STR, on)]).toEqual([
        lsc,
        lsc & 1 ? 'EL1 d2000022' : 'ok',
        lsc & 2 ? 'EL1 d2000062' : 'ok',
      ]);
    }
  });

  test('MASK: 2^n bytes from an aligned address, n from 3 to 31; 1 and 2 are reserved', () => {
    const { one } = bench();
    for (let mask = 3; mask < 32; mask++) {
      const size = 2 ** mask;
      const base = DATA - (DATA % size);
      const inside = [base, base + size - 8].filter((at) => at >= DATA - 0x4000 && at < DATA + 0x4000).concat(DATA);
      const outside = [base - 8, base + size].filter((at) => at >= DATA - 0x4000 && at < DATA + 0x4000);
      const on = watch(base, WATCH(0xff, 3, mask));
      for (const at of inside) expect([mask, at, one(0, LDR, on, at)]).toEqual([mask, at, 'EL1 d2000022']);
      for (const at of outside) expect([mask, at, one(0, LDR, on, at)]).toEqual([mask, at, 'ok']);
    }
  });

  test('every byte of an access counts: pairs, vectors, DC ZVA; DC CVAC is no access of data', () => {
    const { one, core, memory } = bench();
    const far = () => Number(core.sysreg('FAR_EL1')) - DATA;
    for (const [word, size, syndrome] of [
      [LDR, 8, 'd2000022'],
      [LDP, 16, 'd2000022'],
      [LD1, 16, 'd2000022'],
    ] as const) {
      for (let at = -8; at <= size; at += 8) {
        const hit = at >= 0 && at < size;
        expect([word, at, one(0, word, watch(DATA + at, WATCH(0xff)))]).toEqual([
          word,
          at,
          hit ? `EL1 ${syndrome}` : 'ok',
        ]);
        if (hit) expect(far()).toBeGreaterThanOrEqual(0);
      }
    }
    // DC ZVA on Device memory (MMU off) is an alignment fault, which comes before the watchpoint (D1.12.4).
    expect(one(0, DC_ZVA, watch(DATA + 56, WATCH(0xff)))).toBe('EL1 92000061');
    expect(one(0, DC_CVAC, watch(DATA, WATCH(0xff)))).toBe('ok');
    memory.write64(DATA, 0x55n);
    expect([one(0, STR, watch(DATA, WATCH(0x80))), memory.read64(DATA)]).toEqual(['EL1 d2000062', 0x55n]);
  });

  test('linked to a context breakpoint (WT, LBN)', () => {
    const { one } = bench();
    const linked = WATCH(0xff) | (1n << 20n) | (5n << 16n);
    for (const [context, type, expected] of [
      [7n, 3, 'EL1 d2000022'],
      [8n, 3, 'ok'],
      [7n, 0, 'ok'],
    ] as const) {
      const breakpoint = { DBGBVR5_EL1: 7n, DBGBCR5_EL1: type === 0 ? 0n : control({ type }), CONTEXTIDR_EL1: context };
      expect(one(0, LDR, { ...watch(DATA, linked), ...breakpoint })).toBe(expected);
    }
  });
});

test('BRK is always taken, and where debug exceptions go: TDE or TGE to EL2, else to the level itself (D2.8)', () => {
  const { one } = bench();
  const ec = (imm: number) => (0xf200_0000 + imm).toString(16);
  expect(one(0, brk(7), {})).toBe(`EL1 ${ec(7)}`);
  expect(one(1, brk(0xffff), {})).toBe(`EL1 ${ec(0xffff)}`);
  expect(one(2, brk(1), {})).toBe(`EL2 ${ec(1)}`);
  for (const el of [0, 1] as const) expect(one(el, brk(2), { MDCR_EL2: TDE })).toBe(`EL2 ${ec(2)}`);
  expect(one(0, brk(3), { HCR_EL2: (1n << 31n) | (1n << 27n) })).toBe(`EL2 ${ec(3)}`);
  expect(one(1, brk(4), { OSLSR_EL1: 10n, OSDLR_EL1: 1n })).toBe(`EL1 ${ec(4)}`); // whatever is locked
});

test('a breakpoint comes before the step of its instruction is done, and before the instruction itself (D1.12.4)', () => {
  const { core, memory, one } = bench();
  // Stepping is on and active: SS set by the return. The breakpoint is on the instruction to be stepped.
  one(1, NOP, {
    MDSCR_EL1: MDE | 1n,
    DBGBVR0_EL1: CODE,
    DBGBCR0_EL1: control({}),
    SPSR_EL1: 1n << 21n,
    ELR_EL1: CODE,
  }, DATA, CODE + 0x100n); // prettier-ignore
  memory.write32(Number(CODE) + 0x100, ERET);
  memory.write32(Number(CODE), brk(9));
  core.pc = CODE + 0x100n;
  core.run(core.cycles + 2);
  expect([core.sysreg('ESR_EL1'), core.sysreg('ELR_EL1')]).toEqual([0xc200_0022n, CODE]);
  expect(core.sysreg('SPSR_EL1') & (1n << 21n)).toBe(1n << 21n); // the step is still to be done
});

test('identification: six breakpoints of which two compare contexts, four watchpoints, Armv8 debug (D13.2.59)', () => {
  const { core, one } = bench();
  one(1, mrs(3, 'ID_AA64DFR0_EL1'), {});
  const field = (at: bigint) => (core.x(3) >> at) & 15n;
  expect([field(0n), field(8n), field(12n), field(20n), field(28n)]).toEqual([6n, 1n, 5n, 3n, 1n]);
});
