// Physical memory as the kernel sees it: SoC frames mapped to linear memory in 64 KiB chunks, on first touch.
import {
  CHUNK_ENTRIES,
  CHUNK_MAP,
  CHUNK_SHIFT,
  PHYS_EXHAUSTED,
  PHYS_NEXT_FREE,
  PHYS_POOL_END,
} from '../../wasm/layout';

const CHUNK_SIZE: u32 = 0x10000;
const UNTOUCHED: u32 = 1;

/**
 * Host address of a physical address; 0 = not RAM. The 64 KiB chunk around it is contiguous in linear memory.
 * An untouched chunk gets the next free one of the pool, which is zero; an empty pool sets PHYS_EXHAUSTED.
 */
export function hostOf(pa: u64): u32 {
  const index = pa >> (<u64>CHUNK_SHIFT);
  if (index >= <u64>CHUNK_ENTRIES) return 0;
  const base = load<u32>(<usize>CHUNK_MAP + ((<usize>index) << 2));
  if (base > UNTOUCHED) return base + ((<u32>pa) & (CHUNK_SIZE - 1));
  if (base == 0) return 0;
  const fresh = materialise(<u32>index);
  return fresh == 0 ? 0 : fresh + ((<u32>pa) & (CHUNK_SIZE - 1));
}

/** Host address of a physical address without touching an unused chunk; 0 = not RAM or never written. */
export function hostIfTouched(pa: u64): u32 {
  const index = pa >> (<u64>CHUNK_SHIFT);
  if (index >= <u64>CHUNK_ENTRIES) return 0;
  const base = load<u32>(<usize>CHUNK_MAP + ((<usize>index) << 2));
  return base > UNTOUCHED ? base + ((<u32>pa) & (CHUNK_SIZE - 1)) : 0;
}

function materialise(index: u32): u32 {
  const fresh = load<u32>(<usize>PHYS_NEXT_FREE);
  const end = load<u32>(<usize>PHYS_POOL_END);
  if (fresh >= end || end - fresh < CHUNK_SIZE) {
    store<u32>(<usize>PHYS_EXHAUSTED, 1);
    return 0;
  }
  store<u32>(<usize>PHYS_NEXT_FREE, fresh + CHUNK_SIZE);
  store<u32>(<usize>CHUNK_MAP + ((<usize>index) << 2), fresh);
  return fresh;
}
