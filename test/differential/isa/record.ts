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
import { SLOTS } from './state.js';
import type { Result } from './state.js';

export const SAMPLE_FILE = 'test/oracle/isa.bin';
const SEED = 20260101;
const POOL = 64;
const CASES = 7500;

async function makeSample(root: string): Promise<Sample> {
  const random = new Random(SEED);
  const pool = statePool(random, POOL);
  const round = roundOf(CLASS_NAMES);
  const drawn = Array.from({ length: Math.min(CASES, SLOTS) }, (_, slot) => {
    const near = random.below(POOL);
    const name = round[slot % round.length] as string;
    return { near, one: makeCase(random, name, slot, pool[near] as Uint8Array, 2) };
  });
  const made = runOurs(
    createIsaKernel(),
    drawn.map(({ one }) => one),
  ).cases;
  const answers = await startQemu(buildRunner(root, join(root, '.cache')), made);
  const cases = made.map((one, i) => ({
    one,
    near: (drawn[i] as (typeof drawn)[number]).near,
    expected: answers[i] as Result,
  }));
  return { qemu: qemuVersion(), seed: SEED, pool, cases };
}

/**
 * Writes the sample, or with `check` compares it with the file.
 * @returns true unless the file is missing or differs in anything but QEMU's version.
 */
export async function regenerate(root: string, check: boolean, print: (line: string) => void): Promise<boolean> {
  const file = join(root, SAMPLE_FILE);
  const sample = await makeSample(root);
  if (!check) {
    const bytes = encodeSample(sample);
    writeFileSync(file, bytes);
    print(`${SAMPLE_FILE}: ${sample.cases.length} cases, ${bytes.length} bytes, ${sample.qemu}`);
    return true;
  }
  if (!existsSync(file)) {
    print(`${SAMPLE_FILE} is missing: npm run differential -- regenerate`);
    return false;
  }
  const recorded = decodeSample(readFileSync(file));
  const differing = sample.cases.filter(({ one, expected }, i) => {
    const other = recorded.cases[i];
    return (
      !other ||
      other.one.words.join() !== one.words.join() ||
      Buffer.compare(other.one.state, one.state) !== 0 ||
      other.expected.signal !== expected.signal ||
      other.expected.address !== expected.address ||
      Buffer.compare(other.expected.state, expected.state) !== 0 ||
      Buffer.compare(other.expected.blocks, expected.blocks) !== 0
    );
  });
  const same = differing.length === 0 && recorded.cases.length === sample.cases.length;
  if (recorded.qemu !== sample.qemu) print(`recorded with ${recorded.qemu}, here is ${sample.qemu}`);
  print(`${SAMPLE_FILE}: ${sample.cases.length} cases, ${same ? 'identical' : `${differing.length} differ`}`);
  return same;
}
