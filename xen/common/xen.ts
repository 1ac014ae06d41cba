import type { Costs } from '../../sim/timing/costs.js';
import type { RequestLedger } from '../../sim/trace/ledger.js';
import { TraceKind, type Trace } from '../../sim/trace/record.js';
import type { GuestErrors } from '../../sim/machine/device.js';
import type { Clock } from '../../sim/machine/events.js';
import type { PhysicalMemory } from '../../sim/machine/memory.js';
import type { Ticks } from '../../sim/machine/time.js';
import type { XenCore, XenGic } from '../arch/arm/hardware.js';
import type { TimedEvent } from '../../sim/machine/events.js';
import type { BaselineName } from './baselines.js';
import { createDomain, createIdleVcpu, destroyDomain, reviveDomain, type DomainConfig } from './domctl.js';
import type { Blocked, Domain, Vcpu } from './domain.js';
import * as life from './lifecycle.js';
import type { EventChannels } from './event_channel.js';
import type { GrantTables } from './grant_table.js';
import { Deliveries } from './delivery.js';
import { Heap, type RamBank } from './heap.js';
import type { Ioreq } from './ioreq.js';
import { Pcpu } from './pcpu.js';
import { XenTimers } from './timer.js';
import { LINE_VIRQ } from '../../sim/wasm/layout.js';
import type { Scheduler, SchedulerOptions } from './sched.js';
import { createScheduler } from './schedulers.js';
import { registerSchedTimer } from '../arch/arm/context.js';
import { hypercall, modelledHypercall } from '../arch/arm/hypercall.js';
import { vgicInjectIrq } from '../arch/arm/vgic.js';
import { VmidAllocator } from '../arch/arm/p2m.js';
import { registerVtimerHandlers } from '../arch/arm/vtimer.js';

/** `resolved`: the P2M entry became valid; `injected`: nobody claimed the access; `emulated`: completed without a server. */
export type WindowAbort = 'resolved' | 'injected' | 'emulated';

/** What a handler of the hypercall table gets. Arguments are x0..x4 (or what a modelled caller passed). */
export interface HypercallContext {
  readonly xen: Xen;
  readonly vcpu: Vcpu;
  /** Index of the pCPU it runs on. */
  readonly pcpu: number;
  /** Argument 0..4. */
  arg(i: number): bigint;
  /** Ends this part of a long call: it is made again with these arguments. Guests only: modelled software has no long ones. */
  readonly continueWith?: (args: readonly bigint[]) => Blocked;
}

/**
 * Result in two's complement (negative = -errno), or BLOCKED: the call is made again, from its top, when the vCPU
 * runs next (upstream's continuation: the PC stays at the HVC).
 */
export type HypercallHandler = (x: HypercallContext) => bigint | Blocked;

/** A service of Dom0 that is no vCPU (xenstored, xenconsoled, toolstack). */
export interface XenService {
  /** Timing entry of the time from a notification to onEvent. */
  readonly latency: string;
  /** `port` of the service's side became pending. Called from the event queue, after the table's latency. */
  onEvent(port: number): void;
  /** A global virq (VIRQ_DOM_EXC 3 ...). */
  onVirq?(virq: number): void;
  save(): unknown;
  load(state: unknown): void;
}

/** Facts and choices that the board or user sets. */
export interface XenOptions {
  /** Machine core indices that Xen runs on; pCPU n is pcpus[n]. */
  pcpus: number[];
  ram: RamBank[];
  /** SoC address of GICV, and whether it is in the aliased 64 KiB layout. */
  gicv: { base: number; alias64k: boolean };
  /** Version of the behaviour, see baselines.ts. */
  baseline: BaselineName;
  /** CONFIG_IOREQ_SERVER; built in if not given. */
  ioreqServer?: boolean;
  scheduler: SchedulerOptions;
  /** What Xen answers to SMCCC_ARCH_FEATURES (declared firmware fact, docs/timing.md). */
  workarounds: { wa1: boolean; wa2: boolean; wa3: boolean };
  /** Also charge the firmware call that hardened vectors make on each trap from a guest. */
  branchPredictorHardening: boolean;
  /** vwfi=native: WFI and WFE are not trapped (xen: docs/misc/xen-command-line). */
  vwfiNative?: boolean;
  /** The ledger has hypercalls, emulated accesses and injected interrupts of guests too, not only requests to backends. */
  measurePaths?: boolean;
  /** Seconds since 1970 at power-on, for shared_info's wall clock. */
  epoch: number;
  /** What xen_version answers. */
  version: { major: number; minor: number; extra: string };
}

