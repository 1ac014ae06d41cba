import { expect, test } from 'vitest';
import { RAM_GFN, xenFixture, type Caller, type XenFixture } from '../../test/xen-fixture.js';
import { BLOCKED, newIoreq, type IoreqRecord, type Vcpu } from './domain.js';
import { Ioreq } from './ioreq.js';
import { pauseByController, unpauseByController } from './domctl.js';

// enum io_state: ABORT 0, HANDLED 1, UNHANDLED 2, RETRY 3 (xen: xen/arch/arm/include/asm/mmio.h). VPF_blocked_in_xen is 4.
const [UNHANDLED, RETRY] = [2, 3];
const BLOCKED_IN_XEN = 4;
const BASE = 0x0200_0000;
// struct ioreq: addr @0, data @8, count @16, size @20, vp_eport @24, byte 30 state 3:0, dir 5, byte 31 type (xen-ioreq.md 1.1).
const STATE = 30;

interface Setup {
  readonly f: XenFixture;
  readonly guest: Caller;
  readonly emulator: Caller;
  readonly ioreq: Ioreq;
  readonly v: Vcpu;
  /** Data of completed requests. */
  readonly completed: bigint[];
}

function setup(vcpus = 1): Setup {
  const f = xenFixture();
  const { xen } = f;
  const guest = f.domain('guest', { maxVcpus: vcpus });
  const emulator = f.domain('DomD', { deviceModelPrivilege: true });
  const completed: bigint[] = [];
  const ioreq = new Ioreq(xen, {
    completeMmio: (v) => {
      completed.push(v.io.req.data);
      v.io.req.state = 0;
      return true;
    },
  });
  xen.ioreq = ioreq;
  unpauseByController(xen, guest.d);
  return { f, guest, emulator, ioreq, v: guest.d.vcpus[0]!, completed };
}

/** A server with page, enabled, [start, end] registered, channels bound; returns the page's address. */
function server(s: Setup, start = BASE, end = BASE + 0x1ff, page = true): number {
  const { ioreq, guest, emulator } = s;
  const id = ioreq.create(emulator.d, guest.d, 0);
  const pa = page ? ioreq.getFrame(emulator.d, guest.d, id, 1) : 0;
  ioreq.setState(emulator.d, guest.d, id, true);
  expect(ioreq.mapRange(emulator.d, guest.d, id, 1, BigInt(start), BigInt(end))).toBe(0);
  for (const { port } of guest.d.ioreq.servers[id]!.vcpus)
    expect(s.f.xen.evtchn.bindInterdomain(emulator.d, guest.id, port)).toBeGreaterThan(0);
  return pa;
}

const copy = (addr: number, size = 4, write?: bigint): IoreqRecord => ({
  ...newIoreq(),
  addr,
  size,
  count: 1,
  type: 1,
  dir: write === undefined ? 1 : 0,
  data: write ?? 0n,
  state: 1,
});

/** What the trap path does with an access. */
function access(s: Setup, p: IoreqRecord, v = s.v): number {
  v.io.req = p;
  const target = s.ioreq.select(s.guest.d, p);
  if (target === undefined) return UNHANDLED;
  const rc = s.ioreq.send(target, v, p, 0);
  if (rc === RETRY && !v.io.suspended) v.io.completion = 1;
  else v.io.req.state = 0;
  return rc;
}

