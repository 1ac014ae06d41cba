import type { FpState } from './module.js';

/** One recorded instruction: what it left in Vd, Xd (or slot 31), FPSR and NZCV. */
export interface Vector {
  readonly seed: number;
  readonly insn: number;
  readonly text: string;
}

const hex = (bytes: Uint8Array): string =>
  [...bytes]
    .reverse()
    .map((b) => b.toString(16).padStart(2, '0'))
    .join('');

/** The results of `insn` that a vector records. */
export function resultText(insn: number, after: FpState): string {
  const d = insn & 31;
  const x = d === 31 ? '-' : hex(after.x.subarray(d * 8, d * 8 + 8));
  return `${hex(after.v.subarray(d * 16, d * 16 + 16))} ${x} ${after.fpsr.toString(16)} ${(after.nzcv >>> 28).toString(16)}`;
}

export function formatVector(seed: number, insn: number, after: FpState): string {
  return `${seed} ${insn.toString(16).padStart(8, '0')} ${resultText(insn, after)}`;
}

/** Parses simd.vectors.txt. */
export function parseVectors(text: string): Vector[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [seed = '', insn = '', ...rest] = line.split(' ');
    return { seed: Number(seed), insn: Number.parseInt(insn, 16), text: rest.join(' ') };
  });
}