/** Everything the hypervisor stands on; index.ts composes it. */
export interface XenHardware {
  memory: PhysicalMemory;
  clock: Clock;
  errors: GuestErrors;
  gic: XenGic;
  /** One per pCPU, in the order of options.pcpus. */
  cores: XenCore[];
  trace: Trace;
  ledger: RequestLedger;
  costs: Costs;
  /** Drops the TLB entries of a VMID on all cores. */
  tlbFlushVmid(vmid: number): void;
}

/** Asynchronous consequences that the toolstack deals with. */
export interface ToolstackHooks {
  /** The domain is shut down (all its vCPUs are paused); policy decides. Called from the event queue. */
  onShutdown(d: Domain): void;
  /** Its last reference went: nothing of it remains. */
  onDestroyed?(domid: number): void;
}

/** The hypervisor instance. Parts made by other modules are plugged in before the first domain is created. */
export class Xen {
  readonly memory: PhysicalMemory;
  readonly clock: Clock;
  readonly errors: GuestErrors;
  readonly gic: XenGic;
  readonly trace: Trace;
  readonly ledger: RequestLedger;
  readonly costs: Costs;
  readonly heap: Heap;
  readonly vmids = new VmidAllocator();
  readonly timers: XenTimers;
  readonly sched: Scheduler;
  readonly deliveries: Deliveries;
  readonly pcpus: Pcpu[];
  readonly domains = new Map<number, Domain>();
  /** Dom0's daemons, by name. */
  readonly services = new Map<string, XenService>();
  /** Registered by hypercalls.ts: number -> handler. */
  hypercalls: Record<number, HypercallHandler> = {};
  toolstack: ToolstackHooks | undefined;
  evtchn!: EventChannels;
  gnttab!: GrantTables;
  ioreq!: Ioreq;
  nextDomid = 1;
  /** Stage-2 data aborts in the virtio-mmio window that became no request, by what they became. */
  windowAborts: Record<WindowAbort, number> = { resolved: 0, injected: 0, emulated: 0 };
  /** pCPU whose code is running now, -1 in an event handler. */
  thisPcpu = -1;
  /** The request on whose behalf an event is being sent, 0 = none. */
  notifyRequest = 0;
  /** Domains whose shutdown the toolstack has not been told of. */
  #shutdowns: number[] = [];
  readonly #domExc: TimedEvent;
  readonly #hw: XenHardware;

  constructor(
    hardware: XenHardware,
    readonly options: XenOptions,
  ) {
    this.#hw = hardware;
    this.memory = hardware.memory;
    this.clock = hardware.clock;
    this.errors = hardware.errors;
    this.gic = hardware.gic;
    this.trace = hardware.trace;
    this.ledger = hardware.ledger;
    this.costs = hardware.costs;
    this.heap = new Heap(options.ram);
    this.pcpus = hardware.cores.map((core, index) => new Pcpu(this, index, core));
    this.timers = new XenTimers(this);
    this.sched = createScheduler(this, options.scheduler);
    this.deliveries = new Deliveries(this);
    this.#domExc = this.clock.event('xen.dom_exc', () => this.#deliverDomExc());
    for (const p of this.pcpus) createIdleVcpu(this, p);
    registerSchedTimer(this);
    registerVtimerHandlers(this);
  }

  // ---- time and cost ----

  /** Charges `count` times a named cost to a pCPU: moves its local time. Call it before the effect. */
  charge(pcpu: number, cost: string, count = 1, bytes = 0): void {
    const p = this.pcpus[pcpu]!;
    const { core } = p;
    const cycles = this.costs.peek(cost, core.ticksPerCycle, bytes) * count;
    this.costs.count(cost, count, cycles * core.ticksPerCycle);
    const start = core.now();
    core.charge(cycles);
    p.charged(cost, start, core.now());
  }

  /** Ticks of a named cost as a delay (entries in cycles: of the first pCPU's). */
  costTicks(cost: string, bytes = 0): Ticks {
    const perCycle = this.pcpus[0]?.core.ticksPerCycle ?? 1;
    return BigInt(this.costs.cost(cost, perCycle, bytes) * perCycle);
  }

  /** Local time of a pCPU in base ticks. */
  now(pcpu: number): Ticks {
    return this.pcpus[pcpu]!.core.now();
  }

  /** System time in ns as guests see it (xen: NOW()), from base ticks. */
  systemTimeNs(ticks: Ticks): bigint {
    return (ticks * 1_000_000_000n) / BigInt(this.clock.tickHz);
  }

