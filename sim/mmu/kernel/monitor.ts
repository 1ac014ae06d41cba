// Exclusive monitors. A core's monitor holds the host address of the 64-byte granule it marked (the A57's granule is a
// cache line), all ones when open. Other cores never run between a core's LDXR and the end of its slice, where run()
// opens the monitor, so plain stores need no check; writes by devices come through breakMonitors.
import { CORE_EVENT, CORE_MONITOR_PA, MAX_CORES } from '../../wasm/layout';
import { S, blockOf } from '../../cpu/kernel/state';
import { hostIfTouched } from './phys';

const OPEN: u64 = 0xffff_ffff_ffff_ffff;
const GRANULE: u32 = 64;

/** Opens the monitor of the core at `s` (CLREX, exception return, end of a slice). */
export function openMonitor(s: usize): void {
  store<u64>(s, OPEN, <usize>CORE_MONITOR_PA);
}

/** True if the monitor of the core at `s` marks something. */
export function monitorMarked(s: usize): bool {
  return load<u64>(s, <usize>CORE_MONITOR_PA) != OPEN;
}

/** Marks the granule of `host` for the running core. */
export function markMonitor(host: u32): void {
  store<u64>(S(), <u64>(host & ~(GRANULE - 1)), <usize>CORE_MONITOR_PA);
}

/** True if the running core marked the granule of `host`; either way the monitor is open afterwards. */
export function claimMonitor(host: u32): bool {
  const s = S();
  const marked = load<u64>(s, <usize>CORE_MONITOR_PA) == <u64>(host & ~(GRANULE - 1));
  store<u64>(s, OPEN, <usize>CORE_MONITOR_PA);
  return marked;
}

/** Opens every monitor whose granule overlaps [pa, pa+length); the event register of its core is set (D1.16.1). */
export function breakMonitorsAt(pa: u64, length: u32): void {
  for (let core: u32 = 0; core < <u32>MAX_CORES; core++) {
    const s = blockOf(core);
    const marked = load<u64>(s, <usize>CORE_MONITOR_PA);
    // Zero: a block that was never reset.
    if (marked == OPEN || marked == 0) continue;
    if (!overlaps(pa, length, <u32>marked)) continue;
    store<u64>(s, OPEN, <usize>CORE_MONITOR_PA);
    store<u32>(s, 1, <usize>CORE_EVENT);
  }
}

function overlaps(pa: u64, length: u32, granule: u32): bool {
  let left = length;
  while (left != 0) {
    const room: u32 = 0x10000 - ((<u32>pa) & 0xffff);
    const part = left < room ? left : room;
    const host = hostIfTouched(pa);
    if (host != 0 && host < granule + GRANULE && host + part > granule) return true;
    pa += <u64>part;
    left -= part;
  }
  return false;
}
