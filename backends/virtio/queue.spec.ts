import { expect, test } from 'vitest';
import type { GuestMemory } from './memory.js';
import { VirtQueue, type Finding, type Segment } from './queue.js';

const [NEXT, WRITE, INDIRECT] = [1, 2, 4];
// virtio 1.2, 2.7: descriptor = addr u64, len u32, flags u16, next u16; avail = flags u16, idx u16, ring[], used_event;
// used = flags u16, idx u16, ring[] of {id u32, len u32}, avail_event.
const [DESC, AVAIL, USED] = [0x1000, 0x2000, 0x3000];

class Memory implements GuestMemory {
  readonly bytes = new Uint8Array(0x4000);
  readonly view = new DataView(this.bytes.buffer);
  holes: [number, number][] = [];

  #mapped(gpa: bigint, length: number): boolean {
    const at = Number(gpa);
    return (
      gpa >= 0n && at + length <= this.bytes.length && !this.holes.some(([from, to]) => at < to && at + length > from)
    );
  }

  read(gpa: bigint, length: number): Uint8Array | undefined {
    return this.#mapped(gpa, length) ? this.bytes.slice(Number(gpa), Number(gpa) + length) : undefined;
  }

  write(gpa: bigint, bytes: Uint8Array): boolean {
    if (!this.#mapped(gpa, bytes.length)) return false;
    this.bytes.set(bytes, Number(gpa));
    return true;
  }
}

function setup(size = 8) {
  const m = new Memory();
  const q = new VirtQueue(size);
  [q.desc, q.avail, q.used] = [BigInt(DESC), BigInt(AVAIL), BigInt(USED)];
  q.ready = true;
  const descriptor = (index: number, gpa: number | bigint, length: number, flags = 0, next = 0, table = DESC): void => {
    const at = table + index * 16;
    m.view.setBigUint64(at, BigInt(gpa), true);
    m.view.setUint32(at + 8, length, true);
    m.view.setUint16(at + 12, flags, true);
    m.view.setUint16(at + 14, next, true);
  };
  const u16 = (at: number, value?: number): number => {
    if (value !== undefined) m.view.setUint16(at, value, true);
    return m.view.getUint16(at, true);
  };
  return {
    m,
    q,
    descriptor,
    availIndex: (value: number) => u16(AVAIL + 2, value),
    ring: (slot: number, head: number) => u16(AVAIL + 4 + 2 * slot, head),
    availFlags: (value: number) => u16(AVAIL, value),
    usedEvent: (value: number) => u16(AVAIL + 4 + 2 * size, value),
    availEvent: () => u16(USED + 4 + 8 * size),
    usedIndex: () => u16(USED + 2),
    used: (slot: number) => [m.view.getUint32(USED + 4 + 8 * slot, true), m.view.getUint32(USED + 8 + 8 * slot, true)],
  };
}

const seg = (gpa: number | bigint, length: number, writable = false): Segment => ({
  gpa: BigInt(gpa),
  length,
  writable,
});

test('pop takes heads in order and says when there are none', () => {
  const t = setup();
  t.ring(0, 3);
  t.ring(1, 5);
  expect(t.q.pop(t.m)).toBe('empty');
  t.availIndex(2);
  expect([t.q.pop(t.m), t.q.pop(t.m), t.q.pop(t.m)]).toEqual([{ head: 3 }, { head: 5 }, 'empty']);
});

test('indices at 0, size - 1, size and 65535', () => {
  for (const size of [1, 8, 256]) {
    for (const start of [0, size - 1, size, 65535 - size, 65534, 65535]) {
      const t = setup(size);
      t.q.lastAvail = t.q.usedIndex = start;
      for (let i = 0; i < size; i++) t.ring((start + i) % size, (i * 3) % size);
      t.availIndex((start + size) & 0xffff); // exactly full
      const heads = Array.from({ length: size }, () => t.q.pop(t.m));
      expect(heads).toEqual(Array.from({ length: size }, (_, i) => ({ head: (i * 3) % size })));
      expect([t.q.pop(t.m), t.q.lastAvail]).toEqual(['empty', (start + size) & 0xffff]);
      for (let i = 0; i < size; i++) {
        expect(t.q.push(t.m, i, i + 100)).toBe(true);
        expect(t.used((start + i) % size)).toEqual([i, i + 100]);
        expect(t.usedIndex()).toBe((start + i + 1) & 0xffff);
      }
    }
  }
});

test('an available index that jumps is a finding, in both directions', () => {
  const t = setup();
  for (const [last, index] of [
    [0, 9],
    [0, 65535],
    [65535, 8],
    [5, 4],
    [65535, 65534],
    [0, 32768],
  ] as const) {
    t.q.lastAvail = last;
    t.availIndex(index);
    expect([last, index, t.q.pop(t.m)]).toEqual([last, index, 'avail-index-jump']);
    expect(t.q.lastAvail).toBe(last);
  }
});

