import type { Report, ReportStep, StepConfidence } from './data.js';

/** Colours are given, so that a file or a pipe gets none. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  bar(text: string, confidence: StepConfidence): string;
}

export const PLAIN: Paint = { bold: (text) => text, dim: (text) => text, bar: (text) => text };

const ROWS = 9;
const BAR_WIDTH = 16;
const BASIS_ORDER: readonly StepConfidence[] = ['measured', 'derived', 'executed', 'wait', 'guessed'];

interface Row {
  name: string;
  phase: string;
  /** Names merged into this row. */
  names: string[];
  cpus: string[];
  ticks: number;
  basis: Map<StepConfidence, number>;
}

/**
 * The round trip on 15 lines of at most 100 columns: board and placement, outcome and speed, the steps with where they ran,
 * mean cycles, mean time, share and basis. Small neighbouring steps are merged until they fit. Means are over all requests.
 */
export function roundTripTable(report: Report, paint: Paint = PLAIN): string {
  const { tickHz, ticksPerCycle, kinds } = report.ioreq.roundTrip;
  const count = kinds.reduce((total, kind) => total + kind.count, 0);
  const total = kinds.reduce((sum, kind) => sum + kind.totalTicks, 0);
  const head = [
    paint.bold(clip(`IOREQ round trip on ${report.board.model}: ${report.board.placement}`, 100)),
    clip(speedLine(report), 100),
  ];
  if (count === 0) return [...head, 'No request was made.'].join('\n');

  const us = (ticks: number): string => ((ticks / tickHz) * 1e6).toFixed(2);
  const rows = fit(kinds.flatMap((kind) => kind.steps));
  const largest = Math.max(...rows.map((row) => row.ticks));
  const lines = rows.map((row) => {
    const where = row.cpus.filter((cpu) => cpu !== '-');
    const perCycle = ticksPerCycle[where[0] ?? ''];
    const cycles = perCycle === undefined || where.length === 0 ? '-' : group(Math.round(row.ticks / count / perCycle));
    const width = Math.max(1, Math.round((row.ticks / largest) * BAR_WIDTH));
    const bar = paint.bar('█'.repeat(width), mainBasis(row)) + ' '.repeat(BAR_WIDTH - width);
    const share = `${((row.ticks / total) * 100).toFixed(1)} %`;
    return [
      `  ${clip(row.name, 30).padEnd(30)}`,
      clip(where.length === 0 ? '-' : where.join('+'), 9).padEnd(9),
      cycles.padStart(8),
      group(Math.round((row.ticks / count / tickHz) * 1e9)).padStart(8),
      `${share.padStart(7)} ${bar}`,
      basisText(row),
    ]
      .join(' ')
      .trimEnd();
  });
  const titles = [
    `  ${'step'.padEnd(30)}`,
    'where'.padEnd(9),
    'cycles'.padStart(8),
    'ns'.padStart(8),
    `${'share'.padStart(7)} ${' '.repeat(BAR_WIDTH)}`,
    'basis',
  ].join(' ');
  const mean = group(Math.round((total / count / tickHz) * 1e9)).padStart(8);
  return [
    ...head,
    paint.dim(titles.trimEnd()),
    ...lines,
    paint.bold(
      `  ${`mean of ${group(count)} round trips`.padEnd(30)} ${''.padEnd(9)} ${''.padStart(8)} ${mean} ${'100.0 %'.padStart(7)}`,
    ),
    clip(`  ${byKind(report, us)}`, 100),
    paint.dim(
      clip(
        `  ${basisLine(
          report,
          kinds.flatMap((kind) => kind.steps),
          total,
        )}`,
        100,
      ),
    ),
  ].join('\n');
}

