// Saturating and shift-by-register arithmetic, one element at a time (Arm ARM, SatQ, SignedSatQ, UnsignedSatQ). Every function
// returns the element in the low bits and sets FPSR.QC when it saturates.
import { laneS, laneU, putResult, saturated } from './regs';

function ones(width: u32): u64 {
  return (<u64>-1) >> (<u64>(64 - width));
}

function signedLimit(width: u32, negative: bool): u64 {
  saturated();
  return (ones(width) >> 1) + (negative ? 1 : 0);
}

function unsignedLimit(width: u32): u64 {
  saturated();
  return ones(width);
}

/** A signed value to `width` (at most 32) signed bits. */
function toSigned(v: i64, width: u32): u64 {
  const max = <i64>(ones(width) >> 1);
  return v > max || v < -max - 1 ? signedLimit(width, v < 0) : <u64>v;
}

/** A signed value to `width` (at most 32) unsigned bits. */
function toUnsigned(v: i64, width: u32): u64 {
  if (v < 0) {
    saturated();
    return 0;
  }
  return <u64>v > ones(width) ? unsignedLimit(width) : <u64>v;
}

function addS(a: i64, b: i64, width: u32): u64 {
  if (width < 64) return toSigned(a + b, width);
  const s = a + b;
  return ((a ^ s) & (b ^ s)) < 0 ? signedLimit(64, a < 0) : <u64>s;
}

function subS(a: i64, b: i64, width: u32): u64 {
  if (width < 64) return toSigned(a - b, width);
  const s = a - b;
  return ((a ^ b) & (a ^ s)) < 0 ? signedLimit(64, a < 0) : <u64>s;
}

function addU(a: u64, b: u64, width: u32): u64 {
  const s = a + b;
  return s < a || s > ones(width) ? unsignedLimit(width) : s;
}

function subU(a: u64, b: u64): u64 {
  if (a >= b) return a - b;
  saturated();
  return 0;
}

/** SUQADD: signed accumulator plus unsigned value. */
function addSU(d: i64, n: u64, width: u32): u64 {
  if (width < 64) return toSigned(d + <i64>n, width);
  return n > <u64>i64.MAX_VALUE - <u64>d ? signedLimit(64, false) : <u64>d + n;
}

/** USQADD: unsigned accumulator plus signed value. */
function addUS(d: u64, n: i64, width: u32): u64 {
  if (n >= 0) return addU(d, <u64>n, width);
  return subU(d, 0 - <u64>n);
}

/** Unsigned shift: left for by >= 0, else right. */
function shiftU(v: u64, width: u32, by: i32, rounding: bool, saturating: bool): u64 {
  const w = <i32>width;
  if (by >= 0) {
    if (v == 0) return 0;
    if (saturating && (by >= w || (by > 0 && v >> (<u64>(w - by)) != 0))) return unsignedLimit(width);
    return by >= w ? 0 : v << (by as u64);
  }
  const n = -by;
  if (n > w || (n == w && !rounding)) return 0;
  const r = n == w ? 0 : v >> (<u64>n);
  return rounding ? r + ((v >> (<u64>(n - 1))) & 1) : r;
}

/** Signed shift: left for by >= 0, else right. */
function shiftS(v: i64, width: u32, by: i32, rounding: bool, saturating: bool): u64 {
  const w = <i32>width;
  if (by >= 0) {
    if (v == 0) return 0;
    if (!saturating) return by >= w ? 0 : (<u64>v) << (by as u64);
    if (by >= w) return signedLimit(width, v < 0);
    const r = v << (by as i64);
    if (width < 64) return toSigned(r, width);
    return r >> (<i64>by) != v ? signedLimit(64, v < 0) : <u64>r;
  }
  const n = -by;
  if (n >= w) return rounding ? 0 : <u64>(v >> 63);
  return <u64>(rounding ? (v >> (<i64>n)) + ((v >> (<i64>(n - 1))) & 1) : v >> (<i64>n));
}

export const SQADD: u32 = 0;
export const UQADD: u32 = 1;
export const SQSUB: u32 = 2;
export const UQSUB: u32 = 3;
export const SSHL: u32 = 4;
export const USHL: u32 = 5;
export const SQSHL: u32 = 6;
export const UQSHL: u32 = 7;
export const SRSHL: u32 = 8;
export const URSHL: u32 = 9;
export const SQRSHL: u32 = 10;
export const UQRSHL: u32 = 11;
export const SQDMULH: u32 = 12;
export const SQRDMULH: u32 = 13;
export const SUQADD: u32 = 14;
export const USQADD: u32 = 15;
export const SQABS: u32 = 16;
export const SQNEG: u32 = 17;

/** High half of the doubled product; 16 or 32 bits. */
function doublingHigh(a: i64, b: i64, width: u32, rounding: bool): u64 {
  const min = -(<i64>(ones(width) >> 1)) - 1;
  if (a == min && b == min) return signedLimit(width, false);
  return <u64>((2 * a * b + (rounding ? (<i64>1) << ((width - 1) as i64) : 0)) >> (<i64>width));
}

