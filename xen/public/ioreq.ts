/** The IOREQ ABI: struct ioreq in the shared page, and DM ops (xen: xen/include/public/hvm/{ioreq,dm_op}.h; xen-ioreq.md 1, 2). */
export const IOREQ = {
  addr: 0,
  data: 8,
  count: 16,
  size: 20,
  vp_eport: 24,
  pad: 28,
  bitfield: 30,
  type: 31,
  bytes: 32,
} as const;

/** Byte 30: state in bits 3:0, then data_is_ptr, dir, df. */
export const IOREQ_STATE_MASK = 0x0f;
export const IOREQ_DATA_IS_PTR = 0x10;
export const IOREQ_DIR_READ = 0x20;
export const IOREQ_DF = 0x40;

export const STATE_IOREQ_NONE = 0;
export const STATE_IOREQ_READY = 1;
export const STATE_IOREQ_INPROCESS = 2;
export const STATE_IORESP_READY = 3;

export const IOREQ_TYPE_PIO = 0;
export const IOREQ_TYPE_COPY = 1;
export const IOREQ_TYPE_PCI_CONFIG = 2;
export const IOREQ_TYPE_TIMEOFFSET = 7;
export const IOREQ_TYPE_INVALIDATE = 8;

export const IOREQ_WRITE = 0;
export const IOREQ_READ = 1;

/** struct buffered_iopage: two pointers and 511 slots, exactly one page. */
export const BUFIOREQ_PAGE = { read_pointer: 0, write_pointer: 4, slots: 8, bytes: 4096 } as const;
export const BUF_IOREQ_SLOTS = 511;
/** struct buf_ioreq: type in bits 7:0, pad, dir, size code, address above bit 12; then 32 bits of data. */
export const BUF_IOREQ = { dirBit: 9, sizeShift: 10, addrShift: 12, data: 4, bytes: 8 } as const;

export const BUFIOREQ_OFF = 0;
export const BUFIOREQ_LEGACY = 1;
export const BUFIOREQ_ATOMIC = 2;

export const DMOP = {
  create_ioreq_server: 1,
  get_ioreq_server_info: 2,
  map_io_range_to_ioreq_server: 3,
  unmap_io_range_from_ioreq_server: 4,
  set_ioreq_server_state: 5,
  destroy_ioreq_server: 6,
  track_dirty_vram: 7,
  set_pci_intx_level: 8,
  set_isa_irq_level: 9,
  set_pci_link_route: 10,
  modified_memory: 11,
  set_mem_type: 12,
  inject_event: 13,
  inject_msi: 14,
  map_mem_type_to_ioreq_server: 15,
  remote_shutdown: 16,
  relocate_memory: 17,
  pin_memory_cacheattr: 18,
  set_irq_level: 19,
  nr_vcpus: 20,
} as const;
/** Payload bytes of each op inside the union of struct xen_dm_op, by number (xen-ioreq.md 2.2). Index 0 is unused. */
export const DMOP_PAYLOAD = [0, 6, 24, 24, 24, 4, 4, 16, 6, 2, 2, 8, 16, 24, 16, 16, 4, 24, 24, 8, 4] as const;
/** struct xen_dm_op: op u32 @0, pad u32 @4, union @8; 32 bytes. */
export const DM_OP = { op: 0, pad: 4, payload: 8, bytes: 32 } as const;
export const DM_OP_BUF = { handle: 0, size: 8, bytes: 16 } as const;
export const DMOP_RANGE = { port: 0, memory: 1, pci: 2 } as const;
export const IOREQSRV_FLAG_NO_GFNS = 1;

export const MAX_NR_IOREQ_SERVERS = 8;
export const MAX_NR_IO_RANGES = 256;
export const NR_IO_RANGE_TYPES = 3;
/** Frames of the ioreq-server resource: the buffered page, then the page(s) of struct ioreq. */
export const IOREQ_FRAME_BUFIOREQ = 0;
export const IOREQ_FRAME_IOREQ = 1;
