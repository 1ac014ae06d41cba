/* Hypercalls, trapped accesses and interrupts: the loops of the well-known micro-benchmarks. */
#include "bench.h"
#include "board.h"
#include "gic.h"
#include "xen.h"
#include "smp.h"
#include "timer.h"
#include "wait.h"

#define XEN_VERSION 17
#define XENVER_VERSION 0
#define GICD_IIDR 0x008
#define GICC_EOIR 0x10
#define SPURIOUS 1023
#define SGI_PING 3

void bench_report(const char *name, u64 count, u64 ticks) { say("bench: %s %lu %lu\n", name, count, ticks); }

void bench_hypercall(const struct args *args) {
  u64 begin = counter();
  for (u64 i = 0; i < args->rounds; i++) xen_hypercall2(XEN_VERSION, XENVER_VERSION, NULL);
  bench_report("hyp_call", args->rounds, counter() - begin);
}

void bench_vgic(const struct args *args) {
  u64 begin = counter();
  for (u64 i = 0; i < args->rounds; i++) mmio_read(board.gicd + GICD_IIDR);
  bench_report("mmio_read_vgic", args->rounds, counter() - begin);
}

/* A write that ends no interrupt takes the same way; the barrier waits until it is done. */
void bench_eoi(const struct args *args) {
  u64 begin = counter();
  for (u64 i = 0; i < args->rounds; i++) {
    mmio_write(board.gicc + GICC_EOIR, SPURIOUS);
    dsb_sy();
  }
  bench_report("eoi", args->rounds, counter() - begin);
}

static volatile u64 pings, pongs;
static u64 rounds;
static bool asleep;

static void on_ping(void) { pings++; }

/* CPU 0 sends, CPU 1 is interrupted and says so in memory. */
static void ping(u32 cpu) {
  if (cpu == 1) {
    gic_enable(SGI_PING, true, on_ping);
    pongs = 1;
    while (pings < rounds) {
      if (asleep) {
        irq_disable();
        if (pings < rounds) wfi();
        irq_enable();
      }
    }
    return;
  }
  if (cpu != 0) return;
  while (pongs == 0) cpu_yield();
  u64 ticks = 0;
  for (u64 i = 0; i < rounds; i++) {
    bench_pause(bench_gap(cpu));
    u64 begin = counter();
    gic_send(1, SGI_PING);
    while (pings == i) {
    }
    ticks += counter() - begin;
  }
  bench_report("ipi", rounds, ticks);
}

void bench_ipi(const struct args *args) {
  if (args->vcpus < 2) fail("bench=ipi: needs vcpus=2");
  rounds = args->rounds;
  asleep = args->sleep != 0;
  smp_run(ping);
}

static volatile u64 fired;

/* From the time that was asked for to the interrupt's handler. */
void bench_timer(const struct args *args) {
  u64 late = 0;
  for (u64 i = 0; i < args->rounds; i++) {
    irq_disable();
    u64 due = counter() + bench_gap(0) + counter_frequency() / 100000;
    timer_start(due - counter());
    irq_enable();
    while (!timer_expired()) {
      if (args->sleep == 0) continue;
      irq_disable();
      if (!timer_expired()) wfi();
      irq_enable();
    }
    fired = timer_fired();
    late += fired - timer_due();
  }
  bench_report("timer", args->rounds, late);
}
