// FPToFixed, FixedToFP, FPConvert, FPRoundInt (Arm ARM, shared/functions/float).
import {
  FP_INF,
  FP_QNAN,
  FP_SNAN,
  FP_ZERO,
  HALF,
  IOC,
  IXC,
  alternativeHalf,
  defaultNaN,
  defaultNaNs,
  fracBits,
  infinity,
  processNaN,
  raise,
  round,
  roundsUp,
  shiftRightJam,
  uClass,
  uExp,
  uFrac,
  uSign,
  unpack,
  zero,
} from './format';

// Whether the last integerMagnitude discarded something.
let discarded: bool = false;

/** Rounds the unpacked finite value scaled by 2^fbits to an integer magnitude; the exponent must be below 64. */
function integerMagnitude(exp: i32, frac: u64, sign: u32, mode: u32): u64 {
  discarded = false;
  if (exp >= 62) return frac << ((exp - 62) as u64);
  const by = 62 - exp;
  let magnitude: u64 = 0;
  let rest: u64 = 1;
  let half: u64 = 2;
  if (by <= 63) {
    magnitude = by == 63 ? 0 : frac >> (<u64>by);
    rest = frac & (((<u64>1) << (by as u64)) - 1);
    half = (<u64>1) << ((by - 1) as u64);
  }
  discarded = rest != 0;
  return roundsUp(mode, sign, (magnitude & 1) != 0, rest, half) ? magnitude + 1 : magnitude;
}

/** FPToFixed: `bits` * 2^fbits as a `width`-bit integer (in the low bits), saturating. */
export function fpToFixed(fmt: u32, bits: u64, fbits: u32, width: u32, isUnsigned: bool, mode: u32): u64 {
  unpack(fmt, bits);
  if (uClass >= FP_QNAN) {
    raise(IOC);
    return 0;
  }
  if (uClass == FP_ZERO) return 0;
  const ones: u64 = width == 64 ? <u64>-1 : ((<u64>1) << (width as u64)) - 1;
  const exp = uExp + <i32>fbits;
  const huge = uClass == FP_INF || exp >= 64;
  const magnitude = huge ? <u64>-1 : integerMagnitude(exp, uFrac, uSign, mode);
  if (isUnsigned) {
    if (uSign != 0 ? magnitude != 0 : huge || magnitude > ones) {
      raise(IOC);
      return uSign != 0 ? 0 : ones;
    }
  } else {
    const limit = (ones >> 1) + (uSign != 0 ? 1 : 0);
    if (huge || magnitude > limit) {
      raise(IOC);
      return limit;
    }
  }
  if (discarded && !huge) raise(IXC);
  return (uSign != 0 ? 0 - magnitude : magnitude) & ones;
}

/** FixedToFP of a magnitude and sign, scaled by 2^-fbits. */
export function fixedToFp(fmt: u32, sign: u32, magnitude: u64, fbits: u32, mode: u32): u64 {
  if (magnitude == 0) return 0;
  const lead = <i32>clz<u64>(magnitude);
  const frac = lead == 0 ? shiftRightJam(magnitude, 1) : magnitude << ((lead - 1) as u64);
  return round(fmt, mode, sign, 63 - lead - <i32>fbits, frac);
}

/** FPConvert between formats with the given rounding. */
export function fpConvert(from: u32, to: u32, bits: u64, mode: u32): u64 {
  unpack(from, bits);
  const noSpecials = to == HALF && alternativeHalf();
  if (uClass >= FP_QNAN) {
    if (uClass == FP_SNAN || noSpecials) raise(IOC);
    if (noSpecials) return zero(to, uSign);
    if (defaultNaNs()) return defaultNaN(to);
    const fromBits = fracBits(from);
    const toBits = fracBits(to);
    const frac = bits & (((<u64>1) << (fromBits as u64)) - 1);
    const moved = toBits > fromBits ? frac << ((toBits - fromBits) as u64) : frac >> (<u64>(fromBits - toBits));
    return infinity(to, uSign) | moved | ((<u64>1) << ((toBits - 1) as u64));
  }
  if (uClass == FP_INF) {
    if (!noSpecials) return infinity(to, uSign);
    raise(IOC);
    return zero(to, uSign) | 0x7fff;
  }
  return uClass == FP_ZERO ? zero(to, uSign) : round(to, mode, uSign, uExp, uFrac);
}

/** FPRoundInt; `exact` (FRINTX) sets IXC when the value changes. */
export function fpRoundInt(fmt: u32, bits: u64, mode: u32, exact: bool): u64 {
  unpack(fmt, bits);
  if (uClass >= FP_QNAN) return processNaN(fmt, uClass, bits);
  if (uClass == FP_ZERO) return zero(fmt, uSign);
  if (uClass == FP_INF || uExp >= <i32>fracBits(fmt)) return bits;
  const magnitude = integerMagnitude(uExp, uFrac, uSign, mode);
  if (discarded && exact) raise(IXC);
  if (magnitude == 0) return zero(fmt, uSign);
  const lead = <u64>clz<u64>(magnitude);
  return round(fmt, mode, uSign, 63 - <i32>lead, magnitude << (lead - 1));
}
