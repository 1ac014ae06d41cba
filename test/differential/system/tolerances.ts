/** Where QEMU 7.2 is known to be wrong or the Arm ARM leaves it open: docs/conformance.md has this table. */
import type { Context, Step } from './layout.js';

export interface SystemTolerance {
  readonly name: string;
  readonly section: string;
  readonly reason: string;
}

const EC_SHIFT = 26n;
const DEVICE = 0x10n;
const NON_CACHEABLE = 0x44n;
const SHAREABILITY = 0x180n;
const ATTRIBUTES = 56n;
const HCR_TGE = 1n << 27n;

// word numbers of a record
const ESR_EL2 = 1;
const FAR_EL2 = 4;
const HPFAR_EL2 = 5;
const ESR_EL1 = 6;
const FAR_EL1 = 9;
const PAR = 10;
const AT = 14;

/** Exception classes that write FAR: aborts, PC alignment, watchpoint. */
const WITH_FAR: ReadonlySet<bigint> = new Set([0x20n, 0x21n, 0x22n, 0x24n, 0x25n, 0x34n, 0x35n]);
const ABORTS_FROM_LOWER: ReadonlySet<bigint> = new Set([0x20n, 0x24n]);

export const FAR_UNKNOWN: SystemTolerance = {
  name: 'FAR_ELx after other exceptions than aborts, PC alignment faults and watchpoints',
  section: 'D13.2.40 "FAR_EL1"',
  reason: 'UNKNOWN; QEMU writes 0 for breakpoints, ours keeps it',
};
export const HPFAR_UNKNOWN: SystemTolerance = {
  name: 'HPFAR_EL2 after other exceptions than stage-2 aborts',
  section: 'D13.2.45 "HPFAR_EL2"',
  reason: 'UNKNOWN',
};
export const ISV_EL2: SystemTolerance = {
  name: 'ESR_EL2.ISS[24:14] of stage-1 and alignment faults',
  section: 'D13.2.37 "ISS encoding for an exception from a Data Abort", ISV',
  reason: 'zero, ISV is only for stage-2 faults; QEMU has the syndrome of the access',
};
export const PAR_SHAREABILITY: SystemTolerance = {
  name: 'PAR_EL1.SH of Device and Normal Non-cacheable memory',
  section: 'D13.2.108 "PAR_EL1"',
  reason: 'outer shareable; QEMU has what the descriptor says, or 0 with the MMU off',
};
export const PAR_LEVEL: SystemTolerance = {
  name: 'level in PAR_EL1 and ESR_EL2 of a stage-2 fault on a stage-1 table',
  section: 'J1.1.5 AArch64.TranslationTableWalk, S1PTW',
  reason: 'the level of stage 2; QEMU reports another',
};
export const PAR_DEVICE: SystemTolerance = {
  name: 'kind of Device memory in PAR_EL1',
  section: 'D5.5.5 "Combining the stage 1 and stage 2 attributes, EL1&0 translation regime"',
  reason: 'QEMU takes the inner attribute of a non-cacheable Normal second stage for Device-nGnRE',
};
export const DAIF_TRAP: SystemTolerance = {
  name: 'ESR_ELx of a trapped MSR DAIFSet or DAIFClr',
  section: 'D13.2.37 "ISS encoding for an exception from MSR, MRS, or System instruction"',
  reason: 'op1 3, op2 6 or 7; QEMU has the two exchanged',
};
export const EXCLUSIVE: SystemTolerance = {
  name: 'fault status of an exclusive access to an address at which nothing answers',
  section: 'B2.9.2 "Exclusive access instructions and the monitors"; D13.2.37, DFSC 0b110101',
  reason: 'IMPLEMENTATION DEFINED: ours reports an unsupported exclusive access, QEMU an external abort',
};
export const EXTERNAL_FAR: SystemTolerance = {
  name: 'FAR_ELx[3:0] of an external abort',
  section: 'D13.2.40 "FAR_EL1"',
  reason: 'of a misaligned access QEMU reports the aligned part',
};
export const NORMALISED = [
  FAR_UNKNOWN,
  HPFAR_UNKNOWN,
  ISV_EL2,
  PAR_SHAREABILITY,
  PAR_LEVEL,
  PAR_DEVICE,
  DAIF_TRAP,
  EXCLUSIVE,
  EXTERNAL_FAR,
] as const;

