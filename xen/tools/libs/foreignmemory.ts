/**
 * libxenforeignmemory over Linux's privcmd on Arm: one hypercall for each page mapped and for each page unmapped
 * (linux: drivers/xen/xlate_mmu.c). Pages appear at unpopulated gfns of the caller's extended region.
 */
import {
  ACQUIRE_RESOURCE,
  ADD_TO_PHYSMAP_BATCH,
  DOMID_SELF,
  HYPERVISOR,
  MEMORY_RESERVATION,
  REMOVE_FROM_PHYSMAP,
  RESOURCE_TYPE,
  XENMAPSPACE,
  XENMEM,
} from '../../public/xen.js';
import { PAGE_SIZE } from '../../public/arch-arm.js';
import type { Caller } from './caller.js';

/** What a domain's kernel has spent on foreign pages, in pages. */
export interface ForeignPages {
  readonly mapped: number;
  readonly peak: number;
  /** RAM of its own that was given up to make room. */
  readonly ballooned: number;
}

/** Free gfns of the extended region, lowest first: address space without RAM (linux: drivers/xen/unpopulated-alloc.c). */
export class UnpopulatedSpace {
  readonly #used = new Set<number>();
  #peak = 0;

  constructor(
    readonly firstGfn: number,
    readonly pages: number,
  ) {}

