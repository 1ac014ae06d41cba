import type { Ticks } from '../../sim/machine/time.js';
import type { Xen } from './xen.js';

/** What a software timer does when it expires: `kind` names the handler, the rest its object. */
export interface TimerRef {
  kind: 'vtimer' | 'ptimer' | 'sched' | 'poll';
  /** Domain and vCPU for timers of a vCPU; pCPU for the scheduler's. */
  domid: number;
  vcpu: number;
}

interface Timer extends TimerRef {
  when: Ticks;
  seq: number;
}

/** INTID of the non-secure EL2 physical timer (CNTHP). */
export const HYP_TIMER_PPI = 26;

/**
 * Xen's software timers (xen: xen/common/timer.c). Each pCPU programs its earliest deadline into CNTHP; expiry is a
 * physical interrupt, PPI 26, whose handler runs what is due.
 */
export class XenTimers {
  readonly #queues: Timer[][];
  #seq = 0;
  /** Handlers by kind, registered by their owners. */
  readonly handlers = new Map<TimerRef['kind'], (ref: TimerRef, pcpu: number) => void>();

  constructor(private readonly xen: Xen) {
    this.#queues = xen.pcpus.map(() => []);
  }

  /** Sets (or moves) the timer of `ref` to `when`, on `pcpu`. */
  set(ref: TimerRef, when: Ticks, pcpu: number): void {
    this.stop(ref);
    const queue = this.#queues[pcpu]!;
    const timer: Timer = { kind: ref.kind, domid: ref.domid, vcpu: ref.vcpu, when, seq: this.#seq++ };
    let at = queue.length;
    while (at > 0 && queue[at - 1]!.when > when) at--;
    queue.splice(at, 0, timer);
    if (at === 0) this.#program(pcpu);
  }

  stop(ref: TimerRef): void {
    this.#queues.forEach((queue, pcpu) => {
      const at = queue.findIndex((t) => t.kind === ref.kind && t.domid === ref.domid && t.vcpu === ref.vcpu);
      if (at < 0) return;
      queue.splice(at, 1);
      if (at === 0) this.#program(pcpu);
    });
  }

  /** When the timer of `ref` is due, or undefined. */
  when(ref: TimerRef): Ticks | undefined {
    for (const queue of this.#queues) {
      const t = queue.find((q) => q.kind === ref.kind && q.domid === ref.domid && q.vcpu === ref.vcpu);
      if (t) return t.when;
    }
    return undefined;
  }

  /** TIMER_SOFTIRQ: everything due on `pcpu` runs, in order; CNTHP is set to what is left, which lowers its line. */
  run(pcpu: number): void {
    const queue = this.#queues[pcpu]!;
    const now = this.xen.now(pcpu);
    // A handler may set a new timer that is due at once: bounded by what was queued.
    for (let n = queue.length; n > 0; n--) {
      const first = queue[0];
      if (first === undefined || first.when > now) break;
      queue.shift();
      this.handlers.get(first.kind)?.(first, pcpu);
    }
    this.#program(pcpu);
  }

  save(): unknown {
    return {
      seq: this.#seq,
      queues: this.#queues.map((queue) => queue.map((t) => ({ ...t, when: String(t.when) }))),
    };
  }

  load(state: unknown): void {
    const s = state as any;
    this.#seq = s.seq;
    this.#queues.forEach((queue, i) => {
      queue.length = 0;
      for (const t of s.queues[i]) queue.push({ ...t, when: BigInt(t.when) });
    });
  }

  #program(pcpu: number): void {
    const first = this.#queues[pcpu]![0];
    this.xen.pcpus[pcpu]!.core.setHypTimer(first?.when);
  }
}
