import { TraceHash } from '../trace/hash.js';
import {
  CHUNK_MAP,
  CHUNK_ENTRIES,
  PHYS_EXHAUSTED,
  PHYS_NEXT_FREE,
  PHYS_POOL_END,
  RAM_POOL,
  UOP_MAP,
  UOP_MAP_ENTRIES,
} from '../wasm/layout.js';
import type { PhysicalMemory } from './memory.js';

const CHUNK_SIZE = 0x10000;
const PAGE_SHIFT = 12;
const UNTOUCHED = 1;
const CROSSING = -1;
const WASM_PAGE = 0x10000;
const MAX_WASM_PAGES = 0x10000;
/** core.wasm declares this much as the least (tools/build-kernels.mjs); it is address space, not memory. */
const MIN_WASM_PAGES = 0x4000;
/** Four gigabytes less one chunk, so that the end of the pool is a u32. */
const MAX_POOL_END = 0xffff_0000;
/** Core state, TLBs, maps and decoded code: everything below the RAM pool. */
const KERNEL_BYTES = RAM_POOL;

/** A bank of RAM; base and size in bytes, multiples of 64 KiB. */
export interface MemoryBank {
  readonly base: number;
  readonly size: number;
}

/** What physical memory asks of the kernel: both are cheap when there is nothing to do. */
export interface MemoryHooks {
  /** Drops the micro-ops decoded from a page of linear memory (address >> 12). */
  invalidateCodeHost(hostPage: number): unknown;
  /** Opens every core's exclusive monitor whose granule overlaps [pa, pa+length). */
  breakMonitors(paHi: number, paLo: number, length: number): unknown;
}

/**
 * Creates the one linear memory: all of the banks' RAM fits if 4 GiB allow it; initial equals maximum because
 * growing would detach every view. Untouched pages cost no host memory.
 */
export function createLinearMemory(banks: readonly MemoryBank[]): WebAssembly.Memory {
  const ram = banks.reduce((sum, bank) => sum + bank.size, 0);
  const wanted = Math.ceil((KERNEL_BYTES + ram) / WASM_PAGE) + 1;
  const pages = Math.min(Math.max(wanted, MIN_WASM_PAGES), MAX_WASM_PAGES);
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}

/** Physical RAM over linear memory: 64 KiB chunks, given a place at first touch, zero until then. */
export class LinearPhysicalMemory implements PhysicalMemory {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #chunks: Uint32Array;
  readonly #uops: Uint32Array;

