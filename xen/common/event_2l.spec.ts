import { expect, test } from 'vitest';
import { pack, xenFixture, type Caller } from '../../test/xen-fixture.js';
import { HYPERVISOR, EVTCHNOP } from '../public/xen.js';

// Offsets of struct shared_info on LP64 (xen-ioreq.md 7.3): vcpu_info @0 (pending u8 @0, selector u64 @8), pending bits @48,
// mask bits @560.
const PENDING = 48;
const MASK = 560;

function ports(c: Caller) {
  const { xen } = c;
  const at = c.d.sharedInfoPa;
  const bit = (base: number, n: number): number => (xen.memory.read8(at + base + (n >> 3)) >> (n & 7)) & 1;
  return {
    shown: (n: number) => ({
      pending: bit(PENDING, n),
      mask: bit(MASK, n),
      upcall: xen.memory.read8(at),
      selector: xen.memory.read64(at + 8),
    }),
    setMask: (n: number) =>
      xen.memory.write8(at + MASK + (n >> 3), xen.memory.read8(at + MASK + (n >> 3)) | (1 << (n & 7))),
    forget: () => {
      xen.memory.zero(at, 16);
      xen.memory.zero(at + PENDING, 512);
    },
  };
}

const ipi = (c: Caller): number => c.xen.evtchn.bindIpi(c.d, 0);
const unmask = (c: Caller, port: number): number =>
  c.op(HYPERVISOR.event_channel_op, EVTCHNOP.unmask, pack(4, [0, 4, port])).rc;

test('a pending port sets its bit, the selector bit of its word and the upcall flag', () => {
  const d = xenFixture().domain('a');
  for (let i = 1; i < 65; i++) ipi(d);
  const p = ports(d);
  expect(d.xen.evtchn.send(d.d, 64)).toBe(0);
  expect(p.shown(64)).toEqual({ pending: 1, mask: 0, upcall: 1, selector: 2n });
  expect(d.d.vcpus[0]!.arch.vgic.isInflight(31)).toBe(true);
});

test('a masked port only sets its bit; unmasking shows it, once', () => {
  const d = xenFixture().domain('a');
  const port = ipi(d);
  const p = ports(d);
  p.setMask(port);
  d.xen.evtchn.send(d.d, port);
  expect(p.shown(port)).toEqual({ pending: 1, mask: 1, upcall: 0, selector: 0n });
  expect(unmask(d, port)).toBe(0);
  expect(p.shown(port)).toEqual({ pending: 1, mask: 0, upcall: 1, selector: 1n });
  p.forget();
  // Not masked any more, not pending: nothing to show.
  expect(unmask(d, port)).toBe(0);
  expect(p.shown(port)).toEqual({ pending: 0, mask: 0, upcall: 0, selector: 0n });
});

test('a port that is pending already is not shown again', () => {
  const d = xenFixture().domain('a');
  const port = ipi(d);
  const at = d.d.sharedInfoPa;
  d.xen.evtchn.send(d.d, port);
  d.xen.memory.zero(at, 16); // the guest saw the upcall but left the pending bit
  d.xen.evtchn.send(d.d, port);
  expect(d.xen.memory.read8(at)).toBe(0);
});

test('the upcall interrupt is raised on the edge of the flag only', () => {
  const d = xenFixture().domain('a');
  const [a, b] = [ipi(d), ipi(d)];
  const injected: number[] = [];
  d.xen.injectVirq = (_d, _v, intid) => void injected.push(intid);
  d.xen.evtchn.send(d.d, a);
  d.xen.evtchn.send(d.d, b);
  expect(injected).toEqual([31]);
  expect(ports(d).shown(b)).toEqual({ pending: 1, mask: 0, upcall: 1, selector: 1n });
  ports(d).forget();
  d.xen.evtchn.send(d.d, a);
  expect(injected).toEqual([31, 31]);
});

test('a registered vcpu_info takes the place of the one in shared_info', () => {
  const d = xenFixture().domain('a');
  const port = ipi(d);
  d.d.vcpus[0]!.vcpuInfo = { pa: d.pa(0x4000_0100), mfn: 0x40000 };
  d.xen.evtchn.send(d.d, port);
  expect(d.read(0x4000_0100, 1)[0]).toBe(1);
  expect(d.view(0x4000_0100, 16).getBigUint64(8, true)).toBe(1n);
  expect(ports(d).shown(port)).toEqual({ pending: 1, mask: 0, upcall: 0, selector: 0n });
});

test('a vCPU other than 0 without vcpu_info is told nothing', () => {
  const d = xenFixture().domain('a', { maxVcpus: 2 });
  const port = d.xen.evtchn.bindIpi(d.d, 1);
  d.xen.evtchn.send(d.d, port);
  expect(ports(d).shown(port)).toEqual({ pending: 1, mask: 0, upcall: 0, selector: 0n });
});
