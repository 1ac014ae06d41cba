/** The plots, as SVG text. The library is loaded when a page is made, and not before. */
import type { Report, ReportKind } from '../data.js';
import type { CalibrationData } from './inputs.js';
import { BASIS_ORDER, colour, PHASE_ORDER } from './style.js';
import { grouped, micros, percent } from './text.js';
import { whatIfs } from './what-if.js';

type Library = typeof import('@observablehq/plot');
type Options = Parameters<Library['plot']>[0];

/** Widths in pixels: that of the column, and that of a phone. */
const WIDTHS = { wide: 760, narrow: 350 } as const;
const ROW = 24;
const MOST_ROWS = 14;
const BINS = 48;

/** Results of a benchmark under several settings: what a sweep shows (`bench --vary --json`). */
export interface SweepData {
  readonly bench: string;
  readonly tickHz: number;
  readonly variants: readonly {
    readonly settings: readonly string[];
    readonly cases: readonly {
      readonly name: string;
      readonly count: number;
      readonly totalTicks: number;
      readonly steps: readonly { readonly phase: string; readonly ticks: number }[];
    }[];
  }[];
}

export class Plots {
  private constructor(
    private readonly Plot: Library,
    private readonly document: unknown,
  ) {}

  static async load(): Promise<Plots> {
    const [Plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
    return new Plots(Plot, (parseHTML('<html><body></body></html>') as { document: unknown }).document);
  }

  /** The figure in both widths; style sheets choose. */
  #figure(id: string, label: string, options: (width: number) => Options): string {
    const draw = (name: keyof typeof WIDTHS): string => {
      const width = WIDTHS[name];
      const plot = this.Plot.plot({ ...options(width), width, document: this.document as never });
      plot.setAttribute('role', 'img');
      plot.setAttribute('aria-label', label);
      plot.setAttribute('class', name);
      return plot.outerHTML;
    };
    return `<figure id="${id}">${draw('wide')}${draw('narrow')}</figure>`;
  }

