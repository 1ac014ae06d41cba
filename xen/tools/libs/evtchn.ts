/** libxenevtchn over the kernel's evtchn device: ports of the 2-level ABI in the caller's own shared_info. */
import {
  ADD_TO_PHYSMAP,
  DOMID_SELF,
  EVTCHNOP,
  HYPERVISOR,
  SHARED_INFO,
  VCPU_INFO,
  XENMAPSPACE,
  XENMEM,
} from '../../public/xen.js';
import { PAGE_SIZE } from '../../public/arch-arm.js';
import type { Caller } from './caller.js';

/** Places shared_info at a gfn of the caller; 0 or -errno. */
export function mapSharedInfo(c: Caller, gfn: number): number {
  const bytes = new Uint8Array(ADD_TO_PHYSMAP.bytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(ADD_TO_PHYSMAP.domid, DOMID_SELF, true);
  view.setUint32(ADD_TO_PHYSMAP.space, XENMAPSPACE.shared_info, true);
  view.setBigUint64(ADD_TO_PHYSMAP.gpfn, BigInt(gfn), true);
  return c.hypercallWith(HYPERVISOR.memory_op, XENMEM.add_to_physmap, bytes).rc;
}

/** Kernel view of event channels. All ports start masked until somebody binds them. */
export class EventPorts {
  constructor(
    private readonly caller: Caller,
    /** Guest-physical address of shared_info. */
    private readonly info: number,
  ) {}

  #word(at: number): bigint {
    const raw = this.caller.read(this.info + at, 8)!;
    return new DataView(raw.buffer, raw.byteOffset, 8).getBigUint64(0, true);
  }

  #put(at: number, value: bigint): void {
    const raw = new Uint8Array(8);
    new DataView(raw.buffer).setBigUint64(0, value, true);
    this.caller.write(this.info + at, raw);
  }

  /** Whether an upcall is flagged; looking does not clear it. */
  get upcallPending(): boolean {
    return (this.caller.read(this.info + SHARED_INFO.vcpu_info + VCPU_INFO.upcall_pending, 1)?.[0] ?? 0) !== 0;
  }

  /** Unmasked pending ports without consuming them. */
  peek(): number[] {
    const ports: number[] = [];
    let selector = this.#word(SHARED_INFO.vcpu_info + VCPU_INFO.pending_sel);
    for (let word = 0; selector !== 0n; word++, selector >>= 1n) {
      if ((selector & 1n) === 0n) continue;
      let bits = this.#word(SHARED_INFO.evtchn_pending + word * 8) & ~this.#word(SHARED_INFO.evtchn_mask + word * 8);
      for (let bit = 0; bits !== 0n; bit++, bits >>= 1n) if ((bits & 1n) !== 0n) ports.push(word * 64 + bit);
    }
    return ports;
  }

  /** xen_evtchn_do_upcall: takes all pending ports; each is masked until its reader unmasks it (evtchn device). */
  take(): number[] {
    this.caller.write(this.info + SHARED_INFO.vcpu_info + VCPU_INFO.upcall_pending, Uint8Array.of(0));
    const ports = this.peek();
    this.#put(SHARED_INFO.vcpu_info + VCPU_INFO.pending_sel, 0n);
    for (const port of ports) {
      this.#change(SHARED_INFO.evtchn_pending, port, false);
      this.#change(SHARED_INFO.evtchn_mask, port, true);
    }
    return ports;
  }

  #change(base: number, port: number, set: boolean): void {
    const at = base + (port >>> 6) * 8;
    const bit = 1n << BigInt(port & 63);
    const word = this.#word(at);
    this.#put(at, set ? word | bit : word & ~bit);
  }

  #isPending(port: number): boolean {
    return ((this.#word(SHARED_INFO.evtchn_pending + (port >>> 6) * 8) >> BigInt(port & 63)) & 1n) !== 0n;
  }

  /** A write to the evtchn device: a hypercall only when the port became pending again meanwhile. */
  unmask(port: number): void {
    if (this.#isPending(port)) {
      const arg = new Uint8Array(4);
      new DataView(arg.buffer).setUint32(0, port, true);
      this.caller.hypercallWith(HYPERVISOR.event_channel_op, EVTCHNOP.unmask, arg);
    } else this.#change(SHARED_INFO.evtchn_mask, port, false);
  }

  /** Whether a masked port is pending; it no longer is. For software that looks instead of being interrupted. */
  takeMasked(port: number): boolean {
    if (!this.#isPending(port)) return false;
    this.#change(SHARED_INFO.evtchn_pending, port, false);
    return true;
  }

  isPending(port: number): boolean {
    return this.#isPending(port);
  }

  /** The local port, or -errno; the kernel binds it to its vCPU and unmasks it, unless it is to stay masked. */
  bindInterdomain(domid: number, remotePort: number, masked = false): number {
    const arg = new Uint8Array(12);
    const view = new DataView(arg.buffer);
    view.setUint16(0, domid, true);
    view.setUint32(4, remotePort, true);
    const { rc, out } = this.caller.hypercallWith(HYPERVISOR.event_channel_op, EVTCHNOP.bind_interdomain, arg);
    if (rc < 0) return rc;
    const port = out.getUint32(8, true);
    const bind = new Uint8Array(8);
    new DataView(bind.buffer).setUint32(0, port, true);
    this.caller.hypercallWith(HYPERVISOR.event_channel_op, EVTCHNOP.bind_vcpu, bind);
    if (masked) this.#change(SHARED_INFO.evtchn_mask, port, true);
    else this.unmask(port);
    return port;
  }

  #simple(cmd: number, port: number): number {
    const arg = new Uint8Array(4);
    new DataView(arg.buffer).setUint32(0, port, true);
    return this.caller.hypercallWith(HYPERVISOR.event_channel_op, cmd, arg).rc;
  }

  notify(port: number): number {
    return this.#simple(EVTCHNOP.send, port);
  }

  close(port: number): number {
    return this.#simple(EVTCHNOP.close, port);
  }

  get page(): number {
    return Math.floor(this.info / PAGE_SIZE);
  }
}
