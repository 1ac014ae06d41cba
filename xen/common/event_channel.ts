/**
 * Event channels (xen: xen/common/event_channel.c): ports, their life, and who is told. How a pending event is shown to
 * the guest is the ABI's business: event_2l.ts and event_fifo.ts write guest memory.
 */
import type { TimedEvent } from '../../sim/machine/events.js';
import { EBUSY, EEXIST, EINVAL, ENOENT, ENOSPC, ENOSYS, EOPNOTSUPP, EPERM, ESRCH } from '../public/errno.js';
import { EVTCHN_2L_NR_CHANNELS, EVTCHN_FIFO_NR_CHANNELS } from '../public/xen.js';
import { DOMID_SELF, type Domain, type Vcpu } from './domain.js';
import { event2l } from './event_2l.js';
import { FifoState, eventFifo } from './event_fifo.js';
import type { Xen } from './xen.js';

export type ChannelState = 'free' | 'reserved' | 'unbound' | 'interdomain' | 'virq' | 'ipi';

/** What Xen itself does when the other end of a Xen-consumed port is notified. */
export type XenConsumer = 'ioreq' | 'vpl011';

export interface Channel {
  readonly port: number;
  state: ChannelState;
  /** unbound: who may bind (interdomain: who is bound). */
  remoteDomid: number;
  remotePort: number;
  virq: number;
  notifyVcpu: number;
  xenConsumer: XenConsumer | undefined;
  /** A Dom0 service that consumes the port instead of a vCPU. */
  service: string | undefined;
  priority: number;
  /** Pending before the FIFO array holds the port's word. */
  pending: boolean;
  lastVcpu: number;
  lastPriority: number;
}

export const EVTCHN_DEFAULT_PRIORITY = 7;

function newChannel(port: number): Channel {
  return {
    port,
    state: 'free',
    remoteDomid: 0,
    remotePort: 0,
    virq: 0,
    notifyVcpu: 0,
    xenConsumer: undefined,
    service: undefined,
    priority: EVTCHN_DEFAULT_PRIORITY,
    pending: false,
    lastVcpu: 0,
    lastPriority: EVTCHN_DEFAULT_PRIORITY,
  };
}

/** How events are shown to the domain (xen: struct evtchn_port_ops). */
export interface PortOps {
  setPending(xen: Xen, d: Domain, v: Vcpu, ch: Channel): void;
  clearPending(xen: Xen, d: Domain, ch: Channel): void;
  unmask(xen: Xen, d: Domain, ch: Channel): void;
  isPending(xen: Xen, d: Domain, port: number): boolean;
  isMasked(xen: Xen, d: Domain, port: number): boolean;
  /** A free port that may not be used again yet. */
  isBusy(xen: Xen, d: Domain, port: number): boolean;
}

/** Virqs of which every vCPU has its own: TIMER, DEBUG, XENOPROF, XENPMU (xen: virq_is_global). */
const PER_VCPU_VIRQS: ReadonlySet<number> = new Set([0, 1, 7, 13]);
export const NR_VIRQS = 24;

/** A domain's ports. Port 0 is reserved; the table grows as ports are taken, to maxEvtchnPort. */
export class EvtchnState {
  readonly channels: Channel[] = [newChannel(0)];
  fifo: FifoState | undefined;

  constructor(readonly maxPort: number) {
    this.channels[0]!.state = 'reserved';
  }

  get ops(): PortOps {
    return this.fifo === undefined ? event2l : eventFifo;
  }

  /** Ports that the ABI in use can express. */
  get limit(): number {
    return Math.min(this.maxPort + 1, this.fifo === undefined ? EVTCHN_2L_NR_CHANNELS : EVTCHN_FIFO_NR_CHANNELS);
  }

  /** The channel if the port exists and is in use. */
  at(port: number): Channel | undefined {
    const ch = this.channels[port];
    return ch === undefined || ch.state === 'free' || ch.state === 'reserved' ? undefined : ch;
  }

