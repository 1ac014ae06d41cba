import type { Confidence, TimingEntry } from '../../boards/timing-schema.js';

/** How much of what was charged rests on one entry. */
export interface CostUse {
  readonly name: string;
  readonly confidence: Confidence;
  readonly uses: number;
  /** Ticks charged under it in all. */
  readonly ticks: bigint;
}

interface Use {
  readonly entry: TimingEntry;
  uses: number;
  ticks: bigint;
}

const KIB = 1024n;
const NS_PER_SECOND = 1_000_000_000n;

/**
 * Looks up what things cost in the board's timing table. `cycles` entries are cycles of whichever core does the
 * work; `ns` entries are converted to its cycles, rounded up, so that a charge is a whole number of cycles and is
 * never free. An unknown name is our bug and throws.
 */
export class Costs {
  readonly #uses = new Map<string, Use>();
  readonly #cache = new Map<string, number>();

  /** @param tickHz base ticks per second. */
  constructor(
    table: Readonly<Record<string, TimingEntry>>,
    readonly tickHz: number,
  ) {
    for (const [name, entry] of Object.entries(table)) this.#uses.set(name, { entry, uses: 0, ticks: 0n });
  }

  /** The cost in cycles of a core that has `ticksPerCycle`; for `/KiB` entries that of `bytes` bytes. Not counted. */
  peek(name: string, ticksPerCycle: number, bytes = 0): number {
    const key = bytes === 0 ? `${name}@${ticksPerCycle}` : '';
    const cached = key === '' ? undefined : this.#cache.get(key);
    if (cached !== undefined) return cached;
    const { entry } = this.#get(name);
    const cycles = Number(this.#cycles(entry, BigInt(ticksPerCycle), BigInt(bytes)));
    if (key !== '') this.#cache.set(key, cycles);
    return cycles;
  }

  /** As `peek`, for a charge that is now made: counted for the report. */
  cost(name: string, ticksPerCycle: number, bytes = 0): number {
    const cycles = this.peek(name, ticksPerCycle, bytes);
    this.count(name, 1, cycles * ticksPerCycle);
    return cycles;
  }

  /** Counts charges made elsewhere (the kernel's own cost table). */
  count(name: string, uses: number, ticks: number): void {
    const use = this.#get(name);
    use.uses += uses;
    use.ticks += BigInt(ticks);
  }

  /** Ticks of an entry for work that no core does (a host device, a wire). Counted. */
  ticks(name: string, bytes = 0): bigint {
    const use = this.#get(name);
    if (use.entry.unit.startsWith('cycles')) throw new Error(`timing entry ${name} is in cycles, of no core here`);
    const ticks = this.#cycles(use.entry, 1n, BigInt(bytes));
    use.uses++;
    use.ticks += ticks;
    return ticks;
  }

  confidence(name: string): Confidence {
    return this.#get(name).entry.confidence;
  }

  /** Entries that were charged at least once, in the table's order. */
  used(): CostUse[] {
    const out: CostUse[] = [];
    for (const [name, { entry, uses, ticks }] of this.#uses) {
      if (uses > 0) out.push({ name, confidence: entry.confidence, uses, ticks });
    }
    return out;
  }

  save(): unknown {
    return this.used().map(({ name, uses, ticks }) => [name, uses, String(ticks)]);
  }

  load(state: unknown): void {
    for (const use of this.#uses.values()) {
      use.uses = 0;
      use.ticks = 0n;
    }
    for (const [name, uses, ticks] of state as [string, number, string][]) {
      const use = this.#get(name);
      use.uses = uses;
      use.ticks = BigInt(ticks);
    }
  }

  #get(name: string): Use {
    const use = this.#uses.get(name);
    if (use === undefined) throw new Error(`the timing table has no entry ${name}`);
    return use;
  }

  #cycles(entry: TimingEntry, ticksPerCycle: bigint, bytes: bigint): bigint {
    const value = BigInt(entry.value);
    switch (entry.unit) {
      case 'count':
      case 'cycles':
        return value;
      case 'cycles/KiB':
        return ceilDiv(value * bytes, KIB);
      case 'ns':
        return ceilDiv(value * BigInt(this.tickHz), NS_PER_SECOND * ticksPerCycle);
      case 'ns/KiB':
        return ceilDiv(value * bytes * BigInt(this.tickHz), KIB * NS_PER_SECOND * ticksPerCycle);
    }
  }
}

function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
