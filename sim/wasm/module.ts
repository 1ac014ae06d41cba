import { readFileSync } from 'node:fs';
import { LAYOUT_VERSION } from './layout.js';

/**
 * The kernel's imports, called while a core runs. They may raise lines and post events, no more. Addresses come as two
 * words (hi possibly negative: use >>> 0); data passes through MMIO_LO and MMIO_HI (sim/cpu/kernel/env.ts).
 */
export interface KernelImports {
  mmioRead(core: number, paHi: number, paLo: number, size: number): number;
  mmioWrite(core: number, paHi: number, paLo: number, size: number): void;
  /** A timer or performance monitor register of `core` has changed. */
  timerWritten(core: number): void;
  /** A micro-op is worth translating (sim/translator); changes nothing that is simulated. Default: nothing. */
  hot?(uop: number, pageHi: number, pageLo: number, now: number): void;
}

/** Exports of core.wasm. All values are 32-bit words; those of 64 bits come as two. */
export interface KernelExports {
  layoutVersion(): number;
  run(core: number): number;
  resetCore(core: number, level: number): void;
  hostEret(core: number): number;
  hostSetLines(core: number, lines: number): void;
  hostSetLimit(core: number, hi: number, lo: number): void;
  hostStateChanged(core: number): void;
  hostPending(core: number): number;
  /** Counters up to date, CORE_PMU_DEADLINE derived; returns the level of the overflow interrupt. */
  hostPmu(core: number): number;
  hostClearExclusive(core: number): void;
  /** sim/mmu/kernel/host.ts: flags 1 write, 2 as EL0, 4 stage 1 only, 8 the EL2 regime; result at WALK_RESULT. */
  hostWalk(core: number, vaHi: number, vaLo: number, flags: number): number;
  tlbFlushVmid(vmid: number): number;
  tlbFlushAll(): number;
  invalidateCodeHost(page: number): number;
  flushCodeHost(): number;
  hostOfExport(paHi: number, paLo: number): number;
  breakMonitors(paHi: number, paLo: number, length: number): number;
  regionAdd(region: number): void;
  regionEnable(region: number, index: number): void;
  regionDrop(region: number): void;
  /** Functions that run() calls: translated regions. */
  readonly table: WebAssembly.Table;
}

/** One instance of the CPU and MMU kernel, with its linear memory and views of it. */
export interface Kernel extends KernelExports {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  /** Indexed by byte address / 4. */
  readonly u32: Uint32Array;
  /** Indexed by byte address / 8. */
  readonly u64: BigUint64Array;
  /** Called, outside `run`, when a core has executed HINT #127. */
  onMarker: () => void;
  /** Index of the core whose `run` is live, -1 outside: its registers are in the HOT block. */
  running: number;
}

const compiled = new Map<string, WebAssembly.Module>();

function instantiate(file: string, memory: WebAssembly.Memory, imports: KernelImports): KernelExports {
  let module = compiled.get(file);
  if (module === undefined) {
    module = new WebAssembly.Module(readFileSync(new URL(`./${file}`, import.meta.url)));
    compiled.set(file, module);
  }
  const { mmioRead, mmioWrite, timerWritten, hot = () => {} } = imports;
  const instance = new WebAssembly.Instance(module, { env: { memory, mmioRead, mmioWrite, timerWritten, hot } });
  const exports = instance.exports as unknown as KernelExports;
  const version = exports.layoutVersion();
  if (version !== LAYOUT_VERSION) throw new Error(`${file} has layout ${version}, expected ${LAYOUT_VERSION}`);
  return exports;
}

/** The exports of the kernel that keeps time by the approximate core model, on the memory of another. Throws as createKernel. */
export function approximateExports(memory: WebAssembly.Memory, imports: KernelImports): KernelExports {
  return instantiate('core-approximate.wasm', memory, imports);
}

/**
 * Makes a kernel in `memory`, whose initial size must be its maximum, so that no view is ever detached.
 * Throws if core.wasm is missing or was built from another layout.
 */
export function createKernel(memory: WebAssembly.Memory, imports: KernelImports): Kernel {
  return {
    ...instantiate('core.wasm', memory, imports),
    memory,
    u8: new Uint8Array(memory.buffer),
    u32: new Uint32Array(memory.buffer),
    u64: new BigUint64Array(memory.buffer),
    onMarker: () => undefined,
    running: -1,
  };
}
