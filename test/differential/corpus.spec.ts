import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { differences } from './isa/compare.js';
import { fromEntry, readCorpus, toEntry } from './isa/corpus.js';
import { createIsaKernel } from './isa/kernel.js';
import type { Result } from './isa/state.js';

// Every case that once differed from QEMU or from the Arm ARM. What is expected is in the files, never made by us.
const corpus = readCorpus(fileURLToPath(new URL('./corpus/', import.meta.url)));
const kernel = createIsaKernel();

test.each(corpus)('$file', ({ entry }) => {
  const { one, expected } = fromEntry(entry);
  const [ours] = kernel.run([one]);
  expect(differences(one, ours as Result, expected)).toEqual([]);
});

test('an entry says the same after reading and writing', () => {
  for (const { entry } of corpus) {
    const { one, expected } = fromEntry(entry);
    expect({ ...toEntry(one, expected, entry.note), assembly: entry.assembly }).toEqual(entry);
  }
});
