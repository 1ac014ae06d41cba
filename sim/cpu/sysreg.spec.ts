import { expect, test } from 'vitest';
import { EXIT_UNMODELLED } from '../wasm/layout.js';
import { generateSysregs } from './isa/generate-sysregs.js';
import { packEncoding, SYSREG_LIST, SYSREG_SLOT, SYSREGS } from './isa/sysregs.js';
import { CODE, cpuBench, type CpuBench } from './testbench.js';

/** HCR_EL2: RW, TVM, TACR, TIDCP, TID3, TID2. */
const HCR_TRAPS = (1n << 31n) | (1n << 26n) | (1n << 21n) | (1n << 20n) | (1n << 18n) | (1n << 17n);
const UNDEFINED = '2000000';

/** Runs one instruction at `el`; returns "el:ESR" of the exception it takes, or "ok". */
function one(bench: CpuBench, el: 0 | 1 | 2, word: number): string {
  bench.core.reset(2);
  bench.core.setSysreg('VBAR_EL1', 0x4001_0000n);
  bench.core.setSysreg('VBAR_EL2', 0x4002_0000n);
  bench.core.setSysreg('HCR_EL2', HCR_TRAPS);
  bench.level(el);
  bench.program(word);
  bench.run(20);
  if (bench.core.pc === CODE + 4n) return 'ok';
  const target = bench.core.pc >= 0x4002_0000n ? 2 : 1;
  expect(bench.core.sysreg(`ELR_EL${target}`)).toBe(CODE);
  return `${target}:${bench.core.sysreg(`ESR_EL${target}`).toString(16)}`;
}

/** Runs a program at EL1 (EL2 for `el` 2) and returns the bench. */
function ran(bench: CpuBench, ...words: number[]): CpuBench {
  bench.program(...words);
  bench.run(words.length + 10);
  expect(bench.core.pc).toBe(CODE + 4n * BigInt(words.length));
  return bench;
}

test('accesses and their exceptions, as qemu-system-aarch64 7.2 takes them with the same HCR_EL2', () => {
  const bench = cpuBench();
  const cases: [0 | 1 | 2, number, string][] = [
    [1, 0xd538_0405, '2:623000a9'], // mrs x5, id_aa64pfr0_el1: TID3
    [1, 0xd518_2003, '2:62300860'], // msr ttbr0_el1, x3: TVM
    [1, 0xd53c_1000, `1:${UNDEFINED}`], // mrs x0, sctlr_el2
    [1, 0xd53b_0020, '2:6232c001'], // mrs x0, ctr_el0: TID2
    [0, 0xd53b_0020, '1:6232c001'], // SCTLR_EL1.UCT is 0
    [0, 0xd53b_e040, '1:6234f801'], // mrs x0, cntvct_el0: CNTKCTL_EL1
    [0, 0xd53b_e000, '1:6230f801'], // mrs x0, cntfrq_el0
    [0, 0xd50b_7e20, '1:6212dc1c'], // dc civac, x0: SCTLR_EL1.UCI
    [0, 0xd50b_7520, '1:6212dc0a'], // ic ivau, x0
    [0, 0xd50b_7420, '1:6212dc08'], // dc zva, x0: SCTLR_EL1.DZE
    [0, 0xd538_0400, `1:${UNDEFINED}`], // mrs x0, id_aa64pfr0_el1
    [1, 0xd538_0000, 'ok'], // mrs x0, midr_el1
    [0, 0xd538_0000, `1:${UNDEFINED}`],
    [0, 0xd539_f223, `1:${UNDEFINED}`], // mrs x3, S3_1_C15_C2_1 (CPUECTLR_EL1)
    [1, 0xd538_07e0, '2:623e000f'], // mrs x0, S3_0_C0_C7_7: reserved ID, TID3
    [0, 0xd53b_9c00, '1:6230e419'], // mrs x0, pmcr_el0: PMUSERENR_EL0.EN
    [0, 0xd500_40bf, `1:${UNDEFINED}`], // msr spsel, #0
    [1, 0xd538_1020, '2:62320401'], // mrs x0, actlr_el1: TACR
    [1, 0xd539_0000, '2:62304001'], // mrs x0, ccsidr_el1: TID2
    [1, 0xd538_4100, 'ok'], // mrs x0, sp_el0 with SPSel = 1
    [1, 0xd530_0080, 'ok'], // mrs x0, dbgbvr0_el1
    [1, 0xd518_1000, '2:62300400'], // msr sctlr_el1, x0: TVM
    [1, 0xd538_cca0, `1:${UNDEFINED}`], // mrs x0, icc_sre_el1
    [0, 0xd538_d080, `1:${UNDEFINED}`], // mrs x0, tpidr_el1
    [0, 0xd53b_9e00, 'ok'], // mrs x0, pmuserenr_el0
    [1, 0xd51b_e000, `1:${UNDEFINED}`], // msr cntfrq_el0, x0
    [0, 0xd508_871f, `1:${UNDEFINED}`], // tlbi vmalle1
    // QEMU 7.2 swaps op1 and op2 here; op0 0, op2 6, op1 3, CRn 4, Rt 31, CRm 2 by the definition of the ISS
    [0, 0xd503_42df, '1:620cd3e4'], // msr daifset, #2: SCTLR_EL1.UMA
  ];
  for (const [el, word, expected] of cases) {
    expect(`${el} ${word.toString(16)} ${one(bench, el, word)}`).toBe(`${el} ${word.toString(16)} ${expected}`);
  }
});

