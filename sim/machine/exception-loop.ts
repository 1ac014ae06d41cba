import type { Ticks } from './time.js';

/** A core as the watch sees it. */
export interface WatchedCore {
  readonly index: number;
  readonly instructions: number;
  /** Exceptions taken, all levels. */
  readonly exceptions: number;
  readonly pc: bigint;
  readonly el: number;
  /** EL2 is software of ours: while a core is there, the guest's PC is in ELR_EL2. */
  readonly el2Model: boolean;
  sysreg(name: string): bigint;
}

/** How often cores are looked at, and how many looks in a row must find the same. */
const PERIOD_US = 200n;
const LOOKS = 4;
/** A handler that does something useful between two faults executes more than that, or faults less often. */
const MAX_INSTRUCTIONS = 64;
const MIN_EXCEPTIONS = 10;
/** Suspects that are remembered, the newest; what has gone away is not looked at again and would stay for ever. */
const MAX_MARKS = 64;
/** Synchronous exceptions from the same level: offsets of their vectors, and the bytes of one (DDI 0487, D1.10.2). */
const VECTORS = [0x000n, 0x200n];
const VECTOR_BYTES = 0x80n;

/**
 * Exception classes that retrying cannot cure: unknown, illegal state, aborts and alignment faults. A system call or a
 * breakpoint in a loop is a program's good right. (Arm ARM DDI 0487, ESR_ELx.EC)
 */
const CLASSES: ReadonlyMap<number, string> = new Map([
  [0x00, 'undefined instruction'],
  [0x0e, 'illegal execution state'],
  [0x20, 'instruction abort'],
  [0x21, 'instruction abort'],
  [0x22, 'PC alignment fault'],
  [0x24, 'data abort'],
  [0x25, 'data abort'],
  [0x26, 'SP alignment fault'],
]);

interface Mark {
  readonly what: string;
  readonly looks: number;
}

/**
 * Finds software that takes one and the same exception again and again, at its own exception vector: it jumped into
 * nothing, and neither the hardware nor a hypervisor would ever stop it. Looks at simulated times only, so the finding
 * is as reproducible as the run.
 */
export class ExceptionWatch {
  #next: Ticks = 0n;
  readonly #last: { key: string; instructions: number; exceptions: number }[];
  readonly #marks = new Map<string, Mark>();

  /**
   * @param keyOf names the software that a core runs; undefined: nothing to watch.
   */
  constructor(
    private readonly cores: readonly WatchedCore[],
    private readonly keyOf: (core: number) => string | undefined,
    private readonly onLoop: (key: string, detail: string) => void,
  ) {
    this.#last = cores.map(() => ({ key: '', instructions: 0, exceptions: 0 }));
  }

  /** To be called after rounds in which a core had something to do: their ends do not depend on the host. */
  look(now: Ticks, tickHz: number): void {
    if (now < this.#next) return;
    const period = (PERIOD_US * BigInt(tickHz)) / 1_000_000n;
    this.#next = (now / period + 1n) * period;
    for (const core of this.cores) this.#lookAt(core);
  }

  save(): unknown {
    return { next: String(this.#next), last: this.#last.map((l) => ({ ...l })), marks: [...this.#marks] };
  }

  load(state: unknown): void {
    const s = state as {
      next: string;
      last: { key: string; instructions: number; exceptions: number }[];
      marks: [string, Mark][];
    };
    this.#next = BigInt(s.next);
    s.last.forEach((saved, i) => Object.assign(this.#last[i] ?? {}, saved));
    this.#marks.clear();
    for (const [key, mark] of s.marks) this.#marks.set(key, mark);
  }

  #lookAt(core: WatchedCore): void {
    const last = this.#last[core.index];
    if (last === undefined) return;
    const key = this.keyOf(core.index) ?? '';
    const instructions = core.instructions - last.instructions;
    const exceptions = (core.exceptions - last.exceptions) >>> 0;
    const same = key === last.key;
    Object.assign(last, { key, instructions: core.instructions, exceptions: core.exceptions });
    // What ran here before has a part in the counts: they say nothing.
    if (key === '' || !same) return;
    const fault =
      exceptions >= MIN_EXCEPTIONS && instructions <= MAX_INSTRUCTIONS * exceptions ? faultOf(core) : undefined;
    const mark = this.#marks.get(key);
    this.#marks.delete(key);
    if (fault === undefined) return;
    const looks = (mark?.what === fault.what ? mark.looks : 0) + (fault.atVector ? 1 : 0);
    this.#marks.set(key, { what: fault.what, looks });
    if (this.#marks.size > MAX_MARKS) this.#marks.delete([...this.#marks.keys()][0]!);
    if (fault.atVector && looks === LOOKS) this.onLoop(key, fault.what);
  }
}

/** The exception that its level's software took last, if it came from that level and is one that does not go away. */
function faultOf(core: WatchedCore): { what: string; atVector: boolean } | undefined {
  const level = core.el2Model || core.el < 2 ? 1 : 2;
  const esr = core.sysreg(`ESR_EL${level}`);
  const name = CLASSES.get(Number((esr >> 26n) & 0x3fn));
  if (name === undefined || Number((core.sysreg(`SPSR_EL${level}`) >> 2n) & 3n) !== level) return undefined;
  const [elr, far, vbar] = [`ELR_EL${level}`, `FAR_EL${level}`, `VBAR_EL${level}`].map((register) =>
    core.sysreg(register),
  );
  const offset = (core.el2Model && core.el === 2 ? core.sysreg('ELR_EL2') : core.pc) - (vbar ?? 0n);
  return {
    what: `${name} at ${hex(elr)} again and again (ESR_EL${level} ${hex(esr)}, FAR_EL${level} ${hex(far)}, VBAR_EL${level} ${hex(vbar)})`,
    // Registers keep an old exception; a PC at the vector says that it is happening now.
    atVector: VECTORS.some((vector) => offset >= vector && offset < vector + VECTOR_BYTES),
  };
}

function hex(value = 0n): string {
  return `0x${value.toString(16)}`;
}
