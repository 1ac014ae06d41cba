/* Stage 1: identity, 2 MiB blocks, only what was asked for. */
#ifndef MMU_H
#define MMU_H
#include "bare.h"

#define MMU_BLOCK (2ull << 20)

/* Maps the blocks that hold the range. Device memory is never executable. */
void mmu_map_device(u64 base, u64 bytes);
/* Maps, also while the MMU is on, the whole blocks inside the range. */
void mmu_map_ram(u64 base, u64 bytes);
/* Makes what was written with the MMU off visible to the caches, then turns MMU and caches on. */
void mmu_on(void);
#endif
