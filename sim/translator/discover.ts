import {
  CORE_BASE,
  CORE_CTX,
  CORE_STRIDE,
  REGION_BASE,
  REGION_MAP,
  REGION_MAX_PAGES,
  REGION_OP,
  REGION_SIZE,
} from '../wasm/layout.js';
import {
  TLB_ADDEND,
  TLB_BASE,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_STRIDE,
  TLB_TAG_X,
  TLB_UOPS,
  UOP_POOL,
} from '../wasm/layout.js';
import type { Kernel } from '../wasm/module.js';
import { translatable } from './emit.js';
import { isReturn, KINDS, O_REGION, targetOf, type Uop } from './uop.js';

/** Instructions of a region at most. */
const MOST_INSTRUCTIONS = 400;
const PAGE = 4096;
/** How far from its first page a region may reach: what an exit can say. */
const REACH = 1 << 26;

/** A piece of straight code. */
export interface Block {
  readonly at: number;
  readonly uops: readonly Uop[];
  /** Where it goes on after its last micro-op, if that is no branch. */
  readonly end: number;
  /** The last micro-op is a branch. */
  readonly branches: boolean;
  /** Blocks of the region that may follow. */
  readonly next: number[];
}

/** What one function is made from. Addresses are bytes from the first page of the region. */
export interface Region {
  readonly uop: number;
  readonly entry: number;
  readonly blocks: Map<number, Block>;
  /** Micro-op pages by distance in pages from the first. */
  readonly pages: Map<number, number>;
  /** Return sites that a return, by its address, may go to. */
  readonly returns: Map<number, number[]>;
  readonly instructions: number;
}

/** Reads micro-ops around one, through the TLB of the running core. */
class Reader {
  readonly pages = new Map<number, { uops: number; addend: number } | undefined>();

  constructor(
    private readonly kernel: Kernel,
    private readonly page: bigint,
  ) {}

  #page(distance: number): { uops: number; addend: number } | undefined {
    if (this.pages.has(distance)) return this.pages.get(distance);
    const { u32, u64, running } = this.kernel;
    const va = BigInt.asUintN(64, this.page + BigInt(distance * PAGE));
    const entry = TLB_BASE + running * TLB_STRIDE + Number((va >> 12n) & BigInt(TLB_ENTRIES - 1)) * TLB_ENTRY_SIZE;
    const context = u32[(CORE_BASE + running * CORE_STRIDE + CORE_CTX) >> 2] as number;
    const known = u64[(entry + TLB_TAG_X) >> 3] === (va | BigInt(context));
    const full = [...this.pages.values()].filter((page) => page !== undefined).length >= REGION_MAX_PAGES;
    const uops = u32[(entry + TLB_UOPS) >> 2] as number;
    const found =
      known && !full
        ? { uops, addend: ((u32[(entry + TLB_ADDEND) >> 2] as number) + Number(va & 0xffff_ffffn)) >>> 0 }
        : undefined;
    this.pages.set(distance, found);
    return found;
  }

  /** The micro-op at an address, or undefined: it has not been decoded, or its page is not at hand. */
  uop(at: number): Uop | undefined {
    if (at < -REACH || at >= REACH) return undefined;
    const page = this.#page(Math.floor(at / PAGE));
    if (page === undefined) return undefined;
    const offset = at & (PAGE - 1);
    const address = page.uops + (offset << 2);
    const { u8, u32 } = this.kernel;
    const word = address >> 2;
    const first = u32[word] as number;
    const second = u32[word + 1] as number;
    let op = first & 0xff;
    if (op === O_REGION) op = u8[recordAt(this.kernel, address) + REGION_OP] as number;
    return {
      at,
      op,
      cost: (first >>> 8) & 0xff,
      rd: first >>> 16,
      rn: second & 0xffff,
      rm: second >>> 16,
      low: u32[word + 2] as number,
      high: u32[word + 3] as number,
      word: u32[(page.addend + offset) >> 2] as number,
    };
  }
}

/** The record of the region that begins at the micro-op `uop`. */
function recordAt(kernel: Kernel, uop: number): number {
  const at = REGION_MAP + ((uop - UOP_POOL) >> 4) * 2;
  return REGION_BASE + ((kernel.u8[at] as number) | ((kernel.u8[at + 1] as number) << 8)) * REGION_SIZE;
}

/**
 * The code reachable from the micro-op at `uop`, whose virtual page is `page`, as far as it has been decoded and can be
 * translated, calls included. Undefined if the first instruction cannot.
 */
