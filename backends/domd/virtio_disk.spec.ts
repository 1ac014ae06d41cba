import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  BUFFERS,
  DiskBackend,
  INDIRECT,
  NEXT,
  REG,
  RING,
  WRITE,
  type Descriptor,
} from '../../test/support/disk-backend.js';
import { FileDisk } from '../virtio/disk.js';
import { MemoryDisk } from '../virtio/memory-disk.js';

const folder = mkdtempSync(join(tmpdir(), 'virtio-disk-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [IN, OUT, FLUSH, GET_ID] = [0, 1, 4, 8];
const NEEDS_RESET = 64;
const DATA = BUFFERS + 0x1000;
const STATUS = BUFFERS + 0x100;
const HOLE = 0x3000_0000;

function content(bytes = 1 << 16): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 3 + (i >> 9)) & 0xff);
}

/** header, data, status: a request as Linux makes it. */
function submit(b: DiskBackend, type: number, sector: number | bigint, data: Descriptor | undefined): number {
  b.header(type, sector);
  b.guest.write(STATUS, Uint8Array.of(0xff));
  b.descriptors(
    data === undefined
      ? [[BUFFERS, 16, NEXT, 1], [STATUS, 1, WRITE]]
      : [[BUFFERS, 16, NEXT, 1], [data[0], data[1], (data[2] ?? 0) | NEXT, 2], [STATUS, 1, WRITE]],
  ); // prettier-ignore
  b.kick();
  return b.guest.read(STATUS, 1)[0]!;
}

// golden-libxl.md 5: the calls of the real process, in its order; evtchn 8 is the kernel's bind_vcpu.
test('the start: InitWait first, then the calls in the observed order', () => {
  const b = new DiskBackend(undefined, 2);
  const { store } = b.xenstored;
  b.settle();
  b.announce();
  b.calls.length = 0;
  const state = `${b.paths.backend}/state`;
  b.xenstored.attachClient('spec', { onWatch: () => void b.calls.push(`state ${store.readText(0, state)}`) });
  b.xenstored.watchLocal('spec', 0, state, '');
  b.until(() => b.server?.ranges[1]?.ranges.length === 1);
  expect(b.calls.filter((c) => c !== 'evtchn 9')).toEqual([
    'state 1',
    'state 2',
    'dm 20',
    'dm 1',
    'memory 28',
    'dm 5',
    'evtchn 0',
    'evtchn 8',
    'evtchn 0',
    'evtchn 8',
    'dm 3',
  ]);
  expect(b.server!.ranges[1]!.ranges).toEqual([{ start: 0x200_0000n, end: 0x200_01ffn }]);
});

test('register accesses of both vCPUs are answered', () => {
  const b = new DiskBackend(undefined, 2).attached();
  expect([b.read(0), b.read(4), b.read(8), b.read(0x100), b.read(0, 4, 1)]).toEqual([
    0x7472_6976, 2, 2, 128, 0x7472_6976,
  ]);
  b.write(REG.STATUS, 1, 1);
  expect([b.read(REG.STATUS), b.read(REG.STATUS, 4, 1)]).toEqual([1, 1]);
  expect(b.warnings).toEqual([]);
});

test('what is not a register access is answered too, with the data as it was', () => {
  const b = new DiskBackend().attached();
  expect(b.request({ type: 8, addr: 0, count: 0, data: (1n << 64n) - 1n, dir: 0 })).toBe((1n << 64n) - 1n);
  expect(b.warnings).toEqual([]);
  expect([
    b.request({ addr: 0x300_0000, dir: 1, data: 5n }),
    b.request({ type: 2, data: 6n }),
    b.request({ addr: 0x1ff_fffc, dir: 1, data: 7n }),
  ]).toEqual([5n, 6n, 7n]);
  expect(b.warnings).toEqual([
    "guest:xvda: access at 0x3000000 is not the device's",
    'guest:xvda: request of type 2',
    "guest:xvda: access at 0x1fffffc is not the device's",
  ]);
});

