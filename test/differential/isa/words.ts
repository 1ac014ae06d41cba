/** Instructions whose meaning depends on where they are, and how to keep them in bounds. */
import type { Builder } from './builder.js';

/** B, BL. */
export const isBranchImmediate = (insn: number): boolean => (insn & 0x7c000000) >>> 0 === 0x14000000;
/** B.cond, CBZ, CBNZ: 19-bit offsets. */
export const isCompareBranch = (insn: number): boolean =>
  (insn & 0xff000010) >>> 0 === 0x54000000 || (insn & 0x7e000000) >>> 0 === 0x34000000;
/** TBZ, TBNZ. */
export const isTestBranch = (insn: number): boolean => (insn & 0x7e000000) >>> 0 === 0x36000000;
/** LDR (literal) and PRFM (literal). */
export const isLiteral = (insn: number): boolean => (insn & 0x3b000000) >>> 0 === 0x18000000;
/** Bits 27 and 25 of loads and stores (C4.1). */
export const inMemorySpace = (insn: number): boolean => (insn & 0x0a000000) >>> 0 === 0x08000000;

/** `insn` with another value in a run of bits; negative values are two's complement. */
export const bits = (insn: number, low: number, width: number, value: number): number => {
  const old = Math.floor(insn / 2 ** low) % 2 ** width;
  return insn + ((value < 0 ? value + 2 ** width : value) - old) * 2 ** low;
};

/** Keeps direct branches and literals inside the slot or outside the code. */
export function localise(b: Builder, insn: number): number {
  if (isBranchImmediate(insn)) return bits(insn, 0, 26, b.branchOffset(26));
  if (isCompareBranch(insn)) return bits(insn, 5, 19, b.branchOffset(19));
  if (isTestBranch(insn)) return bits(insn, 5, 14, b.branchOffset(14));
  if (isLiteral(insn)) return bits(insn, 5, 19, b.literalOffset());
  return insn;
}
