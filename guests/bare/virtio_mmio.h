/* The virtio-mmio transport, version 2 (virtio 1.2, 4.2). */
#ifndef VIRTIO_MMIO_H
#define VIRTIO_MMIO_H
#include "virtqueue.h"

#define VIRTIO_F_INDIRECT_DESC (1ull << 28)
#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ull << 33)

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8
#define STATUS_NEEDS_RESET 64
#define STATUS_FAILED 128

#define INTERRUPT_USED 1
#define INTERRUPT_CONFIG 2

#define NO_DEVICE 0

/* Class of the device at a window (2 = block), NO_DEVICE if it is empty. Fails on what is not virtio, or is legacy. */
u32 virtio_probe(u64 base);
/* Reset, ACKNOWLEDGE, DRIVER, and the features both want. Fails if the device refuses them. */
u64 virtio_negotiate(u64 base, u64 wanted);
/* Entries of queue 0 that the device can have. */
u32 virtio_queue_max(u64 base);
void virtio_queue_ready(u64 base, const struct virtqueue *q);
void virtio_driver_ok(u64 base);
void virtio_reset(u64 base);
u32 virtio_config32(u64 base, u32 offset);
/* A field of two words, consistent (ConfigGeneration). */
u64 virtio_config64(u64 base, u32 offset);
void virtio_notify(u64 base);
u32 virtio_interrupt_status(u64 base);
void virtio_interrupt_ack(u64 base, u32 bits);
u32 virtio_status(u64 base);
#endif
