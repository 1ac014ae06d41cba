/** Makes the recorded sample, and says whether the committed one is what QEMU here would give. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOurs } from './batch.js';
import { CLASS_NAMES, makeCase, roundOf, statePool } from './generate.js';
import { createIsaKernel } from './kernel.js';
import { decodeSample, encodeSample } from './oracle.js';
import type { Sample } from './oracle.js';
import { buildRunner, qemuVersion, startQemu } from './qemu.js';
import { Random } from './random.js';
import { placeOf } from './shrink.js';
import { SLOTS } from './state.js';
import type { Case, Result } from './state.js';

export const SAMPLE_FILE = 'test/oracle/isa.bin';
const SEED = 20260101;
const POOL = 64;
const CASES = 7500;

function drawSample(): { pool: readonly Uint8Array[]; cases: readonly { one: Case; near: number }[] } {
  const random = new Random(SEED);
  const pool = statePool(random, POOL);
  const round = roundOf(CLASS_NAMES);
  const drawn = Array.from({ length: Math.min(CASES, SLOTS) }, (_, slot) => {
    const near = random.below(POOL);
    const name = round[slot % round.length] as string;
    return { near, one: makeCase(random, name, slot, pool[near] as Uint8Array, 2) };
  });
  const ran = runOurs(
    createIsaKernel(),
    drawn.map(({ one }) => one),
  );
  return { pool, cases: drawn.map(({ near }, i) => ({ near, one: ran.cases[i] as Case })) };
}

async function makeSample(root: string): Promise<Sample> {
  const { pool, cases } = drawSample();
  const answers = await startQemu(
    buildRunner(root, join(root, '.cache')),
    cases.map(({ one }) => one),
  );
  const answered = cases.map((each, i) => ({ ...each, expected: answers[i] as Result }));
  return { qemu: qemuVersion(), seed: SEED, pool, cases: answered };
}

const same = (a: Result, b: Result | undefined): boolean =>
  b !== undefined &&
  a.signal === b.signal &&
  a.address === b.address &&
  Buffer.compare(a.state, b.state) === 0 &&
  Buffer.compare(a.blocks, b.blocks) === 0;

/** Writes a new sample to the file. */
export async function record(root: string, print: (line: string) => void): Promise<void> {
  const sample = await makeSample(root);
  const bytes = encodeSample(sample);
  writeFileSync(join(root, SAMPLE_FILE), bytes);
  print(`${SAMPLE_FILE}: ${sample.cases.length} cases, ${bytes.length} bytes, ${sample.qemu}`);
}

/**
 * Asks QEMU again for the recorded inputs, and says whether the generator still makes these.
 * @returns true if all answers are as recorded. Rejects when the file is missing or cut off.
 */
export async function checkRecord(root: string, print: (line: string) => void): Promise<boolean> {
  const file = join(root, SAMPLE_FILE);
  if (!existsSync(file)) throw new Error(`${SAMPLE_FILE} is missing: npm run differential -- regenerate`);
  const recorded = decodeSample(readFileSync(file));
  const version = qemuVersion();
  if (recorded.qemu !== version) print(`recorded with ${recorded.qemu}, here is ${version}`);
  const inputs = recorded.cases.map(({ one }) => one);
  const answers = await startQemu(buildRunner(root, join(root, '.cache')), inputs);
  const differing = recorded.cases.filter(({ expected }, i) => !same(expected, answers[i]));
  for (const { one } of differing.slice(0, 5))
    print(`  differs: ${one.name}, at ${placeOf(one).toString(16)} of the code`);
  const text = differing.length === 0 ? 'identical' : `${differing.length} differ`;
  print(`${SAMPLE_FILE}: ${recorded.cases.length} answers of QEMU, ${text}`);
  const fresh = drawSample().cases;
  const moved = inputs.filter((one, i) => {
    const other = fresh[i]?.one;
    return !other || other.words.join() !== one.words.join() || Buffer.compare(other.state, one.state) !== 0;
  });
  if (moved.length > 0) print(`the generator has changed since: it makes other inputs for ${moved.length} cases`);
  return differing.length === 0;
}
