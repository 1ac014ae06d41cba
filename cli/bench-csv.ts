import type { BenchReport } from '../bench/index.js';

const COLUMNS = ['variant', 'case', 'count', 'phase', 'step', 'cpu', 'ticks', 'ns_each', 'confidence'];

/** One line for each step of each case of each variant, after a line `total` of the case; RFC 4180. */
export function benchCsv({ variants, tickHz }: BenchReport): string {
  const rows: (string | number)[][] = [COLUMNS];
  for (const { settings, cases } of variants) {
    for (const { name, count, totalTicks, steps } of cases) {
      const each = (ticks: number): string => ((ticks / count / tickHz) * 1e9).toFixed(3);
      rows.push([settings.join(' '), name, count, '', 'total', '', totalTicks, each(totalTicks), '']);
      for (const { phase, name: step, cpu, ticks, confidence } of steps)
        rows.push([settings.join(' '), name, count, phase, step, cpu, ticks, each(ticks), confidence]);
    }
  }
  return rows.map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
}

function quoted(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
