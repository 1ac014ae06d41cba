import { EINVAL, ENOMEM } from '../../public/errno.js';
import type { Domain } from '../../common/domain.js';
import type { Xen } from '../../common/xen.js';
import { baselineOf } from '../../common/baselines.js';
import * as E from './p2m-entry.js';
import type { P2mType } from './p2m-entry.js';

export * from './p2m-entry.js';

const PAGE = 4096;
/** Xen on the R-Car H3 uses 40-bit IPAs: three levels, the first two concatenated tables of 512 entries. */
export const P2M_IPA_BITS = 40;
const ROOT_LEVEL = 1;
const ROOT_ORDER = 1;
const GFN_LIMIT = 2 ** (P2M_IPA_BITS - 12);

/**
 * VTCR_EL2 of that configuration: RES1, PS 40 bits, inner shareable, write-back walks, SL0 = 1, T0SZ = 24
 * (xen: xen/arch/arm/mmu/p2m.c `setup_virt_paging_one`; Arm ARM D17.2.157).
 */
export const VTCR_EL2_VALUE = 0x8002_3558n;

/** Result of a look-up. `pa` is that of the 4 KiB frame; `order` of the entry that maps it; `valid`: hardware bit. */
export interface P2mMapping {
  pa: number;
  type: P2mType;
  order: number;
  valid: boolean;
}

/** 8-bit VMIDs; 0 is Xen's INVALID_VMID. */
export class VmidAllocator {
  #used = new Uint8Array(256);

  /** @returns a VMID, or undefined when all 255 are taken (EBUSY). */
  alloc(): number | undefined {
    const vmid = this.#used.indexOf(0, 1);
    if (vmid < 0) return undefined;
    this.#used[vmid] = 1;
    return vmid;
  }

  free(vmid: number): void {
    this.#used[vmid] = 0;
  }

  save(): unknown {
    return Array.from(this.#used);
  }

  load(state: unknown): void {
    this.#used = Uint8Array.from(state as number[]);
  }
}

/**
 * A domain's physical-to-machine map: real stage-2 tables in simulated memory, walked by the CPU model
 * (xen: xen/arch/arm/mmu/p2m.c). Frame numbers are 4 KiB; results are 0 or -errno.
 */
export class P2m {
  root = 0;
  vmid = 0;
  maxMappedGfn = 0;
  lowestMappedGfn = GFN_LIMIT;
  /** Leaf entries by level, as Xen's statistics. */
  mappings = [0, 0, 0, 0];
  tables = 0;
  /** vCPU of this domain that ran last on each pCPU. */
  lastVcpuRan: (number | undefined)[] = [];
  #needFlush = false;
  /** Pages of the p2m pool not in use (domU, XSA-409), or undefined: tables come from the heap. */
  #pool: number[] | undefined;
  #poolTotal = 0;
  /** Tables in use, so that a teardown frees them. */
  #tables = new Set<number>();

  constructor(
    private readonly xen: Xen,
    private readonly d: Domain,
  ) {}

  /** p2m_init and p2m_alloc_table. @returns 0, -ENOMEM or -EBUSY (no VMID). */
  init(): number {
    const vmid = this.xen.vmids.alloc();
    if (vmid === undefined) return -16;
    const root = this.xen.heap.allocPages(ROOT_ORDER);
    if (root === undefined) {
      this.xen.vmids.free(vmid);
      return -ENOMEM;
    }
    this.xen.memory.zero(root, PAGE << ROOT_ORDER);
    this.root = root;
    this.vmid = vmid;
    return 0;
  }

  /** VTTBR_EL2: root and VMID. */
  get vttbr(): bigint {
    return (BigInt(this.vmid) << 48n) | BigInt(this.root);
  }

  /**
   * p2m_set_allocation: sets the pool's size in pages. @returns -ENOMEM when the heap is exhausted, -EBUSY when
   * pages in use would have to be taken away.
   */
  setPool(pages: number): number {
    this.#pool ??= [];
    while (this.#poolTotal < pages) {
      const pa = this.xen.heap.allocPages(0);
      if (pa === undefined) return -ENOMEM;
      this.#pool.push(pa);
      this.#poolTotal++;
    }
    while (this.#poolTotal > pages) {
      const pa = this.#pool.pop();
      if (pa === undefined) return -16;
      this.xen.heap.freePagesAt(pa, 0);
      this.#poolTotal--;
    }
    return 0;
  }

