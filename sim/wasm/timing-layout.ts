/**
 * Linear memory of the approximate core model (docs/timing.md). Read by both compilers, as layout.ts is. Times are u64 in
 * units of 1/6 cycle, so that a dispatch slot of a 2-wide and of a 3-wide core is a whole number of them.
 */
export const TIMED_UNITS: i32 = 6;

// ---- the running core: copied in and out by run(), as the HOT block is ----
export const TIMED_HOT: i32 = 0x2000;
export const TIMED_HOT_SIZE: i32 = 0x600;
/** Address of a register slot + this = when its value is ready, u64. */
export const TIMED_READY: i32 = 0x1000;
export const T_CY: i32 = 0x2400; // u64, dispatch time
export const T_DONE: i32 = 0x2408; // u64, latest completion of anything dispatched
export const T_FLAGS: i32 = 0x2410; // u64, when NZCV is ready
export const T_PIPE_ALU: i32 = 0x2418; // u64 each: slots taken of a pipe
export const T_PIPE_MUL: i32 = 0x2420;
export const T_PIPE_LOAD: i32 = 0x2428;
export const T_PIPE_STORE: i32 = 0x2430;
export const T_PIPE_FP: i32 = 0x2438;
export const T_PIPE_DIV: i32 = 0x2440;
export const T_STORES: i32 = 0x2448; // u64, when the store buffer is empty
export const T_MEMORY: i32 = 0x2450; // u64, until when the path to DRAM is busy with this core's streams
export const T_HISTORY: i32 = 0x2458; // u32, directions of the last conditional branches
export const T_RAS_TOP: i32 = 0x245c; // u32
export const T_FETCHED: i32 = 0x2460; // u32, line of code fetched last
export const T_GRANULE: i32 = 0x2464; // u32, instruction count / 16 of the last entry in the retirement ring
export const T_DTLB_NEXT: i32 = 0x2468; // u32, number of the next entry of the data TLB
export const T_DTLB_LIMIT: i32 = 0x246c; // u32, entries up to this number are gone
export const T_ITLB_NEXT: i32 = 0x2470;
export const T_ITLB_LIMIT: i32 = 0x2474;
export const T_MSHR_NEXT: i32 = 0x2478; // u32
export const T_STREAM_NEXT: i32 = 0x247c; // u32
export const T_RETIRE: i32 = 0x2480; // 16 x u64, retirement time at 16-instruction granules
export const T_MSHR: i32 = 0x2500; // 16 x u64, completion of outstanding misses
export const T_RAS: i32 = 0x2580; // 16 x u32
export const T_STREAMS: i32 = 0x25c0; // 4 x {u32 line, i32 stride, u32 hits, u32 spare}

// ---- parameters of the running core, u32 each, index P_* ----
export const TIMED_PARAM: i32 = 0x2600;
export const TIMED_PARAM_SIZE: i32 = 0x200;
/** Which registers an FP or SIMD sub-operation reads and how long it takes: u32 per sub-operation. */
export const TIMED_SIMD: i32 = 0x3000;
export const TIMED_SIMD_ENTRIES: i32 = 1024;
/** A TLB slot for accesses that no fast TLB entry stands for. */
export const TIMED_SCRATCH_SLOT: i32 = 0x4000;

// ---- what a fast TLB entry's page is to the model: entry address + TIMED_SLOTS ----
export const TIMED_SLOTS: i32 = 0xbc0000; // TLB_BASE + this = 0xc00000
export const TIMED_SLOTS_BASE: i32 = 0xc00000;
export const TIMED_SLOTS_SIZE: i32 = 0x80000;
export const SLOT_KEY: i32 = 0; // u64, the modelled TLBs' tag
export const SLOT_LINE: i32 = 8; // u32, physical address >> 6 of the page
export const SLOT_DATA: i32 = 12; // u32, number of its data TLB entry, 0 = none
export const SLOT_CODE: i32 = 16; // u32, number of its instruction TLB entry

// ---- per core ----
export const TIMED_CORE: i32 = 0xc80000;
export const TIMED_CORE_STRIDE: i32 = 0x20000;
export const C_HOT: i32 = 0; // saved TIMED_HOT block
export const C_PARAM: i32 = 0x600; // parameters
export const C_L1D: i32 = 0x1000; // sets x 4 x u32: line << 1 | writable, all ones = empty
export const C_L1I: i32 = 0x5000; // sets x 4 x u32: line << 1
export const C_L1D_NEXT: i32 = 0x9000; // u8 per set: way to fill next
export const C_L1I_NEXT: i32 = 0x9400;
export const C_DIRECTION: i32 = 0xa000; // u8 counters by address and history, at most 4096
export const C_BIMODAL: i32 = 0xb000; // u8 counters by address
export const C_CHOICE: i32 = 0xc000; // u8 counters by address: 2 and 3 = the first table is asked
export const C_BTB: i32 = 0xe000; // u32 addresses of taken branches, at most 4096
export const C_INDIRECT: i32 = 0x12000; // u32 targets, at most 1024
export const C_L2TLB: i32 = 0x13000; // sets x 4 x u64 keys, at most 2048 in all
export const C_L2TLB_NEXT: i32 = 0x17000; // u8 per set
export const C_DTLB: i32 = 0x17400; // ring of 64 x u64 keys
export const C_ITLB: i32 = 0x17600;
export const C_WALK: i32 = 0x17800; // 64 x u64: addresses of table descriptors kept by the walker
export const C_IPA: i32 = 0x17a00; // 64 x u64: intermediate pages with translation kept
export const TIMED_CORE_USED: i32 = 0x18000;
/** Sets that an L1 cache may have. */
export const L1_SETS: i32 = 1024;

