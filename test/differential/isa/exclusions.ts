/**
 * What is not compared, each with its reason. Sections are those of the Arm ARM, DDI 0487, with the title where the number
 * moves between its issues: what it calls CONSTRAINED UNPREDICTABLE (chapter K1) or IMPLEMENTATION DEFINED has no one right
 * answer, and some instructions mean something else to a process under Linux than to the processor.
 */
import { SIGBUS, SIGSEGV } from './state.js';

/** A set of encodings of which the generator makes none. */
export interface Exclusion {
  readonly name: string;
  readonly section: string;
  readonly reason: string;
  matches(insn: number): boolean;
}

const rt = (insn: number): number => insn & 31;
const rn = (insn: number): number => (insn >>> 5) & 31;
const rt2 = (insn: number): number => (insn >>> 10) & 31;
const rs = (insn: number): number => (insn >>> 16) & 31;
const is = (insn: number, mask: number, value: number): boolean => (insn & mask) >>> 0 === value;
/** op0:op1:CRn:CRm:op2 of MSR, MRS and SYS. */
const system = (insn: number): number => (insn >>> 5) & 0xffff;
const encoding = (op0: number, op1: number, crn: number, crm: number, op2: number): number =>
  (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;

/** STXR, STXP and their release and narrow forms. */
export const storeExclusive = (insn: number): boolean => is(insn, 0x3fc00000, 0x08000000) || isStorePair(insn);
const isStorePair = (insn: number): boolean => is(insn, 0xbfe00000, 0x88200000);
const isLoadPair = (insn: number): boolean => is(insn, 0xbfe00000, 0x88600000);
/** LDXR, LDXP and their acquire and narrow forms. */
export const loadExclusive = (insn: number): boolean => is(insn, 0x3fc00000, 0x08400000) || isLoadPair(insn);
const isRead = (insn: number): boolean => is(insn, 0xfff00000, 0xd5300000);

export const EXCLUSIONS: readonly Exclusion[] = [
  {
    name: 'load pair of one register twice',
    section: 'C6.2 LDP, LDNP, LDPSW; C7.2 LDP, LDNP (SIMD&FP)',
    reason: 'CONSTRAINED UNPREDICTABLE if Rt = Rt2',
    matches: (insn) => is(insn, 0x3a400000, 0x28400000) && rt(insn) === rt2(insn),
  },
  {
    name: 'pair with write-back to a transferred register',
    section: 'C6.2 LDP, LDPSW, STP',
    reason: 'CONSTRAINED UNPREDICTABLE if Rn is Rt or Rt2 and not SP',
    matches: (insn) =>
      is(insn, 0x3e800000, 0x28800000) && rn(insn) !== 31 && (rn(insn) === rt(insn) || rn(insn) === rt2(insn)),
  },
  {
    name: 'register with write-back to the transferred register',
    section: 'C6.2 LDR, LDRB, LDRH, LDRSB, LDRSH, LDRSW, STR, STRB, STRH (immediate)',
    reason: 'CONSTRAINED UNPREDICTABLE if Rn = Rt and not SP',
    matches: (insn) => is(insn, 0x3f200400, 0x38000400) && rn(insn) !== 31 && rn(insn) === rt(insn),
  },
  {
    name: 'status register that is data or address',
    section: 'C6.2 STXR, STXRB, STXRH, STXP, STLXR, STLXRB, STLXRH, STLXP',
    reason: 'CONSTRAINED UNPREDICTABLE if Rs is Rt or Rt2, or is Rn and not SP',
    matches: (insn) =>
      storeExclusive(insn) &&
      (rs(insn) === rt(insn) ||
        (isStorePair(insn) && rs(insn) === rt2(insn)) ||
        (rs(insn) === rn(insn) && rn(insn) !== 31)),
  },
  {
    name: 'exclusive load of one register twice',
    section: 'C6.2 LDXP, LDAXP',
    reason: 'CONSTRAINED UNPREDICTABLE if Rt = Rt2',
    matches: (insn) => is(insn, 0xbfe00000, 0x88600000) && rt(insn) === rt2(insn),
  },
  {
    name: 'system call',
    section: 'C6.2 SVC',
    reason: 'calls the host under user-mode emulation; the exceptions of the system comparison cover it',
    matches: (insn) => is(insn, 0xffe0001f, 0xd4000001),
  },
  {
    name: 'semihosting',
    section: 'C6.2 HLT',
    reason: 'HLT #0xf000 is a semihosting call to QEMU; other immediates are UNDEFINED while halting debug is off',
    matches: (insn) => is(insn, 0xffffffff, 0xd45e0000),
  },
  {
    name: 'identification registers',
    section: 'D13.2 (op0 = 3, op1 = 0, CRn = 0)',
    reason: 'Linux emulates reads at EL0, and QEMU with it; the processor raises an exception',
    matches: (insn) => isRead(insn) && (system(insn) & 0xff80) === encoding(3, 0, 0, 0, 0),
  },
  {
    name: 'debug communication channel at EL0',
    section: 'D13.3 MDCCSR_EL0, DBGDTR_EL0, DBGDTRRX_EL0, DBGDTRTX_EL0',
    reason: 'allocated and not trapped while MDSCR_EL1.TDCC is 0; QEMU 7.2 does not have the registers',
    matches: (insn) => is(insn, 0xffdf0000, 0xd5130000),
  },
  {
    name: 'counters',
    section: 'D11.2, D13.8 CNTVCT_EL0, CNTPCT_EL0',
    reason: 'QEMU returns the time of the host',
    matches: (insn) => isRead(insn) && [1, 2, 5, 6].some((op2) => system(insn) === encoding(3, 3, 14, 0, op2)),
  },
];

/** The exclusion that `insn` falls under. */
export function excluded(insn: number): Exclusion | undefined {
  return EXCLUSIONS.find((one) => one.matches(insn));
}

/** What remains unknown after a fault. */
export interface Unknown {
  readonly section: string;
  readonly reason: string;
  /** Registers V0..V31 that may have any value. */
  readonly vectors: readonly number[];
  /** The written part of memory may have any content. */
  readonly memory: boolean;
}

const MULTI_ACCESS = 'D1 "Taking an interrupt during a multi-access load or store"';

/**
 * What the Arm ARM leaves open about the state after `insn` took a fault on data.
 * @param signal as which the fault is reported
 */
export function unknownAfterFault(insn: number, signal: number): Unknown | undefined {
  if (signal !== SIGSEGV && signal !== SIGBUS) return undefined;
  const structure = is(insn, 0xbe000000, 0x0c000000);
  const pair = is(insn, 0x3a000000, 0x28000000);
  const quad = is(insn, 0xfe800000, 0x3c800000);
  const load = ((insn >>> 22) & 1) === 1;
  if (load && (structure || (pair && is(insn, 0x04000000, 0x04000000)))) {
    return {
      section: MULTI_ACCESS,
      reason: 'registers that a faulting load of several elements would load, the base excepted, are UNKNOWN',
      vectors: structure ? [0, 1, 2, 3].map((i) => (rt(insn) + i) & 31) : [rt(insn), rt2(insn)],
      memory: false,
    };
  }
  if (!load && (structure || pair || quad)) {
    return {
      section: MULTI_ACCESS,
      reason: 'memory that a faulting store of several elements would write may be written where nothing faults',
      vectors: [],
      memory: true,
    };
  }
  return undefined;
}

const dataFault = (signal: number): boolean => signal === SIGSEGV || signal === SIGBUS;
/** DC CVAC, CVAU, CIVAC and IC IVAU. */
const isMaintenance = (insn: number): boolean =>
  is(insn, 0xffffffe0, 0xd50b7a20) ||
  is(insn, 0xffffffe0, 0xd50b7b20) ||
  is(insn, 0xffffffe0, 0xd50b7e20) ||
  is(insn, 0xffffffe0, 0xd50b7520);

/** A fault of ours that QEMU need not take: the case is cut off before the instruction. */
export interface OpenFault {
  readonly name: string;
  readonly section: string;
  readonly reason: string;
  matches(insn: number): boolean;
}

export const OPEN_FAULTS: readonly OpenFault[] = [
  {
    name: 'store-exclusive to an address that faults',
    section: 'J1 AArch64.ExclusiveMonitorsPass',
    reason: 'whether the monitor or the address is checked first is IMPLEMENTATION DEFINED; QEMU checks the monitor',
    matches: storeExclusive,
  },
  {
    name: 'cache maintenance of an address that faults',
    section: 'D4.4 "A64 Cache maintenance instructions"',
    reason: 'faults on the processor; user-mode QEMU executes it as NOP',
    matches: isMaintenance,
  },
];

/** True if the end of a case on our side, at `insn` with `signal`, is one that QEMU need not share. */
export function openFault(insn: number, signal: number): boolean {
  return dataFault(signal) && OPEN_FAULTS.some((one) => one.matches(insn));
}

/** A difference in how or where a case ends in which QEMU is known to be wrong. */
export interface Tolerance {
  readonly name: string;
  readonly section: string;
  readonly reason: string;
  /** The one thing in which the ends may differ; all the rest is compared. */
  readonly ignores: 'signal' | 'pc';
  /** `insn` is what our side stopped at, `ours` and `theirs` are the signals, `pc` is where our side ended. */
  matches(insn: number | undefined, ours: number, theirs: number, pc: number): boolean;
}

export const TOLERANCES: readonly Tolerance[] = [
  {
    name: 'branch to a misaligned address where nothing is mapped',
    section: 'D1 "Prioritization of Synchronous exceptions taken to AArch64 state"',
    reason: 'the PC alignment fault has the higher priority; user-mode QEMU reports the instruction abort',
    ignores: 'signal',
    matches: (_insn, ours, theirs, pc) => pc % 4 !== 0 && ours === SIGBUS && theirs === SIGSEGV,
  },
  {
    name: 'DC ZVA of an address that faults',
    section: 'C5.3 DC ZVA; D1 "Definition of a precise exception and imprecise exception"',
    reason: 'user-mode QEMU 7.2 reports the PC of the first instruction of its translation block',
    ignores: 'pc',
    matches: (insn, ours, theirs) =>
      insn !== undefined && is(insn, 0xffffffe0, 0xd50b7420) && ours === SIGSEGV && theirs === SIGSEGV,
  },
];