test('TIDCP traps implementation-defined registers, unallocated ones too; those are UNDEFINED at EL2', () => {
  const bench = cpuBench();
  // CPUECTLR_EL1: op0 3, op2 1, op1 1, CRn 15, Rt 3, CRm 2, read
  expect(one(bench, 1, 0xd539_f223)).toBe('2:62327c65');
  // op0 3, op2 7, op1 0, CRn 11, Rt 3, CRm 7, read
  expect(one(bench, 1, 0xd538_b7e3)).toBe('2:623e2c6f');
  // S3_3_C15_C12_7 into X0
  expect(one(bench, 1, 0xd53b_fce0)).toBe('2:623efc19');
  expect(one(bench, 2, 0xd538_b7e3)).toBe(`2:${UNDEFINED}`);
});

test('identification: reserved encodings read zero, CCSIDR follows CSSELR, EL1 sees VPIDR and VMPIDR', () => {
  const bench = cpuBench();
  bench.core.setSysreg('VPIDR_EL2', 0x1234n);
  bench.core.setSysreg('VMPIDR_EL2', 0x5678n);
  bench.core.setX(0, ~0n & 0xffff_ffff_ffff_ffffn);
  bench.level(1);
  // mrs x0, S3_0_C0_C7_7; mrs x1, midr_el1; mrs x2, mpidr_el1; mov x4, #2; msr csselr_el1, x4; mrs x3, ccsidr_el1
  ran(bench, 0xd538_07e0, 0xd538_0001, 0xd538_00a2, 0xd280_0044, 0xd51a_0004, 0xd539_0003);
  expect([0, 1, 2, 3].map((n) => bench.core.x(n))).toEqual([0n, 0x1234n, 0x5678n, 0x70ff_e07an]);
  expect(bench.core.sysreg('MIDR_EL1')).toBe(0x411f_d070n);
  expect(bench.core.sysreg('CCSIDR_L1D')).toBe(0x701f_e00an);
  expect(bench.core.sysreg('CCSIDR_L1I')).toBe(0x201f_e012n);
});

test('write masks: HCR_EL2.RW reads as one, VBAR drops its low bits, RES0 of CPACR', () => {
  const bench = cpuBench();
  bench.core.setX(0, 0xffff_ffff_ffff_ffffn);
  // msr hcr_el2, xzr; mrs x1, hcr_el2; msr vbar_el1, x0; mrs x2, vbar_el1; msr cpacr_el1, x0; mrs x3, cpacr_el1
  ran(bench, 0xd51c_111f, 0xd53c_1101, 0xd518_c000, 0xd538_c002, 0xd518_1040, 0xd538_1043);
  expect([1, 2, 3].map((n) => bench.core.x(n))).toEqual([0x8000_0000n, 0xffff_ffff_ffff_f800n, 0x30_0000n]);
});

test('PSTATE registers: NZCV, DAIF, SPSel, CurrentEL', () => {
  const bench = cpuBench({ entryLevel: 1 });
  bench.core.sp = 0x77n;
  bench.core.setSysreg('SP_EL0', 0x88n);
  bench.core.setX(0, 0xffff_ffffn);
  // msr nzcv, x0; mrs x1, nzcv; msr daifclr, #5; mrs x2, daif; mrs x3, currentel; mrs x4, spsel; msr spsel, #0;
  // mov x5, sp; mrs x6, spsel
  const words = [0xd51b_4200, 0xd53b_4201, 0xd503_45ff, 0xd53b_4222, 0xd538_4243, 0xd538_4204, 0xd500_40bf];
  ran(bench, ...words, 0x9100_03e5, 0xd538_4206);
  expect([1, 2, 3, 4, 5, 6].map((n) => bench.core.x(n))).toEqual([0xf000_0000n, 0x280n, 4n, 1n, 0x88n, 0n]);
  expect(bench.core.sysreg('SP_EL1')).toBe(0x77n);
  expect(bench.core.sysreg('SP_EL0')).toBe(0x88n);
});

