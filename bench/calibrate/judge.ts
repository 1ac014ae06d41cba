/** The verdict on each row, and what accuracy is claimed. */
import { Measured } from './measure.js';
import { ROWS, type Role, type Row } from './rows.js';

export const CALIBRATION_SCHEMA = 1;

export interface Judged {
  readonly id: string;
  readonly metric: string;
  readonly reference: number;
  readonly unit: Row['unit'];
  readonly low: number;
  readonly high: number;
  readonly role: Role;
  readonly source: string;
  readonly note: string;
  /** null: not run. */
  readonly ours: number | null;
  readonly verdict: 'in' | 'OUT' | 'reported' | `not run: ${string}`;
}

/** What `bench calibrate --json` writes. */
export interface Calibration {
  readonly schema: typeof CALIBRATION_SCHEMA;
  readonly settings: readonly string[];
  readonly accuracyClass: string;
  readonly rows: readonly Judged[];
  /** Over the held-out rows that were run: how many, and the mean of |ours / reference - 1|; null if there are none. */
  readonly heldOut: { readonly rows: number; readonly of: number; readonly meanAbsoluteError: number | null };
  readonly counts: { readonly in: number; readonly out: number; readonly notRun: number };
}

/** Measures and judges. `linux` is a kernel's Image, for the rows that need one. `onDone` is told how many of Measured.STEPS are done. Throws BenchError, SettingError. */
export async function calibrate(
  settings: readonly string[],
  linux?: Uint8Array,
  onDone?: (count: number) => void,
): Promise<Calibration> {
  return judge(settings, await Measured.all(settings, linux, onDone));
}

export function judge(settings: readonly string[], measured: Measured): Calibration {
  const rows = ROWS.map((row) => judgeRow(row, measured));
  const heldOut = rows.filter(({ role }) => role === 'held out');
  const errors = heldOut.flatMap(({ ours, reference }) => (ours === null ? [] : [Math.abs(ours / reference - 1)]));
  const count = (verdict: string): number => rows.filter((row) => row.verdict.startsWith(verdict)).length;
  return {
    schema: CALIBRATION_SCHEMA,
    settings,
    accuracyClass: measured.accuracyClass,
    rows,
    heldOut: {
      rows: errors.length,
      of: heldOut.length,
      meanAbsoluteError: errors.length === 0 ? null : errors.reduce((a, b) => a + b, 0) / errors.length,
    },
    counts: { in: count('in'), out: count('OUT'), notRun: count('not run') },
  };
}

function judgeRow(row: Row, measured: Measured): Judged {
  const { id, metric, reference, unit, low, high, role, source, note = '' } = row;
  const base = { id, metric, reference, unit, low, high, role, source, note };
  if (row.needs !== undefined) return { ...base, ours: null, verdict: `not run: needs ${row.needs}` };
  if (row.core === true && measured.accuracyClass === 'functional')
    return { ...base, ours: null, verdict: 'not run: needs timing.cpu=approximate' };
  const ours = row.ours?.(measured);
  if (ours === undefined)
    return { ...base, ours: null, verdict: `not run: needs ${row.without ?? 'a core of that kind'}` };
  if (role === 'report') return { ...base, ours, verdict: 'reported' };
  return { ...base, ours, verdict: ours >= low && ours <= high ? 'in' : 'OUT' };
}
