// The only imports of core.wasm. They may raise lines and post events, no more; hot() changes nothing that is simulated.

/** Reads `size` (1, 2, 4, 8) bytes of a device; the low word is returned, the high word is at MMIO_HI. */
// @ts-ignore: decorator
@external("env", "mmioRead") export declare function mmioRead(core: u32, paHi: u32, paLo: u32, size: u32): u32;

/** Writes `size` bytes, data at MMIO_LO / MMIO_HI. */
// @ts-ignore: decorator
@external("env", "mmioWrite") export declare function mmioWrite(core: u32, paHi: u32, paLo: u32, size: u32): void;

/** A timer or performance monitor register of `core` has changed: deadlines and lines must be recomputed. */
// @ts-ignore: decorator
@external("env", "timerWritten") export declare function timerWritten(core: u32): void;

/** The micro-op at `uop`, in the virtual page given, is worth translating; `now`: it waits for no companions. */
// @ts-ignore: decorator
@external("env", "hot") export declare function hot(uop: u32, pageHi: u32, pageLo: u32, now: u32): void;
