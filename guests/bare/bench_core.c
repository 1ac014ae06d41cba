/* Latencies, caches, memory and exceptions, in cycles of PMCCNTR_EL0. */
#include "arena.h"
#include "bench.h"
#include "board.h"

#define OPERATIONS 256
#define LINE 64
#define KIB 1024ull
#define MIB (1024 * KIB)

typedef u64 loop(u64 times, void *memory);
loop core_add, core_add_shift, core_mul32, core_mul64, core_madd64, core_smulh, core_fadd, core_fmul, core_fma;
loop core_fma_chain, core_fdiv_s, core_fdiv_d, core_chase, core_chase8, core_branches, core_svc;
void core_copy(void *to, const void *from, u64 bytes);
void core_set(void *to, u64 unused, u64 bytes);
void core_read(u64 unused, const void *from, u64 bytes);
void fp_on(void);

static void cycles_on(void) {
  WRITE_SYSREG(pmccfiltr_el0, 0);
  WRITE_SYSREG(pmcntenset_el0, 1u << 31);
  /* Enable, reset the cycle counter, all 64 bits. */
  WRITE_SYSREG(pmcr_el0, READ_SYSREG(pmcr_el0) | 1 << 0 | 1 << 2 | 1 << 6);
}

static u64 cycles(void) {
  asm volatile("isb" : : : "memory");
  return READ_SYSREG(pmccntr_el0);
}

/* Once to warm up, once measured. */
static void measure(const char *name, loop *body, u64 times, u64 operations, void *memory) {
  body(1, memory);
  u64 begin = cycles();
  body(times, memory);
  bench_report(name, times * operations, cycles() - begin);
}

/* A cyclic chain through `count` lines, `stride` bytes apart and shuffled. */
static void *chain(u8 *base, u64 count, u64 stride) {
  u32 *order = arena_take(count * sizeof(u32));
  for (u64 i = 0; i < count; i++) order[i] = (u32)i;
  for (u64 i = count - 1; i > 0; i--) {
    u64 j = bench_random(0) % (i + 1);
    u32 other = order[i];
    order[i] = order[j];
    order[j] = other;
  }
  for (u64 i = 0; i < count; i++) {
    /* A line further in each stride, lest all fall into one set. */
    u64 from = order[i] * stride + (stride > LINE ? order[i] % (stride / LINE) * LINE : 0);
    u64 next = order[(i + 1) % count];
    u64 to = next * stride + (stride > LINE ? next % (stride / LINE) * LINE : 0);
    *(u64 *)(base + from) = (u64)(base + to);
  }
  return base + order[0] * stride + (stride > LINE ? order[0] % (stride / LINE) * LINE : 0);
}

static void memory(u64 rounds) {
  u8 *area = arena_take(64 * MIB);
  void *start = chain(area, 16 * KIB / LINE, LINE);
  measure("load l1", core_chase, rounds, OPERATIONS, start);
  start = chain(area, 512 * KIB / LINE, LINE);
  core_chase(512 * KIB / LINE / OPERATIONS, start);
  measure("load l2", core_chase, 512 * KIB / LINE / OPERATIONS, OPERATIONS, start);
  start = chain(area, 64 * MIB / LINE / 16, LINE * 16);
  measure("load dram", core_chase, 64, OPERATIONS, start);
  /* Eight chains through other lines. */
  u64 *heads = arena_take(4096);
  for (u64 i = 0; i < 8; i++) heads[i] = (u64)chain(area + i * 8 * MIB, 8 * MIB / LINE / 16, LINE * 16);
  measure("load dram 8", core_chase8, 16, OPERATIONS, heads);
  u64 begin = cycles();
  core_copy(area, area + 32 * MIB, 16 * MIB);
  bench_report("copy", 16 * MIB, cycles() - begin);
  begin = cycles();
  core_set(area, 0, 32 * MIB);
  bench_report("set", 32 * MIB, cycles() - begin);
  begin = cycles();
  core_read(0, area, 32 * MIB);
  bench_report("read", 32 * MIB, cycles() - begin);
}

void bench_core(const struct args *args) {
  if (board.xen) fail("bench=core: Xen hides the cycle counter");
  cycles_on();
  fp_on();
  u64 n = args->rounds;
  measure("add", core_add, n, OPERATIONS, NULL);
  measure("add shifted", core_add_shift, n, OPERATIONS, NULL);
  measure("mul 32", core_mul32, n, OPERATIONS, NULL);
  measure("mul 64", core_mul64, n, OPERATIONS, NULL);
  measure("madd 64", core_madd64, n, OPERATIONS, NULL);
  measure("smulh", core_smulh, n, OPERATIONS, NULL);
  measure("fadd", core_fadd, n, OPERATIONS, NULL);
  measure("fmul", core_fmul, n, OPERATIONS, NULL);
  measure("fma", core_fma, n, OPERATIONS, NULL);
  measure("fma accumulator", core_fma_chain, n, OPERATIONS, NULL);
  measure("fdiv single", core_fdiv_s, n, OPERATIONS, NULL);
  measure("fdiv double", core_fdiv_d, n, OPERATIONS, NULL);
  measure("branch random", core_branches, n * 4, OPERATIONS / 4, (void *)1);
  measure("branch never", core_branches, n * 4, OPERATIONS / 4, NULL);
  measure("svc", core_svc, n * 10, 1, NULL);
  memory(n);
}
