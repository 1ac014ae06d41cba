/** What case `index` of a seed does. A case depends on nothing but these two numbers: it can be run alone. */
import { fuzzAccesses } from './accesses.js';
import { fuzzHypercalls } from './hypercalls.js';
import { fuzzEmulator } from './emulator-deeds.js';
import { fuzzRings } from './rings.js';
import { Tally, type CaseResult } from './tally.js';
import { randomOf } from './values.js';

export const ACCESSES = 4000;
export const MUTATIONS = 400;
const MUTATORS = [fuzzHypercalls, fuzzEmulator, fuzzRings] as const;

/** Cases for so many accesses, and a tenth as many mutations. */
export function casesFor(count: number): number {
  return 2 * Math.ceil(count / ACCESSES);
}

/** What a case does: accesses if its index is even, else mutations. */
export function sizeOf(index: number, count: number): number {
  const round = index >> 1;
  return index % 2 === 0
    ? Math.min(ACCESSES, count - round * ACCESSES)
    : Math.min(MUTATIONS, Math.ceil(count / 10) - round * MUTATIONS);
}

/** Never throws: what the simulator throws is a failure of the case. */
export function runCase(seed: number, index: number, size: number): CaseResult {
  const tally = new Tally();
  const rng = randomOf(seed, index);
  try {
    if (index % 2 === 0) fuzzAccesses(rng, tally, size);
    else MUTATORS[(index >> 1) % MUTATORS.length]!(rng, tally, size);
  } catch (error) {
    tally.fail(`the host throws: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  return tally.result(index);
}
