import {
  REGION_BASE,
  REGION_DROPS,
  REGION_ENTRIES,
  REGION_INSNS,
  REGION_MAX,
  REGION_ON,
  REGION_PAGE,
  REGION_PAGE_STATE,
  REGION_PAGES,
  REGION_RECENT,
  REGION_RECENT_NEXT,
  REGION_SIZE,
  REGION_UOP,
  UOP_PAGE_SIZE,
  UOP_POOL,
} from '../wasm/layout.js';
import type { Kernel } from '../wasm/module.js';
import { discover, type Region } from './discover.js';
import { mayBegin } from './emit.js';
import { buildModule } from './module.js';
import { RegionEmitter } from './region.js';
import { regionText } from './text.js';

const WASM_PAGE = 65536;
/** Bounds of a translator, and how it compiles. */
export interface TranslatorOptions {
  /** Regions of a module at most. */
  readonly batch?: number;
  /** Modules kept at most; the oldest goes first. */
  readonly modules?: number;
  /** Makes the functions of a module; throws if it is refused. */
  readonly instantiate?: (bytes: Uint8Array, memory: WebAssembly.Memory) => Record<string, unknown>;
}

const BATCH = 32;
const MODULES = 256;
/** Length of the ring at REGION_RECENT. */
const RECENT = 16;
/** A page whose regions were dropped so often is not translated again until it holds other code. */
const MOST_DROPS = 8;
/** Shorter regions do not pay for their entry, unless they loop. */
const LEAST_INSTRUCTIONS = 6;
const MOST_REFUSED = 1 << 16;

/** What the translator has done, for reports and tests. */
export interface TranslatorCounts {
  readonly regions: number;
  readonly modules: number;
  readonly instructions: number;
  readonly bytes: number;
  /** Modules dropped to make room. */
  readonly evicted: number;
  /** Regions that WebAssembly refused, and entry points not worth a region. */
  readonly failed: number;
  readonly refused: number;
  /** Regions whose code changed. */
  readonly dropped: number;
  /** Entries into regions, and instructions retired in them. */
  readonly entries: number;
  readonly executed: number;
}

interface Pending {
  readonly number: number;
  readonly uop: number;
  readonly region: Region;
}

interface Member {
  readonly number: number;
  readonly uop: number;
  readonly index: number;
  /** Kept for reports of our own bugs only. */
  readonly region: Region | undefined;
}

interface Batch {
  readonly members: readonly Member[];
}

/**
 * Translates hot code to WebAssembly and gives it to the kernel of one machine. It decides by what has been executed and
 * compiles synchronously, so that a run can be repeated; results do not depend on it in any way.
 */
export class Translator {
  readonly #kernel: Kernel;
  readonly #options: Required<TranslatorOptions>;
  #pending: Pending[] = [];
  readonly #batches: Batch[] = [];
  readonly #freeNumbers: number[] = [];
  readonly #freeIndices: number[] = [];
  readonly #refused = new Set<number>();
  /** Keeps what regions were made from, for recent(); costs memory. */
  keepSources = false;
  #nextNumber = 1;
  #counts = { regions: 0, modules: 0, instructions: 0, bytes: 0, evicted: 0, failed: 0, refused: 0 };

  constructor(kernel: Kernel, options: TranslatorOptions = {}) {
    this.#kernel = kernel;
    this.#options = { batch: BATCH, modules: MODULES, instantiate, ...options };
    kernel.u32[REGION_ON >> 2] = 1;
  }

  get counts(): TranslatorCounts {
    const { u32, u64 } = this.#kernel;
    return {
      ...this.#counts,
      dropped: u32[REGION_DROPS >> 2] as number,
      entries: Number(u64[REGION_ENTRIES >> 3]),
      executed: Number(u64[REGION_INSNS >> 3]),
    };
  }

