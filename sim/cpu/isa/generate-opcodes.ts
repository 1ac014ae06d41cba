/** Text of kernel/gen/opcodes.ts: numbers of operations, access forms and cost classes, and their properties. */
import { ACCESSES } from './accesses.js';
import { COST_CLASSES, costIndex } from './costs.js';
import { OPS, opNumber } from './ops.js';

/** A function from a number to a number as a dense switch. */
function lookup(name: string, doc: string, values: readonly number[]): string {
  const cases = new Map<number, number[]>();
  values.forEach((value, index) => {
    if (value) cases.set(value, [...(cases.get(value) ?? []), index]);
  });
  const text = [...cases].map(([value, indices]) => `${indices.map((i) => `case ${i}:`).join(' ')} return ${value};`);
  return `/** ${doc} */\nexport function ${name}(n: u32): u32 {\n  switch (n) {\n    ${text.join('\n    ')}\n    default: return 0;\n  }\n}\n`;
}

/** Generates the module. Throws if there are more operations than a byte can number. */
export function generateOpcodes(): string {
  if (OPS.length > 255) throw new Error(`${OPS.length} operations: the number is one byte`);
  const lines = [
    '// Generated from sim/cpu/isa by sim/cpu/isa/generate-opcodes.ts.',
    ...OPS.map((op, index) => `export const O_${op.name}: u32 = ${index};`),
    ...ACCESSES.map((access, index) => `export const M_${access.name}: u32 = ${index};`),
    ...COST_CLASSES.map(
      (name, index) => `export const COST_${name.replace(/[A-Z0-9]+/g, '_$&').toUpperCase()}: u32 = ${index};`,
    ),
    lookup(
      'opCost',
      'Cost class of an operation.',
      OPS.map((op) => costIndex(op.cost)),
    ),
    lookup(
      'formCost',
      'Cost class of a load or store form.',
      ACCESSES.map((access) => costIndex(access.cost)),
    ),
    lookup(
      'hotOp',
      'The operation of its own that a form has, or 0.',
      ACCESSES.map((access) => (access.hot ? opNumber(access.name) : 0)),
    ),
    lookup(
      'hotSpOp',
      'The operation of its own that a form with base SP has, or 0.',
      ACCESSES.map((access) => (access.hotSp ? opNumber(`${access.name}_SP`) : 0)),
    ),
    lookup(
      'formTraits',
      'Bit 0: FP/SIMD registers; bit 1: slow path only.',
      ACCESSES.map((access) => (access.fp ? 1 : 0) | (access.slowOnly ? 2 : 0)),
    ),
  ];
  return `${lines.join('\n')}\n`;
}