test('the slot holds the request, READY last; the vCPU is blocked in Xen and the emulator has the event', () => {
  const s = setup(2);
  const page = server(s);
  const v = s.guest.d.vcpus[1]!;
  const { memory } = s.f.xen;
  const writes: [number, number][] = [];
  const write8 = memory.write8.bind(memory);
  memory.write8 = (pa, value) => {
    if (pa === page + 32 + STATE) writes.push([value, v.pauseFlags & BLOCKED_IN_XEN]);
    write8(pa, value);
  };
  expect(access(s, copy(BASE + 0x50, 4, 0x1122_3344n), v)).toBe(RETRY);
  const slot = new DataView(memory.read(page + 32, 32).slice().buffer);
  expect([
    slot.getBigUint64(0, true),
    slot.getBigUint64(8, true),
    slot.getUint32(16, true),
    slot.getUint32(20, true),
  ]).toEqual([0x0200_0050n, 0x1122_3344n, 1, 4]);
  expect([slot.getUint32(24, true), slot.getUint16(28, true), slot.getUint8(30), slot.getUint8(31)]).toEqual([
    2, 0, 0x01, 1,
  ]);
  expect(writes).toEqual([[1, BLOCKED_IN_XEN]]); // blocked before READY is visible
  expect(s.emulator.d.evtchn.ops.isPending(s.f.xen, s.emulator.d, 2)).toBe(true);
  // Nothing in the other vCPU's slot but its port.
  expect([...memory.read(page, 32)].map((b, i) => (b === 0 ? -1 : i)).filter((i) => i >= 0)).toEqual([24]);
  // A load: dir bit, data 0.
  expect(access(s, copy(BASE + 0x60))).toBe(RETRY);
  expect([memory.read8(page + STATE), memory.read64(page + 8)]).toEqual([0x21, 0n]);
});

test('the response: state NONE again, data taken, nothing else read back', () => {
  const s = setup();
  const page = server(s);
  const { memory } = s.f.xen;
  access(s, copy(BASE + 0x60));
  expect(s.ioreq.handleCompletion(s.v, 0)).toBe(BLOCKED);
  memory.write8(page + STATE, 0x22);
  expect(s.ioreq.handleCompletion(s.v, 0)).toBe(BLOCKED);
  expect(s.completed).toEqual([]);
  memory.write64(page, 0xdead_0000n); // the emulator plays with the other fields
  memory.write32(page + 20, 1);
  memory.write64(page + 8, 0xdead_beef_cafe_f00dn);
  memory.write8(page + STATE, 0x23);
  expect(s.ioreq.handleCompletion(s.v, 0)).toBe('done');
  expect([s.completed, memory.read8(page + STATE), s.v.io.req.size, s.v.io.req.addr]).toEqual([
    [0xdead_beef_cafe_f00dn],
    0x20,
    4,
    BASE + 0x60,
  ]);
  expect(s.guest.d.isShuttingDown).toBe(false);
});

test("only the emulator's event wakes the vCPU", () => {
  const s = setup();
  const page = server(s);
  access(s, copy(BASE));
  pauseByController(s.f.xen, s.guest.d);
  unpauseByController(s.f.xen, s.guest.d);
  s.f.xen.injectVirq(s.guest.d, s.v, 27, true);
  s.f.xen.unblock(s.v);
  expect(s.v.pauseFlags & BLOCKED_IN_XEN).toBe(BLOCKED_IN_XEN);
  s.f.xen.memory.write8(page + STATE, 0x23);
  s.f.xen.evtchn.send(s.emulator.d, 1);
  expect(s.v.pauseFlags & BLOCKED_IN_XEN).toBe(0);
});

test('illegal states crash the guest, not the emulator', () => {
  for (const states of [[0x27], [0x24], [0x2f], [0x22, 0x21]]) {
    const s = setup();
    const page = server(s);
    access(s, copy(BASE));
    const results = states.map((state) => {
      s.f.xen.memory.write8(page + STATE, state);
      return s.ioreq.handleCompletion(s.v, 0);
    });
    expect([states, results.at(-1), s.guest.d.isShutDown, s.guest.d.shutdown]).toEqual([
      states,
      'again',
      true,
      { code: 3 },
    ]);
    expect([s.completed, s.f.errors(), s.emulator.d.isShutDown]).toEqual([[], [`domain-crash d${s.guest.id}`], false]);
  }
});

