import type { Report, StepConfidence } from '../data.js';
import { pathRows, sumBy } from '../rows.js';
import { vcpuScreens } from '../vcpu-screen.js';
import type { CalibrationData, PageInputs } from './inputs.js';
import { kindName, numericKey, Plots, type SweepData } from './plots.js';
import { BASIS_ORDER, colour, PHASE_ORDER, STYLE } from './style.js';
import { escape, figure, grouped, micros, percent, table } from './text.js';

/** A run's report as one HTML page that needs nothing else: no script, no network. */
export async function htmlPage(report: Report, inputs: PageInputs = { sweeps: [], calibrations: [] }): Promise<string> {
  const plots = await Plots.load();
  const { ioreq } = report;
  const asked = ioreq.roundTrip.kinds.length > 0;
  const sections = [
    cards(report),
    report.vcpus.length === 0
      ? ''
      : section('Why it is stuck', '', `<pre>${escape(vcpuScreens(report.vcpus, ioreq.roundTrip.tickHz))}</pre>`),
    asked ? requestSections(report, plots) : '<p>No request was made.</p>',
    ...inputs.calibrations.map((one, index) => calibrationSection(one, index, plots)),
    ...inputs.sweeps.map((sweep, index) =>
      section(`Sweep: bench ${escape(sweep.bench)}`, sweepText(sweep), sweepPlot(sweep, index, plots)),
    ),
    exposureSection(report, plots),
    section(
      'The board’s map',
      'Physical addresses; the bars are sizes. Accesses are those that reached a device.',
      legend(['memory', 'device']) + plots.map(report) + mapTable(report),
    ),
    errorSection(report),
  ];
  return page(`${report.board.name}: ${report.outcome}`, heading(report) + sections.join('\n'), report);
}

/** Results of a benchmark as a page. */
export async function sweepPage(sweep: SweepData): Promise<string> {
  const plots = await Plots.load();
  const rows = sweep.variants.flatMap(({ settings, cases }, v) =>
    cases.map(({ name, count, totalTicks }, c) => [
      escape(settings.join(' ') || 'as it is'),
      escape(name),
      figure(`/variants/${v}/cases/${c}/count`, count),
      figure(`/variants/${v}/cases/${c}/totalTicks`, totalTicks, (micros(totalTicks, sweep.tickHz) / count).toFixed(3)),
    ]),
  );
  const body =
    `<header><h1>bench ${escape(sweep.bench)}</h1><p>${sweepText(sweep)}</p></header>` +
    sweepPlot(sweep, 0, plots) +
    table(['settings', 'case', 'requests', 'mean, us'], rows);
  return page(`bench ${sweep.bench}`, body, sweep);
}

function sweepText(sweep: SweepData): string {
  const key = numericKey(sweep);
  return key === undefined
    ? 'Mean of one request under each setting, by phase.'
    : `Mean of one request over <code>${escape(key)}</code>.`;
}

function sweepPlot(sweep: SweepData, index: number, plots: Plots): string {
  return (numericKey(sweep) === undefined ? legend(PHASE_ORDER) : '') + plots.sweep(sweep, index);
}

