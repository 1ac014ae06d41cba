// The condition flags. run() keeps them lazily as (a, b, kind): see sim/cpu/isa/text.ts for the kinds.

/** NZCV as a number 0..15 of a + b + carry. */
export function carryFlags64(a: u64, b: u64, carry: u64): u64 {
  const r = a + b + carry;
  const c = carry ? r <= a : r < a;
  return ((r >>> 63) << 3) | ((<u64>(r == 0)) << 2) | ((<u64>c) << 1) | (((a ^ r) & (b ^ r)) >>> 63);
}

export function addFlags64(a: u64, b: u64): u64 {
  return carryFlags64(a, b, 0);
}

/** The same of the low words. */
export function carryFlags32(x: u64, y: u64, carry: u64): u64 {
  const a = x & 0xffffffff;
  const b = y & 0xffffffff;
  const sum = a + b + carry;
  const r = sum & 0xffffffff;
  return ((r >>> 31) << 3) | ((<u64>(r == 0)) << 2) | ((sum >>> 32) << 1) | (((a ^ r) & (b ^ r)) >>> 31);
}

export function addFlags32(a: u64, b: u64): u64 {
  return carryFlags32(a, b, 0);
}

/** V. */
export function overflowSet(a: u64, b: u64, kind: i32): bool {
  if (kind == 0) return <i64>((a ^ b) & (a ^ (a - b))) < 0;
  if (kind == 1) return <i32>((a ^ b) & (a ^ (a - b))) < 0;
  return kind == 3 && (a & 1) != 0;
}

/** PSTATE.NZCV in bits 31:28. */
export function packFlags(a: u64, b: u64, kind: i32): u32 {
  if (kind == 3) return (<u32>a) << 28;
  const r = a - b;
  const n: u32 = kind == 1 ? (<u32>r) & 0x80000000 : (<u32>(r >>> 32)) & 0x80000000;
  const c: u32 = kind <= 1 && a >= b ? 0x20000000 : 0;
  return n | (a == b ? 0x40000000 : 0) | c | (overflowSet(a, b, kind) ? 0x10000000 : 0);
}

/** True if condition `c` (0..15) holds; 14 and 15 always do (Arm ARM C1.2.4). */
export function conditionHolds(c: u32, a: u64, b: u64, kind: i32): bool {
  const inverted = (c & 1) != 0;
  switch (c >> 1) {
    case 0:
      return (kind != 3 ? a == b : (a & 4) != 0) != inverted;
    case 1:
      return (kind <= 1 ? a >= b : kind == 3 && (a & 2) != 0) != inverted;
    case 2:
      return (packFlags(a, b, kind) >>> 31 != 0) != inverted;
    case 3:
      return overflowSet(a, b, kind) != inverted;
    case 4:
      return (kind <= 1 ? a > b : kind == 3 && (a & 6) == 2) != inverted;
    case 5:
      return (kind != 3 ? <i64>a >= <i64>b : ((a >>> 3) & 1) == (a & 1)) != inverted;
    case 6:
      return (kind != 3 ? <i64>a > <i64>b : (a & 4) == 0 && ((a >>> 3) & 1) == (a & 1)) != inverted;
    default:
      return true;
  }
}
