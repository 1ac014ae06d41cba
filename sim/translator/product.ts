import { W } from './code.js';
import type { Code } from './code.js';
import { LOCAL_T1, LOCAL_T2, LOCAL_TARGET, LOCAL_VA } from './locals.js';

const MASK = [-1, 0] as const;

/** Leaves bits 127:64 of T1 * T2 on the stack, by four products of words. VA and the target's local are overwritten. */
export function emitHighProduct(code: Code, signed: boolean): void {
  const low = (local: number): Code =>
    code
      .get(local)
      .i64Words(...MASK)
      .op(W.i64And);
  const high = (local: number): Code => code.get(local).i64(32).op(W.i64ShrU);
  // VA = aHigh * bLow + (aLow * bLow >> 32)
  high(LOCAL_T1);
  low(LOCAL_T2);
  code.op(W.i64Mul);
  low(LOCAL_T1);
  low(LOCAL_T2);
  code.op(W.i64Mul).i64(32).op(W.i64ShrU, W.i64Add).set(LOCAL_VA);
  // TARGET = aLow * bHigh + low(VA)
  low(LOCAL_T1);
  high(LOCAL_T2);
  code.op(W.i64Mul);
  low(LOCAL_VA);
  code.op(W.i64Add).set(LOCAL_TARGET);
  high(LOCAL_T1);
  high(LOCAL_T2);
  code.op(W.i64Mul);
  high(LOCAL_VA);
  code.op(W.i64Add);
  high(LOCAL_TARGET);
  code.op(W.i64Add);
  if (!signed) return;
  // the sign of one factor takes the other away
  code.get(LOCAL_T1).i64(63).op(W.i64ShrS).get(LOCAL_T2).op(W.i64And, W.i64Sub);
  code.get(LOCAL_T2).i64(63).op(W.i64ShrS).get(LOCAL_T1).op(W.i64And, W.i64Sub);
}
