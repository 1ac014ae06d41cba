// FPAdd, FPSub, FPMul, FPMulX, FPDiv, FPSqrt, FPAbs, FPNeg (Arm ARM, shared/functions/float).
import {
  DOUBLE,
  DZC,
  FP_FINITE,
  FP_INF,
  FP_QNAN,
  FP_ZERO,
  RM_NEGINF,
  fpcrMode,
  infinity,
  invalid,
  processNaN,
  processNaNs,
  raise,
  round,
  shiftRightJam,
  signBit,
  uClass,
  uExp,
  uFrac,
  uSign,
  unpack,
  zero,
} from './format';
import { fastAdd, fastDiv, fastMul, fastOk, fastOpen, fastSqrt, fastSub } from './fast';

// High and low words of the last 64 x 64 multiplication.
export let productHi: u64 = 0;
export let productLo: u64 = 0;

/** Full 128-bit product of two u64. */
export function multiplyWide(a: u64, b: u64): void {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const ll = al * bl;
  const mid = ah * bl + (ll >> 32);
  const mid2 = al * bh + (mid & 0xffffffff);
  productHi = ah * bh + (mid >> 32) + (mid2 >> 32);
  productLo = (mid2 << 32) | (ll & 0xffffffff);
}

function addBits(fmt: u32, a: u64, b: u64, negateB: u32): u64 {
  unpack(fmt, a);
  const ca = uClass;
  const sa = uSign;
  let ea = uExp;
  let fa = uFrac;
  unpack(fmt, b);
  const cb = uClass;
  if (ca >= FP_QNAN || cb >= FP_QNAN) return processNaNs(fmt, ca, cb, a, b);
  const sb = uSign ^ negateB;
  if (ca == FP_INF) return cb == FP_INF && sa != sb ? invalid(fmt) : infinity(fmt, sa);
  if (cb == FP_INF) return infinity(fmt, sb);
  const mode = fpcrMode();
  if (ca == FP_ZERO) {
    if (cb == FP_ZERO) return zero(fmt, sa == sb ? sa : mode == RM_NEGINF ? 1 : 0);
    return round(fmt, mode, sb, uExp, uFrac);
  }
  if (cb == FP_ZERO) return round(fmt, mode, sa, ea, fa);
  let eb = uExp;
  let fb = uFrac;
  let sign = sa;
  if (ea < eb || (ea == eb && fa < fb)) {
    const e = ea;
    ea = eb;
    eb = e;
    const f = fa;
    fa = fb;
    fb = f;
    sign = sb;
  }
  fb = shiftRightJam(fb, <u32>(ea - eb));
  if (sa == sb) {
    const sum = fa + fb;
    return sum >> 63 != 0 ? round(fmt, mode, sign, ea + 1, shiftRightJam(sum, 1)) : round(fmt, mode, sign, ea, sum);
  }
  const difference = fa - fb;
  if (difference == 0) return zero(fmt, mode == RM_NEGINF ? 1 : 0);
  const lead = <i32>clz<u64>(difference) - 1;
  return round(fmt, mode, sign, ea - lead, difference << (lead as u64));
}

export function fpAdd(fmt: u32, a: u64, b: u64): u64 {
  if (fastOpen()) {
    const r = fastAdd(fmt, a, b);
    if (fastOk(fmt, r)) return r;
  }
  return addBits(fmt, a, b, 0);
}

export function fpSub(fmt: u32, a: u64, b: u64): u64 {
  if (fastOpen()) {
    const r = fastSub(fmt, a, b);
    if (fastOk(fmt, r)) return r;
  }
  return addBits(fmt, a, b, 1);
}

function mulBits(fmt: u32, a: u64, b: u64, extended: bool): u64 {
  unpack(fmt, a);
  const ca = uClass;
  const sa = uSign;
  const ea = uExp;
  const fa = uFrac;
  unpack(fmt, b);
  const cb = uClass;
  if (ca >= FP_QNAN || cb >= FP_QNAN) return processNaNs(fmt, ca, cb, a, b);
  const sign = sa ^ uSign;
  if (ca == FP_INF || cb == FP_INF) {
    if (ca == FP_ZERO || cb == FP_ZERO) return extended ? two(fmt, sign) : invalid(fmt);
    return infinity(fmt, sign);
  }
  if (ca == FP_ZERO || cb == FP_ZERO) return zero(fmt, sign);
  // 2^62 * 2^63: the leading one is at bit 61 or 62 of the high word.
  multiplyWide(fa, uFrac << 1);
  let frac = productHi;
  let exp = ea + uExp;
  let low = productLo;
  if (frac >> 62 == 0) {
    frac = (frac << 1) | (low >> 63);
    low <<= 1;
  } else {
    exp += 1;
  }
  return round(fmt, fpcrMode(), sign, exp, low != 0 ? frac | 1 : frac);
}

