import { expect, test } from 'vitest';
import { pack, RAM_GFN, xenFixture, type Caller } from '../../test/xen-fixture.js';
import { EVTCHNOP, HYPERVISOR } from '../public/xen.js';

// Event word: PENDING 31, MASKED 30, LINKED 29, link 16:0. Control block: ready u32 @0, head u32[16] @8
// (xen: xen/include/public/event_channel.h).
const PENDING = 0x8000_0000;
const MASKED = 0x4000_0000;
const LINKED = 0x2000_0000;
const ARRAY = 0x4000_0000;
const CONTROL = 0x4000_1000;
const DEFAULT = 7;

const op = (c: Caller, cmd: number, bytes: Uint8Array): number => c.op(HYPERVISOR.event_channel_op, cmd, bytes).rc;
const initControl = (c: Caller, vcpu: number, gfn: number, offset = 0): number =>
  op(c, EVTCHNOP.init_control, pack(24, [0, 8, gfn], [8, 4, offset], [12, 4, vcpu]));
const expandArray = (c: Caller, gfn: number): number => op(c, EVTCHNOP.expand_array, pack(8, [0, 8, gfn]));

/** A domain with the FIFO ABI: event array at ARRAY, control block of vCPU n at CONTROL + n * 256. */
function fifo(vcpus = 1) {
  const f = xenFixture();
  const d = f.domain('a', { maxVcpus: vcpus });
  for (let v = 0; v < vcpus; v++) expect(initControl(d, v, RAM_GFN + 1, v * 256)).toBe(0);
  expect(expandArray(d, RAM_GFN)).toBe(0);
  const word = (port: number): number => d.u32(ARRAY + port * 4);
  return {
    f,
    d,
    word,
    setWord: (port: number, value: number): void => d.write(ARRAY + port * 4, pack(4, [0, 4, value])),
    ready: (vcpu = 0): number => d.u32(CONTROL + vcpu * 256),
    setReady: (value: number, vcpu = 0): void => d.write(CONTROL + vcpu * 256, pack(4, [0, 4, value])),
    head: (queue = DEFAULT, vcpu = 0): number => d.u32(CONTROL + vcpu * 256 + 8 + queue * 4),
    ipi: (vcpu = 0): number => d.xen.evtchn.bindIpi(d.d, vcpu),
    send: (port: number): number => d.xen.evtchn.send(d.d, port),
    upcalls: (): string[] => {
      const list: string[] = [];
      d.xen.injectVirq = (_d, v) => void list.push(v!.name);
      return list;
    },
    /** What a consumer does with the word at the head of a queue: takes LINKED, link and PENDING away. */
    consume: (port: number): number => {
      const link = word(port) & 0x1ffff;
      d.write(ARRAY + port * 4, pack(4, [0, 4, 0]));
      return link;
    },
  };
}

test('an event becomes the head of an empty queue, the next is linked behind it', () => {
  const q = fifo();
  const [a, b, c] = [q.ipi(), q.ipi(), q.ipi()];
  q.send(a);
  q.send(b);
  q.send(c);
  expect([q.head(), q.ready()]).toEqual([a, 1 << DEFAULT]);
  expect([q.word(a), q.word(b), q.word(c)]).toEqual([PENDING + LINKED + b, PENDING + LINKED + c, PENDING + LINKED]);
  // A linked event that fires again changes nothing.
  q.send(b);
  expect(q.word(b)).toBe(PENDING + LINKED + c);
});

test('a queue that the guest has emptied gets a new head, and the upcall again', () => {
  const q = fifo();
  const upcalls = q.upcalls();
  const [a, b] = [q.ipi(), q.ipi()];
  q.send(a);
  q.setReady(0);
  q.d.xen.memory.write8(q.d.d.sharedInfoPa, 0);
  expect(q.consume(a)).toBe(0);
  q.send(b);
  expect([q.head(), q.ready(), q.word(a), q.word(b)]).toEqual([b, 1 << DEFAULT, 0, PENDING + LINKED]);
  // The tail fires again once consumed: it is not linked behind itself.
  q.consume(b);
  q.send(b);
  expect([q.head(), q.word(b)]).toEqual([b, PENDING + LINKED]);
  expect(upcalls).toEqual(['d1v0', 'd1v0']);
});

test('masked: pending only; unmask links it', () => {
  const q = fifo();
  const a = q.ipi();
  q.setWord(a, MASKED);
  q.send(a);
  expect([q.word(a), q.head(), q.ready()]).toEqual([MASKED + PENDING, 0, 0]);
  expect(op(q.d, EVTCHNOP.unmask, pack(4, [0, 4, a]))).toBe(0);
  expect([q.word(a), q.head(), q.ready()]).toEqual([PENDING + LINKED, a, 1 << DEFAULT]);
});

test('priorities have queues of their own; only the FIFO ABI has priorities', () => {
  const q = fifo();
  const [a, b] = [q.ipi(), q.ipi()];
  const setPriority = (port: number, priority: number): number =>
    op(q.d, EVTCHNOP.set_priority, pack(8, [0, 4, port], [4, 4, priority]));
  expect([setPriority(b, 16), setPriority(99, 3), setPriority(b, 0)]).toEqual([-22, -22, 0]);
  q.send(a);
  q.send(b);
  expect([q.head(7), q.head(0), q.ready()]).toEqual([a, b, (1 << 7) | 1]);
  const plain = q.f.domain('b');
  const port = plain.xen.evtchn.bindIpi(plain.d, 0);
  expect(op(plain, EVTCHNOP.set_priority, pack(8, [0, 4, port], [4, 4, 3]))).toBe(-38);
});

