/**
 * The buffered ioreq ring (xen: ioreq_send_buffered in xen/common/ioreq.c; xen-ioreq.md 1.3): Xen puts requests that need
 * no answer into a page of 511 slots, and the emulator takes them out while Xen goes on. Arm has no user of it.
 */
import { BUF_IOREQ, BUF_IOREQ_SLOTS, BUFIOREQ_ATOMIC, BUFIOREQ_PAGE } from '../public/ioreq.js';
import type { IoreqRecord } from './domain.js';

/** The shared page. The emulator may change any of it between two calls. Offsets are bytes. */
export interface BufferedPage {
  read32(offset: number): number;
  write32(offset: number, value: number): void;
  /** One 64-bit compare-exchange; false: the value was not `expected`, and nothing is written. */
  compareExchange64(offset: number, expected: bigint, value: bigint): boolean;
}

/**
 * - `sent`: in the ring; the emulator is to be notified.
 * - `misfit`: an address above 1 MiB, a repeat count or a data pointer, for which a slot has no room.
 * - `refused`: no page, a size that does not exist, or a full ring.
 */
export type BufferedOutcome = 'sent' | 'misfit' | 'refused';

const SIZE_CODES: Readonly<Record<number, number>> = { 1: 0, 2: 1, 4: 2, 8: 3 };
const ADDRESS_LIMIT = 0xf_ffff;

const pair = (read: number, write: number): bigint => (BigInt(write >>> 0) << 32n) | BigInt(read >>> 0);

/** Puts one request into the ring. @param mode LEGACY or ATOMIC; only ATOMIC ever lowers the pointers. */
export function sendBuffered(page: BufferedPage | undefined, mode: number, p: IoreqRecord): BufferedOutcome {
  if (page === undefined) return 'refused';
  if (p.addr > ADDRESS_LIMIT || p.dataIsPtr || p.count !== 1) return 'misfit';
  const code = SIZE_CODES[p.size];
  if (code === undefined) return 'refused';
  // Eight bytes of data take two slots.
  const wide = p.size === 8 ? 1 : 0;
  const write = page.read32(BUFIOREQ_PAGE.write_pointer);
  if ((write - page.read32(BUFIOREQ_PAGE.read_pointer)) >>> 0 >= BUF_IOREQ_SLOTS - wide) return 'refused';
  const word =
    ((p.type & 0xff) |
      ((p.dir & 1) << BUF_IOREQ.dirBit) |
      (code << BUF_IOREQ.sizeShift) |
      (p.addr << BUF_IOREQ.addrShift)) >>>
    0;
  putSlot(page, write, word, Number(p.data & 0xffff_ffffn));
  // The 32-bit pointer of LEGACY mode wraps, and 511 does not divide 2^32: the slot number then jumps, as upstream's does.
  if (wide === 1) putSlot(page, (write + 1) >>> 0, word, Number((p.data >> 32n) & 0xffff_ffffn));
  page.write32(BUFIOREQ_PAGE.write_pointer, (page.read32(BUFIOREQ_PAGE.write_pointer) + 1 + wide) >>> 0);
  if (mode === BUFIOREQ_ATOMIC) canonicalise(page, wide);
  return 'sent';
}

function putSlot(page: BufferedPage, pointer: number, word: number, data: number): void {
  const at = BUFIOREQ_PAGE.slots + (pointer % BUF_IOREQ_SLOTS) * BUF_IOREQ.bytes;
  page.write32(at, word);
  page.write32(at + 4, data);
}

/**
 * Takes multiples of 511 off both pointers at once, so that they never overflow. The emulator moves read_pointer at the
 * same time: a lost exchange is tried again, and the number of tries is bounded, so a hostile one cannot hold Xen.
 * @returns the exchanges that were tried.
 */
export function canonicalise(page: BufferedPage, from = 0): number {
  let tries = 0;
  for (let i = from; i < BUF_IOREQ_SLOTS && page.read32(BUFIOREQ_PAGE.read_pointer) >= BUF_IOREQ_SLOTS; i++) {
    const read = page.read32(BUFIOREQ_PAGE.read_pointer);
    const write = page.read32(BUFIOREQ_PAGE.write_pointer);
    const down = read - (read % BUF_IOREQ_SLOTS);
    page.compareExchange64(BUFIOREQ_PAGE.read_pointer, pair(read, write), pair(read - down, write - down));
    tries++;
  }
  return tries;
}
