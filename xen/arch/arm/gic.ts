/**
 * List-register handling of the default vGIC (xen: xen/arch/arm/gic-vgic.c, gic-v2.c; IHI 0048B 5.3). All functions act
 * on the virtual interface of the pCPU that has the vCPU loaded.
 */
import type { Vcpu } from '../../common/domain.js';
import type { Pcpu } from '../../common/pcpu.js';
import type { Xen } from '../../common/xen.js';
import { LR_ACTIVE, LR_PENDING } from './hardware.js';
import {
  IRQ_ACTIVE,
  IRQ_ENABLED,
  IRQ_MIGRATING,
  IRQ_QUEUED,
  IRQ_VISIBLE,
  NO_LR,
  NR_LOCAL_IRQS,
  type PendingIrq,
} from './vgic-state.js';

export const GICH_HCR_EN = 1;
export const GICH_HCR_UIE = 2;
const LR_VIRTUAL_MASK = 0x3ff;
const LR_PRIORITY_SHIFT = 23;
const LR_STATE_SHIFT = 28;
const VMCR_PRIORITY_SHIFT = 27;

export const priorityToGuest = (priority: number): number => priority >> 3;

export function irqToPending(v: Vcpu, irq: number): PendingIrq | undefined {
  return irq < NR_LOCAL_IRQS ? v.arch.vgic.pending[irq] : v.domain.vgic.spis[irq - NR_LOCAL_IRQS];
}

/** The pCPU that has `v` loaded, if the caller runs on it: only then are its list registers at hand. */
function loadedHere(xen: Xen, v: Vcpu): Pcpu | undefined {
  return xen.thisVcpu() === v ? xen.pcpus[xen.thisPcpu] : undefined;
}

/** The GICH_LR value of a purely virtual interrupt (HW = 0, no EOI maintenance, source CPU 0). */
export function listRegister(irq: number, priority: number, state: number): number {
  return (irq | (priorityToGuest(priority) << LR_PRIORITY_SHIFT) | (state << LR_STATE_SHIFT)) >>> 0;
}

function setLr(xen: Xen, p: Pcpu, lr: number, irq: PendingIrq): void {
  xen.charge(p.id, 'xen.lrLoad');
  xen.gic.writeLr(p.id, lr, listRegister(irq.irq, irq.priority, LR_PENDING));
  p.lrMask |= 1 << lr;
  irq.status = (irq.status | IRQ_VISIBLE) & ~IRQ_QUEUED;
  irq.lr = lr;
}

function freeLr(xen: Xen, p: Pcpu, from: number): number {
  let lr = from;
  while (lr < xen.gic.lrCount && (p.lrMask >>> lr) & 1) lr++;
  return lr;
}

function addToLrPending(v: Vcpu, irq: PendingIrq): void {
  const queue = v.arch.vgic.lrPending;
  if (queue.includes(irq)) return;
  const at = queue.findIndex((other) => other.priority > irq.priority);
  queue.splice(at < 0 ? queue.length : at, 0, irq);
}

export function removeFromLrPending(v: Vcpu, irq: PendingIrq): void {
  const at = v.arch.vgic.lrPending.indexOf(irq);
  if (at >= 0) v.arch.vgic.lrPending.splice(at, 1);
}

/** gic_raise_inflight_irq: a further edge of an interrupt that has not been ended yet. */
export function raiseInflightIrq(xen: Xen, v: Vcpu, irq: PendingIrq): void {
  if ((irq.status & IRQ_ENABLED) === 0 || v.arch.vgic.lrPending.includes(irq)) return;
  const p = loadedHere(xen, v);
  if (p !== undefined && irq.lr !== NO_LR) updateOneLr(xen, v, p, irq.lr);
}

/** gic_raise_guest_irq: into a free list register if the vCPU is current and nothing waits, else queued. */
export function raiseGuestIrq(xen: Xen, v: Vcpu, irq: PendingIrq): void {
  const p = loadedHere(xen, v);
  if (p !== undefined && v.arch.vgic.lrPending.length === 0) {
    const lr = freeLr(xen, p, 0);
    if (lr < xen.gic.lrCount) {
      setLr(xen, p, lr, irq);
      return;
    }
  }
  addToLrPending(v, irq);
}

