/* Secondary CPUs: up by CPU_ON, woken by an SGI, reading a device register, off by CPU_OFF. */
#include "smp.h"
#include "board.h"
#include "gic.h"
#include "psci.h"
#include "timer.h"
#include "wait.h"

#define SGI_GO 1   /* to a secondary */
#define SGI_NEWS 2 /* to the boot CPU: a state changed */
#define AFFINITY 0xff00ffffffull

enum state { DOWN, UP, FINISHED };

static volatile enum state states[MAX_CPUS];
static volatile bool go[MAX_CPUS];
static u64 mpidrs[MAX_CPUS];
static u32 cpus = 1;
static u64 peek_register, peeks;
static void (*volatile work)(u32 cpu);

void secondary_entry(void);

static void on_go(void) { go[cpu_number()] = true; }

static void on_news(void) {}

static void set_state(u64 number, enum state state) {
  dmb_ish();
  states[number] = state;
  gic_send(0, SGI_NEWS);
}

void secondary_main(u64 number) {
  gic_cpu_init();
  gic_enable(SGI_GO, true, on_go);
  timer_cpu_init();
  set_state(number, UP);
  while (!go[number]) {
    wfi();
    irq_enable();
    irq_disable();
  }
  dmb_ish();
  if (work != NULL) {
    irq_enable();
    work((u32)number);
    irq_disable();
  } else {
    for (u64 i = 0; i < peeks; i++) mmio_read(peek_register);
  }
  set_state(number, FINISHED);
  psci_cpu_off();
  fail("CPU_OFF of cpu %u returned", (u32)number);
}

static bool is_up(u64 number) { return states[number] == UP; }
static bool is_finished(u64 number) { return states[number] == FINISHED; }
static bool is_off(u64 number) { return psci_affinity_info(mpidrs[number]) == PSCI_OFF; }

void smp_start(u32 count) {
  if (count > board.cpus) fail("vcpus=%u, but the device tree has %u", count, board.cpus);
  u64 self = READ_SYSREG(mpidr_el1) & AFFINITY;
  gic_enable(SGI_NEWS, true, on_news);
  for (u32 i = 0; cpus < count && i < board.cpus; i++) {
    if (board.mpidr[i] == self) continue;
    mpidrs[cpus] = board.mpidr[i];
    int error = psci_cpu_on(board.mpidr[i], (u64)secondary_entry, cpus);
    if (error != 0) fail("CPU_ON of MPIDR 0x%lx: error -%u", board.mpidr[i], (u32)-error);
    wait_until(is_up, cpus++, "a secondary CPU's start");
  }
}

void smp_go(u64 reg, u64 reads) {
  peek_register = reg;
  peeks = reads;
  for (u32 i = 1; i < cpus; i++) gic_send(i, SGI_GO);
}

void smp_run(void (*given)(u32 cpu)) {
  work = given;
  smp_go(0, 0);
  given(0);
  smp_join();
}

void smp_join(void) {
  for (u32 i = 1; i < cpus; i++) {
    wait_until(is_finished, i, "a secondary CPU's reads");
    poll_until(is_off, i, "CPU_OFF");
  }
}
