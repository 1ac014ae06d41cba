// Branch prediction: directions by global history or by address alone, whichever has been right, addresses of taken branches, a return stack, indirect targets.
import {
  C_BIMODAL,
  C_BTB,
  C_CHOICE,
  C_DIRECTION,
  C_INDIRECT,
  P_BTB_MASK,
  P_BTB_MISS,
  P_DIRECTION_MASK,
  P_INDIRECT_MASK,
  P_RAS_MASK,
  P_TAKEN,
  T_HISTORY,
  T_RAS,
  T_RAS_TOP,
} from '../../wasm/timing-layout';
import { param } from './state';

/** A two-bit counter moved towards `taken`. */
function trained(value: u32, taken: u32): u8 {
  const up = value + <u32>(value < 3);
  const down = value - <u32>(value > 0);
  return <u8>select<u32>(up, down, taken);
}

/** Trains the direction predictor with the branch at word address `at`; true if it had foretold otherwise. */
export function misdirected(own: usize, at: u32, taken: u32): bool {
  const mask = <u32>param(P_DIRECTION_MASK);
  const history = load<u32>(<usize>T_HISTORY);
  store<u32>(<usize>T_HISTORY, (history << 1) | taken);
  const byHistory = own + <usize>((at ^ history) & mask);
  const byAddress = own + <usize>(at & mask);
  const global = <u32>load<u8>(byHistory, <usize>C_DIRECTION);
  const local = <u32>load<u8>(byAddress, <usize>C_BIMODAL);
  store<u8>(byHistory, trained(global, taken), <usize>C_DIRECTION);
  store<u8>(byAddress, trained(local, taken), <usize>C_BIMODAL);
  if (global >> 1 == local >> 1) return global >> 1 != taken;
  const choice = <u32>load<u8>(byAddress, <usize>C_CHOICE);
  store<u8>(byAddress, trained(choice, <u32>(global >> 1 == taken)), <usize>C_CHOICE);
  return (choice > 1 ? global : local) >> 1 != taken;
}

/** Units that a taken direct branch costs the fetch: more if its address is not known to be one. */
export function redirected(own: usize, at: u32): u64 {
  const entry = own + ((<usize>(at & (<u32>param(P_BTB_MASK)))) << 2);
  if (load<u32>(entry, <usize>C_BTB) == at) return param(P_TAKEN);
  store<u32>(entry, at, <usize>C_BTB);
  return param(P_BTB_MISS);
}

/** A call whose return address is the low word `back`. */
export function called(back: u32): void {
  const top = (load<u32>(<usize>T_RAS_TOP) + 1) & (<u32>param(P_RAS_MASK));
  store<u32>(<usize>T_RAS_TOP, top);
  store<u32>(<usize>T_RAS + ((<usize>top) << 2), back);
}

/** True if the return to `target` was foretold by the return stack. */
export function returned(target: u32): bool {
  const top = load<u32>(<usize>T_RAS_TOP);
  store<u32>(<usize>T_RAS_TOP, (top - 1) & (<u32>param(P_RAS_MASK)));
  return load<u32>(<usize>T_RAS + ((<usize>top) << 2)) == target;
}

/** Trains the indirect predictor; true if it had foretold `target`. */
export function indirect(own: usize, at: u32, target: u32): bool {
  const index = (at ^ (load<u32>(<usize>T_HISTORY) << 2)) & (<u32>param(P_INDIRECT_MASK));
  const entry = own + ((<usize>index) << 2);
  const known = load<u32>(entry, <usize>C_INDIRECT) == target;
  store<u32>(entry, target, <usize>C_INDIRECT);
  return known;
}
