/** MMIO dispatch (xen: xen/arch/arm/io.c). */
import type { Vcpu } from '../../common/domain.js';
import { VIO_MMIO_COMPLETION } from '../../common/domain.js';
import { IO_ABORT, IO_HANDLED, IO_RETRY, IO_UNHANDLED, type IoState } from '../../common/ioreq.js';
import type { Pcpu } from '../../common/pcpu.js';
import type { Xen } from '../../common/xen.js';
import { baselineOf } from '../../common/baselines.js';
import { IOREQ_READ, IOREQ_TYPE_COPY, IOREQ_WRITE, STATE_IOREQ_NONE, STATE_IOREQ_READY } from '../../public/ioreq.js';
import { TraceKind } from '../../../sim/trace/record.js';
import { VIRTIO_MMIO_DEV_SIZE } from '../../public/arch-arm.js';
import { maskToSize, signExtend } from './decode.js';
import { setUserReg, userReg } from './regs.js';
import { gicdRead, gicdWrite } from './vgic-v2.js';

export { IO_ABORT, IO_HANDLED, IO_RETRY, IO_UNHANDLED, type IoState };

/** struct mmio_info: one access, as the syndrome or the decoded instruction says. */
export interface MmioInfo {
  gpa: number;
  size: 0 | 1 | 2 | 3;
  sign: boolean;
  reg: number;
  write: boolean;
  /** The syndrome, kept for the completion. */
  esr: number;
  /** Base-register update of a post-indexed instruction. */
  writeback: { rn: number; imm: number } | undefined;
  /** Cache maintenance: nothing is transferred. */
  cache: boolean;
  /** v1: the syndrome is not valid and nobody decodes; whoever owns the address makes it an abort. */
  undecoded: boolean;
}

const DCACHE_LINE = 64;
const QUEUE_NOTIFY = 0x050;

/** A region that Xen emulates itself. Reads give undefined, writes false, for an abort. */
interface Handler {
  base: number;
  size: number;
  cost: string;
  read(xen: Xen, v: Vcpu, offset: number, bytes: number): bigint | undefined;
  write(xen: Xen, v: Vcpu, offset: number, bytes: number, value: bigint): boolean;
}

const VPL011_BASE = 0x2200_0000;

/** find_mmio_handler, by address alone. The table follows from what the domain has. */
function findHandler(v: Vcpu, gpa: number): Handler | undefined {
  const { vgic, vuart } = v.domain;
  if (gpa >= vgic.dbase && gpa < vgic.dbase + 0x1000) {
    return {
      base: vgic.dbase,
      size: 0x1000,
      cost: 'xen.vgicEmulation',
      read: (xen, who, offset, bytes) => {
        const value = gicdRead(xen, who, offset, bytes);
        return value === undefined ? undefined : BigInt(value);
      },
      write: (xen, who, offset, bytes, value) => gicdWrite(xen, who, offset, bytes, Number(value & 0xffff_ffffn)),
    };
  }
  if (vuart !== undefined && gpa >= VPL011_BASE && gpa < VPL011_BASE + 0x1000) {
    return {
      base: VPL011_BASE,
      size: 0x1000,
      cost: 'xen.vpl011Emulation',
      read: (_xen, _who, offset, bytes) => vuart.read(offset, bytes),
      write: (_xen, _who, offset, bytes, value) => vuart.write(offset, bytes, value),
    };
  }
  return undefined;
}

/** try_handle_mmio. */
export function tryHandleMmio(xen: Xen, p: Pcpu, v: Vcpu, info: MmioInfo): IoState {
  xen.charge(p.id, 'xen.handlerSearch');
  const handler = findHandler(v, info.gpa);
  if (handler === undefined) {
    const rc = tryFwdIoserv(xen, p, v, info);
    if (rc !== IO_UNHANDLED || v.domain.options.trapUnmapped || !baselineOf(xen).trapUnmappedOption) return rc;
    // Read-as-ones, write-ignored filler of a domain that does not trap unmapped accesses.
    if (!info.write && !info.cache) setUserReg(p.core, info.reg, maskToSize((1n << 64n) - 1n, info.size));
    return IO_HANDLED;
  }
  if (info.cache) return IO_HANDLED;
  if (info.undecoded) return IO_ABORT;
  const offset = info.gpa - handler.base;
  p.openPath(v, 'emulated', `${handler.cost.slice(4, -'Emulation'.length)}+${offset.toString(16)}`);
  xen.charge(p.id, handler.cost);
  const bytes = 1 << info.size;
  if (info.write) {
    const value = maskToSize(userReg(p.core, info.reg), info.size);
    const ok = handler.write(xen, v, offset, bytes, value);
    traceMmio(xen, p, info, value);
    return ok ? IO_HANDLED : IO_ABORT;
  }
  const value = handler.read(xen, v, offset, bytes);
  if (value === undefined) return IO_ABORT;
  traceMmio(xen, p, info, value);
  setUserReg(p.core, info.reg, signExtend(maskToSize(value, info.size), info.size, info.sign));
  return IO_HANDLED;
}

