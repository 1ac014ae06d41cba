import type { Report, ReportKind, StepConfidence } from './data.js';
import { pathRows, sumBy, type Row } from './rows.js';

/** Colours are given, so that a file or a pipe gets none. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  bar(text: string, confidence: StepConfidence): string;
}

export const PLAIN: Paint = { bold: (text) => text, dim: (text) => text, bar: (text) => text };

const WIDTH = 100;
const ROWS = 9;
const BAR_WIDTH = 12;
const MOST_WIDTH = 28;
const BASIS_ORDER: readonly StepConfidence[] = ['measured', 'derived', 'executed', 'wait', 'guessed'];

/**
 * The round trip on 15 lines of at most 100 columns: board and placement, outcome and speed, the parts of the path with what
 * most of each is, where it ran, mean cycles, mean time, share and basis. Means are over all requests.
 */
export function roundTripTable(report: Report, paint: Paint = PLAIN): string {
  const { tickHz, ticksPerCycle, kinds } = report.ioreq.roundTrip;
  const count = kinds.reduce((total, kind) => total + kind.count, 0);
  const total = kinds.reduce((sum, kind) => sum + kind.totalTicks, 0);
  const head = [
    paint.bold(clip(`IOREQ round trip, ${report.board.name}: ${report.board.placement}`, WIDTH)),
    clip(speedLine(report), WIDTH),
  ];
  if (count === 0) return [...head, 'No request was made.'].join('\n');

  const ns = (ticks: number): string => group(Math.round((ticks / count / tickHz) * 1e9));
  const rows = pathRows(kinds, ROWS);
  const largest = Math.max(...rows.map((row) => row.ticks));
  const line = (row: Row): string => {
    const where = [...sumBy(row, (step) => step.cpu).keys()].filter((cpu) => cpu !== '-').sort();
    const perCycle = ticksPerCycle[where[0] ?? ''];
    const width = Math.max(row.ticks > 0 ? 1 : 0, Math.round((row.ticks / largest) * BAR_WIDTH));
    return columns(
      row.part,
      mostOf(row),
      coresText(where),
      perCycle === undefined ? '-' : group(Math.round(row.ticks / count / perCycle)),
      ns(row.ticks),
      percent(row.ticks, total),
      paint.bar('█'.repeat(width), mainBasis(row)) + ' '.repeat(BAR_WIDTH - width),
      basisText(row),
    );
  };
  const bar = ' '.repeat(BAR_WIDTH);
  return [
    ...head,
    paint.dim(columns('part', 'most of it', 'where', 'cycles', 'ns', 'share', bar, 'basis')),
    ...rows.map(line),
    paint.bold(columns('mean', `of ${group(count)} round trips`, '', '', ns(total), '100.0 %', bar, '')),
    clip(`  ${kindsLine(kinds, tickHz)}`, WIDTH),
    paint.dim(clip(`  ${basisLine(report, total)}`, WIDTH)),
  ].join('\n');
}

function columns(
  part: string,
  most: string,
  where: string,
  cycles: string,
  ns: string,
  share: string,
  bar: string,
  basis: string,
): string {
  const left = `  ${clip(part, 9).padEnd(9)} ${most.padEnd(MOST_WIDTH)} ${clip(where, 9).padEnd(9)}`;
  return `${left} ${cycles.padStart(7)} ${ns.padStart(7)} ${share.padStart(7)} ${bar} ${basis}`.trimEnd();
}

function speedLine(report: Report): string {
  const { host, sim, detail } = report;
  const speed =
    `after ${sim.seconds.toFixed(3)} s simulated: ${group(sim.instructions)} instructions in ` +
    `${host.seconds.toFixed(1)} s on this host, ${host.mips.toFixed(0)} MIPS`;
  const long = `${report.outcome}${detail === '' ? '' : ` (${detail})`} ${speed}`;
  return long.length <= WIDTH ? long : `${report.outcome} ${speed}`;
}

