// What barriers, system instructions and exceptions cost beyond what they wait for.
import {
  P_COUNTER,
  P_DC,
  P_DMB,
  P_DSB,
  P_ENTRY,
  P_ISB,
  P_MRS,
  P_MSR,
  P_RETURN,
  P_TLBI,
  T_STORES,
} from '../../wasm/timing-layout';
import { O_MRS, O_MRS_EL1H } from '../../cpu/kernel/gen/opcodes';
import { SYS_CLREX, SYS_ERET, SYS_ISB, SYS_MSR, SYS_MSR_IMMEDIATE, SYS_SYS } from '../../cpu/kernel/system-op';
import { SR_PMCCNTR_EL0 } from '../../cpu/kernel/gen/sysregs';
import { chargeUnits, drain, later, param } from './state';

/** Dispatch time after a DMB (`kind` 0) or DSB (1) met when everything before it is complete at `done`. */
export function barrier(kind: u32, cy: u64, done: u64): u64 {
  if (kind == 0) return later(cy, done) + param(P_DMB);
  return later(later(cy, done), load<u64>(<usize>T_STORES)) + param(P_DSB);
}

/**
 * Units of the system operation at `ip`, an exception that it takes not included. `physical`, `virtual`: the register
 * indices of the counters.
 */
export function systemUnits(ip: usize, physical: u32, virtual: u32): u64 {
  const op = <u32>load<u8>(ip);
  const kind = <u32>load<u16>(ip, 6);
  if (op == O_MRS || op == O_MRS_EL1H) {
    const counter = kind == physical || kind == virtual || kind == <u32>SR_PMCCNTR_EL0;
    return counter ? param(P_COUNTER) : param(P_MRS);
  }
  if (kind == SYS_MSR || kind == SYS_MSR_IMMEDIATE) return param(P_MSR);
  if (kind == SYS_ISB) return param(P_ISB);
  if (kind == SYS_ERET) return param(P_RETURN);
  if (kind == SYS_CLREX) return param(P_DMB);
  if (kind == SYS_SYS) return ((load<u32>(ip, 8) >> 7) & 15) == 8 ? param(P_TLBI) : param(P_DC);
  return 0;
}

/** An exception is taken by the running core; the modelled hypervisor charges its own entry. */
export function exceptionTimed(modelled: bool): void {
  drain();
  if (!modelled) chargeUnits(param(P_ENTRY));
}
