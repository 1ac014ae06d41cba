import { expect, test } from 'vitest';
import { fakeXen, type FakeXen } from '../../test/support/fake-xen.js';
import { XenEl2 } from '../arch/arm/el2.js';
import { cpuOn } from '../arch/arm/vpsci.js';
import type { Core } from '../../sim/cpu/core.js';
import { createDomain, DomainError, setVcpuContext, unpauseByController } from './domctl.js';
import type { Domain } from './domain.js';
import { RUNSTATE_RUNNING } from './domain.js';

const START = { pc: 0x4000_0000n, x0: 0n, pstate: 0x3c5n, sctlr: 0x00c5_0078n, ttbr0: 0n, ttbr1: 0n, tcr: 0n };
const uuid = '00000000-0000-0000-0000-000000000001';

function start(f: FakeXen, name: string, weight = 256, vcpus = 1): Domain {
  const d = createDomain(f.xen, { name, uuid, kind: 'guest', options: { weight, maxVcpus: vcpus } });
  setVcpuContext(f.xen, d.vcpus[0]!, START, true);
  unpauseByController(f.xen, d);
  return d;
}

/** Runs all cores in turn, in slices of 100 us, for `ms`; timers of Xen fire as CNTHP would. */
function run(f: FakeXen, el2: XenEl2, ms: number): void {
  const step = 149_760; // cycles of 100 us
  for (let slice = 0; slice < ms * 10; slice++) {
    const end = Math.max(...f.cores.map((c) => c.cycles), 0);
    for (const core of f.cores) {
      core.onHypTimer();
      core.limit = Math.floor(end / step) * step + step;
      if (el2.slice(core as unknown as Core) === 'idle') core.cycles = core.limit;
    }
    f.queue.dispatch(BigInt(end) * 4n);
  }
}

function times(f: FakeXen, domains: Domain[]): bigint[] {
  const now = f.cores[0]!.now();
  return domains.map(({ vcpus }) => {
    const { runstate } = vcpus[0]!;
    const running = runstate.state === RUNSTATE_RUNNING ? now - runstate.since : 0n;
    return runstate.time[RUNSTATE_RUNNING] + running;
  });
}

test('two busy vCPUs share one pCPU by weight', () => {
  const f = fakeXen(1);
  const el2 = new XenEl2(f.xen);
  const domains = [start(f, 'a', 256), start(f, 'b', 512)];
  run(f, el2, 300);
  const [a = 1n, b = 0n] = times(f, domains);
  const ratio = Number(b) / Number(a);
  expect(ratio).toBeGreaterThan(1.8);
  expect(ratio).toBeLessThan(2.2);
});

test('two vCPUs on two pCPUs both run all the time', () => {
  const f = fakeXen(2);
  const el2 = new XenEl2(f.xen);
  const domains = [start(f, 'a'), start(f, 'b')];
  run(f, el2, 20);
  for (const t of times(f, domains)) expect(Number(t) / 5_990_400).toBeGreaterThan(19);
});

test('the same history gives the same state, and a saved state goes on the same way', () => {
  const make = (): [FakeXen, XenEl2] => {
    const f = fakeXen(2);
    const el2 = new XenEl2(f.xen);
    for (const [name, weight] of [
      ['a', 256],
      ['b', 300],
      ['c', 100],
    ] as const)
      start(f, name, weight);
    return [f, el2];
  };
  const [f1, e1] = make();
  const [f2, e2] = make();
  run(f1, e1, 50);
  run(f2, e2, 50);
  const saved = JSON.stringify(e1.save());
  expect(JSON.stringify(e2.save())).toBe(saved);
  e2.load(JSON.parse(saved));
  run(f1, e1, 50);
  run(f2, e2, 50);
  expect(JSON.stringify(e2.save())).toBe(JSON.stringify(e1.save()));
});

test('the null scheduler refuses more vCPUs than pCPUs', () => {
  const f = fakeXen(2, { kind: 'null', rateLimitUs: 0 });
  start(f, 'a');
  start(f, 'b');
  expect(() => start(f, 'c')).toThrow(DomainError);
  expect(f.xen.domains.size).toBe(2);
});

test('PSCI CPU_ON (DEN 0022): errors, then the vCPU starts where told', () => {
  const f = fakeXen(2);
  const el2 = new XenEl2(f.xen);
  const d = start(f, 'a', 256, 2);
  const [v0, v1] = d.vcpus as [Domain['vcpus'][0], Domain['vcpus'][0]];
  expect(cpuOn(f.xen, v0, 5n, 0x4008_0000n, 0n)).toBe(-2);
  expect(cpuOn(f.xen, v0, 1n, 0x4008_0001n, 0n)).toBe(-9);
  expect(cpuOn(f.xen, v0, 0n, 0x4008_0000n, 0n)).toBe(-4);
  run(f, el2, 1);
  expect(cpuOn(f.xen, v0, 1n, 0x4008_0000n, 0x77n)).toBe(0);
  expect(cpuOn(f.xen, v0, 1n, 0x4008_0000n, 0n)).toBe(-4);
  run(f, el2, 1);
  const core = f.cores[v1.processor]!;
  expect(f.xen.pcpus[v1.processor]!.current).toBe(v1);
  expect(core.sys('ELR_EL2')).toBe(0x4008_0000n);
  expect(core.sys('SPSR_EL2')).toBe(0x3c5n);
  expect(core.sys('VMPIDR_EL2')).toBe(0x8000_0001n);
  expect(core.x(0)).toBe(0x77n);
});
