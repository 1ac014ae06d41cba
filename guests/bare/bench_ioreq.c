#include "bench.h"
#include "board.h"
#include "smp.h"
#include "virtio_mmio.h"

/* Registers that nothing else here touches, and whose accesses have no effect on a device that is not set up. */
#define INTERRUPT_STATUS 0x60
#define INTERRUPT_ACK 0x64

static u64 window, rounds;

static void accesses(u32 cpu) {
  for (u64 i = 0; i < rounds; i++) {
    bench_pause(bench_gap(cpu));
    mmio_read(window + INTERRUPT_STATUS);
  }
  for (u64 i = 0; i < rounds; i++) {
    bench_pause(bench_gap(cpu));
    mmio_write(window + INTERRUPT_ACK, 0);
  }
}

void bench_ioreq(const struct args *args) {
  if (args->disk == NO_DISK || args->disk >= board.virtios) fail("bench=ioreq: no virtio-mmio window %lu", args->disk);
  window = board.virtio[args->disk].base;
  rounds = args->rounds;
  virtio_probe(window);
  smp_run(accesses);
}

/* Barriers: many cycles for few instructions, so that it is cheap to simulate. Interrupts are taken in between. */
void bench_spin(void) {
  say("bench: spinning\n");
  for (;;) asm volatile("isb\n\tisb\n\tisb\n\tisb\n\tisb\n\tisb\n\tisb\n\tisb" : : : "memory");
}
