import type { ReportKind, ReportStep, StepConfidence } from './data.js';

/** Parts of a round trip in the order of the path. Waking and switching happen twice: to the backend, and back to the guest. */
const PATH = ['trap', 'send', 'wake', 'switch', 'deliver', 'backend', 'respond', 'wake back', 'switch back', 'resume'];
const TWICE: ReadonlySet<string> = new Set(['wake', 'switch']);
const AT_BACKEND: ReadonlySet<string> = new Set(['deliver', 'backend', 'respond']);

/** Some steps of all requests together. */
export interface Row {
  readonly part: string;
  /** Ticks by name of step. */
  readonly names: Map<string, number>;
  readonly cpus: Set<string>;
  ticks: number;
  readonly basis: Map<StepConfidence, number>;
}

/**
 * At most `limit` rows that together hold every tick: one for each part of the path, in its order. Too many: neighbours are
 * merged, the cheapest first. Room to spare: the largest step of the largest part gets a row of its own.
 */
export function pathRows(kinds: readonly ReportKind[], limit: number): Row[] {
  const rows = new Map<string, Row>();
  const single = new Map<string, ReportStep[]>();
  for (const kind of kinds) {
    kind.steps.forEach((step, index) => {
      const part = partOf(kind, index);
      let row = rows.get(part);
      if (row === undefined) rows.set(part, (row = emptyRow(part)));
      add(row, step);
      single.set(part, [...(single.get(part) ?? []), step]);
    });
  }
  const sorted = [...rows.values()].sort((a, b) => rank(a.part) - rank(b.part));
  while (sorted.length > limit) mergeCheapest(sorted);
  if (sorted.length < limit) splitLargest(sorted, single);
  return sorted;
}

/** The name that holds most of a row's time. */
export function mainStep(row: Row): string {
  return [...row.names].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

/** Which of the two ways a wake or a switch belongs to follows from the core, or else from its place in the list. */
function partOf(kind: ReportKind, index: number): string {
  const step = kind.steps[index] as ReportStep;
  if (!TWICE.has(step.phase)) return step.phase;
  const runs = (phases: (phase: string) => boolean): boolean =>
    kind.steps.some((other) => other.cpu === step.cpu && phases(other.phase));
  const atGuest = runs((phase) => phase === 'trap');
  const atBackend = runs((phase) => AT_BACKEND.has(phase));
  const back =
    atGuest === atBackend ? kind.steps.slice(0, index).some((other) => AT_BACKEND.has(other.phase)) : atGuest;
  return back ? `${step.phase} back` : step.phase;
}

function rank(part: string): number {
  const at = PATH.indexOf(part);
  return at < 0 ? PATH.length : at;
}

function emptyRow(part: string): Row {
  return { part, names: new Map(), cpus: new Set(), ticks: 0, basis: new Map() };
}

function add(row: Row, { name, cpu, ticks, confidence }: ReportStep): void {
  row.names.set(name, (row.names.get(name) ?? 0) + ticks);
  row.cpus.add(cpu);
  row.ticks += ticks;
  row.basis.set(confidence, (row.basis.get(confidence) ?? 0) + ticks);
}

function mergeCheapest(rows: Row[]): void {
  let best = 0;
  const cost = (i: number): number => (rows[i] as Row).ticks + (rows[i + 1] as Row).ticks;
  for (let i = 1; i + 1 < rows.length; i++) if (cost(i) < cost(best)) best = i;
  const [left, right] = rows.splice(best, 2) as [Row, Row];
  const merged = emptyRow(joined(left.part, right.part));
  for (const row of [left, right]) {
    merged.ticks += row.ticks;
    for (const cpu of row.cpus) merged.cpus.add(cpu);
    for (const [name, ticks] of row.names) merged.names.set(name, (merged.names.get(name) ?? 0) + ticks);
    for (const [basis, ticks] of row.basis) merged.basis.set(basis, (merged.basis.get(basis) ?? 0) + ticks);
  }
  rows.splice(best, 0, merged);
}

/** `wake back` and `switch back` are `wake+switch back`. */
function joined(left: string, right: string): string {
  const suffix = ' back';
  if (!left.endsWith(suffix) || !right.endsWith(suffix)) return `${left}+${right}`;
  return `${left.slice(0, -suffix.length)}+${right}`;
}

function splitLargest(rows: Row[], single: ReadonlyMap<string, readonly ReportStep[]>): void {
  const largest = rows.reduce<Row | undefined>((best, row) => (best === undefined || row.ticks > best.ticks ? row : best), undefined);
  if (largest === undefined || largest.names.size < 3) return;
  const steps = single.get(largest.part) ?? [];
  const name = mainStep(largest);
  const one = emptyRow(largest.part);
  const rest = emptyRow(largest.part);
  for (const step of steps) add(step.name === name ? one : rest, step);
  rows.splice(rows.indexOf(largest), 1, one, rest);
}
