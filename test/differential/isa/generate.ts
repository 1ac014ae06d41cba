/** Makes cases: a state and one to about twenty instructions, from a seed. */
import { Builder } from './builder.js';
import { CLASSES, classNamed } from './classes.js';
import type { Group } from './classes.js';
import { follower, instruction, undefinedWord } from './instruction.js';
import type { Random } from './random.js';
import { call, exclusivePair, loop } from './sequences.js';
import { setNumber, slotAddress, STATE_PC, STATE_V, STATE_X, viewOf } from './state.js';
import type { Case } from './state.js';
import { fillInteger, fillVector, randomControl, randomState } from './values.js';

/** Classes that are no encodings: what they contain is in `undefinedWord` and the sequences below. */
export const RANDOM_WORDS = 'random words';
export const NEAR_MISSES = 'one bit from an encoding';
export const EXCLUSIVE_PAIRS = 'exclusive pairs';
export const LOOPS = 'loops';
export const CALLS = 'calls and returns';
const SPECIAL = [RANDOM_WORDS, NEAR_MISSES, EXCLUSIVE_PAIRS, LOOPS, CALLS];

/** Names of all classes. */
export const CLASS_NAMES: readonly string[] = [...CLASSES.map(({ name }) => name), ...SPECIAL];

const WEIGHTS: Readonly<Record<string, number>> = {
  [RANDOM_WORDS]: 24,
  [NEAR_MISSES]: 24,
  [EXCLUSIVE_PAIRS]: 6,
  [LOOPS]: 12,
  [CALLS]: 3,
};
const GROUP_WEIGHTS: Readonly<Record<Group, number>> = { integer: 3, system: 1, memory: 6, simd: 1, undefined: 1 };

/** The order in which cases go round these classes: each at least once, those with more inside more often. */
export function roundOf(names: readonly string[]): string[] {
  const left = new Map(names.map((name) => [name, weightOf(name)]));
  const round: string[] = [];
  while (left.size > 0) {
    for (const [name, count] of left) {
      round.push(name);
      if (count === 1) left.delete(name);
      else left.set(name, count - 1);
    }
  }
  return round;
}

function weightOf(name: string): number {
  const group = CLASSES.find((one) => one.name === name)?.group;
  return group ? GROUP_WEIGHTS[group] : (WEIGHTS[name] ?? 1);
}

/** Group by which the report sums up a class. */
export function groupOf(name: string): string {
  if (SPECIAL.includes(name)) return name;
  return CLASSES.find((one) => one.name === name)?.group ?? 'unknown';
}

/** Part of a batch that several cases share: generating whole states would take most of the time. */
export type StatePool = readonly Uint8Array[];

/** `size` random states. */
export function statePool(random: Random, size: number): StatePool {
  return Array.from({ length: size }, () => randomState(random));
}

function freshState(random: Random, from: Uint8Array, changes: number): Uint8Array {
  const state = from.slice();
  const view = viewOf(state);
  for (let i = 0; i < changes; i += 1) {
    fillInteger(random, view, STATE_X + 8 * random.below(31));
    fillVector(random, view, STATE_V + 16 * random.below(32));
  }
  randomControl(random, state);
  return state;
}

/**
 * A case of class `name` for slot `slot`, from a state of the pool.
 * @param changes registers of each kind that differ from that state, besides those the instructions need
 */
export function makeCase(random: Random, name: string, slot: number, from: Uint8Array, changes = 6): Case {
  const shift = random.chance(60) ? 0 : 4 * random.below(32);
  const pc = slotAddress(slot) + shift;
  const state = freshState(random, from, changes);
  setNumber(state, STATE_PC, pc);
  const b = new Builder(random, state, shift, pc);
  b.counting = name === LOOPS;
  if (random.chance(25)) for (let i = random.below(4); i > 0; i -= 1) b.words.push(follower(b));
  if (name === RANDOM_WORDS || name === NEAR_MISSES) b.words.push(undefinedWord(b, name === NEAR_MISSES));
  else if (name === EXCLUSIVE_PAIRS) exclusivePair(b);
  else if (name === LOOPS) loop(b);
  else if (name === CALLS) call(b);
  else b.words.push(instruction(b, classNamed(name)));
  if (random.chance(60)) for (let i = random.below(10); i > 0; i -= 1) b.words.push(follower(b));
  return { name, words: b.words.map((word) => word >>> 0), state };
}
