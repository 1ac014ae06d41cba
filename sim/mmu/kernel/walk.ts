// Translation of one address through both stages, with permissions and memory type (Arm ARM DDI 0487, J1.1.5:
// AArch64.FullTranslate, FirstStageTranslate, SecondStageTranslate, CheckPermission, CombineS1S2Desc).
import { CORE_WALK_READS } from '../../wasm/layout';
import {
  SR_HCR_EL2,
  SR_MAIR_EL1,
  SR_MAIR_EL2,
  SR_SCTLR_EL1,
  SR_SCTLR_EL2,
  SR_TCR_EL1,
  SR_TCR_EL2,
} from '../../cpu/kernel/gen/sysregs';
import { srAt } from '../../cpu/kernel/state';
import { FSC_ADDRESS_SIZE, FSC_ALIGNMENT, FSC_NONE, FSC_PERMISSION, bitField, takeReads } from './descriptor';
import { translateIpa } from './ipa';
import { HCR_DC, HCR_TGE, SCTLR_M, SCTLR_WXN, hasStage2, paMaxOf, topByteIgnored } from './regime';
import { s1FaultIpa, s1FaultStage2, s1Leaf, s1Level, s1Pa, s1Size, s1Table, stage1Walk } from './stage1';
import { ACCESS_EXEC, ACCESS_WRITE, s2Leaf, s2Pa, stage2MemAttr, stage2Permission } from './stage2walk';

/** Permissions in `outPerm`. */
export const PERM_R: u32 = 1;
export const PERM_W: u32 = 2;
export const PERM_X: u32 = 4;

/** Options of `translate`. */
export const WALK_STAGE1: u32 = 1; // stage 1 only: the result is an IPA
export const WALK_UNALIGNED: u32 = 2; // a data access not aligned to its element, or DC ZVA: faults on Device memory

/** MAIR encodings; bits 7:4 = 0 is Device memory, its type in bits 3:2. */
const ATTR_DEVICE_NGNRNE: u32 = 0x00;
const ATTR_WRITE_BACK: u32 = 0xff;
const ATTR_NON_CACHEABLE: u32 = 0x44;
const SH_OUTER: u32 = 2;
const SH_INNER: u32 = 3;

/** What the last `translate` found: address, rights of this EL, MAIR-format attributes, shareability, stage-1 block. */
export let outPa: u64 = 0;
export let outPerm: u32 = 0;
export let outAttr: u32 = 0;
export let outShare: u32 = 0;
export let outSize: u32 = 0;
/** Its fault: was it stage 2, was it stage 2 of a table address, and the IPA of a stage-2 fault. */
export let faultStage2: bool = false;
export let faultS1ptw: bool = false;
export let faultIpa: u64 = 0;

/** True if the last translation is Device memory. */
export function outDevice(): bool {
  return outAttr < 0x10;
}

/**
 * Translates `va` for exception level `el` of the core at `s`; `access` is ACCESS_*, `options` WALK_*. Returns
 * FSC_NONE with out*, or the fault status code with fault*. Counts descriptor reads in CORE_WALK_READS.
 */
export function translate(s: usize, el: u32, va: u64, access: u32, options: u32): i32 {
  faultStage2 = false;
  faultS1ptw = false;
  const fsc = stages(s, el, va, access, options);
  store<u32>(s, load<u32>(s, <usize>CORE_WALK_READS) + takeReads(), <usize>CORE_WALK_READS);
  return fsc;
}

function stages(s: usize, el: u32, va: u64, access: u32, options: u32): i32 {
  const el2 = el == 2;
  const stage2 = !el2 && hasStage2(s);
  const fsc = firstStage(s, el, va, access, options, stage2);
  if (fsc != FSC_NONE || !stage2 || (options & WALK_STAGE1) != 0) return fsc;
  return secondStage(s, access, options);
}

function firstStage(s: usize, el: u32, va: u64, access: u32, options: u32, stage2: bool): i32 {
  const el2 = el == 2;
  const sctlr = srAt(s, el2 ? SR_SCTLR_EL2 : SR_SCTLR_EL1);
  const hcr = el2 ? 0 : srAt(s, SR_HCR_EL2);
  if ((sctlr & SCTLR_M) == 0 || (hcr & (HCR_DC | HCR_TGE)) != 0) return flat(s, el2, va, access, options, hcr);

  const fsc = stage1Walk(s, el2, va, stage2);
  if (fsc != FSC_NONE) {
    faultStage2 = s1FaultStage2;
    faultS1ptw = s1FaultStage2;
    faultIpa = s1FaultIpa;
    return fsc;
  }
  outPa = s1Pa;
  outSize = s1Size;
  const mair = srAt(s, el2 ? SR_MAIR_EL2 : SR_MAIR_EL1);
  outAttr = (<u32>(mair >> (((s1Leaf >> 2) & 7) << 3))) & 0xff;
  outShare = outAttr < 0x10 || outAttr == ATTR_NON_CACHEABLE ? SH_OUTER : (<u32>(s1Leaf >> 8)) & 3;
  if ((options & WALK_UNALIGNED) != 0 && outDevice()) return FSC_ALIGNMENT;
  outPerm = el2 ? rightsEl2(sctlr) : rightsEl1(sctlr, el == 0);
  return (outPerm & ((<u32>1) << access)) != 0 ? FSC_NONE : FSC_PERMISSION + <i32>s1Level;
}

