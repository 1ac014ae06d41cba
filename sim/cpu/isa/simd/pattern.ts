import { parsePattern } from '../encoding.js';
import type { Field } from '../encoding.js';

/** Cost class and flag behaviour; sub-operation numbers are assigned in this order. */
export type SimdGroup = 'flags' | 'fp' | 'fpDiv' | 'simd';

/**
 * One FP or AdvSIMD encoding. `pattern` is as in encoding.ts. `undef` lists sub-encodings that are UNDEFINED
 * in Armv8.0-A or belong to another entry: each is a set of conditions `field=bits` (all must hold), where bits may
 * contain `x`. Apart from these no two entries match the same instruction; one matched by none is UNDEFINED.
 */
export interface SimdEncoding {
  readonly name: string;
  readonly group: SimdGroup;
  readonly pattern: string;
  readonly undef: readonly string[];
}

/** Bits under a mask; both are unsigned 32-bit numbers. */
export interface MaskValue {
  readonly mask: number;
  readonly value: number;
}

export interface ParsedSimdEncoding extends MaskValue {
  readonly name: string;
  readonly group: SimdGroup;
  readonly fields: readonly Field[];
  readonly undef: readonly MaskValue[];
}

/**
 * Expands a table entry into masks and fields.
 * @throws Error when the pattern is not 32 bits long or a condition names an unknown field: the table is wrong.
 */
export function parseEncoding(encoding: SimdEncoding): ParsedSimdEncoding {
  const { mask, value, fields } = parsePattern(encoding.pattern);
  const undef = encoding.undef.map((text) => parseCondition(encoding.name, text, fields));
  return { name: encoding.name, group: encoding.group, fields, mask, value, undef };
}

function parseCondition(name: string, text: string, fields: readonly Field[]): MaskValue {
  let mask = 0;
  let value = 0;
  for (const term of text.split(' ')) {
    const [fieldName = '', bits = ''] = term.split('=');
    const field = fields.find((candidate) => candidate.name === fieldName);
    if (!field || field.width !== bits.length) throw new Error(`${name}: bad condition ${text}`);
    for (let i = 0; i < bits.length; i += 1) {
      if (bits[i] === 'x') continue;
      const weight = 2 ** (field.low + field.width - 1 - i);
      mask += weight;
      if (bits[i] === '1') value += weight;
    }
  }
  return { mask, value };
}

/** True when `insn` (unsigned) has the pattern's bits. */
export function matches(pattern: MaskValue, insn: number): boolean {
  return (insn & pattern.mask) >>> 0 === pattern.value;
}
