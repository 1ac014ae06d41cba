/**
 * DM ops as a guest-memory ABI (xen: xen/common/dm.c, xen/arch/arm/dm.c; xen-ioreq.md 2): buffers, the order of checks, and
 * which result is copied back.
 */
import { DMOP, DMOP_PAYLOAD, DM_OP, DM_OP_BUF } from '../public/ioreq.js';
import { E2BIG, EFAULT, EINVAL, ENODATA, EOPNOTSUPP, EPERM, ESRCH } from '../public/errno.js';
import { DOMID_SELF, type Domain } from './domain.js';
import { copyFromGuest, copyToGuest } from '../arch/arm/guestcopy.js';
import { setIrqLevel } from '../arch/arm/dm.js';
import { baselineOf } from './baselines.js';
import type { HypercallContext, Xen } from './xen.js';

/**
 * XSM_DM_PRIV, which guards dm_op, acquire_resource and foreign mappings: the control domain, the one domain whose target
 * `subject` is (XEN_DOMCTL_set_target), or a driver domain that the policy allows (xen-ioreq.md 2.4).
 */
export function mayModelDevices(caller: Domain, subject: Domain): boolean {
  return caller.isControl || caller.options.deviceModelPrivilege || caller.target === subject.id;
}

interface DmCall {
  readonly xen: Xen;
  readonly caller: Domain;
  readonly target: Domain;
  readonly view: DataView;
}

/** Result of an op, and whether the structure goes back to the caller. */
type DmResult = { readonly rc: number; readonly copyBack: boolean };

const done = (rc: number, copyBack = false): DmResult => ({ rc, copyBack });

function zero(view: DataView, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (view.getUint8(i) !== 0) return false;
  return true;
}

const P = DM_OP.payload;

const OPS: { readonly [op: number]: (call: DmCall) => DmResult } = {
  [DMOP.create_ioreq_server]: ({ xen, caller, target, view }) => {
    if (!zero(view, P + 1, P + 4)) return done(-EINVAL);
    const id = xen.ioreq.create(caller, target, view.getUint8(P));
    if (id < 0) return done(id);
    view.setUint16(P + 4, id, true);
    return done(0, true);
  },
  [DMOP.get_ioreq_server_info]: ({ xen, caller, target, view }) => {
    const info = xen.ioreq.getInfo(caller, target, view.getUint16(P, true), view.getUint16(P + 2, true));
    if (typeof info === 'number') return done(info);
    // Without a buffered ring the port stays as the caller wrote it; the gfns are never filled in on Arm.
    if (info.bufioreqPort !== undefined) view.setUint32(P + 4, info.bufioreqPort, true);
    return done(0, true);
  },
  [DMOP.map_io_range_to_ioreq_server]: (call) => range(call, true),
  [DMOP.unmap_io_range_from_ioreq_server]: (call) => range(call, false),
  [DMOP.set_ioreq_server_state]: ({ xen, caller, target, view }) =>
    view.getUint8(P + 3) !== 0
      ? done(-EINVAL)
      : done(xen.ioreq.setState(caller, target, view.getUint16(P, true), view.getUint8(P + 2) !== 0)),
  [DMOP.destroy_ioreq_server]: ({ xen, caller, target, view }) =>
    view.getUint16(P + 2, true) !== 0
      ? done(-EINVAL)
      : done(xen.ioreq.destroy(caller, target, view.getUint16(P, true))),
  [DMOP.set_irq_level]: ({ xen, target, view }) =>
    done(setIrqLevel(xen, target, view.getUint32(P, true), view.getUint8(P + 4), zero(view, P + 5, P + 8))),
  [DMOP.nr_vcpus]: ({ target, view }) => {
    view.setUint32(P, target.options.maxVcpus, true);
    return done(0, true);
  },
};

function range({ xen, caller, target, view }: DmCall, map: boolean): DmResult {
  if (view.getUint16(P + 2, true) !== 0) return done(-EINVAL);
  const id = view.getUint16(P, true);
  const type = view.getUint32(P + 4, true);
  const start = view.getBigUint64(P + 8, true);
  const end = view.getBigUint64(P + 16, true);
  return done(
    map
      ? xen.ioreq.mapRange(caller, target, id, type, start, end)
      : xen.ioreq.unmapRange(caller, target, id, type, start, end),
  );
}

/** dm_op(domid, nr_bufs, bufs). */
export function doDmOp(x: HypercallContext): bigint {
  return BigInt(dmOp(x));
}

function dmOp(x: HypercallContext): number {
  const { xen, vcpu } = x;
  const domid = Number(x.arg(0) & 0xffffn);
  const nrBufs = Number(x.arg(1) & 0xffff_ffffn);
  if (nrBufs === 0 && baselineOf(xen).zeroBufsError) return -ENODATA;
  if (nrBufs > 2) return -E2BIG;
  const bufs = copyFromGuest(xen, vcpu, x.arg(2), nrBufs * DM_OP_BUF.bytes);
  if (bufs === undefined) return -EFAULT;
  const target = xen.domain(domid === DOMID_SELF ? vcpu.domain.id : domid);
  if (target === undefined) return -ESRCH;
  if (target === vcpu.domain) return -EPERM;
  if (!mayModelDevices(vcpu.domain, target)) return -EPERM;
  // nr_bufs == 0 before XSA-506: buffer 0 is what the stack held. Here that is always zeroes, i.e. too short.
  if (nrBufs === 0) return -EFAULT;
  const list = new DataView(bufs.buffer, bufs.byteOffset, bufs.byteLength);
  const handle = list.getBigUint64(DM_OP_BUF.handle, true);
  const size = list.getBigUint64(DM_OP_BUF.size, true);
  const header = size < 8n ? undefined : copyFromGuest(xen, vcpu, handle, 8);
  if (header === undefined) return -EFAULT;
  const op = new DataView(header.buffer, header.byteOffset, 8).getUint32(DM_OP.op, true);
  const payload = op === DMOP.nr_vcpus && !baselineOf(xen).nrVcpusOp ? undefined : DMOP_PAYLOAD[op];
  if (payload === undefined) return -EOPNOTSUPP;
  const raw = size < BigInt(8 + payload) ? undefined : copyFromGuest(xen, vcpu, handle, 8 + payload);
  if (raw === undefined) return -EFAULT;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  if (view.getUint32(DM_OP.pad, true) !== 0) return -EINVAL;
  const handler = OPS[op];
  if (handler === undefined) return -EOPNOTSUPP;
  xen.charge(x.pcpu, 'xen.dmop');
  const { rc, copyBack } = handler({ xen, caller: vcpu.domain, target, view });
  if (rc === 0 && copyBack && !copyToGuest(xen, vcpu, handle, raw)) return -EFAULT;
  return rc;
}
