// Loads and stores that miss the fast path: devices, page crossings, exclusives, DC ZVA, pages with code, faults.
import { BUS_FAULT, CUR_CORE, MMIO_HI, MMIO_LO, SCRATCH_DATA, SLOW_KIND } from '../../wasm/layout';
import { mmioRead, mmioWrite } from '../../cpu/kernel/env';
import { watching, watchpointTaken } from '../../cpu/kernel/debug';
import { codeStored } from './code';
import { FSC_ALIGNMENT, FSC_EXCLUSIVE, FSC_EXTERNAL } from './descriptor';
import { claimMonitor, markMonitor } from './monitor';
import { MEM_UNPRIV, alignmentChecked, foundHost, foundPa, plainAbort, resolve } from './resolve';
import { ACCESS_READ, ACCESS_WRITE } from './stage2walk';

/** Acquire, release: a misaligned access faults whatever SCTLR says. */
export const MEM_ALIGNED: u32 = 2;
/** Size of one element, log2(bytes) + 1 in bits 7:4; without it the smaller of the access and 8 bytes. */
export const MEM_ELEMENT_SHIFT: u32 = 4;
export const MEM_ELEMENT_1: u32 = 0x10;
export const MEM_ELEMENT_2: u32 = 0x20;
export const MEM_ELEMENT_4: u32 = 0x30;
export const MEM_ELEMENT_8: u32 = 0x40;
export const MEM_ELEMENT_16: u32 = 0x50;

/** Bytes of DC ZVA's block (DCZID_EL0.BS = 4). */
const ZVA_SIZE: u32 = 64;

function elementOf(size: u32, flags: u32): u32 {
  const field = (flags >> MEM_ELEMENT_SHIFT) & 15;
  if (field != 0) return (<u32>1) << (field - 1);
  return size < 8 ? size : 8;
}

/** The alignment check that comes before translation (SCTLR_ELx.A, acquire/release); true = go on. */
function passesAlignment(va: u64, write: bool, unaligned: bool, flags: u32): bool {
  if (!unaligned || ((flags & MEM_ALIGNED) == 0 && !alignmentChecked())) return true;
  plainAbort(va, write, FSC_ALIGNMENT);
  return false;
}

/** Watchpoints come after every fault of the MMU (AArch64.TranslateAddress); true = the exception was taken. */
function watched(va: u64, size: u32, write: bool, flags: u32): bool {
  return watching() && watchpointTaken(va, size, write, (flags & MEM_UNPRIV) != 0, false);
}

/**
 * Host address of `size` readable bytes (1..64) with the data of `va`: RAM, or SCRATCH_DATA for devices and page
 * crossings; 0 = an exception was taken. `iss`: ESR bits 24:14 for a stage-2 abort. SLOW_KIND tells of a device.
 */
export function loadSlow(va: u64, size: u32, iss: u32, flags: u32): u32 {
  store<u32>(<usize>SLOW_KIND, 0);
  const element = elementOf(size, flags);
  const unaligned = ((<u32>va) & (element - 1)) != 0;
  if (!passesAlignment(va, false, unaligned, flags)) return 0;
  const room: u32 = 0x1000 - ((<u32>va) & 0xfff);
  if (size <= room) {
    if (!resolve(va, ACCESS_READ, flags, unaligned, iss) || watched(va, size, false, flags)) return 0;
    if (foundHost != 0) return foundHost;
    return readDevice(va, foundPa, size, element, <usize>SCRATCH_DATA) ? <u32>SCRATCH_DATA : 0;
  }
  if (!resolve(va, ACCESS_READ, flags, unaligned, iss)) return 0;
  const host = foundHost;
  const pa = foundPa;
  const next = (va | 0xfff) + 1;
  if (!resolve(next, ACCESS_READ, flags, unaligned, iss) || watched(va, size, false, flags)) return 0;
  const nextHost = foundHost;
  const nextPa = foundPa;
  const to = <usize>SCRATCH_DATA;
  if (host != 0) memory.copy(to, <usize>host, <usize>room);
  else if (!readDevice(va, pa, room, element, to)) return 0;
  if (nextHost != 0) memory.copy(to + <usize>room, <usize>nextHost, <usize>(size - room));
  else if (!readDevice(next, nextPa, size - room, element, to + <usize>room)) return 0;
  return <u32>SCRATCH_DATA;
}

/** Stores `size` bytes (1..64) of SCRATCH_DATA; false = an exception was taken, and nothing was stored before it. */
export function storeSlow(va: u64, size: u32, iss: u32, flags: u32): bool {
  store<u32>(<usize>SLOW_KIND, 0);
  const element = elementOf(size, flags);
  const unaligned = ((<u32>va) & (element - 1)) != 0;
  if (!passesAlignment(va, true, unaligned, flags)) return false;
  const room: u32 = 0x1000 - ((<u32>va) & 0xfff);
  const from = <usize>SCRATCH_DATA;
  if (!resolve(va, ACCESS_WRITE, flags, unaligned, iss)) return false;
  if (size <= room) {
    if (watched(va, size, true, flags)) return false;
    if (foundHost == 0) return writeDevice(va, foundPa, size, element, from);
    writeRam(foundHost, size, from);
    return true;
  }
  const host = foundHost;
  const pa = foundPa;
  const next = (va | 0xfff) + 1;
  if (!resolve(next, ACCESS_WRITE, flags, unaligned, iss) || watched(va, size, true, flags)) return false;
  const nextHost = foundHost;
  const nextPa = foundPa;
  if (host != 0) writeRam(host, room, from);
  else if (!writeDevice(va, pa, room, element, from)) return false;
  if (nextHost == 0) return writeDevice(next, nextPa, size - room, element, from + <usize>room);
  writeRam(nextHost, size - room, from + <usize>room);
  return true;
}