test('read, write, flush, id: data moves, the used ring says so, the SPI is raised, nothing stays mapped', () => {
  const disk = new MemoryDisk(content());
  const b = new DiskBackend(disk).attached().driver();
  const rings = b.mapped();
  expect(rings).toBe(3 + 1); // desc, avail, used, and the ioreq page
  expect(submit(b, IN, 2, [DATA, 1024, WRITE])).toBe(0);
  expect(b.guest.read(DATA, 1024)).toEqual(content().slice(1024, 2048));
  expect([b.usedIndex, b.used(0), b.read(REG.ISR), b.interruptPending, b.mapped()]).toEqual([
    1,
    [0, 1024],
    1,
    true,
    rings,
  ]);
  b.write(REG.ACK, 1);
  expect(b.read(REG.ISR)).toBe(0);
  b.guest.write(DATA, new Uint8Array(512).fill(0xab));
  expect([submit(b, OUT, 5, [DATA, 512]), b.used(1)]).toEqual([0, [0, 0]]);
  expect([disk.content[2559], disk.content[2560], disk.content[3071], disk.content[3072]]).toEqual([
    content()[2559],
    0xab,
    0xab,
    content()[3072],
  ]);
  expect([
    submit(b, FLUSH, 0, undefined),
    submit(b, GET_ID, 0, [DATA, 20, WRITE]),
    submit(b, 77, 0, undefined),
  ]).toEqual([0, 0, 2]);
  expect(Buffer.from(b.guest.read(DATA, 20)).toString('latin1')).toMatch(/^guest:xvda/);
  expect([b.usedIndex, b.mapped(), b.warnings, b.f.errors()]).toEqual([5, rings, [], []]);
});

test('an indirect table, also behind a normal descriptor; a request in odd pieces', () => {
  const b = new DiskBackend(new MemoryDisk(content())).attached().driver();
  b.header(IN, 1);
  const TABLE = BUFFERS + 0x800;
  b.descriptors(
    [
      [BUFFERS, 16, NEXT, 1],
      [DATA, 512, NEXT | WRITE, 2],
      [STATUS, 1, WRITE],
    ],
    TABLE,
  );
  b.descriptors([[TABLE, 48, INDIRECT]]);
  b.kick();
  expect([b.guest.read(STATUS, 1)[0], b.guest.read(DATA, 512)]).toEqual([0, content().slice(512, 1024)]);
  b.guest.write(DATA, new Uint8Array(1024));
  b.descriptors(
    [
      [DATA + 100, 500, NEXT | WRITE, 1],
      [DATA + 3000, 13, WRITE],
    ],
    TABLE,
  ); // 512 bytes of data and the status
  b.descriptors([
    [BUFFERS, 5, NEXT, 1],
    [BUFFERS + 5, 11, NEXT, 2],
    [TABLE, 32, INDIRECT],
  ]);
  b.kick();
  expect([b.guest.read(DATA + 100, 500), b.guest.read(DATA + 3000, 12), b.guest.read(DATA + 3012, 1)[0]]).toEqual([
    content().slice(512, 1012),
    content().slice(1012, 1024),
    0,
  ]);
  expect([b.usedIndex, b.used(1)]).toEqual([2, [0, 512]]);
});