test('NONE instead of an answer reads as ones: the emulator is dying', () => {
  for (const before of [undefined, 0x21, 0x22]) {
    const s = setup();
    const page = server(s);
    access(s, copy(BASE));
    if (before !== undefined) {
      s.f.xen.memory.write8(page + STATE, before);
      expect(s.ioreq.handleCompletion(s.v, 0)).toBe(BLOCKED);
    }
    s.f.xen.memory.write8(page + STATE, 0x20);
    expect(s.ioreq.handleCompletion(s.v, 0)).toBe('done');
    expect([s.completed, s.guest.d.isShuttingDown]).toEqual([[(1n << 64n) - 1n], false]);
  }
});

test('a slot that is not NONE, or another port in it: refused, the guest gets an abort', () => {
  const s = setup();
  const page = server(s);
  s.f.xen.memory.write32(page + 24, 77);
  expect(access(s, copy(BASE))).toBe(UNHANDLED);
  s.f.xen.memory.write32(page + 24, 1);
  for (const state of [1, 2, 3, 9]) {
    s.f.xen.memory.write8(page + STATE, state);
    expect(access(s, copy(BASE))).toBe(UNHANDLED);
  }
  expect([s.v.pauseFlags, s.f.errors()]).toEqual([0, ['ioreq-bad-port d1v0', 'ioreq-bad-state d1v0']]);
  // High bits of the byte are not the state.
  s.f.xen.memory.write8(page + STATE, 0xf0);
  expect(access(s, copy(BASE))).toBe(RETRY);
});

test("a server that was enabled before its page was mapped is a backend's mistake", () => {
  const s = setup();
  server(s, BASE, BASE + 0x1ff, false);
  expect(access(s, copy(BASE))).toBe(UNHANDLED);
  expect(s.f.errors()).toEqual(['ioreq-server-without-page d1']);
  // Mapped afterwards: the ports are still missing until disable and enable.
  s.ioreq.getFrame(s.emulator.d, s.guest.d, 0, 1);
  expect(access(s, copy(BASE))).toBe(UNHANDLED);
  s.ioreq.setState(s.emulator.d, s.guest.d, 0, false);
  s.ioreq.setState(s.emulator.d, s.guest.d, 0, true);
  expect(access(s, copy(BASE))).toBe(RETRY);
});

