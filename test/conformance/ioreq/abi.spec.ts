/** Layouts and numbers against the offsets that the reference obtained by compiling Xen's public headers for LP64 AArch64 (xen-ioreq.md 1, 2, 3, 7). */
import { expect } from 'vitest';
import { rule } from '../../support/ioreq-test.js';
import * as ioreq from '../../../xen/public/ioreq.js';
import * as xen from '../../../xen/public/xen.js';
import * as arch from '../../../xen/public/arch-arm.js';
import * as errno from '../../../xen/public/errno.js';
import * as p2m from '../../../xen/arch/arm/p2m-entry.js';
import * as domain from '../../../xen/common/domain.js';

rule('abi-ioreq', 'struct ioreq, states and types', () => {
  expect(ioreq.IOREQ).toEqual({
    addr: 0,
    data: 8,
    count: 16,
    size: 20,
    vp_eport: 24,
    pad: 28,
    bitfield: 30,
    type: 31,
    bytes: 32,
  });
  expect([ioreq.IOREQ_STATE_MASK, ioreq.IOREQ_DATA_IS_PTR, ioreq.IOREQ_DIR_READ, ioreq.IOREQ_DF]).toEqual([
    0xf,
    1 << 4,
    1 << 5,
    1 << 6,
  ]);
  expect([
    ioreq.STATE_IOREQ_NONE,
    ioreq.STATE_IOREQ_READY,
    ioreq.STATE_IOREQ_INPROCESS,
    ioreq.STATE_IORESP_READY,
  ]).toEqual([0, 1, 2, 3]);
  expect([
    ioreq.IOREQ_TYPE_PIO,
    ioreq.IOREQ_TYPE_COPY,
    ioreq.IOREQ_TYPE_PCI_CONFIG,
    ioreq.IOREQ_TYPE_TIMEOFFSET,
    ioreq.IOREQ_TYPE_INVALIDATE,
  ]).toEqual([0, 1, 2, 7, 8]);
  expect([ioreq.IOREQ_WRITE, ioreq.IOREQ_READ]).toEqual([0, 1]);
});

rule('abi-pages', 'shared pages: 128 slots of 32 bytes; two pointers and 511 slots of 8', () => {
  expect(4096 / ioreq.IOREQ.bytes).toBe(128);
  expect(ioreq.BUFIOREQ_PAGE).toEqual({ read_pointer: 0, write_pointer: 4, slots: 8, bytes: 4096 });
  expect([ioreq.BUF_IOREQ_SLOTS, ioreq.BUF_IOREQ]).toEqual([
    511,
    { dirBit: 9, sizeShift: 10, addrShift: 12, data: 4, bytes: 8 },
  ]);
  expect([ioreq.BUFIOREQ_OFF, ioreq.BUFIOREQ_LEGACY, ioreq.BUFIOREQ_ATOMIC]).toEqual([0, 1, 2]);
  expect([ioreq.IOREQ_FRAME_BUFIOREQ, ioreq.IOREQ_FRAME_IOREQ]).toEqual([0, 1]);
});

rule('abi-dmop', 'struct xen_dm_op, xen_dm_op_buf, op numbers and payload sizes', () => {
  expect([ioreq.DM_OP, ioreq.DM_OP_BUF]).toEqual([
    { op: 0, pad: 4, payload: 8, bytes: 32 },
    { handle: 0, size: 8, bytes: 16 },
  ]);
  const table: Record<string, readonly [number, number]> = {
    create_ioreq_server: [1, 6],
    get_ioreq_server_info: [2, 24],
    map_io_range_to_ioreq_server: [3, 24],
    unmap_io_range_from_ioreq_server: [4, 24],
    set_ioreq_server_state: [5, 4],
    destroy_ioreq_server: [6, 4],
    track_dirty_vram: [7, 16],
    set_pci_intx_level: [8, 6],
    set_isa_irq_level: [9, 2],
    set_pci_link_route: [10, 2],
    modified_memory: [11, 8],
    set_mem_type: [12, 16],
    inject_event: [13, 24],
    inject_msi: [14, 16],
    map_mem_type_to_ioreq_server: [15, 16],
    remote_shutdown: [16, 4],
    relocate_memory: [17, 24],
    pin_memory_cacheattr: [18, 24],
    set_irq_level: [19, 8],
    nr_vcpus: [20, 4],
  };
  expect(Object.keys(ioreq.DMOP)).toEqual(Object.keys(table));
  for (const [name, [nr, size]] of Object.entries(table)) {
    expect([name, ioreq.DMOP[name as keyof typeof ioreq.DMOP], ioreq.DMOP_PAYLOAD[nr]]).toEqual([name, nr, size]);
  }
  expect([ioreq.DMOP_RANGE, ioreq.IOREQSRV_FLAG_NO_GFNS]).toEqual([{ port: 0, memory: 1, pci: 2 }, 1]);
  expect([ioreq.MAX_NR_IOREQ_SERVERS, ioreq.MAX_NR_IO_RANGES, ioreq.NR_IO_RANGE_TYPES]).toEqual([8, 256, 3]);
});

