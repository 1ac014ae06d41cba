/** What a request may cost, step by step: written from one run, checked against others. */
import { z } from 'zod';
import type { BenchReport } from './plan.js';
import type { BenchCase } from './job.js';

export const BUDGET_SCHEMA = 1;

/** Nanoseconds of one request, mean. */
export interface Budget {
  readonly budget: typeof BUDGET_SCHEMA;
  readonly bench: string;
  /** A step may be longer than its budget by this share of it. */
  readonly tolerance: number;
  readonly cases: Readonly<
    Record<string, { readonly total: number; readonly steps: Readonly<Record<string, number>> }>
  >;
}

const nanoseconds = z.number().nonnegative();
const schema: z.ZodType<Budget> = z.strictObject({
  budget: z.literal(BUDGET_SCHEMA),
  bench: z.string(),
  tolerance: z.number().min(0).max(10),
  cases: z.record(z.string(), z.strictObject({ total: nanoseconds, steps: z.record(z.string(), nanoseconds) })),
});

/** A file that is no budget for this benchmark; one line. */
export class BudgetError extends Error {
  override readonly name = 'BudgetError';
}

/** Throws BudgetError. `name` is for the message. */
export function parseBudget(text: string, bench: string, name: string): Budget {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new BudgetError(`${name}: not JSON: ${(error as Error).message}`);
  }
  const version = (data as { budget?: unknown } | null)?.budget;
  if (version !== BUDGET_SCHEMA) {
    throw new BudgetError(
      `${name}: ${version === undefined ? 'not a budget' : `a budget of schema ${JSON.stringify(version)}`}; this is schema ${BUDGET_SCHEMA}, --write-budget makes one`,
    );
  }
  const parsed = schema.safeParse(data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BudgetError(`${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a budget'}`);
  }
  if (parsed.data.bench !== bench)
    throw new BudgetError(`${name}: a budget of bench ${parsed.data.bench}, not of ${bench}`);
  return parsed.data;
}

/** The budget that this run just meets. */
export function makeBudget(report: BenchReport, tolerance = 0.01): Budget {
  const cases = report.variants[0]!.cases.map((each) => {
    const steps = Object.fromEntries([...stepMeans(each, report.tickHz)].map(([step, ns]) => [step, rounded(ns)]));
    return [each.name, { total: rounded(mean(each, report.tickHz)), steps }] as const;
  });
  return { budget: BUDGET_SCHEMA, bench: report.bench, tolerance, cases: Object.fromEntries(cases) };
}

const WHOLE = 'the whole grew';

/** What does not meet the budget, one line each, the step that grew most first; empty if all is well. */
export function overBudget(budget: Budget, report: BenchReport): string[] {
  const found: { line: string; growth: number }[] = [];
  const measured = new Map(report.variants[0]!.cases.map((each) => [each.name, each]));
  for (const [name, allowed] of Object.entries(budget.cases)) {
    const each = measured.get(name);
    if (each === undefined) {
      found.push({ line: `${name}: in the budget, not in this run`, growth: Number.POSITIVE_INFINITY });
      continue;
    }
    const check = (what: string, ns: number, limit: number | undefined): void => {
      // Budgets are written with a tenth of a nanosecond.
      if (limit !== undefined && ns <= limit * (1 + budget.tolerance) + 0.1) return;
      const text = limit === undefined ? 'not in the budget' : `budget ${limit.toFixed(1)} ns`;
      const growth = what === WHOLE ? 0 : ns - (limit ?? 0);
      found.push({ line: `${name}: ${what}: ${ns.toFixed(1)} ns, ${text}`, growth });
    };
    for (const [step, ns] of stepMeans(each, report.tickHz)) check(`step ${step} grew`, ns, allowed.steps[step]);
    check(WHOLE, mean(each, report.tickHz), allowed.total);
  }
  return found.sort((a, b) => b.growth - a.growth).map(({ line }) => line);
}

function mean({ totalTicks, count }: BenchCase, tickHz: number): number {
  return (totalTicks / count / tickHz) * 1e9;
}

/** Mean nanoseconds of a request by `phase: step`, wherever it ran. */
export function stepMeans({ steps, count }: BenchCase, tickHz: number): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { phase, name, ticks } of steps) {
    const key = `${phase}: ${name}`;
    sums.set(key, (sums.get(key) ?? 0) + (ticks / count / tickHz) * 1e9);
  }
  return sums;
}

const rounded = (ns: number): number => Math.round(ns * 10) / 10;
