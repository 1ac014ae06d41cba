// Instruction groups whose members differ by element size, signedness or a kind: operands in, Vd out.
import { polyLong64, polyLong8 } from './crypto';
import {
  absDifferenceLong,
  addAcross,
  addLongPairs,
  highNarrow,
  longOperand,
  maxMinAcross,
  pairsEven,
  pairsOdd,
  shiftRight,
} from './integer';
import { isQ, laneU, putBytes, putD, putLow, putNarrow, putQ, putV, sizeOf, vd, vectorBytes, vm, vn, xn } from './regs';
import { saturateByElement, saturateLanes, saturateLong, saturateNarrow, saturateShift } from './saturate';
import { vAdd, vMax, vMin, vMul, vSplat, vSub, vShl, vShrU } from './vec';

export function n(insn: u32): v128 {
  return v128.load(vn(insn));
}

export function m(insn: u32): v128 {
  return v128.load(vm(insn));
}

export function d(insn: u32): v128 {
  return v128.load(vd(insn));
}

/** Saturating three-same, vector or scalar. */
export function saturating(insn: u32, op: u32, scalar: bool): void {
  const esz = sizeOf(insn);
  const bytes = scalar ? (<u32>1) << esz : vectorBytes(insn);
  saturateLanes(op, vn(insn), vm(insn), esz, bytes);
  putBytes(insn, bytes);
}

/** SUQADD, USQADD (accumulating), SQABS, SQNEG. */
export function saturatingUnary(insn: u32, op: u32, accumulates: bool, scalar: bool): void {
  const esz = sizeOf(insn);
  const bytes = scalar ? (<u32>1) << esz : vectorBytes(insn);
  saturateLanes(op, accumulates ? vd(insn) : vn(insn), vn(insn), esz, bytes);
  putBytes(insn, bytes);
}

export const PAIR_ADD: u32 = 0;
export const PAIR_MAX: u32 = 1;
export const PAIR_MIN: u32 = 2;

/** ADDP, SMAXP, UMAXP, SMINP, UMINP. */
export function pairwise(insn: u32, op: u32, isUnsigned: bool): void {
  const esz = sizeOf(insn);
  const bytes = vectorBytes(insn);
  const a = n(insn);
  const b = m(insn);
  const even = pairsEven(esz, a, b, bytes);
  const odd = pairsOdd(esz, a, b, bytes);
  if (op == PAIR_ADD) putQ(insn, vAdd(esz, even, odd));
  else if (op == PAIR_MAX) putQ(insn, vMax(esz, even, odd, isUnsigned));
  else putQ(insn, vMin(esz, even, odd, isUnsigned));
}

export const LONG_OP_ADD: u32 = 0;
export const LONG_OP_SUB: u32 = 1;
export const LONG_OP_MUL: u32 = 2;
export const LONG_OP_MLA: u32 = 3;
export const LONG_OP_MLS: u32 = 4;

function longResult(insn: u32, op: u32, esz: u32, a: v128, b: v128): void {
  if (op == LONG_OP_ADD) {
    putV(insn, vAdd(esz + 1, a, b));
  } else if (op == LONG_OP_SUB) {
    putV(insn, vSub(esz + 1, a, b));
  } else {
    const p = vMul(esz + 1, a, b);
    if (op == LONG_OP_MUL) putV(insn, p);
    else if (op == LONG_OP_MLA) putV(insn, vAdd(esz + 1, d(insn), p));
    else putV(insn, vSub(esz + 1, d(insn), p));
  }
}

/** SADDL, SSUBL, SMULL, SMLAL, SMLSL and their unsigned forms. */
export function long(insn: u32, op: u32, isUnsigned: bool): void {
  const esz = sizeOf(insn);
  const upper = isQ(insn);
  longResult(insn, op, esz, longOperand(esz, n(insn), upper, isUnsigned), longOperand(esz, m(insn), upper, isUnsigned));
}

/** SADDW, SSUBW, UADDW, USUBW. */
export function wide(insn: u32, op: u32, isUnsigned: bool): void {
  const esz = sizeOf(insn);
  longResult(insn, op, esz, n(insn), longOperand(esz, m(insn), isQ(insn), isUnsigned));
}

