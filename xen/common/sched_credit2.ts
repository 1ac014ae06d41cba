import type { Ticks } from '../../sim/machine/time.js';
import type { Vcpu } from './domain.js';
import { mayRunOn, vcpuKey, type Decision, type Scheduler } from './sched.js';
import type { Xen } from './xen.js';

/** Constants of xen: xen/common/sched/credit2.c, in microseconds. */
const CREDIT_INIT_US = 10_000n;
const MIN_TIMER_US = 500n;
const MAX_TIMER_US = 10_000n;
const MIGRATE_RESIST_US = 500n;
const DEFAULT_WEIGHT = 256n;
const NOBODY = -1;

interface Unit {
  v: Vcpu;
  /** Credit in ticks of CPU time at the largest weight. */
  credit: bigint;
  residual: bigint;
  weight: bigint;
  /** Start of the time not yet burnt. */
  start: Ticks;
  /** When it began to run, for the rate limit. */
  since: Ticks;
  onRunq: boolean;
  yielded: boolean;
  /** pCPU that was told to come for it. */
  tickled: number;
}

/**
 * Credit2 over one run queue (Xen's default is a run queue per socket, and the board is one). A unit's credit falls as
 * it runs, the faster the smaller its weight; who has most runs next; when the best has none left all get new credit.
 */
export class Credit2 implements Scheduler {
  readonly kind = 'credit2';
  readonly #units = new Map<Vcpu, Unit>();
  /** Waiting units, most credit first; equal credit in order of arrival. */
  #runq: Unit[] = [];
  #tickledCpus = new Set<number>();
  readonly #init: bigint;
  readonly #min: bigint;
  readonly #max: bigint;
  readonly #resist: bigint;
  readonly #rateLimit: bigint;

  constructor(
    private readonly xen: Xen,
    rateLimitUs: number,
  ) {
    const ticks = (us: bigint): bigint => (us * BigInt(xen.clock.tickHz)) / 1_000_000n;
    this.#init = ticks(CREDIT_INIT_US);
    this.#min = ticks(MIN_TIMER_US);
    this.#max = ticks(MAX_TIMER_US);
    this.#resist = ticks(MIGRATE_RESIST_US);
    this.#rateLimit = ticks(BigInt(rateLimitUs));
  }

