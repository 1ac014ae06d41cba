/** schedule() and the context switch (xen: xen/common/sched/core.c, xen/arch/arm/domain.c ctxt_switch_from/to). */
import type { Vcpu } from '../../common/domain.js';
import { runstateSwitch } from '../../common/lifecycle.js';
import type { Pcpu } from '../../common/pcpu.js';
import type { TimerRef } from '../../common/timer.js';
import type { Xen } from '../../common/xen.js';
import { TraceKind } from '../../../sim/trace/record.js';
import { gicRestoreState, gicSaveState } from './gic.js';
import { copyToGuest } from './guestcopy.js';
import { VTCR_EL2_VALUE } from './p2m.js';
import { virtTimerRestore, virtTimerSave } from './vtimer.js';

/** TWI and TWE (xen: vwfi=native leaves them off, arch/arm/traps.c get_default_hcr_flags). */
const HCR_TRAP_WAITS = (1n << 13n) | (1n << 14n);
const SCHED_DOMID = 0x7fff;
const RUNSTATE_UPDATE = 1n << 63n;
const VMASST_RUNSTATE_UPDATE_FLAG = 5;

/** EL2 configuration that does not depend on the vCPU (xen: init_traps, setup_virt_paging; Arm ARM D17). */
export function initPcpu(xen: Xen, p: Pcpu): void {
  const { core } = p;
  core.setSys('VTCR_EL2', VTCR_EL2_VALUE);
  // Debug, OS lock, PMU trapped: TDRA, TDOSA, TDA, TPM, TPMCR.
  core.setSys('MDCR_EL2', 0xe60n);
  // No FP trap; trace registers trapped.
  core.setSys('CPTR_EL2', 0x33ffn);
  // The physical counter is the guest's to read, the physical timer is not.
  core.setSys('CNTHCTL_EL2', 1n);
  xen.gic.initCpu(p.id);
}

/** The scheduler's timer of a pCPU. */
function timerOf(p: Pcpu): TimerRef {
  return { kind: 'sched', domid: SCHED_DOMID, vcpu: p.id };
}

export function registerSchedTimer(xen: Xen): void {
  xen.timers.handlers.set('sched', (ref) => xen.pcpus[ref.vcpu]?.raiseSchedule());
}

/** SCHEDULE_SOFTIRQ. @returns true if another vCPU is loaded now. */
export function schedule(xen: Xen, p: Pcpu): boolean {
  p.scheduleSoftirq = false;
  xen.charge(p.id, 'xen.schedule');
  const prev = p.current;
  const { next, slice } = xen.sched.pick(p.id);
  if (slice === undefined) xen.timers.stop(timerOf(p));
  else xen.timers.set(timerOf(p), xen.now(p.id) + slice, p.id);
  if (next === prev) {
    if (!next.isIdle) requestOf(p, next);
    return false;
  }
  contextSwitch(xen, p, prev, next);
  return true;
}

function contextSwitch(xen: Xen, p: Pcpu, prev: Vcpu, next: Vcpu): void {
  const { core } = p;
  p.counts.switches++;
  if (!prev.isIdle) {
    xen.charge(p.id, 'xen.contextSwitch');
    runstateSwitch(prev, next, xen.now(p.id));
    updateRunstateArea(xen, p, prev);
    ctxtSwitchFrom(xen, p, prev);
  } else {
    runstateSwitch(prev, next, xen.now(p.id));
  }
  prev.isRunning = false;
  // A wake-up by a core whose clock is ahead: not before it.
  core.advanceTo(next.readyAt);
  next.isRunning = true;
  next.processor = p.id;
  p.current = next;
  if (!next.isIdle) {
    xen.charge(p.id, 'xen.contextSwitch');
    ctxtSwitchTo(xen, p, next);
    updateRunstateArea(xen, p, next);
  }
  const key = (v: Vcpu): number => (v.isIdle ? SCHED_DOMID << 16 : (v.domain.id << 16) | v.id);
  const name = xen.trace.name('switch');
  xen.trace.recordAt(TraceKind.DomainEvent, core.index, xen.now(p.id), key(next) >>> 16, name, key(prev), key(next));
  if (next.isIdle) {
    // An answer may come while the asker is still being switched away: that much of the wait is this.
    p.beginNotes();
  } else {
    requestOf(p, next);
  }
}

