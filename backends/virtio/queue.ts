/** The split virtqueue (virtio 1.2, 2.7). Values in guest memory are read once, checked, then used; every walk is bounded. */
import { read16, write16, type GuestMemory } from './memory.js';

export const VRING_DESC_F_NEXT = 1;
export const VRING_DESC_F_WRITE = 2;
export const VRING_DESC_F_INDIRECT = 4;
const AVAIL_F_NO_INTERRUPT = 1;
const DESC_BYTES = 16;

export interface Segment {
  readonly gpa: bigint;
  readonly length: number;
  readonly writable: boolean;
}

/** A driver's mistake in a queue; the device answers with NEEDS_RESET. */
export type Finding =
  | 'ring-not-mapped'
  | 'avail-index-jump'
  | 'head-out-of-range'
  | 'descriptor-out-of-range'
  | 'descriptor-loop'
  | 'indirect-in-indirect'
  | 'indirect-with-next'
  | 'indirect-bad-length'
  | 'read-only-after-writable'
  | 'request-malformed'
  | 'request-too-large'
  | 'buffer-not-mapped'
  | 'mixed-addresses';

export interface Descriptor {
  readonly gpa: bigint;
  readonly length: number;
  readonly flags: number;
  readonly next: number;
}

/** The chain's segments; if it ends in an indirect table, that has to be mapped for those that follow. */
export interface Chain {
  readonly segments: readonly Segment[];
  readonly table: Segment | undefined;
}

export const isFinding = (value: unknown): value is Finding => typeof value === 'string';

function parseDescriptor(raw: Uint8Array): Descriptor {
  const view = new DataView(raw.buffer, raw.byteOffset, DESC_BYTES);
  return {
    gpa: view.getBigUint64(0, true),
    length: view.getUint32(8, true),
    flags: view.getUint16(12, true),
    next: view.getUint16(14, true),
  };
}

/** Follows a chain in a table of `count` descriptors; at most `count` steps. `before`: what a table's segments follow. */
function walk(
  read: (index: number) => Descriptor | undefined,
  first: number,
  count: number,
  before?: readonly Segment[],
): Chain | Finding {
  const segments: Segment[] = [...(before ?? [])];
  let index = first;
  for (let steps = 0; steps < count; steps++) {
    const d = read(index);
    if (d === undefined) return 'ring-not-mapped';
    const writable = (d.flags & VRING_DESC_F_WRITE) !== 0;
    if ((d.flags & VRING_DESC_F_INDIRECT) !== 0) {
      if (before !== undefined) return 'indirect-in-indirect';
      // Normal descriptors may come before it (virtio 1.2, 2.7.5.3.2), none after it.
      if ((d.flags & VRING_DESC_F_NEXT) !== 0) return 'indirect-with-next';
      if (d.length === 0 || d.length % DESC_BYTES !== 0 || d.length > 65536 * DESC_BYTES) return 'indirect-bad-length';
      return { segments, table: { gpa: d.gpa, length: d.length, writable: false } };
    }
    if (!writable && segments.at(-1)?.writable === true) return 'read-only-after-writable';
    segments.push({ gpa: d.gpa, length: d.length, writable });
    if ((d.flags & VRING_DESC_F_NEXT) === 0) return { segments, table: undefined };
    index = d.next;
    if (index >= count) return 'descriptor-out-of-range';
  }
  return 'descriptor-loop';
}

export class VirtQueue {
  desc = 0n;
  avail = 0n;
  used = 0n;
  ready = false;
  eventIdx = false;
  lastAvail = 0;
  usedIndex = 0;

  constructor(readonly size: number) {}

  reset(): void {
    this.desc = this.avail = this.used = 0n;
    this.ready = this.eventIdx = false;
    this.lastAvail = this.usedIndex = 0;
  }

  /** The next available head, 'empty', or a finding. With event index the driver is asked to kick for the following one. */
  pop(memory: GuestMemory): { readonly head: number } | 'empty' | Finding {
    const index = read16(memory, this.avail + 2n);
    if (index === undefined) return 'ring-not-mapped';
    const waiting = (index - this.lastAvail) & 0xffff;
    if (waiting === 0) return 'empty';
    if (waiting > this.size) return 'avail-index-jump';
    const head = read16(memory, this.avail + 4n + BigInt((this.lastAvail % this.size) * 2));
    if (head === undefined) return 'ring-not-mapped';
    this.lastAvail = (this.lastAvail + 1) & 0xffff;
    if (this.eventIdx) write16(memory, this.used + 4n + BigInt(this.size * 8), this.lastAvail);
    return head < this.size ? { head } : 'head-out-of-range';
  }

  /** Heads that the driver has made available and that were not popped; 0 if the ring cannot be read. */
  waiting(memory: GuestMemory): number {
    const index = read16(memory, this.avail + 2n);
    return index === undefined ? 0 : (index - this.lastAvail) & 0xffff;
  }

  chain(memory: GuestMemory, head: number): Chain | Finding {
    const read = (index: number): Descriptor | undefined => {
      const raw = memory.read(this.desc + BigInt(index * DESC_BYTES), DESC_BYTES);
      return raw === undefined ? undefined : parseDescriptor(raw);
    };
    return walk(read, head, this.size);
  }

  /** The whole chain, with the segments of an indirect table, whose bytes the caller has mapped and read. */
  indirect(table: Uint8Array, before: readonly Segment[]): Chain | Finding {
    const count = table.length / DESC_BYTES;
    return walk(
      (index) => parseDescriptor(table.subarray(index * DESC_BYTES, (index + 1) * DESC_BYTES)),
      0,
      count,
      before,
    );
  }

  /** Puts a used element; false if the ring is not mapped. */
  push(memory: GuestMemory, head: number, written: number): boolean {
    const element = new Uint8Array(8);
    const view = new DataView(element.buffer);
    view.setUint32(0, head, true);
    view.setUint32(4, written, true);
    if (!memory.write(this.used + 4n + BigInt((this.usedIndex % this.size) * 8), element)) return false;
    this.usedIndex = (this.usedIndex + 1) & 0xffff;
    return write16(memory, this.used + 2n, this.usedIndex);
  }

  /** Whether the driver wants an interrupt for the element just pushed (virtio 1.2, 2.7.7 and 2.7.10). */
  wantsInterrupt(memory: GuestMemory): boolean {
    if (!this.eventIdx) return ((read16(memory, this.avail) ?? AVAIL_F_NO_INTERRUPT) & AVAIL_F_NO_INTERRUPT) === 0;
    const event = read16(memory, this.avail + 4n + BigInt(this.size * 2));
    return event !== undefined && ((this.usedIndex - 1 - event) & 0xffff) === 0;
  }

  save(): unknown {
    return { ...this, desc: String(this.desc), avail: String(this.avail), used: String(this.used) };
  }

  load(state: unknown): void {
    const s = state as {
      desc: string;
      avail: string;
      used: string;
      ready: boolean;
      eventIdx: boolean;
      lastAvail: number;
      usedIndex: number;
    };
    this.desc = BigInt(s.desc);
    this.avail = BigInt(s.avail);
    this.used = BigInt(s.used);
    this.ready = s.ready;
    this.eventIdx = s.eventIdx;
    this.lastAvail = s.lastAvail;
    this.usedIndex = s.usedIndex;
  }
}
