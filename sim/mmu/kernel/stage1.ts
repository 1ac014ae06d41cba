// The stage-1 walk of the EL1&0 and EL2 regimes (Arm ARM DDI 0487, J1.1.5: AArch64.TranslationTableWalk).
// With a second stage every table address is an IPA and takes a stage-2 walk of its own.
import {
  SR_HCR_EL2,
  SR_TCR_EL1,
  SR_TCR_EL2,
  SR_TTBR0_EL1,
  SR_TTBR0_EL2,
  SR_TTBR1_EL1,
} from '../../cpu/kernel/gen/sysregs';
import { srAt } from '../../cpu/kernel/state';
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
import { translateIpa } from './ipa';
import { HCR_PTW, paMaxOf, topByteIgnored } from './regime';
import { ACCESS_READ, s2Level, s2Pa, stage2MemAttr, stage2Permission } from './stage2walk';

/** Result of the last walk: output address, leaf descriptor, its level, log2 of the block's size, table attributes. */
export let s1Pa: u64 = 0;
export let s1Leaf: u64 = 0;
export let s1Level: u32 = 0;
export let s1Size: u32 = 0;
/** Hierarchical attributes in the places of a table descriptor: NSTable 63, APTable 62:61, XNTable 60, PXNTable 59. */
export let s1Table: u64 = 0;
/** The fault came from stage 2 of a table address; `s1FaultIpa` is that address. */
export let s1FaultStage2: bool = false;
export let s1FaultIpa: u64 = 0;

/**
 * Walks `va` through TTBR0_EL2, or TTBR0/TTBR1_EL1, of the core at `s`. Returns FSC_NONE with the result above
 * (permissions not yet checked) or the fault status code.
 */
export function stage1Walk(s: usize, el2: bool, va: u64, stage2: bool): i32 {
  s1FaultStage2 = false;
  const tcr = srAt(s, el2 ? SR_TCR_EL2 : SR_TCR_EL1);
  const top: u64 = topByteIgnored(tcr, el2, va) ? 55 : 63;
  let upper = false;
  let field = tcr;
  let large = ((tcr >> 14) & 3) == 1;
  let ps = (<u32>(tcr >> 16)) & 7;
  let ttbr: u64 = 0;
  if (el2) {
    ttbr = srAt(s, SR_TTBR0_EL2);
  } else {
    ps = (<u32>(tcr >> 32)) & 7;
    upper = ((va >> top) & 1) != 0;
    if (upper) {
      field = tcr >> 16;
      large = ((tcr >> 30) & 3) == 3;
      ttbr = srAt(s, SR_TTBR1_EL1);
    } else {
      ttbr = srAt(s, SR_TTBR0_EL1);
    }
    // EPD0/EPD1 at bit 7 of each half.
    if ((field & 0x80) != 0) return FSC_TRANSLATION;
  }
  // A TnSZ out of range faults at level 0 (the choice D5.2.4 allows that qemu makes too).
  const inputSize: i32 = 64 - <i32>(field & 63);
  if (inputSize < 25 || inputSize > 48) return FSC_TRANSLATION;
  // Bits top:inputSize must all equal the half's bit (0 at EL2).
  const spare: i64 = 63 - top;
  const signed: i64 = va << spare;
  const extra = signed >> (spare + <i64>inputSize);
  if (extra != (upper ? -1 : 0)) return FSC_TRANSLATION;
  const outputSize = addressBits(ps, paMaxOf(s));
  if (beyond(ttbr, outputSize)) return FSC_ADDRESS_SIZE;

  const grain: i32 = large ? 16 : 12;
  const stride: i32 = grain - 3;
  let level: i32 = 4 - (inputSize - grain + stride - 1) / stride;
  let bottom: i32 = (3 - level) * stride + grain;
  let selectTop: i32 = inputSize;
  let base = addressField(ttbr, 3 + inputSize - bottom);
  let tables: u64 = 0;
  const ptw = stage2 && (srAt(s, SR_HCR_EL2) & HCR_PTW) != 0;
  while (true) {
    const index = bitField(va, bottom, selectTop);
    let address = base | (index << 3);
    if (stage2) {
      let fsc = translateIpa(s, address);
      if (fsc == FSC_NONE) fsc = stage2Permission(ACCESS_READ);
      // HCR_EL2.PTW: a table in Device memory of stage 2 is a stage-2 permission fault.
      if (fsc == FSC_NONE && ptw && stage2MemAttr() < 4) fsc = FSC_PERMISSION + <i32>s2Level;
      if (fsc != FSC_NONE) {
        s1FaultStage2 = true;
        s1FaultIpa = address;
        return fsc;
      }
      address = s2Pa;
    }
    if (!fetchDescriptor(address)) return FSC_EXTERNAL_WALK + level;
    const kind = (<u32>descriptor) & 3;
    if ((kind & 1) == 0 || (kind == 1 && level == 3)) return FSC_TRANSLATION + level;
    if (kind == 1 || level == 3) break;
    if (beyond(descriptor, outputSize)) return FSC_ADDRESS_SIZE + level;
    tables |= descriptor;
    base = addressField(descriptor, grain);
    level++;
    selectTop = bottom;
    bottom -= stride;
  }
  const leaf = descriptor;
  if ((large ? 2 : 1) > level) return FSC_TRANSLATION + level;
  if (beyond(leaf, outputSize)) return FSC_ADDRESS_SIZE + level;
  s1Level = level;
  if ((leaf & 0x400) == 0) return FSC_ACCESS_FLAG + level;
  s1Pa = addressField(leaf, bottom) | bitField(va, 0, bottom);
  s1Leaf = leaf;
  s1Size = bottom;
  s1Table = tables & 0xf800_0000_0000_0000;
  return FSC_NONE;
}
