/** From a benchmark, its parameters and the variants to jobs, and from their results to one report. */
import type { Benchmark } from './definition.js';
import type { BenchCase, BenchJob, JobResult } from './job.js';
import type { Variant } from './vary.js';

export const BENCH_SCHEMA = 1;

/** What `--json` writes. Holds nothing of the host, so equal inputs give equal bytes. */
export interface BenchReport {
  readonly schema: typeof BENCH_SCHEMA;
  readonly bench: string;
  readonly settings: readonly string[];
  readonly parameters: Readonly<Record<string, readonly (string | number)[]>>;
  readonly tickHz: number;
  readonly ticksPerCycle: Readonly<Record<string, number>>;
  readonly accuracyClass: string;
  /** The first one is the baseline. */
  readonly variants: readonly VariantReport[];
}

export interface VariantReport {
  readonly settings: readonly string[];
  /** Hash of the timing table. */
  readonly timingTable: string;
  readonly placements: readonly string[];
  readonly cases: readonly BenchCase[];
  /** Circumstances that the settings exclude, and why. */
  readonly notRun: readonly { readonly parameters: BenchJob['parameters']; readonly why: string }[];
}

export interface Plan {
  readonly benchmark: Benchmark;
  readonly settings: readonly string[];
  readonly parameters: Readonly<Record<string, readonly (string | number)[]>>;
  readonly variants: readonly Variant[];
}

/** The jobs in a fixed order: those of the first variant first. */
export function planJobs({ benchmark, settings, parameters, variants }: Plan): BenchJob[] {
  let circumstances: Record<string, string | number>[] = [{}];
  for (const [name, values] of Object.entries(parameters)) {
    circumstances = circumstances.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value })));
  }
  circumstances = circumstances.filter((chosen) => benchmark.skips?.(chosen) !== true);
  return variants.flatMap((variant) =>
    circumstances.map((chosen) => ({
      bench: benchmark.name,
      settings: [...settings, ...variant.settings],
      parameters: chosen,
    })),
  );
}

/** @param results of planJobs' jobs, in their order. */
export function gather(plan: Plan, jobs: readonly BenchJob[], results: readonly JobResult[]): BenchReport {
  const perVariant = jobs.length / plan.variants.length;
  const any = results.find((result) => result.notRun === undefined);
  return {
    schema: BENCH_SCHEMA,
    bench: plan.benchmark.name,
    settings: plan.settings,
    parameters: plan.parameters,
    tickHz: any?.tickHz ?? 1,
    ticksPerCycle: any?.ticksPerCycle ?? {},
    accuracyClass: any?.accuracyClass ?? '',
    variants: plan.variants.map(({ settings }, index) => {
      const from = index * perVariant;
      const mine = results.slice(from, from + perVariant);
      return {
        settings,
        timingTable: mine.find(({ notRun }) => notRun === undefined)?.timingTable ?? '',
        placements: [...new Set(mine.map(({ placement }) => placement).filter((text) => text !== ''))],
        cases: mine.flatMap(({ cases }) => cases),
        notRun: mine.flatMap(({ notRun }, i) =>
          notRun === undefined ? [] : [{ parameters: jobs[from + i]!.parameters, why: notRun }],
        ),
      };
    }),
  };
}

/** Faults of a report's arithmetic, empty when it is sound. */
export function checkBench(report: BenchReport): string[] {
  const faults: string[] = [];
  for (const { cases } of report.variants) {
    for (const { name, steps, totalTicks, asGuestSees } of cases) {
      if (asGuestSees === true) continue;
      const sum = steps.reduce((total, step) => total + step.ticks, 0);
      if (sum !== totalTicks) faults.push(`${name}: steps sum to ${sum} ticks, total is ${totalTicks}`);
      if (!Number.isSafeInteger(totalTicks)) faults.push(`${name}: the total is not an exact integer`);
    }
  }
  return faults;
}
