/* Translation tables: level 1 of 512 GiB, a level-2 table for each GiB in use (Arm ARM D8.3, VMSAv8-64, 4 KiB). */
#include "mmu.h"

#define GIB (1ull << 30)
#define TABLES 8
#define ENTRIES 512

#define TABLE_DESCRIPTOR 3
#define BLOCK_DESCRIPTOR 1
#define ATTR(index) ((u64)(index) << 2)
#define INNER_SHAREABLE (3ull << 8)
#define ACCESS_FLAG (1ull << 10)
#define PXN (1ull << 53)
#define UXN (1ull << 54)
#define DEVICE (BLOCK_DESCRIPTOR | ATTR(0) | ACCESS_FLAG | PXN | UXN)
#define NORMAL (BLOCK_DESCRIPTOR | ATTR(1) | INNER_SHAREABLE | ACCESS_FLAG | UXN)

u64 level1_table[ENTRIES] __attribute__((aligned(4096)));
static u64 level2[TABLES][ENTRIES] __attribute__((aligned(4096)));
static u32 tables;

extern u8 _start[], _end[];
void mmu_enable(void);

static void map_block(u64 address, u64 attributes) {
  if (address >= ENTRIES * GIB) fail("address 0x%lx is beyond 39 bits", address);
  u64 *entry = &level1_table[address / GIB];
  if (*entry == 0) {
    if (tables == TABLES) fail("devices and memory in more than %u GiB", TABLES);
    *entry = (u64)level2[tables++] | TABLE_DESCRIPTOR;
  }
  u64 *table = (u64 *)(*entry & ~0xfffull);
  table[address % GIB / MMU_BLOCK] = address | attributes;
}

void mmu_map_device(u64 base, u64 bytes) {
  u64 end = base + (bytes == 0 ? 1 : bytes);
  for (u64 at = base & ~(MMU_BLOCK - 1); at < end; at += MMU_BLOCK) map_block(at, DEVICE);
}

void mmu_map_ram(u64 base, u64 bytes) {
  u64 end = (base + bytes) & ~(MMU_BLOCK - 1);
  for (u64 at = (base + MMU_BLOCK - 1) & ~(MMU_BLOCK - 1); at < end; at += MMU_BLOCK) map_block(at, NORMAL);
  /* Invalid entries are not cached in a TLB: the walker only has to see the new ones. */
  asm volatile("dsb ishst\n\tisb" : : : "memory");
}

void mmu_on(void) {
  /* Lines that a loader's caches still hold of what we wrote past them (booting.rst: they are clean). */
  u64 line = 4ull << (READ_SYSREG(ctr_el0) >> 16 & 0xf);
  dsb_sy();
  for (u64 at = (u64)_start & ~(line - 1); at < (u64)_end; at += line) {
    asm volatile("dc ivac, %0" : : "r"(at) : "memory");
  }
  dsb_sy();
  mmu_enable();
}
