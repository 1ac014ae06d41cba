import { expect, test } from 'vitest';
import type { Caller } from '../../test/xen-fixture.js';
import { pack, xenFixture } from '../../test/xen-fixture.js';
import { destroyDomain } from './domctl.js';
import type { XenService } from './xen.js';
import { EVTCHNOP, HYPERVISOR } from '../public/xen.js';

const SELF = 0x7ff0;
const op = (c: Caller, cmd: number, bytes: Uint8Array) => c.op(HYPERVISOR.event_channel_op, cmd, bytes);
const allocUnbound = (c: Caller, dom: number, remote: number) =>
  op(c, EVTCHNOP.alloc_unbound, pack(8, [0, 2, dom], [2, 2, remote]));
const bind = (c: Caller, remote: number, port: number) =>
  op(c, EVTCHNOP.bind_interdomain, pack(12, [0, 2, remote], [4, 4, port]));
const send = (c: Caller, port: number): number => op(c, EVTCHNOP.send, pack(4, [0, 4, port])).rc;
const close = (c: Caller, port: number): number => op(c, EVTCHNOP.close, pack(4, [0, 4, port])).rc;
const status = (c: Caller, port: number, dom = SELF) => {
  const { rc, out } = op(c, EVTCHNOP.status, pack(24, [0, 2, dom], [4, 4, port]));
  return rc < 0
    ? rc
    : [out.getUint32(8, true), out.getUint32(12, true), out.getUint16(16, true), out.getUint32(20, true)];
};
const isPending = (c: Caller, port: number): boolean => c.d.evtchn.ops.isPending(c.xen, c.d, port);

test('bind_interdomain joins two ports, makes the binder pending once and can be done once', () => {
  const f = xenFixture();
  const [a, b] = [f.domain('a'), f.domain('b', { maxVcpus: 2 })];
  const made = allocUnbound(a, SELF, b.id);
  expect([made.rc, made.out.getUint32(4, true)]).toEqual([0, 1]);
  expect(status(a, 1)).toEqual([1, 0, b.id, 0]);
  // struct at RAM of b; the caller's vCPU does not matter: events go to vCPU 0 until bind_vcpu.
  b.write(0x4000_0000, pack(12, [0, 2, a.id], [4, 4, 1]));
  expect(b.callOn(1, HYPERVISOR.event_channel_op, EVTCHNOP.bind_interdomain, 0x4000_0000)).toBe(0);
  expect(b.u32(0x4000_0008)).toBe(1);
  expect(isPending(b, 1)).toBe(true);
  expect([status(a, 1), status(b, 1)]).toEqual([
    [2, 0, b.id, 1],
    [2, 0, a.id, 1],
  ]);
  expect(bind(b, a.id, 1).rc).toBe(-22);
});

test('only the named domain binds, only an unbound port is bound', () => {
  const f = xenFixture();
  const [a, b, c] = [f.domain('a'), f.domain('b'), f.domain('c')];
  allocUnbound(a, SELF, b.id);
  expect([bind(c, a.id, 1).rc, bind(b, a.id, 2).rc, bind(b, a.id, 0).rc, bind(b, 99, 1).rc]).toEqual([
    -22, -22, -22, -3,
  ]);
  expect(b.d.evtchn.at(1)).toBeUndefined();
});

test('a domain may make ports for others only if it is the control domain', () => {
  const f = xenFixture();
  const [a, b] = [f.domain('a'), f.domain('b')];
  expect([allocUnbound(a, b.id, a.id).rc, allocUnbound(a, 77, a.id).rc]).toEqual([-1, -3]);
  expect(allocUnbound(f.dom0, a.id, 0).rc).toBe(0);
  // remote DOMID_SELF is the caller, not the domain that gets the port
  allocUnbound(f.dom0, a.id, SELF);
  expect(a.d.evtchn.at(2)!.remoteDomid).toBe(0);
});

