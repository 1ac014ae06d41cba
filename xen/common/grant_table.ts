/**
 * Grant tables (xen: xen/common/grant_table.c), version 1: frames shared with the guest, and mapping of a
 * granted frame into another domain.
 */
import { EFAULT, EINVAL, ENOMEM, ENOSYS, EPERM, ESRCH } from '../public/errno.js';
import { PAGE_SIZE } from '../public/arch-arm.js';
import { DOMID_SELF, type Blocked, type Domain, type Vcpu } from './domain.js';
import type { HypercallContext, Xen } from './xen.js';
import { P2M_GRANT_MAP_RO, P2M_GRANT_MAP_RW, isGrant } from '../arch/arm/p2m.js';
import { copyFromGuest, copyToGuest } from '../arch/arm/guestcopy.js';
import { preemptCheck } from '../arch/arm/hypercall.js';

export const GNTTABOP = {
  map_grant_ref: 0,
  unmap_grant_ref: 1,
  setup_table: 2,
  transfer: 4,
  copy: 5,
  query_size: 6,
  unmap_and_replace: 7,
  set_version: 8,
  get_status_frames: 9,
  get_version: 10,
  swap_grant_ref: 11,
  cache_flush: 12,
} as const;

export const GNTST = {
  okay: 0,
  general_error: -1,
  bad_domain: -2,
  bad_gntref: -3,
  bad_handle: -4,
  permission_denied: -8,
  no_device_space: -7,
} as const;

/** struct grant_entry_v1: flags u16 @0, domid u16 @2, frame u32 @4. */
export const GRANT_ENTRY_BYTES = 8;
export const GTF_PERMIT_ACCESS = 1;
export const GTF_READONLY = 4;
export const GTF_READING = 8;
export const GTF_WRITING = 16;
const ENTRIES_PER_FRAME = PAGE_SIZE / GRANT_ENTRY_BYTES;
const GNTMAP_DEVICE_MAP = 1;
const GNTMAP_HOST_MAP = 2;
const GNTMAP_READONLY = 4;
/** 4096 / sizeof(struct grant_mapping) (xen: MAPTRACK_PER_PAGE). */
const MAPTRACK_PER_PAGE = 256;

/** A mapping handle of the mapping domain (maptrack entry). */
export interface Maptrack {
  domid: number;
  ref: number;
  gfn: number;
  readOnly: boolean;
  /** SoC address of the frame, to which the mapping holds a reference. */
  pa: number;
}

/** A domain's grant table: its frames (SoC physical) and what it has mapped of others'. */
export class GrantState {
  version = 1;
  readonly frames: number[] = [];
  readonly maptrack = new Map<number, Maptrack>();
  nextHandle = 0;

  constructor(
    readonly maxFrames: number,
    readonly maxMaptrack: number,
  ) {}

  save(): unknown {
    return {
      version: this.version,
      frames: [...this.frames],
      maptrack: [...this.maptrack],
      nextHandle: this.nextHandle,
    };
  }

  load(state: unknown): void {
    const s = state as { version: number; frames: number[]; maptrack: [number, Maptrack][]; nextHandle: number };
    this.version = s.version;
    this.frames.splice(0, this.frames.length, ...s.frames);
    this.maptrack.clear();
    for (const [handle, entry] of s.maptrack) this.maptrack.set(handle, { ...entry });
    this.nextHandle = s.nextHandle;
  }
}

/** The operations of grant_table_op and of the memory ops that place grant frames. */
export class GrantTables {
  constructor(private readonly xen: Xen) {}

  /** Grows the table to hold frame `index`; returns its SoC address, or -errno. */
  frame(d: Domain, index: number): number {
    if (index >= d.grants.maxFrames) return -EINVAL;
    while (d.grants.frames.length <= index) {
      const pa = this.xen.heap.allocPages(0);
      if (pa === undefined) return -ENOMEM;
      this.xen.memory.zero(pa, PAGE_SIZE);
      d.grants.frames.push(pa);
    }
    return d.grants.frames[index]!;
  }

  /** Address of a grant entry, undefined beyond the table. */
  entryPa(d: Domain, ref: number): number | undefined {
    const frame = d.grants.frames[Math.floor(ref / ENTRIES_PER_FRAME)];
    return frame === undefined ? undefined : frame + (ref % ENTRIES_PER_FRAME) * GRANT_ENTRY_BYTES;
  }

  /** Entries of `d` that permit `domid` to map a frame now. */
  grantedTo(d: Domain, domid: number): number {
    const { memory } = this.xen;
    let count = 0;
    for (const frame of d.grants.frames) {
      for (let at = frame; at < frame + PAGE_SIZE; at += GRANT_ENTRY_BYTES)
        if (memory.read16(at) & GTF_PERMIT_ACCESS && memory.read16(at + 2) === domid) count++;
    }
    return count;
  }

