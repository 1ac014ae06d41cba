import { expect, test } from 'vitest';
import { parseBlk, performBlk, splitBlk, type BlkRequest } from './blk.js';
import type { Disk } from './disk.js';
import type { Segment } from './queue.js';

const seg = (gpa: number, length: number, writable = false): Segment => ({ gpa: BigInt(gpa), length, writable });
const [IN, OUT, FLUSH, GET_ID] = [0, 1, 4, 8];
const [OK, IOERR, UNSUPP] = [0, 1, 2];

/** Two sectors in memory; `fails` makes the host fail. */
function memoryDisk(readOnly = false) {
  const bytes = Uint8Array.from({ length: 1024 }, (_, i) => i & 0xff);
  const state = { fails: false, flushed: 0, bytes };
  const disk: Disk = {
    bytes: 1024,
    readOnly,
    lastError: undefined,
    read: (at, into) => (into.set(bytes.subarray(at, at + into.length)), !state.fails),
    write: (at, data) => (state.fails ? false : (bytes.set(data, at), true)),
    flush: () => (state.flushed++, !state.fails),
    close: () => {},
    save: () => null,
    load: () => {},
  };
  return { disk, state };
}

function request(type: number, sector: number | bigint, segments: readonly Segment[]): BlkRequest {
  const header = new Uint8Array(16);
  const view = new DataView(header.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return parseBlk(splitBlk([seg(0x1000, 16), ...segments])!, header);
}

const STATUS = seg(0x9000, 1, true);
const perform = (
  disk: Disk,
  type: number,
  sector: number | bigint,
  segments: readonly Segment[],
  source = new Uint8Array(0),
) => performBlk(disk, 'serial', request(type, sector, [...segments, STATUS]), source);

// virtio 1.2, 2.7.4.1 and 5.2.6: no assumptions about how a message is cut into descriptors.
test('header, data and status are found however the chain is cut', () => {
  const usual = splitBlk([seg(0x1000, 16), seg(0x2000, 512), seg(0x3000, 1, true)]);
  expect(usual).toEqual({ header: [seg(0x1000, 16)], out: [seg(0x2000, 512)], in: [], status: seg(0x3000, 1, true) });
  expect(splitBlk([seg(0x1000, 528), seg(0x3000, 1, true)])).toEqual({
    header: [seg(0x1000, 16)],
    out: [seg(0x1010, 512)],
    in: [],
    status: seg(0x3000, 1, true),
  });
  expect(splitBlk([seg(0x1000, 8), seg(0x1100, 4), seg(0x1200, 4), seg(0x3000, 513, true)])).toEqual({
    header: [seg(0x1000, 8), seg(0x1100, 4), seg(0x1200, 4)],
    out: [],
    in: [seg(0x3000, 512, true)],
    status: seg(0x3200, 1, true),
  });
  expect(
    splitBlk([
      seg(0x1000, 16),
      seg(0x2000, 0),
      seg(0x3000, 0, true),
      seg(0x4000, 512, true),
      seg(0x5000, 0, true),
      seg(0x6000, 1, true),
    ]),
  ).toMatchObject({ in: [seg(0x4000, 512, true)], status: seg(0x6000, 1, true) });
});

test('chains without header or status are no requests', () => {
  expect([
    splitBlk([]),
    splitBlk([seg(0, 16)]),
    splitBlk([seg(0, 15), seg(0, 1, true)]),
    splitBlk([seg(0, 1, true)]),
    splitBlk([seg(0, 16), seg(0, 0, true)]),
    splitBlk([seg(0, 17, true)]),
  ]).toEqual(new Array(6).fill(undefined));
});

test('IN gives the sectors, OUT stores them, and says how much went into guest memory', () => {
  const { disk, state } = memoryDisk();
  const read = perform(disk, IN, 1, [seg(0, 100, true), seg(0, 412, true)]);
  expect([read.status, read.written, read.data?.[0], read.data?.length]).toEqual([OK, 512, 0, 512]);
  const written = perform(disk, OUT, 1, [seg(0, 512)], new Uint8Array(512).fill(7));
  expect([written.status, written.written, state.bytes[511], state.bytes[512], state.bytes[1023]]).toEqual([
    OK,
    0,
    255,
    7,
    7,
  ]);
  expect(perform(disk, IN, 2, []).status).toBe(OK); // nothing at the end
});

test('what lies beyond the disk, is no whole sector or goes the wrong way is an I/O error and changes nothing', () => {
  const { disk, state } = memoryDisk();
  const before = [...state.bytes];
  const data = (n: number) => new Uint8Array(n).fill(1);
  expect([
    perform(disk, IN, 2, [seg(0, 512, true)]),
    perform(disk, IN, 1, [seg(0, 1024, true)]),
    perform(disk, IN, 0, [seg(0, 100, true)]),
    perform(disk, IN, 1n << 63n, [seg(0, 512, true)]),
    perform(disk, IN, (1n << 64n) - 1n, [seg(0, 512, true)]),
    perform(disk, IN, 1n << 44n, [seg(0, 512, true)]),
    perform(disk, IN, 0, [seg(0, 512)]),
    perform(disk, IN, 0, [seg(0, 64 << 20, true)]),
    perform(disk, OUT, 2, [seg(0, 512)], data(512)),
    perform(disk, OUT, 0, [seg(0, 511)], data(511)),
    perform(disk, OUT, 0, [seg(0, 512, true)]),
    perform(disk, OUT, 0, [seg(0, 512), seg(0, 512, true)], data(512)),
    perform(disk, OUT, 0, [seg(0, 512)], data(256)),
  ]).toEqual(new Array(13).fill({ status: IOERR, written: 0, data: undefined, hostError: false }));
  expect([...state.bytes]).toEqual(before);
});

test('a read-only disk takes no writes', () => {
  const { disk, state } = memoryDisk(true);
  expect([perform(disk, OUT, 0, [seg(0, 512)], new Uint8Array(512)).status, state.bytes[1]]).toEqual([IOERR, 1]);
  expect(perform(disk, IN, 0, [seg(0, 512, true)]).status).toBe(OK);
});

test('a host that fails gives an I/O error, for each kind of request', () => {
  const { disk, state } = memoryDisk();
  state.fails = true;
  for (const outcome of [
    perform(disk, IN, 0, [seg(0, 512, true)]),
    perform(disk, OUT, 0, [seg(0, 512)], new Uint8Array(512)),
    perform(disk, FLUSH, 0, []),
  ]) {
    expect(outcome).toEqual({ status: IOERR, written: 0, data: undefined, hostError: true });
  }
  expect(state.flushed).toBe(1);
});

test('flush, id, and what is not supported', () => {
  const { disk, state } = memoryDisk();
  expect([perform(disk, FLUSH, 0, []).status, state.flushed]).toEqual([OK, 1]);
  const id = perform(disk, GET_ID, 0, [seg(0, 20, true)]);
  expect([id.status, id.written, Buffer.from(id.data!).toString()]).toEqual([OK, 20, 'serial' + '\0'.repeat(14)]);
  expect(Buffer.from(perform(disk, GET_ID, 0, [seg(0, 3, true)]).data!).toString()).toBe('ser');
  expect(perform(disk, GET_ID, 0, [seg(0, 512, true)]).written).toBe(20);
  // Device-readable memory is never written.
  expect(perform(disk, GET_ID, 0, [seg(0, 20)]).written).toBe(0);
  expect([2, 3, 11, 13, 0xffff_ffff].map((type) => perform(disk, type, 0, []).status)).toEqual(
    new Array(5).fill(UNSUPP),
  );
});