/** AArch64.TranslateAddressS1Off: stage 1 off, or HCR_EL2.DC. */
function flat(s: usize, el2: bool, va: u64, access: u32, options: u32, hcr: u64): i32 {
  const ignored = topByteIgnored(srAt(s, el2 ? SR_TCR_EL2 : SR_TCR_EL1), el2, va);
  const address = ignored ? va & 0x00ff_ffff_ffff_ffff : va;
  if (bitField(address, paMaxOf(s), 64) != 0) return FSC_ADDRESS_SIZE;
  outPa = address;
  outSize = 12;
  outPerm = PERM_R | PERM_W | PERM_X;
  if ((hcr & HCR_DC) != 0) {
    outAttr = ATTR_WRITE_BACK;
    outShare = 0;
  } else {
    outAttr = access == ACCESS_EXEC ? ATTR_NON_CACHEABLE : ATTR_DEVICE_NGNRNE;
    outShare = SH_OUTER;
  }
  return (options & WALK_UNALIGNED) != 0 && outDevice() ? FSC_ALIGNMENT : FSC_NONE;
}

/** CheckPermission for EL1&0: AP[2:1], APTable, UXN/PXN and their table bits, WXN. */
function rightsEl1(sctlr: u64, user: bool): u32 {
  const wxn = (sctlr & SCTLR_WXN) != 0;
  const ap = (<u32>(s1Leaf >> 6)) & 3;
  const readOnly = (ap & 2) != 0 || ((s1Table >> 62) & 1) != 0;
  const userAccess = (ap & 1) != 0 && ((s1Table >> 61) & 1) == 0;
  const userWrite = userAccess && !readOnly;
  if (user) {
    const xn = (((s1Leaf >> 54) | (s1Table >> 60)) & 1) != 0 || (userWrite && wxn);
    return (userAccess ? PERM_R : 0) | (userWrite ? PERM_W : 0) | (xn ? 0 : PERM_X);
  }
  // What EL0 may write EL1 never executes.
  const xn = (((s1Leaf >> 53) | (s1Table >> 59)) & 1) != 0 || (!readOnly && wxn) || userWrite;
  return PERM_R | (readOnly ? 0 : PERM_W) | (xn ? 0 : PERM_X);
}

/** CheckPermission for EL2: AP[2], XN. */
function rightsEl2(sctlr: u64): u32 {
  const write = (((s1Leaf >> 7) | (s1Table >> 62)) & 1) == 0;
  const xn = (((s1Leaf >> 54) | (s1Table >> 60)) & 1) != 0 || (write && (sctlr & SCTLR_WXN) != 0);
  return PERM_R | (write ? PERM_W : 0) | (xn ? 0 : PERM_X);
}

/** The second stage of outPa, which holds the IPA. */
function secondStage(s: usize, access: u32, options: u32): i32 {
  const ipa = outPa;
  let fsc = translateIpa(s, ipa);
  if (fsc == FSC_NONE && (options & WALK_UNALIGNED) != 0 && stage2MemAttr() < 4) fsc = FSC_ALIGNMENT;
  if (fsc == FSC_NONE) fsc = stage2Permission(access);
  if (fsc != FSC_NONE) {
    faultStage2 = true;
    faultIpa = ipa;
    return fsc;
  }
  outPa = s2Pa;
  let rights: u32 = ((s2Leaf >> 54) & 1) != 0 ? 0 : PERM_X;
  if ((s2Leaf & 0x40) != 0) rights |= PERM_R;
  if ((s2Leaf & 0x80) != 0) rights |= PERM_W;
  outPerm &= rights;
  combine(stage2MemAttr(), (<u32>(s2Leaf >> 8)) & 3);
  return FSC_NONE;
}

/** CombineS1S2Desc: the more restrictive memory type, the weaker cacheability, the wider shareability. */
function combine(memAttr: u32, share: u32): void {
  if (memAttr < 4) {
    const type = memAttr << 2;
    outAttr = outAttr < 0x10 && outAttr < type ? outAttr : type;
    outShare = SH_OUTER;
    return;
  }
  if (outAttr < 0x10) return;
  outAttr = (cacheability(outAttr >> 4, memAttr >> 2) << 4) | cacheability(outAttr & 15, memAttr & 3);
  if (outAttr == ATTR_NON_CACHEABLE) outShare = SH_OUTER;
  else if (outShare == SH_OUTER || share == SH_OUTER) outShare = SH_OUTER;
  else outShare = outShare == SH_INNER || share == SH_INNER ? SH_INNER : 0;
}

/** One nibble of MAIR with one half of MemAttr (1 non-cacheable, 2 write-through, 3 write-back); hints are stage 1's. */
function cacheability(stage1: u32, stage2: u32): u32 {
  if (stage1 == 4 || stage2 <= 1) return 4;
  // Bits 3:2 of the nibble: 00 and 10 are write-through.
  if ((stage1 & 4) == 0) return stage1;
  return stage2 == 2 ? 8 | (stage1 & 3) : stage1;
}
