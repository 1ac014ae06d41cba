/**
 * PSCI as Xen offers it to guests: DEN 0022 is Arm's PSCI specification (issue D.b); where Xen differs from it or
 * chooses, xen: xen/arch/arm/vpsci.c and vsmc.c decide.
 */
import { describe, expect, test } from 'vitest';
import { vsmcccHandleCall } from '../../xen/arch/arm/vsmccc.js';
import { VPF_DOWN, type Vcpu } from '../../xen/common/domain.js';
import { GUEST_RAM0_BASE } from '../../xen/public/arch-arm.js';
import { xenFixture } from '../xen-fixture.js';

const [VERSION, SUSPEND32, CPU_OFF] = [0x8400_0000, 0x8400_0001, 0x8400_0002] as const;
const [ON32, AFFINITY32] = [0x8400_0003, 0x8400_0004] as const;
const [SYSTEM_OFF, SYSTEM_RESET, FEATURES] = [0x8400_0008, 0x8400_0009, 0x8400_000a] as const;
const [SUSPEND64, ON64, AFFINITY64] = [0xc400_0001, 0xc400_0003, 0xc400_0004] as const;
const [SUCCESS, NOT_SUPPORTED, INVALID_PARAMETERS, ALREADY_ON, INTERNAL_FAILURE, INVALID_ADDRESS] = [
  0, -1, -2, -4, -6, -9,
] as const;
const ENTRY = GUEST_RAM0_BASE + 0x1000;

/** A guest of 8 vCPUs of which only the first is on, as at its start. */
function guest() {
  const fixture = xenFixture();
  const { xen, errors } = fixture;
  const { d } = fixture.domain('guest', { maxVcpus: 8 });
  for (const v of d.vcpus.slice(1)) v.pauseFlags |= VPF_DOWN;
  const call = (vcpu: number, fid: number, ...args: readonly (number | bigint)[]): number => {
    const p = xen.pcpus[0]!;
    xen.thisPcpu = 0;
    p.core.setX(0, BigInt(fid));
    [0, 1, 2].forEach((n) => p.core.setX(n + 1, BigInt(args[n] ?? 0)));
    expect(vsmcccHandleCall(xen, p, d.vcpus[vcpu]!, 0)).toBe(true);
    xen.thisPcpu = -1;
    return Number(BigInt.asIntN(64, p.core.x(0)));
  };
  const isOn = (v: number): boolean => ((d.vcpus[v] as Vcpu).pauseFlags & VPF_DOWN) === 0;
  return { d, call, isOn, errors };
}

test('VERSION is 1.1; FEATURES answers for exactly what is there (5.15)', () => {
  const { call, errors } = guest();
  expect(call(0, VERSION)).toBe(0x1_0001);
  const there = [VERSION, SUSPEND32, SUSPEND64, CPU_OFF, ON32, ON64, AFFINITY32, AFFINITY64, 0x8400_0006]
    .concat([SYSTEM_OFF, SYSTEM_RESET, FEATURES])
    .concat(0x8000_0000); // SMCCC_VERSION
  for (let n = 0; n < 32; n++) {
    for (const fid of [0x8400_0000 + n, 0xc400_0000 + n]) {
      expect(call(0, FEATURES, fid)).toBe(there.includes(fid) ? SUCCESS : NOT_SUPPORTED);
      if (!there.includes(fid)) expect(call(0, fid)).toBe(NOT_SUPPORTED);
    }
  }
  expect([call(0, FEATURES, 0x8000_0000), call(0, 0x8400_0006)]).toEqual([SUCCESS, 2]); // no Trusted OS to migrate
  expect(new Set(errors())).toEqual(new Set(['unhandled-smccc d1v0']));
});

