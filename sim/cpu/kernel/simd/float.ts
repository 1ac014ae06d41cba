// Floating-point instructions, one element at a time through fp/. `count` elements are computed into SIMD_SCRATCH; the
// callers in exec.ts move them to Vd.
import { HOT_NZCV, SIMD_SCRATCH } from '../../../wasm/layout';
import { fpAbs, fpAdd, fpDiv, fpMul, fpMulX, fpNeg, fpSqrt, fpSub } from '../fp/arith';
import { fpCompare, fpEqual, fpGreater, fpGreaterEqual, fpMaxMin, fpMaxMinNum } from '../fp/compare';
import { fixedToFp, fpConvert, fpRoundInt, fpToFixed } from '../fp/convert';
import { fpRSqrtEstimate, fpRecipEstimate, fpRecpX, rSqrtEstimate32, recipEstimate32 } from '../fp/estimate';
import { fastVector } from '../fp/fast';
import { fpMulAdd, fpRecipStep } from '../fp/fma';
import { DOUBLE, RM_NEGINF, RM_POSINF, RM_TIEAWAY, RM_TIEEVEN, RM_ZERO, SINGLE, fpcrMode } from '../fp/format';
import { floatOf, isQ, laneS, laneU, putBytes, putD, putResult, putX, va, vd, vm, vn, xn } from './regs';

// Operations on two or three operands (d is the accumulator). fastVector knows the first four by number.
export const F_ADD: u32 = 0;
export const F_SUB: u32 = 1;
export const F_MUL: u32 = 2;
export const F_DIV: u32 = 3;
export const F_MULX: u32 = 4;
export const F_MAX: u32 = 5;
export const F_MIN: u32 = 6;
export const F_MAXNM: u32 = 7;
export const F_MINNM: u32 = 8;
export const F_MLA: u32 = 9;
export const F_MLS: u32 = 10;
export const F_RECPS: u32 = 11;
export const F_RSQRTS: u32 = 12;
export const F_ABD: u32 = 13;
export const F_CMEQ: u32 = 14;
export const F_CMGE: u32 = 15;
export const F_CMGT: u32 = 16;
export const F_ACGE: u32 = 17;
export const F_ACGT: u32 = 18;
export const F_CMLE: u32 = 19;
export const F_CMLT: u32 = 20;
export const F_NMUL: u32 = 21;

function mask(value: bool): u64 {
  return value ? <u64>-1 : 0;
}

function binary(op: u32, fmt: u32, d: u64, a: u64, b: u64): u64 {
  switch (op) {
    case F_ADD:
      return fpAdd(fmt, a, b);
    case F_SUB:
      return fpSub(fmt, a, b);
    case F_MUL:
      return fpMul(fmt, a, b);
    case F_DIV:
      return fpDiv(fmt, a, b);
    case F_MULX:
      return fpMulX(fmt, a, b);
    case F_MAX:
      return fpMaxMin(fmt, a, b, true);
    case F_MIN:
      return fpMaxMin(fmt, a, b, false);
    case F_MAXNM:
      return fpMaxMinNum(fmt, a, b, true);
    case F_MINNM:
      return fpMaxMinNum(fmt, a, b, false);
    case F_MLA:
      return fpMulAdd(fmt, d, a, b);
    case F_MLS:
      return fpMulAdd(fmt, d, fpNeg(fmt, a), b);
    case F_RECPS:
      return fpRecipStep(fmt, a, b, false);
    case F_RSQRTS:
      return fpRecipStep(fmt, a, b, true);
    case F_ABD:
      return fpAbs(fmt, fpSub(fmt, a, b));
    case F_CMEQ:
      return mask(fpEqual(fmt, a, b));
    case F_CMGE:
      return mask(fpGreaterEqual(fmt, a, b));
    case F_CMGT:
      return mask(fpGreater(fmt, a, b));
    case F_ACGE:
      return mask(fpGreaterEqual(fmt, fpAbs(fmt, a), fpAbs(fmt, b)));
    case F_ACGT:
      return mask(fpGreater(fmt, fpAbs(fmt, a), fpAbs(fmt, b)));
    case F_CMLE:
      return mask(fpGreaterEqual(fmt, b, a));
    case F_CMLT:
      return mask(fpGreater(fmt, b, a));
    default:
      return fpNeg(fmt, fpMul(fmt, a, b));
  }
}

