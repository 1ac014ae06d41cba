import { expect, test } from 'vitest';
import type { Caller } from '../../test/xen-fixture.js';
import { pack, xenFixture, type XenFixture } from '../../test/xen-fixture.js';
import { HYPERVISOR } from '../public/xen.js';

// struct xen_dm_op: op u32 @0, pad u32 @4, payload @8 (xen-ioreq.md 2.1, 2.2); xen_dm_op_buf: handle u64 @0, size u64 @8.
const OP = 0x4000_0000;
const BUFS = 0x4000_0100;
const [CREATE, INFO, MAP, UNMAP, STATE, DESTROY, SET_IRQ, NR_VCPUS] = [1, 2, 3, 4, 5, 6, 19, 20];

type Field = readonly [offset: number, width: 1 | 2 | 4 | 8, value: number | bigint];

/** One dm_op; field offsets are in the payload. */
function dm(
  c: Caller,
  domid: number,
  op: number,
  fields: readonly Field[] = [],
  size = 32,
  pad = 0,
): { rc: number; payload: DataView } {
  c.write(
    OP,
    pack(32, [0, 4, op], [4, 4, pad], ...fields.map(([at, width, value]) => [at + 8, width, value] as const)),
  );
  c.write(BUFS, pack(16, [0, 8, OP], [8, 8, size]));
  const rc = c.call(HYPERVISOR.dm_op, domid, 1, BUFS);
  return { rc, payload: c.view(OP + 8, 24) };
}

function setup(): { f: XenFixture; guest: Caller; emulator: Caller } {
  const f = xenFixture();
  const guest = f.domain('guest', { maxVcpus: 2, nrSpis: 2 });
  return { f, guest, emulator: f.domain('DomD', { deviceModelPrivilege: true }) };
}

const range = (id: number, type: number, start: number, end: number): Field[] => [
  [0, 2, id],
  [4, 4, type],
  [8, 8, start],
  [16, 8, end],
];

test('checks come in the order of the table', () => {
  const { f, guest, emulator } = setup();
  const call = (nr: number, at: number, domid = guest.id): number => emulator.call(HYPERVISOR.dm_op, domid, nr, at);
  emulator.write(BUFS, pack(32, [0, 8, OP], [8, 8, 32]));
  emulator.write(OP, pack(32, [0, 4, NR_VCPUS]));
  expect(call(0, BUFS)).toBe(-61);
  expect(call(3, BUFS)).toBe(-7);
  expect(call(1, 0x3000_0000, 99)).toBe(-14); // before the domain is looked at
  expect(call(1, BUFS, 99)).toBe(-3);
  expect([call(1, BUFS, emulator.id), call(1, BUFS, 0x7ff0)]).toEqual([-1, -1]);
  expect(call(2, BUFS)).toBe(0);
  const stranger = f.domain('stranger');
  expect(dm(stranger, guest.id, NR_VCPUS).rc).toBe(-1);
  expect(dm(emulator, guest.id, NR_VCPUS, [], 7).rc).toBe(-14);
  expect([dm(emulator, guest.id, 21).rc, dm(emulator, guest.id, 0xffff_ffff).rc]).toEqual([-95, -95]);
  expect(dm(emulator, guest.id, NR_VCPUS, [], 11).rc).toBe(-14); // 8 + 4 needed
  expect(dm(emulator, guest.id, NR_VCPUS, [], 12, 1).rc).toBe(-22);
  for (const op of [0, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18])
    expect([op, dm(emulator, guest.id, op).rc]).toEqual([op, -95]);
  expect(dm(f.dom0, guest.id, NR_VCPUS).rc).toBe(0);
});

test('nr_vcpus gives the configured maximum', () => {
  const { guest, emulator } = setup();
  const { rc, payload } = dm(emulator, guest.id, NR_VCPUS);
  expect([rc, payload.getUint32(0, true)]).toEqual([0, 2]);
});

