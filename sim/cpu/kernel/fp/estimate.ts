// FPRecipEstimate, FPRSqrtEstimate, FPRecpX, UnsignedRecipEstimate, UnsignedRSqrtEstimate (Arm ARM, shared/functions/float;
// the estimates themselves are RecipEstimate and RecipSqrtEstimate there).
import {
  DOUBLE,
  DZC,
  FP_INF,
  FP_QNAN,
  FP_ZERO,
  IXC,
  OFC,
  RM_NEGINF,
  RM_POSINF,
  RM_TIEEVEN,
  UFC,
  expMax,
  fpcrMode,
  fracBits,
  infinity,
  invalid,
  processNaN,
  raise,
  signBit,
  uClass,
  uExp,
  uFrac,
  uSign,
  unpack,
  zero,
} from './format';
import { HOT_FPCR } from '../../../wasm/layout';

/** 1/x of a value in [256, 512) as a fraction of 512: result in [256, 511]. */
function recipEstimate(a: u32): u32 {
  const b = (1 << 19) / (a * 2 + 1);
  return (b + 1) / 2;
}

/** 1/sqrt(x) of a value in [128, 512): result in [256, 511]. */
function recipSqrtEstimate(a: u32): u32 {
  a = a < 256 ? a * 2 + 1 : (((a >> 1) << 1) + 1) * 2;
  let b: u32 = 512;
  while (a * (b + 1) * (b + 1) < 1 << 28) b += 1;
  return (b + 1) / 2;
}

/** FRECPE. */
export function fpRecipEstimate(fmt: u32, bits: u64): u64 {
  unpack(fmt, bits);
  if (uClass >= FP_QNAN) return processNaN(fmt, uClass, bits);
  if (uClass == FP_INF) return zero(fmt, uSign);
  if (uClass == FP_ZERO) {
    raise(DZC);
    return infinity(fmt, uSign);
  }
  const bias: i32 = fmt == DOUBLE ? 1023 : 127;
  if (uExp < -bias - 1) {
    raise(OFC | IXC);
    const mode = fpcrMode();
    const toInfinity = mode == RM_TIEEVEN || (mode == RM_POSINF && uSign == 0) || (mode == RM_NEGINF && uSign != 0);
    return toInfinity ? infinity(fmt, uSign) : infinity(fmt, uSign) - 1;
  }
  if (uExp >= bias - 1 && (load<u32>(<usize>HOT_FPCR) & (1 << 24)) != 0) {
    raise(UFC);
    return zero(fmt, uSign);
  }
  // Nine significant bits from the leading one; the biased result exponent may be 0 or -1: a denormal result.
  const estimate = recipEstimate(<u32>(uFrac >> 54));
  const f = <u64>fracBits(fmt);
  let exp = bias - 1 - uExp;
  let frac = ((<u64>estimate) & 0xff) << (f - 8);
  if (exp == 0) {
    frac = ((<u64>1) << (f - 1)) | (frac >> 1);
  } else if (exp == -1) {
    frac = ((<u64>1) << (f - 2)) | (frac >> 2);
    exp = 0;
  }
  return zero(fmt, uSign) | ((<u64>exp) << f) | frac;
}

/** FRSQRTE. */
export function fpRSqrtEstimate(fmt: u32, bits: u64): u64 {
  unpack(fmt, bits);
  if (uClass >= FP_QNAN) return processNaN(fmt, uClass, bits);
  if (uClass == FP_ZERO) {
    raise(DZC);
    return infinity(fmt, uSign);
  }
  if (uSign != 0) return invalid(fmt);
  if (uClass == FP_INF) return 0;
  // Odd biased exponents (even unbiased) use eight significant bits, even ones nine.
  const odd = (uExp & 1) == 0;
  const estimate = recipSqrtEstimate(<u32>(uFrac >> (odd ? 55 : 54)));
  const bias: i32 = fmt == DOUBLE ? 1023 : 127;
  const exp = (3 * bias - 1 - (uExp + bias)) >> 1;
  const f = <u64>fracBits(fmt);
  return ((<u64>exp) << f) | (((<u64>estimate) & 0xff) << (f - 8));
}

/** FRECPX: the exponent inverted, fraction zero. */
export function fpRecpX(fmt: u32, bits: u64): u64 {
  unpack(fmt, bits);
  if (uClass >= FP_QNAN) return processNaN(fmt, uClass, bits);
  const max = expMax(fmt);
  const f = <u64>fracBits(fmt);
  const exp = (<u32>(bits >> f)) & max;
  return (bits & signBit(fmt)) | ((<u64>(exp == 0 ? max - 1 : exp ^ max)) << f);
}

/** URECPE on 32 bits. */
export function recipEstimate32(a: u32): u32 {
  return a >> 31 == 0 ? 0xffffffff : recipEstimate(a >> 23) << 23;
}

/** URSQRTE on 32 bits. */
export function rSqrtEstimate32(a: u32): u32 {
  return a >> 30 == 0 ? 0xffffffff : recipSqrtEstimate(a >> 23) << 23;
}
