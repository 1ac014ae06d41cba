import { expect, test } from 'vitest';
import { pack, RAM_GFN, xenFixture, type Caller } from '../../test/xen-fixture.js';

// Numbers and structures: xen-ioreq.md 7.2 to 7.4.
const [XEN_VERSION, VM_ASSIST, VCPU_OP, SCHED_OP, EVENT_OP, HVM_OP] = [17, 21, 24, 29, 32, 34];
const ARGS = 0x4000_2000;
const UNMAPPED = 0x3000_0000;
const SELF = 0x7ff0;

const args = (c: Caller, ...fields: Parameters<typeof pack>[1][]): number => {
  c.write(ARGS, pack(64, ...fields));
  return ARGS;
};

test('numbers that Xen does not have are ENOSYS, what is not for guests EPERM', () => {
  const f = xenFixture();
  const a = f.domain('a');
  expect([0, 1, 22, 40, 63, 255, 0xffff_ffff].map((nr) => a.call(nr))).toEqual([-38, -38, -38, -38, -38, -38, -38]);
  expect([7, 35].map((nr) => a.call(nr))).toEqual([-1, -1]);
});

test('xen_version: version, features of a domU, page size, uuid', () => {
  const f = xenFixture();
  const a = f.domain('a');
  expect(a.call(XEN_VERSION, 0)).toBe((4 << 16) | 23);
  expect(a.call(XEN_VERSION, 1, ARGS)).toBe(0);
  expect(Buffer.from(a.read(ARGS, 16)).toString('latin1').replace(/\0+$/, '')).toBe('-unstable');
  // writable_page_tables 0, auto_translated 2, vnode 13, SMCCC 14, not direct mapped 16, runstate_phys_area 18
  expect([a.call(XEN_VERSION, 6, args(a, [0, 4, 0])), a.u32(ARGS + 4)]).toEqual([0, 0x5_6005]);
  expect([a.call(XEN_VERSION, 6, args(a, [0, 4, 1])), a.call(XEN_VERSION, 7, 0), a.call(XEN_VERSION, 7, 1)]).toEqual([
    -22, 4096, -22,
  ]);
  expect([f.dom0.call(XEN_VERSION, 6, args(f.dom0)), f.dom0.u32(ARGS + 4)]).toEqual([0, 0x5_6805]);
  expect([a.call(XEN_VERSION, 8, ARGS), Buffer.from(a.read(ARGS, 16)).toString('hex')]).toEqual([
    0,
    '00000000000000000000000000000001',
  ]);
  expect([1, 2, 3, 4, 5, 6, 8, 9].map((cmd) => a.call(XEN_VERSION, cmd, UNMAPPED))).toEqual(new Array(8).fill(-14));
  expect(a.call(XEN_VERSION, 77, ARGS)).toBe(-38);
});

test('hvm_op: who may read and set which parameter', () => {
  const f = xenFixture();
  const a = f.domain('a');
  const get = (c: Caller, index: number, dom = SELF) => [
    c.call(HVM_OP, 1, args(c, [0, 2, dom], [4, 4, index])),
    c.view(ARGS, 16).getBigUint64(8, true),
  ];
  const set = (c: Caller, index: number, value: number, dom = SELF) =>
    c.call(HVM_OP, 0, args(c, [0, 2, dom], [4, 4, index], [8, 8, value]));
  expect(get(a, 0)).toEqual([0, 0x0200_0000_0000_021fn]);
  expect([0, 1, 2, 17, 18, 28].map((i) => set(a, i, 1))).toEqual(new Array(6).fill(-1));
  expect([5, 6, 32, 33, 3, 19, 0xffff_ffff].map((i) => [set(a, i, 1), get(a, i)[0]])).toEqual(
    new Array(7).fill([-22, -22]),
  );
  expect([set(f.dom0, 17, 0x39000, a.id), get(a, 17), get(a, 28)[0], get(f.dom0, 28, a.id)]).toEqual([
    0,
    [0, 0x39000n],
    -1,
    [0, 0n],
  ]);
  expect([get(a, 1, 0)[0], get(a, 1, 99)[0], a.call(HVM_OP, 1, UNMAPPED), a.call(HVM_OP, 9, ARGS)]).toEqual([
    -1, -3, -14, -38,
  ]);
});

test('vcpu_op: register_vcpu_info once, aligned, within the page, own or offline vCPU', () => {
  const f = xenFixture();
  const a = f.domain('a', { maxVcpus: 3 });
  const register = (vcpu: number, mfn: number | bigint, offset: number): number =>
    a.call(VCPU_OP, 10, vcpu, args(a, [0, 8, mfn], [8, 4, offset]));
  expect([
    register(3, RAM_GFN, 0),
    register(0, RAM_GFN, 4049),
    register(0, RAM_GFN, 4),
    register(0, 0x30000, 0),
    register(0, 1n << 40n, 0),
  ]).toEqual([-2, -22, -22, -22, -22]);
  expect(register(1, RAM_GFN, 64)).toBe(-22); // another vCPU that is online
  a.d.vcpus[2]!.pauseFlags |= 2;
  expect([register(2, RAM_GFN, 128), register(0, RAM_GFN, 4048), register(0, RAM_GFN, 0)]).toEqual([0, 0, -22]);
  // Everything is shown as pending once; the page cannot go away under Xen.
  const info = a.view(0x4000_0000 + 4048, 48);
  expect([info.getUint8(0), info.getBigUint64(8, true), f.xen.heap.refs(a.pa(0x4000_0000))]).toEqual([
    1,
    (1n << 64n) - 1n,
    3,
  ]);
  expect([a.d.vcpus[0]!.arch.vgic.isInflight(31), a.d.vcpus[2]!.arch.vgic.isInflight(31)]).toEqual([true, false]);
  expect([a.call(VCPU_OP, 10, 1, UNMAPPED), a.call(VCPU_OP, 5, 1, UNMAPPED), a.call(VCPU_OP, 3, 0, ARGS)]).toEqual([
    -14, -14, -22,
  ]);
});

