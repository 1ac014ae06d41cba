/**
 * The virtio-mmio register page (virtio 1.2, 4.2.2; legacy: 4.2.4), with the habits of the virtio-disk backend that real
 * guests meet (xen-ioreq.md 8.6): 32-bit registers only, queue size fixed at 256, config space of 1, 2 or 4 bytes.
 */
import { LegacyQueue } from './mmio-legacy.js';
import { VirtQueue } from './queue.js';

export const VIRTIO_REGISTERS: Readonly<Record<number, string>> = {
  0x000: 'MagicValue',
  0x004: 'Version',
  0x008: 'DeviceID',
  0x00c: 'VendorID',
  0x010: 'DeviceFeatures',
  0x014: 'DeviceFeaturesSel',
  0x020: 'DriverFeatures',
  0x024: 'DriverFeaturesSel',
  0x028: 'GuestPageSize',
  0x030: 'QueueSel',
  0x034: 'QueueNumMax',
  0x038: 'QueueNum',
  0x03c: 'QueueAlign',
  0x040: 'QueuePFN',
  0x044: 'QueueReady',
  0x050: 'QueueNotify',
  0x060: 'InterruptStatus',
  0x064: 'InterruptACK',
  0x070: 'Status',
  0x080: 'QueueDescLow',
  0x084: 'QueueDescHigh',
  0x090: 'QueueDriverLow',
  0x094: 'QueueDriverHigh',
  0x0a0: 'QueueDeviceLow',
  0x0a4: 'QueueDeviceHigh',
  0x0fc: 'ConfigGeneration',
};

export const CONFIG_SPACE = 0x100;
export const QUEUE_SIZE = 256;
export const QUEUE_NOTIFY = 0x050;

const MAGIC = 0x74726976;
const VERSION = 2;
const VENDOR = 0x4d564b4c;

export const STATUS = {
  ACKNOWLEDGE: 1,
  DRIVER: 2,
  DRIVER_OK: 4,
  FEATURES_OK: 8,
  NEEDS_RESET: 64,
  FAILED: 128,
} as const;
const STATUS_BITS = 0xff;
export const INTERRUPT_USED = 1;
export const INTERRUPT_CONFIG = 2;
export const VIRTIO_F_EVENT_IDX = 29;
export const VIRTIO_F_VERSION_1 = 32;
export const VIRTIO_F_ACCESS_PLATFORM = 33;

/** What a device class adds to the transport. */
export interface VirtioClass {
  readonly deviceId: number;
  /** Offered features, 64 bits. */
  readonly features: bigint;
  readonly config: Uint8Array;
}

/** What a register write asks of the process that runs the device. */
export type Effect = 'queue-ready' | 'queue-stop' | 'notify' | undefined;

/** Register names for traces; config space by offset. */
export function registerName(offset: number): string {
  return offset >= CONFIG_SPACE
    ? `Config+${(offset - CONFIG_SPACE).toString(16)}`
    : (VIRTIO_REGISTERS[offset] ?? `0x${offset.toString(16)}`);
}

/** 2, or the legacy interface (virtio 1.2, 4.2.4), which the real backend has with -l. */
export type MmioVersion = 1 | 2;

export class VirtioMmio {
  readonly queue = new VirtQueue(QUEUE_SIZE);
  status = 0;
  interruptStatus = 0;
  driverFeatures = 0n;
  #deviceSel = 0;
  #driverSel = 0;
  #queueSel = 0;
  readonly #legacy: LegacyQueue | undefined;

  constructor(
    readonly device: VirtioClass,
    version: MmioVersion = VERSION,
  ) {
    this.#legacy = version === 1 ? new LegacyQueue() : undefined;
  }

  get version(): MmioVersion {
    return this.#legacy === undefined ? VERSION : 1;
  }

  /** Offered features: the legacy interface has 32 of them, and none of the newer device's. */
  get features(): bigint {
    return this.#legacy === undefined ? this.device.features : this.device.features & 0xffff_ffffn;
  }

