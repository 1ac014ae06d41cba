/** Runs cases on both sides at once. */
import { differences, lastIndex } from './compare.js';
import { openFault } from './exclusions.js';
import { createIsaKernel } from './kernel.js';
import type { IsaKernel } from './kernel.js';
import { startQemu } from './qemu.js';
import { TIMEOUT } from './state.js';
import type { Case, Result } from './state.js';

/** A case whose two results differ. */
export interface Mismatch {
  readonly one: Case;
  readonly ours: Result;
  readonly theirs: Result;
  readonly lines: readonly string[];
}

/** Cases with the results of our side. */
export interface Ran {
  readonly cases: readonly Case[];
  readonly results: readonly Result[];
}

/**
 * Runs cases on our side. One that ends in a fault which QEMU need not take is cut off before that instruction and run
 * again, so that every case returned is to be compared.
 */
export function runOurs(kernel: IsaKernel, made: readonly Case[]): Ran {
  let cases = made;
  for (;;) {
    const results = kernel.run(cases);
    const cut = cases.map((one, i) => {
      const result = results[i] as Result;
      const index = lastIndex(one, result);
      const insn = one.words[index];
      return insn !== undefined && openFault(insn, result.signal) ? { ...one, words: one.words.slice(0, index) } : one;
    });
    if (cut.every((one, i) => one === cases[i])) return { cases, results };
    cases = cut;
  }
}

/** Both sides, ready. */
export interface Comparison {
  /**
   * Runs our side and starts QEMU, for which only the returned function waits.
   * @param endless false: a case that does not end on our side is left out
   */
  start(cases: readonly Case[], endless?: boolean): () => Promise<Mismatch[]>;
  /** Instructions that our side has executed. */
  instructions(): number;
  /** Milliseconds that our side has spent running cases. */
  milliseconds(): number;
}

/** @param program the runner (qemu.ts). Throws if core.wasm is missing. */
export function createComparison(program: string): Comparison {
  const kernel = createIsaKernel();
  let milliseconds = 0;
  return {
    start(made, endless = true) {
      const begin = performance.now();
      const ran = runOurs(kernel, made);
      milliseconds += performance.now() - begin;
      const kept = ran.cases.map((_, i) => endless || ran.results[i]?.signal !== TIMEOUT);
      const cases = ran.cases.filter((_, i) => kept[i]);
      const results = ran.results.filter((_, i) => kept[i]);
      const answer = startQemu(program, cases);
      return async () => {
        const answers = await answer;
        return cases.flatMap((one, i) => {
          const [ours, theirs] = [results[i] as Result, answers[i] as Result];
          const lines = differences(one, ours, theirs);
          return lines.length === 0 ? [] : [{ one, ours, theirs, lines }];
        });
      };
    },
    instructions: () => kernel.instructions,
    milliseconds: () => milliseconds,
  };
}
