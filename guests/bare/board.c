/* Finds memory, interrupt controller, timer, console, CPUs and virtio windows in the device tree. */
#include "board.h"
#include "console.h"
#include "fdt.h"
#include "mmu.h"
#include "psci.h"

#define GICC_BYTES 0x2000
#define PAGE 4096

struct board board;

static void visit_cpu(const struct fdt_node *node) {
  u64 mpidr, none;
  if (board.cpus < MAX_CPUS && fdt_reg(node, 0, &mpidr, &none)) board.mpidr[board.cpus++] = mpidr;
}

static void visit_virtio(const struct fdt_node *node) {
  u64 bytes;
  u32 i = board.virtios;
  if (i < MAX_VIRTIO && fdt_reg(node, 0, &board.virtio[i].base, &bytes) &&
      fdt_interrupt(node, 0, &board.virtio[i].intid, &board.virtio[i].edge)) {
    /* One IOMMU can be meant: "xen,grant-dma", with one cell (Linux: xen,grant-dma binding). */
    board.virtio[i].granted = node->iommus.value != NULL && node->iommus.length == 8;
    if (board.virtio[i].granted) board.virtio[i].backend = (u32)fdt_number(node->iommus.value + 4, 1);
    board.virtios++;
  }
}

static void visit(const struct fdt_node *node) {
  u64 base, bytes;
  bool edge;
  if (node->depth == 1 && same_text(node->name, "chosen") && node->bootargs.value != NULL) {
    board.bootargs = (const char *)node->bootargs.value;
  } else if (fdt_has(&node->device_type, "memory")) {
    if (board.ram_bytes == 0 && fdt_reg(node, 0, &base, &bytes)) board.ram = base, board.ram_bytes = bytes;
  } else if (fdt_has(&node->device_type, "cpu")) {
    visit_cpu(node);
  } else if (fdt_has(&node->compatible, "arm,psci-0.2") || fdt_has(&node->compatible, "arm,psci-1.0")) {
    board.psci_smc = fdt_has(&node->method, "smc");
  } else if (fdt_has(&node->compatible, "arm,cortex-a15-gic") || fdt_has(&node->compatible, "arm,gic-400")) {
    fdt_reg(node, 0, &board.gicd, &bytes);
    fdt_reg(node, 1, &board.gicc, &bytes);
  } else if (fdt_has(&node->compatible, "arm,armv8-timer")) {
    /* Secure, non-secure, virtual, hypervisor (Linux: arm,arch_timer binding). */
    fdt_interrupt(node, 2, &board.timer_intid, &edge);
  } else if (fdt_has(&node->compatible, "arm,sbsa-uart") || fdt_has(&node->compatible, "arm,pl011")) {
    if (board.uart == 0 && fdt_reg(node, 0, &base, &bytes)) board.uart = base;
  } else if (fdt_has(&node->compatible, "xen,xen")) {
    board.xen = true;
    fdt_reg(node, 0, &board.grants, &bytes);
  } else if (fdt_has(&node->compatible, "virtio,mmio")) {
    visit_virtio(node);
  }
}

void board_discover(const void *tree) {
  board.bootargs = "";
  fdt_walk(tree, visit);
  psci_init(board.psci_smc);
  if (board.uart != 0) console_use_uart(board.uart);
  if (board.ram_bytes == 0) fail("no memory in the device tree");
  if (board.gicd == 0 || board.gicc == 0) fail("no GICv2 in the device tree");
  if (board.timer_intid == 0) fail("no timer in the device tree");
}

void board_map(void) {
  mmu_map_device(board.gicd, PAGE);
  mmu_map_device(board.gicc, GICC_BYTES);
  for (u32 i = 0; i < board.virtios; i++) mmu_map_device(board.virtio[i].base, PAGE);
  if (board.uart != 0) mmu_map_device(board.uart, PAGE);
  mmu_map_ram(board.ram, board.ram_bytes);
}