/** SABAL, SABDL and unsigned. */
export function differenceLong(insn: u32, accumulates: bool, isUnsigned: bool): void {
  const esz = sizeOf(insn);
  const r = absDifferenceLong(esz, n(insn), m(insn), isQ(insn), isUnsigned);
  putV(insn, accumulates ? vAdd(esz + 1, d(insn), r) : r);
}

/** ADDHN, SUBHN, RADDHN, RSUBHN. */
export function narrowHigh(insn: u32, subtracts: bool, rounding: bool): void {
  const esz = sizeOf(insn);
  const sum = subtracts ? vSub(esz + 1, n(insn), m(insn)) : vAdd(esz + 1, n(insn), m(insn));
  putNarrow(insn, highNarrow(esz, sum, rounding));
}

/** PMULL, PMULL2. */
export function polyLong(insn: u32): void {
  const upper: usize = isQ(insn) ? 8 : 0;
  if (sizeOf(insn) == 3) putV(insn, polyLong64(load<u64>(vn(insn) + upper), load<u64>(vm(insn) + upper)));
  else putV(insn, polyLong8(v128.load64_zero(vn(insn) + upper), v128.load64_zero(vm(insn) + upper)));
}

/** SQDMULL, SQDMLAL, SQDMLSL. */
export function doubling(insn: u32, kind: u32, scalar: bool): void {
  const esz = sizeOf(insn);
  const upper: usize = !scalar && isQ(insn) ? 8 : 0;
  const count = scalar ? <u32>1 : (<u32>8) >> esz;
  saturateLong(kind, vd(insn), vn(insn) + upper, vm(insn) + upper, 1, esz, count);
  putBytes(insn, scalar ? (<u32>2) << esz : 16);
}

/** Register of the element operand: M:Rm, but Rm alone (V0 to V15) for halfwords. */
function elementRegister(insn: u32, esz: u32): usize {
  return esz == 1 ? vm(insn & ~((<u32>1) << 20)) : vm(insn);
}

/** Index of the element operand: H:L:M for halfwords, H:L for words. */
function elementIndex(insn: u32, esz: u32): u32 {
  const hl = (((insn >> 11) & 1) << 1) | ((insn >> 21) & 1);
  return esz == 1 ? (hl << 1) | ((insn >> 20) & 1) : hl;
}

/** The element operand in every lane. */
export function elementSplat(insn: u32): v128 {
  const esz = sizeOf(insn);
  return vSplat(esz, laneU(elementRegister(insn, esz), esz, elementIndex(insn, esz)));
}

export function longByElement(insn: u32, op: u32, isUnsigned: bool): void {
  const esz = sizeOf(insn);
  const b = longOperand(esz, elementSplat(insn), false, isUnsigned);
  longResult(insn, op, esz, longOperand(esz, n(insn), isQ(insn), isUnsigned), b);
}

export function doublingByElement(insn: u32, kind: u32, scalar: bool): void {
  const esz = sizeOf(insn);
  const upper: usize = !scalar && isQ(insn) ? 8 : 0;
  const count = scalar ? <u32>1 : (<u32>8) >> esz;
  const element = elementRegister(insn, esz) + (elementIndex(insn, esz) << esz);
  saturateLong(kind, vd(insn), vn(insn) + upper, element, 0, esz, count);
  putBytes(insn, scalar ? (<u32>2) << esz : 16);
}

/** SQDMULH, SQRDMULH by element. */
export function doublingHighByElement(insn: u32, op: u32, scalar: bool): void {
  const esz = sizeOf(insn);
  const bytes = scalar ? (<u32>1) << esz : vectorBytes(insn);
  saturateByElement(op, vn(insn), elementRegister(insn, esz), elementIndex(insn, esz), esz, bytes);
  putBytes(insn, bytes);
}

/** Element size of the shifts by immediate: the leading one of immh. */
export function shiftSize(insn: u32): u32 {
  return 31 - <u32>clz<u32>((insn >> 19) & 15);
}