/** Three-same vector instruction. */
export function floatVector(insn: u32, op: u32): void {
  const fmt = floatOf(insn);
  const bytes: u32 = isQ(insn) ? 16 : 8;
  const d = vd(insn);
  const a = vn(insn);
  const b = vm(insn);
  if (op <= F_DIV && bytes == 16 && fastVector(op, fmt, v128.load(a), v128.load(b), d)) return;
  for (let i: u32 = 0; i < bytes >> fmt; i++) {
    putResult(fmt, i, binary(op, fmt, laneU(d, fmt, i), laneU(a, fmt, i), laneU(b, fmt, i)));
  }
  putBytes(insn, bytes);
}

/** Vector (bytes 8 or 16) or AdvSIMD scalar (bytes 1 << fmt) against a constant: comparisons with zero. */
export function floatZero(insn: u32, op: u32, scalar: bool): void {
  const fmt = floatOf(insn);
  const bytes: u32 = scalar ? 1 << fmt : isQ(insn) ? 16 : 8;
  const a = vn(insn);
  for (let i: u32 = 0; i < bytes >> fmt; i++) putResult(fmt, i, binary(op, fmt, 0, laneU(a, fmt, i), 0));
  putBytes(insn, bytes);
}

/** By element: Rm is M:Rm, the index H:L (single) or H (double). */
export function floatByElement(insn: u32, op: u32, scalar: bool): void {
  const fmt = floatOf(insn);
  const bytes: u32 = scalar ? 1 << fmt : isQ(insn) ? 16 : 8;
  const d = vd(insn);
  const a = vn(insn);
  const h = (insn >> 11) & 1;
  const y = laneU(vm(insn), fmt, fmt == DOUBLE ? h : (h << 1) | ((insn >> 21) & 1));
  for (let i: u32 = 0; i < bytes >> fmt; i++) {
    putResult(fmt, i, binary(op, fmt, laneU(d, fmt, i), laneU(a, fmt, i), y));
  }
  putBytes(insn, bytes);
}

/** Pairs of the concatenation Vm:Vn. */
export function floatPairs(insn: u32, op: u32): void {
  const fmt = floatOf(insn);
  const bytes: u32 = isQ(insn) ? 16 : 8;
  const half = (bytes >> fmt) >> 1;
  const a = vn(insn);
  const b = vm(insn);
  for (let i: u32 = 0; i < half; i++) {
    putResult(fmt, i, binary(op, fmt, 0, laneU(a, fmt, 2 * i), laneU(a, fmt, 2 * i + 1)));
  }
  for (let i: u32 = 0; i < half; i++) {
    putResult(fmt, half + i, binary(op, fmt, 0, laneU(b, fmt, 2 * i), laneU(b, fmt, 2 * i + 1)));
  }
  putBytes(insn, bytes);
}

/** Scalar pairwise: the two low elements of Vn. */
export function floatPair(insn: u32, op: u32): void {
  const fmt = floatOf(insn);
  const a = vn(insn);
  putD(insn, binary(op, fmt, 0, laneU(a, fmt, 0), laneU(a, fmt, 1)));
}

/** FMAXV and the like on 4S: Reduce() combines halves, so ((0,1),(2,3)). */
export function floatAcross(insn: u32, op: u32): void {
  const a = vn(insn);
  const low = binary(op, SINGLE, 0, laneU(a, SINGLE, 0), laneU(a, SINGLE, 1));
  const high = binary(op, SINGLE, 0, laneU(a, SINGLE, 2), laneU(a, SINGLE, 3));
  putD(insn, binary(op, SINGLE, 0, low, high));
}

/** Scalar two-source: FP class and AdvSIMD scalar three-same alike. */
export function floatScalar(insn: u32, op: u32): void {
  if ((insn & 0x400000) != 0) {
    putD(insn, binary(op, DOUBLE, 0, load<u64>(vn(insn)), load<u64>(vm(insn))));
  } else {
    const r = binary(op, SINGLE, 0, load<u32>(vn(insn)), load<u32>(vm(insn)));
    putD(insn, r & 0xffffffff);
  }
}

/** FMADD (0, 0), FMSUB (0, 1), FNMADD (1, 1), FNMSUB (1, 0): negations of the addend and of Vn. */
export function floatMulAdd(insn: u32, negateAddend: bool, negateProduct: bool): void {
  const fmt = floatOf(insn);
  let c = laneU(va(insn), fmt, 0);
  let a = laneU(vn(insn), fmt, 0);
  if (negateAddend) c = fpNeg(fmt, c);
  if (negateProduct) a = fpNeg(fmt, a);
  putD(insn, fpMulAdd(fmt, c, a, laneU(vm(insn), fmt, 0)));
}

