/** virtio-blk (virtio 1.2, 5.2): features, configuration and requests as plain data; no queue walking, no I/O of its own. */
import type { Segment } from './queue.js';
import { VIRTIO_F_ACCESS_PLATFORM, VIRTIO_F_EVENT_IDX, VIRTIO_F_VERSION_1, type VirtioClass } from './mmio.js';
import {
  BLK_F_DISCARD,
  BLK_F_WRITE_ZEROES,
  BLK_T_DISCARD,
  BLK_T_WRITE_ZEROES,
  discardOrZero,
  writeDiscardConfig,
} from './blk-discard.js';
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

/** What a disk offers beyond the usual. */
export interface BlkOptions {
  /** DISCARD and WRITE_ZEROES; never on a read-only disk. */
  readonly discard?: boolean;
}

/** The class part of the transport for a disk. */
export function blkClass(disk: Disk, options: BlkOptions = {}): VirtioClass {
  const config = new Uint8Array(0x100);
  const view = new DataView(config.buffer);
  view.setBigUint64(0x00, BigInt(disk.bytes / SECTOR), true);
  view.setUint32(0x0c, SEG_MAX, true);
  let features =
    bit(VIRTIO_F_VERSION_1) |
    bit(VIRTIO_F_ACCESS_PLATFORM) |
    bit(F_SEG_MAX) |
    bit(F_FLUSH) |
    bit(F_INDIRECT_DESC) |
    bit(VIRTIO_F_EVENT_IDX);
  if (disk.readOnly) features |= bit(F_RO);
  else if (options.discard === true) {
    features |= bit(BLK_F_DISCARD) | bit(BLK_F_WRITE_ZEROES);
    writeDiscardConfig(view);
  }
  return { deviceId: 2, features, config };
}

/** The parts of a request's chain, however it is cut into descriptors (virtio 1.2, 2.7.4). */
export interface BlkParts {
  readonly header: readonly Segment[];
  /** Device-readable and device-writable data, in order. */
  readonly out: readonly Segment[];
  readonly in: readonly Segment[];
  /** One byte. */
  readonly status: Segment;
}

export interface BlkRequest extends BlkParts {
  readonly type: number;
  readonly sector: bigint;
}

export const segmentBytes = (segments: readonly Segment[]): number => segments.reduce((sum, s) => sum + s.length, 0);

/** Bytes [from, from + length) of what segments hold together. */
function cut(segments: readonly Segment[], from: number, length: number): Segment[] {
  const parts: Segment[] = [];
  let at = 0;
  for (const s of segments) {
    const start = Math.max(from - at, 0);
    const end = Math.min(from + length - at, s.length);
    if (end > start) parts.push({ gpa: s.gpa + BigInt(start), length: end - start, writable: s.writable });
    at += s.length;
  }
  return parts;
}

/** Finds header, data and status; undefined when the chain has no room for a header or a status. */
export function splitBlk(segments: readonly Segment[]): BlkParts | undefined {
  const readable = segments.filter((s) => !s.writable);
  const writable = segments.filter((s) => s.writable);
  const [given, taken] = [segmentBytes(readable), segmentBytes(writable)];
  const status = taken < 1 ? undefined : cut(writable, taken - 1, 1)[0];
  if (given < BLK_HEADER_BYTES || status === undefined) return undefined;
  return {
    header: cut(readable, 0, BLK_HEADER_BYTES),
    out: cut(readable, BLK_HEADER_BYTES, given - BLK_HEADER_BYTES),
    in: cut(writable, 0, taken - 1),
    status,
  };
}

/** The request, with the 16 bytes that its header holds. */
export function parseBlk(parts: BlkParts, header: Uint8Array): BlkRequest {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  return { ...parts, type: view.getUint32(0, true), sector: view.getBigUint64(8, true) };
}

/** True for requests whose data the device reads. */
export function blkTakesData(type: number): boolean {
  return type === BLK_T_OUT || type === BLK_T_DISCARD || type === BLK_T_WRITE_ZEROES;
}

/** Data that a request moves: to the disk, or from it. */
export function blkData(request: BlkRequest): readonly Segment[] {
  return blkTakesData(request.type) ? request.out : request.in;
}

/** Largest single transfer that is accepted: bounds what one request can make the backend hold. */
const MAX_TRANSFER = 32 << 20;

export interface BlkOutcome {
  readonly status: number;
  /** Bytes put into device-writable data segments. */
  readonly written: number;
  /** Data for the guest, in segment order, when status is OK. */
  readonly data: Uint8Array | undefined;
  /** The disk itself failed; it says how. */
  readonly hostError: boolean;
}

const failed = (status: number): BlkOutcome => ({ status, written: 0, data: undefined, hostError: false });
const HOST_FAILED: BlkOutcome = { status: BLK_S_IOERR, written: 0, data: undefined, hostError: true };
const done = (data?: Uint8Array): BlkOutcome => ({
  status: BLK_S_OK,
  written: data?.length ?? 0,
  data,
  hostError: false,
});

/** Carries a request out on the disk. `source` is the data of a request that takes some. */
export function performBlk(
  disk: Disk,
  id: string,
  request: BlkRequest,
  source: Uint8Array,
  options: BlkOptions = {},
): BlkOutcome {
  const bytes = segmentBytes(blkData(request));
  const offset = Number(request.sector) * SECTOR;
  const inRange =
    request.sector < 1n << 44n && bytes % SECTOR === 0 && bytes <= MAX_TRANSFER && offset + bytes <= disk.bytes;
  switch (request.type) {
    case BLK_T_IN: {
      if (!inRange || request.out.length > 0) return failed(BLK_S_IOERR);
      const data = new Uint8Array(bytes);
      return disk.read(offset, data) ? done(data) : HOST_FAILED;
    }
    case BLK_T_OUT:
      if (!inRange || disk.readOnly || request.in.length > 0 || source.length !== bytes) return failed(BLK_S_IOERR);
      return disk.write(offset, source) ? done() : HOST_FAILED;
    case BLK_T_FLUSH:
      return disk.flush() ? done() : HOST_FAILED;
    case BLK_T_GET_ID: {
      const data = new Uint8Array(Math.min(bytes, BLK_ID_BYTES));
      data.set(new TextEncoder().encode(id).subarray(0, data.length));
      return done(data);
    }
    case BLK_T_DISCARD:
    case BLK_T_WRITE_ZEROES: {
      if (options.discard !== true || disk.readOnly) return failed(BLK_S_UNSUPP);
      if (request.in.length > 0) return failed(BLK_S_IOERR);
      const outcome = discardOrZero(disk, request.type, source);
      if (outcome === 'failed') return HOST_FAILED;
      return outcome === 'done' ? done() : failed(outcome === 'unsupported' ? BLK_S_UNSUPP : BLK_S_IOERR);
    }
    default:
      return failed(BLK_S_UNSUPP);
  }
}