  get poolPages(): { total: number; free: number } {
    return { total: this.#poolTotal, free: this.#pool?.length ?? 0 };
  }

  /** Maps `pages` frames from `gfn` to `pa`, in the largest blocks that fit. @returns 0, -EINVAL or -ENOMEM. */
  map(gfn: number, pa: number, pages: number, type: P2mType): number {
    if (type === E.P2M_INVALID || !inRange(gfn, pages)) return -EINVAL;
    if (this.d.isDying && E.isAnyRam(type)) return -ENOMEM; // XSA-410: nothing goes into a dying domain
    return this.#setEntries(gfn, pa, pages, type);
  }

  /** Removes mappings; frames that are not mapped are skipped. @returns 0, -EINVAL or -ENOMEM (shattering). */
  unmap(gfn: number, pages: number): number {
    if (!inRange(gfn, pages)) return -EINVAL;
    return this.#setEntries(gfn, 0, pages, E.P2M_INVALID);
  }

  /** p2m_lookup: what is at `gfn`, whatever the hardware valid bits say. */
  lookup(gfn: number): P2mMapping | undefined {
    if (gfn < 0 || gfn > this.maxMappedGfn || gfn >= GFN_LIMIT) return undefined;
    let table = this.#rootTable(gfn);
    let valid = true;
    for (let level = ROOT_LEVEL; level <= 3; level++) {
      const e = this.xen.memory.read64(table + offset(gfn, level) * 8);
      const type = E.entryType(e);
      if (type === E.P2M_INVALID) return undefined;
      valid = valid && E.entryValid(e);
      if (E.entryIsTable(e, level)) {
        table = E.entryPa(e);
        continue;
      }
      const order = 9 * (3 - level);
      return { pa: E.entryPa(e) + (gfn % 2 ** order) * PAGE, type, order, valid };
    }
    return undefined;
  }

  /** SoC address of a frame that is RAM in the wide sense (own, foreign or granted), or undefined. */
  ramPa(gfn: number): number | undefined {
    const m = this.lookup(gfn);
    return m && E.isAnyRam(m.type) ? m.pa : undefined;
  }

  /**
   * p2m_resolve_translation_fault: true if the access should simply be tried again, because an entry's valid bit
   * had been cleared to note first use. Sets it, and passes the cleared bit on to the children of a table.
   */
  resolveFault(gfn: number): boolean {
    if (gfn > this.maxMappedGfn || gfn >= GFN_LIMIT) return false;
    let table = this.#rootTable(gfn);
    for (let level = ROOT_LEVEL; level <= 3; level++) {
      const at = table + offset(gfn, level) * 8;
      const e = this.xen.memory.read64(at);
      if (E.entryValid(e)) {
        if (!E.entryIsTable(e, level)) return true;
        table = E.entryPa(e);
        continue;
      }
      if (E.entryType(e) === E.P2M_INVALID) return false;
      if (E.entryIsTable(e, level)) this.#invalidateTable(E.entryPa(e));
      this.xen.memory.write64(at, E.setValid(e));
      return true;
    }
    return false;
  }

  /** p2m_domain_creation_finished: clears the valid bits of the root, so that first uses are seen. */
  creationFinished(): void {
    for (let i = 0; i < 1 << ROOT_ORDER; i++) this.#invalidateTable(this.root + i * PAGE);
    this.tlbFlush();
  }

  /** p2m_tlb_flush_sync, if a valid entry was removed since the last one. */
  flushIfNeeded(): void {
    if (this.#needFlush) this.tlbFlush();
  }

  tlbFlush(): void {
    this.#needFlush = false;
    this.xen.tlbFlushVmid(this.vmid);
  }

  /**
   * relinquish_p2m_mapping: drops every mapping, with the references that foreign and grant entries hold.
   * RAM entries keep their frames: the caller relinquishes the domain's pages.
   */
  relinquish(): void {
    for (let i = 0; i < 1 << ROOT_ORDER; i++) {
      for (let n = 0; n < 512; n++) {
        const at = this.root + i * PAGE + n * 8;
        const e = this.xen.memory.read64(at);
        if (E.entryType(e) === E.P2M_INVALID) continue;
        this.xen.memory.write64(at, 0n);
        this.#freeEntry(e, ROOT_LEVEL, true);
      }
    }
    this.tlbFlush();
    this.maxMappedGfn = 0;
    this.lowestMappedGfn = GFN_LIMIT;
  }

  /** p2m_final_teardown: root, pool and VMID. */
  teardown(): void {
    if (this.root === 0) return;
    for (const pa of [...this.#tables]) this.#freeTable(pa);
    this.xen.heap.freePagesAt(this.root, ROOT_ORDER);
    for (const pa of this.#pool ?? []) this.xen.heap.freePagesAt(pa, 0);
    this.#pool = undefined;
    this.#poolTotal = 0;
    this.xen.vmids.free(this.vmid);
    this.root = 0;
  }

  save(): unknown {
    return {
      root: this.root,
      vmid: this.vmid,
      maxMappedGfn: this.maxMappedGfn,
      lowestMappedGfn: this.lowestMappedGfn,
      mappings: [...this.mappings],
      tables: [...this.#tables],
      pool: this.#pool ? [...this.#pool] : null,
      poolTotal: this.#poolTotal,
      needFlush: this.#needFlush,
      lastVcpuRan: this.lastVcpuRan.map((id) => id ?? null),
    };
  }

  /** The tables' contents are in simulated memory. */
  load(state: unknown): void {
    const s = state as any;
    this.root = s.root;
    this.vmid = s.vmid;
    this.maxMappedGfn = s.maxMappedGfn;
    this.lowestMappedGfn = s.lowestMappedGfn;
    this.mappings = [...s.mappings];
    this.#tables = new Set(s.tables);
    this.tables = this.#tables.size;
    this.#pool = s.pool ? [...s.pool] : undefined;
    this.#poolTotal = s.poolTotal;
    this.#needFlush = s.needFlush;
    this.lastVcpuRan = s.lastVcpuRan.map((id: number | null) => id ?? undefined);
  }

  #rootTable(gfn: number): number {
    return this.root + Math.floor(gfn / 2 ** 27) * PAGE;
  }

  #setEntries(gfn: number, pa: number, pages: number, type: P2mType): number {
    let at = gfn;
    let from = pa;
    for (let left = pages; left > 0;) {
      // The physical address does not limit the order of a removal.
      const mask = type === E.P2M_INVALID ? at : at | (from / PAGE);
      const order = fits(at, mask, left, 18) ? 18 : fits(at, mask, left, 9) ? 9 : 0;
      const rc = this.#setEntry(at, order, from, type);
      if (rc !== 0) {
        this.flushIfNeeded();
        return rc;
      }
      at += 2 ** order;
      from += 2 ** order * PAGE;
      left -= 2 ** order;
    }
    this.flushIfNeeded();
    return 0;
  }

  /** __p2m_set_entry for one block of `order` 0, 9 or 18. */
  #setEntry(gfn: number, order: number, pa: number, type: P2mType): number {
    const removing = type === E.P2M_INVALID;
    const target = 3 - order / 9;
    let level = ROOT_LEVEL;
    let table = this.#rootTable(gfn);
    let at = table + offset(gfn, level) * 8;
    for (; level < target; level++, at = table + offset(gfn, level) * 8) {
      const e = this.xen.memory.read64(at);
      if (E.entryType(e) === E.P2M_INVALID) {
        if (removing) return 0;
        const made = this.#createTable();
        if (made === undefined) return -ENOMEM;
        this.xen.memory.write64(at, E.tableEntry(made));
        table = made;
      } else if (E.entryIsTable(e, level)) {
        table = E.entryPa(e);
      } else {
        // A superpage is in the way: split it down to the target level.
        const split = this.#split(e, level);
        if (split === undefined) return -ENOMEM;
        this.#replace(at, e, E.tableEntry(split));
        table = split;
      }
    }
    const old = this.xen.memory.read64(at);
    const present = E.entryType(old) !== E.P2M_INVALID;
    if (removing) {
      if (!present) return 0;
      this.xen.memory.write64(at, 0n);
      if (E.entryValid(old)) this.#needFlush = true;
      this.flushIfNeeded();
      this.#freeEntry(old, level, false);
      return 0;
    }
    const entry = E.leafEntry(pa, type, level);
    this.#replace(at, old, entry);
    const replaced = present && (E.entryPa(old) !== pa || E.entryIsTable(old, level));
    if (!present || replaced) this.mappings[level]!++;
    this.maxMappedGfn = Math.max(this.maxMappedGfn, gfn + 2 ** order - 1);
    this.lowestMappedGfn = Math.min(this.lowestMappedGfn, gfn);
    // Freed only if the frame differs, not when permissions change.
    if (replaced) this.#freeEntry(old, level, false);
    else if (present && E.isForeign(E.entryType(old))) this.#putPage(old, level);
    return 0;
  }

  /** Break before make, when the old entry may be in a TLB. */
  #replace(at: number, old: bigint, entry: bigint): void {
    if (E.entryValid(old)) {
      this.xen.memory.write64(at, 0n);
      this.tlbFlush();
    }
    this.xen.memory.write64(at, entry);
  }

  #split(e: bigint, level: number): number | undefined {
    const table = this.#createTable();
    if (table === undefined) return undefined;
    for (let i = 0; i < 512; i++) this.xen.memory.write64(table + i * 8, E.splitEntry(e, i, level));
    this.mappings[level]!--;
    this.mappings[level + 1]! += 512;
    return table;
  }

  #invalidateTable(table: number): void {
    for (let i = 0; i < 512; i++) {
      const e = this.xen.memory.read64(table + i * 8);
      if (E.entryValid(e)) this.xen.memory.write64(table + i * 8, E.clearValid(e));
    }
    this.#needFlush = true;
  }

