import { z } from 'zod';
import { boardData, BoardError, createBoard, type Board } from './board.js';
import { DEFAULT_DESIGN, DESIGN_KEYS, type Design } from './design.js';
import { boardSchema, type BoardInput } from './schema.js';
import { didYouMean } from './suggest.js';
import { formatQuantity, parseQuantity, type Dimension } from './units.js';

/**
 * One grammar for every setting: `--set KEY=VALUE`. KEY is a property of the board (`board.gic.lrCount`; members of lists by
 * name, `board.clusters.a57.clockHz`), an entry of the timing table (`xen.decode`), or a design choice (`xen.scheduler`).
 */
export interface SettingKey {
  readonly key: string;
  readonly group: 'board' | 'timing' | 'design';
  readonly unit: string;
  readonly value: string;
  readonly range: string;
  /** Where the value comes from, or what the choice means. */
  readonly source: string;
}

export interface Configuration {
  readonly board: Board;
  readonly design: Design;
}

/** A setting that cannot be applied; the message is one line. */
export class SettingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingError';
  }
}

/** Splits `KEY=VALUE`. Throws SettingError. */
export function parseSetting(text: string): { key: string; value: string } {
  const at = text.indexOf('=');
  if (at <= 0) throw new SettingError(`--set ${text}: expected KEY=VALUE`);
  return { key: text.slice(0, at).trim(), value: text.slice(at + 1).trim() };
}

interface Leaf {
  path: (string | number)[];
  key: string;
  value: string | number | boolean;
  schema: z.core.$ZodType | undefined;
}

/** Every key that can be set on this configuration, sorted by group and name. */
export function settingKeys(configuration: Configuration): SettingKey[] {
  const board = boardLeaves(configuration.board).map((leaf): SettingKey => {
    const meta = metaOf(leaf.schema);
    const dimension = meta?.['dimension'] as Dimension | undefined;
    return {
      key: leaf.key,
      group: 'board',
      unit: dimension ? { frequency: 'Hz', size: 'bytes', duration: 'ns' }[dimension] : '',
      value: showLeaf(leaf.value, meta),
      range: rangeOf(leaf.schema),
      source: String(meta?.['doc'] ?? ''),
    };
  });
  const timing = Object.entries(configuration.board.timing).map(([key, entry]): SettingKey => ({
    key,
    group: 'timing',
    unit: entry.unit,
    value: String(entry.value),
    range: `${entry.low}..${entry.high}`,
    source: `${entry.confidence}: ${entry.source}`,
  }));
  const design = Object.entries(DESIGN_KEYS).map(([key, choice]): SettingKey => ({
    key,
    group: 'design',
    unit: choice.unit,
    value: String(configuration.design[key as keyof Design]),
    range: choice.values ? choice.values.join(' | ') : choice.unit === 'regex' ? '' : `${choice.low}..${choice.high}`,
    source: choice.doc,
  }));
  return [...board, ...timing, ...design];
}

/**
 * Applies settings in order and returns a new, checked configuration; the old one is untouched.
 * Throws SettingError (unknown key, bad value) or BoardError (the resulting board has faults).
 */
export function applySettings(configuration: Configuration, settings: readonly string[]): Configuration {
  if (settings.length === 0) return configuration;
  const data = boardData(configuration.board);
  const design: Record<string, unknown> = { ...configuration.design };
  const leaves = new Map(boardLeaves(configuration.board).map((leaf) => [leaf.key, leaf]));
  const timingKeys = Object.keys(data.timing);
  const designKeys = Object.keys(DESIGN_KEYS);
  for (const setting of settings) {
    const { key, value } = parseSetting(setting);
    const leaf = leaves.get(key);
    const entry = data.timing[key];
    if (leaf) setPath(data, leaf.path, parseLeaf(key, leaf, value));
    else if (entry) entry.value = parseTiming(key, entry.unit, entry.low, entry.high, value);
    else if (key in DESIGN_KEYS) design[key] = parseDesign(key, value);
    else {
      throw new SettingError(
        `--set ${key}: unknown key${didYouMean(key, [...leaves.keys(), ...timingKeys, ...designKeys])}`,
      );
    }
  }
  if (design['timing.from'] !== '' && design['timing.cpu'] !== 'approximate') {
    throw new SettingError(`--set timing.from=${String(design['timing.from'])}: needs --set timing.cpu=approximate`);
  }
  try {
    return { board: createBoard(data as BoardInput), design: Object.freeze(design) as unknown as Design };
  } catch (error) {
    if (error instanceof BoardError)
      throw new SettingError(`--set ${settings.join(' --set ')}: ${error.faults.join('; ')}`);
    throw error;
  }
}

