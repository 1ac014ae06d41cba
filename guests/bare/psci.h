/* PSCI (Arm DEN0022), by HVC or SMC as the device tree says. */
#ifndef PSCI_H
#define PSCI_H
#include "bare.h"

#define PSCI_OFF 1 /* AFFINITY_INFO */

/* Calls go by HVC until this says otherwise. */
void psci_init(bool smc);
u32 psci_version(void);
/* 0, or a negative PSCI error. */
int psci_cpu_on(u64 mpidr, u64 entry, u64 context);
int psci_affinity_info(u64 mpidr);
void psci_cpu_off(void);
void psci_system_off(void) __attribute__((noreturn));
void psci_system_reset(void) __attribute__((noreturn));
#endif
