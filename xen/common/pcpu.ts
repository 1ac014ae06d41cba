import type { TimedEvent } from '../../sim/machine/events.js';
import type { XenCore } from '../arch/arm/hardware.js';
import type { Vcpu } from './domain.js';
import type { Xen } from './xen.js';

/** Physical SGIs that Xen sends (xen: xen/arch/arm/include/asm/gic.h `enum gic_sgi`). */
export const GIC_SGI_EVENT_CHECK = 0;
export const GIC_SGI_DUMP_STATE = 1;
export const GIC_SGI_CALL_FUNCTION = 2;

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

  /** smp_send_event_check: SGI 0, taken after the distributor's latency. */
  sendEventCheck(): void {
    const from = this.xen.thisPcpu;
    if (from >= 0) this.xen.charge(from, 'xen.ipiSend');
    const when = this.xen.clock.now() + this.xen.costTicks('bus.ipi');
    if (this.#ipi.when === undefined || this.#ipi.when > when) this.#ipi.scheduleAt(when);
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
  }
}
