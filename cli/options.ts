import { UsageError } from './exit.js';
import { LOG_LEVELS, type LogLevel } from './log.js';

type Raw = Readonly<Record<string, unknown>>;

/** Options of a run, checked. Files are not yet opened. */
export interface RunOptions {
  readonly words: readonly string[];
  readonly bare: string | undefined;
  readonly dtb: string | undefined;
  readonly el: 1 | 2;
  readonly smp: number;
  readonly memory: string;
  readonly append: string | undefined;
  readonly initrd: string | undefined;
  readonly kernel: string | undefined;
  readonly disks: readonly { readonly vdev: string; readonly file: string }[];
  readonly snapshotDisk: boolean;
  readonly strict: boolean;
  readonly dryRun: boolean;
  readonly board: string | undefined;
  readonly set: readonly string[];
  readonly expect: RegExp | undefined;
  readonly input: readonly string[];
  readonly simTimeout: string | undefined;
  readonly record: string | undefined;
  readonly replay: string | undefined;
  readonly report: string | undefined;
  readonly junit: string | undefined;
  readonly html: string | undefined;
  readonly bench: readonly string[];
  readonly trace: string | undefined;
  readonly quiet: boolean;
  readonly logLevel: LogLevel;
}

const ONLY_BARE = ['dtb', 'el', 'smp', 'memory', 'append', 'initrd'] as const;
const ONLY_GUESTS = ['kernel', 'disk', 'snapshot-disk', 'strict', 'dry-run'] as const;

/** Throws UsageError. */
export function runOptions(raw: Raw): RunOptions {
  const one = (name: string): string | undefined => {
    const value = raw[name];
    if (Array.isArray(value)) throw new UsageError(`--${name} is given ${value.length} times`);
    return value === undefined ? undefined : String(value);
  };
  const all = (name: string): string[] => ((raw[name] as unknown[] | undefined) ?? []).map(String);
  const words = all('words');
  const bare = one('bare');
  const given = (name: string): boolean => raw[name] !== undefined && raw[name] !== false;
  if (bare === undefined) {
    if (words.length === 0) throw new UsageError('nothing to run: name a guest.cfg, or --bare IMAGE');
    for (const name of ONLY_BARE)
      if (given(name)) throw new UsageError(`--${name} goes with --bare; a guest has it in its guest.cfg`);
  } else {
    if (words.length > 0) throw new UsageError(`--bare runs one program, '${words[0] ?? ''}' is too much`);
    for (const name of ONLY_GUESTS)
      if (given(name)) throw new UsageError(`--${name} goes with a guest.cfg, not with --bare`);
    if (given('board')) {
      for (const name of ['el', 'smp', 'memory'] as const)
        if (given(name)) throw new UsageError(`--${name}: the board file says it (--set changes it)`);
    }
  }
  const el = one('el') ?? '1';
  if (el !== '1' && el !== '2')
    throw new UsageError(`--el ${el}: software starts at EL1 or EL2, EL3 is the firmware's`);
  const smp = Number(one('smp') ?? '1');
  if (!Number.isInteger(smp) || smp < 1 || smp > 8)
    throw new UsageError(`--smp ${one('smp') ?? ''}: a number of cores from 1 to 8`);
  const logLevel = (one('log-level') ?? 'info') as LogLevel;
  if (!LOG_LEVELS.includes(logLevel)) throw new UsageError(`--log-level ${logLevel}: one of ${LOG_LEVELS.join(', ')}`);
  const seed = one('seed');
  const replay = one('replay');
  if (replay !== undefined && (given('input') || given('record'))) {
    throw new UsageError('--replay takes all input from its file, --input and --record do not go with it');
  }
  if (given('bench') && !given('html'))
    throw new UsageError('--bench: results for the page of --html, which is not asked for');
  return {
    words,
    bare,
    dtb: one('dtb'),
    el: el === '2' ? 2 : 1,
    smp,
    memory: one('memory') ?? '256 MiB',
    append: one('append'),
    initrd: one('initrd'),
    kernel: one('kernel'),
    disks: all('disk').map(parseDisk),
    snapshotDisk: given('snapshot-disk'),
    strict: given('strict'),
    dryRun: given('dry-run'),
    board: one('board'),
    set: [...all('set'), ...(seed === undefined ? [] : [`sim.seed=${seed}`])],
    expect: pattern('expect', one('expect')),
    input: all('input'),
    simTimeout: one('sim-timeout'),
    record: one('record'),
    replay,
    report: one('report'),
    junit: one('junit'),
    html: one('html'),
    bench: all('bench'),
    trace: one('trace'),
    quiet: given('quiet'),
    logLevel: given('quiet') ? 'error' : logLevel,
  };
}

function parseDisk(text: string): { vdev: string; file: string } {
  const at = text.indexOf('=');
  if (at <= 0 || at === text.length - 1) throw new UsageError(`--disk ${text}: expected VDEV=FILE`);
  return { vdev: text.slice(0, at), file: text.slice(at + 1) };
}

/** A regular expression of the user. Throws UsageError. */
export function pattern(option: string, source: string | undefined): RegExp | undefined {
  if (source === undefined) return undefined;
  try {
    return new RegExp(source);
  } catch (error) {
    throw new UsageError(`--${option} ${source}: ${(error as Error).message}`);
  }
}
