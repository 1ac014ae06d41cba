/** Runs cases on both sides at once. */
import { differences } from './compare.js';
import { createIsaKernel } from './kernel.js';
import type { IsaKernel } from './kernel.js';
import { startQemu } from './qemu.js';
import type { Case, Result } from './state.js';

/** A case whose two results differ. */
export interface Mismatch {
  readonly one: Case;
  readonly ours: Result;
  readonly theirs: Result;
  readonly lines: readonly string[];
}

/** Both sides, ready. */
export interface Comparison {
  /** Starts QEMU, runs our side, and then waits for QEMU only when the returned function is called. */
  start(cases: readonly Case[]): () => Promise<Mismatch[]>;
  /** Instructions that our side has executed. */
  instructions(): number;
  /** Milliseconds that our side has spent running cases. */
  milliseconds(): number;
}

/** @param program the runner (qemu.ts). Throws if core.wasm is missing. */
export function createComparison(program: string): Comparison {
  const kernel: IsaKernel = createIsaKernel();
  let milliseconds = 0;
  return {
    start(cases) {
      const answer = startQemu(program, cases);
      const begin = performance.now();
      const ours = kernel.run(cases);
      milliseconds += performance.now() - begin;
      return async () => {
        const theirs = await answer;
        return cases.flatMap((one, i) => {
          const lines = differences(one, ours[i] as Result, theirs[i] as Result);
          return lines.length === 0 ? [] : [{ one, ours: ours[i] as Result, theirs: theirs[i] as Result, lines }];
        });
      };
    },
    instructions: () => kernel.instructions,
    milliseconds: () => milliseconds,
  };
}
