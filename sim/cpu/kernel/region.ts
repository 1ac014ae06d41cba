// Translated regions as the run loop and the decoded-code map see them. sim/translator makes them: functions in this
// module's table, each begun at one micro-op, whose operation is then O_REGION. Nothing here changes a result: a region
// does what the micro-ops do, and what is sampled, translated and dropped depends on the executed stream only.
import {
  CORE_EFF_LIMIT,
  REGION_BASE,
  REGION_COUNTS,
  REGION_DROPS,
  REGION_ENTRIES,
  REGION_INSNS,
  REGION_MAP,
  REGION_OP,
  REGION_ON,
  REGION_PAGE,
  REGION_PAGE_STATE,
  REGION_PAGES,
  REGION_RECENT,
  REGION_RECENT_NEXT,
  REGION_RUNS,
  REGION_SAMPLES,
  REGION_SAMPLE_SLOTS,
  REGION_SIZE,
  REGION_TABLE,
  REGION_TICK,
  REGION_UOP,
  REGION_USED,
  REGION_WORK,
  TLB_TAG_X,
  TLB_UOPS,
  UOP_PAGE_SIZE,
  UOP_POOL,
} from '../../wasm/layout';
import { hot } from './env';
import { O_REGION } from './gen/opcodes';

/** One of so many branches is sampled: a prime, so that no loop hides behind it. */
const INTERVAL: i32 = 251;
const NEVER: i32 = 0x7fffffff;
/** Samples of a target after which it is put forward, and those after which it waits for no companions. */
const WANTED: u32 = 12;
const URGENT: u32 = 36;
/** Cycles after which a region returns, so that V8 can replace its code. */
const LONGEST: u64 = 1000000;
/** A region is judged after so many entries: fewer instructions per entry than this do not pay for them. */
const TRIAL: u32 = 4096;
const WORTH: u64 = 12;

function mapSlot(uop: usize): usize {
  return <usize>REGION_MAP + (((uop - <usize>UOP_POOL) >> 3) & ~(<usize>1));
}

/** The record of region number `region`. */
function recordOf(region: u32): usize {
  return <usize>REGION_BASE + <usize>region * <usize>REGION_SIZE;
}

function pageState(uops: u32): usize {
  return <usize>REGION_PAGE_STATE + ((<usize>(uops - <u32>UOP_POOL) / <usize>UOP_PAGE_SIZE) << 2);
}

/** Branches until the first sample of a run(). */
export function sampleStart(): i32 {
  if (load<u32>(<usize>REGION_ON) == 0) return NEVER;
  const tick = load<i32>(<usize>REGION_TICK);
  return tick > 0 && tick < INTERVAL ? tick : INTERVAL;
}

/** A branch to the micro-op at `uop`, in the virtual page `ppc`, is sampled; returns the branches until the next. */
export function sample(uop: usize, ppc: u64): i32 {
  if (load<u32>(<usize>REGION_ON) == 0) return NEVER;
  // a page under DEBUG_EXEC (debug.ts) is not of the pool
  if (uop < <usize>UOP_POOL || <u32>load<u8>(uop) == O_REGION) return INTERVAL;
  const region = <u32>load<u16>(mapSlot(uop));
  if (region != 0 && load<u32>(recordOf(region), <usize>REGION_TABLE) != 0) {
    // it was left alone because the fetch of its page had to be done
    store<u8>(uop, <u8>O_REGION);
    return INTERVAL;
  }
  const slot = <usize>REGION_SAMPLES + (((uop >> 4) & (<usize>REGION_SAMPLE_SLOTS - 1)) << 3);
  if (load<u32>(slot) != <u32>uop) {
    store<u32>(slot, <u32>uop);
    store<u32>(slot, 1, 4);
    return INTERVAL;
  }
  const samples = load<u32>(slot, 4) + 1;
  store<u32>(slot, samples, 4);
  if (samples == WANTED || samples == URGENT) hot(<u32>uop, <u32>(ppc >> 32), <u32>ppc, samples == URGENT ? 1 : 0);
  return INTERVAL;
}

/**
 * The record of the region at `ip`, or 0: then the micro-op is itself again. A region relies on the fetch of its first
 * page being in the TLB.
 */
export function regionAt(ip: usize, tlb: usize, ppc: u64, ctx: u64, pbase: usize): usize {
  const number = load<u16>(mapSlot(ip));
  const region = recordOf(<u32>number);
  const entry = tlb + ((<usize>(ppc >>> 7)) & 0xffe0);
  if (load<u64>(entry, <usize>TLB_TAG_X) != (ppc | ctx) || load<u32>(entry, <usize>TLB_UOPS) != <u32>pbase) {
    store<u8>(ip, load<u8>(region, <usize>REGION_OP));
    return 0;
  }
  const next = load<u32>(<usize>REGION_RECENT_NEXT);
  store<u32>(<usize>REGION_RECENT_NEXT, next + 1);
  store<u16>(<usize>REGION_RECENT + ((<usize>(next & 15)) << 1), number);
  return region;
}

