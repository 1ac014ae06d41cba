import type { Clock, TimedEvent } from './events.js';
import { NEVER, type Ticks } from './time.js';

/** A queued event as a snapshot stores it; `seq` keeps the order of ties. */
export interface SavedEvent {
  readonly name: string;
  readonly when: string;
  readonly seq: number;
}

export interface SavedQueue {
  readonly time: string;
  readonly nextSeq: number;
  readonly events: readonly SavedEvent[];
}

export interface EventQueueOptions {
  readonly tickHz: number;
  readonly ticksPerCount: number;
  /** Local time of the core now running, or undefined when no core runs. */
  readonly localTime?: () => Ticks | undefined;
  /** Called when an event becomes due earlier than every other one, so that a running slice can be shortened. */
  readonly onEarlier?: (when: Ticks) => void;
  /** Called before each handler, with the time of dispatch (trace). */
  readonly onDispatch?: (name: string, at: Ticks) => void;
}

class Entry implements TimedEvent {
  when: Ticks | undefined = undefined;
  seq = 0;
  heapIndex = -1;

  constructor(
    private readonly queue: EventQueue,
    readonly name: string,
    readonly handler: () => void,
  ) {}

  scheduleAt(when: Ticks): void {
    this.queue.schedule(this, when);
  }

  cancel(): void {
    this.queue.remove(this);
  }
}

/**
 * The machine's one event queue: a binary heap ordered by (time, order of scheduling), rules T1-T6. Time never
 * goes back: an event scheduled in the past runs at the next dispatch, at the time of that dispatch.
 */
export class EventQueue implements Clock {
  readonly tickHz: number;
  readonly ticksPerCount: number;
  #time: Ticks = 0n;
  #nextSeq = 0;
  #dispatching = false;
  readonly #heap: Entry[] = [];
  readonly #byName = new Map<string, Entry>();
  readonly #localTime: () => Ticks | undefined;
  readonly #onEarlier: ((when: Ticks) => void) | undefined;
  readonly #onDispatch: ((name: string, at: Ticks) => void) | undefined;

  constructor(options: EventQueueOptions) {
    this.tickHz = options.tickHz;
    this.ticksPerCount = options.ticksPerCount;
    this.#localTime = options.localTime ?? (() => undefined);
    this.#onEarlier = options.onEarlier;
    this.#onDispatch = options.onDispatch;
  }

  now(): Ticks {
    if (this.#dispatching) return this.#time;
    return this.#localTime() ?? this.#time;
  }

  /** The time up to which everything due has run. */
  get time(): Ticks {
    return this.#time;
  }

  event(name: string, handler: () => void): TimedEvent {
    if (this.#byName.has(name)) throw new Error(`event name ${name} is taken`);
    const entry = new Entry(this, name, handler);
    this.#byName.set(name, entry);
    return entry;
  }

  /** Time of the first queued event, or NEVER. */
  next(): Ticks {
    const first = this.#heap[0];
    return first === undefined ? NEVER : (first.when as Ticks);
  }

  /** Number of queued events. */
  get size(): number {
    return this.#heap.length;
  }

  /**
   * Runs, in order, every event due at or before `until` and moves time there. Events that handlers schedule
   * within that span run too (T5). `stop`, checked after each handler, ends the dispatch early.
   */
  dispatch(until: Ticks, stop?: () => boolean): void {
    this.#dispatching = true;
    try {
      for (;;) {
        const first = this.#heap[0];
        if (first === undefined) break;
        const when = first.when as Ticks;
        if (when > until) break;
        if (when > this.#time) this.#time = when;
        this.remove(first);
        this.#onDispatch?.(first.name, this.#time);
        first.handler();
        if (stop?.() === true) return;
      }
      if (until > this.#time) this.#time = until;
    } finally {
      this.#dispatching = false;
    }
  }

  schedule(entry: Entry, when: Ticks): void {
    if (when >= NEVER) {
      this.remove(entry);
      return;
    }
    const earlier = when < this.next();
    entry.when = when;
    entry.seq = this.#nextSeq++;
    if (entry.heapIndex < 0) {
      entry.heapIndex = this.#heap.length;
      this.#heap.push(entry);
      this.#up(entry.heapIndex);
    } else {
      this.#up(entry.heapIndex);
      this.#down(entry.heapIndex);
    }
    if (earlier) this.#onEarlier?.(when);
  }

  remove(entry: Entry): void {
    const index = entry.heapIndex;
    entry.when = undefined;
    if (index < 0) return;
    entry.heapIndex = -1;
    const last = this.#heap.pop() as Entry;
    if (last === entry) return;
    this.#place(last, index);
    this.#up(index);
    this.#down(last.heapIndex);
  }

  save(): SavedQueue {
    const events = [...this.#heap].sort((a, b) => (before(a, b) ? -1 : 1));
    return {
      time: String(this.#time),
      nextSeq: this.#nextSeq,
      events: events.map((e) => ({ name: e.name, when: String(e.when), seq: e.seq })),
    };
  }

  /** Replaces the queue's contents; every event named must have been created by its owner before. */
  load(saved: SavedQueue): void {
    for (const entry of [...this.#heap]) this.remove(entry);
    this.#time = BigInt(saved.time);
    for (const { name, when, seq } of saved.events) {
      const entry = this.#byName.get(name);
      if (entry === undefined) throw new Error(`snapshot names an unknown event: ${name}`);
      this.schedule(entry, BigInt(when));
      entry.seq = seq;
    }
    this.#heap.sort((a, b) => (before(a, b) ? -1 : 1));
    this.#heap.forEach((entry, index) => (entry.heapIndex = index));
    this.#nextSeq = saved.nextSeq;
  }

  #place(entry: Entry, index: number): void {
    this.#heap[index] = entry;
    entry.heapIndex = index;
  }

  #up(start: number): void {
    const entry = this.#heap[start] as Entry;
    let index = start;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#heap[parentIndex] as Entry;
      if (!before(entry, parent)) break;
      this.#place(parent, index);
      index = parentIndex;
    }
    this.#place(entry, index);
  }

  #down(start: number): void {
    const heap = this.#heap;
    const entry = heap[start] as Entry;
    let index = start;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= heap.length) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && before(right, heap[childIndex] as Entry)) childIndex++;
      const child = heap[childIndex] as Entry;
      if (!before(child, entry)) break;
      this.#place(child, index);
      index = childIndex;
    }
    this.#place(entry, index);
  }
}

function before(a: Entry, b: Entry): boolean {
  const x = a.when as Ticks;
  const y = b.when as Ticks;
  return x < y || (x === y && a.seq < b.seq);
}
