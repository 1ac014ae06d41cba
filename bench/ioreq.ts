/** `bench ioreq`: round trips of single register accesses, from the guest's trap to its next instruction. */
import { runGuest } from './guest.js';
import type { BenchCase, BenchJob, JobResult } from './job.js';

/**
 * What the driver domain's vCPU does when a request comes: it sleeps; it runs other work of its own (`domd.load=spin`); or it
 * sleeps while another guest keeps its pCPU busy.
 */
export const TARGETS = ['idle', 'running', 'busy'] as const;

export interface IoreqParameters {
  readonly target: (typeof TARGETS)[number];
  readonly vcpus: number;
  /** Reads, and as many writes, of each vCPU. */
  readonly rounds: number;
  /** Mean nanoseconds between two accesses of a vCPU. */
  readonly gap: number;
  readonly seed: number;
}

/** What the guest accesses, in registers that nothing else in it touches then; kicks of an empty queue (guests/bare/bench_ioreq.c). */
const REGISTERS: Readonly<Record<string, string>> = {
  InterruptStatus: 'read',
  InterruptACK: 'write',
  QueueNotify: 'notify',
};

export async function runIoreq(job: BenchJob): Promise<JobResult> {
  const { target, vcpus, rounds, gap, seed } = job.parameters as unknown as IoreqParameters;
  // A request to a busy pCPU waits for the scheduler, milliseconds: fewer of them say as much.
  const each = target === 'busy' ? Math.ceil(rounds / 20) : rounds;
  const ran = await runGuest(target === 'running' ? { ...job, settings: [...job.settings, 'domd.load=spin'] } : job, {
    words: `bench=ioreq rounds=${each} gap=${gap} seed=${seed}`,
    vcpus,
    hog: target === 'busy',
  });
  if ('notRun' in ran) return notRun(ran.notRun);
  const cases: BenchCase[] = [];
  for (const { kind, register, ...rest } of ran.facts.ioreq.kinds) {
    if (REGISTERS[register] === kind) {
      const { count, totalTicks, p50, p90, p99, max, steps } = rest;
      cases.push({ name: caseName(kind, target, vcpus), count, totalTicks, p50, p90, p99, max, steps });
    }
  }
  return { ...ran.about, cases };
}

export function caseName(kind: string, target: string, vcpus: number): string {
  return `${kind} ${target} ${vcpus} vCPU${vcpus === 1 ? '' : 's'}`;
}

/** A job whose circumstances the settings exclude. */
export function notRun(why: string): JobResult {
  return { cases: [], placement: '', notRun: why, tickHz: 1, ticksPerCycle: {}, timingTable: '', accuracyClass: '' };
}
