// TLBs of the approximate model. The fast TLB of the kernel is none of the core's: it only holds, in a slot per entry,
// the number that the page's entry had when it was put into the modelled first-level TLB. That TLB is fully associative
// and replaced first in, first out, so an entry is there if and only if its number is one of the last N.
import { CORE_EL, CORE_WALK_READS, CUR_STATE, MAX_CORES } from '../../wasm/layout';
import {
  C_DTLB,
  C_IPA,
  C_ITLB,
  C_L2TLB,
  C_L2TLB_NEXT,
  C_WALK,
  P_DTLB,
  P_ITLB,
  P_L2TLB,
  P_L2TLB_MASK,
  P_SLOT,
  P_WALK,
  SLOT_CODE,
  SLOT_DATA,
  SLOT_KEY,
  SLOT_LINE,
  T_DTLB_LIMIT,
  T_DTLB_NEXT,
  T_ITLB_LIMIT,
  T_ITLB_NEXT,
  TIMED_HOT,
  TIMED_SCRATCH_SLOT,
  TIMED_SLOTS,
} from '../../wasm/timing-layout';
import {
  SR_SCTLR_EL1,
  SR_SCTLR_EL2,
  SR_TCR_EL1,
  SR_TTBR0_EL1,
  SR_TTBR1_EL1,
  SR_VTTBR_EL2,
} from '../../cpu/kernel/gen/sysregs';
import { srAt } from '../../cpu/kernel/state';
import { hasStage2 } from '../../mmu/kernel/regime';
import { s1Leaf } from '../../mmu/kernel/stage1';
import { s2Size } from '../../mmu/kernel/stage2walk';
import { outSize, translate } from '../../mmu/kernel/walk';
import { SLOT_DEVICE, SLOT_UNCACHED, walkerRead } from './memory';
import { own, param, paramOf, timedOf } from './state';

const RING: u32 = 64;

/** The slot of the page that the last slow access met, SLOT_DEVICE or SLOT_UNCACHED. */
export let slotUsed: usize = 0;

// ---- what resolve() of sim/mmu/kernel tells ----

/** The access meets the page of this fast TLB entry. */
export function slotOfEntry(entry: usize): void {
  slotUsed = entry + <usize>TIMED_SLOTS;
}

/** The access meets a page that no fast entry stands for. */
export function slotApart(pa: u64, host: u32, device: bool): void {
  if (host == 0) slotUsed = SLOT_DEVICE;
  else if (device) slotUsed = SLOT_UNCACHED;
  else {
    slotUsed = <usize>TIMED_SCRATCH_SLOT;
    store<u64>(slotUsed, 0, <usize>SLOT_KEY);
    store<u32>(slotUsed, (<u32>(pa >> 6)) & ~63, <usize>SLOT_LINE);
  }
}

/** The fast entry at `entry` now stands for the page of `va` at `pa`, as just translated. */
export function slotFilled(entry: usize, s: usize, va: u64, pa: u64): void {
  slotUsed = entry + <usize>TIMED_SLOTS;
  store<u64>(slotUsed, keyOf(s, va), <usize>SLOT_KEY);
  store<u32>(slotUsed, (<u32>(pa >> 6)) & ~63, <usize>SLOT_LINE);
  store<u32>(slotUsed, 0, <usize>SLOT_DATA);
  store<u32>(slotUsed, 0, <usize>SLOT_CODE);
}

/** What the modelled TLBs call the translation just made; 0 without stage 1. First-level entries are 4K, 64K or 1M. */
function keyOf(s: usize, va: u64): u64 {
  const el2 = load<u32>(s, <usize>CORE_EL) == 2;
  if ((srAt(s, el2 ? SR_SCTLR_EL2 : SR_SCTLR_EL1) & 1) == 0) return 0;
  const stage2 = !el2 && hasStage2(s);
  let size = outSize;
  if (stage2 && s2Size < size) size = s2Size;
  const shift: u64 = size >= 20 ? 20 : size >= 16 ? 16 : 12;
  let key = ((va & 0x0000_ffff_ffff_ffff) >> shift) << (shift - 12);
  key |= ((va >> 55) & 1) << 36;
  if (el2) key |= (<u64>1) << 61;
  else if (((s1Leaf >> 11) & 1) != 0) {
    const tcr = srAt(s, SR_TCR_EL1);
    key |= (srAt(s, ((tcr >> 22) & 1) != 0 ? SR_TTBR1_EL1 : SR_TTBR0_EL1) >> 48) << 37;
  }
  if (stage2) key |= ((srAt(s, SR_VTTBR_EL2) >> 48) & 0xff) << 53;
  // two bits tell the sizes apart
  return key | ((shift == 20 ? <u64>3 : shift == 16 ? <u64>2 : <u64>1) << 62);
}

