/** Integer data processing. Ops named ...64 are followed by their ...32 form: the decoder adds !sf. */
import { op } from './op.js';
import type { Op } from './op.js';
import type { CostClass } from './costs.js';
import { dynamicCondition, flags, IMM, LOGIC, PACKED, RA, RD, RM, RM_FIELD, RN, set, setW, signed } from './text.js';
import { SUB32, SUB64 } from './text.js';

const ops: Op[] = [];

/** Adds the 64-bit and the 32-bit form of a plain value. */
function both(name: string, cost: CostClass, value64: string, value32 = value64): void {
  ops.push(op(`${name}64`, cost, set(value64)), op(`${name}32`, cost, setW(value32)));
}

/** Adds both forms given as bodies. */
function bodies(name: string, cost: CostClass, body64: string, body32: string): void {
  ops.push(op(`${name}64`, cost, body64), op(`${name}32`, cost, body32));
}

/** Adds ADD, SUB, ADDS, SUBS of RN and operand `m`. */
function addSub(suffix: string, cost: CostClass, m64: string, m32: string): void {
  both(`ADD${suffix}`, cost, `${RN} + ${m64}`, `${RN} + ${m32}`);
  both(`SUB${suffix}`, cost, `${RN} - ${m64}`, `${RN} - ${m32}`);
  addSubFlags(suffix, cost, m64, m32);
}

function addSubFlags(suffix: string, cost: CostClass, m64: string, m32: string): void {
  bodies(
    `ADDS${suffix}`,
    cost,
    `const a = ${RN}; const b: u64 = ${m64}; ${flags(PACKED, 'addFlags64(a, b)')} ${set('a + b')}`,
    `const a = ${RN}; const b: u64 = ${m32}; ${flags(PACKED, 'addFlags32(a, b)')} ${setW('a + b')}`,
  );
  bodies(
    `SUBS${suffix}`,
    cost,
    `const a = ${RN}; const b: u64 = ${m64}; ${flags(SUB64, 'a', 'b')} ${set('a - b')}`,
    `const a = ${RN}; const b: u64 = ${m32}; ${flags(SUB32, signed('a'), signed('b'))} ${setW('a - b')}`,
  );
}

/** Adds a logical operation that sets N and Z. */
function logicFlags(name: string, cost: CostClass, value64: string, value32: string): void {
  bodies(
    name,
    cost,
    `const a: u64 = ${value64}; ${flags(LOGIC, 'a')} ${set('a')}`,
    `const a: u64 = (${value32}) & 0xffffffff; ${flags(LOGIC, signed('a'))} ${set('a')}`,
  );
}

// ---- immediates ----
ops.push(op('MOVI', 'alu', set(IMM)));
ops.push(op('ADR', 'alu', set(`ppc + ${IMM}`)));
both('MOVK', 'alu', `(${RD} & ~((<u64>0xffff) << <u64>${RM_FIELD})) | ${IMM}`);
both('ADD_IMM', 'alu', `${RN} + ${IMM}`);
addSubFlags('_IMM', 'alu', IMM, IMM);
ops.push(op('AND_IMM', 'alu', set(`${RN} & ${IMM}`)));
both('ORR_IMM', 'alu', `${RN} | ${IMM}`);
both('EOR_IMM', 'alu', `${RN} ^ ${IMM}`);
logicFlags('ANDS_IMM', 'alu', `${RN} & ${IMM}`, `${RN} & ${IMM}`);

