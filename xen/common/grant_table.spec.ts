import { expect, test } from 'vitest';
import type { Caller } from '../../test/xen-fixture.js';
import { pack, RAM_GFN, xenFixture } from '../../test/xen-fixture.js';
import { destroyDomain } from './domctl.js';

// struct grant_entry_v1: flags u16 @0 (1 permit, 4 read-only, 8 reading, 16 writing), domid u16 @2, frame u32 @4.
// map: host_addr @0, flags @8 (2 host map, 4 read-only), ref @12, dom @16, status @18, handle @20, dev_bus_addr @24;
// unmap: host_addr @0, handle @16, status @20 (xen: xen/include/public/grant_table.h).
const GRANT_OP = 20;
const ARGS = 0x4000_4000;
const AT = 0x5000_0000;
const SELF = 0x7ff0;
const [HOST, READ_ONLY] = [2, 4];

function op(c: Caller, cmd: number, bytes: Uint8Array, count = 1): { rc: number; out: DataView } {
  c.write(ARGS, bytes);
  return { rc: c.call(GRANT_OP, cmd, ARGS, count), out: c.view(ARGS, bytes.length) };
}

function map(c: Caller, dom: number, ref: number, flags = HOST, at: number | bigint = AT) {
  const { rc, out } = op(c, 0, pack(32, [0, 8, at], [8, 4, flags], [12, 4, ref], [16, 2, dom]));
  return { rc, status: out.getInt16(18, true), handle: out.getUint32(20, true), bus: out.getBigUint64(24, true) };
}

function unmap(c: Caller, handle: number, at = AT): number {
  return op(c, 1, pack(24, [0, 8, at], [16, 4, handle])).out.getInt16(20, true);
}

function setup() {
  const f = xenFixture();
  const guest = f.domain('guest');
  const backend = f.domain('DomD');
  const { xen } = f;
  xen.gnttab.frame(guest.d, 0);
  const grant = (ref: number, to: number, gfn: number, flags = 1): void => {
    xen.memory.write(xen.gnttab.entryPa(guest.d, ref)!, pack(8, [0, 2, flags], [2, 2, to], [4, 4, gfn]));
  };
  const flags = (ref: number): number => xen.memory.read16(xen.gnttab.entryPa(guest.d, ref)!);
  return { f, xen, guest, backend, grant, flags };
}

test('a granted frame is mapped, marked in use and pinned, until it is unmapped', () => {
  const { xen, guest, backend, grant, flags } = setup();
  grant(9, backend.id, RAM_GFN + 3);
  guest.write(0x4000_3000, Uint8Array.of(7));
  const pa = guest.pa(0x4000_3000);
  const done = map(backend, guest.id, 9);
  expect(done).toEqual({ rc: 0, status: 0, handle: 0, bus: BigInt(pa) });
  expect([flags(9), xen.heap.refs(pa), backend.read(AT, 1)[0], backend.d.p2m.lookup(AT / 4096)?.type]).toEqual([
    1 | 8 | 16,
    2,
    7,
    8,
  ]);
  expect([unmap(backend, 0), flags(9), xen.heap.refs(pa), backend.d.p2m.lookup(AT / 4096)]).toEqual([
    0,
    1,
    1,
    undefined,
  ]);
  expect(unmap(backend, 0)).toBe(-4);
});

test('read-only mapping; the in-use flags follow the mappings that are left', () => {
  const { guest, backend, grant, flags } = setup();
  grant(9, backend.id, RAM_GFN + 3);
  const writable = map(backend, guest.id, 9).handle;
  const reader = map(backend, guest.id, 9, HOST | READ_ONLY, AT + 4096);
  expect([reader.status, backend.d.p2m.lookup(AT / 4096 + 1)?.type]).toEqual([0, 9]);
  unmap(backend, writable);
  expect(flags(9)).toBe(1 | 8);
  unmap(backend, reader.handle, AT + 4096);
  expect(flags(9)).toBe(1);
});

test('each refusal has its status, and changes nothing', () => {
  const { guest, backend, grant, flags, f } = setup();
  grant(1, backend.id, RAM_GFN, 1 | 4);
  grant(2, 77, RAM_GFN);
  grant(3, backend.id, RAM_GFN, 0);
  grant(4, backend.id, 0x30000);
  grant(5, backend.id, RAM_GFN);
  grant(6, backend.id, 0xffff_ffff);
  const status = (ref: number, wanted = HOST, dom = guest.id, at: number | bigint = AT): number =>
    map(backend, dom, ref, wanted, at).status;
  expect([status(5, HOST, 99), status(512), status(0xffff_ffff), status(5, 0), status(5, READ_ONLY)]).toEqual([
    -2, -3, -3, -3, -3,
  ]);
  expect([status(1), status(2), status(3), status(4), status(6)]).toEqual([-1, -1, -1, -1, -1]);
  expect([
    status(5, HOST, guest.id, AT + 8),
    status(5, HOST, guest.id, 1n << 40n),
    status(5, HOST, guest.id, (1n << 64n) - 4096n),
  ]).toEqual([-1, -1, -1]);
  expect([1, 2, 3, 4, 5, 6].map(flags)).toEqual([5, 1, 0, 1, 1, 1]);
  expect([backend.d.grants.maptrack.size, f.xen.heap.refs(guest.pa(0x4000_0000))]).toEqual([0, 1]);
  expect(status(1, HOST | READ_ONLY)).toBe(0);
});