  /** Mean round trip of each kind of request, by phase. */
  steps(report: Report): string {
    const { tickHz, kinds } = report.ioreq.roundTrip;
    const shown = [...kinds].sort((a, b) => b.totalTicks - a.totalTicks).slice(0, MOST_ROWS);
    const rows = shown.flatMap((kind) =>
      phaseMeans(kind, tickHz).map(({ phase, us }) => ({ kind: kindName(kind), phase, us })),
    );
    const title = (row: (typeof rows)[number]): string => `${row.kind}, ${row.phase}: ${row.us.toFixed(3)} us`;
    return this.#figure('steps', 'Mean round trip by kind of request and phase', (width) => ({
      height: shown.length * ROW + 50,
      marginLeft: width < 500 ? 110 : 190,
      x: { label: 'mean, us', grid: true },
      y: { label: null, domain: shown.map(kindName), tickSize: 0, tickFormat: shortened(width < 500 ? 18 : 30) },
      marks: [
        this.Plot.barX(rows, {
          x: 'us',
          y: 'kind',
          fill: (row) => colour(row.phase),
          order: null,
          title,
          insetTop: 1,
          insetBottom: 1,
        }),
        this.Plot.ruleX([0]),
      ],
    }));
  }

  /** How long round trips took, by reads, writes and notifications. */
  latencies(report: Report): string {
    const { tickHz, kinds } = report.ioreq.roundTrip;
    const all = kinds.flatMap(({ kind, distribution }) =>
      distribution.map(([ticks, count]) => ({ kind, us: micros(ticks, tickHz), count })),
    );
    const low = Math.min(...all.map(({ us }) => us));
    const high = Math.max(...all.map(({ us }) => us));
    const width = Math.max((high - low) / BINS, 1e-3);
    const bins = new Map<string, { kind: string; x1: number; x2: number; count: number }>();
    for (const { kind, us, count } of all) {
      const at = Math.min(BINS - 1, Math.floor((us - low) / width));
      const bin = bins.get(`${kind} ${at}`) ?? { kind, x1: low + at * width, x2: low + (at + 1) * width, count: 0 };
      bin.count += count;
      bins.set(`${kind} ${at}`, bin);
    }
    const rows = [...bins.values()];
    const title = (row: (typeof rows)[number]): string =>
      `${row.count} ${row.kind}, ${row.x1.toFixed(2)} to ${row.x2.toFixed(2)} us`;
    return this.#figure('latencies', 'Histogram of round trips', () => ({
      height: 260,
      x: { label: 'round trip, us' },
      y: { label: 'requests', grid: true, type: 'sqrt', ticks: 3 },
      fy: { label: null },
      marks: [
        this.Plot.rectY(rows, {
          x1: 'x1',
          x2: 'x2',
          y: 'count',
          fy: 'kind',
          fill: (row) => colour(row.kind),
          title,
          inset: 0.5,
        }),
        this.Plot.ruleY([0]),
      ],
    }));
  }

  /** One request from trap to return, on the cores that worked for it. */
  request(report: Report): string {
    const { sample } = report;
    if (sample === null) return '';
    const { tickHz } = report.ioreq.roundTrip;
    const at = (ticks: number): number => micros(ticks - sample.start, tickHz);
    const rows = sample.intervals.map(({ name, phase, cpu, start, end }) => ({
      track: cpu === '-' ? 'waiting' : cpu,
      phase,
      name,
      x1: at(start),
      x2: at(end),
    }));
    const title = (row: (typeof rows)[number]): string =>
      `${row.phase}: ${row.name}, ${row.x1.toFixed(3)} to ${row.x2.toFixed(3)} us`;
    const tracks = [...new Set(rows.map(({ track }) => track))].sort();
    return this.#figure('request', 'Timeline of one request', () => ({
      height: tracks.length * 40 + 50,
      marginLeft: 64,
      x: { label: 'us since the trap', grid: true },
      y: { label: null, domain: tracks, tickSize: 0 },
      marks: [this.Plot.barX(rows, { x1: 'x1', x2: 'x2', y: 'track', fill: (row) => colour(row.phase), title })],
    }));
  }

  /** What the mean would be with each timing entry at the ends of its range. */
  whatIf(report: Report): string {
    const list = whatIfs(report).slice(0, MOST_ROWS);
    const { kinds, tickHz } = report.ioreq.roundTrip;
    const mean =
      micros(
        kinds.reduce((sum, kind) => sum + kind.totalTicks, 0),
        tickHz,
      ) / kinds.reduce((sum, kind) => sum + kind.count, 0);
    const title = (row: (typeof list)[number]): string =>
      `${row.name} ${row.entry.low} to ${row.entry.high} ${row.entry.unit}: ${row.low.toFixed(2)} to ${row.high.toFixed(2)} us`;
    return this.#figure('what-if', 'Mean round trip with each timing entry at the ends of its range', (width) => ({
      height: list.length * ROW + 50,
      marginLeft: width < 500 ? 120 : 170,
      x: { label: 'mean round trip, us', grid: true, zero: false },
      y: {
        label: null,
        domain: list.map(({ name }) => name),
        tickSize: 0,
        tickFormat: shortened(width < 500 ? 20 : 30),
      },
      marks: [
        this.Plot.barX(list, {
          x1: 'low',
          x2: 'high',
          y: 'name',
          fill: (row) => colour(row.entry.confidence),
          title,
          insetTop: 2,
          insetBottom: 2,
        }),
        this.Plot.ruleX([mean], { stroke: 'currentColor' }),
      ],
    }));
  }

  /** How far the round trips rest on what. */
  basis(report: Report): string {
    const rows = BASIS_ORDER.flatMap((basis) => {
      const share = report.accuracy.shares[basis as keyof typeof report.accuracy.shares] ?? 0;
      return share > 0 ? [{ basis, share }] : [];
    });
    return this.#figure('basis', 'Share of round-trip time by how well founded it is', () => ({
      height: 70,
      x: { label: 'share of round-trip time, %', percent: true, domain: [0, 100] },
      y: { axis: null },
      marks: [
        this.Plot.barX(rows, {
          x: 'share',
          fill: (row) => colour(row.basis),
          order: null,
          title: (row) => `${row.basis} ${percent(row.share)}`,
        }),
      ],
    }));
  }

  /** The ranges of the cited entries, relative to their values. */
  ranges(report: Report): string {
    const rows = Object.entries(report.timing)
      .filter(([, entry]) => entry.value > 0 && entry.low > 0)
      .map(([name, entry]) => ({ name, entry, low: entry.low / entry.value, high: entry.high / entry.value }));
    const title = (row: (typeof rows)[number]): string =>
      `${row.name} = ${row.entry.value} ${row.entry.unit} (${row.entry.low} to ${row.entry.high}), ${row.entry.confidence}: ${row.entry.source}`;
    return this.#figure('ranges', 'Range of each timing entry, relative to its value', (width) => ({
      height: rows.length * 18 + 50,
      marginLeft: width < 500 ? 125 : 170,
      x: { label: 'range / value', type: 'log', grid: true, tickFormat: (x: number) => `x${x}`, ticks: 5 },
      y: {
        label: null,
        domain: rows.map(({ name }) => name),
        tickSize: 0,
        tickFormat: shortened(width < 500 ? 20 : 30),
      },
      marks: [
        this.Plot.barX(rows, {
          x1: 'low',
          x2: 'high',
          y: 'name',
          fill: (row) => colour(row.entry.confidence),
          title,
          insetTop: 3,
          insetBottom: 3,
        }),
        this.Plot.ruleX([1], { stroke: 'currentColor' }),
      ],
    }));
  }

  /** Pages of the guest that were mapped, over time. */
  exposure(report: Report): string {
    const { tickHz } = report.ioreq.roundTrip;
    const rows = report.exposure.flatMap(({ disk, timeline: { bucketTicks, mapped } }) =>
      mapped.map((pages, i) => ({
        disk,
        seconds: (i * bucketTicks) / tickHz,
        until: ((i + 1) * bucketTicks) / tickHz,
        pages,
      })),
    );
    return this.#figure('exposure', 'Pages of the guest mapped by each disk’s backend over time', () => ({
      height: 60 + 110 * new Set(rows.map(({ disk }) => disk)).size,
      x: { label: 'simulated time, s' },
      y: { label: 'pages mapped, most', grid: true, ticks: 4 },
      fy: { label: null },
      marks: [
        this.Plot.rectY(rows, {
          x1: 'seconds',
          x2: 'until',
          y: 'pages',
          fy: 'disk',
          fill: 'var(--deliver)',
          title: (row) => `${row.disk}: ${row.pages} pages`,
        }),
        this.Plot.ruleY([0]),
      ],
    }));
  }

  /** RAM and devices by address; the bars are sizes, on a logarithmic scale. */
  map(report: Report): string {
    const rows = report.board.map.map((region, i) => ({
      ...region,
      label: `${hex(region.base)} ${region.name}`,
      key: `${i} ${region.name}`,
    }));
    const labels = new Map(rows.map(({ key, label }) => [key, label]));
    const title = (row: (typeof rows)[number]): string =>
      `${row.name}: ${hex(row.base)} to ${hex(row.base + row.size)}, ${grouped(row.size)} bytes, ${grouped(row.accesses)} accesses`;
    return this.#figure('map', 'Physical address map', (width) => ({
      height: rows.length * 18 + 50,
      marginLeft: 170,
      x: {
        label: 'bytes',
        type: 'log',
        base: 2,
        domain: [1, 2 ** 31],
        ticks: width < 500 ? 3 : 7,
        tickFormat: sizeText,
        grid: true,
      },
      y: {
        label: null,
        domain: rows.map(({ key }) => key),
        tickFormat: (key: string) => labels.get(key) ?? '',
        tickSize: 0,
      },
      marks: [
        this.Plot.barX(rows, {
          x1: 1,
          x2: 'size',
          y: 'key',
          fill: (row) => colour(row.kind),
          title,
          insetTop: 2,
          insetBottom: 2,
        }),
      ],
    }));
  }

  /** One varied number: a line for each case. */
  #line(data: SweepData, index: number, key: string): string {
    const rows = data.variants.flatMap(({ settings, cases }) =>
      cases.map((one) => ({
        name: one.name,
        x: Number(settings[0]?.slice(key.length + 1)),
        us: micros(one.totalTicks, data.tickHz) / one.count,
      })),
    );
    const title = (row: (typeof rows)[number]): string => `${row.name}, ${key}=${row.x}: ${row.us.toFixed(3)} us`;
    const names = [...new Set(rows.map(({ name }) => name))];
    return this.#figure(`sweep-${index}`, `bench ${data.bench} over ${key}`, () => ({
      height: names.length * 140 + 60,
      marginTop: 30,
      x: { label: key, ticks: 5 },
      y: { label: 'mean, us', grid: true, zero: true, ticks: 4 },
      fy: { label: null, domain: names, axis: null, padding: 0.25 },
      marks: [
        this.Plot.lineY(rows, { x: 'x', y: 'us', fy: 'name', stroke: 'var(--deliver)' }),
        this.Plot.dot(rows, { x: 'x', y: 'us', fy: 'name', fill: 'var(--deliver)', title }),
        this.#titles(names),
      ],
    }));
  }

  /** Names of facets, above them. */
  #titles(names: readonly string[]): ReturnType<Library['text']> {
    return this.Plot.text(names, {
      fy: (name: string) => name,
      text: (name: string) => name,
      frameAnchor: 'top-left',
      dy: -14,
      fontWeight: 600,
    });
  }

  /** Published figures of hardware: bands, and ours beside them, relative to the reference. */
  calibration(data: CalibrationData, index: number): string {
    const run = data.rows.flatMap((row) =>
      row.ours === null || row.ours <= 0 || row.reference <= 0 || row.low <= 0
        ? []
        : [
            {
              ...row,
              key: `${row.id} ${row.metric}`,
              at: row.ours / row.reference,
              from: row.low / row.reference,
              to: row.high / row.reference,
            },
          ],
    );
    const title = (row: (typeof run)[number]): string =>
      `${row.key}: ${row.ours} ${row.unit}, published ${row.reference} (${row.low} to ${row.high}), ${row.role}: ${row.verdict}`;
    return this.#figure(`calibration-${index}`, 'Ours beside published figures', (width) => ({
      height: run.length * 18 + 50,
      marginLeft: width < 500 ? 150 : 300,
      x: { label: 'ours / published', type: 'log', grid: true, ticks: 5, tickFormat: (x: number) => `x${x}` },
      y: { label: null, domain: run.map(({ key }) => key), tickSize: 0, tickFormat: shortened(width < 500 ? 24 : 52) },
      marks: [
        this.Plot.barX(run, { x1: 'from', x2: 'to', y: 'key', fill: 'var(--wait)', insetTop: 3, insetBottom: 3 }),
        this.Plot.ruleX([1], { stroke: 'currentColor' }),
        this.Plot.dot(run, {
          x: 'at',
          y: 'key',
          fill: (row) => (row.verdict === 'OUT' ? 'var(--wake)' : 'var(--backend)'),
          r: 4,
          title,
        }),
      ],
    }));
  }

  /** Each case of a benchmark under each variant: a line over one varied number, otherwise bars by phase. */
  sweep(data: SweepData, index: number): string {
    const key = numericKey(data);
    if (key !== undefined) return this.#line(data, index, key);
    const rows = data.variants.flatMap(({ settings, cases }) =>
      cases.flatMap((one) =>
        sums(one.steps.length > 0 ? one.steps : [{ phase: 'other', ticks: one.totalTicks }]).map(([phase, ticks]) => ({
          variant: settings.join(' ') || 'as it is',
          name: one.name,
          phase,
          us: micros(ticks, data.tickHz) / one.count,
        })),
      ),
    );
    const variants = [...new Set(rows.map(({ variant }) => variant))];
    const names = [...new Set(rows.map(({ name }) => name))];
    const title = (row: (typeof rows)[number]): string =>
      `${row.name}, ${row.variant}, ${row.phase}: ${row.us.toFixed(3)} us`;
    return this.#figure(`sweep-${index}`, `bench ${data.bench} by setting`, (width) => ({
      height: names.length * (variants.length * ROW + 34) + 50,
      marginLeft: width < 500 ? 130 : 210,
      marginTop: 30,
      x: { label: 'mean, us', grid: true },
      y: { label: null, domain: variants, tickSize: 0, tickFormat: shortened(width < 500 ? 20 : 34) },
      fy: { label: null, domain: names, axis: null, padding: 0.25 },
      marks: [
        this.Plot.barX(rows, {
          x: 'us',
          y: 'variant',
          fy: 'name',
          fill: (row) => colour(row.phase),
          order: null,
          title,
          insetTop: 1,
          insetBottom: 1,
        }),
        this.#titles(names),
        this.Plot.ruleX([0]),
      ],
    }));
  }
}

