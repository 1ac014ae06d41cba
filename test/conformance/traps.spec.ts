/**
 * The trap bits of Armv8.0 in HCR_EL2, CPTR_EL2, MDCR_EL2 and HSTR_EL2 (DDI 0487 D1.12 "Configurable traps", D13.2 the
 * registers). Every bit is set alone, and every instruction of the list is executed under it: what the manual names is
 * trapped to EL2 with its syndrome, all else is executed. CNTHCTL_EL2 is in timers.spec.ts.
 */
import { describe, expect, test } from 'vitest';
import { CODE, cpuBench, VECTORS_EL1, VECTORS_EL2 } from '../../sim/cpu/testbench.js';
import { mrs, msr, NOP, smc, type SysregName, WFE, WFI } from '../support/a64.js';

/** SYS #op1, Cn, Cm, #op2, X3 (C6.2 SYS). */
const sys = (op1: number, crn: number, crm: number, op2: number): number =>
  (0xd508_0000 | (op1 << 16) | (crn << 12) | (crm << 8) | (op2 << 5) | 3) >>> 0;

const VM: readonly SysregName[] = [
  ...(['SCTLR_EL1', 'TTBR0_EL1', 'TTBR1_EL1', 'TCR_EL1', 'ESR_EL1', 'FAR_EL1', 'AFSR0_EL1', 'AFSR1_EL1'] as const),
  ...(['MAIR_EL1', 'AMAIR_EL1', 'CONTEXTIDR_EL1'] as const),
];
const ID3: readonly SysregName[] = [
  ...(['ID_PFR0_EL1', 'ID_PFR1_EL1', 'ID_DFR0_EL1', 'ID_AFR0_EL1', 'ID_MMFR0_EL1', 'ID_MMFR3_EL1'] as const),
  ...(['ID_ISAR0_EL1', 'ID_ISAR5_EL1', 'MVFR0_EL1', 'MVFR2_EL1', 'ID_AA64PFR0_EL1', 'ID_AA64PFR1_EL1'] as const),
  ...(['ID_AA64DFR0_EL1', 'ID_AA64DFR1_EL1', 'ID_AA64AFR0_EL1', 'ID_AA64ISAR0_EL1', 'ID_AA64MMFR0_EL1'] as const),
];
const PMU: readonly SysregName[] = [
  ...(['PMCNTENSET_EL0', 'PMCNTENCLR_EL0', 'PMOVSCLR_EL0', 'PMOVSSET_EL0', 'PMSELR_EL0', 'PMXEVTYPER_EL0'] as const),
  ...(['PMXEVCNTR_EL0', 'PMCCNTR_EL0', 'PMCCFILTR_EL0', 'PMEVCNTR0_EL0', 'PMEVTYPER5_EL0'] as const),
  ...(['PMUSERENR_EL0', 'PMINTENSET_EL1', 'PMINTENCLR_EL1'] as const),
];
const DEBUG: readonly SysregName[] = [
  ...(['MDSCR_EL1', 'MDCCINT_EL1', 'OSDTRRX_EL1', 'OSDTRTX_EL1', 'OSECCR_EL1', 'DBGBVR0_EL1', 'DBGBCR5_EL1'] as const),
  ...(['DBGWVR0_EL1', 'DBGWCR3_EL1', 'DBGCLAIMSET_EL1', 'DBGCLAIMCLR_EL1'] as const),
];
const both = (names: readonly SysregName[]): number[] => names.flatMap((name) => [mrs(3, name), msr(name, 3)]);

