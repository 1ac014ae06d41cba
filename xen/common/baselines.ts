/**
 * Behaviour that differs between Xen versions, looked up here and nowhere else (xen-ioreq.md section 12).
 *
 * - `v1`: the 16-patch series of 10 Sep 2020 on the staging tree of its time, with the toolstack patches 15 and 16.
 * - `4.17`: the release of Dec 2022, the first with virtio-mmio in libxl.
 * - `current`: master of August 2026.
 *
 * What the three have in common has no entry. No entry either, with the reason: the `is_shutting_down` race of `v1`
 * (b7e0d89788 closed a window between two statements, which a sequential model does not have); counting of failed
 * broadcasts (a44734df6c: only a log line differs); the rename of functions and structures (12.2: no behaviour).
 */
import type { Xen } from './xen.js';

export interface Baseline {
  readonly name: string;
  /** What xen_version and the device tree say. */
  readonly version: { readonly major: number; readonly minor: number; readonly extra: string };

  // ---- DM ops ----
  /** dm_op with nr_bufs == 0 is -ENODATA (aef948a300, XSA-506, Jul 2026); before, buffer 0 was what the stack held. */
  readonly zeroBufsError: boolean;
  /** A server may ask for the buffered ring on Arm (refused with -EINVAL since 2fbd7e609e, Jan 2021). */
  readonly bufioreqOnArm: boolean;
  /** What the buffered path returns for an address, count or pointer that does not fit: UNHANDLED, or 0 = abort (2e0b545b84, Oct 2024). */
  readonly bufferedMisfitUnhandled: boolean;
  /** The domain that a contended compare-exchange of the ring's pointers pauses (patch 14; the emulator since V2). */
  readonly bufferedCmpxchgOwner: 'target' | 'emulator';
  /** set_irq_level refuses non-zero padding (c29e5a16cb, Mar 2025). */
  readonly checkIrqPadding: boolean;
  /** set_irq_level refuses interrupts that Xen or a passed-through device has (since V2). */
  readonly checkIrqAllocated: boolean;
  /** XEN_DMOP_nr_vcpus exists (c4441ab1f1, Feb 2021). */
  readonly nrVcpusOp: boolean;

  // ---- memory ops ----
  /** acquire_resource tells the true size and refuses frames beyond it; before: 32, and -E2BIG (9244528955, 25164f3578, Jan 2021). */
  readonly trueResourceSize: boolean;
  /** A resource frame that cannot be mapped is an error; `v1` returned 0 on Arm (V3 of the series). */
  readonly mapResourceError: boolean;
  /** What makes Xen send INVALIDATE (546014e480, 588d961d15, Jan and Feb 2021). */
  readonly invalidate: 'decrease-reservation' | 'ram-leaf';

  // ---- the request ----
  /** Stores masked to the access size, zero in loads, results masked (01343f99de, Oct 2023). */
  readonly maskData: boolean;
  /** The vCPU waits for all servers with a request of it; before, one per look (da20c93108, Feb 2021). */
  readonly waitForEveryServer: boolean;

  // ---- the Arm path ----
  /** A stage-2 fault is tried against the P2M before emulation (53b705d02c, Apr 2022). */
  readonly resolveBeforeEmulation: boolean;
  /** Post-indexed accesses are decoded and cache maintenance ignored when the syndrome is not valid (5e9c429ad4, fdfb07eb28, Mar 2022). */
  readonly decodeIsvZero: boolean;
  /** XEN_DOMCTL_CDF_trap_unmapped_accesses exists (980aff4e8f, Jun 2025); before, unclaimed accesses always abort. */
  readonly trapUnmappedOption: boolean;
  /** A guest's write to ICPENDR is ignored (23ec1ebc8a, Oct 2021); before it aborts. */
  readonly icpendrIgnored: boolean;
  /** A guest's write to ISPENDR injects (Xen 4.15); before it aborts. */
  readonly ispendrInjects: boolean;
  /** SPSR of a new vCPU: debug exceptions masked as well, or not (observed on 4.20). */
  readonly initialPsr: bigint;

