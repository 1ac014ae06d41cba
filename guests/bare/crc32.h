/* CRC-32 as zlib computes it, by the CRC32 instructions. */
#ifndef CRC32_H
#define CRC32_H
#include "bare.h"

/* Continues `crc` (0 to begin) over a multiple of 8 bytes, aligned to 8. */
u32 crc32(u32 crc, const void *data, u64 bytes);
#endif
