// Exports for the host. Addresses and lengths come as unsigned words.
import { CORE_WALK_READS, MAX_CORES, WALK_RESULT } from '../../wasm/layout';
import { blockOf } from '../../cpu/kernel/state';
import { linesWritten } from '../../timing/kernel/cache';
import { TIMED } from '../../timing/kernel/timed';
import { tlbsFlushed } from '../../timing/kernel/tlb';
import { flushCode, invalidateCode } from './code';
import { dropVmid, flushAll } from './context';
import { FSC_NONE } from './descriptor';
import { breakMonitorsAt } from './monitor';
import { hostOf } from './phys';
import { ACCESS_READ, ACCESS_WRITE } from './stage2walk';
import { WALK_STAGE1, faultIpa, faultS1ptw, faultStage2, outAttr, outPa, outShare, translate } from './walk';

// Flags of hostWalk.
const HOST_WRITE: u32 = 1;
const HOST_USER: u32 = 2;
const HOST_STAGE1: u32 = 4;
const HOST_EL2: u32 = 8;

// WALK_RESULT: u64 address; u64 IPA of a stage-2 fault; u32 fault status code; u32 1 = stage 2 | 2 = of a table address;
// u32 MAIR-format attributes; u32 shareability.
const RESULT_PA: usize = 0;
const RESULT_IPA: usize = 8;
const RESULT_FSC: usize = 16;
const RESULT_STAGE: usize = 20;
const RESULT_ATTR: usize = 24;
const RESULT_SHARE: usize = 28;

/**
 * Walks a virtual address with the live registers of core number `core`, as AT would; no TLB, no counters, no exception.
 * `flags`: 1 write, 2 as EL0, 4 stage 1 only (the result is an IPA), 8 the EL2 regime. Returns 1 if it translates
 * (address and attributes at WALK_RESULT), 0 with the fault there.
 */
export function hostWalk(core: u32, vaHi: u32, vaLo: u32, flags: u32): i32 {
  const s = blockOf(core);
  const reads = load<u32>(s, <usize>CORE_WALK_READS);
  const el: u32 = (flags & HOST_EL2) != 0 ? 2 : (flags & HOST_USER) != 0 ? 0 : 1;
  const access = (flags & HOST_WRITE) != 0 ? ACCESS_WRITE : ACCESS_READ;
  const fsc = translate(s, el, ((<u64>vaHi) << 32) | (<u64>vaLo), access, (flags & HOST_STAGE1) != 0 ? WALK_STAGE1 : 0);
  store<u32>(s, reads, <usize>CORE_WALK_READS);
  const result = <usize>WALK_RESULT;
  if (fsc == FSC_NONE) {
    store<u64>(result, outPa, RESULT_PA);
    store<u32>(result, outAttr, RESULT_ATTR);
    store<u32>(result, outShare, RESULT_SHARE);
    return 1;
  }
  store<u64>(result, faultStage2 ? faultIpa : 0, RESULT_IPA);
  store<u32>(result, <u32>fsc, RESULT_FSC);
  store<u32>(result, (faultStage2 ? 1 : 0) | (faultS1ptw ? 2 : 0), RESULT_STAGE);
  return 0;
}

/** Drops every EL1&0 translation of a VMID on all cores (stage 2 changed). */
export function tlbFlushVmid(vmid: u32): i32 {
  dropVmid(<u64>vmid, true);
  if (TIMED) tlbsFlushed(<u32>MAX_CORES, true);
  return 0;
}

/** Drops every translation on all cores. */
export function tlbFlushAll(): i32 {
  flushAll();
  return 0;
}

/** Drops the micro-ops of a page of linear memory (address >> 12): the host wrote to it. */
export function invalidateCodeHost(page: u32): i32 {
  invalidateCode(page);
  return 0;
}

/** Drops all micro-ops (a snapshot was loaded, the cost table changed). */
export function flushCodeHost(): i32 {
  flushCode();
  return 0;
}

/** Address in linear memory of a physical address, 0 = not RAM; gives an untouched chunk its place. */
export function hostOfExport(paHi: u32, paLo: u32): u32 {
  return hostOf(((<u64>paHi) << 32) | (<u64>paLo));
}

/** The host is about to write [pa, pa+length): exclusive monitors there open, modelled caches give the lines up. */
export function breakMonitors(paHi: u32, paLo: u32, length: u32): i32 {
  breakMonitorsAt(((<u64>paHi) << 32) | (<u64>paLo), length);
  if (TIMED) linesWritten(((<u64>paHi) << 32) | (<u64>paLo), length);
  return 0;
}
