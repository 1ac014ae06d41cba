// LD1..LD4, ST1..ST4 and LD1R..LD4R (Arm ARM C7.2, "AdvSIMD load/store multiple/single structure").
import {
  CUR_CORE,
  CORE_CTX,
  CUR_STATE,
  HOT_V,
  HOT_XZR,
  SCRATCH_DATA,
  SLOW_KIND,
  STRUCTURE_BUFFER,
  TLB_ADDEND,
  TLB_BASE,
  TLB_STRIDE,
  TLB_TAG_R,
  TLB_TAG_W,
} from '../../wasm/layout';
import { loadSlow, storeSlow } from '../../mmu/kernel/tlb';

const PAGE: u64 = ~(<u64>0xfff);

/** Elements per structure of a "multiple" opcode (1 for LD1), 0 if unallocated. */
function selementsOf(opcode: u32): u32 {
  switch (opcode) {
    case 0:
      return 4;
    case 4:
      return 3;
    case 8:
      return 2;
    case 2:
    case 6:
    case 7:
    case 10:
      return 1;
    default:
      return 0;
  }
}

/** Registers of a "multiple" opcode. */
function registersOf(opcode: u32): u32 {
  switch (opcode) {
    case 0:
    case 2:
      return 4;
    case 4:
    case 6:
      return 3;
    case 8:
    case 10:
      return 2;
    default:
      return 1;
  }
}

/** True if `insn`, which matches one of the structure patterns, is allocated. */
export function structureAllocated(insn: u32): bool {
  if (!(insn & 0x1000000)) {
    const opcode = (insn >>> 12) & 15;
    const selements = selementsOf(opcode);
    // LD2..LD4 of a single 64-bit element per register (1D) are reserved
    return selements == 1 || (selements > 1 && (((insn >>> 10) & 3) | ((insn >>> 28) & 4)) != 3);
  }
  const size = (insn >>> 10) & 3;
  const s = (insn >>> 12) & 1;
  const load = (insn >>> 22) & 1;
  switch ((insn >>> 14) & 3) {
    case 0:
      return true;
    case 1:
      return !(size & 1);
    case 2:
      return size == 0 || (size == 1 && !s);
    default:
      return load != 0 && !s;
  }
}

/** Host address of `size` bytes at `va` by a TLB hit with tag field `tag`, or 0. */
function hit(va: u64, size: u64, tag: usize): usize {
  const tlb = <usize>TLB_BASE + <usize>load<u32>(<usize>CUR_CORE) * <usize>TLB_STRIDE;
  const entry = tlb + ((<usize>(va >>> 7)) & 0xffe0);
  const context = <u64>load<u32>(<usize>load<u32>(<usize>CUR_STATE), <usize>CORE_CTX);
  if (load<u64>(entry + tag) != (((va + size - 1) & PAGE) | context)) return 0;
  return <usize>(load<u32>(entry, <usize>TLB_ADDEND) + <u32>va);
}

/** Brings `total` bytes to STRUCTURE_BUFFER, element by element of `size` bytes if not by a hit. */
function gather(va: u64, total: u32, size: u32): bool {
  const host = hit(va, total, <usize>TLB_TAG_R);
  if (host) {
    memory.copy(<usize>STRUCTURE_BUFFER, host, <usize>total);
    return true;
  }
  let kind: u32 = 0;
  for (let done: u32 = 0; done < total; done += size) {
    const from = <usize>loadSlow(va + done, size, 0, 0);
    if (!from) return false;
    memory.copy(<usize>STRUCTURE_BUFFER + <usize>done, from, <usize>size);
    kind |= load<u32>(<usize>SLOW_KIND);
  }
  store<u32>(<usize>SLOW_KIND, kind);
  return true;
}

function scatter(va: u64, total: u32, size: u32): bool {
  const host = hit(va, total, <usize>TLB_TAG_W);
  if (host) {
    memory.copy(host, <usize>STRUCTURE_BUFFER, <usize>total);
    return true;
  }
  let kind: u32 = 0;
  for (let done: u32 = 0; done < total; done += size) {
    memory.copy(<usize>SCRATCH_DATA, <usize>STRUCTURE_BUFFER + <usize>done, <usize>size);
    if (!storeSlow(va + done, size, 0, 0)) return false;
    kind |= load<u32>(<usize>SLOW_KIND);
  }
  store<u32>(<usize>SLOW_KIND, kind);
  return true;
}

