/** libxengnttab over the kernel's gntdev: one page of another domain by grant reference, at an unpopulated gfn of the caller. */
import { HYPERVISOR } from '../../public/xen.js';
import { PAGE_SIZE } from '../../public/arch-arm.js';
import { GNTTABOP } from '../../common/grant_table.js';
import type { Caller } from './caller.js';
import type { UnpopulatedSpace } from './foreignmemory.js';

/** struct gnttab_map_grant_ref: host_addr u64 @0, flags u32 @8, ref u32 @12, dom u16 @16, status s16 @18, handle u32 @20, dev_bus_addr u64 @24. */
const MAP_BYTES = 32;
/** struct gnttab_unmap_grant_ref: host_addr u64 @0, dev_bus_addr u64 @8, handle u32 @16, status s16 @20. */
const UNMAP_BYTES = 24;
const GNTMAP_HOST_MAP = 1 << 1;
const GNTMAP_READONLY = 1 << 2;
const ENOMEM = -12;

export interface GrantMapping {
  /** The own gfn. */
  readonly own: number;
  readonly handle: number;
}

/** grant_table_op with one structure behind the pointer. */
function grantOp(c: Caller, cmd: number, struct: Uint8Array): { rc: number; out: DataView } {
  c.write(c.scratch, struct);
  const rc = Number(c.hypercall(HYPERVISOR.grant_table_op, BigInt(cmd), BigInt(c.scratch), 1n));
  const raw = c.read(c.scratch, struct.length)!;
  return { rc, out: new DataView(raw.buffer, raw.byteOffset, raw.byteLength) };
}

/** Maps grant `ref` of `domid`; a negative GNTST or errno when it fails. */
export function mapGrant(
  c: Caller,
  space: UnpopulatedSpace,
  domid: number,
  ref: number,
  readOnly: boolean,
): GrantMapping | number {
  const own = space.take();
  if (own === undefined) return ENOMEM;
  const bytes = new Uint8Array(MAP_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(own) * BigInt(PAGE_SIZE), true);
  view.setUint32(8, GNTMAP_HOST_MAP | (readOnly ? GNTMAP_READONLY : 0), true);
  view.setUint32(12, ref, true);
  view.setUint16(16, domid, true);
  c.charge('domd.mapPage');
  const { rc, out } = grantOp(c, GNTTABOP.map_grant_ref, bytes);
  const status = rc < 0 ? rc : out.getInt16(18, true);
  if (status === 0) return { own, handle: out.getUint32(20, true) };
  space.give(own);
  return status < 0 ? status : -status;
}

/** Undoes a mapping. @returns 0 or a negative GNTST or errno. */
export function unmapGrant(c: Caller, space: UnpopulatedSpace, { own, handle }: GrantMapping): number {
  const bytes = new Uint8Array(UNMAP_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(own) * BigInt(PAGE_SIZE), true);
  view.setUint32(16, handle, true);
  c.charge('domd.unmapPage');
  const { rc, out } = grantOp(c, GNTTABOP.unmap_grant_ref, bytes);
  space.give(own);
  return rc < 0 ? rc : out.getInt16(20, true);
}
