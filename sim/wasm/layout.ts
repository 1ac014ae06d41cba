/**
 * Where everything lives in the one linear memory. Read by both compilers, so it holds only
 * `export const NAME: i32 = literal`. All sizes and offsets are bytes.
 *
 * The running core's architectural registers are at fixed addresses (HOT_*): micro-ops carry those
 * addresses. `run(core)` copies the core's saved block in, and out again when it returns.
 */
export const LAYOUT_VERSION: i32 = 3;

// ---- the running core (HOT block) ----
export const HOT_BASE: i32 = 0x1000;
export const HOT_SIZE: i32 = 0x400;
export const HOT_X: i32 = 0x1000; // X0..X30, 8 bytes each
export const HOT_XZR: i32 = 0x10f8; // slot 31: always zero
export const HOT_SP: i32 = 0x1100; // slot 32: the selected stack pointer
export const HOT_TRASH: i32 = 0x1108; // slot 33: where writes to XZR go
export const HOT_PC: i32 = 0x1110; // u64
export const HOT_NZCV: i32 = 0x1118; // u32, bits 31:28 as in PSTATE
export const HOT_FPCR: i32 = 0x1120; // u32
export const HOT_FPSR: i32 = 0x1124; // u32
export const HOT_V: i32 = 0x1200; // V0..V31, 16 bytes each

// ---- kernel scratch ----
export const CUR_CORE: i32 = 0x1400; // u32 index of the running core
export const CUR_STATE: i32 = 0x1404; // u32 address of its CORE block
export const MMIO_LO: i32 = 0x1410; // u32 data exchanged with mmioRead/mmioWrite
export const MMIO_HI: i32 = 0x1414;
export const BUS_FAULT: i32 = 0x14b0; // u32: set to 1 by the host when nothing answers a mmioRead/mmioWrite
export const SCRATCH_DATA: i32 = 0x1500; // 64 bytes: load/store data that took the slow path
export const WALK_RESULT: i32 = 0x1440; // see sim/mmu/kernel/host.ts (64 bytes)
export const RESYNC_UOP: i32 = 0x1480; // 16 bytes: the micro-op that makes run() reload its locals
export const SLOW_KIND: i32 = 0x14a0; // u32: 1 if the last loadSlow/storeSlow needs a resync (device, code page)
export const EXIT_CODE: i32 = 0x14a4; // u32: EXIT_*, or EXIT_NONE while run() goes on
export const FP_TRAPPED: i32 = 0x14a8; // u32: non-zero if FP/SIMD instructions may trap at the current EL
export const PHYS_EXHAUSTED: i32 = 0x14ac; // u32: 1 once the RAM pool has run out
export const COST_TABLE: i32 = 0x1600; // 64 bytes: cost class -> cycles
export const SIMD_SCRATCH: i32 = 0x1640; // 16 bytes: lane results of an FP/SIMD instruction before they reach a register
export const STEP_SLOT: i32 = 0x1650; // u32: address of the micro-op used in STEP_UOPS, 0 before the first use
export const REGION_ON: i32 = 0x1660; // u32: 1 if branches are sampled for the translator
export const REGION_TICK: i32 = 0x1664; // u32: sampled branches until the next sample
export const REGION_FLAG_A: i32 = 0x1668; // u64: what a region leaves besides its result, see sim/translator/region.ts
export const REGION_FLAG_B: i32 = 0x1670; // u64
export const REGION_PC: i32 = 0x1678; // u64: target of an indirect branch
export const REGION_COUNTS: i32 = 0x1680; // u64: instructions << 32 | cycles
export const REGION_FLAG_KIND: i32 = 0x1688; // u32
export const REGION_USED: i32 = 0x168c; // u32: region records ever used
export const REGION_DROPS: i32 = 0x1690; // u32 count: regions dropped because their code or its page changed
export const REGION_ENTRIES: i32 = 0x1698; // u64 count: entries into regions
export const REGION_INSNS: i32 = 0x16a0; // u64 count: instructions that regions have retired
export const REGION_RECENT_NEXT: i32 = 0x16a8; // u32 count: entries into regions, for the ring that follows
export const REGION_RECENT: i32 = 0x16b0; // 16 x u16: numbers of the regions entered last
export const STRUCTURE_BUFFER: i32 = 0x1700; // 64 bytes: memory side of LD1..LD4, ST1..ST4
export const EXIT_NONE: i32 = -1;

