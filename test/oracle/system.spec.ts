import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXCEPTION_CLASSES } from '../differential/system/exceptions.js';
import { MMU_CLASSES } from '../differential/system/mmu.js';
import { runOurs } from '../differential/system/ours.js';
import { compareRecords } from '../differential/system/run.js';
import { decodeSystemSample, digestOf, encodeSystemSample } from '../differential/system/serial.js';
import { TLBI_CLASSES } from '../differential/system/tlbi.js';

// Made by `npm run differential -- regenerate` with the version of QEMU in the file's first line.
const FILE = readFileSync(new URL('./system.bin', import.meta.url));
const PROBE = readFileSync(new URL('./probe.bin', import.meta.url));
const { qemu, recorded } = decodeSystemSample(FILE);

test('the sample names its QEMU and has every class', () => {
  expect(qemu).toMatch(/^QEMU emulator version \d/);
  const present = new Set(recorded.flatMap(({ program }) => program.steps.map(({ name }) => name)));
  expect([...MMU_CLASSES, ...EXCEPTION_CLASSES, ...TLBI_CLASSES].filter((name) => !present.has(name))).toEqual([]);
});

test.each(recorded)('$name, seed $seed: as QEMU answered', ({ program, answer }) => {
  const ours = runOurs(program, PROBE);
  const different = compareRecords(program, ours, answer).map(({ index, lines }) => ({
    step: `${index}: ${program.steps[index]?.name}`,
    lines,
  }));
  expect(different).toEqual([]);
  expect(digestOf(ours.data)).toBe(answer.digest);
});

test('a sample that is cut off or no sample is one line of error', () => {
  expect(() => decodeSystemSample(FILE.subarray(0, FILE.length / 2))).toThrow(
    /^not a sample of the system oracle, or cut off$/,
  );
  expect(() => decodeSystemSample(Buffer.from('none'))).toThrow(/^not a sample/);
});

test('a sample is the same after writing and reading', () => {
  const one = recorded.filter(({ name }) => name === 'tlbi').slice(0, 1);
  const again = decodeSystemSample(encodeSystemSample(qemu, one, 1));
  expect(again.recorded[0]?.program).toEqual(one[0]?.program);
  expect(again.recorded[0]?.answer).toEqual(one[0]?.answer);
});
