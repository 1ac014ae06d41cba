/**
 * Pieces of AssemblyScript text from which the operations are written. They name the locals of the generated run():
 * `ip` (the micro-op), `fa`, `fb`, `fk` (lazy flags), `ppc` (virtual address of the page), `pbase` (its micro-ops).
 */

/** Value of the register whose slot address is in the micro-op. */
export const RD = 'load<u64>(<usize>load<u16>(ip, 2))';
export const RN = 'load<u64>(<usize>load<u16>(ip, 4))';
export const RM = 'load<u64>(<usize>load<u16>(ip, 6))';
/** Ra of the multiply-adds: its slot address is in the immediate. */
export const RA = 'load<u64>(<usize>load<u16>(ip, 8))';
export const IMM = 'load<u64>(ip, 8)';
/** The low half of the immediate, sign-extended. */
export const OFFSET = '<u64><i64>load<i32>(ip, 8)';
/** Value of the rm field itself, when it holds a small number. */
export const RM_FIELD = 'load<u16>(ip, 6)';
/** Address of the instruction at ip. */
export const PC = '(ppc + (<u64>(ip - pbase) >>> 2))';

/** Writes a 64-bit value to Rd. */
export function set(value: string): string {
  return `store<u64>(<usize>load<u16>(ip, 2), ${value});`;
}

/** Writes the low word of a 64-bit value to Wd; the upper half becomes zero. */
export function setW(value: string): string {
  return `store<u64>(<usize>load<u16>(ip, 2), (${value}) & 0xffffffff);`;
}

/** Sign-extends the low word. */
export function signed(value: string): string {
  return `<u64><i64><i32>(${value})`;
}

/**
 * Kinds of lazy flags. SUB64: flags of fa - fb. SUB32: the same of words, both sign-extended to 64 bits (which keeps
 * signed and unsigned order). LOGIC: N and Z of fa, C = V = 0, fb = 0. PACKED: fa is NZCV as a number 0..15.
 */
export const SUB64 = 0;
export const SUB32 = 1;
export const LOGIC = 2;
export const PACKED = 3;

/** Sets the lazy flags; `a` and `b` are evaluated once each. */
export function flags(kind: number, a: string, b = '0'): string {
  return `fa = ${a}; fb = ${b}; fk = ${kind};`;
}

const CONDITION_TEXT = [
  '(fk != 3 ? fa == fb : (fa & 4) != 0)',
  '(fk <= 1 ? fa >= fb : fk == 3 && (fa & 2) != 0)',
  '(fk == 0 ? <i64>(fa - fb) < 0 : fk == 1 ? <i32>(fa - fb) < 0 : fk == 2 ? <i64>fa < 0 : (fa & 8) != 0)',
  'overflowSet(fa, fb, fk)',
  '(fk <= 1 ? fa > fb : fk == 3 && (fa & 6) == 2)',
  '(fk != 3 ? <i64>fa >= <i64>fb : ((fa >>> 3) & 1) == (fa & 1))',
  '(fk != 3 ? <i64>fa > <i64>fb : (fa & 4) == 0 && ((fa >>> 3) & 1) == (fa & 1))',
];

/** Names of the conditions that can fail, by number (Arm ARM C1.2.4). */
export const CONDITIONS = ['EQ', 'NE', 'HS', 'LO', 'MI', 'PL', 'VS', 'VC', 'HI', 'LS', 'GE', 'LT', 'GT', 'LE'];

/** Text that is true when condition number `c` (0..13) holds. */
export function condition(c: number): string {
  const text = CONDITION_TEXT[c >> 1] ?? '';
  return c & 1 ? `!${text}` : text;
}

/** Text for a condition number known only at run time. */
export function dynamicCondition(c: string): string {
  return `conditionHolds(${c}, fa, fb, fk)`;
}
