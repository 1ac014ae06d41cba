/* One-shot deadlines by the virtual timer. */
#include "timer.h"
#include "gic.h"
#include "layout.h"
#include "wait.h"

#define CTL_ENABLE 1

static volatile bool expired[MAX_CPUS];
static u64 due[MAX_CPUS], fired[MAX_CPUS];
static u32 timer_intid;

static void on_timer(void) {
  /* Disabling lowers the line; the interrupt is level-sensitive. */
  fired[cpu_number()] = counter();
  WRITE_SYSREG(cntv_ctl_el0, 0);
  expired[cpu_number()] = true;
}

u64 nanoseconds(u64 ticks) { return ticks * 1000000000ull / counter_frequency(); }

void timer_init(u32 intid) {
  timer_intid = intid;
  timer_cpu_init();
}

void timer_cpu_init(void) { gic_enable(timer_intid, false, on_timer); }

void timer_start(u64 ticks) {
  expired[cpu_number()] = false;
  due[cpu_number()] = counter() + ticks;
  WRITE_SYSREG(cntv_cval_el0, due[cpu_number()]);
  WRITE_SYSREG(cntv_ctl_el0, CTL_ENABLE);
}

void timer_stop(void) { WRITE_SYSREG(cntv_ctl_el0, 0); }

u64 timer_due(void) { return due[cpu_number()]; }
u64 timer_fired(void) { return fired[cpu_number()]; }

bool timer_expired(void) { return expired[cpu_number()]; }

static bool is_expired(u64 unused) {
  (void)unused;
  return timer_expired();
}

void timer_check(void) {
  u64 ticks = counter_frequency() / 1000;
  u64 begin = counter();
  timer_start(ticks);
  /* Polled: a missing interrupt must not leave us asleep. */
  poll_until(is_expired, 0, "the virtual timer's interrupt");
  if (counter() - begin < ticks) fail("the virtual timer's interrupt came early");
}
