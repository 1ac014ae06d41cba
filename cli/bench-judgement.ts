import { readFileSync } from 'node:fs';
import Table from 'cli-table3';
import * as api from '../bench/index.js';
import { isArmImage } from '../index.js';
import { withProgress, write } from './bench-output.js';
import { EXIT, fileErrorText, UsageError } from './exit.js';
import { checkOutputs } from './files.js';

type Raw = Readonly<Record<string, unknown>>;

/** What judges the model instead of measuring one thing in it. */
export const JUDGEMENTS = [
  { name: 'calibrate', doc: 'ours beside published figures of hardware: band, role and verdict of each' },
  { name: 'sensitivity', doc: 'which entries of the timing table move the round trip of a request most' },
] as const;

const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  calibrate: ['set', 'json', 'linux'],
  sensitivity: ['set', 'jobs', 'json'],
};
const IGNORED = new Set(['_', '$0', 'name', 'help', 'h', 'version']);

/** `bench calibrate` and `bench sensitivity`. Throws UsageError, SettingError. */
export async function judgement(raw: Raw): Promise<number> {
  const { name, json, jobs } = raw;
  const taken = OPTIONS[String(name)] ?? [];
  const stranger = Object.keys(raw).find((key) => raw[key] !== undefined && !taken.includes(key) && !IGNORED.has(key));
  if (stranger !== undefined) {
    const list = taken.map((option) => `--${option}`).join(', ');
    throw new UsageError(`--${stranger}: bench ${String(name)} does not take it, it takes ${list}`);
  }
  if (Array.isArray(json)) throw new UsageError(`--json is given ${json.length} times`);
  if (jobs !== undefined && !/^[1-9]\d{0,2}$/.test(String(jobs)))
    throw new UsageError(`--jobs ${String(jobs)}: a number from 1 to 999`);
  const settings = ((raw['set'] as unknown[] | undefined) ?? []).map(String);
  api.variantsOf(settings, []);
  const linux = raw['linux'] === undefined ? undefined : readImage(String(raw['linux']));
  const path = json === undefined ? undefined : String(json);
  checkOutputs([path === '-' ? undefined : path]);
  try {
    const workers = jobs === undefined ? api.defaultWorkers() : Number(jobs);
    const [report, text] =
      name === 'calibrate' ? await calibration(settings, linux) : await sensitivity(settings, workers);
    const saved = path === undefined || write(path, `${JSON.stringify(report, null, 2)}\n`);
    if (path !== '-') process.stdout.write(`${text}\n`);
    return saved ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (!(error instanceof api.BenchError)) throw error;
    process.stderr.write(`rcar-sim: ${error.message}\n`);
    return EXIT.failed;
  }
}

/** Throws UsageError. */
function readImage(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(fileErrorText(path, error));
  }
  if (!isArmImage(bytes)) throw new UsageError(`--linux ${path}: not an arm64 Image`);
  return bytes;
}

async function calibration(settings: readonly string[], linux: Uint8Array | undefined): Promise<[unknown, string]> {
  const report = await withProgress(api.Measured.STEPS, (onDone) => api.calibrate(settings, linux, onDone));
  const rows = report.rows.map(({ id, metric, reference, unit, low, high, ours, role, verdict, note, source }) => [
    id,
    `${metric}${note === '' ? '' : ` (${note})`}`,
    `${figure(reference)} ${unit}`,
    low === high ? 'exact' : `${figure(low)}..${figure(high)}`,
    ours === null ? '-' : figure(ours),
    role,
    verdict,
    source,
  ]);
  const { heldOut, counts, accuracyClass } = report;
  const accuracy =
    heldOut.meanAbsoluteError === null
      ? `none of the ${heldOut.of} held-out rows was run: no accuracy is claimed`
      : `mean absolute error of the held-out rows: ${(heldOut.meanAbsoluteError * 100).toFixed(1)} %, over ${heldOut.rows} of ${heldOut.of}`;
  return [
    report,
    [
      table(['row', 'metric', 'reference', 'band', 'ours', 'role', 'verdict', 'source'], rows, [2, 3, 4]),
      `cores ${accuracyClass}: ${counts.in} in their bands, ${counts.out} out, ${counts.notRun} not run`,
      accuracy,
    ].join('\n'),
  ];
}

async function sensitivity(settings: readonly string[], workers: number): Promise<[unknown, string]> {
  const [base] = await api.runJobs([api.sensitivityBaseline(settings)], 1);
  const plan = api.planSensitivity(settings, base!);
  const results = await withProgress(plan.jobs.length, (onDone) => api.runJobs(plan.jobs, workers, onDone));
  const report = api.rankSensitivity(plan, settings, base!, results);
  const us = (ns: number): string => (ns / 1000).toFixed(3);
  const rows = report.entries.map(({ key, value, low, high, unit, confidence, atLow, atHigh, swing }, index) => [
    String(index + 1),
    key,
    `${value} ${unit}`,
    `${low}..${high}`,
    us(atLow),
    us(atHigh),
    `${(swing * 100).toFixed(1)} %`,
    confidence,
  ]);
  const head = ['', 'entry', 'value', 'range', 'us at low', 'us at high', 'swing', 'basis'];
  return [
    report,
    [
      `round trip of a request to a sleeping driver domain: ${us(report.baseline)} us; each entry at the ends of its range`,
      table(head, rows, [0, 2, 3, 4, 5, 6]),
      `${plan.entries.length - report.entries.length} further entries that were charged move nothing`,
    ].join('\n'),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[], right: readonly number[]): string {
  const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const out = new Table({
    head: [...head],
    chars,
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, column) => (right.includes(column) ? 'right' : 'left')),
  });
  for (const row of rows) out.push([...row]);
  return out.toString();
}

function figure(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
