/**
 * Random translation tables and address translation instructions, made from a seed: the input of the comparison with
 * QEMU. All of one region holds descriptors that point into the region, so that walks of every depth happen. Its first
 * part has no blocks and serves for the roots: QEMU 7.2 accepts blocks at levels where they are reserved.
 */

/** The tables, as both sides have them: inside RAM of qemu's virt board with 256 MiB, and of the MMU probe. */
export const TABLES = 0x4840_0000;
export const TABLES_SIZE = 0x20_0000;
const ROOTS_SIZE = 0x8_0000;

/** Order of the words of a case, as guest.S reads them. */
export const CASE_WORDS = ['op', 'va', 'sctlr', 'tcr', 'ttbr0', 'ttbr1', 'mair', 'hcr', 'vtcr', 'vttbr'] as const;
export type AtCase = Readonly<Record<(typeof CASE_WORDS)[number], bigint>>;

/** xorshift32 */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

type Random = ReturnType<typeof generator>;

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T;
const chance = (random: Random, percent: number): boolean => random(100) < percent;

function descriptor(random: Random, offset: number): bigint {
  const block = chance(random, 25) && offset >= ROOTS_SIZE;
  const kind = chance(random, 6) ? pick(random, [0n, 2n]) : block ? 1n : 3n;
  let address = BigInt(TABLES + random(TABLES_SIZE / 0x1000) * 0x1000);
  // beyond PS, or beyond all memory
  if (chance(random, 2)) address |= 1n << BigInt(40 + random(8));
  let low = BigInt(random(1024)) << 2n;
  // stage-2 MemAttr xx00 with xx != 0 is reserved
  if ((low & 0x30n) !== 0n && (low & 0x0cn) === 0n) low |= 4n;
  const accessed = chance(random, 92) ? 1n << 10n : 0n;
  const high = BigInt(random(4096)) << 52n;
  return kind | (low & ~(1n << 10n)) | accessed | address | (chance(random, 70) ? 0n : high);
}

/** Contents of the region. */
export function makeTables(seed: number): BigUint64Array {
  const random = generator(seed);
  return BigUint64Array.from({ length: TABLES_SIZE / 8 }, (_, i) => descriptor(random, i * 8));
}

const root = (random: Random, alignment: number): bigint => BigInt(TABLES + random(ROOTS_SIZE / alignment) * alignment);

// T0SZ, SL0, TG0, PS of VTCR_EL2: an input size above the output size is CONSTRAINED UNPREDICTABLE
const STAGE2 = [
  [24n, 1n, 0n, 2n],
  [25n, 1n, 0n, 4n],
  [32n, 1n, 0n, 0n],
  [20n, 2n, 0n, 4n],
  [22n, 1n, 1n, 3n],
  [24n, 1n, 1n, 2n],
  [31n, 1n, 1n, 5n],
] as const;
const ATTRIBUTES = [0x00n, 0x04n, 0x08n, 0x0cn, 0x44n, 0xffn, 0xbbn, 0xeen];

function makeCase(random: Random): AtCase {
  const virtual = chance(random, 60);
  // with a second stage the root's contents may be blocks: no start at a level where they are reserved
  const smallest = virtual ? 25 : 16;
  const size = (): bigint => BigInt(chance(random, 4) ? pick(random, [10, 40, 45]) : smallest + random(40 - smallest));
  const [t0sz, t1sz] = [size(), size()];
  const tcr =
    t0sz |
    (t1sz << 16n) |
    (chance(random, 4) ? 1n << 7n : 0n) |
    (chance(random, 4) ? 1n << 23n : 0n) |
    (pick(random, [0n, 1n]) << 14n) |
    (pick(random, [2n, 3n]) << 30n) |
    // IPS, TBI0 and TBI1
    (BigInt(random(6)) << 32n) |
    (BigInt(random(4)) << 37n);
  const stage2 = pick(random, STAGE2);
  const upper = chance(random, 40);
  let va = (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32));
  if (chance(random, 90)) {
    const bits = 64n - (upper ? t1sz : t0sz);
    va &= (1n << bits) - 1n;
    if (upper) va |= ((1n << 64n) - 1n) ^ ((1n << bits) - 1n);
  }
  const mair = Array.from({ length: 8 }, () => pick(random, ATTRIBUTES)).reduce((all, one) => (all << 8n) | one, 0n);
  const hcr =
    (1n << 31n) |
    (virtual ? 1n : 0n) |
    // QEMU 7.2 minds PTW without a second stage too
    (virtual && chance(random, 20) ? 1n << 2n : 0n) |
    (chance(random, 5) ? 1n << 12n : 0n);
  return {
    op: BigInt(random(8)),
    va,
    // RES1 bits, WXN, M
    sctlr: 0x30d0_0800n | (chance(random, 20) ? 1n << 19n : 0n) | (chance(random, 92) ? 1n : 0n),
    tcr,
    ttbr0: root(random, 0x1000),
    ttbr1: root(random, 0x1000),
    mair,
    hcr,
    vtcr: (1n << 31n) | stage2[0] | (stage2[1] << 6n) | (stage2[2] << 14n) | (stage2[3] << 16n),
    vttbr: root(random, 0x1_0000),
  };
}

export function makeCases(seed: number, count: number): AtCase[] {
  const random = generator(seed ^ 0x5eed);
  return Array.from({ length: count }, () => makeCase(random));
}
