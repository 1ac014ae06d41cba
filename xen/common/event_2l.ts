/** The 2-level event-channel ABI (xen: xen/common/event_2l.c): bitmaps in shared_info and a selector per vCPU. */
import { SHARED_INFO, VCPU_INFO } from '../public/xen.js';
import type { Domain, Vcpu } from './domain.js';
import type { Channel, PortOps } from './event_channel.js';
import type { Xen } from './xen.js';

/** Where a vCPU's vcpu_info is: registered, or vCPU 0's legacy place in shared_info; others have none until they register. */
export function vcpuInfoPa(v: Vcpu): number | undefined {
  if (v.vcpuInfo !== undefined) return v.vcpuInfo.pa;
  return v.id === 0 ? v.domain.sharedInfoPa + SHARED_INFO.vcpu_info : undefined;
}

/** vcpu_mark_events_pending (xen: xen/arch/arm/domain.c): raises the upcall PPI on the 0 -> 1 edge. */
export function markEventsPending(xen: Xen, v: Vcpu): void {
  const info = vcpuInfoPa(v);
  if (info === undefined || xen.memory.read8(info + VCPU_INFO.upcall_pending) !== 0) return;
  xen.memory.write8(info + VCPU_INFO.upcall_pending, 1);
  xen.injectVirq(v.domain, v, 31, true);
}

function testBit(xen: Xen, base: number, bit: number): boolean {
  return (xen.memory.read8(base + (bit >>> 3)) & (1 << (bit & 7))) !== 0;
}

/** Sets or clears; returns the old value. */
function changeBit(xen: Xen, base: number, bit: number, value: boolean): boolean {
  const at = base + (bit >>> 3);
  const byte = xen.memory.read8(at);
  const mask = 1 << (bit & 7);
  xen.memory.write8(at, value ? byte | mask : byte & ~mask);
  return (byte & mask) !== 0;
}

const pendingBits = (d: Domain): number => d.sharedInfoPa + SHARED_INFO.evtchn_pending;
const maskBits = (d: Domain): number => d.sharedInfoPa + SHARED_INFO.evtchn_mask;

function select(xen: Xen, v: Vcpu, port: number): void {
  const info = vcpuInfoPa(v);
  if (info === undefined) return;
  if (!changeBit(xen, info + VCPU_INFO.pending_sel, port >>> 6, true)) markEventsPending(xen, v);
}

export const event2l: PortOps = {
  setPending(xen: Xen, d: Domain, v: Vcpu, ch: Channel): void {
    if (changeBit(xen, pendingBits(d), ch.port, true)) return;
    if (!testBit(xen, maskBits(d), ch.port)) select(xen, v, ch.port);
  },
  clearPending(xen: Xen, d: Domain, ch: Channel): void {
    changeBit(xen, pendingBits(d), ch.port, false);
  },
  unmask(xen: Xen, d: Domain, ch: Channel): void {
    const v = d.vcpus[ch.notifyVcpu];
    const wasMasked = changeBit(xen, maskBits(d), ch.port, false);
    if (v !== undefined && wasMasked && testBit(xen, pendingBits(d), ch.port)) select(xen, v, ch.port);
  },
  isPending: (xen: Xen, d: Domain, port: number): boolean => testBit(xen, pendingBits(d), port),
  isMasked: (xen: Xen, d: Domain, port: number): boolean => testBit(xen, maskBits(d), port),
  isBusy: (): boolean => false,
};