test('the result that cannot be put back is EFAULT', () => {
  const { guest, emulator } = setup();
  // The structure lies in a page that is read-only for the caller.
  const gfn = 0x50000;
  const pa = emulator.xen.heap.allocPages(0, emulator.id)!;
  emulator.d.p2m.map(gfn, pa, 1, 2);
  emulator.xen.memory.write(pa, pack(32, [0, 4, NR_VCPUS]));
  emulator.write(BUFS, pack(16, [0, 8, gfn * 4096], [8, 8, 32]));
  expect(emulator.call(HYPERVISOR.dm_op, guest.id, 1, BUFS)).toBe(-14);
});

test('create: lowest free id of 0..7, padding and bufioreq refused', () => {
  const { guest, emulator } = setup();
  expect(dm(emulator, guest.id, CREATE, [[1, 1, 1]]).rc).toBe(-22);
  expect([1, 2, 3].map((mode) => dm(emulator, guest.id, CREATE, [[0, 1, mode]]).rc)).toEqual([-22, -22, -22]);
  const ids = Array.from({ length: 9 }, () => {
    const { rc, payload } = dm(emulator, guest.id, CREATE);
    return rc < 0 ? rc : payload.getUint16(4, true);
  });
  expect(ids).toEqual([0, 1, 2, 3, 4, 5, 6, 7, -28]);
  expect(dm(emulator, guest.id, DESTROY, [[0, 2, 3]]).rc).toBe(0);
  expect(dm(emulator, guest.id, CREATE).payload.getUint16(4, true)).toBe(3);
  expect(guest.d.pauseCount).toBe(1); // paused and unpaused each time
});

test('create takes one Xen-consumed port of the guest per vCPU, and gives them back', () => {
  const { guest, emulator } = setup();
  dm(emulator, guest.id, CREATE);
  expect(
    [1, 2].map((p) => guest.d.evtchn.at(p)).map((ch) => [ch?.state, ch?.remoteDomid, ch?.notifyVcpu, ch?.xenConsumer]),
  ).toEqual([
    ['unbound', emulator.id, 0, 'ioreq'],
    ['unbound', emulator.id, 1, 'ioreq'],
  ]);
  dm(emulator, guest.id, DESTROY, [[0, 2, 0]]);
  expect([guest.d.evtchn.at(1), guest.d.evtchn.at(2), emulator.d.refs]).toEqual([undefined, undefined, 1]);
});

test('create without ports leaves nothing behind', () => {
  const f = xenFixture();
  const emulator = f.domain('DomD', { deviceModelPrivilege: true });
  const guest = f.domain('guest', { maxVcpus: 2, maxEvtchnPort: 1 });
  expect(dm(emulator, guest.id, CREATE).rc).toBe(-28);
  expect([guest.d.evtchn.at(1), guest.d.ioreq.servers[0], guest.d.pauseCount, emulator.d.refs]).toEqual([
    undefined,
    undefined,
    1,
    1,
  ]);
});

test('servers belong to their emulator', () => {
  const { f, guest, emulator } = setup();
  dm(emulator, guest.id, CREATE);
  const ops: [number, Field[]][] = [
    [INFO, [[2, 2, 1]]],
    [MAP, range(0, 1, 0, 1)],
    [UNMAP, range(0, 1, 0, 1)],
    [STATE, [[2, 1, 1]]],
    [DESTROY, []],
  ];
  for (const [op, fields] of ops) {
    expect([op, dm(f.dom0, guest.id, op, fields).rc]).toEqual([op, -1]);
    expect([op, dm(emulator, guest.id, op, [...fields, [0, 2, 5]]).rc]).toEqual([op, -2]);
    expect([op, dm(emulator, guest.id, op, [...fields, [0, 2, 0xffff]]).rc]).toEqual([op, -2]);
  }
});

test('get_info: only no_gfns works on Arm, and leaves the port alone', () => {
  const { guest, emulator } = setup();
  dm(emulator, guest.id, CREATE);
  expect([dm(emulator, guest.id, INFO).rc, dm(emulator, guest.id, INFO, [[2, 2, 2]]).rc]).toEqual([-95, -22]);
  const { rc, payload } = dm(emulator, guest.id, INFO, [
    [2, 2, 1],
    [4, 4, 0x1234],
  ]);
  expect([rc, payload.getUint32(4, true)]).toEqual([0, 0x1234]);
});