/** Registers that QEMU 7.2 does not have (UNDEFINED there), with those that only the highest level may write. */
export const NOT_IN_QEMU: readonly string[] = [
  'OSDTRRX_EL1',
  'OSDTRTX_EL1',
  'OSECCR_EL1',
  'DBGPRCR_EL1',
  'DBGCLAIMSET_EL1',
  'DBGCLAIMCLR_EL1',
  'DBGAUTHSTATUS_EL1',
  'DBGDTR_EL0',
  'DBGDTRRX_EL0',
  'CNTFRQ_EL0',
];

/**
 * Registers whose access is compared and whose value is not: it depends on time, on AArch32, on the implementation
 * (identification, IMPLEMENTATION DEFINED), or QEMU does not store it.
 */
export const OTHER_VALUES =
  /^(CNTPCT|CNTVCT|CNT.*_TVAL|CNT.*_CVAL|CNT.*_CTL|PMCCNTR|PMEVCNTR|PMXEVCNTR|ISR_EL1|PMOVS|PMCEID|PMCR|ID_|MVFR|ACTLR|L2|CPU|CBAR|MDCCINT|DBGVCR32|DBG[BW]CR)/;

/** EC 0x18 of MSR DAIFSet or DAIFClr as QEMU has it, put right. */
function daifTrap(esr: bigint): bigint {
  if (esr >> EC_SHIFT !== 0x18n || (esr & 0x30_3c01n) !== 0x1000n || ((esr >> 5n) & 31n) !== 31n) return esr;
  const [op2, op1] = [(esr >> 17n) & 7n, (esr >> 14n) & 7n];
  return op2 === 3n ? (esr & ~0xf_c000n) | (op1 << 17n) | (op2 << 14n) : esr;
}

/** What the generators leave out, or compare.ts compares in another way. */
export const NOT_COMPARED: readonly SystemTolerance[] = [
  {
    name: 'misaligned access to Device memory',
    section: 'B2.7.2 "Device memory"; D13.2.37, DFSC 0b100001',
    reason: 'QEMU 7.2 does it; that ours takes the alignment fault is checked with the memory type that AT finds',
  },
  {
    name: 'cache maintenance by address',
    section: 'D4.4.8 "A64 Cache maintenance instructions"',
    reason: 'QEMU translates nothing; ours is checked with what AT finds at the address',
  },
  {
    name: 'SP alignment checks',
    section: 'D1.8.2 "SP alignment checking"',
    reason: 'QEMU 7.2 has none: SP is misaligned only where SCTLR_ELx.SA and SA0 are 0',
  },
  {
    name: 'PC alignment fault at an address that may not be executed',
    section: 'D1.13.2 "Synchronous exception prioritization"',
    reason: 'it has the higher priority; QEMU takes the instruction abort',
  },
  {
    name: 'page-crossing access of which nothing answers in the first page and the second one faults',
    section: 'B2.2.1 "Requirements for single-copy atomicity"',
    reason: 'the order is not defined: ours translates both first, QEMU accesses the first',
  },
  {
    name: 'several interrupts at once',
    section: 'D1.13.4 "Prioritization and recognition of interrupts"',
    reason: 'IMPLEMENTATION DEFINED order',
  },
  {
    name: 'PSTATE.NZCV after an exception',
    section: 'J1.1.1 AArch64.TakeException',
    reason: 'unchanged; QEMU clears them, so the vectors of the probe do',
  },
  {
    name: 'SPSR_ELx.SS of an illegal exception return',
    section: 'J1.1.1 DebugExceptionReturnSS',
    reason: 'QEMU steps at once; not generated',
  },
  {
    name: 'exception return to AArch32',
    section: 'D1.11.2 "Illegal return events from AArch64 state"',
    reason: 'illegal here, because AArch32 is not modelled',
  },
  {
    name: 'HCR_EL2.TIDCP and registers that QEMU does not have, or has as constants',
    section: 'D13.2.47 "HCR_EL2"',
    reason: 'QEMU does not trap them',
  },
  {
    name: 'HCR_EL2.PTW without a second stage',
    section: 'D13.2.47 "HCR_EL2"',
    reason: 'no effect; QEMU refuses tables in Device memory',
  },
  {
    name: 'HCR_EL2.TGE and AT S12E0R, S12E0W',
    section: 'D13.2.47 "HCR_EL2"',
    reason: 'stage 1 of EL1&0 is off; QEMU walks its tables',
  },
  {
    name: 'VTCR_EL2.SL0 = 2 with PS below 44 bits',
    section: 'J1.1.5 AArch64.TranslationTableWalk',
    reason: 'what the implementation has counts; QEMU takes a level 0 fault',
  },
  {
    name: 'MDCR_EL2.TPM and TPMCR for PMU registers opened to EL0 by PMUSERENR_EL0.{SW,CR,ER}; MDSCR_EL1.TDCC',
    section: 'D13.4 "Performance Monitors registers"; D13.3.18 "MDCCSR_EL0"',
    reason: 'QEMU does not trap',
  },
  {
    name: 'CNTHCTL_EL2.EL1PCTEN for CNTPCT_EL0 at EL0',
    section: 'D13.8.19 "CNTPCT_EL0"',
    reason: 'QEMU looks at EL1PCEN: both have the same value',
  },
  {
    name: 'breakpoints that match a context or a VMID, and reserved BAS values',
    section: 'D2.9 "Breakpoint exceptions"',
    reason: 'QEMU has neither',
  },
];

