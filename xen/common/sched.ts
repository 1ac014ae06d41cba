import type { Ticks } from '../../sim/machine/time.js';
import type { Vcpu } from './domain.js';

export interface SchedulerOptions {
  kind: 'credit2' | 'null';
  /** credit2: how long a vCPU runs before a wake-up may preempt it, in microseconds (Xen: sched_ratelimit_us). */
  rateLimitUs: number;
}

/** What a scheduler decided: `slice` ticks until it wants to be asked again, undefined = not by time. */
export interface Decision {
  next: Vcpu;
  slice: Ticks | undefined;
}

/** xen: struct scheduler. Order of calls and of ties is fixed, so a run repeats exactly. */
export interface Scheduler {
  readonly kind: string;
  /** A new vCPU. @returns false if there is no room for it (null: more vCPUs than pCPUs). */
  insert(v: Vcpu): boolean;
  remove(v: Vcpu): void;
  /** The vCPU became runnable. */
  wake(v: Vcpu): void;
  /** It stopped being runnable (blocked, paused). */
  sleep(v: Vcpu): void;
  yield(v: Vcpu): void;
  /** SCHEDULE softirq on a pCPU: who runs next. The caller switches. */
  pick(pcpu: number): Decision;
  save(): unknown;
  load(state: unknown): void;
}

/** pCPUs that a vCPU may run on. */
export function mayRunOn(v: Vcpu, pcpu: number): boolean {
  const { affinity } = v.domain.options;
  return affinity === undefined || affinity.includes(pcpu);
}

/** The key of a vCPU in saved state. */
export function vcpuKey(v: Vcpu): [number, number] {
  return [v.domain.id, v.id];
}
