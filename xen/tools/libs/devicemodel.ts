/** libxendevicemodel (xen: tools/include/xendevicemodel.h): DM ops through privcmd. Each returns 0 or a value, or -errno. */
import { DMOP, DMOP_RANGE, DM_OP, DM_OP_BUF, IOREQSRV_FLAG_NO_GFNS } from '../../public/ioreq.js';
import { HYPERVISOR } from '../../public/xen.js';
import type { Caller } from './caller.js';

/** One DM op: ioctl, then the hypercall with one buffer of 32 bytes. */
function dmOp(
  c: Caller,
  domid: number,
  op: number,
  fill: (payload: DataView) => void,
): { rc: number; payload: DataView } {
  const bytes = new Uint8Array(DM_OP.bytes + DM_OP_BUF.bytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(DM_OP.op, op, true);
  fill(new DataView(bytes.buffer, DM_OP.payload, DM_OP.bytes - DM_OP.payload));
  view.setBigUint64(DM_OP.bytes + DM_OP_BUF.handle, BigInt(c.scratch), true);
  view.setBigUint64(DM_OP.bytes + DM_OP_BUF.size, BigInt(DM_OP.bytes), true);
  c.charge('domd.syscall');
  c.write(c.scratch, bytes);
  const rc = Number(c.hypercall(HYPERVISOR.dm_op, BigInt(domid), 1n, BigInt(c.scratch + DM_OP.bytes)));
  const out = c.read(c.scratch, DM_OP.bytes)!;
  return { rc, payload: new DataView(out.buffer, out.byteOffset + DM_OP.payload, DM_OP.bytes - DM_OP.payload) };
}

export function nrVcpus(c: Caller, domid: number): number {
  const { rc, payload } = dmOp(c, domid, DMOP.nr_vcpus, () => {});
  return rc < 0 ? rc : payload.getUint32(0, true);
}

/** The port of the buffered ring, or -errno. */
export function bufferedPort(c: Caller, domid: number, id: number): number {
  const { rc, payload } = dmOp(c, domid, DMOP.get_ioreq_server_info, (p) => {
    p.setUint16(0, id, true);
    p.setUint16(2, IOREQSRV_FLAG_NO_GFNS, true);
  });
  return rc < 0 ? rc : payload.getUint32(4, true);
}

/** The new server's id. */
export function createIoreqServer(c: Caller, domid: number, bufioreq: number): number {
  const { rc, payload } = dmOp(c, domid, DMOP.create_ioreq_server, (p) => p.setUint8(0, bufioreq));
  return rc < 0 ? rc : payload.getUint16(4, true);
}

export function destroyIoreqServer(c: Caller, domid: number, id: number): number {
  return dmOp(c, domid, DMOP.destroy_ioreq_server, (p) => p.setUint16(0, id, true)).rc;
}

export function setIoreqServerState(c: Caller, domid: number, id: number, enabled: boolean): number {
  return dmOp(c, domid, DMOP.set_ioreq_server_state, (p) => {
    p.setUint16(0, id, true);
    p.setUint8(2, enabled ? 1 : 0);
  }).rc;
}

/** Both ends of the range are included. */
export function mapIoRange(c: Caller, domid: number, id: number, start: number, end: number, map = true): number {
  const op = map ? DMOP.map_io_range_to_ioreq_server : DMOP.unmap_io_range_from_ioreq_server;
  return dmOp(c, domid, op, (p) => {
    p.setUint16(0, id, true);
    p.setUint32(4, DMOP_RANGE.memory, true);
    p.setBigUint64(8, BigInt(start), true);
    p.setBigUint64(16, BigInt(end), true);
  }).rc;
}

export function setIrqLevel(c: Caller, domid: number, irq: number, level: number): number {
  return dmOp(c, domid, DMOP.set_irq_level, (p) => {
    p.setUint32(0, irq, true);
    p.setUint8(4, level);
  }).rc;
}
