import Table from 'cli-table3';
import { PHASES, type BenchCase, type BenchReport } from '../bench/index.js';

/** Text for people: one comparison for each case, or the cases and the steps of the first of each group. */
export function benchTables(report: BenchReport): string {
  const parts = report.variants.length > 1 ? comparisons(report) : [summary(report), stepTable(report)];
  return [...parts, notes(report)].filter((part) => part !== '').join('\n\n');
}

type Cell = string | { content: string; hAlign: 'right' };

function table(head: readonly string[], rows: readonly (readonly string[])[], left: number): string {
  const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const out = new Table({
    head: [...head],
    chars,
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, column) => (column < left ? 'left' : 'right')),
  });
  for (const row of rows) out.push([...row] as Cell[]);
  return out.toString();
}

/** Every case with its percentiles, in microseconds. */
function summary({ bench, variants, tickHz }: BenchReport): string {
  const { cases = [] } = variants[0] ?? {};
  const us = (ticks: number): string => ((ticks / tickHz) * 1e6).toFixed(3);
  const figures = [...new Set(cases.flatMap((each) => Object.keys(each.figures ?? {})))];
  const rows = cases.map(({ name, count, totalTicks, p50, p90, p99, max, figures: own }) => [
    name,
    String(count),
    us(totalTicks / count),
    ...[p50, p90, p99, max].map(us),
    ...figures.map((figure) => number(own?.[figure])),
  ]);
  return `bench ${bench}, us\n${table(['case', 'count', 'mean', 'p50', 'p90', 'p99', 'max', ...figures], rows, 1)}`;
}

/** Mean nanoseconds of each step, a column for each case that is the first of its circumstances. */
function stepTable(report: BenchReport): string {
  const { cases = [] } = report.variants[0] ?? {};
  const shown = cases.filter(({ name, steps }) => steps.length > 0 && / 1 vCPU$|^[^ ]*$/.test(name)).slice(0, 6);
  const columns = shown.length > 0 ? shown : cases.filter(({ steps }) => steps.length > 0).slice(0, 6);
  if (columns.length === 0) return '';
  const maps = columns.map((each) => means(each, report.tickHz));
  const rows = stepKeys(maps).map(([key, phase, step]) => [phase, step, ...maps.map((map) => ns(map.get(key)))]);
  const totals = columns.map(({ totalTicks, count }) => ns((totalTicks / count / report.tickHz) * 1e9));
  rows.push(['', 'sum', ...totals]);
  return `steps, mean ns\n${table(['phase', 'step', ...columns.map(({ name }) => name)], rows, 2)}`;
}

/** A table for each case: the baseline's nanoseconds, and the others' with the difference. Equal ones are shown once. */
function comparisons(report: BenchReport): string[] {
  const { variants, bench } = report;
  const names = [...new Set(variants.flatMap(({ cases }) => cases.map(({ name }) => name)))];
  const byText = new Map<string, string[]>();
  for (const name of names) {
    const text = comparison(report, name);
    byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  return [...byText].map(
    ([text, same]) => `bench ${bench}, ${same.join(' and ')}: mean ns, difference to the first column\n${text}`,
  );
}

function comparison({ variants, tickHz }: BenchReport, name: string): string {
  const mine = variants.map(({ cases }) => cases.find((each) => each.name === name));
  const maps = mine.map((each) => (each === undefined ? new Map<string, number>() : means(each, tickHz)));
  const cells = (values: readonly (number | undefined)[]): string[] =>
    values.map((value, i) => (i === 0 ? ns(value) : `${ns(value)} ${difference(values[0], value)}`.trimEnd()));
  const rows = stepKeys(maps).map(([key, phase, step]) => {
    const values = maps.map((map, i) => map.get(key) ?? (mine[i] === undefined ? undefined : 0));
    return [phase, step, ...cells(values)];
  });
  const of = (pick: (each: BenchCase) => number): string[] =>
    cells(mine.map((each) => (each === undefined ? undefined : (pick(each) / tickHz) * 1e9)));
  rows.push(['', 'sum', ...of(({ totalTicks, count }) => totalTicks / count)]);
  for (const key of ['p50', 'p90', 'p99', 'max'] as const) rows.push(['', key, ...of((each) => each[key])]);
  return table(['phase', 'step', ...variants.map(({ settings }) => settings.join('\n'))], rows, 2);
}

/** Nanoseconds by step, wherever it ran. */
function means({ steps, count }: BenchCase, tickHz: number): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { phase, name, ticks } of steps) {
    const key = `${phase}\n${name}`;
    sums.set(key, (sums.get(key) ?? 0) + (ticks / count / tickHz) * 1e9);
  }
  return sums;
}

/** All steps in the order of the path: by phase, then as they come. */
function stepKeys(maps: readonly Map<string, number>[]): [key: string, phase: string, step: string][] {
  const keys = [...new Set(maps.flatMap((map) => [...map.keys()]))].map((key): [string, string, string] => {
    const at = key.indexOf('\n');
    return [key, key.slice(0, at), key.slice(at + 1)];
  });
  const rank = (phase: string): number => (PHASES.includes(phase) ? PHASES.indexOf(phase) : PHASES.length);
  return keys.sort((a, b) => rank(a[1]) - rank(b[1]));
}

function notes({ variants, accuracyClass }: BenchReport): string {
  const lines = variants.flatMap(({ settings, notRun }) =>
    notRun.map(({ parameters, why }) => {
      const circumstances = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
      return `not run: ${[...settings, ...circumstances].join(' ')}: ${why}`;
    }),
  );
  for (const { settings, placements } of variants) {
    const which = settings.length === 0 ? '' : `${settings.join(' ')}: `;
    if (placements.length > 0) lines.push(`${which}${placements[0]!}${placements.length > 1 ? ', and so on' : ''}`);
  }
  const shares = basis(variants.flatMap(({ cases }) => cases));
  return [...lines, `cores ${accuracyClass}${shares === '' ? '' : `; time by basis: ${shares}`}`].join('\n');
}

/** How well founded the time is. */
function basis(cases: readonly BenchCase[]): string {
  const sums = new Map<string, number>();
  for (const { confidence, ticks } of cases.flatMap(({ steps }) => steps))
    sums.set(confidence, (sums.get(confidence) ?? 0) + ticks);
  const total = [...sums.values()].reduce((a, b) => a + b, 0);
  return [...sums].map(([name, ticks]) => `${Math.round((ticks / total) * 100)} % ${name}`).join(', ');
}

function ns(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(1);
}

function number(value: number | undefined): string {
  return value === undefined ? '-' : value >= 1000 ? value.toFixed(0) : value.toPrecision(4);
}

function difference(base: number | undefined, value: number | undefined): string {
  if (base === undefined || value === undefined || base === value) return '';
  if (base === 0) return '(new)';
  const percent = (value / base - 1) * 100;
  return `(${percent > 0 ? '+' : ''}${percent.toFixed(1)} %)`;
}
