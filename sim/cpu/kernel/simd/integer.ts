// Integer vector operations as functions of v128 operands; the callers in exec.ts choose operands and destination.
import {
  vAdd,
  vConcat,
  vExtend,
  vGt,
  vHigh,
  vMax,
  vMin,
  vMul,
  vShl,
  vShr,
  vShrRound,
  vShrS,
  vShrU,
  vSplat,
  vSub,
  vUzp1,
  vUzp2,
} from './vec';

/** SHADD, UHADD, SRHADD, URHADD without the carry: common bits plus (or minus, rounding up) half the different ones. */
export function halvingAdd(esz: u32, a: v128, b: v128, isUnsigned: bool, rounding: bool): v128 {
  const half = vShr(esz, v128.xor(a, b), 1, isUnsigned);
  return rounding ? vSub(esz, v128.or(a, b), half) : vAdd(esz, v128.and(a, b), half);
}

/** SHSUB, UHSUB. */
export function halvingSub(esz: u32, a: v128, b: v128, isUnsigned: bool): v128 {
  return vSub(esz, vShr(esz, v128.xor(a, b), 1, isUnsigned), v128.andnot(b, a));
}

/** SABD, UABD (B, H, S). */
export function absDifference(esz: u32, a: v128, b: v128, isUnsigned: bool): v128 {
  return vSub(esz, vMax(esz, a, b, isUnsigned), vMin(esz, a, b, isUnsigned));
}

/** a >= b. */
export function greaterEqual(esz: u32, a: v128, b: v128, isUnsigned: bool): v128 {
  return v128.not(vGt(esz, b, a, isUnsigned));
}

/** Even elements of the concatenation b:a, in `bytes` of each. */
export function pairsEven(esz: u32, a: v128, b: v128, bytes: u32): v128 {
  if (bytes == 16) return vUzp1(esz, a, b);
  const c = vConcat(a, b);
  return vUzp1(esz, c, c);
}

/** Odd elements of the concatenation b:a, in `bytes` of each. */
export function pairsOdd(esz: u32, a: v128, b: v128, bytes: u32): v128 {
  if (bytes == 16) return vUzp2(esz, a, b);
  const c = vConcat(a, b);
  return vUzp2(esz, c, c);
}

/** The half of Vn or Vm a long or wide instruction reads, doubled in element size. */
export function longOperand(esz: u32, a: v128, upper: bool, isUnsigned: bool): v128 {
  return vExtend(esz, upper ? vHigh(a) : a, isUnsigned);
}

/** SABDL, UABDL: the difference needs all the bits of the narrow unsigned element. */
export function absDifferenceLong(esz: u32, a: v128, b: v128, upper: bool, isUnsigned: bool): v128 {
  const d = absDifference(esz, a, b, isUnsigned);
  return vExtend(esz, upper ? vHigh(d) : d, true);
}

/** ADDHN, SUBHN, RADDHN, RSUBHN: high halves of the 2 * esz elements of `sum`, as 64 bits. */
export function highNarrow(esz: u32, sum: v128, rounding: bool): u64 {
  if (rounding) sum = vAdd(esz + 1, sum, vSplat(esz + 1, (<u64>1) << (((8 << esz) - 1) as u64)));
  return i64x2.extract_lane(vUzp2(esz, sum, sum), 0);
}

/** XTN: low halves of the 2 * esz elements, as 64 bits. */
export function lowNarrow(esz: u32, a: v128): u64 {
  return i64x2.extract_lane(vUzp1(esz, a, a), 0);
}

/** SADDLP, UADDLP: sums of adjacent elements at twice the size. */
export function addLongPairs(esz: u32, a: v128, isUnsigned: bool): v128 {
  const by: i32 = 8 << esz;
  const even = vShr(esz + 1, vShl(esz + 1, a, by), by, isUnsigned);
  return vAdd(esz + 1, even, vShr(esz + 1, a, by, isUnsigned));
}

