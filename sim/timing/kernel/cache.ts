// Caches of the approximate model, keyed by physical line (address / 64): first level per core, second per cluster. Ways
// are replaced first in, first out, so a hit changes nothing.
import { CUR_CORE, MAX_CORES } from '../../wasm/layout';
import {
  C_L1D,
  C_L1D_NEXT,
  C_L1I,
  C_L1I_NEXT,
  L2_DIRTY,
  L2_META,
  L2_NEXT,
  L2_OWNED,
  P_CLUSTER,
  P_DRAM_WRITE,
  P_L1D_MASK,
  P_L1D_WAYS,
  P_L1I_MASK,
  P_L1I_WAYS,
  P_L2_MASK,
  P_SLOT,
  T_MEMORY,
  TIMED_L2,
  TIMED_L2_STRIDE,
} from '../../wasm/timing-layout';
import { own, param, paramOf, timedOf } from './state';

const EMPTY: u32 = 0xffffffff;

/** The second level of cluster `cluster`. */
export function l2Of(cluster: u32): usize {
  return <usize>TIMED_L2 + <usize>cluster * <usize>TIMED_L2_STRIDE;
}

function tagAt(set: usize, line: u32): usize {
  const wanted = (line << 1) | 1;
  for (let way: usize = 0; way < 16; way += 4) if ((load<u32>(set + way) | 1) == wanted) return set + way;
  return 0;
}

/** Address of the tag of `line` in a core's data cache, 0 = not there. */
export function l1dFind(core: u32, line: u32): usize {
  return tagAt(timedOf(core) + <usize>C_L1D + ((<usize>(line & paramOf(core, P_L1D_MASK))) << 4), line);
}

/** Puts `line` into the running core's data cache; what it displaces is in the second level anyway. */
export function l1dInsert(line: u32, writable: u32): void {
  const set = <usize>(line & (<u32>param(P_L1D_MASK)));
  const next = own() + set + <usize>C_L1D_NEXT;
  const way = <u32>load<u8>(next);
  store<u8>(next, way + 1 >= <u32>param(P_L1D_WAYS) ? 0 : <u8>(way + 1));
  store<u32>(own() + (set << 4) + ((<usize>way) << 2), (line << 1) | writable, <usize>C_L1D);
}

export function l1iHas(line: u32): bool {
  return tagAt(own() + <usize>C_L1I + ((<usize>(line & (<u32>param(P_L1I_MASK)))) << 4), line) != 0;
}

export function l1iInsert(line: u32): void {
  const set = <usize>(line & (<u32>param(P_L1I_MASK)));
  const next = own() + set + <usize>C_L1I_NEXT;
  const way = <u32>load<u8>(next);
  store<u8>(next, way + 1 >= <u32>param(P_L1I_WAYS) ? 0 : <u8>(way + 1));
  store<u32>(own() + (set << 4) + ((<usize>way) << 2), line << 1, <usize>C_L1I);
}

/** Takes `line` out of the data caches of a cluster's cores, but not of core `but`; true if one had it. */
export function l1dRemove(cluster: u32, line: u32, but: u32): bool {
  let had = false;
  for (let core: u32 = 0; core < <u32>MAX_CORES; core++) {
    if (core == but || paramOf(core, P_SLOT) == 0 || paramOf(core, P_CLUSTER) != cluster) continue;
    const tag = l1dFind(core, line);
    if (tag == 0) continue;
    store<u32>(tag, EMPTY);
    had = true;
  }
  return had;
}

/** Number of the place of `line` in a second level with `mask` + 1 sets, -1 = not there. */
export function l2Find(l2: usize, mask: u32, line: u32): i32 {
  const set = (line & mask) << 4;
  const wanted = i32x4.splat(line);
  const at = l2 + ((<usize>set) << 2);
  for (let part: u32 = 0; part < 16; part += 4) {
    const bits = i32x4.bitmask(i32x4.eq(v128.load(at + ((<usize>part) << 2)), wanted));
    if (bits) return <i32>(set + part + <u32>ctz<i32>(bits));
  }
  return -1;
}