  // ---- toolstack ----
  /** `disk=[... specification=virtio]`, or `virtio = 1` with `vdisk = [...]` and its own xenstore layout. */
  readonly diskSyntax: 'disk' | 'vdisk';
  /** SPIs of virtio devices come on top of the vuart's (v1), or the larger counts. */
  readonly spisAdd: boolean;
  /** An nr_spis that is too small: an error, or raised in silence (observed on 4.20). */
  readonly nrSpisTooSmall: 'error' | 'raise';
  /** `virtio=[...]` devices (43ba5202e2, Dec 2022: Xen 4.18) and the `grant_usage` key (c14254065f, 2023). */
  readonly virtioList: boolean;
  /** iommus = <xen_iommu domid> for devices of other domains than Dom0 (ca45d3cb45, Jul 2022). */
  readonly grants: boolean;
  /** Extended regions in the hypervisor node (57f87857dc, Oct 2021). */
  readonly extendedRegions: boolean;
  /** `rng-seed` in /chosen (libxl, 2021; whether 4.17 has it is not verified). */
  readonly rngSeed: boolean;
  /** A domU's stage-2 tables come from a pool of its own (XSA-409, Oct 2022). */
  readonly p2mPool: boolean;

  // ---- the backend of that time ----
  /** It asks for a buffered ring, maps both frames, counts vCPUs by getdomaininfo, and lowers each interrupt at once. */
  readonly earlyBackend: boolean;
}

const CURRENT: Baseline = {
  name: 'current',
  version: { major: 4, minor: 23, extra: '-unstable' },
  zeroBufsError: true,
  bufioreqOnArm: false,
  bufferedMisfitUnhandled: true,
  bufferedCmpxchgOwner: 'emulator',
  checkIrqPadding: true,
  checkIrqAllocated: true,
  nrVcpusOp: true,
  trueResourceSize: true,
  mapResourceError: true,
  invalidate: 'ram-leaf',
  maskData: true,
  waitForEveryServer: true,
  resolveBeforeEmulation: true,
  decodeIsvZero: true,
  trapUnmappedOption: true,
  icpendrIgnored: true,
  ispendrInjects: true,
  initialPsr: 0x3c5n,
  diskSyntax: 'disk',
  spisAdd: false,
  nrSpisTooSmall: 'error',
  virtioList: true,
  grants: true,
  extendedRegions: true,
  rngSeed: true,
  p2mPool: true,
  earlyBackend: false,
};

const XEN_4_17: Baseline = {
  ...CURRENT,
  name: '4.17',
  version: { major: 4, minor: 17, extra: '.0' },
  zeroBufsError: false,
  bufferedMisfitUnhandled: false,
  checkIrqPadding: false,
  maskData: false,
  trapUnmappedOption: false,
  initialPsr: 0x1c5n,
  nrSpisTooSmall: 'raise',
  virtioList: false,
};

const V1: Baseline = {
  ...XEN_4_17,
  name: 'v1',
  version: { major: 4, minor: 15, extra: '-unstable' },
  bufioreqOnArm: true,
  bufferedCmpxchgOwner: 'target',
  checkIrqAllocated: false,
  nrVcpusOp: false,
  trueResourceSize: false,
  mapResourceError: false,
  invalidate: 'decrease-reservation',
  waitForEveryServer: false,
  resolveBeforeEmulation: false,
  decodeIsvZero: false,
  icpendrIgnored: false,
  ispendrInjects: false,
  diskSyntax: 'vdisk',
  spisAdd: true,
  grants: false,
  extendedRegions: false,
  rngSeed: false,
  p2mPool: false,
  earlyBackend: true,
};

export const BASELINES = { v1: V1, '4.17': XEN_4_17, current: CURRENT } as const satisfies Record<string, Baseline>;

export type BaselineName = keyof typeof BASELINES;

export function baselineOf(xen: Xen): Baseline {
  return BASELINES[xen.options.baseline];
}
