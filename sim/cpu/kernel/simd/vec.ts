// v128 primitives selected by element size (esz = log2 of the bytes: 0 B, 1 H, 2 S, 3 D).

export function vSplat(esz: u32, value: u64): v128 {
  if (esz == 0) return i8x16.splat(<i8>value);
  if (esz == 1) return i16x8.splat(<i16>value);
  if (esz == 2) return i32x4.splat(<i32>value);
  return i64x2.splat(<i64>value);
}

export function vAdd(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) return i8x16.add(a, b);
  if (esz == 1) return i16x8.add(a, b);
  if (esz == 2) return i32x4.add(a, b);
  return i64x2.add(a, b);
}

export function vSub(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) return i8x16.sub(a, b);
  if (esz == 1) return i16x8.sub(a, b);
  if (esz == 2) return i32x4.sub(a, b);
  return i64x2.sub(a, b);
}

export function vMul(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) {
    const even = i16x8.mul(a, b);
    const odd = i16x8.mul(i16x8.shr_u(a, 8), i16x8.shr_u(b, 8));
    return v128.or(v128.and(even, i16x8.splat(0xff)), i16x8.shl(odd, 8));
  }
  if (esz == 1) return i16x8.mul(a, b);
  if (esz == 2) return i32x4.mul(a, b);
  return i64x2.mul(a, b);
}

export function vNeg(esz: u32, a: v128): v128 {
  return vSub(esz, i64x2.splat(0), a);
}

export function vAbs(esz: u32, a: v128): v128 {
  if (esz == 0) return i8x16.abs(a);
  if (esz == 1) return i16x8.abs(a);
  if (esz == 2) return i32x4.abs(a);
  return i64x2.abs(a);
}

/** Shift left by 0 .. element bits - 1. */
export function vShl(esz: u32, a: v128, by: i32): v128 {
  if (esz == 0) return i8x16.shl(a, by);
  if (esz == 1) return i16x8.shl(a, by);
  if (esz == 2) return i32x4.shl(a, by);
  return i64x2.shl(a, by);
}

/** Logical shift right by 0 .. element bits. */
export function vShrU(esz: u32, a: v128, by: i32): v128 {
  if (by == 8 << esz) return i64x2.splat(0);
  if (esz == 0) return i8x16.shr_u(a, by);
  if (esz == 1) return i16x8.shr_u(a, by);
  if (esz == 2) return i32x4.shr_u(a, by);
  return i64x2.shr_u(a, by);
}

/** Arithmetic shift right by 0 .. element bits. */
export function vShrS(esz: u32, a: v128, by: i32): v128 {
  if (by == 8 << esz) by -= 1;
  if (esz == 0) return i8x16.shr_s(a, by);
  if (esz == 1) return i16x8.shr_s(a, by);
  if (esz == 2) return i32x4.shr_s(a, by);
  return i64x2.shr_s(a, by);
}

export function vShr(esz: u32, a: v128, by: i32, isUnsigned: bool): v128 {
  return isUnsigned ? vShrU(esz, a, by) : vShrS(esz, a, by);
}

/** Shift right with rounding by 1 .. element bits; adding the last bit shifted out cannot overflow. */
export function vShrRound(esz: u32, a: v128, by: i32, isUnsigned: bool): v128 {
  return vAdd(esz, vShr(esz, a, by, isUnsigned), v128.and(vShr(esz, a, by - 1, isUnsigned), vSplat(esz, 1)));
}

export function vEq(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) return i8x16.eq(a, b);
  if (esz == 1) return i16x8.eq(a, b);
  if (esz == 2) return i32x4.eq(a, b);
  return i64x2.eq(a, b);
}

export function vGtS(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) return i8x16.gt_s(a, b);
  if (esz == 1) return i16x8.gt_s(a, b);
  if (esz == 2) return i32x4.gt_s(a, b);
  return i64x2.gt_s(a, b);
}

