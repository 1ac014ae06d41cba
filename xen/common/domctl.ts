/** Birth and death of domains (xen: xen/common/domain.c, domctl.c, xen/arch/arm/domain.c). */
import { VcpuArch, type StartState } from '../arch/arm/vcpu.js';
import { P2m } from '../arch/arm/p2m.js';
import { VgicDomain } from '../arch/arm/vgic-state.js';
import { vgicEnableIrqs } from '../arch/arm/vgic.js';
import { vcpuidToVmpidr } from '../arch/arm/vpsci.js';
import { Vpl011 } from '../arch/arm/vpl011.js';
import { vtimerDestroy } from '../arch/arm/vtimer.js';
import { gicSaveState } from '../arch/arm/gic.js';
import { initPcpu } from '../arch/arm/context.js';
import {
  GICV2_MAX_VCPUS,
  GUEST_EVTCHN_PPI,
  GUEST_GICC_BASE,
  GUEST_GICC_SIZE,
  GUEST_GICD_BASE,
  GUEST_TIMER_PHYS_NS_PPI,
  GUEST_TIMER_PHYS_S_PPI,
  GUEST_TIMER_VIRT_PPI,
} from '../public/arch-arm.js';
import { CALLBACK_IRQ_VALUE, HVM_PARAM, SHARED_INFO } from '../public/xen.js';
import { EINVAL, ENOMEM, ENOSPC } from '../public/errno.js';
import {
  defaultDomainOptions,
  Domain,
  DOMDYING_ALIVE,
  DOMDYING_DEAD,
  DOMDYING_DYING,
  DOMID_FIRST_RESERVED,
  DOMID_IDLE,
  Vcpu,
  VPF_DOWN,
  type DomainOptions,
} from './domain.js';
import { EvtchnState } from './event_channel.js';
import { GrantState } from './grant_table.js';
import { IoreqState } from './ioreq.js';
import { domainPause, domainUnpause, freeIfUnused, vcpuWake, VIRQ_DOM_EXC } from './lifecycle.js';
import type { Pcpu } from './pcpu.js';
import type { Xen } from './xen.js';

const PAGE = 4096;
/** GICV: CTLR enables Group 0 (Xen sets no LR's Group 1 bit), priority mask fully open. */
const VMCR_OPEN = (1 | (0x1f << 27)) >>> 0;
const DEFAULT_PRIORITY = 0xa0;

/** XEN_DOMCTL_createdomain, max_vcpus, max_mem and set_paging_mempool_size in one. */
export interface DomainConfig {
  name: string;
  /** Textual UUID. */
  uuid: string;
  kind: 'guest' | 'modelled';
  /** Domain 0's privileges. */
  isControl?: boolean;
  /** Fixed id (Dom0, snapshots); else the next free one. */
  domid?: number;
  options?: Partial<DomainOptions>;
}

/** A domain that cannot be made; `errno` is Xen's positive error number. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  constructor(
    readonly errno: number,
    what: string,
  ) {
    super(what);
  }
}

/**
 * Creates a domain, paused by its controller, with all its vCPUs offline. @throws DomainError when resources run out or
 * the configuration asks for more than the hypervisor has.
 */
