/**
 * A few A64 instructions by name, for test programs that have labels or parameters. Encodings: DDI 0487 C6.2; those
 * of system registers come from the project's table, which sim/cpu/sysreg.spec.ts holds against GNU as.
 */
import { packEncoding, SYSREGS } from '../../sim/cpu/isa/sysregs.js';

export type SysregName = keyof typeof SYSREGS;

const CONDITIONS = {
  eq: 0,
  ne: 1,
  hs: 2,
  lo: 3,
  mi: 4,
  pl: 5,
  vs: 6,
  vc: 7,
  hi: 8,
  ls: 9,
  ge: 10,
  lt: 11,
  gt: 12,
  le: 13,
};
export type Condition = keyof typeof CONDITIONS;

const reg = (name: SysregName): number => (packEncoding(SYSREGS[name].enc) & 0x7fff) << 5;

/** Words of MRS and MSR (register). */
export const mrs = (rt: number, name: SysregName): number => (0xd530_0000 | reg(name) | rt) >>> 0;
export const msr = (name: SysregName, rt: number): number => (0xd510_0000 | reg(name) | rt) >>> 0;

/** MOVZ and as many MOVK as the value needs. */
export function mov(rd: number, value: number | bigint): number[] {
  const v = BigInt.asUintN(64, BigInt(value));
  const words = [(0xd280_0000 | (Number(v & 0xffffn) << 5) | rd) >>> 0];
  for (let hw = 1; hw < 4; hw++) {
    const part = Number((v >> BigInt(16 * hw)) & 0xffffn);
    if (part !== 0) words.push((0xf280_0000 | (hw << 21) | (part << 5) | rd) >>> 0);
  }
  return words;
}

export const NOP = 0xd503_201f;
export const YIELD = 0xd503_203f;
export const WFE = 0xd503_205f;
export const WFI = 0xd503_207f;
export const SEV = 0xd503_209f;
export const ISB = 0xd503_3fdf;
export const DSB = 0xd503_3f9f;
export const ERET = 0xd69f_03e0;
export const SELF = 0x1400_0000;
export const svc = (imm: number): number => (0xd400_0001 | (imm << 5)) >>> 0;
export const hvc = (imm: number): number => (0xd400_0002 | (imm << 5)) >>> 0;
export const smc = (imm: number): number => (0xd400_0003 | (imm << 5)) >>> 0;
export const brk = (imm: number): number => (0xd420_0000 | (imm << 5)) >>> 0;
/** MSR DAIFSet, #bits and MSR DAIFClr, #bits. */
export const daifset = (bits: number): number => (0xd503_40df | (bits << 8)) >>> 0;
export const daifclr = (bits: number): number => (0xd503_40ff | (bits << 8)) >>> 0;

/** A program at a known address. Branches name labels, which may come later. */
export class Program {
  readonly #words: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: { at: number; to: string; put: (words: number) => number }[] = [];

  constructor(readonly base: number) {}

  get here(): number {
    return this.base + 4 * this.#words.length;
  }

  put(...words: readonly (number | readonly number[])[]): this {
    this.#words.push(...words.flat());
    return this;
  }

  label(name: string): this {
    this.#labels.set(name, this.#words.length);
    return this;
  }

  /** Address of a label that is already there or comes later; valid once all is put. */
  at(name: string): number {
    const index = this.#labels.get(name);
    if (index === undefined) throw new Error(`no label ${name}`);
    return this.base + 4 * index;
  }

