#include "crc32.h"
#include <arm_acle.h>

u32 crc32(u32 crc, const void *data, u64 bytes) {
  const u64 *at = data;
  crc = ~crc;
  for (u64 i = 0; i < bytes / 8; i++) crc = __crc32d(crc, at[i]);
  return ~crc;
}
