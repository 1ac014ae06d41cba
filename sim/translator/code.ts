/** Opcodes of WebAssembly (core specification 2.0, section 5.4) that regions use. */
export const W = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  drop: 0x1a,
  select: 0x1b,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  i32Load: 0x28,
  i64Load: 0x29,
  i64Load8S: 0x30,
  i64Load8U: 0x31,
  i64Load16S: 0x32,
  i64Load16U: 0x33,
  i64Load32S: 0x34,
  i64Load32U: 0x35,
  i32Store: 0x36,
  i64Store: 0x37,
  i64Store8: 0x3c,
  i64Store16: 0x3d,
  i64Store32: 0x3e,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32LtS: 0x48,
  i32GeU: 0x4f,
  i64Eqz: 0x50,
  i64Eq: 0x51,
  i64Ne: 0x52,
  i64LtS: 0x53,
  i64LtU: 0x54,
  i64GtS: 0x55,
  i64GtU: 0x56,
  i64GeS: 0x59,
  i64GeU: 0x5a,
  i32Clz: 0x67,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32And: 0x71,
  i32Or: 0x72,
  i32Shl: 0x74,
  i32ShrS: 0x75,
  i32ShrU: 0x76,
  i32Rotr: 0x78,
  i64Clz: 0x79,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64DivS: 0x7f,
  i64DivU: 0x80,
  i64And: 0x83,
  i64Or: 0x84,
  i64Xor: 0x85,
  i64Shl: 0x86,
  i64ShrS: 0x87,
  i64ShrU: 0x88,
  i64Rotl: 0x89,
  i64Rotr: 0x8a,
  i32WrapI64: 0xa7,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
  i64Extend8S: 0xc2,
  i64Extend16S: 0xc3,
  i64Extend32S: 0xc4,
  simd: 0xfd,
} as const;

export const TYPE_I32 = 0x7f;
export const TYPE_I64 = 0x7e;
export const TYPE_VOID = 0x40;
/** After the SIMD prefix. */
export const SIMD_LOAD = 0;
export const SIMD_STORE = 11;

/** Bytes of WebAssembly under construction. */
export class Code {
  #bytes = new Uint8Array(1 << 14);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** The bytes so far; valid until more are added. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  clear(): this {
    this.#at = 0;
    return this;
  }

  op(...bytes: number[]): this {
    this.#room(bytes.length);
    for (const byte of bytes) this.#bytes[this.#at++] = byte;
    return this;
  }

  append(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** Unsigned LEB128. */
  u(value: number): this {
    this.#room(5);
    let rest = value >>> 0;
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
    return this;
  }

  /** Signed LEB128 of 32 bits. */
  s(value: number): this {
    this.#room(5);
    let rest = value | 0;
    for (;;) {
      const byte = rest & 127;
      rest >>= 7;
      if ((rest === 0 && (byte & 64) === 0) || (rest === -1 && (byte & 64) !== 0)) {
        this.#bytes[this.#at++] = byte;
        return this;
      }
      this.#bytes[this.#at++] = byte | 128;
    }
  }

  get(local: number): this {
    return this.op(W.get).u(local);
  }

  set(local: number): this {
    return this.op(W.set).u(local);
  }

  tee(local: number): this {
    return this.op(W.tee).u(local);
  }

  i32(value: number): this {
    return this.op(W.i32Const).s(value);
  }

  /** An i64 constant that fits 32 bits, sign-extended. */
  i64(value: number): this {
    return this.op(W.i64Const).s(value);
  }

  /** An i64 constant from two words. */
  i64Words(low: number, high: number): this {
    if ((high | 0) === (low | 0) >> 31) return this.i64(low);
    this.op(W.i64Const);
    this.#room(10);
    let lo = low | 0;
    let hi = high | 0;
    for (;;) {
      const byte = lo & 127;
      lo = (lo >>> 7) | (hi << 25);
      hi >>= 7;
      const sign = (byte & 64) !== 0 ? -1 : 0;
      if (hi === sign && lo === sign) {
        this.#bytes[this.#at++] = byte;
        return this;
      }
      this.#bytes[this.#at++] = byte | 128;
    }
  }

  /** A load or store with its offset; natural alignment is not promised. */
  memory(opcode: number, offset: number): this {
    return this.op(opcode, 0).u(offset);
  }

  /** v128.load or v128.store. */
  vector(opcode: number, offset: number): this {
    return this.op(W.simd, opcode, 0).u(offset);
  }

  #room(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const more = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
    more.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = more;
  }
}
