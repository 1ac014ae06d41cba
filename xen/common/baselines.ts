/**
 * Behaviour that differs between Xen versions, looked up here and nowhere else. `current` follows xen master of
 * August 2026 (xen-ioreq.md HEAD). Sources: xen-ioreq.md section 12.
 */
import type { Xen } from './xen.js';

export interface Baseline {
  readonly name: string;
  /** What xen_version and the device tree say. */
  readonly version: { readonly major: number; readonly minor: number; readonly extra: string };
  /** A server may ask for the buffered ring on Arm (refused since 2fbd7e609e, Jan 2021). */
  readonly bufioreqOnArm: boolean;
  /** Store data masked to the access size and zero in loads; results masked (01343f99de, Oct 2023). */
  readonly maskData: boolean;
  /** dm_op with nr_bufs == 0 (aef948a300, Jul 2026). */
  readonly zeroBufsError: boolean;
  /** Padding of set_irq_level is checked (c29e5a16cb, Mar 2025). */
  readonly checkIrqPadding: boolean;
  /** A stage-2 fault is tried against the P2M before emulation (5e9c429ad4, Mar 2022). */
  readonly resolveBeforeEmulation: boolean;
  /** Post-indexed accesses are decoded when the syndrome does not say (fdfb07eb28, Mar 2022). */
  readonly decodeIsvZero: boolean;
  /** SPSR of a new vCPU. */
  readonly initialPsr: bigint;
}

export const BASELINES = {
  current: {
    name: 'current',
    version: { major: 4, minor: 23, extra: '-unstable' },
    bufioreqOnArm: false,
    maskData: true,
    zeroBufsError: true,
    checkIrqPadding: true,
    resolveBeforeEmulation: true,
    decodeIsvZero: true,
    initialPsr: 0x3c5n,
  },
} as const satisfies Record<string, Baseline>;

export type BaselineName = keyof typeof BASELINES;

export function baselineOf(xen: Xen): Baseline {
  return BASELINES[xen.options.baseline];
}
