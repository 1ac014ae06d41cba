/** Makes cases: a state and one to about twenty instructions, from a seed. */
import { packEncoding, SYSREGS } from '../../../sim/cpu/isa/sysregs.js';
import { Builder, COUNTER, get, set, signed } from './builder.js';
import { anyOf, CLASSES, classNamed } from './classes.js';
import type { Group, InstructionClass } from './classes.js';
import { excluded } from './exclusions.js';
import type { Random } from './random.js';
import { NOP, setNumber, slotAddress, STATE_PC, STATE_V, STATE_X, viewOf } from './state.js';
import type { Case } from './state.js';
import { fillInteger, fillVector, randomControl, randomState } from './values.js';

/** Classes that are no encodings: what they contain is in `undefinedWord` and the sequences below. */
export const RANDOM_WORDS = 'random words';
export const NEAR_MISSES = 'one bit from an encoding';
export const EXCLUSIVE_PAIRS = 'exclusive pairs';
export const LOOPS = 'loops';
export const CALLS = 'calls and returns';
const SPECIAL = [RANDOM_WORDS, NEAR_MISSES, EXCLUSIVE_PAIRS, LOOPS, CALLS];

/** Names of all classes. */
export const CLASS_NAMES: readonly string[] = [...CLASSES.map(({ name }) => name), ...SPECIAL];

const WEIGHTS: Readonly<Record<string, number>> = {
  [RANDOM_WORDS]: 24,
  [NEAR_MISSES]: 24,
  [EXCLUSIVE_PAIRS]: 6,
  [LOOPS]: 12,
  [CALLS]: 3,
};
const GROUP_WEIGHTS: Readonly<Record<Group, number>> = { integer: 3, system: 1, memory: 6, simd: 1, undefined: 1 };

/** The order in which cases go round these classes: each at least once, those with more inside more often. */
export function roundOf(names: readonly string[]): string[] {
  const left = new Map(names.map((name) => [name, weightOf(name)]));
  const round: string[] = [];
  while (left.size > 0) {
    for (const [name, count] of left) {
      round.push(name);
      if (count === 1) left.delete(name);
      else left.set(name, count - 1);
    }
  }
  return round;
}

function weightOf(name: string): number {
  const group = CLASSES.find((one) => one.name === name)?.group;
  return group ? GROUP_WEIGHTS[group] : (WEIGHTS[name] ?? 1);
}

const GROUPS: Readonly<Record<Group, readonly InstructionClass[]>> = {
  integer: CLASSES.filter(({ group }) => group === 'integer'),
  // without those that always end a sequence at EL0
  system: CLASSES.filter(({ name, group }) => group === 'system' && !/^(ERET|HVC|SMC|BRK|BR|BLR|RET)$/.test(name)),
  memory: CLASSES.filter(({ group }) => group === 'memory'),
  simd: CLASSES.filter(({ group }) => group === 'simd'),
  undefined: [],
};
const FOLLOWERS: readonly Group[] = [
  ...Array<Group>(40).fill('integer'),
  ...Array<Group>(24).fill('simd'),
  ...Array<Group>(28).fill('memory'),
  ...Array<Group>(8).fill('system'),
];

/** Group by which the report sums up a class. */
export function groupOf(name: string): string {
  if (SPECIAL.includes(name)) return name;
  return CLASSES.find((one) => one.name === name)?.group ?? 'unknown';
}

const REGISTERS_EL0 = [SYSREGS.NZCV, SYSREGS.FPCR, SYSREGS.FPSR, SYSREGS.TPIDR_EL0, SYSREGS.TPIDRRO_EL0];
const READABLE_EL0 = [...REGISTERS_EL0, SYSREGS.CTR_EL0, SYSREGS.DCZID_EL0, SYSREGS.CNTFRQ_EL0, SYSREGS.DAIF];
const ALL_REGISTERS = Object.values(SYSREGS);
// op1:CRn:CRm:op2 of DC ZVA, DC CVAC, DC CVAU, DC CIVAC, IC IVAU (Arm ARM C5.3)
const BY_VA_EL0 = [0x1ba1, 0x1bd1, 0x1bd9, 0x1bf1, 0x1ba9];
const ZVA = 0x1ba1;

const isBranchImmediate = (insn: number): boolean => (insn & 0x7c000000) >>> 0 === 0x14000000;
const isCompareBranch = (insn: number): boolean =>
  (insn & 0xff000010) >>> 0 === 0x54000000 || (insn & 0x7e000000) >>> 0 === 0x34000000;