test('each malformed chain: named, counted once, the device needs a reset, nothing stays mapped, and a reset helps', () => {
  const big = Array.from({ length: 256 }, (_, i): Descriptor => [DATA, 1, NEXT, (i + 1) % 256]);
  const cases: [name: string, list: readonly Descriptor[], head?: number, index?: number][] = [
    ['avail-index-jump', [], 0, 257],
    ['avail-index-jump', [], 0, 0xffff],
    ['head-out-of-range', [], 256],
    ['head-out-of-range', [], 0xffff],
    ['descriptor-out-of-range', [[BUFFERS, 16, NEXT, 256]]],
    ['descriptor-loop', big],
    ['descriptor-loop', [[BUFFERS, 16, NEXT, 0]]],
    [
      'read-only-after-writable',
      [
        [STATUS, 1, WRITE | NEXT, 1],
        [BUFFERS, 16],
      ],
    ],
    ['indirect-with-next', [[DATA, 16, INDIRECT | NEXT, 1]]],
    ['indirect-bad-length', [[DATA, 8, INDIRECT]]],
    [
      'indirect-in-indirect',
      [
        [RING.desc + 16, 16, INDIRECT],
        [DATA, 16, INDIRECT],
      ],
    ],
    [
      'descriptor-out-of-range',
      [
        [RING.desc + 16, 16, INDIRECT],
        [DATA, 16, NEXT, 1],
      ],
    ],
    ['buffer-not-mapped', [[HOLE, 16, INDIRECT]]],
    ['request-malformed', [[BUFFERS, 16]]],
    [
      'request-malformed',
      [
        [BUFFERS, 15, NEXT, 1],
        [STATUS, 1, WRITE],
      ],
    ],
    ['request-malformed', [[STATUS, 1, WRITE]]],
    [
      'buffer-not-mapped',
      [
        [HOLE, 16, NEXT, 1],
        [STATUS, 1, WRITE],
      ],
    ],
    [
      'buffer-not-mapped',
      [
        [1n << 50n, 16, NEXT, 1],
        [STATUS, 1, WRITE],
      ],
    ],
    [
      'buffer-not-mapped',
      [
        [BUFFERS, 16, NEXT, 1],
        [HOLE, 1, WRITE],
      ],
    ],
    [
      'request-too-large',
      [
        [BUFFERS, 16, NEXT, 1],
        [DATA, 0xffff_ffff, WRITE],
      ],
    ],
  ];
  const b = new DiskBackend(new MemoryDisk(content())).attached().driver();
  const rings = b.mapped();
  const count = (name: string): number => b.f.machine.errors.count(name);
  for (const [name, list, head = 0, index] of cases) {
    const before = [
      count(name),
      b.f.machine.errors
        .list()
        .filter((e) => e.kind !== 'backend-map')
        .reduce((n, e) => n + e.count, 0),
    ];
    b.header(IN, 0);
    b.descriptors(list);
    b.kick(head, index);
    const after = [
      count(name),
      b.f.machine.errors
        .list()
        .filter((e) => e.kind !== 'backend-map')
        .reduce((n, e) => n + e.count, 0),
    ];
    expect([name, after[0]! - before[0]!, after[1]! - before[1]!]).toEqual([name, 1, 1]);
    expect([name, b.read(REG.STATUS), b.read(REG.ISR), b.usedIndex, b.mapped()]).toEqual([
      name,
      0xf | NEEDS_RESET,
      2,
      0,
      rings,
    ]);
    // More notifications do nothing.
    b.write(REG.NOTIFY, 0);
    b.settle();
    expect([name, count(name) - before[0]!]).toEqual([name, 1]);
    b.driver();
    expect([name, submit(b, IN, 0, [DATA, 512, WRITE]), b.read(REG.ISR)]).toEqual([name, 0, 1]);
    b.driver();
  }
  expect(b.warnings).toEqual([]);
});

test('data that cannot be reached is an I/O error, never a success', () => {
  const disk = new MemoryDisk(content());
  const b = new DiskBackend(disk).attached().driver();
  const rings = b.mapped();
  expect([
    submit(b, IN, 0, [HOLE, 512, WRITE]),
    submit(b, OUT, 0, [HOLE, 512]),
    submit(b, IN, 0, [1n << 41n, 512, WRITE]),
    submit(b, GET_ID, 0, [HOLE, 20, WRITE]),
  ]).toEqual([1, 1, 1, 1]);
  // Half in the last page of RAM, half beyond it.
  expect(submit(b, OUT, 0, [0x4000_ff00, 512])).toBe(1);
  expect([disk.content, b.read(REG.STATUS), b.mapped(), b.usedIndex]).toEqual([content(), 0xf, rings, 5]);
});

test('rings that cannot be mapped: needs reset, without an interrupt before DRIVER_OK', () => {
  for (const ring of ['desc', 'avail', 'used'] as const) {
    const b = new DiskBackend().attached().driver(0x204, { ...RING, [ring]: HOLE });
    expect([ring, b.read(REG.STATUS) & NEEDS_RESET, b.interruptPending, b.f.errors()]).toEqual([
      ring,
      NEEDS_RESET,
      false,
      ['ring-not-mapped guest:xvda'],
    ]);
    b.write(REG.NOTIFY, 0);
    b.settle();
    b.write(REG.STATUS, 0);
    expect([ring, b.mapped()]).toEqual([ring, 1]);
  }
});

