/** What a page can show besides the run: files that `bench --json` wrote. */
import { z } from 'zod';
import type { SweepData } from './plots.js';

/** A row of `bench calibrate --json`. */
export interface CalibrationRow {
  readonly id: string;
  readonly metric: string;
  readonly reference: number;
  readonly unit: string;
  readonly low: number;
  readonly high: number;
  readonly role: string;
  readonly source: string;
  /** null: not run. */
  readonly ours: number | null;
  readonly verdict: string;
}

export interface CalibrationData {
  readonly accuracyClass: string;
  readonly rows: readonly CalibrationRow[];
  readonly heldOut: { readonly rows: number; readonly of: number; readonly meanAbsoluteError: number | null };
}

export interface PageInputs {
  readonly sweeps: readonly SweepData[];
  readonly calibrations: readonly CalibrationData[];
}

/** Fields that the page does not use may be there, and grow. */
const sweepSchema = z.object({
  bench: z.string(),
  tickHz: z.number().positive(),
  variants: z.array(
    z.object({
      settings: z.array(z.string()),
      cases: z.array(
        z.object({
          name: z.string(),
          count: z.number().positive(),
          totalTicks: z.number().nonnegative(),
          steps: z.array(z.object({ phase: z.string(), ticks: z.number().nonnegative() })),
        }),
      ),
    }),
  ),
});

const calibrationSchema = z.object({
  accuracyClass: z.string(),
  rows: z.array(
    z.object({
      id: z.string(),
      metric: z.string(),
      reference: z.number(),
      unit: z.string(),
      low: z.number(),
      high: z.number(),
      role: z.string(),
      source: z.string(),
      ours: z.number().nullable(),
      verdict: z.string(),
    }),
  ),
  heldOut: z.object({ rows: z.number(), of: z.number(), meanAbsoluteError: z.number().nullable() }),
});

/** Sorts the contents of files by what they are. Throws Error, naming the file, for one that is neither. */
export function pageInputs(files: readonly { readonly name: string; readonly text: string }[]): PageInputs {
  const sweeps: SweepData[] = [];
  const calibrations: CalibrationData[] = [];
  for (const { name, text } of files) {
    let data: unknown;
    try {
      data = JSON.parse(text);
    } catch (error) {
      throw new Error(`${name}: not JSON: ${(error as Error).message}`, { cause: error });
    }
    const sweep = sweepSchema.safeParse(data);
    const calibration = calibrationSchema.safeParse(data);
    if (sweep.success) sweeps.push(sweep.data);
    else if (calibration.success) calibrations.push(calibration.data);
    else throw new Error(`${name}: neither results of bench NAME --json nor of bench calibrate --json`);
  }
  return { sweeps, calibrations };
}