test('sched_op: shutdown takes eight bits of the reason', () => {
  const f = xenFixture();
  const a = f.domain('a');
  expect([a.call(SCHED_OP, 2, UNMAPPED), a.call(SCHED_OP, 77, ARGS), a.d.isShuttingDown]).toEqual([-14, -38, false]);
  expect([a.call(SCHED_OP, 2, args(a, [0, 4, 0x101])), a.d.shutdown]).toEqual([0, { code: 1 }]);
});

test('sched_op poll: returns at once if a port is pending, else sleeps until one is', () => {
  const f = xenFixture();
  const a = f.domain('a');
  const v = a.d.vcpus[0]!;
  const [p, q] = [0, 0].map(() => f.xen.evtchn.bindIpi(a.d, 0));
  const poll = (...ports: number[]): number => {
    ports.forEach((port, i) => a.write(ARGS + 64 + 4 * i, pack(4, [0, 4, port])));
    return a.call(SCHED_OP, 3, args(a, [0, 8, ARGS + 64], [8, 4, ports.length]));
  };
  expect([
    poll(99),
    a.call(SCHED_OP, 3, args(a, [8, 4, 129])),
    a.call(SCHED_OP, 3, UNMAPPED),
    a.call(SCHED_OP, 3, args(a, [0, 8, UNMAPPED], [8, 4, 1])),
  ]).toEqual([-22, -22, -14, -14]);
  expect([v.pauseFlags & 1, v.pollEvtchn]).toEqual([0, 0]);
  // Mask both, so that becoming pending is no upcall.
  f.xen.memory.write8(a.d.sharedInfoPa + 560, 0xff);
  expect([poll(p!), v.pauseFlags & 1]).toEqual([0, 1]);
  f.xen.evtchn.send(a.d, q!);
  expect(v.pauseFlags & 1).toBe(1);
  f.xen.evtchn.send(a.d, p!);
  expect([v.pauseFlags & 1, v.pollEvtchn]).toEqual([0, 0]);
  expect([poll(p!), v.pauseFlags & 1]).toEqual([0, 0]); // still pending
});

test('sched_op poll: a timeout in system time ends it', () => {
  const f = xenFixture();
  const a = f.domain('a');
  const v = a.d.vcpus[0]!;
  const port = f.xen.evtchn.bindIpi(a.d, 0);
  f.xen.memory.write8(a.d.sharedInfoPa + 560, 0xff);
  a.write(ARGS + 64, pack(4, [0, 4, port]));
  expect(a.call(SCHED_OP, 3, args(a, [0, 8, ARGS + 64], [8, 4, 1], [16, 8, 2_000_000]))).toBe(0);
  // 2 ms at 5990.4 MHz
  expect(f.xen.timers.when({ kind: 'poll', domid: a.id, vcpu: 0 })).toBe(11_980_800n);
  f.machine.run(undefined, 11_900_000n);
  expect(v.pauseFlags & 1).toBe(1);
  f.machine.run(undefined, 12_100_000n);
  expect([v.pauseFlags & 1, v.pollEvtchn]).toEqual([0, 0]);
});

test('vm_assist: only the runstate flag exists', () => {
  const f = xenFixture();
  const a = f.domain('a');
  expect([a.call(VM_ASSIST, 0, 5), a.d.vmAssist, a.call(VM_ASSIST, 1, 5), a.d.vmAssist]).toEqual([0, 32, 0, 0]);
  expect([a.call(VM_ASSIST, 0, 4), a.call(VM_ASSIST, 2, 5), a.call(VM_ASSIST, 0, 63)]).toEqual([-22, -38, -22]);
});

test('no arguments whatever make a hypercall throw', () => {
  const f = xenFixture();
  const a = f.domain('a', { maxVcpus: 2 });
  const odd = [0, 1, 5, ARGS, UNMAPPED, 0x4000_fff8, 0xffff_ffffn, (1n << 64n) - 1n, 1n << 63n];
  for (const nr of [12, 13, 17, 18, 20, 21, 24, EVENT_OP, 33, 34, 41, 42]) {
    for (let cmd = 0; cmd < 32; cmd++) {
      for (const x of odd) {
        a.write(ARGS, new Uint8Array(64).fill((cmd * 37) & 0xff));
        // SCHED_OP is left out: it would put the caller to sleep. Counts stay small: each element costs a copy.
        expect(typeof a.call(nr, cmd, x, nr === 20 ? 3 : x, ARGS)).toBe('number');
      }
    }
  }
});