/** REV16, REV32, REV64: elements of size esz reversed in containers of 2^container bytes. */
export function reverse(esz: u32, container: u32, a: v128): v128 {
  if (container == 1) return i8x16.shuffle(a, a, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
  if (container == 2) {
    if (esz == 0) return i8x16.shuffle(a, a, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    return i16x8.shuffle(a, a, 1, 0, 3, 2, 5, 4, 7, 6);
  }
  if (esz == 0) return i8x16.shuffle(a, a, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
  if (esz == 1) return i16x8.shuffle(a, a, 3, 2, 1, 0, 7, 6, 5, 4);
  return i32x4.shuffle(a, a, 1, 0, 3, 2);
}

/** RBIT: bits of every byte reversed, by nibble look-up. */
export function reverseBits(a: v128): v128 {
  const table = i8x16(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15);
  const low = i8x16.swizzle(table, v128.and(a, i8x16.splat(15)));
  return v128.or(i8x16.shl(low, 4), i8x16.swizzle(table, i8x16.shr_u(a, 4)));
}

/** CLZ of B, H, S elements: smear the leading one down and count the zeros above it. */
export function countLeadingZeros(esz: u32, a: v128): v128 {
  const bits: i32 = 8 << esz;
  for (let by: i32 = 1; by < bits; by <<= 1) a = v128.or(a, vShrU(esz, a, by));
  let n = i8x16.popcnt(v128.not(a));
  for (let size: u32 = 0; size < esz; size++) n = addLongPairs(size, n, true);
  return n;
}

/** CLS: leading bits equal to the sign, not counting it. */
export function countLeadingSigns(esz: u32, a: v128): v128 {
  const bits: i32 = 8 << esz;
  const different = v128.xor(a, vShrS(esz, a, bits - 1));
  return vSub(esz, countLeadingZeros(esz, different), vSplat(esz, 1));
}

/** Sum of `bytes` >> esz elements as a signed or unsigned 64-bit number. */
export function addAcross(esz: u32, a: v128, bytes: u32, isUnsigned: bool): u64 {
  if (bytes == 8) a = v128.and(a, i64x2(-1, 0));
  for (let size = esz; size < 3; size++) a = addLongPairs(size, a, isUnsigned);
  return i64x2.extract_lane(a, 0) + i64x2.extract_lane(a, 1);
}

/** Smallest or largest of `bytes` >> esz elements, zero-extended. */
export function maxMinAcross(esz: u32, a: v128, bytes: u32, isUnsigned: bool, max: bool): u64 {
  let b = bytes == 16 ? vHigh(a) : a;
  let r = max ? vMax(esz, a, b, isUnsigned) : vMin(esz, a, b, isUnsigned);
  // Fold the low 64 bits onto one element.
  for (let by: i32 = 32; by >= 8 << esz; by >>= 1) {
    b = i64x2.shr_u(r, by);
    r = max ? vMax(esz, r, b, isUnsigned) : vMin(esz, r, b, isUnsigned);
  }
  return i64x2.extract_lane(r, 0) & ((<u64>-1) >> (<u64>(64 - (8 << esz))));
}

/** SRI: bits of d above the shifted-in ones stay; by is 1 .. element bits. */
export function shiftRightInsert(esz: u32, d: v128, a: v128, by: i32): v128 {
  const mask = vShrU(esz, i64x2.splat(-1), by);
  return v128.bitselect(vShrU(esz, a, by), d, mask);
}

/** SLI: bits of d below the shifted-in ones stay. */
export function shiftLeftInsert(esz: u32, d: v128, a: v128, by: i32): v128 {
  return v128.bitselect(vShl(esz, a, by), d, vShl(esz, i64x2.splat(-1), by));
}

/** SSHR, USHR, SRSHR, URSHR. */
export function shiftRight(esz: u32, a: v128, by: i32, isUnsigned: bool, rounding: bool): v128 {
  return rounding ? vShrRound(esz, a, by, isUnsigned) : vShr(esz, a, by, isUnsigned);
}

/** MLA (add) or MLS. */
export function multiplyAdd(esz: u32, d: v128, a: v128, b: v128, add: bool): v128 {
  const p = vMul(esz, a, b);
  return add ? vAdd(esz, d, p) : vSub(esz, d, p);
}