rule('abi-memory', 'memory_op numbers, structures, map spaces, resources, P2M types', () => {
  const {
    increase_reservation,
    decrease_reservation,
    populate_physmap,
    add_to_physmap,
    remove_from_physmap,
    add_to_physmap_batch,
    acquire_resource,
  } = xen.XENMEM;
  expect([
    increase_reservation,
    decrease_reservation,
    populate_physmap,
    add_to_physmap,
    remove_from_physmap,
    add_to_physmap_batch,
    acquire_resource,
  ]).toEqual([0, 1, 6, 7, 15, 23, 28]);
  expect(xen.ACQUIRE_RESOURCE).toEqual({
    domid: 0,
    type: 2,
    id: 4,
    nr_frames: 8,
    pad: 12,
    frame: 16,
    frame_list: 24,
    bytes: 32,
  });
  expect(xen.ADD_TO_PHYSMAP_BATCH).toEqual({
    domid: 0,
    space: 2,
    size: 4,
    foreign: 6,
    idxs: 8,
    gpfns: 16,
    errs: 24,
    bytes: 32,
  });
  expect(xen.ADD_TO_PHYSMAP).toEqual({ domid: 0, size: 2, space: 4, idx: 8, gpfn: 16, bytes: 24 });
  expect([xen.REMOVE_FROM_PHYSMAP, xen.MEMORY_RESERVATION.bytes]).toEqual([{ domid: 0, gpfn: 8, bytes: 16 }, 32]);
  expect(xen.XENMAPSPACE).toEqual({
    shared_info: 0,
    grant_table: 1,
    gmfn: 2,
    gmfn_range: 3,
    gmfn_foreign: 4,
    dev_mmio: 5,
  });
  expect(xen.RESOURCE_TYPE).toEqual({ ioreq_server: 0, grant_table: 1, vmtrace_buf: 2 });
  const types = [
    p2m.P2M_INVALID,
    p2m.P2M_RAM_RW,
    p2m.P2M_RAM_RO,
    p2m.P2M_MMIO_DIRECT_DEV,
    p2m.P2M_MMIO_DIRECT_NC,
    p2m.P2M_MMIO_DIRECT_C,
    p2m.P2M_MAP_FOREIGN_RW,
    p2m.P2M_MAP_FOREIGN_RO,
    p2m.P2M_GRANT_MAP_RW,
    p2m.P2M_GRANT_MAP_RO,
    p2m.P2M_IOMMU_MAP_RW,
    p2m.P2M_IOMMU_MAP_RO,
  ];
  expect(types).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(types.filter(p2m.isRam)).toEqual([1, 2]);
  expect(types.filter(p2m.isForeign)).toEqual([6, 7]);
  expect(types.filter(p2m.isAnyRam)).toEqual([1, 2, 6, 7, 8, 9]);
});