// xen: evtchn_fifo_set_pending: "its tail must be invalidated to prevent adding an event to the old queue from corrupting the new".
test('a port that moves to another queue does not drag later events of the old queue with it', () => {
  const q = fifo(2);
  const { d } = q;
  const [a, b] = [0, 1].map(() => d.xen.evtchn.allocUnbound(d.d, 0));
  const dom0 = q.f.dom0.d;
  const far = [a!, b!].map((port) => d.xen.evtchn.bindInterdomain(dom0, d.id, port));
  const bindVcpu = (port: number, vcpu: number): number =>
    op(d, EVTCHNOP.bind_vcpu, pack(8, [0, 4, port], [4, 4, vcpu]));
  d.xen.evtchn.send(dom0, far[0]!);
  q.consume(a!);
  q.setReady(0);
  expect(bindVcpu(a!, 1)).toBe(0);
  d.xen.evtchn.send(dom0, far[0]!); // now in vCPU 1's queue
  d.xen.evtchn.send(dom0, far[1]!); // vCPU 0's queue is empty
  expect([q.head(DEFAULT, 1), q.word(a!)]).toEqual([a, PENDING + LINKED]);
  expect([q.head(DEFAULT, 0), q.ready(0), q.word(b!)]).toEqual([b, 1 << DEFAULT, PENDING + LINKED]);
});

test('a closed port is not given out while the guest still has it in a queue', () => {
  const q = fifo();
  const a = q.ipi();
  q.send(a);
  expect(op(q.d, EVTCHNOP.close, pack(4, [0, 4, a]))).toBe(0);
  expect(q.word(a)).toBe(LINKED);
  const b = q.ipi();
  expect(b).not.toBe(a);
  q.consume(a);
  expect(q.ipi()).toBe(a);
});

test('events from before the array page existed are shown when it comes', () => {
  const f = xenFixture();
  const d = f.domain('a');
  const a = d.xen.evtchn.bindIpi(d.d, 0);
  d.xen.evtchn.send(d.d, a); // in the 2-level bitmaps
  expect(initControl(d, 0, RAM_GFN + 1)).toBe(0);
  const b = d.xen.evtchn.bindIpi(d.d, 0);
  d.xen.evtchn.send(d.d, b); // no page yet
  expect(expandArray(d, RAM_GFN)).toBe(0);
  expect([d.u32(ARRAY + a * 4), d.u32(ARRAY + b * 4), d.u32(CONTROL + 8 + DEFAULT * 4)]).toEqual([
    PENDING + LINKED + b,
    PENDING + LINKED,
    a,
  ]);
});

test('a vCPU without control block gets its events when they are unmasked after it has one', () => {
  const f = xenFixture();
  const d = f.domain('a', { maxVcpus: 2 });
  initControl(d, 0, RAM_GFN + 1);
  expandArray(d, RAM_GFN);
  const port = d.xen.evtchn.bindIpi(d.d, 1);
  d.xen.evtchn.send(d.d, port);
  expect(d.u32(ARRAY + port * 4)).toBe(PENDING);
  initControl(d, 1, RAM_GFN + 1, 256);
  op(d, EVTCHNOP.unmask, pack(4, [0, 4, port]));
  expect([d.u32(ARRAY + port * 4), d.u32(CONTROL + 256 + 8 + DEFAULT * 4)]).toEqual([PENDING + LINKED, port]);
});

test('init_control and expand_array refuse what upstream refuses', () => {
  const f = xenFixture();
  const d = f.domain('a');
  expect(expandArray(d, RAM_GFN)).toBe(-95);
  // 72 bytes may not cross the page, and are aligned to 8.
  expect([
    initControl(d, 0, RAM_GFN + 1, 4032),
    initControl(d, 0, RAM_GFN + 1, 4),
    initControl(d, 1, RAM_GFN + 1),
    initControl(d, 0, 0x12345),
  ]).toEqual([-22, -22, -2, -22]);
  expect(d.d.evtchn.fifo).toBeUndefined();
  const made = d.op(HYPERVISOR.event_channel_op, EVTCHNOP.init_control, pack(24, [0, 8, RAM_GFN + 1], [8, 4, 4024]));
  expect([made.rc, made.out.getUint8(16)]).toEqual([0, 17]);
  expect(initControl(d, 0, RAM_GFN + 2)).toBe(-22); // has one
  expect(expandArray(d, 2 ** 28)).toBe(-22);
});

test('Xen keeps hold of the pages it writes to, and lets go at reset', () => {
  const q = fifo();
  const { d } = q;
  const page = d.pa(ARRAY);
  expect(d.xen.heap.refs(page)).toBe(2);
  const port = q.ipi();
  // The guest gives the page away (decrease_reservation): it must not become anybody else's.
  const list = pack(8, [0, 8, RAM_GFN]);
  d.write(0x4000_5000, list);
  const { rc } = d.op(HYPERVISOR.memory_op, 1, pack(32, [0, 8, 0x4000_5000], [8, 8, 1], [16, 4, 0], [24, 2, 0x7ff0]));
  expect([rc, d.xen.heap.refs(page), d.xen.heap.owner(page)]).toEqual([1, 1, d.id]);
  q.send(port);
  expect(op(d, EVTCHNOP.reset, pack(2, [0, 2, 0x7ff0]))).toBe(0);
  expect(d.xen.heap.refs(page)).toBe(0);
  expect(d.d.evtchn.fifo).toBeUndefined();
});

test('saved and restored, the queues go on', () => {
  const q = fifo();
  const [a, b] = [q.ipi(), q.ipi()];
  q.send(a);
  const saved = JSON.parse(JSON.stringify(q.d.d.evtchn.save()));
  q.d.d.evtchn.load(saved);
  q.send(b);
  expect([q.head(), q.word(a), q.word(b)]).toEqual([a, PENDING + LINKED + b, PENDING + LINKED]);
});
