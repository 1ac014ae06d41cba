// stage2.wasm: the stage-2 walker of core.wasm alone, with a memory of its own. It imports nothing, takes 32-bit
// arguments and returns one i32, so that any engine can run it (npm `wasmtime` can do no more).
import { CHUNK_ENTRIES, CHUNK_MAP, CHUNK_SHIFT, PHYS_NEXT_FREE, PHYS_POOL_END, UOP_MAP } from '../../wasm/layout';
import { FSC_NONE, takeReads } from './descriptor';
import { hostIfTouched, hostOf } from './phys';
import { s2Leaf, s2Level, s2Pa, s2Size, stage2Permission, stage2Walk } from './stage2walk';

/** Size of the memory in 64 KiB pages: the map of physical memory ends at page 96, contents follow. */
const PAGES: i32 = 256;

let vtcr: u64 = 0;
let vttbr: u64 = 0;
let paBits: u32 = 44;
let walkReads: u32 = 0;

function join(hi: u32, lo: u32): u64 {
  return ((<u64>hi) << 32) | (<u64>lo);
}

/**
 * Starts afresh with no memory; `paMax` is the implemented physical address size in bits (44 on a Cortex-A57, 40 on an
 * A53). Returns the number of 64 KiB chunks that `ram` may give contents to.
 */
export function reset(paMax: u32): i32 {
  paBits = paMax;
  vtcr = 0;
  vttbr = 0;
  if (memory.size() < PAGES) memory.grow(PAGES - memory.size());
  const end = (<u32>memory.size()) << 16;
  memory.fill(<usize>CHUNK_MAP, 0, (<usize>CHUNK_ENTRIES) << 2);
  memory.fill(<usize>UOP_MAP, 0, <usize>(end - <u32>UOP_MAP));
  store<u32>(<usize>PHYS_NEXT_FREE, <u32>UOP_MAP);
  store<u32>(<usize>PHYS_POOL_END, end);
  return <i32>((end - <u32>UOP_MAP) >> 16);
}

/** Declares `chunks` x 64 KiB from a physical address (below 2^36) to be RAM; returns how many are. */
export function ram(paHi: u32, paLo: u32, chunks: u32): i32 {
  let index = <u32>(join(paHi, paLo) >> (<u64>CHUNK_SHIFT));
  let done: i32 = 0;
  while (done < <i32>chunks && index < <u32>CHUNK_ENTRIES) {
    const at = <usize>CHUNK_MAP + ((<usize>index) << 2);
    if (load<u32>(at) == 0) store<u32>(at, 1);
    index++;
    done++;
  }
  return done;
}

/** Stores a word at a physical address; 0 = done, 1 = no RAM there (or none left). */
export function poke(paHi: u32, paLo: u32, value: u32): i32 {
  const host = hostOf(join(paHi, paLo & ~3));
  if (host == 0) return 1;
  store<u32>(<usize>host, value);
  return 0;
}

/** The word at a physical address; 0 where nothing was stored. */
export function peek(paHi: u32, paLo: u32): u32 {
  const host = hostIfTouched(join(paHi, paLo & ~3));
  return host == 0 ? 0 : load<u32>(<usize>host);
}

/** Sets VTCR_EL2 and VTTBR_EL2. */
export function configure(vtcrHi: u32, vtcrLo: u32, vttbrHi: u32, vttbrLo: u32): i32 {
  vtcr = join(vtcrHi, vtcrLo);
  vttbr = join(vttbrHi, vttbrLo);
  return 0;
}

/** Walks an IPA; `access`: 0 read, 1 write, 2 execute. -1 = translated (see result*), else the fault status code. */
export function walk(ipaHi: u32, ipaLo: u32, access: u32): i32 {
  let fsc = stage2Walk(vtcr, vttbr, join(ipaHi, ipaLo), paBits);
  if (fsc == FSC_NONE) fsc = stage2Permission(access);
  walkReads = takeReads();
  return fsc;
}

/** Walks `count` IPAs `step` bytes apart and returns the exclusive or of their physical page numbers and fault codes. */
export function walkMany(ipaHi: u32, ipaLo: u32, step: u32, count: u32): i32 {
  let ipa = join(ipaHi, ipaLo);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const fsc = stage2Walk(vtcr, vttbr, ipa, paBits);
    sum ^= fsc == FSC_NONE ? <u32>(s2Pa >> 12) : <u32>fsc;
    ipa += <u64>step;
  }
  walkReads = takeReads();
  return <i32>sum;
}

/** Physical address of the last successful walk, high word. */
export function resultHi(): u32 {
  return <u32>(s2Pa >> 32);
}

/** Physical address of the last successful walk, low word. */
export function resultLo(): u32 {
  return <u32>s2Pa;
}

/** Leaf descriptor of the last successful walk, high word. */
export function leafHi(): u32 {
  return <u32>(s2Leaf >> 32);
}

/** Leaf descriptor of the last successful walk, low word. */
export function leafLo(): u32 {
  return <u32>s2Leaf;
}

/** Level of the leaf. */
export function resultLevel(): u32 {
  return s2Level;
}

/** Log2 of the size of the block or page. */
export function resultSize(): u32 {
  return s2Size;
}

/** Descriptors read by the last walk. */
export function descriptorReads(): u32 {
  return walkReads;
}
