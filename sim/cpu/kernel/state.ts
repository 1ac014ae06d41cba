// Accessors for the running core's CORE and HOT blocks. `s` is always the address of a CORE block.
import {
  CORE_BASE,
  CORE_DAIF,
  CORE_EFF_LIMIT,
  CORE_EL,
  CORE_LIMIT,
  CORE_LINES,
  CORE_PSTATE_IL,
  CORE_PSTATE_SS,
  CORE_SPSEL,
  CORE_STRIDE,
  CORE_SYSREG,
  CUR_STATE,
  EXIT_CODE,
  CORE_EXIT_INFO,
  FP_TRAPPED,
  HOT_NZCV,
  HOT_SP,
  LINE_FIQ,
  LINE_IRQ,
  LINE_VFIQ,
  LINE_VIRQ,
} from '../../wasm/layout';
import { SR_CPACR_EL1, SR_CPTR_EL2, SR_HCR_EL2, SR_SP_EL0, SR_SP_EL1, SR_SP_EL2 } from './gen/sysregs';

// HCR_EL2 (Arm ARM D13.2.46 of DDI 0487, v8.0 fields)
export const HCR_SWIO: u64 = 1 << 1;
export const HCR_FMO: u64 = 1 << 3;
export const HCR_IMO: u64 = 1 << 4;
export const HCR_AMO: u64 = 1 << 5;
export const HCR_VF: u64 = 1 << 6;
export const HCR_VI: u64 = 1 << 7;
export const HCR_VSE: u64 = 1 << 8;
export const HCR_FB: u64 = 1 << 9;
export const HCR_TWI: u64 = 1 << 13;
export const HCR_TWE: u64 = 1 << 14;
export const HCR_TID1: u64 = 1 << 16;
export const HCR_TID2: u64 = 1 << 17;
export const HCR_TID3: u64 = 1 << 18;
export const HCR_TSC: u64 = 1 << 19;
export const HCR_TIDCP: u64 = 1 << 20;
export const HCR_TACR: u64 = 1 << 21;
export const HCR_TSW: u64 = 1 << 22;
export const HCR_TPC: u64 = 1 << 23;
export const HCR_TPU: u64 = 1 << 24;
export const HCR_TTLB: u64 = 1 << 25;
export const HCR_TVM: u64 = 1 << 26;
export const HCR_TGE: u64 = 1 << 27;
export const HCR_TDZ: u64 = 1 << 28;
export const HCR_HCD: u64 = 1 << 29;
export const HCR_TRVM: u64 = 1 << 30;

// PSTATE.DAIF in place
export const PSTATE_A: u32 = 0x100;
export const PSTATE_I: u32 = 0x80;
export const PSTATE_F: u32 = 0x40;

// What is taken next, in order of priority (the order of asynchronous exceptions is IMPLEMENTATION DEFINED, D1.13.2).
export const PENDING_NONE: u32 = 0;
export const PENDING_FIQ_EL2: u32 = 1;
export const PENDING_IRQ_EL2: u32 = 2;
export const PENDING_FIQ_EL1: u32 = 3;
export const PENDING_IRQ_EL1: u32 = 4;
export const PENDING_VSERROR: u32 = 5;
export const PENDING_VFIQ: u32 = 6;
export const PENDING_VIRQ: u32 = 7;

/** The CORE block of the running core. */
export function S(): usize {
  return load<u32>(<usize>CUR_STATE);
}

/** The CORE block of core number `core`. */
export function blockOf(core: u32): usize {
  return <usize>CORE_BASE + <usize>core * <usize>CORE_STRIDE;
}

/** Current exception level, 0..2. */
export function el(): u32 {
  return load<u32>(S(), <usize>CORE_EL);
}

/** System register slot `i` (SR_*) of the core at `s`. */
export function srAt(s: usize, i: i32): u64 {
  return load<u64>(s + ((<usize>i) << 3), <usize>CORE_SYSREG);
}

export function setSrAt(s: usize, i: i32, v: u64): void {
  store<u64>(s + ((<usize>i) << 3), v, <usize>CORE_SYSREG);
}

export function sr(i: i32): u64 {
  return srAt(S(), i);
}

export function setSr(i: i32, v: u64): void {
  setSrAt(S(), i, v);
}

export function srOf(core: u32, i: i32): u64 {
  return srAt(blockOf(core), i);
}

/** Tells run() to return `code` at its next resync; `info` goes to EXIT_INFO. */
export function setExit(code: i32, info: u64): void {
  store<u32>(<usize>EXIT_CODE, code);
  store<u64>(S(), info, <usize>CORE_EXIT_INFO);
}

function spSlot(level: u32, spsel: u32): i32 {
  if (spsel == 0 || level == 0) return SR_SP_EL0;
  return level == 1 ? SR_SP_EL1 : SR_SP_EL2;
}

