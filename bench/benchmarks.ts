/** Every benchmark by name. */
import { runBlk } from './blk.js';
import { ROUNDS, SEED, type Benchmark } from './definition.js';
import { runIrq } from './irq.js';
import { runIoreq, TARGETS } from './ioreq.js';
import type { BenchJob, JobResult } from './job.js';
import { LOOPS, runMicro } from './micro.js';
import { runNative } from './native.js';
import { runPath, STATES } from './paths.js';

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

const STATE = {
  doc: 'what the interrupted vCPU does: sleeping in WFI, or running',
  values: STATES,
  default: STATES,
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
  {
    name: 'irq',
    doc: 'a disk interrupt from the line that the backend raises to the end of the guest’s handler',
    parameters: { state: STATE, rounds: ROUNDS, gap: GAP, seed: SEED },
    run: runIrq,
  },
  { name: 'hypercall', doc: 'the shortest hypercall (hyp_call)', parameters: { rounds: ROUNDS }, run: runPath },
  {
    name: 'vgic',
    doc: 'a read of the emulated distributor (mmio_read_vgic)',
    parameters: { rounds: ROUNDS },
    run: runPath,
  },
  { name: 'eoi', doc: 'an end of interrupt, which does not trap (eoi)', parameters: { rounds: ROUNDS }, run: runPath },
  {
    name: 'ipi',
    doc: 'an interrupt from one vCPU to another (ipi)',
    parameters: { state: STATE, rounds: ROUNDS, gap: GAP, seed: SEED },
    run: runPath,
  },
  {
    name: 'evtchn',
    doc: 'an event from one vCPU to another',
    parameters: { state: STATE, rounds: ROUNDS, gap: GAP, seed: SEED },
    run: runPath,
  },
  {
    name: 'timer',
    doc: 'from the time that a timer was set for to its handler (timer)',
    parameters: { state: STATE, rounds: ROUNDS, gap: { ...GAP, default: [20_000] }, seed: SEED },
    run: runPath,
  },
  {
    name: 'blk',
    doc: 'disk reads and writes by size and requests in flight',
    parameters: {
      size: {
        doc: 'bytes of a request, a multiple of 512',
        quantity: 'size',
        low: 512,
        high: 1 << 20,
        default: [4096, 65_536, 1 << 20],
        compared: [4096],
      },
      depth: { doc: 'requests in flight', low: 1, high: 64, default: [1, 4, 16], compared: [1] },
      rounds: { ...ROUNDS, default: [32] },
    },
    run: runBlk,
  },
  {
    name: 'micro',
    doc: 'the well-known loops beside published figures of Xen and KVM',
    parameters: { loop: { doc: 'which of them', values: LOOPS, default: LOOPS }, rounds: ROUNDS },
    run: runMicro,
  },
  {
    name: 'native',
    doc: 'one program with and without the hypervisor',
    parameters: { rounds: ROUNDS },
    run: runNative,
  },
];

export const BENCHMARKS: ReadonlyMap<string, Benchmark> = new Map(LIST.map((each) => [each.name, each]));

/** Throws what the job throws; Error for a name that is none. */
export function runJob(job: BenchJob): Promise<JobResult> {
  const benchmark = BENCHMARKS.get(job.bench);
  if (benchmark === undefined) throw new Error(`no benchmark ${job.bench}`);
  return benchmark.run(job);
}
