/** Choices of the software above the board: what is varied in an A/B comparison. */

interface Choice {
  readonly doc: string;
  readonly unit: string;
  readonly values?: readonly string[];
  readonly low: number;
  readonly high: number;
  readonly value: string | number;
}

function choice<const V extends readonly string[]>(value: V[number], values: V, doc: string) {
  return { value, values, doc, unit: '', low: 0, high: 0 } satisfies Choice;
}

function amount(value: number, low: number, high: number, unit: string, doc: string) {
  return { value, doc, unit, low, high, values: undefined };
}

export const DESIGN_KEYS = {
  'xen.baseline': choice('current', ['current', '4.20'], 'Xen version whose behaviour is modelled'),
  'xen.scheduler': choice('credit2', ['credit2', 'null'], 'null binds each vCPU to a pCPU and refuses more vCPUs than pCPUs'),
  'xen.placement': choice(
    'cluster',
    ['same', 'cluster', 'across'],
    'backend vCPU against guest vCPU: same pCPU, other pCPU of the cluster, or an A53 (hmp-unsafe)',
  ),
  'xen.vwfi': choice('trap', ['trap', 'native'], 'WFI of a guest traps to the scheduler, or stops the core'),
  'xen.pcpus': amount(4, 1, 8, '', 'physical CPUs Xen brings up; above 4 the A53s join (hmp-unsafe)'),
  'xen.creditSlice': amount(10_000_000, 500_000, 100_000_000, 'ns', 'longest run of a vCPU when others wait'),
  'domd.wake': choice('event', ['event', 'poll'], 'backend waits for the event channel, or polls its slot'),
  'ioreq.policy': choice('sync', ['sync', 'buffered'], 'notification writes are synchronous, or go through the buffered ring'),
  'timing.cpu': choice('functional', ['functional'], 'cost model of the cores'),
  'sim.seed': amount(1, 0, 4_294_967_295, '', 'seed of what a run draws at random (rng-seed, UUIDs)'),
} as const;

export type DesignKey = keyof typeof DESIGN_KEYS;
export type Design = {
  readonly [K in DesignKey]: (typeof DESIGN_KEYS)[K] extends { values: infer V extends readonly string[] }
    ? V[number]
    : number;
};

export const DEFAULT_DESIGN: Design = Object.freeze(
  Object.fromEntries(Object.entries(DESIGN_KEYS).map(([key, entry]) => [key, entry.value])),
) as Design;