// Operations on one operand.
export const U_ABS: u32 = 0;
export const U_NEG: u32 = 1;
export const U_SQRT: u32 = 2;
export const U_RINTN: u32 = 3;
export const U_RINTP: u32 = 4;
export const U_RINTM: u32 = 5;
export const U_RINTZ: u32 = 6;
export const U_RINTA: u32 = 7;
export const U_RINTX: u32 = 8;
export const U_RINTI: u32 = 9;
export const U_RECPE: u32 = 10;
export const U_RSQRTE: u32 = 11;
export const U_RECPX: u32 = 12;
export const U_URECPE: u32 = 13;
export const U_URSQRTE: u32 = 14;
export const U_MOV: u32 = 15;

function unary(op: u32, fmt: u32, a: u64): u64 {
  switch (op) {
    case U_ABS:
      return fpAbs(fmt, a);
    case U_NEG:
      return fpNeg(fmt, a);
    case U_SQRT:
      return fpSqrt(fmt, a);
    case U_RINTN:
      return fpRoundInt(fmt, a, RM_TIEEVEN, false);
    case U_RINTP:
      return fpRoundInt(fmt, a, RM_POSINF, false);
    case U_RINTM:
      return fpRoundInt(fmt, a, RM_NEGINF, false);
    case U_RINTZ:
      return fpRoundInt(fmt, a, RM_ZERO, false);
    case U_RINTA:
      return fpRoundInt(fmt, a, RM_TIEAWAY, false);
    case U_RINTX:
      return fpRoundInt(fmt, a, fpcrMode(), true);
    case U_RINTI:
      return fpRoundInt(fmt, a, fpcrMode(), false);
    case U_RECPE:
      return fpRecipEstimate(fmt, a);
    case U_RSQRTE:
      return fpRSqrtEstimate(fmt, a);
    case U_RECPX:
      return fpRecpX(fmt, a);
    case U_URECPE:
      return recipEstimate32(<u32>a);
    case U_URSQRTE:
      return rSqrtEstimate32(<u32>a);
    default:
      return a;
  }
}

export function floatUnaryVector(insn: u32, op: u32): void {
  const fmt = floatOf(insn);
  const bytes: u32 = isQ(insn) ? 16 : 8;
  const a = vn(insn);
  for (let i: u32 = 0; i < bytes >> fmt; i++) putResult(fmt, i, unary(op, fmt, laneU(a, fmt, i)));
  putBytes(insn, bytes);
}

export function floatUnaryScalar(insn: u32, op: u32): void {
  const fmt = floatOf(insn);
  putD(insn, unary(op, fmt, laneU(vn(insn), fmt, 0)));
}

/** Rounding mode argument for "as FPCR says". */
export const RM_FPCR: u32 = 6;

function resolveMode(mode: u32): u32 {
  return mode == RM_FPCR ? fpcrMode() : mode;
}

/** Fraction bits of the immediate conversions: element size in bits times two minus immh:immb. */
function fixedBits(insn: u32, fmt: u32): u32 {
  return (16 << fmt) - ((insn >> 16) & 0x7f);
}

/** Format of the immediate conversions, from immh. */
function fixedFormat(insn: u32): u32 {
  return (insn & 0x400000) != 0 ? DOUBLE : SINGLE;
}

/** FCVTxS/FCVTxU on vector elements or an AdvSIMD scalar; `fixed`: fraction bits in the immediate. */
export function floatToInt(insn: u32, isUnsigned: bool, mode: u32, scalar: bool, fixed: bool): void {
  const fmt = fixed ? fixedFormat(insn) : floatOf(insn);
  const bytes: u32 = scalar ? 1 << fmt : isQ(insn) ? 16 : 8;
  const fbits = fixed ? fixedBits(insn, fmt) : 0;
  const a = vn(insn);
  for (let i: u32 = 0; i < bytes >> fmt; i++) {
    putResult(fmt, i, fpToFixed(fmt, laneU(a, fmt, i), fbits, 8 << fmt, isUnsigned, mode));
  }
  putBytes(insn, bytes);
}

/** SCVTF/UCVTF on vector elements or an AdvSIMD scalar. */
export function intToFloat(insn: u32, isUnsigned: bool, scalar: bool, fixed: bool): void {
  const fmt = fixed ? fixedFormat(insn) : floatOf(insn);
  const bytes: u32 = scalar ? 1 << fmt : isQ(insn) ? 16 : 8;
  const fbits = fixed ? fixedBits(insn, fmt) : 0;
  const a = vn(insn);
  const mode = fpcrMode();
  for (let i: u32 = 0; i < bytes >> fmt; i++) {
    const v = laneS(a, fmt, i);
    const negative = !isUnsigned && v < 0;
    const magnitude = negative ? 0 - <u64>v : laneU(a, fmt, i);
    putResult(fmt, i, fixedToFp(fmt, negative ? 1 : 0, magnitude, fbits, mode));
  }
  putBytes(insn, bytes);
}

