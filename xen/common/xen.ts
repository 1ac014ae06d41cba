import type { Trace } from '../../sim/trace/record.js';
import type { GuestErrors } from '../../sim/machine/device.js';
import type { Clock } from '../../sim/machine/events.js';
import type { PhysicalMemory } from '../../sim/machine/memory.js';
import type { Ticks } from '../../sim/machine/time.js';
import type { XenCore, XenGic, XenLedger } from '../arch/arm/hardware.js';
import type { DomainConfig } from './domctl.js';
import { createDomain, destroyDomain } from './domctl.js';
import type { Blocked, Domain, Vcpu } from './domain.js';
import * as life from './lifecycle.js';
import type { EventChannels } from './event_channel.js';
import type { GrantTables } from './grant_table.js';
import { Heap, type RamBank } from './heap.js';
import type { Ioreq } from './ioreq.js';
import { Pcpu } from './pcpu.js';
import { XenTimers } from './timer.js';
import { createScheduler, type Scheduler, type SchedulerOptions } from './sched.js';
import { hypercall } from '../arch/arm/hypercall.js';
import { vgicInjectIrq } from '../arch/arm/vgic.js';
import { VmidAllocator } from '../arch/arm/p2m.js';

/** What a handler of the hypercall table gets. Arguments are x0..x4 (or what a modelled caller passed). */
export interface HypercallContext {
  readonly xen: Xen;
  readonly vcpu: Vcpu;
  /** Index of the pCPU it runs on. */
  readonly pcpu: number;
  /** Argument 0..4. */
  arg(i: number): bigint;
}

/**
 * Result in two's complement (negative = -errno), or BLOCKED: the call is made again, from its top, when the vCPU
 * runs next (upstream's continuation: the PC stays at the HVC).
 */
export type HypercallHandler = (x: HypercallContext) => bigint | Blocked;

/** A service of Dom0 that is no vCPU (xenstored, xenconsoled, toolstack). */
export interface XenService {
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
  /** Guest-visible SoC address of GICV, and whether the 64 KiB alias layout is used. */
  gicv: { base: number; alias64k: boolean };
  cntfrqHz: number;
  scheduler: SchedulerOptions;
  /** What Xen answers to SMCCC_ARCH_FEATURES (declared firmware fact, docs/timing.md). */
  workarounds: { wa1: boolean; wa2: boolean; wa3: boolean };
  /** Also charge the firmware call that hardened vectors make on each trap from a guest. */
  branchPredictorHardening: boolean;
  /** Seconds since 1970 at power-on, for shared_info's wall clock. */
  epoch: number;
  /** Where the guest GIC and the console are told apart: the version string for xen_version. */
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
  ledger: XenLedger;
  /** Ticks that `count` units of a timing entry cost on a core of `ticksPerCycle`; bytes for per-KiB entries. */
  costTicks(name: string, ticksPerCycle: number, bytes: number): Ticks;
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
  readonly ledger: XenLedger;
  readonly heap: Heap;
  readonly vmids = new VmidAllocator();
  readonly timers: XenTimers;
  readonly sched: Scheduler;
  readonly pcpus: Pcpu[];
  readonly domains = new Map<number, Domain>();
  /** Domains that are dead but still referenced; looked up by nobody, freed when `refs` reaches zero. */
  readonly services = new Map<string, XenService>();
  /** Registered by hypercalls.ts: number -> handler. */
  hypercalls: Record<number, HypercallHandler> = {};
  toolstack: ToolstackHooks | undefined;
  evtchn!: EventChannels;
  gnttab!: GrantTables;
  ioreq!: Ioreq;
  nextDomid = 1;
  #nextRequest = 1;
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
    this.heap = new Heap(options.ram);
    this.pcpus = hardware.cores.map((core, index) => new Pcpu(this, index, core));
    this.timers = new XenTimers(this);
    this.sched = createScheduler(this, options.scheduler);
  }

  // ---- time and cost ----

  /** Charges a named cost to a pCPU: moves its local time. Call it before the effect. */
  charge(pcpu: number, cost: string, count = 1, bytes = 0): void {
    const p = this.pcpus[pcpu]!;
    const ticks = this.#hw.costTicks(cost, p.core.ticksPerCycle, bytes);
    p.core.charge(Number(ticks) * count);
  }

  /** Ticks of a named cost as a delay (a pCPU of the first core's speed for entries in cycles). */
  costTicks(cost: string, bytes = 0): Ticks {
    return this.#hw.costTicks(cost, this.pcpus[0]?.core.ticksPerCycle ?? 4, bytes);
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

  /** A new request id; 0 is never given out. */
  nextRequestId(): number {
    return this.#nextRequest++;
  }

  /** Ends the step that ran up to now on `pcpu` and names it: the ledger's intervals tile the request. */
  mark(request: number, step: string, phase: string, pcpu: number, cost?: string): void {
    if (request !== 0) this.ledger.mark(request, step, phase, pcpu, this.now(pcpu), cost);
  }

  // ---- vCPUs ----

  currentVcpu(pcpu: number): Vcpu {
    return this.pcpus[pcpu]!.current;
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
      nextRequest: this.#nextRequest,
      heap: this.heap.save(),
      vmids: this.vmids.save(),
      domains: [...this.domains.values()].map((d) => ({ id: d.id, state: d.save() })),
      services: [...this.services].map(([name, s]) => [name, s.save()]),
      sched: this.sched.save(),
      timers: this.timers.save(),
      pcpus: this.pcpus.map((p) => p.save()),
    };
  }

  /** Domains (with the saved ids and options) and services must exist: createDomain is called by the caller first. */
  load(state: unknown): void {
    const s = state as any;
    this.nextDomid = s.nextDomid;
    this.#nextRequest = s.nextRequest;
    this.heap.load(s.heap);
    this.vmids.load(s.vmids);
    for (const { id, state: saved } of s.domains) this.domains.get(id)?.load(saved);
    for (const [name, saved] of s.services) this.services.get(name)?.load(saved);
    this.sched.load(s.sched);
    this.timers.load(s.timers);
    this.pcpus.forEach((p, i) => p.load(s.pcpus[i]));
  }
}
