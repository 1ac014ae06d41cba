import type { VcpuArch } from '../arch/arm/vcpu.js';
import type { P2m } from '../arch/arm/p2m.js';
import type { VgicDomain } from '../arch/arm/vgic-state.js';
import type { Vpl011 } from '../arch/arm/vpl011.js';
import type { EvtchnState } from './event_channel.js';
import type { GrantState } from './grant_table.js';
import type { IoreqState } from './ioreq.js';

/** Why a vCPU is not runnable (xen: xen/include/xen/sched.h). */
export const VPF_BLOCKED = 1;
export const VPF_DOWN = 2;
export const VPF_BLOCKED_IN_XEN = 4;
export const VPF_MIGRATING = 8;

export const DOMID_SELF = 0x7ff0;
export const DOMID_IO = 0x7ff1;
export const DOMID_XEN = 0x7ff2;
export const DOMID_INVALID = 0x7ff4;
export const DOMID_IDLE = 0x7fff;
export const DOMID_FIRST_RESERVED = 0x7ff0;

/** Shutdown reasons (xen: xen/include/public/sched.h). */
export const SHUTDOWN_POWEROFF = 0;
export const SHUTDOWN_REBOOT = 1;
export const SHUTDOWN_SUSPEND = 2;
export const SHUTDOWN_CRASH = 3;
export const SHUTDOWN_WATCHDOG = 4;
export const SHUTDOWN_SOFT_RESET = 5;

/** The answer of a step that has to be run again from its top when the vCPU is scheduled next. */
export const BLOCKED = 'blocked' as const;
export type Blocked = typeof BLOCKED;

/** VCPU runstates (xen: xen/include/public/vcpu.h). */
export const RUNSTATE_RUNNING = 0;
export const RUNSTATE_RUNNABLE = 1;
export const RUNSTATE_BLOCKED = 2;
export const RUNSTATE_OFFLINE = 3;

export interface Runstate {
  state: 0 | 1 | 2 | 3;
  /** Base tick at which `state` was entered. */
  since: bigint;
  /** Base ticks spent in each state. */
  time: [bigint, bigint, bigint, bigint];
}

/** One ioreq as Xen keeps it (`v->io.req`); `addr` is an IPA (40 bits: exact as a number). */
export interface IoreqRecord {
  addr: number;
  data: bigint;
  count: number;
  size: number;
  vpEport: number;
  /** STATE_IOREQ_NONE 0, READY 1, INPROCESS 2, STATE_IORESP_READY 3. */
  state: number;
  dataIsPtr: boolean;
  /** 1 = read, 0 = write. */
  dir: number;
  df: boolean;
  type: number;
}

/** Values of `VioState.completion` (xen: xen/include/xen/sched.h `enum vio_completion`). */
export const VIO_NO_COMPLETION = 0;
export const VIO_MMIO_COMPLETION = 1;

/** `struct vcpu_io`, and the arch part `struct vcpu_io.info` (the syndrome of the access). */
export interface VioState {
  completion: number;
  suspended: boolean;
  req: IoreqRecord;
  /** ESR_EL2 of the access, used when it completes; and what opcode decoding found when ISV was 0. */
  esr: number;
  decoded: { rn: number; imm: number } | undefined;
  /** Trace and ledger id of the request in flight, 0 = none. */
  requestId: number;
}

/** A modelled vCPU's software: an explicit state machine. It charges a step's cost first and then acts. */
export interface ModelledProgram {
  /**
   * Runs one step on `pcpu`. 'ran': call again. 'blocked': the vCPU waits, either in WFI (nothing to do until an
   * interrupt) or because a hypercall blocked it (then the step is run again when it is scheduled).
   */
  step(vcpu: Vcpu, pcpu: number): 'ran' | 'blocked';
  save(): unknown;
  load(state: unknown): void;
}

export function newIoreq(): IoreqRecord {
  return { addr: 0, data: 0n, count: 0, size: 0, vpEport: 0, state: 0, dataIsPtr: false, dir: 0, df: false, type: 0 };
}