test('ranges: overlap, order, type, padding, 256 of a type', () => {
  const { guest, emulator } = setup();
  dm(emulator, guest.id, CREATE);
  const map = (type: number, start: number, end: number): number =>
    dm(emulator, guest.id, MAP, range(0, type, start, end)).rc;
  const unmap = (type: number, start: number, end: number): number =>
    dm(emulator, guest.id, UNMAP, range(0, type, start, end)).rc;
  expect(dm(emulator, guest.id, MAP, [...range(0, 1, 0, 1), [2, 2, 1]]).rc).toBe(-22);
  expect([
    map(1, 2, 1),
    map(3, 0, 1),
    map(1, 0x200, 0x3ff),
    map(1, 0x3ff, 0x400),
    map(1, 0x100, 0x200),
    map(0, 0x200, 0x3ff),
  ]).toEqual([-22, -22, 0, -17, -17, 0]);
  expect([
    unmap(1, 0x100, 0x200),
    unmap(1, 0x300, 0x37f),
    unmap(1, 0x200, 0x3ff),
    unmap(1, 0x380, 0x3ff),
    unmap(3, 0, 0),
  ]).toEqual([-2, 0, -2, 0, -22]);
  expect(guest.d.ioreq.servers[0]!.ranges[1]!.ranges).toEqual([{ start: 0x200n, end: 0x2ffn }]);
  for (let i = 1; i < 256; i++) expect(map(1, i * 0x1000, i * 0x1000)).toBe(0);
  expect([map(1, 0x200_0000, 0x200_0000), map(1, 0x1001, 0x1001)]).toEqual([-12, 0]);
});

test('set_irq_level: range, level, padding, reserved interrupts', () => {
  const { guest, emulator } = setup();
  const level = (irq: number, value: number, pad = 0): number =>
    dm(emulator, guest.id, SET_IRQ, [
      [0, 4, irq],
      [4, 1, value],
      [7, 1, pad],
    ]).rc;
  const inflight = (): number[] => [33, 63].filter((irq) => guest.d.vcpus[0]!.arch.vgic.isInflight(irq));
  expect([level(31, 1), level(64, 1), level(0xffff_ffff, 1), level(33, 2), level(33, 1, 1)]).toEqual([
    -22, -22, -22, -22, -22,
  ]);
  guest.d.vgic.reserve(40);
  expect([level(40, 1), level(33, 0)]).toEqual([-22, 0]);
  expect(inflight()).toEqual([]); // level 0 does nothing
  expect([level(33, 1), level(63, 1)]).toEqual([0, 0]);
  expect(inflight()).toEqual([33, 63]);
  const none = emulator.xen.createDomain({ name: 'x', uuid: '', kind: 'guest', options: { nrSpis: 0 } });
  expect(
    dm(emulator, none.id, SET_IRQ, [
      [0, 4, 33],
      [4, 1, 1],
    ]).rc,
  ).toBe(-22);
});

test('set_state: padding refused; on the first enable the slots get their ports', () => {
  const { guest, emulator } = setup();
  dm(emulator, guest.id, CREATE);
  expect(dm(emulator, guest.id, STATE, [[3, 1, 1]]).rc).toBe(-22);
  const page = guest.xen.ioreq.getFrame(emulator.d, guest.d, 0, 1);
  expect(dm(emulator, guest.id, STATE, [[2, 1, 0xff]]).rc).toBe(0);
  expect([guest.xen.memory.read32(page + 24), guest.xen.memory.read32(page + 32 + 24)]).toEqual([1, 2]);
  // Enabling again writes nothing.
  guest.xen.memory.write32(page + 24, 0);
  expect(dm(emulator, guest.id, STATE, [[2, 1, 1]]).rc).toBe(0);
  expect(guest.xen.memory.read32(page + 24)).toBe(0);
});