test('send reaches the other end; into the void it is dropped; what is not sendable is EINVAL', () => {
  const f = xenFixture();
  const [a, b] = [f.domain('a'), f.domain('b')];
  allocUnbound(a, SELF, b.id);
  expect(send(a, 1)).toBe(0);
  bind(b, a.id, 1);
  b.d.evtchn.ops.clearPending(b.xen, b.d, b.d.evtchn.at(1)!);
  expect(send(a, 1)).toBe(0);
  expect([isPending(b, 1), isPending(a, 1)]).toEqual([true, false]);
  expect(send(b, 1)).toBe(0);
  expect(isPending(a, 1)).toBe(true);
  const virq = op(a, EVTCHNOP.bind_virq, pack(12, [0, 4, 0], [4, 4, 0]));
  expect([send(a, virq.out.getUint32(8, true)), send(a, 0), send(a, 50), send(a, 0xffff_ffff)]).toEqual([
    -22, -22, -22, -22,
  ]);
});

test('close leaves the other end unbound, for the same domain to bind again', () => {
  const f = xenFixture();
  const [a, b] = [f.domain('a'), f.domain('b')];
  allocUnbound(a, SELF, b.id);
  bind(b, a.id, 1);
  expect(close(b, 1)).toBe(0);
  expect([status(a, 1), close(b, 1), b.d.evtchn.at(1)]).toEqual([[1, 0, b.id, 0], -22, undefined]);
  const again = bind(b, a.id, 1);
  expect([again.rc, again.out.getUint32(8, true)]).toEqual([0, 1]);
});

test('a pending event is gone when its port is closed', () => {
  const f = xenFixture();
  const [a, b] = [f.domain('a'), f.domain('b')];
  allocUnbound(a, SELF, b.id);
  bind(b, a.id, 1);
  close(b, 1);
  expect(isPending(b, 1)).toBe(false);
});

test('ports run out at the limit of the domain', () => {
  const f = xenFixture();
  const a = f.domain('a', { maxEvtchnPort: 3 });
  expect([1, 2, 3, 4].map(() => allocUnbound(a, SELF, 0).rc)).toEqual([0, 0, 0, -28]);
  close(a, 2);
  expect(allocUnbound(a, SELF, 0).out.getUint32(4, true)).toBe(2);
});

test('virqs: global ones on vCPU 0 and once, others per vCPU', () => {
  const f = xenFixture();
  const a = f.domain('a', { maxVcpus: 2 });
  const virq = (n: number, vcpu: number) => op(a, EVTCHNOP.bind_virq, pack(12, [0, 4, n], [4, 4, vcpu])).rc;
  // 3 DOM_EXC and 5 are global, 0 TIMER and 1 DEBUG are not
  expect([virq(3, 1), virq(3, 0), virq(3, 0), virq(5, 1)]).toEqual([-22, 0, -17, -22]);
  expect([virq(1, 1), virq(1, 0), virq(1, 1), virq(24, 0), virq(0, 2)]).toEqual([0, 0, -17, -22, -2]);
  const bindVcpu = (port: number, vcpu: number) => op(a, EVTCHNOP.bind_vcpu, pack(8, [0, 4, port], [4, 4, vcpu])).rc;
  // ports: 1 DOM_EXC, 2 DEBUG of vCPU 1, 3 DEBUG of vCPU 0
  expect([bindVcpu(1, 1), bindVcpu(2, 0), bindVcpu(1, 2), bindVcpu(9, 0)]).toEqual([0, -22, -2, -22]);
  expect(status(a, 1)).toEqual([4, 1, 3, 0]);
  // A moved global virq is free again after close.
  expect([close(a, 1), virq(3, 0)]).toEqual([0, 0]);
  a.xen.evtchn.sendVirq(a.d, 3);
  expect(isPending(a, 1)).toBe(true);
});

test('IPI ports stay with their vCPU', () => {
  const f = xenFixture();
  const a = f.domain('a', { maxVcpus: 2 });
  const ipi = op(a, EVTCHNOP.bind_ipi, pack(8, [0, 4, 1]));
  const port = ipi.out.getUint32(4, true);
  expect([ipi.rc, status(a, port)]).toEqual([0, [5, 1, 0, 0]]);
  expect(op(a, EVTCHNOP.bind_vcpu, pack(8, [0, 4, port], [4, 4, 0])).rc).toBe(-22);
  expect(op(a, EVTCHNOP.bind_ipi, pack(8, [0, 4, 2])).rc).toBe(-2);
});

