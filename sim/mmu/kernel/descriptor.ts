// Descriptor fetch of both stages, and what the formats of both stages share (Arm ARM DDI 0487, D5.3).
import { TIMED } from '../../timing/kernel/timed';
import { walkRead } from '../../timing/kernel/tlb';
import { hostOf } from './phys';

/** The descriptor that `fetchDescriptor` read. */
export let descriptor: u64 = 0;
let reads: u32 = 0;

/** Reads the 8-byte descriptor at a physical address; false = nothing there (external abort on the walk). */
export function fetchDescriptor(pa: u64): bool {
  reads++;
  const host = hostOf(pa);
  if (host == 0) return false;
  descriptor = load<u64>(<usize>host);
  if (TIMED) walkRead(pa);
  return true;
}

/** Descriptor reads since the last call. */
export function takeReads(): u32 {
  const n = reads;
  reads = 0;
  return n;
}

/** Address size in bits of a PS, IPS or PARange field, at most `limit` (the implemented size). */
export function addressBits(field: u32, limit: u32): u32 {
  let bits: u32 = 48;
  if (field == 0) bits = 32;
  else if (field == 1) bits = 36;
  else if (field == 2) bits = 40;
  else if (field == 3) bits = 42;
  else if (field == 4) bits = 44;
  return bits < limit ? bits : limit;
}

/** Bits top-1:bottom of `value`, in place 0. */
export function bitField(value: u64, bottom: i32, top: i32): u64 {
  const from: u64 = bottom;
  const width: u64 = top - bottom;
  const end: u64 = 1;
  return (value >> from) & ((end << width) - 1);
}

/** Bits 47:bits of a register or descriptor, in place. */
export function addressField(value: u64, bits: i32): u64 {
  const low: u64 = bits;
  return ((value & 0x0000_ffff_ffff_ffff) >> low) << low;
}

/** True if bits 47:bits of an address or descriptor are not all zero. */
export function beyond(value: u64, bits: u32): bool {
  return (value & 0x0000_ffff_ffff_ffff) >> (<u64>bits) != 0;
}

// Fault status codes, DFSC/IFSC of ESR_ELx (D7.2.27); the walk level goes into bits 1:0.
export const FSC_ADDRESS_SIZE: i32 = 0x00;
export const FSC_TRANSLATION: i32 = 0x04;
export const FSC_ACCESS_FLAG: i32 = 0x08;
export const FSC_PERMISSION: i32 = 0x0c;
export const FSC_EXTERNAL: i32 = 0x10;
export const FSC_EXTERNAL_WALK: i32 = 0x14;
export const FSC_ALIGNMENT: i32 = 0x21;
export const FSC_EXCLUSIVE: i32 = 0x35;
/** No fault. */
export const FSC_NONE: i32 = -1;
