import { PACKED, SUB32, SUB64 } from '../cpu/isa/text.js';
import { W } from './code.js';
import type { Code } from './code.js';
import type { Emit } from './emit.js';
import { emitCondition } from './flags.js';
import { emitHighProduct } from './product.js';
import { LOCAL_FA, LOCAL_FB, LOCAL_FK, LOCAL_T1, LOCAL_T2, LOCAL_VA } from './locals.js';
import type { RegionEmitter } from './region.js';
import { R_TRASH, register, type Uop } from './uop.js';

/** Leaves the second operand on the stack, 64 bits wide. */
type Operand = (region: RegionEmitter, uop: Uop) => void;

const table: Record<string, Emit> = {};

/** Both forms of an operation whose 32-bit form is the low word of the 64-bit one. */
function both(name: string, value: Emit, value32: Emit = value): void {
  table[`${name}64`] = (region, uop) => {
    value(region, uop);
    region.put(uop.rd);
  };
  table[`${name}32`] = (region, uop) => {
    value32(region, uop);
    region.putWord(uop.rd);
  };
}

function single(name: string, value: Emit): void {
  table[name] = (region, uop) => {
    value(region, uop);
    region.put(uop.rd);
  };
}

const immediate: Operand = ({ code }, uop) => void code.i64Words(uop.low, uop.high);
const plain: Operand = (region, uop) => region.value(uop.rm);
const shifted64: Operand = (region, { rm, low }) => {
  region.value(rm);
  const amount = low >>> 8;
  if (amount !== 0) region.code.i64(amount).op([W.i64Shl, W.i64ShrU, W.i64ShrS, W.i64Rotr][low & 3] as number);
};
const shifted32: Operand = (region, { rm, low }) => {
  region.word(rm);
  const amount = low >>> 8;
  if (amount !== 0) region.code.i32(amount).op([W.i32Shl, W.i32ShrU, W.i32ShrS, W.i32Rotr][low & 3] as number);
  region.code.op(W.i64ExtendI32U);
};
const extended: Operand = (region, { rm, low }) => {
  region.value(rm);
  extendTop(region.code, low & 7);
  if (low >>> 8 !== 0) region.code.i64(low >>> 8).op(W.i64Shl);
};

/** ExtendReg without its shift, of what is on the stack. */
export function extendTop(code: Code, option: number): void {
  if (option === 0) code.i64(0xff).op(W.i64And);
  else if (option === 1) code.i64(0xffff).op(W.i64And);
  else if (option === 2) code.op(W.i32WrapI64, W.i64ExtendI32U);
  else if (option === 4) code.op(W.i64Extend8S);
  else if (option === 5) code.op(W.i64Extend16S);
  else if (option === 6) code.op(W.i64Extend32S);
}

/** RN op operand. */
function binary(name: string, opcode: number, operand64: Operand, operand32 = operand64, invert = false): void {
  const value =
    (operand: Operand): Emit =>
    (region, uop) => {
      region.value(uop.rn);
      operand(region, uop);
      if (invert) region.code.i64(-1).op(W.i64Xor);
      region.code.op(opcode);
    };
  both(name, value(operand64), value(operand32));
}

/** The lazy flags of a comparison; the local of the kind is set where several kinds meet. */
function subFlags(region: RegionEmitter, uop: Uop, operand: Operand, narrow: boolean): void {
  const { code } = region;
  region.value(uop.rn);
  if (narrow) code.op(W.i64Extend32S);
  // the operand may not see fa, which is no register
  code.set(LOCAL_FA);
  operand(region, uop);
  if (narrow) code.op(W.i64Extend32S);
  code.set(LOCAL_FB);
}

function subs(suffix: string, operand64: Operand, operand32 = operand64): void {
  const form =
    (narrow: boolean, operand: Operand): Emit =>
    (region, uop) => {
      subFlags(region, uop, operand, narrow);
      if (register(uop.rd) === R_TRASH) return;
      region.code.get(LOCAL_FA).get(LOCAL_FB).op(W.i64Sub);
      if (narrow) region.putWord(uop.rd);
      else region.put(uop.rd);
    };
  table[`SUBS${suffix}64`] = form(false, operand64);
  table[`SUBS${suffix}32`] = form(true, operand32);
}

