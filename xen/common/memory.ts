/** memory_op (xen: xen/common/memory.c, xen/arch/arm/mm.c): where frames appear in a domain's physical map. */
import {
  ACQUIRE_RESOURCE,
  ADD_TO_PHYSMAP,
  ADD_TO_PHYSMAP_BATCH,
  DOMID_SELF,
  MEMORY_RESERVATION,
  REMOVE_FROM_PHYSMAP,
  RESOURCE_TYPE,
  XENMAPSPACE,
  XENMEM,
} from '../public/xen.js';
import {
  E2BIG,
  EDOM,
  EFAULT,
  EILSEQ,
  EINVAL,
  EIO,
  ENOENT,
  ENOMEM,
  ENOSYS,
  EOPNOTSUPP,
  EPERM,
  ESRCH,
} from '../public/errno.js';
import { PAGE_SIZE } from '../public/arch-arm.js';
import { P2M_MAP_FOREIGN_RO, P2M_MAP_FOREIGN_RW, P2M_RAM_RO, P2M_RAM_RW, isAnyRam, isRam } from '../arch/arm/p2m.js';
import { copyFromGuest, copyToGuest } from '../arch/arm/guestcopy.js';
import { preemptCheck } from '../arch/arm/hypercall.js';
import { baselineOf } from './baselines.js';
import { mayModelDevices } from './dm.js';
import { BLOCKED, type Blocked, type Domain, type Vcpu } from './domain.js';
import type { HypercallContext, Xen } from './xen.js';

const MAX_GFN = 2 ** 28; // 40-bit IPAs
/** ULONG_MAX >> MEMOP_EXTENT_SHIFT: more cannot be counted in cmd. */
const MAX_EXTENTS = (1n << 58n) - 1n;
/** Frames of a resource in one batch; before 2021 also the answer to a question for its size. */
const RESOURCE_BATCH = 32;

function struct(xen: Xen, v: Vcpu, at: bigint, bytes: number): DataView | undefined {
  const raw = copyFromGuest(xen, v, at, bytes);
  return raw === undefined ? undefined : new DataView(raw.buffer, raw.byteOffset, bytes);
}

function gfnOf(value: bigint): number | undefined {
  return value < BigInt(MAX_GFN) ? Number(value) : undefined;
}

/** memory_op(cmd, arg); cmd's high bits are the extent at which a call that was interrupted goes on (MEMOP_EXTENT_SHIFT). */
export function doMemoryOp(x: HypercallContext): bigint | Blocked {
  const cmd = Number(x.arg(0) & 0x3fn);
  const rc = memoryOp(x, cmd, x.arg(1), x.arg(0) >> 6n);
  return rc === BLOCKED ? BLOCKED : BigInt(rc);
}

/** The same call from extent `next` on. */
function goOn(x: HypercallContext, next: bigint): Blocked {
  return x.continueWith!([(x.arg(0) & 0x3fn) | (next << 6n), x.arg(1)]);
}

function memoryOp(x: HypercallContext, cmd: number, at: bigint, start: bigint): number | Blocked {
  switch (cmd) {
    case XENMEM.add_to_physmap:
      return addToPhysmap(x, at);
    case XENMEM.add_to_physmap_batch:
      return addToPhysmapBatch(x, at, start);
    case XENMEM.remove_from_physmap:
      return removeFromPhysmap(x, at);
    case XENMEM.acquire_resource:
      return acquireResource(x, at);
    case XENMEM.decrease_reservation:
      // v1 tells the emulators at the end of the hypercall, whatever was given back.
      if (baselineOf(x.xen).invalidate === 'decrease-reservation') x.vcpu.domain.mapcacheInvalidate = true;
      return reservation(x, at, cmd, start);
    case XENMEM.populate_physmap:
    case XENMEM.increase_reservation:
      return reservation(x, at, cmd, start);
    case XENMEM.current_reservation:
    case XENMEM.maximum_reservation: {
      const arg = struct(x.xen, x.vcpu, at, 2);
      if (arg === undefined) return -EFAULT;
      const d = self(x, arg.getUint16(0, true));
      if (typeof d === 'number') return d;
      return cmd === XENMEM.current_reservation ? d.totPages : d.maxPages;
    }
    default:
      x.xen.errors.report('unmodelled-hypercall', `d${x.vcpu.domain.id}`, `memory_op ${cmd}`);
      return -ENOSYS;
  }
}

