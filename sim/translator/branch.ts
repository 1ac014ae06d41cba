import { CONDITIONS } from '../cpu/isa/text.js';
import { W } from './code.js';
import { emitCondition } from './flags.js';
import type { RegionEmitter } from './region.js';
import type { Uop } from './uop.js';

const CONDITION_OF = new Map(CONDITIONS.map((name, c) => [`B${name}`, c]));

/** Pushes 1 if a conditional branch is taken. Operands: sim/cpu/isa/encodings-system.ts. */
export function emitBranchTest(region: RegionEmitter, uop: Uop, name: string): void {
  const { code } = region;
  const known = CONDITION_OF.get(name);
  if (known !== undefined) {
    emitCondition(code, region.kinds, known);
    return;
  }
  switch (name) {
    case 'BCOND_FAR':
      emitCondition(code, region.kinds, uop.high);
      return;
    case 'CBZ64':
    case 'CBNZ64':
      region.value(uop.rn);
      code.op(W.i64Eqz);
      if (name === 'CBNZ64') code.op(W.i32Eqz);
      return;
    case 'CBZ32':
      region.word(uop.rn);
      code.op(W.i32Eqz);
      return;
    case 'CBNZ32':
      region.word(uop.rn);
      return;
    case 'CB_FAR':
      // bits to shift out above the operand, then 1 for CBNZ
      if ((uop.high & 0xff) !== 0) {
        region.word(uop.rn);
        code.op(W.i32Eqz);
      } else {
        region.value(uop.rn);
        code.op(W.i64Eqz);
      }
      if (((uop.high >>> 8) & 0xff) === 1) code.op(W.i32Eqz);
      return;
    default: {
      // TBZ, TBNZ, TB_FAR: the bit is in the rm field
      const wantsOne = name === 'TBNZ' || (name === 'TB_FAR' && ((uop.high >>> 8) & 0xff) === 1);
      region.value(uop.rn);
      code.i64(uop.rm).op(W.i64ShrU, W.i32WrapI64).i32(1).op(W.i32And);
      if (!wantsOne) code.op(W.i32Eqz);
    }
  }
}