/** Packed flags of T1 + T2 into fa; leaves the sum in VA. */
function addFlags(code: Code, narrow: boolean): void {
  if (narrow) {
    code.get(LOCAL_T1).op(W.i32WrapI64, W.i64ExtendI32U).set(LOCAL_T1);
    code.get(LOCAL_T2).op(W.i32WrapI64, W.i64ExtendI32U).set(LOCAL_T2);
  }
  const top = narrow ? 31 : 63;
  code.get(LOCAL_T1).get(LOCAL_T2).op(W.i64Add).set(LOCAL_VA);
  // N, Z
  code.get(LOCAL_VA).i64(top).op(W.i64ShrU).i64(1).op(W.i64And).i64(3).op(W.i64Shl);
  code.get(LOCAL_VA);
  if (narrow) code.op(W.i32WrapI64, W.i32Eqz);
  else code.op(W.i64Eqz);
  code.op(W.i64ExtendI32U).i64(2).op(W.i64Shl, W.i64Or);
  // C
  if (narrow) code.get(LOCAL_VA).i64(32).op(W.i64ShrU);
  else code.get(LOCAL_VA).get(LOCAL_T1).op(W.i64LtU, W.i64ExtendI32U);
  code.i64(1).op(W.i64Shl, W.i64Or);
  // V
  code.get(LOCAL_T1).get(LOCAL_VA).op(W.i64Xor).get(LOCAL_T2).get(LOCAL_VA).op(W.i64Xor, W.i64And);
  code.i64(top).op(W.i64ShrU).i64(1).op(W.i64And, W.i64Or).set(LOCAL_FA).i64(0).set(LOCAL_FB);
}

function adds(suffix: string, operand64: Operand, operand32 = operand64): void {
  const form =
    (narrow: boolean, operand: Operand): Emit =>
    (region, uop) => {
      region.value(uop.rn);
      region.code.set(LOCAL_T1);
      operand(region, uop);
      region.code.set(LOCAL_T2);
      addFlags(region.code, narrow);
      if (register(uop.rd) === R_TRASH) return;
      region.code.get(LOCAL_VA);
      if (narrow) region.putWord(uop.rd);
      else region.put(uop.rd);
    };
  table[`ADDS${suffix}64`] = form(false, operand64);
  table[`ADDS${suffix}32`] = form(true, operand32);
}

function logicFlags(name: string, operand64: Operand, operand32: Operand, invert: boolean): void {
  const form =
    (narrow: boolean, operand: Operand): Emit =>
    (region, uop) => {
      const { code } = region;
      region.value(uop.rn);
      operand(region, uop);
      if (invert) code.i64(-1).op(W.i64Xor);
      code.op(W.i64And);
      if (narrow) code.op(W.i64Extend32S);
      code.set(LOCAL_FA).i64(0).set(LOCAL_FB);
      if (register(uop.rd) === R_TRASH) return;
      code.get(LOCAL_FA);
      if (narrow) region.putWord(uop.rd);
      else region.put(uop.rd);
    };
  table[`${name}64`] = form(false, operand64);
  table[`${name}32`] = form(true, operand32);
}

single('MOVI', immediate);
single('ADR', (region, { low, high, at }) => region.address((high | 0) * 2 ** 32 + low + Math.floor(at / 4096) * 4096));
both('MOVK', (region, { rd, rm, low, high }) => {
  region.value(rd);
  const shift = rm & 63;
  const mask = shift < 32 ? [~(0xffff << shift), -1] : [-1, ~(0xffff << (shift - 32))];
  region.code.i64Words(mask[0] as number, mask[1] as number).op(W.i64And);
  region.code.i64Words(low, high).op(W.i64Or);
});
binary('ADD_IMM', W.i64Add, immediate);
subs('_IMM', immediate);
adds('_IMM', immediate);
single('AND_IMM', (region, uop) => {
  region.value(uop.rn);
  immediate(region, uop);
  region.code.op(W.i64And);
});
binary('ORR_IMM', W.i64Or, immediate);
binary('EOR_IMM', W.i64Xor, immediate);
logicFlags('ANDS_IMM', immediate, immediate, false);
for (const [suffix, operand64, operand32] of [
  ['_REG', plain, plain],
  ['_SHIFT', shifted64, shifted32],
  ['_EXT', extended, extended],
] as const) {
  binary(`ADD${suffix}`, W.i64Add, operand64, operand32);
  binary(`SUB${suffix}`, W.i64Sub, operand64, operand32);
  adds(suffix, operand64, operand32);
  subs(suffix, operand64, operand32);
}
both('MOV_REG', plain);
binary('AND_REG', W.i64And, plain);
binary('ORR_REG', W.i64Or, plain);
binary('EOR_REG', W.i64Xor, plain);
binary('BIC_REG', W.i64And, plain, plain, true);
logicFlags('ANDS_REG', plain, plain, false);
for (const [name, opcode] of [
  ['AND', W.i64And],
  ['ORR', W.i64Or],
  ['EOR', W.i64Xor],
] as const) {
  binary(`${name}_SHIFT`, opcode, shifted64, shifted32);
}
binary('BIC_SHIFT', W.i64And, shifted64, shifted32, true);
binary('ORN_SHIFT', W.i64Or, shifted64, shifted32, true);
binary('EON_SHIFT', W.i64Xor, shifted64, shifted32, true);
logicFlags('ANDS_SHIFT', shifted64, shifted32, false);
logicFlags('BICS_SHIFT', shifted64, shifted32, true);

