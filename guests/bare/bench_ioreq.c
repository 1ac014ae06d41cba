#include "bench.h"
#include "board.h"
#include "smp.h"
#include "virtio_blk.h"
#include "virtio_mmio.h"

/* Registers whose accesses have no effect on a device without finished requests. */
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
  /* Nothing new is in the queue: the kick alone. */
  for (u64 i = 0; i < rounds; i++) {
    bench_pause(bench_gap(cpu));
    virtio_notify(window);
  }
}

void bench_ioreq(const struct args *args) {
  if (args->disk == NO_DISK || args->disk >= board.virtios) fail("bench=ioreq: no virtio-mmio window %lu", args->disk);
  window = board.virtio[args->disk].base;
  rounds = args->rounds;
  struct blk_options options = {.which = (u32)args->disk, .depth = 1, .event_idx = true, .poll = true};
  blk_init(&options);
  if (window != blk.base) fail("bench=ioreq: window %lu is no disk", args->disk);
  smp_run(accesses);
}

/* Barriers: many cycles for few instructions, so that it is cheap to simulate. Interrupts are taken in between. */
void bench_spin(void) {
  say("bench: spinning\n");
  for (;;) asm volatile("isb\n\tisb\n\tisb\n\tisb\n\tisb\n\tisb\n\tisb\n\tisb" : : : "memory");
}
