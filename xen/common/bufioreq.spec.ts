import { expect, test } from 'vitest';
import { BUFIOREQ_ATOMIC, BUFIOREQ_LEGACY } from '../public/ioreq.js';
import { canonicalise, sendBuffered, type BufferedPage } from './bufioreq.js';
import { newIoreq, type IoreqRecord } from './domain.js';

/** The page, and an emulator that may act between any two of Xen's accesses. */
class Page implements BufferedPage {
  readonly view = new DataView(new ArrayBuffer(4096));
  exchanges = 0;
  /** Called before each access. */
  between: () => void = () => {};
  read32(offset: number): number {
    this.between();
    return this.view.getUint32(offset, true);
  }
  write32(offset: number, value: number): void {
    this.between();
    this.view.setUint32(offset, value, true);
  }
  compareExchange64(offset: number, expected: bigint, value: bigint): boolean {
    this.between();
    this.exchanges++;
    if (this.view.getBigUint64(offset, true) !== expected) return false;
    this.view.setBigUint64(offset, value, true);
    return true;
  }
  get pointers(): [read: number, write: number] {
    return [this.view.getUint32(0, true), this.view.getUint32(4, true)];
  }
  set pointers([read, write]: [number, number]) {
    this.view.setUint32(0, read, true);
    this.view.setUint32(4, write, true);
  }
  slot(n: number): [word: number, data: number] {
    return [this.view.getUint32(8 + 8 * n, true), this.view.getUint32(12 + 8 * n, true)];
  }
}

const request = (fields: Partial<IoreqRecord> = {}): IoreqRecord => ({
  ...newIoreq(),
  type: 1,
  addr: 0xabcde,
  size: 4,
  count: 1,
  data: 0x1_2345_6789n,
  ...fields,
});

test('[buf-layout] a slot: type 7:0, dir 9, size code 11:10, address 31:12; then 32 bits of data', () => {
  const page = new Page();
  // xen-ioreq.md 1.2: 4 bytes is code 2, so word 0 = 0xabcde << 12 | 2 << 10 | type 1
  expect(sendBuffered(page, BUFIOREQ_LEGACY, request())).toBe('sent');
  expect([page.slot(0), page.pointers]).toEqual([
    [0xabcd_e801, 0x2345_6789],
    [0, 1],
  ]);
  expect(sendBuffered(page, BUFIOREQ_LEGACY, request({ size: 1, dir: 1, addr: 1, type: 8, data: 0x55n }))).toBe('sent');
  expect([page.slot(1), page.pointers]).toEqual([
    [0x0000_1208, 0x55],
    [0, 2],
  ]);
  expect(sendBuffered(page, BUFIOREQ_LEGACY, request({ size: 2, addr: 0 }))).toBe('sent');
  expect(page.slot(2)[0]).toBe(0x401);
});

test('[buf-wide] eight bytes take two slots: the second repeats the first word and has the upper half', () => {
  const page = new Page();
  expect(sendBuffered(page, BUFIOREQ_LEGACY, request({ size: 8, data: 0x1111_2222_3333_4444n }))).toBe('sent');
  expect([page.slot(0), page.slot(1), page.pointers]).toEqual([
    [0xabcd_ec01, 0x3333_4444],
    [0xabcd_ec01, 0x1111_2222],
    [0, 2],
  ]);
});

test('[buf-refused] no page; address, pointer and count; size; a full ring: in this order', () => {
  const page = new Page();
  expect(sendBuffered(undefined, BUFIOREQ_LEGACY, request({ addr: 0x10_0000 }))).toBe('refused');
  expect(
    [{ addr: 0x10_0000 }, { dataIsPtr: true }, { count: 2 }, { count: 0 }].map((f) =>
      sendBuffered(page, BUFIOREQ_LEGACY, request(f)),
    ),
  ).toEqual(['misfit', 'misfit', 'misfit', 'misfit']);
  expect(sendBuffered(page, BUFIOREQ_LEGACY, request({ count: 2, size: 3 }))).toBe('misfit');
  expect([3, 0, 16].map((size) => sendBuffered(page, BUFIOREQ_LEGACY, request({ size })))).toEqual([
    'refused',
    'refused',
    'refused',
  ]);
  expect(page.pointers).toEqual([0, 0]);
  expect(sendBuffered(page, BUFIOREQ_LEGACY, request({ addr: 0xf_ffff }))).toBe('sent');
});

