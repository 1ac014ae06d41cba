// Exceptions, interrupts and exception return of the running core, AArch64 only (Arm ARM DDI 0487 D1.10 to D1.13).
// HOT_PC is the address of the current instruction, which is the preferred return address unless said otherwise.
import {
  CORE_DAIF,
  CORE_EL,
  CORE_EVENT,
  CORE_EXCEPTIONS,
  CORE_FLAGS,
  CORE_MONITOR_PA,
  CORE_PMU_ON,
  CORE_PSTATE_IL,
  CORE_PSTATE_SS,
  CORE_REARM,
  CORE_S2_ABORTS,
  CORE_SPSEL,
  CORE_STEP,
  CORE_WINDOW_ABORTS,
  CORE_WINDOW_HI,
  CORE_WINDOW_LO,
  EXIT_CODE,
  EXIT_EL2,
  EXIT_NONE,
  EXIT_SMC,
  EXIT_UNMODELLED,
  EXIT_WFE,
  EXIT_WFI,
  FLAG_EL2_MODEL,
  FLAG_NO_EL2,
  HOT_NZCV,
  HOT_PC,
} from '../../wasm/layout';
import { exceptionTimed } from '../../timing/kernel/system';
import { TIMED } from '../../timing/kernel/timed';
import { contextChanged, contextSwitched } from '../../mmu/kernel/context';
import { fetchPage } from '../../mmu/kernel/tlb';
import { recomputeDebug, returnedSs, stepCompleted } from './debug';
import { EVENT_EXC_RETURN, EVENT_EXC_TAKEN, pmuEnter, pmuEvent, pmuSwitched } from './pmu';
import {
  HCR_HCD,
  HCR_TGE,
  HCR_TSC,
  HCR_TWE,
  HCR_TWI,
  HCR_VSE,
  PENDING_FIQ_EL1,
  PENDING_FIQ_EL2,
  PENDING_IRQ_EL1,
  PENDING_IRQ_EL2,
  PENDING_NONE,
  PENDING_VFIQ,
  PENDING_VIRQ,
  PENDING_VSERROR,
  S,
  el,
  pendingAt,
  pstate,
  recomputeFpTrapped,
  recomputeLimitAt,
  selectSp,
  setExit,
  setSr,
  sr,
  wakesWfi,
} from './state';
import {
  SR_CPACR_EL1,
  SR_CPTR_EL2,
  SR_ELR_EL1,
  SR_ELR_EL2,
  SR_ESR_EL1,
  SR_ESR_EL2,
  SR_FAR_EL1,
  SR_FAR_EL2,
  SR_HCR_EL2,
  SR_HPFAR_EL2,
  SR_MDCR_EL2,
  SR_SCTLR_EL1,
  SR_SPSR_EL1,
  SR_SPSR_EL2,
  SR_TCR_EL1,
  SR_TCR_EL2,
  SR_VBAR_EL1,
  SR_VBAR_EL2,
} from './gen/sysregs';

// ESR_ELx.EC (D13.2.37)
const EC_UNKNOWN: u32 = 0x00;
const EC_WFX: u32 = 0x01;
const EC_FP: u32 = 0x07;
const EC_ILLEGAL: u32 = 0x0e;
const EC_SVC: u32 = 0x15;
const EC_HVC: u32 = 0x16;
const EC_SMC: u32 = 0x17;
const EC_SYSREG: u32 = 0x18;
const EC_INSTRUCTION_ABORT: u32 = 0x20;
const EC_PC_ALIGNMENT: u32 = 0x22;
const EC_DATA_ABORT: u32 = 0x24;
const EC_SP_ALIGNMENT: u32 = 0x26;
const EC_SERROR: u32 = 0x2f;
const EC_BRK: u32 = 0x3c;

// Vector offsets within a group of four
const VECTOR_SYNC: u32 = 0;
const VECTOR_IRQ: u32 = 0x80;
const VECTOR_FIQ: u32 = 0x100;
const VECTOR_SERROR: u32 = 0x180;

const IL: u32 = 1 << 25;
const COND_ALWAYS: u32 = 0x1e00000; // CV = 1, COND = 0b1110
const ISV: u32 = 1 << 24;
const DAIF_ALL: u32 = 0x3c0;
const MONITOR_OPEN: u64 = 0xffffffffffffffff;
const SCTLR_NTWI: u64 = 1 << 16;
const SCTLR_NTWE: u64 = 1 << 18;
const MDCR_TDE: u64 = 1 << 8;
const SPSR_IL: u32 = 1 << 20;

function pc(): u64 {
  return load<u64>(<usize>HOT_PC);
}

function setPc(v: u64): void {
  store<u64>(<usize>HOT_PC, v);
}

function flag(bit: i32): bool {
  return (load<u32>(S(), <usize>CORE_FLAGS) & (<u32>bit)) != 0;
}