// xen-ioreq.md 11, boundary vectors.
test('a range claims an access only as a whole', () => {
  const s = setup();
  server(s);
  const claims = (addr: number, size: number): boolean => s.ioreq.select(s.guest.d, copy(addr, size)) !== undefined;
  expect([claims(BASE + 0x1fc, 4), claims(BASE + 0x1fe, 4), claims(BASE + 0x1f8, 8), claims(BASE + 0x1fc, 8)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect([claims(BASE - 4, 4), claims(BASE + 0x200, 4), claims(BASE - 2, 4), claims(BASE + 0x1ff, 1)]).toEqual([
    false,
    false,
    false,
    true,
  ]);
  // Back to back in the same server: merged. In another: not.
  s.ioreq.mapRange(s.emulator.d, s.guest.d, 0, 1, BigInt(BASE + 0x200), BigInt(BASE + 0x3ff));
  expect(claims(BASE + 0x1fe, 4)).toBe(true);
  server(s, BASE + 0x400, BASE + 0x5ff);
  expect(claims(BASE + 0x3fe, 4)).toBe(false);
});

test('the highest enabled id wins, and only memory ranges count', () => {
  const s = setup();
  server(s);
  server(s);
  const selected = (p = copy(BASE)): number | undefined => s.ioreq.select(s.guest.d, p)?.id;
  expect(selected()).toBe(1);
  s.ioreq.setState(s.emulator.d, s.guest.d, 1, false);
  expect(selected()).toBe(0);
  s.ioreq.setState(s.emulator.d, s.guest.d, 1, true);
  // Freed ids are used again lowest first: the newest server loses.
  s.ioreq.destroy(s.emulator.d, s.guest.d, 0);
  server(s);
  expect(selected()).toBe(1);
  expect(selected({ ...copy(BASE), type: 8 })).toBeUndefined();
  s.ioreq.mapRange(s.emulator.d, s.guest.d, 1, 0, 0x60n, 0x6fn);
  expect([selected(copy(0x60)), selected({ ...copy(0x60), type: 0 })]).toEqual([undefined, 1]);
});

test("resource frames: 1 is the ioreq page, zeroed and the guest's; 0 is refused without a buffered ring", () => {
  const s = setup();
  const { ioreq, emulator, guest } = s;
  ioreq.create(emulator.d, guest.d, 0);
  expect(ioreq.resourceFrames(guest.d)).toBe(2);
  const before = guest.d.totPages;
  const pa = ioreq.getFrame(emulator.d, guest.d, 0, 1);
  expect([
    s.f.xen.memory.read(pa, 4096).every((b) => b === 0),
    s.f.xen.heap.owner(pa),
    guest.d.totPages - before,
  ]).toEqual([true, guest.id, 1]);
  expect(ioreq.getFrame(emulator.d, guest.d, 0, 1)).toBe(pa);
  expect([0, 2].map((frame) => ioreq.getFrame(emulator.d, guest.d, 0, frame))).toEqual([-2, -22]);
  expect([ioreq.getFrame(emulator.d, guest.d, 3, 1), ioreq.getFrame(s.f.dom0.d, guest.d, 0, 1)]).toEqual([-2, -1]);
});

test('destroying the server does not wake the vCPU; the page lives while the backend maps it', () => {
  const s = setup();
  const page = server(s);
  s.f.xen.heap.getPage(page);
  access(s, copy(BASE));
  expect(s.ioreq.destroy(s.emulator.d, s.guest.d, 0)).toBe(0);
  expect([s.v.pauseFlags & BLOCKED_IN_XEN, s.f.xen.heap.refs(page), s.f.xen.evtchn.send(s.emulator.d, 1)]).toEqual([
    BLOCKED_IN_XEN,
    1,
    0,
  ]);
  // If something else wakes it, the access completes with what was asked with: 0 for a load.
  expect(s.ioreq.handleCompletion(s.v, 0)).toBe('done');
  expect(s.completed).toEqual([0n]);
  s.f.xen.putPage(page);
  expect(s.f.xen.heap.owner(page)).toBeUndefined();
});

test('a server disabled or without the range in flight still completes', () => {
  const s = setup();
  const page = server(s);
  access(s, copy(BASE));
  s.ioreq.setState(s.emulator.d, s.guest.d, 0, false);
  s.ioreq.unmapRange(s.emulator.d, s.guest.d, 0, 1, BigInt(BASE), BigInt(BASE + 0x1ff));
  s.f.xen.memory.write64(page + 8, 5n);
  s.f.xen.memory.write8(page + STATE, 0x23);
  expect(s.ioreq.handleCompletion(s.v, 0)).toBe('done');
  expect([s.completed, access(s, copy(BASE))]).toEqual([[5n], UNHANDLED]);
});

test('INVALIDATE goes to every enabled server and the vCPU waits for all', () => {
  const s = setup();
  const pages = [server(s), server(s, BASE + 0x200, BASE + 0x3ff), server(s, BASE + 0x400, BASE + 0x5ff)];
  s.ioreq.setState(s.emulator.d, s.guest.d, 2, false);
  s.v.mapcacheInvalidate = true;
  expect(s.ioreq.handleCompletion(s.v, 0)).toBe('again');
  const { memory } = s.f.xen;
  const slot = new DataView(memory.read(pages[0]!, 32).slice().buffer);
  expect([
    slot.getBigUint64(0, true),
    slot.getBigUint64(8, true),
    slot.getUint32(16, true),
    slot.getUint32(20, true),
  ]).toEqual([0n, 0xffff_ffff_ffff_ffffn, 0, 4]);
  expect([slot.getUint8(30), slot.getUint8(31)]).toEqual([0x01, 8]);
  expect(pages.map((page) => memory.read8(page + STATE))).toEqual([1, 1, 0]);
  expect(s.ioreq.handleCompletion(s.v, 0)).toBe(BLOCKED);
  memory.write8(pages[0]! + STATE, 3);
  expect(s.ioreq.handleCompletion(s.v, 0)).toBe(BLOCKED);
  memory.write8(pages[1]! + STATE, 3);
  expect(s.ioreq.handleCompletion(s.v, 0)).toBe('done');
  expect(s.completed).toEqual([]);
});

test("replacing RAM of one's own asks for INVALIDATE, if there is a server", () => {
  const s = setup();
  const { xen } = s.f;
  const replace = (gfn: number): void => void s.guest.d.p2m.map(gfn, s.guest.d.sharedInfoPa, 1, 1);
  xen.pcpus[0]!.current = s.v;
  xen.thisPcpu = 0;
  replace(RAM_GFN);
  expect(s.v.mapcacheInvalidate).toBe(false);
  server(s);
  replace(RAM_GFN + 1);
  expect(s.v.mapcacheInvalidate).toBe(true);
  s.v.mapcacheInvalidate = false;
  s.guest.d.p2m.map(0x38000, s.guest.d.sharedInfoPa, 1, 1); // nothing was there
  expect(s.v.mapcacheInvalidate).toBe(false);
});

test('a domain that goes down waits for requests in flight, and takes no new ones', () => {
  const s = setup(2);
  const page = server(s);
  const { xen } = s.f;
  access(s, copy(BASE));
  xen.shutdownDomain(s.guest.d, 0);
  expect([s.guest.d.isShutDown, s.v.pauseCount, s.guest.d.vcpus[1]!.pauseCount]).toEqual([false, 0, 1]);
  xen.memory.write8(page + STATE, 0x23);
  expect(s.ioreq.handleCompletion(s.v, 0)).toBe('done');
  expect([s.guest.d.isShutDown, s.v.pauseCount]).toEqual([true, 1]);
  expect([access(s, copy(BASE)), s.v.io.suspended, xen.memory.read8(page + STATE)]).toEqual([RETRY, true, 0x20]);
});

test('a crash does not wait', () => {
  const s = setup();
  server(s);
  access(s, copy(BASE));
  s.f.xen.crashDomain(s.guest.d, 'test');
  expect(s.guest.d.isShutDown).toBe(true);
});

test('two vCPUs have requests in flight at once, each in its slot', () => {
  const s = setup(2);
  const page = server(s);
  const second = s.guest.d.vcpus[1]!;
  access(s, copy(BASE));
  access(s, copy(BASE + 4), second);
  const { memory } = s.f.xen;
  memory.write64(page + 32 + 8, 2n);
  memory.write8(page + 32 + STATE, 0x23);
  expect([s.ioreq.handleCompletion(second, 0), s.ioreq.handleCompletion(s.v, 0), s.completed]).toEqual([
    'done',
    BLOCKED,
    [2n],
  ]);
});

test('saved and restored with a request in flight, it completes', () => {
  const s = setup();
  const page = server(s);
  access(s, copy(BASE));
  const saved = JSON.parse(JSON.stringify(s.guest.d.ioreq.save()));
  s.guest.d.ioreq.servers.fill(undefined);
  s.guest.d.ioreq.load(saved);
  expect(JSON.parse(JSON.stringify(s.guest.d.ioreq.save()))).toEqual(saved);
  s.f.xen.memory.write64(page + 8, 9n);
  s.f.xen.memory.write8(page + STATE, 0x23);
  expect([s.ioreq.handleCompletion(s.v, 0), s.completed]).toEqual(['done', [9n]]);
});
