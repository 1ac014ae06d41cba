import { BUS_FAULT, MMIO_HI, MMIO_LO } from '../wasm/layout.js';
import type { KernelImports } from '../wasm/module.js';
import type { GuestErrors, Initiator, MmioDevice, Width } from './device.js';

/** The high word of 8-byte reads; the bus clears it before each read. */
export interface BusPort {
  hi: number;
}

export interface RegionOptions {
  /** Access widths that reach the device; the others are the guest's mistake and read zero. Default: 1, 2 and 4. */
  readonly widths?: readonly Width[];
  /** Offset in the device of the region's first byte; for devices with several frames. Default 0. */
  readonly offset?: number;
  /** The region repeats its first bytes with this period. */
  readonly period?: number;
  /** Timing entries that an access costs the core that makes it. */
  readonly cost?: AccessCost;
}

/** Names of timing entries. */
export interface AccessCost {
  readonly read: string;
  readonly write: string;
}

/** A range of physical addresses that a device answers. */
export interface BusRegion {
  readonly base: number;
  readonly end: number;
  readonly device: MmioDevice;
  readonly offset: number;
  readonly period: number;
  readonly widthMask: number;
  readonly cost: AccessCost | undefined;
  reads: number;
  writes: number;
}

/** Called after every access that a core made. `hi` and `lo` are the data. */
export type MmioObserver = (write: boolean, core: Initiator, pa: number, width: number, lo: number, hi: number) => void;

/** Charges a core before its access takes effect. */
export type MmioCharge = (core: Initiator, cost: string) => void;

/**
 * The MMIO side of the physical address space: regions sorted by address, found by binary search behind a one-entry
 * cache. RAM never gets here. An access that no device answers is reported and ends as an external abort.
 */
export class Bus {
  readonly port: BusPort = { hi: 0 };
  readonly #regions: BusRegion[] = [];
  #last: BusRegion | undefined;
  #unmappedReads = 0;
  #unmappedWrites = 0;

  constructor(
    private readonly errors: GuestErrors,
    private readonly observer?: MmioObserver,
    private readonly charge?: MmioCharge,
  ) {}

  /**
   * Maps a device at [base, base+size). Throws Error naming both if it overlaps another region (the board check
   * reports that first, with the property's path).
   */
  map(base: number, size: number, device: MmioDevice, options: RegionOptions = {}): void {
    const end = base + size;
    for (const other of this.#regions) {
      if (base < other.end && other.base < end) {
        throw new Error(`${device.name} at ${hex(base)} overlaps ${other.device.name} at ${hex(other.base)}`);
      }
    }
    let widthMask = 0;
    for (const width of options.widths ?? [1, 2, 4]) widthMask |= width;
    this.#regions.push({
      base,
      end,
      device,
      offset: options.offset ?? 0,
      period: options.period ?? size,
      widthMask,
      cost: options.cost,
      reads: 0,
      writes: 0,
    });
    this.#regions.sort((a, b) => a.base - b.base);
    this.#last = undefined;
  }

  /** The regions in address order, with their access counts. */
  get regions(): readonly BusRegion[] {
    return this.#regions;
  }

  /** Accesses that no device answered. */
  get unmapped(): { reads: number; writes: number } {
    return { reads: this.#unmappedReads, writes: this.#unmappedWrites };
  }

  find(pa: number): BusRegion | undefined {
    const last = this.#last;
    if (last !== undefined && pa >= last.base && pa < last.end) return last;
    let low = 0;
    let high = this.#regions.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const region = this.#regions[middle] as BusRegion;
      if (pa < region.base) high = middle - 1;
      else if (pa >= region.end) low = middle + 1;
      else return (this.#last = region);
    }
    return undefined;
  }

  /** Reads; the high word of 8 bytes is in `port.hi`. Returns undefined if nothing answers. A debug access has core -1. */
  read(core: Initiator, pa: number, width: Width): number | undefined {
    const region = this.find(pa);
    this.port.hi = 0;
    if (region === undefined || pa + width > region.end) {
      if (core >= 0) {
        this.#unmappedReads++;
        this.errors.report('unmapped-read', 'bus', `${hex(pa)}/${width}`);
        this.observer?.(false, core, pa, width, 0, 0);
      }
      return undefined;
    }
    if (core >= 0 && region.cost !== undefined) this.charge?.(core, region.cost.read);
    let value = 0;
    if ((region.widthMask & width) !== 0) {
      value = region.device.read(deviceOffset(region, pa), width, core) >>> 0;
    } else if (core >= 0) {
      this.errors.report('bad-width', region.device.name, `read ${hex(pa)}/${width}`);
    }
    if (core >= 0) {
      region.reads++;
      this.observer?.(false, core, pa, width, value, this.port.hi);
    }
    return value;
  }

  /** Writes; false if nothing answers. */
  write(core: Initiator, pa: number, width: Width, lo: number, hi: number): boolean {
    const region = this.find(pa);
    const mapped = region !== undefined && pa + width <= region.end;
    if (core >= 0 && region?.cost !== undefined) this.charge?.(core, region.cost.write);
    // The record precedes the device's own, so that cause stands before effect in the trace.
    if (core >= 0) this.observer?.(true, core, pa, width, lo, hi);
    if (!mapped) {
      if (core >= 0) {
        this.#unmappedWrites++;
        this.errors.report('unmapped-write', 'bus', `${hex(pa)}/${width}`);
      }
      return false;
    }
    if (core >= 0) region.writes++;
    if ((region.widthMask & width) !== 0) {
      region.device.write(deviceOffset(region, pa), width, lo, hi, core);
    } else if (core >= 0) {
      this.errors.report('bad-width', region.device.name, `write ${hex(pa)}/${width}`);
    }
    return true;
  }

  /** What the kernel calls: data through MMIO_LO and MMIO_HI, BUS_FAULT set when nothing answers. */
  kernelImports(memory: WebAssembly.Memory): Pick<KernelImports, 'mmioRead' | 'mmioWrite'> {
    const words = new Uint32Array(memory.buffer, 0, 0x4000);
    return {
      mmioRead: (core, paHi, paLo, size) => {
        const value = this.read(core, (paHi >>> 0) * 2 ** 32 + (paLo >>> 0), size as Width);
        if (value === undefined) words[BUS_FAULT >> 2] = 1;
        words[MMIO_HI >> 2] = value === undefined ? 0 : this.port.hi;
        return value ?? 0;
      },
      mmioWrite: (core, paHi, paLo, size) => {
        const lo = words[MMIO_LO >> 2] as number;
        const hi = size === 8 ? (words[MMIO_HI >> 2] as number) : 0;
        if (!this.write(core, (paHi >>> 0) * 2 ** 32 + (paLo >>> 0), size as Width, lo, hi)) words[BUS_FAULT >> 2] = 1;
      },
    };
  }

  save(): unknown {
    return {
      unmapped: [this.#unmappedReads, this.#unmappedWrites],
      counts: this.#regions.map(({ reads, writes }) => [reads, writes]),
    };
  }

  load(state: unknown): void {
    const { unmapped, counts } = state as { unmapped: [number, number]; counts: [number, number][] };
    [this.#unmappedReads, this.#unmappedWrites] = unmapped;
    this.#regions.forEach((region, index) => ([region.reads, region.writes] = counts[index] ?? [0, 0]));
  }
}

function deviceOffset(region: BusRegion, pa: number): number {
  return region.offset + ((pa - region.base) % region.period);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