/** Mean and maximum of reads, of writes and of queue notifications. */
function kindsLine(kinds: readonly ReportKind[], tickHz: number): string {
  const us = (ticks: number): string => ((ticks / tickHz) * 1e6).toFixed(2);
  const sums = new Map<string, { count: number; ticks: number; max: number }>();
  for (const kind of kinds) {
    const sum = sums.get(kind.kind) ?? { count: 0, ticks: 0, max: 0 };
    sum.count += kind.count;
    sum.ticks += kind.totalTicks;
    sum.max = Math.max(sum.max, kind.max);
    sums.set(kind.kind, sum);
  }
  const parts = [...sums].map(
    ([kind, sum]) => `${group(sum.count)} ${kind} ${us(sum.ticks / sum.count)} (max ${us(sum.max)})`,
  );
  return `us each: ${parts.join(', ')}`;
}

function basisLine(report: Report, total: number): string {
  const sums = new Map<StepConfidence, number>();
  for (const { confidence, ticks } of report.ioreq.roundTrip.kinds.flatMap((kind) => kind.steps)) {
    sums.set(confidence, (sums.get(confidence) ?? 0) + ticks);
  }
  const parts = BASIS_ORDER.map((basis) => ({ basis, share: Math.round(((sums.get(basis) ?? 0) / total) * 100) }))
    .filter(({ share }) => share > 0)
    .map(({ basis, share }) => `${share} % ${basis}`);
  const { class: accuracy, timingTable } = report.accuracy;
  return `basis: ${parts.join(', ')}; cores ${accuracy}, timing ${timingTable.slice(0, 8)}`;
}

/** The largest steps of a row with their shares of it, as many as fit. */
function mostOf(row: Row): string {
  const sums = [...sumBy(row, (step) => step.name)].sort((x, y) => y[1] - x[1]);
  const [first, ...others] = sums.map(
    ([name, ticks]) => `${name} ${Math.round((ticks / Math.max(1, row.ticks)) * 100)}%`,
  );
  if (others.length === 0) return clip(sums[0]?.[0] ?? '', MOST_WIDTH);
  let text = clip(first ?? '', MOST_WIDTH);
  for (const other of others) {
    if (text.length + 2 + other.length > MOST_WIDTH) break;
    text += `, ${other}`;
  }
  return text;
}

/** `a57.0` and `a57.3` are `a57.0,3`; three or more in a row `a57.0-2`. Names are sorted. */
function coresText(names: readonly string[]): string {
  if (names.length === 0) return '-';
  const clusters = new Map<string, number[]>();
  for (const name of names) {
    const dot = name.lastIndexOf('.');
    const cluster = name.slice(0, dot);
    clusters.set(cluster, [...(clusters.get(cluster) ?? []), Number(name.slice(dot + 1))]);
  }
  const list = (cores: readonly number[]): string => {
    const first = cores[0] ?? 0;
    const inRow = cores.length > 2 && cores.every((core, i) => core === first + i);
    return inRow ? `${first}-${first + cores.length - 1}` : cores.join(',');
  };
  return [...clusters].map(([cluster, cores]) => `${cluster}.${list(cores)}`).join('+');
}

function mainBasis(row: Row): StepConfidence {
  const sums = sumBy(row, (step) => step.confidence);
  return BASIS_ORDER.reduce((best, one) => ((sums.get(one) ?? 0) > (sums.get(best) ?? 0) ? one : best));
}

function basisText(row: Row): string {
  const main = mainBasis(row);
  const ticks = sumBy(row, (step) => step.confidence).get(main) ?? 0;
  return ticks === row.ticks ? main : `${main} ${Math.floor((ticks / Math.max(1, row.ticks)) * 100)}%`;
}

function percent(part: number, total: number): string {
  return `${((part / total) * 100).toFixed(1)} %`;
}

function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