export function vGtU(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) return i8x16.gt_u(a, b);
  if (esz == 1) return i16x8.gt_u(a, b);
  if (esz == 2) return i32x4.gt_u(a, b);
  const sign = i64x2.splat(i64.MIN_VALUE);
  return i64x2.gt_s(v128.xor(a, sign), v128.xor(b, sign));
}

export function vGt(esz: u32, a: v128, b: v128, isUnsigned: bool): v128 {
  return isUnsigned ? vGtU(esz, a, b) : vGtS(esz, a, b);
}

/** Larger elements; B, H, S only. */
export function vMax(esz: u32, a: v128, b: v128, isUnsigned: bool): v128 {
  if (isUnsigned) {
    if (esz == 0) return i8x16.max_u(a, b);
    if (esz == 1) return i16x8.max_u(a, b);
    return i32x4.max_u(a, b);
  }
  if (esz == 0) return i8x16.max_s(a, b);
  if (esz == 1) return i16x8.max_s(a, b);
  return i32x4.max_s(a, b);
}

/** Smaller elements; B, H, S only. */
export function vMin(esz: u32, a: v128, b: v128, isUnsigned: bool): v128 {
  if (isUnsigned) {
    if (esz == 0) return i8x16.min_u(a, b);
    if (esz == 1) return i16x8.min_u(a, b);
    return i32x4.min_u(a, b);
  }
  if (esz == 0) return i8x16.min_s(a, b);
  if (esz == 1) return i16x8.min_s(a, b);
  return i32x4.min_s(a, b);
}

/** The low half's B, H or S elements doubled in size. */
export function vExtend(esz: u32, a: v128, isUnsigned: bool): v128 {
  if (isUnsigned) {
    if (esz == 0) return i16x8.extend_low_i8x16_u(a);
    if (esz == 1) return i32x4.extend_low_i16x8_u(a);
    return i64x2.extend_low_i32x4_u(a);
  }
  if (esz == 0) return i16x8.extend_low_i8x16_s(a);
  if (esz == 1) return i32x4.extend_low_i16x8_s(a);
  return i64x2.extend_low_i32x4_s(a);
}

/** Upper 64 bits moved down. */
export function vHigh(a: v128): v128 {
  return i64x2.shuffle(a, a, 1, 1);
}

/** Low half of a, low half of b above it. */
export function vConcat(a: v128, b: v128): v128 {
  return i64x2.shuffle(a, b, 0, 2);
}

export function vUzp1(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) return i8x16.shuffle(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  if (esz == 1) return i16x8.shuffle(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
  if (esz == 2) return i32x4.shuffle(a, b, 0, 2, 4, 6);
  return i64x2.shuffle(a, b, 0, 2);
}

export function vUzp2(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) return i8x16.shuffle(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  if (esz == 1) return i16x8.shuffle(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
  if (esz == 2) return i32x4.shuffle(a, b, 1, 3, 5, 7);
  return i64x2.shuffle(a, b, 1, 3);
}

export function vZip1(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  if (esz == 1) return i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  if (esz == 2) return i32x4.shuffle(a, b, 0, 4, 1, 5);
  return i64x2.shuffle(a, b, 0, 2);
}

export function vZip2(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  if (esz == 1) return i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  if (esz == 2) return i32x4.shuffle(a, b, 2, 6, 3, 7);
  return i64x2.shuffle(a, b, 1, 3);
}

export function vTrn1(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) return i8x16.shuffle(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
  if (esz == 1) return i16x8.shuffle(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
  if (esz == 2) return i32x4.shuffle(a, b, 0, 4, 2, 6);
  return i64x2.shuffle(a, b, 0, 2);
}

export function vTrn2(esz: u32, a: v128, b: v128): v128 {
  if (esz == 0) return i8x16.shuffle(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
  if (esz == 1) return i16x8.shuffle(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  if (esz == 2) return i32x4.shuffle(a, b, 1, 5, 3, 7);
  return i64x2.shuffle(a, b, 1, 3);
}
