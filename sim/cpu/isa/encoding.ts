/**
 * Instruction encodings as text. A pattern lists 32 bits from bit 31 down: runs of 0 and 1, and fields `name:width`;
 * the well-known fields need no width. `emit` is AssemblyScript that sees each field as a u32 and builds the
 * micro-op; it may `return undefined_(uop)` for the unallocated values of the fields.
 */
export interface Encoding {
  readonly name: string;
  readonly pattern: string;
  readonly emit: string;
}

/** A named run of bits. */
export interface Field {
  readonly name: string;
  readonly low: number;
  readonly width: number;
}

/** A pattern as mask and value. */
export interface ParsedPattern {
  readonly mask: number;
  readonly value: number;
  readonly fields: readonly Field[];
}

const WIDTHS: Record<string, number> = {
  Rd: 5,
  Rn: 5,
  Rm: 5,
  Ra: 5,
  Rt: 5,
  Rt2: 5,
  Rs: 5,
  sf: 1,
  cond: 4,
};

/** Parses a pattern; throws if it does not describe exactly 32 bits. */
export function parsePattern(pattern: string): ParsedPattern {
  let bit = 32;
  let mask = 0;
  let value = 0;
  const fields: Field[] = [];
  for (const token of pattern.split(' ')) {
    if (/^[01]+$/.test(token)) {
      for (const c of token) {
        bit--;
        mask = (mask | (1 << bit)) >>> 0;
        if (c === '1') value = (value | (1 << bit)) >>> 0;
      }
      continue;
    }
    const [name = '', text] = token.split(':');
    const width = text === undefined ? WIDTHS[name] : Number(text);
    if (width === undefined) throw new Error(`field ${token} needs a width`);
    bit -= width;
    fields.push({ name, low: bit, width });
  }
  if (bit !== 0) throw new Error(`pattern has ${32 - bit} bits: ${pattern}`);
  return { mask, value, fields };
}
