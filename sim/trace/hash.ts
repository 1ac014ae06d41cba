/**
 * The rolling hash of a run: 64 bits as two 32-bit lanes over little-endian words, with 32-bit arithmetic only, so
 * that it is the same on every host. Not cryptographic: it tells runs apart, it does not resist forgery.
 */
export class TraceHash {
  #a = 0x243f_6a88 | 0; // first words of pi's fraction, as a start that is not zero
  #b = 0x85a3_08d3 | 0;

  /** Mixes one word (taken modulo 2^32). */
  word(value: number): void {
    let a = this.#a ^ value;
    a = Math.imul(a, 0x9e37_79b1); // 2^32 / golden ratio, odd: a bijection
    a = (a << 13) | (a >>> 19);
    // The second lane sees the first one's state, so equal words at different places differ in both.
    let b = (this.#b + Math.imul(value, 0xc2b2_ae3d) + a) | 0;
    b = (b << 17) | (b >>> 15);
    this.#a = (a + 0x5bd1_e995) | 0;
    this.#b = Math.imul(b, 0x27d4_eb2f);
  }

  words(source: Uint32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) this.word(source[i] as number);
  }

  /** Mixes the UTF-16 code units of a text and its length. */
  text(value: string): void {
    this.word(value.length);
    for (let i = 0; i < value.length; i++) this.word(value.charCodeAt(i));
  }

  /** 16 hexadecimal digits; the state goes on unchanged. */
  hex(): string {
    const high = finish(this.#a ^ Math.imul(this.#b, 0x85eb_ca6b));
    const low = finish(this.#b ^ Math.imul(high, 0xc2b2_ae35));
    return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
  }

  save(): [number, number] {
    return [this.#a, this.#b];
  }

  load(state: readonly [number, number]): void {
    [this.#a, this.#b] = state;
  }
}

/** Spreads every bit over the word (the finaliser of MurmurHash3, public domain constants). */
function finish(value: number): number {
  let x = value ^ (value >>> 16);
  x = Math.imul(x, 0x85eb_ca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2_ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
