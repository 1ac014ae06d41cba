/**
 * Every AArch64 system register of a Cortex-A57/A53 (Armv8.0-A) at EL0 to EL2: the one table from which the kernel's
 * read/write switches, the slot numbers and the names that TypeScript uses are made.
 * Sources: Arm ARM DDI 0487 chapter D13 (encodings, traps), Cortex-A57 TRM DDI 0488 and Cortex-A53 TRM DDI 0500
 * chapter 4 (which registers exist, RES0 fields, reset values).
 */

/** op0, op1, CRn, CRm, op2 */
export type Encoding = readonly [number, number, number, number, number];

/** The lowest exception level that has the access; 3: UNDEFINED at EL0 to EL2. */
export type Level = 0 | 1 | 2 | 3;

/** Names of the checks in sim/cpu/kernel/sysreg-traps.ts, made after the level check. */
export type TrapCheck =
  | 'Tvm'
  | 'Tid1'
  | 'Tid2'
  | 'Tid3'
  | 'Ctr'
  | 'Tacr'
  | 'Tidcp'
  | 'Tcpac'
  | 'Fp'
  | 'Daif'
  | 'SpEl0'
  | 'Tda'
  | 'Tdosa'
  | 'Tdra'
  | 'Tdcc'
  | 'CntFrq'
  | 'CntPct'
  | 'CntVct'
  | 'CntP'
  | 'CntV'
  | 'Pmu'
  | 'PmuEl1'
  | 'PmuUser'
  | 'Pmcr'
  | 'PmuCycle'
  | 'PmuEvent'
  | 'PmuSelect'
  | 'PmuSwInc';

export interface Sysreg {
  readonly enc: Encoding;
  readonly read: Level;
  readonly write: Level;
  /** Has a slot in the core block. */
  readonly stored: boolean;
  /** Set by the board; a reset keeps it. */
  readonly board: boolean;
  readonly reset: bigint;
  /** Bits that a write changes; the others read as `res1` has them (stored registers). */
  readonly mask: bigint;
  readonly res1: bigint;
  readonly check: TrapCheck | undefined;
  /** Function of sim/cpu/kernel/{sysreg,pmu,debug}.ts that yields the value, instead of the slot; may end in `(n)`. */
  readonly onRead: string | undefined;
  /** Function that does the whole write, with the value as its last argument; may end in `(n)`. */
  readonly onWrite: string | undefined;
  /** Function called after the store. */
  readonly after: string | undefined;
  /** What differs from the hardware (docs/conformance.md lists these). */
  readonly gap: string | undefined;
}

interface Options {
  readonly mask?: bigint;
  readonly res1?: bigint;
  readonly reset?: bigint;
  readonly check?: TrapCheck;
  readonly onRead?: string;
  readonly onWrite?: string;
  readonly after?: string;
  readonly stored?: boolean;
  readonly board?: boolean;
  readonly gap?: string;
}

const ALL = 0xffff_ffff_ffff_ffffn;
const W32 = 0xffff_ffffn;

function make(enc: Encoding, read: Level, write: Level, o: Options): Sysreg {
  return {
    enc,
    read,
    write,
    stored: o.stored ?? (o.onRead === undefined && o.mask !== 0n),
    board: o.board ?? false,
    reset: o.reset ?? o.res1 ?? 0n,
    mask: o.mask ?? ALL,
    res1: o.res1 ?? 0n,
    check: o.check,
    onRead: o.onRead,
    onWrite: o.onWrite,
    after: o.after,
    gap: o.gap,
  };
}

const rw = (level: Level, enc: Encoding, o: Options = {}): Sysreg => make(enc, level, level, o);
const ro = (level: Level, enc: Encoding, o: Options = {}): Sysreg => make(enc, level, 3, o);
const wo = (level: Level, enc: Encoding, o: Options = {}): Sysreg => make(enc, 3, level, { mask: 0n, ...o });
/** An identification register: the board gives the value. */
const id = (enc: Encoding, check: TrapCheck, o: Options = {}): Sysreg => ro(1, enc, { check, board: true, ...o });
/** A register that reads as zero and ignores writes on these cores. */
const raz = (level: Level, enc: Encoding, o: Options = {}): Sysreg => rw(level, enc, { mask: 0n, ...o });

const NO_DEBUGGER = 'stored only: there is no external debugger';
const STORED = 'stored only';

