import { LOGIC, PACKED, SUB32, SUB64 } from '../cpu/isa/text.js';
import { W } from './code.js';
import type { Code } from './code.js';
import { LOCAL_FA, LOCAL_FB, LOCAL_FK } from './locals.js';

/**
 * Kinds of the lazy flags (sim/cpu/isa/text.ts) that may be in force, as a set of bits. With one bit the kind is known
 * and the local that holds it need not be right.
 */
export type FlagKinds = number;
export const KIND_SUB64: FlagKinds = 1 << SUB64;
export const KIND_SUB32: FlagKinds = 1 << SUB32;
export const KIND_LOGIC: FlagKinds = 1 << LOGIC;
export const KIND_PACKED: FlagKinds = 1 << PACKED;
export const KIND_ANY: FlagKinds = 15;

/** The kind that a set of one says, or undefined. */
export function onlyKind(kinds: FlagKinds): number | undefined {
  return (kinds & (kinds - 1)) === 0 ? 31 - Math.clz32(kinds) : undefined;
}

/** The kinds after an operation, or 0 if it leaves the flags alone. */
export function flagsSet(name: string): FlagKinds {
  const narrow = name.endsWith('32');
  if (name.startsWith('SUBS_')) return narrow ? KIND_SUB32 : KIND_SUB64;
  if (name.startsWith('ADDS_') || name.startsWith('CCMN')) return KIND_PACKED;
  if (name.startsWith('ANDS_') || name.startsWith('BICS_')) return KIND_LOGIC;
  if (name.startsWith('CCMP')) return KIND_PACKED | (narrow ? KIND_SUB32 : KIND_SUB64);
  return 0;
}

const ALWAYS = 7;

/** Leaves 1 on the stack if condition number `c` (Arm ARM C1.2.4) holds, else 0. */
export function emitCondition(code: Code, kinds: FlagKinds, c: number): void {
  const base = c >> 1;
  if (base === ALWAYS) {
    code.i32(1);
    return;
  }
  emitBase(code, kinds, base);
  if ((c & 1) !== 0) code.op(W.i32Eqz);
}

function emitBase(code: Code, kinds: FlagKinds, base: number): void {
  const known = onlyKind(kinds);
  if (known !== undefined) {
    one(code, known, base);
    return;
  }
  // kinds with the same text are one case
  const same = (base === 2 || base === 3 ? [1 << SUB64, 1 << SUB32, 1 << LOGIC] : groups(base)).filter(
    (set) => set & kinds,
  );
  const packed = (kinds & KIND_PACKED) !== 0;
  const cases = packed ? [KIND_PACKED, ...same] : same;
  cases.forEach((set, index) => {
    one(code, 31 - Math.clz32(set & kinds), base);
    if (index === 0) return;
    // what is on the stack so far holds for the kinds before
    let before = 0;
    for (const earlier of cases.slice(0, index)) before |= earlier;
    isIn(code, before & kinds);
    code.op(W.select);
  });
}

function groups(base: number): FlagKinds[] {
  // C and V of LOGIC are clear, so HS and HI differ
  return base === 1 || base === 4 ? [KIND_SUB64 | KIND_SUB32, KIND_LOGIC] : [KIND_SUB64 | KIND_SUB32 | KIND_LOGIC];
}

function isIn(code: Code, kinds: FlagKinds): void {
  code.i32(kinds).get(LOCAL_FK).op(W.i32ShrU).i32(1).op(W.i32And);
}

/** One bit of packed flags, as i32. */
function bit(code: Code, n: number): void {
  code.get(LOCAL_FA).op(W.i32WrapI64);
  if (n > 0) code.i32(n).op(W.i32ShrU);
  code.i32(1).op(W.i32And);
}

function overflow(code: Code): void {
  code.get(LOCAL_FA).get(LOCAL_FB).op(W.i64Xor).get(LOCAL_FA);
  code.get(LOCAL_FA).get(LOCAL_FB).op(W.i64Sub, W.i64Xor, W.i64And);
}

/** N == V of packed flags. */
function signsEqual(code: Code): void {
  bit(code, 3);
  bit(code, 0);
  code.op(W.i32Eq);
}

/** The uninverted condition for one kind. */
function one(code: Code, kind: number, base: number): void {
  const pair = (): Code => code.get(LOCAL_FA).get(LOCAL_FB);
  if (kind === PACKED) {
    if (base === 0) bit(code, 2);
    else if (base === 1) bit(code, 1);
    else if (base === 2) bit(code, 3);
    else if (base === 3) bit(code, 0);
    else if (base === 4) code.get(LOCAL_FA).op(W.i32WrapI64).i32(6).op(W.i32And).i32(2).op(W.i32Eq);
    else if (base === 5) signsEqual(code);
    else {
      signsEqual(code);
      bit(code, 2);
      code.op(W.i32Eqz, W.i32And);
    }
    return;
  }
  if (kind === LOGIC && (base === 1 || base === 3 || base === 4)) {
    code.i32(0);
    return;
  }
  switch (base) {
    case 0:
      pair().op(W.i64Eq);
      return;
    case 1:
      pair().op(W.i64GeU);
      return;
    case 2:
      pair().op(W.i64Sub);
      if (kind === SUB32) code.op(W.i32WrapI64).i32(0).op(W.i32LtS);
      else code.i64(0).op(W.i64LtS);
      return;
    case 3:
      overflow(code);
      if (kind === SUB32) code.op(W.i32WrapI64).i32(0).op(W.i32LtS);
      else code.i64(0).op(W.i64LtS);
      return;
    case 4:
      pair().op(W.i64GtU);
      return;
    case 5:
      pair().op(W.i64GeS);
      return;
    default:
      pair().op(W.i64GtS);
  }
}
