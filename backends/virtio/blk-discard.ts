/** DISCARD and WRITE_ZEROES of virtio-blk (virtio 1.2, 5.2.6): the ranges in the request's data, and what is done to the disk. */
import { SECTOR, type Disk } from './disk.js';

export const BLK_T_DISCARD = 11;
export const BLK_T_WRITE_ZEROES = 13;
export const BLK_F_DISCARD = 13;
export const BLK_F_WRITE_ZEROES = 14;
/** struct virtio_blk_discard_write_zeroes: sector u64 @0, num_sectors u32 @8, flags u32 @12 (bit 0: may unmap). */
const RANGE_BYTES = 16;
const FLAG_UNMAP = 1;
/** Limits in the configuration: 32 MiB at a time, in one range. */
export const MAX_RANGE_SECTORS = 65_536;
export const MAX_RANGES = 1;
const CHUNK = 1 << 16;

/** Fields of struct virtio_blk_config that the two features add. */
export function writeDiscardConfig(view: DataView): void {
  for (const [offset, value] of [
    [36, MAX_RANGE_SECTORS], // max_discard_sectors
    [40, MAX_RANGES],
    [44, 1], // discard_sector_alignment
    [48, MAX_RANGE_SECTORS], // max_write_zeroes_sectors
    [52, MAX_RANGES],
  ] as const) {
    view.setUint32(offset, value, true);
  }
  view.setUint8(56, 1); // write_zeroes_may_unmap
}

/** `unsupported`: a flag that the request may not have; `refused`: ranges that are not the disk's; `failed`: the host. */
export type DiscardOutcome = 'done' | 'unsupported' | 'refused' | 'failed';

/** Carries it out. A discarded range keeps its content: what it reads as is not defined. */
export function discardOrZero(disk: Disk, type: number, source: Uint8Array): DiscardOutcome {
  if (
    source.length === 0 ||
    source.length % RANGE_BYTES !== 0 ||
    source.length > RANGE_BYTES * MAX_RANGES ||
    disk.readOnly
  )
    return 'refused';
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  const flags = view.getUint32(12, true);
  if ((flags & ~FLAG_UNMAP) !== 0 || (type === BLK_T_DISCARD && flags !== 0)) return 'unsupported';
  const sector = view.getBigUint64(0, true);
  const sectors = view.getUint32(8, true);
  if (sectors > MAX_RANGE_SECTORS || sector + BigInt(sectors) > BigInt(disk.bytes / SECTOR)) return 'refused';
  if (type === BLK_T_DISCARD) return 'done';
  const zeroes = new Uint8Array(CHUNK);
  const start = Number(sector) * SECTOR;
  for (let at = 0; at < sectors * SECTOR; at += CHUNK) {
    if (!disk.write(start + at, zeroes.subarray(0, Math.min(CHUNK, sectors * SECTOR - at)))) return 'failed';
  }
  return 'done';
}