export function createDomain(xen: Xen, config: DomainConfig): Domain {
  const options = { ...defaultDomainOptions(), ...config.options };
  if (options.maxVcpus < 1 || options.maxVcpus > GICV2_MAX_VCPUS) {
    throw new DomainError(EINVAL, `${options.maxVcpus} vCPUs: a GICv2 guest has 1 to ${GICV2_MAX_VCPUS}`);
  }
  const id = config.domid ?? nextDomid(xen);
  if (xen.domains.has(id)) throw new DomainError(EINVAL, `domain ${id} exists`);
  const d = new Domain(id, config.uuid, config.kind, config.isControl ?? false, options);
  d.name = config.name;
  d.p2m = new P2m(xen, d);
  const rc = d.p2m.init();
  if (rc < 0) throw new DomainError(-rc, 'no memory or VMID for the stage-2 root');
  initSubsystems(xen, d);
  for (const ppi of [GUEST_TIMER_VIRT_PPI, GUEST_TIMER_PHYS_S_PPI, GUEST_TIMER_PHYS_NS_PPI, GUEST_EVTCHN_PPI]) {
    d.vgic.reserve(ppi);
  }
  d.virtOffset = xen.clock.now() / BigInt(xen.clock.ticksPerCount);
  d.hvmParams.set(HVM_PARAM.CALLBACK_IRQ, CALLBACK_IRQ_VALUE);
  const shared = xen.heap.allocPages(0);
  if (shared === undefined) throw fail(d, ENOMEM, 'no memory for shared_info');
  xen.memory.zero(shared, PAGE);
  d.sharedInfoPa = shared;
  updateWallclock(xen, d);
  if (options.p2mPoolPages !== undefined && d.p2m.setPool(options.p2mPoolPages) < 0) {
    throw fail(d, ENOMEM, 'no memory for the p2m pool');
  }
  for (let i = 0; i < options.maxVcpus; i++) {
    const v = addVcpu(xen, d, i);
    if (!xen.sched.insert(v)) throw fail(d, ENOSPC, `the ${xen.sched.kind} scheduler has no pCPU for vCPU ${i}`);
    if (config.kind === 'modelled') initModelledGic(xen, v);
  }
  d.pauseCount = 1;
  d.controllerPauseCount = 1;
  xen.domains.set(id, d);
  xen.traceDomain(d, 'created', options.maxVcpus);
  return d;

  function fail(dead: Domain, errno: number, what: string): DomainError {
    for (const v of dead.vcpus) xen.sched.remove(v);
    if (dead.sharedInfoPa !== 0) xen.heap.freePagesAt(dead.sharedInfoPa, 0);
    dead.p2m.teardown();
    return new DomainError(errno, what);
  }
}

function initSubsystems(xen: Xen, d: Domain): void {
  const { options } = d;
  d.evtchn = new EvtchnState(options.maxEvtchnPort);
  d.grants = new GrantState(options.maxGrantFrames, options.maxMaptrackFrames);
  d.ioreq = new IoreqState();
  const { base, alias64k } = xen.options.gicv;
  d.vgic = new VgicDomain(options.nrSpis, options.maxVcpus, {
    dbase: GUEST_GICD_BASE,
    cbase: GUEST_GICC_BASE,
    csize: GUEST_GICC_SIZE,
    // The last alias of the first page, so that the page with DIR follows at once (xen-ioreq 6.4).
    vbase: alias64k ? base + 0xf000 : base,
  });
}

function addVcpu(xen: Xen, d: Domain, id: number): Vcpu {
  const v = new Vcpu(d, id);
  v.arch = new VcpuArch(xen.gic.lrCount);
  v.arch.vmpidr = vcpuidToVmpidr(id);
  d.vcpus.push(v);
  return v;
}

/** The objects of a domain of a snapshot, to be filled by Domain.load; what they refer to is restored elsewhere. */
export function reviveDomain(xen: Xen, saved: any): Domain {
  const options: DomainOptions = {
    ...saved.options,
    affinity: saved.options.affinity ?? undefined,
    p2mPoolPages: saved.options.p2mPoolPages ?? undefined,
  };
  const d = new Domain(saved.id, saved.uuid, saved.kind, saved.isControl, options);
  d.p2m = new P2m(xen, d);
  initSubsystems(xen, d);
  for (let i = 0; i < options.maxVcpus; i++) addVcpu(xen, d, i);
  if (saved.vuart) d.vuart = new Vpl011(xen, d, saved.vuart.ring, saved.vuart.port);
  return d;
}

/** Modelled software has set its GIC up already: what a kernel would do before it takes its first interrupt. */
function initModelledGic(xen: Xen, v: Vcpu): void {
  v.domain.vgic.enabled = true;
  v.arch.gic.vmcr = VMCR_OPEN;
  v.arch.vgic.rank.priority.fill(DEFAULT_PRIORITY);
  v.arch.vgic.rank.enable[0] = 0xffff | (1 << GUEST_TIMER_VIRT_PPI) | (1 << GUEST_EVTCHN_PPI);
  vgicEnableIrqs(xen, v, v.arch.vgic.rank.enable[0], 0);
}

function nextDomid(xen: Xen): number {
  for (let tries = 0; tries < DOMID_FIRST_RESERVED; tries++) {
    const id = xen.nextDomid;
    xen.nextDomid = id + 1 >= DOMID_FIRST_RESERVED ? 1 : id + 1;
    if (!xen.domains.has(id)) return id;
  }
  throw new DomainError(ENOMEM, 'no free domain id');
}

