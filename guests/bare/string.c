/* The memory functions that GCC may call by itself, and text comparison. */
#include "bare.h"

void *memset(void *to, int value, size_t bytes) {
  u8 *at = to;
  u64 word = (u8)value * 0x0101010101010101ull;
  for (; bytes > 0 && ((uintptr_t)at & 7) != 0; bytes--) *at++ = (u8)value;
  for (; bytes >= 8; bytes -= 8, at += 8) *(u64 *)at = word;
  for (; bytes > 0; bytes--) *at++ = (u8)value;
  return to;
}

void *memcpy(void *to, const void *from, size_t bytes) {
  u8 *out = to;
  const u8 *in = from;
  if ((((uintptr_t)out | (uintptr_t)in) & 7) == 0) {
    for (; bytes >= 8; bytes -= 8, out += 8, in += 8) *(u64 *)out = *(const u64 *)in;
  }
  for (; bytes > 0; bytes--) *out++ = *in++;
  return to;
}

int memcmp(const void *a, const void *b, size_t bytes) {
  const u8 *x = a, *y = b;
  for (; bytes > 0; bytes--, x++, y++) {
    if (*x != *y) return *x - *y;
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t n = 0;
  while (text[n] != 0) n++;
  return n;
}

bool same_text(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}
