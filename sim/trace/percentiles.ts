import type { RequestTotals } from './ledger.js';

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Percentiles of round-trip ticks, to five significant digits; the maximum is exact. For reports only. */
export async function percentiles(totals: Pick<RequestTotals, 'distribution' | 'max'>): Promise<Percentiles> {
  const { build } = await import('hdr-histogram-js');
  const max = Number(totals.max);
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: Math.max(2, max * 2),
    numberOfSignificantValueDigits: 5,
    autoResize: false,
  });
  for (const [ticks, count] of totals.distribution) histogram.recordValueWithCount(ticks, count);
  const at = (percentile: number): number =>
    totals.distribution.length === 0 ? 0 : Math.min(histogram.getValueAtPercentile(percentile), max);
  return { p50: at(50), p90: at(90), p99: at(99), max };
}