const WRITE_VM = VM.map((name) => msr(name, 3));
const READ_VM = VM.map((name) => mrs(3, name));
const TLBI = [
  ...[0, 1, 2, 3, 5, 7].map((op2) => sys(0, 8, 7, op2)), // VMALLE1, VAE1, ASIDE1, VAAE1, VALE1, VAALE1
  ...[0, 1, 2, 3, 5, 7].map((op2) => sys(0, 8, 3, op2)), // the same, inner shareable
];
const IC_IALLU = sys(0, 7, 5, 0);
const IC_IALLUIS = sys(0, 7, 1, 0);
const IC_IVAU = sys(3, 7, 5, 1);
const DC_CVAU = sys(3, 7, 11, 1);
const DC_IVAC = sys(0, 7, 6, 1);
const DC_CVAC = sys(3, 7, 10, 1);
const DC_CIVAC = sys(3, 7, 14, 1);
const DC_ZVA = sys(3, 7, 4, 1);
const SET_WAY = [sys(0, 7, 6, 2), sys(0, 7, 10, 2), sys(0, 7, 14, 2)]; // ISW, CSW, CISW
const IMPLEMENTATION_DEFINED = [0xd539_f223, 0xd518_b003, 0xd538_fff3]; // S3_1_C15_C2_1, S3_0_C11_C0_0, S3_0_C15_C15_7
const CACHE_ID = [mrs(3, 'CTR_EL0'), mrs(3, 'CCSIDR_EL1'), mrs(3, 'CLIDR_EL1'), ...both(['CSSELR_EL1'])];
const FP = [0x1e60_2820, 0x4e20_1c00, mrs(3, 'FPCR')]; // fadd d0, d1, d0; and v0.16b, v0.16b, v0.16b
const LOCKS = [msr('OSLAR_EL1', 3), mrs(3, 'OSLSR_EL1'), ...both(['OSDLR_EL1', 'DBGPRCR_EL1'])];

interface Bit {
  readonly name: string;
  readonly register: SysregName;
  readonly bits: bigint;
  readonly traps: readonly number[];
}
const hcr = (name: string, bit: number, traps: readonly number[]): Bit => ({
  name: `HCR_EL2.${name}`,
  register: 'HCR_EL2',
  bits: (1n << 31n) | (1n << BigInt(bit)),
  traps,
});
const other = (register: SysregName, name: string, bit: number, traps: readonly number[], rest = 0n): Bit => ({
  name: `${register}.${name}`,
  register,
  bits: rest | (1n << BigInt(bit)),
  traps,
});

const BITS: readonly Bit[] = [
  hcr('TRVM', 30, READ_VM),
  hcr('TDZ', 28, [DC_ZVA]),
  hcr('TVM', 26, WRITE_VM),
  hcr('TTLB', 25, TLBI),
  hcr('TPU', 24, [IC_IALLU, IC_IALLUIS, IC_IVAU, DC_CVAU]),
  hcr('TPC', 23, [DC_IVAC, DC_CVAC, DC_CIVAC]),
  hcr('TSW', 22, SET_WAY),
  hcr('TACR', 21, both(['ACTLR_EL1'])),
  hcr('TIDCP', 20, IMPLEMENTATION_DEFINED),
  hcr('TSC', 19, [smc(5)]),
  hcr(
    'TID3',
    18,
    ID3.map((name) => mrs(3, name)),
  ),
  hcr('TID2', 17, CACHE_ID),
  hcr('TID1', 16, [mrs(3, 'REVIDR_EL1'), mrs(3, 'AIDR_EL1')]),
  hcr('TID0', 15, []), // registers of AArch32 only
  hcr('TWE', 14, [WFE]),
  hcr('TWI', 13, [WFI]),
  other('CPTR_EL2', 'TCPAC', 31, both(['CPACR_EL1']), 0x33ffn),
  other('CPTR_EL2', 'TFP', 10, FP, 0x33ffn),
  other('MDCR_EL2', 'TPMCR', 5, both(['PMCR_EL0']), 6n),
  other('MDCR_EL2', 'TPM', 6, both(['PMCR_EL0', ...PMU]), 6n),
  other('MDCR_EL2', 'TDA', 9, both(DEBUG), 6n),
  other('MDCR_EL2', 'TDOSA', 10, LOCKS, 6n),
  other('MDCR_EL2', 'TDRA', 11, [mrs(3, 'MDRAR_EL1')], 6n),
  // TDE acts as if the three before were set.
  other('MDCR_EL2', 'TDE', 8, [...both(DEBUG), ...LOCKS, mrs(3, 'MDRAR_EL1')], 6n),
  { name: 'HSTR_EL2.T0 to T15', register: 'HSTR_EL2', bits: 0xffffn, traps: [] }, // AArch32 only
  { name: 'no bit', register: 'HCR_EL2', bits: 1n << 31n, traps: [] },
];
const NEVER_TRAPPED = [NOP, mrs(3, 'DCZID_EL0'), mrs(3, 'VBAR_EL1'), mrs(3, 'MIDR_EL1'), msr('TPIDR_EL1', 3)];
const ALL = [...new Set([...BITS.flatMap(({ traps }) => traps), ...NEVER_TRAPPED])];

