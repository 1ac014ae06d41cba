// MRS, MSR and MSR (immediate) of the running core, and the registers that are more than a slot.
// HOT_PC is the address of the instruction; true: done, the caller advances the PC; false: an exception was taken.
import { timerWritten } from './env';
import {
  CORE_CYCLES,
  CORE_DAIF,
  CORE_EL,
  CORE_FLAGS,
  CORE_LINES,
  CORE_PMU_ON,
  CORE_SPSEL,
  CORE_TICKS_PER_COUNT,
  CORE_TICKS_PER_CYCLE,
  CUR_CORE,
  EXIT_CODE,
  EXIT_NONE,
  FLAG_NO_EL2,
  HOT_FPCR,
  HOT_FPSR,
  HOT_NZCV,
  HOT_PC,
  LINE_FIQ,
  LINE_IRQ,
  LINE_VFIQ,
  LINE_VIRQ,
  TLB_ADDEND,
  TLB_BASE,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_STRIDE,
} from '../../wasm/layout';
import { contextChanged } from '../../mmu/kernel/context';
import { fetchPage } from '../../mmu/kernel/tlb';
import {
  HCR_AMO,
  HCR_FMO,
  HCR_HCD,
  HCR_IMO,
  HCR_TDZ,
  HCR_VF,
  HCR_VI,
  HCR_VSE,
  S,
  el,
  recomputeFpTrapped,
  recomputeLimit,
  selectSp,
  setSr,
  sr,
} from './state';
import { debugChanged } from './debug';
import { trapSystem, undefinedInstruction, unmodelled } from './exception';
import { EVENT_CID_WRITE, EVENT_TTBR_WRITE, pmuEvent } from './pmu';
import {
  ACCESS_OK,
  ACCESS_TAKEN,
  ACCESS_TRAP_EL1,
  ACCESS_TRAP_EL2,
  ACCESS_UNDEFINED,
  SCTLR_DZE,
  checkDaif,
} from './sysreg-traps';
import {
  SR_CCSIDR_L1D,
  SR_CCSIDR_L1I,
  SR_CCSIDR_L2,
  SR_CNTHP_CTL_EL2,
  SR_CNTHP_CVAL_EL2,
  SR_CNTP_CTL_EL0,
  SR_CNTP_CVAL_EL0,
  SR_CNTVOFF_EL2,
  SR_CNTV_CTL_EL0,
  SR_CNTV_CVAL_EL0,
  SR_CSSELR_EL1,
  SR_DBGCLAIMSET_EL1,
  SR_DCZID_EL0,
  SR_HCR_EL2,
  SR_ID_AA64PFR0_EL1,
  SR_MDSCR_EL1,
  SR_MIDR_EL1,
  SR_MPIDR_EL1,
  SR_OSLSR_EL1,
  SR_SCTLR_EL1,
  SR_SCTLR_EL2,
  SR_VMPIDR_EL2,
  SR_VPIDR_EL2,
  sysregAccess,
  sysregRead,
  sysregWrite,
} from './gen/sysregs';

const SCTLR_BIG_ENDIAN: u64 = 0x3000000; // EE, E0E
const DAIF_MASK: u64 = 0x3c0;
// MDSCR_EL1: SS, ERR, TDCC, KDE, HDE, MDE, TDA, INTdis, TXU, RXO, TXfull, RXfull
const MDSCR_BITS: u64 = 0x6ce0f041;
/** ERR, HDE, TDA, INTdis, TXU, RXO, TXfull, RXfull. */
const MDSCR_EXTERNAL: u64 = 0x6ce04040;
const EL3_FIELD: u64 = 0xf000;

