/** vCPU and domain states: wake, block, pause, shut down (xen: xen/common/sched/core.c, xen/common/domain.c). */
import type { Ticks } from '../../sim/machine/time.js';
import { vgicVcpuPendingIrq } from '../arch/arm/gic.js';
import {
  DOMDYING_DEAD,
  RUNSTATE_BLOCKED,
  RUNSTATE_OFFLINE,
  RUNSTATE_RUNNABLE,
  RUNSTATE_RUNNING,
  SHUTDOWN_CRASH,
  VPF_BLOCKED,
  VPF_BLOCKED_IN_XEN,
  VPF_DOWN,
  type Domain,
  type Vcpu,
} from './domain.js';
import type { Xen } from './xen.js';

export const VIRQ_DOM_EXC = 3;

export function setRunstate(v: Vcpu, state: 0 | 1 | 2 | 3, now: Ticks): void {
  const r = v.runstate;
  if (now > r.since) {
    r.time[r.state] += now - r.since;
    r.since = now;
  }
  r.state = state;
}

/** vcpu_wake: if nothing holds the vCPU any more, the scheduler gets it. */
export function vcpuWake(xen: Xen, v: Vcpu): void {
  const now = xen.clock.now();
  if (v.runnable) {
    if (v.runstate.state >= RUNSTATE_BLOCKED) setRunstate(v, RUNSTATE_RUNNABLE, now);
    if (v.isRunning || v.isIdle) return;
    if (xen.thisPcpu >= 0) xen.charge(xen.thisPcpu, 'xen.vcpuWake');
    v.readyAt = xen.clock.now();
    if (v.modelled && v.wakeRequest === 0) v.wakeRequest = xen.notifyRequest;
    xen.sched.wake(v);
  } else if ((v.pauseFlags & VPF_BLOCKED) === 0 && v.runstate.state === RUNSTATE_BLOCKED) {
    setRunstate(v, RUNSTATE_OFFLINE, now);
  }
}

export function vcpuSleep(xen: Xen, v: Vcpu): void {
  const now = xen.clock.now();
  if (v.runstate.state === RUNSTATE_RUNNABLE) setRunstate(v, RUNSTATE_OFFLINE, now);
  xen.sched.sleep(v);
}

export function vcpuPause(xen: Xen, v: Vcpu): void {
  if (v.pauseCount++ === 0) vcpuSleep(xen, v);
}

export function vcpuUnpause(xen: Xen, v: Vcpu): void {
  if (v.pauseCount > 0 && --v.pauseCount === 0) vcpuWake(xen, v);
}

export function vcpuUnblock(xen: Xen, v: Vcpu): void {
  // With vwfi=native modelled software waits on its pCPU: what would be a device's interrupt there has to reach it.
  if (v.modelled && v.isRunning && xen.options.vwfiNative === true) xen.pcpus[v.processor]!.sendEventCheck();
  if ((v.pauseFlags & VPF_BLOCKED) === 0) return;
  v.pauseFlags &= ~VPF_BLOCKED;
  v.pollEvtchn = 0;
  vcpuWake(xen, v);
}

/** vcpu_block_unless_event_pending, for the vCPU that is current on some pCPU. */
export function vcpuBlockUnlessEventPending(xen: Xen, v: Vcpu): void {
  v.pauseFlags |= VPF_BLOCKED;
  if (localEventsNeedDelivery(xen, v)) {
    v.pauseFlags &= ~VPF_BLOCKED;
    return;
  }
  xen.pcpus[v.processor]!.raiseSchedule();
}

/** An interrupt that the vCPU could take, or an upcall that has not been turned into one (asm-arm/event.h). */
export function localEventsNeedDelivery(xen: Xen, v: Vcpu): boolean {
  if (vgicVcpuPendingIrq(xen, v)) return true;
  const info = v.vcpuInfo;
  return info !== undefined && xen.memory.read8(info.pa) !== 0 && !v.arch.vgic.isInflight(31);
}

export function prepareWaitOnXenEventChannel(xen: Xen, v: Vcpu): void {
  v.pauseFlags |= VPF_BLOCKED_IN_XEN;
  xen.pcpus[v.processor]!.raiseSchedule();
}

