// Where the MMU's own tables lie between MMU_BASE and MMU_BASE + MMU_SIZE (sim/wasm/layout.ts).
import { MMU_BASE } from '../../wasm/layout';

// ---- contexts: per id two key words, a chain link; heads by hash of ASID and VMID ----
export const CTX_KEYS: usize = <usize>MMU_BASE; // 4096 x {u64 regime word, u64 TCR}
export const CTX_LINKS: usize = <usize>MMU_BASE + 0x10000; // 4096 x u16
export const CTX_HEADS: usize = <usize>MMU_BASE + 0x12000; // 1024 x u16, 0 = empty
export const CTX_NEXT: usize = <usize>MMU_BASE + 0x12800; // u32: ids handed out so far
export const CTX_CORES: usize = <usize>MMU_BASE + 0x12804; // u32: mask of cores that ever ran
export const CTX_STAGE2: usize = <usize>MMU_BASE + 0x12808; // u32: generation of kept stage-2 translations

// ---- per core ----
export const CORE_PRIVATE: usize = <usize>MMU_BASE + 0x14000;
export const CORE_PRIVATE_STRIDE: usize = 0x4000;
export const PRIV_EL0: usize = 0; // u32 context ids of the present register values
export const PRIV_EL1: usize = 4;
export const PRIV_EL2: usize = 8; // 0 = not looked up yet
export const PRIV_REGIME: usize = 16; // u64: EL1&0 regime word that PRIV_EL0/EL1 were made from
export const PRIV_TCR: usize = 24; // u64: TCR_EL1 likewise
export const PRIV_BLOCKS: usize = 0x100; // 4096 bits: 2 MiB regions that hold entries made from blocks
export const PRIV_HUGE: usize = 0x300; // 1024 bits: 1 GiB regions that hold entries made from blocks above 2 MiB
export const PRIV_SLOW: usize = 0x1000; // slow TLB, see slow.ts
export const PRIV_IPA: usize = 0x2000; // stage-2 translations, see ipa.ts

// ---- decoded-code pages: what the pool pages stand for, see code.ts ----
export const CODE_META: usize = <usize>MMU_BASE + 0x34000; // UOP_POOL_PAGES x 32 bytes
export const CODE_FREE: usize = <usize>MMU_BASE + 0x54000; // u32 stack of free pool pages
export const CODE_FREE_COUNT: usize = <usize>MMU_BASE + 0x58000; // u32
export const CODE_USED: usize = <usize>MMU_BASE + 0x58004; // u32: pool pages ever handed out

/** The private block of core number `core`. */
export function privateOf(core: u32): usize {
  return CORE_PRIVATE + <usize>core * CORE_PRIVATE_STRIDE;
}
