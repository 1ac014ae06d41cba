import { matches } from '../../../sim/cpu/isa/simd/pattern.js';
import type { ParsedSimdEncoding } from '../../../sim/cpu/isa/simd/pattern.js';
import type { FpState } from './module.js';

/** Random numbers from a seed (xorshift32): the same seed gives the same cases. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0 || 1;
  }

  /** Unsigned 32 bits. */
  next(): number {
    let s = this.state;
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    this.state = s >>> 0;
    return this.state;
  }

  /** 0 .. limit - 1. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** A random instruction of an encoding; general register 30 belongs to the runner, so field value 30 is avoided. */
export function randomInstruction(random: Random, encoding: ParsedSimdEncoding): number {
  for (;;) {
    let insn = encoding.value;
    for (const { low, width } of encoding.fields) {
      let value = random.below(2 ** width);
      if (width === 5 && value === 30) value = 3;
      // Few registers, so that operands often coincide.
      if (width === 5 && low !== 16 && random.below(3) === 0) value &= 3;
      insn += value * 2 ** low;
    }
    if (!encoding.undef.some((condition) => matches(condition, insn))) return insn;
  }
}

const EDGES64 = [
  '0000000000000000',
  '8000000000000000',
  '3ff0000000000000',
  'bff0000000000000',
  '7ff0000000000000',
  'fff0000000000000',
  '7ff8000000000000',
  'fff8000000000001',
  '7ff0000000000001',
  'fff4000000000000',
  '0000000000000001',
  '800fffffffffffff',
  '0010000000000000',
  '8010000000000000',
  '7fefffffffffffff',
  'ffefffffffffffff',
  '4000000000000000',
  '3fe0000000000000',
  '4340000000000000',
  '43e0000000000000',
  'c3e0000000000000',
  '43f0000000000000',
  '41dfffffffc00000',
  '41e0000000000000',
  'c1e0000000200000',
  '47efffffe0000000',
  '47effffff0000000',
  '36a0000000000000',
  '380fffffffffffff',
  '3690000000000000',
  '40effe0000000000',
  '3e70000000000000',
  '3f10000000000000',
  '4008000000000000',
  '3ff8000000000000',
  '7fffffffffffffff',
  'ffffffffffffffff',
  '7fd0000000000000',
  '0008000000000000',
  '0004000000000000',
].map((text) => BigInt(`0x${text}`));

const EDGES32 = [
  0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001, 0xffa00000, 1,
  0x807fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x40000000, 0x3f000000, 0x4b000000, 0x4b800000,
  0x4f000000, 0xcf000000, 0x4f800000, 0x5f000000, 0xdf000000, 0x5f800000, 0x477fe000, 0x477ff000, 0x33800000,
  0x38800000, 0x387fffff, 0x33000000, 0x40400000, 0x3fc00000, 0x7fffffff, 0xffffffff, 0x7e800000, 0x00400000,
  0x00200000, 0x001fffff, 0x7e000000,
];

const EDGES16 = [
  0, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00, 0xfe01, 0x7c01, 0xfd00, 1, 0x83ff, 0x0400, 0x7bff, 0x7fff, 0xffff,
  0x00ff, 0x0080, 0x007f, 0x0100, 0xff80, 0xff7f,
];

function fill64(random: Random, view: DataView, at: number): void {
  let value = random.pick(EDGES64);
  const kind = random.below(4);
  if (kind === 0) value = (BigInt(random.next()) << 32n) | BigInt(random.next());
  // A moderate exponent, so that operands meet.
  if (kind === 1) {
    value =
      (BigInt(random.pick([0x3f0, 0x3ff, 0x400, 0x41f, 0x43e, 1, 0x7fe]) + random.below(3)) << 52n) |
      (BigInt(random.below(2)) << 63n) |
      (BigInt(random.below(2 ** 20)) << (random.below(2) ? 32n : 0n));
  }
  if (kind === 2) value = (value + BigInt(random.below(3)) - 1n) & 0xffffffffffffffffn;
  view.setBigUint64(at, value, true);
}

function fill32(random: Random, view: DataView, at: number): void {
  let value = random.pick(EDGES32);
  const kind = random.below(4);
  if (kind === 0) value = random.next();
  if (kind === 1) {
    value =
      ((random.pick([0x70, 0x7e, 0x7f, 0x80, 0x8d, 0x9d, 1, 0xfd, 0x66]) + random.below(2)) * 2 ** 23 +
        random.below(2) * 2 ** 31 +
        random.below(2 ** 23)) >>>
      0;
    if (random.below(2)) value = (value & 0xfffff000) >>> 0;
  }
  if (kind === 2) value = (value + random.below(3) - 1) >>> 0;
  view.setUint32(at, value, true);
}

function fillVector(random: Random, view: DataView, at: number): void {
  const kind = random.below(8);
  if (kind < 3) {
    for (let i = 0; i < 16; i += 4) fill32(random, view, at + i);
  } else if (kind < 6) {
    for (let i = 0; i < 16; i += 8) fill64(random, view, at + i);
  } else if (kind === 6) {
    for (let i = 0; i < 16; i += 2) {
      view.setUint16(at + i, random.below(3) === 0 ? random.below(65536) : random.pick(EDGES16), true);
    }
  } else {
    const choices = [0, 0x7f, 0x80, 0xff, 1, 0xfe, 2];
    for (let i = 0; i < 16; i += 1) {
      view.setUint8(at + i, random.below(2) ? random.below(256) : random.pick(choices));
    }
  }
}

/** A random state; `plain` keeps rounding to nearest without FZ and with IXC set, where the fast path applies. */
export function randomState(random: Random, plain: boolean): FpState {
  const x = new Uint8Array(256);
  const v = new Uint8Array(512);
  const xView = new DataView(x.buffer);
  const vView = new DataView(v.buffer);
  for (let i = 0; i < 30; i += 1) {
    if (random.below(2)) fill64(random, xView, i * 8);
    else
      xView.setBigInt64(
        i * 8,
        BigInt(random.pick([0, -1, 1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53 + 2, 255])),
        true,
      );
  }
  for (let i = 0; i < 32; i += 1) {
    fillVector(random, vView, i * 16);
    // Sometimes a neighbour's value with a changed sign, for cancellation and equality.
    if (i > 0 && random.below(6) === 0) {
      v.copyWithin(i * 16, i * 16 - 16, i * 16);
      if (random.below(2)) v[i * 16 + 15]! ^= 0x80;
      if (random.below(2)) v[i * 16 + 3]! ^= 0x80;
      if (random.below(2)) v[i * 16]! ^= random.below(4);
    }
  }
  const rmode = random.below(4) << 22;
  const fz = random.below(3) === 0 ? 1 << 24 : 0;
  const dn = random.below(3) === 0 ? 1 << 25 : 0;
  const ahp = random.below(3) === 0 ? 1 << 26 : 0;
  const fpsr = random.below(2) ? 0 : random.next() & 0x0800009f;
  return {
    fpcr: plain ? dn : rmode | fz | dn | ahp,
    fpsr: plain ? 0x10 : fpsr,
    nzcv: (random.below(16) << 28) >>> 0,
    x,
    v,
  };
}
