/** PSCI 1.1 as Xen offers it to a guest (xen: xen/arch/arm/vpsci.c; Arm DEN 0022). */
import { VPF_DOWN, type Vcpu } from '../../common/domain.js';
import { vcpuBlockUnlessEventPending, vcpuSleep } from '../../common/lifecycle.js';
import type { Pcpu } from '../../common/pcpu.js';
import type { Xen } from '../../common/xen.js';
import { SCTLR_GUEST_INIT } from '../../public/arch-arm.js';
import { SHUTDOWN } from '../../public/xen.js';
import { baselineOf } from '../../common/baselines.js';
import { vgicClearPendingIrqs } from './gic.js';

export const PSCI_SUCCESS = 0;
export const PSCI_NOT_SUPPORTED = -1;
export const PSCI_INVALID_PARAMETERS = -2;
export const PSCI_DENIED = -3;
export const PSCI_ALREADY_ON = -4;
export const PSCI_INTERNAL_FAILURE = -6;
export const PSCI_INVALID_ADDRESS = -9;

const FN = {
  version: 0x8400_0000,
  cpuSuspend32: 0x8400_0001,
  cpuSuspend64: 0xc400_0001,
  cpuOff: 0x8400_0002,
  cpuOn32: 0x8400_0003,
  cpuOn64: 0xc400_0003,
  affinityInfo32: 0x8400_0004,
  affinityInfo64: 0xc400_0004,
  migrateInfoType: 0x8400_0006,
  systemOff: 0x8400_0008,
  systemReset: 0x8400_0009,
  features: 0x8400_000a,
  smcccVersion: 0x8000_0000,
} as const;
const KNOWN: ReadonlySet<number> = new Set(Object.values(FN));

const PSCI_1_1 = 0x1_0001;
/** Trusted OS is multiprocessing-capable or not there. */
const MIGRATE_NOT_NEEDED = 2;
const AFFINITY_ON = 0;
const AFFINITY_OFF = 1;
const AFFINITY_MASKS = [0xff_00ff_ffffn, 0xff_00ff_ff00n, 0xff_00ff_0000n, 0xff_0000_0000n];

/** PSCI 0.1: CPU_OFF 1, CPU_ON 2 (numbers from the device tree that libxl writes). */
export function psci01Call(xen: Xen, p: Pcpu, v: Vcpu, fid: number): boolean {
  switch (fid) {
    case 1:
      result(p, cpuOff(xen, v));
      return true;
    case 2: {
      const rc = cpuOn(xen, v, p.core.x(1) & 0xffff_ffffn, p.core.x(2), 0n);
      // These two codes came with 0.2.
      result(p, rc === PSCI_ALREADY_ON || rc === PSCI_INVALID_ADDRESS ? PSCI_INVALID_PARAMETERS : rc);
      return true;
    }
    default:
      return false;
  }
}

/** PSCI 0.2 and later. False: not a function Xen knows. */
export function psci02Call(xen: Xen, p: Pcpu, v: Vcpu, fid: number): boolean {
  const x = (n: number): bigint => p.core.x(n);
  switch (fid) {
    case FN.version:
      result(p, PSCI_1_1);
      return true;
    case FN.cpuOff:
      result(p, cpuOff(xen, v));
      return true;
    case FN.migrateInfoType:
      result(p, MIGRATE_NOT_NEEDED);
      return true;
    case FN.systemOff:
    case FN.systemReset:
      xen.shutdownDomain(v.domain, fid === FN.systemOff ? SHUTDOWN.poweroff : SHUTDOWN.reboot);
      result(p, PSCI_INTERNAL_FAILURE);
      return true;
    case FN.cpuOn32:
    case FN.cpuOn64:
      result(p, cpuOn(xen, v, x(1), x(2), x(3)));
      return true;
    case FN.cpuSuspend32:
    case FN.cpuSuspend64:
      // Power-down states are treated as standby.
      vcpuBlockUnlessEventPending(xen, v);
      result(p, PSCI_SUCCESS);
      return true;
    case FN.affinityInfo32:
    case FN.affinityInfo64:
      result(p, affinityInfo(v, x(1), Number(x(2) & 0xffff_ffffn)));
      return true;
    case FN.features:
      result(p, KNOWN.has(Number(x(1) & 0xffff_ffffn)) ? 0 : PSCI_NOT_SUPPORTED);
      return true;
    default:
      return false;
  }
}

function result(p: Pcpu, value: number): void {
  p.core.setX(0, BigInt.asUintN(64, BigInt(value)));
}

function cpuOff(xen: Xen, v: Vcpu): number {
  if ((v.pauseFlags & VPF_DOWN) === 0) {
    v.pauseFlags |= VPF_DOWN;
    vcpuSleep(xen, v);
  }
  return PSCI_SUCCESS;
}

/** do_common_cpu_on. @param target MPIDR affinity of the vCPU. */
export function cpuOn(xen: Xen, caller: Vcpu, target: bigint, entry: bigint, context: bigint): number {
  const v = caller.domain.vcpus[vaffinityToVcpuid(target)];
  if (v === undefined) return PSCI_INVALID_PARAMETERS;
  if (entry & 1n) return PSCI_INVALID_ADDRESS; // Thumb is not for a 64-bit domain
  if ((v.pauseFlags & VPF_DOWN) === 0) return PSCI_ALREADY_ON;
  vgicClearPendingIrqs(v);
  v.arch.start = {
    pc: entry,
    x0: context,
    pstate: baselineOf(xen).initialPsr,
    sctlr: SCTLR_GUEST_INIT,
    ttbr0: 0n,
    ttbr1: 0n,
    tcr: 0n,
  };
  v.isInitialised = true;
  v.pauseFlags &= ~VPF_DOWN;
  xen.wake(v);
  return PSCI_SUCCESS;
}

/** vaffinity_to_vcpuid: sixteen vCPUs per Aff1 value; an Aff0 of 16 and more runs into Aff1, as upstream has it. */
export function vaffinityToVcpuid(vaff: bigint): number {
  const aff = vaff & 0xff_00ff_ffffn;
  return Number(aff & 0xffn) | (Number((aff >> 8n) & 0xffn) << 4);
}

/** vcpuid_to_vaffinity, with the RES1 bit 31 of MPIDR_EL1. */
export function vcpuidToVmpidr(id: number): bigint {
  return 0x8000_0000n | BigInt((id & 0xf) | ((id >> 4) << 8));
}

function affinityInfo(caller: Vcpu, target: bigint, level: number): number {
  const mask = AFFINITY_MASKS[level];
  if (mask === undefined) return PSCI_INVALID_PARAMETERS;
  const wanted = target & mask;
  const on = caller.domain.vcpus.some((v) => (v.arch.vmpidr & mask) === wanted && (v.pauseFlags & VPF_DOWN) === 0);
  return on ? AFFINITY_ON : AFFINITY_OFF;
}
