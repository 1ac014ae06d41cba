/**
 * Loads and stores of every form, as A64 encodings with the address in X1 or SP (DDI 0487 C4.1, "Loads and Stores"): with a
 * valid syndrome (ISV = 1) and without, and what is no transfer at all: cache maintenance, translation, a jump.
 */
import type { Random } from '../differential/isa/random.js';

export interface Form {
  readonly name: string;
  readonly word: number;
  /** Subtracted from the target to get the base register. */
  readonly offset: number;
  /** Bytes that are touched; 0: no transfer. */
  readonly bytes: number;
  readonly write: boolean;
  /** A plain transfer of one general register with a valid syndrome. */
  readonly plain: boolean;
  /** The base is SP. */
  readonly sp: boolean;
}

/** Registers that the stanza around it does not need. X1 is the base. */
const RT = [0, 0, 0, 2, 3, 1, 31];

interface Made {
  readonly name: string;
  readonly word: number;
  readonly bytes: number;
  readonly write: boolean;
  readonly offset?: number;
  readonly plain?: boolean;
}

type Maker = (rng: Random) => Made;

/** size, opc of one register: opc 0 store, 1 load, 2 and 3 sign-extending loads; what is allocated only. */
function single(rng: Random): { size: number; opc: number; bits: number; bytes: number; write: boolean } {
  const size = rng.below(4);
  const opc = rng.below(size === 3 ? 2 : size === 2 ? 3 : 4);
  return { size, opc, bits: ((size << 30) | (opc << 22)) >>> 0, bytes: 1 << size, write: opc === 0 };
}

const imm9 = (value: number): number => (value & 0x1ff) << 12;

