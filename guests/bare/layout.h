/* Constants that C and assembly share. */
#ifndef LAYOUT_H
#define LAYOUT_H

#define MAX_CPUS 8 /* as many as a GICv2 has CPU interfaces */
#define STACK_BYTES 4096
#define FAULT_STACK_BYTES 1024

/* SCTLR_EL1 (Arm ARM D17.2.118): the bits that are RES1 in Armv8.0; then M, C and I. */
#define SCTLR_OFF 0x30d00800
#define SCTLR_ON 0x30d01805

/* MAIR_EL1: attribute 0 Device-nGnRE, attribute 1 Normal write-back, read and write allocate. */
#define MAIR 0xff04
/* TCR_EL1: 39-bit TTBR0, write-back inner-shareable walks, 4 KiB granule, no TTBR1. */
#define TCR ((1 << 23) | (3 << 12) | (1 << 10) | (1 << 8) | 25)

#endif