test("a frame that is not the granter's own is not handed on", () => {
  const { guest, backend, grant, f } = setup();
  const pa = f.dom0.pa(0x4000_0000);
  f.xen.heap.getPage(pa);
  guest.d.p2m.map(0x60000, pa, 1, 6); // a foreign mapping of Dom0's page
  grant(1, backend.id, 0x60000);
  expect(map(backend, guest.id, 1).status).toBe(-1);
});

test('a granter that frees the page does not free it under the mapping; a dead granter neither', () => {
  const { xen, guest, backend, grant } = setup();
  grant(9, backend.id, RAM_GFN + 3);
  const pa = guest.pa(0x4000_3000);
  const { handle } = map(backend, guest.id, 9);
  guest.write(0x4000_1000, pack(8, [0, 8, RAM_GFN + 3]));
  expect(guest.op(12, 1, pack(32, [0, 8, 0x4000_1000], [8, 8, 1], [24, 2, SELF])).rc).toBe(1);
  expect(xen.heap.owner(pa)).toBe(guest.id);
  destroyDomain(xen, guest.d);
  expect(xen.domain(guest.id)?.isDying).toBe(2);
  expect([unmap(backend, handle), xen.heap.owner(pa), xen.domain(guest.id)]).toEqual([0, undefined, undefined]);
});

test('a mapper that dies gives its grants back', () => {
  const { xen, guest, backend, grant, flags } = setup();
  grant(9, backend.id, RAM_GFN + 3);
  map(backend, guest.id, 9);
  destroyDomain(xen, backend.d);
  expect([flags(9), xen.heap.refs(guest.pa(0x4000_3000)), xen.domain(backend.id)]).toEqual([1, 1, undefined]);
});

test("unmapping does not touch what has taken the mapping's place", () => {
  const { guest, backend, grant } = setup();
  grant(9, backend.id, RAM_GFN + 3);
  const { handle } = map(backend, guest.id, 9);
  backend.d.p2m.map(AT / 4096, backend.pa(0x4000_0000), 1, 1);
  expect([unmap(backend, handle), backend.d.p2m.lookup(AT / 4096)?.type]).toEqual([0, 1]);
});

test('several operations in one call; a bad array is EFAULT', () => {
  const { guest, backend, grant } = setup();
  grant(0, backend.id, RAM_GFN);
  grant(1, backend.id, RAM_GFN + 1);
  const two = new Uint8Array(64);
  two.set(pack(32, [0, 8, AT], [8, 4, HOST], [12, 4, 0], [16, 2, guest.id]));
  two.set(pack(32, [0, 8, AT + 4096], [8, 4, HOST], [12, 4, 1], [16, 2, guest.id]), 32);
  const { rc, out } = op(backend, 0, two, 2);
  expect([
    rc,
    out.getInt16(18, true),
    out.getUint32(20, true),
    out.getInt16(50, true),
    out.getUint32(52, true),
  ]).toEqual([0, 0, 0, 0, 1]);
  expect([
    backend.call(GRANT_OP, 0, 0x3000_0000, 1),
    backend.call(GRANT_OP, 0, ARGS, 0x8000_0000),
    backend.call(GRANT_OP, 0, ARGS, 0),
  ]).toEqual([-14, -22, 0]);
});

test('handles run out at the limit of the mapper', () => {
  const f = xenFixture();
  const guest = f.domain('guest');
  const backend = f.domain('DomD', { maxMaptrackFrames: 0 });
  f.xen.gnttab.frame(guest.d, 0);
  f.xen.memory.write(f.xen.gnttab.entryPa(guest.d, 1)!, pack(8, [0, 2, 1], [2, 2, backend.id], [4, 4, RAM_GFN]));
  expect(map(backend, guest.id, 1).status).toBe(-7);
});

test('query_size, setup_table, set_version, get_version', () => {
  const { guest, backend } = setup();
  const query = (dom: number) => {
    const { rc, out } = op(guest, 6, pack(16, [0, 2, dom]));
    return [rc, out.getUint32(4, true), out.getUint32(8, true), out.getInt16(12, true)];
  };
  expect([query(SELF), query(99).at(-1), query(backend.id).at(-1)]).toEqual([[0, 1, 64, 0], -2, -8]);
  const setup_ = (frames: number) => op(guest, 2, pack(24, [0, 2, SELF], [4, 4, frames])).out.getInt16(8, true);
  expect([setup_(3), setup_(65), guest.d.grants.frames.length]).toEqual([0, -1, 3]);
  const version = (v: number) => {
    const { rc, out } = op(guest, 8, pack(4, [0, 4, v]));
    return [rc, out.getUint32(0, true)];
  };
  expect([version(1), version(2), version(3)]).toEqual([
    [0, 1],
    [-38, 1],
    [-22, 1],
  ]);
  const got = op(guest, 10, pack(8, [0, 2, SELF]));
  expect([got.rc, got.out.getUint32(4, true)]).toEqual([0, 1]);
  expect([6, 8, 10, 2].map((cmd) => guest.call(GRANT_OP, cmd, ARGS, 2))).toEqual([-22, -22, -22, -22]);
});

test('saved and restored', () => {
  const { guest, backend, grant, flags } = setup();
  grant(9, backend.id, RAM_GFN + 3);
  const { handle } = map(backend, guest.id, 9);
  const saved = JSON.parse(JSON.stringify(backend.d.grants.save()));
  backend.d.grants.maptrack.clear();
  backend.d.grants.load(saved);
  expect([unmap(backend, handle), flags(9)]).toEqual([0, 1]);
});
