// State of the approximate model: the running core's block and its parameters (sim/wasm/timing-layout.ts).
import { CORE_CYCLES, CUR_CORE, CUR_STATE } from '../../wasm/layout';
import {
  C_PARAM,
  T_CY,
  T_DONE,
  T_GRANULE,
  T_RETIRE,
  TIMED_CORE,
  TIMED_CORE_STRIDE,
  TIMED_HOT,
  TIMED_HOT_SIZE,
  TIMED_PARAM,
  TIMED_PARAM_SIZE,
  TIMED_UNITS,
  P_WINDOW,
} from '../../wasm/timing-layout';

/** A parameter of the running core; times are in units. */
export function param(index: i32): u64 {
  return <u64>load<u32>(<usize>(TIMED_PARAM + (index << 2)));
}

export function later(a: u64, b: u64): u64 {
  return select<u64>(a, b, a > b);
}

/** The arrays of core number `core`. */
export function timedOf(core: u32): usize {
  return <usize>TIMED_CORE + <usize>core * <usize>TIMED_CORE_STRIDE;
}

/** The arrays of the running core. */
export function own(): usize {
  return timedOf(load<u32>(<usize>CUR_CORE));
}

export function enterTimed(): void {
  memory.copy(<usize>TIMED_HOT, own(), <usize>(TIMED_HOT_SIZE + TIMED_PARAM_SIZE));
}

export function leaveTimed(): void {
  memory.copy(own(), <usize>TIMED_HOT, <usize>TIMED_HOT_SIZE);
}

/** Dispatch time after something may have charged the core in whole cycles since the last synchronisation. */
export function reloadTime(): u64 {
  const cy = load<u64>(<usize>T_CY);
  const cycles = load<u64>(<usize>load<u32>(<usize>CUR_STATE), <usize>CORE_CYCLES);
  return cy + (cycles - cy / <u64>TIMED_UNITS) * <u64>TIMED_UNITS;
}

/** Charges the running core, whose state is synchronised. */
export function chargeUnits(units: u64): void {
  const s = <usize>load<u32>(<usize>CUR_STATE);
  store<u64>(s, load<u64>(s, <usize>CORE_CYCLES) + units / <u64>TIMED_UNITS, <usize>CORE_CYCLES);
}

/** The time after an access; on the slow path (`slow`) the state is synchronised and a device may have charged. */
export function keepTime(cy: u64, done: u64, slow: bool): void {
  let time = cy;
  if (slow) {
    const s = <usize>load<u32>(<usize>CUR_STATE);
    const before = load<u64>(<usize>T_CY) / <u64>TIMED_UNITS;
    time += (load<u64>(s, <usize>CORE_CYCLES) - before) * <u64>TIMED_UNITS;
    store<u64>(s, time / <u64>TIMED_UNITS, <usize>CORE_CYCLES);
  }
  store<u64>(<usize>T_CY, time);
  store<u64>(<usize>T_DONE, done);
}

/** Everything that was dispatched is complete: the synchronised time moves there. */
export function drain(): void {
  const cy = reloadTime();
  const done = load<u64>(<usize>T_DONE);
  if (done > cy) chargeUnits(done - cy);
}

/**
 * The 16-instruction granule `granule` of the instruction count begins, everything up to it completes at `done`. Returns
 * the time before which nothing more is dispatched: when the instruction that leaves the window retired.
 */
export function retire(granule: u32, done: u64): u64 {
  let at = load<u32>(<usize>T_GRANULE);
  if (granule - at > 16) at = granule - 16;
  while (at != granule) {
    at++;
    store<u64>(<usize>T_RETIRE + ((<usize>(at & 15)) << 3), done);
  }
  store<u32>(<usize>T_GRANULE, granule);
  return load<u64>(<usize>T_RETIRE + ((<usize>((granule - <u32>param(P_WINDOW)) & 15)) << 3));
}

/** A parameter of another core, 0 while the model does not know that core. */
export function paramOf(core: u32, index: i32): u32 {
  return load<u32>(timedOf(core) + ((<usize>index) << 2), <usize>C_PARAM);
}
