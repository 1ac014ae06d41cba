import { TraceHash } from './hash.js';

/** What a record says. Operands a..e are unsigned 32-bit words; see RECORD_FIELDS. */
export const TraceKind = {
  Name: 1, // defines a name: its UTF-8 bytes follow in Text records
  Text: 2,
  Exception: 3,
  Interrupt: 4,
  MmioRead: 5,
  MmioWrite: 6,
  Hypercall: 7,
  HypercallReturn: 8,
  Ioreq: 9,
  Event: 10,
  Lines: 11,
  Firmware: 12,
  GuestError: 13,
  Input: 14,
  Open: 15,
  Step: 16,
  Close: 17,
  Outcome: 18,
  Wake: 19,
  DomainEvent: 20,
  Counter: 21,
  Span: 22,
} as const;
export type TraceKind = (typeof TraceKind)[keyof typeof TraceKind];

/**
 * Names of the operands, for readers. `*Name` operands are ids of Name records; lo/hi pairs are one number.
 * `vcpu` is domid << 16 | vCPU. An ioreq's `access` is state | dir << 4 | type << 8 | size << 16 | count << 24, as in
 * its slot; `addr` and `data` are low words. A counter has `value` from its time on; a span of a subject begins (`begin` 1,
 * with an `amount` of bytes) and ends (0).
 */
export const RECORD_FIELDS: Readonly<Record<TraceKind, readonly string[]>> = {
  [TraceKind.Name]: ['id', 'bytes'],
  [TraceKind.Text]: ['w0', 'w1', 'w2', 'w3', 'w4'],
  [TraceKind.Exception]: ['esr', 'farLo', 'farHi', 'elrLo', 'elrHi'],
  [TraceKind.Interrupt]: ['intid', 'levelName', 'vcpu', 'detail', 'detail2'],
  [TraceKind.MmioRead]: ['paLo', 'paHi', 'width', 'lo', 'hi'],
  [TraceKind.MmioWrite]: ['paLo', 'paHi', 'width', 'lo', 'hi'],
  [TraceKind.Hypercall]: ['number', 'arg0', 'arg1', 'arg2', 'vcpu'],
  [TraceKind.HypercallReturn]: ['number', 'resultLo', 'resultHi', 'detail', 'vcpu'],
  [TraceKind.Ioreq]: ['request', 'vcpu', 'access', 'addr', 'data'],
  [TraceKind.Event]: ['eventName'],
  [TraceKind.Lines]: ['target', 'lines'],
  [TraceKind.Firmware]: ['function', 'arg1', 'arg2', 'arg3', 'result'],
  [TraceKind.GuestError]: ['errorName', 'deviceName', 'count'],
  [TraceKind.Input]: ['consoleName', 'bytes', 'w0', 'w1', 'w2'],
  [TraceKind.Open]: ['request', 'opName', 'registerName', 'cpu', 'detail'],
  [TraceKind.Step]: ['request', 'stepName', 'phaseName', 'cpu', 'costName'],
  [TraceKind.Close]: ['request', 'cpu', 'abandoned'],
  [TraceKind.Outcome]: ['outcomeName', 'w1', 'w2', 'w3', 'w4'],
  [TraceKind.Wake]: ['target'],
  [TraceKind.DomainEvent]: ['domain', 'eventName', 'a', 'b', 'c'],
  [TraceKind.Counter]: ['counterName', 'subjectName', 'value'],
  [TraceKind.Span]: ['spanName', 'subjectName', 'begin', 'amount'],
};

export const KIND_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(TraceKind).map(([name, value]) => [value, name]),
);

/** Words of a record: kind | core << 8; time in ticks, low and high; operands a..e. */
export const RECORD_WORDS = 8;
/** The core field of a record that no core made. */
export const NO_CORE = 0xff;

/** Receives full blocks of records; the array is reused, so it must be consumed before returning. */
export type TraceSink = (words: Uint32Array) => void;

const BLOCK_RECORDS = 4096;

/**
 * The trace of a run: fixed-size records into a ring, each mixed into the run's hash. Recording costs the same
 * whether a file is written or not, and the hash does not depend on it.
 */
export class Trace {
  readonly #words = new Uint32Array(BLOCK_RECORDS * RECORD_WORDS);
  readonly #hash = new TraceHash();
  readonly #names = new Map<string, number>();
  #at = 0;
  #wrapped = false;
  #events = 0;
  #sink: TraceSink | undefined;

  /** Records so far. */
  get events(): number {
    return this.#events;
  }