/** Syndrome of a trapped instruction, from its word (D13.2.37). */
function syndrome(word: number): bigint {
  const esr = (ec: number, iss: number): bigint => (BigInt(ec) << 26n) | 0x200_0000n | BigInt(iss);
  const CONDITION = 0x1e0_0000; // CV, COND = always
  if (word === WFI) return esr(0x01, CONDITION);
  if (word === WFE) return esr(0x01, CONDITION | 1);
  if (word === smc(5)) return esr(0x17, 5);
  if (FP.includes(word)) return esr(0x07, CONDITION);
  const field = (at: number, bits: number) => (word >>> at) & ((1 << bits) - 1);
  const where = (field(19, 2) << 20) | (field(5, 3) << 17) | (field(16, 3) << 14) | (field(12, 4) << 10);
  return esr(0x18, where | (field(0, 5) << 5) | (field(8, 4) << 1) | field(21, 1));
}

function bench() {
  const b = cpuBench();
  /** What `word` does at EL `el` with a register set: `ok`, or the level that takes an exception and its ESR. */
  const one = (el: 0 | 1 | 2, word: number, { register, bits }: Pick<Bit, 'register' | 'bits'>): string => {
    b.core.reset(2);
    for (const [name, value] of [
      ['VBAR_EL1', VECTORS_EL1],
      ['VBAR_EL2', VECTORS_EL2],
      ['HCR_EL2', 1n << 31n],
      ['CPACR_EL1', 0x30_0000n],
      ['SCTLR_EL1', 0x34d5_ca00n], // UCI, nTWE, nTWI, UCT, DZE, UMA: EL0 may do what it can
      ['PMUSERENR_EL0', 1n],
    ] as const) {
      b.core.setSysreg(name, value);
    }
    b.level(el);
    b.core.setSysreg(register, bits);
    b.core.setX(3, 0x4000_8000n);
    b.core.event = false; // an exception return sets it, and WFE would not wait
    b.program(word);
    b.run(1);
    const { pc } = b.core;
    if (pc >= VECTORS_EL2) return `EL2 ${b.core.sysreg('ESR_EL2').toString(16)}`;
    if (pc >= VECTORS_EL1) return `EL1 ${b.core.sysreg('ESR_EL1').toString(16)}`;
    return pc === CODE || pc === CODE + 4n ? 'ok' : `pc ${pc.toString(16)}`;
  };
  return one;
}

const UNDEFINED = 'EL1 2000000';

/** What an instruction of the list does that is not trapped. */
function plain(word: number, el: 0 | 1 | 2): string {
  // With the MMU off memory is Device: DC ZVA is an alignment fault (C5.3 DC ZVA), a write at the address in X3.
  if (word === DC_ZVA) return el === 0 ? 'EL1 92000061' : `EL${el} 96000061`;
  // Implementation-defined encodings that these cores do not have.
  return IMPLEMENTATION_DEFINED.slice(1).includes(word) ? UNDEFINED : 'ok';
}

describe('at EL1', () => {
  test.each(BITS)('$name', (bit) => {
    const one = bench();
    for (const word of ALL) {
      const trapped = bit.traps.includes(word);
      const expected = trapped ? `EL2 ${syndrome(word).toString(16)}` : plain(word, 1);
      // The first implementation-defined one is CPUECTLR_EL1, which ACTLR_EL2 keeps from EL1.
      if (!trapped && word === IMPLEMENTATION_DEFINED[0]) continue;
      expect(`${word.toString(16)} ${one(1, word, bit)}`).toBe(`${word.toString(16)} ${expected}`);
    }
  });
});

