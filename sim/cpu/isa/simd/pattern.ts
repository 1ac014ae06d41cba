/**
 * Grammar of the FP and AdvSIMD encoding table.
 *
 * A pattern is read from bit 31 down: literal runs of `0` and `1`, and fields `name:width`, separated by spaces, 32 bits
 * in all. `undef` lists sub-encodings that are UNDEFINED in Armv8.0-A: each is a set of conditions `field=bits`
 * (all must hold), where bits may contain `x`. An instruction matched by no entry is UNDEFINED too. Where two
 * entries match, the one with more literal bits wins.
 */

/** Cost class and flag behaviour; sub-operation numbers are assigned in this order. */
export type SimdGroup = 'flags' | 'fp' | 'fpDiv' | 'simd';

export interface SimdEncoding {
  readonly name: string;
  readonly group: SimdGroup;
  readonly pattern: string;
  readonly undef: readonly string[];
}

/** A field of an encoding: its value is `(insn >>> lsb) & (2 ** width - 1)`. */
export interface EncodingField {
  readonly name: string;
  readonly lsb: number;
  readonly width: number;
}

/** Literal bits under a mask; both are unsigned 32-bit numbers. */
export interface MaskMatch {
  readonly mask: number;
  readonly match: number;
}

export interface ParsedEncoding extends MaskMatch {
  readonly name: string;
  readonly group: SimdGroup;
  readonly fields: readonly EncodingField[];
  readonly undef: readonly MaskMatch[];
}

/**
 * Expands a table entry into masks and fields.
 * @throws Error when the pattern is not 32 bits long or a condition names an unknown field: the table is wrong.
 */
export function parseEncoding(encoding: SimdEncoding): ParsedEncoding {
  const fields: EncodingField[] = [];
  let mask = 0;
  let match = 0;
  let position = 32;
  for (const token of encoding.pattern.split(' ')) {
    const colon = token.indexOf(':');
    if (colon < 0) {
      for (const bit of token) {
        position -= 1;
        mask += 2 ** position;
        if (bit === '1') match += 2 ** position;
        else if (bit !== '0') throw new Error(`${encoding.name}: bad literal ${token}`);
      }
    } else {
      const width = Number(token.slice(colon + 1));
      position -= width;
      fields.push({ name: token.slice(0, colon), lsb: position, width });
    }
  }
  if (position !== 0) throw new Error(`${encoding.name}: pattern has ${32 - position} bits`);
  const undef = encoding.undef.map((text) => parseCondition(encoding.name, text, fields));
  return { name: encoding.name, group: encoding.group, fields, mask, match, undef };
}

function parseCondition(name: string, text: string, fields: readonly EncodingField[]): MaskMatch {
  let mask = 0;
  let match = 0;
  for (const term of text.split(' ')) {
    const [fieldName = '', bits = ''] = term.split('=');
    const field = fields.find((candidate) => candidate.name === fieldName);
    if (!field || field.width !== bits.length) throw new Error(`${name}: bad condition ${text}`);
    for (let i = 0; i < bits.length; i += 1) {
      if (bits[i] === 'x') continue;
      const weight = 2 ** (field.lsb + field.width - 1 - i);
      mask += weight;
      if (bits[i] === '1') match += weight;
    }
  }
  return { mask, match };
}

/** True when the literal bits of `insn` (unsigned) are those of `pattern`. */
export function matches(pattern: MaskMatch, insn: number): boolean {
  return (insn & pattern.mask) >>> 0 === pattern.match;
}
