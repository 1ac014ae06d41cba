/** Hypercall numbers, sub-operations and the LP64 layouts of shared structures (xen: xen/include/public/). Offsets are bytes. */
export const HYPERVISOR = {
  platform_op: 7,
  memory_op: 12,
  multicall: 13,
  xen_version: 17,
  console_io: 18,
  grant_table_op: 20,
  vm_assist: 21,
  vcpu_op: 24,
  xsm_op: 27,
  sched_op: 29,
  event_channel_op: 32,
  physdev_op: 33,
  hvm_op: 34,
  sysctl: 35,
  domctl: 36,
  argo_op: 39,
  dm_op: 41,
  hypfs_op: 42,
} as const;

export const DOMID_SELF = 0x7ff0;
export const DOMID_IO = 0x7ff1;
export const DOMID_XEN = 0x7ff2;
export const DOMID_INVALID = 0x7ff4;
export const DOMID_FIRST_RESERVED = 0x7ff0;

export const XENMEM = {
  increase_reservation: 0,
  decrease_reservation: 1,
  current_reservation: 3,
  maximum_reservation: 4,
  populate_physmap: 6,
  add_to_physmap: 7,
  memory_map: 9,
  maximum_gpfn: 14,
  remove_from_physmap: 15,
  add_to_physmap_batch: 23,
  get_vnumainfo: 26,
  acquire_resource: 28,
} as const;

export const XENMAPSPACE = {
  shared_info: 0,
  grant_table: 1,
  gmfn: 2,
  gmfn_range: 3,
  gmfn_foreign: 4,
  dev_mmio: 5,
} as const;

export const EVTCHNOP = {
  bind_interdomain: 0,
  bind_virq: 1,
  bind_pirq: 2,
  close: 3,
  send: 4,
  status: 5,
  alloc_unbound: 6,
  bind_ipi: 7,
  bind_vcpu: 8,
  unmask: 9,
  reset: 10,
  init_control: 11,
  expand_array: 12,
  set_priority: 13,
} as const;

export const SCHEDOP = {
  yield: 0,
  block: 1,
  shutdown: 2,
  poll: 3,
  remote_shutdown: 4,
  shutdown_code: 5,
  watchdog: 6,
} as const;
export const SHUTDOWN = { poweroff: 0, reboot: 1, suspend: 2, crash: 3, watchdog: 4, soft_reset: 5 } as const;
export const VCPUOP = { register_runstate_memory_area: 5, register_vcpu_info: 10 } as const;
export const HVMOP = { set_param: 0, get_param: 1 } as const;
export const HVM_PARAM = {
  CALLBACK_IRQ: 0,
  STORE_PFN: 1,
  STORE_EVTCHN: 2,
  IOREQ_PFN: 5,
  BUFIOREQ_PFN: 6,
  CONSOLE_PFN: 17,
  CONSOLE_EVTCHN: 18,
  MONITOR_RING_PFN: 28,
  IOREQ_SERVER_PFN: 32,
  NR_IOREQ_SERVER_PAGES: 33,
} as const;
/** Type 2 (PPI), flag 2 (active-low level), PPI 31 (xen-ioreq.md 7.4). */
export const CALLBACK_IRQ_VALUE = 0x0200_0000_0000_021fn;

/** struct vcpu_info, 48 bytes on Arm. */
export const VCPU_INFO = { upcall_pending: 0, pending_sel: 8, time: 16, size: 48 } as const;
/** struct shared_info, 1088 bytes; one legacy vcpu_info at 0. */
export const SHARED_INFO = {
  vcpu_info: 0,
  evtchn_pending: 48,
  evtchn_mask: 560,
  wc_version: 1072,
  wc_sec: 1076,
  wc_nsec: 1080,
  wc_sec_hi: 1084,
  size: 1088,
} as const;
/** Ports of the 2-level event-channel ABI on LP64. */
export const EVTCHN_2L_NR_CHANNELS = 4096;
export const EVTCHN_FIFO_NR_CHANNELS = 1 << 17;

/** struct xen_memory_reservation etc. as the sections of xen-ioreq.md name them. */
export const ADD_TO_PHYSMAP = { domid: 0, size: 2, space: 4, idx: 8, gpfn: 16, bytes: 24 } as const;
export const ADD_TO_PHYSMAP_BATCH = {
  domid: 0,
  space: 2,
  size: 4,
  foreign: 6,
  idxs: 8,
  gpfns: 16,
  errs: 24,
  bytes: 32,
} as const;
export const REMOVE_FROM_PHYSMAP = { domid: 0, gpfn: 8, bytes: 16 } as const;
export const ACQUIRE_RESOURCE = {
  domid: 0,
  type: 2,
  id: 4,
  nr_frames: 8,
  pad: 12,
  frame: 16,
  frame_list: 24,
  bytes: 32,
} as const;
export const MEMORY_RESERVATION = {
  extent_start: 0,
  nr_extents: 8,
  extent_order: 16,
  mem_flags: 20,
  domid: 24,
  bytes: 32,
} as const;
export const RESOURCE_TYPE = { ioreq_server: 0, grant_table: 1, vmtrace_buf: 2 } as const;

/**
 * struct xen_domctl with XEN_DOMCTL_getdomaininfo (xen: xen/include/public/domctl.h): 16 bytes of header, then the answer of
 * which only what the tools here read is named. The interface version is that of Xen 4.17.
 */
export const DOMCTL = {
  getdomaininfo: 5,
  version: 0x15,
  cmd: 0,
  interface_version: 4,
  domain: 8,
  info_domain: 16,
  info_flags: 20,
  tot_pages: 24,
  max_pages: 32,
  nr_online_vcpus: 80,
  max_vcpu_id: 84,
  bytes: 144,
} as const;