  /** At domain destruction: its mappings of others' frames go, and its table, unless somebody holds that. */
  release(d: Domain): void {
    for (const handle of [...d.grants.maptrack.keys()]) this.#drop(d, handle);
    for (const pa of d.grants.frames) this.xen.putPage(pa);
    d.grants.frames.length = 0;
  }

  /** grant_table_op(cmd, uop, count) (xen: do_grant_table_op). */
  op(x: HypercallContext): bigint | Blocked {
    const cmd = Number(x.arg(0));
    const at = x.arg(1);
    const count = Number(x.arg(2) & 0xffff_ffffn);
    if (count > 0x7fff_ffff) return BigInt(-EINVAL);
    switch (cmd) {
      case GNTTABOP.query_size:
        return count === 1 ? this.#querySize(x.vcpu, at) : BigInt(-EINVAL);
      case GNTTABOP.set_version:
        return count === 1 ? this.#setVersion(x.vcpu, at) : BigInt(-EINVAL);
      case GNTTABOP.get_version:
        return count === 1 ? this.#getVersion(x.vcpu, at) : BigInt(-EINVAL);
      case GNTTABOP.setup_table:
        return count === 1 ? this.#setupTable(x.vcpu, at) : BigInt(-EINVAL);
      case GNTTABOP.map_grant_ref:
      case GNTTABOP.unmap_grant_ref:
        return this.#each(x, at, count, cmd === GNTTABOP.map_grant_ref);
      case GNTTABOP.cache_flush:
        return 0n; // caches are coherent in this model: nothing to clean
      default:
        this.xen.errors.report('unmodelled-hypercall', `d${x.vcpu.domain.id}`, `grant_table_op ${cmd}`);
        return BigInt(-ENOSYS);
    }
  }

