import { expect, test } from 'vitest';
import type { Caller } from '../../xen/tools/libs/caller.js';
import { GRANT_PAGES } from '../../xen/tools/libs/foreignmemory.js';
import { Exposure } from './exposure.js';

const BUCKET = 1 << 20;

/** A backend domain 1 and a guest 2 of 100 pages that has granted 7; time is what the test says. */
function bench(emulates = true): { exposure: Exposure; at(time: number): Exposure; fresh(): Exposure } {
  let now = 0n;
  const caller = {
    domain: { id: 1, isControl: false, target: undefined, options: { deviceModelPrivilege: emulates } },
    xen: {
      clock: { now: () => now },
      domain: (domid: number) => (domid === 2 ? { id: 2, totPages: 100 } : undefined),
      gnttab: { grantedTo: (_guest: unknown, domid: number) => (domid === 1 ? 7 : 0) },
    },
  } as unknown as Caller;
  const exposure = new Exposure(caller);
  return {
    exposure,
    at: (time) => {
      now = BigInt(time);
      return exposure;
    },
    fresh: () => new Exposure(caller),
  };
}

test('pages mapped twice count once, until the last mapping goes; page time is summed', () => {
  const { at } = bench();
  at(10).map(2, 5, 1000);
  at(20).map(2, 5, 1001);
  at(30).map(2, 6, 1002);
  at(40).unmap(1000);
  at(50).unmap(1001);
  at(70).unmap(1002);
  at(80).touch(5);
  at(80).touch(5);
  at(80).unmap(4711);
  const facts = at(100).facts();
  // Page 5 from 10 to 50, page 6 from 30 to 70.
  expect(facts).toMatchObject({ by: 'foreign', mapped: 0, peak: 2, everMapped: 2, touched: 1, pageTicks: 80n });
  expect(facts).toMatchObject({ reachable: 100, granted: 7 });
});

test('without the right to emulate, only what is granted can be reached', () => {
  const { at } = bench(false);
  at(1).map(2, GRANT_PAGES + 3, 1000);
  expect(at(2).facts()).toMatchObject({ by: 'grants', reachable: 7, granted: 7, mapped: 1, pageTicks: 1n });
  expect(bench().exposure.facts()).toMatchObject({ by: 'nothing', reachable: 0, peak: 0 });
});

test('the time line keeps the most of each bucket, and halves when it is full', () => {
  const { at } = bench();
  at(0).map(2, 1, 1);
  at(BUCKET).map(2, 2, 2);
  at(BUCKET + 5).unmap(2);
  at(3 * BUCKET).unmap(1);
  expect(at(4 * BUCKET).facts()).toMatchObject({ bucketTicks: BUCKET, buckets: [1, 2, 1, 1, 0] });
  at(400 * BUCKET).map(2, 9, 3);
  const { bucketTicks, buckets } = at(401 * BUCKET).facts();
  expect(bucketTicks).toBe(2 * BUCKET);
  expect(buckets).toHaveLength(201);
  expect(buckets.slice(0, 3)).toEqual([2, 1, 0]);
  expect(buckets.at(-1)).toBe(1);
  // However long it lasts.
  expect(at(2 ** 50).facts().buckets.length).toBeLessThanOrEqual(256);
});

test('a saved one goes on as if nothing had been', () => {
  const { at, exposure, fresh } = bench();
  at(10).map(2, 5, 1000);
  at(20).map(2, 6, 1001);
  at(25).touch(6);
  const other = fresh();
  other.load(JSON.parse(JSON.stringify(exposure.save())));
  at(40);
  for (const one of [exposure, other]) one.unmap(1000);
  at(60);
  expect(other.facts()).toEqual(exposure.facts());
});