// ---- second-level caches, by cluster ----
export const TIMED_L2: i32 = 0xd80000;
export const TIMED_L2_STRIDE: i32 = 0x60000;
export const L2_TAGS: i32 = 0; // sets x 16 x u32 line, all ones = empty
export const L2_META: i32 = 0x40000; // u8 per line: L2_OWNED | core, L2_DIRTY
export const L2_NEXT: i32 = 0x50000; // u8 per set
export const L2_LINES: i32 = 65536;
export const L2_OWNED: i32 = 8;
export const L2_DIRTY: i32 = 16;
export const TIMED_END: i32 = 0xe40000;

// ---- parameters ----
export const P_SLOT: i32 = 0; // units per dispatch slot
export const P_IN_ORDER: i32 = 1; // 1: issue in order
export const P_WINDOW: i32 = 2; // instructions in flight / 16
export const P_CLUSTER: i32 = 3;
export const P_L1D_MASK: i32 = 4; // sets - 1
export const P_L1D_WAYS: i32 = 5;
export const P_L1I_MASK: i32 = 6;
export const P_L1I_WAYS: i32 = 7;
export const P_L2_MASK: i32 = 8;
export const P_DTLB: i32 = 9; // entries
export const P_ITLB: i32 = 10;
export const P_L2TLB_MASK: i32 = 11; // sets - 1
export const P_MSHR: i32 = 12; // outstanding misses
export const P_DIRECTION_MASK: i32 = 13;
export const P_BTB_MASK: i32 = 14;
export const P_INDIRECT_MASK: i32 = 15;
export const P_RAS_MASK: i32 = 16;
export const P_DIV_BITS: i32 = 17; // quotient bits per cycle
// from here on times, in units
export const P_SHIFT: i32 = 32;
export const P_BITFIELD: i32 = 33;
export const P_INSERT: i32 = 34;
export const P_EXTRACT32: i32 = 35;
export const P_EXTRACT64: i32 = 36;
export const P_REVERSE: i32 = 37;
export const P_MUL: i32 = 38;
export const P_MUL64: i32 = 39;
export const P_MADD64: i32 = 40;
export const P_MULHIGH: i32 = 41;
export const P_MUL64_BUSY: i32 = 42;
export const P_CRC: i32 = 43;
export const P_DIV: i32 = 44;
export const P_LOAD: i32 = 45;
export const P_LOAD_NARROW: i32 = 46;
export const P_LOAD_VECTOR: i32 = 47;
export const P_LOAD_SECOND: i32 = 48;
export const P_L2: i32 = 49;
export const P_L2_STREAM: i32 = 50;
export const P_DRAM: i32 = 51;
export const P_DRAM_READ: i32 = 52;
export const P_DRAM_WRITE: i32 = 53;
export const P_SNOOP: i32 = 54;
export const P_CCI: i32 = 55;
export const P_STORE_SLACK: i32 = 56;
export const P_L2TLB: i32 = 57;
export const P_WALK: i32 = 58;
export const P_MISPREDICT: i32 = 59;
export const P_TAKEN: i32 = 60;
export const P_BTB_MISS: i32 = 61;
export const P_ENTRY: i32 = 62;
export const P_RETURN: i32 = 63;
export const P_ISB: i32 = 64;
export const P_DMB: i32 = 65;
export const P_DSB: i32 = 66;
export const P_MRS: i32 = 67;
export const P_MSR: i32 = 68;
export const P_COUNTER: i32 = 69;
export const P_TLBI: i32 = 70;
export const P_DC: i32 = 71;
export const P_EXCLUSIVE: i32 = 72;
export const P_FP_ADD: i32 = 73;
export const P_FP_MUL: i32 = 74;
export const P_FMA: i32 = 75;
export const P_FMA_FORWARD: i32 = 76;
export const P_FDIV32: i32 = 77;
export const P_FDIV64: i32 = 78;
export const P_FSQRT32: i32 = 79;
export const P_FSQRT64: i32 = 80;
export const P_FP_MOVE: i32 = 81;
export const P_FP_CONVERT: i32 = 82;
export const P_FP_COMPARE: i32 = 83;
export const P_SIMD: i32 = 84;
export const P_SIMD_MUL: i32 = 85;
export const P_SIMD_FORWARD: i32 = 86;
export const P_CRYPTO: i32 = 87;
export const P_MUL_FORWARD: i32 = 88;
export const P_UNCACHED: i32 = 89;
export const P_END: i32 = 90;

// entries of TIMED_SIMD: bits 7:0 latency P_*, 15:8 forwarding latency of the accumulator P_* or 0, then
export const SIMD_VN: i32 = 0x10000;
export const SIMD_VM: i32 = 0x20000;
export const SIMD_VD: i32 = 0x40000; // Vd is read too
export const SIMD_VA: i32 = 0x80000; // bits 14:10 name a third source
export const SIMD_RN: i32 = 0x100000; // Rn is a general register
export const SIMD_RD: i32 = 0x200000; // the result is a general register
export const SIMD_FLAGS: i32 = 0x400000; // the result is NZCV
export const SIMD_BLOCKS: i32 = 0x800000; // division: the unit is busy all the time
export const SIMD_READS_FLAGS: i32 = 0x1000000;
export const SIMD_DOUBLE: i32 = 0x2000000; // with bit 22 of the instruction the latency is the next parameter