// ---- conditional ----
function conditional(name: string, other: (code: Code) => void): void {
  both(name, (region, { rn, rm, low }) => {
    region.value(rn);
    region.value(rm);
    other(region.code);
    emitCondition(region.code, region.kinds, low & 15);
    region.code.op(W.select);
  });
}
conditional('CSEL', () => {});
conditional('CSINC', (code) => code.i64(1).op(W.i64Add));
conditional('CSINV', (code) => code.i64(-1).op(W.i64Xor));
conditional('CSNEG', (code) => code.i64(-1).op(W.i64Xor).i64(1).op(W.i64Add));

const comparand: Operand = (region, { rm, low }) => {
  if (low >>> 24 !== 0) region.code.i64((low >>> 16) & 31);
  else region.value(rm);
};
for (const narrow of [false, true]) {
  const compare =
    (add: boolean): Emit =>
    (region, uop) => {
      const { code } = region;
      emitCondition(code, region.kinds, uop.low & 15);
      region.flow.openIf();
      if (add) {
        region.value(uop.rn);
        code.set(LOCAL_T1);
        comparand(region, uop);
        code.set(LOCAL_T2);
        addFlags(code, narrow);
      } else {
        subFlags(region, uop, comparand, narrow);
        code.i32(narrow ? SUB32 : SUB64).set(LOCAL_FK);
      }
      code.op(W.else);
      code
        .i64((uop.low >>> 8) & 15)
        .set(LOCAL_FA)
        .i64(0)
        .set(LOCAL_FB);
      if (!add) code.i32(PACKED).set(LOCAL_FK);
      region.flow.close();
    };
  table[`CCMP${narrow ? 32 : 64}`] = compare(false);
  table[`CCMN${narrow ? 32 : 64}`] = compare(true);
}
/** ADC, SBC: without the flags. */
function carry(region: RegionEmitter, { rn, rm, low }: Uop): void {
  region.value(rn);
  region.value(rm);
  if ((low & 1) !== 0) region.code.i64(-1).op(W.i64Xor);
  region.code.op(W.i64Add);
  emitCondition(region.code, region.kinds, 2);
  region.code.op(W.i64ExtendI32U, W.i64Add);
}
both('ADC', carry);

// ---- bitfields ----
const rotated: Operand = (region, { rn, rm, low, high }) => {
  region.value(rn);
  if ((rm & 63) !== 0) region.code.i64(rm & 63).op(W.i64Rotr);
  region.code.i64Words(low, high).op(W.i64And);
};
single('UBFM', rotated);
both('SBFM', (region, { rn, rm }) => {
  region.value(rn);
  const [left, right] = [rm & 0xff, rm >>> 8];
  if (left !== 0) region.code.i64(left).op(W.i64Shl);
  if (right !== 0) region.code.i64(right).op(W.i64ShrS);
});
both('BFM', (region, uop) => {
  region.value(uop.rd);
  region.code.i64Words(~uop.low, ~uop.high).op(W.i64And);
  rotated(region, uop);
  region.code.op(W.i64Or);
});
both(
  'EXTR',
  (region, { rn, rm, low }) => {
    region.value(rm);
    if ((low & 63) === 0) return;
    region.code.i64(low & 63).op(W.i64ShrU);
    region.value(rn);
    region.code.i64(64 - (low & 63)).op(W.i64Shl, W.i64Or);
  },
  (region, { rn, rm, low }) => {
    region.value(rn);
    region.code.i64(32).op(W.i64Shl);
    region.word(rm);
    region.code
      .op(W.i64ExtendI32U, W.i64Or)
      .i64(low & 31)
      .op(W.i64ShrU);
  },
);

