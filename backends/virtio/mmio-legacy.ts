/** Queue placement of the legacy interface (virtio 1.2, 4.2.4 and 2.7.2): one page frame number for all three rings. */

const DESC_BYTES = 16;
/** Largest page size and alignment that make sense; beyond it a queue is not started. */
const MAX_ALIGN = 1 << 16;

export class LegacyQueue {
  pageSize = 0;
  align = 0;
  pfn = 0;

  /** Addresses of the rings, or undefined: no frame, or a page size or alignment that is no power of two. */
  rings(size: number): { desc: bigint; avail: bigint; used: bigint } | undefined {
    if (this.pfn === 0 || !isPower(this.pageSize) || !isPower(this.align)) return undefined;
    const desc = BigInt(this.pfn) * BigInt(this.pageSize);
    const avail = desc + BigInt(size * DESC_BYTES);
    // flags, index, the ring and used_event; then the used ring at the next boundary.
    const end = avail + BigInt(6 + 2 * size);
    const align = BigInt(this.align);
    return { desc, avail, used: ((end + align - 1n) / align) * align };
  }

  /** A write of 0 to Status. The page size stays: drivers tell it once, before they reset the device. */
  reset(): void {
    this.align = this.pfn = 0;
  }

  save(): unknown {
    return { pageSize: this.pageSize, align: this.align, pfn: this.pfn };
  }

  load(state: unknown): void {
    Object.assign(this, state as { pageSize: number; align: number; pfn: number });
  }
}

function isPower(value: number): boolean {
  return value > 0 && value <= MAX_ALIGN && (value & (value - 1)) === 0;
}