// ---- lookup ----

function ringFind(ring: usize, key: u64, next: u32, limit: u32): u32 {
  for (let n = limit + 1; n < next; n++) if (load<u64>(ring + ((<usize>(n & (RING - 1))) << 3)) == key) return n;
  return 0;
}

function secondLevel(key: u64, va: u64, access: u32): u64 {
  const set = (<u32>(key ^ (key >> 13) ^ (key >> 37))) & (<u32>param(P_L2TLB_MASK));
  const at = own() + ((<usize>set) << 5);
  let extra = param(P_L2TLB);
  for (let way: usize = 0; way < 32; way += 8) if (load<u64>(at + way, <usize>C_L2TLB) == key) return extra;
  extra += walk(va, access);
  const next = own() + <usize>set + <usize>C_L2TLB_NEXT;
  const way = <usize>load<u8>(next);
  store<u8>(next, <u8>((way + 1) & 3));
  store<u64>(at + (way << 3), key, <usize>C_L2TLB);
  return extra;
}

/** What the data TLBs add to an access to the page of `slot`. */
export function tlbData(slot: usize, va: u64, access: u32): u64 {
  const limit = load<u32>(<usize>T_DTLB_LIMIT);
  if (load<u32>(slot, <usize>SLOT_DATA) > limit) return 0;
  const key = load<u64>(slot, <usize>SLOT_KEY);
  if (key == 0) return 0;
  const ring = own() + <usize>C_DTLB;
  const next = load<u32>(<usize>T_DTLB_NEXT);
  const found = ringFind(ring, key, next, limit);
  if (found != 0) {
    store<u32>(slot, found, <usize>SLOT_DATA);
    return 0;
  }
  const extra = secondLevel(key, va, access);
  store<u64>(ring + ((<usize>(next & (RING - 1))) << 3), key);
  store<u32>(slot, next, <usize>SLOT_DATA);
  store<u32>(<usize>T_DTLB_NEXT, next + 1);
  store<u32>(<usize>T_DTLB_LIMIT, next - <u32>param(P_DTLB));
  return extra;
}

/** The same for a fetch. */
export function tlbCode(slot: usize, va: u64): u64 {
  const limit = load<u32>(<usize>T_ITLB_LIMIT);
  if (load<u32>(slot, <usize>SLOT_CODE) > limit) return 0;
  const key = load<u64>(slot, <usize>SLOT_KEY);
  if (key == 0) return 0;
  const ring = own() + <usize>C_ITLB;
  const next = load<u32>(<usize>T_ITLB_NEXT);
  const found = ringFind(ring, key, next, limit);
  if (found != 0) {
    store<u32>(slot, found, <usize>SLOT_CODE);
    return 0;
  }
  const extra = secondLevel(key, va, 2);
  store<u64>(ring + ((<usize>(next & (RING - 1))) << 3), key);
  store<u32>(slot, next, <usize>SLOT_CODE);
  store<u32>(<usize>T_ITLB_NEXT, next + 1);
  store<u32>(<usize>T_ITLB_LIMIT, next - <u32>param(P_ITLB));
  return extra;
}

// ---- walks: the kernel's own translation made once more, its descriptor reads charged ----

let charging: bool = false;
let walkTime: u64 = 0;

