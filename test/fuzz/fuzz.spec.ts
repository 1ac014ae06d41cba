/** The short version of `npm run fuzz`: one small case of each kind, always the same. */
import { expect, test } from 'vitest';
import { casesFor, runCase, sizeOf } from './cases.js';

const SEED = 1;

test.each([
  ['accesses', 0, 700],
  ['accesses of a guest with other luck', 2, 300],
  ['hypercalls of a guest', 1, 150],
  ['deeds of a backend', 3, 80],
  ['rings of a disk', 5, 60],
])('%s', (_name, index, size) => {
  const { failures, accesses, mutations, outcomes } = runCase(SEED, index, size);
  expect(failures).toEqual([]);
  expect(accesses + mutations).toBe(size);
  expect(Object.keys(outcomes).length).toBeGreaterThan(10);
});

test('a case is the same whenever it runs', () => {
  expect(runCase(7, 4, 60)).toEqual(runCase(7, 4, 60));
});

test('cases add up to what was asked for', () => {
  for (const count of [1, 3999, 4000, 4001, 12_345]) {
    const sizes = Array.from({ length: casesFor(count) }, (_, index) => sizeOf(index, count));
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    expect(sizes.filter((_, i) => i % 2 === 0).reduce((a, b) => a + b, 0)).toBe(count);
    expect(sizes.filter((_, i) => i % 2 === 1).reduce((a, b) => a + b, 0)).toBe(Math.ceil(count / 10));
  }
});
