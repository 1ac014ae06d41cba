import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Random } from './isa/random.js';
import { differences } from './system/compare.js';
import { makeContext } from './system/contexts.js';
import { fromSystemEntry, readSystemCorpus } from './system/corpus.js';
import { makeExceptions } from './system/exceptions.js';
import { recordAt } from './system/image.js';
import { DATA, RECORD_FIELDS } from './system/layout.js';
import type { Program, Step } from './system/layout.js';
import { makeMmu } from './system/mmu.js';
import { runOurs } from './system/ours.js';
import { compareRecords } from './system/run.js';
import { toText } from './system/serial.js';
import { reduce } from './system/shrink.js';
import { makeTlbi } from './system/tlbi.js';
import { NORMALISED, NOT_COMPARED, NOT_IN_QEMU } from './system/tolerances.js';

const PROBE = readFileSync(new URL('../oracle/probe.bin', import.meta.url));
const corpus = readSystemCorpus(fileURLToPath(new URL('./corpus/system/', import.meta.url)));

test.each(corpus)('$file', ({ entry }) => {
  const { program, records } = fromSystemEntry(entry);
  const ours = runOurs(program, PROBE);
  expect(compareRecords(program, ours, { records })).toEqual([]);
});

test.each([
  ['mmu', makeMmu],
  ['exceptions', makeExceptions],
  ['tlbi', makeTlbi],
] as const)('%s: the same seed makes the same program, another makes another', (_, make) => {
  const text = (seed: number): string => {
    const { memory, ...rest } = make(new Random(seed), 60);
    return toText([rest, memory.map(({ bytes }) => Buffer.from(bytes).toString('base64'))]);
  };
  expect(text(3)).toBe(text(3));
  expect(text(3)).not.toBe(text(4));
});

const X = Array.from({ length: 10 }, (_, i) => BigInt(i));
// ldr x0, [x1] at EL1h and at EL0
const load = (spsr: number): Step => ({
  name: 'load',
  context: 0,
  spsr,
  words: [0xf940_0020],
  x: X.with(1, BigInt(DATA + 64)),
});
const program: Program = { contexts: [makeContext({})], memory: [], steps: [load(0x3c5), load(0x3c0)] };

describe('the comparison', () => {
  const ours = runOurs(program, PROBE);
  const step = program.steps[0] as Step;
  const context = makeContext({}).registers;

  test('a step ends with the HVC after it, or with the SVC of EL0 and the HVC of the vector', () => {
    // ESR_EL2: HVC 0xf0; HVC 0x108, vector 8 of EL1, with ESR_EL1 SVC 0xf0
    expect([recordAt(ours, 0)[1], recordAt(ours, 1)[1], recordAt(ours, 1)[6]]).toEqual([
      0x5a00_00f0n,
      0x5a00_0108n,
      0x5600_00f0n,
    ]);
  });

  test('sees a difference in every word that is compared', () => {
    const record = recordAt(ours, 0);
    expect(differences(step, context, record, record)).toEqual([]);
    // FAR and HPFAR are UNKNOWN after an HVC
    const compared = RECORD_FIELDS.filter(([, name]) => !/^(HP)?FAR/.test(name));
    const seen = compared.filter(
      ([at]) => differences(step, context, record, record.with(at, (record[at] as bigint) ^ 0x1_0000n)).length === 1,
    );
    expect(seen).toEqual(compared);
  });

  test('does not let Device memory take a misaligned access', () => {
    const misaligned: Step = { ...step, access: { va: 0n, bytes: 8, misaligned: true, maintenance: false } };
    // PAR_EL1 of Device-nGnRnE
    const record = recordAt(ours, 0).with(14, BigInt(DATA) | 0xb00n);
    expect(differences(misaligned, context, record, record)).toEqual(['no alignment fault of Device memory']);
  });

  test('a stale use may be old or new, and nothing else', () => {
    const use = load(0x3c5);
    const steps = [use, use, { ...use, stale: true as const }, use, use];
    const [old, other] = [recordAt(ours, 0), recordAt(ours, 0).with(16, 5n)];
    const records = (middle: BigUint64Array): { records: BigUint64Array } => ({
      records: BigUint64Array.from([old, old, middle, old, other].flatMap((one) => [...one])),
    });
    const five = { ...program, steps };
    const theirs = records(old);
    expect(compareRecords(five, records(old), theirs)).toEqual([]);
    expect(compareRecords(five, records(other), theirs)).toEqual([]);
    expect(compareRecords(five, records(old.with(16, 6n)), theirs)).toHaveLength(1);
  });
});

test('the shrinker keeps what matters', async () => {
  const parts = Array.from({ length: 100 }, (_, i) => i);
  const kept = await reduce(parts, async (some) => some.includes(17) && some.includes(80), 1000);
  expect(kept).toEqual([17, 80]);
});

test('docs/conformance.md lists every deviation of the system differential', () => {
  const text = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');
  const rows = [...NORMALISED, ...NOT_COMPARED].map(
    ({ name, section, reason }) => `| ${name} | ${section} | ${reason} |`,
  );
  expect(rows.filter((row) => !text.includes(row))).toEqual([]);
  expect(NOT_IN_QEMU.filter((name) => !text.includes(name))).toEqual([]);
});
