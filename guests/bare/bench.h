/* Benchmark programs: what `bench=NAME` runs instead of the disk work. Each prints lines `bench: KEY VALUE...`. */
#ifndef BENCH_H
#define BENCH_H
#include "args.h"

/* Register accesses of all CPUs at the disk's window, at random intervals: the round trip is the simulator's to measure. */
void bench_ioreq(const struct args *args);
/* Keeps this CPU busy for ever. */
void bench_spin(void) __attribute__((noreturn));

/* Runs the program that args name. */
void bench_run(const struct args *args);

/* A stream of numbers for each CPU, from args.seed. */
u64 bench_random(u32 cpu);
/* Sleeps with WFI, or not at all when ticks is 0. */
void bench_pause(u64 ticks);
/* Between half and one and a half of args.gap nanoseconds, in counter increments. */
u64 bench_gap(u32 cpu);
#endif
