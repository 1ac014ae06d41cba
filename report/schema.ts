import { z } from 'zod';
import { vcpuSchema } from './vcpu-schema.js';
import { REPORT_SCHEMA, type Report } from './data.js';

const count = z.int().nonnegative();
const share = z
  .number()
  .min(0)
  .max(1 + 1e-9);

export const outcomeSchema = z.enum([
  'poweroff',
  'reboot',
  'expect',
  'panic',
  'crash',
  'timeout',
  'unmodelled',
  'interrupted',
]);

const confidenceSchema = z.enum(['measured', 'derived', 'guessed', 'executed', 'wait']);

const stepSchema = z.strictObject({
  name: z.string().min(1),
  phase: z.string().min(1),
  cpu: z.string().min(1),
  ticks: count,
  confidence: confidenceSchema,
  costs: z.array(z.string()),
});

const kindSchema = z
  .strictObject({
    kind: z.enum(['notify', 'read', 'write', 'hypercall', 'emulated', 'interrupt']),
    register: z.string(),
    count: count.min(1),
    steps: z.array(stepSchema),
    totalTicks: count,
    p50: count,
    p90: count,
    p99: count,
    max: count,
    distribution: z.array(z.tuple([count, count])),
  })
  .refine((kind) => kind.steps.reduce((sum, step) => sum + step.ticks, 0) === kind.totalTicks, {
    error: 'the ticks of the steps do not sum to totalTicks',
    path: ['totalTicks'],
  });

/** What `--report FILE` holds, for programs that read it: `reportSchema.parse(JSON.parse(text))`. */
export const reportSchema: z.ZodType<Report> = z.strictObject({
  schema: z.literal(REPORT_SCHEMA),
  command: z.string(),
  outcome: outcomeSchema,
  detail: z.string(),
  exitCode: z.int(),
  testCode: z.int().exactOptional(),
  board: z.strictObject({
    name: z.string(),
    model: z.string(),
    placement: z.string(),
    settings: z.array(z.string()),
    map: z.array(
      z.strictObject({
        name: z.string(),
        base: count,
        size: count.min(1),
        kind: z.enum(['memory', 'device']),
        accesses: count,
      }),
    ),
  }),
  accuracy: z.strictObject({
    class: z.string(),
    timingTable: z.string().regex(/^[0-9a-f]{16}$/),
    shares: z.partialRecord(confidenceSchema, share),
  }),
  host: z.strictObject({
    seconds: z.number().nonnegative(),
    mips: z.number().nonnegative(),
    peakRssBytes: count,
    node: z.string(),
  }),
  sim: z.strictObject({ seconds: z.number().nonnegative(), ticks: z.number().nonnegative(), instructions: count }),
  trace: z.strictObject({ hash: z.string().regex(/^[0-9a-f]{16}$/), events: count }),
  vcpus: z.array(vcpuSchema),
  timing: z.record(
    z.string(),
    z.strictObject({
      value: z.number().nonnegative(),
      unit: z.string(),
      low: z.number().nonnegative(),
      high: z.number().nonnegative(),
      confidence: z.enum(['measured', 'derived', 'guessed']),
      source: z.string(),
    }),
  ),
  sample: z
    .strictObject({
      request: count,
      kind: z.string(),
      register: z.string(),
      start: count,
      intervals: z.array(
        z.strictObject({
          name: z.string(),
          phase: z.string(),
          cpu: z.string(),
          start: count,
          end: count,
          cost: z.string(),
        }),
      ),
    })
    .nullable(),
  exposure: z.array(
    z.strictObject({
      disk: z.string(),
      guest: z.string(),
      domain: z.string(),
      by: z.enum(['foreign', 'grants', 'nothing']),
      reachable: count,
      granted: count,
      mapped: count,
      peak: count,
      everMapped: count,
      touched: count,
      pageSeconds: z.number().nonnegative(),
      timeline: z.strictObject({ bucketTicks: count.min(1), mapped: z.array(count) }),
    }),
  ),
  guestErrors: z.array(
    z.strictObject({ kind: z.string(), device: z.string(), count: count.min(1), detail: z.string() }),
  ),
  memory: z.array(
    z.strictObject({ domain: z.string(), ram: count, tables: count, mapped: count, peak: count, ballooned: count }),
  ),
  ioreq: z.strictObject({
    count,
    stage2Aborts: count,
    exceptions: z.record(z.string(), count),
    roundTrip: z.strictObject({
      tickHz: count.min(1),
      ticksPerCycle: z.record(z.string(), count.min(1)),
      kinds: z.array(kindSchema),
    }),
  }),
});
