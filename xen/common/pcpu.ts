import type { TimedEvent } from '../../sim/machine/events.js';
import type { XenCore } from '../arch/arm/hardware.js';
import type { Vcpu } from './domain.js';
import type { Xen } from './xen.js';

/** Physical SGIs that Xen sends (xen: xen/arch/arm/include/asm/gic.h `enum gic_sgi`). */
export const GIC_SGI_EVENT_CHECK = 0;
export const GIC_SGI_DUMP_STATE = 1;
export const GIC_SGI_CALL_FUNCTION = 2;

/** A boundary of work whose request is not known yet. `wait`: no core worked in the interval it ends. */
interface Note {
  step: string;
  phase: string;
  cost: string;
  time: bigint;
  wait: boolean;
}

/** No path between a trap and a request, or between an interrupt and a vCPU, has more steps. */
const MAX_NOTES = 64;

/** One physical CPU of the hypervisor. */
export class Pcpu {
  /** The vCPU it runs; its own idle vCPU if nothing else. */
  current!: Vcpu;
  idle!: Vcpu;
  /** SCHEDULE_SOFTIRQ and TIMER_SOFTIRQ. */
  scheduleSoftirq = false;
  timerSoftirq = false;
  /** List registers in use by the vCPU that is loaded (this_cpu(lr_mask)). */
  lrMask = 0;
  /** Guest entries, exits by kind, switches: for reports. */
  counts = { entries: 0, traps: 0, irqs: 0, switches: 0, hypercalls: 0 };
  /** Time of the exit that `notes` began with. */
  #from = 0n;
  #notes: Note[] = [];
  readonly #ipi: TimedEvent;

  constructor(
    private readonly xen: Xen,
    readonly id: number,
    readonly core: XenCore,
  ) {
    this.#ipi = xen.clock.event(`xen.ipi${id}`, () => xen.gic.sendSgi(id, id, GIC_SGI_EVENT_CHECK));
  }

  /** cpu_raise_softirq(SCHEDULE): another pCPU is told by an interrupt. */
  raiseSchedule(): void {
    if (this.scheduleSoftirq) return;
    this.scheduleSoftirq = true;
    if (this.xen.thisPcpu !== this.id) this.sendEventCheck();
  }

  /** smp_send_event_check: SGI 0 to this pCPU from the one that runs. */
  sendEventCheck(): void {
    const { xen } = this;
    const from = xen.thisPcpu;
    if (from >= 0) {
      xen.charge(from, 'xen.ipiSend');
      xen.gic.sendSgi(from, this.id, GIC_SGI_EVENT_CHECK);
    } else if (this.#ipi.when === undefined) {
      // From an event handler nobody's write travels: the latency of the wire is this event.
      this.#ipi.scheduleAt(xen.clock.now() + xen.costTicks('bus.ipi'));
    }
  }

  // ---- boundaries on the way to a request ----

  /** Forgets earlier boundaries: something new begins at this pCPU's time. */
  beginNotes(): void {
    this.#notes = [];
    this.#from = this.core.now();
  }

  /** The work since the last boundary was `step`, charged under `cost`. */
  note(step: string, phase: string, cost = '', wait = false): void {
    if (this.#notes.length >= MAX_NOTES) this.#notes.shift();
    this.#notes.push({ step, phase, cost, time: this.core.now(), wait });
  }

  /** An access turned out to be a request: opens it at the trap and gives it the steps so far. @returns its id. */
  openRequest(write: boolean, gpa: number): number {
    const { ledger } = this.xen;
    const id = ledger.newId();
    const offset = gpa % 0x200;
    const kind = write ? (offset === 0x50 ? 'notify' : 'write') : 'read';
    ledger.open(id, kind, `0x${offset.toString(16).padStart(3, '0')}`, this.core.index, this.#from);
    this.flushNotes(id);
    return id;
  }

  /** Gives a request the boundaries noted on its behalf; those before its last boundary were not on its path. */
  flushNotes(request: number): void {
    const { ledger } = this.xen;
    for (const { step, phase, cost, time, wait } of this.#notes) {
      const last = ledger.lastBoundary(request);
      if (last === undefined) break;
      if (time >= last) ledger.mark(request, step, phase, wait ? -1 : this.core.index, time, cost);
    }
    this.#notes = [];
  }

  save(): unknown {
    const { domain, id } = this.current;
    return {
      current: this.current.isIdle ? null : [domain.id, id],
      scheduleSoftirq: this.scheduleSoftirq,
      timerSoftirq: this.timerSoftirq,
      lrMask: this.lrMask,
      counts: { ...this.counts },
      idle: this.idle.save(),
      from: String(this.#from),
      notes: this.#notes.map((n) => ({ ...n, time: String(n.time) })),
    };
  }

  load(state: unknown): void {
    const s = state as any;
    this.idle.load(s.idle);
    this.current = s.current ? this.xen.domains.get(s.current[0])!.vcpus[s.current[1]]! : this.idle;
    this.scheduleSoftirq = s.scheduleSoftirq;
    this.timerSoftirq = s.timerSoftirq;
    this.lrMask = s.lrMask;
    this.counts = { ...s.counts };
    this.#from = BigInt(s.from);
    this.#notes = s.notes.map((n: any) => ({ ...n, time: BigInt(n.time) }));
  }
}
