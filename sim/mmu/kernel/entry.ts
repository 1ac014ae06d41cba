// Entries of the fast TLB: the table that run() compares tags in (sim/wasm/layout.ts).
import {
  TLB_ADDEND,
  TLB_BASE,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_STRIDE,
  TLB_TAG_R,
  TLB_TAG_W,
  TLB_TAG_X,
} from '../../wasm/layout';
import { PRIV_BLOCKS, PRIV_HUGE, PRIV_SLOW, privateOf } from './private';

/** A tag that no access has: context ids start at 1. */
export const TLB_INVALID: u64 = 0;
/** Entries of the slow TLB, 32 bytes each (slow.ts). */
export const SLOW_ENTRIES: usize = 128;

/** The entry of core number `core` that serves the page of `va`. */
export function entryOf(core: u32, va: u64): usize {
  const index = (<usize>(va >> 12)) & (<usize>(TLB_ENTRIES - 1));
  return <usize>TLB_BASE + <usize>core * <usize>TLB_STRIDE + index * <usize>TLB_ENTRY_SIZE;
}

/** Empties the TLBs and block filters of one core. */
export function flushCore(core: u32): void {
  memory.fill(<usize>TLB_BASE + <usize>core * <usize>TLB_STRIDE, 0, <usize>TLB_STRIDE);
  const own = privateOf(core);
  memory.fill(own + PRIV_BLOCKS, 0, 512 + 128);
  memory.fill(own + PRIV_SLOW, 0, SLOW_ENTRIES * 32);
}

function clearEntry(entry: usize): void {
  store<u64>(entry, TLB_INVALID, <usize>TLB_TAG_R);
  store<u64>(entry, TLB_INVALID, <usize>TLB_TAG_W);
  store<u64>(entry, TLB_INVALID, <usize>TLB_TAG_X);
}

/** True if the entry translates an address with the same bits 55:shift as `va`, in any context. */
function covers(entry: usize, va: u64, shift: u64): bool {
  const tag =
    load<u64>(entry, <usize>TLB_TAG_R) | load<u64>(entry, <usize>TLB_TAG_W) | load<u64>(entry, <usize>TLB_TAG_X);
  return ((tag ^ va) & 0x00ff_ffff_ffff_ffff) >> shift == 0;
}

function blockBit(va: u64): u32 {
  const region = (<u32>((va >> 21) & 0x7_ffff_ffff)) ^ (<u32>((va >> 33) & 0x7f_ffff));
  return region & 4095;
}

function hugeBit(va: u64): u32 {
  return (<u32>((va >> 30) ^ (va >> 40))) & 1023;
}

/** Remembers that `core` holds an entry for `va` made from a stage-1 block of 2^size bytes. */
export function noteBlock(core: u32, va: u64, size: u32): void {
  if (size <= 12) return;
  const own = privateOf(core);
  const bit = size <= 21 ? blockBit(va) : hugeBit(va);
  const at = own + (size <= 21 ? PRIV_BLOCKS : PRIV_HUGE) + ((<usize>bit) >> 3);
  store<u8>(at, load<u8>(at) | ((<u8>1) << ((<u8>bit) & 7)));
}

/**
 * Drops what core number `core` holds for `va` (bits 55:12), in every context. Entries made from the same block go
 * too: an invalidation by any address of a block must remove all of it (Arm ARM D5.10.2).
 */
export function invalidateVa(core: u32, va: u64): void {
  const own = privateOf(core);
  const first = entryOf(core, va);
  if (covers(first, va, 12)) clearEntry(first);
  const slow = own + PRIV_SLOW + ((<usize>(va >> 12)) & (SLOW_ENTRIES - 1)) * 32;
  store<u64>(slow, TLB_INVALID);
  let bit = blockBit(va);
  if ((load<u8>(own + PRIV_BLOCKS + ((<usize>bit) >> 3)) >> ((<u8>bit) & 7)) & 1) {
    dropRegion(entryOf(core, va & ~0x1f_ffff), 512, va, 21);
    memory.fill(own + PRIV_SLOW, 0, SLOW_ENTRIES * 32);
  }
  bit = hugeBit(va);
  if ((load<u8>(own + PRIV_HUGE + ((<usize>bit) >> 3)) >> ((<u8>bit) & 7)) & 1) {
    dropRegion(entryOf(core, 0), TLB_ENTRIES, va, 30);
    memory.fill(own + PRIV_SLOW, 0, SLOW_ENTRIES * 32);
  }
}

function dropRegion(entry: usize, count: i32, va: u64, shift: u64): void {
  for (let i = 0; i < count; i++) {
    if (covers(entry, va, shift)) clearEntry(entry);
    entry += <usize>TLB_ENTRY_SIZE;
  }
}

/** Takes the right to write host page `page` from every entry of `core` (code was decoded there). */
export function revokeWrites(core: u32, page: u32): void {
  let entry = entryOf(core, 0);
  for (let i = 0; i < TLB_ENTRIES; i++) {
    const tag = load<u64>(entry, <usize>TLB_TAG_W);
    if (tag != TLB_INVALID && (load<u32>(entry, <usize>TLB_ADDEND) + <u32>tag) >> 12 == page) {
      store<u64>(entry, TLB_INVALID, <usize>TLB_TAG_W);
    }
    entry += <usize>TLB_ENTRY_SIZE;
  }
}