  /** p2m_free_entry: a subtree or leaf that is no longer reachable. */
  #freeEntry(e: bigint, level: number, teardown: boolean): void {
    const type = E.entryType(e);
    if (type === E.P2M_INVALID) return;
    if (E.entryIsTable(e, level)) {
      const table = E.entryPa(e);
      for (let i = 0; i < 512; i++) {
        const child = this.xen.memory.read64(table + i * 8);
        if (child !== 0n) this.#freeEntry(child, level + 1, teardown);
      }
      this.#freeTable(table);
      return;
    }
    this.mappings[level]!--;
    if (!teardown && E.isRam(type)) this.#requestMapcacheInvalidate();
    this.#putPage(e, level);
  }

  /** Foreign entries hold a reference to their frame (p2m_put_page). */
  #putPage(e: bigint, level: number): void {
    if (level === 3 && E.isForeign(E.entryType(e))) this.xen.putPage(E.entryPa(e));
  }

  /** A RAM leaf went: emulators may cache it (xen-ioreq 3.6). */
  #requestMapcacheInvalidate(): void {
    const d = this.d;
    if (baselineOf(this.xen).invalidate !== 'ram-leaf' || !this.xen.ioreq?.hasServer(d)) return;
    const current = this.xen.thisVcpu();
    if (current?.domain === d) current.mapcacheInvalidate = true;
    else if (d.creationFinished) for (const v of d.vcpus) v.mapcacheInvalidate = true;
  }

  #createTable(): number | undefined {
    const pa = this.#pool ? this.#pool.pop() : this.xen.heap.allocPages(0);
    if (pa === undefined) return undefined;
    this.xen.memory.zero(pa, PAGE);
    this.#tables.add(pa);
    this.tables = this.#tables.size;
    return pa;
  }

  #freeTable(pa: number): void {
    this.#tables.delete(pa);
    this.tables = this.#tables.size;
    if (this.#pool) this.#pool.push(pa);
    else this.xen.heap.freePagesAt(pa, 0);
  }
}

function offset(gfn: number, level: number): number {
  return Math.floor(gfn / 2 ** (9 * (3 - level))) % 512;
}

function inRange(gfn: number, pages: number): boolean {
  return Number.isSafeInteger(gfn) && gfn >= 0 && pages > 0 && gfn + pages <= GFN_LIMIT;
}

/** True if `pages` at an address whose frame bits are `mask` can be mapped with one block of `order`. */
function fits(gfn: number, mask: number, pages: number, order: number): boolean {
  return pages >= 2 ** order && gfn % 2 ** order === 0 && mask % 2 ** order === 0;
}
