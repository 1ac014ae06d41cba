/** Makes a failing case small: fewer instructions, then fewer registers that are not zero. */
import { REGISTERS } from './compare.js';
import type { Comparison, Mismatch } from './batch.js';
import { CODE, getNumber, NOP, setNumber, SLOTS, slotAddress, STATE_PC } from './state.js';
import type { Case } from './state.js';

const PAGE = 0x1000;
const SLOTS_PER_PAGE = PAGE / 256;

/** The same case, `pages` pages further: the place in the page stays. */
function moved(one: Case, pages: number): Case {
  const state = one.state.slice();
  const offset = getNumber(state, STATE_PC) - slotAddress(0);
  const slot = Math.floor(offset / 256);
  const target = (slot % SLOTS_PER_PAGE) + SLOTS_PER_PAGE * pages;
  setNumber(state, STATE_PC, slotAddress(target) + (offset % 256));
  return { ...one, state };
}

/** Those candidates that still fail, one per page of the code. A loop without its count would hang QEMU: left out. */
async function failing(comparison: Comparison, candidates: readonly Case[]): Promise<Mismatch[]> {
  const found = await comparison.start(
    candidates.map((one, i) => moved(one, i)),
    false,
  )();
  return found;
}

const withWord = (one: Case, index: number, word: number): Case => ({
  ...one,
  words: one.words.map((old, i) => (i === index ? word : old)),
});

const withZero = (one: Case, offset: number, size: number): Case => {
  const state = one.state.slice();
  state.fill(0, offset, offset + size);
  return { ...one, state };
};

const isZero = (one: Case, offset: number, size: number): boolean =>
  one.state.subarray(offset, offset + size).every((byte) => byte === 0);

/** The first change of `step` that still fails is kept, until none does. */
async function reduce(
  comparison: Comparison,
  start: Mismatch,
  step: (one: Case) => readonly Case[],
): Promise<Mismatch> {
  let best = start;
  for (;;) {
    const candidates = step(best.one).slice(0, SLOTS / SLOTS_PER_PAGE - 1);
    if (candidates.length === 0) return best;
    const next = (await failing(comparison, candidates))[0];
    if (!next) return best;
    best = next;
  }
}

/**
 * The smallest case found that still differs, and how; undefined if the case does not fail alone, which means that it
 * depends on another one of its batch.
 */
export async function shrink(comparison: Comparison, one: Case): Promise<Mismatch | undefined> {
  const [alone] = await failing(comparison, [one]);
  if (!alone) return undefined;
  // the tail first: halves, quarters, single instructions
  let best = await reduce(comparison, alone, ({ words, ...rest }) =>
    words.length < 2
      ? []
      : [1, 2, 4].flatMap((part) => {
          const keep = words.length - Math.max(1, Math.floor(words.length / (2 * part)));
          return [{ ...rest, words: words.slice(0, keep) }];
        }),
  );
  best = await reduce(comparison, best, (candidate) =>
    candidate.words.flatMap((word, i) => (word === NOP ? [] : [withWord(candidate, i, NOP)])),
  );
  // without the NOPs, where nothing depends on distances
  best = await reduce(comparison, best, (candidate) =>
    candidate.words.flatMap((word, i) =>
      word === NOP ? [{ ...candidate, words: candidate.words.filter((_, j) => j !== i) }] : [],
    ),
  );
  best = await reduce(comparison, best, (candidate) =>
    REGISTERS.flatMap(([name, offset, size]) =>
      name === 'pc' || isZero(candidate, offset, size) ? [] : [withZero(candidate, offset, size)],
    ),
  );
  return best;
}

/** Offset in the code region, for messages. */
export function placeOf(one: Case): number {
  return getNumber(one.state, STATE_PC) - CODE;
}
