/**
 * Random translation tables. Those of stage 1 lie in areas by level, so that a table entry always leads to tables of the
 * next level and what a walk ends at lies in the data region, outside RAM or nowhere. Tables of a second kind, pinned,
 * lead to the code whatever the rest does.
 */
import type { Random } from '../isa/random.js';
import {
  CODE,
  DATA,
  DATA_BYTES,
  PINNED,
  RAM,
  RAM_BYTES,
  STAGE2,
  STAGE2_BYTES,
  TABLES,
  TABLES_BYTES,
} from './layout.js';

export type Granule = 4 | 64;

const MIB2 = 0x20_0000;
const TABLE = 3n;
const BLOCK = 1n;
const AF = 1n << 10n;
const CONTIGUOUS = 1n << 52n;
const AP_READ_ONLY_EL0 = 3n << 6n;

/** log2 of what an entry of `level` maps. */
export const shiftOf = (granule: Granule, level: number): number =>
  granule === 4 ? 39 - 9 * level : 16 + 13 * (3 - level);
const tableBytes = (granule: Granule): number => granule * 1024;
const entries = (granule: Granule): number => tableBytes(granule) / 8;

/** The level at which a walk of `bits` of input begins. */
export function firstLevel(granule: Granule, bits: number): number {
  for (let level = granule === 4 ? 0 : 1; level < 3; level += 1) if (bits > shiftOf(granule, level)) return level;
  return 3;
}

/** Memory that tables are put into, word by word. */
export class Region {
  readonly words: BigUint64Array;
  #next: number;

  constructor(
    readonly base: number,
    size: number,
  ) {
    this.words = new BigUint64Array(size / 8);
    this.#next = base;
  }