function parOf(value: bigint): bigint {
  // ISS.S1PTW of an abort is elsewhere: PAR_EL1.F with PTW
  if ((value & 1n) !== 0n) return (value & 0x100n) !== 0n ? value & ~6n : value;
  const attributes = value >> ATTRIBUTES;
  if (attributes === NON_CACHEABLE) return value & ~SHAREABILITY;
  if (attributes >= DEVICE) return value;
  const kind = attributes === 0n ? 0n : 4n;
  return (value & ~SHAREABILITY & ((1n << ATTRIBUTES) - 1n)) | (kind << ATTRIBUTES);
}

/** A copy of a record in which what the tolerances name is alike on both sides. */
export function normalised(record: BigUint64Array, _step: Step, context: Context): BigUint64Array {
  const out = record.slice();
  const word = (index: number): bigint => out[index] as bigint;
  const ec2 = word(ESR_EL2) >> EC_SHIFT;
  const dataAbort = ec2 === 0x24n || ec2 === 0x25n;
  // without a second stage no fault is one of it
  const stage2 = ABORTS_FROM_LOWER.has(ec2) && (context.HCR_EL2 & HCR_TGE) === 0n && (word(ESR_EL2) & 63n) !== 0x21n;
  for (const [esr, far] of [
    [ESR_EL2, FAR_EL2],
    [ESR_EL1, FAR_EL1],
  ] as const) {
    const value = word(esr);
    const abort = value >> EC_SHIFT === 0x24n || value >> EC_SHIFT === 0x25n;
    if (abort && (value & 63n) === 0x35n) out[esr] = (value & ~63n) | 0x10n;
    if (abort && (word(esr) & 63n) === 0x10n) out[far] = word(far) & ~15n;
  }
  if (!WITH_FAR.has(ec2)) out[FAR_EL2] = 0n;
  if (!stage2) out[HPFAR_EL2] = 0n;
  if (dataAbort && !stage2) out[ESR_EL2] = word(ESR_EL2) & ~0x1ff_c000n;
  // S1PTW
  if (stage2 && (word(ESR_EL2) & 0x80n) !== 0n) out[ESR_EL2] = word(ESR_EL2) & ~3n;
  if (!WITH_FAR.has(word(ESR_EL1) >> EC_SHIFT)) out[FAR_EL1] = 0n;
  out[ESR_EL1] = daifTrap(word(ESR_EL1));
  out[ESR_EL2] = daifTrap(word(ESR_EL2));
  out[PAR] = parOf(word(PAR));
  out[AT] = parOf(word(AT));
  return out;
}