/** Instructions that EL0 may execute when EL1 lets it, and the bits that trap them there too. */
const AT_EL0: readonly (readonly [word: number, ...bits: string[]])[] = [
  [IC_IVAU, 'HCR_EL2.TPU'],
  [DC_CVAU, 'HCR_EL2.TPU'],
  [DC_CVAC, 'HCR_EL2.TPC'],
  [DC_CIVAC, 'HCR_EL2.TPC'],
  [DC_ZVA, 'HCR_EL2.TDZ'],
  [mrs(3, 'CTR_EL0'), 'HCR_EL2.TID2'],
  [WFI, 'HCR_EL2.TWI'],
  [WFE, 'HCR_EL2.TWE'],
  [FP[0]!, 'CPTR_EL2.TFP'],
  [mrs(3, 'PMCR_EL0'), 'MDCR_EL2.TPM', 'MDCR_EL2.TPMCR'],
  [mrs(3, 'PMCCNTR_EL0'), 'MDCR_EL2.TPM'],
  [mrs(3, 'PMUSERENR_EL0'), 'MDCR_EL2.TPM'],
  [NOP],
];

test('at EL0: the same, for what EL0 may execute', () => {
  const one = bench();
  for (const [word, ...names] of AT_EL0) {
    for (const bit of BITS) {
      const expected = names.includes(bit.name) ? `EL2 ${syndrome(word).toString(16)}` : plain(word, 0);
      expect(`${word.toString(16)} ${bit.name} ${one(0, word, bit)}`).toBe(
        `${word.toString(16)} ${bit.name} ${expected}`,
      );
    }
  }
});

test('at EL2: nothing is trapped but FP by CPTR_EL2.TFP, which EL2 takes itself (D13.2.31)', () => {
  const one = bench();
  for (const bit of BITS) {
    for (const word of ALL) {
      if (IMPLEMENTATION_DEFINED.includes(word)) continue;
      const ownFp = bit.name === 'CPTR_EL2.TFP' && FP.includes(word);
      const expected = ownFp ? `EL2 ${syndrome(word).toString(16)}` : plain(word, 2);
      expect(`${word.toString(16)} ${bit.name} ${one(2, word, bit)}`).toBe(
        `${word.toString(16)} ${bit.name} ${expected}`,
      );
    }
  }
});

test('what EL1 withholds from EL0 goes to EL1, before EL2 looks (D1.12.2); with TGE to EL2', () => {
  const b = cpuBench();
  const withheld: readonly (readonly [number, string])[] = [
    [IC_IVAU, 'TPU'],
    [DC_CVAC, 'TPC'],
    [DC_ZVA, 'TDZ'],
    [mrs(3, 'CTR_EL0'), 'TID2'],
    [WFI, 'TWI'],
    [WFE, 'TWE'],
  ];
  for (const [word, name] of withheld) {
    const { bits } = BITS.find((bit) => bit.name === `HCR_EL2.${name}`)!;
    for (const tge of [0n, 1n << 27n]) {
      b.core.reset(2);
      b.core.setSysreg('VBAR_EL1', VECTORS_EL1);
      b.core.setSysreg('VBAR_EL2', VECTORS_EL2);
      b.core.setSysreg('SCTLR_EL1', 0x30d0_0800n); // none of UCI, nTWE, nTWI, UCT, DZE
      b.core.setSysreg('HCR_EL2', bits | tge);
      b.level(0);
      b.core.event = false;
      b.program(word);
      b.run(1);
      const target = tge === 0n ? 1 : 2;
      expect([name, b.core.pc >> 16n]).toEqual([name, (target === 1 ? VECTORS_EL1 : VECTORS_EL2) >> 16n]);
      expect(b.core.sysreg(`ESR_EL${target}`)).toBe(syndrome(word));
    }
  }
});

test('DCZID_EL0.DZP says when DC ZVA is prohibited (D13.2.29)', () => {
  const b = cpuBench();
  const dzp = (el: 0 | 1 | 2, hcrBits: bigint, sctlr: bigint): bigint => {
    b.core.reset(2);
    b.core.setSysreg('HCR_EL2', (1n << 31n) | hcrBits);
    b.core.setSysreg('SCTLR_EL1', sctlr);
    b.level(el);
    b.program(mrs(3, 'DCZID_EL0'));
    b.run(1);
    return (b.core.x(3) >> 4n) & 1n;
  };
  const [TDZ, DZE, NONE] = [1n << 28n, 0x30d0_4800n, 0x30d0_0800n];
  expect([dzp(0, 0n, DZE), dzp(0, 0n, NONE), dzp(0, TDZ, DZE)]).toEqual([0n, 1n, 1n]);
  expect([dzp(1, 0n, NONE), dzp(1, TDZ, NONE), dzp(2, TDZ, NONE)]).toEqual([0n, 1n, 0n]);
});
