import { EventWriter, type Track } from './events.js';

/** A record of a trace file, names resolved (sim/trace/writer.ts). */
export interface TimelineRecord {
  readonly kind: string;
  readonly core: number | undefined;
  readonly time: bigint;
  readonly fields: Readonly<Record<string, number | string>>;
}

export interface TimelineOptions {
  readonly tickHz: number;
  /** A device register's name, from what the trace has. */
  readonly registerName: (register: string) => string;
  readonly put: (text: string) => void;
}

/** Processes of the viewer: groups of tracks. */
const PCPU = 1;
const VCPU = 2;
const XEN = 3;
const DOMD = 4;
const GIC = 5;
const DISK = 6;
const GROUPS: readonly [number, string][] = [
  [PCPU, 'pCPUs: which vCPU is loaded'],
  [VCPU, 'guest vCPUs'],
  [XEN, 'Xen'],
  [DOMD, 'driver domains'],
  [GIC, 'GIC'],
  [DISK, 'disks'],
];
const IDLE_DOMAIN = 0x7fff;
/** What a file can make this keep: requests that never close, names without end. */
const MAX_OPEN = 1024;
const MAX_SUBJECTS = 1024;
const NO_CPU = 0xffff_ffff;

interface Request {
  readonly kind: string;
  readonly register: string;
  readonly vcpu: number;
  readonly start: bigint;
  last: bigint;
  /** Where its last slice was, and the point of its arrow that is not written yet. */
  track: Track | undefined;
  pending: { readonly track: Track; readonly at: bigint } | undefined;
  begun: boolean;
}

/**
 * Turns a trace into a timeline, record by record, with memory that does not depend on the trace's length: slices are the
 * steps of requests on the track of who worked, arrows join the slices of one request.
 */
export class Timeline {
  readonly #out: EventWriter;
  readonly #open = new Map<number, Request>();
  /** By core: the vCPU that is loaded, and since when. */
  readonly #loaded = new Map<number, { readonly key: number; readonly since: bigint }>();
  /** By disk: what it does. */
  readonly #spans = new Map<string, { readonly name: string; readonly since: bigint; readonly amount: number }>();
  readonly #diskTracks = new Map<string, number>();
  #last = 0n;

  constructor(private readonly options: TimelineOptions) {
    this.#out = new EventWriter(options.tickHz, options.put);
    for (const [pid, name] of GROUPS) this.#out.name(pid, name);
  }

  /** Requests that are open: what memory is spent on. */
  get open(): number {
    return this.#open.size;
  }

  record(record: TimelineRecord): void {
    const { kind, time } = record;
    if (time > this.#last) this.#last = time;
    const n = (field: string): number => Number(record.fields[field] ?? 0);
    const text = (field: string): string => String(record.fields[field] ?? '');
    if (kind === 'Step') this.#step(n('request'), text('step'), text('phase'), n('cpu'), text('cost'), time);
    else if (kind === 'Open') this.#opened(n('request'), text('op'), text('register'), n('cpu'), time);
    else if (kind === 'Close') this.#close(n('request'), n('abandoned') === 1);
    else if (kind === 'DomainEvent') this.#domainEvent(record.core, text('event'), n('domain'), n('a'), n('b'), time);
    else if (kind === 'Counter') this.#counter(text('counter'), text('subject'), n('value'), time);
    else if (kind === 'Span') this.#span(text('span'), text('subject'), n('begin') === 1, n('amount'), time);
    else if (kind === 'Interrupt') this.#interrupt(record.core, n('intid'), text('level'), n('vcpu'), time);
  }

