/** The physical-CPU loop: Xen as the owner of EL2 (xen: xen/arch/arm/traps.c, domain.c idle_loop). */
import type { El2, SliceOutcome } from '../../../sim/machine/el2.js';
import type { Core } from '../../../sim/cpu/core.js';
import { TraceKind } from '../../../sim/trace/record.js';
import {
  EL2_FIQ,
  EL2_IRQ,
  EL2_SERROR,
  EL2_SYNC,
  EXIT_EL2,
  EXIT_LIMIT,
  EXIT_UNMODELLED,
  EXIT_WFE,
  EXIT_WFI,
  LINE_IRQ,
} from '../../../sim/wasm/layout.js';
import { BLOCKED, type Vcpu } from '../../common/domain.js';
import { vcpuBlockUnlessEventPending } from '../../common/lifecycle.js';
import { GIC_SGI_EVENT_CHECK, GIC_SGI_CALL_FUNCTION, type Pcpu } from '../../common/pcpu.js';
import { HYP_TIMER_PPI } from '../../common/timer.js';
import type { Xen } from '../../common/xen.js';
import { GUEST_TIMER_VIRT_PPI } from '../../public/arch-arm.js';
import { schedule } from './context.js';
import { vgicSyncToLrs } from './gic.js';
import { enterHypervisor } from './hypercall.js';
import { doTrapGuestSync } from './traps.js';
import { vtimerInterrupt } from './vtimer.js';

const MAINTENANCE_PPI = 25;
const SPURIOUS = 1020;
/** Steps of modelled software in a row that take no time: more is a fault of the program. */
const MAX_FREE_STEPS = 4096;
/** More interrupts than that in a row are a line that nobody lowers. */
const MAX_IRQS = 1024;
/** Rounds of exit work in a row without anything having been run. */
const MAX_EXIT_ROUNDS = 64;

/** Runs the vCPUs of a Xen instance on the machine's cores. */
export class XenEl2 implements El2 {
  readonly #byCore = new Map<number, Pcpu>();

  constructor(readonly xen: Xen) {
    for (const p of xen.pcpus) this.#byCore.set(p.core.index, p);
  }

  /** One slice. Cores that Xen does not use stay idle. */
  slice(core: Core): SliceOutcome {
    const p = this.#byCore.get(core.index);
    if (p === undefined) return 'idle';
    this.xen.thisPcpu = p.id;
    try {
      return this.#run(p);
    } finally {
      this.xen.thisPcpu = -1;
    }
  }

  save(): unknown {
    return this.xen.save();
  }

  load(state: unknown): void {
    this.xen.load(state);
  }

  #run(p: Pcpu): SliceOutcome {
    let free = 0;
    while (p.core.cycles < p.core.limit) {
      const before = p.core.cycles;
      const v = p.current;
      if (v.isIdle) {
        if (!this.#idle(p)) return 'idle';
      } else if (!v.arch.inGuest) {
        leaveHypervisor(this.xen, p, v);
      } else if (!(v.modelled ? this.#modelled(p, v) : this.#guest(p, v))) {
        p.waiting = true;
        return 'idle';
      }
      free = p.core.cycles === before ? free + 1 : 0;
      if (free > MAX_FREE_STEPS) {
        this.xen.errors.report('no-progress', v.name, 'steps that take no time');
        p.core.charge(Math.max(1, p.core.limit - p.core.cycles));
      }
    }
    return 'ran';
  }

  /** idle_loop: false if there is nothing to do until an interrupt comes. */
  #idle(p: Pcpu): boolean {
    const { xen } = this;
    if (p.core.lines & LINE_IRQ) {
      doIrq(xen, p);
      xen.charge(p.id, 'xen.idleWake');
    } else if (!p.scheduleSoftirq && !p.timerSoftirq) {
      return false;
    }
    pcpuWork(xen, p);
    return true;
  }