export function unblockFromXen(xen: Xen, v: Vcpu): void {
  if ((v.pauseFlags & VPF_BLOCKED_IN_XEN) === 0) return;
  v.pauseFlags &= ~VPF_BLOCKED_IN_XEN;
  vcpuWake(xen, v);
}

export function domainPause(xen: Xen, d: Domain): void {
  d.pauseCount++;
  if (d.pauseCount === 1) for (const v of d.vcpus) vcpuSleep(xen, v);
}

export function domainUnpause(xen: Xen, d: Domain): void {
  if (d.pauseCount === 0) return;
  d.pauseCount--;
  if (d.pauseCount === 0) for (const v of d.vcpus) vcpuWake(xen, v);
}

/** domain_shutdown. vCPUs with a request in flight follow when it completes, unless the domain crashed. */
export function domainShutdown(xen: Xen, d: Domain, reason: number): void {
  d.shutdown ??= { code: reason };
  if (d.isShuttingDown) return;
  d.isShuttingDown = true;
  const { code } = d.shutdown;
  for (const v of d.vcpus) {
    if (code === SHUTDOWN_CRASH) v.deferShutdown = false;
    else if (v.deferShutdown) continue;
    pauseForShutdown(xen, v);
  }
  finaliseShutdown(xen, d);
}

function pauseForShutdown(xen: Xen, v: Vcpu): void {
  if (v.pausedForShutdown) return;
  v.pausedForShutdown = true;
  vcpuPause(xen, v);
}

/** vcpu_start_shutdown_deferral: false if the domain is already going down (the vCPU is then paused). */
export function startShutdownDeferral(xen: Xen, v: Vcpu): boolean {
  if (v.deferShutdown) return true;
  v.deferShutdown = true;
  if (v.domain.isShuttingDown) checkShutdown(xen, v);
  return v.deferShutdown;
}

export function endShutdownDeferral(xen: Xen, v: Vcpu): void {
  v.deferShutdown = false;
  if (v.domain.isShuttingDown) checkShutdown(xen, v);
}

function checkShutdown(xen: Xen, v: Vcpu): void {
  pauseForShutdown(xen, v);
  v.deferShutdown = false;
  finaliseShutdown(xen, v.domain);
}

function finaliseShutdown(xen: Xen, d: Domain): void {
  if (d.isShutDown || d.vcpus.some((v) => !v.pausedForShutdown)) return;
  d.isShutDown = true;
  xen.traceDomain(d, 'shutdown', d.shutdown?.code ?? 0);
  xen.sendGlobalVirq(VIRQ_DOM_EXC);
}

/** domain_resume: after a suspend that is to be undone. */
export function domainResume(xen: Xen, d: Domain): void {
  d.isShuttingDown = false;
  d.isShutDown = false;
  d.shutdown = undefined;
  for (const v of d.vcpus) {
    if (!v.pausedForShutdown) continue;
    v.pausedForShutdown = false;
    vcpuUnpause(xen, v);
  }
}

/** put_domain: the last reference and the last frame let the structure go. */
export function putDomain(xen: Xen, d: Domain): void {
  d.refs--;
  freeIfUnused(xen, d);
}

/** A dead domain disappears when neither references nor frames are left; until then it is a zombie. */
export function freeIfUnused(xen: Xen, d: Domain): void {
  if (d.isDying !== DOMDYING_DEAD || d.refs > 0 || d.totPages > 0) return;
  if (xen.domains.get(d.id) !== d) return;
  xen.domains.delete(d.id);
  const target = d.target === undefined ? undefined : xen.domain(d.target);
  if (target !== undefined) putDomain(xen, target);
  xen.traceDomain(d, 'destroyed', 0);
  xen.toolstack?.onDestroyed?.(d.id);
}

/** vcpu_runstate at a switch: who stops, who starts. */
export function runstateSwitch(prev: Vcpu, next: Vcpu, now: Ticks): void {
  if (!prev.isIdle) {
    const blocked = (prev.pauseFlags & VPF_BLOCKED) !== 0;
    const state = prev.runnable ? RUNSTATE_RUNNABLE : blocked ? RUNSTATE_BLOCKED : RUNSTATE_OFFLINE;
    setRunstate(prev, state, now);
  }
  setRunstate(next, RUNSTATE_RUNNING, now);
}

export function isDown(v: Vcpu): boolean {
  return (v.pauseFlags & VPF_DOWN) !== 0;
}