/** A fresh configuration with the default design choices. */
export function configure(board: Board, settings: readonly string[] = []): Configuration {
  return applySettings({ board, design: DEFAULT_DESIGN }, settings);
}

/** 64-bit FNV-1a of the canonical text of the timing table, as 16 hex digits. */
export function timingTableHash(board: Board): string {
  const text = Object.keys(board.timing)
    .sort()
    .map((key) => {
      const entry = board.timing[key as keyof typeof board.timing];
      return `${key}=${entry.value} ${entry.unit}\n`;
    })
    .join('');
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash.toString(16).padStart(16, '0');
}

function boardLeaves(board: Board): Leaf[] {
  const leaves: Leaf[] = [];
  const walk = (value: unknown, schema: z.core.$ZodType | undefined, path: (string | number)[], key: string): void => {
    if (typeof value !== 'object' || value === null) {
      leaves.push({ path, key, value: value as string | number | boolean, schema });
      return;
    }
    const inner = unwrap(schema, value);
    const def = inner?._zod.def;
    if (Array.isArray(value)) {
      const element = def?.type === 'array' ? (def as z.core.$ZodArrayDef).element : undefined;
      value.forEach((member, index) => {
        const label = (member as { name?: string } | null)?.name ?? String(index);
        walk(member, element, [...path, index], `${key}.${label}`);
      });
      return;
    }
    for (const [property, member] of Object.entries(value)) {
      if (path.length === 0 && property === 'timing') continue;
      let child: z.core.$ZodType | undefined;
      if (def?.type === 'object') child = (def as z.core.$ZodObjectDef).shape[property];
      else if (def?.type === 'record') child = (def as z.core.$ZodRecordDef).valueType;
      if (property === 'name' || property === 'kind') continue;
      walk(member, child, [...path, property], `${key}.${property}`);
    }
  };
  walk(boardData(board), boardSchema, [], 'board');
  return leaves;
}

function unwrap(schema: z.core.$ZodType | undefined, value: unknown): z.core.$ZodType | undefined {
  const def = schema?._zod.def;
  if (def?.type === 'optional') return unwrap((def as z.core.$ZodOptionalDef).innerType, value);
  if (def?.type !== 'union') return schema;
  const kind = (value as { kind?: unknown }).kind;
  return (def as z.core.$ZodUnionDef).options.find((option) => {
    const member = option._zod.def;
    return (
      member.type === 'object' &&
      ((member as z.core.$ZodObjectDef).shape['kind']?._zod.values?.has(kind as string) ?? false)
    );
  });
}

function metaOf(schema: z.core.$ZodType | undefined): Record<string, unknown> | undefined {
  if (!schema) return undefined;
  const own = z.globalRegistry.get(schema as z.ZodType) as Record<string, unknown> | undefined;
  if (own) return own;
  const def = schema._zod.def as { innerType?: z.core.$ZodType };
  return def.innerType ? metaOf(def.innerType) : undefined;
}

function showLeaf(value: string | number | boolean, meta: Record<string, unknown> | undefined): string {
  if (typeof value !== 'number') return String(value);
  if (meta?.['format'] === 'hex') return `0x${value.toString(16)}`;
  if (meta?.['dimension']) return formatQuantity(value, meta['dimension'] as Dimension);
  return String(value);
}

