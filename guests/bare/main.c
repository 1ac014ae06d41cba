/* The built-in bare-metal guest: drives a virtio-mmio disk and says what it saw. */
#include "arena.h"
#include "args.h"
#include "bench.h"
#include "board.h"
#include "console.h"
#include "crc32.h"
#include "fdt.h"
#include "gic.h"
#include "mmu.h"
#include "psci.h"
#include "smp.h"
#include "timer.h"
#include "transfer.h"
#include "virtio_blk.h"
#include "wait.h"

#define INTERRUPT_STATUS 0x60
#define HOLE_OFFSET 0x8000 /* past every virtio window that Xen or QEMU makes */

static void disk_work(const struct args *args) {
  struct blk_options options = {.which = (u32)args->disk,
                                .depth = (u32)args->depth,
                                .event_idx = args->event_idx != 0,
                                .indirect = args->indirect != 0,
                                .poll = args->poll != 0};
  blk_init(&options);
  say("bare: disk at 0x%lx interrupt %u: %lu sectors%s, features 0x%lx, queue of %u\n", blk.base, blk.intid,
      blk.sectors, blk.read_only ? ", read-only" : "", blk.features, blk.queue_size);
  transfer_init(args);
  transfer_id();
  smp_go(blk.base + INTERRUPT_STATUS, args->peeks);
  u32 crc = transfer_reads();
  if (args->check != NO_CHECK && crc != args->check) fail("crc %08x, expected %08x", crc, (u32)args->check);
  transfer_writes();
  smp_join();
  bool again = transfer_count_boot();
  u32 interrupts = blk.interrupts;
  blk_stop();
  if (interrupts == 0 && args->poll == 0) fail("no interrupt from the disk");
  say("bare: ok reads=%lu writes=%lu crc=%08x\n", args->reads, args->writes, crc);
  console_flush();
  if (again) psci_system_reset();
}

__attribute__((noreturn)) static void finish(const struct args *args) {
  switch (args->end) {
    case END_HANG:
      irq_disable();
      for (;;) wfi();
    case END_FAULT:
      mmio_read(0xdead0000000ull); /* beyond TTBR0's 39 bits */
      break;
    case END_HOLE:
      if (board.virtios > 0) mmio_read(board.virtio[0].base + HOLE_OFFSET);
      break;
    case END_REBOOT:
      psci_system_reset();
    default:
      psci_system_off();
  }
  fail("the access that had to fault did not");
}

__attribute__((noreturn)) void bare_main(const void *tree) {
  board_discover(tree);
  board_map();
  mmu_on();
  if (board.xen && (board.uart == 0 || args_hvc(board.bootargs))) console_use_xen();
  u64 frequency = counter_frequency();
  say("bare: %u CPU%s, %lu MiB at 0x%lx, GICv2 at 0x%lx, counter %lu Hz%s\n", board.cpus, board.cpus == 1 ? "" : "s",
      board.ram_bytes >> 20, board.ram, board.gicd, frequency, board.xen ? ", on Xen" : "");
  struct args args = args_parse(board.bootargs, board.cpus);
  arena_init(board.ram + board.ram_bytes, (u64)tree, fdt_size(tree));
  wait_limit(args.timeout * frequency);
  gic_init(board.gicd, board.gicc);
  irq_enable();
  timer_init(board.timer_intid);
  timer_check();
  smp_start((u32)args.vcpus);
  if (args.bench != BENCH_NONE) {
    bench_run(&args);
    console_flush();
  } else if (args.disk == NO_DISK) {
    smp_go(board.gicd, 0);
    smp_join();
    say("bare: ok reads=0 writes=0 crc=%08x\n", crc32(0, NULL, 0));
    console_flush();
  } else {
    disk_work(&args);
  }
  finish(&args);
}
