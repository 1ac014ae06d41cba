import { expect, test } from 'vitest';
import { RangeSet } from './rangeset.js';

const list = (s: RangeSet): string[] => s.ranges.map((r) => `${r.start}-${r.end}`);

function set(...ranges: readonly (readonly [number, number])[]): RangeSet {
  const s = new RangeSet(256);
  for (const [from, to] of ranges) expect(s.add(BigInt(from), BigInt(to))).toBe(true);
  return s;
}

test('adjacent and overlapping ranges become one, in any order', () => {
  expect(list(set([0, 9], [20, 29], [10, 19]))).toEqual(['0-29']);
  expect(list(set([20, 29], [0, 9]))).toEqual(['0-9', '20-29']);
  expect(list(set([0, 100], [50, 60]))).toEqual(['0-100']);
  expect(list(set([5, 5], [7, 7], [0, 9]))).toEqual(['0-9']);
});

test('contains wants one run that holds both ends', () => {
  const s = set([0x200, 0x3ff], [0x401, 0x5ff]);
  expect([
    s.contains(0x200n, 0x203n),
    s.contains(0x3fcn, 0x3ffn),
    s.contains(0x3fdn, 0x400n),
    s.contains(0x3fen, 0x402n),
  ]).toEqual([true, true, false, false]);
  s.add(0x400n, 0x400n);
  expect(s.contains(0x3fen, 0x402n)).toBe(true);
  expect([s.overlaps(0x5ffn, 0x700n), s.overlaps(0x600n, 0x700n)]).toEqual([true, false]);
});

test('remove cuts, splits and leaves the rest', () => {
  const s = set([0, 99]);
  expect(s.remove(40n, 59n)).toBe(true);
  expect(list(s)).toEqual(['0-39', '60-99']);
  s.remove(0n, 39n);
  s.remove(95n, 200n);
  expect(list(s)).toEqual(['60-94']);
});

test('the whole 64-bit space has no room above', () => {
  const s = new RangeSet(4);
  const top = (1n << 64n) - 1n;
  expect(s.add(top - 7n, top)).toBe(true);
  expect(s.add(0n, top - 8n)).toBe(true);
  expect(list(s)).toEqual([`0-${top}`]);
});

test('the limit counts disjoint ranges; extending and merging is free', () => {
  const s = new RangeSet(3);
  for (const n of [0n, 10n, 20n]) s.add(n, n);
  expect(s.add(30n, 30n)).toBe(false);
  expect(s.add(1n, 1n)).toBe(true);
  expect(list(s)).toEqual(['0-1', '10-10', '20-20']);
  expect(s.add(2n, 9n)).toBe(true); // joins two: one is free now
  expect(s.add(30n, 30n)).toBe(true);
  // Splitting needs one more than there is.
  expect(s.remove(5n, 5n)).toBe(false);
  expect(list(s)).toEqual(['0-10', '20-20', '30-30']);
});

test('saved and restored', () => {
  const s = set([0x200_0000, 0x200_01ff], [7, 7]);
  const t = new RangeSet(256);
  t.load(JSON.parse(JSON.stringify(s.save())));
  expect(list(t)).toEqual(list(s));
});