test('a head outside the table', () => {
  const t = setup();
  for (const head of [8, 9, 0xffff]) {
    t.q.lastAvail = 0;
    t.availIndex(1);
    t.ring(0, head);
    expect(t.q.pop(t.m)).toBe('head-out-of-range');
  }
});

test('a chain in order, with the directions', () => {
  const t = setup();
  t.descriptor(7, 0x10, 16, NEXT, 0);
  t.descriptor(0, 0x20, 512, NEXT | WRITE, 2);
  t.descriptor(2, 0x7fff_ffff_ffff_f000n, 0, WRITE, 9); // next is not looked at
  expect(t.q.chain(t.m, 7)).toEqual({
    segments: [seg(0x10, 16), seg(0x20, 512, true), seg(0x7fff_ffff_ffff_f000n, 0, true)],
    table: undefined,
  });
});

test('a chain as long as the table is legal; one that never ends is a loop', () => {
  const t = setup();
  for (let i = 0; i < 8; i++) t.descriptor(i, i, 1, i < 7 ? NEXT : 0, i + 1);
  const whole = t.q.chain(t.m, 0);
  expect(typeof whole === 'string' ? whole : whole.segments.length).toBe(8);
  t.descriptor(7, 0, 1, NEXT, 0);
  expect(t.q.chain(t.m, 0)).toBe('descriptor-loop');
  t.descriptor(3, 0, 1, NEXT, 3);
  expect(t.q.chain(t.m, 3)).toBe('descriptor-loop');
});

test('malformed chains, each with its name', () => {
  const chain = (...list: [gpa: number, length: number, flags: number, next: number][]): unknown => {
    const t = setup();
    list.forEach(([gpa, length, flags, next], i) => t.descriptor(i, gpa, length, flags, next));
    return t.q.chain(t.m, 0);
  };
  const cases: [Finding, [number, number, number, number][]][] = [
    ['descriptor-out-of-range', [[0, 1, NEXT, 8]]],
    ['descriptor-out-of-range', [[0, 1, NEXT, 0xffff]]],
    [
      'read-only-after-writable',
      [
        [0, 1, NEXT | WRITE, 1],
        [0, 1, 0, 0],
      ],
    ],
    [
      'indirect-with-next',
      [
        [0x100, 16, INDIRECT | NEXT, 1],
        [0, 1, 0, 0],
      ],
    ],
    ['indirect-bad-length', [[0x100, 0, INDIRECT, 0]]],
    ['indirect-bad-length', [[0x100, 17, INDIRECT, 0]]],
    ['indirect-bad-length', [[0x100, 0x10_0010, INDIRECT, 0]]],
    ['indirect-bad-length', [[0x100, 0xffff_fff0, INDIRECT, 0]]],
  ];
  for (const [finding, list] of cases) expect([list, chain(...list)]).toEqual([list, finding]);
});

// virtio 1.2, 2.7.5.3.2: the device MUST ignore WRITE on an indirect descriptor, and MUST handle normal ones before it.
test('indirect tables, alone and after normal descriptors', () => {
  const t = setup();
  t.descriptor(1, 0x800, 48, INDIRECT | WRITE, 0);
  expect(t.q.chain(t.m, 1)).toEqual({ segments: [], table: seg(0x800, 48) });
  t.descriptor(0, 0x10, 16, NEXT, 1);
  const first = t.q.chain(t.m, 0);
  expect(first).toEqual({ segments: [seg(0x10, 16)], table: seg(0x800, 48) });
  t.descriptor(0, 0x20, 512, NEXT, 2, 0x800);
  t.descriptor(2, 0x30, 1, WRITE, 0, 0x800);
  expect(t.q.indirect(t.m.read(0x800n, 48)!, [seg(0x10, 16)])).toEqual({
    segments: [seg(0x10, 16), seg(0x20, 512), seg(0x30, 1, true)],
    table: undefined,
  });
  // The rules hold across the border.
  expect(t.q.indirect(t.m.read(0x800n, 48)!, [seg(0x10, 16, true)])).toBe('read-only-after-writable');
});

test('malformed indirect tables', () => {
  const table = (count: number, ...list: [flags: number, next: number][]): unknown => {
    const t = setup();
    list.forEach(([flags, next], i) => t.descriptor(i, 0, 1, flags, next, 0x800));
    return t.q.indirect(t.m.read(0x800n, 16 * count)!, []);
  };
  expect([
    table(1, [NEXT, 1]),
    table(2, [NEXT, 1], [NEXT, 0]),
    table(1, [INDIRECT, 0]),
    table(2, [NEXT, 1], [INDIRECT, 0]),
    table(1, [NEXT, 0]),
    table(2, [WRITE | NEXT, 1], [0, 0]),
  ]).toEqual([
    'descriptor-out-of-range',
    'descriptor-loop',
    'indirect-in-indirect',
    'indirect-in-indirect',
    'descriptor-loop',
    'read-only-after-writable',
  ]);
});

