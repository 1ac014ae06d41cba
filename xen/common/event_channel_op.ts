/** event_channel_op as a guest-memory ABI (xen: do_event_channel_op, xen/include/public/event_channel.h). Offsets in comments are of each op's struct. */
import { EVTCHNOP } from '../public/xen.js';
import { EFAULT, EINVAL, ENOSYS } from '../public/errno.js';
import { copyFromGuest, copyToGuest } from '../arch/arm/guestcopy.js';
import type { Channel } from './event_channel.js';
import type { HypercallContext } from './xen.js';

/** Argument bytes of each op; ops that are not here are refused. */
const BYTES: Readonly<Record<number, number>> = {
  [EVTCHNOP.bind_interdomain]: 12,
  [EVTCHNOP.bind_virq]: 12,
  [EVTCHNOP.close]: 4,
  [EVTCHNOP.send]: 4,
  [EVTCHNOP.status]: 24,
  [EVTCHNOP.alloc_unbound]: 8,
  [EVTCHNOP.bind_ipi]: 8,
  [EVTCHNOP.bind_vcpu]: 8,
  [EVTCHNOP.unmask]: 4,
  [EVTCHNOP.reset]: 2,
  [EVTCHNOP.init_control]: 24,
  [EVTCHNOP.expand_array]: 8,
  [EVTCHNOP.set_priority]: 8,
};
const STATUS: Readonly<Record<Channel['state'], number>> = {
  free: 0,
  reserved: 0,
  unbound: 1,
  interdomain: 2,
  virq: 4,
  ipi: 5,
};

/** event_channel_op(cmd, arg). */
export function doEventChannelOp(x: HypercallContext): bigint {
  return BigInt(run(x));
}

function run(x: HypercallContext): number {
  const { xen, vcpu } = x;
  const cmd = Number(x.arg(0) & 0xffff_ffffn);
  const bytes = BYTES[cmd];
  if (bytes === undefined) return -ENOSYS;
  const raw = copyFromGuest(xen, vcpu, x.arg(1), bytes);
  if (raw === undefined) return -EFAULT;
  const arg = new DataView(raw.buffer, raw.byteOffset, bytes);
  const u32 = (at: number): number => arg.getUint32(at, true);
  const back = (): boolean => copyToGuest(xen, vcpu, x.arg(1), raw);
  /** Puts the new port into the struct; a port that the caller cannot be told of is closed again. */
  const port = (value: number, at: number): number => {
    if (value < 0) return value;
    arg.setUint32(at, value, true);
    if (back()) return 0;
    xen.evtchn.close(vcpu.domain, value);
    return -EFAULT;
  };
  const d = vcpu.domain;
  switch (cmd) {
    case EVTCHNOP.send: // port @0
      xen.charge(x.pcpu, 'xen.evtchnSend');
      return xen.evtchn.send(d, u32(0));
    case EVTCHNOP.unmask: // port @0
      return xen.evtchn.unmask(d, u32(0));
    case EVTCHNOP.close: // port @0
      return xen.evtchn.close(d, u32(0));
    case EVTCHNOP.bind_vcpu: // port @0, vcpu @4
      return xen.evtchn.bindVcpu(d, u32(0), u32(4));
    case EVTCHNOP.alloc_unbound: {
      // dom u16 @0, remote_dom u16 @2, port @4
      const target = xen.evtchn.target(d, arg.getUint16(0, true));
      return typeof target === 'number'
        ? target
        : port(xen.evtchn.allocUnbound(target, arg.getUint16(2, true), d.id), 4);
    }
    case EVTCHNOP.bind_interdomain: // remote_dom u16 @0, remote_port @4, local_port @8
      return port(xen.evtchn.bindInterdomain(d, arg.getUint16(0, true), u32(4)), 8);
    case EVTCHNOP.bind_virq: // virq @0, vcpu @4, port @8
      return port(xen.evtchn.bindVirq(d, u32(0), u32(4)), 8);
    case EVTCHNOP.bind_ipi: // vcpu @0, port @4
      return port(xen.evtchn.bindIpi(d, u32(0)), 4);
    case EVTCHNOP.init_control: {
      // control_gfn u64 @0, offset @8, vcpu @12, link_bits u8 @16
      const gfn = arg.getBigUint64(0, true);
      if (gfn >= 1n << 28n) return -EINVAL;
      const rc = xen.evtchn.initControl(d, Number(gfn), u32(8), u32(12));
      if (rc < 0) return rc;
      arg.setUint8(16, 17);
      return back() ? 0 : -EFAULT;
    }
    case EVTCHNOP.expand_array: {
      // array_gfn u64 @0
      const gfn = arg.getBigUint64(0, true);
      return gfn >= 1n << 28n ? -EINVAL : xen.evtchn.expandArray(d, Number(gfn));
    }
    case EVTCHNOP.set_priority: // port @0, priority @4
      return xen.evtchn.setPriority(d, u32(0), u32(4));
    case EVTCHNOP.reset: {
      // dom u16 @0
      const target = xen.evtchn.target(d, arg.getUint16(0, true));
      return typeof target === 'number' ? target : xen.evtchn.reset(target);
    }
    case EVTCHNOP.status: {
      // dom u16 @0, port @4, status @8, vcpu @12, union @16
      const target = xen.evtchn.target(d, arg.getUint16(0, true));
      if (typeof target === 'number') return target;
      const ch = target.evtchn.channels[u32(4)];
      if (ch === undefined) return -EINVAL;
      // Xen-consumed ports are shown as they are: who may ask is a matter of policy alone (xen: evtchn_status).
      arg.setUint32(8, STATUS[ch.state], true);
      arg.setUint32(12, ch.notifyVcpu, true);
      if (ch.state === 'unbound' || ch.state === 'interdomain') arg.setUint16(16, ch.remoteDomid, true);
      if (ch.state === 'interdomain') arg.setUint32(20, ch.remotePort, true);
      if (ch.state === 'virq') arg.setUint32(16, ch.virq, true);
      return back() ? 0 : -EFAULT;
    }
    default:
      return -ENOSYS;
  }
}
