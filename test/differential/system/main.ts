/** The comparison of the whole machine with QEMU's: classes mmu, exceptions and tlbi of test/differential/run.mjs. */
import { join } from 'node:path';
import { disassemble } from '../isa/disassemble.js';
import { Random } from '../isa/random.js';
import { makeContext } from './contexts.js';
import { writeSystemEntry } from './corpus.js';
import { EXCEPTION_CLASSES, makeExceptions } from './exceptions.js';
import { CONTEXT_REGISTERS } from './layout.js';
import type { Program, Step } from './layout.js';
import { makeMmu, MMU_CLASSES } from './mmu.js';
import { buildProbe, qemuVersion } from './qemu.js';
import { contextOf, runBoth } from './run.js';
import type { StepMismatch } from './run.js';
import { shrinkProgram } from './shrink.js';
import { makeTlbi, TLBI_CLASSES } from './tlbi.js';

export interface SystemKind {
  readonly classes: readonly string[];
  readonly make: (random: Random, count: number) => Program;
  /** Steps of one program. */
  readonly batch: number;
}

export const SYSTEM_KINDS: Readonly<Record<'mmu' | 'exceptions' | 'tlbi', SystemKind>> = {
  mmu: { classes: MMU_CLASSES, make: makeMmu, batch: 8000 },
  exceptions: { classes: EXCEPTION_CLASSES, make: makeExceptions, batch: 4000 },
  tlbi: { classes: TLBI_CLASSES, make: makeTlbi, batch: 8000 },
};
export type SystemName = keyof typeof SYSTEM_KINDS;

const SHOWN = 6;
const SHRUNK = 3;
export const SYSTEM_CORPUS = 'test/differential/corpus/system';

/** Steps and differences by class, and the instructions of our side. */
export interface SystemSums {
  readonly steps: Map<string, number>;
  readonly mismatches: Map<string, number>;
  instructions: number;
}

function show(program: Program, { index, lines }: StepMismatch, print: (line: string) => void): void {
  const step = program.steps[index] as Step;
  const registers = contextOf(program, index);
  const plain = makeContext({}).registers;
  print(
    `${step.name}, step ${index}, SPSR ${step.spsr.toString(16)}, x1 ${step.x[1]?.toString(16)}, x2 ${step.x[2]?.toString(16)}`,
  );
  const other = CONTEXT_REGISTERS.filter((name) => registers[name] !== plain[name]);
  print(`    ${other.map((name) => `${name} ${registers[name].toString(16)}`).join(', ')}`);
  for (const line of disassemble(step.words, 0)) print(`    ${line}`);
  for (const line of lines) print(`  ${line}`);
}

/** Compares `count` steps of one kind. Rejects when a machine crashes or does not end. */
export async function compareSystem(
  root: string,
  name: SystemName,
  { seed, count, keep }: { readonly seed: number; readonly count: number; readonly keep: boolean },
  print: (line: string) => void,
): Promise<SystemSums> {
  const kind = SYSTEM_KINDS[name];
  const probe = buildProbe(root, join(root, '.cache'));
  const sums: SystemSums = { steps: new Map(), mismatches: new Map(), instructions: 0 };
  let shrunk = 0;
  for (let done = 0, batch = 0; done < count; batch += 1) {
    const program = kind.make(new Random(Math.imul(seed + 1, 0x3d4d51cb) + batch), Math.min(kind.batch, count - done));
    done += program.steps.length;
    const { mismatches, instructions } = await runBoth(program, probe);
    sums.instructions += instructions;
    for (const step of program.steps) sums.steps.set(step.name, (sums.steps.get(step.name) ?? 0) + 1);
    for (const [i, mismatch] of mismatches.entries()) {
      const of = (program.steps[mismatch.index] as Step).name;
      sums.mismatches.set(of, (sums.mismatches.get(of) ?? 0) + 1);
      if (i < SHOWN) show(program, mismatch, print);
    }
    if (mismatches[0] === undefined || shrunk >= SHRUNK) continue;
    shrunk += 1;
    const small = await shrinkProgram(program, mismatches[0], probe);
    if (!small) {
      print('  does not differ again');
      continue;
    }
    print(`as small as it gets, ${small.program.steps.length} steps:`);
    show(small.program, small.mismatch, print);
    if (!keep) continue;
    const { theirs } = await runBoth(small.program, probe);
    const note = `found with seed ${seed}: ${small.mismatch.lines[0]}; expected: ${qemuVersion()}`;
    print(`  ${SYSTEM_CORPUS}/${await writeSystemEntry(join(root, SYSTEM_CORPUS), small.program, theirs, note)}`);
  }
  return sums;
}