function rangeOf(schema: z.core.$ZodType | undefined): string {
  if (!schema) return '';
  const def = schema._zod.def;
  if (def.type === 'boolean') return 'true | false';
  if (schema._zod.values) return [...schema._zod.values].join(' | ');
  if (def.type === 'number') {
    const { minValue, maxValue } = schema as z.ZodNumber;
    if (maxValue === null || maxValue >= Number.MAX_SAFE_INTEGER) return '';
    const low = minValue ?? 0;
    return maxValue > 0xffff ? `${low}..0x${maxValue.toString(16)}` : `${low}..${maxValue}`;
  }
  if (def.type === 'union') {
    return (def as z.core.$ZodUnionDef).options
      .map(rangeOf)
      .filter((text) => text !== '')
      .join(' | ');
  }
  return '';
}

function parseLeaf(key: string, leaf: Leaf, text: string): string | number | boolean {
  const meta = metaOf(leaf.schema);
  const values = rangeOf(leaf.schema);
  try {
    if (typeof leaf.value === 'boolean') {
      if (text === 'true' || text === 'on' || text === '1') return true;
      if (text === 'false' || text === 'off' || text === '0') return false;
      throw new RangeError(`'${text}' is neither true nor false`);
    }
    if (meta?.['dimension']) {
      if (leaf.path.at(-1) === 'tick' && text === 'auto') return text;
      return parseQuantity(text, meta['dimension'] as Dimension);
    }
    if (typeof leaf.value === 'number') return parseInteger(text);
    return text;
  } catch (error) {
    throw new SettingError(`--set ${key}=${text}: ${(error as Error).message}${values === '' ? '' : ` (${values})`}`);
  }
}

function parseTiming(key: string, unit: string, low: number, high: number, text: string): number {
  const match = /^(\S+?)\s*(cycles|ns|us|ms|cycles\/KiB|ns\/KiB)?$/.exec(text);
  try {
    const given = match?.[2];
    let value: number;
    if (given === 'us' || given === 'ms') {
      if (unit !== 'ns') throw new RangeError(`bad unit '${given}', the entry is in ${unit}`);
      value = parseQuantity(text, 'duration');
    } else {
      if (given !== undefined && given !== unit) throw new RangeError(`bad unit '${given}', the entry is in ${unit}`);
      value = parseInteger(match?.[1] ?? text);
    }
    if (value < low || value > high) throw new RangeError(`${value} ${unit} is outside ${low}..${high}`);
    return value;
  } catch (error) {
    throw new SettingError(`--set ${key}=${text}: ${(error as Error).message}`);
  }
}

function parseDesign(key: string, text: string): string | number {
  const choice = DESIGN_KEYS[key as keyof typeof DESIGN_KEYS];
  if (choice.values) {
    if ((choice.values as readonly string[]).includes(text)) return text;
    throw new SettingError(
      `--set ${key}=${text}: not one of ${choice.values.join(', ')}${didYouMean(text, choice.values)}`,
    );
  }
  try {
    if (choice.unit === 'regex') return new RegExp(text).source === '(?:)' ? '' : text;
    const value = choice.unit === 'ns' ? parseQuantity(text, 'duration') : parseInteger(text);
    if (value < choice.low || value > choice.high)
      throw new RangeError(`${value} is outside ${choice.low}..${choice.high}`);
    return value;
  } catch (error) {
    throw new SettingError(`--set ${key}=${text}: ${(error as Error).message}`);
  }
}

function parseInteger(text: string): number {
  const value = /^(0x[0-9a-fA-F]+|-?\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new RangeError(`'${text}' is not an integer`);
  return value;
}

function setPath(data: unknown, path: readonly (string | number)[], value: unknown): void {
  let owner = data as Record<string | number, unknown>;
  for (const part of path.slice(0, -1)) owner = owner[part] as Record<string | number, unknown>;
  owner[path.at(-1) ?? ''] = value;
}
