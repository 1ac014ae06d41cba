/* The split virtqueue (virtio 1.2, 2.7), the driver's side. */
#ifndef VIRTQUEUE_H
#define VIRTQUEUE_H
#include "bare.h"

#define DESC_NEXT 1
#define DESC_WRITE 2
#define DESC_INDIRECT 4

struct descriptor {
  u64 address;
  u32 length;
  u16 flags, next;
};

struct virtqueue {
  volatile struct descriptor *desc;
  volatile u16 *avail; /* flags, idx, ring[size], used_event */
  volatile u16 *used;  /* flags, idx, {id u32, length u32}[size], avail_event */
  u32 size;
  bool event_idx, interrupts;
  u16 avail_idx, last_used;
};

/* Rings of `size` entries, a power of two; without interrupts the device is asked for none. */
void virtqueue_init(struct virtqueue *q, u32 size, bool event_idx, bool interrupts);
/* Makes a chain available; true if the device wants a notification. */
bool virtqueue_add(struct virtqueue *q, u32 head);
/* The head of the next used chain; false if there is none (then the device will interrupt for the next one). */
bool virtqueue_take(struct virtqueue *q, u32 *head);
#endif
