/** Makes a program that differs small: few steps, plain registers, few table entries. */
import { makeContext } from './contexts.js';
import { CONTEXT_REGISTERS } from './layout.js';
import type { Program, Step } from './layout.js';
import { runBoth } from './run.js';
import type { StepMismatch } from './run.js';

/** Attempts for each kind of part. */
const LIMIT = 150;
const PAGE_WORDS = 512;

/** The parts that must stay for `test` to hold (delta debugging, Zeller 2002); at most `limit` tests. */
export async function reduce<T>(
  parts: readonly T[],
  test: (some: readonly T[]) => Promise<boolean>,
  limit: number,
): Promise<T[]> {
  let kept = [...parts];
  let chunks = 2;
  for (let left = limit; kept.length > 0 && left > 0;) {
    const size = Math.ceil(kept.length / chunks);
    let smaller: T[] | undefined;
    for (let at = 0; at < kept.length && left > 0 && !smaller; at += size, left -= 1) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await test(rest)) smaller = rest;
    }
    if (smaller) {
      kept = smaller;
      chunks = Math.max(2, chunks - 1);
    } else if (size === 1) break;
    else chunks = Math.min(kept.length, chunks * 2);
  }
  return kept;
}

interface Word {
  readonly address: number;
  readonly value: bigint;
}

function wordsOf({ memory }: Program): Word[] {
  return memory.flatMap(({ address, bytes }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const out: Word[] = [];
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      const value = view.getBigUint64(at, true);
      if (value !== 0n) out.push({ address: address + at, value });
    }
    return out;
  });
}

function segments(words: readonly Word[]): Program['memory'] {
  const pages = new Map<number, BigUint64Array>();
  for (const { address, value } of words) {
    const number = Math.floor(address / 8 / PAGE_WORDS);
    const page = pages.get(number) ?? new BigUint64Array(PAGE_WORDS);
    pages.set(number, page);
    page[(address / 8) % PAGE_WORDS] = value;
  }
  return [...pages].map(([number, page]) => ({ address: number * PAGE_WORDS * 8, bytes: new Uint8Array(page.buffer) }));
}

/** The steps up to the one that differs, with their contexts. */
function upTo(program: Program, index: number): Program {
  const end = index + ((program.steps[index] as Step).stale ? 2 : 0);
  const steps = program.steps.slice(0, end + 1).map((step, i) => ({ ...step, slot: step.slot ?? i }));
  return withSteps(program, steps);
}

function withSteps(program: Program, steps: readonly Step[]): Program {
  const used = [...new Set(steps.map(({ context }) => context))];
  return {
    ...program,
    contexts: used.map((i) => program.contexts[i] as Program['contexts'][number]),
    steps: steps.map((step) => ({ ...step, context: used.indexOf(step.context) })),
  };
}

/** The registers that differ: a smaller program must not differ in another way. */
const signature = ({ lines }: StepMismatch): string => lines.map((line) => line.split(':')[0]).join();

/** The smallest program found whose last use still differs; undefined if the first does not differ again. */
export async function shrinkProgram(
  program: Program,
  mismatch: StepMismatch,
  probe: Uint8Array,
): Promise<{ program: Program; mismatch: StepMismatch } | undefined> {
  let best: { program: Program; mismatch: StepMismatch } | undefined;
  const differs = async (candidate: Program): Promise<boolean> => {
    if (candidate.steps.length === 0) return false;
    let found: StepMismatch[];
    try {
      found = (await runBoth(candidate, probe)).mismatches;
    } catch {
      return false;
    }
    if (found[0] === undefined || signature(found[0]) !== signature(mismatch)) return false;
    best = { program: candidate, mismatch: found[0] };
    return true;
  };
  const first = upTo(program, mismatch.index);
  if (!(await differs(first))) return undefined;
  // a stale use needs its neighbours
  const fixed = first.steps.some(({ stale }) => stale) ? 5 : 1;
  const [head, tail] = [first.steps.slice(0, -fixed), first.steps.slice(-fixed)];
  await reduce(head, (some) => differs(withSteps(first, [...some, ...tail])), 60);
  const steps = (best as { program: Program } | undefined)?.program ?? first;
  const words = wordsOf(steps);
  const numbers = [...new Set(words.map(({ address }) => Math.floor(address / 8 / PAGE_WORDS)))];
  const ofPages = (some: readonly number[]): Word[] =>
    words.filter(({ address }) => some.includes(Math.floor(address / 8 / PAGE_WORDS)));
  const pages = await reduce(numbers, (some) => differs({ ...steps, memory: segments(ofPages(some)) }), LIMIT);
  const few = await reduce(ofPages(pages), (some) => differs({ ...steps, memory: segments(some) }), LIMIT);
  let small: Program = { ...steps, memory: segments(few) };
  for (let i = 0; i < small.contexts.length; i += 1) {
    const { code } = small.contexts[i] as Program['contexts'][number];
    const plain = makeContext({}, code).registers;
    for (const name of CONTEXT_REGISTERS) {
      const { registers } = small.contexts[i] as Program['contexts'][number];
      if (registers[name] === plain[name]) continue;
      const contexts = small.contexts.with(i, { code, registers: { ...registers, [name]: plain[name] } });
      if (await differs({ ...small, contexts })) small = { ...small, contexts };
    }
  }
  return best;
}