// ---- per-core state ----
export const MAX_CORES: i32 = 8;
export const CORE_BASE: i32 = 0x10000;
export const CORE_STRIDE: i32 = 0x1000;
export const CORE_HOT: i32 = 0x000; // saved HOT block
export const CORE_CYCLES: i32 = 0x400; // u64, own cycles since power-on
export const CORE_LIMIT: i32 = 0x408; // u64, run() returns at the first check point at or after it
export const CORE_EFF_LIMIT: i32 = 0x410; // u64, 0 while a takeable interrupt is pending, else CORE_LIMIT
export const CORE_INSNS: i32 = 0x418; // u64, instructions retired
export const CORE_EL: i32 = 0x420; // u32, 0..2
export const CORE_SPSEL: i32 = 0x424; // u32, 0..1
export const CORE_DAIF: i32 = 0x428; // u32, bits 9:6 as in PSTATE
export const CORE_PSTATE_IL: i32 = 0x42c; // u32
export const CORE_LINES: i32 = 0x430; // u32, LINE_* asserted by the interrupt controller
export const CORE_EXIT_INFO: i32 = 0x438; // u64, per exit code
export const CORE_TICKS_PER_CYCLE: i32 = 0x440; // u32, base ticks per own cycle
export const CORE_TICKS_PER_COUNT: i32 = 0x444; // u32, base ticks per CNTPCT increment
export const CORE_FLAGS: i32 = 0x448; // u32, FLAG_*
export const CORE_EVENT: i32 = 0x44c; // u32, the event register (SEV/WFE)
export const CORE_MONITOR_PA: i32 = 0x450; // u64, exclusive monitor: host address of the 64-byte granule, all ones when open
export const CORE_CTX: i32 = 0x458; // u32, TLB context of normal accesses at the current EL
export const CORE_CTX_UNPRIV: i32 = 0x45c; // u32, TLB context of LDTR/STTR
export const CORE_S2_ABORTS: i32 = 0x460; // u32 count of stage-2 data aborts taken to EL2
export const CORE_WINDOW_ABORTS: i32 = 0x464; // u32 those whose IPA lies in [WINDOW_LO, WINDOW_HI)
export const CORE_WINDOW_LO: i32 = 0x468; // u64 IPA, set by the model
export const CORE_WINDOW_HI: i32 = 0x470; // u64 IPA
export const CORE_TLB_MISSES: i32 = 0x478; // u32 count
export const CORE_WALK_READS: i32 = 0x47c; // u32 descriptor reads
export const CORE_EXCEPTIONS: i32 = 0x480; // u32 exceptions taken, all levels
export const CORE_PSTATE_SS: i32 = 0x484; // u32, PSTATE.SS
export const CORE_STEP: i32 = 0x488; // u32: 1 while an instruction is stepped, 3 if it is a load-exclusive
export const CORE_STEPPED: i32 = 0x48c; // u32: CORE_STEP of the instruction that a pending software step has stepped
export const CORE_HOST_SCRATCH: i32 = 0x490; // 16 bytes for exports called from the host
export const CORE_DEBUG: i32 = 0x4a0; // u32, DEBUG_*: what self-hosted debug makes the core look at
export const CORE_REARM: i32 = 0x4a4; // u32: run() begins by telling the host that timers and PMU may have changed
export const CORE_PMU_ON: i32 = 0x4a8; // u32: counters enabled, bits as in PMCNTENSET_EL0
export const CORE_PMU_ACTIVE: i32 = 0x4ac; // u32: those that count at the present EL
export const CORE_PMU_CYCLES: i32 = 0x4b0; // u64: CORE_CYCLES up to which the counters are right
export const CORE_PMU_INSNS: i32 = 0x4b8; // u64: CORE_INSNS likewise
export const CORE_PMU_DEADLINE: i32 = 0x4c0; // u64: no counter overflows with an interrupt before this cycle count
export const CORE_PMU_LINE: i32 = 0x4c8; // u32: level of the overflow interrupt
export const CORE_PMU_PRESCALE: i32 = 0x4cc; // u32: cycles since the last count of PMCCNTR_EL0 with PMCR_EL0.D
export const CORE_SYSREG: i32 = 0x800; // u64 slots, indices SR_* (generated from sim/cpu/isa/sysregs.ts), at most 256

// CORE_LINES bits
export const LINE_IRQ: i32 = 1;
export const LINE_FIQ: i32 = 2;
export const LINE_VIRQ: i32 = 4;
export const LINE_VFIQ: i32 = 8;

// CORE_FLAGS bits
export const FLAG_EL2_MODEL: i32 = 1; // exceptions to EL2 return from run() instead of vectoring
export const FLAG_NO_EL2: i32 = 2; // EL2 not implemented (flat board at EL1); HVC conducts PSCI as SMC does

// CORE_DEBUG bits
export const DEBUG_EXEC: i32 = 1; // breakpoints or software step: instructions run one by one
export const DEBUG_WATCH: i32 = 2; // watchpoints: no data access takes the fast path