  insert(v: Vcpu): boolean {
    const load = this.xen.pcpus.map(() => 0);
    for (const other of this.#units.keys()) load[other.processor]!++;
    let best = NOBODY;
    for (const { id } of this.xen.pcpus) if (mayRunOn(v, id) && (best < 0 || load[id]! < load[best]!)) best = id;
    if (best < 0) return false;
    v.processor = best;
    this.#units.set(v, {
      v,
      credit: this.#init,
      residual: 0n,
      weight: BigInt(Math.max(1, v.domain.options.weight)),
      start: 0n,
      since: 0n,
      onRunq: false,
      yielded: false,
      tickled: NOBODY,
    });
    return true;
  }

  remove(v: Vcpu): void {
    const unit = this.#units.get(v);
    if (unit) this.#dequeue(unit);
    this.#units.delete(v);
  }

  wake(v: Vcpu): void {
    const unit = this.#units.get(v);
    if (unit === undefined || unit.onRunq || v.isRunning) return;
    unit.start = this.xen.clock.now();
    this.#enqueue(unit);
    this.#tickle(unit, unit.start);
  }

  sleep(v: Vcpu): void {
    const unit = this.#units.get(v);
    if (unit?.onRunq) this.#dequeue(unit);
    else if (v.isRunning) this.xen.pcpus[v.processor]!.raiseSchedule();
  }

  yield(v: Vcpu): void {
    const unit = this.#units.get(v);
    if (unit) unit.yielded = true;
  }

  pick(pcpu: number): Decision {
    const now = this.xen.now(pcpu);
    const p = this.xen.pcpus[pcpu]!;
    this.#tickledCpus.delete(pcpu);
    const current = p.current.isIdle ? undefined : this.#units.get(p.current);
    if (current) this.#burn(current, now);
    const next = this.#candidate(current, pcpu, now);
    if (current && current !== next && current.v.runnable && !current.onRunq) {
      this.#enqueue(current);
      current.yielded = false;
      this.#tickle(current, now);
    }
    if (next === undefined) return { next: p.idle, slice: undefined };
    this.#dequeue(next);
    next.yielded = false;
    next.tickled = NOBODY;
    if (next !== current) {
      next.start = now;
      next.since = now;
    }
    if (next.credit <= 0n) this.#resetCredit(next);
    next.v.processor = pcpu;
    return { next: next.v, slice: this.#runtime(next) };
  }

  save(): unknown {
    return {
      units: [...this.#units.values()].map((u) => ({
        key: vcpuKey(u.v),
        credit: String(u.credit),
        residual: String(u.residual),
        weight: String(u.weight),
        start: String(u.start),
        since: String(u.since),
        yielded: u.yielded,
        tickled: u.tickled,
      })),
      runq: this.#runq.map((u) => vcpuKey(u.v)),
      tickled: [...this.#tickledCpus],
    };
  }

  load(state: unknown): void {
    const s = state as any;
    this.#units.clear();
    for (const u of s.units) {
      const v = this.xen.domains.get(u.key[0])?.vcpus[u.key[1]];
      if (v === undefined) throw new Error(`snapshot schedules unknown vCPU d${u.key[0]}v${u.key[1]}`);
      this.#units.set(v, {
        v,
        credit: BigInt(u.credit),
        residual: BigInt(u.residual),
        weight: BigInt(u.weight),
        start: BigInt(u.start),
        since: BigInt(u.since),
        onRunq: false,
        yielded: u.yielded,
        tickled: u.tickled,
      });
    }
    this.#runq = s.runq.map(([d, v]: [number, number]) => this.#units.get(this.xen.domains.get(d)!.vcpus[v]!)!);
    for (const u of this.#runq) u.onRunq = true;
    this.#tickledCpus = new Set(s.tickled);
  }

  #enqueue(unit: Unit): void {
    let at = this.#runq.length;
    while (at > 0 && this.#runq[at - 1]!.credit < unit.credit) at--;
    this.#runq.splice(at, 0, unit);
    unit.onRunq = true;
  }

  #dequeue(unit: Unit): void {
    if (!unit.onRunq) return;
    this.#runq.splice(this.#runq.indexOf(unit), 1);
    unit.onRunq = false;
  }

  /** Credits used since `start`: time scaled by max weight / own weight, remainder kept (t2c_update). */
  #burn(unit: Unit, now: Ticks): void {
    const delta = now - unit.start;
    if (delta <= 0n) return;
    let max = DEFAULT_WEIGHT;
    for (const u of this.#units.values()) if (u.weight > max) max = u.weight;
    const used = delta * max + unit.residual;
    unit.credit -= used / unit.weight;
    unit.residual = used % unit.weight;
    unit.start = now;
  }

  #candidate(current: Unit | undefined, pcpu: number, now: Ticks): Unit | undefined {
    const stays = current !== undefined && current.v.runnable && mayRunOn(current.v, pcpu);
    const yields = current?.yielded === true;
    // Not before the rate limit, unless it wants to go.
    if (stays && !yields && now - current.since < this.#rateLimit) return current;
    let best = stays ? current : undefined;
    for (const unit of this.#runq) {
      if (!mayRunOn(unit.v, pcpu)) continue;
      // Another pCPU is already on its way for it.
      if (unit.tickled !== NOBODY && unit.tickled !== pcpu && this.#tickledCpus.has(unit.tickled)) continue;
      if (best && unit.v.processor !== pcpu && best.credit + this.#resist > unit.credit && !yields) continue;
      if (best === undefined || yields || unit.credit > best.credit) best = unit;
      break;
    }
    return best;
  }

  /** runq_tickle: who should reschedule because `unit` waits. Idle pCPUs first, its last one before others. */
  #tickle(unit: Unit, now: Ticks): void {
    const count = this.xen.pcpus.length;
    let target = NOBODY;
    for (let i = 0; i < count; i++) {
      const id = (unit.v.processor + i) % count;
      const p = this.xen.pcpus[id]!;
      if (!p.current.isIdle || this.#tickledCpus.has(id) || !mayRunOn(unit.v, id)) continue;
      target = id;
      break;
    }
    if (target === NOBODY) {
      let bestScore = 0n;
      for (let i = 0; i < count; i++) {
        const id = (unit.v.processor + i) % count;
        if (this.#tickledCpus.has(id) || !mayRunOn(unit.v, id)) continue;
        const running = this.#units.get(this.xen.pcpus[id]!.current);
        if (running === undefined || running === unit) continue;
        this.#burn(running, now);
        if (now - running.since < this.#rateLimit) continue;
        const score = unit.credit - running.credit;
        if (score > bestScore) {
          bestScore = score;
          target = id;
        }
      }
    }
    if (target === NOBODY) return;
    this.#tickledCpus.add(target);
    unit.tickled = target;
    this.xen.pcpus[target]!.raiseSchedule();
  }

  /** The best has nothing left: everybody gets a period's credit, capped at it. */
  #resetCredit(next: Unit): void {
    let periods = 1n;
    if (next.credit < -this.#init) periods += -next.credit / this.#init;
    const now = this.xen.clock.now();
    for (const unit of this.#units.values()) {
      if (unit.v.isRunning) this.#burn(unit, now);
      unit.credit += periods * this.#init;
      if (unit.credit > this.#init) unit.credit = this.#init;
    }
  }

  /** How long to run: until its credit is down to that of the next in line, within the timer's bounds. */
  #runtime(unit: Unit): Ticks {
    let credit = unit.credit;
    const waiting = this.#runq.find((u) => mayRunOn(u.v, unit.v.processor));
    if (waiting && waiting.credit > 0n) credit = unit.credit - waiting.credit;
    let time = credit <= 0n ? this.#min : credit;
    if (time < this.#min) time = this.#min;
    if (time < this.#rateLimit) time = this.#rateLimit;
    return time > this.#max ? this.#max : time;
  }
}
