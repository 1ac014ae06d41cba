import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Comparison, Mismatch } from './isa/batch.js';
import { CLASSES } from './isa/classes.js';
import { differences } from './isa/compare.js';
import { excluded, EXCLUSIONS, OPEN_FAULTS, TOLERANCES } from './isa/exclusions.js';
import { CLASS_NAMES, makeCase, roundOf, statePool } from './isa/generate.js';
import { createIsaKernel } from './isa/kernel.js';
import { Random } from './isa/random.js';
import { shrink } from './isa/shrink.js';
import { BRK, MAX_WORDS, NOP, setNumber, SIGTRAP, slotAddress, STATE_BYTES, STATE_PC, TIMEOUT } from './isa/state.js';
import type { Case, Result } from './isa/state.js';

function casesOf(seed: number): Case[] {
  const random = new Random(seed);
  const pool = statePool(random, 8);
  return roundOf(CLASS_NAMES).map((name, slot) => makeCase(random, name, slot, random.pick(pool)));
}

describe('the generator', () => {
  test('makes the same cases from the same seed, others from another', () => {
    const text = (seed: number): string =>
      JSON.stringify(casesOf(seed).map(({ words, state }) => [words, Buffer.from(state).toString('base64')]));
    expect(text(5)).toBe(text(5));
    expect(text(5)).not.toBe(text(6));
  });

  test('fits its slots and makes nothing that is excluded', () => {
    for (const { name, words } of casesOf(7)) {
      expect(words.length, name).toBeLessThanOrEqual(MAX_WORDS - 7);
      for (const word of words)
        expect([name, word.toString(16), excluded(word)?.name]).toEqual([name, word.toString(16), undefined]);
    }
  });

  test('makes every class, more often those with more inside', () => {
    const round = roundOf(CLASS_NAMES);
    expect(new Set(round)).toEqual(new Set(CLASS_NAMES));
    expect(round.filter((name) => name === 'random words').length).toBeGreaterThan(10);
  });
});

// ldp x1, x1, [x2]; ldp s0, s0, [x2]; stp x2, x3, [x2], #16; ldr x2, [x2, #8]!; stxr w2, x2, [x3]; stlxp w3, x1, x2, [x3];
// ldaxp x1, x1, [x2]; svc #0; mrs x0, id_aa64pfr0_el1; mrs x0, cntvct_el0: as GNU as assembles them
const EXCLUDED = [
  0xa9400441, 0x2d400040, 0xa8810c42, 0xf8408c42, 0xc8027c62, 0xc8238861, 0xc87f8441, 0xd4000001, 0xd5380400,
  0xd53be040,
];
// ldp x1, x3, [x2]; stp x2, x3, [sp], #16; ldr x2, [x3, #8]!; stxr w4, x2, [x3]; svc is the only exception call
const COMPARED = [0xa9400c41, 0xa8810fe2, 0xf8408c62, 0xc8047c62, 0xd4000002, 0xd53b4200];

test('exclusions hold what is CONSTRAINED UNPREDICTABLE or another thing under Linux, and no more', () => {
  expect(EXCLUDED.filter((word) => !excluded(word))).toEqual([]);
  expect(COMPARED.filter((word) => excluded(word))).toEqual([]);
});

test('docs/conformance.md lists every exclusion and tolerance', () => {
  const text = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');
  const all = [...EXCLUSIONS, ...OPEN_FAULTS, ...TOLERANCES];
  expect(all.filter(({ name, section, reason }) => !text.includes(`| ${name} | ${section} | ${reason} |`))).toEqual([]);
});

describe('our side', () => {
  const kernel = createIsaKernel();

  function stateAt(slot: number): Uint8Array {
    const state = new Uint8Array(STATE_BYTES);
    setNumber(state, STATE_PC, slotAddress(slot));
    return state;
  }

  test('runs a case up to the BRK after it, and leaves no trace of it in the next', () => {
    // mov x1, #7; str x1, [x2]
    const state = stateAt(0);
    setNumber(state, 16, 0x5a_9bc0_7010);
    const store: Case = { name: 'a', words: [0xd28000e1, 0xf9000041], state };
    const load: Case = { name: 'b', words: [0xf9400041], state: state.slice() };
    setNumber(load.state, STATE_PC, slotAddress(1));
    const [stored, loaded] = kernel.run([store, load]) as [Result, Result];
    expect([stored.signal, loaded.signal]).toEqual([SIGTRAP, SIGTRAP]);
    expect([...stored.blocks.subarray(0, 16)]).toEqual([0x10, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
    expect(Buffer.from(loaded.state.subarray(8, 16)).readBigUInt64LE()).not.toBe(7n);
    expect(loaded.blocks.length).toBe(0);
  });

  test('a case that does not end is cut off by the limit, and the next one runs', () => {
    // b .
    const results = kernel.run([
      { name: 'loop', words: [0x14000000], state: stateAt(3) },
      { name: 'nop', words: [NOP], state: stateAt(4) },
    ]);
    expect(results.map(({ signal }) => signal)).toEqual([TIMEOUT, SIGTRAP]);
  });

  test('a difference in any register, in memory or in the end is seen', () => {
    const one: Case = { name: 'c', words: [NOP], state: stateAt(0) };
    const [result] = kernel.run([one]) as [Result];
    expect(differences(one, result, result)).toEqual([]);
    for (const at of [0, 247, 250, 259, 262, 266, 275, 281, 288, 799]) {
      const state = result.state.slice();
      state[at] = (state[at] as number) ^ 0x80;
      expect(differences(one, result, { ...result, state }), String(at)).toHaveLength(1);
    }
    expect(differences(one, result, { ...result, blocks: new Uint8Array(24) })).toHaveLength(1);
    expect(differences(one, result, { ...result, signal: 4 })).toHaveLength(1);
  });
});

describe('the shrinker', () => {
  /** A comparison in which a case fails if it has this instruction while X5 is not zero. */
  const failing = (culprit: number): Comparison => ({
    start: (cases) => async () =>
      cases
        .filter(({ words, state }) => words.includes(culprit) && state.subarray(40, 48).some((byte) => byte !== 0))
        .map((one): Mismatch => ({ one, ours: {} as Result, theirs: {} as Result, lines: ['differs'] })),
    instructions: () => 0,
    milliseconds: () => 0,
  });

  test('leaves the one instruction and the one register that matter', async () => {
    const [made] = casesOf(11).filter(({ words }) => words.length > 6);
    const state = (made as Case).state.slice();
    state[40] = 1;
    const words = [...(made as Case).words.slice(0, 3), BRK + 32, ...(made as Case).words.slice(3)];
    const small = await shrink(failing(BRK + 32), { name: 'x', words, state });
    expect(small?.one.words).toEqual([BRK + 32]);
    const kept = small?.one.state.slice() as Uint8Array;
    expect(kept.subarray(40, 48).some((byte) => byte !== 0)).toBe(true);
    kept.fill(0, 40, 48).fill(0, STATE_PC, STATE_PC + 8);
    expect(kept.every((byte) => byte === 0)).toBe(true);
  });

  test('gives up on a case that does not fail alone', async () => {
    const [made] = casesOf(12);
    expect(await shrink(failing(0), made as Case)).toBeUndefined();
  });
});

test('no class of the tables is missing', () => {
  expect(CLASSES.length).toBeGreaterThan(450);
});
