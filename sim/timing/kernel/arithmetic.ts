// Operations whose time depends on their operands or on a table: division, FP and SIMD.
import { HOT_V, HOT_X } from '../../wasm/layout';
import {
  P_DIV,
  P_DIV_BITS,
  SIMD_BLOCKS,
  SIMD_DOUBLE,
  SIMD_FLAGS,
  SIMD_RD,
  SIMD_READS_FLAGS,
  SIMD_RN,
  SIMD_VA,
  SIMD_VD,
  SIMD_VM,
  SIMD_VN,
  T_FLAGS,
  T_PIPE_DIV,
  T_PIPE_FP,
  TIMED_PARAM,
  TIMED_READY,
  TIMED_SIMD,
  TIMED_UNITS,
} from '../../wasm/timing-layout';
import { later, param } from './state';

/** Latency of a division with operands of these magnitudes (leading zeros): quotient bits come some per cycle. */
export function divideUnits(dividend: u64, divisor: u64): u64 {
  const bits = <i64>clz<u64>(divisor) - <i64>clz<u64>(dividend) + 1;
  if (divisor == 0 || bits <= 0) return param(P_DIV);
  return param(P_DIV) + (<u64>bits / param(P_DIV_BITS)) * <u64>TIMED_UNITS;
}

/** The magnitude of a signed operand. */
export function magnitude(value: u64): u64 {
  return <i64>value < 0 ? 0 - value : value;
}

function ready(slot: u32): u64 {
  return load<u64>(<usize>slot, <usize>TIMED_READY);
}

function vector(n: u32): u64 {
  return ready(<u32>HOT_V + n * 16);
}

/** When the last of `simdTime` was issued. */
export let simdIssued: u64 = 0;

/** Result time of FP or SIMD sub-operation `sub` of instruction `insn`, dispatched at `cy`. */
export function simdTime(sub: u32, insn: u32, cy: u64): u64 {
  const word = load<u32>(<usize>TIMED_SIMD + ((<usize>sub) << 2));
  const double = word & (<u32>SIMD_DOUBLE) ? (insn >>> 22) & 1 : 0;
  const latency = <u64>load<u32>(<usize>TIMED_PARAM + ((<usize>((word & 0xff) + double)) << 2));
  const rn = (insn >>> 5) & 31;
  const rd = insn & 31;
  let start = cy;
  if (word & (<u32>SIMD_VN)) start = later(start, vector(rn));
  if (word & (<u32>SIMD_VM)) start = later(start, vector((insn >>> 16) & 31));
  if (word & (<u32>SIMD_RN)) start = later(start, ready(<u32>HOT_X + rn * 8));
  if (word & (<u32>SIMD_READS_FLAGS)) start = later(start, load<u64>(<usize>T_FLAGS));
  if (word & (<u32>(SIMD_VD | SIMD_VA))) {
    // an accumulator is wanted late
    const third = vector(word & (<u32>SIMD_VA) ? (insn >>> 10) & 31 : rd);
    const forward = <u64>load<u32>(<usize>TIMED_PARAM + ((<usize>((word >> 8) & 0xff)) << 2));
    const late = (word >> 8) & 0xff ? latency - forward : 0;
    if (third > start + late) start = third - late;
  }
  if (word & (<u32>SIMD_BLOCKS)) {
    start = later(start, load<u64>(<usize>T_PIPE_DIV));
    store<u64>(<usize>T_PIPE_DIV, start + latency);
  } else {
    const taken = later(cy, load<u64>(<usize>T_PIPE_FP));
    store<u64>(<usize>T_PIPE_FP, taken + <u64>(TIMED_UNITS / 2));
    start = later(start, taken);
  }
  simdIssued = start;
  const done = start + latency;
  if (word & (<u32>SIMD_FLAGS)) store<u64>(<usize>T_FLAGS, done);
  else if (word & (<u32>SIMD_RD)) store<u64>(<usize>(<u32>HOT_X + (rd == 31 ? 33 : rd) * 8), done, <usize>TIMED_READY);
  else store<u64>(<usize>(<u32>HOT_V + rd * 16), done, <usize>TIMED_READY);
  return done;
}