const MAKERS: readonly (readonly [weight: number, maker: Maker])[] = [
  [
    24,
    (rng) => {
      const { size, bits, bytes, write } = single(rng);
      const imm = rng.chance(50) ? 0 : rng.below(4096);
      return { name: 'imm', word: 0x3900_0000 | bits | (imm << 10), bytes, write, offset: imm << size, plain: true };
    },
  ],
  [
    8,
    (rng) => {
      const { bits, bytes, write } = single(rng);
      const imm = rng.between(-256, 255);
      const word = 0x3800_0000 | bits | imm9(imm);
      // The page tables here give EL0 nothing.
      if (rng.chance(30)) return { name: 'unprivileged', word: word | 0x800, bytes, write, offset: imm };
      return { name: 'unscaled', word, bytes, write, offset: imm, plain: true };
    },
  ],
  [
    6,
    (rng) => {
      const { bits, bytes, write } = single(rng);
      // X4 is zero.
      const option = rng.pick([2, 3, 6, 7]);
      const word = 0x3820_0800 | bits | (4 << 16) | (option << 13) | (rng.below(2) << 12);
      return { name: 'register', word, bytes, write, plain: true };
    },
  ],
  [
    10,
    (rng) => {
      const { bits, bytes, write } = single(rng);
      return { name: 'post', word: 0x3800_0400 | bits | imm9(rng.between(-256, 255)), bytes, write };
    },
  ],
  [
    4,
    (rng) => {
      const { bits, bytes, write } = single(rng);
      const imm = rng.between(-256, 255);
      return { name: 'pre', word: 0x3800_0c00 | bits | imm9(imm), bytes, write, offset: imm };
    },
  ],
  [
    6,
    (rng) => {
      const wide = rng.below(2);
      const load = rng.below(2);
      const mode = rng.below(4);
      const imm = mode === 1 ? 0 : rng.between(-64, 63);
      const word =
        (0x2800_0000 | (wide << 31) | (mode << 23) | (load << 22) | ((imm & 0x7f) << 15) | (rng.pick([3, 5, 6]) << 10)) >>> 0;
      return { name: 'pair', word, bytes: 8 << wide, write: load === 0, offset: imm * (4 << wide) };
    },
  ],
  [
    5,
    (rng) => {
      const size = rng.below(4);
      const load = rng.below(2);
      const word = ((size << 30) | 0x089f_fc00 | (load << 22)) >>> 0;
      return { name: 'ordered', word, bytes: 1 << size, write: load === 0, plain: true };
    },
  ],
  [
    4,
    (rng) => {
      const size = rng.below(4);
      const load = rng.below(2);
      // Status in X6.
      const word = ((size << 30) | 0x0800_7c00 | (load << 22) | ((load ? 31 : 6) << 16) | (rng.below(2) << 15)) >>> 0;
      return { name: 'exclusive', word, bytes: 1 << size, write: load === 0 };
    },
  ],
  [
    2,
    (rng) => {
      const size = rng.between(2, 3);
      const load = rng.below(2);
      const word = ((size << 30) | 0x0820_0000 | (load << 22) | ((load ? 31 : 6) << 16) | (5 << 10)) >>> 0;
      return { name: 'exclusive pair', word, bytes: 2 << size, write: load === 0 };
    },
  ],
  [
    6,
    (rng) => {
      // opc and size of a SIMD&FP register: 0..3, and 4 for 128 bits.
      const scale = rng.below(5);
      const load = rng.below(2);
      const mode = rng.pick([0x3d00_0000, 0x3c00_0400, 0x3c00_0c00, 0x3c00_0000]);
      const word = (mode | ((scale & 3) << 30) | (scale === 4 ? 0x0080_0000 : 0) | (load << 22)) >>> 0;
      return { name: 'vector', word, bytes: 1 << scale, write: load === 0 };
    },
  ],
  [
    3,
    (rng) => {
      const load = rng.below(2);
      const opcode = rng.pick([0, 2, 4, 6, 7, 8, 10]);
      const word = (0x0c00_0000 | (rng.below(2) << 30) | (load << 22) | (opcode << 12) | (rng.below(4) << 10)) >>> 0;
      return { name: 'structures', word, bytes: 8, write: load === 0 };
    },
  ],
  [
    3,
    (rng) => {
      const word = rng.pick([0xd50b_7e20, 0xd50b_7a20, 0xd50b_7b20, 0xd508_7620, 0xd50b_7520]);
      return { name: 'cache', word, bytes: 0, write: false };
    },
  ],
  [1, () => ({ name: 'zva', word: 0xd50b_7420, bytes: 64, write: true })],
  [1, (rng) => ({ name: 'translate', word: rng.pick([0xd508_7800, 0xd508_7820, 0xd508_7840, 0xd508_7860]), bytes: 0, write: false })],
  [1, () => ({ name: 'prefetch', word: 0xf980_0000, bytes: 0, write: false })],
  // Unallocated ones too: an undefined instruction is an outcome.
  [
    4,
    (rng) => ({ name: 'any', word: ((rng.next() & 0xf5ff_ffff) | 0x0800_0000) >>> 0, bytes: 16, write: true }),
  ],
  [1, () => ({ name: 'jump', word: 0xd61f_0020, bytes: 0, write: false })],
]; // prettier-ignore
const TOTAL = MAKERS.reduce((sum, [weight]) => sum + weight, 0);

export function randomForm(rng: Random): Form {
  let left = rng.below(TOTAL);
  const [, maker] = MAKERS.find(([weight]) => (left -= weight) < 0)!;
  const { name, word, bytes, write, offset = 0, plain = false } = maker(rng);
  const same = { name, offset, bytes, write };
  if (name === 'jump') return { ...same, word, plain, sp: false };
  // System instructions have the address in Rt.
  if (word >>> 24 === 0xd5) return { ...same, word: (word | 1) >>> 0, plain, sp: false };
  const sp = name !== 'any' && rng.chance(4);
  const rt = name === 'prefetch' ? rng.below(32) : rng.pick(RT);
  const coded = ((word & ~0x3ff) | ((sp ? 31 : 1) << 5) | rt) >>> 0;
  return { ...same, word: coded, plain: plain && !sp, sp };
}
