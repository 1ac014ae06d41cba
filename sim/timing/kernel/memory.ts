// Loads, stores and fetches that are no hit: first-level TLB miss, cache miss, first write to a shared line.
import { CUR_CORE } from '../../wasm/layout';
import {
  L2_DIRTY,
  L2_OWNED,
  P_CCI,
  P_CLUSTER,
  P_DRAM,
  P_DRAM_READ,
  P_DRAM_WRITE,
  P_L2,
  P_L2_MASK,
  P_L2_STREAM,
  P_LOAD,
  P_MSHR,
  P_SNOOP,
  P_STORE_SLACK,
  P_UNCACHED,
  SLOT_LINE,
  T_CY,
  T_MEMORY,
  T_MSHR,
  T_MSHR_NEXT,
  T_STORES,
  T_STREAM_NEXT,
  T_STREAMS,
} from '../../wasm/timing-layout';
import {
  l1dFind,
  l1dInsert,
  l1iHas,
  l1iInsert,
  l2Find,
  l2Insert,
  l2MaskOf,
  l2Of,
  l2Remove,
  share,
  takeOver,
} from './cache';
import { later, param } from './state';
import { tlbData } from './tlb';

/** Slots of accesses without a cached page: a device (its bus has charged already) and uncached RAM. */
export const SLOT_DEVICE: usize = 0;
export const SLOT_UNCACHED: usize = 1;

const STREAMS: u32 = 4;
/** Misses in a row after which a stream is prefetched. */
const TRAINED: u32 = 3;
/** Largest distance in lines between two misses of one stream. */
const REACH: i32 = 4;

/** When the last fill could begin: an outstanding-miss register was free. */
let fillStart: u64 = 0;

/** Notes a miss for the prefetcher; true if it belongs to a stream that runs ahead of the core. */
function streamed(line: u32): bool {
  for (let i: usize = 0; i < <usize>STREAMS; i++) {
    const at = <usize>T_STREAMS + (i << 4);
    const distance = <i32>(line - load<u32>(at));
    const stride = load<i32>(at, 4);
    const hits = load<u32>(at, 8);
    const follows = stride != 0 ? distance == stride : distance != 0 && distance >= -REACH && distance <= REACH;
    if (!follows) continue;
    store<u32>(at, line);
    store<i32>(at, distance, 4);
    store<u32>(at, hits + 1, 8);
    return hits + 1 >= TRAINED;
  }
  const next = load<u32>(<usize>T_STREAM_NEXT);
  store<u32>(<usize>T_STREAM_NEXT, (next + 1) % STREAMS);
  const at = <usize>T_STREAMS + ((<usize>next) << 4);
  store<u32>(at, line);
  store<u64>(at, 0, 4);
  return false;
}

/** Completion of a transfer from or to DRAM; that of a stream was asked for one latency earlier, but shares the path. */
function dram(start: u64, ahead: bool, each: u64): u64 {
  const latency = param(P_DRAM);
  if (!ahead) return start + latency;
  const asked = start > latency ? start - latency : 0;
  const arrives = later(load<u64>(<usize>T_MEMORY), asked) + each;
  store<u64>(<usize>T_MEMORY, arrives);
  return later(arrives, start) + param(P_L2_STREAM);
}

/** The other cluster's copy of `line`: true if it had one, which is then gone (`write`) or clean. */
function fetchAcross(line: u32, write: bool): bool {
  const other = (<u32>param(P_CLUSTER)) ^ 1;
  const mask = l2MaskOf(other);
  if (mask == 0) return false;
  if (write) return l2Remove(other, mask, line);
  const place = l2Find(l2Of(other), mask, line);
  if (place < 0) return false;
  share(l2Of(other), place);
  return true;
}

/** Completion of the transfer of `line` into the second level, asked for at `start`. */
function fromL2(line: u32, start: u64, ahead: bool, write: bool): u64 {
  const cluster = <u32>param(P_CLUSTER);
  const mask = <u32>param(P_L2_MASK);
  const l2 = l2Of(cluster);
  const place = l2Find(l2, mask, line);
  const me = load<u32>(<usize>CUR_CORE);
  if (place >= 0) {
    const snooped = write ? takeOver(l2, place) : share(l2, place);
    if (write) fetchAcross(line, true);
    return start + (snooped ? param(P_SNOOP) : ahead ? param(P_L2_STREAM) : param(P_L2));
  }
  const across = fetchAcross(line, write);
  // a stream of whole lines goes to DRAM as it is written
  const meta = write ? (<u32>L2_OWNED) | me | (ahead ? 0 : <u32>L2_DIRTY) : 0;
  l2Insert(cluster, mask, line, meta);
  if (across) return start + param(P_CCI);
  return dram(start, ahead, write ? param(P_DRAM_WRITE) : param(P_DRAM_READ));
}