/** Right shift amount: 2 * element bits - immh:immb, 1 .. element bits. */
export function rightAmount(insn: u32): i32 {
  return ((<i32>16) << shiftSize(insn)) - <i32>((insn >> 16) & 0x7f);
}

/** Left shift amount: immh:immb - element bits, 0 .. element bits - 1. */
export function leftAmount(insn: u32): i32 {
  return <i32>((insn >> 16) & 0x7f) - ((<i32>8) << shiftSize(insn));
}

/** SSHR, SRSHR, SSRA, SRSRA and unsigned; the scalar forms are 64-bit. */
export function shiftRightImmediate(
  insn: u32,
  isUnsigned: bool,
  rounding: bool,
  accumulates: bool,
  scalar: bool,
): void {
  const esz = shiftSize(insn);
  let r = shiftRight(esz, n(insn), rightAmount(insn), isUnsigned, rounding);
  if (accumulates) r = vAdd(esz, d(insn), r);
  if (scalar) putLow(insn, r);
  else putQ(insn, r);
}

/** SQSHL, UQSHL, SQSHLU by immediate. */
export function saturatingShiftImmediate(insn: u32, kind: u32, scalar: bool): void {
  const esz = shiftSize(insn);
  const bytes = scalar ? (<u32>1) << esz : vectorBytes(insn);
  saturateShift(kind, vn(insn), leftAmount(insn), esz, bytes);
  putBytes(insn, bytes);
}

/** SHRN, RSHRN. */
export function shiftNarrow(insn: u32, rounding: bool): void {
  const esz = shiftSize(insn);
  const by = rightAmount(insn);
  // Rounding adds before the shift, so that the sum wraps at twice the element size; only low bits are kept.
  const a = n(insn);
  const r = rounding ? shiftRight(esz + 1, a, by, true, true) : vShrU(esz + 1, a, by);
  putNarrow(insn, i64x2.extract_lane(pairsEven(esz, r, r, 16), 0));
}

/** SQSHRN, SQSHRUN, UQSHRN, rounding or not. */
export function saturatingShiftNarrow(insn: u32, kind: u32, rounding: bool, scalar: bool): void {
  const esz = shiftSize(insn);
  const r = saturateNarrow(kind, vn(insn), rightAmount(insn), rounding, esz, scalar ? 1 : (<u32>8) >> esz);
  if (scalar) putD(insn, r);
  else putNarrow(insn, r);
}

/** SQXTN, SQXTUN, UQXTN. */
export function saturatingNarrow(insn: u32, kind: u32, scalar: bool): void {
  const esz = sizeOf(insn);
  const r = saturateNarrow(kind, vn(insn), 0, false, esz, scalar ? 1 : (<u32>8) >> esz);
  if (scalar) putD(insn, r);
  else putNarrow(insn, r);
}

/** SSHLL, USHLL. */
export function shiftLong(insn: u32, isUnsigned: bool): void {
  const esz = shiftSize(insn);
  putV(insn, vShl(esz + 1, longOperand(esz, n(insn), isQ(insn), isUnsigned), leftAmount(insn)));
}

/** SADDLV, UADDLV: one element of twice the size; ADDV: one of the same size. */
export function sumAcross(insn: u32, isUnsigned: bool, isLong: bool): void {
  const esz = sizeOf(insn);
  const bits = <u64>(isLong ? (<u32>16) << esz : (<u32>8) << esz);
  putD(insn, addAcross(esz, n(insn), vectorBytes(insn), isUnsigned) & ((<u64>-1) >> (64 - bits)));
}

export function extremeAcross(insn: u32, isUnsigned: bool, max: bool): void {
  putD(insn, maxMinAcross(sizeOf(insn), n(insn), vectorBytes(insn), isUnsigned, max));
}

/** SADDLP, UADDLP, SADALP, UADALP. */
export function longPairs(insn: u32, isUnsigned: bool, accumulates: bool): void {
  const esz = sizeOf(insn);
  const r = addLongPairs(esz, n(insn), isUnsigned);
  putQ(insn, accumulates ? vAdd(esz + 1, d(insn), r) : r);
}

