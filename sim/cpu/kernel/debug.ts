// Self-hosted debug: breakpoints, watchpoints and software step, AArch64 (Arm ARM DDI 0487 D2; the pseudocode of J1.1.2
// is named). While CORE_DEBUG is zero, which is always but under a debugger, none of this costs anything.
//
// DEBUG_EXEC: instructions run one by one. The TLB context is another one, in which fetchPage leaves no TLB_TAG_X, so
// that every jump between pages comes to enterDebug; it puts the instruction into a page of micro-ops (STEP_UOPS) that
// has nothing but RESYNC beside it. DEBUG_WATCH: again another context, in which data accesses all take the slow path.
import {
  CORE_DAIF,
  CORE_DEBUG,
  CORE_EL,
  CORE_PSTATE_SS,
  CORE_STEP,
  CORE_STEPPED,
  CUR_CORE,
  DEBUG_EXEC,
  DEBUG_WATCH,
  HOT_PC,
  STEP_SLOT,
  STEP_UOPS,
  TLB_ADDEND,
  UOP_PAGE_SIZE,
} from '../../wasm/layout';
import { contextChanged } from '../../mmu/kernel/context';
import { entryOf } from '../../mmu/kernel/entry';
import { topByteIgnored } from '../../mmu/kernel/regime';
import { debugException } from './exception';
import { O_DECODE, O_RESYNC } from './gen/opcodes';
import {
  SR_CONTEXTIDR_EL1,
  SR_DBGBCR0_EL1,
  SR_DBGBVR0_EL1,
  SR_DBGPRCR_EL1,
  SR_DBGWCR0_EL1,
  SR_DBGWVR0_EL1,
  SR_FAR_EL1,
  SR_FAR_EL2,
  SR_HCR_EL2,
  SR_MDCR_EL2,
  SR_MDSCR_EL1,
  SR_OSDLR_EL1,
  SR_OSLSR_EL1,
  SR_TCR_EL1,
  SR_TCR_EL2,
  SR_VTTBR_EL2,
} from './gen/sysregs';
import { HCR_TGE, S, setSr, srAt } from './state';

const BREAKPOINTS: u32 = 6;
/** The last two breakpoints compare contexts too (ID_AA64DFR0_EL1.CTX_CMPs). */
const FIRST_CONTEXT: u32 = 4;
const WATCHPOINTS: u32 = 4;

const MDSCR_SS: u64 = 1 << 0;
const MDSCR_KDE: u64 = 1 << 13;
const MDSCR_MDE: u64 = 1 << 15;
const MDCR_TDE: u64 = 1 << 8;
const OSLK: u64 = 2;
const PSTATE_D: u32 = 0x200;
const CONTROL_E: u32 = 1;
const SPSR_SS: u32 = 1 << 21;

// ESR_ELx.EC from a lower level; one more from the same level (D13.2.37)
const EC_BREAKPOINT: u32 = 0x30;
const EC_STEP: u32 = 0x32;
const EC_WATCHPOINT: u32 = 0x34;
const FSC_DEBUG: u32 = 0x22;
const STEP_ISV: u32 = 1 << 24;
const STEP_EX: u32 = 1 << 6;

/** LDXR, LDAXR, LDXP, LDAXP. */
const EXCLUSIVE_MASK: u32 = 0x3fc00000;
const EXCLUSIVE_LOAD: u32 = 0x08400000;

/** OS lock and OS double lock: no debug exceptions at all. */
function locked(s: usize): bool {
  if ((srAt(s, SR_OSLSR_EL1) & OSLK) != 0) return true;
  return (srAt(s, SR_OSDLR_EL1) & 1) != 0 && (srAt(s, SR_DBGPRCR_EL1) & 1) == 0;
}

/** Due after a change of MDSCR_EL1, of the locks, or of a breakpoint's or watchpoint's control register. */
export function recomputeDebug(s: usize): void {
  const mdscr = srAt(s, SR_MDSCR_EL1);
  let mode: u32 = 0;
  if ((mdscr & (MDSCR_SS | MDSCR_MDE)) != 0 && !locked(s)) {
    if ((mdscr & MDSCR_SS) != 0) mode = <u32>DEBUG_EXEC;
    if ((mdscr & MDSCR_MDE) != 0) {
      let control: u64 = 0;
      for (let n: u32 = 0; n < BREAKPOINTS; n++) control |= srAt(s, SR_DBGBCR0_EL1 + <i32>n);
      if ((control & CONTROL_E) != 0) mode |= <u32>DEBUG_EXEC;
      control = 0;
      for (let n: u32 = 0; n < WATCHPOINTS; n++) control |= srAt(s, SR_DBGWCR0_EL1 + <i32>n);
      if ((control & CONTROL_E) != 0) mode |= <u32>DEBUG_WATCH;
    }
  }
  store<u32>(s, mode, <usize>CORE_DEBUG);
}

export function debugChanged(): void {
  recomputeDebug(S());
  contextChanged();
}

