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

/** A regular expression; '' = none. */
function pattern(doc: string) {
  return { value: '', doc, unit: 'regex', low: 0, high: 0, values: undefined } as const;
}

function amount(value: number, low: number, high: number, unit: string, doc: string) {
  return { value, doc, unit, low, high, values: undefined };
}

export const DESIGN_KEYS = {
  'xen.baseline': choice(
    'current',
    ['v1', '4.17', 'current'],
    'Xen version whose behaviour is modelled: the IOREQ series of Sep 2020, the 4.17 release, or master of Aug 2026',
  ),
  'xen.ioreqServer': choice(
    'on',
    ['on', 'off'],
    'CONFIG_IOREQ_SERVER: without it dm_op is -ENOSYS and no access is forwarded',
  ),
  'ioreq.policy': choice(
    'allow',
    ['dom0', 'deny', 'allow'],
    'who may emulate: all backends run in Dom0; driver domains get -EPERM (no policy); driver domains are allowed (FLASK)',
  ),
  'xen.scheduler': choice(
    'credit2',
    ['credit2', 'null'],
    'null binds each vCPU to a pCPU and refuses more vCPUs than pCPUs',
  ),
  'xen.vwfi': choice(
    'trap',
    ['trap', 'native'],
    'WFI and WFE of vCPUs: trapped, the vCPU blocks and its pCPU may idle or run others; or native, the pCPU itself waits with the vCPU loaded',
  ),
  'xen.rateLimit': amount(
    1_000_000,
    0,
    500_000_000,
    'ns',
    'credit2: a vCPU runs this long before a wake-up preempts it',
  ),
  'xen.pcpus': amount(4, 1, 8, '', 'physical CPUs Xen brings up; above 4 the A53s join, as with hmp-unsafe'),
  'xen.placement': choice(
    'cluster',
    ['cluster', 'same', 'oversubscribed', 'across', 'free'],
    'driver domain on a pCPU of its own; on the first guest vCPU’s; guests and driver domain on one pCPU fewer than they have vCPUs; driver domain on the other cluster (hmp-unsafe); or wherever the scheduler puts it',
  ),
  'xen.hardening': choice(
    'on',
    ['on', 'off'],
    'firmware call on each trap from a guest (Spectre v2), if the firmware offers it',
  ),
  'domd.wake': choice(
    'event',
    ['event', 'poll', 'ioeventfd'],
    'how a backend process learns of requests: woken by its event channel; looking at the slots all the time; or woken, but queue kicks answered in the kernel’s interrupt handler (privcmd ioeventfd)',
  ),
  'domd.load': choice(
    'none',
    ['none', 'spin'],
    'other work in a driver domain: none, so that it sleeps between requests, or a program of lowest priority that never does',
  ),
  'backend.processes': choice(
    'each',
    ['each', 'one'],
    'one backend process for each disk, or one for all disks of a guest',
  ),
  'backend.config': choice(
    'xenstore',
    ['xenstore', 'static'],
    'backends read window and interrupt from xenstore, or have them on their command line',
  ),
  'backend.space': choice(
    'unpopulated',
    ['unpopulated', 'balloon'],
    'foreign pages go to address space without RAM, or take the place of RAM of the driver domain',
  ),
  'backend.balloonPages': amount(
    4096,
    0,
    65_536,
    '',
    'balloon: RAM pages that a driver domain may give up for foreign pages',
  ),
  'backend.p2mPages': amount(
    0,
    0,
    65_536,
    '',
    'pages for stage-2 tables of a driver domain; 0: from the heap, without limit',
  ),
  'backend.mmio': choice('modern', ['modern', 'legacy'], 'virtio-mmio version 2, or the legacy interface (version 1)'),
  'backend.discard': choice('off', ['off', 'on'], 'disks offer DISCARD and WRITE_ZEROES'),
  'cpu.engine': choice(
    'translator',
    ['interpreter', 'translator', 'both'],
    'how guest instructions are executed: one by one, or hot code translated to WebAssembly (timing.cpu=functional only); results are the same. both: two machines in step, to find a difference; disks as with --snapshot-disk',
  ),
  'timing.cpu': choice(
    'functional',
    ['functional', 'approximate'],
    'cost model of the cores: a fixed cost per instruction class, or pipeline, caches, TLBs, branch prediction and DRAM',
  ),
  'timing.from': pattern(
    'with timing.cpu=approximate: functional until a console line matches, or a guest executes HINT #127',
  ),
  'sim.seed': amount(1, 0, 4_294_967_295, '', 'seed of what a run draws at random (rng-seed, UUIDs)'),
  'sim.epoch': amount(1_700_000_000, 0, 4_294_967_295, 's', 'wall-clock time at power-on, seconds since 1970'),
} as const;

export type DesignKey = keyof typeof DESIGN_KEYS;
export type Design = {
  readonly [K in DesignKey]: (typeof DESIGN_KEYS)[K] extends { values: infer V extends readonly string[] }
    ? V[number]
    : (typeof DESIGN_KEYS)[K] extends { value: string }
      ? string
      : number;
};

export const DEFAULT_DESIGN: Design = Object.freeze(
  Object.fromEntries(Object.entries(DESIGN_KEYS).map(([key, entry]) => [key, entry.value])),
) as Design;
