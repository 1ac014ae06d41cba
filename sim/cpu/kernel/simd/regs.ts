// Register and field access of FP/SIMD instructions. Addresses are in the HOT block. A vector result always goes through
// putQ/putD/putBytes, which zero the rest of the register.
import { HOT_FPSR, HOT_TRASH, HOT_V, HOT_X, SIMD_SCRATCH } from '../../../wasm/layout';

const FPSR_QC: u32 = 1 << 27;

export function vd(insn: u32): usize {
  return <usize>HOT_V + ((insn & 31) << 4);
}

export function vn(insn: u32): usize {
  return <usize>HOT_V + (((insn >> 5) & 31) << 4);
}

export function vm(insn: u32): usize {
  return <usize>HOT_V + (((insn >> 16) & 31) << 4);
}

export function va(insn: u32): usize {
  return <usize>HOT_V + (((insn >> 10) & 31) << 4);
}

/** Xn; slot 31 of the HOT block reads zero. */
export function xn(insn: u32): u64 {
  return load<u64>(<usize>HOT_X + (((insn >> 5) & 31) << 3));
}

export function putX(insn: u32, value: u64): void {
  const rd = insn & 31;
  store<u64>(rd == 31 ? <usize>HOT_TRASH : <usize>HOT_X + (rd << 3), value);
}

/** Bit 30. */
export function isQ(insn: u32): bool {
  return (insn & 0x40000000) != 0;
}

/** Bytes of the vector arrangement: 16 or 8. */
export function vectorBytes(insn: u32): u32 {
  return (insn & 0x40000000) != 0 ? 16 : 8;
}

/** The size field, bits 23:22: log2 of the bytes of an element. */
export function sizeOf(insn: u32): u32 {
  return (insn >> 22) & 3;
}

/** Format of the sz field, bit 22: single or double. */
export function floatOf(insn: u32): u32 {
  return 2 + ((insn >> 22) & 1);
}

/** Vd = r, or its low half when Q is 0. */
export function putQ(insn: u32, r: v128): void {
  v128.store(vd(insn), (insn & 0x40000000) != 0 ? r : v128.and(r, i64x2(-1, 0)));
}

export function putV(insn: u32, r: v128): void {
  v128.store(vd(insn), r);
}

/** Vd = the low half of r, zero above. */
export function putLow(insn: u32, r: v128): void {
  v128.store(vd(insn), v128.and(r, i64x2(-1, 0)));
}

/** Vd = value in the low 64 bits, zero above. */
export function putD(insn: u32, value: u64): void {
  const d = vd(insn);
  store<u64>(d, value);
  store<u64>(d, 0, 8);
}

/** A narrowed result: the low half of Vd (zero above), or with Q = 1 the high half, leaving the low one. */
export function putNarrow(insn: u32, value: u64): void {
  const d = vd(insn);
  if (isQ(insn)) {
    store<u64>(d, value, 8);
  } else {
    store<u64>(d, value);
    store<u64>(d, 0, 8);
  }
}

/** Moves the first `bytes` of SIMD_SCRATCH to Vd, zero above. */
export function putBytes(insn: u32, bytes: u32): void {
  const d = vd(insn);
  const low = load<u64>(<usize>SIMD_SCRATCH);
  store<u64>(d, bytes >= 8 ? low : low & (((<u64>1) << ((bytes * 8) as u64)) - 1));
  store<u64>(d, bytes == 16 ? load<u64>(<usize>SIMD_SCRATCH, 8) : 0, 8);
}

export function saturated(): void {
  store<u32>(<usize>HOT_FPSR, load<u32>(<usize>HOT_FPSR) | FPSR_QC);
}

/** Element `i` of 2^esz bytes at p, zero-extended. */
export function laneU(p: usize, esz: u32, i: u32): u64 {
  if (esz == 0) return load<u8>(p + i);
  if (esz == 1) return load<u16>(p + (i << 1));
  if (esz == 2) return load<u32>(p + (i << 2));
  return load<u64>(p + (i << 3));
}

/** Element `i` of 2^esz bytes at p, sign-extended. */
export function laneS(p: usize, esz: u32, i: u32): i64 {
  if (esz == 0) return load<i8>(p + i);
  if (esz == 1) return load<i16>(p + (i << 1));
  if (esz == 2) return load<i32>(p + (i << 2));
  return load<i64>(p + (i << 3));
}

export function putLane(p: usize, esz: u32, i: u32, value: u64): void {
  if (esz == 0) store<u8>(p + i, <u8>value);
  else if (esz == 1) store<u16>(p + (i << 1), <u16>value);
  else if (esz == 2) store<u32>(p + (i << 2), <u32>value);
  else store<u64>(p + (i << 3), value);
}

/** Element `i` of the result under construction in SIMD_SCRATCH. */
export function putResult(esz: u32, i: u32, value: u64): void {
  putLane(<usize>SIMD_SCRATCH, esz, i, value);
}
