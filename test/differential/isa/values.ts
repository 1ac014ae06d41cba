/** Edge-weighted operands: integers, floating point of three precisions, and the control registers. */
import type { Random } from './random.js';
import {
  DATA,
  MEMORY_BYTES,
  STATE_BYTES,
  STATE_FPCR,
  STATE_FPSR,
  STATE_NZCV,
  STATE_TPIDR,
  STATE_V,
  STATE_X,
  viewOf,
} from './state.js';

/** High and low words of 64-bit values. */
const EDGES64: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 1],
  [0xffffffff, 0xffffffff],
  [0xffffffff, 0xfffffffe],
  [0x7fffffff, 0xffffffff],
  [0x80000000, 0],
  [0x80000000, 1],
  [0, 0x7fffffff],
  [0, 0x80000000],
  [0, 0xffffffff],
  [1, 0],
  [0xffffffff, 0x80000000],
  [0xffffffff, 0x7fffffff],
  [0, 31],
  [0, 32],
  [0, 33],
  [0, 63],
  [0, 64],
  [0, 65],
  [0xffffffff, 0],
  [0x55555555, 0x55555555],
  [0x00ff00ff, 0x00ff00ff],
];

/** Double precision: zeros, infinities, NaNs, denormals, limits, and where conversions round or overflow. */
const DOUBLES: readonly (readonly [number, number])[] = [
  [0, 0],
  [0x80000000, 0],
  [0x3ff00000, 0],
  [0xbff00000, 0],
  [0x7ff00000, 0],
  [0xfff00000, 0],
  [0x7ff80000, 0],
  [0xfff80000, 1],
  [0x7ff00000, 1],
  [0xfff40000, 0],
  [0x7ff7ffff, 0xffffffff],
  [0, 1],
  [0x800fffff, 0xffffffff],
  [0x00100000, 0],
  [0x80100000, 0],
  [0x7fefffff, 0xffffffff],
  [0xffefffff, 0xffffffff],
  [0x40000000, 0],
  [0x3fe00000, 0],
  [0x43400000, 0],
  [0x43e00000, 0],
  [0xc3e00000, 0],
  [0x43f00000, 0],
  [0x41dfffff, 0xffc00000],
  [0x41e00000, 0],
  [0xc1e00000, 0x00200000],
  [0x47efffff, 0xe0000000],
  [0x47efffff, 0xf0000000],
  [0x36a00000, 0],
  [0x380fffff, 0xffffffff],
  [0x36900000, 0],
  [0x40effe00, 0],
  [0x3e700000, 0],
  [0x3f100000, 0],
  [0x40080000, 0],
  [0x3ff80000, 0],
  [0x7fd00000, 0],
  [0x00080000, 0],
  [0x00040000, 0],
  [0x3fefffff, 0xffffffff],
];

const SINGLES: readonly number[] = [
  0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001, 0xffa00000,
  0x7fbfffff, 1, 0x807fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x40000000, 0x3f000000, 0x4b000000,
  0x4b800000, 0x4f000000, 0xcf000000, 0x4f800000, 0x5f000000, 0xdf000000, 0x5f800000, 0x477fe000, 0x477ff000,
  0x33800000, 0x38800000, 0x387fffff, 0x33000000, 0x40400000, 0x3fc00000, 0x7fffffff, 0xffffffff, 0x7e800000,
  0x00400000, 0x00200000, 0x001fffff, 0x7e000000, 0x3f7fffff, 0x3f800001,
];

const HALVES: readonly number[] = [
  0, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00, 0xfe01, 0x7c01, 0xfd00, 1, 0x83ff, 0x0400, 0x7bff, 0x7fff, 0xffff,
  0x00ff, 0x0080, 0x007f, 0x0100, 0xff80, 0xff7f,
];

const BYTES: readonly number[] = [0, 0x7f, 0x80, 0xff, 1, 0xfe, 2, 8, 7];

const DOUBLE_EXPONENTS: readonly number[] = [0x3f0, 0x3ff, 0x400, 0x41f, 0x43e, 1, 0x7fc];
const SINGLE_EXPONENTS: readonly number[] = [0x70, 0x7e, 0x7f, 0x80, 0x8d, 0x9d, 1, 0xfd, 0x66];

function put(view: DataView, at: number, high: number, low: number): void {
  view.setUint32(at, low, true);
  view.setUint32(at + 4, high, true);
}

/** An integer operand: edges and their neighbours, small numbers, single bits, random. */
export function fillInteger(random: Random, view: DataView, at: number): void {
  const kind = random.below(8);
  if (kind < 3) {
    const [high, low] = random.pick(EDGES64);
    put(view, at, high, low);
  } else if (kind === 3) {
    put(view, at, random.next(), random.next());
  } else if (kind === 4) {
    put(view, at, 0, random.below(70));
  } else if (kind === 5) {
    const bit = random.below(64);
    const flip = random.chance(50) ? 0xffffffff : 0;
    put(view, at, flip ^ (bit > 31 ? 1 << (bit - 32) : 0), flip ^ (bit < 32 ? 1 << bit : 0));
  } else if (kind === 6) {
    // a 32-bit edge under a random upper half
    put(view, at, random.next(), (random.pick(EDGES64)[1] + random.below(3) - 1) >>> 0);
  } else {
    fillDouble(random, view, at);
  }
}

