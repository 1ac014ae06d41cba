/* A pointer that only moves up. */
#include "arena.h"
#include "mmu.h"

#define PAGE 4096ull

extern u8 _end[];
static u64 next, limit;

void arena_init(u64 ram_end, u64 tree, u64 tree_bytes) {
  next = ((u64)_end + PAGE - 1) & ~(PAGE - 1);
  limit = ram_end & ~(MMU_BLOCK - 1); /* what mmu.c maps */
  if (tree >= next && tree < limit) limit = tree;
  else if (tree < next && tree + tree_bytes > next) next = (tree + tree_bytes + PAGE - 1) & ~(PAGE - 1);
}

void *arena_take(u64 bytes) {
  bytes = (bytes + PAGE - 1) & ~(PAGE - 1);
  if (next > limit || bytes > limit - next) fail("out of memory: %lu more bytes wanted", bytes);
  void *at = (void *)next;
  next += bytes;
  return memset(at, 0, bytes);
}