  /** Streams every record from here on to `sink`, in blocks; call `flush` at the end. */
  attach(sink: TraceSink): void {
    this.#sink = sink;
    this.#at = 0;
    this.#wrapped = false;
    // A file that starts late still needs the names that were defined before.
    for (const [name, id] of this.#names) this.#define(name, id, false);
  }

  /** Adds one record. `timeLo`/`timeHi`: ticks; operands are taken modulo 2^32. */
  record(kind: TraceKind, core: number, timeLo: number, timeHi: number, a = 0, b = 0, c = 0, d = 0, e = 0): void {
    this.#put(kind | ((core & 0xff) << 8), timeLo, timeHi, a, b, c, d, e, true);
    this.#events++;
  }

  /** The same with a bigint time. */
  recordAt(kind: TraceKind, core: number, time: bigint, a = 0, b = 0, c = 0, d = 0, e = 0): void {
    this.record(kind, core, Number(time & 0xffff_ffffn), Number(time >> 32n), a, b, c, d, e);
  }

  /** The id of a name, defining it in the trace at first use. */
  name(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const id = this.#names.size + 1;
    this.#names.set(name, id);
    this.#define(name, id, true);
    return id;
  }

  /** Every name defined so far, by id. */
  definitions(): Map<number, string> {
    return new Map([...this.#names].map(([name, id]) => [id, name]));
  }

  /** Writes what is still buffered to the sink. */
  flush(): void {
    if (this.#sink !== undefined && this.#at > 0) this.#sink(this.#words.subarray(0, this.#at));
    this.#at = 0;
    this.#wrapped = false;
  }

  /** The newest records, oldest first, at most `count` (and at most what the ring still holds). */
  tail(count: number): Uint32Array {
    const have = this.#wrapped ? BLOCK_RECORDS : this.#at / RECORD_WORDS;
    const wanted = Math.min(count, have);
    const out = new Uint32Array(wanted * RECORD_WORDS);
    const size = this.#words.length;
    let from = (this.#at - wanted * RECORD_WORDS + size) % size;
    for (let i = 0; i < out.length; i++) {
      out[i] = this.#words[from] as number;
      from = (from + 1) % size;
    }
    return out;
  }

  /** Hash of everything recorded, as 16 hexadecimal digits; `final` adds words such as registers and RAM digest. */
  hash(final: Iterable<number | string> = []): string {
    const copy = new TraceHash();
    copy.load(this.#hash.save());
    for (const part of final) {
      if (typeof part === 'number') copy.word(part);
      else copy.text(part);
    }
    return copy.hex();
  }

  save(): unknown {
    return { hash: this.#hash.save(), events: this.#events, names: [...this.#names.keys()] };
  }

  load(state: unknown): void {
    const { hash, events, names } = state as { hash: [number, number]; events: number; names: string[] };
    this.#hash.load(hash);
    this.#events = events;
    this.#names.clear();
    names.forEach((name, index) => this.#names.set(name, index + 1));
    if (this.#sink !== undefined) for (const [name, id] of this.#names) this.#define(name, id, false);
  }

  #define(name: string, id: number, hashed: boolean): void {
    const bytes = new TextEncoder().encode(name);
    this.#put(TraceKind.Name | (NO_CORE << 8), 0, 0, id, bytes.length, 0, 0, 0, hashed);
    for (let at = 0; at < bytes.length; at += 20) {
      const w = [0, 0, 0, 0, 0];
      for (let i = 0; i < 20 && at + i < bytes.length; i++) {
        w[i >> 2] = ((w[i >> 2] as number) | ((bytes[at + i] as number) << ((i & 3) * 8))) >>> 0;
      }
      const [a = 0, b = 0, c = 0, d = 0, e = 0] = w;
      this.#put(TraceKind.Text | (NO_CORE << 8), id, at, a, b, c, d, e, hashed);
    }
  }

  #put(
    head: number,
    timeLo: number,
    timeHi: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    hashed: boolean,
  ): void {
    const words = this.#words;
    const at = this.#at;
    words[at] = head;
    words[at + 1] = timeLo;
    words[at + 2] = timeHi;
    words[at + 3] = a;
    words[at + 4] = b;
    words[at + 5] = c;
    words[at + 6] = d;
    words[at + 7] = e;
    if (hashed) this.#hash.words(words, at, at + RECORD_WORDS);
    if (at + RECORD_WORDS < words.length) {
      this.#at = at + RECORD_WORDS;
      return;
    }
    this.#sink?.(words);
    this.#at = 0;
    this.#wrapped = true;
  }
}
