/** Long hypercalls of a guest stop when something else has a claim on the pCPU, and go on later (xen: hypercall_create_continuation). */
import { expect, test } from 'vitest';
import { DATA, RAM, bareBench, u64s } from '../../support/bare-guest.js';

const HVC = 0xd401_d422;
/** mov x5, #100; msr cntv_tval_el0, x5; mov x5, #1; msr cntv_ctl_el0, x5; msr daifclr, #2: an interrupt in 12 us. */
const TIMER = [0xd280_0c85, 0xd51b_e305, 0xd280_0025, 0xd51b_e325, 0xd503_42ff];
const RAM_END = RAM + 0x20_0000;

function call(
  x: Readonly<Record<number, number | bigint>>,
  prepare?: (write: (gpa: number, data: Uint8Array) => void) => void,
) {
  const bench = bareBench();
  const guest = bench.guest();
  prepare?.((gpa, data) => guest.write(gpa, data));
  guest.load(0, { code: [...TIMER, HVC], x });
  guest.start();
  expect(bench.run(() => guest.outcome().done, 5_000_000_000)).toBe(true);
  return { guest, bench, outcome: guest.outcome() };
}

test('the interrupt of a timer is taken in the middle of an unmap of two thousand grants', () => {
  const count = 2000;
  const { guest, outcome } = call({ 0: 1, 1: DATA, 2: count, 16: 20 });
  // At the HVC, which is made again for the rest: count in x2, the next structure in x1.
  expect([outcome.interrupts, outcome.irqElr]).toEqual([1, guest.pc(TIMER.length)]);
  expect(outcome.x(0)).toBe(0n);
  expect(outcome.x(2)).toBeLessThan(BigInt(count));
  expect(outcome.x(1)).toBe(BigInt(DATA) + 24n * (BigInt(count) - outcome.x(2)));
  // GNTST_bad_handle in the first and the last
  for (const i of [0, count - 1]) expect(guest.read64(DATA + 24 * i + 16) >> 32n).toBe(0xfffcn);
});

test('and in the middle of giving pages away, which counts on where it was', () => {
  const pages = 200;
  const first = RAM_END / 4096 - pages;
  const { guest, bench, outcome } = call({ 0: 1, 1: DATA, 16: 12 }, (write) => {
    write(DATA, u64s([BigInt(DATA + 64), BigInt(pages), 0n, 0x7ff0n]));
    write(DATA + 64, u64s(Array.from({ length: pages }, (_, i) => BigInt(first + i))));
  });
  expect([outcome.interrupts, outcome.x(0)]).toEqual([1, BigInt(pages)]);
  expect(bench.xen.gfnToPa(guest.d, first - 1)).toBeDefined();
  for (let i = 0; i < pages; i++) expect(bench.xen.gfnToPa(guest.d, first + i)).toBeUndefined();
});
