// Decoded-code pages: which host page has micro-ops, and what must happen when its words change.
//
// A store into such a page never takes the fast path (TLB_TAG_W is kept clear); it turns the micro-ops of the stored
// words back into "decode me now", which is safe even under the running instruction, because a micro-op depends on its
// own word only. Pool pages are handed out by fetchPage alone, when run() is leaving the page it was in.
import {
  CUR_CORE,
  HOT_PC,
  MAX_CORES,
  CORE_CTX,
  PAGE_WRITERS,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_TAG_X,
  TLB_UOPS,
  UOP_MAP,
  UOP_PAGE_SIZE,
  UOP_POOL,
  UOP_POOL_PAGES,
} from '../../wasm/layout';
import { O_DECODE, O_PAGE_END } from '../../cpu/kernel/gen/opcodes';
import { dropAllRegions, dropRegions, freshPage } from '../../cpu/kernel/region';
import { S } from '../../cpu/kernel/state';
import { TLB_INVALID, entryOf, revokeWrites } from './entry';
import { CODE_FREE, CODE_FREE_COUNT, CODE_META, CODE_USED, CTX_CORES } from './private';

const UOP_SIZE: u32 = 16;
const UOPS_BYTES: usize = 16384;

// Record of a pool page, 32 bytes: host page, slow stores since it was decoded, TLB entries that lead to it.
const META_PAGE: usize = 0; // u32, 0 = free
const META_STORES: usize = 4; // u16
const META_USERS: usize = 6; // u16: used slots, or USERS_MANY
const META_SLOTS: usize = 8; // 6 x u32
const SLOTS: u32 = 6;
const USERS_MANY: u32 = 7;
/** After so many stores a page is taken for data again. */
const STORES_KEPT: u32 = 64;

function metaOf(uops: u32): usize {
  return CODE_META + (<usize>(uops - <u32>UOP_POOL) / <usize>UOP_PAGE_SIZE) * 32;
}

function mapSlot(page: u32): usize {
  return <usize>UOP_MAP + ((<usize>page) << 2);
}

/** The micro-ops of host page `page`, 0 = none. */
export function codeOf(page: u32): u32 {
  return load<u32>(mapSlot(page));
}

/** The micro-ops of host page `page`, made if there are none; from then on no TLB entry lets a store pass by. */
export function uopPage(page: u32): u32 {
  const old = load<u32>(mapSlot(page));
  if (old != 0) return old;
  const uops = takePage();
  memory.fill(<usize>uops, <u8>O_DECODE, UOPS_BYTES);
  for (let at = <usize>uops + UOPS_BYTES; at < <usize>uops + <usize>UOP_PAGE_SIZE; at += UOP_SIZE) {
    store<u8>(at, <u8>O_PAGE_END);
  }
  const meta = metaOf(uops);
  store<u32>(meta, page, META_PAGE);
  store<u32>(meta, 0, META_STORES);
  store<u32>(mapSlot(page), uops);
  freshPage(uops);
  const writers = <usize>PAGE_WRITERS + <usize>page;
  const mask = <u32>load<u8>(writers);
  if (mask != 0) {
    for (let core: u32 = 0; core < <u32>MAX_CORES; core++) if ((mask >> core) & 1) revokeWrites(core, page);
    store<u8>(writers, 0);
  }
  return uops;
}

function takePage(): u32 {
  let free = load<u32>(CODE_FREE_COUNT);
  let used = load<u32>(CODE_USED);
  if (free == 0 && used == <u32>UOP_POOL_PAGES) {
    flushCode();
    free = load<u32>(CODE_FREE_COUNT);
    used = 0;
  }
  if (free != 0) {
    store<u32>(CODE_FREE_COUNT, free - 1);
    return load<u32>(CODE_FREE + ((<usize>(free - 1)) << 2));
  }
  store<u32>(CODE_USED, used + 1);
  return <u32>UOP_POOL + used * <u32>UOP_PAGE_SIZE;
}

