/** One instruction of a class, with what it needs in the state: bases that hit the data, registers that exist at EL0. */
import { packEncoding, SYSREGS } from '../../../sim/cpu/isa/sysregs.js';
import { get, set, signed } from './builder.js';
import type { Builder } from './builder.js';
import { anyOf, CLASSES } from './classes.js';
import type { Group, InstructionClass } from './classes.js';
import { excluded, loadExclusive, storeExclusive } from './exclusions.js';
import type { Random } from './random.js';
import { NOP, slotAddress } from './state.js';
import { bits, inMemorySpace, localise } from './words.js';

/** Classes for the other instructions of a sequence. */
export const GROUPS: Readonly<Record<Group, readonly InstructionClass[]>> = {
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

const REGISTERS_EL0 = [SYSREGS.NZCV, SYSREGS.FPCR, SYSREGS.FPSR, SYSREGS.TPIDR_EL0, SYSREGS.TPIDRRO_EL0];
const READABLE_EL0 = [...REGISTERS_EL0, SYSREGS.CTR_EL0, SYSREGS.DCZID_EL0, SYSREGS.CNTFRQ_EL0, SYSREGS.DAIF];
const ALL_REGISTERS = Object.values(SYSREGS);
// op1:CRn:CRm:op2 of DC ZVA, DC CVAC, DC CVAU, DC CIVAC, IC IVAU (Arm ARM C5.3)
const BY_VA_EL0 = [0x1ba1, 0x1bd1, 0x1bd9, 0x1bf1, 0x1ba9];
const ZVA = 0x1ba1;

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
    if (storeExclusive(out) && !free) align = 1;
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
export function instruction(b: Builder, one: InstructionClass): number {
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
    if (storeExclusive(insn) && b.monitorOpen) continue;
    if (loadExclusive(insn)) b.monitorOpen = true;
    if (one.name === 'CLREX') b.monitorOpen = false;
    return insn;
  }
  return NOP;
}

/** Any instruction that a sequence gets past. */
export function follower(b: Builder): number {
  return instruction(b, b.random.pick(GROUPS[b.random.pick(FOLLOWERS)]));
}

/** Any word, or an encoding with one of its fixed bits changed. */
export function undefinedWord(b: Builder, nearMiss: boolean): number {
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
    if (excluded(insn) || storeExclusive(insn)) continue;
    insn = localise(b, insn);
    const rn = (insn >>> 5) & 31;
    if (inMemorySpace(insn) && random.chance(80)) b.point(rn, 16, 0);
    if (loadExclusive(insn)) b.monitorOpen = true;
    return insn;
  }
}