/** Cycles after which the region stops at a check point. */
export function regionBudget(core: usize, cycles: u64): u32 {
  const limit = load<u64>(core, <usize>CORE_EFF_LIMIT);
  if (limit <= cycles) return 0;
  const left = limit - cycles;
  return <u32>(left < LONGEST ? left : LONGEST);
}

/** What a region that returned `out` has retired: instructions << 32 | cycles. Drops it if it is not worth while. */
export function regionLeft(region: usize, out: u64): u64 {
  const last = (((out >> 7) & 1023) << 32) | ((out >> 17) & 0xfffff);
  const counts = load<u64>(<usize>REGION_COUNTS) + last;
  const runs = load<u32>(region, <usize>REGION_RUNS) + 1;
  const work = load<u64>(region, <usize>REGION_WORK) + (counts >> 32);
  store<u64>(<usize>REGION_ENTRIES, load<u64>(<usize>REGION_ENTRIES) + 1);
  store<u64>(<usize>REGION_INSNS, load<u64>(<usize>REGION_INSNS) + (counts >> 32));
  if (runs == TRIAL) {
    store<u32>(region, 0, <usize>REGION_RUNS);
    store<u64>(region, 0, <usize>REGION_WORK);
    if (work < <u64>TRIAL * WORTH) drop(region);
  } else {
    store<u32>(region, runs, <usize>REGION_RUNS);
    store<u64>(region, work, <usize>REGION_WORK);
  }
  return counts;
}

/** Makes a region known, with its record filled in except for the operation: it is dropped when its code changes. */
export function regionAdd(region: u32): void {
  const record = recordOf(region);
  const uop = <usize>load<u32>(record, <usize>REGION_UOP);
  store<u8>(record, load<u8>(uop), <usize>REGION_OP);
  store<u32>(record, 0, <usize>REGION_TABLE);
  store<u16>(mapSlot(uop), <u16>region);
  const pages = <u32>load<u8>(record, <usize>REGION_PAGES);
  for (let i: u32 = 0; i < pages; i++) {
    const state = pageState(load<u32>(record + ((<usize>i) << 2), <usize>REGION_PAGE));
    store<u16>(state, load<u16>(state) + 1);
  }
  store<u32>(record, 0, <usize>REGION_RUNS);
  store<u64>(record, 0, <usize>REGION_WORK);
  if (region >= load<u32>(<usize>REGION_USED)) store<u32>(<usize>REGION_USED, region + 1);
}

/** From now on run() enters the region, whose function is number `index` of the table. */
export function regionEnable(region: u32, index: u32): void {
  const record = recordOf(region);
  store<u32>(record, index, <usize>REGION_TABLE);
  store<u8>(<usize>load<u32>(record, <usize>REGION_UOP), <u8>O_REGION);
}

/** Takes a region out; its function may still be the caller's caller. */
export function regionDrop(region: u32): void {
  const record = recordOf(region);
  if (load<u32>(record, <usize>REGION_UOP) != 0) drop(record);
}

function drop(record: usize): void {
  const uop = <usize>load<u32>(record, <usize>REGION_UOP);
  if (<u32>load<u8>(uop) == O_REGION) store<u8>(uop, load<u8>(record, <usize>REGION_OP));
  store<u16>(mapSlot(uop), 0);
  store<u32>(record, 0, <usize>REGION_UOP);
  const pages = <u32>load<u8>(record, <usize>REGION_PAGES);
  for (let i: u32 = 0; i < pages; i++) {
    const state = pageState(load<u32>(record + ((<usize>i) << 2), <usize>REGION_PAGE));
    store<u16>(state, load<u16>(state) - 1);
  }
}

/** The code of the micro-op page `uops` has changed, or the page goes: every region made from it is dropped. */
export function dropRegions(uops: u32): void {
  const state = pageState(uops);
  if (load<u16>(state) == 0) return;
  const drops = <u32>load<u16>(state, 2);
  if (drops < 0xffff) store<u16>(state, <u16>(drops + 1), 2);
  const used = load<u32>(<usize>REGION_USED);
  for (let region: u32 = 1; region < used; region++) {
    const record = recordOf(region);
    if (load<u32>(record, <usize>REGION_UOP) == 0) continue;
    const pages = <u32>load<u8>(record, <usize>REGION_PAGES);
    for (let i: u32 = 0; i < pages; i++) {
      if (load<u32>(record + ((<usize>i) << 2), <usize>REGION_PAGE) != uops) continue;
      drop(record);
      store<u32>(<usize>REGION_DROPS, load<u32>(<usize>REGION_DROPS) + 1);
      break;
    }
  }
}

/** A page of micro-ops begins to stand for other code. */
export function freshPage(uops: u32): void {
  store<u16>(pageState(uops), 0, 2);
}

/** Drops every region. */
export function dropAllRegions(): void {
  const used = load<u32>(<usize>REGION_USED);
  for (let region: u32 = 1; region < used; region++) regionDrop(region);
}