test('generic timer: the count is local time, ISTATUS and TVAL follow it, writes are announced', () => {
  const bench = cpuBench({ entryLevel: 1 });
  const { core } = bench;
  // 1 GHz and 62.5 MHz: 16 cycles per increment
  core.cycles = 16_000_000_000_000;
  core.setX(3, 0xffff_fff0n); // TVAL -16
  // mrs x0, cntvct_el0; msr cntv_tval_el0, x3; mrs x1, cntv_tval_el0; mov x4, #1; msr cntv_ctl_el0, x4; mrs x2, cntv_ctl_el0
  ran(bench, 0xd53b_e040, 0xd51b_e303, 0xd53b_e301, 0xd280_0024, 0xd51b_e324, 0xd53b_e322);
  expect(core.x(0)).toBe(1_000_000_000_000n);
  expect(core.x(1)).toBe(0xffff_fff0n);
  expect(core.x(2)).toBe(5n);
  expect(core.sysreg('CNTV_CVAL_EL0')).toBe(1_000_000_000_000n - 16n);
  expect(core.sysreg('CNTV_CTL_EL0')).toBe(1n);
  // the first run after a reset announces the timers, then each write does
  expect(bench.timerWrites).toEqual([0, 0, 0]);
});

test('CNTVOFF_EL2 shifts the virtual count; a timer in the future has ISTATUS clear', () => {
  const bench = cpuBench();
  const { core } = bench;
  core.cycles = 1600;
  core.setX(0, 40n);
  core.setX(1, 61n);
  core.setX(2, 1n);
  // msr cntvoff_el2, x0; msr cntv_cval_el0, x1; msr cntv_ctl_el0, x2; mrs x3, cntvct_el0; mrs x4, cntpct_el0; mrs x5, cntv_ctl_el0
  ran(bench, 0xd51c_e060, 0xd51b_e341, 0xd51b_e322, 0xd53b_e043, 0xd53b_e024, 0xd53b_e325);
  expect([3, 4, 5].map((n) => core.x(n))).toEqual([60n, 100n, 1n]);
});

test('OS lock and the PMU selector', () => {
  const bench = cpuBench({ entryLevel: 1 });
  // mrs x1, oslsr_el1; msr oslar_el1, xzr; mrs x2, oslsr_el1; mov x0, #3; msr pmselr_el0, x0; msr pmxevtyper_el0, x0;
  // mrs x3, pmevtyper3_el0
  const words = [0xd530_1181, 0xd510_109f, 0xd530_1182, 0xd280_0060, 0xd51b_9ca0, 0xd51b_9d20, 0xd53b_ec63];
  ran(bench, ...words);
  expect([1, 2, 3].map((n) => bench.core.x(n))).toEqual([0xan, 8n, 3n]);
});

test('big-endian data is a named outcome', () => {
  const bench = cpuBench({ entryLevel: 1 });
  bench.core.setX(0, 0x30d0_1804n | (1n << 25n));
  bench.program(0xd518_1000); // msr sctlr_el1, x0
  expect(bench.run()).toBe(EXIT_UNMODELLED);
  expect(bench.core.exitInfo).toBe(0xd518_1000);
  expect(bench.core.pc).toBe(CODE);
});

test('the table: slots fit, stored registers come first, encodings are those of the assembler', () => {
  expect(generateSysregs()).toContain('export const SR_SCTLR_EL1');
  SYSREG_LIST.forEach(({ name, reg }, index) => expect(SYSREG_SLOT[name]).toBe(reg.stored ? index : undefined));
  // MRS X0, <name> of GNU as: the encoding is bits 19:5, with op0 = 2 + bit 19
  const spot = { HPFAR_EL2: 0xd53c_6080, CNTHP_CVAL_EL2: 0xd53c_e240, MDCR_EL2: 0xd53c_1120, VTCR_EL2: 0xd53c_2140, PAR_EL1: 0xd538_7400, DBGWCR3_EL1: 0xd530_03e0, TPIDRRO_EL0: 0xd53b_d060, CNTKCTL_EL1: 0xd538_e100 } as const; // prettier-ignore
  for (const [name, word] of Object.entries(spot)) {
    expect(packEncoding(SYSREGS[name as keyof typeof spot].enc)).toBe(0x8000 | ((word >>> 5) & 0x7fff));
  }
});