function self(x: HypercallContext, domid: number): Domain | number {
  const d = domid === DOMID_SELF ? x.vcpu.domain : x.xen.domain(domid);
  if (d === undefined) return -ESRCH;
  return d === x.vcpu.domain || x.vcpu.domain.isControl ? d : -EPERM;
}

function addToPhysmap(x: HypercallContext, at: bigint): number {
  const arg = struct(x.xen, x.vcpu, at, ADD_TO_PHYSMAP.bytes);
  if (arg === undefined) return -EFAULT;
  const space = arg.getUint32(ADD_TO_PHYSMAP.space, true);
  // A foreign domain cannot be named here (xen: xatp_permission_check and the batch op).
  if (space === XENMAPSPACE.gmfn_foreign) return -ENOSYS;
  const d = self(x, arg.getUint16(ADD_TO_PHYSMAP.domid, true));
  if (typeof d === 'number') return d;
  const gfn = gfnOf(arg.getBigUint64(ADD_TO_PHYSMAP.gpfn, true));
  if (gfn === undefined) return -EINVAL;
  return addOne(x.xen, d, space, arg.getBigUint64(ADD_TO_PHYSMAP.idx, true), gfn);
}

/** (xen: xenmem_add_to_physmap_one) for the spaces a domain may place itself. */
function addOne(xen: Xen, d: Domain, space: number, idx: bigint, gfn: number): number {
  switch (space) {
    case XENMAPSPACE.shared_info:
      return idx === 0n ? place(d, gfn, d.sharedInfoPa) : -EINVAL;
    case XENMAPSPACE.grant_table: {
      if (idx > 0x7fff_ffffn) return -EINVAL; // version 2's status frames
      const pa = xen.gnttab.frame(d, Number(idx));
      return pa < 0 ? pa : place(d, gfn, pa);
    }
    case XENMAPSPACE.dev_mmio:
      return -EOPNOTSUPP;
    default:
      return -ENOSYS;
  }
}

/** Replaces what is at gfn; replacing RAM of one's own is what makes Xen send INVALIDATE (p2m). */
function place(d: Domain, gfn: number, pa: number): number {
  return d.p2m.map(gfn, pa, 1, P2M_RAM_RW);
}

function addToPhysmapBatch(x: HypercallContext, at: bigint, start: bigint): number | Blocked {
  const { xen, vcpu } = x;
  const B = ADD_TO_PHYSMAP_BATCH;
  if (start > 0xffffn) return -EDOM;
  const arg = struct(xen, vcpu, at, B.bytes);
  if (arg === undefined) return -EFAULT;
  const space = arg.getUint16(B.space, true);
  if (space === XENMAPSPACE.gmfn_range) return -EOPNOTSUPP;
  const d = self(x, arg.getUint16(B.domid, true));
  if (typeof d === 'number') return d;
  const size = arg.getUint16(B.size, true);
  const idxs = arg.getBigUint64(B.idxs, true);
  const gpfns = arg.getBigUint64(B.gpfns, true);
  const errs = arg.getBigUint64(B.errs, true);
  const foreign = arg.getUint16(B.foreign, true);
  if (start > BigInt(size)) return -EILSEQ;
  for (let i = Number(start); i < size; i++) {
    if (BigInt(i) > start && preemptCheck(x)) return goOn(x, BigInt(i));
    const idx = struct(xen, vcpu, idxs + BigInt(8 * i), 8)?.getBigUint64(0, true);
    const gpfn = struct(xen, vcpu, gpfns + BigInt(8 * i), 8)?.getBigUint64(0, true);
    if (idx === undefined || gpfn === undefined) return -EFAULT;
    const gfn = gfnOf(gpfn);
    xen.charge(x.pcpu, 'xen.mapPage');
    let rc = -EINVAL;
    if (gfn !== undefined) {
      rc =
        space === XENMAPSPACE.gmfn_foreign
          ? mapForeign(xen, vcpu.domain, d, foreign, idx, gfn)
          : addOne(xen, d, space, idx, gfn);
    }
    const out = new Uint8Array(4);
    new DataView(out.buffer).setInt32(0, rc, true);
    if (!copyToGuest(xen, vcpu, errs + BigInt(4 * i), out)) return -EFAULT;
  }
  return 0;
}

