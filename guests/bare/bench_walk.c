/*
 * Walks of both stages with nothing cached: a page of 4 KiB in three levels of TTBR1, which nothing else uses. The pages of its
 * tables and its own lie in a block that the hypervisor has split, because their neighbours are given up.
 */
#include "arena.h"
#include "bench.h"
#include "board.h"
#include "xen.h"
#include "mmu.h"

#define XENMEM_DECREASE_RESERVATION 1
#define PAGE 4096
#define UPPER 0xffffff8000000000ull /* 39 bits of TTBR1 */
#define TABLE 3
/* A page: attribute 1 (write-back), inner shareable, accessed, never executed (Arm ARM D8.3). */
#define MEMORY_PAGE (3 | 1 << 2 | 3 << 8 | 1 << 10 | 3ull << 53)
/* TCR_EL1: 39 bits, write-back inner-shareable walks, 4 KiB, for TTBR1; EPD1 off. */
#define TCR_UPPER (25ull << 16 | 1ull << 24 | 1ull << 26 | 3ull << 28 | 2ull << 30)
#define TCR_EPD1 (1ull << 23)
#define TABLES 4

/* What changes the guest's memory map drops every translation of it (both stages). With args.sleep the page is then read once. */
void bench_walk(const struct args *args) {
  if (!board.xen) fail("bench=walk: needs Xen");
  u8 *area = arena_take(2 * MMU_BLOCK);
  u64 block = ((u64)area + MMU_BLOCK - 1) & ~(MMU_BLOCK - 1);
  if (args->rounds > MMU_BLOCK / PAGE - TABLES) fail("bench=walk: at most %lu rounds", (u64)MMU_BLOCK / PAGE - TABLES);
  u64 *pages[TABLES];
  for (u32 i = 0; i < TABLES; i++) pages[i] = (u64 *)(block + i * PAGE);
  *pages[0] = (u64)pages[1] | TABLE;
  *pages[1] = (u64)pages[2] | TABLE;
  *pages[2] = (u64)pages[3] | MEMORY_PAGE;
  dsb_sy();
  WRITE_SYSREG(ttbr1_el1, (u64)pages[0]);
  WRITE_SYSREG(tcr_el1, (READ_SYSREG(tcr_el1) & ~TCR_EPD1) | TCR_UPPER);
  for (u64 i = 0; i < args->rounds; i++) {
    u64 frame = (block >> 12) + TABLES + i;
    struct {
      const u64 *extent_start;
      u64 nr_extents;
      u32 extent_order, mem_flags;
      u16 domid;
    } give = {&frame, 1, 0, 0, DOMID_SELF};
    if (xen_hypercall2(XEN_MEMORY_OP, XENMEM_DECREASE_RESERVATION, &give) != 1) fail("bench=walk: page kept");
    if (args->sleep != 0) *(volatile u8 *)UPPER;
  }
  bench_report("walk", args->rounds, 0);
}
