/**
 * Branches. A page-local branch holds the distance in bytes of micro-ops; a far one the distance in bytes of code.
 * A taken backward branch is a check point; so is every indirect branch.
 */
import { leavingOp } from './op.js';
import type { Op } from './op.js';
import { condition, CONDITIONS, dynamicCondition, PC, RN } from './text.js';

const ops: Op[] = [];

// The instruction counter is ic + (ip >> 4): a taken branch corrects ic by the distance it skips.
const BACKWARD = `const t = load<i32>(ip, 8);
  if (t <= 0) {
    if (cy >= load<u64>(core, CORE_EFF_LIMIT)) { dest = ${PC} + <u64><i64>(t >> 2); due = true; break; }`;
// Loop heads and functions called may be worth translating: every so many of these branches is counted.
const SAMPLE = 'if (--tick == 0) tick = sample(ip + t, ppc);';
const GO = `ic -= <u64><i64>((t - 16) >> 4); ip += t; continue;`;
const TAKE = `${BACKWARD} ${SAMPLE} } ${GO}`;
const CALL = `${BACKWARD} } ${SAMPLE} ${GO}`;
const TAKE_FAR = `const t = <i64>load<i32>(ip, 8); dest = ${PC} + <u64>t; due = t <= 0; break;`;
const LINK = `store<u64>(HOT_X + 240, ${PC} + 4);`;

function conditional(name: string, test: string): void {
  ops.push(leavingOp(name, 'branch', `if (${test}) { ${TAKE} } ip += 16; continue;`));
}

function conditionalFar(name: string, test: string): void {
  ops.push(leavingOp(name, 'branch', `if (${test}) { ${TAKE_FAR} } ip += 16; continue;`));
}

ops.push(leavingOp('B', 'branch', TAKE), leavingOp('BL', 'branch', LINK + CALL));
ops.push(leavingOp('B_FAR', 'branch', TAKE_FAR), leavingOp('BL_FAR', 'branch', LINK + TAKE_FAR));
CONDITIONS.forEach((name, c) => conditional(`B${name}`, condition(c)));
conditionalFar('BCOND_FAR', dynamicCondition('load<u32>(ip, 12)'));
conditional('CBZ64', `${RN} == 0`);
conditional('CBZ32', `<u32>${RN} == 0`);
conditional('CBNZ64', `${RN} != 0`);
conditional('CBNZ32', `<u32>${RN} != 0`);
// byte 12: bits to shift out above the operand; byte 13: 1 for CBNZ
conditionalFar('CB_FAR', `<u32>((${RN} << <u64>load<u8>(ip, 12)) != 0) == <u32>load<u8>(ip, 13)`);
conditional('TBZ', `!(<u32>(${RN} >>> <u64>load<u16>(ip, 6)) & 1)`);
conditional('TBNZ', `<u32>(${RN} >>> <u64>load<u16>(ip, 6)) & 1`);
conditionalFar('TB_FAR', `(<u32>(${RN} >>> <u64>load<u16>(ip, 6)) & 1) == <u32>load<u8>(ip, 13)`);
ops.push(leavingOp('BR', 'branchIndirect', `dest = ${RN}; due = true; break;`));
ops.push(leavingOp('BLR', 'branchIndirect', `dest = ${RN}; ${LINK} due = true; break;`));

/** The branches. RET is BR: the model has no return predictor. */
export const BRANCH_OPS: readonly Op[] = ops;