  /** A read of `size` bytes; unknown offsets and wrong widths read 0. */
  read(offset: number, size: number): bigint {
    if (offset >= CONFIG_SPACE) return this.#readConfig(offset - CONFIG_SPACE, size);
    return size === 4 ? BigInt(this.#readRegister(offset) >>> 0) : 0n;
  }

  #readConfig(offset: number, size: number): bigint {
    if (size !== 1 && size !== 2 && size !== 4) return 0n;
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.device.config[offset + i] ?? 0);
    return value;
  }

  #readRegister(offset: number): number {
    switch (offset) {
      case 0x000:
        return MAGIC;
      case 0x004:
        return this.version;
      case 0x008:
        return this.device.deviceId;
      case 0x00c:
        return VENDOR;
      case 0x010:
        return this.#deviceSel > 1 ? 0 : Number((this.features >> BigInt(32 * this.#deviceSel)) & 0xffff_ffffn);
      case 0x034:
        return QUEUE_SIZE;
      case 0x040:
        return this.#queueSel === 0 ? (this.#legacy?.pfn ?? 0) : 0;
      case 0x044:
        return this.#queueSel === 0 && this.queue.ready && this.#legacy === undefined ? 1 : 0;
      case 0x060:
        return this.interruptStatus;
      case 0x070:
        return this.status;
      default:
        return 0;
    }
  }

  /** A write; queue registers act on queue 0 only. */
  write(offset: number, size: number, value: bigint): Effect {
    if (offset >= CONFIG_SPACE || size !== 4) return undefined;
    const word = Number(value & 0xffff_ffffn);
    switch (offset) {
      case 0x014:
        this.#deviceSel = word;
        return undefined;
      case 0x020:
        if (this.#driverSel < 2) {
          const shift = BigInt(32 * this.#driverSel);
          this.driverFeatures = (this.driverFeatures & ~(0xffff_ffffn << shift)) | (BigInt(word) << shift);
        }
        return undefined;
      case 0x024:
        this.#driverSel = word;
        return undefined;
      case 0x030:
        this.#queueSel = word;
        return undefined;
      case 0x050:
        return word === 0 && this.queue.ready && this.live ? 'notify' : undefined;
      case 0x064:
        this.interruptStatus &= ~word;
        return undefined;
      case 0x070:
        return this.#writeStatus(word);
      case 0x028:
        if (this.#legacy !== undefined) this.#legacy.pageSize = word;
        return undefined;
      default:
        if (this.#queueSel !== 0) return undefined;
        return this.#legacy === undefined
          ? this.#writeQueue(offset, word)
          : this.#writeLegacyQueue(this.#legacy, offset, word);
    }
  }

  /** QueueAlign and QueuePFN: a page frame other than 0 places the rings and starts the queue, 0 stops it. */
  #writeLegacyQueue(legacy: LegacyQueue, offset: number, word: number): Effect {
    if (offset === 0x03c) legacy.align = word;
    if (offset !== 0x040) return undefined;
    const was = this.queue.ready;
    legacy.pfn = word;
    const rings = legacy.rings(QUEUE_SIZE);
    this.queue.ready = rings !== undefined;
    if (rings === undefined) return was ? 'queue-stop' : undefined;
    if (was) return undefined;
    Object.assign(this.queue, rings);
    return this.#startQueue();
  }

  #startQueue(): Effect {
    this.queue.lastAvail = this.queue.usedIndex = 0;
    this.queue.eventIdx = ((this.driverFeatures >> BigInt(VIRTIO_F_EVENT_IDX)) & 1n) !== 0n;
    return 'queue-ready';
  }

  #writeStatus(word: number): Effect {
    if (word === 0) {
      const stop = this.queue.ready;
      this.reset();
      return stop ? 'queue-stop' : undefined;
    }
    // Bits are added; only a reset clears them, and NEEDS_RESET is the device's.
    this.status |= word & STATUS_BITS & ~STATUS.NEEDS_RESET;
    if ((word & STATUS.FEATURES_OK) !== 0 && (this.driverFeatures & ~this.features) !== 0n)
      this.status &= ~STATUS.FEATURES_OK;
    return undefined;
  }

  #writeQueue(offset: number, word: number): Effect {
    const set = (old: bigint, high: boolean): bigint =>
      high ? (old & 0xffff_ffffn) | (BigInt(word) << 32n) : (old & ~0xffff_ffffn) | BigInt(word);
    const q = this.queue;
    switch (offset) {
      case 0x080:
      case 0x084:
        if (!q.ready) q.desc = set(q.desc, offset === 0x084);
        return undefined;
      case 0x090:
      case 0x094:
        if (!q.ready) q.avail = set(q.avail, offset === 0x094);
        return undefined;
      case 0x0a0:
      case 0x0a4:
        if (!q.ready) q.used = set(q.used, offset === 0x0a4);
        return undefined;
      case 0x044: {
        const was = q.ready;
        q.ready = (word & 1) !== 0;
        if (q.ready && !was) return this.#startQueue();
        return was && !q.ready ? 'queue-stop' : undefined;
      }
      default:
        return undefined;
    }
  }

  /** Buffers may be used: the driver is ready and has not broken the device (virtio 1.2, 2.1.2). */
  get live(): boolean {
    return (this.status & (STATUS.DRIVER_OK | STATUS.NEEDS_RESET)) === STATUS.DRIVER_OK;
  }

  /** The driver broke the queue: it must reset the device. True: it is to be told so by an interrupt (virtio 1.2, 2.1.2). */
  needsReset(): boolean {
    this.status |= STATUS.NEEDS_RESET;
    const tell = (this.status & STATUS.DRIVER_OK) !== 0;
    if (tell) this.interruptStatus |= INTERRUPT_CONFIG;
    return tell;
  }

  reset(): void {
    this.queue.reset();
    this.status = this.interruptStatus = 0;
    this.driverFeatures = 0n;
    this.#deviceSel = this.#driverSel = this.#queueSel = 0;
    this.#legacy?.reset();
  }

  save(): unknown {
    return {
      queue: this.queue.save(),
      status: this.status,
      interruptStatus: this.interruptStatus,
      driverFeatures: String(this.driverFeatures),
      sels: [this.#deviceSel, this.#driverSel, this.#queueSel],
      legacy: this.#legacy?.save() ?? null,
    };
  }

  load(state: unknown): void {
    const s = state as {
      queue: unknown;
      status: number;
      interruptStatus: number;
      driverFeatures: string;
      sels: [number, number, number];
      legacy: unknown;
    };
    this.queue.load(s.queue);
    this.status = s.status;
    this.interruptStatus = s.interruptStatus;
    this.driverFeatures = BigInt(s.driverFeatures);
    [this.#deviceSel, this.#driverSel, this.#queueSel] = s.sels;
    if (s.legacy !== null) this.#legacy?.load(s.legacy);
  }
}
