/** What a benchmark is made of: jobs, each one simulation, whose results are plain data and do not depend on each other. */
import type { StepConfidence } from '../index.js';

/** Ticks are summed over the case's requests. */
export interface BenchStep {
  readonly name: string;
  /** Part of the path, in the order of `PHASES`. */
  readonly phase: string;
  /** Core that worked, e.g. a57.0, or `-` for a wait. */
  readonly cpu: string;
  readonly ticks: number;
  readonly confidence: StepConfidence;
}

/** Requests of one kind under one set of circumstances. */
export interface BenchCase {
  /** E.g. `read idle 1 vCPU`: unique in a result. */
  readonly name: string;
  readonly count: number;
  /** Equals the sum of the steps' ticks exactly. */
  readonly totalTicks: number;
  /** Of one request, in ticks. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly steps: readonly BenchStep[];
  /** Measured by the guest with its counter, as a mean: no steps, and percentiles are the mean. */
  readonly asGuestSees?: boolean;
  /** Further figures by name, with their unit in it: `IOPS`, `MB/s`. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** One simulation. */
export interface BenchJob {
  readonly bench: string;
  /** `KEY=VALUE` as for `--set`. */
  readonly settings: readonly string[];
  /** What the benchmark itself varies. */
  readonly parameters: Readonly<Record<string, string | number>>;
  /** File for the trace of the simulation. */
  readonly trace?: string;
}

export interface JobResult {
  readonly cases: readonly BenchCase[];
  /** Where guests and backends ran. */
  readonly placement: string;
  /** Why there are no cases: the settings do not allow them. */
  readonly notRun?: string;
  /** Entries of the timing table that were charged. */
  readonly charged?: readonly string[];
  readonly tickHz: number;
  readonly ticksPerCycle: Readonly<Record<string, number>>;
  readonly timingTable: string;
  readonly accuracyClass: string;
}

/** The run of a benchmark failed: the simulated software did not do what it is made for. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}

/** Phases of paths in the order of time; steps of others come last. */
export const PHASES: readonly string[] = ['trap', 'send', 'wake', 'deliver', 'backend', 'respond', 'resume', 'guest'];
