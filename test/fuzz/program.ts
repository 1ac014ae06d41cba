/**
 * The program of a fuzzed guest: one stanza after the other, each with its own literals and its own slot for what came of it,
 * so that a stanza which fails disturbs no other. It is entered from bare-guest.S, whose vectors step over what aborts.
 */
import { RAM, u64s, words, type BareGuest } from '../support/bare-guest.js';
import type { Form } from './forms.js';

/** Guest-physical places; each is within 1 MiB of the code, which LDR (literal) and ADR reach. */
const CODE = RAM + 0x6_0000;
const LITERALS = RAM + 0xa_0000;
const SLOTS = RAM + 0x10_0000;
/** Arguments of hypercalls: the host puts them there. */
export const ARGUMENTS = RAM + 0x12_0000;
export const ARGUMENT_BYTES = 0x4_0000;
/** RAM that the guest may give away, up to its end. */
export const SPARE = RAM + 0x18_0000;
export const RAM_END = RAM + 0x20_0000;
export const MAX_STANZAS = 1000;
const SLOT_BYTES = 8;
const UNTOUCHED = 0x5eed_0f_0bad_c0den;

const BR_X9 = 0xd61f_0120;
const RET = 0xd65f_03c0;
const HVC_XEN = 0xd400_0002 | (0xea1 << 5);

export interface Access {
  readonly form: Form;
  /** Virtual address that is meant; the base register is less by the form's offset. */
  readonly va: bigint;
  readonly data: bigint;
}

export interface Hypercall {
  readonly nr: bigint;
  readonly args: readonly bigint[];
  /** Another immediate or instruction instead of HVC #0xea1. */
  readonly word?: number;
}

export class Program {
  readonly #code: number[] = [];
  readonly #literals: bigint[] = [];
  #stanzas = 0;

  constructor() {
    // CPACR_EL1.FPEN, and the return address for the end
    this.#code.push(0xd2a0_0603, 0xd518_1043, 0xd503_3fdf);
    this.#adr(11, SLOTS);
    this.#code.push(0xf900_017e);
    // A guest that jumps to its own start stays here: what it did before would be overwritten.
    this.#code.push(0xf85f_8169, 0xb500_0009, 0xf81f_816b); // ldur x9, [x11, #-8]; cbnz x9, .; stur x11, [x11, #-8]
  }

  get stanzas(): number {
    return this.#stanzas;
  }

  /** An access; its slot gets the number of aborts so far. */
  access({ form, va, data }: Access): void {
    this.#literal(1, BigInt.asUintN(64, va - BigInt(form.offset)));
    this.#literal(0, data);
    this.#code.push(0xd280_0004); // mov x4, #0
    if (form.sp) this.#code.push(0x9100_003f); // mov sp, x1
    if (form.name === 'jump') {
      // Where the abort of the fetch returns to.
      this.#code.push(0xd538_d089); // mrs x9, tpidr_el1
      this.#adr(10, this.#pc + 12);
      this.#code.push(0xf900_912a, form.word); // str x10, [x9, #0x120]
      this.#code.push(0xd538_d089, 0xf900_913f); // str xzr, [x9, #0x120]
    } else this.#code.push(form.word);
    this.#code.push(0xd538_d089, 0xb940_f12a); // mrs x9, tpidr_el1; ldr w10, [x9, #0xf0]
    this.#store(10);
  }

  /** A hypercall; its slot gets the result. */
  hypercall({ nr, args, word = HVC_XEN }: Hypercall): void {
    args.forEach((value, i) => this.#literal(i, value));
    this.#literal(16, nr);
    this.#code.push(word);
    this.#store(0);
  }

  /** Arms the virtual timer: what waits will not wait for ever. */
  timer(counts: number): void {
    this.#code.push((0xd280_0000 | (counts << 5) | 5) >>> 0); // mov x5, #counts
    this.#code.push(0xd51b_e305, 0xd280_0025, 0xd51b_e325, 0xd503_42ff); // tval, ctl = 1, unmask IRQ
  }

  /** Puts it into a guest that has not been started. */
  load(guest: BareGuest, mmu: boolean): void {
    const code = [...this.#code];
    code.push(adr(11, SLOTS, CODE + 4 * code.length), 0xf940_017e, RET);
    guest.write(CODE, words(code));
    guest.write(LITERALS, u64s(this.#literals));
    guest.write(SLOTS, u64s(new Array<bigint>(this.#stanzas + 1).fill(UNTOUCHED)));
    guest.load(0, { code: [BR_X9], x: { 9: CODE }, mmu });
  }

  /** What a stanza left; undefined: it was not executed to its end. */
  slot(guest: BareGuest, stanza: number): bigint | undefined {
    const value = guest.read64(SLOTS + SLOT_BYTES * (stanza + 1));
    return value === UNTOUCHED ? undefined : value;
  }

  get #pc(): number {
    return CODE + 4 * this.#code.length;
  }

  #adr(rd: number, target: number): void {
    this.#code.push(adr(rd, target, this.#pc));
  }

  /** ldr x<rd>, =value */
  #literal(rd: number, value: bigint): void {
    const target = LITERALS + 8 * this.#literals.length;
    this.#literals.push(BigInt.asUintN(64, value));
    this.#code.push((0x5800_0000 | ((((target - this.#pc) / 4) & 0x7_ffff) << 5) | rd) >>> 0);
  }

  #store(rt: number): void {
    this.#stanzas++;
    this.#adr(11, SLOTS + SLOT_BYTES * this.#stanzas);
    this.#code.push(0xf900_0160 | rt); // str x<rt>, [x11]
  }
}

function adr(rd: number, target: number, pc: number): number {
  const delta = target - pc;
  return (0x1000_0000 | ((delta & 3) << 29) | (((delta >> 2) & 0x7_ffff) << 5) | rd) >>> 0;
}