  /** Lowest free port, -ENOSPC when there is none. `busy`: a free port that the guest still has in a queue. */
  allocate(busy: (port: number) => boolean): Channel | number {
    for (let port = 1; port < this.channels.length; port++) {
      if (this.channels[port]!.state === 'free' && !busy(port)) return this.channels[port]!;
    }
    if (this.channels.length >= this.limit) return -ENOSPC;
    const ch = newChannel(this.channels.length);
    this.channels.push(ch);
    return ch;
  }

  save(): unknown {
    return {
      channels: this.channels.map((ch) => ({
        ...ch,
        xenConsumer: ch.xenConsumer ?? null,
        service: ch.service ?? null,
      })),
      fifo: this.fifo?.save() ?? null,
    };
  }

  load(state: unknown): void {
    const s = state as { channels: Record<string, unknown>[]; fifo: unknown };
    this.channels.length = 0;
    for (const ch of s.channels) {
      this.channels.push({
        ...ch,
        xenConsumer: ch['xenConsumer'] ?? undefined,
        service: ch['service'] ?? undefined,
      } as Channel);
    }
    this.fifo = s.fifo === null ? undefined : FifoState.restore(s.fifo);
  }
}

/** A port number, or a negative error. */
export type PortOrError = number;

/** The operations, on any domain. Return values are 0 / a port, or -errno, as the hypercalls give them. */
export class EventChannels {
  readonly #serviceEvents = new Map<string, TimedEvent>();
  readonly #servicePorts = new Map<string, number[]>();

  constructor(private readonly xen: Xen) {}

