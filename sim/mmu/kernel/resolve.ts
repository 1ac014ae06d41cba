// From an access of the running core to a host address or a device: TLB lookup, walk, fill, abort.
import {
  CORE_CTX,
  CORE_CTX_UNPRIV,
  CORE_DEBUG,
  CORE_EL,
  CORE_TLB_MISSES,
  CUR_CORE,
  DEBUG_EXEC,
  DEBUG_WATCH,
  PAGE_WRITERS,
  TLB_ADDEND,
  TLB_TAG_R,
  TLB_TAG_W,
  TLB_TAG_X,
  TLB_UOPS,
} from '../../wasm/layout';
import { SR_SCTLR_EL1, SR_SCTLR_EL2 } from '../../cpu/kernel/gen/sysregs';
import { dataAbort, instructionAbort } from '../../cpu/kernel/exception';
import { S, srAt } from '../../cpu/kernel/state';
import { TIMED } from '../../timing/kernel/timed';
import { slotApart, slotFilled, slotOfEntry } from '../../timing/kernel/tlb';
import { addCodeUser, codeOf, uopPage } from './code';
import { FSC_EXTERNAL, FSC_NONE } from './descriptor';
import { TLB_INVALID, entryOf, noteBlock } from './entry';
import { hostOf } from './phys';
import { privateOf } from './private';
import { SCTLR_A } from './regime';
import { SLOW_CODE, SLOW_DEVICE, SLOW_FLAGS, SLOW_HOST, SLOW_PA, SLOW_TAG, fillSlow, slowEntry } from './slow';
import { ACCESS_EXEC, ACCESS_READ, ACCESS_WRITE } from './stage2walk';
import {
  PERM_R,
  PERM_W,
  WALK_UNALIGNED,
  faultIpa,
  faultS1ptw,
  faultStage2,
  outDevice,
  outPa,
  outPerm,
  outSize,
  translate,
} from './walk';

/** LDTR, STTR: the access has the rights of EL0 when made at EL1. */
export const MEM_UNPRIV: u32 = 1;

const PAGE: u64 = 0xfff;

/** Host address that the last `resolve` found; 0 = not RAM, then `foundPa` is the address on the bus. */
export let foundHost: u32 = 0;
export let foundPa: u64 = 0;

/** SCTLR_ELx.A of the running core's regime. */
export function alignmentChecked(): bool {
  const s = S();
  return (srAt(s, load<u32>(s, <usize>CORE_EL) == 2 ? SR_SCTLR_EL2 : SR_SCTLR_EL1) & SCTLR_A) != 0;
}

/** Takes a data abort that is not a stage-2 fault. */
export function plainAbort(va: u64, write: bool, fsc: i32): void {
  dataAbort(va, write, <u32>fsc, false, false, 0, 0, false);
}

/** Takes the data abort of the walk that just failed with `fsc`; `iss` is the syndrome template, `cm` ESR.CM. */
export function walkAbort(va: u64, write: bool, fsc: i32, iss: u32, cm: bool): void {
  dataAbort(va, write, <u32>fsc, faultStage2, faultS1ptw, faultIpa, iss, cm);
}

/**
 * Translates a data access of the running core that stays within one page. `unaligned`: not aligned to its element (or
 * DC ZVA), which Device memory refuses. True: foundHost/foundPa. False: the abort was taken.
 */