/** FPTwo. */
export function two(fmt: u32, sign: u32): u64 {
  return zero(fmt, sign) | (fmt == DOUBLE ? 0x4000000000000000 : 0x40000000);
}

export function fpMul(fmt: u32, a: u64, b: u64): u64 {
  if (fastOpen()) {
    const r = fastMul(fmt, a, b);
    if (fastOk(fmt, r)) return r;
  }
  return mulBits(fmt, a, b, false);
}

/** FPMulX: infinity times zero is two. */
export function fpMulX(fmt: u32, a: u64, b: u64): u64 {
  return mulBits(fmt, a, b, true);
}

export function fpDiv(fmt: u32, a: u64, b: u64): u64 {
  if (fastOpen()) {
    const r = fastDiv(fmt, a, b);
    if (fastOk(fmt, r)) return r;
  }
  unpack(fmt, a);
  const ca = uClass;
  const sa = uSign;
  const ea = uExp;
  const fa = uFrac;
  unpack(fmt, b);
  const cb = uClass;
  if (ca >= FP_QNAN || cb >= FP_QNAN) return processNaNs(fmt, ca, cb, a, b);
  const sign = sa ^ uSign;
  if (ca == cb && ca != FP_FINITE) return invalid(fmt);
  if (ca == FP_INF || cb == FP_ZERO) {
    if (ca != FP_INF) raise(DZC);
    return infinity(fmt, sign);
  }
  if (ca == FP_ZERO || cb == FP_INF) return zero(fmt, sign);
  // Both significands in 53 bits; 11 quotient bits a step keep every remainder product below 2^64.
  const divisor = uFrac >> 10;
  let rest = fa >> 10;
  let quotient = rest / divisor;
  rest -= quotient * divisor;
  for (let i = 0; i < 5; i++) {
    rest <<= 11;
    const digit = rest / divisor;
    rest -= digit * divisor;
    quotient = (quotient << 11) | digit;
  }
  // The quotient is a/b * 2^55, in (2^54, 2^56).
  const lead = <i32>clz<u64>(quotient) - 1;
  const frac = (quotient << (lead as u64)) | (rest != 0 ? 1 : 0);
  return round(fmt, fpcrMode(), sign, ea - uExp + (7 - lead), frac);
}

export function fpSqrt(fmt: u32, a: u64): u64 {
  if (fastOpen()) {
    const r = fastSqrt(fmt, a);
    if (fastOk(fmt, r)) return r;
  }
  unpack(fmt, a);
  if (uClass >= FP_QNAN) return processNaN(fmt, uClass, a);
  if (uClass == FP_ZERO) return zero(fmt, uSign);
  if (uSign != 0) return invalid(fmt);
  if (uClass == FP_INF) return infinity(fmt, 0);
  // Digit by digit on a radicand in [1, 4) with 62 fraction bits: 57 fraction bits of the root.
  let exp = uExp;
  let next = uFrac;
  if ((exp & 1) != 0) {
    next <<= 1;
    exp -= 1;
  }
  let root: u64 = 0;
  let rest: u64 = 0;
  for (let i = 0; i < 58; i++) {
    rest = (rest << 2) | (next >> 62);
    next <<= 2;
    const trial = (root << 2) | 1;
    root <<= 1;
    if (rest >= trial) {
      rest -= trial;
      root |= 1;
    }
  }
  const frac = (root << 5) | ((rest | next) != 0 ? 1 : 0);
  return round(fmt, fpcrMode(), 0, exp >> 1, frac);
}

export function fpAbs(fmt: u32, a: u64): u64 {
  return a & ~signBit(fmt);
}

export function fpNeg(fmt: u32, a: u64): u64 {
  return a ^ signBit(fmt);
}
