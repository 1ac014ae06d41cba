import { ACCESSES, type Access } from '../cpu/isa/accesses.js';
import { OPS, opNumber } from '../cpu/isa/ops.js';
import { HOT_SP, HOT_TRASH, HOT_X, HOT_XZR } from '../wasm/layout.js';

/** A micro-op as the translator reads it (layout: docs/architecture.md, "CPU and MMU kernels"). */
export interface Uop {
  /** Bytes from the first byte of the page in which the region begins. */
  readonly at: number;
  readonly op: number;
  readonly cost: number;
  /** Addresses of register slots, or small numbers. */
  readonly rd: number;
  readonly rn: number;
  readonly rm: number;
  /** The immediate. */
  readonly low: number;
  readonly high: number;
  /** The instruction. */
  readonly word: number;
}

/** Register numbers as the translator has them: 0 to 30, then these. */
export const R_ZERO = (HOT_XZR - HOT_X) >> 3;
export const R_SP = (HOT_SP - HOT_X) >> 3;
export const R_TRASH = (HOT_TRASH - HOT_X) >> 3;

/** The register whose slot is at `address`. */
export function register(address: number): number {
  return (address - HOT_X) >> 3;
}

/** How control leaves a micro-op. `call` and `jump`: always to a fixed target. */
export type Flow = 'next' | 'condition' | 'jump' | 'call' | 'indirect' | 'indirectCall' | 'none';

/** One operation, seen from the translator. */
export interface Kind {
  readonly name: string;
  readonly flow: Flow;
  /** A branch to another page: its distance is in bytes of code. */
  readonly far: boolean;
  readonly memory: boolean;
}

const CONDITIONAL = /^(B(EQ|NE|HS|LO|MI|PL|VS|VC|HI|LS|GE|LT|GT|LE)|BCOND_FAR|CBN?Z(64|32)|CB_FAR|TBN?Z|TB_FAR)$/;
const FORM_NAMES = new Set(ACCESSES.flatMap(({ name }) => [name, `${name}_SP`]));

function flowOf(name: string): Flow {
  if (name === 'DECODE' || name === 'PAGE_END' || name === 'RESYNC' || name === 'REGION') return 'none';
  if (name === 'B' || name === 'B_FAR') return 'jump';
  if (name === 'BL' || name === 'BL_FAR') return 'call';
  if (name === 'BR') return 'indirect';
  if (name === 'BLR') return 'indirectCall';
  return CONDITIONAL.test(name) ? 'condition' : 'next';
}

/** By operation number. */
export const KINDS: readonly Kind[] = OPS.map(({ name }) => ({
  name,
  flow: flowOf(name),
  far: name.endsWith('_FAR'),
  memory: FORM_NAMES.has(name) || /^(MEM|SLOW)(_FP)?(_SP)?$/.test(name),
}));

export const O_DECODE = opNumber('DECODE');
export const O_REGION = opNumber('REGION');

/** The form of a load or store: its number is in the upper half of the immediate's upper word. */
export function formOf(uop: Uop): Access | undefined {
  return ACCESSES[uop.high >>> 16];
}

/** RET X30 among the indirect branches. */
export function isReturn(uop: Uop): boolean {
  return uop.word === 0xd65f03c0;
}

/** Where a branch to a fixed target goes, in bytes from the region's first page. */
export function targetOf(uop: Uop, kind: Kind): number {
  return uop.at + (kind.far ? uop.low | 0 : (uop.low | 0) >> 2);
}
