/** The hypercall table that xen/arch/arm dispatches to (xen: xen/common/{kernel,domain,sched,hvm}.c and the arch files). */
import { DOMCTL, HVMOP, HVM_PARAM, HYPERVISOR, SCHEDOP, VCPUOP, VCPU_INFO } from '../public/xen.js';
import { EFAULT, EINVAL, ENOENT, ENOSYS, EPERM, ESRCH } from '../public/errno.js';
import { copyFromGuest, copyToGuest } from '../arch/arm/guestcopy.js';
import { DOMID_SELF, type Blocked } from './domain.js';
import { doDmOp, mayModelDevices } from './dm.js';
import { doEventChannelOp } from './event_channel_op.js';
import { isDown } from './lifecycle.js';
import { doMemoryOp } from './memory.js';
import type { TimerRef } from './timer.js';
import type { HypercallContext, HypercallHandler, Xen } from './xen.js';

/** XENFEAT_* bits of submap 0 for a domU (traps.md 5; xen: xen/common/kernel.c XENVER_get_features). */
const FEATURES_DOMU =
  (1 << 0) | // writable_page_tables
  (1 << 2) | // auto_translated_physmap
  (1 << 14) | // ARM_SMCCC_supported
  (1 << 16) | // not_direct_mapped
  (1 << 18); // runstate_phys_area
const FEATURE_DOM0 = 1 << 11;
/** memory_op's vnode_supported. */
const FEATURE_VNODE = 1 << 13;

const view = (raw: Uint8Array): DataView => new DataView(raw.buffer, raw.byteOffset, raw.byteLength);

function xenVersion(x: HypercallContext): bigint {
  const { xen, vcpu } = x;
  const { major, minor, extra } = xen.options.version;
  const text = (value: string, bytes: number): bigint => {
    const raw = new Uint8Array(bytes);
    raw.set(new TextEncoder().encode(value).subarray(0, bytes - 1));
    return copyToGuest(xen, vcpu, x.arg(1), raw) ? 0n : BigInt(-EFAULT);
  };
  switch (Number(x.arg(0))) {
    case 0: // version
      return BigInt((major << 16) | minor);
    case 1: // extraversion
      return text(extra, 16);
    case 2: {
      // compile_info: compiler[64], compile_by[16], compile_domain[32], compile_date[32]
      return copyToGuest(xen, vcpu, x.arg(1), new Uint8Array(144)) ? 0n : BigInt(-EFAULT);
    }
    case 3: // capabilities
      return text(`xen-${major}.${minor}-aarch64 `, 1024);
    case 4: // changeset
      return text('', 64);
    case 5: {
      // platform_parameters: virt_start, 0 on Arm
      return copyToGuest(xen, vcpu, x.arg(1), new Uint8Array(8)) ? 0n : BigInt(-EFAULT);
    }
    case 6: {
      const raw = copyFromGuest(xen, vcpu, x.arg(1), 8);
      if (raw === undefined) return BigInt(-EFAULT);
      if (view(raw).getUint32(0, true) !== 0) return BigInt(-EINVAL);
      const bits = FEATURES_DOMU | FEATURE_VNODE | (vcpu.domain.isControl ? FEATURE_DOM0 : 0);
      view(raw).setUint32(4, bits >>> 0, true);
      return copyToGuest(xen, vcpu, x.arg(1), raw) ? 0n : BigInt(-EFAULT);
    }
    case 7: // pagesize
      return x.arg(1) === 0n ? 4096n : BigInt(-EINVAL);
    case 8: {
      const uuid = Uint8Array.from(vcpu.domain.uuid.replaceAll('-', '').match(/../g) ?? [], (h) => parseInt(h, 16));
      return copyToGuest(xen, vcpu, x.arg(1), uuid) ? 0n : BigInt(-EFAULT);
    }
    case 9: // commandline: not shown to unprivileged guests
      return text('<denied>', 1024);
    default:
      return BigInt(-ENOSYS);
  }
}

/** (xen: xen/arch/arm/hvm.c): which parameters a guest may read and that it may set none of them. */
const READABLE: ReadonlySet<number> = new Set([
  HVM_PARAM.CALLBACK_IRQ,
  HVM_PARAM.STORE_PFN,
  HVM_PARAM.STORE_EVTCHN,
  HVM_PARAM.CONSOLE_PFN,
  HVM_PARAM.CONSOLE_EVTCHN,
]);
const SETTABLE: ReadonlySet<number> = new Set([...READABLE, HVM_PARAM.MONITOR_RING_PFN]);

