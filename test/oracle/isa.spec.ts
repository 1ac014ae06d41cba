import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { differences } from '../differential/isa/compare.js';
import { CLASS_NAMES, groupOf } from '../differential/isa/generate.js';
import { createIsaKernel } from '../differential/isa/kernel.js';
import { decodeSample, encodeSample } from '../differential/isa/oracle.js';
import type { Sample } from '../differential/isa/oracle.js';
import type { Result } from '../differential/isa/state.js';

// Made by `npm run differential -- regenerate` with the version of QEMU in the file's first line.
const FILE = readFileSync(new URL('./isa.bin', import.meta.url));
let sample: Sample;
const results = new Map<number, Result>();

beforeAll(() => {
  sample = decodeSample(FILE);
  const ran = createIsaKernel().run(sample.cases.map(({ one }) => one));
  ran.forEach((result, i) => results.set(i, result));
});

test('the sample has every class of instructions', () => {
  const present = new Set(sample.cases.map(({ one }) => one.name));
  expect(CLASS_NAMES.filter((name) => !present.has(name))).toEqual([]);
});

test.each([...new Set(CLASS_NAMES.map(groupOf))])('%s: as QEMU answered', (group) => {
  const failures = sample.cases.flatMap(({ one, expected }, i) => {
    if (groupOf(one.name) !== group) return [];
    const lines = differences(one, results.get(i) as Result, expected);
    return lines.length === 0 ? [] : [{ case: i, name: one.name, lines }];
  });
  expect(failures).toEqual([]);
});

test('the kernel with the approximate core model answers the same', () => {
  const ran = createIsaKernel('approximate').run(sample.cases.map(({ one }) => one));
  const failures = sample.cases.flatMap(({ one, expected }, i) => {
    const lines = differences(one, ran[i] as Result, expected);
    return lines.length === 0 ? [] : [{ case: i, name: one.name, lines }];
  });
  expect(failures).toEqual([]);
});

test('a sample that is cut off or no sample is one line of error', () => {
  expect(() => decodeSample(FILE.subarray(0, FILE.length / 2))).toThrow(/not a sample of the ISA oracle, or cut off/);
  expect(() => decodeSample(Buffer.from('{}\n'))).toThrow(/not a sample/);
  expect(() => decodeSample(Buffer.from('none'))).toThrow(/not a sample/);
});

test('a sample is the same after writing and reading', () => {
  const few = { ...sample, cases: sample.cases.slice(0, 40) };
  expect(encodeSample(decodeSample(encodeSample(few)))).toEqual(encodeSample(few));
});
