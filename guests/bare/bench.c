/* Choice of the benchmark program, and what they share. */
#include "bench.h"
#include "layout.h"
#include "timer.h"

static const struct args *args;
static u64 state[MAX_CPUS];

/* splitmix64 (Steele, Lea and Flood, 2014; public domain constants). */
u64 bench_random(u32 cpu) {
  u64 x = state[cpu] += 0x9e3779b97f4a7c15ull;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ x >> 27) * 0x94d049bb133111ebull;
  return x ^ x >> 31;
}

u64 bench_gap(u32 cpu) {
  if (args->gap == 0) return 0;
  u64 ns = args->gap / 2 + bench_random(cpu) % args->gap;
  return ns * counter_frequency() / 1000000000ull;
}

void bench_pause(u64 ticks) {
  if (ticks == 0) return;
  irq_disable();
  timer_start(ticks);
  while (!timer_expired()) {
    wfi();
    irq_enable();
    irq_disable();
  }
  irq_enable();
}

void bench_run(const struct args *given) {
  args = given;
  for (u32 i = 0; i < MAX_CPUS; i++) state[i] = args->seed * MAX_CPUS + i;
  switch (args->bench) {
    case BENCH_IOREQ: bench_ioreq(args); break;
    case BENCH_SPIN: bench_spin();
    case BENCH_HYPERCALL: bench_hypercall(args); break;
    case BENCH_VGIC: bench_vgic(args); break;
    case BENCH_EOI: bench_eoi(args); break;
    case BENCH_IPI: bench_ipi(args); break;
    case BENCH_TIMER: bench_timer(args); break;
    case BENCH_EVTCHN: bench_evtchn(args); break;
    case BENCH_BLK: bench_blk(args); break;
    case BENCH_IRQ: bench_irq(args); break;
    case BENCH_WALK: bench_walk(args); break;
    case BENCH_NATIVE: bench_native(args); break;
    case BENCH_CORE: bench_core(args); break;
    case BENCH_NONE: break;
  }
  say("bench: done\n");
}