test('a read-only disk takes no writes, and says so in its features', () => {
  const disk = new MemoryDisk(content(), true);
  const b = new DiskBackend(disk).attached();
  b.write(REG.FEATURES_SEL, 0);
  expect(b.read(0x10) & 0x20).toBe(0x20);
  b.driver();
  expect([submit(b, OUT, 0, [DATA, 512]), submit(b, IN, 0, [DATA, 512, WRITE]), disk.content]).toEqual([
    1,
    0,
    content(),
  ]);
});

test('a host that fails: an error status each time, one line for the user', () => {
  const path = join(folder, 'disk.raw');
  writeFileSync(path, content());
  const b = new DiskBackend(new FileDisk(path, false)).attached().driver();
  expect(submit(b, IN, 4, [DATA, 512, WRITE])).toBe(0);
  truncateSync(path, 1024);
  expect([
    submit(b, IN, 4, [DATA, 512, WRITE]),
    submit(b, IN, 4, [DATA, 512, WRITE]),
    submit(b, IN, 1, [DATA, 512, WRITE]),
  ]).toEqual([1, 1, 0]);
  // A request that the driver got wrong is no failure of the host.
  expect(submit(b, IN, 9999, [DATA, 512, WRITE])).toBe(1);
  expect(b.warnings).toEqual([`${path}: EIO`]);
});

test('interrupts only when the driver wants them', () => {
  const b = new DiskBackend(new MemoryDisk(content())).attached().driver(0x204);
  b.guest.write(RING.avail, Uint8Array.of(1)); // NO_INTERRUPT
  expect([submit(b, IN, 0, [DATA, 512, WRITE]), b.read(REG.ISR), b.interruptPending]).toEqual([0, 0, false]);
  b.guest.write(RING.avail, Uint8Array.of(0));
  expect([submit(b, IN, 0, [DATA, 512, WRITE]), b.read(REG.ISR), b.interruptPending]).toEqual([0, 1, true]);
});

test('several requests with one notification are all done', () => {
  const b = new DiskBackend(new MemoryDisk(content())).attached().driver();
  for (let i = 0; i < 5; i++) {
    b.header(IN, i, BUFFERS + 32 * i);
    b.descriptors(
      [
        [BUFFERS + 32 * i, 16, NEXT, 3 * i + 1],
        [DATA + 512 * i, 512, NEXT | WRITE, 3 * i + 2],
        [STATUS + i, 1, WRITE],
      ],
      RING.desc + 48 * i,
    );
    b.guest.write(RING.avail + 4 + 2 * i, Uint8Array.of(3 * i, 0));
  }
  b.guest.write(RING.avail + 2, Uint8Array.of(5, 0));
  b.write(REG.NOTIFY, 0);
  b.settle();
  expect([b.usedIndex, [0, 1, 2, 3, 4].map((i) => b.used(i)), b.guest.read(DATA, 2560)]).toEqual([
    5,
    [0, 3, 6, 9, 12].map((head) => [head, 512]),
    content().slice(0, 2560),
  ]);
});

test('a queue that is reset in the middle of a request: the request is dropped, its pages go', () => {
  const disk = new MemoryDisk(content());
  const b = new DiskBackend(disk).attached().driver();
  b.header(OUT, 0);
  b.descriptors([
    [BUFFERS, 16, NEXT, 1],
    [DATA, 512, NEXT, 2],
    [STATUS, 1, WRITE],
  ]);
  b.guest.write(RING.avail + 2, Uint8Array.of(1, 0));
  b.slice = 2000n;
  b.write(REG.NOTIFY, 0);
  expect(b.until(() => JSON.stringify(b.process.save()).includes('"phase":"disk"'))).toBe(true);
  b.write(REG.STATUS, 0);
  b.settle();
  expect([b.mapped(), disk.content, b.f.errors()]).toEqual([1, content(), []]);
  b.driver();
  expect(submit(b, IN, 0, [DATA, 512, WRITE])).toBe(0);
});