/** Puts `line` into a second level; a line that must go leaves the first level too (inclusion). */
export function l2Insert(cluster: u32, mask: u32, line: u32, meta: u32): void {
  const l2 = l2Of(cluster);
  const set = line & mask;
  const next = l2 + <usize>set + <usize>L2_NEXT;
  const way = <u32>load<u8>(next);
  store<u8>(next, <u8>((way + 1) & 15));
  const place = (set << 4) + way;
  const tag = l2 + ((<usize>place) << 2);
  const old = load<u32>(tag);
  if (old != EMPTY) {
    l1dRemove(cluster, old, <u32>MAX_CORES);
    if (load<u8>(l2 + <usize>place, <usize>L2_META) & (<u8>L2_DIRTY)) {
      store<u64>(<usize>T_MEMORY, load<u64>(<usize>T_MEMORY) + param(P_DRAM_WRITE));
    }
  }
  store<u32>(tag, line);
  store<u8>(l2 + <usize>place, <u8>meta, <usize>L2_META);
}

/** Takes `line` out of a cluster altogether; true if its second level had it. */
export function l2Remove(cluster: u32, mask: u32, line: u32): bool {
  const l2 = l2Of(cluster);
  const place = l2Find(l2, mask, line);
  if (place < 0) return false;
  store<u32>(l2 + ((<usize>place) << 2), EMPTY);
  l1dRemove(cluster, line, <u32>MAX_CORES);
  return true;
}

/** Sets - 1 of a cluster's second level; 0 = no core of the cluster is known. */
export function l2MaskOf(cluster: u32): u32 {
  for (let core: u32 = 0; core < <u32>MAX_CORES; core++) {
    if (paramOf(core, P_SLOT) != 0 && paramOf(core, P_CLUSTER) == cluster) return paramOf(core, P_L2_MASK);
  }
  return 0;
}

/** The host wrote [pa, pa + length): the lines leave the first level and are then in the first cluster's second. */
export function linesWritten(pa: u64, length: u32): void {
  if (length == 0) return;
  const last = <u32>((pa + <u64>length - 1) >> 6);
  const keep = length <= 0x10000;
  for (let line = <u32>(pa >> 6); line <= last; line++) {
    for (let cluster: u32 = 0; cluster < 2; cluster++) {
      const mask = cluster == 0 ? l2MaskOf(0) : l2MaskOf(1);
      if (mask == 0) continue;
      const place = l2Find(l2Of(cluster), mask, line);
      if (place >= 0) {
        l1dRemove(cluster, line, <u32>MAX_CORES);
        if (cluster == 0 && keep) store<u8>(l2Of(0) + <usize>place, <u8>L2_DIRTY, <usize>L2_META);
        else store<u32>(l2Of(cluster) + ((<usize>place) << 2), EMPTY);
      } else if (cluster == 0 && keep) l2Insert(0, mask, line, <u32>L2_DIRTY);
    }
  }
}

/** A cache operation by address that discards: DC IVAC, DC CIVAC. */
export function lineDiscarded(line: u32): void {
  for (let cluster: u32 = 0; cluster < 2; cluster++) {
    const mask = l2MaskOf(cluster);
    if (mask != 0) l2Remove(cluster, mask, line);
  }
}

/** What a write by the running core does to the copies of other cores of its cluster; true if there was one. */
export function takeOver(l2: usize, place: i32): bool {
  const me = load<u32>(<usize>CUR_CORE);
  const had = l1dRemove(<u32>param(P_CLUSTER), load<u32>(l2 + ((<usize>place) << 2)), me);
  store<u8>(l2 + <usize>place, <u8>((<u32>L2_OWNED) | me | (<u32>L2_DIRTY)), <usize>L2_META);
  return had;
}

/** What a read does to a copy that another core may have modified; true if there was one. */
export function share(l2: usize, place: i32): bool {
  const at = l2 + <usize>place + <usize>L2_META;
  const meta = <u32>load<u8>(at);
  const owner = meta & 7;
  if ((meta & (<u32>L2_OWNED)) == 0 || owner == load<u32>(<usize>CUR_CORE)) return false;
  store<u8>(at, <u8>L2_DIRTY);
  const tag = l1dFind(owner, load<u32>(l2 + ((<usize>place) << 2)));
  if (tag == 0) return false;
  store<u32>(tag, load<u32>(tag) & ~1);
  return true;
}
