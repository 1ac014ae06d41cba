// Exports for the TypeScript wrapper (sim/cpu/core.ts). Nothing runs while they are called, except that
// hostLinesChanged may be called from an MMIO or timer callback.
import {
  CORE_DAIF,
  CORE_EL,
  CORE_EVENT,
  CORE_EXIT_INFO,
  CORE_HOT,
  CORE_LIMIT,
  CORE_LINES,
  CORE_MONITOR_PA,
  CORE_PMU_LINE,
  CORE_PSTATE_IL,
  CORE_PSTATE_SS,
  CORE_SPSEL,
  CORE_STEP,
  CORE_STEPPED,
  CUR_CORE,
  CUR_STATE,
  EXIT_CODE,
  EXIT_NONE,
  HOT_BASE,
  HOT_NZCV,
  HOT_PC,
  HOT_SIZE,
  HOT_SP,
} from '../../wasm/layout';
import { contextChanged } from '../../mmu/kernel/context';
import { recomputeDebug } from './debug';
import { exceptionReturn } from './exception';
import { pmuDerive, pmuReset } from './pmu';
import { SR_MIDR_EL1, SR_MPIDR_EL1, SR_SPSR_EL2, SR_VMPIDR_EL2, SR_VPIDR_EL2, resetSysregs } from './gen/sysregs';
import { blockOf, pendingAt, recomputeLimitAt, setSrAt, srAt } from './state';

function use(core: u32): usize {
  const s = blockOf(core);
  store<u32>(<usize>CUR_CORE, core);
  store<u32>(<usize>CUR_STATE, <u32>s);
  return s;
}

/** Copies what changes with the exception level between a saved block and the HOT block. */
function swapIn(s: usize): void {
  const saved = s + <usize>CORE_HOT;
  store<u64>(<usize>HOT_PC, load<u64>(saved, <usize>(HOT_PC - HOT_BASE)));
  store<u64>(<usize>HOT_SP, load<u64>(saved, <usize>(HOT_SP - HOT_BASE)));
  store<u32>(<usize>HOT_NZCV, load<u32>(saved, <usize>(HOT_NZCV - HOT_BASE)));
}

function swapOut(s: usize): void {
  const saved = s + <usize>CORE_HOT;
  store<u64>(saved, load<u64>(<usize>HOT_PC), <usize>(HOT_PC - HOT_BASE));
  store<u64>(saved, load<u64>(<usize>HOT_SP), <usize>(HOT_SP - HOT_BASE));
  store<u32>(saved, load<u32>(<usize>HOT_NZCV), <usize>(HOT_NZCV - HOT_BASE));
}

/**
 * Reset (warm or cold) into exception level `level`: ELxh, DAIF set, MMU off, registers zero. Cycles, limit, lines,
 * flags and the board's registers are kept.
 */
export function resetCore(core: u32, level: u32): void {
  const s = use(core);
  memory.fill(s + <usize>CORE_HOT, 0, <usize>HOT_SIZE);
  resetSysregs(s);
  setSrAt(s, SR_VPIDR_EL2, srAt(s, SR_MIDR_EL1));
  setSrAt(s, SR_VMPIDR_EL2, srAt(s, SR_MPIDR_EL1));
  store<u32>(s, level, <usize>CORE_EL);
  store<u32>(s, 1, <usize>CORE_SPSEL);
  store<u32>(s, 0x3c0, <usize>CORE_DAIF);
  store<u32>(s, 0, <usize>CORE_PSTATE_IL);
  store<u32>(s, 0, <usize>CORE_PSTATE_SS);
  store<u32>(s, 0, <usize>CORE_STEP);
  store<u32>(s, 0, <usize>CORE_STEPPED);
  store<u32>(s, 0, <usize>CORE_EVENT);
  store<u64>(s, 0, <usize>CORE_EXIT_INFO);
  store<u64>(s, 0xffffffffffffffff, <usize>CORE_MONITOR_PA);
  pmuReset(s);
  recomputeDebug(s);
  contextChanged();
  recomputeLimitAt(s);
}

/**
 * Exception return through ELR_EL2 and SPSR_EL2 on behalf of a modelled EL2. 1: done; 0: the return is illegal or not
 * modelled (EXIT_INFO as for run()).
 */
export function hostEret(core: u32): u32 {
  const s = use(core);
  swapIn(s);
  store<u32>(<usize>EXIT_CODE, EXIT_NONE);
  exceptionReturn();
  swapOut(s);
  return load<u32>(<usize>EXIT_CODE) == <u32>EXIT_NONE && ((<u32>srAt(s, SR_SPSR_EL2)) & 0x100000) == 0 ? 1 : 0;
}

/** The lines from the interrupt controller (LINE_*); takes effect at once, also on the running core. */
export function hostSetLines(core: u32, lines: u32): void {
  const s = blockOf(core);
  store<u32>(s, lines, <usize>CORE_LINES);
  recomputeLimitAt(s);
}

/** The cycle count at which run() returns; takes effect at once, also on the running core. */
export function hostSetLimit(core: u32, hi: u32, lo: u32): void {
  const s = blockOf(core);
  store<u64>(s, ((<u64>hi) << 32) | lo, <usize>CORE_LIMIT);
  recomputeLimitAt(s);
}

/** To be called after the wrapper has written registers that change masks, routing or translation. */
export function hostStateChanged(core: u32): void {
  recomputeLimitAt(use(core));
  contextChanged();
}

/**
 * Brings the performance counters up to date and derives CORE_PMU_DEADLINE; returns the level of the overflow
 * interrupt. May be called from the timer callback.
 */
export function hostPmu(core: u32): u32 {
  const s = use(core);
  pmuDerive();
  return load<u32>(s, <usize>CORE_PMU_LINE);
}

/** PENDING_* that the core would take now; 0: none. */
export function hostPending(core: u32): u32 {
  return pendingAt(blockOf(core));
}

/** The exclusive monitor that the core had opened is closed (a context switch of the model). */
export function hostClearExclusive(core: u32): void {
  store<u64>(blockOf(core), 0xffffffffffffffff, <usize>CORE_MONITOR_PA);
}
