/**
 * A hostile driver of a virtio-mmio disk: requests that were right until something in the rings, the descriptors, an indirect
 * table, the header or the registers was changed. They go through the real backend: registers by ioreq, rings in guest memory.
 */
import { MemoryDisk } from '../../backends/virtio/memory-disk.js';
import type { Random } from '../differential/isa/random.js';
import { BASE, BUFFERS, DiskBackend, INDIRECT, NEXT, REG, RING, WRITE } from '../support/disk-backend.js';
import { pack } from '../xen-fixture.js';
import { checkXen } from './invariants.js';
import type { Tally } from './tally.js';
import { edge } from './values.js';

const DISK_BYTES = 1 << 16;
const QUEUE_SIZE = 256;
/** Pages of the guest that the fixture gives it, from the rings on. */
const PAGES = 12;
const TABLE = BUFFERS + 0x1000;
const VERSION = 0x04;
/** GuestPageSize, QueueAlign, QueuePFN (virtio 1.2, 4.2.4). */
const LEGACY = [
  [0x28, 4096],
  [0x3c, 4096],
  [0x40, RING.desc / 4096],
] as const;
/** Slices of the machine in which one request must be over. */
const MAX_SLICES = 20_000;

interface Desc {
  gpa: bigint;
  length: number;
  flags: number;
  next: number;
}

export function fuzzRings(rng: Random, tally: Tally, total: number): void {
  const content = Uint8Array.from({ length: DISK_BYTES }, (_, i) => (i * 7) & 0xff);
  const disk = new MemoryDisk(content);
  const features = rng.pick([0x1000_0204, 0x3000_0204, 0x2000_0204, 0x1000_2204]);
  const mmio = rng.chance(85) ? 2 : 1;
  const backend = new DiskBackend(disk, 1, { blk: { discard: rng.chance(50) }, mmio });
  backend.attached();
  drive(backend, features);
  // At the start nothing but the rings is mapped.
  const { machine } = backend.f;
  let before = machine.time;
  while (tally.mutations < total) {
    mutate(rng, tally, backend);
    tally.mutations++;
    if (!backend.until(() => false, MAX_SLICES) && running(backend)) tally.fail('the backend does not come to an end');
    if (machine.outcome !== undefined) return tally.count(`machine ended: ${machine.outcome.name}`);
    const status = backend.read(REG.STATUS);
    if (machine.time <= before) tally.fail('simulated time stands still');
    before = machine.time;
    tally.count(`device status: 0x${status.toString(16)}`);
    if ((status & 0x40) !== 0 || rng.chance(10)) restart(tally, backend, features);
    if (tally.mutations % 50 === 0) for (const line of checkXen(machine, backend.f.xen)) tally.fail(line);
  }
  restart(tally, backend, features);
  // The next driver finds a device that works, whatever the one before has done.
  useful(tally, backend);
  for (const { kind, count } of machine.errors.list()) tally.count(`report: ${kind}`, count);
  if (backend.warnings.length > total) tally.fail(`${backend.warnings.length} lines for the user`);
  for (const line of checkXen(machine, backend.f.xen)) tally.fail(line);
}

/** The driver's set-up; the legacy interface finds the three rings, which lie as it wants them, by one page frame number. */
function drive(backend: DiskBackend, features: number): void {
  backend.driver(features);
  if (backend.read(VERSION) !== 1) return;
  for (const [register, value] of LEGACY) backend.write(register, value);
}

/** Something will still happen without anybody's doing. */
function running({ f: { machine } }: DiskBackend): boolean {
  return machine.run(1) === 'more';
}

/** Reset: afterwards no page of the guest is mapped but the ioreq page; then the driver begins anew. */
function restart(tally: Tally, backend: DiskBackend, features: number): void {
  backend.write(REG.STATUS, 0);
  backend.settle();
  const mapped = mappedPages(backend);
  if (mapped > 0) tally.fail(`${mapped} pages stay mapped after a reset`);
  drive(backend, features);
}