const vm = { check: 'Tvm', after: 'contextChanged' } as const;
const ttbr = { check: 'Tvm', after: 'wroteTtbr' } as const;

const debugControl = { check: 'Tda', after: 'debugChanged' } as const;

/** Numbered registers: CRm and op2 are made from the number by `enc`. */
function numbered<P extends string, N extends number, X extends string>(
  prefix: P,
  numbers: readonly N[],
  suffix: X,
  one: (n: number) => Sysreg,
): Record<`${P}${N}${X}`, Sysreg> {
  const out: Record<string, Sysreg> = {};
  for (const n of numbers) out[`${prefix}${n}${suffix}`] = one(n);
  return out as Record<`${P}${N}${X}`, Sysreg>;
}

const SIX = [0, 1, 2, 3, 4, 5] as const;
const FOUR = [0, 1, 2, 3] as const;

/** Order is the order of slots: identification, then EL1, EL2, timers, PMU, debug, implementation defined. */
export const SYSREGS = {
  // ---- identification ----
  MIDR_EL1: ro(1, [3, 0, 0, 0, 0], { board: true, onRead: 'readMidr', stored: true }),
  MPIDR_EL1: ro(1, [3, 0, 0, 0, 5], { board: true, onRead: 'readMpidr', stored: true }),
  REVIDR_EL1: id([3, 0, 0, 0, 6], 'Tid1'),
  ID_PFR0_EL1: id([3, 0, 0, 1, 0], 'Tid3'),
  ID_PFR1_EL1: id([3, 0, 0, 1, 1], 'Tid3'),
  ID_DFR0_EL1: id([3, 0, 0, 1, 2], 'Tid3'),
  ID_AFR0_EL1: id([3, 0, 0, 1, 3], 'Tid3'),
  ID_MMFR0_EL1: id([3, 0, 0, 1, 4], 'Tid3'),
  ID_MMFR1_EL1: id([3, 0, 0, 1, 5], 'Tid3'),
  ID_MMFR2_EL1: id([3, 0, 0, 1, 6], 'Tid3'),
  ID_MMFR3_EL1: id([3, 0, 0, 1, 7], 'Tid3'),
  ID_ISAR0_EL1: id([3, 0, 0, 2, 0], 'Tid3'),
  ID_ISAR1_EL1: id([3, 0, 0, 2, 1], 'Tid3'),
  ID_ISAR2_EL1: id([3, 0, 0, 2, 2], 'Tid3'),
  ID_ISAR3_EL1: id([3, 0, 0, 2, 3], 'Tid3'),
  ID_ISAR4_EL1: id([3, 0, 0, 2, 4], 'Tid3'),
  ID_ISAR5_EL1: id([3, 0, 0, 2, 5], 'Tid3'),
  ID_MMFR4_EL1: id([3, 0, 0, 2, 6], 'Tid3'),
  ID_ISAR6_EL1: id([3, 0, 0, 2, 7], 'Tid3'),
  MVFR0_EL1: id([3, 0, 0, 3, 0], 'Tid3'),
  MVFR1_EL1: id([3, 0, 0, 3, 1], 'Tid3'),
  MVFR2_EL1: id([3, 0, 0, 3, 2], 'Tid3'),
  ID_PFR2_EL1: id([3, 0, 0, 3, 4], 'Tid3'),
  ID_DFR1_EL1: id([3, 0, 0, 3, 5], 'Tid3'),
  ID_MMFR5_EL1: id([3, 0, 0, 3, 6], 'Tid3'),
  ID_AA64PFR0_EL1: id([3, 0, 0, 4, 0], 'Tid3'),
  ID_AA64PFR1_EL1: id([3, 0, 0, 4, 1], 'Tid3'),
  ID_AA64ZFR0_EL1: id([3, 0, 0, 4, 4], 'Tid3'),
  ID_AA64SMFR0_EL1: id([3, 0, 0, 4, 5], 'Tid3'),
  ID_AA64DFR0_EL1: id([3, 0, 0, 5, 0], 'Tid3'),
  ID_AA64DFR1_EL1: id([3, 0, 0, 5, 1], 'Tid3'),
  ID_AA64AFR0_EL1: id([3, 0, 0, 5, 4], 'Tid3'),
  ID_AA64AFR1_EL1: id([3, 0, 0, 5, 5], 'Tid3'),
  ID_AA64ISAR0_EL1: id([3, 0, 0, 6, 0], 'Tid3'),
  ID_AA64ISAR1_EL1: id([3, 0, 0, 6, 1], 'Tid3'),
  ID_AA64ISAR2_EL1: id([3, 0, 0, 6, 2], 'Tid3'),
  ID_AA64MMFR0_EL1: id([3, 0, 0, 7, 0], 'Tid3'),
  ID_AA64MMFR1_EL1: id([3, 0, 0, 7, 1], 'Tid3'),
  ID_AA64MMFR2_EL1: id([3, 0, 0, 7, 2], 'Tid3'),
  CCSIDR_EL1: ro(1, [3, 1, 0, 0, 0], { check: 'Tid2', onRead: 'readCcsidr' }),
  CLIDR_EL1: id([3, 1, 0, 0, 1], 'Tid2'),
  AIDR_EL1: id([3, 1, 0, 0, 7], 'Tid1'),
  CSSELR_EL1: rw(1, [3, 2, 0, 0, 0], { check: 'Tid2', mask: 0xfn }),
  CTR_EL0: ro(0, [3, 3, 0, 0, 1], { check: 'Ctr', board: true }),
  DCZID_EL0: ro(0, [3, 3, 0, 0, 7], { board: true, stored: true, onRead: 'readDczid' }),

  // ---- EL0 and EL1 state ----
  SCTLR_EL1: rw(1, [3, 0, 1, 0, 0], { check: 'Tvm', mask: W32, reset: 0x00c5_0838n, after: 'wroteSctlr' }),
  ACTLR_EL1: raz(1, [3, 0, 1, 0, 1], { check: 'Tacr' }),
  CPACR_EL1: rw(1, [3, 0, 1, 0, 2], { check: 'Tcpac', mask: 0x30_0000n, after: 'recomputeFpTrapped' }),
  TTBR0_EL1: rw(1, [3, 0, 2, 0, 0], { ...ttbr, mask: 0xffff_ffff_ffff_fffen }),
  TTBR1_EL1: rw(1, [3, 0, 2, 0, 1], { ...ttbr, mask: 0xffff_ffff_ffff_fffen }),
  TCR_EL1: rw(1, [3, 0, 2, 0, 2], { ...vm, mask: 0x77_ffff_ffbfn }),
  SPSR_EL1: rw(1, [3, 0, 4, 0, 0], { mask: W32 }),
  ELR_EL1: rw(1, [3, 0, 4, 0, 1]),
  SP_EL0: rw(1, [3, 0, 4, 1, 0], { check: 'SpEl0' }),
  SPSel: rw(1, [3, 0, 4, 2, 0], { onRead: 'readSpSel', onWrite: 'writeSpSel' }),
  CurrentEL: ro(1, [3, 0, 4, 2, 2], { onRead: 'readCurrentEl' }),
  AFSR0_EL1: raz(1, [3, 0, 5, 1, 0], { check: 'Tvm' }),
  AFSR1_EL1: raz(1, [3, 0, 5, 1, 1], { check: 'Tvm' }),
  ESR_EL1: rw(1, [3, 0, 5, 2, 0], { check: 'Tvm', mask: W32 }),
  FAR_EL1: rw(1, [3, 0, 6, 0, 0], { check: 'Tvm' }),
  PAR_EL1: rw(1, [3, 0, 7, 4, 0]),
  MAIR_EL1: rw(1, [3, 0, 10, 2, 0], vm),
  AMAIR_EL1: raz(1, [3, 0, 10, 3, 0], { check: 'Tvm' }),
  VBAR_EL1: rw(1, [3, 0, 12, 0, 0], { mask: 0xffff_ffff_ffff_f800n }),
  ISR_EL1: ro(1, [3, 0, 12, 1, 0], { onRead: 'readIsr' }),
  CONTEXTIDR_EL1: rw(1, [3, 0, 13, 0, 1], { check: 'Tvm', mask: W32, after: 'wroteContextId' }),
  TPIDR_EL1: rw(1, [3, 0, 13, 0, 4]),
  NZCV: rw(0, [3, 3, 4, 2, 0], { onRead: 'readNzcv', onWrite: 'writeNzcv' }),
  DAIF: rw(0, [3, 3, 4, 2, 1], { check: 'Daif', onRead: 'readDaif', onWrite: 'writeDaif' }),
  FPCR: rw(0, [3, 3, 4, 4, 0], { check: 'Fp', onRead: 'readFpcr', onWrite: 'writeFpcr' }),
  FPSR: rw(0, [3, 3, 4, 4, 1], { check: 'Fp', onRead: 'readFpsr', onWrite: 'writeFpsr' }),
  TPIDR_EL0: rw(0, [3, 3, 13, 0, 2]),
  TPIDRRO_EL0: make([3, 3, 13, 0, 3], 0, 1, {}),

  // ---- EL2 ----
  VPIDR_EL2: rw(2, [3, 4, 0, 0, 0], { mask: W32 }),
  VMPIDR_EL2: rw(2, [3, 4, 0, 0, 5]),
  SCTLR_EL2: rw(2, [3, 4, 1, 0, 0], {
    mask: 0x0208_100fn,
    res1: 0x30c5_0830n,
    reset: 0x30c5_0838n,
    after: 'wroteSctlr',
  }),
  ACTLR_EL2: rw(2, [3, 4, 1, 0, 1], { mask: 0x73n, gap: STORED }),
  HCR_EL2: rw(2, [3, 4, 1, 1, 0], { mask: 0x3_ffff_ffffn, res1: 0x8000_0000n, after: 'wroteHcr' }),
  MDCR_EL2: rw(2, [3, 4, 1, 1, 1], { reset: 6n, onWrite: 'writeMdcr' }),
  CPTR_EL2: rw(2, [3, 4, 1, 1, 2], { mask: 0x8000_0400n, res1: 0x33ffn, after: 'recomputeFpTrapped' }),
  HSTR_EL2: rw(2, [3, 4, 1, 1, 3], { mask: 0xffffn }),
  HACR_EL2: raz(2, [3, 4, 1, 1, 7]),
  TTBR0_EL2: rw(2, [3, 4, 2, 0, 0], { mask: 0xffff_ffff_fffen, after: 'contextChanged' }),
  TCR_EL2: rw(2, [3, 4, 2, 0, 2], { mask: 0x17_ff3fn, res1: 0x8080_0000n, after: 'contextChanged' }),
  VTTBR_EL2: rw(2, [3, 4, 2, 1, 0], { mask: 0x00ff_ffff_ffff_fffen, after: 'contextChanged' }),
  VTCR_EL2: rw(2, [3, 4, 2, 1, 2], { mask: 0x7_ffffn, res1: 0x8000_0000n, after: 'contextChanged' }),
  DACR32_EL2: rw(2, [3, 4, 3, 0, 0], { mask: W32 }),
  SPSR_EL2: rw(2, [3, 4, 4, 0, 0], { mask: W32 }),
  ELR_EL2: rw(2, [3, 4, 4, 0, 1]),
  SP_EL1: rw(2, [3, 4, 4, 1, 0]),
  SP_EL2: make([3, 6, 4, 1, 0], 3, 3, {}),
  SPSR_irq: rw(2, [3, 4, 4, 3, 0], { mask: W32 }),
  SPSR_abt: rw(2, [3, 4, 4, 3, 1], { mask: W32 }),
  SPSR_und: rw(2, [3, 4, 4, 3, 2], { mask: W32 }),
  SPSR_fiq: rw(2, [3, 4, 4, 3, 3], { mask: W32 }),
  IFSR32_EL2: rw(2, [3, 4, 5, 0, 1], { mask: W32 }),
  AFSR0_EL2: raz(2, [3, 4, 5, 1, 0]),
  AFSR1_EL2: raz(2, [3, 4, 5, 1, 1]),
  ESR_EL2: rw(2, [3, 4, 5, 2, 0], { mask: W32 }),
  FPEXC32_EL2: rw(2, [3, 4, 5, 3, 0], { check: 'Fp', mask: W32 }),
  FAR_EL2: rw(2, [3, 4, 6, 0, 0]),
  HPFAR_EL2: rw(2, [3, 4, 6, 0, 4], { mask: 0xff_ffff_fff0n }),
  MAIR_EL2: rw(2, [3, 4, 10, 2, 0], { after: 'contextChanged' }),
  AMAIR_EL2: raz(2, [3, 4, 10, 3, 0]),
  VBAR_EL2: rw(2, [3, 4, 12, 0, 0], { mask: 0xffff_ffff_ffff_f800n }),
  TPIDR_EL2: rw(2, [3, 4, 13, 0, 2]),

  // ---- generic timer (D11): counts come from the core's cycles ----
  CNTKCTL_EL1: rw(1, [3, 0, 14, 1, 0], { mask: 0x3ffn, after: 'wroteTimer' }),
  CNTFRQ_EL0: ro(0, [3, 3, 14, 0, 0], { check: 'CntFrq', board: true }),
  CNTPCT_EL0: ro(0, [3, 3, 14, 0, 1], { check: 'CntPct', onRead: 'readCntpct' }),
  CNTVCT_EL0: ro(0, [3, 3, 14, 0, 2], { check: 'CntVct', onRead: 'readCntvct' }),
  CNTP_TVAL_EL0: rw(0, [3, 3, 14, 2, 0], { check: 'CntP', onRead: 'readCntpTval', onWrite: 'writeCntpTval' }),
  CNTP_CTL_EL0: rw(0, [3, 3, 14, 2, 1], {
    check: 'CntP',
    mask: 3n,
    stored: true,
    onRead: 'readCntpCtl',
    after: 'wroteTimer',
  }),
  CNTP_CVAL_EL0: rw(0, [3, 3, 14, 2, 2], { check: 'CntP', after: 'wroteTimer' }),
  CNTV_TVAL_EL0: rw(0, [3, 3, 14, 3, 0], { check: 'CntV', onRead: 'readCntvTval', onWrite: 'writeCntvTval' }),
  CNTV_CTL_EL0: rw(0, [3, 3, 14, 3, 1], {
    check: 'CntV',
    mask: 3n,
    stored: true,
    onRead: 'readCntvCtl',
    after: 'wroteTimer',
  }),
  CNTV_CVAL_EL0: rw(0, [3, 3, 14, 3, 2], { check: 'CntV', after: 'wroteTimer' }),
  CNTVOFF_EL2: rw(2, [3, 4, 14, 0, 3], { after: 'wroteTimer' }),
  CNTHCTL_EL2: rw(2, [3, 4, 14, 1, 0], { mask: 0xffn, reset: 3n, after: 'wroteTimer' }),
  CNTHP_TVAL_EL2: rw(2, [3, 4, 14, 2, 0], { onRead: 'readCnthpTval', onWrite: 'writeCnthpTval' }),
  CNTHP_CTL_EL2: rw(2, [3, 4, 14, 2, 1], { mask: 3n, stored: true, onRead: 'readCnthpCtl', after: 'wroteTimer' }),
  CNTHP_CVAL_EL2: rw(2, [3, 4, 14, 2, 2], { after: 'wroteTimer' }),

  // ---- performance monitors (D5), six event counters ----
  PMINTENSET_EL1: rw(1, [3, 0, 9, 14, 1], {
    check: 'PmuEl1',
    onRead: 'readPmInten',
    onWrite: 'writePmIntenSet',
    stored: true,
  }),
  PMINTENCLR_EL1: rw(1, [3, 0, 9, 14, 2], { check: 'PmuEl1', onRead: 'readPmInten', onWrite: 'writePmIntenClr' }),
  PMCR_EL0: rw(0, [3, 3, 9, 12, 0], {
    check: 'Pmcr',
    board: true,
    stored: true,
    onRead: 'readPmcr',
    onWrite: 'writePmcr',
  }),
  PMCNTENSET_EL0: rw(0, [3, 3, 9, 12, 1], {
    check: 'Pmu',
    stored: true,
    onRead: 'readPmCnten',
    onWrite: 'writePmCntenSet',
  }),
  PMCNTENCLR_EL0: rw(0, [3, 3, 9, 12, 2], { check: 'Pmu', onRead: 'readPmCnten', onWrite: 'writePmCntenClr' }),
  PMOVSCLR_EL0: rw(0, [3, 3, 9, 12, 3], { check: 'Pmu', stored: true, onRead: 'readPmOvs', onWrite: 'writePmOvsClr' }),
  PMSWINC_EL0: wo(0, [3, 3, 9, 12, 4], { check: 'PmuSwInc', onWrite: 'writePmSwInc' }),
  PMSELR_EL0: rw(0, [3, 3, 9, 12, 5], { check: 'PmuSelect', mask: 0x1fn }),
  // events 0x00, 0x08 to 0x0b, 0x11, 0x1c, 0x1e (sim/cpu/kernel/pmu.ts)
  PMCEID0_EL0: ro(0, [3, 3, 9, 12, 6], {
    check: 'Pmu',
    mask: 0n,
    res1: 0x5002_0f01n,
    gap: 'the cores have more events',
  }),
  PMCEID1_EL0: ro(0, [3, 3, 9, 12, 7], { check: 'Pmu', mask: 0n }),
  PMCCNTR_EL0: rw(0, [3, 3, 9, 13, 0], {
    check: 'PmuCycle',
    stored: true,
    onRead: 'readPmccntr',
    onWrite: 'writePmccntr',
  }),
  PMXEVTYPER_EL0: rw(0, [3, 3, 9, 13, 1], { check: 'Pmu', onRead: 'readPmXevTyper', onWrite: 'writePmXevTyper' }),
  PMXEVCNTR_EL0: rw(0, [3, 3, 9, 13, 2], { check: 'PmuEvent', onRead: 'readPmXevCntr', onWrite: 'writePmXevCntr' }),
  PMUSERENR_EL0: make([3, 3, 9, 14, 0], 0, 1, { check: 'PmuUser', mask: 0xfn }),
  PMOVSSET_EL0: rw(0, [3, 3, 9, 14, 3], { check: 'Pmu', onRead: 'readPmOvs', onWrite: 'writePmOvsSet' }),
  ...numbered('PMEVCNTR', SIX, '_EL0', (n) =>
    rw(0, [3, 3, 14, 8, n], {
      check: 'PmuEvent',
      stored: true,
      onRead: `readPmEvCntr(${n})`,
      onWrite: `writePmEvCntr(${n})`,
    }),
  ),
  ...numbered('PMEVTYPER', SIX, '_EL0', (n) =>
    rw(0, [3, 3, 14, 12, n], {
      check: 'Pmu',
      stored: true,
      onRead: `readPmEvTyper(${n})`,
      onWrite: `writePmEvTyper(${n})`,
    }),
  ),
  PMCCFILTR_EL0: rw(0, [3, 3, 14, 15, 7], { check: 'Pmu', onWrite: 'writePmccfiltr' }),

  // ---- self-hosted debug (D2, H8) ----
  OSDTRRX_EL1: rw(1, [2, 0, 0, 0, 2], { check: 'Tda', mask: W32, gap: NO_DEBUGGER }),
  MDCCINT_EL1: rw(1, [2, 0, 0, 2, 0], { check: 'Tda', mask: 0x6000_0000n, gap: NO_DEBUGGER }),
  MDSCR_EL1: rw(1, [2, 0, 0, 2, 2], { check: 'Tda', onWrite: 'writeMdscr' }),
  OSDTRTX_EL1: rw(1, [2, 0, 0, 3, 2], { check: 'Tda', mask: W32, gap: NO_DEBUGGER }),
  OSECCR_EL1: rw(1, [2, 0, 0, 6, 2], { check: 'Tda', mask: W32, gap: NO_DEBUGGER }),
  ...numbered('DBGBVR', SIX, '_EL1', (n) => rw(1, [2, 0, 0, n, 4], { check: 'Tda' })),
  ...numbered('DBGBCR', SIX, '_EL1', (n) => rw(1, [2, 0, 0, n, 5], { ...debugControl, mask: 0xff_e1e7n })),
  ...numbered('DBGWVR', FOUR, '_EL1', (n) => rw(1, [2, 0, 0, n, 6], { check: 'Tda', mask: ALL ^ 3n })),
  ...numbered('DBGWCR', FOUR, '_EL1', (n) => rw(1, [2, 0, 0, n, 7], { ...debugControl, mask: 0x1f1f_ffffn })),
  MDRAR_EL1: ro(1, [2, 0, 1, 0, 0], { check: 'Tdra', mask: 0n }),
  OSLAR_EL1: wo(1, [2, 0, 1, 0, 4], { check: 'Tdosa', onWrite: 'writeOslar' }),
  OSLSR_EL1: ro(1, [2, 0, 1, 1, 4], { check: 'Tdosa', reset: 0xan }),
  OSDLR_EL1: rw(1, [2, 0, 1, 3, 4], { check: 'Tdosa', mask: 1n, after: 'debugChanged' }),
  DBGPRCR_EL1: rw(1, [2, 0, 1, 4, 4], { check: 'Tdosa', mask: 1n, after: 'debugChanged' }),
  DBGCLAIMSET_EL1: rw(1, [2, 0, 7, 8, 6], {
    check: 'Tda',
    stored: true,
    onRead: 'readClaimSet',
    onWrite: 'writeClaimSet',
  }),
  DBGCLAIMCLR_EL1: rw(1, [2, 0, 7, 9, 6], { check: 'Tda', onRead: 'readClaimClr', onWrite: 'writeClaimClr' }),
  DBGAUTHSTATUS_EL1: ro(1, [2, 0, 7, 14, 6], { check: 'Tda', mask: 0n }),
  MDCCSR_EL0: ro(0, [2, 3, 0, 1, 0], { check: 'Tdcc', mask: 0n }),
  DBGDTR_EL0: raz(0, [2, 3, 0, 4, 0], { check: 'Tdcc', gap: 'no debugger is attached to the DCC' }),
  DBGDTRRX_EL0: raz(0, [2, 3, 0, 5, 0], { check: 'Tdcc', gap: 'no debugger is attached to the DCC' }),
  DBGVCR32_EL2: rw(2, [2, 4, 0, 7, 0], { mask: W32, gap: 'stored only: AArch32 is not modelled' }),

  // ---- implementation defined (TRM 4.3) ----
  L2CTLR_EL1: rw(1, [3, 1, 11, 0, 2], { check: 'Tidcp', mask: W32, board: true, gap: STORED }),
  L2ECTLR_EL1: rw(1, [3, 1, 11, 0, 3], { check: 'Tidcp', mask: W32, gap: STORED }),
  L2ACTLR_EL1: rw(1, [3, 1, 15, 0, 0], { check: 'Tidcp', mask: W32, gap: STORED }),
  CPUACTLR_EL1: rw(1, [3, 1, 15, 2, 0], { check: 'Tidcp', gap: STORED }),
  CPUECTLR_EL1: rw(1, [3, 1, 15, 2, 1], { check: 'Tidcp', reset: 0x40n, gap: STORED }),
  CPUMERRSR_EL1: rw(1, [3, 1, 15, 2, 2], { check: 'Tidcp', gap: STORED }),
  L2MERRSR_EL1: rw(1, [3, 1, 15, 2, 3], { check: 'Tidcp', gap: STORED }),
  CBAR_EL1: ro(1, [3, 1, 15, 3, 0], { check: 'Tidcp', board: true }),
} satisfies Record<string, Sysreg>;

