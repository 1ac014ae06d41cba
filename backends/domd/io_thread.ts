/**
 * The disk thread of a backend process: takes requests from the queue, maps each descriptor's pages, does the I/O, puts
 * the used element, unmaps, interrupts. One explicit step at a time.
 */
import {
  BLK_S_IOERR,
  BLK_T_FLUSH,
  blkData,
  blkTakesData,
  parseBlk,
  performBlk,
  segmentBytes,
  splitBlk,
  type BlkOptions,
  type BlkRequest,
} from '../virtio/blk.js';
import type { Disk } from '../virtio/disk.js';
import { INTERRUPT_USED, type VirtioMmio } from '../virtio/mmio.js';
import { isFinding, type Chain, type Finding, type Segment } from '../virtio/queue.js';
import { MappedPages } from '../../xen/tools/libs/foreignmemory.js';
import { baselineOf } from '../../xen/tools/libs/baseline.js';
import { setIrqLevel } from '../../xen/tools/libs/devicemodel.js';
import type { Caller } from '../../xen/tools/libs/caller.js';
import { MIXED_ADDRESSES, pagesOf, type GuestPages, type WantedPage } from './guest_pages.js';

/** Segments of one request: the ring's 256 descriptors bound it. */
const MAX_PAGES = 16_384;
const PAGE = 4096;

export interface IoTarget {
  readonly domid: number;
  readonly irq: number;
}

type Phase =
  'sleep' | 'woken' | 'pop' | 'map-table' | 'unmap-table' | 'map' | 'io' | 'disk' | 'complete' | 'unmap' | 'irq';

interface Work {
  head: number;
  segments: Segment[];
  /** Pages still to be mapped. */
  pages: WantedPage[];
  /** Mappings still to be undone, the oldest first. */
  unmaps: number;
  table: Segment | undefined;
  request: BlkRequest | undefined;
}

export class IoThread {
  phase: Phase = 'sleep';
  kicked = false;
  /** What is mapped, in order: a frame that two descriptors touch is mapped for each. */
  #maps: { gfn: number; own: number }[] = [];
  /** One mapping of each frame, for access. */
  readonly #mapped: MappedPages;
  #work: Work | undefined;
  /** The last failure of the host that the user was told of. */
  #warned = '';

  constructor(
    private readonly caller: Caller,
    private readonly pages: GuestPages,
    private readonly device: VirtioMmio,
    private readonly disk: Disk,
    private readonly id: string,
    private readonly rings: MappedPages,
    /** Sleeps for the disk's service time: the event calls diskDone. */
    private readonly startDisk: (cost: string, bytes: number) => void,
    private readonly warn: (line: string) => void,
    private readonly blk: BlkOptions = {},
    touch?: (page: number) => void,
  ) {
    this.#mapped = new MappedPages(caller, touch);
  }

  /** The main thread's eventfd write. */
  kick(): void {
    this.kicked = true;
    if (this.phase === 'sleep') this.phase = 'woken';
  }

  diskDone(): void {
    if (this.phase === 'disk') this.phase = 'complete';
  }

  get runnable(): boolean {
    return this.phase !== 'sleep' && this.phase !== 'disk';
  }

  /** Drops what is in flight when the queue is stopped; pages are unmapped by the process. */
  stop(): void {
    for (const { own } of this.#maps) this.pages.unmap(own);
    this.#maps = [];
    this.#mapped.pages.clear();
    this.#work = undefined;
    this.phase = 'sleep';
    this.kicked = false;
  }

  step(target: IoTarget): void {
    switch (this.phase) {
      case 'woken':
        this.caller.charge('domd.userWake');
        this.phase = 'pop';
        return;
      case 'pop':
        return this.#pop(target);
      case 'map-table':
        return this.#mapNext(target, () => this.#readTable(target));
      case 'unmap-table':
        return this.#unmapNext(() => (this.phase = 'io'));
      case 'map':
        return this.#mapNext(target, () => this.#mappedAll());
      case 'io':
        return this.#io(target);
      case 'complete':
        return this.#complete(target);
      case 'unmap':
        return this.#unmapNext(() => (this.phase = 'irq'));
      case 'irq':
        return this.#interrupt(target);
      default:
        return;
    }
  }

  #pop(target: IoTarget): void {
    this.caller.charge('domd.queueWork');
    const got = this.device.queue.pop(this.rings);
    if (got === 'empty') {
      this.phase = 'sleep';
      this.kicked = false;
      return;
    }
    if (isFinding(got)) return this.#broken(got, target);
    this.#work = { head: got.head, segments: [], pages: [], unmaps: 0, table: undefined, request: undefined };
    this.#take(this.device.queue.chain(this.rings, got.head), target);
  }