test('[buf-full] 511 slots; a two-slot request needs two free ones', () => {
  const page = new Page();
  for (let i = 0; i < 509; i++) expect(sendBuffered(page, BUFIOREQ_ATOMIC, request())).toBe('sent');
  expect(sendBuffered(page, BUFIOREQ_ATOMIC, request({ size: 8 }))).toBe('sent'); // 509 used, limit 510
  expect([
    sendBuffered(page, BUFIOREQ_ATOMIC, request()),
    sendBuffered(page, BUFIOREQ_ATOMIC, request({ size: 8 })),
    page.pointers,
  ]).toEqual(['refused', 'refused', [0, 511]]);
  page.pointers = [1, 511];
  expect([
    sendBuffered(page, BUFIOREQ_ATOMIC, request({ size: 8 })),
    sendBuffered(page, BUFIOREQ_ATOMIC, request()),
  ]).toEqual(['refused', 'sent']);
});

test('[buf-wrap] slot numbers wrap at 511, also inside a two-slot request', () => {
  const page = new Page();
  page.pointers = [510, 510];
  expect(sendBuffered(page, BUFIOREQ_LEGACY, request({ size: 8, data: 0x7_0000_0009n }))).toBe('sent');
  expect([page.slot(510)[1], page.slot(0)[1], page.pointers]).toEqual([9, 7, [510, 512]]);
});

test('[buf-atomic] ATOMIC takes whole rounds off both pointers; LEGACY leaves them', () => {
  for (const [mode, after] of [
    [BUFIOREQ_ATOMIC, [4, 6]],
    [BUFIOREQ_LEGACY, [2 * 511 + 4, 2 * 511 + 6]],
  ] as const) {
    const page = new Page();
    page.pointers = [2 * 511 + 4, 2 * 511 + 5];
    expect(sendBuffered(page, mode, request())).toBe('sent');
    expect([mode, page.pointers, page.slot(5)[1]]).toEqual([mode, after, 0x2345_6789]);
  }
});

test('[buf-legacy-overflow] LEGACY pointers run over 2^32, and the slot number jumps there (derived)', () => {
  const page = new Page();
  page.pointers = [0xffff_ffff, 0xffff_ffff];
  // 0xffffffff % 511 = 31, and 0 % 511 = 0
  expect(sendBuffered(page, BUFIOREQ_LEGACY, request({ size: 8, data: 0xa_0000_000bn }))).toBe('sent');
  expect([page.slot(31)[1], page.slot(0)[1], page.pointers]).toEqual([0xb, 0xa, [0xffff_ffff, 1]]);
});

test('[buf-concurrent] a reader that moves read_pointer at the same time loses nothing', () => {
  const page = new Page();
  page.pointers = [511, 520];
  let moves = 0;
  page.between = () => {
    // The emulator consumes slot by slot, while there is something: it only ever adds one.
    const [read, write] = page.pointers;
    if (moves < 5 && read !== write) {
      moves++;
      page.pointers = [read + 1, write];
    }
  };
  expect(sendBuffered(page, BUFIOREQ_ATOMIC, request())).toBe('sent');
  const [read, write] = page.pointers;
  // 520 - 511 waited, 5 were taken, 1 was put: whatever exchanges were lost, five wait.
  expect([read < 511, (write - read) >>> 0, page.exchanges >= 1]).toEqual([true, 5, true]);
});

test('[buf-hostile] one that changes the pair before every exchange holds Xen for a bounded number of tries', () => {
  const page = new Page();
  page.pointers = [511, 511];
  let n = 0;
  page.between = () => {
    page.pointers = [511 + (n++ % 7), 600];
  };
  expect(sendBuffered(page, BUFIOREQ_ATOMIC, request())).toBe('sent');
  expect(page.exchanges).toBe(511);
  // A two-slot request counts one of the tries already.
  expect(canonicalise(page, 1)).toBe(510);
});

test('[buf-page] the page is exactly one page', () => {
  expect(8 + 511 * 8).toBe(4096);
});
