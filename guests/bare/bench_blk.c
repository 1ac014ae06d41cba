/* Disk requests: interrupts one by one, and throughput by size and depth. */
#include "arena.h"
#include "bench.h"
#include "timer.h"
#include "virtio_blk.h"

static void init(const struct args *args, bool poll) {
  struct blk_options options = {
      .which = (u32)args->disk, .depth = (u32)args->depth, .event_idx = args->event_idx != 0,
      .indirect = args->indirect != 0, .poll = poll};
  blk_init(&options);
}

/* Requests in flight at the same time: args.depth; over the disk from its begin, again and again. */
static u64 transfer(const struct args *args, u32 type, u8 *data) {
  u64 sectors = args->size / SECTOR, places = blk.sectors / sectors;
  if (places == 0) fail("bench=blk: the disk is smaller than a request");
  u64 begin = counter(), issued = 0;
  for (u64 i = 0; i < args->rounds; i++) {
    for (; issued < args->rounds && issued - i < args->depth; issued++) {
      u64 slot = issued % args->depth;
      blk_submit((u32)slot, type, issued % places * sectors, data + slot * args->size, (u32)args->size);
    }
    blk_finish((u32)(i % args->depth));
  }
  return counter() - begin;
}

void bench_blk(const struct args *args) {
  init(args, args->poll != 0);
  u8 *data = arena_take(args->depth * args->size);
  bench_report("read", args->rounds, transfer(args, BLK_READ, data));
  bench_report("write", args->rounds, transfer(args, BLK_WRITE, data));
}

/* One read at a time, and rest in between; the CPU sleeps or spins meanwhile. */
void bench_irq(const struct args *args) {
  init(args, false);
  u8 *data = arena_take(SECTOR);
  u64 ticks = 0;
  for (u64 i = 0; i < args->rounds; i++) {
    bench_pause(bench_gap(0));
    u64 begin = counter();
    blk_submit(0, BLK_READ, 0, data, SECTOR);
    if (args->sleep == 0) {
      while (!blk_done(0)) {
      }
    }
    blk_finish(0);
    ticks += counter() - begin;
  }
  bench_report("read", args->rounds, ticks);
}
