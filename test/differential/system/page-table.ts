/** An ordinary translation table, made mapping by mapping. */
import { firstLevel, shiftOf } from './tables.js';
import type { Granule, Region } from './tables.js';

const TABLE = 3n;
const BLOCK = 1n;

export class PageTable {
  readonly root: number;
  readonly #region: Region;
  readonly #granule: Granule;
  readonly #first: number;
  readonly #tables = new Map<string, number>();

  constructor(region: Region, granule: Granule, bits: number) {
    this.#region = region;
    this.#granule = granule;
    this.#first = firstLevel(granule, bits);
    const bytes = 8 * 2 ** (bits - shiftOf(granule, this.#first));
    this.root = region.take(bytes, Math.max(64, bytes));
  }

  /** Bits 1:0 of a descriptor that maps 2^shift bytes. */
  static kind(shift: number): bigint {
    return shift === 12 || shift === 16 ? TABLE : BLOCK;
  }

  /** The physical address of the descriptor for the 2^shift bytes at `va`; tables above it are made. */
  slot(va: number, shift: number): number {
    let table = this.root;
    for (let level = this.#first; ; level += 1) {
      const at = shiftOf(this.#granule, level);
      const number = Math.floor(va / 2 ** at);
      const index = level === this.#first ? number : number % (this.#granule * 128);
      if (at === shift) return table + 8 * index;
      const key = `${level} ${number}`;
      let next = this.#tables.get(key);
      if (next === undefined) {
        next = this.#region.take(this.#granule * 1024, this.#granule * 1024);
        this.#tables.set(key, next);
        this.#region.put(table, index, BigInt(next) | TABLE);
      }
      table = next;
    }
  }

  /** Maps 2^shift bytes; returns the descriptor's address. */
  map(va: number, pa: number, shift: number, attributes: bigint): number {
    const slot = this.slot(va, shift);
    this.#region.put(slot, 0, BigInt(pa) | PageTable.kind(shift) | attributes);
    return slot;
  }

  /** Maps a range with pages or blocks of 2^shift bytes. */
  mapRange(va: number, pa: number, bytes: number, shift: number, attributes: bigint): void {
    for (let at = 0; at < bytes; at += 2 ** shift) this.map(va + at, pa + at, shift, attributes);
  }
}