// ---- registers: plain, shifted, extended ----
const SHIFTED64 = `shift64(${RM}, load<u32>(ip, 8))`;
const SHIFTED32 = `shift32(${RM}, load<u32>(ip, 8))`;
const EXTENDED = `extend(${RM}, load<u32>(ip, 8))`;
addSub('_REG', 'alu', RM, RM);
addSub('_SHIFT', 'shift', SHIFTED64, SHIFTED32);
addSub('_EXT', 'shift', EXTENDED, EXTENDED);
both('MOV_REG', 'alu', RM);
both('AND_REG', 'alu', `${RN} & ${RM}`);
both('ORR_REG', 'alu', `${RN} | ${RM}`);
both('EOR_REG', 'alu', `${RN} ^ ${RM}`);
both('BIC_REG', 'alu', `${RN} & ~${RM}`);
logicFlags('ANDS_REG', 'alu', `${RN} & ${RM}`, `${RN} & ${RM}`);
both('AND_SHIFT', 'shift', `${RN} & ${SHIFTED64}`, `${RN} & ${SHIFTED32}`);
both('ORR_SHIFT', 'shift', `${RN} | ${SHIFTED64}`, `${RN} | ${SHIFTED32}`);
both('EOR_SHIFT', 'shift', `${RN} ^ ${SHIFTED64}`, `${RN} ^ ${SHIFTED32}`);
both('BIC_SHIFT', 'shift', `${RN} & ~${SHIFTED64}`, `${RN} & ~${SHIFTED32}`);
both('ORN_SHIFT', 'shift', `${RN} | ~${SHIFTED64}`, `${RN} | ~${SHIFTED32}`);
both('EON_SHIFT', 'shift', `${RN} ^ ~${SHIFTED64}`, `${RN} ^ ~${SHIFTED32}`);
logicFlags('ANDS_SHIFT', 'shift', `${RN} & ${SHIFTED64}`, `${RN} & ${SHIFTED32}`);
logicFlags('BICS_SHIFT', 'shift', `${RN} & ~${SHIFTED64}`, `${RN} & ~${SHIFTED32}`);

// ADC, SBC and their S forms: immediate bit 0 = subtract, bit 1 = set flags.
for (const [size, write] of [
  ['64', set],
  ['32', setW],
] as const) {
  ops.push(
    op(
      `ADC${size}`,
      'alu',
      `const k = load<u32>(ip, 8); const a = ${RN}; const b: u64 = k & 1 ? ~${RM} : ${RM};
      const c: u64 = <u64>${dynamicCondition('2')};
      if (k & 2) { ${flags(PACKED, `carryFlags${size}(a, b, c)`)} } ${write('a + b + c')}`,
    ),
  );
}

// ---- conditional ----
const COND = dynamicCondition('load<u32>(ip, 8)');
both('CSEL', 'alu', `${COND} ? ${RN} : ${RM}`);
both('CSINC', 'alu', `${COND} ? ${RN} : ${RM} + 1`);
both('CSINV', 'alu', `${COND} ? ${RN} : ~${RM}`);
both('CSNEG', 'alu', `${COND} ? ${RN} : 0 - ${RM}`);
// Immediate: byte 0 = condition, byte 1 = NZCV if it fails, byte 2 = imm5, byte 3 = 1 if the operand is imm5.
const CCMP_B = `load<u8>(ip, 11) ? <u64>load<u8>(ip, 10) : ${RM}`;
const CCMP_IF = `if (${dynamicCondition('<u32>load<u8>(ip, 8)')})`;
const CCMP_ELSE = `else { ${flags(PACKED, '<u64>load<u8>(ip, 9)')} }`;
bodies(
  'CCMP',
  'alu',
  `${CCMP_IF} { const a = ${RN}; const b: u64 = ${CCMP_B}; ${flags(SUB64, 'a', 'b')} } ${CCMP_ELSE}`,
  `${CCMP_IF} { const a = ${RN}; const b: u64 = ${CCMP_B}; ${flags(SUB32, signed('a'), signed('b'))} } ${CCMP_ELSE}`,
);
bodies(
  'CCMN',
  'alu',
  `${CCMP_IF} { const a = ${RN}; const b: u64 = ${CCMP_B}; ${flags(PACKED, 'addFlags64(a, b)')} } ${CCMP_ELSE}`,
  `${CCMP_IF} { const a = ${RN}; const b: u64 = ${CCMP_B}; ${flags(PACKED, 'addFlags32(a, b)')} } ${CCMP_ELSE}`,
);