export type SysregName = keyof typeof SYSREGS;

/** Slots that no encoding names: CCSIDR_EL1 by CSSELR_EL1. */
export const EXTRA_SLOTS = ['CCSIDR_L1D', 'CCSIDR_L1I', 'CCSIDR_L2'] as const;
export type SlotName = SysregName | (typeof EXTRA_SLOTS)[number];

/** Stored registers come first, so that the index of a stored register is its slot. */
export const SYSREG_LIST: readonly { readonly name: SysregName; readonly reg: Sysreg }[] = Object.entries(SYSREGS)
  .map(([name, reg]) => ({ name: name as SysregName, reg: reg as Sysreg }))
  .sort((a, b) => Number(b.reg.stored) - Number(a.reg.stored));

/** Slot number of each register that is stored. */
export const SYSREG_SLOT: Readonly<Partial<Record<SlotName, number>>> = slots();

/** The board sets these once; the others are written by a reset. */
export const BOARD_SLOTS: ReadonlySet<SlotName> = new Set<SlotName>([
  ...SYSREG_LIST.filter(({ reg }) => reg.board).map(({ name }) => name),
  ...EXTRA_SLOTS,
]);

function slots(): Partial<Record<SlotName, number>> {
  const out: Partial<Record<SlotName, number>> = {};
  let next = 0;
  for (const { name, reg } of SYSREG_LIST) if (reg.stored) out[name] = next++;
  for (const name of EXTRA_SLOTS) out[name] = next++;
  return out;
}

/** Packs an encoding as the kernel does: op0[15:14] op1[13:11] CRn[10:7] CRm[6:3] op2[2:0]. */
export function packEncoding([op0, op1, crn, crm, op2]: Encoding): number {
  return (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
}

/** The assembler's generic spelling, S3_0_C1_C0_0. */
export function spellEncoding([op0, op1, crn, crm, op2]: Encoding): string {
  return `S${op0}_${op1}_C${crn}_C${crm}_${op2}`;
}
