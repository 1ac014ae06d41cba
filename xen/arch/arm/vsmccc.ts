/** SMC and HVC calls by the SMC calling convention (xen: xen/arch/arm/vsmc.c; Arm DEN 0028). */
import type { Vcpu } from '../../common/domain.js';
import type { Pcpu } from '../../common/pcpu.js';
import type { Xen } from '../../common/xen.js';
import { TraceKind } from '../../../sim/trace/record.js';
import { psci01Call, psci02Call } from './vpsci.js';

export const SMCCC_VERSION = 0x8000_0000;
const ARCH_FEATURES = 0x8000_0001;
const ARCH_WORKAROUND_1 = 0x8000_8000;
const ARCH_WORKAROUND_2 = 0x8000_7fff;
const ARCH_WORKAROUND_3 = 0x8000_3fff;
const VERSION_1_2 = 0x1_0002n;
const NOT_SUPPORTED = -1n;
const SUCCESS = 0n;

const OWNER_ARCH = 0;
const OWNER_STANDARD = 4;
const OWNER_HYPERVISOR = 5;
const CALL_COUNT = 0xff00;
const CALL_UID = 0xff01;
const CALL_REVISION = 0xff03;

/** XEN_SMCCC_UID a71812dc-c698-4369-9acf-79d18ddee667, as the four words of x0..x3. */
const XEN_UID: readonly bigint[] = [0xdc12_18a7n, 0x6943_98c6n, 0xd179_cf9an, 0x67e6_de8dn];
/** SSSC_SMCCC_UID f863386f-4b39-4cbd-9220-ce1641e59f6f. */
const STANDARD_UID: readonly bigint[] = [0x6f38_63f8n, 0xbd4c_394bn, 0x16ce_2092n, 0x6f9f_e541n];
const XEN_FUNCTIONS = 3n;
/** Call count, UID, revision, and twelve PSCI functions. */
const STANDARD_FUNCTIONS = 15n;

/**
 * vsmccc_handle_call: result in x0 (and on). @returns false if it is no SMCCC call (an immediate other than 0): the caller
 * injects an undefined exception.
 */
export function vsmcccHandleCall(xen: Xen, p: Pcpu, v: Vcpu, esr: number): boolean {
  if ((esr & 0xffff) !== 0) return false;
  const { core } = p;
  const fid = Number(core.x(0) & 0xffff_ffffn);
  xen.charge(p.id, 'xen.hypercall');
  const handled = dispatch(xen, p, v, fid);
  if (!handled) {
    xen.errors.report('unhandled-smccc', v.name, `0x${fid.toString(16)}`);
    core.setX(0, BigInt.asUintN(64, NOT_SUPPORTED));
  }
  const result = Number(core.x(0) & 0xffff_ffffn);
  const lo = (n: number): number => Number(core.x(n) & 0xffff_ffffn);
  xen.trace.recordAt(TraceKind.Firmware, core.index, xen.now(p.id), fid, lo(1), lo(2), lo(3), result);
  return true;
}

function dispatch(xen: Xen, p: Pcpu, v: Vcpu, fid: number): boolean {
  // PSCI 0.1 numbers and other calls from before the convention.
  if (fid <= 0x01ff_ffff) return psci01Call(xen, p, v, fid);
  const owner = (fid >>> 24) & 0x3f;
  if (owner === OWNER_ARCH) return archCall(xen, p, fid);
  const fn = fid & 0xffff;
  const fast = fid >>> 31 === 1;
  if (owner === OWNER_STANDARD) {
    if (fn <= 0x1f) return psci02Call(xen, p, v, fid);
    return fast && identity(p, fn, STANDARD_FUNCTIONS, STANDARD_UID, 0n, 1n);
  }
  if (owner === OWNER_HYPERVISOR) return fast && identity(p, fn, XEN_FUNCTIONS, XEN_UID, 0n, 1n);
  return false;
}

/** Call count, UID and revision of a service. */
function identity(p: Pcpu, fn: number, calls: bigint, uid: readonly bigint[], major: bigint, minor: bigint): boolean {
  switch (fn) {
    case CALL_COUNT:
      p.core.setX(0, calls);
      return true;
    case CALL_UID:
      uid.forEach((word, i) => p.core.setX(i, word));
      return true;
    case CALL_REVISION:
      p.core.setX(0, major);
      p.core.setX(1, minor);
      return true;
    default:
      return false;
  }
}

/** Arm architecture calls. What workarounds exist is a declared fact of the board's firmware. */
function archCall(xen: Xen, p: Pcpu, fid: number): boolean {
  const { wa1, wa2, wa3 } = xen.options.workarounds;
  switch (fid) {
    case SMCCC_VERSION:
      p.core.setX(0, VERSION_1_2);
      return true;
    case ARCH_FEATURES: {
      const asked = Number(p.core.x(1) & 0xffff_ffffn);
      const offered =
        (asked === ARCH_WORKAROUND_1 && (wa1 || wa3)) ||
        (asked === ARCH_WORKAROUND_2 && wa2) ||
        (asked === ARCH_WORKAROUND_3 && wa3);
      p.core.setX(0, BigInt.asUintN(64, offered ? SUCCESS : NOT_SUPPORTED));
      return true;
    }
    case ARCH_WORKAROUND_1:
    case ARCH_WORKAROUND_2:
    case ARCH_WORKAROUND_3:
      return true; // no result: done on the way in
    default:
      return false;
  }
}
