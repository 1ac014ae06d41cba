/** Sorted, merged sets of inclusive ranges (xen: xen/common/rangeset.c). Bounds are bigint: a u64 of the ABI. */
export class RangeSet {
  readonly #ranges: { start: bigint; end: bigint }[] = [];

  constructor(readonly limit: number) {}

  get ranges(): readonly { readonly start: bigint; readonly end: bigint }[] {
    return this.#ranges;
  }

  /** True if one contiguous run holds all of [start, end]. */
  contains(start: bigint, end: bigint): boolean {
    return this.#ranges.some((r) => start >= r.start && end <= r.end);
  }

  overlaps(start: bigint, end: bigint): boolean {
    return this.#ranges.some((r) => start <= r.end && end >= r.start);
  }

  /** Adds and merges with neighbours; false when that needs one range more than the limit. */
  add(start: bigint, end: bigint): boolean {
    let from = start;
    let to = end;
    const kept = this.#ranges.filter((r) => {
      if (r.end + 1n < from || r.start > to + 1n) return true;
      if (r.start < from) from = r.start;
      if (r.end > to) to = r.end;
      return false;
    });
    if (kept.length + 1 > this.limit) return false;
    kept.push({ start: from, end: to });
    kept.sort((a, b) => (a.start < b.start ? -1 : 1));
    this.#ranges.splice(0, this.#ranges.length, ...kept);
    return true;
  }

  /** Removes [start, end], splitting what it cuts; false when that needs one range more than the limit. */
  remove(start: bigint, end: bigint): boolean {
    const next: { start: bigint; end: bigint }[] = [];
    for (const r of this.#ranges) {
      if (r.end < start || r.start > end) next.push(r);
      else {
        if (r.start < start) next.push({ start: r.start, end: start - 1n });
        if (r.end > end) next.push({ start: end + 1n, end: r.end });
      }
    }
    if (next.length > this.limit) return false;
    this.#ranges.splice(0, this.#ranges.length, ...next);
    return true;
  }

  clear(): void {
    this.#ranges.length = 0;
  }

  save(): unknown {
    return this.#ranges.map((r) => [String(r.start), String(r.end)]);
  }

  load(state: unknown): void {
    const pairs = state as [string, string][];
    this.#ranges.splice(0, this.#ranges.length, ...pairs.map(([a, b]) => ({ start: BigInt(a), end: BigInt(b) })));
  }
}
