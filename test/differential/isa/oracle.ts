/**
 * The recorded sample test/oracle/isa.bin: inputs and what QEMU answered, so that every machine has an oracle. One line of
 * JSON (Header), a newline, and the rest deflated: states that cases share, then per case its difference from one of
 * these, and the difference that it made. Numbers are little-endian; a difference is a list of 8-byte granules.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { BLOCK_BYTES, STATE_BYTES, viewOf } from './state.js';
import type { Case, Result } from './state.js';

const VERSION = 1;
const GRANULE = 8;

interface Header {
  readonly isaOracle: number;
  /** First line of `qemu-aarch64 --version`. */
  readonly qemu: string;
  readonly cpu: string;
  readonly seed: number;
  readonly cases: number;
  /** Cases name their class by its index. */
  readonly classes: readonly string[];
}

/** A sample: each case with the index of the shared state that it is near to. */
export interface Sample {
  readonly qemu: string;
  readonly seed: number;
  readonly pool: readonly Uint8Array[];
  readonly cases: readonly { readonly one: Case; readonly near: number; readonly expected: Result }[];
}

class Writer {
  #bytes = new Uint8Array(1 << 16);
  #used = 0;

  u8(value: number): void {
    this.bytes(Uint8Array.of(value));
  }

  u16(value: number): void {
    this.bytes(Uint8Array.of(value & 255, value >> 8));
  }

  u32(value: number): void {
    this.u16(value & 0xffff);
    this.u16(value >>> 16);
  }

  bytes(data: Uint8Array): void {
    if (this.#used + data.length > this.#bytes.length) {
      const bigger = new Uint8Array(2 * this.#bytes.length + data.length);
      bigger.set(this.#bytes);
      this.#bytes = bigger;
    }
    this.#bytes.set(data, this.#used);
    this.#used += data.length;
  }

  /** The granules of `to` that differ from `from`. */
  difference(from: Uint8Array, to: Uint8Array): void {
    const changed: number[] = [];
    for (let at = 0; at < STATE_BYTES; at += GRANULE) {
      if (Buffer.compare(from.subarray(at, at + GRANULE), to.subarray(at, at + GRANULE)) !== 0) changed.push(at);
    }
    this.u8(changed.length);
    for (const at of changed) {
      this.u8(at / GRANULE);
      this.bytes(to.subarray(at, at + GRANULE));
    }
  }

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  u8(): number {
    this.#at += 1;
    return this.#view.getUint8(this.#at - 1);
  }

  u16(): number {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }

  u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new RangeError('the sample is cut off');
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  difference(from: Uint8Array): Uint8Array {
    const to = from.slice();
    for (let left = this.u8(); left > 0; left -= 1) {
      const at = this.u8() * GRANULE;
      to.set(this.bytes(GRANULE), at);
    }
    return to;
  }
}

/** The sample as the bytes of a file. */
export function encodeSample({ qemu, seed, pool, cases }: Sample): Uint8Array {
  const classes = [...new Set(cases.map(({ one }) => one.name))];
  const header: Header = { isaOracle: VERSION, qemu, cpu: 'cortex-a57', seed, cases: cases.length, classes };
  const out = new Writer();
  out.u16(pool.length);
  for (const state of pool) out.bytes(state);
  for (const { one, near, expected } of cases) {
    out.u16(classes.indexOf(one.name));
    out.u16(near);
    out.u8(one.words.length);
    for (const word of one.words) out.u32(word);
    out.difference(pool[near] as Uint8Array, one.state);
    out.u8(expected.signal);
    out.bytes(new Uint8Array(BigUint64Array.of(expected.address).buffer));
    out.difference(one.state, expected.state);
    out.u16(expected.blocks.length / BLOCK_BYTES);
    for (let at = 0; at < expected.blocks.length; at += BLOCK_BYTES) {
      out.bytes(expected.blocks.subarray(at, at + 2));
      out.bytes(expected.blocks.subarray(at + 8, at + BLOCK_BYTES));
    }
  }
  const text = Buffer.from(`${JSON.stringify(header)}\n`);
  return Buffer.concat([text, deflateRawSync(out.done(), { level: 9 })]);
}

/** Throws Error with one line for anything that is no such file, or is cut off. */
export function decodeSample(file: Uint8Array): Sample {
  const end = file.indexOf(10);
  let header: Header;
  let data: Uint8Array;
  try {
    header = JSON.parse(Buffer.from(file.subarray(0, end)).toString('utf8')) as Header;
    data = new Uint8Array(inflateRawSync(file.subarray(end + 1)));
  } catch (error) {
    throw new Error(`not a sample of the ISA oracle, or cut off: ${(error as Error).message}`, { cause: error });
  }
  if (header.isaOracle !== VERSION) throw new Error(`version ${header.isaOracle} of the sample is not known`);
  const input = new Reader(data);
  const pool = Array.from({ length: input.u16() }, () => input.bytes(STATE_BYTES));
  const cases = Array.from({ length: header.cases }, () => {
    const name = header.classes[input.u16()] ?? '?';
    const near = input.u16();
    const words = Array.from({ length: input.u8() }, () => input.u32());
    const state = input.difference(pool[near] as Uint8Array);
    const signal = input.u8();
    const address = viewOf(input.bytes(8)).getBigUint64(0, true);
    const after = input.difference(state);
    const blocks = new Uint8Array(input.u16() * BLOCK_BYTES);
    for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
      blocks.set(input.bytes(2), at);
      blocks.set(input.bytes(16), at + 8);
    }
    return { one: { name, words, state }, near, expected: { signal, address, state: after, blocks } };
  });
  return { qemu: header.qemu, seed: header.seed, pool, cases };
}
