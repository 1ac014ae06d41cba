import type { Board, BoardCore } from '../../boards/board.js';
import {
  CORE_BASE,
  CORE_CYCLES,
  CORE_DAIF,
  CORE_EL,
  CORE_EVENT,
  CORE_EXCEPTIONS,
  CORE_EXIT_INFO,
  CORE_FLAGS,
  CORE_HOT,
  CORE_INSNS,
  CORE_LIMIT,
  CORE_LINES,
  CORE_PMU_DEADLINE,
  CORE_PSTATE_IL,
  CORE_PSTATE_SS,
  CORE_REARM,
  CORE_S2_ABORTS,
  CORE_SPSEL,
  CORE_STRIDE,
  CORE_SYSREG,
  CORE_TICKS_PER_COUNT,
  CORE_TICKS_PER_CYCLE,
  CORE_WINDOW_ABORTS,
  CORE_WINDOW_HI,
  CORE_WINDOW_LO,
  EXIT_MARKER,
  FLAG_EL2_MODEL,
  FLAG_NO_EL2,
  HOT_BASE,
  HOT_FPCR,
  HOT_FPSR,
  HOT_NZCV,
  HOT_PC,
  HOT_SP,
  HOT_V,
  HOT_X,
  MAX_CORES,
} from '../wasm/layout.js';
import type { Kernel } from '../wasm/module.js';
import { boardRegisters } from './identification.js';
import { SYSREG_SLOT, type SlotName } from './isa/sysregs.js';

const WORD = 2 ** 32;
const DAIF_MASK = 0x3c0;
/** High word of a PMU deadline that will not come. */
const NO_DEADLINE = 0xffff_ffff;

/**
 * One core: its registers and counters in linear memory, and the ways to run it. Registers may be read at any time
 * and written while the core is stopped; cycles, limit and lines may be written while it runs, in an MMIO or timer
 * callback. 64-bit values are bigint; cycle counts are numbers (they stay below 2^53 for 60 days).
 */
export class Core {
  readonly index: number;
  /** Affinity fields; MPIDR_EL1 reads with bit 31 set. */
  readonly mpidr: number;
  /** Base ticks per own cycle. */
  readonly ticksPerCycle: number;
  readonly #kernel: Kernel;
  readonly #u32: Uint32Array;
  readonly #u64: BigUint64Array;
  readonly #block: number;

  /**
   * Sets up the core block for core `core.index` of the board and resets it into the board's entry level. Every call
   * for the same kernel must have another index.
   */
  constructor(kernel: Kernel, _memory: WebAssembly.Memory, core: BoardCore, board: Board) {
    if (core.index >= MAX_CORES) throw new RangeError(`core ${core.index}: at most ${MAX_CORES} cores`);
    this.index = core.index;
    this.mpidr = core.mpidr;
    this.ticksPerCycle = core.ticksPerCycle;
    this.#kernel = kernel;
    this.#u32 = kernel.u32;
    this.#u64 = kernel.u64;
    this.#block = CORE_BASE + core.index * CORE_STRIDE;
    const { entryLevel } = board.firmware;
    this.#setWord(CORE_TICKS_PER_CYCLE, core.ticksPerCycle);
    this.#setWord(CORE_TICKS_PER_COUNT, board.ticksPerCount);
    this.#setWord(CORE_FLAGS, entryLevel === 1 ? FLAG_NO_EL2 : 0);
    for (const [name, value] of Object.entries(boardRegisters(core, board))) {
      this.setSysreg(name, value);
    }
    this.reset(entryLevel);
  }

  // ---- running ----

  /**
   * Runs guest code until a check point at or after the limit, or an exit; returns EXIT_* (sim/wasm/layout.ts).
   * Without an argument the present limit holds.
   */
  run(limitCycles?: number): number {
    if (limitCycles !== undefined) this.limit = limitCycles;
    for (;;) {
      this.#kernel.running = this.index;
      const exit = this.#kernel.run(this.index);
      this.#kernel.running = -1;
      if (exit !== EXIT_MARKER) return exit;
      this.#kernel.onMarker();
    }
  }

  /** Exception return through ELR_EL2 and SPSR_EL2 for a modelled EL2; false if it is illegal. */
  eret(): boolean {
    return this.#kernel.hostEret(this.index) !== 0;
  }