rule('abi-hypercalls', 'hypercall and event channel numbers, DOMIDs, error numbers', () => {
  const h = xen.HYPERVISOR;
  expect([
    h.memory_op,
    h.xen_version,
    h.grant_table_op,
    h.vcpu_op,
    h.sched_op,
    h.event_channel_op,
    h.hvm_op,
    h.sysctl,
    h.domctl,
    h.dm_op,
  ]).toEqual([12, 17, 20, 24, 29, 32, 34, 35, 36, 41]);
  const e = xen.EVTCHNOP;
  expect([
    e.bind_interdomain,
    e.close,
    e.send,
    e.status,
    e.alloc_unbound,
    e.bind_vcpu,
    e.unmask,
    e.init_control,
    e.expand_array,
    e.set_priority,
  ]).toEqual([0, 3, 4, 5, 6, 8, 9, 11, 12, 13]);
  expect([domain.DOMID_SELF, domain.DOMID_IO, domain.DOMID_XEN]).toEqual([0x7ff0, 0x7ff1, 0x7ff2]);
  const {
    EPERM,
    ENOENT,
    ESRCH,
    EIO,
    E2BIG,
    ENOMEM,
    EACCES,
    EFAULT,
    EBUSY,
    EEXIST,
    EINVAL,
    ENOSPC,
    ENOSYS,
    ENODATA,
    EOPNOTSUPP,
  } = errno;
  expect([
    EPERM,
    ENOENT,
    ESRCH,
    EIO,
    E2BIG,
    ENOMEM,
    EACCES,
    EFAULT,
    EBUSY,
    EEXIST,
    EINVAL,
    ENOSPC,
    ENOSYS,
    ENODATA,
    EOPNOTSUPP,
  ]).toEqual([1, 2, 3, 5, 7, 12, 13, 14, 16, 17, 22, 28, 38, 61, 95]);
});

rule('abi-shared-info', 'vcpu_info, shared_info, HVM parameters', () => {
  expect(xen.VCPU_INFO).toEqual({ upcall_pending: 0, pending_sel: 8, time: 16, size: 48 });
  expect(xen.SHARED_INFO).toEqual({
    vcpu_info: 0,
    evtchn_pending: 48,
    evtchn_mask: 560,
    wc_version: 1072,
    wc_sec: 1076,
    wc_nsec: 1080,
    wc_sec_hi: 1084,
    size: 1088,
  });
  const p = xen.HVM_PARAM;
  expect([p.CALLBACK_IRQ, p.STORE_PFN, p.STORE_EVTCHN, p.CONSOLE_PFN, p.CONSOLE_EVTCHN, p.MONITOR_RING_PFN]).toEqual([
    0, 1, 2, 17, 18, 28,
  ]);
  expect([p.IOREQ_PFN, p.BUFIOREQ_PFN, p.IOREQ_SERVER_PFN, p.NR_IOREQ_SERVER_PAGES]).toEqual([5, 6, 32, 33]);
  expect([xen.CALLBACK_IRQ_VALUE, xen.EVTCHN_2L_NR_CHANNELS, xen.EVTCHN_FIFO_NR_CHANNELS]).toEqual([
    0x0200_0000_0000_021fn,
    4096,
    131072,
  ]);
});

rule('abi-map', 'the guest’s address and interrupt map', () => {
  expect([arch.GUEST_VIRTIO_MMIO_BASE, arch.GUEST_VIRTIO_MMIO_SIZE, arch.VIRTIO_MMIO_DEV_SIZE]).toEqual([
    0x0200_0000, 0x10_0000, 0x200,
  ]);
  expect([arch.GUEST_GICD_BASE, arch.GUEST_GICC_BASE, arch.GUEST_GICC_SIZE, arch.GUEST_PL011_BASE]).toEqual([
    0x0300_1000, 0x0300_2000, 0x2000, 0x2200_0000,
  ]);
  expect([
    arch.GUEST_GNTTAB_BASE,
    arch.GUEST_MAGIC_BASE,
    arch.GUEST_RAM0_BASE,
    arch.GUEST_RAM0_SIZE,
    arch.GUEST_RAM1_BASE,
  ]).toEqual([0x3800_0000, 0x3900_0000, 0x4000_0000, 0xc000_0000, 0x2_0000_0000]);
  expect([
    arch.GUEST_EVTCHN_PPI,
    arch.GUEST_VPL011_SPI,
    arch.GUEST_VIRTIO_MMIO_SPI_FIRST,
    arch.GUEST_VIRTIO_MMIO_SPI_LAST,
  ]).toEqual([31, 32, 33, 43]);
  expect([domain.VPF_BLOCKED_IN_XEN, arch.XEN_HYPERCALL_TAG]).toEqual([4, 0xea1]);
});
