// The operations that need PC-exact state and may move the PC. Each leaves HOT_PC at the next instruction or at an
// exception vector; run() resyncs after it.
import {
  CORE_EVENT,
  CORE_INSNS,
  CORE_MONITOR_PA,
  CORE_STRIDE,
  CORE_BASE,
  EXIT_CODE,
  EXIT_MARKER,
  EXIT_SMC,
  HOT_PC,
  MAX_CORES,
} from '../../wasm/layout';
import { brk, exceptionReturn, hvc, smc, svc, undefinedInstruction, unmodelled, wfx } from './exception';
import { el, S, setExit } from './state';
import { msr, msrImm } from './sysreg';
import { sysOp } from './sysop';

export const SYS_UNDEFINED: u32 = 0;
export const SYS_UNMODELLED: u32 = 1;
export const SYS_SVC: u32 = 2;
export const SYS_HVC: u32 = 3;
export const SYS_SMC: u32 = 4;
export const SYS_BRK: u32 = 5;
export const SYS_ERET: u32 = 6;
export const SYS_WFE: u32 = 7;
export const SYS_WFI: u32 = 8;
export const SYS_YIELD: u32 = 9;
export const SYS_SEV: u32 = 10;
export const SYS_SEVL: u32 = 11;
export const SYS_ISB: u32 = 12;
export const SYS_CLREX: u32 = 13;
export const SYS_MSR_IMMEDIATE: u32 = 14;
export const SYS_MSR: u32 = 15;
export const SYS_SYS: u32 = 16;
export const SYS_MARKER: u32 = 17;

const MONITOR_OPEN: u64 = 0xffffffffffffffff;

/** Retires the current instruction. */
function next(): void {
  store<u64>(<usize>HOT_PC, load<u64>(<usize>HOT_PC) + 4);
  retire();
}

function retire(): void {
  const s = S();
  store<u64>(s, load<u64>(s, <usize>CORE_INSNS) + 1, <usize>CORE_INSNS);
}

/** SEV: every core's event register; SEVL: this core's. */
function sendEvent(local: bool): void {
  if (local) {
    store<u32>(S(), 1, <usize>CORE_EVENT);
    return;
  }
  for (let core: usize = 0; core < <usize>MAX_CORES; core++) {
    store<u32>(<usize>CORE_BASE + core * <usize>CORE_STRIDE, 1, <usize>CORE_EVENT);
  }
}

/** Operation `kind` (SYS_*); its operand is the immediate of the micro-op at `uop`, a register value is at rn. */
export function systemOp(kind: u32, uop: usize): void {
  const operand = load<u32>(uop, 8);
  const value = load<u64>(<usize>load<u16>(uop, 4));
  switch (kind) {
    case SYS_UNMODELLED:
      unmodelled(operand);
      return;
    case SYS_SVC:
      retire();
      svc(operand);
      return;
    case SYS_HVC:
      if (el()) retire();
      hvc(operand);
      return;
    case SYS_SMC:
      smc(operand);
      if (load<i32>(<usize>EXIT_CODE) == EXIT_SMC) retire();
      return;
    case SYS_BRK:
      brk(operand);
      return;
    case SYS_ERET:
      retire();
      exceptionReturn();
      return;
    case SYS_WFE:
    case SYS_WFI:
      if (wfx(kind == SYS_WFE ? 1 : 0)) retire();
      return;
    case SYS_YIELD:
    case SYS_ISB:
      next();
      return;
    case SYS_SEV:
    case SYS_SEVL:
      sendEvent(kind == SYS_SEVL);
      next();
      return;
    case SYS_CLREX:
      store<u64>(S(), MONITOR_OPEN, <usize>CORE_MONITOR_PA);
      next();
      return;
    case SYS_MSR_IMMEDIATE:
      if (msrImm(operand & 0xff, operand >>> 8)) next();
      return;
    case SYS_MSR:
      if (msr(operand, value)) next();
      return;
    case SYS_MARKER:
      setExit(EXIT_MARKER, 0);
      next();
      return;
    case SYS_SYS:
      if (sysOp(operand, value)) next();
      return;
    default:
      undefinedInstruction();
  }
}
