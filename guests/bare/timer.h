/* The virtual generic timer. */
#ifndef TIMER_H
#define TIMER_H
#include "bare.h"

static inline u64 counter(void) {
  asm volatile("isb" : : : "memory");
  return READ_SYSREG(cntvct_el0);
}

static inline u64 counter_frequency(void) { return READ_SYSREG(cntfrq_el0); }
/* Counter increments to nanoseconds; exact for less than about ten minutes. */
u64 nanoseconds(u64 ticks);

void timer_init(u32 intid);
/* The interrupt on this further CPU; every CPU has a timer and a flag of its own. */
void timer_cpu_init(void);
/* An interrupt after `ticks`, which sets the flag that timer_expired reads. */
void timer_start(u64 ticks);
void timer_stop(void);
bool timer_expired(void);
/* Counter values of this CPU's last deadline and of its interrupt's handler. */
u64 timer_due(void);
u64 timer_fired(void);
/* Asks for an interrupt in a millisecond; fails if it does not come or comes early. */
void timer_check(void);
#endif