/** A virtual CPU: the arch-independent part (xen: `struct vcpu`). */
export class Vcpu {
  /** VPF_*: runnable when zero and neither it nor its domain is paused. */
  pauseFlags = VPF_DOWN;
  pauseCount = 0;
  /** Index of the pCPU that runs it or will. */
  processor = 0;
  isRunning = false;
  isInitialised = false;
  /** Guest-physical place of struct vcpu_info, as SoC physical address, once registered (or in shared_info). */
  vcpuInfo: { pa: number; mfn: number } | undefined;
  /** Where the guest asked for its runstate: guest-virtual address, written at each context switch. */
  runstateArea: { va: bigint; physical: boolean } | undefined;
  runstate: Runstate = { state: RUNSTATE_OFFLINE, since: 0n, time: [0n, 0n, 0n, 0n] };
  io: VioState = {
    completion: VIO_NO_COMPLETION,
    suspended: false,
    req: newIoreq(),
    esr: 0,
    decoded: undefined,
    requestId: 0,
  };
  /** An INVALIDATE broadcast is due at the next return to the guest (xen: `mapcache_invalidate`). */
  mapcacheInvalidate = false;
  deferShutdown = false;
  pausedForShutdown = false;
  /** Event port a SCHEDOP_poll waits for: -1 many, 0 none. */
  pollEvtchn = 0;
  /** Ports bound to this vCPU by virq number (0 = none). */
  virqToEvtchn: number[] = new Array<number>(24).fill(0);
  /** Earliest local time at which this vCPU may run: the time of the last wake-up (causality between cores). */
  readyAt = 0n;
  /** Modelled vCPU: the request whose event woke it, until it is loaded. */
  wakeRequest = 0;
  program: ModelledProgram | undefined;
  arch!: VcpuArch;

  constructor(
    readonly domain: Domain,
    readonly id: number,
    readonly isIdle = false,
  ) {}

  /** Name in traces, as Xen prints it: d1v0. */
  get name(): string {
    return this.isIdle ? `idle${this.id}` : `d${this.domain.id}v${this.id}`;
  }

  get modelled(): boolean {
    return this.domain.kind === 'modelled';
  }

  /** (xen: vcpu_runnable) */
  get runnable(): boolean {
    return this.pauseFlags === 0 && this.pauseCount === 0 && this.domain.pauseCount === 0;
  }

  save(): unknown {
    return {
      id: this.id,
      pauseFlags: this.pauseFlags,
      pauseCount: this.pauseCount,
      processor: this.processor,
      isRunning: this.isRunning,
      isInitialised: this.isInitialised,
      vcpuInfo: this.vcpuInfo ?? null,
      runstateArea: this.runstateArea
        ? { va: String(this.runstateArea.va), physical: this.runstateArea.physical }
        : null,
      runstate: {
        state: this.runstate.state,
        since: String(this.runstate.since),
        time: this.runstate.time.map(String),
      },
      io: {
        ...this.io,
        decoded: this.io.decoded ?? null,
        req: { ...this.io.req, data: String(this.io.req.data) },
      },
      mapcacheInvalidate: this.mapcacheInvalidate,
      deferShutdown: this.deferShutdown,
      pausedForShutdown: this.pausedForShutdown,
      pollEvtchn: this.pollEvtchn,
      virqToEvtchn: [...this.virqToEvtchn],
      readyAt: String(this.readyAt),
      wakeRequest: this.wakeRequest,
      program: this.program?.save() ?? null,
      arch: this.arch.save(),
    };
  }