/** gmfn_foreign (xen: xen/arch/arm/mm.c): takes a reference to the frame, dropped when the entry goes. */
function mapForeign(xen: Xen, caller: Domain, mapper: Domain, foreignDomid: number, idx: bigint, gfn: number): number {
  const fd = xen.domain(foreignDomid);
  if (fd === undefined) return -ESRCH;
  if (fd === caller) return -EPERM;
  if (fd === mapper) return -EINVAL;
  if (!mayModelDevices(caller, fd)) return -EPERM;
  const source = gfnOf(idx);
  const entry = source === undefined ? undefined : fd.p2m.lookup(source);
  if (entry === undefined || !isRam(entry.type)) return -EINVAL;
  if (!fd.alive || !xen.heap.getPage(entry.pa)) return -EINVAL;
  if (!mapper.alive) {
    xen.putPage(entry.pa);
    return -ENOMEM;
  }
  const type = entry.type === P2M_RAM_RO ? P2M_MAP_FOREIGN_RO : P2M_MAP_FOREIGN_RW;
  const rc = mapper.p2m.map(gfn, entry.pa, 1, type);
  if (rc < 0) xen.putPage(entry.pa);
  return rc;
}

function removeFromPhysmap(x: HypercallContext, at: bigint): number {
  const arg = struct(x.xen, x.vcpu, at, REMOVE_FROM_PHYSMAP.bytes);
  if (arg === undefined) return -EFAULT;
  const d = self(x, arg.getUint16(REMOVE_FROM_PHYSMAP.domid, true));
  if (typeof d === 'number') return d;
  const gfn = gfnOf(arg.getBigUint64(REMOVE_FROM_PHYSMAP.gpfn, true));
  const entry = gfn === undefined ? undefined : d.p2m.lookup(gfn);
  // Only frames of RAM in the wide sense: what Xen itself has mapped (GICC) stays.
  if (gfn === undefined || entry === undefined || !isAnyRam(entry.type)) return -ENOENT;
  x.xen.charge(x.pcpu, 'xen.unmapPage');
  return d.p2m.unmap(gfn, 1);
}

/** xen-ioreq.md 3.1, checks in upstream's order. Frames appear at the caller's own gfns. */
function acquireResource(x: HypercallContext, at: bigint): number {
  const { xen, vcpu } = x;
  const R = ACQUIRE_RESOURCE;
  const arg = struct(xen, vcpu, at, R.bytes);
  if (arg === undefined) return -EFAULT;
  if (arg.getUint32(R.pad, true) !== 0) return -EINVAL;
  const frame = arg.getBigUint64(R.frame, true);
  const count = arg.getUint32(R.nr_frames, true);
  const list = arg.getBigUint64(R.frame_list, true);
  const tellSize = (size: number): number => {
    arg.setUint32(R.nr_frames, size, true);
    return copyToGuest(xen, vcpu, at, new Uint8Array(arg.buffer, arg.byteOffset, R.bytes)) ? 0 : -EFAULT;
  };
  const { trueResourceSize } = baselineOf(xen);
  if (!trueResourceSize) {
    // A fixed array of 32 was all that the caller learned, before anything else was looked at.
    if (list === 0n) return count === 0 ? tellSize(RESOURCE_BATCH) : -EINVAL;
    if (count > RESOURCE_BATCH) return -E2BIG;
  } else if (frame + BigInt(count) > 0xffff_ffffn) return -EINVAL;
  const domid = arg.getUint16(R.domid, true);
  const d = domid === DOMID_SELF ? vcpu.domain : xen.domain(domid);
  if (d === undefined) return -ESRCH;
  if (d === vcpu.domain) return -EPERM;
  if (!mayModelDevices(vcpu.domain, d)) return -EPERM;
  const type = arg.getUint16(R.type, true);
  const isIoreq = type === RESOURCE_TYPE.ioreq_server;
  const size = isIoreq ? xen.ioreq.resourceFrames(d) : type === RESOURCE_TYPE.grant_table ? d.grants.maxFrames : 0;
  if (size === 0) return trueResourceSize ? -EINVAL : -EOPNOTSUPP;
  if (list === 0n) return count === 0 ? tellSize(size) : -EINVAL;
  if (trueResourceSize && (count === 0 || Number(frame) + count > size)) return -EINVAL;
  const id = arg.getUint32(R.id, true);
  if (id > 0xffff) return -EINVAL;
  if (frame > 0xffff_ffffn) return -EINVAL;
  for (let done = 0; done < count; done += RESOURCE_BATCH) {
    const rc = mapResourceBatch(x, {
      count: Math.min(RESOURCE_BATCH, count - done),
      list: list + BigInt(8 * done),
      frameAt: (i) => {
        const index = Number(frame) + done + i;
        return isIoreq ? xen.ioreq.getFrame(vcpu.domain, d, id, index) : xen.gnttab.frame(d, index);
      },
    });
    if (rc < 0) return done === 0 ? rc : -EIO;
  }
  return 0;
}

