/** Numbers that find edges: sizes, frames, ports, domain ids and addresses as a hostile caller would choose them. */
import { Random } from '../differential/isa/random.js';

/** A generator of one case's choices: neighbouring cases and seeds have nothing in common. */
export function randomOf(seed: number, index: number): Random {
  const rng = new Random((Math.imul(seed, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca77)) >>> 0);
  for (let i = 0; i < 4; i++) rng.next();
  return rng;
}

export const U64 = (1n << 64n) - 1n;

export function u64(rng: Random): bigint {
  return (BigInt(rng.next()) << 32n) | BigInt(rng.next());
}

const EDGES: readonly bigint[] = [
  0n, 1n, 2n, 3n, 7n, 8n, 0x1fn, 0x20n, 0x21n, 0xffn, 0x100n, 0xfffn, 0x1000n, 0x7fffn, 0x8000n, 0xffffn, 0x1_0000n,
  0x7fff_ffffn, 0x8000_0000n, 0xffff_fff8n, 0xffff_ffffn, 0x1_0000_0000n, 1n << 40n, 1n << 52n, 1n << 62n, 1n << 63n,
  U64 - 7n, U64,
]; // prettier-ignore

/** Mostly edges, sometimes anything. */
export function edge(rng: Random): bigint {
  return rng.chance(80) ? rng.pick(EDGES) : u64(rng);
}

/** What a field of a hypercall's structure means. */
export type FieldKind = 'domid' | 'port' | 'gfn' | 'vcpu' | 'count' | 'small' | 'any' | 'va' | 'zero';

/** Who and what there is for a hostile caller to name. */
export interface World {
  /** Domain ids: its own, its neighbours', those that nobody has. */
  readonly domids: readonly number[];
  /** Frames: own RAM that may be lost, others', holes. */
  readonly gfns: readonly number[];
  /** Addresses for buffers. */
  readonly vas: readonly bigint[];
}

const DOMIDS = [0x7ff0, 0x7ff1, 0x7ff2, 0x7ff4, 0x7fff, 0xffff, 200];
const GFNS = [0, 0x2000, 0x3001, 0x3002, 0x2_2000, 0x3_9000, 0x3_ffff, 2 ** 27, 2 ** 28 - 1, 2 ** 28];

export function field(rng: Random, kind: FieldKind, world: World): bigint {
  if (rng.chance(6)) return edge(rng);
  switch (kind) {
    case 'domid':
      return BigInt(rng.chance(88) ? rng.pick(world.domids) : rng.pick(DOMIDS));
    case 'port':
      return BigInt(rng.chance(80) ? rng.below(24) : rng.pick([1023, 1024, 4095, 4096, 131071, 131072]));
    case 'gfn':
      return BigInt(rng.chance(70) ? rng.pick(world.gfns) : rng.pick(GFNS));
    case 'vcpu':
      return BigInt(rng.pick([0, 0, 0, 1, 2, 7, 8, 128, 0xffff_ffff]));
    case 'count':
      return BigInt(rng.pick([0, 1, 1, 1, 2, 3, 32, 33, 255, 256, 65535, 0x7fff_ffff, 0xffff_ffff]));
    case 'small':
      return BigInt(rng.below(24));
    case 'va':
      return rng.pick(world.vas);
    case 'zero':
      return rng.chance(90) ? 0n : edge(rng);
    default:
      return edge(rng);
  }
}