/** The word of the current instruction; 0 if fetching it again took an abort. */
export function currentInsn(): u32 {
  const pc = load<u64>(<usize>HOT_PC);
  if (fetchPage(pc) == 0) return 0;
  const entry =
    <usize>TLB_BASE +
    <usize>load<u32>(<usize>CUR_CORE) * <usize>TLB_STRIDE +
    ((<usize>(pc >> 12)) & (<usize>TLB_ENTRIES - 1)) * <usize>TLB_ENTRY_SIZE;
  return load<u32>(<usize>(load<u32>(entry, <usize>TLB_ADDEND) + <u32>pc));
}

/** Takes the exception that goes with a refused access (ACCESS_*); always false. */
export function refuse(access: u32): bool {
  if (access == ACCESS_UNDEFINED) undefinedInstruction();
  else if (access == ACCESS_TRAP_EL1 || access == ACCESS_TRAP_EL2) {
    const insn = currentInsn();
    if (insn != 0) trapSystem(access == ACCESS_TRAP_EL2, insn);
  }
  return false;
}

/** MRS of register `index` (sysregIndex) into the register slot at `rt`. */
export function mrs(index: u32, rt: u32): bool {
  const access = sysregAccess(index, el(), 0);
  if (access != ACCESS_OK) return refuse(access);
  store<u64>(<usize>rt, sysregRead(index));
  return true;
}

export function msr(index: u32, value: u64): bool {
  const access = sysregAccess(index, el(), 1);
  if (access != ACCESS_OK) return refuse(access);
  sysregWrite(index, value);
  // a value that is not modelled ends the run at this instruction
  return load<i32>(<usize>EXIT_CODE) == EXIT_NONE;
}

/** MSR (immediate): `op1op2` = op1 << 3 | op2; PAN and UAO are not in Armv8.0. */
export function msrImm(op1op2: u32, crm: u32): bool {
  const level = el();
  const s = S();
  if (op1op2 == 5 && level > 0) {
    selectSp(level, crm & 1);
    return true;
  }
  if (op1op2 != 0x1e && op1op2 != 0x1f) return refuse(ACCESS_UNDEFINED);
  const access = checkDaif(level, 1);
  if (access != ACCESS_OK) return refuse(access);
  const daif = load<u32>(s, <usize>CORE_DAIF);
  const bits = (crm & 15) << 6;
  store<u32>(s, op1op2 == 0x1e ? daif | bits : daif & ~bits, <usize>CORE_DAIF);
  recomputeLimit();
  return true;
}

/** True if a DC ZVA is trapped at the current EL (SCTLR_EL1.DZE, HCR_EL2.TDZ); the exception is taken. */
export function zvaTrapped(): bool {
  const level = el();
  if (level == 2) return false;
  if (level == 0 && (sr(SR_SCTLR_EL1) & SCTLR_DZE) == 0) return !refuse(ACCESS_TRAP_EL1);
  return (sr(SR_HCR_EL2) & HCR_TDZ) != 0 ? !refuse(ACCESS_TRAP_EL2) : false;
}

// ---- identification ----

export function readMidr(): u64 {
  return sr(el() == 1 ? SR_VPIDR_EL2 : SR_MIDR_EL1);
}

export function readMpidr(): u64 {
  return sr(el() == 1 ? SR_VMPIDR_EL2 : SR_MPIDR_EL1);
}

/** CSSELR_EL1 selects level and kind; a cache that does not exist reads as UNKNOWN, here zero. */
export function readCcsidr(): u64 {
  switch (<u32>sr(SR_CSSELR_EL1)) {
    case 0:
      return sr(SR_CCSIDR_L1D);
    case 1:
      return sr(SR_CCSIDR_L1I);
    case 2:
      return sr(SR_CCSIDR_L2);
    default:
      return 0;
  }
}

/** DCZID_EL0.DZP tells whether DC ZVA is prohibited here. */
export function readDczid(): u64 {
  const level = el();
  let prohibited = level == 0 && (sr(SR_SCTLR_EL1) & SCTLR_DZE) == 0;
  if (level < 2 && (sr(SR_HCR_EL2) & HCR_TDZ) != 0) prohibited = true;
  return sr(SR_DCZID_EL0) | (prohibited ? 0x10 : 0);
}

