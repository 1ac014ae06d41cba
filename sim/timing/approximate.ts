import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Board } from '../../boards/board.js';
import { REGION_ON } from '../wasm/layout.js';
import * as layout from '../wasm/timing-layout.js';
import { approximateExports, type Kernel, type KernelImports } from '../wasm/module.js';
import { coreParameters } from './core-parameters.js';
import type { Costs } from './costs.js';
import { simdTimingTable } from './simd-table.js';

/** Ring entries whose number is at most this are gone: see sim/timing/kernel/tlb.ts. */
const FIRST_TLB_ENTRY = 65;
const EMPTY = 0xffff_ffff;
/** What a snapshot holds: the cores' and the caches' state. The slots follow from the rest. */
const SAVED_BASE = layout.TIMED_CORE;

/**
 * The approximate core model (docs/timing.md) of one machine: off until `start`, which puts the kernel's exports of
 * core-approximate.wasm in place of those of core.wasm. Both work on the same memory. From then on for ever.
 */
export class ApproximateTiming {
  readonly #parameters: readonly Uint32Array[];
  #on = false;

  /** Throws SettingError if the board's caches are none that the model can represent. */
  constructor(
    private readonly kernel: Kernel,
    private readonly imports: KernelImports,
    board: Board,
    costs: Costs,
  ) {
    this.#parameters = board.cores.map((core) => coreParameters(core, costs));
  }

  /** True once cores are timed by this model. */
  get on(): boolean {
    return this.#on;
  }

  /** Times the cores from now on, with cold caches, TLBs and predictors. No core may be in run(). */
  start(): void {
    if (this.#on) return;
    this.#on = true;
    // regions of the translator have no part in this model
    this.kernel.u32[REGION_ON / 4] = 0;
    this.kernel.flushCodeHost();
    Object.assign(this.kernel, approximateExports(this.kernel.memory, this.imports));
    const { u32, u8 } = this.kernel;
    u8.fill(0, SAVED_BASE, layout.TIMED_L2);
    for (let at = layout.TIMED_L2; at < layout.TIMED_END; at += layout.TIMED_L2_STRIDE) {
      u32.fill(EMPTY, at / 4, (at + layout.L2_META) / 4);
      u8.fill(0, at + layout.L2_META, at + layout.TIMED_L2_STRIDE);
    }
    u32.set(simdTimingTable(), layout.TIMED_SIMD / 4);
    this.#parameters.forEach((parameters, core) => {
      const base = layout.TIMED_CORE + core * layout.TIMED_CORE_STRIDE;
      u32.set(parameters, (base + layout.C_PARAM) / 4);
      u32.fill(EMPTY, (base + layout.C_L1D) / 4, (base + layout.C_L1D_NEXT) / 4);
      const hot = (offset: number): number => (base + offset - layout.TIMED_HOT) / 4;
      for (const [next, limit] of [
        [layout.T_DTLB_NEXT, layout.T_DTLB_LIMIT],
        [layout.T_ITLB_NEXT, layout.T_ITLB_LIMIT],
      ] as const) {
        u32[hot(next)] = FIRST_TLB_ENTRY;
        u32[hot(limit)] = FIRST_TLB_ENTRY - 1;
      }
    });
    this.#forgetSlots();
  }

  save(): unknown {
    if (!this.#on) return null;
    const bytes = this.kernel.u8.subarray(SAVED_BASE, layout.TIMED_END);
    return deflateRawSync(bytes, { level: 1 }).toString('base64');
  }

  load(state: unknown): void {
    if (typeof state !== 'string') return;
    this.start();
    this.kernel.u8.set(inflateRawSync(Buffer.from(state, 'base64')), SAVED_BASE);
    this.#forgetSlots();
  }

  /** The fast TLB is emptied, so that each of its entries gets a slot when it is filled. */
  #forgetSlots(): void {
    this.kernel.u8.fill(0, layout.TIMED_SLOTS_BASE, layout.TIMED_SLOTS_BASE + layout.TIMED_SLOTS_SIZE);
    this.kernel.tlbFlushAll();
  }
}