/** The key, if three or more variants differ in the number that it has. */
export function numericKey({ variants }: SweepData): string | undefined {
  const words = variants.map(({ settings }) =>
    settings.length === 1 ? /^(.*)=\d+(\.\d+)?$/.exec(settings[0] ?? '') : null,
  );
  const key = words[0]?.[1];
  return variants.length > 2 && words.every((word) => word?.[1] === key) ? key : undefined;
}

export function kindName({ kind, register, count }: ReportKind): string {
  return `${kind} ${register} (${grouped(count)})`;
}

/** Mean microseconds of each phase, in the order of the path. */
export function phaseMeans(kind: ReportKind, tickHz: number): { phase: string; us: number }[] {
  return sums(kind.steps).map(([phase, ticks]) => ({ phase, us: micros(ticks, tickHz) / kind.count }));
}

function sums(steps: readonly { readonly phase: string; readonly ticks: number }[]): [string, number][] {
  const totals = new Map<string, number>();
  for (const { phase, ticks } of steps) totals.set(phase, (totals.get(phase) ?? 0) + ticks);
  const rank = (phase: string): number =>
    PHASE_ORDER.includes(phase) ? PHASE_ORDER.indexOf(phase) : PHASE_ORDER.length;
  return [...totals].sort((a, b) => rank(a[0]) - rank(b[0]));
}

function shortened(length: number): (text: string) => string {
  return (text) => (text.length <= length ? text : `${text.slice(0, length - 1)}…`);
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}

function sizeText(bytes: number): string {
  const power = Math.floor(Math.log2(bytes) / 10);
  return `${Math.round(bytes / 2 ** (10 * power))} ${['B', 'KiB', 'MiB', 'GiB'][power] ?? ''}`;
}