/** References to the guest's RAM beyond its own. */
function mappedPages({ guest, f: { xen } }: DiskBackend): number {
  let sum = 0;
  for (let i = 0; i < 16; i++) sum += xen.heap.refs(guest.pa(RING.desc + 4096 * i)) - 1;
  return sum;
}

/** A plain read of sector 0 gives status 0, and used index 1. */
function useful(tally: Tally, backend: DiskBackend): void {
  backend.header(0, 0);
  backend.descriptors([
    [BUFFERS, 16, NEXT, 1],
    [BUFFERS + 512, 512, NEXT | WRITE, 2],
    [BUFFERS + 2048, 1, WRITE],
  ]);
  backend.guest.write(BUFFERS + 2048, Uint8Array.of(0xff));
  backend.kick(0);
  const status = backend.guest.read(BUFFERS + 2048, 1)[0];
  if (status !== 0 || backend.usedIndex !== 1)
    tally.fail(`a good request after a reset: status ${status}, used ${backend.usedIndex}`);
}

const LENGTHS = [
  0, 1, 2, 15, 16, 17, 511, 512, 513, 4095, 4096, 4097, 8192, 65536, 0x10_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0,
  0xffff_ffff,
];

function address(rng: Random): bigint {
  return rng.pick([
    BigInt(BUFFERS + rng.below(PAGES * 4096)), BigInt(RING.desc), BigInt(RING.used), BigInt(RING.avail), BigInt(BUFFERS + 4095), 0x4000_fff8n,
    0x4001_0000n, 0n, 0x0200_0000n, 0x0300_1000n, (1n << 40n) - 1n, 1n << 40n, 1n << 52n, 1n << 63n, (1n << 63n) | 0x8000n, edge(rng),
  ]); // prettier-ignore
}

function flags(rng: Random): number {
  return rng.chance(80) ? rng.below(8) : rng.below(65536);
}

function mutate(rng: Random, tally: Tally, backend: DiskBackend): void {
  const { guest } = backend;
  const what = rng.below(100);
  if (what < 12) return register(rng, tally, backend);
  if (what < 16) return balloon(rng, tally, backend);
  const type = rng.pick([0, 0, 1, 1, 4, 8, 11, 13, 2, Number(edge(rng) & 0xffff_ffffn)]);
  const sector = rng.chance(75) ? BigInt(rng.below(140)) : edge(rng);
  backend.header(type, sector);
  const list = request(rng, type);
  const indirect = rng.chance(35);
  const mutations = rng.below(4);
  for (let i = 0; i < mutations; i++) change(rng, rng.pick(list));
  // Many parts that are wrong in the same way: lengths add up.
  if (rng.chance(4)) {
    const [gpa, length] = [BigInt.asUintN(64, address(rng)), rng.pick(LENGTHS)];
    for (const d of list.slice(1, -1)) Object.assign(d, { gpa, length });
  }
  const write = (at: number, d: Desc): void => {
    guest.write(at, pack(16, [0, 8, d.gpa], [8, 4, d.length], [12, 2, d.flags], [14, 2, d.next]));
  };
  let head = 0;
  if (indirect) {
    list.forEach((d, i) => write(TABLE + 16 * i, d));
    const table = { gpa: BigInt(TABLE), length: 16 * list.length, flags: INDIRECT, next: 0 };
    if (rng.chance(30)) change(rng, table);
    if (rng.chance(10)) table.flags |= INDIRECT;
    write(RING.desc, table);
    if (rng.chance(15)) {
      // A table inside the table.
      write(TABLE, { gpa: BigInt(TABLE), length: 32, flags: INDIRECT, next: 0 });
    }
  } else {
    list.forEach((d, i) => write(RING.desc + 16 * i, d));
    if (rng.chance(10)) head = rng.pick([1, 255, 256, 65535]);
  }
  tally.count(`request: ${indirect ? 'indirect' : 'direct'}, ${mutations} changes`);
  tally.note(
    `type ${type} sector ${sector} head ${head} ${JSON.stringify(list.map((d) => [d.gpa.toString(16), d.length, d.flags, d.next]))}`,
  );
  if (!guest.d.p2m.lookup(RING.avail >> 12)) return;
  if (rng.chance(8)) guest.write(RING.avail, pack(2, [0, 2, rng.below(65536)]));
  if (rng.chance(8)) guest.write(RING.avail + 4 + 2 * QUEUE_SIZE, pack(2, [0, 2, rng.below(65536)]));
  if (rng.chance(6)) guest.write(RING.used, pack(4, [0, 4, rng.next()]));
  if (rng.chance(90)) backend.kick(head);
  else backend.kick(head, rng.pick([0, 1, 255, 256, 257, 32768, 65535, rng.below(65536)]));
}

