#include "virtio_blk.h"
#include "arena.h"
#include "board.h"
#include "gic.h"
#include "grant.h"
#include "virtio_mmio.h"
#include "wait.h"

#define DEVICE_BLOCK 2
#define F_RO (1ull << 5)
#define F_FLUSH (1ull << 9)
#define CONFIG_CAPACITY 0
#define MAX_QUEUE 256
#define MAX_DEPTH 64
#define CHAIN 3 /* header, data, status */
#define STATUS_UNSET 0xff

struct request {
  u32 type, reserved;
  u64 sector;
  struct descriptor table[CHAIN];
  volatile u8 status;
};

struct blk blk;
static struct virtqueue queue;
static struct request *requests;
static volatile bool done[MAX_DEPTH];
static u32 depth;
static bool indirect, poll;

static void harvest(void) {
  u32 head;
  while (virtqueue_take(&queue, &head)) {
    if (head % CHAIN != 0 || head / CHAIN >= depth) fail("the device used descriptor %u, which is no request", head);
    done[head / CHAIN] = true;
  }
}

static void on_interrupt(void) {
  u32 bits = virtio_interrupt_status(blk.base);
  virtio_interrupt_ack(blk.base, bits);
  blk.interrupts++;
  bool config = (bits & INTERRUPT_CONFIG) != 0;
  if (config && (virtio_status(blk.base) & STATUS_NEEDS_RESET) != 0) fail("the device needs a reset");
  if ((bits & INTERRUPT_USED) != 0) harvest();
}

/* The window of the block device number `which`. */
static u32 find(u32 which) {
  for (u32 i = 0; i < board.virtios; i++) {
    if (virtio_probe(board.virtio[i].base) == DEVICE_BLOCK && which-- == 0) return i;
  }
  fail("no virtio block device among the %u virtio-mmio windows", board.virtios);
}

void blk_init(const struct blk_options *options) {
  u32 window = find(options->which);
  blk.base = board.virtio[window].base;
  blk.intid = board.virtio[window].intid;
  if (board.virtio[window].granted && board.grants != 0) {
    grant_init(board.grants, board.ram, board.virtio[window].backend);
    say("bare: memory is granted to domain %u\n", board.virtio[window].backend);
  }
  depth = options->depth;
  poll = options->poll;
  u64 wanted = VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | F_RO | F_FLUSH;
  if (options->event_idx) wanted |= VIRTIO_F_EVENT_IDX;
  if (options->indirect) wanted |= VIRTIO_F_INDIRECT_DESC;
  blk.features = virtio_negotiate(blk.base, wanted);
  blk.read_only = (blk.features & F_RO) != 0;
  blk.can_flush = (blk.features & F_FLUSH) != 0;
  indirect = (blk.features & VIRTIO_F_INDIRECT_DESC) != 0;

  /* The largest ring up to one page: some devices ignore QueueNum and keep their own size, which is 256 there. */
  u32 max = virtio_queue_max(blk.base);
  blk.queue_size = max < MAX_QUEUE ? max : MAX_QUEUE;
  if (blk.queue_size < CHAIN * depth || (blk.queue_size & (blk.queue_size - 1)) != 0) {
    fail("a queue of %u does not hold %u requests", blk.queue_size, depth);
  }
  virtqueue_init(&queue, blk.queue_size, (blk.features & VIRTIO_F_EVENT_IDX) != 0, !poll);
  requests = arena_take(depth * sizeof(struct request));
  virtio_queue_ready(blk.base, &queue);
  blk.sectors = virtio_config64(blk.base, CONFIG_CAPACITY);
  if (!poll) gic_enable(blk.intid, board.virtio[window].edge, on_interrupt);
  virtio_driver_ok(blk.base);
}

void blk_submit(u32 slot, u32 type, u64 sector, void *data, u32 bytes) {
  struct request *r = &requests[slot];
  u32 head = slot * CHAIN;
  volatile struct descriptor *d = indirect ? r->table : &queue.desc[head];
  u32 first = indirect ? 0 : head;
  u32 n = 0;
  r->type = type;
  r->sector = sector;
  r->status = STATUS_UNSET;
  done[slot] = false;
  d[n] = (struct descriptor){device_address(r, 16), 16, DESC_NEXT, (u16)(first + n + 1)};
  n++;
  if (bytes > 0) {
    u16 flags = type == BLK_WRITE ? DESC_NEXT : DESC_NEXT | DESC_WRITE;
    d[n] = (struct descriptor){device_address(data, bytes), bytes, flags, (u16)(first + n + 1)};
    n++;
  }
  d[n] = (struct descriptor){device_address(&r->status, 1), 1, DESC_WRITE, 0};
  n++;
  if (indirect) {
    u32 table_bytes = n * sizeof(struct descriptor);
    queue.desc[head] = (struct descriptor){device_address(r->table, table_bytes), table_bytes, DESC_INDIRECT, 0};
  }
  /* The interrupt handler does not touch the available ring. */
  if (virtqueue_add(&queue, head)) virtio_notify(blk.base);
}

static bool is_done(u64 slot) {
  if (poll) harvest();
  return done[slot];
}

bool blk_done(u32 slot) { return is_done(slot); }

void blk_finish(u32 slot) {
  if (poll) poll_until(is_done, slot, "a disk request");
  else wait_until(is_done, slot, "a disk request");
  dmb_ish();
  struct request *r = &requests[slot];
  if (r->status != 0) fail("request type %u at sector %lu: status %u", r->type, r->sector, (u32)r->status);
}

void blk_stop(void) { virtio_reset(blk.base); }