  nsToTicks(ns: bigint): Ticks {
    return (ns * BigInt(this.clock.tickHz)) / 1_000_000_000n;
  }

  // ---- request ledger ----

  closeRequest(request: number, pcpu: number): void {
    if (this.ledger.lastBoundary(request) !== undefined) this.ledger.close(request, this.now(pcpu));
  }

  /** The request will not complete. */
  abandonRequest(request: number): void {
    if (request !== 0) this.ledger.abandon(request, this.clock.now());
  }

  // ---- vCPUs ----

  currentVcpu(pcpu: number): Vcpu {
    return this.pcpus[pcpu]!.current;
  }

  /** `current`: the vCPU on whose behalf code runs now; undefined in an event handler. */
  thisVcpu(): Vcpu | undefined {
    return this.pcpus[this.thisPcpu]?.current;
  }

  /** Clears a blocking flag's effect: puts the vCPU on a run queue if it is runnable now (vcpu_wake). */
  wake(v: Vcpu): void {
    life.vcpuWake(this, v);
  }

  /** vcpu_block: waits for an event; returns at once if one is pending. Takes effect when the exit path runs. */
  block(v: Vcpu): void {
    life.vcpuBlockUnlessEventPending(this, v);
  }

  /** vcpu_unblock: clears VPF_BLOCKED and wakes. */
  unblock(v: Vcpu): void {
    life.vcpuUnblock(this, v);
  }

  yield(v: Vcpu): void {
    this.sched.yield(v);
    this.pcpus[v.processor]!.raiseSchedule();
  }

  /** Sets VPF_BLOCKED_IN_XEN on the current vCPU and asks for a reschedule (prepare_wait_on_xen_event_channel). */
  prepareWaitOnXenEventChannel(v: Vcpu): void {
    life.prepareWaitOnXenEventChannel(this, v);
  }

  /** The Xen-consumed channel of `v` was notified: wakes it if it waits in Xen. */
  unblockFromXen(v: Vcpu): void {
    life.unblockFromXen(this, v);
  }

  // ---- domains ----

  createDomain(config: DomainConfig): Domain {
    return createDomain(this, config);
  }

  /** domain_kill, whole (xen-ioreq 3.3). */
  destroyDomain(d: Domain): void {
    destroyDomain(this, d);
  }

  pauseDomain(d: Domain): void {
    life.domainPause(this, d);
  }

  unpauseDomain(d: Domain): void {
    life.domainUnpause(this, d);
  }

  shutdownDomain(d: Domain, reason: number): void {
    life.domainShutdown(this, d, reason);
  }

  /** domain_crash: the guest's or its emulator's mistake ends the domain. */
  crashDomain(d: Domain, why: string): void {
    this.errors.report('domain-crash', `d${d.id}`, why);
    life.domainShutdown(this, d, 3);
  }

  /** A live domain, or undefined (dying ones are found: callers check `alive` where upstream does). */
  domain(domid: number): Domain | undefined {
    return this.domains.get(domid);
  }

  getDomain(d: Domain): void {
    d.refs++;
  }

  putDomain(d: Domain): void {
    life.putDomain(this, d);
  }

  // ---- arch entry points used by the common part ----

  /** vgic_inject_irq; v === null: an SPI, sent to its target vCPU. */
  injectVirq(d: Domain, v: Vcpu | null, intid: number, level: boolean): void {
    vgicInjectIrq(this, d, v, intid, level);
  }

  tlbFlushVmid(vmid: number): void {
    this.#hw.tlbFlushVmid(vmid);
  }

  /** put_page: drops a reference; the last one frees the frame and may let its dead owner go. */
  putPage(pa: number): void {
    const owner = this.heap.putPage(pa);
    const d = owner === undefined ? undefined : this.domains.get(owner);
    if (d === undefined) return;
    d.totPages--;
    life.freeIfUnused(this, d);
  }

  /** VIRQ_DOM_EXC and the like: services of Dom0 are told from the event queue. */
  sendGlobalVirq(virq: number): void {
    if (virq === life.VIRQ_DOM_EXC) this.#domExc.scheduleAt(this.clock.now());
    for (const d of this.domains.values()) if (d.isControl) this.evtchn.sendVirq(d, virq);
  }

  #deliverDomExc(): void {
    for (const d of [...this.domains.values()]) {
      if (!d.isShutDown || d.isDying || this.#shutdowns.includes(d.id)) continue;
      this.#shutdowns.push(d.id);
      this.toolstack?.onShutdown(d);
    }
    this.#shutdowns = this.#shutdowns.filter((id) => this.domains.get(id)?.isShutDown);
    for (const service of this.services.values()) service.onVirq?.(life.VIRQ_DOM_EXC);
  }

