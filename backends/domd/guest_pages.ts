/**
 * How a backend process gets at guest memory: foreign mappings by frame, or grants when the driver's addresses say so
 * (bit 63 set, then the grant reference from bit 12 on; linux: drivers/xen/grant-dma-ops.c). Which of the two is decided
 * by the first address after the start, as the real process does; an address of the other kind later is the driver's fault.
 */
import type { Caller } from '../../xen/tools/libs/caller.js';
import {
  isGrantAddress,
  mapForeignPage,
  pageOf,
  unmapPage,
  GRANT_PAGES,
  type UnpopulatedSpace,
} from '../../xen/tools/libs/foreignmemory.js';
import { mapGrant, unmapGrant } from '../../xen/tools/libs/gnttab.js';
import type { Exposure } from './exposure.js';
import type { Segment } from '../virtio/queue.js';

/** A page of the guest to be mapped: its number as `pageOf` gives it, and whether the device writes to it. */
export interface WantedPage {
  readonly page: number;
  readonly writable: boolean;
}

const PAGE = 4096;
/** The driver named memory in both ways. Not an error number of Xen's: those say that a page cannot be mapped. */
export const MIXED_ADDRESSES = -0x1_0000;

export class GuestPages {
  #grants: boolean | undefined;
  /** Grant handles by own gfn. */
  readonly #handles = new Map<number, number>();

  constructor(
    private readonly caller: Caller,
    private readonly space: UnpopulatedSpace,
    private readonly exposure?: Exposure,
  ) {}

  /** Maps one page of a guest. @returns the own gfn, or a negative error. */
  map(domid: number, wanted: WantedPage): number {
    const own = this.#map(domid, wanted);
    if (own >= 0) this.exposure?.map(domid, wanted.page, own);
    return own;
  }

  #map(domid: number, { page, writable }: WantedPage): number {
    const grants = page >= GRANT_PAGES;
    this.#grants ??= grants;
    if (this.#grants !== grants) return MIXED_ADDRESSES;
    if (!grants) return mapForeignPage(this.caller, this.space, domid, page);
    const mapping = mapGrant(this.caller, this.space, domid, page - GRANT_PAGES, !writable);
    if (typeof mapping === 'number') return mapping;
    this.#handles.set(mapping.own, mapping.handle);
    return mapping.own;
  }

  unmap(own: number): void {
    this.exposure?.unmap(own);
    const handle = this.#handles.get(own);
    if (handle === undefined) {
      unmapPage(this.caller, this.space, own);
      return;
    }
    this.#handles.delete(own);
    unmapGrant(this.caller, this.space, { own, handle });
  }

  /** A new guest, or a device that starts again: it may name memory the other way. */
  forget(): void {
    this.#grants = undefined;
  }

  save(): unknown {
    return { grants: this.#grants ?? null, handles: [...this.#handles] };
  }

  load(state: unknown): void {
    const s = state as { grants: boolean | null; handles: [number, number][] };
    this.#grants = s.grants ?? undefined;
    this.#handles.clear();
    for (const [own, handle] of s.handles) this.#handles.set(own, handle);
  }
}

/** Pages that each segment touches, in order; at most one more than `limit`. */
export function pagesOf(segments: readonly Segment[], limit: number): WantedPage[] {
  const pages: WantedPage[] = [];
  for (const { gpa, length, writable } of segments) {
    const first = pageOf(gpa);
    if (first === undefined || length === 0) continue;
    const count = Math.ceil((Number(gpa & 0xfffn) + length) / PAGE);
    for (let i = 0; i < count && pages.length <= limit; i++) pages.push({ page: first + i, writable });
  }
  return pages;
}

export { isGrantAddress };