  /** Warm reset into `level` with MMU off and DAIF set; registers are zero, cycles and lines are kept. */
  reset(level: number): void {
    this.#kernel.resetCore(this.index, level);
  }

  /** Operand of the last exit, low word: see EXIT_*. */
  get exitInfo(): number {
    return this.#word(CORE_EXIT_INFO);
  }

  /** True if exceptions to EL2 return from run() instead of entering guest code. */
  get el2Model(): boolean {
    return (this.#word(CORE_FLAGS) & FLAG_EL2_MODEL) !== 0;
  }

  set el2Model(on: boolean) {
    const flags = this.#word(CORE_FLAGS);
    this.#setWord(CORE_FLAGS, on ? flags | FLAG_EL2_MODEL : flags & ~FLAG_EL2_MODEL);
  }

  // ---- time ----

  /** Own cycles since power-on; local time is cycles * ticksPerCycle. */
  get cycles(): number {
    return this.#double(CORE_CYCLES);
  }

  set cycles(cycles: number) {
    this.#setDouble(CORE_CYCLES, cycles);
  }

  /** Moves local time forward. */
  charge(cycles: number): void {
    this.#setDouble(CORE_CYCLES, this.#double(CORE_CYCLES) + cycles);
  }

  /** Cycle count at which run() returns; a change takes effect at once. */
  get limit(): number {
    return this.#double(CORE_LIMIT);
  }

  set limit(cycles: number) {
    const clamped = cycles > 0 ? cycles : 0;
    this.#kernel.hostSetLimit(this.index, Math.floor(clamped / WORD), clamped % WORD);
  }

  /** Instructions retired. */
  get instructions(): number {
    return this.#double(CORE_INSNS);
  }

  /** Exceptions taken, all levels. */
  get exceptions(): number {
    return this.#word(CORE_EXCEPTIONS);
  }

  /** Data aborts of stage 2 taken to EL2. */
  get stage2Aborts(): number {
    return this.#word(CORE_S2_ABORTS);
  }

  /** Those of them whose IPA lies in the window that was set. */
  get windowAborts(): number {
    return this.#word(CORE_WINDOW_ABORTS);
  }

  /** The IPA range [lo, hi) that `windowAborts` counts. */
  setAbortWindow(lo: number, hi: number): void {
    this.#setDouble(CORE_WINDOW_LO, lo);
    this.#setDouble(CORE_WINDOW_HI, hi);
  }

  // ---- interrupts and events ----

  /** LINE_* asserted by the interrupt controller. */
  get lines(): number {
    return this.#word(CORE_LINES);
  }

  /** Sets all lines; takes effect at the next check point. */
  setLines(lines: number): void {
    this.#kernel.hostSetLines(this.index, lines);
  }

  /** True if an interrupt would be taken now. */
  get interruptPending(): boolean {
    return this.#kernel.hostPending(this.index) !== 0;
  }

  /** The event register of WFE and SEV. */
  get event(): boolean {
    return this.#word(CORE_EVENT) !== 0;
  }

  set event(on: boolean) {
    this.#setWord(CORE_EVENT, on ? 1 : 0);
  }

  // ---- performance monitors ----

  /** Brings the event counters up to date; returns the level of the overflow interrupt. */
  updatePmu(): boolean {
    return this.#kernel.hostPmu(this.index) !== 0;
  }

  /** The cycle count before which no counter overflows with an interrupt, as of updatePmu(); undefined: none will. */
  get pmuDeadline(): number | undefined {
    const deadline = this.#double(CORE_PMU_DEADLINE);
    return deadline >= NO_DEADLINE * WORD ? undefined : deadline;
  }

  /** True while the core waits, or has been reset, and has not run since. */
  get pmuSuspended(): boolean {
    return this.#word(CORE_REARM) !== 0;
  }

  // ---- registers ----

  /** Xn, n = 0..30; 31 reads zero. */
  x(n: number): bigint {
    return n === 31 ? 0n : (this.#u64[(this.#hot(HOT_X) >> 3) + n] as bigint);
  }

  /** Writes Xn; n = 31 is ignored. */
  setX(n: number, value: bigint): void {
    if (n !== 31) this.#u64[(this.#hot(HOT_X) >> 3) + n] = value;
  }

  /** Low word of Xn. */
  xLo(n: number): number {
    return n === 31 ? 0 : (this.#u32[(this.#hot(HOT_X) >> 2) + 2 * n] as number);
  }

  /** High word of Xn. */
  xHi(n: number): number {
    return n === 31 ? 0 : (this.#u32[(this.#hot(HOT_X) >> 2) + 2 * n + 1] as number);
  }

  /** Writes Xn from two words. */
  setXWords(n: number, hi: number, lo: number): void {
    if (n === 31) return;
    const at = (this.#hot(HOT_X) >> 2) + 2 * n;
    this.#u32[at] = lo;
    this.#u32[at + 1] = hi;
  }

  get pc(): bigint {
    return this.#u64[this.#hot(HOT_PC) >> 3] as bigint;
  }

  set pc(value: bigint) {
    this.#u64[this.#hot(HOT_PC) >> 3] = value;
  }

  /** The selected stack pointer. */
  get sp(): bigint {
    return this.#u64[this.#hot(HOT_SP) >> 3] as bigint;
  }

  set sp(value: bigint) {
    this.#u64[this.#hot(HOT_SP) >> 3] = value;
  }

  /** The 16 bytes of Vn, as a view. */
  v(n: number): Uint8Array {
    return this.#kernel.u8.subarray(this.#hot(HOT_V) + 16 * n, this.#hot(HOT_V) + 16 * n + 16);
  }

  get fpcr(): number {
    return this.#u32[this.#hot(HOT_FPCR) >> 2] as number;
  }

  get fpsr(): number {
    return this.#u32[this.#hot(HOT_FPSR) >> 2] as number;
  }

  /** Current exception level. */
  get el(): number {
    return this.#word(CORE_EL);
  }

  /** PSTATE in the format of SPSR_ELx. */
  get pstate(): number {
    const nzcv = (this.#u32[this.#hot(HOT_NZCV) >> 2] as number) & 0xf000_0000;
    const il = this.#word(CORE_PSTATE_IL) << 20;
    const ss = this.#word(CORE_PSTATE_SS) << 21;
    return (nzcv | ss | il | this.#word(CORE_DAIF) | (this.el << 2) | this.#word(CORE_SPSEL)) >>> 0;
  }

  /** Sets NZCV and DAIF; EL and SPSel only by reset, exceptions and exception return. */
  set pstate(value: number) {
    this.#u32[this.#hot(HOT_NZCV) >> 2] = value & 0xf000_0000;
    this.#setWord(CORE_DAIF, value & DAIF_MASK);
    this.#kernel.hostStateChanged(this.index);
  }

  /**
   * A system register's stored value, by the name of sim/cpu/isa/sysregs.ts; SP_ELx also while selected. Registers
   * without a slot (counters, views) and unknown names throw RangeError: our bug.
   */
  sysreg(name: SlotName | (string & {})): bigint {
    return this.#u64[this.#slot(name)] as bigint;
  }

  /** Stores a system register as it is, without write masks or side effects; translation follows at the next run(). */
  setSysreg(name: SlotName | (string & {}), value: bigint): void {
    this.#u64[this.#slot(name)] = value;
  }

  #slot(name: string): number {
    if (name.startsWith('SP_EL') && name === this.#selectedSp()) return this.#hot(HOT_SP) >> 3;
    const slot = SYSREG_SLOT[name as SlotName];
    if (slot === undefined) throw new RangeError(`no system register slot ${name}`);
    return ((this.#block + CORE_SYSREG) >> 3) + slot;
  }

  #selectedSp(): string {
    return `SP_EL${this.#word(CORE_SPSEL) === 0 ? 0 : this.el}`;
  }

  /** Address of a HOT_* location: in the HOT block while this core runs, else in the core block. */
  #hot(offset: number): number {
    return this.#kernel.running === this.index ? offset : this.#block + CORE_HOT + offset - HOT_BASE;
  }

  #word(offset: number): number {
    return this.#u32[(this.#block + offset) >> 2] as number;
  }

  #setWord(offset: number, value: number): void {
    this.#u32[(this.#block + offset) >> 2] = value;
  }

  #double(offset: number): number {
    const at = (this.#block + offset) >> 2;
    return (this.#u32[at + 1] as number) * WORD + (this.#u32[at] as number);
  }

  #setDouble(offset: number, value: number): void {
    const at = (this.#block + offset) >> 2;
    this.#u32[at] = value % WORD;
    this.#u32[at + 1] = Math.floor(value / WORD);
  }
}
