// The slow TLB: translations that must not go into the fast one, because every access needs a check or an action:
// Device memory and devices, contexts with SCTLR_ELx.A, and pages that hold decoded code.
import { PRIV_SLOW } from './private';
import { SLOW_ENTRIES } from './entry';

export const SLOW_TAG: usize = 0; // u64
export const SLOW_PA: usize = 8; // u64 physical page
export const SLOW_HOST: usize = 16; // u32 host page, 0 = not RAM
export const SLOW_FLAGS: usize = 20; // u32: PERM_* and these
/** Device memory: a misaligned access faults. */
export const SLOW_DEVICE: u32 = 8;
/** In the slow TLB only because the page holds code. */
export const SLOW_CODE: u32 = 16;

/** The slow entry that serves the page of `va`; `own` is the core's private block. */
export function slowEntry(own: usize, va: u64): usize {
  return own + PRIV_SLOW + ((<usize>(va >> 12)) & (SLOW_ENTRIES - 1)) * 32;
}

export function fillSlow(slot: usize, tag: u64, pa: u64, host: u32, flags: u32): void {
  store<u64>(slot, tag, SLOW_TAG);
  store<u64>(slot, pa & ~(<u64>0xfff), SLOW_PA);
  store<u32>(slot, host & ~(<u32>0xfff), SLOW_HOST);
  store<u32>(slot, flags, SLOW_FLAGS);
}