  #take(chain: Chain | Finding, target: IoTarget): void {
    const work = this.#work!;
    if (isFinding(chain)) return this.#broken(chain, target);
    if (chain.table !== undefined) {
      work.table = chain.table;
      work.segments = [...chain.segments];
      work.pages = pagesOf([chain.table], MAX_PAGES);
      this.caller.charge('domd.mapCall');
      this.phase = 'map-table';
      return;
    }
    work.segments = [...chain.segments];
    // What lies where no page can be has a length all the same.
    if (segmentBytes(work.segments) > MAX_PAGES * PAGE) return this.#broken('request-too-large', target);
    work.pages = pagesOf(work.segments, MAX_PAGES);
    if (work.pages.length > MAX_PAGES) return this.#broken('request-too-large', target);
    // What is mapped now is the table: it stays until the walk over it has mapped every descriptor.
    work.unmaps = this.#maps.length;
    this.caller.charge('domd.mapCall', work.segments.length);
    this.phase = 'map';
  }

  #mappedAll(): void {
    if (this.#work!.unmaps === 0) return void (this.phase = 'io');
    this.caller.charge('domd.unmapCall');
    this.phase = 'unmap-table';
  }

  #mapNext(target: IoTarget, done: () => void): void {
    const work = this.#work!;
    const wanted = work.pages.shift();
    if (wanted === undefined) return void done();
    const { page } = wanted;
    const own = this.pages.map(target.domid, wanted);
    if (own >= 0) {
      this.#maps.push({ gfn: page, own });
      this.#mapped.pages.set(page, own);
    } else if (own === MIXED_ADDRESSES) this.#broken('mixed-addresses', target);
    else
      this.caller.xen.errors.report(
        'backend-map',
        this.caller.domain.name,
        `page 0x${page.toString(16)} of d${target.domid}: ${own}`,
      );
  }

  #unmapNext(done: () => void): void {
    const work = this.#work!;
    const map = work.unmaps === 0 ? undefined : this.#maps.shift();
    if (map === undefined) return void done();
    work.unmaps--;
    // A younger mapping of the same frame has taken its place already.
    if (this.#mapped.pages.get(map.gfn) === map.own) this.#mapped.pages.delete(map.gfn);
    this.pages.unmap(map.own);
  }

  #readTable(target: IoTarget): void {
    const { table, segments } = this.#work!;
    const bytes = this.#mapped.read(table!.gpa, table!.length);
    this.caller.charge('domd.queueWork');
    this.#take(bytes === undefined ? 'buffer-not-mapped' : this.device.queue.indirect(bytes, segments), target);
  }

  #io(target: IoTarget): void {
    const work = this.#work!;
    const parts = splitBlk(work.segments);
    if (parts === undefined) return this.#broken('request-malformed', target);
    const header = this.#gather(parts.header);
    if (header === undefined) return this.#broken('buffer-not-mapped', target);
    const request = parseBlk(parts, header);
    work.request = request;
    this.caller.charge('domd.syscall');
    this.phase = 'disk';
    this.startDisk(
      blkTakesData(request.type) ? 'disk.write' : request.type === BLK_T_FLUSH ? 'disk.flush' : 'disk.read',
      segmentBytes(blkData(request)),
    );
  }

  /** The disk's service time is over: only now does the transfer become visible. */
  #transfer(request: BlkRequest): { status: number; written: number } {
    const failed = { status: BLK_S_IOERR, written: 0 };
    this.caller.charge('domd.copy', 1, segmentBytes(blkData(request)));
    const source = blkTakesData(request.type) ? this.#gather(request.out) : new Uint8Array(0);
    if (source === undefined) return failed;
    const outcome = performBlk(this.disk, this.id, request, source, this.blk);
    if (outcome.hostError) this.#hostError();
    if (outcome.data !== undefined && !this.#scatter(request.in, outcome.data)) return failed;
    return outcome;
  }

  /** One line for each kind of failure, not for each request. */
  #hostError(): void {
    const { lastError = 'disk error' } = this.disk;
    if (lastError !== this.#warned) this.warn(lastError);
    this.#warned = lastError;
  }

  #gather(data: readonly Segment[]): Uint8Array | undefined {
    const out = new Uint8Array(segmentBytes(data));
    let at = 0;
    for (const s of data) {
      const bytes = this.#mapped.read(s.gpa, s.length);
      if (bytes === undefined) return undefined;
      out.set(bytes, at);
      at += s.length;
    }
    return out;
  }

  /** False when not all of it could be put where the guest wants it. */
  #scatter(data: readonly Segment[], bytes: Uint8Array): boolean {
    let at = 0;
    for (const s of data) {
      if (!this.#mapped.write(s.gpa, bytes.subarray(at, at + s.length))) return false;
      at += s.length;
    }
    return true;
  }

  #complete(target: IoTarget): void {
    const { head, request } = this.#work!;
    const outcome = this.#transfer(request!);
    this.caller.charge('domd.queueWork');
    if (!this.#mapped.write(request!.status.gpa, Uint8Array.of(outcome.status)))
      return this.#broken('buffer-not-mapped', target);
    if (!this.device.queue.push(this.rings, head, outcome.written)) return this.#broken('ring-not-mapped', target);
    this.#work!.unmaps = this.#maps.length;
    this.caller.charge('domd.unmapCall', this.#work!.segments.length);
    this.phase = 'unmap';
  }

  #interrupt(target: IoTarget): void {
    if (this.device.queue.wantsInterrupt(this.rings)) {
      this.device.interruptStatus |= INTERRUPT_USED;
      this.#raise(target);
    }
    this.#work = undefined;
    this.phase = 'pop';
  }

  /** One edge. Early backends followed it with level 0, which does nothing on Arm (xen-ioreq.md 8.6). */
  #raise({ domid, irq }: IoTarget): void {
    setIrqLevel(this.caller, domid, irq, 1);
    if (baselineOf(this.caller.xen).earlyBackend) setIrqLevel(this.caller, domid, irq, 0);
  }

  /** A finding: the device asks for a reset and tells the driver; what was mapped goes. */
  #broken(finding: Finding, target: IoTarget): void {
    this.caller.xen.errors.report(finding, this.id, `d${target.domid}, head ${this.#work?.head ?? '-'}`);
    this.stop();
    if (this.device.needsReset()) this.#raise(target);
  }

  save(): unknown {
    const w = this.#work;
    const packed = (s: Segment): unknown => ({ gpa: String(s.gpa), length: s.length, writable: s.writable });
    return {
      phase: this.phase,
      kicked: this.kicked,
      maps: this.#maps.map((m) => ({ ...m })),
      work:
        w === undefined
          ? null
          : {
              head: w.head,
              segments: w.segments.map(packed),
              pages: w.pages,
              unmaps: w.unmaps,
              table: w.table === undefined ? null : packed(w.table),
              request: w.request === undefined ? null : { type: w.request.type, sector: String(w.request.sector) },
            },
    };
  }

  load(state: unknown): void {
    type Packed = { gpa: string; length: number; writable: boolean };
    type SavedWork = {
      head: number;
      segments: Packed[];
      pages: WantedPage[];
      unmaps: number;
      table: Packed | null;
      request: { type: number; sector: string } | null;
    };
    const s = state as { phase: Phase; kicked: boolean; maps: { gfn: number; own: number }[]; work: SavedWork | null };
    const unpacked = (p: Packed): Segment => ({ gpa: BigInt(p.gpa), length: p.length, writable: p.writable });
    this.phase = s.phase;
    this.kicked = s.kicked;
    this.#mapped.pages.clear();
    this.#maps = s.maps.map((m) => ({ ...m }));
    for (const { gfn, own } of this.#maps) this.#mapped.pages.set(gfn, own);
    this.#work = undefined;
    if (s.work === null) return;
    const segments = s.work.segments.map(unpacked);
    this.#work = {
      head: s.work.head,
      segments,
      pages: [...s.work.pages],
      unmaps: s.work.unmaps,
      table: s.work.table === null ? undefined : unpacked(s.work.table),
      request:
        s.work.request === null
          ? undefined
          : { ...splitBlk(segments)!, type: s.work.request.type, sector: BigInt(s.work.request.sector) },
    };
  }
}