/** A chain for a request of that type: header, data in one to four parts, status. */
function request(rng: Random, type: number): Desc[] {
  const out = type === 1 || type === 11 || type === 13;
  const parts = type === 4 ? 0 : rng.between(1, 4);
  const list: Desc[] = [{ gpa: BigInt(BUFFERS), length: 16, flags: NEXT, next: 1 }];
  for (let i = 0; i < parts; i++) {
    const length = type === 8 ? 20 : type === 11 || type === 13 ? 16 : 512 * rng.between(1, 8);
    list.push({
      gpa: BigInt(BUFFERS + 0x2000 + 4096 * i),
      length,
      flags: NEXT | (out ? 0 : WRITE),
      next: list.length + 1,
    });
  }
  list.push({ gpa: BigInt(BUFFERS + 0x800), length: 1, flags: WRITE, next: 0 });
  return list;
}

function change(rng: Random, d: Desc): void {
  switch (rng.below(4)) {
    case 0:
      d.gpa = BigInt.asUintN(64, address(rng));
      if (rng.chance(30)) d.length = rng.pick(LENGTHS);
      return;
    case 1:
      d.length = rng.chance(80) ? rng.pick(LENGTHS) : rng.next();
      return;
    case 2:
      d.flags = flags(rng);
      return;
    default:
      d.next = rng.chance(60) ? rng.below(6) : rng.pick([255, 256, 65535, rng.below(65536)]);
  }
}

/** A register access of any width, also while a request is under way. */
function register(rng: Random, tally: Tally, backend: DiskBackend): void {
  const offset = rng.chance(80)
    ? rng.pick([...Object.values(REG), 0, 4, 8, 0x10, 0x28, 0x34, 0x38, 0x3c, 0x40, 0xfc, 0x100, 0x104])
    : rng.below(0x200);
  const size = rng.chance(80) ? 4 : rng.pick([1, 2, 8]);
  const read = rng.chance(30);
  const data = rng.pick([0n, 1n, 3n, 0xfn, BigInt(RING.desc), BigInt(RING.used), address(rng), edge(rng)]);
  tally.count(`register: ${read ? 'read' : 'write'} of ${size}`);
  tally.note(`register 0x${offset.toString(16)} ${read ? 'read' : `write 0x${data.toString(16)}`} of ${size}`);
  backend.request({
    addr: BASE + Math.min(offset, 0x200 - size),
    size,
    dir: read ? 1 : 0,
    data: BigInt.asUintN(64, data),
  });
}

/** The guest gives a page of its rings or buffers away, and takes another one into its place. */
function balloon(rng: Random, tally: Tally, { guest }: DiskBackend): void {
  const gfn = Math.floor(rng.pick([RING.desc, RING.avail, RING.used, BUFFERS, TABLE, BUFFERS + 0x2000]) / 4096);
  const arguments_ = 0x4000_f000;
  const op = (cmd: number): number => {
    guest.write(arguments_, pack(40, [0, 8, arguments_ + 32], [8, 8, 1], [24, 2, 0x7ff0], [32, 8, gfn]));
    return guest.call(12, cmd, arguments_);
  };
  const results = [op(1), op(6)];
  tally.count(`page exchanged: ${results.join(', ')}`);
  tally.note(`page 0x${gfn.toString(16)} exchanged`);
  if (results[1] !== 1) tally.fail('the guest does not get a page back');
}
