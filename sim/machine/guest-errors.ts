import type { GuestErrors } from './device.js';

/** One kind of mistake of one device, as reports print it. */
export interface GuestErrorCount {
  readonly kind: string;
  readonly device: string;
  readonly count: number;
  /** Details of the first occurrence. */
  readonly first: string;
}

const MAX_KINDS = 1000;

/**
 * Counts guests' and backends' mistakes by kind and device (rule G1). Bounded: only the first detail of each kind is
 * kept, and kinds beyond a thousand are counted together.
 */
export class GuestErrorLog implements GuestErrors {
  readonly #counts = new Map<string, { kind: string; device: string; count: number; first: string }>();

  /** @param onReport called for every report with the count so far (trace, log). */
  constructor(private readonly onReport?: (kind: string, device: string, detail: string, count: number) => void) {}

  report(kind: string, device: string, detail: string): void {
    let key = `${kind}\n${device}`;
    let entry = this.#counts.get(key);
    if (entry === undefined) {
      if (this.#counts.size >= MAX_KINDS) {
        key = 'other\n-';
        entry = this.#counts.get(key);
        kind = 'other';
        device = '-';
      }
      if (entry === undefined) {
        entry = { kind, device, count: 0, first: detail.slice(0, 200) };
        this.#counts.set(key, entry);
      }
    }
    entry.count++;
    this.onReport?.(kind, device, detail, entry.count);
  }

  /** Reports so far of a kind, by all devices. */
  count(kind: string): number {
    let sum = 0;
    for (const entry of this.#counts.values()) if (entry.kind === kind) sum += entry.count;
    return sum;
  }

  list(): GuestErrorCount[] {
    return [...this.#counts.values()].map((entry) => ({ ...entry }));
  }

  save(): unknown {
    return this.list();
  }

  load(state: unknown): void {
    this.#counts.clear();
    for (const entry of state as GuestErrorCount[]) this.#counts.set(`${entry.kind}\n${entry.device}`, { ...entry });
  }
}
