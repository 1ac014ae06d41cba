/** Synchronous exceptions from the guest (xen: xen/arch/arm/traps.c do_trap_guest_sync). */
import type { Vcpu } from '../../common/domain.js';
import { baselineOf } from '../../common/baselines.js';
import { vcpuBlockUnlessEventPending } from '../../common/lifecycle.js';
import type { Pcpu } from '../../common/pcpu.js';
import type { WindowAbort, Xen } from '../../common/xen.js';
import { GUEST_VIRTIO_MMIO_BASE, GUEST_VIRTIO_MMIO_SIZE, XEN_HYPERCALL_TAG } from '../../public/arch-arm.js';
import { TraceKind } from '../../../sim/trace/record.js';
import { dataAbort, decodePostIndexed } from './decode.js';
import { copyFromGuest } from './guestcopy.js';
import { trapHypercall } from './hypercall.js';
import { IO_ABORT, IO_HANDLED, IO_RETRY, IO_UNHANDLED, tryHandleMmio, type MmioInfo } from './io.js';
import { applyWriteback } from './ioreq.js';
import { P2M_MMIO_DIRECT_DEV } from './p2m.js';
import { advancePc, guestPc, injectAbort, injectUndef } from './regs.js';
import { vsmcccHandleCall } from './vsmccc.js';
import { doSysreg } from './vsysreg.js';

const EC_WFX = 0x01;
const EC_HVC64 = 0x16;
const EC_SMC64 = 0x17;
const EC_SYSREG = 0x18;
const EC_INSTRUCTION_ABORT = 0x20;
const EC_DATA_ABORT = 0x24;
const FSC_TRANSLATION = 0x04;
const FSC_PERMISSION = 0x0c;
const FSC_LEVEL_MASK = 0x03;

/** Deals with the exception whose syndrome is in the EL2 registers of `p`'s core. */
export function doTrapGuestSync(xen: Xen, p: Pcpu, v: Vcpu): void {
  const { core } = p;
  const esr = Number(core.sys('ESR_EL2'));
  const ec = esr >>> 26;
  traceException(xen, p, esr);
  switch (ec) {
    case EC_WFX:
      if (esr & 1) {
        xen.yield(v);
      } else {
        xen.charge(p.id, 'xen.block');
        vcpuBlockUnlessEventPending(xen, v);
      }
      advancePc(core, esr);
      return;
    case EC_HVC64: {
      const tag = esr & 0xffff;
      if (tag === 0) {
        if (!vsmcccHandleCall(xen, p, v, esr)) injectUndef(core);
      } else if (tag === XEN_HYPERCALL_TAG) {
        trapHypercall(xen, p, v);
      } else {
        xen.errors.report('hypercall-tag', v.name, `0x${tag.toString(16)}`);
        injectUndef(core);
      }
      return;
    }
    case EC_SMC64:
      if (vsmcccHandleCall(xen, p, v, esr)) advancePc(core, esr);
      else injectUndef(core);
      return;
    case EC_SYSREG:
      doSysreg(xen, p, v, esr);
      return;
    case EC_INSTRUCTION_ABORT:
    case EC_DATA_ABORT:
      doStage2Abort(xen, p, v, esr, ec === EC_DATA_ABORT);
      return;
    default:
      xen.errors.report('unknown-trap', v.name, `ESR 0x${esr.toString(16)}`);
      injectUndef(core);
  }
}

/** do_trap_stage2_abort_guest: P2M, lazy map, emulation, abort, in the order of the baseline (xen-ioreq.md 5.2). */
function doStage2Abort(xen: Xen, p: Pcpu, v: Vcpu, esr: number, isData: boolean): void {
  const { core } = p;
  const dabt = dataAbort(esr);
  const va = core.sys('FAR_EL2');
  xen.charge(p.id, 'xen.decode');
  if (dabt.external) {
    // Upstream turns it into a guest SError; the simulated bus has no external aborts on RAM or devices.
    xen.errors.report('guest-serror', v.name, `ESR 0x${esr.toString(16)}`);
    injectAbort(core, !isData, va);
    return;
  }
  const kind = dabt.fsc & ~FSC_LEVEL_MASK;
  // Permission faults are only mem_access's business: the guest tries again (and again).
  if (kind === FSC_PERMISSION) return;
  if (kind !== FSC_TRANSLATION) {
    abortGuest(xen, p, v, esr, isData, va, 0);
    return;
  }
  const gpa = Number((core.sys('HPFAR_EL2') & 0xff_ffff_fff0n) << 8n) + Number(va & 0xfffn);
  xen.charge(p.id, 'xen.p2mWalk');
  const gfn = Math.floor(gpa / 4096);
  const windowAbort = (what: WindowAbort): void => {
    if (isData && inVirtioWindow(gpa)) xen.windowAborts[what]++;
  };
  const early = baselineOf(xen).resolveBeforeEmulation;
  // Until Mar 2022 an access was first tried as MMIO, and only then against the P2M (xen-ioreq.md 5.2).
  if (early && checkP2m(xen, p, v, gfn, isData)) return windowAbort('resolved');
  if (isData && !(early && dabt.s1ptw)) {
    const info = accessOf(xen, p, v, esr, gpa);
    const rc = info === undefined ? IO_ABORT : tryHandleMmio(xen, p, v, info);
    if (rc === IO_RETRY) return; // completed on the way back, when the emulator has answered
    if (rc === IO_HANDLED) {
      windowAbort('emulated');
      if (info?.writeback) applyWriteback(core, info.writeback);
      advancePc(core, esr);
      return;
    }
    if (!early && rc === IO_UNHANDLED && checkP2m(xen, p, v, gfn, isData)) return windowAbort('resolved');
    windowAbort('injected');
  } else if (!early && checkP2m(xen, p, v, gfn, isData)) {
    return windowAbort('resolved');
  }
  abortGuest(xen, p, v, esr, isData, va, gpa);
}