  /** A record of something that happened to a domain. */
  traceDomain(d: Domain, what: string, value: number): void {
    const core = this.thisPcpu >= 0 ? this.pcpus[this.thisPcpu]!.core.index : 0xff;
    this.trace.recordAt(TraceKind.DomainEvent, core, this.clock.now(), d.id, this.trace.name(what), value);
  }

  /** A record of a quantity that has changed; `subject` is whose. */
  traceCounter(counter: string, subject: string, value: number): void {
    const { trace } = this;
    const core = this.thisPcpu >= 0 ? this.pcpus[this.thisPcpu]!.core.index : 0xff;
    trace.recordAt(TraceKind.Counter, core, this.clock.now(), trace.name(counter), trace.name(subject), value);
  }

  /** A record of something that `subject` begins, with an amount of bytes; without a name: it has ended. */
  traceSpan(subject: string, span = '', amount = 0): void {
    const { trace } = this;
    const begin = span === '' ? 0 : 1;
    const name = begin === 0 ? 0 : trace.name(span);
    trace.recordAt(TraceKind.Span, 0xff, this.clock.now(), name, trace.name(subject), begin, amount);
  }

  /** A hypercall made by a modelled vCPU's software, with the cost of trap and return. See hypercall.ts. */
  modelledHypercall(v: Vcpu, pcpu: number, nr: number, args: readonly bigint[]): bigint | Blocked {
    return modelledHypercall(this, v, pcpu, nr, args);
  }

  /** True if a modelled vCPU that is loaded on `pcpu` has a virtual interrupt to take. */
  virqPending(pcpu: number): boolean {
    return (this.pcpus[pcpu]!.core.lines & LINE_VIRQ) !== 0;
  }

  /** GICV_IAR and GICV_EOIR as modelled software reads and writes them; charged. */
  virqAcknowledge(pcpu: number): number {
    this.charge(pcpu, 'bus.gicRead');
    return this.gic.virtualAcknowledge(pcpu);
  }

  virqEoi(pcpu: number, iar: number): void {
    this.charge(pcpu, 'bus.gicWrite');
    this.gic.virtualEoi(pcpu, iar);
  }

  /** Runs hypercall `nr` for `v` (already trapped and charged): table lookup, trace, -ENOSYS. */
  hypercall(v: Vcpu, pcpu: number, nr: number, args: readonly bigint[]): bigint | Blocked {
    return hypercall(this, v, pcpu, nr, args);
  }

  /** SoC physical address behind a guest frame that is RAM (or foreign, grant), else undefined. */
  gfnToPa(d: Domain, gfn: number): number | undefined {
    return d.p2m.ramPa(gfn);
  }

  save(): unknown {
    return {
      nextDomid: this.nextDomid,
      windowAborts: { ...this.windowAborts },
      shutdowns: [...this.#shutdowns],
      evtchn: this.evtchn.save(),
      deliveries: this.deliveries.save(),
      heap: this.heap.save(),
      vmids: this.vmids.save(),
      domains: [...this.domains.values()].map((d) => ({ id: d.id, state: d.save() })),
      services: [...this.services].map(([name, s]) => [name, s.save()]),
      sched: this.sched.save(),
      timers: this.timers.save(),
      pcpus: this.pcpus.map((p) => p.save()),
    };
  }

  /**
   * Takes a saved state over. Domains that exist under the same id and uuid keep their objects (and programs); others
   * are made or forgotten. Services must exist.
   */
  load(state: unknown): void {
    const s = state as any;
    this.nextDomid = s.nextDomid;
    this.windowAborts = { ...s.windowAborts };
    this.#shutdowns = [...s.shutdowns];
    this.evtchn.load(s.evtchn);
    this.deliveries.load(s.deliveries);
    this.heap.load(s.heap);
    this.vmids.load(s.vmids);
    const kept = new Map<number, Domain>();
    for (const { id, state: saved } of s.domains) {
      const same = this.domains.get(id);
      kept.set(id, same !== undefined && same.uuid === saved.uuid ? same : reviveDomain(this, saved));
    }
    this.domains.clear();
    for (const [id, d] of kept) this.domains.set(id, d);
    for (const { id, state: saved } of s.domains) this.domains.get(id)!.load(saved);
    for (const [name, saved] of s.services) this.services.get(name)?.load(saved);
    this.sched.load(s.sched);
    this.timers.load(s.timers);
    this.pcpus.forEach((p, i) => p.load(s.pcpus[i]));
  }
}