  /**
   * @param memory the kernel's memory; @param banks as the board has them; throws on a bank that is misaligned,
   * beyond 36 bits or overlaps another (the board check reports it before, with the property's path).
   */
  constructor(
    memory: WebAssembly.Memory,
    readonly banks: readonly MemoryBank[],
    private readonly hooks: MemoryHooks,
  ) {
    const buffer = memory.buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#chunks = new Uint32Array(buffer, CHUNK_MAP, CHUNK_ENTRIES);
    this.#uops = new Uint32Array(buffer, UOP_MAP, UOP_MAP_ENTRIES);
    for (const { base, size } of banks) {
      if (base % CHUNK_SIZE !== 0 || size % CHUNK_SIZE !== 0 || size <= 0 || base + size > 2 ** 36) {
        throw new RangeError(`memory bank 0x${base.toString(16)}+0x${size.toString(16)} is not 64 KiB aligned RAM`);
      }
      for (let chunk = base / CHUNK_SIZE; chunk < (base + size) / CHUNK_SIZE; chunk++) {
        if (this.#chunks[chunk] !== 0) throw new RangeError(`memory banks overlap at 0x${base.toString(16)}`);
        this.#chunks[chunk] = UNTOUCHED;
      }
    }
    this.#view.setUint32(PHYS_NEXT_FREE, RAM_POOL, true);
    this.#view.setUint32(PHYS_POOL_END, Math.min(buffer.byteLength, MAX_POOL_END), true);
  }

  /** True once a touch found the pool empty (more RAM in use than linear memory holds). */
  get exhausted(): boolean {
    return this.#view.getUint32(PHYS_EXHAUSTED, true) !== 0;
  }

  isRam(pa: number, length: number): boolean {
    if (!(pa >= 0 && length >= 0) || pa + length > 2 ** 36) return false;
    const last = Math.floor((pa + Math.max(length, 1) - 1) / CHUNK_SIZE);
    for (let chunk = Math.floor(pa / CHUNK_SIZE); chunk <= last; chunk++) if (this.#chunks[chunk] === 0) return false;
    return true;
  }

  read(pa: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    this.#check(pa, length);
    for (let done = 0; done < length;) {
      const at = pa + done;
      const part = Math.min(length - done, CHUNK_SIZE - (at % CHUNK_SIZE));
      const host = this.#hostIfTouched(at);
      if (host !== 0) out.set(this.#bytes.subarray(host, host + part), done);
      done += part;
    }
    return out;
  }

  write(pa: number, bytes: Uint8Array): void {
    this.#check(pa, bytes.length);
    for (let done = 0; done < bytes.length;) {
      const at = pa + done;
      const part = Math.min(bytes.length - done, CHUNK_SIZE - (at % CHUNK_SIZE));
      const host = this.#touch(at, part);
      if (host !== 0) this.#bytes.set(bytes.subarray(done, done + part), host);
      done += part;
    }
  }

  zero(pa: number, length: number): void {
    this.#check(pa, length);
    for (let done = 0; done < length;) {
      const at = pa + done;
      const part = Math.min(length - done, CHUNK_SIZE - (at % CHUNK_SIZE));
      if (this.#hostIfTouched(at) !== 0) {
        const host = this.#touch(at, part);
        this.#bytes.fill(0, host, host + part);
      }
      done += part;
    }
  }

  read8(pa: number): number {
    const host = this.#readable(pa, 1);
    return host === 0 ? 0 : (this.#bytes[host] as number);
  }

  read16(pa: number): number {
    const host = this.#readable(pa, 2);
    if (host === CROSSING) return viewOf(this.read(pa, 2)).getUint16(0, true);
    return host === 0 ? 0 : this.#view.getUint16(host, true);
  }

  read32(pa: number): number {
    const host = this.#readable(pa, 4);
    if (host === CROSSING) return viewOf(this.read(pa, 4)).getUint32(0, true);
    return host === 0 ? 0 : this.#view.getUint32(host, true);
  }

  read64(pa: number): bigint {
    const host = this.#readable(pa, 8);
    if (host === CROSSING) return viewOf(this.read(pa, 8)).getBigUint64(0, true);
    return host === 0 ? 0n : this.#view.getBigUint64(host, true);
  }

  write8(pa: number, value: number): void {
    const host = this.#writable(pa, 1);
    if (host !== 0) this.#bytes[host] = value;
  }

  write16(pa: number, value: number): void {
    const host = this.#writable(pa, 2);
    if (host === CROSSING) this.write(pa, littleEndian(2, BigInt(value & 0xffff)));
    else if (host !== 0) this.#view.setUint16(host, value, true);
  }

  write32(pa: number, value: number): void {
    const host = this.#writable(pa, 4);
    if (host === CROSSING) this.write(pa, littleEndian(4, BigInt(value >>> 0)));
    else if (host !== 0) this.#view.setUint32(host, value, true);
  }

  write64(pa: number, value: bigint): void {
    const host = this.#writable(pa, 8);
    if (host === CROSSING) this.write(pa, littleEndian(8, value));
    else if (host !== 0) this.#view.setBigUint64(host, value, true);
  }

  /** Calls back for every chunk that holds a non-zero byte, in address order. The bytes must not be kept. */
  forEachUsedChunk(visit: (pa: number, bytes: Uint8Array) => void): void {
    for (const { base, size } of [...this.banks].sort((a, b) => a.base - b.base)) {
      for (let pa = base; pa < base + size; pa += CHUNK_SIZE) {
        const host = this.#hostIfTouched(pa);
        if (host !== 0 && !isZero(this.#bytes.buffer, host)) visit(pa, this.#bytes.subarray(host, host + CHUNK_SIZE));
      }
    }
  }

  /** A digest of RAM's contents: 16 hexadecimal digits; touched and untouched zeros are alike. */
  digest(): string {
    const hash = new TraceHash();
    this.forEachUsedChunk((pa, bytes) => {
      hash.word(pa / CHUNK_SIZE);
      hash.words(new Uint32Array(bytes.buffer, bytes.byteOffset, CHUNK_SIZE / 4), 0, CHUNK_SIZE / 4);
    });
    return hash.hex();
  }

  /** Zeroes all RAM (machine reset, before a snapshot is loaded). */
  clear(): void {
    for (const { base, size } of this.banks) this.zero(base, size);
  }

  #check(pa: number, length: number): void {
    if (!this.isRam(pa, length)) throw new RangeError(`not RAM: 0x${pa.toString(16)}+0x${length.toString(16)}`);
  }

  #hostIfTouched(pa: number): number {
    const chunk = this.#chunks[Math.floor(pa / CHUNK_SIZE)] as number;
    return chunk <= UNTOUCHED ? 0 : chunk + (pa % CHUNK_SIZE);
  }

  /** Host address for a read; 0 for untouched RAM, which reads zero; CROSSING if it spans two chunks. */
  #readable(pa: number, size: number): number {
    const chunk = this.#chunks[Math.floor(pa / CHUNK_SIZE)];
    if (chunk === undefined || chunk === 0) this.#check(pa, size);
    const offset = pa % CHUNK_SIZE;
    if (offset + size > CHUNK_SIZE) return CROSSING;
    return chunk === UNTOUCHED ? 0 : (chunk as number) + offset;
  }

  #writable(pa: number, size: number): number {
    const chunk = this.#chunks[Math.floor(pa / CHUNK_SIZE)];
    if (chunk === undefined || chunk === 0) this.#check(pa, size);
    if ((pa % CHUNK_SIZE) + size > CHUNK_SIZE) return CROSSING;
    return this.#touch(pa, size);
  }

  /** Prepares a write within one chunk: gives it a place, drops decoded code, opens monitors. 0 if no place is left. */
  #touch(pa: number, length: number): number {
    const index = Math.floor(pa / CHUNK_SIZE);
    let chunk = this.#chunks[index] as number;
    if (chunk === UNTOUCHED) {
      // The same bump allocator as hostOf() in sim/mmu/kernel/phys.ts.
      chunk = this.#view.getUint32(PHYS_NEXT_FREE, true);
      if (chunk + CHUNK_SIZE > this.#view.getUint32(PHYS_POOL_END, true)) {
        this.#view.setUint32(PHYS_EXHAUSTED, 1, true);
        return 0;
      }
      this.#view.setUint32(PHYS_NEXT_FREE, chunk + CHUNK_SIZE, true);
      this.#chunks[index] = chunk;
    }
    const host = chunk + (pa % CHUNK_SIZE);
    const lastPage = (host + length - 1) >>> PAGE_SHIFT;
    for (let page = host >>> PAGE_SHIFT; page <= lastPage; page++) {
      if (this.#uops[page] !== 0) this.hooks.invalidateCodeHost(page);
    }
    this.hooks.breakMonitors(Math.floor(pa / 2 ** 32), pa % 2 ** 32, length);
    return host;
  }
}

function isZero(buffer: ArrayBufferLike, host: number): boolean {
  const words = new Uint32Array(buffer, host, CHUNK_SIZE / 4);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function littleEndian(size: number, value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, value, true);
  return bytes.subarray(0, size);
}
