import { z } from 'zod';

/**
 * Units of a timing entry. `cycles` are cycles of the core that does the work, `ns` is wall time of the SoC,
 * `cycles/KiB` and `ns/KiB` scale with the bytes moved (rounded up once per charge). A `count` is no time but a size that
 * time depends on: entries of a buffer, instructions per cycle.
 */
export const TIMING_UNITS = ['cycles', 'ns', 'cycles/KiB', 'ns/KiB', 'count'] as const;
export type TimingUnit = (typeof TIMING_UNITS)[number];

/**
 * How well founded a value is. `measured`: published by the person who measured it on this or a sibling core;
 * `derived`: arithmetic on measured values; `guessed`: memory or judgement.
 */
export const CONFIDENCES = ['measured', 'derived', 'guessed'] as const;
export type Confidence = (typeof CONFIDENCES)[number];

export const timingEntrySchema = z
  .strictObject({
    value: z.int().nonnegative(),
    unit: z.enum(TIMING_UNITS),
    low: z.int().nonnegative(),
    high: z.int().nonnegative(),
    confidence: z.enum(CONFIDENCES),
    source: z.string().min(1),
  })
  .superRefine((entry, context) => {
    if (entry.low > entry.high) context.addIssue({ code: 'custom', path: ['low'], message: 'is above high' });
    if (entry.value < entry.low || entry.value > entry.high) {
      context.addIssue({
        code: 'custom',
        path: ['value'],
        message: `${entry.value} ${entry.unit} is outside ${entry.low}..${entry.high}`,
      });
    }
  });

export type TimingEntry = z.output<typeof timingEntrySchema>;

/** One line of a timing table. */
export function entry(
  value: number,
  unit: TimingUnit,
  range: readonly [number, number],
  confidence: Confidence,
  source: string,
): TimingEntry {
  return { value, unit, low: range[0], high: range[1], confidence, source };
}

const KEY = /^[a-z]+(\.[a-zA-Z][a-zA-Z0-9]*)+$/;
export const timingTableSchema = z.record(
  z.string().regex(KEY, 'a timing key is words joined by dots, e.g. xen.decode'),
  timingEntrySchema,
);