/** check_p2m: an entry whose valid bit was cleared, or a page that is mapped at its first use by data. */
function checkP2m(xen: Xen, p: Pcpu, v: Vcpu, gfn: number, isData: boolean): boolean {
  return v.domain.p2m.resolveFault(gfn) || (isData && tryMapMmio(xen, p, v, gfn));
}

/** Where the toolstack puts virtio-mmio devices: the window whose aborts the CPU kernel counts. */
function inVirtioWindow(gpa: number): boolean {
  return gpa >= GUEST_VIRTIO_MMIO_BASE && gpa < GUEST_VIRTIO_MMIO_BASE + GUEST_VIRTIO_MMIO_SIZE;
}

/** The access, from the syndrome or else from the instruction; undefined if neither says. */
function accessOf(xen: Xen, p: Pcpu, v: Vcpu, esr: number, gpa: number): MmioInfo | undefined {
  const dabt = dataAbort(esr);
  const access = { gpa, esr, writeback: undefined, cache: false, undecoded: false };
  if (dabt.valid) return { ...access, size: dabt.size, sign: dabt.sign, reg: dabt.reg, write: dabt.write };
  if (!baselineOf(xen).decodeIsvZero) {
    return { ...access, size: dabt.size, sign: false, reg: dabt.reg, write: dabt.write, undecoded: true };
  }
  if (dabt.cache) return { ...access, size: 0, sign: false, reg: 31, write: true, cache: true };
  xen.charge(p.id, 'xen.decodeInstruction');
  const raw = copyFromGuest(xen, v, guestPc(p.core), 4);
  if (raw === undefined) return undefined;
  const opcode = new DataView(raw.buffer).getUint32(0, true);
  const decoded = decodePostIndexed(opcode);
  if (decoded === undefined) {
    xen.errors.report('unhandled-instruction', v.name, `0x${opcode.toString(16).padStart(8, '0')}`);
    return undefined;
  }
  const { size, reg, write, rn, imm } = decoded;
  return { ...access, size, reg, write, sign: false, writeback: { rn, imm } };
}

/**
 * try_map_mmio: the guest's GICC pages become the physical virtual-CPU-interface at their first use
 * (xen-ioreq.md 6.4). True if the access should be tried again.
 */
function tryMapMmio(xen: Xen, p: Pcpu, v: Vcpu, gfn: number): boolean {
  const { cbase, csize, vbase } = v.domain.vgic;
  const first = cbase / 4096;
  const pages = csize / 4096;
  if (gfn < first || gfn >= first + pages) return false;
  xen.charge(p.id, 'xen.mapPage', pages);
  return v.domain.p2m.map(first, vbase, pages, P2M_MMIO_DIRECT_DEV) === 0;
}

function abortGuest(xen: Xen, p: Pcpu, v: Vcpu, esr: number, isData: boolean, va: bigint, gpa: number): void {
  const what = `HSR=0x${esr.toString(16)} pc=0x${guestPc(p.core).toString(16)} gva=0x${va.toString(16)}`;
  xen.errors.report('guest-abort', v.name, `${what} gpa=0x${gpa.toString(16)}`);
  injectAbort(p.core, !isData, va);
}

function traceException(xen: Xen, p: Pcpu, esr: number): void {
  const far = p.core.sys('FAR_EL2');
  const elr = guestPc(p.core);
  const lo = (n: bigint): number => Number(n & 0xffff_ffffn);
  const hi = (n: bigint): number => Number(n >> 32n);
  const time = xen.now(p.id);
  xen.trace.recordAt(TraceKind.Exception, p.core.index, time, esr, lo(far), hi(far), lo(elr), hi(elr));
}