const isTestBranch = (insn: number): boolean => (insn & 0x7e000000) >>> 0 === 0x36000000;
const isLiteral = (insn: number): boolean => (insn & 0x3b000000) >>> 0 === 0x18000000;
const inMemorySpace = (insn: number): boolean => (insn & 0x0a000000) >>> 0 === 0x08000000;
const isStoreExclusive = (insn: number): boolean => (insn & 0x3fc00000) >>> 0 === 0x08000000 || isStorePair(insn);
const isLoadExclusive = (insn: number): boolean => (insn & 0x3fc00000) >>> 0 === 0x08400000 || isLoadPair(insn);
const isLoadPair = (insn: number): boolean => (insn & 0xbfe00000) >>> 0 === 0x88600000;
const isStorePair = (insn: number): boolean => (insn & 0xbfe00000) >>> 0 === 0x88200000;

const bits = (insn: number, low: number, width: number, value: number): number => {
  const old = Math.floor(insn / 2 ** low) % 2 ** width;
  return insn + ((value < 0 ? value + 2 ** width : value) - old) * 2 ** low;
};

/** Keeps direct branches and literals inside the slot or outside the code. */
function localise(b: Builder, insn: number): number {
  if (isBranchImmediate(insn)) return bits(insn, 0, 26, b.branchOffset(26));
  if (isCompareBranch(insn)) return bits(insn, 5, 19, b.branchOffset(19));
  if (isTestBranch(insn)) return bits(insn, 5, 14, b.branchOffset(14));
  if (isLiteral(insn)) return bits(insn, 5, 19, b.literalOffset());
  return insn;
}

/** Gives a load or store a base that points into the data. */
function aim(b: Builder, insn: number, one: InstructionClass): number {
  const { random } = b;
  const { name } = one;
  if (name === 'load literal') return localise(b, insn);
  const { register, free } = b.base();
  let out = set(insn, one, 'Rn', register);
  let offset = 0;
  let align = 1 << random.below(5);
  if (name.startsWith('load/store exclusive')) {
    align = (get(out, one, 'pair') + 1) << get(out, one, 'size');
    if (isStoreExclusive(out) && !free) align = 1;
  } else if (name === 'load/store pair') {
    const scale = get(out, one, 'V') ? get(out, one, 'opc') + 2 : get(out, one, 'opc') & 2 ? 3 : 2;
    if (!free) out = set(out, one, 'imm7', random.between(-4, 3));
    offset = get(out, one, 'mode') === 1 ? 0 : signed(get(out, one, 'imm7'), 7) * 2 ** scale;
  } else if (name === 'load/store, 9-bit offset') {
    if (!free) out = set(out, one, 'imm9', random.between(-32, 31));
    offset = get(out, one, 'mode') === 1 ? 0 : signed(get(out, one, 'imm9'), 9);
  } else if (name === 'load/store, unsigned offset') {
    if (!free) out = set(out, one, 'imm12', random.below(8));
    const scale = get(out, one, 'V') && get(out, one, 'opc') > 1 ? 4 : get(out, one, 'size');
    offset = get(out, one, 'imm12') * 2 ** scale;
  } else if (name === 'load/store, register offset') {
    const option = get(out, one, 'option');
    const { register: rm, value } = b.index((option & 1) === 0);
    out = set(out, one, 'Rm', rm);
    const scale = get(out, one, 'V') && get(out, one, 'opc') > 1 ? 4 : get(out, one, 'size');
    const extended = option === 2 && value < 0 ? value + 2 ** 32 : value;
    offset = extended * (get(out, one, 'S') ? 2 ** scale : 1);
  } else if (name.endsWith('post-indexed') && random.chance(60)) {
    out = set(out, one, 'Rm', b.index(false).register);
  }
  b.point(register, align, offset);
  return out;
}

function systemRegister(random: Random, write: boolean): number {
  const kind = random.below(10);
  if (kind < 7) return packEncoding(random.pick(write ? REGISTERS_EL0 : READABLE_EL0).enc) & 0x7fff;
  if (kind < 9) return packEncoding(random.pick(ALL_REGISTERS).enc) & 0x7fff;
  return random.below(2 ** 15);
}

