/* Benchmark programs: what `bench=NAME` runs instead of the disk work. Each prints lines `bench: KEY VALUE...`. */
#ifndef BENCH_H
#define BENCH_H
#include "args.h"

/* Register accesses of all CPUs at the disk's window, at random intervals: the round trip is the simulator's to measure. */
void bench_ioreq(const struct args *args);
/* Keeps this CPU busy for ever. */
void bench_spin(void) __attribute__((noreturn));

void bench_hypercall(const struct args *args);
void bench_vgic(const struct args *args);
void bench_eoi(const struct args *args);
void bench_ipi(const struct args *args);
void bench_timer(const struct args *args);
void bench_evtchn(const struct args *args);
void bench_blk(const struct args *args);
void bench_irq(const struct args *args);
void bench_walk(const struct args *args);
void bench_native(const struct args *args);
/* Micro-benchmarks of the core, with its cycle counter; not under a hypervisor, which hides it. */
void bench_core(const struct args *args);

/* Line `bench: NAME COUNT TICKS`, ticks being of the counter, or cycles in bench_core. */
void bench_report(const char *name, u64 count, u64 ticks);

/* Runs the program that args name. */
void bench_run(const struct args *args);

/* A stream of numbers for each CPU, from args.seed. */
u64 bench_random(u32 cpu);
/* Sleeps with WFI, or not at all when ticks is 0. */
void bench_pause(u64 ticks);
/* Between half and one and a half of args.gap nanoseconds, in counter increments. */
u64 bench_gap(u32 cpu);
#endif
