import type { ReportKind, ReportStep } from './data.js';

/** Parts of a round trip in the order of its path; what is not among them comes last. */
const PATH = ['trap', 'send', 'wake', 'deliver', 'backend', 'respond', 'resume'];

/** Some steps of all requests together. */
export interface Row {
  readonly part: string;
  readonly steps: readonly ReportStep[];
  readonly ticks: number;
}

/**
 * Rows that together hold every tick: one for each part of the path, in its order. Too many: neighbours are merged, the
 * cheapest first. Room to spare: the largest step of the largest part gets a row of its own, and so on.
 */
export function pathRows(kinds: readonly ReportKind[], limit: number): Row[] {
  const parts = new Map<string, ReportStep[]>();
  for (const step of kinds.flatMap((kind) => kind.steps)) {
    const known = parts.get(step.phase);
    if (known === undefined) parts.set(step.phase, [step]);
    else known.push(step);
  }
  const rows = [...parts].map(([part, steps]) => newRow(part, steps)).sort((a, b) => rank(a.part) - rank(b.part));
  while (rows.length > limit) mergeCheapest(rows);
  while (rows.length < limit && splitLargest(rows)) continue;
  return rows;
}

/** A row's ticks by some property of its steps, in the order of first use. */
export function sumBy<K>(row: Row, key: (step: ReportStep) => K): Map<K, number> {
  const sums = new Map<K, number>();
  for (const step of row.steps) sums.set(key(step), (sums.get(key(step)) ?? 0) + step.ticks);
  return sums;
}

function newRow(part: string, steps: readonly ReportStep[]): Row {
  return { part, steps, ticks: steps.reduce((sum, step) => sum + step.ticks, 0) };
}

function rank(part: string): number {
  const at = PATH.indexOf(part);
  return at < 0 ? PATH.length : at;
}

function mergeCheapest(rows: Row[]): void {
  let best = 0;
  const cost = (i: number): number => (rows[i]?.ticks ?? 0) + (rows[i + 1]?.ticks ?? 0);
  for (let i = 1; i + 1 < rows.length; i++) if (cost(i) < cost(best)) best = i;
  const pair = rows.slice(best, best + 2);
  const merged = newRow(
    pair.map((row) => row.part).join('+'),
    pair.flatMap((row) => row.steps),
  );
  rows.splice(best, 2, merged);
}

/** False if no row has two kinds of steps. */
function splitLargest(rows: Row[]): boolean {
  const names = (row: Row): Map<string, number> => sumBy(row, (step) => step.name);
  const candidates = rows.filter((row) => names(row).size > 1);
  const largest = candidates.reduce<Row | undefined>(
    (best, row) => (row.ticks > (best?.ticks ?? 0) ? row : best),
    undefined,
  );
  if (largest === undefined) return false;
  const [name] = [...names(largest)].reduce((best, one) => (one[1] > best[1] ? one : best));
  const pair = [true, false].map((main) =>
    newRow(
      largest.part,
      largest.steps.filter((step) => (step.name === name) === main),
    ),
  );
  rows.splice(rows.indexOf(largest), 1, ...pair);
  return true;
}
