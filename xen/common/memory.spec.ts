import { expect, test } from 'vitest';
import { pack, RAM_GFN, xenFixture, type Caller } from '../../test/xen-fixture.js';
import { destroyDomain } from './domctl.js';

// Structures: xen-ioreq.md 3.1, 3.2, 7.2. memory_op is hypercall 12.
const MEMORY_OP = 12;
const SELF = 0x7ff0;
const LISTS = 0x4000_1000;
const FREE = 0x5_0000; // a gfn with nothing at it

const op = (c: Caller, cmd: number, bytes: Uint8Array) => c.op(MEMORY_OP, cmd, bytes);
const addToPhysmap = (c: Caller, space: number, idx: number | bigint, gpfn: number | bigint, domid = SELF): number =>
  op(c, 7, pack(24, [0, 2, domid], [4, 4, space], [8, 8, idx], [16, 8, gpfn])).rc;
const remove = (c: Caller, gpfn: number, domid = SELF): number => op(c, 15, pack(16, [0, 2, domid], [8, 8, gpfn])).rc;

/** add_to_physmap_batch: result, and the result of each page. */
function batch(
  c: Caller,
  foreign: number,
  pages: readonly (readonly [idx: number | bigint, gpfn: number | bigint])[],
  space = 4,
  domid = SELF,
) {
  pages.forEach(([idx, gpfn], i) => {
    c.write(LISTS + 8 * i, pack(8, [0, 8, idx]));
    c.write(LISTS + 0x400 + 8 * i, pack(8, [0, 8, gpfn]));
  });
  c.write(LISTS + 0x800, new Uint8Array(4 * pages.length).fill(0x55));
  const { rc } = op(
    c,
    23,
    pack(
      32,
      [0, 2, domid],
      [2, 2, space],
      [4, 2, pages.length],
      [6, 2, foreign],
      [8, 8, LISTS],
      [16, 8, LISTS + 0x400],
      [24, 8, LISTS + 0x800],
    ),
  );
  const errs = c.view(LISTS + 0x800, 4 * pages.length);
  return { rc, errs: pages.map((_, i) => errs.getInt32(4 * i, true)) };
}

interface Resource {
  domid: number;
  type?: number;
  id?: number;
  count?: number;
  pad?: number;
  frame?: number | bigint;
  gfns?: readonly (number | bigint)[];
  list?: number;
}

function acquire(c: Caller, r: Resource) {
  const gfns = r.gfns ?? [FREE];
  gfns.forEach((gfn, i) => c.write(LISTS + 8 * i, pack(8, [0, 8, gfn])));
  const { rc, out } = op(
    c,
    28,
    pack(
      32,
      [0, 2, r.domid],
      [2, 2, r.type ?? 0],
      [4, 4, r.id ?? 0],
      [8, 4, r.count ?? gfns.length],
      [12, 4, r.pad ?? 0],
      [16, 8, r.frame ?? 1],
      [24, 8, r.list ?? LISTS],
    ),
  );
  return { rc, count: out.getUint32(8, true) };
}

const reservation = (c: Caller, cmd: number, gfns: readonly number[], order = 0, domid = SELF): number => {
  gfns.forEach((gfn, i) => c.write(LISTS + 8 * i, pack(8, [0, 8, gfn])));
  return op(c, cmd, pack(32, [0, 8, LISTS], [8, 8, gfns.length], [16, 4, order], [24, 2, domid])).rc;
};

function setup() {
  const f = xenFixture();
  const guest = f.domain('guest', { maxVcpus: 2 });
  const domd = f.domain('DomD', { deviceModelPrivilege: true });
  return { f, guest, domd, heap: f.xen.heap };
}

test('foreign mapping: the mapper sees the page, holds it, and lets it go', () => {
  const { guest, domd, heap } = setup();
  guest.write(0x4000_3000, Uint8Array.of(1, 2, 3));
  const pa = guest.pa(0x4000_3000);
  expect(batch(domd, guest.id, [[RAM_GFN + 3, FREE]])).toEqual({ rc: 0, errs: [0] });
  expect([...domd.read(FREE * 4096, 3)]).toEqual([1, 2, 3]);
  expect([domd.d.p2m.lookup(FREE)?.type, heap.refs(pa)]).toEqual([6, 2]);
  expect([remove(domd, FREE), remove(domd, FREE), heap.refs(pa)]).toEqual([0, -2, 1]);
});