/** Element size and index of imm5: the trailing one is the size, the bits above it the index. */
export function copySize(insn: u32): u32 {
  return ctz<u32>((insn >> 16) & 31);
}

export function copyIndex(insn: u32): u32 {
  return ((insn >> 16) & 31) >> (copySize(insn) + 1);
}

/** DUP (element) to a vector or scalar. */
export function dupElement(insn: u32, scalar: bool): void {
  const esz = copySize(insn);
  const v = laneU(vn(insn), esz, copyIndex(insn));
  if (scalar) putD(insn, v);
  else putQ(insn, vSplat(esz, v));
}

/** DUP (general). */
export function dupGeneral(insn: u32): void {
  putQ(insn, vSplat(copySize(insn), xn(insn)));
}

/** TBL, TBX: swizzle gives zero outside 0..15, so the registers' look-ups are ORed; TBX keeps Vd where no look-up hit. */
export function tableLookup(insn: u32, keeps: bool): void {
  const count = ((insn >> 13) & 3) + 1;
  const first = (insn >> 5) & 31;
  let index = m(insn);
  let r = i64x2.splat(0);
  if (keeps) r = v128.and(d(insn), i8x16.ge_u(index, i8x16.splat(<i8>(count << 4))));
  for (let i: u32 = 0; i < count; i++) {
    r = v128.or(r, i8x16.swizzle(v128.load(vd((first + i) & 31)), index));
    index = i8x16.sub(index, i8x16.splat(16));
  }
  putQ(insn, r);
}

/** EXT: bytes imm4 .. of the concatenation Vm:Vn. */
export function extract(insn: u32): void {
  const by = (insn >> 11) & 15;
  const lanes = i8x16.add(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16.splat(<i8>by));
  const bytes: i8 = isQ(insn) ? 16 : 8;
  let a = n(insn);
  if (bytes == 8) a = v128.and(a, i64x2(-1, 0));
  // An index below `bytes` finds Vn and zero in Vm (the difference wraps); one above, zero in Vn.
  putQ(insn, v128.or(i8x16.swizzle(a, lanes), i8x16.swizzle(m(insn), i8x16.sub(lanes, i8x16.splat(bytes)))));
}

/** AdvSIMDExpandImm and MOVI, MVNI, ORR, BIC, FMOV (vector, immediate). */
export function modifiedImmediate(insn: u32): void {
  const imm8 = <u64>(((insn >> 11) & 0xe0) | ((insn >> 5) & 31));
  const cmode = (insn >> 12) & 15;
  const op = (insn >> 29) & 1;
  let imm: u64;
  if (cmode < 8) {
    imm = (imm8 << (((cmode >> 1) * 8) as u64)) * 0x100000001;
  } else if (cmode < 12) {
    imm = (imm8 << ((((cmode >> 1) & 1) * 8) as u64)) * 0x1000100010001;
  } else if (cmode == 12) {
    imm = ((imm8 << 8) | 0xff) * 0x100000001;
  } else if (cmode == 13) {
    imm = ((imm8 << 16) | 0xffff) * 0x100000001;
  } else if (cmode == 14) {
    if (op == 0) {
      imm = imm8 * 0x101010101010101;
    } else {
      // Every bit becomes a byte of ones or zeros.
      imm = 0;
      for (let i: u64 = 0; i < 8; i++) imm |= (((imm8 >> i) & 1) * 0xff) << (i * 8);
    }
  } else {
    const sign = imm8 >> 7;
    const b6 = (imm8 & 0x40) != 0;
    imm =
      op == 0
        ? ((sign << 31) | ((b6 ? <u64>0x1f : 0x20) << 25) | ((imm8 & 0x3f) << 19)) * 0x100000001
        : (sign << 63) | ((b6 ? <u64>0xff : 0x100) << 54) | ((imm8 & 0x3f) << 48);
  }
  const value = i64x2.splat(<i64>imm);
  if (cmode < 12 && (cmode & 1) != 0) {
    putQ(insn, op == 0 ? v128.or(d(insn), value) : v128.andnot(d(insn), value));
  } else {
    putQ(insn, op != 0 && cmode < 14 ? v128.not(value) : value);
  }
}