/** update_domain_wallclock_time: time of day at system time 0, in shared_info. */
function updateWallclock(xen: Xen, d: Domain): void {
  const at = d.sharedInfoPa;
  const seconds = BigInt(xen.options.epoch) + d.wallClockOffset;
  xen.memory.write32(at + SHARED_INFO.wc_version, 2);
  xen.memory.write32(at + SHARED_INFO.wc_sec, Number(seconds & 0xffff_ffffn));
  xen.memory.write32(at + SHARED_INFO.wc_nsec, 0);
  xen.memory.write32(at + SHARED_INFO.wc_sec_hi, Number(seconds >> 32n));
}

/** XEN_DOMCTL_setvcpucontext: where a vCPU starts; `online` takes it out of VPF_DOWN. */
export function setVcpuContext(xen: Xen, v: Vcpu, start: StartState, online: boolean): void {
  v.arch.start = { ...start };
  v.isInitialised = true;
  if (!online) return;
  v.pauseFlags &= ~VPF_DOWN;
  vcpuWake(xen, v);
}

/** XEN_DOMCTL_unpausedomain; the first one ends the creation: valid bits of the p2m are cleared. */
export function unpauseByController(xen: Xen, d: Domain): number {
  if (!d.creationFinished) {
    d.creationFinished = true;
    if (d.kind === 'guest') d.p2m.creationFinished();
  }
  if (d.controllerPauseCount === 0) return -EINVAL;
  d.controllerPauseCount--;
  domainUnpause(xen, d);
  return 0;
}

/**
 * XEN_DOMCTL_set_target: makes `d` the device model of `target`, for good. @returns 0, or -EINVAL when `d` has a target
 * already or is it itself.
 */
export function setTarget(xen: Xen, d: Domain, target: Domain): number {
  if (d === target || d.target !== undefined) return -EINVAL;
  xen.getDomain(target);
  d.target = target.id;
  return 0;
}

/** XEN_DOMCTL_pausedomain. */
export function pauseByController(xen: Xen, d: Domain): void {
  d.controllerPauseCount++;
  domainPause(xen, d);
}

/**
 * domain_kill (xen-ioreq 3.3). Afterwards the domain is a zombie while others hold its frames or itself. To be called
 * from the event queue (a service of Dom0), when no core is inside the guest.
 */
export function destroyDomain(xen: Xen, d: Domain): void {
  if (d.isDying !== DOMDYING_ALIVE) return;
  domainPause(xen, d);
  d.isDying = DOMDYING_DYING;
  for (const v of d.vcpus) {
    deschedule(xen, v);
    xen.sched.remove(v);
    vtimerDestroy(xen, v);
    xen.abandonRequest(v.io.requestId);
    v.io.requestId = 0;
  }
  xen.evtchn.destroy(d);
  d.vuart?.destroy();
  d.vuart = undefined;
  xen.ioreq.destroyAll(d);
  xen.gnttab.release(d);
  for (const v of d.vcpus) {
    if (v.vcpuInfo !== undefined) xen.putPage(v.vcpuInfo.pa);
    v.vcpuInfo = undefined;
  }
  // The mapping of shared_info holds no reference of its own.
  d.p2m.relinquish();
  xen.putPage(d.sharedInfoPa); // an emulator may still map it
  for (const pa of [...xen.heap.ownedBy(d.id)]) if (xen.heap.testAndClearAllocated(pa)) xen.putPage(pa);
  d.p2m.teardown();
  d.isDying = DOMDYING_DEAD;
  d.refs--;
  xen.sendGlobalVirq(VIRQ_DOM_EXC);
  freeIfUnused(xen, d);
}

/** Takes a vCPU that will never run again off its pCPU. */
function deschedule(xen: Xen, v: Vcpu): void {
  const p = xen.pcpus.find((each) => each.current === v);
  if (p === undefined) return;
  gicSaveState(xen, v, p);
  p.core.setSys('CNTV_CTL_EL0', 0n);
  p.core.timersChanged();
  v.isRunning = false;
  p.current = p.idle;
  p.idle.isRunning = true;
  p.scheduleSoftirq = true;
}

/** A pCPU's idle vCPU, which is current from the start, and the pCPU's EL2 configuration. */
export function createIdleVcpu(xen: Xen, p: Pcpu): void {
  const idle = new Domain(DOMID_IDLE, '', 'modelled', false, defaultDomainOptions());
  const v = new Vcpu(idle, p.id, true);
  v.arch = new VcpuArch(xen.gic.lrCount);
  v.pauseFlags = 0;
  v.processor = p.id;
  v.isRunning = true;
  p.idle = v;
  p.current = v;
  initPcpu(xen, p);
}