function fillDouble(random: Random, view: DataView, at: number): void {
  const kind = random.below(4);
  if (kind === 0) {
    put(view, at, random.next(), random.next());
  } else if (kind === 1) {
    // a moderate exponent, so that operands meet
    const exponent = random.pick(DOUBLE_EXPONENTS) + random.below(3);
    const high = ((random.below(2) << 31) | (exponent << 20) | (random.below(2) ? random.below(2 ** 20) : 0)) >>> 0;
    put(view, at, high, random.below(2) ? random.next() : 0);
  } else {
    const [high, low] = random.pick(DOUBLES);
    const step = kind === 2 ? random.below(3) - 1 : 0;
    put(view, at, high, (low + step) >>> 0);
  }
}

function fillSingle(random: Random, view: DataView, at: number): void {
  const kind = random.below(4);
  let value = random.pick(SINGLES);
  if (kind === 0) value = random.next();
  else if (kind === 1) {
    const exponent = random.pick(SINGLE_EXPONENTS) + random.below(2);
    value = ((random.below(2) << 31) | (exponent << 23) | random.below(2 ** 23)) >>> 0;
    if (random.below(2)) value = (value & 0xfffff000) >>> 0;
  } else if (kind === 2) value = (value + random.below(3) - 1) >>> 0;
  view.setUint32(at, value, true);
}

/** A vector operand: lanes of one width with edges of that width. */
export function fillVector(random: Random, view: DataView, at: number): void {
  const kind = random.below(10);
  if (kind < 3) for (let i = 0; i < 16; i += 4) fillSingle(random, view, at + i);
  else if (kind < 6) for (let i = 0; i < 16; i += 8) fillDouble(random, view, at + i);
  else if (kind < 8) {
    for (let i = 0; i < 16; i += 2) {
      view.setUint16(at + i, random.below(3) === 0 ? random.below(65536) : random.pick(HALVES), true);
    }
  } else if (kind === 8) {
    for (let i = 0; i < 16; i += 1) view.setUint8(at + i, random.below(2) ? random.below(256) : random.pick(BYTES));
  } else for (let i = 0; i < 16; i += 8) fillInteger(random, view, at + i);
}

/** FPCR of Armv8.0: rounding mode, FZ, DN, AHP; often all zero, as compilers leave it. */
export function randomFpcr(random: Random): number {
  if (random.chance(30)) return 0;
  const rmode = random.below(4) << 22;
  const fz = random.below(3) === 0 ? 1 << 24 : 0;
  const dn = random.below(3) === 0 ? 1 << 25 : 0;
  const ahp = random.below(3) === 0 ? 1 << 26 : 0;
  return rmode | fz | dn | ahp;
}

const FPSR_BITS = 0x0800_009f;

/** A state without pointers; its PC is 0. */
export function randomState(random: Random): Uint8Array {
  const state = new Uint8Array(STATE_BYTES);
  const view = viewOf(state);
  for (let i = 0; i < 32; i += 1) fillInteger(random, view, STATE_X + 8 * i);
  for (let i = 0; i < 32; i += 1) {
    const at = STATE_V + 16 * i;
    fillVector(random, view, at);
    // sometimes a neighbour's value with a changed sign, for cancellation and equality
    if (i > 0 && random.below(6) === 0) {
      state.copyWithin(at, at - 16, at);
      if (random.below(2)) view.setUint8(at + 15, view.getUint8(at + 15) ^ 0x80);
      if (random.below(2)) view.setUint8(at + 3, view.getUint8(at + 3) ^ 0x80);
      if (random.below(2)) view.setUint8(at, view.getUint8(at) ^ random.below(4));
    }
  }
  randomControl(random, state);
  fillInteger(random, view, STATE_TPIDR);
  return state;
}

/** New NZCV, FPCR and FPSR. With IXC set and plain rounding the kernel may use the host's floating point. */
export function randomControl(random: Random, state: Uint8Array): void {
  const view = viewOf(state);
  view.setUint32(STATE_NZCV, random.below(16) << 28, true);
  view.setUint32(STATE_FPCR, randomFpcr(random), true);
  const fpsr = [0, 0x10, 0x10, random.next() & FPSR_BITS][random.below(4)] as number;
  view.setUint32(STATE_FPSR, fpsr, true);
}

/** The data before every case: always the same, so that a case is its instructions and its state. */
export function initialMemory(): Uint8Array {
  const memory = new Uint8Array(MEMORY_BYTES);
  const view = viewOf(memory);
  let state = 0x2545_f491;
  for (let i = 0; i < MEMORY_BYTES; i += 8) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const [high, low] = (state & 3 ? DOUBLES[(state >>> 8) % DOUBLES.length] : undefined) ?? [state, state ^ DATA];
    const narrow = SINGLES[(state >>> 16) % SINGLES.length] as number;
    if (state & 4) put(view, i, high >>> 0, low >>> 0);
    else put(view, i, narrow, state >>> 0);
  }
  return memory;
}
