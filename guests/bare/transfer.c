#include "transfer.h"
#include "arena.h"
#include "crc32.h"
#include "timer.h"
#include "virtio_blk.h"

#define RECORD_BYTES 4096
#define RECORD_MAGIC 0x746f6f6265726162ull /* "bareboot" */
#define MULTIPLIER 0x9e3779b97f4a7c15ull
#define POISON 0xa5

struct record {
  u64 magic, boots;
};

static const struct args *args;
static u8 *buffers;

void transfer_init(const struct args *given) {
  args = given;
  u64 bytes = args->size < RECORD_BYTES ? RECORD_BYTES : args->size;
  buffers = arena_take(args->depth * bytes);
}

static u8 *buffer(u64 i) { return buffers + i % args->depth * args->size; }

static void fill(u64 *words, u64 offset) {
  for (u64 at = 0; at < args->size; at += 8) words[at / 8] = (offset + at) * MULTIPLIER + args->seed;
}

static void compare(const u64 *words, u64 offset) {
  for (u64 at = 0; at < args->size; at += 8) {
    u64 expected = (offset + at) * MULTIPLIER + args->seed;
    if (words[at / 8] == expected) continue;
    fail("byte %lu of the disk: read 0x%016lx, wrote 0x%016lx", offset + at, words[at / 8], expected);
  }
}

enum task { READ, WRITE, READ_BACK };

/* `count` requests from byte `start` on, args->depth in flight, looked at in order. */
static u32 run(enum task task, u64 count, u64 start) {
  u32 crc = 0;
  u64 issued = 0;
  for (u64 i = 0; i < count; i++) {
    for (; issued < count && issued - i < args->depth; issued++) {
      u64 offset = start + issued * args->size;
      u8 *data = buffer(issued);
      if (task == WRITE) {
        fill((u64 *)data, offset);
        crc = crc32(crc, data, args->size);
      } else {
        memset(data, POISON, args->size);
      }
      u32 type = task == WRITE ? BLK_WRITE : BLK_READ;
      blk_submit((u32)(issued % args->depth), type, offset / SECTOR, data, (u32)args->size);
    }
    blk_finish((u32)(i % args->depth));
    if (task != WRITE) crc = crc32(crc, buffer(i), args->size);
    if (task == READ_BACK) compare((u64 *)buffer(i), start + i * args->size);
  }
  return crc;
}

static u32 timed(enum task task, const char *name, u64 count, u64 start) {
  u32 interrupts = blk.interrupts;
  u64 begin = counter();
  u32 crc = run(task, count, start);
  u64 ticks = counter() - begin;
  if (count > 0) {
    say("bare: %lu %s of %lu bytes: crc %08x, %lu ns each, %u interrupts\n", count, name, args->size, crc,
        nanoseconds(ticks) / count, blk.interrupts - interrupts);
  }
  return crc;
}

void transfer_id(void) {
  memset(buffers, 0, BLK_ID_BYTES + 1);
  blk_submit(0, BLK_GET_ID, 0, buffers, BLK_ID_BYTES);
  blk_finish(0);
  for (u32 i = 0; i < BLK_ID_BYTES && buffers[i] != 0; i++) {
    if (buffers[i] < 0x20 || buffers[i] > 0x7e) buffers[i] = '?';
  }
  say("bare: disk id \"%s\"\n", (char *)buffers);
}

static void flush(void) {
  if (!blk.can_flush) return;
  blk_submit(0, BLK_FLUSH, 0, NULL, 0);
  blk_finish(0);
}

u32 transfer_reads(void) {
  if (args->sector > blk.sectors || args->reads * (args->size / SECTOR) > blk.sectors - args->sector) {
    fail("%lu reads of %lu bytes from sector %lu go past the disk's end", args->reads, args->size, args->sector);
  }
  return timed(READ, "reads", args->reads, args->sector * SECTOR);
}

static u64 record_sector(void) {
  if (blk.sectors < RECORD_BYTES / SECTOR) fail("the disk is smaller than %u bytes", RECORD_BYTES);
  return blk.sectors - RECORD_BYTES / SECTOR;
}

void transfer_writes(void) {
  if (args->writes == 0) return;
  u64 end = record_sector() * SECTOR;
  if (blk.read_only) fail("the disk is read-only: writes=0 leaves it alone");
  if (args->writes * args->size > end) fail("%lu writes of %lu bytes do not fit on the disk", args->writes, args->size);
  u64 start = end - args->writes * args->size;
  u32 written = timed(WRITE, "writes", args->writes, start);
  flush();
  u32 back = timed(READ_BACK, "reads back", args->writes, start);
  if (back != written) fail("wrote crc %08x, read back %08x", written, back);
}

bool transfer_count_boot(void) {
  if (args->reboots == 0) return false;
  struct record *record = (struct record *)buffers;
  blk_submit(0, BLK_READ, record_sector(), record, RECORD_BYTES);
  blk_finish(0);
  u64 boots = record->magic == RECORD_MAGIC ? record->boots : 0;
  bool again = boots < args->reboots;
  memset(record, 0, RECORD_BYTES);
  /* The next power-on begins a new count. */
  if (again) *record = (struct record){RECORD_MAGIC, boots + 1};
  blk_submit(0, BLK_WRITE, record_sector(), record, RECORD_BYTES);
  blk_finish(0);
  flush();
  say("bare: boot %lu of %lu\n", boots + 1, args->reboots + 1);
  return again;
}
