// FPCompare*, FPMax, FPMin, FPMaxNum, FPMinNum (Arm ARM, shared/functions/float).
import { FP_QNAN, FP_SNAN, FP_ZERO, IOC, infinity, processNaNs, raise, signBit, uClass, uSign, unpack } from './format';

const LESS: i32 = -1;
const EQUAL: i32 = 0;
const GREATER: i32 = 1;
const UNORDERED: i32 = 2;

let classA: u32 = 0;
let classB: u32 = 0;

/** Order of a value among the non-NaNs: its magnitude with its sign; both zeros are 0. */
function orderKey(fmt: u32, bits: u64): i64 {
  if (uClass == FP_ZERO) return 0;
  const magnitude = <i64>(bits & (signBit(fmt) - 1));
  return uSign != 0 ? -magnitude : magnitude;
}

/** Unpacks both operands (flushing denormals as FPCR says) and orders them; classes are left in classA, classB. */
function order(fmt: u32, a: u64, b: u64): i32 {
  unpack(fmt, a);
  classA = uClass;
  const ka = orderKey(fmt, a);
  unpack(fmt, b);
  classB = uClass;
  const kb = orderKey(fmt, b);
  if (classA >= FP_QNAN || classB >= FP_QNAN) return UNORDERED;
  return ka < kb ? LESS : ka == kb ? EQUAL : GREATER;
}

function raiseUnordered(signalAll: bool): void {
  if (signalAll || classA == FP_SNAN || classB == FP_SNAN) raise(IOC);
}

/** FPCompare: NZCV in bits 31:28. */
export function fpCompare(fmt: u32, a: u64, b: u64, signalAll: bool): u32 {
  const r = order(fmt, a, b);
  if (r == UNORDERED) {
    raiseUnordered(signalAll);
    return 0x30000000;
  }
  return r == EQUAL ? 0x60000000 : r == LESS ? 0x80000000 : 0x20000000;
}

/** FPCompareEQ: quiet. */
export function fpEqual(fmt: u32, a: u64, b: u64): bool {
  const r = order(fmt, a, b);
  if (r == UNORDERED) raiseUnordered(false);
  return r == EQUAL;
}

/** FPCompareGE: signals every NaN. */
export function fpGreaterEqual(fmt: u32, a: u64, b: u64): bool {
  const r = order(fmt, a, b);
  if (r == UNORDERED) raiseUnordered(true);
  return r == EQUAL || r == GREATER;
}

/** FPCompareGT: signals every NaN. */
export function fpGreater(fmt: u32, a: u64, b: u64): bool {
  const r = order(fmt, a, b);
  if (r == UNORDERED) raiseUnordered(true);
  return r == GREATER;
}

/** FPMax (`max`) or FPMin. */
export function fpMaxMin(fmt: u32, a: u64, b: u64, max: bool): u64 {
  const r = order(fmt, a, b);
  if (r == UNORDERED) return processNaNs(fmt, classA, classB, a, b);
  if (classA == FP_ZERO && classB == FP_ZERO) {
    const sign = signBit(fmt);
    return max ? a & b & sign : (a | b) & sign;
  }
  // A flushed denormal must be returned as the zero it was read as.
  const first = max ? r == GREATER : r == LESS;
  if ((first ? classA : classB) == FP_ZERO) return (first ? a : b) & signBit(fmt);
  return first ? a : b;
}

/** FPMaxNum (`max`) or FPMinNum: a quiet NaN loses against a number. */
export function fpMaxMinNum(fmt: u32, a: u64, b: u64, max: bool): u64 {
  unpack(fmt, a);
  const ca = uClass;
  unpack(fmt, b);
  const cb = uClass;
  if (ca == FP_QNAN && cb != FP_QNAN) a = infinity(fmt, max ? 1 : 0);
  else if (ca != FP_QNAN && cb == FP_QNAN) b = infinity(fmt, max ? 1 : 0);
  return fpMaxMin(fmt, a, b, max);
}