/** Gives the steps that led here to the request that waits for `v`. */
function requestOf(p: Pcpu, v: Vcpu): void {
  const request = v.modelled ? v.wakeRequest : v.io.requestId;
  // Software that was not woken may yet find a request by itself, to which this led.
  if (v.modelled && request === 0) p.workFor(0, '');
  else p.takeOver(request, v.modelled ? 'wake' : 'resume');
  if (v.modelled) v.wakeRequest = 0;
}

function ctxtSwitchFrom(xen: Xen, p: Pcpu, v: Vcpu): void {
  if (!v.modelled) {
    virtTimerSave(xen, p, v);
    v.arch.regs = p.core.saveRegs();
  }
  gicSaveState(xen, v, p);
}

function ctxtSwitchTo(xen: Xen, p: Pcpu, v: Vcpu): void {
  const { core } = p;
  gicRestoreState(xen, v, p);
  if (v.modelled) return;
  const { p2m } = v.domain;
  core.setSys('VTTBR_EL2', p2m.vttbr);
  core.setSys('HCR_EL2', xen.options.vwfiNative === true ? v.arch.hcr & ~HCR_TRAP_WAITS : v.arch.hcr);
  core.setSys('VPIDR_EL2', core.sys('MIDR_EL1'));
  core.setSys('VMPIDR_EL2', v.arch.vmpidr);
  // Another vCPU of this domain ran here last: TLB entries may be private to it (xen: p2m_restore_state).
  if (p2m.lastVcpuRan[p.id] !== undefined && p2m.lastVcpuRan[p.id] !== v.id) xen.tlbFlushVmid(p2m.vmid);
  p2m.lastVcpuRan[p.id] = v.id;
  const { start } = v.arch;
  if (start !== undefined) {
    core.resetRegs();
    core.setX(0, start.x0);
    core.setSys('ELR_EL2', start.pc);
    core.setSys('SPSR_EL2', start.pstate);
    core.setSys('SCTLR_EL1', start.sctlr);
    core.setSys('TTBR0_EL1', start.ttbr0);
    core.setSys('TTBR1_EL1', start.ttbr1);
    core.setSys('TCR_EL1', start.tcr);
    v.arch.vtimer = { ctl: 0, cval: 0n };
    v.arch.ptimer = { ctl: 0, cval: 0n };
    v.arch.start = undefined;
  } else if (v.arch.regs !== undefined) {
    core.loadRegs(v.arch.regs);
  }
  v.arch.regs = undefined;
  virtTimerRestore(xen, p, v);
}

/** update_runstate_area: struct vcpu_runstate_info in guest memory, if the guest asked for it. `v` is loaded. */
function updateRunstateArea(xen: Xen, p: Pcpu, v: Vcpu): void {
  const area = v.runstateArea;
  if (area === undefined || v.modelled || p.current !== v) return;
  const bytes = new Uint8Array(48);
  const view = new DataView(bytes.buffer);
  const r = v.runstate;
  const flagged = (v.domain.vmAssist >>> VMASST_RUNSTATE_UPDATE_FLAG) & 1;
  const since = xen.systemTimeNs(r.since);
  view.setUint32(0, r.state, true);
  view.setBigUint64(8, flagged ? since | RUNSTATE_UPDATE : since, true);
  r.time.forEach((ticks, i) => view.setBigUint64(16 + 8 * i, xen.systemTimeNs(ticks), true));
  if (!copyToGuest(xen, v, area.va, bytes)) return;
  if (!flagged) return;
  const done = new Uint8Array(8);
  new DataView(done.buffer).setBigUint64(0, since, true);
  copyToGuest(xen, v, area.va + 8n, done);
}
