/** Physical memory as TypeScript sees it: SoC physical addresses, frames mapped to linear memory on demand. */
export interface PhysicalMemory {
  /** True if all of [pa, pa+length) is RAM. */
  isRam(pa: number, length: number): boolean;
  /** Copies out; throws RangeError outside RAM (our bug: callers check guest addresses first). */
  read(pa: number, length: number): Uint8Array;
  /** The one way to write guest RAM: invalidates decoded code and breaks exclusive monitors. */
  write(pa: number, bytes: Uint8Array): void;
  /** Zero-fills, without materialising untouched frames. */
  zero(pa: number, length: number): void;
  read8(pa: number): number;
  read16(pa: number): number;
  read32(pa: number): number;
  read64(pa: number): bigint;
  write8(pa: number, value: number): void;
  write16(pa: number, value: number): void;
  write32(pa: number, value: number): void;
  write64(pa: number, value: bigint): void;
}