/** FCVTxS/FCVTxU to Wd or Xd; `fixed`: fraction bits are 64 - scale. */
export function floatToGeneral(insn: u32, isUnsigned: bool, mode: u32, fixed: bool): void {
  const fmt = floatOf(insn);
  const fbits = fixed ? 64 - ((insn >> 10) & 63) : 0;
  putX(insn, fpToFixed(fmt, laneU(vn(insn), fmt, 0), fbits, (insn & 0x80000000) != 0 ? 64 : 32, isUnsigned, mode));
}

/** SCVTF/UCVTF from Wn or Xn. */
export function generalToFloat(insn: u32, isUnsigned: bool, fixed: bool): void {
  const fmt = floatOf(insn);
  const fbits = fixed ? 64 - ((insn >> 10) & 63) : 0;
  let v = xn(insn);
  if ((insn & 0x80000000) == 0) v = isUnsigned ? v & 0xffffffff : <u64>(<i64>(<i32>v));
  const negative = !isUnsigned && <i64>v < 0;
  putD(insn, fixedToFp(fmt, negative ? 1 : 0, negative ? 0 - v : v, fbits, fpcrMode()));
}

/** FCVT between scalar formats. */
export function floatConvert(insn: u32, from: u32, to: u32): void {
  putD(insn, fpConvert(from, to, laneU(vn(insn), from, 0), fpcrMode()));
}

/** FCVTL, FCVTL2: the low or (Q) high half of Vn to elements twice the size. */
export function floatLong(insn: u32): void {
  const to = floatOf(insn);
  const a = vn(insn) + (isQ(insn) ? 8 : 0);
  const mode = fpcrMode();
  for (let i: u32 = 0; i < (<u32>16) >> to; i++) putResult(to, i, fpConvert(to - 1, to, laneU(a, to - 1, i), mode));
  putBytes(insn, 16);
}

/** FCVTN, FCVTXN: elements of Vn to half the size, as 64 bits. */
export function floatNarrow(insn: u32, mode: u32): u64 {
  const from = floatOf(insn);
  const a = vn(insn);
  const m = resolveMode(mode);
  for (let i: u32 = 0; i < (<u32>16) >> from; i++)
    putResult(from - 1, i, fpConvert(from, from - 1, laneU(a, from, i), m));
  return load<u64>(<usize>SIMD_SCRATCH);
}

/** FCMP, FCMPE: sets HOT_NZCV. */
export function floatCompare(insn: u32, zero: bool, signalAll: bool): void {
  const fmt = floatOf(insn);
  const b = zero ? 0 : laneU(vm(insn), fmt, 0);
  store<u32>(<usize>HOT_NZCV, fpCompare(fmt, laneU(vn(insn), fmt, 0), b, signalAll));
}

/** ConditionHolds on HOT_NZCV. */
function conditionHolds(cond: u32): bool {
  const nzcv = load<u32>(<usize>HOT_NZCV) >> 28;
  const n = (nzcv >> 3) & 1;
  const z = (nzcv >> 2) & 1;
  const c = (nzcv >> 1) & 1;
  const v = nzcv & 1;
  let holds: bool;
  switch (cond >> 1) {
    case 0:
      holds = z != 0;
      break;
    case 1:
      holds = c != 0;
      break;
    case 2:
      holds = n != 0;
      break;
    case 3:
      holds = v != 0;
      break;
    case 4:
      holds = c != 0 && z == 0;
      break;
    case 5:
      holds = n == v;
      break;
    case 6:
      holds = n == v && z == 0;
      break;
    default:
      return true;
  }
  return (cond & 1) != 0 ? !holds : holds;
}

/** FCCMP, FCCMPE. */
export function floatCondCompare(insn: u32, signalAll: bool): void {
  if (conditionHolds((insn >> 12) & 15)) floatCompare(insn, false, signalAll);
  else store<u32>(<usize>HOT_NZCV, (insn & 15) << 28);
}

/** FCSEL. */
export function floatSelect(insn: u32): void {
  const fmt = floatOf(insn);
  putD(insn, laneU(conditionHolds((insn >> 12) & 15) ? vn(insn) : vm(insn), fmt, 0));
}

/** VFPExpandImm: sign, replicated exponent bits, fraction. */
export function expandFloat(fmt: u32, imm8: u32): u64 {
  const sign = <u64>(imm8 >> 7);
  const b6 = (imm8 & 0x40) != 0;
  const low = <u64>(imm8 & 0x3f);
  if (fmt == DOUBLE) return (sign << 63) | ((b6 ? <u64>0xff : 0x100) << 54) | (low << 48);
  return (sign << 31) | ((b6 ? <u64>0x1f : 0x20) << 25) | (low << 19);
}