// ---- PSTATE and FP ----

export function readCurrentEl(): u64 {
  return el() << 2;
}

export function readSpSel(): u64 {
  return load<u32>(S(), <usize>CORE_SPSEL);
}

export function writeSpSel(v: u64): void {
  selectSp(el(), (<u32>v) & 1);
}

export function readNzcv(): u64 {
  return load<u32>(<usize>HOT_NZCV);
}

export function writeNzcv(v: u64): void {
  store<u32>(<usize>HOT_NZCV, (<u32>v) & 0xf0000000);
}

export function readDaif(): u64 {
  return load<u32>(S(), <usize>CORE_DAIF);
}

export function writeDaif(v: u64): void {
  store<u32>(S(), <u32>(v & DAIF_MASK), <usize>CORE_DAIF);
  recomputeLimit();
}

export function readFpcr(): u64 {
  return load<u32>(<usize>HOT_FPCR);
}

/**
 * AHP, DN, FZ, RMode, and Stride and Len, which are only kept (DDI 0487 C5.2 FPCR); trapped exceptions are not
 * implemented by these cores.
 */
export function writeFpcr(v: u64): void {
  store<u32>(<usize>HOT_FPCR, (<u32>v) & 0x07f70000);
}

export function readFpsr(): u64 {
  return load<u32>(<usize>HOT_FPSR);
}

/** QC, IDC, IXC, UFC, OFC, DZC, IOC, and the AArch32 flags. */
export function writeFpsr(v: u64): void {
  store<u32>(<usize>HOT_FPSR, (<u32>v) & 0xf800009f);
}

/** Pending interrupts: at EL1 with HCR_EL2.xMO set those of the virtual ones. */
export function readIsr(): u64 {
  const s = S();
  const lines = load<u32>(s, <usize>CORE_LINES);
  const hcr = load<u32>(s, <usize>CORE_EL) == 1 ? sr(SR_HCR_EL2) : 0;
  let isr: u64 = 0;
  if ((hcr & HCR_IMO) != 0 ? (hcr & HCR_VI) != 0 || (lines & (<u32>LINE_VIRQ)) != 0 : (lines & (<u32>LINE_IRQ)) != 0)
    isr |= 0x80;
  if ((hcr & HCR_FMO) != 0 ? (hcr & HCR_VF) != 0 || (lines & (<u32>LINE_VFIQ)) != 0 : (lines & (<u32>LINE_FIQ)) != 0)
    isr |= 0x40;
  if ((hcr & HCR_AMO) != 0 && (hcr & HCR_VSE) != 0) isr |= 0x100;
  return isr;
}

// ---- control registers ----

/** Big-endian data is not modelled: turning it on ends the run with a named outcome. */
export function wroteSctlr(): void {
  if ((sr(SR_SCTLR_EL1) & SCTLR_BIG_ENDIAN) != 0 || (sr(SR_SCTLR_EL2) & SCTLR_BIG_ENDIAN) != 0) {
    unmodelled(currentInsn());
  }
  contextChanged();
}

/** HCD is RES0 where EL3 is implemented. */
export function wroteHcr(): void {
  if ((sr(SR_ID_AA64PFR0_EL1) & EL3_FIELD) != 0) setSr(SR_HCR_EL2, sr(SR_HCR_EL2) & ~HCR_HCD);
  contextChanged();
  recomputeFpTrapped();
  recomputeLimit();
}

export function wroteContextId(): void {
  if (load<u32>(S(), <usize>CORE_PMU_ON) != 0) pmuEvent(EVENT_CID_WRITE);
}

export function wroteTtbr(): void {
  contextChanged();
  if (load<u32>(S(), <usize>CORE_PMU_ON) != 0) pmuEvent(EVENT_TTBR_WRITE);
}

// ---- generic timer: the count is a function of the core's cycles ----