/** One instruction of a class, with everything it needs in the state. */
function instruction(b: Builder, one: InstructionClass): number {
  const { random } = b;
  for (let tries = 0; tries < 60; tries += 1) {
    let insn = b.assignRegisters(anyOf(random, one), one);
    if (one.group === 'memory') insn = aim(b, insn, one);
    if (one.name === 'MRS' || one.name === 'MSR (register)') {
      insn = set(insn, one, 'enc', systemRegister(random, one.name !== 'MRS'));
    } else if (one.name === 'SYS' && random.chance(80)) {
      const op = random.pick(BY_VA_EL0);
      const register = random.pick([19, 20, 21, 22]);
      insn = set(set(insn, one, 'op', op), one, 'Rt', register);
      // where nothing is mapped, QEMU's cache maintenance does not fault
      if (op !== ZVA) b.fix(register, slotAddress(0));
      else b.point(register, 1, 0);
    } else if (one.group === 'system') insn = localise(b, insn);
    if (excluded(insn)) continue;
    if (isStoreExclusive(insn) && b.monitorOpen) continue;
    if (isLoadExclusive(insn)) b.monitorOpen = true;
    if (one.name === 'CLREX') b.monitorOpen = false;
    return insn;
  }
  return NOP;
}

function follower(b: Builder): number {
  return instruction(b, b.random.pick(GROUPS[b.random.pick(FOLLOWERS)]));
}

/** Any word, or an encoding with one of its fixed bits changed. */
function undefinedWord(b: Builder, nearMiss: boolean): number {
  const { random } = b;
  for (;;) {
    let insn: number;
    if (nearMiss) {
      const one = random.pick(CLASSES);
      const fixed = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (one.mask >>> bit) & 1);
      insn = (anyOf(random, one) ^ (1 << random.pick(fixed))) >>> 0;
    } else {
      insn = random.next();
      // half of all words have no meaning in any version: stay in the allocated groups
      if (random.chance(90)) insn = bits(insn, 25, 4, random.pick([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
    }
    if (excluded(insn) || isStoreExclusive(insn)) continue;
    insn = localise(b, insn);
    const rn = (insn >>> 5) & 31;
    if (inMemorySpace(insn) && random.chance(80)) b.point(rn, 16, 0);
    if (isLoadExclusive(insn)) b.monitorOpen = true;
    return insn;
  }
}

const ALU = /^(ADD|AND|ADC|CSEL|MOVN|SBFM|EXTR|UDIV|LSLV|RBIT|MADD|SMADDL|SMULH)/;
const ALU_CLASSES = CLASSES.filter(({ name, group }) => group === 'integer' && ALU.test(name));
const EXCLUSIVE = classNamed('load/store exclusive, LDAR, STLR');

/** Load-exclusive, computation, store-exclusive of the same size and address; sometimes CLREX between. */
function exclusivePair(b: Builder): void {
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
function loop(b: Builder): void {
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
function call(b: Builder): void {
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

/** Part of a batch that several cases share: generating whole states would take most of the time. */
export type StatePool = readonly Uint8Array[];

/** `size` random states. */
export function statePool(random: Random, size: number): StatePool {
  return Array.from({ length: size }, () => randomState(random));
}

function freshState(random: Random, from: Uint8Array, changes: number): Uint8Array {
  const state = from.slice();
  const view = viewOf(state);
  for (let i = 0; i < changes; i += 1) {
    fillInteger(random, view, STATE_X + 8 * random.below(31));
    fillVector(random, view, STATE_V + 16 * random.below(32));
  }
  randomControl(random, state);
  return state;
}

/**
 * A case of class `name` for slot `slot`, from a state of the pool.
 * @param changes registers of each kind that differ from that state, besides those the instructions need
 */
export function makeCase(random: Random, name: string, slot: number, from: Uint8Array, changes = 6): Case {
  const shift = random.chance(60) ? 0 : 4 * random.below(32);
  const pc = slotAddress(slot) + shift;
  const state = freshState(random, from, changes);
  setNumber(state, STATE_PC, pc);
  const b = new Builder(random, state, shift, pc);
  b.counting = name === LOOPS;
  if (random.chance(25)) for (let i = random.below(4); i > 0; i -= 1) b.words.push(follower(b));
  if (name === RANDOM_WORDS || name === NEAR_MISSES) b.words.push(undefinedWord(b, name === NEAR_MISSES));
  else if (name === EXCLUSIVE_PAIRS) exclusivePair(b);
  else if (name === LOOPS) loop(b);
  else if (name === CALLS) call(b);
  else b.words.push(instruction(b, classNamed(name)));
  if (random.chance(60)) for (let i = random.below(10); i > 0; i -= 1) b.words.push(follower(b));
  return { name, words: b.words.map((word) => word >>> 0), state };
}
