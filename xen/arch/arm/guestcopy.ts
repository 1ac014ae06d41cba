/** Access to guest memory by virtual address (xen: xen/arch/arm/guestcopy.c, mmu/p2m.c get_page_from_gva). */
import type { Vcpu } from '../../common/domain.js';
import type { Xen } from '../../common/xen.js';
import { isAnyRam, isReadOnly } from './p2m.js';

const PAGE = 4096;
/** No hypercall argument is longer; what a guest says about lengths does not make Xen copy more than this. */
const MAX_COPY = 1 << 20;
/** Each retry settles one stage-2 level of one of the walk's reads. */
const MAX_RETRIES = 16;

/**
 * SoC address behind a guest-virtual address of the vCPU that is loaded, or undefined (EFAULT): stage 1 with its live
 * registers, then stage 2. For a modelled domain the address is guest-physical: its software runs with an identity map.
 */
export function translate(xen: Xen, v: Vcpu, va: bigint, write: boolean): number | undefined {
  const { p2m } = v.domain;
  if (v.modelled) {
    if (va >= 1n << 40n) return undefined;
    const ipa = Number(va);
    const m = p2m.lookup(Math.floor(ipa / PAGE));
    if (m === undefined || !isAnyRam(m.type) || (write && isReadOnly(m.type))) return undefined;
    return m.pa + (ipa % PAGE);
  }
  const p = xen.pcpus[v.processor];
  if (p === undefined || p.current !== v) return undefined;
  for (let i = 0; i < MAX_RETRIES; i++) {
    const walk = p.core.walk(va, write ? 1 : 0);
    // Only RAM may be copied from or to: a device would be read without the bus.
    if (walk.ok) return xen.heap.isRam(walk.pa) ? walk.pa : undefined;
    if (!walk.stage2 || !p2m.resolveFault(Math.floor(walk.ipa / PAGE))) return undefined;
  }
  return undefined;
}

function pages(
  xen: Xen,
  v: Vcpu,
  va: bigint,
  length: number,
  write: boolean,
  each: (pa: number, at: number, bytes: number) => void,
): boolean {
  if (length < 0 || length > MAX_COPY) return false;
  let at = 0;
  while (at < length) {
    const from = BigInt.asUintN(64, va + BigInt(at));
    const bytes = Math.min(length - at, PAGE - Number(from & 0xfffn));
    if (xen.thisPcpu >= 0) {
      xen.charge(xen.thisPcpu, 'xen.p2mWalk');
      xen.charge(xen.thisPcpu, 'xen.copy', 1, bytes);
    }
    const pa = translate(xen, v, from, write);
    if (pa === undefined) return false;
    each(pa, at, bytes);
    at += bytes;
  }
  return true;
}

/** raw_copy_from_guest: the bytes, or undefined if any page is not mapped RAM (-EFAULT). */
export function copyFromGuest(xen: Xen, v: Vcpu, va: bigint, length: number): Uint8Array | undefined {
  if (length < 0 || length > MAX_COPY) return undefined;
  const out = new Uint8Array(length);
  const ok = pages(xen, v, va, length, false, (pa, at, bytes) => out.set(xen.memory.read(pa, bytes), at));
  return ok ? out : undefined;
}

/** raw_copy_to_guest: false on a miss; pages before the miss have been written, as upstream. */
export function copyToGuest(xen: Xen, v: Vcpu, va: bigint, data: Uint8Array): boolean {
  return pages(xen, v, va, data.length, true, (pa, at, bytes) => xen.memory.write(pa, data.subarray(at, at + bytes)));
}

/** access_guest_memory_by_gpa: guest-physical copy for the toolstack and for Xen itself. */
export function copyFromGpa(xen: Xen, v: Vcpu, gpa: number, length: number): Uint8Array | undefined {
  const out = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const pa = v.domain.p2m.ramPa(Math.floor((gpa + at) / PAGE));
    if (pa === undefined) return undefined;
    const offset = (gpa + at) % PAGE;
    const bytes = Math.min(length - at, PAGE - offset);
    out.set(xen.memory.read(pa + offset, bytes), at);
    at += bytes;
  }
  return out;
}