  /** Takes `bytes`, aligned to `alignment`. */
  take(bytes: number, alignment: number): number {
    const at = Math.ceil(this.#next / alignment) * alignment;
    this.#next = at + bytes;
    if (this.#next > this.base + this.words.length * 8) throw new RangeError('no room for more tables');
    return at;
  }

  put(table: number, index: number, value: bigint): void {
    this.words[(table - this.base) / 8 + index] = BigInt.asUintN(64, value);
  }

  /** Bytes that are left. */
  get room(): number {
    return this.base + this.words.length * 8 - this.#next;
  }

  get used(): Uint8Array {
    return new Uint8Array(this.words.buffer, 0, this.#next - this.base);
  }
}

/** An address that a block or page of 2^shift bytes may have: in the data, or where nothing is. */
function output(random: Random, shift: number): bigint {
  let address: number;
  if (shift >= 29) address = RAM;
  else if (shift >= 21) address = DATA + random.below(DATA_BYTES / MIB2) * MIB2;
  else address = DATA + random.below(DATA_BYTES / 2 ** shift) * 2 ** shift;
  // above all RAM, or beyond what TCR_ELx.IPS or the core allow; not where QEMU has PCIe
  const high = random.chance(4) ? 1n << BigInt(random.pick([34, 36, 37, 40, 41, 42, 43, 44, 46, 47])) : 0n;
  return BigInt(address) | high;
}

/** Attributes of a stage-1 leaf but its address. */
function attributes1(random: Random): bigint {
  const index = BigInt(random.below(8)) << 2n;
  const access = BigInt(random.below(4)) << 6n;
  const share = BigInt(random.pick([0, 2, 3])) << 8n;
  const never = random.chance(25) ? BigInt(random.below(4)) << 53n : 0n;
  const global = random.chance(50) ? 1n << 11n : 0n;
  return index | access | share | never | global | (random.chance(93) ? AF : 0n);
}

/** MemAttr values of stage 2 without the reserved ones. */
const MEMATTR = [0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 15, 15];

function attributes2(random: Random, device: boolean): bigint {
  const memory = BigInt(random.pick(device ? MEMATTR : MEMATTR.slice(4))) << 2n;
  const access = BigInt(random.chance(70) ? 3 : random.below(4)) << 6n;
  const never = random.chance(15) ? 1n << 54n : 0n;
  return memory | access | (BigInt(random.pick([0, 2, 3])) << 8n) | never | (random.chance(95) ? AF : 0n);
}

const NORMAL2 = (15n << 2n) | (3n << 6n) | (3n << 8n) | AF;

/** APTable, XNTable, PXNTable now and then; NSTable is ignored in Non-secure state. */
const tableAttributes = (random: Random): bigint =>
  random.chance(85) ? 0n : (BigInt(random.below(32)) << 59n) & ~(1n << 63n);

interface Areas {
  /** Base and number of tables, by level. */
  readonly [level: number]: { readonly base: number; readonly count: number };
}

/** Tables of both granules for every level but the first, and pinned tables. */
export class Stage1Tables {
  readonly #random: Random;
  readonly #tables = new Region(TABLES, TABLES_BYTES);
  readonly #pinned = new Region(PINNED, MIB2);
  readonly #areas: Readonly<Record<Granule, Areas>>;
  /** Pinned tables by granule, side (0 low addresses, 1 high) and level. */
  readonly #paths = new Map<string, number>();

  constructor(random: Random, scale: number) {
    this.#random = random;
    const area = (granule: Granule, count: number): { base: number; count: number } => ({
      base: this.#tables.take(count * tableBytes(granule), tableBytes(granule)),
      count,
    });
    this.#areas = {
      4: { 1: area(4, 2 * scale), 2: area(4, 8 * scale), 3: area(4, 32 * scale) },
      64: { 2: area(64, scale), 3: area(64, 2 * scale) },
    };
    for (const granule of [4, 64] as const) {
      for (const [level, { base, count }] of Object.entries(this.#areas[granule])) {
        for (let i = 0; i < count; i += 1)
          this.#fill(this.#tables, base + i * tableBytes(granule), granule, Number(level));
      }
    }
    for (const side of [0, 1]) this.#pin(side);
  }

  /** Segments of memory to load. */
  get memory(): { address: number; bytes: Uint8Array }[] {
    return [this.#tables, this.#pinned].map(({ base, used }) => ({ address: base, bytes: used }));
  }

  /** A root for `bits` of input; with `side` the first or last 2 MiB are the code. Returns its address. */
  root(granule: Granule, bits: number, side: 0 | 1 | undefined): number {
    const level = firstLevel(granule, bits);
    const count = 2 ** (bits - shiftOf(granule, level));
    const table = this.#pinned.take(count * 8, Math.max(64, count * 8));
    this.#fill(this.#pinned, table, granule, level, count);
    if (side !== undefined) this.#pinEntry(table, granule, level, side, count);
    return table;
  }

  /** A root of the EL2 regime: RAM at its own addresses in the first GiBs, the code read-only, the rest random. */
  rootEl2(granule: Granule, bits: number): number {
    const level = firstLevel(granule, bits);
    const count = 2 ** (bits - shiftOf(granule, level));
    const table = this.#pinned.take(count * 8, Math.max(64, count * 8));
    this.#fill(this.#pinned, table, granule, level, count);
    this.#identity(table, granule, level);
    return table;
  }

  #identity(table: number, granule: Granule, level: number): void {
    const size = 2 ** shiftOf(granule, level);
    if (level < (granule === 4 ? 2 : 3)) {
      const next = this.#pinned.take(tableBytes(granule), tableBytes(granule));
      this.#fill(this.#pinned, next, granule, level + 1);
      this.#pinned.put(table, Math.floor(RAM / size), BigInt(next) | TABLE);
      this.#identity(next, granule, level + 1);
      return;
    }
    const kind = level === 3 ? TABLE : BLOCK;
    for (let at = RAM; at < RAM + RAM_BYTES; at += size) {
      const readOnly = at >= CODE && at < CODE + MIB2 ? 1n << 7n : 0n;
      const index = Math.floor(at / size) % entries(granule);
      this.#pinned.put(table, index, BigInt(at) | kind | AF | (1n << 6n) | readOnly | (3n << 8n));
    }
  }

  #entry(granule: Granule, level: number): bigint {
    const random = this.#random;
    const invalid = random.chance(5);
    if (invalid) return random.chance(50) ? 0n : output(random, 12) | random.pick([0n, 2n]);
    const smallestBlock = granule === 4 ? 1 : 2;
    if (level === 3) {
      // bits 1:0 = 01 is reserved
      const kind = random.chance(2) ? BLOCK : TABLE;
      return output(random, shiftOf(granule, 3)) | kind | attributes1(random);
    }
    if (level >= smallestBlock && random.chance(35)) {
      return output(random, shiftOf(granule, level)) | BLOCK | attributes1(random);
    }
    const next = this.#areas[granule][level + 1] as { base: number; count: number };
    let address = BigInt(next.base + random.below(next.count) * tableBytes(granule));
    // an external abort on the walk, or an address size fault
    if (random.chance(2)) address |= 1n << BigInt(random.pick([34, 41, 45]));
    return address | TABLE | tableAttributes(random);
  }

  #fill(region: Region, table: number, granule: Granule, level: number, count = entries(granule)): void {
    const random = this.#random;
    const run = granule === 4 ? 16 : 32;
    for (let i = 0; i < count; i += 1) region.put(table, i, this.#entry(granule, level));
    // runs of contiguous entries: pages, or 2 MiB blocks of the 4 KiB granule that fit into the data are too large
    if (level !== 3 || count < run) return;
    const size = 2 ** shiftOf(granule, 3);
    for (let i = 0; i + run <= count; i += run) {
      if (!random.chance(12)) continue;
      const base = DATA + random.below(DATA_BYTES / (size * run)) * size * run;
      const attributes = attributes1(random) | AF;
      for (let j = 0; j < run; j += 1)
        region.put(table, i + j, BigInt(base + j * size) | TABLE | CONTIGUOUS | attributes);
    }
  }

  /** The pinned tables of one side: 2 MiB at the bottom or the top of the addresses. */
  #pin(side: number): void {
    for (const granule of [4, 64] as const) {
      for (const level of granule === 4 ? [2, 1] : [3, 2]) {
        const table = this.#pinned.take(tableBytes(granule), tableBytes(granule));
        this.#paths.set(`${granule} ${side} ${level}`, table);
        this.#fill(this.#pinned, table, granule, level);
        this.#pinEntry(table, granule, level, side as 0 | 1, entries(granule));
      }
    }
  }

  #pinEntry(table: number, granule: Granule, level: number, side: 0 | 1, count: number): void {
    const leaf = AF | AP_READ_ONLY_EL0 | (3n << 8n);
    const last = granule === 4 ? 2 : 3;
    if (level < last) {
      const next = this.#paths.get(`${granule} ${side} ${level + 1}`) as number;
      this.#pinned.put(table, side === 0 ? 0 : count - 1, BigInt(next) | TABLE);
    } else if (granule === 4) {
      this.#pinned.put(table, side === 0 ? 0 : count - 1, BigInt(CODE) | BLOCK | leaf);
    } else {
      const pages = MIB2 / 0x1_0000;
      const start = side === 0 ? 0 : count - pages;
      for (let i = 0; i < pages; i += 1) this.#pinned.put(table, start + i, BigInt(CODE + i * 0x1_0000) | TABLE | leaf);
    }
  }
}

