/* Firmware calls. */
#include "psci.h"

#define PSCI_VERSION 0x84000000
#define CPU_OFF 0x84000002
#define CPU_ON 0xc4000003
#define AFFINITY_INFO 0xc4000004
#define SYSTEM_OFF 0x84000008
#define SYSTEM_RESET 0x84000009

static bool use_smc;

void psci_init(bool smc) { use_smc = smc; }

/* SMCCC: x4 to x17 may change (Arm DEN0028, before 1.2). */
#define CALL(instruction)                                                                                              \
  asm volatile(instruction                                                                                             \
               : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                                                                \
               :                                                                                                       \
               : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory")

static u64 call(u64 function, u64 a1, u64 a2, u64 a3) {
  register u64 x0 asm("x0") = function;
  register u64 x1 asm("x1") = a1;
  register u64 x2 asm("x2") = a2;
  register u64 x3 asm("x3") = a3;
  if (use_smc) CALL("smc #0");
  else CALL("hvc #0");
  return x0;
}

u32 psci_version(void) { return (u32)call(PSCI_VERSION, 0, 0, 0); }

int psci_cpu_on(u64 mpidr, u64 entry, u64 context) { return (int)call(CPU_ON, mpidr, entry, context); }

int psci_affinity_info(u64 mpidr) { return (int)call(AFFINITY_INFO, mpidr, 0, 0); }

void psci_cpu_off(void) { call(CPU_OFF, 0, 0, 0); }

void psci_system_off(void) {
  call(SYSTEM_OFF, 0, 0, 0);
  for (;;) wfi();
}

void psci_system_reset(void) {
  call(SYSTEM_RESET, 0, 0, 0);
  for (;;) wfi();
}