export function discover(kernel: Kernel, uop: number, page: bigint, uops: number): Region | undefined {
  const reader = new Reader(kernel, page);
  const entry = (uop - uops) >> 2;
  const found = new Map<number, Uop>();
  const leaders = new Set<number>([entry]);
  const calls: [number, number][] = [];
  const work = [entry];
  const lead = (at: number): void => {
    if (!leaders.has(at)) {
      leaders.add(at);
      work.push(at);
    }
  };
  for (let next = work.shift(); next !== undefined && found.size < MOST_INSTRUCTIONS; next = work.shift()) {
    for (let at = next; found.size < MOST_INSTRUCTIONS; at += 4) {
      if (found.has(at)) break;
      const insn = reader.uop(at);
      if (insn === undefined || !translatable(insn)) break;
      found.set(at, insn);
      const kind = KINDS[insn.op];
      if (kind === undefined || kind.flow === 'next') {
        // the end of a page is a check point
        if ((at + 4) % PAGE === 0) leaders.add(at + 4);
        continue;
      }
      if (kind.flow === 'condition' || kind.flow === 'jump') lead(targetOf(insn, kind));
      if (kind.flow === 'call') {
        const target = targetOf(insn, kind);
        lead(target);
        lead(at + 4);
        calls.push([at, target]);
      }
      if (kind.flow === 'condition') lead(at + 4);
      break;
    }
  }
  if (!found.has(entry)) return undefined;
  const blocks = makeBlocks(found, leaders);
  const returns = findReturns(blocks, calls);
  link(blocks, returns);
  const reached = reach(blocks, entry);
  let instructions = 0;
  const pages = new Map<number, number>();
  for (const [at, block] of blocks) {
    if (!reached.has(at)) {
      blocks.delete(at);
      continue;
    }
    instructions += block.uops.length;
    for (const { at: where } of block.uops) {
      const distance = Math.floor(where / PAGE);
      const uopPage = reader.pages.get(distance)?.uops;
      if (uopPage !== undefined) pages.set(distance, uopPage);
    }
  }
  if (pages.get(0) !== uops) return undefined;
  return { uop, entry, blocks, pages, returns, instructions };
}

function makeBlocks(found: ReadonlyMap<number, Uop>, leaders: ReadonlySet<number>): Map<number, Block> {
  const blocks = new Map<number, Block>();
  for (const leader of leaders) {
    const uops: Uop[] = [];
    let at = leader;
    let branches = false;
    for (let insn = found.get(at); insn !== undefined; insn = found.get(at)) {
      uops.push(insn);
      at += 4;
      branches = KINDS[insn.op]?.flow !== 'next';
      if (branches || leaders.has(at)) break;
    }
    if (uops.length > 0) blocks.set(leader, { at: leader, uops, end: at, branches, next: [] });
  }
  return blocks;
}

/** The micro-op that ends a block by branching. */
function branchOf(block: Block): Uop | undefined {
  return block.branches ? block.uops.at(-1) : undefined;
}

/** Follows each callee to its returns; calls inside it are stepped over. */
function findReturns(
  blocks: ReadonlyMap<number, Block>,
  calls: readonly (readonly [number, number])[],
): Map<number, number[]> {
  const returns = new Map<number, number[]>();
  for (const [call, target] of calls) {
    if (!blocks.has(call + 4)) continue;
    const seen = new Set<number>();
    const work = [target];
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      const block = blocks.get(at);
      if (block === undefined || seen.has(at)) continue;
      seen.add(at);
      const last = branchOf(block);
      const kind = last && KINDS[last.op];
      if (last === undefined || kind === undefined) work.push(block.end);
      else if (kind.flow === 'call') work.push(block.end);
      else if (kind.flow === 'indirect') {
        if (!isReturn(last)) continue;
        const sites = returns.get(last.at) ?? [];
        if (!sites.includes(call + 4)) sites.push(call + 4);
        returns.set(last.at, sites);
      } else if (kind.flow !== 'indirectCall') {
        work.push(targetOf(last, kind));
        if (kind.flow === 'condition') work.push(block.end);
      }
    }
  }
  return returns;
}

/** Return sites that a return compares with; more go to the interpreter. */
export const MOST_RETURNS = 8;

function link(blocks: ReadonlyMap<number, Block>, returns: ReadonlyMap<number, number[]>): void {
  for (const block of blocks.values()) {
    const last = branchOf(block);
    const kind = last && KINDS[last.op];
    let wanted: number[] = [];
    if (last === undefined || kind === undefined) wanted = [block.end];
    else if (kind.flow === 'indirect') wanted = (returns.get(last.at) ?? []).slice(0, MOST_RETURNS);
    else if (kind.flow !== 'indirectCall') {
      wanted = [targetOf(last, kind)];
      if (kind.flow === 'condition') wanted.push(block.end);
    }
    for (const at of new Set(wanted)) if (blocks.has(at)) block.next.push(at);
  }
}

function reach(blocks: ReadonlyMap<number, Block>, entry: number): Set<number> {
  const seen = new Set<number>();
  const work = [entry];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    work.push(...(blocks.get(at)?.next ?? []));
  }
  return seen;
}
