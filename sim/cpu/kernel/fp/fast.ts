// The one place where host floating point may produce a guest value. Valid only when rounding is to nearest, FZ is 0 and
// IXC is already set, and only when the result is normal and above the smallest normal: then no input was a NaN or an infinity
// (a division by infinity gives zero), and no flag other than IXC can change (tininess is detected before rounding, hence
// "above the smallest"). WebAssembly's add, sub, mul, div and sqrt are correctly rounded to nearest even.
import { HOT_FPCR } from '../../../wasm/layout';
import { DOUBLE } from './format';

const CONTROL: u64 = ((<u64>16) << 32) | (7 << 22); // FPSR.IXC; FPCR.FZ and RMode
const READY: u64 = (<u64>16) << 32;
let wanted: u64 = READY;

/** Turns the fast path off (0) or on. Results are the same; tests compare both. */
export function setFpFastPath(on: u32): void {
  wanted = on ? READY : <u64>-1;
}

/** True when the control state allows the fast path (FPSR follows FPCR in the HOT block). */
export function fastOpen(): bool {
  return (load<u64>(<usize>HOT_FPCR) & CONTROL) == wanted;
}

/** True when `bits` is a result the fast path may deliver. */
export function fastOk(fmt: u32, bits: u64): bool {
  return fmt == DOUBLE ? ((<u32>(bits >> 52)) & 0x7ff) - 2 < 0x7fd : ((<u32>(bits >> 23)) & 0xff) - 2 < 0xfd;
}

export function fastAdd(fmt: u32, a: u64, b: u64): u64 {
  return fmt == DOUBLE
    ? reinterpret<u64>(reinterpret<f64>(a) + reinterpret<f64>(b))
    : <u64>reinterpret<u32>(reinterpret<f32>(<u32>a) + reinterpret<f32>(<u32>b));
}

export function fastSub(fmt: u32, a: u64, b: u64): u64 {
  return fmt == DOUBLE
    ? reinterpret<u64>(reinterpret<f64>(a) - reinterpret<f64>(b))
    : <u64>reinterpret<u32>(reinterpret<f32>(<u32>a) - reinterpret<f32>(<u32>b));
}

export function fastMul(fmt: u32, a: u64, b: u64): u64 {
  return fmt == DOUBLE
    ? reinterpret<u64>(reinterpret<f64>(a) * reinterpret<f64>(b))
    : <u64>reinterpret<u32>(reinterpret<f32>(<u32>a) * reinterpret<f32>(<u32>b));
}

export function fastDiv(fmt: u32, a: u64, b: u64): u64 {
  return fmt == DOUBLE
    ? reinterpret<u64>(reinterpret<f64>(a) / reinterpret<f64>(b))
    : <u64>reinterpret<u32>(reinterpret<f32>(<u32>a) / reinterpret<f32>(<u32>b));
}

export function fastSqrt(fmt: u32, a: u64): u64 {
  return fmt == DOUBLE
    ? reinterpret<u64>(sqrt<f64>(reinterpret<f64>(a)))
    : <u64>reinterpret<u32>(sqrt<f32>(reinterpret<f32>(<u32>a)));
}

function lanesOk(fmt: u32, r: v128): bool {
  if (fmt == DOUBLE) {
    const e = v128.and(r, i64x2.splat(0x7ff0000000000000));
    const low = i64x2.gt_s(e, i64x2.splat(0x0010000000000000));
    return v128.all_true<u64>(v128.and(low, i64x2.lt_s(e, i64x2.splat(0x7ff0000000000000))));
  }
  const e = v128.and(r, i32x4.splat(0x7f800000));
  return v128.all_true<u32>(v128.and(i32x4.gt_s(e, i32x4.splat(0x00800000)), i32x4.lt_s(e, i32x4.splat(0x7f800000))));
}

const FAST_ADD: u32 = 0;
const FAST_SUB: u32 = 1;
const FAST_MUL: u32 = 2;

/**
 * Whole 128-bit vector of `op` (add, sub, mul, div: the first four of simd/float.ts) at `out`; false (nothing stored)
 * when the fast path does not apply to every lane.
 */
export function fastVector(op: u32, fmt: u32, a: v128, b: v128, out: usize): bool {
  if (!fastOpen()) return false;
  let r: v128;
  if (fmt == DOUBLE) {
    if (op == FAST_ADD) r = f64x2.add(a, b);
    else if (op == FAST_SUB) r = f64x2.sub(a, b);
    else if (op == FAST_MUL) r = f64x2.mul(a, b);
    else r = f64x2.div(a, b);
  } else {
    if (op == FAST_ADD) r = f32x4.add(a, b);
    else if (op == FAST_SUB) r = f32x4.sub(a, b);
    else if (op == FAST_MUL) r = f32x4.mul(a, b);
    else r = f32x4.div(a, b);
  }
  if (!lanesOk(fmt, r)) return false;
  v128.store(out, r);
  return true;
}