function element(op: u32, a: usize, b: usize, esz: u32, i: u32): u64 {
  const width: u32 = 8 << esz;
  switch (op) {
    case SQADD:
      return addS(laneS(a, esz, i), laneS(b, esz, i), width);
    case UQADD:
      return addU(laneU(a, esz, i), laneU(b, esz, i), width);
    case SQSUB:
      return subS(laneS(a, esz, i), laneS(b, esz, i), width);
    case UQSUB:
      return subU(laneU(a, esz, i), laneU(b, esz, i));
    case SSHL:
      return shiftS(laneS(a, esz, i), width, <i32>load<i8>(b + (i << esz)), false, false);
    case USHL:
      return shiftU(laneU(a, esz, i), width, <i32>load<i8>(b + (i << esz)), false, false);
    case SQSHL:
      return shiftS(laneS(a, esz, i), width, <i32>load<i8>(b + (i << esz)), false, true);
    case UQSHL:
      return shiftU(laneU(a, esz, i), width, <i32>load<i8>(b + (i << esz)), false, true);
    case SRSHL:
      return shiftS(laneS(a, esz, i), width, <i32>load<i8>(b + (i << esz)), true, false);
    case URSHL:
      return shiftU(laneU(a, esz, i), width, <i32>load<i8>(b + (i << esz)), true, false);
    case SQRSHL:
      return shiftS(laneS(a, esz, i), width, <i32>load<i8>(b + (i << esz)), true, true);
    case UQRSHL:
      return shiftU(laneU(a, esz, i), width, <i32>load<i8>(b + (i << esz)), true, true);
    case SQDMULH:
      return doublingHigh(laneS(a, esz, i), laneS(b, esz, i), width, false);
    case SQRDMULH:
      return doublingHigh(laneS(a, esz, i), laneS(b, esz, i), width, true);
    case SUQADD:
      return addSU(laneS(a, esz, i), laneU(b, esz, i), width);
    case USQADD:
      return addUS(laneU(a, esz, i), laneS(b, esz, i), width);
    case SQABS: {
      const v = laneS(a, esz, i);
      return v < 0 ? subS(0, v, width) : <u64>v;
    }
    default:
      return subS(0, laneS(a, esz, i), width);
  }
}

/** `op` on every element of the first `bytes` of a and b (Vn and Vm; for SUQADD and USQADD Vd and Vn). */
export function saturateLanes(op: u32, a: usize, b: usize, esz: u32, bytes: u32): void {
  const count = bytes >> esz;
  for (let i: u32 = 0; i < count; i++) putResult(esz, i, element(op, a, b, esz, i));
}

/** As saturateLanes with element `index` of b for every element. */
export function saturateByElement(op: u32, a: usize, b: usize, index: u32, esz: u32, bytes: u32): void {
  const count = bytes >> esz;
  const y = laneS(b, esz, index);
  for (let i: u32 = 0; i < count; i++) {
    putResult(esz, i, doublingHigh(laneS(a, esz, i), y, 8 << esz, op == SQRDMULH));
  }
}

export const SHIFT_SQ: u32 = 0; // SQSHL
export const SHIFT_UQ: u32 = 1; // UQSHL
export const SHIFT_SQU: u32 = 2; // SQSHLU

/** Saturating shift left of every element by an immediate. */
export function saturateShift(kind: u32, a: usize, by: u32, esz: u32, bytes: u32): void {
  const count = bytes >> esz;
  const width: u32 = 8 << esz;
  for (let i: u32 = 0; i < count; i++) {
    let r: u64;
    if (kind == SHIFT_SQ) {
      r = shiftS(laneS(a, esz, i), width, by, false, true);
    } else if (kind == SHIFT_UQ || laneS(a, esz, i) >= 0) {
      r = shiftU(laneU(a, esz, i), width, by, false, true);
    } else {
      saturated();
      r = 0;
    }
    putResult(esz, i, r);
  }
}

export const NARROW_SS: u32 = 0; // signed to signed
export const NARROW_SU: u32 = 1; // signed to unsigned
export const NARROW_UU: u32 = 2; // unsigned to unsigned

/** Shifts `count` elements of size esz + 1 right by `by` (0: not at all) and narrows them; the result is the low 64 bits. */
export function saturateNarrow(kind: u32, a: usize, by: u32, rounding: bool, esz: u32, count: u32): u64 {
  const width: u32 = 8 << esz;
  let result: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    let r: u64;
    if (kind == NARROW_UU) {
      const v = shiftU(laneU(a, esz + 1, i), width * 2, -(<i32>by), rounding, false);
      r = v > ones(width) ? unsignedLimit(width) : v;
    } else {
      const v = <i64>shiftS(laneS(a, esz + 1, i), width * 2, -(<i32>by), rounding, false);
      r = kind == NARROW_SS ? toSigned(v, width) : toUnsigned(v, width);
    }
    result |= (r & ones(width)) << ((i * width) as u64);
  }
  return result;
}

/** SQDMULL of two elements: the doubled product in 2 * width bits. */
function doublingLong(a: i64, b: i64, esz: u32): u64 {
  return addS(a * b, a * b, 16 << esz);
}

export const LONG: u32 = 0; // SQDMULL
export const LONG_ADD: u32 = 1; // SQDMLAL
export const LONG_SUB: u32 = 2; // SQDMLSL

/**
 * SQDMULL, SQDMLAL, SQDMLSL on `count` elements at a and b (`step` 0: the one element at b for all) into SIMD_SCRATCH;
 * d is the accumulator.
 */
export function saturateLong(kind: u32, d: usize, a: usize, b: usize, step: u32, esz: u32, count: u32): void {
  const width: u32 = 16 << esz;
  for (let i: u32 = 0; i < count; i++) {
    const product = doublingLong(laneS(a, esz, i), laneS(b, esz, i * step), esz);
    const signedProduct = width == 64 ? <i64>product : <i64>(<i32>product);
    let r = product;
    if (kind == LONG_ADD) r = addS(laneS(d, esz + 1, i), signedProduct, width);
    else if (kind == LONG_SUB) r = subS(laneS(d, esz + 1, i), signedProduct, width);
    putResult(esz + 1, i, r);
  }
}