/** gic_update_one_lr: what the guest did with it since. An empty register means the guest ended the interrupt. */
function updateOneLr(xen: Xen, v: Vcpu, p: Pcpu, lr: number): void {
  const value = xen.gic.readLr(p.id, lr);
  const state = (value >>> LR_STATE_SHIFT) & 3;
  const irq = irqToPending(v, value & LR_VIRTUAL_MASK);
  if (irq === undefined) {
    xen.gic.writeLr(p.id, lr, 0);
    p.lrMask &= ~(1 << lr);
    return;
  }
  if (state & LR_ACTIVE) {
    irq.status |= IRQ_ACTIVE;
    if (irq.status & IRQ_ENABLED && irq.status & IRQ_QUEUED) {
      irq.status &= ~IRQ_QUEUED;
      xen.gic.writeLr(p.id, lr, (value | (LR_PENDING << LR_STATE_SHIFT)) >>> 0);
    }
    return;
  }
  if (state & LR_PENDING) {
    irq.status &= ~IRQ_QUEUED; // merged
    return;
  }
  xen.gic.writeLr(p.id, lr, 0);
  p.lrMask &= ~(1 << lr);
  irq.status &= ~(IRQ_VISIBLE | IRQ_ACTIVE);
  irq.lr = NO_LR;
  const again = irq.status & IRQ_ENABLED && irq.status & IRQ_QUEUED && !(irq.status & IRQ_MIGRATING);
  if (again) raiseGuestIrq(xen, v, irq);
  else {
    const { inflight } = v.arch.vgic;
    const at = inflight.indexOf(irq);
    if (at >= 0) inflight.splice(at, 1);
    irq.status &= ~IRQ_MIGRATING;
  }
}

/** vgic_sync_from_lrs: at each trap from the guest. Ends of interrupts are seen here and nowhere else. */
export function vgicSyncFromLrs(xen: Xen, v: Vcpu, p: Pcpu): void {
  if (v.isIdle) return;
  const hcr = xen.gic.readHcr(p.id);
  if (hcr & GICH_HCR_UIE) xen.gic.writeHcr(p.id, hcr & ~GICH_HCR_UIE);
  if (p.lrMask === 0) return;
  let first = true;
  for (let lr = 0; lr < xen.gic.lrCount; lr++) {
    if (((p.lrMask >>> lr) & 1) === 0) continue;
    xen.charge(p.id, first ? 'xen.lrSave' : 'bus.gichRead');
    first = false;
    updateOneLr(xen, v, p, lr);
  }
}

/** Trace counters of a vCPU: interrupts in flight, list registers in use; written when they change. */
function traceLoad(xen: Xen, v: Vcpu, p: Pcpu): void {
  const { vgic } = v.arch;
  const used = bitCount(p.lrMask);
  if (used !== vgic.traced.lrs) xen.traceCounter('list registers', v.name, (vgic.traced.lrs = used));
  if (vgic.inflight.length !== vgic.traced.inflight)
    xen.traceCounter('interrupts in flight', v.name, (vgic.traced.inflight = vgic.inflight.length));
}

function bitCount(mask: number): number {
  let bits = 0;
  for (let m = mask; m !== 0; m &= m - 1) bits++;
  return bits;
}

/** vgic_sync_to_lrs: before each entry. If more waits than fits, the underflow interrupt asks for a refill. */
export function vgicSyncToLrs(xen: Xen, v: Vcpu, p: Pcpu): void {
  restorePendingIrqs(xen, v, p);
  traceLoad(xen, v, p);
  const full = p.lrMask === 2 ** xen.gic.lrCount - 1;
  if (v.arch.vgic.lrPending.length > 0 && full) xen.gic.writeHcr(p.id, xen.gic.readHcr(p.id) | GICH_HCR_UIE);
}

