/* Hypercalls: hvc #0xEA1, number in x16 (xen: xen/include/public/arch-arm.h). */
#ifndef XEN_H
#define XEN_H
#include "bare.h"

#define XEN_MEMORY_OP 12
#define XEN_SCHED_OP 29
#define XEN_EVENT_CHANNEL_OP 32
#define XEN_HVM_OP 34
#define DOMID_SELF 0x7ff0

static inline u64 xen_hypercall2(u64 number, u64 a0, const void *a1) {
  register u64 x0 asm("x0") = a0;
  register const void *x1 asm("x1") = a1;
  register u64 x16 asm("x16") = number;
  asm volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x16) : : "x2", "x3", "x4", "memory");
  return x0;
}
#endif
