/** Sequences that a random choice of instructions would not make. */
import { COUNTER, set } from './builder.js';
import type { Builder } from './builder.js';
import { CLASSES, classNamed } from './classes.js';
import type { Group } from './classes.js';
import { excluded } from './exclusions.js';
import { follower, GROUPS, instruction } from './instruction.js';
import { NOP } from './state.js';
import { bits, isBranchImmediate, isCompareBranch, isTestBranch } from './words.js';

const ALU = /^(ADD|AND|ADC|CSEL|MOVN|SBFM|EXTR|UDIV|LSLV|RBIT|MADD|SMADDL|SMULH)/;
const ALU_CLASSES = CLASSES.filter(({ name, group }) => group === 'integer' && ALU.test(name));
const EXCLUSIVE = classNamed('load/store exclusive, LDAR, STLR');

/** Load-exclusive, computation, store-exclusive of the same size and address; sometimes CLREX between. */
export function exclusivePair(b: Builder): void {
  const { random } = b;
  const pair = random.below(2);
  const size = pair ? random.between(2, 3) : random.below(4);
  const make = (load: number, address: number, status: number): number => {
    let insn = b.assignRegisters(EXCLUSIVE.value, EXCLUSIVE);
    for (const [name, value] of Object.entries({ size, ordered: 0, L: load, pair, o0: random.below(2), Rn: address })) {
      insn = set(insn, EXCLUSIVE, name, value);
    }
    if (!pair) insn = set(insn, EXCLUSIVE, 'Rt2', 31);
    return set(insn, EXCLUSIVE, 'Rs', load ? 31 : status);
  };
  const { register } = b.base();
  b.point(register, (pair + 1) << size, 0);
  let load = NOP;
  for (let tries = 0; tries < 40; tries += 1) {
    load = make(1, register, 31);
    if (!excluded(load) && (load & 31) !== register && (!pair || ((load >>> 10) & 31) !== register)) break;
    load = NOP;
  }
  b.words.push(load);
  const between = random.below(4);
  for (let i = 0; i < between; i += 1) {
    let insn = instruction(b, random.pick(ALU_CLASSES));
    if ((insn & 31) === register) insn = NOP;
    b.words.push(insn);
  }
  if (random.chance(20)) b.words.push(0xd5033f5f);
  for (let tries = 0; tries < 40; tries += 1) {
    const store = make(0, register, random.below(12));
    if (excluded(store)) continue;
    b.words.push(store);
    break;
  }
  b.monitorOpen = false;
}

/** A counted loop: the body, SUBS of the counter, a branch back. */
export function loop(b: Builder): void {
  const { random } = b;
  b.fix(COUNTER, random.between(1, 20));
  const start = b.words.length;
  const length = random.between(1, 5);
  for (let i = 0; i < length; i += 1) {
    const group = random.pick<Group>(['integer', 'simd', 'memory']);
    b.words.push(instruction(b, random.pick(GROUPS[group])));
  }
  // a branch of the body must not skip the decrement
  for (let i = start; i < b.words.length; i += 1) {
    const insn = b.words[i] as number;
    if (isBranchImmediate(insn) || isCompareBranch(insn) || isTestBranch(insn)) b.words[i] = NOP;
  }
  const form = random.below(3);
  b.words.push(form === 0 ? 0xf1000400 | (COUNTER << 5) | COUNTER : 0xd1000400 | (COUNTER << 5) | COUNTER);
  const back = start - b.words.length;
  if (form === 0) b.words.push(bits(0x54000001, 5, 19, back));
  else if (form === 1) b.words.push(bits(0xb5000000 + COUNTER, 5, 19, back));
  else b.words.push(bits(0x35000000 + COUNTER, 5, 19, back));
}

/** ADR and an indirect branch, or BL to a subroutine that returns. */
export function call(b: Builder): void {
  const { random } = b;
  if (random.chance(50)) {
    const target = random.pick([0, 3, 9, 30, 27]);
    const skip = random.below(3);
    b.words.push(bits(0x10000000 + target, 5, 19, 2 + skip)); // ADR: immhi counts words
    b.words.push(random.pick([0xd61f0000, 0xd63f0000, 0xd65f0000]) + target * 32);
    for (let i = 0; i < skip; i += 1) b.words.push(follower(b));
    return;
  }
  // bl 1f; b 2f; 1: body; ret; 2:
  const body = random.between(1, 3);
  b.words.push(0x94000002, 0x14000000 + body + 2);
  for (let i = 0; i < body; i += 1) b.words.push(instruction(b, random.pick(GROUPS.simd)));
  b.words.push(0xd65f03c0);
}
