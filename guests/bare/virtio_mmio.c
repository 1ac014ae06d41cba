#include "virtio_mmio.h"
#include "grant.h"

#define MAGIC_VALUE 0x000
#define VERSION 0x004
#define DEVICE_ID 0x008
#define DEVICE_FEATURES 0x010
#define DEVICE_FEATURES_SEL 0x014
#define DRIVER_FEATURES 0x020
#define DRIVER_FEATURES_SEL 0x024
#define QUEUE_SEL 0x030
#define QUEUE_NUM_MAX 0x034
#define QUEUE_NUM 0x038
#define QUEUE_READY 0x044
#define QUEUE_NOTIFY 0x050
#define INTERRUPT_STATUS 0x060
#define INTERRUPT_ACK 0x064
#define STATUS 0x070
#define QUEUE_DESC 0x080
#define QUEUE_DRIVER 0x090
#define QUEUE_DEVICE 0x0a0
#define CONFIG_GENERATION 0x0fc
#define CONFIG 0x100

#define MAGIC 0x74726976 /* "virt" */

u32 virtio_probe(u64 base) {
  u32 magic = mmio_read(base + MAGIC_VALUE);
  if (magic != MAGIC) fail("no virtio device at 0x%lx: MagicValue is 0x%x", base, magic);
  u32 version = mmio_read(base + VERSION);
  u32 device = mmio_read(base + DEVICE_ID);
  if (device == NO_DEVICE) return NO_DEVICE;
  if (version != 2) fail("virtio device at 0x%lx has version %u, not 2", base, version);
  return device;
}

u64 virtio_negotiate(u64 base, u64 wanted) {
  virtio_reset(base);
  mmio_write(base + STATUS, STATUS_ACKNOWLEDGE);
  mmio_write(base + STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
  mmio_write(base + DEVICE_FEATURES_SEL, 1);
  u64 offered = (u64)mmio_read(base + DEVICE_FEATURES) << 32;
  mmio_write(base + DEVICE_FEATURES_SEL, 0);
  offered |= mmio_read(base + DEVICE_FEATURES);
  if ((offered & VIRTIO_F_VERSION_1) == 0) fail("the device does not offer VERSION_1 (features 0x%lx)", offered);
  u64 features = offered & wanted;
  mmio_write(base + DRIVER_FEATURES_SEL, 1);
  mmio_write(base + DRIVER_FEATURES, (u32)(features >> 32));
  mmio_write(base + DRIVER_FEATURES_SEL, 0);
  mmio_write(base + DRIVER_FEATURES, (u32)features);
  mmio_write(base + STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
  if ((virtio_status(base) & STATUS_FEATURES_OK) == 0) {
    mmio_write(base + STATUS, STATUS_FAILED);
    fail("the device refused features 0x%lx of 0x%lx", features, offered);
  }
  return features;
}

u32 virtio_queue_max(u64 base) {
  mmio_write(base + QUEUE_SEL, 0);
  if (mmio_read(base + QUEUE_READY) != 0) fail("queue 0 is in use after a reset");
  return mmio_read(base + QUEUE_NUM_MAX);
}

static void write64(u64 address, u64 value) {
  mmio_write(address, (u32)value);
  mmio_write(address + 4, (u32)(value >> 32));
}

void virtio_queue_ready(u64 base, const struct virtqueue *q) {
  mmio_write(base + QUEUE_NUM, q->size);
  write64(base + QUEUE_DESC, device_address(q->desc, q->size * sizeof *q->desc));
  write64(base + QUEUE_DRIVER, device_address(q->avail, 6 + 2 * q->size));
  write64(base + QUEUE_DEVICE, device_address(q->used, 6 + 8 * q->size));
  dsb_sy();
  mmio_write(base + QUEUE_READY, 1);
}

void virtio_driver_ok(u64 base) {
  mmio_write(base + STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

void virtio_reset(u64 base) {
  mmio_write(base + STATUS, 0);
  /* The device may take its time (4.2.3.1.1); ours and QEMU do not. */
  for (u32 i = 0; virtio_status(base) != 0; i++) {
    if (i == 1000) fail("the device at 0x%lx does not reset", base);
  }
}

u32 virtio_config32(u64 base, u32 offset) { return mmio_read(base + CONFIG + offset); }

u64 virtio_config64(u64 base, u32 offset) {
  for (;;) {
    u32 generation = mmio_read(base + CONFIG_GENERATION);
    u64 value = virtio_config32(base, offset) | (u64)virtio_config32(base, offset + 4) << 32;
    if (mmio_read(base + CONFIG_GENERATION) == generation) return value;
  }
}

void virtio_notify(u64 base) {
  dsb_sy(); /* the rings before the doorbell */
  mmio_write(base + QUEUE_NOTIFY, 0);
}

u32 virtio_interrupt_status(u64 base) { return mmio_read(base + INTERRUPT_STATUS); }

void virtio_interrupt_ack(u64 base, u32 bits) { mmio_write(base + INTERRUPT_ACK, bits); }

u32 virtio_status(u64 base) { return mmio_read(base + STATUS); }
