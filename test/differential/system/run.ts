/** Both machines on one program, and what differs. */
import { differences } from './compare.js';
import { recordAt } from './image.js';
import type { Ending } from './image.js';
import { DATA } from './layout.js';
import type { Context, Program, Step } from './layout.js';
import { runOurs } from './ours.js';
import { startQemu } from './qemu.js';

/** From a stale use to the use before the change, and to the one after the invalidation. */
const STALE = 2;

type Records = Pick<Ending, 'records'>;

export interface StepMismatch {
  /** Index of the step; that of the last one if only the memory differs. */
  readonly index: number;
  readonly lines: readonly string[];
}

function staleDifferences(program: Program, index: number, ours: Records, theirs: Records): string[] {
  const step = program.steps[index] as Step;
  const context = contextOf(program, index);
  const found = recordAt(ours, index);
  const [before, after] = [index - STALE, index + STALE].map((i) =>
    differences(step, context, found, recordAt(theirs, i)),
  );
  if (before?.length === 0 || after?.length === 0) return [];
  return ['neither the old translation nor the new one:', ...(after ?? [])];
}

export function contextOf(program: Program, index: number): Context {
  const step = program.steps[index] as Step;
  return (program.contexts[step.context] as Program['contexts'][number]).registers;
}

/** What differs in the records, by step. */
export function compareRecords(program: Program, ours: Records, theirs: Records): StepMismatch[] {
  return program.steps.flatMap((step, index) => {
    const lines = step.stale
      ? staleDifferences(program, index, ours, theirs)
      : differences(step, contextOf(program, index), recordAt(ours, index), recordAt(theirs, index));
    return lines.length === 0 ? [] : [{ index, lines }];
  });
}

/** What differs, by step; the memory only if no record does. */
export function compare(program: Program, ours: Ending, theirs: Ending): StepMismatch[] {
  const found = compareRecords(program, ours, theirs);
  if (found.length > 0 || Buffer.compare(ours.data, theirs.data) === 0) return found;
  const at = ours.data.findIndex((byte, i) => byte !== theirs.data[i]);
  const line = `memory at ${(DATA + at).toString(16)}: ours ${ours.data[at]?.toString(16)}, QEMU ${theirs.data[at]?.toString(16)}`;
  return [{ index: program.steps.length - 1, lines: [line] }];
}

/** Starts QEMU, runs our side meanwhile, and compares. Rejects when a machine does not end. */
export async function runBoth(
  program: Program,
  probe: Uint8Array,
): Promise<{ mismatches: StepMismatch[]; theirs: Ending; instructions: number }> {
  const answer = startQemu(program, probe);
  // an error of ours comes first
  answer.catch(() => undefined);
  // let the process start before this thread is busy
  await new Promise((resolve) => setTimeout(resolve, 5));
  const ours = runOurs(program, probe);
  const theirs = await answer;
  return { mismatches: compare(program, ours, theirs), theirs, instructions: ours.instructions };
}
