/** One virtio disk of a backend process: the register page, the rings it has mapped, and its disk thread. */
import { MappedPages, pageOf, type UnpopulatedSpace } from '../../xen/tools/libs/foreignmemory.js';
import type { TimedEvent } from '../../xen/tools/libs/timer.js';
import { blkClass, type BlkOptions } from '../virtio/blk.js';
import type { Disk } from '../virtio/disk.js';
import { QUEUE_NOTIFY, VirtioMmio, registerName, type Effect, type MmioVersion } from '../virtio/mmio.js';
import { Exposure } from './exposure.js';
import { GuestPages } from './guest_pages.js';
import { IoThread } from './io_thread.js';
import type { DomdProgram } from './program.js';

/** Bytes of a device's window. */
export const WINDOW = 0x200;

export interface DiskDeviceOptions {
  /** The name of the disk in reports: guest and vdev. */
  readonly id: string;
  /** The image path in xenstore that this device stands for (`params`). */
  readonly params: string;
  readonly disk: Disk;
  readonly space: UnpopulatedSpace;
  /** False: the device of that domain and id is somebody else's, although its path is the same. */
  readonly serves?: (domid: number, devid: string) => boolean;
  /** Event that ends the disk's service time. */
  readonly diskEvent: (handler: () => void) => TimedEvent;
  readonly warn: (line: string) => void;
  readonly blk?: BlkOptions;
  readonly mmio?: MmioVersion;
}

/** Where a device is in its guest. */
export interface Attachment {
  base: number;
  irq: number;
  backendPath: string;
  frontendPath: string;
  devid: string;
}

/** What a disk's thread and queue stand at. */
export interface DiskStatus {
  readonly id: string;
  /** SPI of the guest. */
  readonly irq: number;
  /** Where the disk's thread is; `sleep`: it waits for a kick. */
  readonly thread: string;
  /** The device's Status and InterruptStatus registers. */
  readonly status: number;
  readonly interruptStatus: number;
  /** Requests that the driver has made available and the device has not taken; taken and not completed. */
  readonly waiting: number;
  readonly taken: number;
}

export class DiskDevice {
  readonly device: VirtioMmio;
  /** Register accesses served, for all guests so far. */
  accesses = 0;
  /** Of the guest's memory, over all guests so far. */
  readonly exposure: Exposure;
  at: Attachment = { base: 0, irq: 0, backendPath: '', frontendPath: '', devid: '' };
  readonly #pages: GuestPages;
  readonly #rings: MappedPages;
  readonly #io: IoThread;
  readonly #diskEvent: TimedEvent;
  /** What the trace's counter says. */
  #depth = 0;

