/** virtio-blk (virtio 1.2, 5.2): features, configuration and requests as plain data; no queue walking, no I/O of its own. */
import type { Segment } from './queue.js';
import { VIRTIO_F_ACCESS_PLATFORM, VIRTIO_F_EVENT_IDX, VIRTIO_F_VERSION_1, type VirtioClass } from './mmio.js';
import { SECTOR, type Disk } from './disk.js';

const F_SEG_MAX = 2;
const F_RO = 5;
const F_FLUSH = 9;
const F_INDIRECT_DESC = 28;
const SEG_MAX = 254;

export const BLK_T_IN = 0;
export const BLK_T_OUT = 1;
export const BLK_T_FLUSH = 4;
export const BLK_T_GET_ID = 8;
export const BLK_S_OK = 0;
export const BLK_S_IOERR = 1;
export const BLK_S_UNSUPP = 2;
export const BLK_ID_BYTES = 20;
/** struct virtio_blk_req: type u32 @0, reserved u32 @4, sector u64 @8. */
export const BLK_HEADER_BYTES = 16;

const bit = (n: number): bigint => 1n << BigInt(n);

/** The class part of the transport for a disk. */
export function blkClass(disk: Disk): VirtioClass {
  const config = new Uint8Array(0x100);
  const view = new DataView(config.buffer);
  view.setBigUint64(0x00, BigInt(disk.bytes / SECTOR), true);
  view.setUint32(0x0c, SEG_MAX, true);
  let features = bit(VIRTIO_F_VERSION_1) | bit(VIRTIO_F_ACCESS_PLATFORM) | bit(F_SEG_MAX) | bit(F_FLUSH) | bit(F_INDIRECT_DESC) | bit(VIRTIO_F_EVENT_IDX);
  if (disk.readOnly) features |= bit(F_RO);
  return { deviceId: 2, features, config };
}

export interface BlkRequest {
  readonly type: number;
  readonly sector: bigint;
  /** Data segments, in order. */
  readonly data: readonly Segment[];
  readonly status: Segment;
}

/** Splits a chain into header, data and status; undefined when its shape is not a request's. */
export function parseBlkRequest(segments: readonly Segment[], header: Uint8Array): BlkRequest | undefined {
  const status = segments.at(-1);
  if (segments.length < 2 || status === undefined || !status.writable || status.length < 1) return undefined;
  if (header.length < BLK_HEADER_BYTES) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  return { type: view.getUint32(0, true), sector: view.getBigUint64(8, true), data: segments.slice(1, -1), status };
}

/** Bytes of data that a request moves. */
export function blkBytes(request: BlkRequest): number {
  return request.data.reduce((sum, s) => sum + s.length, 0);
}

/** Largest single transfer that is accepted: bounds what one request can make the backend hold. */
const MAX_TRANSFER = 32 << 20;

export interface BlkOutcome {
  readonly status: number;
  /** Bytes put into device-writable data segments. */
  readonly written: number;
  /** Data for the guest, in segment order, when status is OK. */
  readonly data: Uint8Array | undefined;
}

const failed = (status: number): BlkOutcome => ({ status, written: 0, data: undefined });

/** Carries a request out on the disk. `source` is the data of an OUT request. */
export function performBlk(disk: Disk, id: string, request: BlkRequest, source: Uint8Array): BlkOutcome {
  const bytes = blkBytes(request);
  const offset = Number(request.sector) * SECTOR;
  const inRange = request.sector < 1n << 44n && bytes % SECTOR === 0 && bytes <= MAX_TRANSFER && offset + bytes <= disk.bytes;
  switch (request.type) {
    case BLK_T_IN: {
      if (!inRange || request.data.some((s) => !s.writable)) return failed(BLK_S_IOERR);
      const data = new Uint8Array(bytes);
      return disk.read(offset, data) ? { status: BLK_S_OK, written: bytes, data } : failed(BLK_S_IOERR);
    }
    case BLK_T_OUT:
      if (!inRange || disk.readOnly || request.data.some((s) => s.writable) || source.length !== bytes) return failed(BLK_S_IOERR);
      return disk.write(offset, source) ? { status: BLK_S_OK, written: 0, data: undefined } : failed(BLK_S_IOERR);
    case BLK_T_FLUSH:
      return disk.flush() ? { status: BLK_S_OK, written: 0, data: undefined } : failed(BLK_S_IOERR);
    case BLK_T_GET_ID: {
      const data = new Uint8Array(Math.min(bytes, BLK_ID_BYTES));
      data.set(new TextEncoder().encode(id).subarray(0, data.length));
      return { status: BLK_S_OK, written: data.length, data };
    }
    default:
      return failed(BLK_S_UNSUPP);
  }
}
