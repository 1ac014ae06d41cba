import type { ParsedSimdEncoding, SimdGroup } from './simd/pattern.js';
import { simdEncodings } from './simd/table.js';

const hex = (value: number): string => `0x${value.toString(16)}`;

interface Candidate {
  readonly index: number;
  readonly entry: ParsedSimdEncoding;
}

/** The undecided bit that splits best (an entry that ignores the bit goes both ways); -1 when none separates. */
function bestBit(candidates: readonly Candidate[], decided: number): number {
  let best = -1;
  let bestSize = candidates.length ** 2;
  for (let bit = 0; bit < 32; bit += 1) {
    const weight = 2 ** bit;
    if ((decided & weight) !== 0) continue;
    const zeros = candidates.filter(({ entry }) => (entry.mask & weight) === 0 || (entry.value & weight) === 0).length;
    const ones = candidates.filter(({ entry }) => (entry.mask & weight) === 0 || (entry.value & weight) !== 0).length;
    const size = zeros ** 2 + ones ** 2;
    if (size < bestSize) {
      best = bit;
      bestSize = size;
    }
  }
  return best;
}

function emitLeaf(candidates: readonly Candidate[], indent: string): string {
  let text = '';
  for (const { index, entry } of candidates) {
    const refused = entry.undef.map(({ mask, value }) => ` && (insn & ${hex(mask)}) != ${hex(value)}`).join('');
    text += `${indent}// ${entry.name}\n`;
    text += `${indent}if ((insn & ${hex(entry.mask)}) == ${hex(entry.value)}${refused}) return ${index};\n`;
  }
  return `${text}${indent}return -1;\n`;
}

function emitTree(candidates: readonly Candidate[], decided: number, indent: string): string {
  const bit = candidates.length > 3 ? bestBit(candidates, decided) : -1;
  if (bit < 0) return emitLeaf(candidates, indent);
  const weight = 2 ** bit;
  const known = (decided | weight) >>> 0;
  const ones = candidates.filter(({ entry }) => (entry.mask & weight) === 0 || (entry.value & weight) !== 0);
  const zeros = candidates.filter(({ entry }) => (entry.mask & weight) === 0 || (entry.value & weight) === 0);
  return (
    `${indent}if (insn & ${hex(weight)}) {\n${emitTree(ones, known, `${indent}  `)}${indent}}\n` +
    emitTree(zeros, known, indent)
  );
}

/**
 * AssemblyScript text of `kernel/gen/simd.ts`: a V_* constant per encoding, the bounds of the groups (V_FLAGS_END,
 * V_FP_END, V_FPDIV_END, V_COUNT), and `simdDecode`, a decision tree over the encoding table.
 */
export function generateSimd(): string {
  let text = '// Generated from sim/cpu/isa/simd by sim/cpu/isa/generate-simd.ts.\n';
  simdEncodings.forEach((entry, index) => (text += `export const V_${entry.name}: i32 = ${index};\n`));
  const end = (...groups: SimdGroup[]): number => simdEncodings.filter(({ group }) => groups.includes(group)).length;
  text += `export const V_FLAGS_END: i32 = ${end('flags')};\n`;
  text += `export const V_FP_END: i32 = ${end('flags', 'fp')};\n`;
  text += `export const V_FPDIV_END: i32 = ${end('flags', 'fp', 'fpDiv')};\n`;
  text += `export const V_COUNT: i32 = ${simdEncodings.length};\n\n`;
  text += '/** Sub-operation of a data-processing FP/AdvSIMD encoding, or -1: UNDEFINED. */\n';
  text += 'export function simdDecode(insn: u32): i32 {\n';
  text += emitTree(
    simdEncodings.map((entry, index) => ({ index, entry })),
    0,
    '  ',
  );
  return `${text}}\n`;
}