function walk(va: u64, access: u32): u64 {
  const s = <usize>load<u32>(<usize>CUR_STATE);
  const reads = load<u32>(s, <usize>CORE_WALK_READS);
  walkTime = param(P_WALK);
  charging = true;
  translate(s, load<u32>(s, <usize>CORE_EL), va, access, 0);
  charging = false;
  store<u32>(s, reads, <usize>CORE_WALK_READS);
  return walkTime;
}

/** The walker reads the descriptor at `pa`: from its own cache of descriptors, or through the second level. */
export function walkRead(pa: u64): void {
  if (!charging) return;
  const kept = own() + (((<usize>(pa >> 3)) & 63) << 3);
  if (load<u64>(kept, <usize>C_WALK) == (pa | 1)) return;
  store<u64>(kept, pa | 1, <usize>C_WALK);
  walkTime += walkerRead(<u32>(pa >> 6));
}

/** True if a charged walk needs the second stage of `ipa` and the core does not keep it: then it does from now on. */
export function ipaWalked(s: usize, ipa: u64): bool {
  if (!charging) return false;
  const page = ipa >> 12;
  const kept = own() + (((<usize>page) & 63) << 3);
  const key = (page << 16) | ((srAt(s, SR_VTTBR_EL2) >> 48) & 0xffff) | ((<u64>1) << 63);
  if (load<u64>(kept, <usize>C_IPA) == key) return false;
  store<u64>(kept, key, <usize>C_IPA);
  return true;
}

/** Stops charging for a while; returns what `resumeCharging` needs. */
export function pauseCharging(): bool {
  const was = charging;
  charging = false;
  return was;
}

export function resumeCharging(was: bool): void {
  charging = was;
}

// ---- invalidation ----

/** Empties the TLBs of core `core` (running: its counters are in the hot block). Slots get numbers that are gone. */
function flushTlbs(core: u32, running: bool): void {
  const at = timedOf(core);
  const hot = running ? <usize>TIMED_HOT : at;
  const dtlb = load<u32>(hot + <usize>(T_DTLB_NEXT - TIMED_HOT)) + RING;
  store<u32>(hot + <usize>(T_DTLB_NEXT - TIMED_HOT), dtlb);
  store<u32>(hot + <usize>(T_DTLB_LIMIT - TIMED_HOT), dtlb - 1);
  const itlb = load<u32>(hot + <usize>(T_ITLB_NEXT - TIMED_HOT)) + RING;
  store<u32>(hot + <usize>(T_ITLB_NEXT - TIMED_HOT), itlb);
  store<u32>(hot + <usize>(T_ITLB_LIMIT - TIMED_HOT), itlb - 1);
  memory.fill(at + <usize>C_DTLB, 0, 0x400);
  memory.fill(at + <usize>C_L2TLB, 0, <usize>(C_L2TLB_NEXT - C_L2TLB));
  memory.fill(at + <usize>C_WALK, 0, 0x400);
}

/** TLBI or a change of stage 2: `running` is the core that runs now, MAX_CORES = none; `all` = every core. */
export function tlbsFlushed(running: u32, all: bool): void {
  for (let core: u32 = 0; core < <u32>MAX_CORES; core++) {
    if (paramOf(core, P_SLOT) != 0 && (all || core == running)) flushTlbs(core, core == running);
  }
}

/** TLBI by address: the page's entry goes, whatever its size and address space. */
export function tlbsForget(core: u32, va: u64): void {
  if (paramOf(core, P_SLOT) == 0) return;
  const at = timedOf(core);
  const page = (va & 0x0000_ffff_ffff_ffff) >> 12;
  for (let entry = at + <usize>C_DTLB; entry < at + <usize>C_DTLB + 0x400; entry += 8) forget(entry, page);
  for (let entry = at + <usize>C_L2TLB; entry < at + <usize>C_L2TLB_NEXT; entry += 8) forget(entry, page);
  memory.fill(at + <usize>C_WALK, 0, 0x200);
}

function forget(entry: usize, page: u64): void {
  const key = load<u64>(entry);
  if (key == 0) return;
  const size = key >> 62;
  const low: u64 = size == 1 ? 0 : size == 2 ? 15 : 255;
  if ((key & 0xf_ffff_ffff) == (page & ~low)) store<u64>(entry, 0);
}