  /** The domain, the arch state and the program objects must exist already. */
  load(state: unknown): void {
    // The snapshot reader has checked the version: the fields are those of save().
    const s = state as any;
    this.pauseFlags = s.pauseFlags;
    this.pauseCount = s.pauseCount;
    this.processor = s.processor;
    this.isRunning = s.isRunning;
    this.isInitialised = s.isInitialised;
    this.vcpuInfo = s.vcpuInfo ?? undefined;
    this.runstateArea = s.runstateArea
      ? { va: BigInt(s.runstateArea.va), physical: s.runstateArea.physical }
      : undefined;
    this.runstate = {
      state: s.runstate.state,
      since: BigInt(s.runstate.since),
      time: s.runstate.time.map(BigInt),
    };
    this.io = {
      ...s.io,
      decoded: s.io.decoded ?? undefined,
      req: { ...s.io.req, data: BigInt(s.io.req.data) },
    };
    this.mapcacheInvalidate = s.mapcacheInvalidate;
    this.deferShutdown = s.deferShutdown;
    this.pausedForShutdown = s.pausedForShutdown;
    this.pollEvtchn = s.pollEvtchn;
    this.virqToEvtchn = [...s.virqToEvtchn];
    this.readyAt = BigInt(s.readyAt);
    this.wakeRequest = s.wakeRequest;
    if (this.program && s.program) this.program.load(s.program);
    this.arch.load(s.arch);
  }
}

/** What XEN_DOMCTL_createdomain and the toolstack decide. */
export interface DomainOptions {
  maxVcpus: number;
  /** SPIs as asked for; Xen rounds up to a multiple of 32. */
  nrSpis: number;
  /** Highest event channel port, inclusive (libxl default 1023). */
  maxEvtchnPort: number;
  maxGrantFrames: number;
  maxMaptrackFrames: number;
  grantVersion: number;
  /** XEN_DOMCTL_CDF_trap_unmapped_accesses. */
  trapUnmapped: boolean;
  vpl011: boolean;
  /** Pages (4 KiB) of the p2m pool; undefined: from the heap without limit (hardware domain). */
  p2mPoolPages: number | undefined;
  /** Backend in a driver domain may use dm_op and foreign maps (policy, xen-ioreq 2.4). */
  deviceModelPrivilege: boolean;
  weight: number;
  /** pCPUs its vCPUs may run on; undefined: all. */
  affinity: number[] | undefined;
  /** (max_pages of the domain) 4 KiB pages it may own. */
  maxPages: number;
}

export function defaultDomainOptions(): DomainOptions {
  return {
    maxVcpus: 1,
    nrSpis: 0,
    maxEvtchnPort: 1023,
    maxGrantFrames: 64,
    maxMaptrackFrames: 1024,
    grantVersion: 1,
    trapUnmapped: true,
    vpl011: false,
    p2mPoolPages: undefined,
    deviceModelPrivilege: false,
    weight: 256,
    affinity: undefined,
    maxPages: 0x100000,
  };
}

export const DOMDYING_ALIVE = 0;
export const DOMDYING_DYING = 1;
export const DOMDYING_DEAD = 2;

/** A domain (xen: `struct domain`). Frames count as owned through Heap; references keep a dead domain as a zombie. */
export class Domain {
  vcpus: Vcpu[] = [];
  name = '';
  /** DOMDYING_*. */
  isDying: 0 | 1 | 2 = DOMDYING_ALIVE;
  shutdown: { code: number } | undefined;
  isShuttingDown = false;
  isShutDown = false;
  /** Pauses by anybody; runs only at 0. A new domain starts with 1 (controller's pause). */
  pauseCount = 0;
  controllerPauseCount = 0;
  creationFinished = false;
  /** References: 1 until it is dead, 1 for each emulator that holds it. Frames in use (`totPages`) hold it as well. */
  refs = 1;
  /** Id of the domain whose device model it is (XEN_DOMCTL_set_target); a reference is held until this one is gone. */
  target: number | undefined;
  /** v1: a decrease_reservation asks for an INVALIDATE at the end of the hypercall (xen: qemu_mapcache_invalidate). */
  mapcacheInvalidate = false;
  /** Frames it owns (incl. extra pages), its tot_pages. */
  totPages = 0;
  maxPages: number;
  hvmParams = new Map<number, bigint>();
  /** SoC physical address of shared_info. */
  sharedInfoPa = 0;
  /** CNTVOFF_EL2: virtual count = CNTPCT - virtOffset, in counter increments. */
  virtOffset = 0n;
  wallClockOffset = 0n;
  vmAssist = 0;
  vuart: Vpl011 | undefined;
  p2m!: P2m;
  vgic!: VgicDomain;
  evtchn!: EvtchnState;
  grants!: GrantState;
  ioreq!: IoreqState;