  #target(v: Vcpu, domid: number): Domain | number {
    const d = domid === DOMID_SELF ? v.domain : this.xen.domain(domid);
    if (d === undefined) return -ESRCH;
    return d === v.domain || v.domain.isControl ? d : -EPERM;
  }

  #querySize(v: Vcpu, at: bigint): bigint {
    const raw = copyFromGuest(this.xen, v, at, 16);
    if (raw === undefined) return BigInt(-EFAULT);
    const op = new DataView(raw.buffer, raw.byteOffset, 16);
    const d = this.#target(v, op.getUint16(0, true));
    if (typeof d === 'number') op.setInt16(12, d === -ESRCH ? GNTST.bad_domain : GNTST.permission_denied, true);
    else {
      op.setUint32(4, d.grants.frames.length, true);
      op.setUint32(8, d.grants.maxFrames, true);
      op.setInt16(12, GNTST.okay, true);
    }
    return copyToGuest(this.xen, v, at, raw) ? 0n : BigInt(-EFAULT);
  }

  #setVersion(v: Vcpu, at: bigint): bigint {
    const raw = copyFromGuest(this.xen, v, at, 4);
    if (raw === undefined) return BigInt(-EFAULT);
    const op = new DataView(raw.buffer, raw.byteOffset, 4);
    const wanted = op.getUint32(0, true);
    // On Arm the maximum version is 1 (xen: opt_gnttab_max_version).
    const result = wanted === 1 ? 0 : wanted === 2 ? -ENOSYS : -EINVAL;
    op.setUint32(0, v.domain.grants.version, true);
    return copyToGuest(this.xen, v, at, raw) ? BigInt(result) : BigInt(-EFAULT);
  }

  #getVersion(v: Vcpu, at: bigint): bigint {
    const raw = copyFromGuest(this.xen, v, at, 8);
    if (raw === undefined) return BigInt(-EFAULT);
    const op = new DataView(raw.buffer, raw.byteOffset, 8);
    const d = this.#target(v, op.getUint16(0, true));
    if (typeof d === 'number') return BigInt(d);
    op.setUint32(4, d.grants.version, true);
    return copyToGuest(this.xen, v, at, raw) ? 0n : BigInt(-EFAULT);
  }

  #setupTable(v: Vcpu, at: bigint): bigint {
    const raw = copyFromGuest(this.xen, v, at, 24);
    if (raw === undefined) return BigInt(-EFAULT);
    const op = new DataView(raw.buffer, raw.byteOffset, 24);
    const d = this.#target(v, op.getUint16(0, true));
    const frames = op.getUint32(4, true);
    let status: number = GNTST.okay;
    if (typeof d === 'number') status = d === -ESRCH ? GNTST.bad_domain : GNTST.permission_denied;
    else if (frames > d.grants.maxFrames || (frames > 0 && this.frame(d, frames - 1) < 0)) status = GNTST.general_error;
    op.setInt16(8, status, true);
    return copyToGuest(this.xen, v, at, raw) ? 0n : BigInt(-EFAULT);
  }

  #each(x: HypercallContext, at: bigint, count: number, map: boolean): bigint | Blocked {
    const bytes = map ? 32 : 24;
    for (let i = 0; i < count; i++) {
      if (i > 0 && preemptCheck(x)) return x.continueWith!([x.arg(0), at + BigInt(i * bytes), BigInt(count - i)]);
      const where = at + BigInt(i * bytes);
      const raw = copyFromGuest(this.xen, x.vcpu, where, bytes);
      if (raw === undefined) return BigInt(-EFAULT);
      const op = new DataView(raw.buffer, raw.byteOffset, bytes);
      this.xen.charge(x.pcpu, 'xen.grantMap');
      if (map) this.#map(x.vcpu, op);
      else this.#unmap(x.vcpu, op);
      if (!copyToGuest(this.xen, x.vcpu, where, raw)) return BigInt(-EFAULT);
    }
    return 0n;
  }

  /** struct gnttab_map_grant_ref: host_addr u64 @0, flags u32 @8, ref u32 @12, dom u16 @16, status s16 @18, handle u32 @20, dev_bus_addr u64 @24. */
  #map(v: Vcpu, op: DataView): void {
    const fail = (status: number): void => op.setInt16(18, status, true);
    const rd = this.xen.domain(op.getUint16(16, true));
    const ref = op.getUint32(12, true);
    const wanted = op.getUint32(8, true);
    const readOnly = (wanted & GNTMAP_READONLY) !== 0;
    const host = op.getBigUint64(0, true);
    const gfn = Number(host >> 12n);
    if ((wanted & (GNTMAP_DEVICE_MAP | GNTMAP_HOST_MAP)) === 0) return fail(GNTST.bad_gntref);
    if (rd === undefined || !rd.alive) return fail(GNTST.bad_domain);
    const entry = this.entryPa(rd, ref);
    if (entry === undefined) return fail(GNTST.bad_gntref);
    const flags = this.xen.memory.read16(entry);
    const granted = this.xen.memory.read16(entry + 2);
    if ((flags & 3) !== GTF_PERMIT_ACCESS || granted !== v.domain.id) return fail(GNTST.general_error);
    if (!readOnly && (flags & GTF_READONLY) !== 0) return fail(GNTST.general_error);
    const frame = this.xen.memory.read32(entry + 4);
    if (v.domain.grants.maptrack.size >= v.domain.grants.maxMaptrack * MAPTRACK_PER_PAGE)
      return fail(GNTST.no_device_space);
    const pa = this.xen.gfnToPa(rd, frame);
    // The mapping pins the frame, which must be the granter's own.
    if (pa === undefined || host % BigInt(PAGE_SIZE) !== 0n || !this.xen.heap.getPage(pa, rd.id))
      return fail(GNTST.general_error);
    if (v.domain.p2m.map(gfn, pa, 1, readOnly ? P2M_GRANT_MAP_RO : P2M_GRANT_MAP_RW) < 0) {
      this.xen.putPage(pa);
      return fail(GNTST.general_error);
    }
    this.xen.memory.write16(entry, flags | GTF_READING | (readOnly ? 0 : GTF_WRITING));
    const handle = v.domain.grants.nextHandle++;
    v.domain.grants.maptrack.set(handle, { domid: rd.id, ref, gfn, readOnly, pa });
    op.setUint32(20, handle, true);
    op.setBigUint64(24, BigInt(pa), true);
    fail(GNTST.okay);
  }

  /** struct gnttab_unmap_grant_ref: host_addr u64 @0, dev_bus_addr u64 @8, handle u32 @16, status s16 @20. */
  #unmap(v: Vcpu, op: DataView): void {
    const handle = op.getUint32(16, true);
    op.setInt16(20, this.#drop(v.domain, handle) ? GNTST.okay : GNTST.bad_handle, true);
  }

  /** Ends a mapping; the entry's in-use flags say what other mappings there are. */
  #drop(d: Domain, handle: number): boolean {
    const entry = d.grants.maptrack.get(handle);
    if (entry === undefined) return false;
    d.grants.maptrack.delete(handle);
    // Its own gfn may hold something else by now.
    const there = d.p2m.lookup(entry.gfn);
    if (there !== undefined && there.pa === entry.pa && isGrant(there.type)) d.p2m.unmap(entry.gfn, 1);
    const rd = this.xen.domain(entry.domid);
    const pa = rd === undefined ? undefined : this.entryPa(rd, entry.ref);
    if (pa !== undefined) {
      const others = [...this.xen.domains.values()]
        .flatMap((each) => [...each.grants.maptrack.values()])
        .filter((m) => m.domid === entry.domid && m.ref === entry.ref);
      const used = (others.length > 0 ? GTF_READING : 0) | (others.some((m) => !m.readOnly) ? GTF_WRITING : 0);
      this.xen.memory.write16(pa, (this.xen.memory.read16(pa) & ~(GTF_READING | GTF_WRITING)) | used);
    }
    this.xen.putPage(entry.pa);
    return true;
  }
}