test('a Xen-consumed port: the guest cannot touch it, the emulator wakes the vCPU through it', () => {
  const f = xenFixture();
  const [guest, emulator] = [f.domain('guest'), f.domain('emulator')];
  const { xen } = f;
  const port = xen.evtchn.allocUnboundXen(guest.d, 0, emulator.id, 'ioreq');
  expect([send(guest, port), close(guest, port), op(guest, EVTCHNOP.bind_vcpu, pack(8, [0, 4, port])).rc]).toEqual([
    -22, -22, -22,
  ]);
  expect(status(guest, port)).toEqual([1, 0, emulator.id, 0]);
  xen.evtchn.notifyViaXen(guest.d, port); // unbound: nobody to tell
  bind(emulator, guest.id, port);
  emulator.d.evtchn.ops.clearPending(xen, emulator.d, emulator.d.evtchn.at(1)!);
  xen.evtchn.notifyViaXen(guest.d, port);
  expect(isPending(emulator, 1)).toBe(true);
  const v = guest.d.vcpus[0]!;
  v.pauseFlags |= 4;
  expect(send(emulator, 1)).toBe(0);
  expect([v.pauseFlags & 4, isPending(guest, port)]).toEqual([0, false]);
  xen.evtchn.freeXen(guest.d, port);
  expect([status(emulator, 1), send(emulator, 1)]).toEqual([[1, 0, guest.id, 0], 0]);
});

test('domain_kill closes everything; peers drop their sends and new binds fail', () => {
  const f = xenFixture();
  const [a, b] = [f.domain('a'), f.domain('b')];
  allocUnbound(a, SELF, b.id);
  allocUnbound(a, SELF, b.id);
  bind(b, a.id, 1);
  destroyDomain(f.xen, a.d);
  expect([send(b, 1), bind(b, a.id, 2).rc]).toEqual([0, -3]);
  expect(f.xen.evtchn.allocUnbound(a.d, b.id)).toBe(-22);
});

test("reset closes the guest's ports, not Xen's", () => {
  const f = xenFixture();
  const a = f.domain('a');
  allocUnbound(a, SELF, 0);
  const xenPort = f.xen.evtchn.allocUnboundXen(a.d, 0, 0, 'ioreq');
  expect(op(a, EVTCHNOP.reset, pack(2, [0, 2, SELF])).rc).toBe(0);
  expect([a.d.evtchn.at(1), a.d.evtchn.at(xenPort)?.state]).toEqual([undefined, 'unbound']);
});

test('a service is called once for several notifications, after its latency', () => {
  const f = xenFixture();
  const { xen } = f;
  const a = f.domain('a');
  const seen: number[] = [];
  const service: XenService = {
    latency: 'console.drain',
    onEvent: (port) => void seen.push(port),
    save: () => null,
    load: () => {},
  };
  xen.services.set('test', service);
  const port = xen.evtchn.allocUnbound(a.d, 0);
  const local = xen.evtchn.bindInterdomain(f.dom0.d, a.id, port, 'test');
  send(a, port);
  send(a, port);
  expect(seen).toEqual([]);
  const due = xen.clock.now() + xen.costTicks('console.drain');
  f.machine.run(1, due + 1n);
  expect(seen).toEqual([local]);
});

test("a vCPU of another pCPU sees the event at the sender's time, not before", () => {
  const f = xenFixture();
  const [a, b] = [f.domain('a'), f.domain('b', { affinity: [1] })];
  allocUnbound(a, SELF, b.id);
  expect(bind(b, a.id, 1).rc).toBe(0);
  b.d.evtchn.ops.clearPending(f.xen, b.d, b.d.evtchn.at(1)!);
  f.machine.cores[0]!.cycles += 1000;
  expect(send(a, 1)).toBe(0);
  expect(isPending(b, 1)).toBe(false);
  const sent = BigInt(f.machine.cores[0]!.cycles * f.machine.cores[0]!.ticksPerCycle);
  f.machine.run(1, sent + 1n);
  expect(isPending(b, 1)).toBe(true);
});

test('arguments that cannot be read are EFAULT, unknown commands ENOSYS, and nothing changes', () => {
  const f = xenFixture();
  const a = f.domain('a');
  const bad = 0x3000_0000;
  const cmds = [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
  expect(cmds.map((cmd) => a.call(HYPERVISOR.event_channel_op, cmd, bad))).toEqual(cmds.map(() => -14));
  expect([2, 14, 0xffff_ffff].map((cmd) => a.call(HYPERVISOR.event_channel_op, cmd, bad))).toEqual([-38, -38, -38]);
  expect(a.d.evtchn.channels.length).toBe(1);
});