// golden-libxl.md 4 and 5: unmap, unbind, disable, unmap the page, destroy; state 6; the directory goes.
test('the end: the frontend disappears, everything is undone in reverse', () => {
  const b = new DiskBackend(new MemoryDisk(content()), 2).attached().driver();
  submit(b, IN, 0, [DATA, 512, WRITE]);
  const { store } = b.xenstored;
  b.calls.length = 0;
  store.rm(0, b.paths.frontend);
  expect(b.until(() => !store.exists(b.paths.backend))).toBe(true);
  expect(b.calls.filter((c) => c !== 'evtchn 9')).toEqual([
    'dm 4',
    'memory 15',
    'memory 15',
    'memory 15',
    'evtchn 3',
    'evtchn 3',
    'dm 5',
    'memory 15',
    'dm 6',
  ]);
  b.settle();
  expect([b.server, b.mapped(), b.process.serving, b.domd.space.report().mapped, b.warnings, b.f.errors()]).toEqual([
    undefined,
    0,
    false,
    0,
    [],
    [],
  ]);
});

test('a start that fails is undone from where it came to', () => {
  const b = new DiskBackend();
  b.f.xen.hypercalls[12] = () => -12n; // no memory for the page
  b.announce();
  b.until(() => !b.xenstored.store.exists(b.paths.backend));
  b.settle();
  expect([b.server, b.warnings, b.domd.space.report().mapped]).toEqual([
    undefined,
    ['guest:xvda: map-page failed (-12)'],
    0,
  ]);
  expect(b.f.errors()).toContain('backend-start guest:xvda');
});

test('saved in the middle of a request and restored, it ends the same', () => {
  const b = new DiskBackend(new MemoryDisk(content())).attached().driver();
  b.header(IN, 3);
  b.descriptors([
    [BUFFERS, 16, NEXT, 1],
    [DATA, 512, NEXT | WRITE, 2],
    [STATUS, 1, WRITE],
  ]);
  b.guest.write(RING.avail + 2, Uint8Array.of(1, 0));
  b.slice = 4000n;
  b.write(REG.NOTIFY, 0);
  const phases = new Set<string>();
  b.until(() => {
    const saved = JSON.parse(JSON.stringify(b.process.save()));
    b.process.load(saved);
    expect(JSON.parse(JSON.stringify(b.process.save()))).toEqual(saved);
    phases.add(saved.devices[0].io.phase);
    return b.usedIndex > 0 && saved.devices[0].io.phase === 'sleep';
  });
  expect([...phases]).toEqual(expect.arrayContaining(['map', 'disk', 'unmap', 'sleep']));
  expect([b.guest.read(STATUS, 1)[0], b.guest.read(DATA, 512), b.mapped()]).toEqual([
    0,
    content().slice(1536, 2048),
    4,
  ]);
});

test('whatever is in the rings, nothing throws and nothing stays mapped', () => {
  const b = new DiskBackend(new MemoryDisk(content())).attached();
  let state = 11;
  const random = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8;
  for (let round = 0; round < 25; round++) {
    b.driver(round % 2 === 0 ? 0x3000_0204 : 0x204);
    b.header(random() % 10, random() % 200);
    b.descriptors(
      Array.from({ length: 6 }, (): Descriptor => [
        [BUFFERS, DATA, STATUS, RING.desc, HOLE][random() % 5]!,
        [0, 1, 16, 32, 512][random() % 5]!,
        random() % 8,
        random() % 7,
      ]),
    );
    for (let i = 0; i < 3; i++) b.kick(random() % 7);
    b.write(REG.STATUS, 0);
    expect(b.mapped()).toBe(1);
  }
}, 60_000);

test('data that no page can hold is refused by its length, before any of it is held', () => {
  const b = new DiskBackend(new MemoryDisk(content())).attached().driver();
  b.header(OUT, 0);
  b.descriptors([
    [BUFFERS, 16, NEXT, 1],
    [1n << 40n, 0xffff_ffff, NEXT, 2],
    [1n << 40n, 0xffff_ffff, NEXT, 3],
    [1n << 40n, 0xffff_ffff, NEXT, 4],
    [STATUS, 1, WRITE],
  ]);
  b.kick();
  expect(b.f.errors()).toContain('request-too-large guest:xvda');
  expect([b.usedIndex, b.read(REG.STATUS) & 0x40]).toEqual([0, 0x40]);
});
