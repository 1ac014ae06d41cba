/* The block device (virtio 1.2, 5.2). */
#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H
#include "bare.h"

#define SECTOR 512
#define BLK_READ 0
#define BLK_WRITE 1
#define BLK_FLUSH 4
#define BLK_GET_ID 8
#define BLK_ID_BYTES 20

struct blk_options {
  u32 which; /* 0 = the first block device of the device tree */
  u32 depth; /* requests in flight, at most 64 */
  bool event_idx, indirect, poll;
};

struct blk {
  u64 base, sectors;
  u64 features;
  u32 intid, queue_size;
  bool read_only, can_flush;
  volatile u32 interrupts;
};

extern struct blk blk;

/* Finds the device and brings it to DRIVER_OK. Fails if there is none. */
void blk_init(const struct blk_options *options);
/* Begins a request in slot 0 to depth - 1, which must be free. bytes may be 0. */
void blk_submit(u32 slot, u32 type, u64 sector, void *data, u32 bytes);
/* Whether the device has finished the slot's request. */
bool blk_done(u32 slot);
/* Waits for the slot's request; fails unless its status is OK. */
void blk_finish(u32 slot);
/* Resets the device. */
void blk_stop(void);
#endif
