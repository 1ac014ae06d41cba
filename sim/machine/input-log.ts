import { NEVER, type Ticks } from './time.js';

/** Console input with the time at which it was given: the one non-determinism, so it is recorded. */
export interface InputRecord {
  /** Ticks, as a decimal string. */
  readonly time: string;
  readonly console: string;
  readonly bytes: readonly number[];
}

/** Records the input of a run, and delivers that of an earlier one at the same times. */
export class InputLog {
  readonly #given: InputRecord[] = [];
  #replay: InputRecord[];

  /** @param replay in the order of their times. */
  constructor(
    replay: readonly InputRecord[],
    private readonly deliver: (record: InputRecord) => void,
  ) {
    this.#replay = [...replay];
  }

  /** Everything delivered so far, for `--record`. */
  get given(): readonly InputRecord[] {
    return this.#given;
  }

  /** When the next recorded input is due, or NEVER. */
  get next(): Ticks {
    const first = this.#replay[0];
    return first === undefined ? NEVER : BigInt(first.time);
  }

  /** Input that is due at its time; what is due at the same time keeps its order. */
  add(record: InputRecord): void {
    const time = BigInt(record.time);
    const at = this.#replay.findIndex((other) => BigInt(other.time) > time);
    this.#replay.splice(at < 0 ? this.#replay.length : at, 0, record);
  }

  deliverDue(now: Ticks): void {
    while (this.next <= now) {
      const record = this.#replay.shift() as InputRecord;
      this.#given.push(record);
      this.deliver(record);
    }
  }

  save(): unknown {
    return { given: this.#given, replay: this.#replay };
  }

  load(state: unknown): void {
    const { given, replay } = state as { given: InputRecord[]; replay: InputRecord[] };
    this.#given.splice(0, this.#given.length, ...given);
    this.#replay = [...replay];
  }
}