describe('CPU_ON (5.6)', () => {
  test('of racing calls by two vCPUs one succeeds; the target begins where that one said', () => {
    const { d, call, isOn } = guest();
    expect(call(0, ON64, 1, ENTRY, 1)).toBe(SUCCESS);
    expect([call(0, ON64, 2, ENTRY, 20), call(1, ON64, 2, ENTRY + 4, 21)]).toEqual([SUCCESS, ALREADY_ON]);
    expect([isOn(2), d.vcpus[2]!.arch.start]).toEqual([
      true,
      expect.objectContaining({ pc: BigInt(ENTRY), x0: 20n, ttbr0: 0n, tcr: 0n }),
    ]);
    // Off again, and the other one wins.
    expect(call(2, CPU_OFF)).toBe(SUCCESS);
    expect([call(1, ON64, 2, ENTRY + 4, 21), call(0, ON64, 2, ENTRY, 20)]).toEqual([SUCCESS, ALREADY_ON]);
    expect(d.vcpus[2]!.arch.start).toMatchObject({ pc: BigInt(ENTRY) + 4n, x0: 21n });
  });

  test('targets are affinities, sixteen vCPUs to a cluster (xen: vaffinity_to_vcpuid)', () => {
    const { call, isOn } = guest();
    for (const target of [8, 0x10, 0xff, 0x100, 0x107, 0x1_0008, 0x1_0000_0008n]) {
      expect([target, call(0, ON64, target, ENTRY)]).toEqual([target, INVALID_PARAMETERS]);
    }
    for (let v = 1; v < 8; v++) expect([call(0, ON64, v, ENTRY), isOn(v)]).toEqual([SUCCESS, true]);
    expect(call(0, ON64, 0, ENTRY)).toBe(ALREADY_ON);
    expect(call(0, ON64, 0x8000_0000, ENTRY)).toBe(ALREADY_ON); // bits that are no affinity are dropped
  });

  test('an odd entry point is INVALID_ADDRESS, after the target and before its state (xen: do_common_cpu_on)', () => {
    const { call } = guest();
    expect([call(0, ON64, 0x200, ENTRY + 1), call(0, ON64, 1, ENTRY + 1), call(0, ON64, 0, ENTRY + 1)]).toEqual([
      INVALID_PARAMETERS,
      INVALID_ADDRESS,
      INVALID_ADDRESS,
    ]);
  });
});

test('AFFINITY_INFO (5.7): by level a vCPU, a cluster, all; levels beyond are invalid', () => {
  const { call } = guest();
  const info = (target: number, level: number) => call(0, AFFINITY64, target, level);
  expect([info(0, 0), info(1, 0), info(1, 1), info(0x100, 1), info(0x100, 2), info(0x1_0000, 2)]).toEqual([
    ...[0, 1, 0], // vCPU 0 is on, 1 is off, their cluster is on
    ...[1, 0, 1], // there is no other cluster; at level 2 it is the same node
  ]);
  expect([call(0, ON64, 7, ENTRY), info(7, 0), info(6, 0)]).toEqual([SUCCESS, 0, 1]);
  expect([call(7, CPU_OFF), info(7, 0)]).toEqual([SUCCESS, 1]);
  expect([info(0, 3), info(0, 4), info(0, 0xffff_ffff)]).toEqual([0, INVALID_PARAMETERS, INVALID_PARAMETERS]);
});

test('CPU_OFF stops the caller and counts once; the SMC32 numbers do the same as the SMC64 ones', () => {
  const { call, isOn } = guest();
  expect([call(0, ON32, 1, ENTRY, 1), isOn(1), call(0, AFFINITY32, 1, 0)]).toEqual([SUCCESS, true, 0]);
  expect([call(1, CPU_OFF), isOn(1), call(1, CPU_OFF), isOn(1)]).toEqual([SUCCESS, false, SUCCESS, false]);
  expect([call(0, AFFINITY32, 1, 0), isOn(0)]).toEqual([1, true]);
});

test.each([
  ['SYSTEM_OFF', SYSTEM_OFF, 0],
  ['SYSTEM_RESET', SYSTEM_RESET, 1],
])(
  '%s shuts the domain down with its reason (xen: SHUTDOWN_poweroff, SHUTDOWN_reboot); the first call counts',
  (_n, fid, code) => {
    const { d, call } = guest();
    expect(call(0, fid)).toBe(INTERNAL_FAILURE); // what a call that ought not to return leaves
    expect([d.isShuttingDown, d.shutdown?.code]).toEqual([true, code]);
    call(0, fid === SYSTEM_OFF ? SYSTEM_RESET : SYSTEM_OFF);
    expect(d.shutdown?.code).toBe(code);
  },
);

test('CPU_SUSPEND blocks the vCPU whatever the state asked for, and succeeds', () => {
  const { d, call } = guest();
  for (const [fid, state] of [
    [SUSPEND32, 0],
    [SUSPEND64, 0x1_0000],
  ] as const) {
    d.vcpus[0]!.pauseFlags = 0;
    expect(call(0, fid, state, ENTRY, 5)).toBe(SUCCESS);
    expect(d.vcpus[0]!.arch.start?.x0 ?? 0n).not.toBe(5n);
  }
});
