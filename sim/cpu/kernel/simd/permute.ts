// UZP, ZIP, TRN and the copies that touch single elements. With Q = 0 the operands are 64-bit vectors.
import { copyIndex, copySize, m, n } from './groups';
import { isQ, laneS, laneU, putLane, putLow, putQ, putX, sizeOf, vd, vectorBytes, vn } from './regs';
import { pairsEven, pairsOdd } from './integer';
import { vHigh, vTrn1, vTrn2, vZip1, vZip2 } from './vec';

export function permuteUzp1(insn: u32): void {
  putQ(insn, pairsEven(sizeOf(insn), n(insn), m(insn), vectorBytes(insn)));
}

export function permuteUzp2(insn: u32): void {
  putQ(insn, pairsOdd(sizeOf(insn), n(insn), m(insn), vectorBytes(insn)));
}

export function permuteZip1(insn: u32): void {
  putQ(insn, vZip1(sizeOf(insn), n(insn), m(insn)));
}

/** The upper halves of 64-bit operands are the upper half of ZIP1 on 128 bits. */
export function permuteZip2(insn: u32): void {
  if (isQ(insn)) putQ(insn, vZip2(sizeOf(insn), n(insn), m(insn)));
  else putLow(insn, vHigh(vZip1(sizeOf(insn), n(insn), m(insn))));
}

export function permuteTrn1(insn: u32): void {
  putQ(insn, vTrn1(sizeOf(insn), n(insn), m(insn)));
}

export function permuteTrn2(insn: u32): void {
  putQ(insn, vTrn2(sizeOf(insn), n(insn), m(insn)));
}

/** SMOV to Wd (Q = 0) or Xd. */
export function moveSigned(insn: u32): void {
  const v = <u64>laneS(vn(insn), copySize(insn), copyIndex(insn));
  putX(insn, isQ(insn) ? v : v & 0xffffffff);
}

/** INS (element): the source index is imm4 above the size. */
export function insertElement(insn: u32): void {
  const esz = copySize(insn);
  putLane(vd(insn), esz, copyIndex(insn), laneU(vn(insn), esz, ((insn >> 11) & 15) >> esz));
}