function hvmOp(x: HypercallContext): bigint {
  const { xen, vcpu } = x;
  const op = Number(x.arg(0));
  if (op !== HVMOP.get_param && op !== HVMOP.set_param) return BigInt(-ENOSYS);
  const raw = copyFromGuest(xen, vcpu, x.arg(1), 16);
  if (raw === undefined) return BigInt(-EFAULT);
  const arg = view(raw);
  const index = arg.getUint32(4, true);
  const domid = arg.getUint16(0, true);
  const d = domid === DOMID_SELF ? vcpu.domain : xen.domain(domid);
  if (d === undefined) return BigInt(-ESRCH);
  if (d !== vcpu.domain && !vcpu.domain.isControl) return BigInt(-EPERM);
  const own = d === vcpu.domain;
  if (op === HVMOP.set_param) {
    if (!SETTABLE.has(index)) return BigInt(-EINVAL);
    if (own) return BigInt(-EPERM);
    d.hvmParams.set(index, arg.getBigUint64(8, true));
    return 0n;
  }
  if (!SETTABLE.has(index)) return BigInt(-EINVAL);
  if (own && !READABLE.has(index)) return BigInt(-EPERM);
  arg.setBigUint64(8, d.hvmParams.get(index) ?? 0n, true);
  return copyToGuest(xen, vcpu, x.arg(1), raw) ? 0n : BigInt(-EFAULT);
}

function vcpuOp(x: HypercallContext): bigint {
  const { xen, vcpu } = x;
  const v = vcpu.domain.vcpus[Number(x.arg(1) & 0xffff_ffffn)];
  if (v === undefined) return BigInt(-ENOENT);
  switch (Number(x.arg(0))) {
    case VCPUOP.register_vcpu_info: {
      const raw = copyFromGuest(xen, vcpu, x.arg(2), 16);
      if (raw === undefined) return BigInt(-EFAULT);
      return BigInt(registerVcpuInfo(x, v.id, view(raw).getBigUint64(0, true), view(raw).getUint32(8, true)));
    }
    case VCPUOP.register_runstate_memory_area: {
      const raw = copyFromGuest(xen, vcpu, x.arg(2), 8);
      if (raw === undefined) return BigInt(-EFAULT);
      v.runstateArea = { va: view(raw).getBigUint64(0, true), physical: false };
      return 0n;
    }
    default:
      return BigInt(-EINVAL); // xen: xen/arch/arm/domain.c arch_do_vcpu_op allows only these two
  }
}

/** (xen: map_vcpu_info): may be done once; pending events are shown again at the new place. */
function registerVcpuInfo(x: HypercallContext, id: number, mfn: bigint, offset: number): number {
  const { xen, vcpu } = x;
  const v = vcpu.domain.vcpus[id]!;
  if (offset > 4096 - VCPU_INFO.size || offset % 8 !== 0 || v.vcpuInfo !== undefined) return -EINVAL;
  if (v !== vcpu && (v.pauseFlags & 2) === 0) return -EINVAL;
  const pa = mfn < 1n << 28n ? xen.gfnToPa(vcpu.domain, Number(mfn)) : undefined;
  if (pa === undefined || !xen.heap.getPage(pa)) return -EINVAL;
  v.vcpuInfo = { pa: pa + offset, mfn: Number(mfn) };
  // Copy what was pending, select every word and mark pending: the guest looks at all its ports once.
  xen.memory.write8(v.vcpuInfo.pa + VCPU_INFO.upcall_pending, 1);
  xen.memory.write64(v.vcpuInfo.pa + VCPU_INFO.pending_sel, (1n << 64n) - 1n);
  if (v === vcpu) xen.injectVirq(vcpu.domain, v, 31, true);
  return 0;
}

function schedOp(x: HypercallContext): bigint | Blocked {
  const { xen, vcpu } = x;
  switch (Number(x.arg(0))) {
    case SCHEDOP.yield:
      xen.yield(vcpu);
      return 0n;
    case SCHEDOP.block:
      xen.block(vcpu);
      return 0n;
    case SCHEDOP.shutdown: {
      const raw = copyFromGuest(xen, vcpu, x.arg(1), 4);
      if (raw === undefined) return BigInt(-EFAULT);
      xen.shutdownDomain(vcpu.domain, view(raw).getUint8(0));
      return 0n;
    }
    case SCHEDOP.poll: {
      // struct sched_poll: ports handle @0, nr_ports u32 @8, timeout u64 @16
      const raw = copyFromGuest(xen, vcpu, x.arg(1), 24);
      if (raw === undefined) return BigInt(-EFAULT);
      const count = view(raw).getUint32(8, true);
      if (count > 128) return BigInt(-EINVAL);
      const list = copyFromGuest(xen, vcpu, view(raw).getBigUint64(0, true), count * 4);
      if (list === undefined) return BigInt(-EFAULT);
      for (let i = 0; i < count; i++) {
        const port = view(list).getUint32(i * 4, true);
        if (vcpu.domain.evtchn.at(port) === undefined) return BigInt(-EINVAL);
        if (vcpu.domain.evtchn.ops.isPending(xen, vcpu.domain, port)) return 0n;
      }
      vcpu.pollEvtchn = count === 1 ? view(list).getUint32(0, true) : -1;
      const timeout = view(raw).getBigUint64(16, true);
      const ref: TimerRef = { kind: 'poll', domid: vcpu.domain.id, vcpu: vcpu.id };
      if (timeout === 0n) xen.timers.stop(ref);
      else xen.timers.set(ref, xen.nsToTicks(timeout), x.pcpu);
      xen.block(vcpu);
      return 0n;
    }
    default:
      return BigInt(-ENOSYS);
  }
}

