import type { Core } from '../cpu/core.js';

/** What a slice of a core came to. `idle`: nothing to run until an interrupt line of the core rises. */
export type SliceOutcome = 'ran' | 'idle' | 'stopped';

/**
 * The seam between the simulated hardware and the software above EL1. The machine's scheduler hands a core to it
 * for one slice; it runs guest code with `core.run(limitCycles)`, deals with the exits, and returns when the
 * core's cycle count has reached `core.limit` (re-read it: an event may have shortened the slice) or there is nothing to run.
 * Plain boards use sim/firmware's `BareCore`, the Xen model its physical-CPU loop.
 */
export interface El2 {
  slice(core: Core): SliceOutcome;
  /** All state as plain data, for snapshots. */
  save(): unknown;
  load(state: unknown): void;
}