test('a table may be longer than the queue', () => {
  const t = setup(4);
  for (let i = 0; i < 20; i++) t.descriptor(i, i, 1, i < 19 ? NEXT : 0, i + 1, 0x800);
  const chain = t.q.indirect(t.m.read(0x800n, 320)!, []);
  expect(typeof chain === 'string' ? chain : chain.segments.length).toBe(20);
});

test('rings that are not there', () => {
  const t = setup();
  t.availIndex(1);
  t.m.holes = [[AVAIL + 2, AVAIL + 4]];
  expect(t.q.pop(t.m)).toBe('ring-not-mapped');
  t.m.holes = [[AVAIL + 4, AVAIL + 6]];
  expect(t.q.pop(t.m)).toBe('ring-not-mapped');
  t.m.holes = [[DESC + 16, DESC + 32]];
  t.descriptor(0, 0, 1, NEXT, 1);
  expect(t.q.chain(t.m, 0)).toBe('ring-not-mapped');
  t.m.holes = [[USED + 4, USED + 12]];
  expect([t.q.push(t.m, 0, 0), t.q.usedIndex]).toEqual([false, 0]);
  t.m.holes = [[USED + 2, USED + 4]];
  expect(t.q.push(t.m, 0, 0)).toBe(false);
  [t.q.desc, t.q.avail, t.q.used] = [(1n << 64n) - 16n, (1n << 64n) - 2n, 1n << 63n];
  expect([t.q.pop(t.m), t.q.chain(t.m, 0), t.q.push(t.m, 0, 0), t.q.wantsInterrupt(t.m)]).toEqual([
    'ring-not-mapped',
    'ring-not-mapped',
    false,
    false,
  ]);
});

test('without event index the driver says in flags whether it wants interrupts', () => {
  const t = setup();
  t.q.push(t.m, 0, 0);
  expect(t.q.wantsInterrupt(t.m)).toBe(true);
  t.availFlags(1);
  expect(t.q.wantsInterrupt(t.m)).toBe(false);
  expect(t.availEvent()).toBe(0);
});

// virtio 1.2, 2.7.7.2: interrupt exactly when the element at index used_event was used.
test('event index: interrupt at used_event, also across the wrap', () => {
  for (const start of [0, 7, 65534]) {
    const t = setup();
    t.q.eventIdx = true;
    t.q.usedIndex = start;
    t.availFlags(1); // not looked at
    t.usedEvent((start + 2) & 0xffff);
    const wants = [0, 1, 2, 3].map(() => {
      t.q.push(t.m, 0, 0);
      return t.q.wantsInterrupt(t.m);
    });
    expect([start, wants]).toEqual([start, [false, false, true, false]]);
  }
});

test('event index: after each pop the driver is asked to notify of the next', () => {
  const t = setup();
  t.q.eventIdx = true;
  t.q.lastAvail = 65535;
  t.availIndex(1);
  t.q.pop(t.m);
  expect(t.availEvent()).toBe(0);
  t.q.pop(t.m);
  expect(t.availEvent()).toBe(1);
  t.q.pop(t.m); // empty
  expect(t.availEvent()).toBe(1);
});

test('reset forgets everything; saved and restored, it goes on', () => {
  const t = setup();
  t.q.eventIdx = true;
  t.availIndex(2);
  t.ring(0, 1);
  t.ring(1, 2);
  t.q.pop(t.m);
  t.q.push(t.m, 1, 0);
  const copy = new VirtQueue(8);
  copy.load(JSON.parse(JSON.stringify(t.q.save())));
  expect([copy.pop(t.m), copy.push(t.m, 2, 0), t.usedIndex()]).toEqual([{ head: 2 }, true, 2]);
  t.q.reset();
  expect(t.q.save()).toEqual(new VirtQueue(8).save());
});

test('no contents of a ring make it throw or loop', () => {
  let state = 7;
  const random = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8;
  for (let round = 0; round < 400; round++) {
    const t = setup();
    t.q.eventIdx = round % 2 === 0;
    for (let i = 0; i < t.m.bytes.length; i++) if (random() % 3 === 0) t.m.bytes[i] = random();
    for (let i = 0; i < 8; i++) t.descriptor(i, random() % 0x4000, random() % 600, random() % 8, random() % 10);
    t.availIndex(random() % 10);
    for (let i = 0; i < 10; i++) {
      const got = t.q.pop(t.m);
      if (typeof got === 'string') break;
      const chain = t.q.chain(t.m, got.head);
      if (typeof chain === 'string') continue;
      const bytes = chain.table === undefined ? undefined : t.m.read(chain.table.gpa, chain.table.length);
      if (bytes !== undefined) t.q.indirect(bytes, chain.segments);
      t.q.push(t.m, got.head, 0);
      t.q.wantsInterrupt(t.m);
    }
  }
});