/** Brings `line` into the data cache; returns when its data can be used. */
function fill(line: u32, time: u64, write: bool): u64 {
  const ahead = streamed(line);
  fillStart = time;
  let done: u64 = 0;
  if (write && ahead) {
    done = fromL2(line, time, true, true);
    fillStart = done;
  } else {
    const next = load<u32>(<usize>T_MSHR_NEXT);
    const register = <usize>T_MSHR + ((<usize>next) << 3);
    store<u32>(<usize>T_MSHR_NEXT, next + 1 >= <u32>param(P_MSHR) ? 0 : next + 1);
    fillStart = later(time, load<u64>(register));
    done = fromL2(line, fillStart, ahead, write);
    store<u64>(register, done);
  }
  l1dInsert(line, <u32>write);
  return done;
}

/** When the data of a load are there that was issued at `time`; `latency` is that of a hit. */
export function loadMiss(slot: usize, va: u64, time: u64, latency: u64): u64 {
  if (slot <= SLOT_UNCACHED) return time + (slot == SLOT_DEVICE ? latency : param(P_UNCACHED));
  const issued = time + tlbData(slot, va, 0);
  const line = load<u32>(slot, <usize>SLOT_LINE) | ((<u32>(va >> 6)) & 63);
  if (l1dFind(load<u32>(<usize>CUR_CORE), line) != 0) return issued + latency;
  return fill(line, issued, false) + latency - param(P_LOAD);
}

/** Dispatch time after a store that was issued at `time`: it waits only if the store buffer is full. */
export function storeMiss(slot: usize, va: u64, time: u64, cy: u64): u64 {
  if (slot == SLOT_DEVICE) return cy;
  fillStart = time;
  let done: u64 = 0;
  if (slot == SLOT_UNCACHED) {
    fillStart = later(time, load<u64>(<usize>T_STORES));
    done = fillStart + param(P_DRAM_WRITE);
  } else {
    const issued = time + tlbData(slot, va, 1);
    const line = load<u32>(slot, <usize>SLOT_LINE) | ((<u32>(va >> 6)) & 63);
    const tag = l1dFind(load<u32>(<usize>CUR_CORE), line);
    fillStart = issued;
    if (tag == 0) done = fill(line, issued, true);
    else {
      done = issued;
      if ((load<u32>(tag) & 1) == 0) {
        store<u32>(tag, load<u32>(tag) | 1);
        done = upgrade(line, issued);
      }
    }
  }
  store<u64>(<usize>T_STORES, later(load<u64>(<usize>T_STORES), done));
  const slack = param(P_STORE_SLACK);
  return fillStart > cy + slack ? fillStart - slack : cy;
}

/** First write to a line that the core has read: other copies go. */
function upgrade(line: u32, time: u64): u64 {
  const l2 = l2Of(<u32>param(P_CLUSTER));
  const place = l2Find(l2, <u32>param(P_L2_MASK), line);
  const snooped = place >= 0 && takeOver(l2, place);
  const across = fetchAcross(line, true);
  return time + (across ? param(P_CCI) : snooped ? param(P_SNOOP) : 0);
}

/** Fetch time after a line of code that was looked up at `time` and may not be in the instruction cache. */
export function fetchMiss(line: u32, time: u64): u64 {
  if (l1iHas(line)) return time;
  const done = fromL2(line, time, false, false);
  l1iInsert(line);
  // the next line of the page is fetched along
  if ((line & 63) != 63 && !l1iHas(line + 1)) {
    fromL2(line + 1, time, true, false);
    l1iInsert(line + 1);
  }
  return done;
}

/** Latency of a descriptor read by the table walker, which reads through the second level. */
export function walkerRead(line: u32): u64 {
  const now = load<u64>(<usize>T_CY);
  return fromL2(line, now, false, false) - now;
}
