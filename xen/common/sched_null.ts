import type { Vcpu } from './domain.js';
import { mayRunOn, vcpuKey, type Decision, type Scheduler } from './sched.js';
import type { Xen } from './xen.js';

/** The null scheduler: each vCPU owns a pCPU (xen: xen/common/sched/null.c). It refuses what has no pCPU. */
export class NullScheduler implements Scheduler {
  readonly kind = 'null';
  #assigned: (Vcpu | undefined)[] = [];

  constructor(private readonly xen: Xen) {}

  insert(v: Vcpu): boolean {
    const free = this.xen.pcpus.find((p) => this.#assigned[p.id] === undefined && mayRunOn(v, p.id));
    if (free === undefined) return false;
    this.#assigned[free.id] = v;
    v.processor = free.id;
    return true;
  }

  remove(v: Vcpu): void {
    const at = this.#assigned.indexOf(v);
    if (at >= 0) this.#assigned[at] = undefined;
  }

  wake(v: Vcpu): void {
    if (!v.isRunning) this.xen.pcpus[v.processor]!.raiseSchedule();
  }

  sleep(v: Vcpu): void {
    if (v.isRunning) this.xen.pcpus[v.processor]!.raiseSchedule();
  }

  yield(): void {
    // Nobody else could run here.
  }

  pick(pcpu: number): Decision {
    const v = this.#assigned[pcpu];
    return { next: v?.runnable ? v : this.xen.pcpus[pcpu]!.idle, slice: undefined };
  }

  save(): unknown {
    return this.#assigned.map((v) => (v ? vcpuKey(v) : null));
  }

  load(state: unknown): void {
    this.#assigned = (state as ([number, number] | null)[]).map((key) =>
      key ? this.xen.domains.get(key[0])?.vcpus[key[1]] : undefined,
    );
  }
}