  #allocate(d: Domain): Channel | number {
    if (!d.alive) return -EINVAL;
    return d.evtchn.allocate((port) => d.evtchn.ops.isBusy(this.xen, d, port));
  }

  #remote(caller: Domain, domid: number): Domain | undefined {
    return domid === DOMID_SELF ? caller : this.xen.domain(domid);
  }

  /** EVTCHNOP_alloc_unbound: a port of `d` that `remoteDomid` may bind. */
  allocUnbound(d: Domain, remoteDomid: number, callerId = d.id): PortOrError {
    const ch = this.#allocate(d);
    if (typeof ch === 'number') return ch;
    ch.state = 'unbound';
    ch.remoteDomid = remoteDomid === DOMID_SELF ? callerId : remoteDomid;
    ch.notifyVcpu = 0;
    return ch.port;
  }

  /** alloc_unbound_xen_event_channel: a port of `d` whose notifications Xen consumes for vCPU `vcpu`. */
  allocUnboundXen(d: Domain, vcpu: number, remoteDomid: number, consumer: XenConsumer): PortOrError {
    const port = this.allocUnbound(d, remoteDomid);
    if (port < 0) return port;
    const ch = d.evtchn.channels[port]!;
    ch.xenConsumer = consumer;
    ch.notifyVcpu = vcpu;
    return port;
  }

  /** free_xen_event_channel: the emulator's end becomes unbound; its later sends are dropped. */
  freeXen(d: Domain, port: number): void {
    const ch = d.evtchn.at(port);
    if (ch === undefined) return;
    ch.xenConsumer = undefined;
    this.close(d, port, true);
  }

  /** EVTCHNOP_bind_interdomain. The binder's port becomes pending once, for what was lost while unbound. */
  bindInterdomain(d: Domain, remoteDomid: number, remotePort: number, service?: string): PortOrError {
    const rd = this.#remote(d, remoteDomid);
    if (rd === undefined) return -ESRCH;
    const rch = rd.evtchn.at(remotePort);
    if (rch === undefined || rch.state !== 'unbound' || rch.remoteDomid !== d.id) return -EINVAL;
    const lch = this.#allocate(d);
    if (typeof lch === 'number') return lch;
    lch.state = 'interdomain';
    lch.remoteDomid = rd.id;
    lch.remotePort = remotePort;
    lch.service = service;
    rch.state = 'interdomain';
    rch.remoteDomid = d.id;
    rch.remotePort = lch.port;
    this.setPending(d, lch);
    return lch.port;
  }

  /** EVTCHNOP_bind_virq; global virqs need vCPU 0. */
  bindVirq(d: Domain, virq: number, vcpu: number): PortOrError {
    const v = d.vcpus[vcpu];
    if (virq < 0 || virq >= NR_VIRQS) return -EINVAL;
    if (!PER_VCPU_VIRQS.has(virq) && vcpu !== 0) return -EINVAL;
    if (v === undefined) return -ENOENT;
    if (v.virqToEvtchn[virq] !== 0) return -EEXIST;
    const ch = this.#allocate(d);
    if (typeof ch === 'number') return ch;
    ch.state = 'virq';
    ch.virq = virq;
    ch.notifyVcpu = vcpu;
    v.virqToEvtchn[virq] = ch.port;
    return ch.port;
  }

  /** EVTCHNOP_bind_ipi. */
  bindIpi(d: Domain, vcpu: number): PortOrError {
    if (d.vcpus[vcpu] === undefined) return -ENOENT;
    const ch = this.#allocate(d);
    if (typeof ch === 'number') return ch;
    ch.state = 'ipi';
    ch.notifyVcpu = vcpu;
    return ch.port;
  }

  /** EVTCHNOP_close. The other end of an interdomain channel becomes unbound, for the same domain to bind again. */
  close(d: Domain, port: number, byXen = false): number {
    const ch = d.evtchn.at(port);
    if (ch === undefined) return -EINVAL;
    if (ch.xenConsumer !== undefined && !byXen) return -EINVAL;
    if (ch.state === 'virq') {
      for (const v of d.vcpus) if (v.virqToEvtchn[ch.virq] === port) v.virqToEvtchn[ch.virq] = 0;
    }
    if (ch.state === 'interdomain') {
      const other = this.xen.domain(ch.remoteDomid)?.evtchn.at(ch.remotePort);
      if (other !== undefined && other.state === 'interdomain' && other.remotePort === port) {
        other.state = 'unbound';
        other.remoteDomid = d.id;
        other.remotePort = 0;
      }
    }
    d.evtchn.ops.clearPending(this.xen, d, ch);
    // The queue that the port was last in stays known: the guest may not have taken it out yet.
    d.evtchn.channels[port] = { ...newChannel(port), lastVcpu: ch.lastVcpu, lastPriority: ch.lastPriority };
    return 0;
  }

  /** EVTCHNOP_send by the domain itself. */
  send(d: Domain, port: number): number {
    const ch = d.evtchn.at(port);
    if (ch === undefined || ch.xenConsumer !== undefined) return -EINVAL;
    return this.#notify(d, ch);
  }

  /** notify_via_xen_event_channel: Xen signals the other end; nothing happens while that is unbound. */
  notifyViaXen(d: Domain, port: number): void {
    const ch = d.evtchn.at(port);
    if (ch === undefined || ch.state !== 'interdomain' || !d.alive) return;
    this.#notify(d, ch);
  }

  #notify(d: Domain, ch: Channel): number {
    switch (ch.state) {
      case 'interdomain': {
        const rd = this.xen.domain(ch.remoteDomid);
        const rch = rd?.evtchn.at(ch.remotePort);
        if (rd === undefined || rch === undefined) return 0;
        if (rch.xenConsumer !== undefined) this.#xenNotification(rd, rch);
        else this.setPending(rd, rch);
        return 0;
      }
      case 'ipi':
        this.setPending(d, ch);
        return 0;
      case 'unbound':
        return 0; // the notification is lost; bind_interdomain makes up for it
      default:
        return -EINVAL;
    }
  }

  #xenNotification(d: Domain, ch: Channel): void {
    if (ch.xenConsumer === 'vpl011') d.vuart?.onBackendEvent();
    else this.xen.unblockFromXen(d.vcpus[ch.notifyVcpu]!);
  }

  /** Marks a port pending: a service is called after its latency, a vCPU is shown it in guest memory. */
  setPending(d: Domain, ch: Channel): void {
    if (ch.service !== undefined) {
      this.#serviceEvent(ch.service, ch.port);
      return;
    }
    const v = d.vcpus[ch.notifyVcpu];
    if (v === undefined) return; // a domain without vCPUs has nobody to tell
    const masked = d.evtchn.ops.isMasked(this.xen, d, ch.port);
    if (!this.xen.deliveries.post(v, ch.port, masked)) this.#show(d, v, ch);
  }

  /** A posted notification has reached its time; the port may have been closed meanwhile. */
  deliver(domid: number, port: number): void {
    const d = this.xen.domain(domid);
    const ch = d?.evtchn.at(port);
    const v = ch === undefined ? undefined : d?.vcpus[ch.notifyVcpu];
    if (d !== undefined && ch !== undefined && v !== undefined) this.#show(d, v, ch);
  }

  #show(d: Domain, v: Vcpu, ch: Channel): void {
    d.evtchn.ops.setPending(this.xen, d, v, ch);
    this.#checkPollers(d, ch.port);
  }

  /** A vCPU in SCHEDOP_poll wakes when one of its ports becomes pending (xen: evtchn_check_pollers). */
  #checkPollers(d: Domain, port: number): void {
    for (const v of d.vcpus) {
      if (v.pollEvtchn === port || v.pollEvtchn < 0) {
        v.pollEvtchn = 0;
        this.xen.unblock(v);
      }
    }
  }

  #serviceEvent(service: string, port: number): void {
    const ports = this.#servicePorts.get(service) ?? [];
    if (!ports.includes(port)) ports.push(port);
    this.#servicePorts.set(service, ports);
    const event = this.#eventOf(service);
    const latency = this.xen.services.get(service)?.latency;
    if (event.when === undefined && latency !== undefined)
      event.scheduleAt(this.xen.clock.now() + this.xen.costTicks(latency));
  }

  #eventOf(service: string): TimedEvent {
    let event = this.#serviceEvents.get(service);
    if (event === undefined) {
      event = this.xen.clock.event(`service.${service}`, () => {
        const ports = this.#servicePorts.get(service) ?? [];
        this.#servicePorts.set(service, []);
        for (const port of ports) this.xen.services.get(service)?.onEvent(port);
      });
      this.#serviceEvents.set(service, event);
    }
    return event;
  }

  /** send_guest_vcpu_virq / global virq to a domain. */
  sendVirq(d: Domain, virq: number, vcpu = 0): void {
    const port = d.vcpus[vcpu]?.virqToEvtchn[virq] ?? 0;
    const ch = port === 0 ? undefined : d.evtchn.at(port);
    if (ch !== undefined) this.setPending(d, ch);
  }

  /** EVTCHNOP_bind_vcpu: whom the port's events go to. */
  bindVcpu(d: Domain, port: number, vcpu: number): number {
    if (d.vcpus[vcpu] === undefined) return -ENOENT;
    const ch = d.evtchn.at(port);
    if (ch === undefined || ch.xenConsumer !== undefined || ch.state === 'ipi') return -EINVAL;
    if (ch.state === 'virq' && PER_VCPU_VIRQS.has(ch.virq)) return -EINVAL;
    ch.notifyVcpu = vcpu;
    return 0;
  }

  /** EVTCHNOP_unmask. */
  unmask(d: Domain, port: number): number {
    const ch = d.evtchn.at(port);
    if (ch === undefined) return -EINVAL;
    d.evtchn.ops.unmask(this.xen, d, ch);
    return 0;
  }

  /** EVTCHNOP_init_control: switches the domain to the FIFO ABI and places a vCPU's control block. */
  initControl(d: Domain, gfn: number, offset: number, vcpu: number): number {
    const v = d.vcpus[vcpu];
    if (v === undefined) return -ENOENT;
    if (offset % 8 !== 0 || offset > 4096 - 72) return -EINVAL;
    if (d.evtchn.fifo?.controlBlock[vcpu] !== undefined) return -EINVAL;
    const frame = this.#hold(d, gfn);
    if (frame === undefined) return -EINVAL;
    if (d.evtchn.fifo === undefined) {
      // Events that were pending in the 2-level bitmaps must not be lost (xen: setup_ports).
      for (const ch of d.evtchn.channels) {
        if (ch.port !== 0 && event2l.isPending(this.xen, d, ch.port)) ch.pending = true;
        ch.priority = EVTCHN_DEFAULT_PRIORITY;
      }
      d.evtchn.fifo = new FifoState(d.vcpus.length);
    }
    d.evtchn.fifo.controlBlock[vcpu] = frame + offset;
    return 0;
  }

  /** A frame that Xen writes to from now on: the reference keeps it from becoming somebody else's. */
  #hold(d: Domain, gfn: number): number | undefined {
    const frame = this.xen.gfnToPa(d, gfn);
    return frame !== undefined && this.xen.heap.getPage(frame) ? frame : undefined;
  }

  /** evtchn_fifo_destroy: back to the 2-level ABI; the frames are the guest's alone again. */
  #dropFifo(d: Domain): void {
    const { fifo } = d.evtchn;
    d.evtchn.fifo = undefined;
    for (const pa of [...(fifo?.arrayPages ?? []), ...(fifo?.controlBlock ?? [])])
      if (pa !== undefined) this.xen.putPage(pa);
  }

  /** EVTCHNOP_expand_array: one more page of event words. */
  expandArray(d: Domain, gfn: number): number {
    const fifo = d.evtchn.fifo;
    if (fifo === undefined) return -EOPNOTSUPP;
    if (fifo.arrayPages.length >= EVTCHN_FIFO_NR_CHANNELS / 1024) return -ENOSPC;
    const frame = this.#hold(d, gfn);
    if (frame === undefined) return -EINVAL;
    const first = fifo.arrayPages.length * 1024;
    fifo.arrayPages.push(frame);
    for (let port = Math.max(first, 1); port < first + 1024; port++) {
      const ch = d.evtchn.at(port);
      if (ch?.pending === true) {
        ch.pending = false;
        this.setPending(d, ch);
      }
    }
    return 0;
  }

  /** EVTCHNOP_set_priority (FIFO only; 0 highest .. 15). */
  setPriority(d: Domain, port: number, priority: number): number {
    const ch = d.evtchn.at(port);
    if (ch === undefined) return -EINVAL;
    if (d.evtchn.fifo === undefined) return -ENOSYS;
    if (priority > 15) return -EINVAL;
    ch.priority = priority;
    return 0;
  }

  /** EVTCHNOP_reset: closes all ports that the domain may close, and goes back to the 2-level ABI. */
  reset(d: Domain): number {
    if (d.isDying !== 0) return -EBUSY;
    for (const ch of [...d.evtchn.channels])
      if (ch.state !== 'free' && ch.xenConsumer === undefined) this.close(d, ch.port);
    this.#dropFifo(d);
    return 0;
  }

  /** evtchn_destroy: at domain_kill every port goes, the Xen-consumed ones too. */
  destroy(d: Domain): void {
    for (const ch of [...d.evtchn.channels]) {
      if (d.evtchn.at(ch.port) !== undefined) this.close(d, ch.port, true);
    }
    this.#dropFifo(d);
  }

  /** Whether `caller` may act for `domid`; only the control domain acts for others. */
  target(caller: Domain, domid: number): Domain | number {
    const d = this.#remote(caller, domid);
    if (d === undefined) return -ESRCH;
    return d === caller || caller.isControl ? d : -EPERM;
  }

  save(): unknown {
    return [...this.#servicePorts].map(([service, ports]) => [service, [...ports]]);
  }

  /** The events themselves are restored by the machine's queue, so they are created here by name. */
  load(state: unknown): void {
    this.#servicePorts.clear();
    for (const [service, ports] of state as [string, number[]][]) {
      this.#servicePorts.set(service, [...ports]);
      this.#eventOf(service);
    }
  }
}
