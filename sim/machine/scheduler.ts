import type { SliceOutcome } from './el2.js';
import { EventQueue, type SavedQueue } from './event-queue.js';
import { NEVER, type Ticks } from './time.js';

/** A core as the scheduler sees it. Cycles are its own, since power-on. */
export interface ScheduledCore {
  readonly index: number;
  readonly ticksPerCycle: number;
  cycles: number;
  /** The cycle count at which the slice ends; may be lowered while the core runs. */
  limit: number;
}

export interface SchedulerOptions {
  readonly tickHz: number;
  readonly ticksPerCount: number;
  /** Longest slice while several cores are busy, in ticks. */
  readonly quantum: Ticks;
  /** The same while a request is in flight. */
  readonly syncWindow: Ticks;
  /** Longest slice of the only busy core; it only bounds how long the host waits. */
  readonly soloQuantum: Ticks;
  readonly requestInFlight: () => boolean;
  readonly onDispatch?: (name: string, at: Ticks) => void;
}

/** `ran`: there is more to do. `waiting`: every core idles and no event is queued. `stopped`: stop() was called. */
export type RoundOutcome = 'ran' | 'waiting' | 'stopped';

export interface SavedScheduler {
  readonly base: string;
  readonly idle: readonly boolean[];
  readonly queue: SavedQueue;
}

/**
 * Time and the order of cores. A round gives each busy core one slice up to a common end, which is the next event or
 * the quantum's end and moves closer when an earlier event is posted meanwhile; then the events due run. When every
 * core idles, time jumps to the next event.
 */
export class Scheduler {
  readonly queue: EventQueue;
  /** Everything before this time is done on every core. */
  #base: Ticks = 0n;
  #sliceEnd: Ticks = 0n;
  #current: ScheduledCore | undefined;
  #wokenInSlice = false;
  #stopped = false;
  readonly #idle: boolean[];

  constructor(
    readonly cores: readonly ScheduledCore[],
    private readonly slice: (core: ScheduledCore) => SliceOutcome,
    private readonly options: SchedulerOptions,
  ) {
    this.#idle = cores.map(() => false);
    this.queue = new EventQueue({
      tickHz: options.tickHz,
      ticksPerCount: options.ticksPerCount,
      localTime: () => (this.#current === undefined ? undefined : localTime(this.#current)),
      onEarlier: (when) => this.#shorten(when),
      ...(options.onDispatch === undefined ? {} : { onDispatch: options.onDispatch }),
    });
  }

  /** The time up to which all cores have run. */
  get base(): Ticks {
    return this.#base;
  }

  /** The core whose slice is running. */
  get current(): ScheduledCore | undefined {
    return this.#current;
  }

  isIdle(core: number): boolean {
    return this.#idle[core] === true;
  }

  /** True if no core has anything to do. */
  get allIdle(): boolean {
    return this.#idle.every((idle) => idle);
  }

  /**
   * True if something done to `core` now would reach it before its own time: it is busy, does not run, and lags.
   */
  lags(core: number): boolean {
    const target = this.cores[core] as ScheduledCore;
    return target !== this.#current && this.#idle[core] === false && localTime(target) < this.queue.now();
  }

  /** Makes an idle core busy from now on, its cycle count moved forward to now. Its first slice follows. */
  wake(core: number): void {
    const target = this.cores[core] as ScheduledCore;
    if (target === this.#current) {
      this.#wokenInSlice = true;
      return;
    }
    if (this.#idle[core] !== true) return;
    this.#idle[core] = false;
    const now = this.queue.now();
    const cycles = cyclesAt(target, now);
    if (cycles > target.cycles) target.cycles = cycles;
    // The running core must not run far ahead of the one that now starts.
    if (this.#current !== undefined) this.#shorten(now);
  }

  /** Ends the run: the running slice stops at its next check point and no further one begins. */
  stop(): void {
    this.#stopped = true;
    if (this.#current !== undefined) this.#shorten(0n);
  }

  /** Allows rounds again after stop(). */
  resume(): void {
    this.#stopped = false;
  }

  /** One round, not past `until`; while every core idles, not past `idleUntil` either. */
  round(until: Ticks, idleUntil: Ticks = NEVER): RoundOutcome {
    if (this.#stopped) return 'stopped';
    this.queue.dispatch(this.#base, () => this.#stopped);
    if (this.#stopped) return 'stopped';
    if (this.#base >= until) return 'ran';
    const busy = this.#idle.reduce((count, idle) => count + (idle ? 0 : 1), 0);
    const next = this.queue.next();
    if (busy === 0) {
      if (next >= NEVER) return 'waiting';
      const end = idleUntil < until && idleUntil > this.#base ? idleUntil : until;
      this.#base = next < end ? next : end;
      this.queue.dispatch(this.#base, () => this.#stopped);
      return this.#stopped ? 'stopped' : 'ran';
    }
    const { quantum, syncWindow, soloQuantum, requestInFlight } = this.options;
    let end = this.#base + (busy === 1 ? soloQuantum : requestInFlight() ? syncWindow : quantum);
    if (next < end) end = next;
    if (until < end) end = until;
    this.#sliceEnd = end;
    for (const core of this.cores) {
      if (this.#idle[core.index] === true || localTime(core) >= this.#sliceEnd) continue;
      this.#runSlice(core);
      if (this.#stopped) return 'stopped';
    }
    if (this.#sliceEnd > this.#base) this.#base = this.#sliceEnd;
    this.queue.dispatch(this.#base, () => this.#stopped);
    return this.#stopped ? 'stopped' : 'ran';
  }

  /** Lets time pass while every core idles and nothing is queued. */
  skip(to: Ticks): void {
    if (to <= this.#base) return;
    this.#base = to;
    this.queue.dispatch(to, () => this.#stopped);
  }

  save(): SavedScheduler {
    return { base: String(this.#base), idle: [...this.#idle], queue: this.queue.save() };
  }

  load(saved: SavedScheduler): void {
    this.#base = BigInt(saved.base);
    saved.idle.forEach((idle, core) => (this.#idle[core] = idle));
    this.queue.load(saved.queue);
    this.#stopped = false;
  }

  #runSlice(core: ScheduledCore): void {
    this.#current = core;
    this.#wokenInSlice = false;
    core.limit = cyclesAt(core, this.#sliceEnd);
    const outcome = this.slice(core);
    this.#current = undefined;
    if (outcome === 'idle') {
      this.#idle[core.index] = !this.#wokenInSlice;
    } else if (outcome === 'ran' && core.cycles < core.limit && !this.#stopped) {
      throw new Error(`core ${core.index} gave up its slice at cycle ${core.cycles} of ${core.limit}`);
    } else if (outcome === 'stopped') {
      this.#stopped = true;
    }
  }

  #shorten(when: Ticks): void {
    if (when >= this.#sliceEnd) return;
    this.#sliceEnd = when;
    const core = this.#current;
    if (core !== undefined) {
      const limit = cyclesAt(core, when);
      if (limit < core.limit) core.limit = limit;
    }
  }
}

/** A core's local time in ticks; cycles beyond 2^53 / ticksPerCycle make it a bigint. */
export function localTime(core: ScheduledCore): Ticks {
  return BigInt(core.cycles) * BigInt(core.ticksPerCycle);
}

/** The first cycle of a core at or after a time. */
export function cyclesAt(core: ScheduledCore, time: Ticks): number {
  const per = BigInt(core.ticksPerCycle);
  return Number((time + per - 1n) / per);
}
