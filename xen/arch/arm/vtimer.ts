/** Timers of a guest (xen: xen/arch/arm/vtimer.c, time.c): the virtual one is real hardware, the physical one emulated. */
import type { Vcpu } from '../../common/domain.js';
import type { Pcpu } from '../../common/pcpu.js';
import type { TimerRef } from '../../common/timer.js';
import type { Xen } from '../../common/xen.js';
import { GUEST_TIMER_PHYS_NS_PPI, GUEST_TIMER_VIRT_PPI } from '../../public/arch-arm.js';
import { isUser } from './regs.js';
import { vgicInjectIrq } from './vgic.js';

const ENABLE = 1;
const MASK = 2;
const PENDING = 4;
const EL0PTEN = 1n << 9n;

export type PhysTimerReg = 'ctl' | 'tval' | 'cval';

const timerRef = (v: Vcpu, kind: 'vtimer' | 'ptimer'): TimerRef => ({ kind, domid: v.domain.id, vcpu: v.id });

/** Physical count at a pCPU's local time. */
function count(xen: Xen, pcpu: number): bigint {
  return xen.now(pcpu) / BigInt(xen.clock.ticksPerCount);
}

/** Base tick at which the physical count reaches `value`. */
function whenCount(xen: Xen, value: bigint): bigint {
  return value * BigInt(xen.clock.ticksPerCount);
}

/** Registers the handlers of Xen's software timers for vCPUs. */
export function registerVtimerHandlers(xen: Xen): void {
  const vcpuOf = (ref: TimerRef): Vcpu | undefined => xen.domains.get(ref.domid)?.vcpus[ref.vcpu];
  xen.timers.handlers.set('vtimer', (ref) => {
    const v = vcpuOf(ref);
    if (v === undefined) return;
    v.arch.vtimer.ctl |= MASK;
    vgicInjectIrq(xen, v.domain, v, GUEST_TIMER_VIRT_PPI, true);
  });
  xen.timers.handlers.set('ptimer', (ref) => {
    const v = vcpuOf(ref);
    if (v === undefined) return;
    v.arch.ptimer.ctl |= PENDING;
    if ((v.arch.ptimer.ctl & MASK) === 0) vgicInjectIrq(xen, v.domain, v, GUEST_TIMER_PHYS_NS_PPI, true);
  });
}

/** vtimer_interrupt, physical PPI 27 while a guest is loaded: masked at the source, then injected without HW bit. */
export function vtimerInterrupt(xen: Xen, p: Pcpu): void {
  const v = p.current;
  if (v.isIdle) return;
  const { core } = p;
  v.arch.vtimer.ctl = Number(core.sys('CNTV_CTL_EL0'));
  core.setSys('CNTV_CTL_EL0', BigInt((v.arch.vtimer.ctl | MASK) & 3));
  core.timersChanged();
  vgicInjectIrq(xen, v.domain, v, GUEST_TIMER_VIRT_PPI, true);
}

/** virt_timer_save: the timer stops; if it could still fire, a software timer takes its place. */
export function virtTimerSave(xen: Xen, p: Pcpu, v: Vcpu): void {
  const { core } = p;
  const t = v.arch.vtimer;
  t.ctl = Number(core.sys('CNTV_CTL_EL0')) & 3;
  t.cval = core.sys('CNTV_CVAL_EL0');
  core.setSys('CNTV_CTL_EL0', BigInt(t.ctl & ~ENABLE));
  core.timersChanged();
  if ((t.ctl & (ENABLE | MASK)) === ENABLE) {
    const when = whenCount(xen, BigInt.asUintN(64, t.cval + v.domain.virtOffset));
    xen.timers.set(timerRef(v, 'vtimer'), when, p.id);
  }
}

/** virt_timer_restore. */
export function virtTimerRestore(xen: Xen, p: Pcpu, v: Vcpu): void {
  const { core } = p;
  xen.timers.stop(timerRef(v, 'vtimer'));
  core.setSys('CNTVOFF_EL2', v.domain.virtOffset);
  core.setSys('CNTV_CVAL_EL0', v.arch.vtimer.cval);
  core.setSys('CNTV_CTL_EL0', BigInt(v.arch.vtimer.ctl & 3));
  core.timersChanged();
}

/**
 * A trapped access to CNTP_*_EL0. @returns the value read (0 for a write), or undefined if EL0 may not (undefined
 * instruction).
 */
export function vtimerEmulate(
  xen: Xen,
  p: Pcpu,
  v: Vcpu,
  reg: PhysTimerReg,
  read: boolean,
  value: bigint,
): bigint | undefined {
  if (isUser(p.core) && (p.core.sys('CNTKCTL_EL1') & EL0PTEN) === 0n) return undefined;
  const t = v.arch.ptimer;
  const arm = (): void => {
    if (t.ctl & ENABLE) xen.timers.set(timerRef(v, 'ptimer'), whenCount(xen, t.cval), p.id);
    else xen.timers.stop(timerRef(v, 'ptimer'));
  };
  if (reg === 'ctl') {
    if (read) return BigInt(t.ctl);
    let ctl = Number(value & 3n);
    if (ctl & ENABLE) ctl |= t.ctl & PENDING;
    t.ctl = ctl;
    arm();
    return 0n;
  }
  const now = count(xen, p.id);
  if (read) return reg === 'cval' ? t.cval : BigInt.asUintN(32, t.cval - now);
  t.cval = reg === 'cval' ? value : BigInt.asUintN(64, now + BigInt.asIntN(32, value));
  if (t.ctl & ENABLE) {
    t.ctl &= ~PENDING;
    arm();
  }
  return 0n;
}

/** vcpu_timer_destroy. */
export function vtimerDestroy(xen: Xen, v: Vcpu): void {
  xen.timers.stop(timerRef(v, 'vtimer'));
  xen.timers.stop(timerRef(v, 'ptimer'));
}
