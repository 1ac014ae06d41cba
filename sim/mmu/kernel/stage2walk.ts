// The stage-2 walk (Arm ARM DDI 0487, J1.1.5 aarch64/translation: AArch64.TranslationTableWalk, secondstage).
import {
  FSC_ACCESS_FLAG,
  FSC_ADDRESS_SIZE,
  FSC_EXTERNAL_WALK,
  FSC_NONE,
  FSC_PERMISSION,
  FSC_TRANSLATION,
  addressBits,
  addressField,
  bitField,
  beyond,
  descriptor,
  fetchDescriptor,
} from './descriptor';

export const ACCESS_READ: u32 = 0;
export const ACCESS_WRITE: u32 = 1;
export const ACCESS_EXEC: u32 = 2;

/** Result of the last walk: physical address, leaf descriptor, its level, log2 of the block's size. */
export let s2Pa: u64 = 0;
export let s2Leaf: u64 = 0;
export let s2Level: u32 = 0;
export let s2Size: u32 = 0;

/**
 * Walks `ipa` through the tables of VTTBR_EL2. `paMax`: implemented physical address size in bits.
 * Returns FSC_NONE with the result above (permissions not yet checked), or the fault status code.
 */
export function stage2Walk(vtcr: u64, vttbr: u64, ipa: u64, paMax: u32): i32 {
  const inputSize: i32 = 64 - <i32>(vtcr & 63);
  const sl0 = <i32>((vtcr >> 6) & 3);
  // Only the 4K and 64K granules are implemented (ID_AA64MMFR0_EL1.TGran16 = 0); other values act as 4K.
  const large = ((vtcr >> 14) & 3) == 1;
  const grain: i32 = large ? 16 : 12;
  const stride: i32 = grain - 3;
  let level: i32 = large ? 3 - sl0 : 2 - sl0;
  if (inputSize < 25 || inputSize > 48 || bitField(ipa, inputSize, 64) != 0) return FSC_TRANSLATION;
  // SL0 = 3 is reserved; level 0 (4K) and level 1 (64K) need more than 42 physical address bits.
  if (sl0 == 3 || (level == (large ? 1 : 0) && paMax <= 42)) return FSC_TRANSLATION;
  // Log2 of the entries of the starting level: at least 2, at most 16 concatenated tables.
  const startBits: i32 = inputSize - ((3 - level) * stride + grain);
  if (startBits < 1 || startBits > stride + 4) return FSC_TRANSLATION;
  const outputSize = addressBits((<u32>(vtcr >> 16)) & 7, paMax);
  if (beyond(vttbr, outputSize)) return FSC_ADDRESS_SIZE;

  let base = addressField(vttbr, startBits + 3);
  let top: i32 = inputSize;
  let bottom: i32 = 0;
  while (true) {
    bottom = (3 - level) * stride + grain;
    const index = bitField(ipa, bottom, top);
    if (!fetchDescriptor(base | (index << 3))) return FSC_EXTERNAL_WALK + level;
    const kind = (<u32>descriptor) & 3;
    if ((kind & 1) == 0 || (kind == 1 && level == 3)) return FSC_TRANSLATION + level;
    if (kind == 1 || level == 3) break;
    if (beyond(descriptor, outputSize)) return FSC_ADDRESS_SIZE + level;
    base = addressField(descriptor, grain);
    top = bottom;
    level++;
  }
  const leaf = descriptor;
  if ((large ? 2 : 1) > level) return FSC_TRANSLATION + level;
  if (beyond(leaf, outputSize)) return FSC_ADDRESS_SIZE + level;
  if ((leaf & 0x400) == 0) return FSC_ACCESS_FLAG + level;
  setStage2Result(ipa, leaf, level, bottom);
  return FSC_NONE;
}

/** Makes (leaf, level, size) the result for `ipa`, as if just walked. */
export function setStage2Result(ipa: u64, leaf: u64, level: u32, size: u32): void {
  s2Pa = addressField(leaf, size) | bitField(ipa, 0, size);
  s2Leaf = leaf;
  s2Level = level;
  s2Size = size;
}

/** AArch64.CheckS2Permission for the last walk: FSC_NONE or the permission fault. */
export function stage2Permission(access: u32): i32 {
  let allowed = (s2Leaf & 0x40) != 0;
  if (access == ACCESS_WRITE) allowed = (s2Leaf & 0x80) != 0;
  // S2AP does not limit execution when EL2 uses AArch64.
  else if (access == ACCESS_EXEC) allowed = ((s2Leaf >> 54) & 1) == 0;
  return allowed ? FSC_NONE : FSC_PERMISSION + <i32>s2Level;
}

/** MemAttr[3:0] of the last walk; below 4 it is Device memory. */
export function stage2MemAttr(): u32 {
  return (<u32>(s2Leaf >> 2)) & 15;
}
