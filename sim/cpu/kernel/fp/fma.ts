// FPMulAdd, FPRecipStepFused, FPRSqrtStepFused: one rounding of an exact 128-bit sum (Arm ARM, shared/functions/float).
import {
  FP_INF,
  FP_QNAN,
  FP_SNAN,
  FP_ZERO,
  DOUBLE,
  RM_NEGINF,
  fpcrMode,
  infinity,
  invalid,
  processNaN,
  processNaNs,
  round,
  uClass,
  uExp,
  uFrac,
  uSign,
  unpack,
  zero,
} from './format';
import { fpNeg, multiplyWide, productHi, productLo, two } from './arith';

/**
 * Rounds (product of two significands) + addend, times 2^scale. Significands have their leading one at bit 62; `fc` is
 * 0 when there is no addend. An exact zero takes the sign the rounding mode says.
 */
function roundSum(fmt: u32, sp: u32, ep: i32, fa: u64, fb: u64, sc: u32, ec: i32, fc: u64, scale: i32): u64 {
  const mode = fpcrMode();
  multiplyWide(fa, fb << 1);
  let hi = productHi;
  let lo = productLo;
  if (hi >> 62 == 0) {
    hi = (hi << 1) | (lo >> 63);
    lo <<= 1;
  } else {
    ep += 1;
  }
  if (fc == 0) return round(fmt, mode, sp, ep + scale, lo != 0 ? hi | 1 : hi);
  let smallHi = fc;
  let smallLo: u64 = 0;
  let exp = ep;
  let sign = sp;
  let by = ep - ec;
  if (by < 0 || (by == 0 && hi < fc)) {
    smallHi = hi;
    smallLo = lo;
    hi = fc;
    lo = 0;
    exp = ec;
    sign = sc;
    by = -by;
  }
  if (by > 127) {
    smallHi = 0;
    smallLo = 1;
  } else if (by > 63) {
    const lost = smallLo | (by > 64 ? smallHi << ((128 - by) as u64) : 0);
    smallLo = (smallHi >> (<u64>(by - 64))) | (lost != 0 ? 1 : 0);
    smallHi = 0;
  } else if (by > 0) {
    const lost = smallLo << ((64 - by) as u64);
    smallLo = (smallLo >> (<u64>by)) | (smallHi << ((64 - by) as u64)) | (lost != 0 ? 1 : 0);
    smallHi >>= <u64>by;
  }
  if (sp == sc) {
    lo += smallLo;
    hi += smallHi + (lo < smallLo ? 1 : 0);
    if (hi >> 63 != 0) {
      lo = (hi << 63) | (lo >> 1) | (lo & 1);
      hi >>= 1;
      exp += 1;
    }
  } else {
    const borrow: u64 = lo < smallLo ? 1 : 0;
    lo -= smallLo;
    hi -= smallHi + borrow;
    if ((hi | lo) == 0) return zero(fmt, mode == RM_NEGINF ? 1 : 0);
    if (hi == 0) {
      hi = lo;
      lo = 0;
      exp -= 64;
    }
    // The leading one may be at bit 63 only after the word move above.
    if (hi >> 63 != 0) {
      lo = (hi << 63) | (lo >> 1);
      hi >>= 1;
      exp += 1;
    } else {
      const lead = <u64>(clz<u64>(hi) - 1);
      if (lead != 0) {
        hi = (hi << lead) | (lo >> (64 - lead));
        lo <<= lead;
        exp -= <i32>lead;
      }
    }
  }
  return round(fmt, mode, sign, exp + scale, lo != 0 ? hi | 1 : hi);
}

/** addend + a * b with one rounding. */
export function fpMulAdd(fmt: u32, addend: u64, a: u64, b: u64): u64 {
  unpack(fmt, addend);
  const cc = uClass;
  const sc = uSign;
  const ec = uExp;
  const fc = uFrac;
  unpack(fmt, a);
  const ca = uClass;
  const sa = uSign;
  const ea = uExp;
  const fa = uFrac;
  unpack(fmt, b);
  const cb = uClass;
  const infTimesZero = (ca == FP_INF && cb == FP_ZERO) || (ca == FP_ZERO && cb == FP_INF);
  if (cc >= FP_QNAN || ca >= FP_QNAN || cb >= FP_QNAN) {
    if (cc == FP_QNAN && infTimesZero) return invalid(fmt);
    if (cc == FP_SNAN) return processNaN(fmt, cc, addend);
    if (ca == FP_SNAN || cb == FP_SNAN) return processNaNs(fmt, ca, cb, a, b);
    return cc == FP_QNAN ? processNaN(fmt, cc, addend) : processNaNs(fmt, ca, cb, a, b);
  }
  const sp = sa ^ uSign;
  const productInf = ca == FP_INF || cb == FP_INF;
  if (infTimesZero || (cc == FP_INF && productInf && sc != sp)) return invalid(fmt);
  if (cc == FP_INF) return infinity(fmt, sc);
  if (productInf) return infinity(fmt, sp);
  if (ca == FP_ZERO || cb == FP_ZERO) {
    if (cc == FP_ZERO) return zero(fmt, sc == sp ? sc : fpcrMode() == RM_NEGINF ? 1 : 0);
    return round(fmt, fpcrMode(), sc, ec, fc);
  }
  return roundSum(fmt, sp, ea + uExp, fa, uFrac, sc, ec, cc == FP_ZERO ? 0 : fc, 0);
}

/** FRECPS (2 - a * b) or, when `root`, FRSQRTS ((3 - a * b) / 2). */
export function fpRecipStep(fmt: u32, a: u64, b: u64, root: bool): u64 {
  a = fpNeg(fmt, a);
  unpack(fmt, a);
  const ca = uClass;
  const sa = uSign;
  const ea = uExp;
  const fa = uFrac;
  unpack(fmt, b);
  const cb = uClass;
  if (ca >= FP_QNAN || cb >= FP_QNAN) return processNaNs(fmt, ca, cb, a, b);
  if (ca == FP_INF || cb == FP_INF) {
    if (ca != FP_ZERO && cb != FP_ZERO) return infinity(fmt, sa ^ uSign);
  }
  if (ca == FP_ZERO || cb == FP_ZERO) {
    if (!root) return two(fmt, 0);
    return fmt == DOUBLE ? 0x3ff8000000000000 : 0x3fc00000;
  }
  // 2.0 and 3.0 both have exponent 1.
  const constant: u64 = root ? (<u64>3) << 61 : (<u64>1) << 62;
  return roundSum(fmt, sa ^ uSign, ea + uExp, fa, uFrac, 0, 1, constant, root ? -1 : 0);
}