/** try_fwd_ioserv: hands the access to an IOREQ server. */
function tryFwdIoserv(xen: Xen, p: Pcpu, v: Vcpu, info: MmioInfo): IoState {
  const { io } = v;
  if (io.req.state !== STATE_IOREQ_NONE) {
    xen.errors.report('ioreq-wrong-state', v.name, `state ${io.req.state}`);
    return IO_ABORT;
  }
  if (!xen.ioreq.hasServer(v.domain)) return IO_UNHANDLED;
  xen.charge(p.id, 'xen.serverSelect');
  const data = requestData(xen, p, info);
  const req = {
    addr: info.gpa,
    data,
    count: 1,
    size: info.cache ? DCACHE_LINE : 1 << info.size,
    vpEport: 0,
    state: STATE_IOREQ_READY,
    dataIsPtr: false,
    dir: info.write ? IOREQ_WRITE : IOREQ_READ,
    df: false,
    type: IOREQ_TYPE_COPY,
  };
  const server = xen.ioreq.select(v.domain, req);
  if (server === undefined) return IO_UNHANDLED;
  if (info.cache) return IO_HANDLED;
  if (info.undecoded) return IO_ABORT;
  io.req = req;
  io.esr = info.esr;
  io.decoded = info.writeback;
  io.suspended = false;
  // An interrupt that was on its way here goes on without being measured.
  xen.abandonRequest(io.requestId);
  io.requestId = openRequest(p, info);
  traceMmio(xen, p, info, data);
  xen.notifyRequest = io.requestId;
  p.workFor(io.requestId, 'send');
  const rc = xen.ioreq.send(server, v, io.req, p.id);
  xen.notifyRequest = 0;
  // What this pCPU does from here on is no longer on the request's path.
  p.workFor(0, '');
  if (rc === IO_RETRY && !io.suspended) {
    io.completion = VIO_MMIO_COMPLETION;
    return IO_RETRY;
  }
  xen.abandonRequest(io.requestId);
  io.requestId = 0;
  io.req.state = STATE_IOREQ_NONE;
  return rc;
}

/** Before 01343f99de a request carried the whole register, for a load as well. */
function requestData(xen: Xen, p: Pcpu, info: MmioInfo): bigint {
  if (info.cache) return 0n;
  if (!baselineOf(xen).maskData) return userReg(p.core, info.reg);
  return info.write ? maskToSize(userReg(p.core, info.reg), info.size) : 0n;
}

/** Opens the request in the ledger; kinds and registers are those of a virtio-mmio window (virtio 1.2, 4.2.2). */
function openRequest(p: Pcpu, info: MmioInfo): number {
  const offset = info.gpa % VIRTIO_MMIO_DEV_SIZE;
  const kind = info.write ? (offset === QUEUE_NOTIFY ? 'notify' : 'write') : 'read';
  return p.openRequest(kind, `0x${offset.toString(16).padStart(3, '0')}`);
}

function traceMmio(xen: Xen, p: Pcpu, info: MmioInfo, value: bigint): void {
  const kind = info.write ? TraceKind.MmioWrite : TraceKind.MmioRead;
  const lo = Number(value & 0xffff_ffffn);
  const hi = Number((value >> 32n) & 0xffff_ffffn);
  const at = Math.floor(info.gpa / 2 ** 32);
  xen.trace.recordAt(kind, p.core.index, xen.now(p.id), info.gpa % 2 ** 32, at, 1 << info.size, lo, hi);
}
