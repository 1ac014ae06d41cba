/** Events between vCPUs on different pCPUs, taken at the sender's time. */
import type { TimedEvent } from '../../sim/machine/events.js';
import type { Ticks } from '../../sim/machine/time.js';
import type { Vcpu } from './domain.js';
import type { Xen } from './xen.js';

interface Delivery {
  when: Ticks;
  domid: number;
  port: number;
  /** The request on whose behalf it is sent, 0 = none. */
  request: number;
}

/**
 * Cores run in slices, so the local time of a sender may be ahead of the receiver's. A port that becomes pending for a
 * vCPU of another pCPU is therefore shown to it by the event queue, at the sender's time: nobody sees an event before it
 * was sent. The sender pays for the work when it posts.
 */
export class Deliveries {
  #waiting: Delivery[] = [];
  readonly #event: TimedEvent;

  constructor(private readonly xen: Xen) {
    this.#event = xen.clock.event('xen.evtchn', () => this.#deliver());
  }

  /**
   * True if the event was posted; false if the receiver shares the sender's time: the caller shows it at once.
   * A masked port only becomes pending: its vCPU is neither interrupted nor woken.
   */
  post(v: Vcpu, port: number, masked: boolean): boolean {
    const { xen } = this;
    const from = xen.thisPcpu;
    if (from < 0 || v.processor === from) return false;
    if (!masked) {
      xen.charge(from, 'xen.inject');
      if (!v.isRunning) xen.charge(from, 'xen.vcpuWake');
      xen.charge(from, 'xen.ipiSend');
    }
    const when = xen.clock.now();
    const { id: domid } = v.domain;
    const same = this.#waiting.filter((d) => d.domid === domid && d.port === port);
    // A further notification merges with the last one waiting, not with the first: that may be taken before this was sent.
    if (same.length > 1) same[1]!.when = when;
    else this.#waiting.push({ when, domid, port, request: xen.notifyRequest });
    if (this.#event.when === undefined || this.#event.when > when) this.#event.scheduleAt(when);
    return true;
  }

  save(): unknown {
    return this.#waiting.map((d) => ({ ...d, when: String(d.when) }));
  }

  load(state: unknown): void {
    this.#waiting = (state as any[]).map((d) => ({ ...d, when: BigInt(d.when) }));
  }

  #deliver(): void {
    const now = this.xen.clock.now();
    const due = this.#waiting.filter((d) => d.when <= now);
    this.#waiting = this.#waiting.filter((d) => d.when > now);
    for (const { domid, port, request } of due) {
      this.xen.notifyRequest = request;
      this.xen.evtchn.deliver(domid, port);
    }
    this.xen.notifyRequest = 0;
    const next = this.#waiting.reduce<Ticks | undefined>(
      (least, d) => (least === undefined || d.when < least ? d.when : least),
      undefined,
    );
    if (next !== undefined) this.#event.scheduleAt(next);
  }
}