export function resolve(va: u64, access: u32, flags: u32, unaligned: bool, iss: u32): bool {
  const core = load<u32>(<usize>CUR_CORE);
  const s = S();
  const unprivileged = (flags & MEM_UNPRIV) != 0;
  const context = unprivileged ? load<u32>(s, <usize>CORE_CTX_UNPRIV) : load<u32>(s, <usize>CORE_CTX);
  const tag = (va & ~PAGE) | (<u64>context);
  const offset = (<u32>va) & (<u32>PAGE);

  const entry = entryOf(core, va);
  if (load<u64>(entry + (access == ACCESS_WRITE ? <usize>TLB_TAG_W : <usize>TLB_TAG_R)) == tag) {
    foundHost = load<u32>(entry, <usize>TLB_ADDEND) + <u32>va;
    if (TIMED) slotOfEntry(entry);
    return true;
  }
  const slot = slowEntry(privateOf(core), va);
  if (load<u64>(slot, SLOW_TAG) == tag) {
    const kept = load<u32>(slot, SLOW_FLAGS);
    const host = load<u32>(slot, SLOW_HOST);
    const usable = (kept & ((<u32>1) << access)) != 0 && !(unaligned && (kept & SLOW_DEVICE) != 0);
    if (usable && ((kept & SLOW_CODE) == 0 || codeOf(host >> 12) != 0)) {
      foundHost = host == 0 ? 0 : host + offset;
      foundPa = load<u64>(slot, SLOW_PA) | (<u64>offset);
      if (TIMED) slotApart(foundPa, host, (kept & SLOW_DEVICE) != 0);
      return true;
    }
  }

  store<u32>(s, load<u32>(s, <usize>CORE_TLB_MISSES) + 1, <usize>CORE_TLB_MISSES);
  let el = load<u32>(s, <usize>CORE_EL);
  if (unprivileged && el == 1) el = 0;
  const fsc = translate(s, el, va, access, unaligned ? WALK_UNALIGNED : 0);
  if (fsc != FSC_NONE) {
    walkAbort(va, access == ACCESS_WRITE, fsc, iss, false);
    return false;
  }
  foundPa = outPa;
  foundHost = hostOf(outPa);
  noteBlock(core, va, outSize);
  const rights = outPerm & (PERM_R | PERM_W);
  const device = outDevice();
  const watching = (load<u32>(s, <usize>CORE_DEBUG) & (<u32>DEBUG_WATCH)) != 0;
  if (foundHost == 0 || device || watching || alignmentChecked()) {
    fillSlow(slot, tag, foundPa, foundHost, device ? rights | SLOW_DEVICE : rights);
    if (TIMED) slotApart(foundPa, foundHost, device);
    return true;
  }
  const page = foundHost >> 12;
  const code = codeOf(page) != 0;
  if (code && (rights & PERM_W) != 0) fillSlow(slot, tag, foundPa, foundHost, rights | SLOW_CODE);
  if (load<u64>(entry, <usize>TLB_TAG_X) != tag) store<u64>(entry, TLB_INVALID, <usize>TLB_TAG_X);
  store<u64>(entry, (rights & PERM_R) != 0 ? tag : TLB_INVALID, <usize>TLB_TAG_R);
  if ((rights & PERM_W) != 0 && !code) {
    store<u64>(entry, tag, <usize>TLB_TAG_W);
    const writers = <usize>PAGE_WRITERS + <usize>page;
    store<u8>(writers, load<u8>(writers) | ((<u8>1) << (<u8>core)));
  } else {
    store<u64>(entry, TLB_INVALID, <usize>TLB_TAG_W);
  }
  store<u32>(entry, foundHost - <u32>va, <usize>TLB_ADDEND);
  if (TIMED) slotFilled(entry, s, va, foundPa);
  return true;
}

/**
 * Micro-ops of the page of `va`, the running core's program counter; fills TLB_TAG_X (not under DEBUG_EXEC) and
 * TLB_UOPS. 0: an instruction abort was taken.
 */
export function fetchPage(va: u64): u32 {
  const core = load<u32>(<usize>CUR_CORE);
  const s = S();
  const tag = (va & ~PAGE) | (<u64>load<u32>(s, <usize>CORE_CTX));
  const entry = entryOf(core, va);
  if (load<u64>(entry, <usize>TLB_TAG_X) == tag) return load<u32>(entry, <usize>TLB_UOPS);

  store<u32>(s, load<u32>(s, <usize>CORE_TLB_MISSES) + 1, <usize>CORE_TLB_MISSES);
  const fsc = translate(s, load<u32>(s, <usize>CORE_EL), va, ACCESS_EXEC, 0);
  if (fsc != FSC_NONE) {
    instructionAbort(va, <u32>fsc, faultStage2, faultS1ptw, faultIpa);
    return 0;
  }
  const host = hostOf(outPa);
  if (host == 0) {
    instructionAbort(va, <u32>FSC_EXTERNAL, false, false, 0);
    return 0;
  }
  noteBlock(core, va, outSize);
  const uops = uopPage(host >> 12);
  if (load<u64>(entry, <usize>TLB_TAG_R) != tag) store<u64>(entry, TLB_INVALID, <usize>TLB_TAG_R);
  if (load<u64>(entry, <usize>TLB_TAG_W) != tag) store<u64>(entry, TLB_INVALID, <usize>TLB_TAG_W);
  const oneByOne = (load<u32>(s, <usize>CORE_DEBUG) & (<u32>DEBUG_EXEC)) != 0;
  store<u64>(entry, oneByOne ? TLB_INVALID : tag, <usize>TLB_TAG_X);
  store<u32>(entry, uops, <usize>TLB_UOPS);
  store<u32>(entry, host - <u32>va, <usize>TLB_ADDEND);
  if (TIMED) slotFilled(entry, s, va, outPa);
  addCodeUser(uops, entry);
  return uops;
}

/** True if a cache maintenance operation by address finds a translation; false: the data abort (ESR.CM) was taken. */
export function resolveMaintenance(va: u64, write: bool): bool {
  const s = S();
  const entry = entryOf(load<u32>(<usize>CUR_CORE), va);
  const tag = (va & ~PAGE) | (<u64>load<u32>(s, <usize>CORE_CTX));
  if (load<u64>(entry + (write ? <usize>TLB_TAG_W : <usize>TLB_TAG_R)) == tag) return true;
  const fsc = translate(s, load<u32>(s, <usize>CORE_EL), va, write ? ACCESS_WRITE : ACCESS_READ, 0);
  if (fsc == FSC_NONE) return true;
  walkAbort(va, write, fsc, 0, true);
  return false;
}