/** DebugTarget(): where debug exceptions go. */
function debugTarget(s: usize): u32 {
  return (srAt(s, SR_HCR_EL2) & HCR_TGE) != 0 || (srAt(s, SR_MDCR_EL2) & MDCR_TDE) != 0 ? 2 : 1;
}

/** AArch64.GenerateDebugExceptionsFrom(). */
function generatesFrom(s: usize, level: u32, masked: bool): bool {
  if (locked(s)) return false;
  const target = debugTarget(s);
  if (level == target) return (srAt(s, SR_MDSCR_EL1) & MDSCR_KDE) != 0 && !masked;
  return target > level;
}

/** AArch64.GenerateDebugExceptions(). */
function generates(s: usize): bool {
  return generatesFrom(s, load<u32>(s, <usize>CORE_EL), (load<u32>(s, <usize>CORE_DAIF) & PSTATE_D) != 0);
}

/** Bits of an address that are compared, from `low` up: AddrTop() and the bits above 48 that are copies. */
function sameAddress(s: usize, a: u64, b: u64, low: u64): bool {
  const el2 = load<u32>(s, <usize>CORE_EL) == 2;
  const top: u64 = topByteIgnored(srAt(s, el2 ? SR_TCR_EL2 : SR_TCR_EL1), el2, a) ? 8 : 0;
  return ((a ^ b) << top) >> (top + low) == 0;
}

/** AArch64.BreakpointValueMatch() of a context breakpoint. */
function contextMatch(s: usize, n: u32): bool {
  const control = <u32>srAt(s, SR_DBGBCR0_EL1 + <i32>n);
  const type = (control >> 20) & 15;
  if ((control & CONTROL_E) == 0 || load<u32>(s, <usize>CORE_EL) == 2) return false;
  const value = srAt(s, SR_DBGBVR0_EL1 + <i32>n);
  if ((type & 6) == 2 && <u32>value != <u32>srAt(s, SR_CONTEXTIDR_EL1)) return false;
  if (type & 8 && ((value >> 32) & 0xff) != ((srAt(s, SR_VTTBR_EL2) >> 48) & 0xff)) return false;
  return true;
}

/** Types 0b001x and 0b10xx are what a context breakpoint can be; bit 0: linked. */
function isContextType(type: u32): bool {
  return type >> 1 == 1 || type >> 2 == 2;
}

/** AArch64.StateMatch(): HMC in bit 13, SSC in 15:14, PMC or PAC in 2:1, LBN in 19:16. */
function stateMatch(s: usize, control: u32, linked: bool, level: u32): bool {
  const hmc = (control >> 13) & 1;
  const pxc = (control >> 1) & 3;
  // Non-secure: SSC 0b10 is Secure only
  if (((control >> 14) & 3) == 2) return false;
  if (level == 2 ? !hmc : level == 1 ? !(pxc & 1) : !(pxc & 2)) return false;
  if (!linked) return true;
  const other = (control >> 16) & 15;
  if (other < FIRST_CONTEXT || other >= BREAKPOINTS) return false;
  const type = ((<u32>srAt(s, SR_DBGBCR0_EL1 + <i32>other)) >> 20) & 15;
  return (type & 1) != 0 && isContextType(type) && contextMatch(s, other);
}

/** AArch64.BreakpointMatch() of any breakpoint for the instruction at `pc`. */
function breakpointMatch(s: usize, pc: u64): bool {
  const level = load<u32>(s, <usize>CORE_EL);
  for (let n: u32 = 0; n < BREAKPOINTS; n++) {
    const control = <u32>srAt(s, SR_DBGBCR0_EL1 + <i32>n);
    if ((control & CONTROL_E) == 0) continue;
    const type = (control >> 20) & 15;
    if (type < 2) {
      // an A64 instruction has the byte lane 0 of BAS
      if (((control >> 5) & 1) == 0 || !sameAddress(s, pc, srAt(s, SR_DBGBVR0_EL1 + <i32>n), 2)) continue;
      if (stateMatch(s, control, type == 1, level)) return true;
    } else if (n >= FIRST_CONTEXT && isContextType(type) && (type & 1) == 0) {
      if (contextMatch(s, n) && stateMatch(s, control, false, level)) return true;
    }
  }
  return false;
}

/**
 * The first byte of [va, va+size) that watchpoint `n` watches, in `watched` (AArch64.WatchpointMatch()).
 * `write`: LSC bit 1, else bit 0.
 */
let watched: u64 = 0;

function watchpointMatch(s: usize, n: u32, va: u64, size: u32, write: bool, level: u32): bool {
  const control = <u32>srAt(s, SR_DBGWCR0_EL1 + <i32>n);
  if ((control & CONTROL_E) == 0 || ((control >> (write ? 4 : 3)) & 1) == 0) return false;
  if (!stateMatch(s, control, ((control >> 20) & 1) != 0, level)) return false;
  const value = srAt(s, SR_DBGWVR0_EL1 + <i32>n);
  const bottom: u64 = (value & 4) != 0 ? 2 : 3;
  const mask = <u64>((control >> 24) & 31);
  const low = mask > bottom ? mask : bottom;
  const lanes = (control >> 5) & 0xff;
  for (let i: u32 = 0; i < size; i++) {
    const at = va + <u64>i;
    if (!sameAddress(s, at, value, low)) continue;
    if (((lanes >> ((<u32>at) & (((<u32>1) << (<u32>bottom)) - 1))) & 1) == 0) continue;
    watched = at;
    return true;
  }
  return false;
}

