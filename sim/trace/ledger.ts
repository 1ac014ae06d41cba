import { NO_CORE, TraceKind, type Trace } from './record.js';
import type { Ticks } from '../machine/time.js';

/** Accesses that a backend emulates; and, where they are measured, other paths through the hypervisor. */
export type RequestKind = 'notify' | 'read' | 'write' | 'hypercall' | 'emulated' | 'interrupt';

/** One step of all requests of a kind and register together. Ticks are exact sums. */
export interface StepTotal {
  readonly name: string;
  readonly phase: string;
  /** Where it ran: physical core, or -1 for a wait that no core works on. */
  readonly cpu: number;
  readonly count: number;
  readonly ticks: bigint;
  readonly max: bigint;
  /** The timing entries that the step cites; empty for executed guest instructions and for waits. */
  readonly costs: readonly string[];
}

export interface RequestTotals {
  readonly kind: RequestKind;
  readonly register: string;
  readonly count: number;
  readonly steps: readonly StepTotal[];
  readonly totalTicks: bigint;
  readonly max: bigint;
  /** Round-trip times and how often each occurred, ascending; at least five significant digits. */
  readonly distribution: readonly (readonly [ticks: number, count: number])[];
}

/** One request from trap to return, its steps in the order of first use. */
export interface CompletedRequest {
  readonly id: number;
  readonly kind: RequestKind;
  readonly register: string;
  readonly start: Ticks;
  /** Equals start plus the steps' ticks. */
  readonly end: Ticks;
  readonly steps: readonly RequestStep[];
}

export interface RequestStep {
  readonly name: string;
  readonly phase: string;
  /** Physical core, or -1 for a wait. */
  readonly cpu: number;
  readonly ticks: bigint;
  /** The timing entry that was charged, empty if none. */
  readonly cost: string;
}

/** An interval of a request in the order of time. */
export interface RequestInterval {
  readonly name: string;
  readonly phase: string;
  readonly cpu: number;
  readonly start: Ticks;
  readonly end: Ticks;
  readonly cost: string;
}

/** A request that completed, interval by interval. */
export interface RequestSample {
  readonly id: number;
  readonly kind: RequestKind;
  readonly register: string;
  readonly start: Ticks;
  readonly intervals: readonly RequestInterval[];
}

interface OpenRequest {
  kind: RequestKind;
  register: string;
  start: bigint;
  last: bigint;
  steps: { name: string; phase: string; cpu: number; ticks: bigint; cost: string }[];
  /** As it went, as long as it is not unusually long. */
  intervals: RequestInterval[];
}

interface StepSum {
  name: string;
  phase: string;
  cpu: number;
  count: number;
  ticks: bigint;
  max: bigint;
  costs: Set<string>;
}

interface Group {
  kind: RequestKind;
  register: string;
  count: number;
  totalTicks: bigint;
  max: bigint;
  steps: Map<string, StepSum>;
  distribution: Map<number, number>;
}

/** A request has some thirty steps; this bounds what a guest's behaviour can make it grow to. */
const MAX_STEPS = 10_000;
const EXACT_KEYS = 4096;
const MAX_INTERVALS = 512;
const NOBODY = 0xffff_ffff;

/**
 * Where every tick of each request went. A request is opened at the trap; each `mark` closes the half-open interval
 * [previous boundary, time) under a step's name; `close` ends at the last boundary. So the steps tile the request,
 * without a residue. Every boundary is a trace record, from which all of this can be computed again.
 */
export class RequestLedger {
  readonly #open = new Map<number, OpenRequest>();
  readonly #groups = new Map<string, Group>();
  readonly #beside = new Map<string, StepSum>();
  /** Told of each request that completes, for observers; not part of the state. */
  onClose: ((request: CompletedRequest) => void) | undefined;
  #sample: RequestSample | undefined;
  #nextId = 1;
  #abandoned = 0;
  #skews = 0;
  #maxSkew = 0n;

  constructor(private readonly trace: Trace) {}

  /** Requests between open and close. */
  get inFlight(): number {
    return this.#open.size;
  }

  /** Requests that ended without completing (domain destroyed, server gone). */
  get abandoned(): number {
    return this.#abandoned;
  }

