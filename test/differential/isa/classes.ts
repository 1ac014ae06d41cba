/** The classes of instructions, from the project's own encoding tables, and which values of their fields are allocated. */
import { parsePattern } from '../../../sim/cpu/isa/encoding.js';
import type { Field } from '../../../sim/cpu/isa/encoding.js';
import { INTEGER_ENCODINGS } from '../../../sim/cpu/isa/encodings-integer.js';
import { MEMORY_ENCODINGS } from '../../../sim/cpu/isa/encodings-memory.js';
import { SYSTEM_ENCODINGS } from '../../../sim/cpu/isa/encodings-system.js';
import { matches } from '../../../sim/cpu/isa/simd/pattern.js';
import { simdEncodings } from '../../../sim/cpu/isa/simd/table.js';
import type { Random } from './random.js';

export type Group = 'integer' | 'system' | 'memory' | 'simd' | 'undefined';

/** Instructions with the same fixed bits. */
export interface InstructionClass {
  readonly name: string;
  readonly group: Group;
  readonly value: number;
  readonly mask: number;
  readonly fields: readonly Field[];
  /** False for a sub-encoding that Armv8.0-A leaves UNDEFINED; the generator makes few of those. */
  allocated(insn: number): boolean;
}

type Fields = Readonly<Record<string, number>>;

const bitmaskValid = ({ sf, N, imms }: Fields): boolean => {
  if (sf === 0 && N === 1) return false;
  const selector = (N! << 6) | (~imms! & 63);
  if (selector < 2) return false;
  const levels = (1 << (31 - Math.clz32(selector))) - 1;
  return (imms! & levels) !== levels;
};
const shift32 = ({ sf, imm6 }: Fields): boolean => sf === 1 || imm6! < 32;
const structures = [0, 2, 4, 6, 7, 8, 10];
const multiple = ({ opcode, size, Q }: Fields): boolean =>
  structures.includes(opcode!) && (size !== 3 || Q === 1 || ![0, 4, 8].includes(opcode!));
const single = ({ opcode, size, S, L }: Fields): boolean =>
  [true, (size! & 1) === 0, size === 0 || (size === 1 && S === 0), L === 1 && S === 0][opcode! >> 1] === true;
const register = ({ V, size, opc }: Fields): boolean =>
  V === 1 ? opc! < 2 || size === 0 : size === 3 ? opc! < 3 : size === 2 ? opc! < 3 : true;

/** By class name; a class that is not here is allocated whatever its fields are. */
const ALLOCATED: Readonly<Record<string, (f: Fields) => boolean>> = {
  'AND, ORR, EOR, ANDS (immediate)': bitmaskValid,
  'MOVN, MOVZ, MOVK': ({ sf, opc, hw }) => opc !== 1 && (sf === 1 || hw! < 2),
  'SBFM, BFM, UBFM': ({ sf, opc, N, immr, imms }) => N === sf && opc !== 3 && (sf === 1 || (immr! < 32 && imms! < 32)),
  EXTR: ({ sf, N, imms }) => N === sf && (sf === 1 || imms! < 32),
  'AND, BIC, ORR, ORN, EOR, EON, ANDS, BICS (shifted register)': shift32,
  'ADD, SUB (shifted register)': (f) => f.shift !== 3 && shift32(f),
  'ADD, SUB (extended register)': ({ imm3 }) => imm3! <= 4,
  CRC32: ({ sf, sz }) => (sf === 1) === (sz === 3),
  'RBIT, REV16, REV32, REV, CLZ, CLS': ({ sf, opcode }) => opcode! < 6 && (opcode !== 3 || sf === 1),
  'load/store exclusive, LDAR, STLR': ({ ordered, pair, o0, size }) =>
    ordered === 1 ? pair === 0 && o0 === 1 : pair === 0 || size! > 1,
  'load literal': ({ V, opc }) => V === 0 || opc !== 3,
  'load/store pair': ({ opc, V, L, mode }) => opc !== 3 && (V === 1 || opc !== 1 || (L === 1 && mode !== 0)),
  'load/store, 9-bit offset': (f) =>
    register(f) && (f.V === 0 || f.mode !== 2) && (f.V === 1 || f.size !== 3 || f.opc !== 2 || f.mode === 0),
  'load/store, register offset': (f) => register(f) && (f.option! & 2) !== 0,
  'load/store, unsigned offset': register,
  'AdvSIMD structures, multiple': multiple,
  'AdvSIMD structures, multiple, post-indexed': multiple,
  'AdvSIMD structures, single': single,
  'AdvSIMD structures, single, post-indexed': single,
};

/** SVC is a system call of the host under user-mode emulation. */
const LEFT_OUT = new Set(['SVC']);

/** Value of a field. */
export function fieldOf(insn: number, field: Field): number {
  return Math.floor(insn / 2 ** field.low) % 2 ** field.width;
}

/** `insn` with another value of a field. */
export function withField(insn: number, field: Field, value: number): number {
  return insn + (value - fieldOf(insn, field)) * 2 ** field.low;
}

function fieldsOf(insn: number, fields: readonly Field[]): Fields {
  return Object.fromEntries(fields.map((field) => [field.name, fieldOf(insn, field)]));
}

function base(group: Group, encodings: readonly { name: string; pattern: string }[]): InstructionClass[] {
  return encodings
    .filter(({ name }) => !LEFT_OUT.has(name))
    .map(({ name, pattern }) => {
      const allowed = ALLOCATED[name];
      const { value, mask, fields } = parsePattern(pattern);
      const allocated = allowed ? (insn: number): boolean => allowed(fieldsOf(insn, fields)) : (): boolean => true;
      return { name, group, value, mask, fields, allocated };
    });
}

/** Every class of the base instruction set and every FP and AdvSIMD encoding. */
export const CLASSES: readonly InstructionClass[] = [
  ...base('integer', INTEGER_ENCODINGS),
  ...base('system', SYSTEM_ENCODINGS),
  ...base('memory', MEMORY_ENCODINGS),
  ...simdEncodings.map(({ name, value, mask, fields, undef }): InstructionClass => ({
    name,
    group: 'simd',
    value,
    mask,
    fields,
    allocated: (insn) => !undef.some((condition) => matches(condition, insn)),
  })),
];

const BY_NAME = new Map(CLASSES.map((one) => [one.name, one]));

/** The class called `name`; throws Error if there is none. */
export function classNamed(name: string): InstructionClass {
  const found = BY_NAME.get(name);
  if (!found) throw new Error(`no class ${name}`);
  return found;
}

/** The first class whose fixed bits `insn` has. */
export function classOf(insn: number): InstructionClass | undefined {
  return CLASSES.find(({ mask, value, allocated }) => (insn & mask) >>> 0 === value && allocated(insn));
}

/** Any instruction of a class: allocated ones nine times in ten, so that sequences get past it. */
export function anyOf(random: Random, { value, fields, allocated }: InstructionClass): number {
  const wanted = !random.chance(8);
  for (let tries = 0; ; tries += 1) {
    let insn = value;
    for (const { low, width } of fields) insn += random.below(2 ** width) * 2 ** low;
    if (!wanted || tries > 50 || allocated(insn)) return insn;
  }
}
