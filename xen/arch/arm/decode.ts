/**
 * Syndromes and, where they are not valid, instructions (xen: xen/arch/arm/include/asm/hsr.h, decode.c; Arm ARM
 * D17.2.37 ISS encoding for a Data Abort).
 */

/** ESR_EL2.ISS of a data abort. */
export interface DataAbort {
  valid: boolean;
  size: 0 | 1 | 2 | 3;
  sign: boolean;
  reg: number;
  external: boolean;
  cache: boolean;
  s1ptw: boolean;
  write: boolean;
  fsc: number;
}

export function dataAbort(esr: number): DataAbort {
  return {
    valid: ((esr >>> 24) & 1) !== 0,
    size: ((esr >>> 22) & 3) as 0 | 1 | 2 | 3,
    sign: ((esr >>> 21) & 1) !== 0,
    reg: (esr >>> 16) & 31,
    external: ((esr >>> 9) & 1) !== 0,
    cache: ((esr >>> 8) & 1) !== 0,
    s1ptw: ((esr >>> 7) & 1) !== 0,
    write: ((esr >>> 6) & 1) !== 0,
    fsc: esr & 0x3f,
  };
}

/** What decoding an instruction adds: the transfer, and the base register's update. */
export interface PostIndexed {
  size: 0 | 1 | 2 | 3;
  reg: number;
  write: boolean;
  rn: number;
  /** Signed 9-bit immediate. */
  imm: number;
}

/**
 * decode_arm64: LDR/STR (immediate, post-indexed) of general registers, zero-extending. Everything else is undefined:
 * pairs, exclusives, pre-index, SIMD, sign-extending forms, and Rn = Rt.
 */
export function decodePostIndexed(opcode: number): PostIndexed | undefined {
  if ((opcode & 0x3b20_0c00) >>> 0 !== 0x3800_0400) return undefined;
  if ((opcode >>> 26) & 1) return undefined;
  const opc = (opcode >>> 22) & 3;
  if (opc > 1) return undefined;
  const reg = opcode & 31;
  const rn = (opcode >>> 5) & 31;
  if (rn === reg && rn !== 31) return undefined;
  return {
    size: (opcode >>> 30) as 0 | 1 | 2 | 3,
    reg,
    write: opc === 0,
    rn,
    imm: (((opcode >>> 12) & 0x1ff) << 23) >> 23,
  };
}

/** Zeroes above 8 << size bits. */
export function maskToSize(value: bigint, size: number): bigint {
  return BigInt.asUintN(8 << size, value);
}

/**
 * sign_extend: sets all bits above the access size when its top bit is set; to 64 bits, without regard to the destination's
 * width (upstream never looks at ISS.SF). Otherwise the value is left as it is.
 */
export function signExtend(value: bigint, size: number, sign: boolean): bigint {
  const bits = BigInt(8 << size);
  if (!sign || size === 3 || ((value >> (bits - 1n)) & 1n) === 0n) return value;
  return BigInt.asUintN(64, value | (~0n << bits));
}
