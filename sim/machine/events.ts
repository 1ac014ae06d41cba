import type { Ticks } from './time.js';

/**
 * One event, a named member of its owner (rules T1-T6): a snapshot stores "name, when", a trace prints it.
 * It is unlinked before its handler runs, so a handler may schedule it again or cancel others.
 */
export interface TimedEvent {
  readonly name: string;
  /** Absolute time at which it is due, or undefined when not scheduled. */
  readonly when: Ticks | undefined;
  /** Schedules, or moves. A time in the past runs at the next dispatch. Ties run in scheduling order. */
  scheduleAt(when: Ticks): void;
  cancel(): void;
}

export interface Clock {
  readonly tickHz: number;
  readonly ticksPerCount: number;
  /** The local time of the core now running, or the dispatch time of the event now running. */
  now(): Ticks;
  /** Creates the owner's event; names are unique in a machine. */
  event(name: string, handler: () => void): TimedEvent;
}
