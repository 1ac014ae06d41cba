import type { Report, ReportEntry } from '../data.js';

/** What the mean round trip would be if one timing entry were at the ends of its range: first order, nothing is run again. */
export interface WhatIf {
  readonly name: string;
  readonly entry: ReportEntry;
  /** Microseconds. */
  readonly low: number;
  readonly high: number;
}

/**
 * Entries by how far they can move the mean, the farthest first. A step that several entries made is left out: its ticks
 * cannot be divided between them.
 */
export function whatIfs(report: Report): WhatIf[] {
  const { kinds, tickHz } = report.ioreq.roundTrip;
  const count = kinds.reduce((sum, kind) => sum + kind.count, 0);
  if (count === 0) return [];
  const total = kinds.reduce((sum, kind) => sum + kind.totalTicks, 0);
  const ticks = new Map<string, number>();
  for (const { costs, ticks: more } of kinds.flatMap((kind) => kind.steps)) {
    const [cost] = costs;
    if (cost !== undefined && costs.length === 1) ticks.set(cost, (ticks.get(cost) ?? 0) + more);
  }
  const mean = (changed: number): number => (changed / count / tickHz) * 1e6;
  return [...ticks]
    .flatMap(([name, part]): WhatIf[] => {
      const entry = report.timing[name];
      if (entry === undefined || entry.value === 0) return [];
      const at = (value: number): number => mean(total + part * (value / entry.value - 1));
      return [{ name, entry, low: at(entry.low), high: at(entry.high) }];
    })
    .sort((a, b) => b.high - b.low - (a.high - a.low));
}