test('the result of each page of a batch', () => {
  const { f, guest, domd } = setup();
  guest.d.p2m.map(0x20000, guest.d.sharedInfoPa, 1, 3); // MMIO
  batch(guest, domd.id, []); // nothing
  const pages = [
    [RAM_GFN, FREE],
    [0x30000, FREE + 1], // hole
    [0x20000, FREE + 2],
    [RAM_GFN, 1n << 28n],
    [1n << 28n, FREE + 3],
    [(1n << 64n) - 1n, FREE + 3],
  ] as const;
  expect(batch(domd, guest.id, pages)).toEqual({ rc: 0, errs: [0, -22, -22, -22, -22, -22] });
  const one = [[RAM_GFN, FREE + 9]] as const;
  expect([batch(domd, 99, one).errs, batch(domd, domd.id, one).errs, batch(domd, SELF, one).errs]).toEqual([
    [-3],
    [-1],
    [-3],
  ]);
  expect([batch(guest, domd.id, one).errs, batch(guest, 0, one).errs]).toEqual([[-1], [-1]]); // no privilege
  expect([
    batch(domd, guest.id, one, 3).rc,
    batch(domd, guest.id, one, 4, guest.id).rc,
    batch(domd, guest.id, one, 4, 99).rc,
  ]).toEqual([-95, -1, -3]);
  // The control domain maps the guest's page into DomD; into the guest itself it cannot.
  expect([batch(f.dom0, guest.id, one, 4, domd.id).errs, batch(f.dom0, guest.id, one, 4, guest.id).errs]).toEqual([
    [0],
    [-22],
  ]);
  // A foreign page is not mapped on.
  expect(batch(f.dom0, domd.id, [[FREE + 9, FREE]]).errs).toEqual([-22]);
});

test('mapping over a foreign page drops its reference', () => {
  const { guest, domd, heap } = setup();
  const pa = guest.pa(0x4000_0000);
  batch(domd, guest.id, [[RAM_GFN, FREE]]);
  batch(domd, guest.id, [[RAM_GFN + 1, FREE]]);
  expect([heap.refs(pa), heap.refs(guest.pa(0x4000_1000))]).toEqual([1, 2]);
  // The same page again: still one reference for the entry.
  batch(domd, guest.id, [[RAM_GFN + 1, FREE]]);
  expect(heap.refs(guest.pa(0x4000_1000))).toBe(2);
});

test('plain add_to_physmap refuses foreign and unknown spaces', () => {
  const { guest } = setup();
  expect([2, 3, 4, 6].map((space) => addToPhysmap(guest, space, 0, FREE))).toEqual([-38, -38, -38, -38]);
  expect([
    addToPhysmap(guest, 5, 0, FREE),
    addToPhysmap(guest, 0, 1, FREE),
    addToPhysmap(guest, 0, 0, 1n << 40n),
    addToPhysmap(guest, 0, 0, FREE, 0),
  ]).toEqual([-95, -22, -22, -1]);
});

test('shared_info and grant frames appear where the guest wants them, and are not its to free', () => {
  const { f, guest, heap } = setup();
  expect(addToPhysmap(guest, 0, 0, RAM_GFN + 5)).toBe(0);
  expect(guest.pa(0x4000_5000)).toBe(guest.d.sharedInfoPa);
  expect([
    addToPhysmap(guest, 1, 0, 0x38000),
    addToPhysmap(guest, 1, 64, 0x38001),
    addToPhysmap(guest, 1, 0x8000_0000, 0x38001),
  ]).toEqual([0, -22, -22]);
  const free = heap.freePages;
  expect(reservation(guest, 1, [RAM_GFN + 5, 0x38000])).toBe(2); // decrease_reservation: unmapped only
  expect([heap.freePages, heap.refs(guest.d.sharedInfoPa), heap.refs(guest.d.grants.frames[0]!)]).toEqual([free, 1, 1]);
  destroyDomain(f.xen, guest.d);
  expect(heap.refs(guest.d.sharedInfoPa)).toBe(0);
});

test("an emulator that maps shared_info may keep it beyond the guest's end", () => {
  const { f, guest, domd, heap } = setup();
  addToPhysmap(guest, 0, 0, RAM_GFN + 5);
  const pa = guest.d.sharedInfoPa;
  expect(batch(domd, guest.id, [[RAM_GFN + 5, FREE]]).errs).toEqual([0]);
  destroyDomain(f.xen, guest.d);
  expect(heap.refs(pa)).toBe(1);
  expect([remove(domd, FREE), heap.refs(pa)]).toEqual([0, 0]);
});

test('a destroyed guest is a zombie until the last page is unmapped', () => {
  const { f, guest, domd, heap } = setup();
  const pa = guest.pa(0x4000_0000);
  batch(domd, guest.id, [[RAM_GFN, FREE]]);
  destroyDomain(f.xen, guest.d);
  expect([f.xen.domain(guest.id)?.isDying, heap.owner(pa)]).toEqual([2, guest.id]);
  expect(batch(domd, guest.id, [[RAM_GFN, FREE + 1]]).errs).toEqual([-22]);
  remove(domd, FREE);
  expect([f.xen.domain(guest.id), heap.owner(pa)]).toEqual([undefined, undefined]);
  expect(batch(domd, guest.id, [[RAM_GFN, FREE + 1]]).errs).toEqual([-3]);
});

test('remove_from_physmap takes RAM only, of the caller or, for the control domain, of others', () => {
  const { f, guest, domd } = setup();
  guest.d.p2m.map(0x3002, 0xf106_f000, 1, 3); // the GICC page
  expect([
    remove(guest, 0x3002),
    guest.d.p2m.lookup(0x3002)?.type,
    remove(guest, 2 ** 28),
    remove(guest, RAM_GFN, domd.id),
    remove(guest, RAM_GFN, 99),
  ]).toEqual([-2, 3, -2, -1, -3]);
  expect([remove(f.dom0, RAM_GFN, guest.id), guest.d.p2m.lookup(RAM_GFN)]).toEqual([0, undefined]);
});

