// Control bits of the translation regimes (Arm ARM DDI 0487, D13.2).
import { SR_HCR_EL2, SR_ID_AA64MMFR0_EL1 } from '../../cpu/kernel/gen/sysregs';
import { srAt } from '../../cpu/kernel/state';
import { addressBits } from './descriptor';

export const SCTLR_M: u64 = 1;
export const SCTLR_A: u64 = 2;
export const SCTLR_WXN: u64 = 1 << 19;
export const HCR_VM: u64 = 1;
export const HCR_PTW: u64 = 1 << 2;
export const HCR_FB: u64 = 1 << 9;
export const HCR_DC: u64 = 1 << 12;
export const HCR_TGE: u64 = 1 << 27;

/** Bits of HCR_EL2 that change what an EL1&0 translation means. */
export const HCR_TRANSLATION: u64 = HCR_VM | HCR_PTW | HCR_DC | HCR_TGE;

/** True if EL1&0 accesses of the core at `s` have a second stage (HCR_EL2.DC acts as VM too). */
export function hasStage2(s: usize): bool {
  return (srAt(s, SR_HCR_EL2) & (HCR_VM | HCR_DC)) != 0;
}

/** Implemented physical address size of the core at `s`, in bits (ID_AA64MMFR0_EL1.PARange). */
export function paMaxOf(s: usize): u32 {
  return addressBits((<u32>srAt(s, SR_ID_AA64MMFR0_EL1)) & 15, 48);
}

/** True if the top byte of `va` is ignored: TCR_EL2.TBI, or TCR_EL1.TBI0/TBI1 by bit 55 (AddrTop). */
export function topByteIgnored(tcr: u64, el2: bool, va: u64): bool {
  if (el2) return ((tcr >> 20) & 1) != 0;
  return ((va >> 55) & 1) != 0 ? ((tcr >> 38) & 1) != 0 : ((tcr >> 37) & 1) != 0;
}
