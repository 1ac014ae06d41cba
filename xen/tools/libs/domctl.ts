/** libxenctrl, as far as backends of the time before XEN_DMOP_nr_vcpus used it. */
import { DOMCTL, HYPERVISOR } from '../../public/xen.js';
import type { Caller } from './caller.js';

/** vCPUs of a domain by XEN_DOMCTL_getdomaininfo: the highest id plus one, or -errno. */
export function domainVcpus(c: Caller, domid: number): number {
  const bytes = new Uint8Array(DOMCTL.bytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(DOMCTL.cmd, DOMCTL.getdomaininfo, true);
  view.setUint32(DOMCTL.interface_version, DOMCTL.version, true);
  view.setUint16(DOMCTL.domain, domid, true);
  c.charge('domd.syscall');
  c.write(c.scratch, bytes);
  const rc = Number(c.hypercall(HYPERVISOR.domctl, BigInt(c.scratch)));
  const out = c.read(c.scratch, DOMCTL.bytes)!;
  return rc < 0 ? rc : new DataView(out.buffer, out.byteOffset).getUint32(DOMCTL.max_vcpu_id, true) + 1;
}