/** True if data accesses of the running core must be shown to watchpointTaken. */
export function watching(): bool {
  return (load<u32>(S(), <usize>CORE_DEBUG) & (<u32>DEBUG_WATCH)) != 0;
}

/**
 * True if an access of `size` bytes at `va`, which has no other fault, hits a watchpoint: the exception is taken.
 * `unprivileged`: LDTR, STTR; `cm`: cache maintenance.
 */
export function watchpointTaken(va: u64, size: u32, write: bool, unprivileged: bool, cm: bool): bool {
  const s = S();
  if (!generates(s)) return false;
  let level = load<u32>(s, <usize>CORE_EL);
  if (unprivileged && level == 1) level = 0;
  for (let n: u32 = 0; n < WATCHPOINTS; n++) {
    if (!watchpointMatch(s, n, va, size, write, level)) continue;
    const target = debugTarget(s);
    setSr(target == 2 ? SR_FAR_EL2 : SR_FAR_EL1, watched);
    debugException(target, EC_WATCHPOINT, FSC_DEBUG | ((<u32>write) << 6) | ((<u32>cm) << 8));
    return true;
  }
  return false;
}

// ---- software step ----

/** The instruction that was being stepped is done (SSAdvance()). */
export function stepCompleted(): void {
  const s = S();
  const step = load<u32>(s, <usize>CORE_STEP);
  if (step == 0) return;
  store<u32>(s, 0, <usize>CORE_STEP);
  store<u32>(s, 0, <usize>CORE_PSTATE_SS);
  store<u32>(s, step, <usize>CORE_STEPPED);
}

/** PSTATE.SS after an exception return to `level` (DebugExceptionReturnSS()). Due before EL and masks change. */
export function returnedSs(spsr: u32, level: u32): u32 {
  const s = S();
  if ((srAt(s, SR_MDSCR_EL1) & MDSCR_SS) == 0 || (spsr & SPSR_SS) == 0) return 0;
  return <u32>(!generates(s) && generatesFrom(s, level, (spsr & PSTATE_D) != 0));
}

/** CheckSoftwareStep(): true if the exception was taken. */
function stepTaken(s: usize): bool {
  if ((srAt(s, SR_MDSCR_EL1) & MDSCR_SS) == 0 || load<u32>(s, <usize>CORE_PSTATE_SS) != 0 || !generates(s))
    return false;
  const stepped = load<u32>(s, <usize>CORE_STEPPED);
  store<u32>(s, 0, <usize>CORE_STEPPED);
  const iss = stepped == 0 ? 0 : STEP_ISV | (stepped & 2 ? STEP_EX : 0);
  debugException(debugTarget(s), EC_STEP, FSC_DEBUG | iss);
  return true;
}

/** True if an exception was taken before the instruction at HOT_PC may be fetched. */
export function stepBefore(): bool {
  stepCompleted();
  return stepTaken(S());
}

/** The instruction at HOT_PC, which can be fetched: its micro-op is put into STEP_UOPS; 0: a breakpoint was taken. */
export function stepInto(): usize {
  const s = S();
  const pc = load<u64>(<usize>HOT_PC);
  const active = generates(s);
  if (active && (srAt(s, SR_MDSCR_EL1) & MDSCR_MDE) != 0 && breakpointMatch(s, pc)) {
    debugException(debugTarget(s), EC_BREAKPOINT, FSC_DEBUG);
    return 0;
  }
  if (active && load<u32>(s, <usize>CORE_PSTATE_SS) != 0 && (srAt(s, SR_MDSCR_EL1) & MDSCR_SS) != 0) {
    const host = load<u32>(entryOf(load<u32>(<usize>CUR_CORE), pc), <usize>TLB_ADDEND) + <u32>pc;
    const exclusive = (load<u32>(<usize>host) & EXCLUSIVE_MASK) == EXCLUSIVE_LOAD;
    store<u32>(s, exclusive ? 3 : 1, <usize>CORE_STEP);
  }
  const old = load<u32>(<usize>STEP_SLOT);
  if (old == 0) {
    for (let at: usize = 0; at < <usize>UOP_PAGE_SIZE; at += 8) {
      store<u64>(<usize>STEP_UOPS + at, at & 8 ? 0 : <u64>O_RESYNC);
    }
  } else store<u64>(<usize>old, <u64>O_RESYNC);
  const slot = <u32>STEP_UOPS + (((<u32>pc) & 0xffc) << 2);
  store<u64>(<usize>slot, <u64>O_DECODE);
  store<u32>(<usize>STEP_SLOT, slot);
  return <usize>STEP_UOPS;
}
