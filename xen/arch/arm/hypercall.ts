/** Hypercalls of guests and of modelled software (xen: xen/arch/arm/traps.c do_trap_hypercall). */
import { BLOCKED, type Blocked, type Vcpu } from '../../common/domain.js';
import type { Pcpu } from '../../common/pcpu.js';
import type { HypercallContext, Xen } from '../../common/xen.js';
import { ENOSYS } from '../../public/errno.js';
import { LINE_IRQ } from '../../../sim/wasm/layout.js';
import { TraceKind } from '../../../sim/trace/record.js';
import { guestPc, setGuestPc } from './regs.js';
import { vgicSyncFromLrs } from './gic.js';

const U64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Looks the number up and calls its handler; -ENOSYS if there is none. Traced. */
export function hypercall(
  xen: Xen,
  v: Vcpu,
  pcpu: number,
  nr: number,
  args: readonly bigint[],
  continueWith?: (args: readonly bigint[]) => Blocked,
): bigint | Blocked {
  const p = xen.pcpus[pcpu]!;
  p.counts.hypercalls++;
  const who = (v.domain.id << 16) | v.id;
  const lo = (n: bigint): number => Number(n & 0xffff_ffffn);
  const [a = 0n, b = 0n, c = 0n] = args;
  xen.trace.recordAt(TraceKind.Hypercall, p.core.index, xen.now(pcpu), nr, lo(a), lo(b), lo(c), who);
  xen.charge(pcpu, 'xen.hypercall');
  const handler = xen.hypercalls[nr];
  const context = { xen, vcpu: v, pcpu, arg: (i: number) => args[i] ?? 0n, ...(continueWith && { continueWith }) };
  const result = handler === undefined ? BigInt(-ENOSYS) : handler(context);
  if (v.domain.mapcacheInvalidate) {
    v.domain.mapcacheInvalidate = false;
    xen.ioreq.broadcastInvalidate(v, pcpu);
  }
  const value = result === BLOCKED ? 0n : U64(result);
  const detail = result === BLOCKED ? 1 : 0;
  const kind = TraceKind.HypercallReturn;
  xen.trace.recordAt(kind, p.core.index, xen.now(pcpu), nr, lo(value), Number(value >> 32n), detail, who);
  return result;
}

/**
 * hypercall_preempt_check: something else has a claim on the pCPU, or its slice is over. A guest's long call then stops where
 * it is (continueWith), so that one call is never more work than one slice.
 */
export function preemptCheck({ xen, pcpu, continueWith }: HypercallContext): boolean {
  const p = xen.pcpus[pcpu]!;
  if (continueWith === undefined) return false;
  return p.core.cycles >= p.core.limit || p.scheduleSoftirq || p.timerSoftirq || (p.core.lines & LINE_IRQ) !== 0;
}

/** HVC #0xEA1 of a guest: number in x16, arguments x0..x4, result in x0. A blocked call is made again later. */
export function trapHypercall(xen: Xen, p: Pcpu, v: Vcpu): void {
  const { core } = p;
  const nr = Number(core.x(16) & 0xffff_ffffn);
  p.openPath(v, 'hypercall', `number ${nr}`);
  const args = [0, 1, 2, 3, 4].map((i) => core.x(i));
  const result = hypercall(xen, v, p.id, nr, args, (next) => {
    next.forEach((value, i) => core.setX(i, U64(value)));
    return BLOCKED;
  });
  if (result === BLOCKED) setGuestPc(core, guestPc(core) - 4n);
  else core.setX(0, U64(result));
}

/**
 * A hypercall of modelled software that runs on `pcpu`: the trap in, the call, and the exit work before its next step.
 * @returns the result in two's complement; BLOCKED: make the same call again in the next step.
 */
export function modelledHypercall(
  xen: Xen,
  v: Vcpu,
  pcpu: number,
  nr: number,
  args: readonly bigint[],
): bigint | Blocked {
  const p = xen.pcpus[pcpu]!;
  enterHypervisor(xen, p, v);
  const result = hypercall(xen, v, pcpu, nr, args);
  return result === BLOCKED ? BLOCKED : BigInt.asIntN(64, result);
}

/** What every exit from a vCPU begins with (xen: enter_hypervisor_from_guest). */
export function enterHypervisor(xen: Xen, p: Pcpu, v: Vcpu): void {
  p.counts.traps++;
  p.beginNotes();
  v.arch.inGuest = false;
  xen.charge(p.id, 'xen.trapEntry');
  if (xen.options.branchPredictorHardening) {
    xen.charge(p.id, 'firmware.workaround');
  }
  xen.charge(p.id, 'xen.saveRegisters');
  vgicSyncFromLrs(xen, v, p);
}