/** State that depends on EL and masks. */
function stateChanged(): void {
  contextSwitched();
  recomputeFpTrapped();
  recomputeLimitAt(S());
  if (load<u32>(S(), <usize>CORE_PMU_ON) != 0) pmuSwitched();
}

/** To be called by run() when the registers of its core are in the HOT block. */
export function coreEntered(): void {
  const s = S();
  store<u32>(<usize>EXIT_CODE, EXIT_NONE);
  recomputeDebug(s);
  contextChanged();
  recomputeFpTrapped();
  recomputeLimitAt(s);
  if (load<u32>(s, <usize>CORE_REARM) != 0) pmuEnter();
}

/** Takes an exception to EL1 or EL2; syndrome registers are written by the caller. */
function enter(target: u32, vector: u32): void {
  const s = S();
  const from = load<u32>(s, <usize>CORE_EL);
  const spsel = load<u32>(s, <usize>CORE_SPSEL);
  const counted = load<u32>(s, <usize>CORE_PMU_ON) != 0;
  if (counted) pmuEvent(EVENT_EXC_TAKEN);
  if (TIMED) exceptionTimed(target == 2 && flag(FLAG_EL2_MODEL));
  const spsr = pstate();
  const offset: u32 = vector + (from < target ? 0x400 : spsel ? 0x200 : 0);
  if (target == 2) {
    setSr(SR_SPSR_EL2, spsr);
    setSr(SR_ELR_EL2, pc());
    setPc(sr(SR_VBAR_EL2) + offset);
  } else {
    setSr(SR_SPSR_EL1, spsr);
    setSr(SR_ELR_EL1, pc());
    setPc(sr(SR_VBAR_EL1) + offset);
  }
  selectSp(target, 1);
  store<u32>(s, DAIF_ALL, <usize>CORE_DAIF);
  store<u32>(s, 0, <usize>CORE_PSTATE_IL);
  store<u32>(s, 0, <usize>CORE_PSTATE_SS);
  store<u64>(s, 0, <usize>CORE_STEP); // and CORE_STEPPED
  store<u32>(s, load<u32>(s, <usize>CORE_EXCEPTIONS) + 1, <usize>CORE_EXCEPTIONS);
  if (target == 2 && flag(FLAG_EL2_MODEL)) {
    // EL2_SYNC, EL2_IRQ, EL2_FIQ and EL2_SERROR are numbered as the vectors are
    setExit(EXIT_EL2, vector >> 7);
    recomputeLimitAt(s);
    if (counted) pmuSwitched();
    return;
  }
  stateChanged();
}

function syncTo(target: u32, ec: u32, iss: u32): void {
  setSr(target == 2 ? SR_ESR_EL2 : SR_ESR_EL1, (ec << 26) | IL | iss);
  enter(target, VECTOR_SYNC);
}

/** Where a synchronous exception that no EL2 trap claims goes. */
function syncTarget(): u32 {
  const level = el();
  if (level == 2) return 2;
  return level == 0 && (sr(SR_HCR_EL2) & HCR_TGE) != 0 ? 2 : 1;
}

export function undefinedInstruction(): void {
  syncTo(syncTarget(), EC_UNKNOWN, 0);
}

/** Nothing is changed: run() returns with the PC at the instruction. */
export function unmodelled(encoding: u32): void {
  setExit(EXIT_UNMODELLED, encoding);
}

/** A debug exception to `target`; `ec` is that from a lower level. */
export function debugException(target: u32, ec: u32, iss: u32): void {
  syncTo(target, ec + <u32>(el() == target), iss);
}

export function svc(imm: u32): void {
  setPc(pc() + 4);
  stepCompleted();
  syncTo(syncTarget(), EC_SVC, imm);
}

export function hvc(imm: u32): void {
  if (el() == 0 || (sr(SR_HCR_EL2) & HCR_HCD) != 0) {
    undefinedInstruction();
    return;
  }
  setPc(pc() + 4);
  stepCompleted();
  if (flag(FLAG_NO_EL2)) setExit(EXIT_SMC, imm);
  else syncTo(2, EC_HVC, imm);
}

export function smc(imm: u32): void {
  const level = el();
  if (level == 0) {
    undefinedInstruction();
    return;
  }
  if (level == 1 && (sr(SR_HCR_EL2) & HCR_TSC) != 0) {
    syncTo(2, EC_SMC, imm);
    return;
  }
  setPc(pc() + 4);
  setExit(EXIT_SMC, imm);
}

export function brk(imm: u32): void {
  const level = el();
  const toEl2 = level < 2 && (sr(SR_MDCR_EL2) & MDCR_TDE) != 0;
  syncTo(toEl2 ? 2 : syncTarget(), EC_BRK, imm);
}

