// The MMU driven access by access, for the specs: what run() does around one load, store or fetch. Not in core.wasm.
import {
  CORE_CTX,
  CORE_CTX_UNPRIV,
  CUR_CORE,
  CUR_STATE,
  SCRATCH_DATA,
  TLB_ADDEND,
  TLB_TAG_R,
  TLB_TAG_W,
  TLB_TAG_X,
  TLB_UOPS,
} from '../../wasm/layout';
import { coreEntered } from '../../cpu/kernel/exception';
import { S, blockOf } from '../../cpu/kernel/state';
import { MEM_ALIGNED, loadExclusive, loadSlow, storeExclusive, storeSlow, zvaSlow } from './access';
import { contextChanged } from './context';
import { entryOf } from './entry';
import { addressTranslate, cacheMaintenance, tlbi } from './maintenance';
import { MEM_UNPRIV, fetchPage } from './resolve';

export * from './host';
export { resetCore } from '../../cpu/kernel/host';

function join(hi: u32, lo: u32): u64 {
  return ((<u64>hi) << 32) | lo;
}

function tagOf(va: u64, size: u32, flags: u32): u64 {
  const s = S();
  const context = flags & MEM_UNPRIV ? load<u32>(s, <usize>CORE_CTX_UNPRIV) : load<u32>(s, <usize>CORE_CTX);
  return ((va + size - 1) & ~(<u64>0xfff)) | context;
}

/** Makes `core` the running one. */
export function use(core: u32): i32 {
  store<u32>(<usize>CUR_CORE, core);
  store<u32>(<usize>CUR_STATE, <u32>blockOf(core));
  coreEntered();
  return 0;
}

/** Translation registers or the EL were changed by the host. */
export function changed(): i32 {
  contextChanged();
  return 0;
}

/** 1 if a load of this kind would hit the fast TLB. */
export function fastRead(vaHi: u32, vaLo: u32, size: u32, flags: u32): i32 {
  const va = join(vaHi, vaLo);
  if (flags & MEM_ALIGNED && vaLo & (size - 1)) return 0;
  return load<u64>(entryOf(load<u32>(<usize>CUR_CORE), va), <usize>TLB_TAG_R) == tagOf(va, size, flags) ? 1 : 0;
}

/** 1 if a store of this kind would hit the fast TLB. */
export function fastWrite(vaHi: u32, vaLo: u32, size: u32, flags: u32): i32 {
  const va = join(vaHi, vaLo);
  if (flags & MEM_ALIGNED && vaLo & (size - 1)) return 0;
  return load<u64>(entryOf(load<u32>(<usize>CUR_CORE), va), <usize>TLB_TAG_W) == tagOf(va, size, flags) ? 1 : 0;
}

/** Address in linear memory of the loaded bytes, 0 = exception taken. */
export function read(vaHi: u32, vaLo: u32, size: u32, iss: u32, flags: u32): u32 {
  const va = join(vaHi, vaLo);
  if (fastRead(vaHi, vaLo, size, flags)) {
    return load<u32>(entryOf(load<u32>(<usize>CUR_CORE), va), <usize>TLB_ADDEND) + vaLo;
  }
  return loadSlow(va, size, iss, flags);
}

/** Stores the bytes at SCRATCH_DATA; 1 = done, 0 = exception taken. */
export function write(vaHi: u32, vaLo: u32, size: u32, iss: u32, flags: u32): i32 {
  const va = join(vaHi, vaLo);
  if (fastWrite(vaHi, vaLo, size, flags)) {
    const to = load<u32>(entryOf(load<u32>(<usize>CUR_CORE), va), <usize>TLB_ADDEND) + vaLo;
    memory.copy(<usize>to, <usize>SCRATCH_DATA, <usize>size);
    return 1;
  }
  return storeSlow(va, size, iss, flags) ? 1 : 0;
}

/** Address of the micro-ops of the page of a program counter, 0 = exception taken. */
export function fetch(vaHi: u32, vaLo: u32): u32 {
  const va = join(vaHi, vaLo);
  const entry = entryOf(load<u32>(<usize>CUR_CORE), va);
  if (load<u64>(entry, <usize>TLB_TAG_X) == tagOf(va, 1, 0)) return load<u32>(entry, <usize>TLB_UOPS);
  return fetchPage(va);
}

export function readExclusive(vaHi: u32, vaLo: u32, size: u32): u32 {
  return loadExclusive(join(vaHi, vaLo), size, 0);
}

/** 0 stored, 1 failed, 2 exception taken. */
export function writeExclusive(vaHi: u32, vaLo: u32, size: u32): u32 {
  return storeExclusive(join(vaHi, vaLo), size, 0);
}

export function zeroBlock(vaHi: u32, vaLo: u32): i32 {
  return zvaSlow(join(vaHi, vaLo)) ? 1 : 0;
}

export function invalidate(kind: u32, valueHi: u32, valueLo: u32, broadcast: u32): i32 {
  tlbi(kind, join(valueHi, valueLo), broadcast);
  return 0;
}

/** AT: 1 = PAR_EL1 written, 0 = exception taken. */
export function translateTo(kind: u32, vaHi: u32, vaLo: u32): i32 {
  return addressTranslate(kind, join(vaHi, vaLo)) ? 1 : 0;
}

export function maintain(vaHi: u32, vaLo: u32, write: u32): i32 {
  return cacheMaintenance(join(vaHi, vaLo), write != 0) ? 1 : 0;
}

/** Reads through `count` addresses `step` bytes apart as run() would: for measuring fills. */
export function sweep(vaHi: u32, vaLo: u32, step: u32, count: u32): u32 {
  let va = join(vaHi, vaLo);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const at = read(<u32>(va >> 32), <u32>va, 8, 0, 0);
    if (at == 0) return 0;
    sum += load<u32>(at);
    va += step;
  }
  return sum + 1;
}
