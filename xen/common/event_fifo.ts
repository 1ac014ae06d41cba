/**
 * The FIFO event-channel ABI (xen: xen/common/event_fifo.c, xen/include/public/event_channel.h): one word per port, linked
 * into sixteen priority queues whose heads are in the vCPU's control block. Tails are Xen's own.
 */
import type { Domain, Vcpu } from './domain.js';
import type { Channel, PortOps } from './event_channel.js';
import { markEventsPending } from './event_2l.js';
import type { Xen } from './xen.js';

const PENDING = 0x8000_0000;
const MASKED = 0x4000_0000;
const LINKED = 0x2000_0000;
const LINK_MASK = (1 << 17) - 1;
const WORDS_PER_PAGE = 1024;
/** Control block: ready u32 @0, reserved u32 @4, head u32[16] @8. */
const HEAD = 8;
export const FIFO_QUEUES = 16;

/** Per-domain FIFO state; addresses are SoC physical. */
export class FifoState {
  readonly arrayPages: number[] = [];
  readonly controlBlock: (number | undefined)[];
  /** Tail port of each vCPU's queues, 0 = empty. */
  readonly tails: number[][];

  constructor(vcpus: number) {
    this.controlBlock = new Array<number | undefined>(vcpus).fill(undefined);
    this.tails = Array.from({ length: vcpus }, () => new Array<number>(FIFO_QUEUES).fill(0));
  }

  save(): unknown {
    return {
      arrayPages: [...this.arrayPages],
      controlBlock: this.controlBlock.map((pa) => pa ?? null),
      tails: this.tails.map((t) => [...t]),
    };
  }

  static restore(state: unknown): FifoState {
    const s = state as { arrayPages: number[]; controlBlock: (number | null)[]; tails: number[][] };
    const fifo = new FifoState(s.controlBlock.length);
    fifo.arrayPages.push(...s.arrayPages);
    s.controlBlock.forEach((pa, i) => (fifo.controlBlock[i] = pa ?? undefined));
    s.tails.forEach((t, i) => (fifo.tails[i] = [...t]));
    return fifo;
  }
}

function wordPa(fifo: FifoState, port: number): number | undefined {
  const page = fifo.arrayPages[Math.floor(port / WORDS_PER_PAGE)];
  return page === undefined ? undefined : page + (port % WORDS_PER_PAGE) * 4;
}

function readWord(xen: Xen, d: Domain, port: number): number | undefined {
  const pa = d.evtchn.fifo === undefined ? undefined : wordPa(d.evtchn.fifo, port);
  return pa === undefined ? undefined : xen.memory.read32(pa);
}

/** Appends `port` behind the tail if the tail is still linked in the guest's queue (xen: evtchn_fifo_set_link). */
function linkBehind(xen: Xen, fifo: FifoState, tail: number, port: number): boolean {
  const pa = wordPa(fifo, tail);
  if (pa === undefined) return false;
  const word = xen.memory.read32(pa);
  if ((word & LINKED) === 0) return false;
  xen.memory.write32(pa, ((word & ~LINK_MASK) | port) >>> 0);
  return true;
}

function link(xen: Xen, d: Domain, v: Vcpu, ch: Channel, pa: number): void {
  const fifo = d.evtchn.fifo!;
  const block = fifo.controlBlock[v.id];
  const tails = fifo.tails[v.id];
  // A vCPU without a control block may not have unmasked ports: the event stays PENDING, unlinked, as upstream.
  if (block === undefined || tails === undefined) return;
  const word = xen.memory.read32(pa);
  xen.memory.write32(pa, ((word & ~LINK_MASK) | LINKED) >>> 0);
  // As the tail of the queue it was last in it would seem linked there: that queue is empty.
  const oldTails = fifo.tails[ch.lastVcpu];
  if (oldTails?.[ch.lastPriority] === ch.port) oldTails[ch.lastPriority] = 0;
  const tail = tails[ch.priority]!;
  const linked = tail !== 0 && linkBehind(xen, fifo, tail, ch.port);
  if (!linked) xen.memory.write32(block + HEAD + ch.priority * 4, ch.port);
  tails[ch.priority] = ch.port;
  ch.lastVcpu = v.id;
  ch.lastPriority = ch.priority;
  if (linked) return;
  const ready = xen.memory.read32(block);
  if ((ready & (1 << ch.priority)) !== 0) return;
  xen.memory.write32(block, (ready | (1 << ch.priority)) >>> 0);
  markEventsPending(xen, v);
}

export const eventFifo: PortOps = {
  setPending(xen: Xen, d: Domain, v: Vcpu, ch: Channel): void {
    const pa = wordPa(d.evtchn.fifo!, ch.port);
    if (pa === undefined) {
      ch.pending = true; // the guest has not added the page yet; expand_array shows it
      return;
    }
    const word = xen.memory.read32(pa);
    xen.memory.write32(pa, (word | PENDING) >>> 0);
    if ((word & (MASKED | LINKED)) === 0) link(xen, d, v, ch, pa);
  },
  clearPending(xen: Xen, d: Domain, ch: Channel): void {
    ch.pending = false;
    const pa = wordPa(d.evtchn.fifo!, ch.port);
    // Only PENDING goes: the guest unlinks the port when it meets it in the queue.
    if (pa !== undefined) xen.memory.write32(pa, (xen.memory.read32(pa) & ~PENDING) >>> 0);
  },
  unmask(xen: Xen, d: Domain, ch: Channel): void {
    const pa = wordPa(d.evtchn.fifo!, ch.port);
    const v = d.vcpus[ch.notifyVcpu];
    if (pa === undefined || v === undefined) return;
    const word = (xen.memory.read32(pa) & ~MASKED) >>> 0;
    xen.memory.write32(pa, word);
    if ((word & PENDING) !== 0 && (word & LINKED) === 0) link(xen, d, v, ch, pa);
  },
  isPending: (xen: Xen, d: Domain, port: number): boolean => ((readWord(xen, d, port) ?? 0) & PENDING) !== 0,
  isMasked: (xen: Xen, d: Domain, port: number): boolean => ((readWord(xen, d, port) ?? MASKED) & MASKED) !== 0,
  isBusy: (xen: Xen, d: Domain, port: number): boolean => ((readWord(xen, d, port) ?? 0) & LINKED) !== 0,
};