export function pcAlignment(va: u64): void {
  const target = syncTarget();
  setSr(target == 2 ? SR_FAR_EL2 : SR_FAR_EL1, va);
  syncTo(target, EC_PC_ALIGNMENT, 0);
}

export function spAlignment(): void {
  syncTo(syncTarget(), EC_SP_ALIGNMENT, 0);
}

/** CPACR_EL1.FPEN, then CPTR_EL2.TFP; true if the trap was taken. */
export function trapFp(): bool {
  const level = el();
  if (level < 2) {
    const fpen = (<u32>(sr(SR_CPACR_EL1) >> 20)) & 3;
    if (!(fpen & 1) || (fpen == 1 && level == 0)) {
      // with TGE the trap is reported as an unknown reason (AArch64.AdvSIMDFPAccessTrap)
      if (level == 0 && (sr(SR_HCR_EL2) & HCR_TGE) != 0) syncTo(2, EC_UNKNOWN, 0);
      else syncTo(1, EC_FP, COND_ALWAYS);
      return true;
    }
  }
  if (sr(SR_CPTR_EL2) & 0x400) {
    syncTo(2, EC_FP, COND_ALWAYS);
    return true;
  }
  return false;
}

/** The ISS of a trapped MSR, MRS or SYS instruction (D13.2.37, EC 0x18). */
function systemIss(insn: u32): u32 {
  const op0 = (insn >> 19) & 3;
  const op1 = (insn >> 16) & 7;
  const crn = (insn >> 12) & 15;
  const crm = (insn >> 8) & 15;
  const op2 = (insn >> 5) & 7;
  const read = (insn >> 21) & 1;
  return (op0 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | ((insn & 31) << 5) | (crm << 1) | read;
}

/** A trapped MSR, MRS or SYS instruction; to EL2, or to EL1 (EL2 under HCR_EL2.TGE). */
export function trapSystem(toEl2: bool, insn: u32): void {
  syncTo(toEl2 ? 2 : syncTarget(), EC_SYSREG, systemIss(insn));
}

function wfxTrap(target: u32, isWfe: u32): bool {
  syncTo(target, EC_WFX, COND_ALWAYS | isWfe);
  return false;
}

/** WFI (0) or WFE (1). False if trapped; otherwise the PC is after it, and an exit code is set if the core waits. */
export function wfx(isWfe: u32): bool {
  const s = S();
  const ready = isWfe ? load<u32>(s, <usize>CORE_EVENT) != 0 : wakesWfi(s);
  if (!ready) {
    const level = el();
    if (level == 0 && (sr(SR_SCTLR_EL1) & (isWfe ? SCTLR_NTWE : SCTLR_NTWI)) == 0) return wfxTrap(syncTarget(), isWfe);
    if (level < 2 && (sr(SR_HCR_EL2) & (isWfe ? HCR_TWE : HCR_TWI)) != 0) return wfxTrap(2, isWfe);
    setExit(isWfe ? EXIT_WFE : EXIT_WFI, 0);
  }
  if (isWfe) store<u32>(s, 0, <usize>CORE_EVENT);
  setPc(pc() + 4);
  return true;
}

/** An abort to EL2 from a second-stage fault also reports the IPA. */
function stage2Syndrome(va: u64, ipa: u64): void {
  setSr(SR_FAR_EL2, va);
  setSr(SR_HPFAR_EL2, ((ipa >> 12) << 4) & 0xfffffffff0);
}

/**
 * `fsc`: DFSC; `iss`: bits 24:14 of the syndrome, used only for a second-stage fault of the access itself;
 * `cm`: cache maintenance or address translation, reported as a write (D13.2.37).
 */
export function dataAbort(
  va: u64,
  write: bool,
  fsc: u32,
  stage2: bool,
  s1ptw: bool,
  ipa: u64,
  iss: u32,
  cm: bool,
): void {
  let syndrome = (fsc & 0x3f) | ((<u32>(write || cm)) << 6) | ((<u32>(s1ptw && stage2)) << 7) | ((<u32>cm) << 8);
  const level = el();
  const target: u32 = stage2 ? 2 : syncTarget();
  if (stage2) {
    stage2Syndrome(va, ipa);
    if (!s1ptw && !cm && (iss & ISV) != 0) syndrome |= iss & 0x1ffc000;
    countStage2(s1ptw, ipa);
  } else setSr(target == 2 ? SR_FAR_EL2 : SR_FAR_EL1, va);
  syncTo(target, EC_DATA_ABORT + <u32>(level == target), syndrome);
}

function countStage2(s1ptw: bool, ipa: u64): void {
  const s = S();
  store<u32>(s, load<u32>(s, <usize>CORE_S2_ABORTS) + 1, <usize>CORE_S2_ABORTS);
  if (!s1ptw && ipa >= load<u64>(s, <usize>CORE_WINDOW_LO) && ipa < load<u64>(s, <usize>CORE_WINDOW_HI)) {
    store<u32>(s, load<u32>(s, <usize>CORE_WINDOW_ABORTS) + 1, <usize>CORE_WINDOW_ABORTS);
  }
}

/** `fsc`: IFSC; `va`: the address that was to be executed. */
export function instructionAbort(va: u64, fsc: u32, stage2: bool, s1ptw: bool, ipa: u64): void {
  const level = el();
  const target: u32 = stage2 ? 2 : syncTarget();
  if (stage2) stage2Syndrome(va, ipa);
  else setSr(target == 2 ? SR_FAR_EL2 : SR_FAR_EL1, va);
  const syndrome = (fsc & 0x3f) | ((<u32>(s1ptw && stage2)) << 7);
  syncTo(target, EC_INSTRUCTION_ABORT + <u32>(level == target), syndrome);
}

export function pendingInterrupt(): bool {
  return pendingAt(S()) != PENDING_NONE;
}

/** Takes the interrupt of highest priority that is not masked, if any. */
export function takeInterrupt(): bool {
  const pending = pendingAt(S());
  if (pending != PENDING_NONE) stepCompleted();
  switch (pending) {
    case PENDING_FIQ_EL2:
      enter(2, VECTOR_FIQ);
      return true;
    case PENDING_IRQ_EL2:
      enter(2, VECTOR_IRQ);
      return true;
    case PENDING_FIQ_EL1:
    case PENDING_VFIQ:
      enter(1, VECTOR_FIQ);
      return true;
    case PENDING_IRQ_EL1:
    case PENDING_VIRQ:
      enter(1, VECTOR_IRQ);
      return true;
    case PENDING_VSERROR:
      setSr(SR_HCR_EL2, sr(SR_HCR_EL2) & ~HCR_VSE);
      setSr(SR_ESR_EL1, (EC_SERROR << 26) | IL);
      enter(1, VECTOR_SERROR);
      return true;
    default:
      return false;
  }
}

/** The address that an indirect branch to `target` goes to: the top byte may be ignored (AArch64.BranchAddr). */
export function branchTarget(target: u64): u64 {
  if (el() == 2) return (sr(SR_TCR_EL2) >> 20) & 1 ? target & 0x00ffffffffffffff : target;
  const high = (target >> 55) & 1;
  if (!((sr(SR_TCR_EL1) >> (37 + high)) & 1)) return target;
  return high ? target | 0xff00000000000000 : target & 0x00ffffffffffffff;
}

/** IllegalExceptionReturn(): AArch32 is not modelled, so a return to it is illegal too. */
function illegalReturn(level: u32, spsr: u32): bool {
  const target = (spsr >> 2) & 3;
  if (spsr & 0x12) return true;
  if (target > level || (target == 0 && (spsr & 1) != 0)) return true;
  return target == 1 && (sr(SR_HCR_EL2) & HCR_TGE) != 0;
}

export function exceptionReturn(): void {
  const s = S();
  const level = load<u32>(s, <usize>CORE_EL);
  if (level == 0) {
    undefinedInstruction();
    return;
  }
  const spsr = <u32>sr(level == 2 ? SR_SPSR_EL2 : SR_SPSR_EL1);
  const target = sr(level == 2 ? SR_ELR_EL2 : SR_ELR_EL1);
  const illegal = illegalReturn(level, spsr);
  const ss = returnedSs(spsr, illegal ? level : (spsr >> 2) & 3);
  if (load<u32>(s, <usize>CORE_PMU_ON) != 0) pmuEvent(EVENT_EXC_RETURN);
  store<u32>(s, ss, <usize>CORE_PSTATE_SS);
  store<u64>(s, 0, <usize>CORE_STEP); // and CORE_STEPPED
  store<u64>(s, MONITOR_OPEN, <usize>CORE_MONITOR_PA);
  store<u32>(s, 1, <usize>CORE_EVENT);
  store<u32>(<usize>HOT_NZCV, spsr & 0xf0000000);
  store<u32>(s, spsr & DAIF_ALL, <usize>CORE_DAIF);
  let il = spsr & SPSR_IL;
  if (illegal) il = SPSR_IL;
  else selectSp((spsr >> 2) & 3, spsr & 1);
  store<u32>(s, il >> 20, <usize>CORE_PSTATE_IL);
  setPc(branchTarget(target));
  stateChanged();
  if (il) illegalState();
}

/** PSTATE.IL is set: the next instruction takes the Illegal Execution State exception, after what has priority. */
function illegalState(): void {
  if (takeInterrupt()) return;
  const at = pc();
  if (at & 3) {
    pcAlignment(at);
    return;
  }
  if (fetchPage(at) == 0) return;
  syncTo(syncTarget(), EC_ILLEGAL, 0);
}
