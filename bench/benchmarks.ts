/** Every benchmark by name. */
import { ROUNDS, SEED, type Benchmark } from './definition.js';
import { runIoreq, TARGETS } from './ioreq.js';
import type { BenchJob, JobResult } from './job.js';

const VCPUS = {
  doc: 'vCPUs that make requests at the same time',
  low: 1,
  high: 4,
  default: [1, 2, 3, 4],
  compared: [1],
};
const GAP = {
  doc: 'mean time between two operations of a vCPU, which sleeps meanwhile; half to one and a half of it at random',
  quantity: 'duration',
  low: 0,
  high: 1_000_000_000,
  default: [150_000],
  single: true,
} as const;

const LIST: readonly Benchmark[] = [
  {
    name: 'ioreq',
    doc: 'round trips of single register accesses that a backend emulates',
    parameters: {
      target: {
        doc: 'driver domain asleep; running other work; asleep with its pCPU busy with another guest',
        values: TARGETS,
        default: TARGETS,
        compared: ['idle'],
      },
      vcpus: VCPUS,
      rounds: ROUNDS,
      gap: GAP,
      seed: SEED,
    },
    run: runIoreq,
  },
];

export const BENCHMARKS: ReadonlyMap<string, Benchmark> = new Map(LIST.map((each) => [each.name, each]));

/** Throws what the job throws; Error for a name that is none. */
export function runJob(job: BenchJob): Promise<JobResult> {
  const benchmark = BENCHMARKS.get(job.bench);
  if (benchmark === undefined) throw new Error(`no benchmark ${job.bench}`);
  return benchmark.run(job);
}