function restorePendingIrqs(xen: Xen, v: Vcpu, p: Pcpu): void {
  const vgic = v.arch.vgic;
  if (vgic.lrPending.length === 0) return;
  const count = xen.gic.lrCount;
  let from = 0;
  // The victim search goes on from where the last one ended (inflight_r).
  let reverse = vgic.inflight.length;
  for (let left = count; left > 0 && vgic.lrPending.length > 0; left--) {
    const irq = vgic.lrPending[0]!;
    let lr = freeLr(xen, p, from);
    if (lr >= count) {
      let victim: PendingIrq | undefined;
      for (reverse--; reverse >= 0; reverse--) {
        const candidate = vgic.inflight[reverse]!;
        if (candidate.priority === irq.priority) return;
        if (candidate.status & IRQ_VISIBLE && !(candidate.status & IRQ_ACTIVE)) {
          victim = candidate;
          break;
        }
      }
      if (victim === undefined) return;
      lr = victim.lr;
      victim.lr = NO_LR;
      victim.status = (victim.status | IRQ_QUEUED) & ~IRQ_VISIBLE;
      addToLrPending(v, victim);
    } else {
      from = lr;
    }
    setLr(xen, p, lr, irq);
    removeFromLrPending(v, irq);
  }
}

/**
 * vgic_vcpu_pending_irq: an enabled interrupt in flight that beats the guest's priority mask and what is active.
 * Meaningful for a vCPU that is loaded on its pCPU.
 */
export function vgicVcpuPendingIrq(xen: Xen, v: Vcpu): boolean {
  const p = xen.pcpus[v.processor];
  const loaded = p !== undefined && p.current === v;
  const vmcr = loaded ? xen.gic.readVmcr(p.id) : v.arch.gic.vmcr;
  const apr = loaded ? xen.gic.readApr(p.id) : v.arch.gic.apr;
  const mask = vmcr >>> VMCR_PRIORITY_SHIFT;
  const active = apr === 0 ? 32 : 31 - Math.clz32(apr & -apr);
  for (const irq of v.arch.vgic.inflight) {
    const priority = priorityToGuest(irq.priority);
    if (priority >= mask || priority >= active) return false;
    if (irq.status & IRQ_ENABLED) return true;
  }
  return false;
}

/** gic_save_state: takes the virtual interface out of the hardware and disables it. */
export function gicSaveState(xen: Xen, v: Vcpu, p: Pcpu): void {
  const { gic } = v.arch;
  for (let lr = 0; lr < xen.gic.lrCount; lr++) {
    if (((p.lrMask >>> lr) & 1) === 0) continue;
    gic.lr[lr] = xen.gic.readLr(p.id, lr);
    xen.gic.writeLr(p.id, lr, 0);
  }
  gic.lrMask = p.lrMask;
  gic.apr = xen.gic.readApr(p.id);
  gic.vmcr = xen.gic.readVmcr(p.id);
  gic.hcr = xen.gic.readHcr(p.id);
  xen.gic.writeHcr(p.id, 0);
  p.lrMask = 0;
}

/** gic_restore_state. */
export function gicRestoreState(xen: Xen, v: Vcpu, p: Pcpu): void {
  if (v.isIdle) return;
  const { gic } = v.arch;
  p.lrMask = gic.lrMask;
  for (let lr = 0; lr < xen.gic.lrCount; lr++) {
    xen.gic.writeLr(p.id, lr, (gic.lrMask >>> lr) & 1 ? gic.lr[lr]! : 0);
  }
  xen.gic.writeApr(p.id, gic.apr);
  xen.gic.writeVmcr(p.id, gic.vmcr);
  xen.gic.writeHcr(p.id, gic.hcr | GICH_HCR_EN);
}

/** gic_clear_pending_irqs / vgic_clear_pending_irqs: a vCPU that is (re)started has nothing in flight. */
export function vgicClearPendingIrqs(v: Vcpu): void {
  for (const irq of v.arch.vgic.inflight) {
    irq.status &= IRQ_ENABLED;
    irq.lr = NO_LR;
  }
  v.arch.vgic.inflight = [];
  v.arch.vgic.lrPending = [];
  v.arch.gic.lrMask = 0;
  v.arch.gic.apr = 0;
}