  /** Software of a modelled vCPU: interrupts are taken between its steps. False: the core waits in WFI, with the vCPU loaded. */
  #modelled(p: Pcpu, v: Vcpu): boolean {
    const { xen } = this;
    if (p.core.lines & LINE_IRQ) {
      enterHypervisor(xen, p, v);
      doIrq(xen, p);
      return true;
    }
    if (v.program === undefined) {
      if (xen.options.vwfiNative === true) return false;
      enterHypervisor(xen, p, v);
      vcpuBlockUnlessEventPending(xen, v);
      return true;
    }
    const outcome = v.program.step(v, p.id);
    if (outcome === 'ran') {
      if (!v.runnable || p.scheduleSoftirq) v.arch.inGuest = false;
      return true;
    }
    // WFI, unless it is a hypercall that put it to sleep.
    if (v.runnable && v.arch.inGuest) {
      if (xen.options.vwfiNative === true && !p.scheduleSoftirq) return false;
      enterHypervisor(xen, p, v);
      xen.charge(p.id, 'xen.block');
      vcpuBlockUnlessEventPending(xen, v);
    }
    v.arch.inGuest = false;
    return true;
  }

  /** False: as for modelled software. */
  #guest(p: Pcpu, v: Vcpu): boolean {
    const { xen } = this;
    const { code, info } = p.core.run();
    switch (code) {
      case EXIT_LIMIT:
        return true;
      case EXIT_EL2:
        enterHypervisor(xen, p, v);
        if (info === EL2_SYNC) doTrapGuestSync(xen, p, v);
        else if (info === EL2_IRQ || info === EL2_FIQ) doIrq(xen, p);
        else if (info === EL2_SERROR) xen.errors.report('serror', v.name, 'SError taken to EL2');
        return true;
      case EXIT_WFI:
      case EXIT_WFE:
        // Reached with vwfi=native only. Waiting for an event lasts to the end of the slice.
        if (code === EXIT_WFI) return false;
        if (p.core.cycles < p.core.limit) p.core.charge(p.core.limit - p.core.cycles);
        return true;
      case EXIT_UNMODELLED: {
        enterHypervisor(xen, p, v);
        const what = `instruction 0x${info.toString(16).padStart(8, '0')} is not modelled`;
        xen.errors.report('unmodelled', v.name, what);
        xen.crashDomain(v.domain, what);
        return true;
      }
      default:
        enterHypervisor(xen, p, v);
        xen.crashDomain(v.domain, `core exit ${code}`);
        return true;
    }
  }
}

/** gic_interrupt: takes every physical interrupt that is pending. */
export function doIrq(xen: Xen, p: Pcpu): void {
  xen.charge(p.id, 'xen.irqEntry');
  p.counts.irqs++;
  for (let taken = 0; taken < MAX_IRQS; taken++) {
    if (taken > 0) xen.charge(p.id, 'bus.gicRead');
    const iar = xen.gic.acknowledge(p.id);
    const intid = iar & 0x3ff;
    if (intid >= SPURIOUS) break;
    const who = (p.current.isIdle ? 0x7fff : p.current.domain.id) << 16;
    const name = xen.trace.name('physical');
    xen.trace.recordAt(TraceKind.Interrupt, p.core.index, xen.now(p.id), intid, name, who | p.current.id);
    switch (intid) {
      case GIC_SGI_EVENT_CHECK: // looked at on the way out
      case GIC_SGI_CALL_FUNCTION:
      case MAINTENANCE_PPI: // the refill is done on the way out
        break;
      case HYP_TIMER_PPI:
        p.core.setHypTimer(undefined);
        p.timerSoftirq = true;
        break;
      case GUEST_TIMER_VIRT_PPI:
        vtimerInterrupt(xen, p);
        break;
      default:
        xen.errors.report('unexpected-irq', `pcpu${p.id}`, `${intid}`);
    }
    xen.charge(p.id, 'bus.gicWrite', 2);
    xen.gic.endOfInterrupt(p.id, iar);
  }
}

/** check_for_pcpu_work: pending softirqs. @returns true if another vCPU was loaded. */
function pcpuWork(xen: Xen, p: Pcpu): boolean {
  for (let round = 0; round < MAX_EXIT_ROUNDS; round++) {
    if (p.timerSoftirq) {
      p.timerSoftirq = false;
      xen.timers.run(p.id);
    } else if (p.scheduleSoftirq) {
      if (schedule(xen, p)) return true;
    } else {
      return false;
    }
  }
  return false;
}

/**
 * leave_hypervisor_to_guest, run from its top whenever the vCPU is loaded outside the guest: upstream sleeps in the
 * middle of it (wait_for_io), here the vCPU is simply not runnable and comes back to the beginning.
 */
export function leaveHypervisor(xen: Xen, p: Pcpu, v: Vcpu): void {
  for (let round = 0; ; round++) {
    const done = vcpuWork(xen, p, v);
    if (pcpuWork(xen, p)) return;
    if (done && v.runnable) break;
    if (round < MAX_EXIT_ROUNDS && v.runnable) continue;
    // Not runnable, yet nobody was chosen in its place: ask again.
    p.scheduleSoftirq = true;
    if (round >= MAX_EXIT_ROUNDS) return;
  }
  const { requestId } = v.io;
  if (requestId !== 0 && p.request !== requestId) p.takeOver(requestId, 'resume');
  vgicSyncToLrs(xen, v, p);
  xen.charge(p.id, 'xen.restoreRegisters');
  xen.charge(p.id, 'xen.eret');
  if (requestId !== 0) {
    xen.closeRequest(requestId, p.id);
    p.workFor(0, '');
    v.io.requestId = 0;
  }
  p.counts.entries++;
  v.arch.inGuest = true;
  if (!v.modelled) p.core.eret();
}

/** check_for_vcpu_work: true when nothing keeps the vCPU from its guest. */
function vcpuWork(xen: Xen, p: Pcpu, v: Vcpu): boolean {
  if (!xen.ioreq.hasServer(v.domain) && v.io.completion === 0) return true;
  const outcome = xen.ioreq.handleCompletion(v, p.id);
  if (outcome === BLOCKED) return false;
  return outcome === 'done';
}
