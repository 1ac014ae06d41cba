/**
 * How much of a guest's memory a disk's backend could reach, has mapped and has touched: the measure of a design in which the
 * backend is not trusted. Pages of 4 KiB. What a guest makes of it is bounded by its own memory and grant table.
 */
import type { Caller } from '../../xen/tools/libs/caller.js';
import { GRANT_PAGES } from '../../xen/tools/libs/foreignmemory.js';

/** Buckets of the time line; when they are full, two become one. */
const BUCKETS = 256;
const FIRST_BUCKET_TICKS = 1 << 20;

export interface ExposureFacts {
  /** How pages were mapped. */
  readonly by: 'foreign' | 'grants' | 'nothing';
  /** Pages that Xen's policy would have let it map, at most: with the right to emulate, all that the guest has. */
  readonly reachable: number;
  /** Pages that the guest has granted to the domain at the same time, at most as far as was looked. */
  readonly granted: number;
  readonly mapped: number;
  /** Mapped at the same time, at most; and different ones in all. */
  readonly peak: number;
  readonly everMapped: number;
  /** Different pages that were read or written. */
  readonly touched: number;
  /** Sum over time of the pages mapped, page times tick. */
  readonly pageTicks: bigint;
  /** Most pages mapped within each bucket of so many ticks, from tick 0. */
  readonly bucketTicks: number;
  readonly buckets: readonly number[];
}

export class Exposure {
  #grants: boolean | undefined;
  #reachable = 0;
  #granted = 0;
  /** Page of each mapping by own gfn, and mappings of each page. */
  readonly #pages = new Map<number, number>();
  readonly #counts = new Map<number, number>();
  #peak = 0;
  readonly #ever = new Set<number>();
  readonly #touched = new Set<number>();
  #maps = 0;
  #pageTicks = 0n;
  #since = 0n;
  #bucketTicks = FIRST_BUCKET_TICKS;
  #buckets: number[] = [];

  constructor(private readonly caller: Caller) {}

  /** A page of the guest is mapped at `own` from now on. */
  map(domid: number, page: number, own: number): void {
    this.#advance();
    this.#grants = page >= GRANT_PAGES;
    this.#pages.set(own, page);
    this.#counts.set(page, (this.#counts.get(page) ?? 0) + 1);
    this.#ever.add(page);
    this.#peak = Math.max(this.#peak, this.#counts.size);
    this.#maps++;
    this.#look(domid);
    this.#note();
  }

  unmap(own: number): void {
    const page = this.#pages.get(own);
    if (page === undefined) return;
    this.#advance();
    this.#pages.delete(own);
    const left = (this.#counts.get(page) ?? 1) - 1;
    if (left === 0) this.#counts.delete(page);
    else this.#counts.set(page, left);
    this.#note();
  }

  /** The page was read or written. */
  touch(page: number): void {
    this.#touched.add(page);
  }

  facts(): ExposureFacts {
    this.#advance();
    this.#note();
    return {
      by: this.#grants === undefined ? 'nothing' : this.#grants ? 'grants' : 'foreign',
      reachable: this.#reachable,
      granted: this.#granted,
      mapped: this.#counts.size,
      peak: this.#peak,
      everMapped: this.#ever.size,
      touched: this.#touched.size,
      pageTicks: this.#pageTicks,
      bucketTicks: this.#bucketTicks,
      buckets: [...this.#buckets],
    };
  }

  /** The grant table is long: it is looked at after 1, 2, 4, 8, ... mappings. */
  #look(domid: number): void {
    const { xen, domain } = this.caller;
    const guest = xen.domain(domid);
    if (guest === undefined) return;
    const every = domain.isControl || domain.options.deviceModelPrivilege || domain.target === domid;
    if ((this.#maps & (this.#maps - 1)) === 0)
      this.#granted = Math.max(this.#granted, xen.gnttab.grantedTo(guest, domain.id));
    this.#reachable = Math.max(this.#reachable, every ? guest.totPages : this.#granted);
  }

  #now(): bigint {
    return this.caller.xen.clock.now();
  }

  #advance(): void {
    const now = this.#now();
    if (now <= this.#since) return;
    this.#pageTicks += BigInt(this.#counts.size) * (now - this.#since);
    this.#fill(now);
    this.#since = now;
  }

  /** What was mapped up to now holds for all buckets since the last change. */
  #fill(now: bigint): void {
    while (now / BigInt(this.#bucketTicks) >= BigInt(BUCKETS)) {
      const halved: number[] = [];
      for (let i = 0; i < this.#buckets.length; i += 2)
        halved.push(Math.max(this.#buckets[i] ?? 0, this.#buckets[i + 1] ?? 0));
      this.#buckets = halved;
      this.#bucketTicks *= 2;
    }
    const first = Number(this.#since / BigInt(this.#bucketTicks));
    const last = Number(now / BigInt(this.#bucketTicks));
    for (let i = this.#buckets.length; i <= last; i++) this.#buckets.push(0);
    for (let i = first; i <= last; i++) this.#buckets[i] = Math.max(this.#buckets[i] ?? 0, this.#counts.size);
  }

  #note(): void {
    const now = this.#now() / BigInt(this.#bucketTicks);
    const at = Math.min(Number(now), BUCKETS - 1);
    for (let i = this.#buckets.length; i <= at; i++) this.#buckets.push(0);
    this.#buckets[at] = Math.max(this.#buckets[at] ?? 0, this.#counts.size);
  }

  save(): unknown {
    return {
      grants: this.#grants ?? null,
      reachable: this.#reachable,
      granted: this.#granted,
      pages: [...this.#pages],
      peak: this.#peak,
      ever: [...this.#ever],
      touched: [...this.#touched],
      maps: this.#maps,
      pageTicks: String(this.#pageTicks),
      since: String(this.#since),
      bucketTicks: this.#bucketTicks,
      buckets: [...this.#buckets],
    };
  }

  load(state: unknown): void {
    // The snapshot reader has checked the version: the fields are those of save().
    const s = state as any;
    this.#grants = s.grants ?? undefined;
    this.#reachable = s.reachable;
    this.#granted = s.granted;
    this.#pages.clear();
    this.#counts.clear();
    for (const [own, page] of s.pages as [number, number][]) {
      this.#pages.set(own, page);
      this.#counts.set(page, (this.#counts.get(page) ?? 0) + 1);
    }
    this.#peak = s.peak;
    this.#ever.clear();
    for (const page of s.ever) this.#ever.add(page);
    this.#touched.clear();
    for (const page of s.touched) this.#touched.add(page);
    this.#maps = s.maps;
    this.#pageTicks = BigInt(s.pageTicks);
    this.#since = BigInt(s.since);
    this.#bucketTicks = s.bucketTicks;
    this.#buckets = [...s.buckets];
  }
}
