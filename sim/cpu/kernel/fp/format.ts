// Formats, unpacking, rounding and NaNs of the integer soft-float. Values are raw bits in a u64; `fmt` is 1 half, 2 single,
// 3 double (the log2 of the size in bytes). Source: Arm ARM, shared/functions/float (FPUnpack, FPRound, FPProcessNaN).
import { HOT_FPCR, HOT_FPSR } from '../../../wasm/layout';

export const HALF: u32 = 1;
export const SINGLE: u32 = 2;
export const DOUBLE: u32 = 3;

// Classes of an unpacked value. NaNs compare above everything else.
export const FP_ZERO: u32 = 0;
export const FP_FINITE: u32 = 1;
export const FP_INF: u32 = 2;
export const FP_QNAN: u32 = 3;
export const FP_SNAN: u32 = 4;

// Rounding: the first four are the encodings of FPCR.RMode.
export const RM_TIEEVEN: u32 = 0;
export const RM_POSINF: u32 = 1;
export const RM_NEGINF: u32 = 2;
export const RM_ZERO: u32 = 3;
export const RM_TIEAWAY: u32 = 4;
export const RM_ODD: u32 = 5;

// FPSR cumulative flags.
export const IOC: u32 = 1;
export const DZC: u32 = 2;
export const OFC: u32 = 4;
export const UFC: u32 = 8;
export const IXC: u32 = 16;
export const IDC: u32 = 128;

const FPCR_FZ: u32 = 1 << 24;
const FPCR_DN: u32 = 1 << 25;
const FPCR_AHP: u32 = 1 << 26;

// The last value unpacked: frac has its leading one at bit 62, value = frac / 2^62 * 2^exp.
export let uClass: u32 = 0;
export let uSign: u32 = 0;
export let uExp: i32 = 0;
export let uFrac: u64 = 0;

/** Sets cumulative exception bits in FPSR. */
export function raise(flags: u32): void {
  store<u32>(<usize>HOT_FPSR, load<u32>(<usize>HOT_FPSR) | flags);
}

export function fpcrMode(): u32 {
  return (load<u32>(<usize>HOT_FPCR) >> 22) & 3;
}

function flushes(): bool {
  return (load<u32>(<usize>HOT_FPCR) & FPCR_FZ) != 0;
}

export function defaultNaNs(): bool {
  return (load<u32>(<usize>HOT_FPCR) & FPCR_DN) != 0;
}

export function alternativeHalf(): bool {
  return (load<u32>(<usize>HOT_FPCR) & FPCR_AHP) != 0;
}

export function fracBits(fmt: u32): u32 {
  return fmt == DOUBLE ? 52 : fmt == SINGLE ? 23 : 10;
}

/** All-ones exponent field. */
export function expMax(fmt: u32): u32 {
  return fmt == DOUBLE ? 0x7ff : fmt == SINGLE ? 0xff : 0x1f;
}

/** Exponent of the smallest normal number. */
export function expMin(fmt: u32): i32 {
  return fmt == DOUBLE ? -1022 : fmt == SINGLE ? -126 : -14;
}

export function signBit(fmt: u32): u64 {
  return fmt == DOUBLE ? 1 << 63 : fmt == SINGLE ? 1 << 31 : 1 << 15;
}

export function infinity(fmt: u32, sign: u32): u64 {
  return (sign ? signBit(fmt) : 0) | ((<u64>expMax(fmt)) << (fracBits(fmt) as u64));
}

export function zero(fmt: u32, sign: u32): u64 {
  return sign ? signBit(fmt) : 0;
}

export function defaultNaN(fmt: u32): u64 {
  return fmt == DOUBLE ? 0x7ff8000000000000 : fmt == SINGLE ? 0x7fc00000 : 0x7e00;
}

/** Default NaN of an invalid operation. */
export function invalid(fmt: u32): u64 {
  raise(IOC);
  return defaultNaN(fmt);
}