/** Changes EL and SPSel, moving HOT_SP between the stack pointer slots. */
export function selectSp(level: u32, spsel: u32): void {
  const s = S();
  const from = spSlot(load<u32>(s, <usize>CORE_EL), load<u32>(s, <usize>CORE_SPSEL));
  const to = spSlot(level, spsel);
  store<u32>(s, level, <usize>CORE_EL);
  store<u32>(s, spsel, <usize>CORE_SPSEL);
  if (from != to) {
    setSrAt(s, from, load<u64>(<usize>HOT_SP));
    store<u64>(<usize>HOT_SP, srAt(s, to));
  }
}

/** PSTATE in the format of SPSR_ELx (AArch64). */
export function pstate(): u32 {
  const s = S();
  return (
    (load<u32>(<usize>HOT_NZCV) & 0xf0000000) |
    (load<u32>(s, <usize>CORE_PSTATE_SS) << 21) |
    (load<u32>(s, <usize>CORE_PSTATE_IL) << 20) |
    load<u32>(s, <usize>CORE_DAIF) |
    (load<u32>(s, <usize>CORE_EL) << 2) |
    load<u32>(s, <usize>CORE_SPSEL)
  );
}

/** The FP trap flag of the running core; due after a change of EL, CPACR_EL1 or CPTR_EL2. */
export function recomputeFpTrapped(): void {
  const s = S();
  const level = load<u32>(s, <usize>CORE_EL);
  let trapped: u32 = ((<u32>srAt(s, SR_CPTR_EL2)) >> 10) & 1;
  if (level < 2) {
    const fpen = ((<u32>srAt(s, SR_CPACR_EL1)) >> 20) & 3;
    if (!(fpen & 1) || (fpen == 1 && level == 0)) trapped = 1;
  }
  store<u32>(<usize>FP_TRAPPED, trapped);
}

/** The interrupt that the core at `s` would take now, PENDING_*; masks and routing as D1.13 has them. */
export function pendingAt(s: usize): u32 {
  const lines = load<u32>(s, <usize>CORE_LINES);
  const hcr = srAt(s, SR_HCR_EL2);
  if (lines == 0 && (hcr & (HCR_VF | HCR_VI | HCR_VSE)) == 0) return PENDING_NONE;
  const level = load<u32>(s, <usize>CORE_EL);
  const daif = load<u32>(s, <usize>CORE_DAIF);
  if (lines & (<u32>LINE_FIQ)) {
    if (hcr & (HCR_FMO | HCR_TGE)) {
      if (level < 2 || !(daif & PSTATE_F)) return PENDING_FIQ_EL2;
    } else if (level < 2 && !(daif & PSTATE_F)) return PENDING_FIQ_EL1;
  }
  if (lines & (<u32>LINE_IRQ)) {
    if (hcr & (HCR_IMO | HCR_TGE)) {
      if (level < 2 || !(daif & PSTATE_I)) return PENDING_IRQ_EL2;
    } else if (level < 2 && !(daif & PSTATE_I)) return PENDING_IRQ_EL1;
  }
  if (level == 2 || (hcr & HCR_TGE) != 0) return PENDING_NONE;
  if (hcr & HCR_AMO && hcr & HCR_VSE && !(daif & PSTATE_A)) return PENDING_VSERROR;
  if (hcr & HCR_FMO && (hcr & HCR_VF || lines & (<u32>LINE_VFIQ)) && !(daif & PSTATE_F)) return PENDING_VFIQ;
  if (hcr & HCR_IMO && (hcr & HCR_VI || lines & (<u32>LINE_VIRQ)) && !(daif & PSTATE_I)) return PENDING_VIRQ;
  return PENDING_NONE;
}

/** True if something would complete a WFI: asserted lines count whatever the masks (D1.16.2). */
export function wakesWfi(s: usize): bool {
  const lines = load<u32>(s, <usize>CORE_LINES);
  if (lines & ((<u32>LINE_IRQ) | (<u32>LINE_FIQ))) return true;
  if (load<u32>(s, <usize>CORE_EL) == 2) return false;
  const hcr = srAt(s, SR_HCR_EL2);
  if (hcr & HCR_TGE) return false;
  if (hcr & HCR_AMO && hcr & HCR_VSE) return true;
  if (hcr & HCR_FMO && (hcr & HCR_VF || lines & (<u32>LINE_VFIQ))) return true;
  return !!(hcr & HCR_IMO && (hcr & HCR_VI || lines & (<u32>LINE_VIRQ)));
}

/** EFF_LIMIT of the core at `s`; due after a change of lines, masks, EL, HCR_EL2 or the limit. */
export function recomputeLimitAt(s: usize): void {
  store<u64>(s, pendingAt(s) != PENDING_NONE ? 0 : load<u64>(s, <usize>CORE_LIMIT), <usize>CORE_EFF_LIMIT);
}

export function recomputeLimit(): void {
  recomputeLimitAt(S());
}