// run() exit codes
export const EXIT_LIMIT: i32 = 0; // cycle limit reached at a check point
export const EXIT_EL2: i32 = 1; // exception to EL2 with FLAG_EL2_MODEL; EXIT_INFO = EL2_SYNC | EL2_IRQ | ...
export const EXIT_WFI: i32 = 2; // untrapped WFI with nothing pending; PC is after it
export const EXIT_WFE: i32 = 3; // untrapped WFE with the event register clear; PC is after it
export const EXIT_SMC: i32 = 4; // SMC (or conducted HVC) for sim/firmware; PC is after it, EXIT_INFO = imm16
export const EXIT_UNMODELLED: i32 = 5; // PC at the instruction, EXIT_INFO = encoding
export const EXIT_MARKER: i32 = 6; // HINT #127: the guest asks for timing; PC is after it
export const EL2_SYNC: i32 = 0; // ESR/ELR/SPSR/FAR/HPFAR_EL2 hold the syndrome
export const EL2_IRQ: i32 = 1;
export const EL2_FIQ: i32 = 2;
export const EL2_SERROR: i32 = 3;

// ---- TLBs: per core, direct mapped by VA page ----
export const TLB_BASE: i32 = 0x40000;
export const TLB_STRIDE: i32 = 0x10000;
export const TLB_ENTRIES: i32 = 2048;
export const TLB_ENTRY_SIZE: i32 = 32;
export const TLB_TAG_R: i32 = 0; // u64: VA page | context, or TLB_INVALID
export const TLB_TAG_W: i32 = 8; // u64: clear for pages that hold decoded code
export const TLB_TAG_X: i32 = 16; // u64
export const TLB_ADDEND: i32 = 24; // u32: host address = addend + (u32)va
export const TLB_UOPS: i32 = 28; // u32: address of the page's micro-ops (valid with TAG_X)

export const MMU_BASE: i32 = 0xc0000; // contexts, filters: private to sim/mmu/kernel
export const MMU_SIZE: i32 = 0x80000;

export const STEP_UOPS: i32 = 0x140000; // a page of micro-ops of which one is an instruction, the others RESYNC

// ---- physical memory: PA >> 16 -> 0 not RAM, 1 RAM not yet touched, else host address of the 64 KiB chunk ----
export const CHUNK_SHIFT: i32 = 16;
export const CHUNK_MAP: i32 = 0x200000;
export const CHUNK_ENTRIES: i32 = 0x100000; // 36-bit physical addresses
export const PHYS_NEXT_FREE: i32 = 0x1490; // u32: next unused host address in the RAM pool
export const PHYS_POOL_END: i32 = 0x1494; // u32

// ---- decoded code: host page number -> address of its micro-op page, 0 = none ----
export const UOP_MAP: i32 = 0x600000;
export const UOP_MAP_ENTRIES: i32 = 0x100000;
export const PAGE_WRITERS: i32 = 0xa00000; // u8 per host page: cores that may hold a TLB_TAG_W for it
export const UOP_POOL: i32 = 0x1000000;
export const UOP_PAGE_SIZE: i32 = 16640; // 1024 micro-ops, 16 sentinels
export const UOP_POOL_PAGES: i32 = 4032;

// ---- translated code (sim/translator, sim/cpu/kernel/region.ts) ----
export const REGION_MAP: i32 = 0x5000000; // u16 per micro-op of the pool: number of the region that begins there, 0 = none
export const REGION_BASE: i32 = 0x5800000; // records, REGION_SIZE bytes each; number 0 is not used
export const REGION_SIZE: i32 = 64;
export const REGION_MAX: i32 = 4096;
export const REGION_TABLE: i32 = 0; // u32: index of its function in the kernel's table
export const REGION_UOP: i32 = 4; // u32: micro-op at which it begins, 0 = no region
export const REGION_OP: i32 = 8; // u8: the operation of that micro-op, which is O_REGION while the region may be entered
export const REGION_PAGES: i32 = 9; // u8
export const REGION_RUNS: i32 = 12; // u32: entries since it was last judged
export const REGION_WORK: i32 = 16; // u64: instructions retired since then
export const REGION_PAGE: i32 = 24; // REGION_MAX_PAGES x u32: micro-op pages that it was made from
export const REGION_MAX_PAGES: i32 = 10;
export const REGION_PAGE_STATE: i32 = 0x5840000; // per page of the pool: u16 regions made from it, u16 drops
export const REGION_SAMPLES: i32 = 0x5850000; // REGION_SAMPLE_SLOTS x {u32 micro-op, u32 samples}
export const REGION_SAMPLE_SLOTS: i32 = 4096;

export const RAM_POOL: i32 = 0x6000000; // guest RAM chunks from here to the end of memory
