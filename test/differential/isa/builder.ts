/** One case under construction: registers have roles, so that sequences reach their end and addresses hit the data. */
import { fieldOf, withField } from './classes.js';
import type { InstructionClass } from './classes.js';
import type { Random } from './random.js';
import { CODE, CODE_BYTES, DATA, setNumber, STATE_SP, STATE_X, viewOf } from './state.js';

/** Registers that hold addresses, small numbers for indices, and a loop's count; mostly not written. */
const POINTERS = [19, 20, 21, 22, 23, 24, 25, 26, 31];
const INDICES = [14, 15, 16, 17, 18];
export const COUNTER = 28;
const RESULTS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 27, 29, 30, 31];

const DESTINATIONS = new Set(['Rd', 'Rt', 'Rt2', 'Rs']);
const PAGE = 0x1000;

const signed = (value: number, bits: number): number => (value >= 2 ** (bits - 1) ? value - 2 ** bits : value);

export class Builder {
  readonly words: number[] = [];
  /** A load-exclusive may have opened the monitor. */
  monitorOpen = false;
  /** COUNTER must keep its value. */
  counting = false;
  readonly #fixed = new Map<number, number>();
  readonly #recent: number[] = [0, 1];

  constructor(
    readonly random: Random,
    readonly state: Uint8Array,
    /** Bytes from the slot's begin to the first instruction. */
    readonly shift: number,
    readonly pc: number,
  ) {}

  /** A register that may be written. */
  destination(): number {
    const { random } = this;
    for (;;) {
      const register = random.chance(94) ? random.pick(RESULTS) : random.below(32);
      if (register === COUNTER && this.counting) continue;
      this.#recent[random.below(2)] = register;
      return register;
    }
  }

  source(): number {
    return this.random.chance(40) ? this.random.pick(this.#recent) : this.random.below(32);
  }

  /** Gives the register fields of an instruction values that suit their roles. */
  assignRegisters(insn: number, { fields, group }: InstructionClass): number {
    let out = insn;
    for (const field of fields) {
      if (field.width !== 5 || !field.name.startsWith('R')) continue;
      let value = DESTINATIONS.has(field.name) ? this.destination() : this.source();
      // vector registers: few, so that operands often coincide
      if (group === 'simd' && this.random.chance(30)) value &= 3;
      out = withField(out, field, value);
    }
    return out;
  }

  /** Sets a general register (31: SP) before the case; the first call for a register counts. */
  fix(register: number, value: number): number {
    const known = this.#fixed.get(register);
    if (known !== undefined) return known;
    this.#fixed.set(register, value);
    setNumber(this.state, register === 31 ? STATE_SP : STATE_X + 8 * register, value);
    return value;
  }

  /** An address in or at an edge of the data. */
  target(align: number): number {
    const { random } = this;
    const kind = random.below(100);
    let offset: number;
    if (kind < 55) offset = random.below(2 * PAGE - 64);
    else if (kind < 60) offset = random.below(PAGE / 16) * 16;
    else if (kind < 82) offset = PAGE - random.below(36);
    else if (kind < 88) offset = 2 * PAGE - random.below(36);
    else if (kind < 93) offset = 2 * PAGE + random.below(PAGE - 64);
    else if (kind < 96) offset = 3 * PAGE - random.below(36);
    else if (kind < 98) offset = -random.below(36);
    else return random.chance(50) ? this.pc - random.below(256) : random.below(PAGE);
    const aligned = random.chance(92) ? align : 1;
    return DATA + Math.floor(offset / aligned) * aligned;
  }

  /** A base register, and whether its value is still free. */
  base(): { register: number; free: boolean } {
    const register = this.random.pick(POINTERS);
    return { register, free: !this.#fixed.has(register) };
  }

  /** Makes `register` point `offset` below an address of the data, sometimes under a tag. */
  point(register: number, align: number, offset: number): void {
    if (this.#fixed.has(register)) return;
    this.fix(register, this.target(align) - offset);
    const at = register === 31 ? STATE_SP : STATE_X + 8 * register;
    if (this.random.chance(3)) viewOf(this.state).setUint8(at + 7, this.random.below(256));
  }

  /** An index register with a small value; with `extended` the upper word may hold anything. */
  index(extended: boolean): { register: number; value: number } {
    const { random } = this;
    if (random.chance(6)) return { register: 31, value: 0 };
    const register = random.pick(INDICES);
    const value = this.fix(register, random.chance(70) ? random.below(64) : -random.below(64));
    if (extended && random.chance(50)) viewOf(this.state).setUint32(STATE_X + 8 * register + 4, random.next(), true);
    return { register, value };
  }

  /** Address of the instruction that would be pushed next. */
  get here(): number {
    return this.pc + 4 * this.words.length;
  }

  /**
   * An offset in instructions for a direct branch from here: forward inside the slot, before the first instruction, or
   * out of the code. Never back into the case: every case ends.
   */
  branchOffset(bits: number): number {
    const { random } = this;
    const kind = random.below(100);
    const index = this.words.length;
    if (kind < 4 && this.shift >= 4) return -(index + 1 + random.below(this.shift / 4));
    const span = 2 ** (bits - 1);
    if (kind < 10 && span * 4 > CODE_BYTES) {
      const far = CODE_BYTES / 4 + random.below(span - CODE_BYTES / 4);
      return random.chance(50) ? far : -far;
    }
    return random.between(1, 6);
  }

  /** An offset in words for a literal: in the slot or outside the code, never what another case has there. */
  literalOffset(): number {
    const { random } = this;
    const low = -Math.floor(this.shift / 4) - this.words.length;
    const wild = this.here + 4 * signed(random.below(2 ** 19), 19);
    if (wild < CODE - 16 || wild >= CODE + CODE_BYTES) return (wild - this.here) / 4;
    return random.between(low, 6);
  }
}

/** The value of the field `name` of `insn`. */
export function get(insn: number, { fields }: InstructionClass, name: string): number {
  const field = fields.find((one) => one.name === name);
  if (!field) throw new Error(`no field ${name}`);
  return fieldOf(insn, field);
}

/** `insn` with a value for the field `name`; negative numbers are two's complement. */
export function set(insn: number, { fields }: InstructionClass, name: string, value: number): number {
  const field = fields.find((one) => one.name === name);
  if (!field) throw new Error(`no field ${name}`);
  return withField(insn, field, value < 0 ? value + 2 ** field.width : value);
}

export { signed };