  constructor(
    readonly id: number,
    readonly uuid: string,
    readonly kind: 'guest' | 'modelled',
    readonly isControl: boolean,
    readonly options: DomainOptions,
  ) {
    this.maxPages = options.maxPages;
  }

  /** Checks common to all who look a domain up for work on behalf of others. */
  get alive(): boolean {
    return this.isDying === DOMDYING_ALIVE;
  }

  save(): unknown {
    return {
      id: this.id,
      uuid: this.uuid,
      kind: this.kind,
      isControl: this.isControl,
      options: {
        ...this.options,
        affinity: this.options.affinity ?? null,
        p2mPoolPages: this.options.p2mPoolPages ?? null,
      },
      name: this.name,
      isDying: this.isDying,
      shutdown: this.shutdown ?? null,
      isShuttingDown: this.isShuttingDown,
      isShutDown: this.isShutDown,
      pauseCount: this.pauseCount,
      controllerPauseCount: this.controllerPauseCount,
      creationFinished: this.creationFinished,
      refs: this.refs,
      target: this.target ?? null,
      mapcacheInvalidate: this.mapcacheInvalidate,
      totPages: this.totPages,
      maxPages: this.maxPages,
      hvmParams: [...this.hvmParams].map(([k, v]) => [k, String(v)]),
      sharedInfoPa: this.sharedInfoPa,
      virtOffset: String(this.virtOffset),
      wallClockOffset: String(this.wallClockOffset),
      vmAssist: this.vmAssist,
      vuart: this.vuart?.save() ?? null,
      p2m: this.p2m.save(),
      vgic: this.vgic.save(),
      evtchn: this.evtchn.save(),
      grants: this.grants.save(),
      ioreq: this.ioreq.save(),
      vcpus: this.vcpus.map((v) => v.save()),
    };
  }

  /** The domain must have the saved id, kind, options, vCPU count and, if saved, vuart (see reviveDomain). */
  load(state: unknown): void {
    const s = state as any;
    this.name = s.name;
    this.isDying = s.isDying;
    this.shutdown = s.shutdown ?? undefined;
    this.isShuttingDown = s.isShuttingDown;
    this.isShutDown = s.isShutDown;
    this.pauseCount = s.pauseCount;
    this.controllerPauseCount = s.controllerPauseCount;
    this.creationFinished = s.creationFinished;
    this.refs = s.refs;
    this.target = s.target ?? undefined;
    this.mapcacheInvalidate = s.mapcacheInvalidate;
    this.totPages = s.totPages;
    this.maxPages = s.maxPages;
    this.hvmParams = new Map(s.hvmParams.map(([k, v]: [number, string]) => [k, BigInt(v)]));
    this.sharedInfoPa = s.sharedInfoPa;
    this.virtOffset = BigInt(s.virtOffset);
    this.wallClockOffset = BigInt(s.wallClockOffset);
    this.vmAssist = s.vmAssist;
    if (s.vuart === null) this.vuart = undefined;
    else this.vuart?.load(s.vuart);
    this.p2m.load(s.p2m);
    this.vgic.load(s.vgic);
    this.evtchn.load(s.evtchn);
    this.grants.load(s.grants);
    this.ioreq.load(s.ioreq);
    this.vcpus.forEach((v, i) => v.load(s.vcpus[i]));
    this.vgic.relink(this.vcpus.map((v) => v.arch.vgic));
  }
}