/** vm_assist(cmd, type): the assists that Arm knows (runstate_update_flag 5). */
function vmAssist(x: HypercallContext): bigint {
  const type = Number(x.arg(1) & 0xffff_ffffn);
  if (type !== 5) return BigInt(-EINVAL);
  const cmd = Number(x.arg(0) & 0xffff_ffffn);
  if (cmd === 0) x.vcpu.domain.vmAssist |= 1 << type;
  else if (cmd === 1) x.vcpu.domain.vmAssist &= ~(1 << type);
  else return BigInt(-ENOSYS);
  return 0n;
}

/** (xen: poll_timer_fn): the end of a SCHEDOP_poll with a timeout, unless an event ended it before. */
export function registerPollTimer(xen: Xen): void {
  xen.timers.handlers.set('poll', ({ domid, vcpu }) => {
    const v = xen.domain(domid)?.vcpus[vcpu];
    if (v !== undefined && v.pollEvtchn !== 0) xen.unblock(v);
  });
}

const notForGuests: HypercallHandler = (x) => BigInt(x.vcpu.domain.isControl ? -ENOSYS : -EPERM);

/** The one domctl that software in a domain makes here: the toolstack is no vCPU. Guarded like the DM ops. */
function domctl(x: HypercallContext): bigint {
  const { xen, vcpu } = x;
  const raw = copyFromGuest(xen, vcpu, x.arg(0), DOMCTL.bytes);
  const arg = raw === undefined ? undefined : view(raw);
  if (raw === undefined || arg?.getUint32(DOMCTL.cmd, true) !== DOMCTL.getdomaininfo) return notForGuests(x) as bigint;
  const d = xen.domain(arg.getUint16(DOMCTL.domain, true));
  if (d === undefined) return BigInt(-ESRCH);
  if (!mayModelDevices(vcpu.domain, d)) return BigInt(-EPERM);
  arg.setUint16(DOMCTL.info_domain, d.id, true);
  arg.setBigUint64(DOMCTL.tot_pages, BigInt(d.totPages), true);
  arg.setBigUint64(DOMCTL.max_pages, BigInt(d.maxPages), true);
  arg.setUint32(DOMCTL.nr_online_vcpus, d.vcpus.filter((v) => !isDown(v)).length, true);
  arg.setUint32(DOMCTL.max_vcpu_id, d.vcpus.length - 1, true);
  return copyToGuest(xen, vcpu, x.arg(0), raw) ? 0n : BigInt(-EFAULT);
}

/** Number -> handler. @param ioreqServer CONFIG_IOREQ_SERVER: without it the slot of dm_op is empty (-ENOSYS). */
export function hypercallTable(ioreqServer = true): Record<number, HypercallHandler> {
  return {
    [HYPERVISOR.memory_op]: doMemoryOp,
    [HYPERVISOR.xen_version]: xenVersion,
    [HYPERVISOR.grant_table_op]: (x) => x.xen.gnttab.op(x),
    [HYPERVISOR.vm_assist]: vmAssist,
    [HYPERVISOR.vcpu_op]: vcpuOp,
    [HYPERVISOR.sched_op]: schedOp,
    [HYPERVISOR.event_channel_op]: doEventChannelOp,
    [HYPERVISOR.hvm_op]: hvmOp,
    ...(ioreqServer ? { [HYPERVISOR.dm_op]: doDmOp } : {}),
    [HYPERVISOR.console_io]: notForGuests,
    [HYPERVISOR.platform_op]: notForGuests,
    [HYPERVISOR.sysctl]: notForGuests,
    [HYPERVISOR.domctl]: domctl,
    [HYPERVISOR.physdev_op]: () => BigInt(-ENOSYS),
  };
}