  /** NOPs up to an offset from the base. */
  org(offset: number): this {
    while (this.#words.length * 4 < offset) this.#words.push(NOP);
    return this;
  }

  b(to: string): this {
    return this.#branch(0x1400_0000, to, 0, 26);
  }

  bl(to: string): this {
    return this.#branch(0x9400_0000, to, 0, 26);
  }

  bcond(condition: Condition, to: string): this {
    return this.#branch(0x5400_0000 | CONDITIONS[condition], to, 5, 19);
  }

  cbz(rt: number, to: string): this {
    return this.#branch(0xb400_0000 | rt, to, 5, 19);
  }

  cbnz(rt: number, to: string): this {
    return this.#branch(0xb500_0000 | rt, to, 5, 19);
  }

  /** ADR Xd, label: a multiple of four away, so bits 1:0 of the offset (immlo) are zero. */
  adr(rd: number, to: string): this {
    this.#fixups.push({ at: this.#words.length, to, put: (words) => (words & 0x7_ffff) << 5 });
    return this.put((0x1000_0000 | rd) >>> 0);
  }

  mov(rd: number, value: number | bigint): this {
    return this.put(mov(rd, value));
  }

  /** ADD Xd, Xn, #imm. */
  add(rd: number, rn: number, imm: number): this {
    return this.put((0x9100_0000 | (imm << 10) | (rn << 5) | rd) >>> 0);
  }

  /** SUBS Xd, Xn, #imm. */
  subs(rd: number, rn: number, imm: number): this {
    return this.put((0xf100_0000 | (imm << 10) | (rn << 5) | rd) >>> 0);
  }

  /** ADD Xd, Xn, Xm, LSL #shift. */
  addr(rd: number, rn: number, rm: number, shift = 0): this {
    return this.put((0x8b00_0000 | (rm << 16) | (shift << 10) | (rn << 5) | rd) >>> 0);
  }

  /** AND Xd, Xn, Xm. */
  and(rd: number, rn: number, rm: number): this {
    return this.put((0x8a00_0000 | (rm << 16) | (rn << 5) | rd) >>> 0);
  }

  /** CMP Xn, Xm. */
  cmp(rn: number, rm: number): this {
    return this.put((0xeb00_001f | (rm << 16) | (rn << 5)) >>> 0);
  }

  /** MOV Xd, Xm. */
  copy(rd: number, rm: number): this {
    return this.put((0xaa00_03e0 | (rm << 16) | rd) >>> 0);
  }

  /** LDR Xt, [Xn, #offset] and so on; the offset is a multiple of the width. */
  ldr(rt: number, rn: number, offset = 0): this {
    return this.put((0xf940_0000 | ((offset >> 3) << 10) | (rn << 5) | rt) >>> 0);
  }

  str(rt: number, rn: number, offset = 0): this {
    return this.put((0xf900_0000 | ((offset >> 3) << 10) | (rn << 5) | rt) >>> 0);
  }

  ldrw(rt: number, rn: number, offset = 0): this {
    return this.put((0xb940_0000 | ((offset >> 2) << 10) | (rn << 5) | rt) >>> 0);
  }

  strw(rt: number, rn: number, offset = 0): this {
    return this.put((0xb900_0000 | ((offset >> 2) << 10) | (rn << 5) | rt) >>> 0);
  }

  strb(rt: number, rn: number, offset = 0): this {
    return this.put((0x3900_0000 | (offset << 10) | (rn << 5) | rt) >>> 0);
  }

  mrs(rt: number, name: SysregName): this {
    return this.put(mrs(rt, name));
  }

  msr(name: SysregName, rt: number): this {
    return this.put(msr(name, rt));
  }

  /** Stores an immediate: clobbers x16 and x17. */
  poke(address: number, value: number): this {
    return this.mov(16, address).mov(17, value).strw(17, 16);
  }

  words(): number[] {
    const words = [...this.#words];
    for (const { at, to, put } of this.#fixups) {
      words[at] = (words[at]! | put((this.at(to) - this.base) / 4 - at)) >>> 0;
    }
    return words;
  }

  bytes(): Uint8Array {
    return new Uint8Array(Uint32Array.from(this.words()).buffer);
  }

  #branch(word: number, to: string, shift: number, bits: number): this {
    const put = (words: number): number => (words & (2 ** bits - 1)) << shift;
    this.#fixups.push({ at: this.#words.length, to, put });
    return this.put(word >>> 0);
  }
}