  /** A gfn to map at, or undefined when there is none left. */
  take(): number | undefined {
    for (let i = 0; i < this.pages; i++) {
      const gfn = this.firstGfn + i;
      if (this.#used.has(gfn)) continue;
      if (!this.prepare(gfn)) return undefined;
      this.#used.add(gfn);
      this.#peak = Math.max(this.#peak, this.#used.size);
      return gfn;
    }
    return undefined;
  }

  /** Called before a gfn is used. @returns false: it cannot be. */
  protected prepare(_gfn: number): boolean {
    return true;
  }

  give(gfn: number): void {
    this.#used.delete(gfn);
  }

  protected get ballooned(): number {
    return 0;
  }

  report(): ForeignPages {
    return { mapped: this.#used.size, peak: this.#peak, ballooned: this.ballooned };
  }

  save(): unknown {
    return { used: [...this.#used], peak: this.#peak };
  }

  load(state: unknown): void {
    const s = state as { used: number[]; peak: number };
    this.#used.clear();
    for (const gfn of s.used) this.#used.add(gfn);
    this.#peak = s.peak;
  }
}

/**
 * The way before unpopulated space: each foreign page takes the place of a RAM page, which is given back to Xen for it
 * (linux: drivers/xen/balloon.c, alloc_xenballooned_pages). The place is kept for later pages; the RAM does not come back.
 */
export class BalloonedSpace extends UnpopulatedSpace {
  readonly #empty = new Set<number>();

  constructor(
    firstGfn: number,
    pages: number,
    private readonly caller: Caller,
  ) {
    super(firstGfn, pages);
  }

  protected override prepare(gfn: number): boolean {
    if (this.#empty.has(gfn)) return true;
    if (decreaseReservation(this.caller, gfn) !== 1) return false;
    this.#empty.add(gfn);
    return true;
  }

  protected override get ballooned(): number {
    return this.#empty.size;
  }

  override save(): unknown {
    return { space: super.save(), empty: [...this.#empty] };
  }

  override load(state: unknown): void {
    const s = state as { space: unknown; empty: number[] };
    super.load(s.space);
    this.#empty.clear();
    for (const gfn of s.empty) this.#empty.add(gfn);
  }
}

/** Gives one page of the caller's RAM back. @returns 1 if it went. */
function decreaseReservation(c: Caller, gfn: number): number {
  const M = MEMORY_RESERVATION;
  const bytes = new Uint8Array(M.bytes + 8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(M.extent_start, BigInt(c.scratch + M.bytes), true);
  view.setBigUint64(M.nr_extents, 1n, true);
  view.setUint16(M.domid, DOMID_SELF, true);
  view.setBigUint64(M.bytes, BigInt(gfn), true);
  return c.hypercallWith(HYPERVISOR.memory_op, XENMEM.decrease_reservation, bytes).rc;
}

/** Maps one page of another domain: the own gfn, or -errno. */
export function mapForeignPage(c: Caller, space: UnpopulatedSpace, domid: number, gfn: number): number {
  const own = space.take();
  if (own === undefined) return -12;
  const B = ADD_TO_PHYSMAP_BATCH;
  const bytes = new Uint8Array(B.bytes + 24);
  const view = new DataView(bytes.buffer);
  view.setUint16(B.domid, DOMID_SELF, true);
  view.setUint16(B.space, XENMAPSPACE.gmfn_foreign, true);
  view.setUint16(B.size, 1, true);
  view.setUint16(B.foreign, domid, true);
  const lists = c.scratch + B.bytes;
  view.setBigUint64(B.idxs, BigInt(lists), true);
  view.setBigUint64(B.gpfns, BigInt(lists + 8), true);
  view.setBigUint64(B.errs, BigInt(lists + 16), true);
  view.setBigUint64(B.bytes, BigInt(gfn), true);
  view.setBigUint64(B.bytes + 8, BigInt(own), true);
  c.charge('domd.mapPage');
  const { rc, out } = c.hypercallWith(HYPERVISOR.memory_op, XENMEM.add_to_physmap_batch, bytes);
  const error = rc < 0 ? rc : out.getInt32(B.bytes + 16, true);
  if (error < 0) {
    space.give(own);
    return error;
  }
  return own;
}

/** Unmaps a page that mapForeignPage or mapResource gave. */
export function unmapPage(c: Caller, space: UnpopulatedSpace, own: number): number {
  const bytes = new Uint8Array(REMOVE_FROM_PHYSMAP.bytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(REMOVE_FROM_PHYSMAP.domid, DOMID_SELF, true);
  view.setBigUint64(REMOVE_FROM_PHYSMAP.gpfn, BigInt(own), true);
  c.charge('domd.unmapPage');
  const { rc } = c.hypercallWith(HYPERVISOR.memory_op, XENMEM.remove_from_physmap, bytes);
  space.give(own);
  return rc;
}

/** IOCTL_PRIVCMD_MMAP_RESOURCE of one frame of an ioreq server: the own gfn, or -errno. */
export function mapResource(c: Caller, space: UnpopulatedSpace, domid: number, server: number, frame: number): number {
  const own = mapResourceFrames(c, space, domid, server, frame, 1);
  return typeof own === 'number' ? own : own[0]!;
}

/** The same for several frames in a row, in one call: the own gfns, or -errno. */
export function mapResourceFrames(
  c: Caller,
  space: UnpopulatedSpace,
  domid: number,
  server: number,
  first: number,
  count: number,
): number[] | number {
  const owns: number[] = [];
  const giveBack = (rc: number): number => {
    for (const own of owns) space.give(own);
    return rc;
  };
  for (let i = 0; i < count; i++) {
    const own = space.take();
    if (own === undefined) return giveBack(-12);
    owns.push(own);
  }
  const R = ACQUIRE_RESOURCE;
  const bytes = new Uint8Array(R.bytes + 8 * count);
  const view = new DataView(bytes.buffer);
  view.setUint16(R.domid, domid, true);
  view.setUint16(R.type, RESOURCE_TYPE.ioreq_server, true);
  view.setUint32(R.id, server, true);
  view.setUint32(R.nr_frames, count, true);
  view.setBigUint64(R.frame, BigInt(first), true);
  view.setBigUint64(R.frame_list, BigInt(c.scratch + R.bytes), true);
  for (const [i, own] of owns.entries()) view.setBigUint64(R.bytes + 8 * i, BigInt(own), true);
  c.charge('domd.mapCall');
  const { rc } = c.hypercallWith(HYPERVISOR.memory_op, XENMEM.acquire_resource, bytes);
  return rc < 0 ? giveBack(rc) : owns;
}

/** Grant addresses: page numbers from here on are grant references. Frames of a 40-bit address space stay below. */
export const GRANT_PAGES = 2 ** 40;
const XEN_GRANT_DMA_ADDR_OFF = 1n << 63n;

export const isGrantAddress = (gpa: bigint): boolean => gpa >= XEN_GRANT_DMA_ADDR_OFF;

/** The page that an address of the driver lies in: a frame, or GRANT_PAGES plus a grant reference; undefined: neither. */
export function pageOf(gpa: bigint): number | undefined {
  if (isGrantAddress(gpa)) {
    const ref = (gpa - XEN_GRANT_DMA_ADDR_OFF) / BigInt(PAGE_SIZE);
    return ref < 1n << 32n ? GRANT_PAGES + Number(ref) : undefined;
  }
  return gpa >= 0n && gpa < 1n << 40n ? Number(gpa / BigInt(PAGE_SIZE)) : undefined;
}

/** Guest memory through mappings: pages must have been mapped before they are read or written. */
export class MappedPages {
  /** Page of the guest (see pageOf) -> own gfn. */
  readonly pages = new Map<number, number>();

  /** @param touch told of every page that is read or written. */
  constructor(
    private readonly caller: Caller,
    private readonly touch?: (page: number) => void,
  ) {}

  read(gpa: bigint, length: number): Uint8Array | undefined {
    const out = new Uint8Array(length);
    const ok = this.#each(gpa, length, (own, at, n) => {
      const bytes = this.caller.read(own, n);
      if (bytes !== undefined) out.set(bytes, at);
      return bytes !== undefined;
    });
    return ok ? out : undefined;
  }

  write(gpa: bigint, bytes: Uint8Array): boolean {
    return this.#each(gpa, bytes.length, (own, at, n) => this.caller.write(own, bytes.subarray(at, at + n)));
  }

  #each(gpa: bigint, length: number, each: (own: number, at: number, n: number) => boolean): boolean {
    const first = pageOf(gpa);
    if (first === undefined) return false;
    const offset = Number(gpa & BigInt(PAGE_SIZE - 1));
    for (let at = 0; at < length;) {
      const from = (offset + at) % PAGE_SIZE;
      const n = Math.min(length - at, PAGE_SIZE - from);
      const page = first + Math.floor((offset + at) / PAGE_SIZE);
      const own = this.pages.get(page);
      if (own === undefined || !each(own * PAGE_SIZE + from, at, n)) return false;
      this.touch?.(page);
      at += n;
    }
    return true;
  }
}