// ---- two, one and three sources ----
for (const [name, wide, narrow] of [
  ['LSLV', W.i64Shl, W.i32Shl],
  ['LSRV', W.i64ShrU, W.i32ShrU],
  ['ASRV', W.i64ShrS, W.i32ShrS],
  ['RORV', W.i64Rotr, W.i32Rotr],
] as const) {
  both(
    name,
    (region, { rn, rm }) => {
      region.value(rn);
      region.value(rm);
      region.code.op(wide);
    },
    (region, { rn, rm }) => {
      region.word(rn);
      region.word(rm);
      region.code.op(narrow, W.i64ExtendI32U);
    },
  );
}
/** n / m in T1 and T2, already extended; division by zero gives zero, the overflow of -1 the negated dividend. */
function divide(code: Code, signed: boolean): void {
  // the divisor is made 1 where WebAssembly would trap, and the result chosen afterwards
  const bad = (): Code =>
    signed ? code.get(LOCAL_T2).i64(1).op(W.i64Add).i64(2).op(W.i64LtU) : code.get(LOCAL_T2).op(W.i64Eqz);
  if (signed) {
    code.i64(0).get(LOCAL_T1).op(W.i64Sub).i64(0).get(LOCAL_T2).i64(0).op(W.i64LtS, W.select);
  } else code.i64(0);
  code.get(LOCAL_T1).i64(1).get(LOCAL_T2);
  bad();
  code.op(W.select, signed ? W.i64DivS : W.i64DivU);
  bad();
  code.op(W.select);
}
for (const signed of [false, true]) {
  const operand = (region: RegionEmitter, slot: number, narrow: boolean): void => {
    region.value(slot);
    if (narrow) region.code.op(...(signed ? [W.i64Extend32S] : [W.i32WrapI64, W.i64ExtendI32U]));
  };
  const form =
    (narrow: boolean): Emit =>
    (region, { rn, rm }) => {
      operand(region, rn, narrow);
      region.code.set(LOCAL_T1);
      operand(region, rm, narrow);
      region.code.set(LOCAL_T2);
      divide(region.code, signed);
    };
  both(signed ? 'SDIV' : 'UDIV', form(false), form(true));
}
both(
  'CLZ',
  (region, { rn }) => {
    region.value(rn);
    region.code.op(W.i64Clz);
  },
  (region, { rn }) => {
    region.word(rn);
    region.code.op(W.i32Clz, W.i64ExtendI32U);
  },
);
/** Swaps neighbours of `width` bits: what is on the stack, by way of T1. */
function swap(code: Code, width: number, low: number, high: number): void {
  code.tee(LOCAL_T1).i64(width).op(W.i64ShrU).i64Words(low, high).op(W.i64And);
  code.get(LOCAL_T1).i64Words(low, high).op(W.i64And).i64(width).op(W.i64Shl, W.i64Or);
}
function reverseBytes(code: Code): void {
  swap(code, 8, 0x00ff00ff, 0x00ff00ff);
  swap(code, 16, 0x0000ffff, 0x0000ffff);
  code.i64(32).op(W.i64Rotl);
}
function reverseBits(code: Code): void {
  swap(code, 1, 0x55555555, 0x55555555);
  swap(code, 2, 0x33333333, 0x33333333);
  swap(code, 4, 0x0f0f0f0f, 0x0f0f0f0f);
  reverseBytes(code);
}
function unary(work: (code: Code) => void, narrowShift = false): Emit {
  return (region, { rn }) => {
    region.value(rn);
    work(region.code);
    if (narrowShift) region.code.i64(32).op(W.i64ShrU);
  };
}
both('RBIT', unary(reverseBits), unary(reverseBits, true));
both('REV', unary(reverseBytes), unary(reverseBytes, true));
both(
  'REV_HALVES',
  unary((code) => swap(code, 8, 0x00ff00ff, 0x00ff00ff)),
);
single(
  'REV_WORDS',
  unary((code) => {
    swap(code, 8, 0x00ff00ff, 0x00ff00ff);
    swap(code, 16, 0x0000ffff, 0x0000ffff);
  }),
);
/** Ra + or - the product of what `factor` makes of Rn and Rm. */
function multiply(opcode: number, factor: (code: Code) => void): Emit {
  return (region, { rn, rm, low }) => {
    region.value(low & 0xffff);
    region.value(rn);
    factor(region.code);
    region.value(rm);
    factor(region.code);
    region.code.op(W.i64Mul, opcode);
  };
}
const signedWord = (code: Code): void => void code.op(W.i64Extend32S);
const unsignedWord = (code: Code): void => void code.op(W.i32WrapI64, W.i64ExtendI32U);
both(
  'MADD',
  multiply(W.i64Add, () => {}),
);
both(
  'MSUB',
  multiply(W.i64Sub, () => {}),
);
single('SMADDL', multiply(W.i64Add, signedWord));
single('SMSUBL', multiply(W.i64Sub, signedWord));
single('UMADDL', multiply(W.i64Add, unsignedWord));
single('UMSUBL', multiply(W.i64Sub, unsignedWord));
for (const signed of [false, true]) {
  single(signed ? 'SMULH' : 'UMULH', (region, { rn, rm }) => {
    region.value(rn);
    region.code.set(LOCAL_T1);
    region.value(rm);
    region.code.set(LOCAL_T2);
    emitHighProduct(region.code, signed);
  });
}

/** Integer data processing, by the operation's name. */
export const integerEmitters: Readonly<Record<string, Emit>> = table;