/** A second stage: VTCR_EL2.{TG0, SL0, T0SZ} and the root. */
export interface Stage2 {
  readonly granule: Granule;
  readonly t0sz: number;
  readonly sl0: number;
  readonly root: number;
}

// Input bits by granule and SL0: with the first level's tables concatenated, up to 16 (D5.2.3)
const SHAPES: readonly (readonly [granule: Granule, sl0: number, least: number, most: number])[] = [
  [4, 2, 40, 44],
  [4, 1, 32, 43],
  [4, 0, 31, 34],
  [64, 2, 43, 44],
  [64, 1, 32, 44],
  [64, 0, 31, 32],
];

/** Makes second stages; the code, the pinned tables and most of the random tables are at their own addresses. */
export class Stage2Tables {
  readonly #random: Random;
  readonly #region = new Region(STAGE2, STAGE2_BYTES);
  #device = true;

  constructor(random: Random) {
    this.#random = random;
  }

  get memory(): { address: number; bytes: Uint8Array } {
    return { address: STAGE2, bytes: this.#region.used };
  }

  /** @param device some of the memory is Device memory */
  make(device: boolean): Stage2 {
    this.#device = device;
    const random = this.#random;
    // roots of the 64 KiB granule may take 1 MiB
    const [granule, sl0, least, most] = random.pick(this.#region.room > 0x14_0000 ? SHAPES : SHAPES.slice(0, 3));
    const bits = random.between(least, most);
    const level = granule === 4 ? 2 - sl0 : 3 - sl0;
    const count = 2 ** (bits - shiftOf(granule, level));
    const root = this.#region.take(count * 8, Math.max(64, count * 8));
    this.#fill(root, granule, level, 0, count);
    return { granule, t0sz: 64 - bits, sl0, root };
  }

  /** A table whose first entry is for the address `base`. */
  #fill(table: number, granule: Granule, level: number, base: number, count: number): void {
    const size = 2 ** shiftOf(granule, level);
    for (let i = 0; i < count; i += 1) {
      const address = base + i * size;
      const near = address + size > CODE && address < DATA + DATA_BYTES;
      if (near && level < 3 && (size > MIB2 || this.#split(address))) {
        const next = this.#region.take(tableBytes(granule), tableBytes(granule));
        this.#region.put(table, i, BigInt(next) | TABLE);
        this.#fill(next, granule, level + 1, address, entries(granule));
      } else {
        this.#region.put(table, i, near ? this.#near(granule, level, address, size) : this.#far(granule, level));
      }
    }
  }

  /** An entry for addresses that are not those of RAM in use. */
  #far(granule: Granule, level: number): bigint {
    const random = this.#random;
    const blocks = granule === 4 ? level >= 1 : level >= 2;
    if (!blocks || random.chance(30)) return 0n;
    return output(random, shiftOf(granule, level)) | (level === 3 ? TABLE : BLOCK) | attributes2(random, this.#device);
  }

  /** True if the 2 MiB at `address` get pages. */
  #split(address: number): boolean {
    const tables = address >= TABLES && address < TABLES + TABLES_BYTES;
    return address >= DATA ? this.#random.chance(70) : tables && this.#random.chance(60);
  }

  #near(granule: Granule, level: number, address: number, size: number): bigint {
    const random = this.#random;
    const kind = level === 3 ? TABLE : BLOCK;
    if (address >= DATA) {
      return random.chance(5) ? 0n : output(random, shiftOf(granule, level)) | kind | attributes2(random, this.#device);
    }
    if (address < TABLES && address + size > CODE) return BigInt(address) | kind | NORMAL2;
    // a stage-1 table that the second stage refuses, or that lies in Device memory
    if (address >= TABLES + TABLES_BYTES || random.chance(4)) return 0n;
    return BigInt(address) | kind | (random.chance(4) ? attributes2(random, this.#device) : NORMAL2);
  }
}
