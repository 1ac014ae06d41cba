// Integer arithmetic that is more than one WebAssembly operation.

/** ShiftReg of 64 bits; `how`: bits 1:0 LSL, LSR, ASR, ROR, bits 15:8 amount. */
export function shift64(v: u64, how: u32): u64 {
  const amount = <u64>(how >>> 8);
  switch (how & 3) {
    case 0:
      return v << amount;
    case 1:
      return v >>> amount;
    case 2:
      return <u64>((<i64>v) >> (<i64>amount));
    default:
      return rotr<u64>(v, amount);
  }
}

/** ShiftReg of 32 bits. */
export function shift32(x: u64, how: u32): u64 {
  const v = <u32>x;
  const amount = how >>> 8;
  switch (how & 3) {
    case 0:
      return v << amount;
    case 1:
      return v >>> amount;
    case 2:
      return <u32>((<i32>v) >> (<i32>amount));
    default:
      return rotr<u32>(v, amount);
  }
}

/** ExtendReg; `how`: bits 2:0 UXTB, UXTH, UXTW, UXTX, SXTB, SXTH, SXTW, SXTX, bits 15:8 left shift. */
export function extend(v: u64, how: u32): u64 {
  const shift = <u64>(how >>> 8);
  switch (how & 7) {
    case 0:
      return (v & 0xff) << shift;
    case 1:
      return (v & 0xffff) << shift;
    case 2:
      return (v & 0xffffffff) << shift;
    case 4:
      return (<u64>(<i64>(<i8>v))) << shift;
    case 5:
      return (<u64>(<i64>(<i16>v))) << shift;
    case 6:
      return (<u64>(<i64>(<i32>v))) << shift;
    default:
      return v << shift;
  }
}

export function extract64(high: u64, low: u64, lsb: u64): u64 {
  return lsb == 0 ? low : (low >>> lsb) | (high << (64 - lsb));
}

export function extract32(high: u64, low: u64, lsb: u64): u64 {
  return (((high << 32) | (low & 0xffffffff)) >>> lsb) & 0xffffffff;
}

// Division by zero gives zero; the overflowing signed division gives the dividend (Arm ARM C6.2, UDIV and SDIV).
export function unsignedDivide64(n: u64, m: u64): u64 {
  return m == 0 ? 0 : n / m;
}

export function unsignedDivide32(n: u32, m: u32): u32 {
  return m == 0 ? 0 : n / m;
}

export function signedDivide64(n: u64, m: u64): u64 {
  if (m == 0) return 0;
  return <i64>m == -1 ? 0 - n : <u64>(<i64>n / <i64>m);
}

export function signedDivide32(n: u32, m: u32): u32 {
  if (m == 0) return 0;
  return <i32>m == -1 ? 0 - n : <u32>(<i32>n / <i32>m);
}

export function unsignedMultiplyHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >>> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >>> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 32);
  const other = aLow * bHigh + (middle & 0xffffffff);
  return aHigh * bHigh + (middle >>> 32) + (other >>> 32);
}

export function signedMultiplyHigh(a: u64, b: u64): u64 {
  return unsignedMultiplyHigh(a, b) - (<i64>a < 0 ? b : 0) - (<i64>b < 0 ? a : 0);
}

export function countSign64(v: u64): u64 {
  return clz<u64>(v ^ (<u64>((<i64>v) >> 63))) - 1;
}

export function countSign32(v: u32): u32 {
  return clz<u32>(v ^ (<u32>((<i32>v) >> 31))) - 1;
}

export function reverseBits64(x: u64): u64 {
  let v = bswap<u64>(x);
  v = ((v >>> 4) & 0x0f0f0f0f0f0f0f0f) | ((v & 0x0f0f0f0f0f0f0f0f) << 4);
  v = ((v >>> 2) & 0x3333333333333333) | ((v & 0x3333333333333333) << 2);
  return ((v >>> 1) & 0x5555555555555555) | ((v & 0x5555555555555555) << 1);
}

/** CRC32 and CRC32C instructions; `how`: bits 1:0 log2 of the bytes, bit 2 the Castagnoli polynomial. */
export function crc32(accumulator: u32, value: u64, how: u32): u32 {
  // the polynomials 0x04c11db7 and 0x1edc6f41 with their bits reversed, for a shift to the right
  const polynomial: u32 = how & 4 ? 0x82f63b78 : 0xedb88320;
  let crc = accumulator;
  let rest = value;
  for (let bytes = 1 << (how & 3); bytes > 0; bytes--) {
    crc ^= (<u32>rest) & 0xff;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0);
    rest >>>= 8;
  }
  return crc;
}
