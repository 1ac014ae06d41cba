/** Which entries of the timing table move a result most: each one at the ends of its plausible range, the others as they are. */
import { configure, rcarH3, type Confidence } from '../index.js';
import type { BenchJob, JobResult } from './job.js';

/** What is charged at start-up only moves no request: Dom0's services, the start of the backend. */
const SERVICES = /^(?:tools|xenstore|console|disk)\.|^domd\.start$|^firmware\.cpuOn$/;

export interface SensitivityPlan {
  readonly jobs: readonly BenchJob[];
  readonly entries: readonly Entry[];
}

interface Entry {
  readonly key: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly unit: string;
  readonly confidence: Confidence;
}

export interface Sensitivity extends Entry {
  /** Nanoseconds of the mean round trip with the entry at low and at high. */
  readonly atLow: number;
  readonly atHigh: number;
  /** (the larger - the smaller) / the baseline. */
  readonly swing: number;
}

export interface SensitivityReport {
  readonly schema: 1;
  readonly settings: readonly string[];
  readonly accuracyClass: string;
  /** Nanoseconds, mean of reads, writes and kicks. */
  readonly baseline: number;
  /** Most first; entries that move nothing are left out. */
  readonly entries: readonly Sensitivity[];
}

/** The baseline. Throws SettingError. */
export function sensitivityBaseline(settings: readonly string[]): BenchJob {
  configure(rcarH3(), settings);
  const parameters = { target: 'idle', vcpus: 1, rounds: 3, gap: 150_000, seed: 1 };
  return { bench: 'ioreq', settings, parameters };
}

/** Two jobs for each entry that was charged in the baseline. */
export function planSensitivity(settings: readonly string[], baseline: JobResult): SensitivityPlan {
  const { board } = configure(rcarH3(), settings);
  const entries = Object.entries(board.timing)
    .filter(([key]) => baseline.charged?.includes(key) === true && !SERVICES.test(key))
    .map(([key, { value, low, high, unit, confidence }]): Entry => ({ key, value, low, high, unit, confidence }));
  const job = sensitivityBaseline(settings);
  const withSetting = (setting: string): BenchJob => ({ ...job, settings: [...settings, setting] });
  return {
    entries,
    jobs: entries.flatMap(({ key, low, high }) => [withSetting(`${key}=${low}`), withSetting(`${key}=${high}`)]),
  };
}

/** @param results of the plan's jobs, in their order. */
export function rankSensitivity(
  { entries }: SensitivityPlan,
  settings: readonly string[],
  base: JobResult,
  results: readonly JobResult[],
): SensitivityReport {
  const means = results.map(meanNs);
  const baseline = meanNs(base);
  const ranked = entries.map((entry, index): Sensitivity => {
    const [atLow, atHigh] = [means[2 * index]!, means[2 * index + 1]!];
    const all = [atLow, atHigh, baseline];
    return { ...entry, atLow, atHigh, swing: (Math.max(...all) - Math.min(...all)) / baseline };
  });
  return {
    schema: 1,
    settings,
    accuracyClass: base.accuracyClass,
    baseline,
    entries: ranked.filter(({ swing }) => swing > 0).sort((a, b) => b.swing - a.swing || (a.key < b.key ? -1 : 1)),
  };
}

function meanNs({ cases, tickHz }: JobResult): number {
  const ticks = cases.reduce((sum, { totalTicks }) => sum + totalTicks, 0);
  const count = cases.reduce((sum, each) => sum + each.count, 0);
  return (ticks / count / tickHz) * 1e9;
}
