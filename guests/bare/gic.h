/* GICv2 (Arm IHI 0048B). */
#ifndef GIC_H
#define GIC_H
#include "bare.h"

typedef void (*irq_function)(void);

/* Distributor and the boot CPU's interface. */
void gic_init(u64 distributor, u64 cpu_interface);
/* The calling CPU's interface and private interrupts. */
void gic_cpu_init(void);
/* Unmasks an interrupt and sets who handles it; shared ones go to the boot CPU. */
void gic_enable(u32 intid, bool edge, irq_function handler);
/* A software generated interrupt to a CPU that has called gic_cpu_init. */
void gic_send(u32 cpu, u32 sgi);
/* Called from vectors.S. */
void gic_handle(void);
#endif
