/* The other CPUs. */
#ifndef SMP_H
#define SMP_H
#include "bare.h"

/* Starts CPUs 1 to count - 1 by PSCI and waits until they are up. */
void smp_start(u32 count);
/* Lets each of them read the register `reads` times, while the caller goes on. */
void smp_go(u64 reg, u64 reads);
/* Runs `work` on each of them and on the caller, and waits until all have done it and the others are off. */
void smp_run(void (*work)(u32 cpu));
/* Waits until they have finished and are off. */
void smp_join(void);
#endif
