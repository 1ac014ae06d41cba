/* A program that runs with or without a hypervisor: computes, walks memory, takes timer interrupts, sends itself interrupts. */
#include "arena.h"
#include "bench.h"
#include "board.h"
#include "gic.h"
#include "timer.h"

#define SGI_SELF 4
#define PAGES 256
#define PAGE 4096

static volatile u64 taken;

static void on_self(void) { taken++; }

static void compute(u64 rounds) {
  u64 begin = counter(), x = 1;
  for (u64 i = 0; i < rounds * 1000; i++) x = x * 6364136223846793005ull + 1442695040888963407ull;
  asm volatile("" : : "r"(x));
  bench_report("compute", rounds, counter() - begin);
}

/* One line of each page: a TLB entry for each access. */
static void memory(u64 rounds, u8 *pages) {
  u64 begin = counter();
  for (u64 i = 0; i < rounds; i++) {
    for (u64 page = 0; page < PAGES; page++) ((volatile u64 *)(pages + page * PAGE))[i % 64]++;
  }
  bench_report("memory", rounds, counter() - begin);
}

static void sgis(u64 rounds) {
  gic_enable(SGI_SELF, true, on_self);
  taken = 0;
  u64 begin = counter();
  for (u64 i = 0; i < rounds; i++) {
    gic_send(0, SGI_SELF);
    while (taken == i) {
    }
  }
  bench_report("interrupt", rounds, counter() - begin);
}

/* Deadlines of 10 us, awaited in WFI. */
static void sleeps(u64 rounds) {
  u64 ticks = counter_frequency() / 100000, begin = counter();
  for (u64 i = 0; i < rounds; i++) bench_pause(ticks);
  bench_report("sleep", rounds, counter() - begin);
}

void bench_native(const struct args *args) {
  u8 *pages = arena_take(PAGES * PAGE);
  compute(args->rounds);
  memory(args->rounds, pages);
  sgis(args->rounds);
  sleeps(args->rounds);
}