  constructor(
    private readonly program: DomdProgram,
    readonly options: DiskDeviceOptions,
  ) {
    const { caller } = program;
    this.device = new VirtioMmio(blkClass(options.disk, options.blk), options.mmio);
    this.exposure = new Exposure(caller);
    this.#pages = new GuestPages(caller, options.space, this.exposure);
    this.#rings = new MappedPages(caller, (page) => this.exposure.touch(page));
    this.#diskEvent = options.diskEvent(() => {
      caller.xen.traceSpan(options.id);
      this.#io.diskDone();
      caller.xen.unblock(caller.vcpu);
    });
    const start = (cost: string, bytes: number): void => this.#startDisk(cost, bytes);
    this.#io = new IoThread(
      caller,
      this.#pages,
      this.device,
      options.disk,
      options.id,
      this.#rings,
      start,
      options.warn,
      options.blk,
      (page) => this.exposure.touch(page),
    );
  }

  #startDisk(cost: string, bytes: number): void {
    const { xen } = this.program.caller;
    const service = xen.costTicks(cost) + xen.costTicks('disk.transfer', bytes);
    this.#diskEvent.scheduleAt(xen.clock.now() + service);
    xen.traceSpan(this.options.id, cost.slice(cost.indexOf('.') + 1), bytes);
  }

  /** The disk thread has something to do. */
  get runnable(): boolean {
    return this.#io.runnable;
  }

  /** Looks without charging or changing anything. */
  look(): DiskStatus {
    const { queue, status, interruptStatus } = this.device;
    const { id } = this.options;
    const waiting = queue.ready ? queue.waiting(this.#rings) : 0;
    const taken = (queue.lastAvail - queue.usedIndex) & 0xffff;
    return { id, irq: this.at.irq, thread: this.#io.phase, status, interruptStatus, waiting, taken };
  }

  step(domid: number): void {
    this.#io.step({ domid, irq: this.at.irq });
    this.#traceDepth();
  }

  covers(address: number): boolean {
    return address >= this.at.base && address < this.at.base + WINDOW;
  }

  /** Whether a store there is a queue notification. */
  isKick(address: number): boolean {
    return address === this.at.base + QUEUE_NOTIFY;
  }

  /** A register access of the guest; the data of a read, or null. */
  access(domid: number, address: number, size: number, read: boolean, data: bigint): bigint | null {
    this.accesses++;
    const offset = address - this.at.base;
    if (read) return this.device.read(offset, size);
    this.#effect(domid, this.device.write(offset, size, data));
    return null;
  }

  #effect(domid: number, effect: Effect): void {
    if (effect === 'notify') {
      this.#io.kick();
      this.#traceDepth();
    }
    if (effect === 'queue-ready') this.#mapRings(domid);
    else if (effect === 'queue-stop') this.stopQueue();
  }

  /** QueueReady = 1 maps one page each of desc, avail and used (golden-libxl.md 5). */
  #mapRings(domid: number): void {
    const { caller } = this.program;
    const { desc, avail, used } = this.device.queue;
    for (const gpa of [desc, avail, used]) {
      const page = pageOf(gpa);
      if (page !== undefined && this.#rings.pages.has(page)) continue;
      caller.charge('domd.mapCall');
      const own = page === undefined ? -22 : this.#pages.map(domid, { page, writable: true });
      if (own < 0) {
        caller.xen.errors.report('ring-not-mapped', this.options.id, `0x${gpa.toString(16)}: ${own}`);
        this.device.needsReset();
        return;
      }
      this.#rings.pages.set(page!, own);
    }
  }

  stopQueue(): void {
    this.#io.stop();
    if (this.#diskEvent.when !== undefined) this.program.caller.xen.traceSpan(this.options.id);
    this.#diskEvent.cancel();
    for (const own of this.#rings.pages.values()) {
      this.program.caller.charge('domd.unmapCall');
      this.#pages.unmap(own);
    }
    this.#rings.pages.clear();
    this.#pages.forget();
  }

  /** A counter of the trace: requests that the driver waits for. Written when it changes. */
  #traceDepth(): void {
    const { queue } = this.device;
    const depth = queue.ready ? queue.waiting(this.#rings) + ((queue.lastAvail - queue.usedIndex) & 0xffff) : 0;
    if (depth === this.#depth) return;
    this.#depth = depth;
    this.program.caller.xen.traceCounter('queue depth', this.options.id, depth);
  }

  /** Register name of an address in this device's window, for reports. */
  registerAt(address: number): string | undefined {
    return this.covers(address) ? registerName(address - this.at.base) : undefined;
  }

  save(): unknown {
    return {
      device: this.device.save(),
      accesses: this.accesses,
      depth: this.#depth,
      at: { ...this.at },
      pages: this.#pages.save(),
      exposure: this.exposure.save(),
      rings: [...this.#rings.pages],
      io: this.#io.save(),
      disk: this.options.disk.save(),
    };
  }

  load(state: unknown): void {
    type Saved = {
      device: unknown;
      accesses: number;
      depth: number;
      at: Attachment;
      pages: unknown;
      exposure: unknown;
      rings: [number, number][];
      io: unknown;
      disk: unknown;
    };
    const s = state as Saved;
    this.device.load(s.device);
    this.accesses = s.accesses;
    this.#depth = s.depth;
    this.at = { ...s.at };
    this.#pages.load(s.pages);
    this.exposure.load(s.exposure);
    this.#rings.pages.clear();
    for (const [page, own] of s.rings) this.#rings.pages.set(page, own);
    this.#io.load(s.io);
    this.options.disk.load(s.disk);
  }
}
