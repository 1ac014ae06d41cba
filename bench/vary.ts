/** `--vary`: the variants of a comparison. */
import { configure, rcarH3, SettingError } from '../index.js';

/** One column of a comparison. */
export interface Variant {
  /** `KEY=VALUE` words; empty without `--vary`. */
  readonly settings: readonly string[];
}

const MOST_VARIANTS = 4096;

/**
 * `KEY=a,b,c`, or `KEY=LOW..HIGH*FACTOR` or `KEY=LOW..HIGH+STEP`: the values in order, the first is the baseline.
 * Throws SettingError.
 */
export function parseVary(text: string): readonly string[] {
  const fail = (why: string): never => {
    throw new SettingError(`--vary ${text}: ${why}`);
  };
  const match = /^([^=\s]+)=(.*)$/s.exec(text);
  if (match === null) return fail('expected KEY=VALUE,VALUE... or KEY=LOW..HIGH*FACTOR');
  const [, key = '', list = ''] = match;
  const values = list.split(',').flatMap((part) => rangeValues(part.trim(), fail));
  if (values.some((value) => value === '')) fail('a value is empty');
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) fail(`${twice} is given twice`);
  return values.map((value) => `${key}=${value}`);
}

function rangeValues(part: string, fail: (why: string) => never): string[] {
  const match = /^(\d+)\.\.(\d+)([*+])(\d+(?:\.\d+)?)$/.exec(part);
  if (match === null) return part.includes('..') ? fail('a range is LOW..HIGH*FACTOR or LOW..HIGH+STEP') : [part];
  const [low, high, by] = [Number(match[1]), Number(match[2]), Number(match[4])];
  if (low > high) fail('the range is empty');
  if (match[3] === '*' ? by <= 1 || low === 0 : by <= 0) fail('the range does not grow');
  const values: string[] = [];
  for (let value = low; value <= high; value = match[3] === '*' ? value * by : value + by) {
    if (values.push(String(Math.round(value))) > MOST_VARIANTS) fail(`more than ${MOST_VARIANTS} values`);
  }
  return values.filter((value, index) => value !== values[index - 1]);
}

/**
 * Every combination of the varied values over common settings, the first of each being the baseline; the last key varies
 * fastest. All are checked. Throws SettingError, BoardError.
 */
export function variantsOf(settings: readonly string[], varied: readonly string[]): Variant[] {
  const axes = varied.map(parseVary);
  const keys = axes.map(([first = '']) => first.slice(0, first.indexOf('=')));
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw new SettingError(`--vary ${twice}: given twice`);
  let variants: string[][] = [[]];
  for (const axis of axes) {
    variants = variants.flatMap((chosen) => axis.map((value) => [...chosen, value]));
    if (variants.length > MOST_VARIANTS) throw new SettingError(`--vary: more than ${MOST_VARIANTS} combinations`);
  }
  configure(rcarH3(), settings);
  // Each value once: what is wrong with a combination shows where it runs.
  for (const axis of axes) for (const value of axis) checkValue(settings, value);
  return variants.map((chosen) => ({ settings: chosen }));
}

function checkValue(settings: readonly string[], value: string): void {
  try {
    configure(rcarH3(), [...settings, value]);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    throw new SettingError(error.message.replace(/^--set /, '--vary '));
  }
}