  /** Writes what is still open, and the end of the file. */
  end(): void {
    for (const id of [...this.#open.keys()]) this.#close(id, true);
    for (const [core, { key, since }] of this.#loaded) this.#ran(core, key, since, this.#last);
    for (const subject of [...this.#spans.keys()]) this.#endSpan(subject, this.#last);
    this.#out.end();
  }

  #opened(id: number, kind: string, register: string, cpu: number, time: bigint): void {
    const [oldest] = this.#open.keys();
    if (this.#open.size >= MAX_OPEN && oldest !== undefined) this.#close(oldest, true);
    const vcpu = this.#loaded.get(cpu)?.key ?? 0;
    const name = this.options.registerName(register);
    const request = { kind, register: name, vcpu, start: time, last: time };
    this.#open.set(id, { ...request, track: undefined, pending: undefined, begun: false });
  }

  #step(id: number, name: string, phase: string, cpu: number, cost: string, end: bigint): void {
    const request = this.#open.get(id);
    if (request === undefined) return;
    const start = request.last;
    const to = end > start ? end : start;
    request.last = to;
    const track = this.#trackOf(request, cpu, cost);
    const args = {
      request: id,
      kind: request.kind,
      register: request.register,
      cpu: cpu === NO_CPU ? -1 : cpu,
      ticks: Number(to - start),
      ...(cost === '' ? {} : { cost }),
    };
    this.#out.slice(track, name, phase, start, to, args);
    if (to > start) this.#arrow(id, request, track, start);
  }

  /** The arrow's last point is known only when the request closes: each is written when the next one comes. */
  #arrow(id: number, request: Request, track: Track, at: bigint): void {
    const before = request.track;
    request.track = track;
    if (before !== undefined && before.pid === track.pid && before.tid === track.tid) return;
    if (request.pending !== undefined) {
      this.#out.flow(request.begun ? 't' : 's', request.pending.track, id, request.pending.at);
      request.begun = true;
    }
    request.pending = { track, at };
  }

  #close(id: number, abandoned: boolean): void {
    const request = this.#open.get(id);
    if (request === undefined) return;
    this.#open.delete(id);
    const { kind, register, vcpu, start, last, pending, begun } = request;
    if (begun && pending !== undefined) this.#out.flow('f', pending.track, id, pending.at);
    const args = { request: id, ticks: Number(last - start), ...(abandoned ? { abandoned: 1 } : {}) };
    this.#out.slice(this.#requestTrack(vcpu), `${kind} ${register}`, 'request', start, last, args);
  }

  /** Who worked: by the timing entry that was charged. A wait that no wire makes is the vCPU's own. */
  #trackOf(request: Request, cpu: number, cost: string): Track {
    if (cost.startsWith('bus.')) return this.#track(GIC, 2 * request.vcpu + 1, `${vcpuName(request.vcpu)}: interrupts`);
    if (cpu === NO_CPU) return this.#requestTrack(request.vcpu);
    if (cost.startsWith('domd.')) {
      const key = this.#loaded.get(cpu)?.key ?? 0;
      return this.#track(DOMD, key + 1, vcpuName(key));
    }
    return this.#track(XEN, cpu + 1, `Xen on core ${cpu}`);
  }

  #requestTrack(vcpu: number): Track {
    return this.#track(VCPU, 2 * vcpu + 2, `${vcpuName(vcpu)}: requests`);
  }

  #track(pid: number, tid: number, name: string): Track {
    this.#out.name(pid, name, tid);
    return { pid, tid };
  }

  #domainEvent(core: number | undefined, event: string, domain: number, a: number, b: number, time: bigint): void {
    if (core === undefined) return;
    if (event !== 'switch') {
      this.#out.instant(this.#track(PCPU, core + 1, `core ${core}`), `d${domain} ${event}`, 'domain', time, {
        value: a,
      });
      return;
    }
    const before = this.#loaded.get(core);
    if (before !== undefined) this.#ran(core, before.key, before.since, time);
    this.#loaded.set(core, { key: b, since: time });
  }

  #ran(core: number, key: number, since: bigint, until: bigint): void {
    if (key >>> 16 === IDLE_DOMAIN || until <= since) return;
    const ticks = Number(until - since);
    this.#out.slice(this.#track(PCPU, core + 1, `core ${core}`), vcpuName(key), 'loaded', since, until, { ticks });
    const own = this.#track(VCPU, 2 * key + 1, `${vcpuName(key)}: loaded`);
    this.#out.slice(own, `core ${core}`, 'loaded', since, until, { ticks });
  }

  #interrupt(core: number | undefined, intid: number, level: string, vcpu: number, time: bigint): void {
    const physical = level === 'physical';
    const track = physical
      ? this.#track(PCPU, (core ?? 0) + 1, `core ${core ?? 0}`)
      : this.#track(GIC, 2 * vcpu + 1, `${vcpuName(vcpu)}: interrupts`);
    this.#out.instant(track, `${physical ? 'IRQ' : level} ${intid}`, 'interrupt', time, { intid });
  }

  #counter(counter: string, subject: string, value: number, time: bigint): void {
    this.#out.counter(counter === 'queue depth' ? DISK : GIC, `${subject} ${counter}`, time, 'count', value);
  }

  #span(name: string, subject: string, begin: boolean, amount: number, time: bigint): void {
    this.#endSpan(subject, time);
    if (begin && this.#spans.size < MAX_SUBJECTS) this.#spans.set(subject, { name, since: time, amount });
  }

  #endSpan(subject: string, time: bigint): void {
    const span = this.#spans.get(subject);
    if (span === undefined) return;
    this.#spans.delete(subject);
    const known = this.#diskTracks.get(subject);
    const tid = known ?? this.#diskTracks.size + 1;
    if (known === undefined) {
      if (this.#diskTracks.size >= MAX_SUBJECTS) return;
      this.#diskTracks.set(subject, tid);
    }
    const args = { bytes: span.amount, ticks: Number(time - span.since) };
    this.#out.slice(this.#track(DISK, tid, subject), span.name, 'disk', span.since, time, args);
  }
}

function vcpuName(key: number): string {
  return key >>> 16 === IDLE_DOMAIN ? `idle${key & 0xffff}` : `d${key >>> 16}v${key & 0xffff}`;
}