  /** Boundaries that another core's clock put before the previous one, moved to it; and the farthest of them. */
  get skew(): { count: number; max: bigint } {
    return { count: this.#skews, max: this.#maxSkew };
  }

  /** A fresh request id, unique in the run. */
  newId(): number {
    return this.#nextId++;
  }

  /** Begins a request at `time`. `register` names what was accessed, `cpu` is the core that trapped. */
  open(id: number, kind: RequestKind, register: string, cpu: number, time: Ticks): void {
    if (this.#open.has(id)) throw new Error(`request ${id} is open already`);
    this.#open.set(id, { kind, register, start: time, last: time, steps: [], intervals: [] });
    this.#record(TraceKind.Open, cpu, time, id, this.trace.name(kind), this.trace.name(register), cpu);
  }

  /**
   * Ends a step at `time`. `cpu`: the core that worked, -1 for a wait. `cost`: the timing entry charged, if any;
   * several that made it as long as it is are joined by '+'.
   * A time before the previous boundary (the clock of a core that lags) is moved to that boundary and counted.
   */
  mark(id: number, step: string, phase: string, cpu: number, time: Ticks, cost = ''): void {
    const request = this.#get(id);
    let end = time;
    if (end < request.last) {
      const skew = request.last - end;
      this.#skews++;
      if (skew > this.#maxSkew) this.#maxSkew = skew;
      end = request.last;
    }
    const ticks = end - request.last;
    if (request.intervals.length < MAX_INTERVALS && ticks > 0n)
      request.intervals.push({ name: step, phase, cpu, start: request.last, end, cost });
    request.last = end;
    const same = request.steps.find((s) => s.name === step && s.phase === phase && s.cpu === cpu && s.cost === cost);
    if (same !== undefined) same.ticks += ticks;
    else if (request.steps.length < MAX_STEPS) request.steps.push({ name: step, phase, cpu, ticks, cost });
    else throw new Error(`request ${id} has more than ${MAX_STEPS} kinds of steps`);
    const costName = cost === '' ? 0 : this.trace.name(cost);
    this.#record(TraceKind.Step, cpu, end, id, this.trace.name(step), this.trace.name(phase), cpu, costName);
  }

  /** Ends the request at its last boundary, which must be `time` or, after a skew, later. */
  close(id: number, time: Ticks): void {
    const request = this.#get(id);
    if (time > request.last) {
      throw new Error(`request ${id}: ${time - request.last} ticks before its end belong to no step`);
    }
    this.#open.delete(id);
    this.#record(TraceKind.Close, -1, request.last, id, NOBODY);
    const key = `${request.kind}\n${request.register}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      const { kind, register } = request;
      group = { kind, register, count: 0, totalTicks: 0n, max: 0n, steps: new Map(), distribution: new Map() };
      this.#groups.set(key, group);
    }
    const total = request.last - request.start;
    group.count++;
    group.totalTicks += total;
    if (total > group.max) group.max = total;
    const rounded = group.distribution.size < EXACT_KEYS ? Number(total) : fiveDigits(Number(total));
    group.distribution.set(rounded, (group.distribution.get(rounded) ?? 0) + 1);
    for (const step of request.steps) add(group.steps, step.name, step.phase, step.cpu, step.ticks, step.cost);
    if (request.intervals.length < MAX_INTERVALS && (request.kind === 'notify' || this.#sample?.kind !== 'notify')) {
      const { kind, register, start, intervals } = request;
      this.#sample = { id, kind, register, start, intervals };
    }
    if (this.onClose !== undefined) {
      const { kind, register, start, last, steps } = request;
      this.onClose({ id, kind, register, start, end: last, steps });
    }
  }

  /** Forgets a request that will not complete. */
  abandon(id: number, time: Ticks): void {
    if (!this.#open.delete(id)) return;
    this.#abandoned++;
    this.#record(TraceKind.Close, -1, time, id, NOBODY, 1);
  }

  /** Work that belongs to requests but delays none of them. */
  beside(step: string, phase: string, cpu: number, ticks: bigint, cost = ''): void {
    add(this.#beside, step, phase, cpu, ticks, cost);
  }

  /** The last boundary of an open request, or undefined. */
  lastBoundary(id: number): Ticks | undefined {
    return this.#open.get(id)?.last;
  }

  /** The last queue notification that completed, or the last request if there was none. */
  get sample(): RequestSample | undefined {
    return this.#sample;
  }

  /** When an open request was opened, or undefined. */
  openedAt(id: number): Ticks | undefined {
    return this.#open.get(id)?.start;
  }

  /** Totals by kind and register, in the order of first completion; steps in the order of first use. */
  totals(): RequestTotals[] {
    return [...this.#groups.values()].map((group) => ({
      kind: group.kind,
      register: group.register,
      count: group.count,
      steps: stepTotals(group.steps),
      totalTicks: group.totalTicks,
      max: group.max,
      distribution: [...group.distribution.entries()].sort((a, b) => a[0] - b[0]),
    }));
  }

  /** What `beside` collected. */
  parallel(): StepTotal[] {
    return stepTotals(this.#beside);
  }

  save(): unknown {
    return JSON.parse(
      JSON.stringify(
        {
          nextId: this.#nextId,
          abandoned: this.#abandoned,
          skews: this.#skews,
          maxSkew: this.#maxSkew,
          sample: this.#sample ?? null,
          open: [...this.#open.entries()],
          groups: [...this.#groups.values()].map((g) => ({
            ...g,
            steps: [...g.steps.values()].map(plainStep),
            distribution: [...g.distribution.entries()],
          })),
          beside: [...this.#beside.values()].map(plainStep),
        },
        (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value),
      ),
    );
  }

  load(state: unknown): void {
    const s = JSON.parse(JSON.stringify(state), (_key, value: unknown) =>
      typeof value === 'string' && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
    ) as SavedLedger;
    this.#nextId = s.nextId;
    this.#abandoned = s.abandoned;
    this.#skews = s.skews;
    this.#maxSkew = s.maxSkew;
    this.#sample = s.sample ?? undefined;
    this.#open.clear();
    for (const [id, request] of s.open) this.#open.set(id, request);
    this.#groups.clear();
    for (const g of s.groups) {
      const group = { ...g, steps: stepMap(g.steps), distribution: new Map(g.distribution) };
      this.#groups.set(`${g.kind}\n${g.register}`, group);
    }
    this.#beside.clear();
    for (const [key, step] of stepMap(s.beside)) this.#beside.set(key, step);
  }

  #get(id: number): OpenRequest {
    const request = this.#open.get(id);
    if (request === undefined) throw new Error(`request ${id} is not open`);
    return request;
  }

  #record(kind: TraceKind, cpu: number, time: Ticks, a: number, b: number, c = 0, d = 0, e = 0): void {
    this.trace.recordAt(kind, cpu < 0 ? NO_CORE : cpu, time, a, b, c, d, e);
  }
}

type PlainStep = Omit<StepSum, 'costs'> & { costs: string[] };

interface SavedLedger {
  nextId: number;
  abandoned: number;
  skews: number;
  maxSkew: bigint;
  sample: RequestSample | null;
  open: [number, OpenRequest][];
  groups: (Omit<Group, 'steps' | 'distribution'> & { steps: PlainStep[]; distribution: [number, number][] })[];
  beside: PlainStep[];
}

function plainStep(step: StepSum): PlainStep {
  return { ...step, costs: [...step.costs] };
}

function stepKey(name: string, phase: string, cpu: number): string {
  return `${phase}\n${name}\n${cpu}`;
}

function stepMap(steps: readonly PlainStep[]): Map<string, StepSum> {
  return new Map(steps.map((s) => [stepKey(s.name, s.phase, s.cpu), { ...s, costs: new Set(s.costs) }]));
}

function add(map: Map<string, StepSum>, name: string, phase: string, cpu: number, ticks: bigint, cost: string): void {
  const key = stepKey(name, phase, cpu);
  let sum = map.get(key);
  if (sum === undefined) {
    sum = { name, phase, cpu, count: 0, ticks: 0n, max: 0n, costs: new Set() };
    map.set(key, sum);
  }
  sum.count++;
  sum.ticks += ticks;
  if (ticks > sum.max) sum.max = ticks;
  if (cost !== '') for (const entry of cost.split('+')) sum.costs.add(entry);
}

function stepTotals(map: Map<string, StepSum>): StepTotal[] {
  return [...map.values()].map((step) => ({ ...step, costs: [...step.costs] }));
}

/** Rounds down to five significant digits, by integer arithmetic. */
function fiveDigits(value: number): number {
  let unit = 1;
  while (value / unit >= 100_000) unit *= 10;
  return Math.floor(value / unit) * unit;
}
