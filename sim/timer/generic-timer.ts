/**
 * The Arm generic timers of every core: EL1 physical (CNTP), virtual (CNTV), EL2 physical (CNTHP); DDI 0487,
 * chapter D12. The registers are the kernel's system-register slots; this file derives from them, after each
 * write, the level of the interrupt lines and the moment at which a level will change by itself.
 */
import type { IrqLine } from '../machine/device.js';
import type { Clock, TimedEvent } from '../machine/events.js';
import type { Ticks } from '../machine/time.js';
import { NEVER } from '../machine/time.js';

export type TimerName = 'cntp' | 'cntv' | 'cnthp';
export const TIMER_NAMES: readonly TimerName[] = ['cntp', 'cntv', 'cnthp'];

const REGISTERS: Readonly<Record<TimerName, { ctl: string; cval: string; offset?: string }>> = {
  cntp: { ctl: 'CNTP_CTL_EL0', cval: 'CNTP_CVAL_EL0' },
  cntv: { ctl: 'CNTV_CTL_EL0', cval: 'CNTV_CVAL_EL0', offset: 'CNTVOFF_EL2' },
  cnthp: { ctl: 'CNTHP_CTL_EL2', cval: 'CNTHP_CVAL_EL2' },
};

export const CTL_ENABLE = 1n;
export const CTL_IMASK = 2n;
const U64 = (1n << 64n) - 1n;

export interface GenericTimerDeps {
  readonly cores: number;
  /** Value of a 64-bit system-register slot of a core. */
  readSysreg(core: number, name: string): bigint;
  /** A core's local time; CNTPCT is this divided by ticksPerCount. */
  localTicks(core: number): Ticks;
  readonly clock: Clock;
  /** Level-sensitive PPI of a timer of a core. */
  line(core: number, timer: TimerName): IrqLine;
}

/** What a timer's registers and the count say. */
export interface TimerCondition {
  /** ISTATUS, valid while ENABLE is set: the count has reached CVAL. */
  readonly met: boolean;
  /** Counts until `met` changes. */
  readonly countsToChange: bigint;
}

/**
 * The timer condition (DDI 0487 D12.2.4, CompareValue view): (count - offset) mod 2^64 >= CVAL, unsigned. Once met
 * it stays so until the offset count wraps to zero.
 */
export function timerCondition(count: bigint, offset: bigint, cval: bigint): TimerCondition {
  const view = (count - offset) & U64;
  return view >= cval ? { met: true, countsToChange: U64 + 1n - view } : { met: false, countsToChange: cval - view };
}

export class GenericTimer {
  readonly #deps: GenericTimerDeps;
  readonly #ticksPerCount: bigint;
  readonly #lines: readonly IrqLine[]; // by core * 3 + timer
  readonly #events: readonly TimedEvent[];

  constructor(deps: GenericTimerDeps) {
    this.#deps = deps;
    this.#ticksPerCount = BigInt(deps.clock.ticksPerCount);
    const slots = Array.from({ length: deps.cores }, (_, core) => TIMER_NAMES.map((timer) => ({ core, timer }))).flat();
    this.#lines = slots.map(({ core, timer }) => deps.line(core, timer));
    this.#events = slots.map(({ core, timer }, slot) =>
      deps.clock.event(`cpu${core}.${timer}`, () => this.#derive(core, slot, deps.clock.now())),
    );
  }

  /** CNTPCT of a core. */
  count(core: number): bigint {
    return this.#deps.localTicks(core) / this.#ticksPerCount;
  }

  /** To be called after a write to any timer register of a core, CNTVOFF_EL2 included, and after a restore. */
  recompute(core: number): void {
    for (let timer = 0; timer < TIMER_NAMES.length; timer++) this.#derive(core, core * TIMER_NAMES.length + timer, 0n);
  }

  /** ISTATUS of a timer: bit 2 of its CTL register, which reads as zero while the timer is disabled. */
  istatus(core: number, timer: TimerName): boolean {
    return (this.#ctl(core, timer) & CTL_ENABLE) !== 0n && this.#condition(core, timer, 0n).met;
  }

  reset(): void {
    for (let core = 0; core < this.#deps.cores; core++) this.recompute(core);
  }

  #ctl(core: number, timer: TimerName): bigint {
    return this.#deps.readSysreg(core, REGISTERS[timer].ctl);
  }

  /** `atLeast`: the time of the event being dispatched, which a core that has stopped short of it counts as reached. */
  #condition(core: number, timer: TimerName, atLeast: Ticks): TimerCondition & { count: bigint } {
    const { cval, offset } = REGISTERS[timer];
    const local = this.#deps.localTicks(core);
    const count = (local > atLeast ? local : atLeast) / this.#ticksPerCount;
    const shift = offset === undefined ? 0n : this.#deps.readSysreg(core, offset);
    return { ...timerCondition(count, shift, this.#deps.readSysreg(core, cval)), count };
  }

  #derive(core: number, slot: number, atLeast: Ticks): void {
    const timer = TIMER_NAMES[slot % TIMER_NAMES.length]!;
    const ctl = this.#ctl(core, timer);
    const event = this.#events[slot]!;
    if ((ctl & CTL_ENABLE) === 0n || (ctl & CTL_IMASK) !== 0n) {
      event.cancel();
      this.#lines[slot]!.set(false);
      return;
    }
    const { met, countsToChange, count } = this.#condition(core, timer, atLeast);
    // The first tick at which the count has its new value.
    const when = (count + countsToChange) * this.#ticksPerCount;
    if (when >= NEVER) event.cancel();
    else if (event.when !== when) event.scheduleAt(when);
    this.#lines[slot]!.set(met);
  }
}