export function readCntpct(): u64 {
  const s = S();
  const ticks = load<u64>(s, <usize>CORE_CYCLES) * <u64>load<u32>(s, <usize>CORE_TICKS_PER_CYCLE);
  return ticks / <u64>load<u32>(s, <usize>CORE_TICKS_PER_COUNT);
}

/** CNTVOFF_EL2 counts as zero where EL2 is not implemented. */
export function readCntvct(): u64 {
  if ((load<u32>(S(), <usize>CORE_FLAGS) & (<u32>FLAG_NO_EL2)) != 0) return readCntpct();
  return readCntpct() - sr(SR_CNTVOFF_EL2);
}

export function wroteTimer(): void {
  timerWritten(load<u32>(<usize>CUR_CORE));
}

/** CTL with ISTATUS: the condition (count - CVAL) >= 0 while ENABLE is set. */
function control(ctl: i32, cval: i32, count: u64): u64 {
  const value = sr(ctl);
  return (value & 1) != 0 && count >= sr(cval) ? value | 4 : value;
}

function setTval(cval: i32, count: u64, v: u64): void {
  setSr(cval, count + <u64>(<i64>(<i32>v)));
  wroteTimer();
}

export function readCntpCtl(): u64 {
  return control(SR_CNTP_CTL_EL0, SR_CNTP_CVAL_EL0, readCntpct());
}

export function readCntvCtl(): u64 {
  return control(SR_CNTV_CTL_EL0, SR_CNTV_CVAL_EL0, readCntvct());
}

export function readCnthpCtl(): u64 {
  return control(SR_CNTHP_CTL_EL2, SR_CNTHP_CVAL_EL2, readCntpct());
}

export function readCntpTval(): u64 {
  return (sr(SR_CNTP_CVAL_EL0) - readCntpct()) & 0xffffffff;
}

export function readCntvTval(): u64 {
  return (sr(SR_CNTV_CVAL_EL0) - readCntvct()) & 0xffffffff;
}

export function readCnthpTval(): u64 {
  return (sr(SR_CNTHP_CVAL_EL2) - readCntpct()) & 0xffffffff;
}

export function writeCntpTval(v: u64): void {
  setTval(SR_CNTP_CVAL_EL0, readCntpct(), v);
}

export function writeCntvTval(v: u64): void {
  setTval(SR_CNTV_CVAL_EL0, readCntvct(), v);
}

export function writeCnthpTval(v: u64): void {
  setTval(SR_CNTHP_CVAL_EL2, readCntpct(), v);
}

// ---- debug ----

/** OSLAR_EL1.OSLK sets OSLSR_EL1.OSLK (bit 1). */
export function writeOslar(v: u64): void {
  setSr(SR_OSLSR_EL1, (sr(SR_OSLSR_EL1) & ~(<u64>2)) | ((v & 1) << 1));
  debugChanged();
}

/** With the OS lock clear the bits that belong to an external debugger are read-only (D13.3.20). */
export function writeMdscr(v: u64): void {
  const mask = (sr(SR_OSLSR_EL1) & 2) != 0 ? MDSCR_BITS : MDSCR_BITS & ~MDSCR_EXTERNAL;
  setSr(SR_MDSCR_EL1, (sr(SR_MDSCR_EL1) & ~mask) | (v & mask));
  debugChanged();
}

/** Reads as the claim bits that exist. */
export function readClaimSet(): u64 {
  return 0xff;
}

export function writeClaimSet(v: u64): void {
  setSr(SR_DBGCLAIMSET_EL1, sr(SR_DBGCLAIMSET_EL1) | (v & 0xff));
}

export function readClaimClr(): u64 {
  return sr(SR_DBGCLAIMSET_EL1);
}

export function writeClaimClr(v: u64): void {
  setSr(SR_DBGCLAIMSET_EL1, sr(SR_DBGCLAIMSET_EL1) & ~v);
}