function page(title: string, body: string, data: unknown): string {
  // In a script element only `</` and `<!--` could end the data.
  const json = JSON.stringify(data).replace(/</g, '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${body}
<script type="application/json" id="data">${json}</script>
</body>
</html>
`;
}

function heading({ board, command, outcome, detail }: Report): string {
  return (
    `<header><h1>${escape(board.name)}: ${escape(outcome)}${detail === '' ? '' : ` (${escape(detail)})`}</h1>` +
    `<p>${escape(board.model)}; ${escape(board.placement)}<br><code>rcar-sim ${escape(command)}${escape(
      board.settings.map((one) => ` --set ${one}`).join(''),
    )}</code></p></header>`
  );
}

function section(title: string, text: string, body: string): string {
  return `<section><h2>${title}</h2>${text === '' ? '' : `<p>${text}</p>`}${body}</section>`;
}

function cards(report: Report): string {
  const { ioreq, sim, trace, accuracy } = report;
  const { kinds, tickHz } = ioreq.roundTrip;
  const total = kinds.reduce((sum, kind) => sum + kind.totalTicks, 0);
  const mean = ioreq.count === 0 ? '-' : `${(micros(total, tickHz) / ioreq.count).toFixed(2)} us`;
  const list: [string, string][] = [
    ['requests', figure('/ioreq/count', ioreq.count)],
    ['mean round trip', `<span id="mean">${mean}</span>`],
    ['simulated', figure('/sim/seconds', sim.seconds, `${sim.seconds.toFixed(3)} s`)],
    ['instructions', figure('/sim/instructions', sim.instructions)],
    [
      'resting on guesses',
      accuracy.shares.guessed === undefined
        ? percent(0)
        : figure('/accuracy/shares/guessed', accuracy.shares.guessed, percent(accuracy.shares.guessed)),
    ],
    ['trace hash', figure('/trace/hash', trace.hash, trace.hash.slice(0, 8))],
  ];
  return `<div class="cards">${list.map(([label, value]) => `<div><b>${value}</b><span class="label">${label}</span></div>`).join('')}</div>`;
}

function legend(names: readonly string[]): string {
  const items = names.map((name) => `<span><i style="background:${colour(name)}"></i>${escape(name)}</span>`);
  return `<div class="legend">${items.join('')}</div>`;
}

function requestSections(report: Report, plots: Plots): string {
  const { kinds } = report.ioreq.roundTrip;
  const bases = BASIS_ORDER.filter((basis) => (report.accuracy.shares[basis as StepConfidence] ?? 0) > 0);
  return [
    section(
      'Where the time of a request goes',
      'Mean round trip of each kind of request, from the trap to the next instruction of the guest, by phase.',
      legend(PHASE_ORDER) + plots.steps(report) + kindTable(report) + stepTable(report),
    ),
    section(
      'How long requests took',
      'The vertical scale is a square root, so that rare ones are seen.',
      legend([...new Set(kinds.map(({ kind }) => kind))]) + plots.latencies(report),
    ),
    report.sample === null
      ? ''
      : section(
          'One request',
          `${escape(report.sample.kind)} ${escape(report.sample.register)}, number ${report.sample.request}: who worked for it when.`,
          legend(PHASE_ORDER) + plots.request(report),
        ),
    section(
      'What if',
      'The mean round trip if one timing entry were at the low or the high end of its range and all others as they are; to first order, nothing is run again. The line is the mean as it is.',
      legend(['measured', 'derived', 'guessed']) + plots.whatIf(report),
    ),
    section(
      'How far this rests on guesses',
      'Round-trip time by how well founded the step is.',
      legend(bases) + plots.basis(report),
    ),
    section(
      'The timing entries behind it',
      'Range of each entry that a step cites, relative to its value.',
      legend(['measured', 'derived', 'guessed']) + plots.ranges(report) + entryTable(report),
    ),
  ].join('\n');
}

function kindTable(report: Report): string {
  const { kinds, tickHz } = report.ioreq.roundTrip;
  const us = (path: string, ticks: number, count = 1): string =>
    figure(path, ticks, (micros(ticks, tickHz) / count).toFixed(2));
  const rows = kinds.map((kind, i) => {
    const at = `/ioreq/roundTrip/kinds/${i}`;
    return [
      escape(`${kind.kind} ${kind.register}`),
      figure(`${at}/count`, kind.count),
      us(`${at}/totalTicks`, kind.totalTicks, kind.count),
      us(`${at}/p50`, kind.p50),
      us(`${at}/p90`, kind.p90),
      us(`${at}/p99`, kind.p99),
      us(`${at}/max`, kind.max),
    ];
  });
  return details('Table: each kind, in us', table(['request', 'count', 'mean', 'p50', 'p90', 'p99', 'max'], rows));
}

/** The rows of the terminal's table, without its limit. */
function stepTable(report: Report): string {
  const { kinds, tickHz } = report.ioreq.roundTrip;
  const count = kinds.reduce((sum, kind) => sum + kind.count, 0);
  const total = kinds.reduce((sum, kind) => sum + kind.totalTicks, 0);
  const rows = pathRows(kinds, PHASE_ORDER.length).flatMap((row) =>
    [...sumBy(row, (step) => `${step.name}\n${step.cpu}\n${step.confidence}`)]
      .sort((a, b) => b[1] - a[1])
      .map(([key, ticks]) => {
        const [name = '', cpu = '', basis = ''] = key.split('\n');
        const us = (micros(ticks, tickHz) / count).toFixed(3);
        return [escape(row.part), escape(name), escape(cpu), us, percent(ticks / total), basis];
      }),
  );
  return details(
    'Table: each step, all requests together',
    table(['phase', 'step', 'where', 'mean, us', 'share', 'basis'], rows),
  );
}

function entryTable(report: Report): string {
  const rows = Object.entries(report.timing).map(([name, entry]) => [
    `<code>${escape(name)}</code>`,
    figure(`/timing/${name}/value`, entry.value, String(entry.value)),
    `${entry.low} to ${entry.high}`,
    escape(entry.unit),
    `${entry.confidence}: ${escape(entry.source)}`,
  ]);
  return details('Table: entries and their sources', table(['entry', 'value', 'range', 'unit', 'source'], rows));
}

function calibrationSection(data: CalibrationData, index: number, plots: Plots): string {
  const { rows, of, meanAbsoluteError } = data.heldOut;
  const error = meanAbsoluteError === null ? 'none was run' : `mean absolute error ${percent(meanAbsoluteError)}`;
  const text =
    `Figures that were published for hardware, and ours (cores ${escape(data.accuracyClass)}); the bars are the bands, red dots lie outside; rows that were not run are in the table. ` +
    `Held out, never fitted: ${rows} of ${of} rows run, ${error}.`;
  const list = data.rows.map((row) => [
    escape(row.id),
    escape(row.metric),
    String(row.reference),
    `${row.low} to ${row.high}`,
    row.ours === null ? '-' : String(Number(row.ours.toPrecision(5))),
    escape(row.unit),
    escape(row.role),
    escape(row.verdict),
    escape(row.source),
  ]);
  const head = ['row', 'figure', 'published', 'band', 'ours', 'unit', 'role', 'verdict', 'source'];
  return section('Calibration', text, plots.calibration(data, index) + details('Table: rows', table(head, list)));
}

function exposureSection(report: Report, plots: Plots): string {
  const used = report.exposure.filter(({ by }) => by !== 'nothing');
  if (used.length === 0) return '';
  const rows = report.exposure.flatMap((one, i) => {
    if (one.by === 'nothing') return [];
    const at = (field: keyof typeof one, value: number): string => figure(`/exposure/${i}/${field}`, value);
    return [
      [
        escape(one.disk),
        escape(one.domain),
        one.by,
        at('reachable', one.reachable),
        at('granted', one.granted),
        at('everMapped', one.everMapped),
        at('peak', one.peak),
        at('touched', one.touched),
        figure(`/exposure/${i}/pageSeconds`, one.pageSeconds, one.pageSeconds.toFixed(3)),
      ],
    ];
  });
  const head = ['disk', 'domain', 'by', 'reachable', 'granted', 'mapped', 'at once', 'touched', 'page-seconds'];
  return section(
    'Memory of the guest that backends had access to',
    'Pages of 4 KiB: what Xen’s policy would have let the domain map, what it did map and touch.',
    plots.exposure({ ...report, exposure: used }) + table(head, rows),
  );
}

function mapTable(report: Report): string {
  const rows = report.board.map.map(({ name, base, size, accesses }, i) => [
    `<code>0x${base.toString(16)}</code>`,
    escape(name),
    grouped(size),
    figure(`/board/map/${i}/accesses`, accesses),
  ]);
  return details('Table: regions', table(['address', 'name', 'bytes', 'accesses'], rows));
}

function errorSection({ guestErrors }: Report): string {
  if (guestErrors.length === 0) return '';
  const rows = guestErrors.map(({ kind, device, count, detail }, i) => [
    escape(kind),
    escape(device),
    figure(`/guestErrors/${i}/count`, count),
    escape(detail),
  ]);
  return section('Mistakes of guests and backends', '', table(['kind', 'who', 'count', 'the first one'], rows));
}

function details(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>${body}</details>`;
}

export { kindName };
