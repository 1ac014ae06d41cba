/** A range of SoC RAM that Xen owns. */
export interface RamBank {
  base: number;
  size: number;
}

const PAGE = 4096;
const MAX_ORDER = 18;
const NO_OWNER = 0xffff;

/**
 * The domheap: a buddy allocator over the board's RAM, and the per-frame owner and reference count
 * (xen: xen/common/page_alloc.c, `struct page_info`). Frames are SoC physical addresses of 4 KiB pages.
 * Free lists are stacks, so that the same calls give the same frames on every host.
 */
export class Heap {
  readonly #banks: { base: number; pages: number; first: number }[] = [];
  readonly #owner: Uint16Array;
  readonly #count: Uint32Array;
  /** 1: counted as allocated to its owner (PGC_allocated). */
  readonly #allocated: Uint8Array;
  /** order + 1 at the head of a free block. */
  readonly #freeOrder: Uint8Array;
  #lists: number[][] = Array.from({ length: MAX_ORDER + 1 }, () => []);
  #freePages = 0;

  constructor(banks: readonly RamBank[]) {
    let total = 0;
    for (const { base, size } of banks) {
      const from = Math.ceil(base / PAGE) * PAGE;
      const pages = Math.floor((base + size - from) / PAGE);
      this.#banks.push({ base: from, pages, first: total });
      total += pages;
    }
    this.#owner = new Uint16Array(total).fill(NO_OWNER);
    this.#count = new Uint32Array(total);
    this.#allocated = new Uint8Array(total);
    this.#freeOrder = new Uint8Array(total);
    // Lowest bank last onto the stacks, so that it is handed out first.
    for (const bank of [...this.#banks].reverse()) this.#addRange(bank.base, bank.pages);
  }

  get freePages(): number {
    return this.#freePages;
  }

  /** True if the frame is RAM of this heap. */
  isRam(pa: number): boolean {
    return this.#index(pa) >= 0;
  }

  /**
   * Takes 2^order pages, aligned to their size. @returns the SoC address, or undefined when there is no such block.
   * The caller zeroes them. Frames get `owner` (a domid) and a reference count of 1 each, or no owner.
   */
  allocPages(order: number, owner?: number): number | undefined {
    let from = order;
    let pa: number | undefined;
    for (; from <= MAX_ORDER && pa === undefined; from++) pa = this.#pop(from);
    if (pa === undefined) return undefined;
    // Give back the upper halves.
    for (let o = from - 2; o >= order; o--) this.#push(pa + 2 ** o * PAGE, o);
    const pages = 2 ** order;
    this.#freePages -= pages;
    const at = this.#index(pa);
    this.#owner.fill(owner ?? NO_OWNER, at, at + pages);
    this.#count.fill(1, at, at + pages);
    this.#allocated.fill(1, at, at + pages);
    return pa;
  }

  /** Returns pages of allocPages that carry no other references. */
  freePagesAt(pa: number, order: number): void {
    const at = this.#index(pa);
    const pages = 2 ** order;
    this.#owner.fill(NO_OWNER, at, at + pages);
    this.#count.fill(0, at, at + pages);
    this.#allocated.fill(0, at, at + pages);
    this.#release(pa, order);
  }

  /** Domid that owns a frame, or undefined. */
  owner(pa: number): number | undefined {
    const at = this.#index(pa);
    const owner = at < 0 ? NO_OWNER : this.#owner[at]!;
    return owner === NO_OWNER ? undefined : owner;
  }

  refs(pa: number): number {
    const at = this.#index(pa);
    return at < 0 ? 0 : this.#count[at]!;
  }

  /** get_page: takes a reference if the frame is in use and belongs to `owner` (undefined: anybody). */
  getPage(pa: number, owner?: number): boolean {
    const at = this.#index(pa);
    if (at < 0 || this.#count[at] === 0) return false;
    if (owner !== undefined && this.#owner[at] !== owner) return false;
    this.#count[at]!++;
    return true;
  }

  /** put_page. @returns the former owner if the frame was freed by this call, else undefined. */
  putPage(pa: number): number | undefined {
    const at = this.#index(pa);
    if (at < 0 || this.#count[at] === 0) throw new Error(`putPage: frame 0x${pa.toString(16)} is not in use`);
    if (--this.#count[at]! > 0) return undefined;
    const owner = this.#owner[at]!;
    this.#owner[at] = NO_OWNER;
    this.#allocated[at] = 0;
    this.#release(pa - (pa % PAGE), 0);
    return owner;
  }

  /** Clears PGC_allocated; true if it was set: the caller then puts that reference. */
  testAndClearAllocated(pa: number): boolean {
    const at = this.#index(pa);
    if (at < 0 || this.#allocated[at] === 0) return false;
    this.#allocated[at] = 0;
    return true;
  }

  /** Frames owned by a domain, ascending: for relinquishing them. */
  *ownedBy(domid: number): Generator<number> {
    for (const bank of this.#banks) {
      for (let i = 0; i < bank.pages; i++) {
        if (this.#owner[bank.first + i] === domid) yield bank.base + i * PAGE;
      }
    }
  }

  save(): unknown {
    return {
      owner: runs(this.#owner),
      count: runs(this.#count),
      allocated: runs(this.#allocated),
      freeOrder: runs(this.#freeOrder),
      lists: this.#lists.map((list) => [...list]),
      freePages: this.#freePages,
    };
  }

  load(state: unknown): void {
    const s = state as any;
    unruns(s.owner, this.#owner);
    unruns(s.count, this.#count);
    unruns(s.allocated, this.#allocated);
    unruns(s.freeOrder, this.#freeOrder);
    this.#lists = s.lists.map((list: number[]) => [...list]);
    this.#freePages = s.freePages;
  }

  #index(pa: number): number {
    for (const bank of this.#banks) {
      const page = Math.floor((pa - bank.base) / PAGE);
      if (page >= 0 && page < bank.pages) return bank.first + page;
    }
    return -1;
  }

  #addRange(base: number, pages: number): void {
    const blocks: [number, number][] = [];
    for (let at = 0; at < pages;) {
      let order = MAX_ORDER;
      while (order > 0 && ((base + at * PAGE) % (2 ** order * PAGE) !== 0 || at + 2 ** order > pages)) order--;
      blocks.push([base + at * PAGE, order]);
      at += 2 ** order;
    }
    for (const [pa, order] of blocks.reverse()) this.#push(pa, order);
    this.#freePages += pages;
  }

  #push(pa: number, order: number): void {
    this.#freeOrder[this.#index(pa)] = order + 1;
    const list = this.#lists[order]!;
    list.push(pa);
    // Merging leaves stale entries behind; drop them before they can pile up.
    if (list.length > 4096 && list.length % 4096 === 0) {
      const seen = new Set<number>();
      this.#lists[order] = list.filter((head) => {
        const live = this.#freeOrder[this.#index(head)] === order + 1 && !seen.has(head);
        seen.add(head);
        return live;
      });
    }
  }

  #pop(order: number): number | undefined {
    const list = this.#lists[order]!;
    for (;;) {
      const pa = list.pop();
      if (pa === undefined) return undefined;
      const at = this.#index(pa);
      if (this.#freeOrder[at] !== order + 1) continue;
      this.#freeOrder[at] = 0;
      return pa;
    }
  }

  #release(pa: number, order: number): void {
    this.#freePages += 2 ** order;
    let block = pa;
    let o = order;
    for (; o < MAX_ORDER; o++) {
      const size = 2 ** o * PAGE;
      const buddy = Math.floor(block / size) % 2 === 0 ? block + size : block - size;
      const at = this.#index(buddy);
      if (at < 0 || this.#freeOrder[at] !== o + 1) break;
      this.#freeOrder[at] = 0;
      block = Math.min(block, buddy);
    }
    this.#push(block, o);
  }
}

/** Run-length coding of the per-frame arrays: [value, length, ...]. */
function runs(array: Uint8Array | Uint16Array | Uint32Array): number[] {
  const out: number[] = [];
  for (let i = 0; i < array.length;) {
    let j = i;
    while (j < array.length && array[j] === array[i]) j++;
    out.push(array[i]!, j - i);
    i = j;
  }
  return out;
}

function unruns(coded: readonly number[], array: Uint8Array | Uint16Array | Uint32Array): void {
  let at = 0;
  for (let i = 0; i < coded.length; i += 2) {
    array.fill(coded[i]!, at, at + coded[i + 1]!);
    at += coded[i + 1]!;
  }
}
