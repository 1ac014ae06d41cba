/** Injection and the distributor's actions (xen: xen/arch/arm/vgic.c). */
import { TraceKind } from '../../../sim/trace/record.js';
import { VPF_DOWN, type Domain, type Vcpu } from '../../common/domain.js';
import type { Xen } from '../../common/xen.js';
import { irqToPending, raiseGuestIrq, raiseInflightIrq, removeFromLrPending } from './gic.js';
import { IRQ_ENABLED, IRQ_QUEUED, IRQ_VISIBLE, NR_LOCAL_IRQS, type VgicRank } from './vgic-state.js';

export * from './vgic-state.js';

/** The rank that holds an interrupt's registers, and the interrupt's index in it. */
export function rankOf(v: Vcpu, irq: number): { rank: VgicRank; index: number } {
  return irq < NR_LOCAL_IRQS
    ? { rank: v.arch.vgic.rank, index: irq }
    : { rank: v.domain.vgic.rank, index: irq - NR_LOCAL_IRQS };
}

/** vgic_get_target_vcpu: private interrupts stay; an SPI goes where ITARGETSR says. */
export function targetVcpu(v: Vcpu, irq: number): Vcpu {
  if (irq < NR_LOCAL_IRQS) return v;
  return v.domain.vcpus[v.domain.vgic.rank.target[irq - NR_LOCAL_IRQS]!] ?? v;
}

/**
 * vgic_inject_irq of the default vGIC. Only level = true does anything (even for level-sensitive interrupts); an
 * interrupt for a vCPU that is down is lost; one that is disabled is latched until it is enabled.
 */
export function vgicInjectIrq(xen: Xen, d: Domain, target: Vcpu | null, irq: number, level: boolean): void {
  if (!level) return;
  const v0 = target ?? d.vcpus[0];
  if (v0 === undefined) return;
  const v = target ?? targetVcpu(v0, irq);
  const p = irqToPending(v, irq);
  if (p === undefined) return;
  const sender = xen.pcpus[xen.thisPcpu];
  const measured = sender?.request === 0 && openInterrupt(xen, v, irq);
  if (measured) sender.workFor(v.io.requestId, 'send');
  if (sender !== undefined) xen.charge(sender.id, 'xen.inject');
  if (v.pauseFlags & VPF_DOWN) {
    traceInject(xen, v, irq, 'lost');
    return;
  }
  traceInject(xen, v, irq, 'inject');
  p.status |= IRQ_QUEUED;
  const { inflight } = v.arch.vgic;
  if (inflight.includes(p)) {
    raiseInflightIrq(xen, v, p);
  } else {
    const { rank, index } = rankOf(v, irq);
    p.priority = rank.priority[index]!;
    if (p.status & IRQ_ENABLED) raiseGuestIrq(xen, v, p);
    const at = inflight.findIndex((other) => other.priority > p.priority);
    inflight.splice(at < 0 ? inflight.length : at, 0, p);
  }
  vcpuKick(xen, v);
  if (measured) sender.workFor(0, '');
  else openInterrupt(xen, v, irq);
}

/**
 * With `measurePaths`: an interrupt for another vCPU is a request of its own, until that vCPU is in its guest with it. What the
 * sender does for a request of its own belongs to that one.
 */
function openInterrupt(xen: Xen, v: Vcpu, irq: number): boolean {
  if (xen.options.measurePaths !== true || v.io.requestId !== 0 || v.modelled || xen.thisVcpu() === v) return false;
  if (v.pauseFlags & VPF_DOWN) return false;
  const sender = xen.pcpus[xen.thisPcpu];
  v.io.requestId = xen.ledger.newId();
  xen.ledger.open(v.io.requestId, 'interrupt', `INTID ${irq}`, sender?.core.index ?? 0, xen.clock.now());
  return true;
}

/** vcpu_kick: wakes it from WFI; if it runs on another pCPU, that one is interrupted. */
export function vcpuKick(xen: Xen, v: Vcpu): void {
  const running = v.isRunning;
  xen.unblock(v);
  if (running && xen.thisVcpu() !== v) xen.pcpus[v.processor]!.sendEventCheck();
}

/** vgic_enable_irqs: bit i of `bits` is interrupt 32 * bank + i. What was latched is raised. */
export function vgicEnableIrqs(xen: Xen, v: Vcpu, bits: number, bank: number): void {
  for (let i = 0; i < 32; i++) {
    if (((bits >>> i) & 1) === 0) continue;
    const irq = bank * 32 + i;
    const to = targetVcpu(v, irq);
    const p = irqToPending(to, irq);
    if (p === undefined) continue;
    p.status |= IRQ_ENABLED;
    if (to.arch.vgic.inflight.includes(p) && !(p.status & IRQ_VISIBLE)) raiseGuestIrq(xen, to, p);
  }
}

export function vgicDisableIrqs(v: Vcpu, bits: number, bank: number): void {
  for (let i = 0; i < 32; i++) {
    if (((bits >>> i) & 1) === 0) continue;
    const irq = bank * 32 + i;
    const to = targetVcpu(v, irq);
    const p = irqToPending(to, irq);
    if (p === undefined) continue;
    p.status &= ~IRQ_ENABLED;
    removeFromLrPending(to, p);
  }
}

/** vgic_to_sgi. `mode`: 0 list, 1 all others, 2 self. */
export function vgicToSgi(xen: Xen, v: Vcpu, mode: number, list: number, sgi: number): void {
  for (const other of v.domain.vcpus) {
    const chosen = mode === 0 ? ((list >>> other.id) & 1) !== 0 : mode === 1 ? other !== v : other === v;
    if (chosen) vgicInjectIrq(xen, v.domain, other, sgi, true);
  }
}

function traceInject(xen: Xen, v: Vcpu, irq: number, what: string): void {
  const core = xen.thisPcpu >= 0 ? xen.pcpus[xen.thisPcpu]!.core.index : 0xff;
  const vcpu = (v.domain.id << 16) | v.id;
  xen.trace.recordAt(TraceKind.Interrupt, core, xen.clock.now(), irq, xen.trace.name(what), vcpu);
}