function vectorAt(r: u32): usize {
  return <usize>HOT_V + <usize>(r & 31) * 16;
}

function copyElement(to: usize, from: usize, size: u32): void {
  memory.copy(to, from, <usize>size);
}

/** LDn/STn of whole registers: structure e of the memory is element e of the registers Rt, Rt+1, ... */
function multiple(insn: u32, va: u64): u32 {
  const opcode = (insn >>> 12) & 15;
  const size: u32 = 1 << ((insn >>> 10) & 3);
  const bytes: u32 = (insn >>> 30) & 1 ? 16 : 8;
  const rt = insn & 31;
  const registers = registersOf(opcode);
  const selements = selementsOf(opcode);
  const isLoad = (insn >>> 22) & 1;
  const total = registers * bytes;
  if (isLoad && !gather(va, total, size)) return 0;
  if (isLoad && bytes == 8) for (let r: u32 = 0; r < registers; r++) store<u64>(vectorAt(rt + r), 0, 8);
  let at = <usize>STRUCTURE_BUFFER;
  for (let first: u32 = 0; first < registers; first += selements) {
    for (let offset: u32 = 0; offset < bytes; offset += size) {
      for (let r: u32 = 0; r < selements; r++) {
        const element = vectorAt(rt + first + r) + <usize>offset;
        if (isLoad) copyElement(element, at, size);
        else copyElement(at, element, size);
        at += <usize>size;
      }
    }
  }
  if (!isLoad && !scatter(va, total, size)) return 0;
  return total;
}

/** One structure to or from one lane, or replicated to all lanes. */
function single(insn: u32, va: u64): u32 {
  const q = (insn >>> 30) & 1;
  const s = (insn >>> 12) & 1;
  let sizeField = (insn >>> 10) & 3;
  const scale = (insn >>> 14) & 3;
  const selements: u32 = ((((insn >>> 13) & 1) << 1) | ((insn >>> 21) & 1)) + 1;
  const rt = insn & 31;
  const isLoad = (insn >>> 22) & 1;
  let index: u32 = 0;
  let log: u32 = scale;
  if (scale == 0) index = (q << 3) | (s << 2) | sizeField;
  else if (scale == 1) index = (q << 2) | (s << 1) | (sizeField >>> 1);
  else if (scale == 2 && !(sizeField & 1)) index = (q << 1) | s;
  else if (scale == 2) {
    log = 3;
    index = q;
  } else log = sizeField;
  const size: u32 = 1 << log;
  const total = selements * size;
  if (isLoad && !gather(va, total, size)) return 0;
  for (let r: u32 = 0; r < selements; r++) {
    const register = vectorAt(rt + r);
    const at = <usize>STRUCTURE_BUFFER + <usize>(r * size);
    if (scale != 3) {
      const lane = register + <usize>(index << log);
      if (isLoad) copyElement(lane, at, size);
      else copyElement(at, lane, size);
      continue;
    }
    store<u64>(register, 0, 8);
    const bytes: u32 = q ? 16 : 8;
    for (let offset: u32 = 0; offset < bytes; offset += size) copyElement(register + <usize>offset, at, size);
  }
  if (!isLoad && !scatter(va, total, size)) return 0;
  return total;
}

/**
 * The access of `insn` at `va`. The base slot is written back if `indexSlot` is not 0: with that register, or with
 * the number of bytes if it is the zero register. False: exception taken, base unchanged.
 */
export function structureAccess(insn: u32, va: u64, baseSlot: usize, indexSlot: usize): bool {
  const total = insn & 0x1000000 ? single(insn, va) : multiple(insn, va);
  if (!total) return false;
  if (indexSlot) store<u64>(baseSlot, va + (indexSlot == <usize>HOT_XZR ? <u64>total : load<u64>(indexSlot)));
  return true;
}
