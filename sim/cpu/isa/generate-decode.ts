/** Text of kernel/gen/decode.ts: a switch on bits 28:25, then mask and match in table order. */
import { parsePattern } from './encoding.js';
import type { Encoding } from './encoding.js';
import { ACCESSES } from './accesses.js';
import { COST_CLASSES } from './costs.js';
import { INTEGER_ENCODINGS } from './encodings-integer.js';
import { MEMORY_ENCODINGS } from './encodings-memory.js';
import { SYSTEM_ENCODINGS } from './encodings-system.js';
import { OPS } from './ops.js';

/** Every encoding of the base instruction set and of the FP/SIMD loads and stores. */
export const ENCODINGS: readonly Encoding[] = [...INTEGER_ENCODINGS, ...SYSTEM_ENCODINGS, ...MEMORY_ENCODINGS];

const hex = (n: number): string => `0x${n.toString(16)}`;

/** One `if` of the decoder; a field is a local only if the text uses it. */
function matchText(encoding: Encoding): string {
  const { mask, value, fields } = parsePattern(encoding.pattern);
  const locals = fields
    .filter(({ name }) => new RegExp(`\\b${name}\\b`).test(encoding.emit))
    .map(({ name, low, width }) => `const ${name}: u32 = (insn >>> ${low}) & ${hex(2 ** width - 1)};`);
  return `  if ((insn & ${hex(mask)}) == ${hex(value)}) { // ${encoding.name}\n    ${locals.join(' ')}\n    ${encoding.emit}\n    return;\n  }`;
}

/** True if the encoding can have `group` in bits 28:25. */
function inGroup(encoding: Encoding, group: number): boolean {
  const { mask, value } = parsePattern(encoding.pattern);
  return (((value >>> 25) ^ group) & (mask >>> 25) & 15) === 0;
}

/** Groups with the same encodings share one function. */
function groups(): Map<string, { numbers: number[]; encodings: Encoding[] }> {
  const result = new Map<string, { numbers: number[]; encodings: Encoding[] }>();
  for (let group = 0; group < 16; group++) {
    if ((group & 7) === 7) continue; // FP and SIMD data processing
    const encodings = ENCODINGS.filter((encoding) => inGroup(encoding, group));
    if (encodings.length === 0) continue;
    const key = encodings.map((encoding) => encoding.name).join('|');
    const entry = result.get(key);
    if (entry) entry.numbers.push(group);
    else result.set(key, { numbers: [group], encodings });
  }
  return result;
}

/** Generates the module. */
export function generateDecode(): string {
  const list = [...groups().values()];
  const functions = list.map(
    ({ encodings }, index) =>
      `function group${index}(insn: u32, uop: usize, pc: u64): void {\n${encodings.map(matchText).join('\n')}\n  undefined_(uop);\n}\n`,
  );
  const cases = list.map(
    ({ numbers }, index) => `${numbers.map((n) => `case ${n}:`).join(' ')} group${index}(insn, uop, pc); return;`,
  );
  const text = functions.join('\n');
  const used = (prefix: string, names: readonly string[]): string[] =>
    names.map((name) => prefix + name).filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  const imports = [
    ...used(
      'O_',
      OPS.map((op) => op.name),
    ),
    ...used(
      'M_',
      ACCESSES.map((access) => access.name),
    ),
    ...used(
      'COST_',
      COST_CLASSES.map((name) => name.replace(/[A-Z0-9]+/g, '_$&').toUpperCase()),
    ),
  ];
  const systemKinds = [...new Set(text.match(/\bSYS_\w+/g) ?? [])];
  const registers = [...new Set(text.match(/\bSR_\w+/g) ?? [])];
  return `// Generated from sim/cpu/isa by sim/cpu/isa/generate-decode.ts.
import { CORE_DAIF, CORE_SYSREG, HOT_XZR } from '../../../wasm/layout';
import { ${imports.join(', ')} } from './opcodes';
import { ${registers.join(', ')}, sysregIndex } from './sysregs';
import { ${systemKinds.join(', ')} } from '../system-op';
import { bitmask, bitmaskValid, branch, DAIF, hint, memory, put, reg, setCost, sp, template, undefined_, vreg, zr } from '../uop';
import { structureAllocated } from '../structure';
import { decodeSimd } from '../simd-op';

${text}
/** Builds the micro-op at \`uop\` for the instruction word \`insn\` at virtual address \`pc\`. */
export function decode(insn: u32, uop: usize, pc: u64): void {
  switch ((insn >>> 25) & 15) {
    ${cases.join('\n    ')}
    case 7: case 15: decodeSimd(insn, uop); return;
    default: undefined_(uop); return;
  }
}
`;
}
