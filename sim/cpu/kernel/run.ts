// The parts of the run loop that are not hot: entry, exit, synchronisation of state, entering a page, DC ZVA.
import {
  CORE_CTX,
  CORE_CYCLES,
  CORE_EVENT,
  CORE_HOT,
  CORE_DEBUG,
  CORE_EFF_LIMIT,
  CORE_INSNS,
  CORE_MONITOR_PA,
  CORE_PMU_ON,
  CUR_CORE,
  CUR_STATE,
  DEBUG_EXEC,
  EXIT_CODE,
  EXIT_LIMIT,
  HOT_BASE,
  HOT_NZCV,
  HOT_PC,
  HOT_SIZE,
  HOT_XZR,
  RESYNC_UOP,
  TLB_ADDEND,
  TLB_TAG_W,
  TLB_TAG_X,
  TLB_UOPS,
} from '../../wasm/layout';
import { fetchPage, zvaSlow } from '../../mmu/kernel/tlb';
import { stepBefore, stepInto } from './debug';
import { branchTarget, coreEntered, pcAlignment } from './exception';
import { packFlags } from './flags';
import { O_RESYNC } from './gen/opcodes';
import { SR_SCTLR_EL1, SR_SCTLR_EL2 } from './gen/sysregs';
import { pmuLeave } from './pmu';
import { blockOf, el, S, sr } from './state';
import { zvaTrapped } from './sysreg';

const PAGE: u64 = ~(<u64>0xfff);
const MONITOR_OPEN: u64 = 0xffffffffffffffff;
const ABORT_CYCLES: u64 = 8;
const SCTLR_SA: u64 = 1 << 3;
const SCTLR_SA0: u64 = 1 << 4;

/** Makes core `index` the running one. */
export function enterRun(index: u32): void {
  const core = blockOf(index);
  store<u32>(<usize>CUR_CORE, index);
  store<u32>(<usize>CUR_STATE, <u32>core);
  memory.copy(<usize>HOT_BASE, core + <usize>CORE_HOT, <usize>HOT_SIZE);
  store<u64>(<usize>HOT_XZR, 0);
  store<u64>(<usize>RESYNC_UOP, <u64>O_RESYNC);
  store<u64>(<usize>RESYNC_UOP, 0, 8);
  coreEntered();
}

/** Saves the running core; its exclusive monitor opens, which is an event (Arm ARM B2.9, D1.16.1). */
export function leaveRun(): i32 {
  const core = S();
  if (load<u32>(core, <usize>CORE_PMU_ON) != 0 && load<i32>(<usize>EXIT_CODE) != EXIT_LIMIT) pmuLeave();
  memory.copy(core + <usize>CORE_HOT, <usize>HOT_BASE, <usize>HOT_SIZE);
  if (load<u64>(core, <usize>CORE_MONITOR_PA) != MONITOR_OPEN) {
    store<u64>(core, MONITOR_OPEN, <usize>CORE_MONITOR_PA);
    store<u32>(core, 1, <usize>CORE_EVENT);
  }
  return load<i32>(<usize>EXIT_CODE);
}

/** Writes the locals of run() to the state: what "PC-exact" means. */
export function sync(pc: u64, insns: u64, cycles: u64, fa: u64, fb: u64, fk: i32): void {
  const core = S();
  store<u64>(<usize>HOT_PC, pc);
  store<u32>(<usize>HOT_NZCV, packFlags(fa, fb, fk));
  store<u64>(core, cycles, <usize>CORE_CYCLES);
  store<u64>(core, insns, <usize>CORE_INSNS);
}

/** An exception on the fetch costs time, so that a guest without reachable vectors still meets its limit. */
function chargeAbort(): void {
  const core = S();
  store<u64>(core, load<u64>(core, <usize>CORE_CYCLES) + ABORT_CYCLES, <usize>CORE_CYCLES);
}

function fetch(tlb: usize): usize {
  let pc = load<u64>(<usize>HOT_PC);
  if (pc & 3) {
    chargeAbort();
    pc = branchTarget(pc);
    store<u64>(<usize>HOT_PC, pc);
    pcAlignment(pc);
    return 0;
  }
  let entry = tlb + ((<usize>(pc >>> 7)) & 0xffe0);
  const context = <u64>load<u32>(S(), <usize>CORE_CTX);
  if (load<u64>(entry, <usize>TLB_TAG_X) == ((pc & PAGE) | context)) return load<u32>(entry, <usize>TLB_UOPS);
  pc = branchTarget(pc);
  store<u64>(<usize>HOT_PC, pc);
  entry = tlb + ((<usize>(pc >>> 7)) & 0xffe0);
  if (load<u64>(entry, <usize>TLB_TAG_X) == ((pc & PAGE) | context)) return load<u32>(entry, <usize>TLB_UOPS);
  const page = fetchPage(pc);
  if (!page) chargeAbort();
  return page;
}

/** Under CORE_DEBUG every instruction ends at a check point. */
function fetchDebug(tlb: usize): usize {
  const core = S();
  if (load<u64>(core, <usize>CORE_CYCLES) >= load<u64>(core, <usize>CORE_EFF_LIMIT)) return 0;
  if (stepBefore()) {
    chargeAbort();
    return 0;
  }
  const page = fetch(tlb);
  if (page == 0 || (load<u32>(core, <usize>CORE_DEBUG) & (<u32>DEBUG_EXEC)) == 0) return page;
  const only = stepInto();
  if (only == 0) chargeAbort();
  return only;
}

/**
 * Micro-ops of the page of HOT_PC, or 0 for another resync: an exception was taken. With DEBUG_EXEC the page of
 * micro-ops that holds one instruction.
 */
export function enterPage(tlb: usize): usize {
  return load<u32>(S(), <usize>CORE_DEBUG) == 0 ? fetch(tlb) : fetchDebug(tlb);
}

/** Bits of SP that must be zero when it is the base of an access: SCTLR_ELx.SA, SA0. */
export function stackAlignmentMask(): u32 {
  const level = el();
  if (level == 2) return sr(SR_SCTLR_EL2) & SCTLR_SA ? 15 : 0;
  return sr(SR_SCTLR_EL1) & (level ? SCTLR_SA : SCTLR_SA0) ? 15 : 0;
}

/** DC ZVA of the 64-byte block at the register of the micro-op; state is PC-exact. False: exception taken. */
export function zeroBlock(uop: usize, tlb: usize, ctx: u64): bool {
  const value = load<u64>(<usize>load<u16>(uop, 4));
  if (zvaTrapped()) return false;
  const va = value & ~(<u64>63);
  const entry = tlb + ((<usize>(va >>> 7)) & 0xffe0);
  if (load<u64>(entry, <usize>TLB_TAG_W) == ((va & PAGE) | ctx)) {
    memory.fill(<usize>(load<u32>(entry, <usize>TLB_ADDEND) + <u32>va), 0, 64);
    return true;
  }
  return zvaSlow(va);
}