/** Splits `bits` into u*; a denormal input is flushed under FPCR.FZ (not in half precision) and sets IDC. */
export function unpack(fmt: u32, bits: u64): void {
  const f = <u64>fracBits(fmt);
  const max = expMax(fmt);
  const exp = (<u32>(bits >> f)) & max;
  const frac = bits & (((<u64>1) << f) - 1);
  uSign = (bits & signBit(fmt)) != 0 ? 1 : 0;
  if (exp == 0) {
    if (frac == 0) {
      uClass = FP_ZERO;
    } else if (fmt != HALF && flushes()) {
      raise(IDC);
      uClass = FP_ZERO;
    } else {
      const top = 63 - <i32>clz<u64>(frac);
      uClass = FP_FINITE;
      uExp = expMin(fmt) - <i32>f + top;
      uFrac = frac << ((62 - top) as u64);
    }
  } else if (exp == max && !(fmt == HALF && alternativeHalf())) {
    uClass = frac == 0 ? FP_INF : frac >> (f - 1) != 0 ? FP_QNAN : FP_SNAN;
  } else {
    uClass = FP_FINITE;
    uExp = <i32>exp + expMin(fmt) - 1;
    uFrac = (frac | ((<u64>1) << f)) << (62 - f);
  }
}

/** Logical shift right that ORs the bits shifted out into bit 0. */
export function shiftRightJam(value: u64, by: u32): u64 {
  if (by == 0) return value;
  if (by > 63) return value != 0 ? 1 : 0;
  return (value >> (<u64>by)) | (value << ((64 - by) as u64) != 0 ? 1 : 0);
}

/** True when a magnitude with discarded part `rest` (half a unit = `half`) rounds away from zero. */
export function roundsUp(mode: u32, sign: u32, odd: bool, rest: u64, half: u64): bool {
  if (mode == RM_TIEEVEN) return rest > half || (rest == half && odd);
  if (mode == RM_POSINF) return rest != 0 && sign == 0;
  if (mode == RM_NEGINF) return rest != 0 && sign != 0;
  return mode == RM_TIEAWAY && rest >= half;
}

/** FPRound of a non-zero value: `frac` has its leading one at bit 62 and a sticky bit 0. Sets OFC, UFC, IXC, IOC. */
export function round(fmt: u32, mode: u32, sign: u32, exp: i32, frac: u64): u64 {
  const f = fracBits(fmt);
  const min = expMin(fmt);
  const max = expMax(fmt);
  let biased: u32 = 0;
  if (exp < min) {
    if (fmt != HALF && flushes()) {
      raise(UFC);
      return zero(fmt, sign);
    }
    frac = shiftRightJam(frac, <u32>(min - exp));
  } else {
    biased = <u32>(exp - min + 1);
  }
  const shift = <u64>(62 - f);
  let mant = frac >> shift;
  const rest = frac & (((<u64>1) << shift) - 1);
  if (biased == 0 && rest != 0) raise(UFC);
  if (roundsUp(mode, sign, (mant & 1) != 0, rest, (<u64>1) << (shift - 1))) {
    mant += 1;
    if (mant == (<u64>1) << (f as u64)) biased = 1;
    if (mant == (<u64>2) << (f as u64)) {
      mant >>= 1;
      biased += 1;
    }
  } else if (mode == RM_ODD && rest != 0) {
    mant |= 1;
  }
  if (fmt == HALF && alternativeHalf()) {
    if (biased > max) {
      raise(IOC);
      return zero(fmt, sign) | 0x7fff;
    }
  } else if (biased >= max) {
    raise(OFC | IXC);
    const toInfinity =
      mode == RM_TIEEVEN || mode == RM_TIEAWAY || (mode == RM_POSINF && sign == 0) || (mode == RM_NEGINF && sign != 0);
    return toInfinity ? infinity(fmt, sign) : infinity(fmt, sign) - 1;
  }
  if (rest != 0) raise(IXC);
  return zero(fmt, sign) | ((<u64>biased) << (f as u64)) | (mant & (((<u64>1) << (f as u64)) - 1));
}

/** FPProcessNaN: the quietened operand, or the default NaN under FPCR.DN. */
export function processNaN(fmt: u32, cls: u32, bits: u64): u64 {
  if (cls == FP_SNAN) raise(IOC);
  return defaultNaNs() ? defaultNaN(fmt) : bits | ((<u64>1) << ((fracBits(fmt) - 1) as u64));
}

/** FPProcessNaNs: signalling before quiet, first operand before second. At least one class must be a NaN. */
export function processNaNs(fmt: u32, classA: u32, classB: u32, a: u64, b: u64): u64 {
  if (classA == FP_SNAN) return processNaN(fmt, classA, a);
  if (classB == FP_SNAN) return processNaN(fmt, classB, b);
  return classA == FP_QNAN ? processNaN(fmt, classA, a) : processNaN(fmt, classB, b);
}
