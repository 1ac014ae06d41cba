/** The guest's memory map and interrupt map (xen: xen/include/public/arch-arm.h). Addresses are IPAs. */
export const GUEST_VIRTIO_MMIO_BASE = 0x0200_0000;
export const GUEST_VIRTIO_MMIO_SIZE = 0x0010_0000;
/** Size of one virtio-mmio device window (xen: tools/libs/light/libxl_arm.c). */
export const VIRTIO_MMIO_DEV_SIZE = 0x200;
export const GUEST_GICD_BASE = 0x0300_1000;
export const GUEST_GICD_SIZE = 0x1000;
export const GUEST_GICC_BASE = 0x0300_2000;
export const GUEST_GICC_SIZE = 0x2000;
export const GUEST_PL011_BASE = 0x2200_0000;
export const GUEST_PL011_SIZE = 0x1000;
export const GUEST_GNTTAB_BASE = 0x3800_0000;
export const GUEST_GNTTAB_SIZE = 0x0100_0000;
export const GUEST_MAGIC_BASE = 0x3900_0000;
export const GUEST_MAGIC_CONSOLE = 0x3900_0000;
export const GUEST_MAGIC_XENSTORE = 0x3900_1000;
export const GUEST_MAGIC_MEMACCESS = 0x3900_2000;
export const GUEST_MAGIC_VUART = 0x3900_3000;
export const NR_MAGIC_PAGES = 4;
export const GUEST_RAM0_BASE = 0x4000_0000;
export const GUEST_RAM0_SIZE = 0xc000_0000;
export const GUEST_RAM1_BASE = 0x2_0000_0000;
export const GUEST_RAM1_SIZE = 0xfe_0000_0000;

export const GUEST_TIMER_VIRT_PPI = 27;
export const GUEST_TIMER_PHYS_S_PPI = 29;
export const GUEST_TIMER_PHYS_NS_PPI = 30;
export const GUEST_EVTCHN_PPI = 31;
export const GUEST_VPL011_SPI = 32;
export const GUEST_VIRTIO_MMIO_SPI_FIRST = 33;
export const GUEST_VIRTIO_MMIO_SPI_LAST = 43;

export const GUEST_MAX_VCPUS = 128;
/** vCPUs of a GICv2 guest: eight ITARGETSR bits. */
export const GICV2_MAX_VCPUS = 8;

/** Immediate of the HVC that makes a hypercall; the number is in x16. */
export const XEN_HYPERCALL_TAG = 0xea1;
/** SPSR of a new vCPU: EL1h, DAIF masked (current; 4.20 has 0x1c5). */
export const PSR_GUEST64_INIT = 0x3c5n;
/** SCTLR_EL1 of a new vCPU: MMU and caches off. */
export const SCTLR_GUEST_INIT = 0x00c5_0078n;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