// ---- bitfields: rm field = rotate right by, immediate = mask of the destination bits ----
ops.push(op('UBFM', 'shift', set(`rotr<u64>(${RN}, <u64>${RM_FIELD}) & ${IMM}`)));
const SBFM = `<u64>(<i64>(${RN} << <u64>load<u8>(ip, 6)) >> <i64>load<u8>(ip, 7))`;
both('SBFM', 'shift', SBFM);
both('BFM', 'shift', `(${RD} & ~${IMM}) | (rotr<u64>(${RN}, <u64>${RM_FIELD}) & ${IMM})`);
both('EXTR', 'shift', `extract64(${RN}, ${RM}, ${IMM})`, `extract32(${RN}, ${RM}, ${IMM})`);

// ---- two, one and three sources ----
both('LSLV', 'shift', `${RN} << (${RM} & 63)`, `<u64>(<u32>${RN} << (<u32>${RM} & 31))`);
both('LSRV', 'shift', `${RN} >>> (${RM} & 63)`, `<u64>(<u32>${RN} >>> (<u32>${RM} & 31))`);
both('ASRV', 'shift', `<u64>(<i64>${RN} >> <i64>(${RM} & 63))`, `<u64>(<i32>${RN} >> <i32>(<u32>${RM} & 31))`);
both('RORV', 'shift', `rotr<u64>(${RN}, ${RM} & 63)`, `<u64>rotr<u32>(<u32>${RN}, <u32>${RM} & 31)`);
both('UDIV', 'div', `unsignedDivide64(${RN}, ${RM})`, `<u64>unsignedDivide32(<u32>${RN}, <u32>${RM})`);
both('SDIV', 'div', `signedDivide64(${RN}, ${RM})`, `<u64>signedDivide32(<u32>${RN}, <u32>${RM})`);
ops.push(op('CRC32', 'mul', set(`<u64>crc32(<u32>${RN}, ${RM}, load<u32>(ip, 8))`)));
both('CLZ', 'alu', `clz<u64>(${RN})`, `<u64>clz<u32>(<u32>${RN})`);
both('CLS', 'alu', `countSign64(${RN})`, `<u64>countSign32(<u32>${RN})`);
both('RBIT', 'alu', `reverseBits64(${RN})`, `reverseBits64(${RN}) >>> 32`);
both('REV', 'alu', `bswap<u64>(${RN})`, `<u64>bswap<u32>(<u32>${RN})`);
const REV_HALVES = `((${RN} & 0x00ff00ff00ff00ff) << 8) | ((${RN} >>> 8) & 0x00ff00ff00ff00ff)`;
both('REV_HALVES', 'alu', REV_HALVES);
ops.push(op('REV_WORDS', 'alu', set(`rotr<u64>(bswap<u64>(${RN}), 32)`)));
ops.push(op('MADD64', 'mul64', set(`${RA} + ${RN} * ${RM}`)), op('MADD32', 'mul', setW(`${RA} + ${RN} * ${RM}`)));
ops.push(op('MSUB64', 'mul64', set(`${RA} - ${RN} * ${RM}`)), op('MSUB32', 'mul', setW(`${RA} - ${RN} * ${RM}`)));
const SIGNED_PRODUCT = `<u64>(<i64><i32>${RN} * <i64><i32>${RM})`;
const UNSIGNED_PRODUCT = `<u64><u32>${RN} * <u64><u32>${RM}`;
ops.push(op('SMADDL', 'mul', set(`${RA} + ${SIGNED_PRODUCT}`)), op('SMSUBL', 'mul', set(`${RA} - ${SIGNED_PRODUCT}`)));
ops.push(op('UMADDL', 'mul', set(`${RA} + ${UNSIGNED_PRODUCT}`)));
ops.push(op('UMSUBL', 'mul', set(`${RA} - ${UNSIGNED_PRODUCT}`)));
ops.push(op('SMULH', 'mul64', set(`signedMultiplyHigh(${RN}, ${RM})`)));
ops.push(op('UMULH', 'mul64', set(`unsignedMultiplyHigh(${RN}, ${RM})`)));

/** The integer operations. */
export const INTEGER_OPS: readonly Op[] = ops;