/** Notes that the TLB entry at `entry` leads to these micro-ops. */
export function addCodeUser(uops: u32, entry: usize): void {
  const meta = metaOf(uops);
  const users = <u32>load<u16>(meta, META_USERS);
  if (users > SLOTS) return;
  let spare = users;
  for (let i: u32 = 0; i < users; i++) {
    const slot = <usize>load<u32>(meta + ((<usize>i) << 2), META_SLOTS);
    if (slot == entry) return;
    if (load<u64>(slot, <usize>TLB_TAG_X) == TLB_INVALID || load<u32>(slot, <usize>TLB_UOPS) != uops) spare = i;
  }
  if (spare < SLOTS) store<u32>(meta + ((<usize>spare) << 2), <u32>entry, META_SLOTS);
  if (spare == users) store<u16>(meta, <u16>(users < SLOTS ? users + 1 : USERS_MANY), META_USERS);
}

/** Drops the micro-ops of host page `page` and every way to them. */
export function invalidateCode(page: u32): void {
  const uops = load<u32>(mapSlot(page));
  if (uops == 0) return;
  dropRegions(uops);
  store<u32>(mapSlot(page), 0);
  const meta = metaOf(uops);
  const users = <u32>load<u16>(meta, META_USERS);
  if (users > SLOTS) {
    dropAllUsers(uops);
  } else {
    for (let i: u32 = 0; i < users; i++) {
      const slot = <usize>load<u32>(meta + ((<usize>i) << 2), META_SLOTS);
      if (load<u32>(slot, <usize>TLB_UOPS) == uops) store<u64>(slot, TLB_INVALID, <usize>TLB_TAG_X);
    }
  }
  store<u32>(meta, 0, META_PAGE);
  const free = load<u32>(CODE_FREE_COUNT);
  store<u32>(CODE_FREE + ((<usize>free) << 2), uops);
  store<u32>(CODE_FREE_COUNT, free + 1);
}

/** Clears TLB_TAG_X of every entry that leads to `uops` (0 = to any page). */
function dropAllUsers(uops: u32): void {
  const cores = load<u32>(CTX_CORES);
  for (let core: u32 = 0; core < <u32>MAX_CORES; core++) {
    if (((cores >> core) & 1) == 0) continue;
    let entry = entryOf(core, 0);
    for (let i = 0; i < TLB_ENTRIES; i++) {
      if (uops == 0 || load<u32>(entry, <usize>TLB_UOPS) == uops) store<u64>(entry, TLB_INVALID, <usize>TLB_TAG_X);
      entry += <usize>TLB_ENTRY_SIZE;
    }
  }
}

/** Drops all decoded code. */
export function flushCode(): void {
  dropAllRegions();
  const used = load<u32>(CODE_USED);
  for (let i: u32 = 0; i < used; i++) {
    const meta = CODE_META + <usize>i * 32;
    const page = load<u32>(meta, META_PAGE);
    if (page != 0) store<u32>(mapSlot(page), 0);
    store<u32>(meta, 0, META_PAGE);
  }
  dropAllUsers(0);
  store<u32>(CODE_USED, 0);
  store<u32>(CODE_FREE_COUNT, 0);
}

/** True if run() may be executing these micro-ops now: then they must stay. */
function isCurrent(uops: u32): bool {
  const pc = load<u64>(<usize>HOT_PC);
  const entry = entryOf(load<u32>(<usize>CUR_CORE), pc);
  const tag = (pc & ~(<u64>0xfff)) | (<u64>load<u32>(S(), <usize>CORE_CTX));
  return load<u64>(entry, <usize>TLB_TAG_X) != tag || load<u32>(entry, <usize>TLB_UOPS) == uops;
}

/** `size` bytes at host address `host` (within one page) were stored by the running core. */
export function codeStored(host: u32, size: u32): void {
  const page = host >> 12;
  const uops = load<u32>(mapSlot(page));
  if (uops == 0) return;
  const last = ((host + size - 1) & 0xfff) >> 2;
  for (let word = (host & 0xfff) >> 2; word <= last; word++) store<u8>(<usize>(uops + word * UOP_SIZE), <u8>O_DECODE);
  dropRegions(uops);
  const meta = metaOf(uops);
  const stores = <u32>load<u16>(meta, META_STORES) + 1;
  if (stores < STORES_KEPT) {
    store<u16>(meta, <u16>stores, META_STORES);
  } else if (!isCurrent(uops)) {
    invalidateCode(page);
  }
}
