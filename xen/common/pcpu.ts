import type { TimedEvent } from '../../sim/machine/events.js';
import type { XenCore } from '../arch/arm/hardware.js';
import type { Vcpu } from './domain.js';
import type { RequestKind } from '../../sim/trace/ledger.js';
import type { Xen } from './xen.js';

/** Physical SGIs that Xen sends (xen: xen/arch/arm/include/asm/gic.h `enum gic_sgi`). */
export const GIC_SGI_EVENT_CHECK = 0;
export const GIC_SGI_DUMP_STATE = 1;
export const GIC_SGI_CALL_FUNCTION = 2;

/** Charged work whose request is not known yet, [start, end) in ticks. */
interface Note {
  cost: string;
  phase: string;
  start: bigint;
  end: bigint;
}

/** No path between a trap and a request, or between an interrupt and a vCPU, has more steps. */
const MAX_NOTES = 64;

/** A request waits while the pCPU that is to work for it does or ends something else. */
const WAIT_BUSY = 'pCPU busy';
/** A request waits for an SGI, and for a core that it wakes; the entries that make this as long as it is. */
const WAIT_FLIGHT = { name: 'interrupt in flight', costs: 'bus.ipi+cpu.wfiWake' };
/** In these phases the pCPU runs the driver domain already, which does something else. */
const WAIT_BACKEND = 'backend busy';
const BACKEND_PHASES: ReadonlySet<string> = new Set(['deliver', 'backend', 'respond']);

/** `xen.trapEntry` is shown as "trap entry". */
function stepName(cost: string): string {
  return cost.slice(cost.indexOf('.') + 1).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** One physical CPU of the hypervisor. */
export class Pcpu {
  /** The vCPU it runs; its own idle vCPU if nothing else. */
  current!: Vcpu;
  idle!: Vcpu;
  /** SCHEDULE_SOFTIRQ and TIMER_SOFTIRQ. */
  scheduleSoftirq = false;
  /** With vwfi=native: the core waits in its vCPU's WFI. */
  waiting = false;
  timerSoftirq = false;
  /** List registers in use by the vCPU that is loaded (this_cpu(lr_mask)). */
  lrMask = 0;
  /** Guest entries, exits by kind, switches: for reports. */
  counts = { entries: 0, traps: 0, irqs: 0, switches: 0, hypercalls: 0 };
  /** The request that it works for, 0 = not known; and the phase of its path. */
  request = 0;
  phase = '';
  /** Time of the exit that `notes` began with, and whether it was the end of idling. */
  #from = 0n;
  #idled = true;
  /** When the last SGI to this pCPU was sent. */
  #sgiSent = -1n;
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
      this.#sgiSent = xen.now(from);
      xen.gic.sendSgi(from, this.id, GIC_SGI_EVENT_CHECK);
    } else if (this.#ipi.when === undefined) {
      // From an event handler nobody's write travels: the latency of the wire is this event.
      this.#sgiSent = xen.clock.now();
      this.#ipi.scheduleAt(this.#sgiSent + xen.costTicks('bus.ipi'));
    }
  }

  // ---- whose work the charges are ----

  /** Forgets earlier work: something new begins at this pCPU's time, and it is nobody's until told. */
  beginNotes(): void {
    this.#notes = [];
    this.#from = this.core.now();
    this.#idled = this.current.isIdle || this.waiting;
    this.waiting = false;
  }

  /** Charges are steps of this request from now on, in this phase; 0: they are noted until their request is known. */
  workFor(request: number, phase: string): void {
    this.request = request;
    this.phase = phase;
  }

  /** [start, end) was charged under `cost`. */
  charged(cost: string, start: bigint, end: bigint): void {
    const note = { cost, phase: this.phase, start, end };
    if (this.request !== 0) {
      this.#step(this.request, note);
      return;
    }
    if (this.#notes.length >= MAX_NOTES) this.#notes.shift();
    this.#notes.push(note);
  }

  /** An access turned out to be a request: opens it at the trap and gives it the steps so far. @returns its id. */
  openRequest(kind: RequestKind, register: string): number {
    const id = this.xen.ledger.newId();
    this.xen.ledger.open(id, kind, register, this.core.index, this.#from);
    this.takeOver(id, 'trap');
    return id;
  }

  /** With `measurePaths`: a trap of `v` that no backend sees is a request of its own, until the vCPU is back in its guest. */
  openPath(v: Vcpu, kind: 'hypercall' | 'emulated', name: string): void {
    if (this.xen.options.measurePaths === true && v.io.requestId === 0) v.io.requestId = this.openRequest(kind, name);
  }

  /** What was noted led to this request: it gets the steps, in this phase, and those that follow. */
  takeOver(request: number, phase: string): void {
    if (request !== 0) for (const note of this.#notes) this.#step(request, { ...note, phase });
    this.#notes = [];
    this.workFor(request, phase);
  }

  /** Gives the ledger one step; what lies between it and the last boundary is a wait, a step of its own. */
  #step(request: number, { cost, phase, start, end }: Note): void {
    const { ledger } = this.xen;
    const last = ledger.lastBoundary(request);
    if (last === undefined || end < last) return;
    const { index } = this.core;
    if (start < last) ledger.mark(request, WAIT_BUSY, phase, -1, end, cost);
    else {
      if (start > last) this.#wait(request, phase, start);
      ledger.mark(request, stepName(cost), phase, index, end, cost);
    }
  }

  /** [last boundary, until): what the request waited for. */
  #wait(request: number, phase: string, until: bigint): void {
    const { ledger } = this.xen;
    const last = ledger.lastBoundary(request)!;
    const sent = this.#sgiSent;
    if (BACKEND_PHASES.has(phase)) return ledger.mark(request, WAIT_BACKEND, phase, -1, until);
    // No interrupt was sent for it: somebody else runs here, until the scheduler looks again by itself.
    if (sent < last || sent >= until) return ledger.mark(request, WAIT_BUSY, phase, -1, until);
    // It flies while the core still goes to sleep.
    const begin = this.#idled && this.#from > sent && this.#from < until ? this.#from : sent;
    if (begin > last) ledger.mark(request, WAIT_BUSY, phase, -1, begin);
    const arrived = sent + BigInt(this.xen.costs.peek('bus.ipi', 1));
    // An idle core has to wake; one that is not takes it at once, unless it is in Xen.
    const flown = this.#idled || arrived > until ? until : arrived;
    ledger.mark(request, WAIT_FLIGHT.name, phase, -1, flown, WAIT_FLIGHT.costs);
    if (flown < until) ledger.mark(request, WAIT_BUSY, phase, -1, until);
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
      idled: this.#idled,
      waiting: this.waiting,
      sgiSent: String(this.#sgiSent),
      request: this.request,
      phase: this.phase,
      notes: this.#notes.map((n) => ({ ...n, start: String(n.start), end: String(n.end) })),
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
    this.#idled = s.idled;
    this.waiting = s.waiting;
    this.#sgiSent = BigInt(s.sgiSent);
    this.request = s.request;
    this.phase = s.phase;
    this.#notes = s.notes.map((n: any) => ({ ...n, start: BigInt(n.start), end: BigInt(n.end) }));
  }
}