/** Load-exclusive: as loadSlow, naturally aligned, and marks the monitor. */
export function loadExclusive(va: u64, size: u32, iss: u32): u32 {
  store<u32>(<usize>SLOW_KIND, 0);
  if (((<u32>va) & (size - 1)) != 0) {
    plainAbort(va, false, FSC_ALIGNMENT);
    return 0;
  }
  if (!resolve(va, ACCESS_READ, 0, false, iss)) return 0;
  if (foundHost == 0) {
    plainAbort(va, false, FSC_EXCLUSIVE);
    return 0;
  }
  if (watched(va, size, false, 0)) return 0;
  markMonitor(foundHost);
  return foundHost;
}

/** Store-exclusive of SCRATCH_DATA: 0 = stored, 1 = failed, 2 = exception taken. Faults come before the monitor. */
export function storeExclusive(va: u64, size: u32, iss: u32): u32 {
  store<u32>(<usize>SLOW_KIND, 0);
  if (((<u32>va) & (size - 1)) != 0) {
    plainAbort(va, true, FSC_ALIGNMENT);
    return 2;
  }
  if (!resolve(va, ACCESS_WRITE, 0, false, iss)) return 2;
  if (foundHost == 0) {
    plainAbort(va, true, FSC_EXCLUSIVE);
    return 2;
  }
  if (watched(va, size, true, 0)) return 2;
  if (!claimMonitor(foundHost)) return 1;
  writeRam(foundHost, size, <usize>SCRATCH_DATA);
  return 0;
}

/** DC ZVA: zeroes the 64-byte block of `va`; false = exception taken. Device memory refuses it (D7.2.27). */
export function zvaSlow(va: u64): bool {
  store<u32>(<usize>SLOW_KIND, 0);
  if (!resolve(va, ACCESS_WRITE, 0, true, 0)) return false;
  const into = (<u32>va) & (ZVA_SIZE - 1);
  if (watched(va - <u64>into, ZVA_SIZE, true, 0)) return false;
  if (foundHost != 0) {
    memory.fill(<usize>(foundHost - into), 0, <usize>ZVA_SIZE);
    codeStored(foundHost - into, ZVA_SIZE);
    return true;
  }
  memory.fill(<usize>SCRATCH_DATA, 0, <usize>ZVA_SIZE);
  return writeDevice(va & ~(<u64>ZVA_SIZE - 1), foundPa & ~(<u64>ZVA_SIZE - 1), ZVA_SIZE, 8, <usize>SCRATCH_DATA);
}

function writeRam(host: u32, size: u32, from: usize): void {
  const to = <usize>host;
  if (size == 8) store<u64>(to, load<u64>(from));
  else if (size == 4) store<u32>(to, load<u32>(from));
  else if (size == 1) store<u8>(to, load<u8>(from));
  else memory.copy(to, from, <usize>size);
  codeStored(host, size);
}

/** The widest access that fits: at most the element and 8 bytes, naturally aligned. */
function widthAt(pa: u64, left: u32, element: u32): u32 {
  let width: u32 = element < 8 ? element : 8;
  while (width > left || ((<u32>pa) & (width - 1)) != 0) width >>= 1;
  return width;
}

/** Reads `size` bytes from the bus into `to`; false = synchronous external abort taken. */
function readDevice(va: u64, pa: u64, size: u32, element: u32, to: usize): bool {
  store<u32>(<usize>SLOW_KIND, 1);
  const core = load<u32>(<usize>CUR_CORE);
  let done: u32 = 0;
  while (done < size) {
    const at = pa + <u64>done;
    const width = widthAt(at, size - done, element);
    store<u32>(<usize>BUS_FAULT, 0);
    store<u32>(<usize>MMIO_HI, 0);
    const low = mmioRead(core, <u32>(at >> 32), <u32>at, width);
    if (load<u32>(<usize>BUS_FAULT) != 0) {
      plainAbort(va + <u64>done, false, FSC_EXTERNAL);
      return false;
    }
    const into = to + <usize>done;
    if (width == 8) {
      store<u32>(into, low);
      store<u32>(into, load<u32>(<usize>MMIO_HI), 4);
    } else if (width == 4) store<u32>(into, low);
    else if (width == 2) store<u16>(into, <u16>low);
    else store<u8>(into, <u8>low);
    done += width;
  }
  return true;
}

/** Writes `size` bytes from `from` to the bus; false = synchronous external abort taken. */
function writeDevice(va: u64, pa: u64, size: u32, element: u32, from: usize): bool {
  store<u32>(<usize>SLOW_KIND, 1);
  const core = load<u32>(<usize>CUR_CORE);
  let done: u32 = 0;
  while (done < size) {
    const at = pa + <u64>done;
    const width = widthAt(at, size - done, element);
    const data = from + <usize>done;
    let low: u32 = 0;
    let high: u32 = 0;
    if (width == 8) {
      low = load<u32>(data);
      high = load<u32>(data, 4);
    } else if (width == 4) low = load<u32>(data);
    else if (width == 2) low = <u32>load<u16>(data);
    else low = <u32>load<u8>(data);
    store<u32>(<usize>MMIO_LO, low);
    store<u32>(<usize>MMIO_HI, high);
    store<u32>(<usize>BUS_FAULT, 0);
    mmioWrite(core, <u32>(at >> 32), <u32>at, width);
    if (load<u32>(<usize>BUS_FAULT) != 0) {
      plainAbort(va + <u64>done, true, FSC_EXTERNAL);
      return false;
    }
    done += width;
  }
  return true;
}