test('acquire_resource: checks in order', () => {
  const { f, guest, domd } = setup();
  const rc = (r: Partial<Resource>, c = domd): number => acquire(c, { domid: guest.id, ...r }).rc;
  f.xen.ioreq.create(domd.d, guest.d, 0);
  expect(domd.call(MEMORY_OP, 28, 0x3000_0000)).toBe(-14);
  expect([
    rc({ pad: 1, domid: 99 }),
    rc({ frame: 1n << 32n, domid: 99 }),
    rc({ frame: 0xffff_ffff, domid: 99 }),
  ]).toEqual([-22, -22, -22]);
  expect([rc({ domid: 99 }), rc({ domid: domd.id }), rc({}, guest), rc({ domid: domd.id }, guest)]).toEqual([
    -3, -1, -1, -1,
  ]);
  expect([rc({ type: 2 }), rc({ type: 7 }), rc({ list: 0 }), rc({ count: 0 })]).toEqual([-22, -22, -22, -22]);
  expect([
    rc({ frame: 2 }),
    rc({ frame: 1, gfns: [FREE, FREE + 1] }),
    rc({ id: 0x1_0000 }),
    rc({ id: 1 }),
    rc({ frame: 0 }),
  ]).toEqual([-22, -22, -22, -2, -2]);
  expect(acquire(domd, { domid: guest.id, list: 0, gfns: [] })).toEqual({ rc: 0, count: 2 });
  expect(acquire(domd, { domid: guest.id, type: 1, list: 0, gfns: [] })).toEqual({ rc: 0, count: 64 });
  expect([rc({}, f.dom0), rc({})]).toEqual([-1, 0]); // Dom0 is not the emulator
  const pa = domd.pa(FREE * 4096);
  expect([
    domd.d.p2m.lookup(FREE)?.type,
    f.xen.heap.refs(pa),
    f.xen.heap.owner(pa),
    guest.d.ioreq.servers[0]!.ioreqPage,
  ]).toEqual([6, 2, guest.id, pa]);
});

test('acquire_resource: the first failing entry gives its error, a later one EIO', () => {
  const { guest, domd } = setup();
  const grants = (gfns: readonly (number | bigint)[]): number =>
    acquire(domd, { domid: guest.id, type: 1, frame: 0, gfns }).rc;
  expect([grants([1n << 40n]), grants([FREE, 1n << 40n]), grants([FREE, FREE + 1])]).toEqual([-22, -5, 0]);
});

test("ballooning: frames go and come within the domain's limit", () => {
  const { f, guest, heap } = setup();
  const free = heap.freePages;
  expect([
    reservation(guest, 1, [RAM_GFN, RAM_GFN + 2, 0x30000, RAM_GFN + 3]),
    guest.d.totPages,
    heap.freePages - free,
  ]).toEqual([2, 14, 2]);
  guest.d.maxPages = 15;
  expect([reservation(guest, 6, [RAM_GFN, RAM_GFN + 2]), guest.d.totPages, guest.u32(0x4000_0000)]).toEqual([1, 15, 0]);
  expect([
    reservation(guest, 6, [RAM_GFN + 2], 10),
    reservation(guest, 0, [RAM_GFN + 2]),
    reservation(guest, 6, [RAM_GFN + 2], 0, f.dom0.id),
  ]).toEqual([0, 0, 0]);
  expect(reservation(guest, 1, [RAM_GFN + 2])).toBe(0); // gone already
  expect([op(guest, 3, pack(2, [0, 2, SELF])).rc, op(guest, 4, pack(2, [0, 2, SELF])).rc]).toEqual([
    guest.d.totPages,
    15,
  ]);
});

test('populating where nothing can be mapped costs the domain nothing', () => {
  const { guest, heap } = setup();
  const [free, have] = [heap.freePages, guest.d.totPages];
  expect(reservation(guest, 6, [2 ** 28 - 1], 1)).toBe(0); // past the last gfn
  expect([heap.freePages, guest.d.totPages]).toEqual([free, have]);
});

test('a frame that others map is not reused while they do', () => {
  const { guest, domd, heap } = setup();
  const pa = guest.pa(0x4000_0000);
  batch(domd, guest.id, [[RAM_GFN, FREE]]);
  expect(reservation(guest, 1, [RAM_GFN])).toBe(1);
  expect([heap.refs(pa), heap.owner(pa)]).toEqual([1, guest.id]);
  remove(domd, FREE);
  expect(heap.owner(pa)).toBeUndefined();
});

test('unknown operations are named and counted', () => {
  const { f, guest } = setup();
  expect([guest.call(MEMORY_OP, 27, LISTS), guest.call(MEMORY_OP, 63, LISTS)]).toEqual([-38, -38]);
  expect(f.errors()).toEqual(['unmodelled-hypercall d1']);
});