/** Frames of a resource that are acquired, and then mapped, in one go. */
interface ResourceBatch {
  readonly count: number;
  readonly list: bigint;
  /** SoC address of the batch's frame `i`, or -errno. */
  frameAt(i: number): number;
}

/** All frames are acquired and all gfns read before the first is mapped; only a failure of the first keeps its errno. */
function mapResourceBatch(x: HypercallContext, batch: ResourceBatch): number {
  const { xen, vcpu } = x;
  const frames: number[] = [];
  for (let i = 0; i < batch.count; i++) {
    const pa = batch.frameAt(i);
    if (pa < 0) return pa;
    frames.push(pa);
  }
  const gfns = struct(xen, vcpu, batch.list, 8 * batch.count);
  if (gfns === undefined) return -EFAULT;
  for (const [i, pa] of frames.entries()) {
    const gfn = gfnOf(gfns.getBigUint64(8 * i, true));
    xen.charge(x.pcpu, 'xen.mapPage');
    // set_foreign_p2m_entry: the caller's mapping pins the frame, and with it the domain.
    let rc = -EINVAL;
    if (gfn !== undefined && xen.heap.getPage(pa)) {
      rc = vcpu.domain.p2m.map(gfn, pa, 1, P2M_MAP_FOREIGN_RW);
      if (rc < 0) xen.putPage(pa);
    }
    if (rc < 0 && baselineOf(xen).mapResourceError) return i === 0 ? rc : -EIO;
  }
  return 0;
}

/** increase/decrease_reservation and populate_physmap of a domain on itself; returns extents done. */
function reservation(x: HypercallContext, at: bigint, cmd: number, start: bigint): number | Blocked {
  const { xen, vcpu } = x;
  const M = MEMORY_RESERVATION;
  const arg = struct(xen, vcpu, at, M.bytes);
  if (arg === undefined) return -EFAULT;
  const d = self(x, arg.getUint16(M.domid, true));
  if (typeof d === 'number') return 0;
  const order = arg.getUint32(M.extent_order, true);
  const count = arg.getBigUint64(M.nr_extents, true);
  // xen: a domain may ask for blocks up to 2 MiB (CONFIG_DOMU_MAX_ORDER 9).
  if (order > 9 || cmd === XENMEM.increase_reservation) return 0;
  if (start >= count || count > MAX_EXTENTS) return Number(start);
  const list = arg.getBigUint64(M.extent_start, true);
  const pages = 1 << order;
  let doneExtents = Number(start);
  for (; BigInt(doneExtents) < count; doneExtents++) {
    if (BigInt(doneExtents) > start && preemptCheck(x)) return goOn(x, BigInt(doneExtents));
    const gpfn = struct(xen, vcpu, list + BigInt(8 * doneExtents), 8)?.getBigUint64(0, true);
    const gfn = gpfn === undefined ? undefined : gfnOf(gpfn);
    if (gfn === undefined) break;
    xen.charge(x.pcpu, cmd === XENMEM.decrease_reservation ? 'xen.unmapPage' : 'xen.mapPage');
    if (cmd === XENMEM.decrease_reservation) {
      if (!releasePages(xen, d, gfn, pages)) break;
    } else {
      if (d.totPages + pages > d.maxPages) break;
      const pa = xen.heap.allocPages(order, d.id);
      if (pa === undefined) break;
      xen.memory.zero(pa, pages * PAGE_SIZE);
      if (d.p2m.map(gfn, pa, pages, P2M_RAM_RW) < 0) {
        // Part of it may be mapped: nothing of it may stay.
        d.p2m.unmap(gfn, pages);
        xen.heap.freePagesAt(pa, order);
        break;
      }
      d.totPages += pages;
    }
  }
  return doneExtents;
}

/** guest_remove_page for each frame: unmapped, and freed unless somebody else holds it. False if one is not the domain's RAM. */
function releasePages(xen: Xen, d: Domain, gfn: number, pages: number): boolean {
  for (let i = 0; i < pages; i++) {
    const entry = d.p2m.lookup(gfn + i);
    if (entry === undefined || !isRam(entry.type)) return false;
    if (d.p2m.unmap(gfn + i, 1) < 0) return false;
    // Frames that Xen shares with the domain (shared_info, grant table) are not the domain's to free.
    if (xen.heap.owner(entry.pa) === d.id && xen.heap.testAndClearAllocated(entry.pa)) xen.putPage(entry.pa);
  }
  return true;
}
