/** What a benchmark offers to the command line: its parameters, and how one job of it runs. */
import { didYouMean, parseQuantity, SettingError } from '../index.js';
import type { BenchJob, JobResult } from './job.js';

export interface Parameter {
  readonly doc: string;
  /** Words that it may be; otherwise a number from low to high. */
  readonly values?: readonly string[];
  readonly low?: number;
  readonly high?: number;
  /** Numbers with a unit: stored as ns or bytes. */
  readonly quantity?: 'duration' | 'size';
  /** Each value makes jobs of its own. One value only if `single`. */
  readonly default: readonly (string | number)[];
  /** Instead of `default` in a comparison, which has a column for each variant. */
  readonly compared?: readonly (string | number)[];
  readonly single?: boolean;
}

export interface Benchmark {
  readonly name: string;
  readonly doc: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
  run(job: BenchJob): Promise<JobResult>;
  /** Parameters that cannot be together make no job. */
  readonly skips?: (parameters: Readonly<Record<string, string | number>>) => boolean;
}

/** Parameters that most programs take. */
export const ROUNDS: Parameter = {
  doc: 'measured operations of each kind and vCPU',
  low: 1,
  high: 1_000_000,
  default: [100],
  single: true,
};
export const SEED: Parameter = {
  doc: 'seed of the random intervals between operations',
  low: 0,
  high: 2 ** 32 - 1,
  default: [1],
  single: true,
};

/**
 * The values of a parameter from `a,b,c`. Throws SettingError: not one of the words, not a number, out of range, or several
 * where one is meant.
 */
export function parseParameter(name: string, parameter: Parameter, text: string): (string | number)[] {
  const parts = text.split(',').map((part) => part.trim());
  const fail = (why: string): never => {
    throw new SettingError(`--${name} ${text}: ${why}`);
  };
  if (parameter.single === true && parts.length > 1) fail('one value only');
  const out = parts.map((part): string | number => {
    const { values, quantity, low = 0, high = Number.MAX_SAFE_INTEGER } = parameter;
    if (values !== undefined) {
      if (!values.includes(part)) fail(`'${part}' is not one of ${values.join(', ')}${didYouMean(part, values)}`);
      return part;
    }
    let value = /^\d+$/.test(part) ? Number(part) : Number.NaN;
    if (quantity !== undefined) {
      try {
        value = parseQuantity(part, quantity);
      } catch (error) {
        fail((error as Error).message);
      }
    }
    if (!Number.isSafeInteger(value) || value < low || value > high)
      fail(`'${part}' is not a number from ${low} to ${high}`);
    return value;
  });
  const twice = out.find((value, index) => out.indexOf(value) !== index);
  if (twice !== undefined) fail(`${twice} is given twice`);
  return out;
}
