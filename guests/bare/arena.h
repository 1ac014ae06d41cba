/* Memory between the image and whatever lies above it; given out once, never returned. */
#ifndef ARENA_H
#define ARENA_H
#include "bare.h"

void arena_init(u64 ram_end, u64 tree, u64 tree_bytes);
/* Zeroed, aligned to 4 KiB. Fails when there is no more. */
void *arena_take(u64 bytes);
#endif