function speedLine(report: Report): string {
  const { host, sim } = report;
  const detail = report.detail === '' ? '' : ` (${report.detail})`;
  return (
    `${report.outcome}${detail} after ${sim.seconds.toFixed(3)} s simulated, ${group(sim.instructions)} instructions; ` +
    `${host.seconds.toFixed(1)} s on this host, ${host.mips.toFixed(0)} MIPS`
  );
}

function byKind(report: Report, us: (ticks: number) => string): string {
  const sums = new Map<string, { count: number; ticks: number; max: number }>();
  for (const kind of report.ioreq.roundTrip.kinds) {
    const sum = sums.get(kind.kind) ?? { count: 0, ticks: 0, max: 0 };
    sum.count += kind.count;
    sum.ticks += kind.totalTicks;
    sum.max = Math.max(sum.max, kind.max);
    sums.set(kind.kind, sum);
  }
  return [...sums]
    .map(([kind, sum]) => `${kind} ${group(sum.count)} x ${us(sum.ticks / sum.count)} us (max ${us(sum.max)})`)
    .join('   ');
}

function basisLine(report: Report, steps: readonly ReportStep[], total: number): string {
  const sums = new Map<StepConfidence, number>();
  for (const step of steps) sums.set(step.confidence, (sums.get(step.confidence) ?? 0) + step.ticks);
  const parts = BASIS_ORDER.filter((basis) => sums.has(basis)).map(
    (basis) => `${basis} ${(((sums.get(basis) ?? 0) / total) * 100).toFixed(0)} %`,
  );
  return `rests on: ${parts.join(', ')}; cores ${report.accuracy.class}, timing table ${report.accuracy.timingTable}`;
}

/** One row per step, cores of the same step joined; then the cheapest neighbours are merged until ROWS are left. */
function fit(steps: readonly ReportStep[]): Row[] {
  const rows: Row[] = [];
  for (const step of steps) {
    let row = rows.find((other) => other.name === step.name && other.phase === step.phase);
    if (!row) {
      row = { name: step.name, phase: step.phase, names: [step.name], cpus: [], ticks: 0, basis: new Map() };
      rows.push(row);
    }
    if (!row.cpus.includes(step.cpu)) row.cpus.push(step.cpu);
    row.ticks += step.ticks;
    row.basis.set(step.confidence, (row.basis.get(step.confidence) ?? 0) + step.ticks);
  }
  while (rows.length > ROWS) {
    let best = 0;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < rows.length; i++) {
      const left = rows[i] as Row;
      const right = rows[i + 1] as Row;
      // Neighbours of another phase merge only when nothing else is left.
      const cost = left.ticks + right.ticks + (left.phase === right.phase ? 0 : Number.MAX_SAFE_INTEGER / 4);
      if (cost < bestCost) {
        best = i;
        bestCost = cost;
      }
    }
    const [left, right] = rows.splice(best, 2) as [Row, Row];
    const names = [...left.names, ...right.names];
    const leading = left.ticks >= right.ticks ? (left.names[0] ?? '') : (right.names[0] ?? '');
    const basis = new Map(left.basis);
    for (const [key, ticks] of right.basis) basis.set(key, (basis.get(key) ?? 0) + ticks);
    rows.splice(best, 0, {
      name: left.phase === right.phase ? `${left.phase}: ${names.length} steps` : `${leading} +${names.length - 1}`,
      phase: left.phase,
      names: [leading, ...names.filter((name) => name !== leading)],
      cpus: [...new Set([...left.cpus, ...right.cpus])],
      ticks: left.ticks + right.ticks,
      basis,
    });
  }
  return rows;
}

function mainBasis(row: Row): StepConfidence {
  return BASIS_ORDER.reduce((best, basis) => ((row.basis.get(basis) ?? 0) > (row.basis.get(best) ?? 0) ? basis : best));
}

function basisText(row: Row): string {
  const basis = mainBasis(row);
  return row.basis.size === 1 ? basis : `${basis} ${Math.floor(((row.basis.get(basis) ?? 0) / row.ticks) * 100)}%`;
}

function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
