/** Events of the Chrome trace format, which the Perfetto UI reads ("Trace Event Format": phases X, i, C, s, t, f, M). */

/** A thread of a process: a line in the viewer. */
export interface Track {
  readonly pid: number;
  readonly tid: number;
}

export type Arguments = Readonly<Record<string, string | number>>;

/** Writes events as text, one a line, between a head and a tail that make the whole a JSON object. Times are in ticks. */
export class EventWriter {
  readonly #tickHz: bigint;
  readonly #named = new Set<string>();
  #any = false;

  /** @param put gets the text in pieces. */
  constructor(
    tickHz: number,
    private readonly put: (text: string) => void,
  ) {
    this.#tickHz = BigInt(tickHz);
    put('{"displayTimeUnit":"ns","traceEvents":[');
  }

  /** A slice [start, end). */
  slice(track: Track, name: string, category: string, start: bigint, end: bigint, args: Arguments): void {
    const from = this.#tenths(start);
    this.#event('X', track, from, { dur: decimal(this.#tenths(end) - from) }, { name, cat: category, args });
  }

  instant(track: Track, name: string, category: string, at: bigint, args: Arguments): void {
    this.#event('i', track, this.#tenths(at), {}, { name, cat: category, s: 't', args });
  }

  counter(pid: number, name: string, at: bigint, series: string, value: number): void {
    this.#event('C', { pid, tid: 0 }, this.#tenths(at), {}, { name, args: { [series]: value } });
  }

  /** A point of the arrow `id`: it begins, goes on, or ends at the slice that is on the track at that time. */
  flow(phase: 's' | 't' | 'f', track: Track, id: number, at: bigint): void {
    const tail = { name: 'request', cat: 'request', id, ...(phase === 'f' ? { bp: 'e' } : {}) };
    this.#event(phase, track, this.#tenths(at), {}, tail);
  }

  /** Names a process or, with a tid, a thread of it; said once. */
  name(pid: number, name: string, tid?: number): void {
    const key = `${pid} ${tid ?? ''}`;
    if (this.#named.has(key)) return;
    this.#named.add(key);
    const head = { ph: 'M', pid, ...(tid === undefined ? {} : { tid }) };
    const what = tid === undefined ? 'process' : 'thread';
    this.#line(JSON.stringify({ ...head, name: `${what}_name`, args: { name } }));
    const order = tid ?? pid;
    this.#line(JSON.stringify({ ...head, name: `${what}_sort_index`, args: { sort_index: order } }));
  }

  end(): void {
    this.put('\n]}\n');
  }

  /** Tenths of a nanosecond, rounded down: slices that touch in ticks touch in the file. */
  #tenths(ticks: bigint): bigint {
    return (ticks * 10_000_000_000n) / this.#tickHz;
  }

  /** Times are in microseconds; they are put in as text, which keeps all their digits. */
  #event(
    ph: string,
    { pid, tid }: Track,
    ts: bigint,
    times: Readonly<Record<string, string>>,
    rest: Readonly<Record<string, unknown>>,
  ): void {
    const more = Object.entries(times).map(([key, text]) => `"${key}":${text},`);
    this.#line(
      `{"ph":"${ph}","pid":${pid},"tid":${tid},"ts":${decimal(ts)},${more.join('')}${JSON.stringify(rest).slice(1)}`,
    );
  }

  #line(text: string): void {
    this.put(`${this.#any ? ',' : ''}\n${text}`);
    this.#any = true;
  }
}

/** Tenths of a nanosecond as microseconds. */
function decimal(tenths: bigint): string {
  const text = String(tenths).padStart(5, '0');
  return `${text.slice(0, -4)}.${text.slice(-4)}`;
}