  /** The kernel's import: the micro-op at `uop`, whose virtual page is given, is often branched to. */
  hot(uop: number, pageHi: number, pageLo: number, now: boolean): void {
    if (this.#refused.has(uop)) return;
    const waiting = this.#pending.some((pending) => pending.uop === uop && this.#alive(pending));
    if (!waiting) this.#translate(uop, (BigInt(pageHi >>> 0) << 32n) | BigInt(pageLo >>> 0));
    if (now || this.#pending.length >= this.#options.batch) this.#flush();
  }

  /** The regions that ran last, newest first, as text: guest code and WebAssembly. For reports of our own bugs. */
  recent(): string[] {
    const { u8, u32 } = this.#kernel;
    const next = u32[REGION_RECENT_NEXT >> 2] as number;
    const numbers = new Set<number>();
    for (let i = 1; i <= Math.min(next, RECENT); i++) {
      const at = REGION_RECENT + ((next - i) & (RECENT - 1)) * 2;
      numbers.add((u8[at] as number) | ((u8[at + 1] as number) << 8));
    }
    const members = this.#batches.flatMap((batch) => batch.members);
    return [...numbers].flatMap((number) => {
      const member = members.find((one) => one.number === number);
      return member?.region === undefined ? [] : [regionText(number, member.region)];
    });
  }

  #translate(uop: number, page: bigint): void {
    const uops = uop - ((uop - UOP_POOL) % UOP_PAGE_SIZE);
    const region = discover(this.#kernel, uop, page, uops);
    // its fetch is not at hand: it will be hot again
    if (region === undefined) return;
    const first = region.blocks.get(region.entry)?.uops[0];
    const loops = [...region.blocks.values()].some((block) => block.next.some((at) => at <= block.at));
    const short = region.instructions < LEAST_INSTRUCTIONS && !loops;
    if (first === undefined || !mayBegin(first) || short || this.#unsteady(region)) {
      this.#refuse(uop);
      return;
    }
    const number = this.#takeNumber();
    const { u8, u32 } = this.#kernel;
    const record = REGION_BASE + number * REGION_SIZE;
    u32[(record + REGION_UOP) >> 2] = uop;
    const pages = [...region.pages.values()];
    u8[record + REGION_PAGES] = pages.length;
    pages.forEach((at, i) => (u32[((record + REGION_PAGE) >> 2) + i] = at));
    this.#kernel.regionAdd(number);
    this.#pending.push({ number, uop, region });
    this.#counts.instructions += region.instructions;
  }

  #refuse(uop: number): void {
    this.#counts.refused++;
    if (this.#refused.size >= MOST_REFUSED) this.#refused.clear();
    this.#refused.add(uop);
  }

  /** True if a page of the region has lost its regions again and again: code beside data, or being written. */
  #unsteady(region: Region): boolean {
    const { u8 } = this.#kernel;
    return [...region.pages.values()].some((uops) => {
      const state = REGION_PAGE_STATE + Math.floor((uops - UOP_POOL) / UOP_PAGE_SIZE) * 4;
      return (u8[state + 2] as number) + (u8[state + 3] as number) * 256 >= MOST_DROPS;
    });
  }

  #alive({ number, uop }: { number: number; uop: number }): boolean {
    return this.#kernel.u32[(REGION_BASE + number * REGION_SIZE + REGION_UOP) >> 2] === uop;
  }

  #flush(): void {
    const ready = this.#pending.filter((pending) => this.#alive(pending));
    for (const pending of this.#pending) if (!this.#alive(pending)) this.#freeNumbers.push(pending.number);
    this.#pending = [];
    this.#sweep();
    if (ready.length === 0) return;
    const pages = this.#kernel.memory.buffer.byteLength / WASM_PAGE;
    const bytes = buildModule(
      ready.map(({ region }) => new RegionEmitter(region).emit()),
      pages,
    );
    let exports: Record<string, unknown>;
    try {
      exports = this.#options.instantiate(bytes, this.#kernel.memory);
    } catch {
      // the interpreter goes on with these
      this.#counts.failed += ready.length;
      for (const { number, uop } of ready) {
        this.#kernel.regionDrop(number);
        this.#freeNumbers.push(number);
        this.#refuse(uop);
      }
      return;
    }
    const members = ready.map(({ number, uop, region }, at) => {
      const index = this.#takeIndex();
      this.#kernel.table.set(index, exports[String(at)]);
      this.#kernel.regionEnable(number, index);
      return { number, uop, index, region: this.keepSources ? region : undefined };
    });
    this.#batches.push({ members });
    this.#counts.modules++;
    this.#counts.regions += members.length;
    this.#counts.bytes += bytes.length;
    if (this.#batches.length > this.#options.modules) this.#evict();
  }

  /** Gives back what the kernel has dropped; a module goes with its last region. */
  #sweep(): void {
    for (let i = this.#batches.length - 1; i >= 0; i--) {
      const batch = this.#batches[i] as Batch;
      const members = batch.members.filter((member) => {
        if (this.#alive(member)) return true;
        this.#release(member);
        return false;
      });
      if (members.length === 0) this.#batches.splice(i, 1);
      else if (members.length < batch.members.length) this.#batches[i] = { members };
    }
  }

  #release({ number, index }: { number: number; index: number }): void {
    this.#kernel.table.set(index, null);
    this.#freeIndices.push(index);
    this.#freeNumbers.push(number);
  }

  #evict(): void {
    const oldest = this.#batches.shift();
    if (oldest === undefined) return;
    this.#counts.evicted++;
    for (const member of oldest.members) {
      if (this.#alive(member)) this.#kernel.regionDrop(member.number);
      this.#release(member);
    }
  }

  #takeNumber(): number {
    const free = this.#freeNumbers.pop();
    if (free !== undefined) return free;
    if (this.#nextNumber < REGION_MAX) return this.#nextNumber++;
    this.#sweep();
    while (this.#freeNumbers.length === 0 && this.#batches.length > 0) this.#evict();
    if (this.#freeNumbers.length === 0) this.#flush();
    return this.#freeNumbers.pop() ?? this.#takeNumber();
  }

  #takeIndex(): number {
    return this.#freeIndices.pop() ?? this.#kernel.table.grow(1);
  }
}

function instantiate(bytes: Uint8Array, memory: WebAssembly.Memory): Record<string, unknown> {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { m: memory } }).exports;
}
