#include "wait.h"
#include "timer.h"

static u64 limit;

void wait_limit(u64 ticks) { limit = ticks; }

void wait_until(bool (*ready)(u64 argument), u64 argument, const char *what) {
  /* Masked between test and WFI: an interrupt in between ends the WFI instead of being handled before it. */
  irq_disable();
  if (!ready(argument)) {
    timer_start(limit);
    while (!ready(argument)) {
      if (timer_expired()) fail("timeout: %s", what);
      wfi();
      irq_enable();
      irq_disable();
    }
    timer_stop();
  }
  irq_enable();
}

void poll_until(bool (*ready)(u64 argument), u64 argument, const char *what) {
  u64 end = counter() + limit;
  while (!ready(argument)) {
    if (counter() > end) fail("timeout: %s", what);
    cpu_yield();
  }
}
