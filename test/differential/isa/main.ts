/** The comparison of the kernel's instructions with QEMU's Cortex-A57; test/differential/run.mjs is the command. */
import { join } from 'node:path';
import { createComparison } from './batch.js';
import type { Comparison, Mismatch } from './batch.js';
import { classOf } from './classes.js';
import { toEntry, writeEntry } from './corpus.js';
import { disassemble } from './disassemble.js';
import { CLASS_NAMES, groupOf, makeCase, roundOf, statePool } from './generate.js';
import { buildRunner, qemuVersion } from './qemu.js';
import { Random } from './random.js';
import { shrink } from './shrink.js';
import { getNumber, NOP, SLOTS, STATE_PC } from './state.js';
import type { Case } from './state.js';

export const CORPUS = 'test/differential/corpus';
const POOL = 256;
/** Failures that are made small; the others are only counted. */
const SHRUNK = 12;

export interface IsaOptions {
  readonly seed: number;
  readonly cases: number;
  /** Regular expression on names of classes or groups. */
  readonly only?: string;
  /** Add what fails to the corpus. */
  readonly keep: boolean;
}

interface Sum {
  cases: number;
  words: number;
  mismatches: number;
  readonly classes: Set<string>;
}

/** Classes whose name, or whose group's name, matches; throws Error if none does. */
export function selectClasses(only: string | undefined): readonly string[] {
  if (only === undefined) return CLASS_NAMES;
  const exact = CLASS_NAMES.filter((name) => name === only);
  if (exact.length > 0) return exact;
  const wanted = new RegExp(only, 'i');
  const found = CLASS_NAMES.filter((name) => wanted.test(name) || wanted.test(groupOf(name)));
  if (found.length === 0) throw new Error(`no class matches '${only}'; classes are instructions and groups`);
  return found;
}

function show({ one, lines }: Mismatch, print: (line: string) => void): void {
  const pc = getNumber(one.state, STATE_PC);
  print(`${one.name} at ${pc.toString(16)}`);
  for (const line of disassemble(one.words, pc)) print(`    ${line}`);
  for (const line of lines) print(`  ${line}`);
}

/** The failing case, as small as it gets, named after what remains; itself if it does not fail alone. */
async function smallest(comparison: Comparison, mismatch: Mismatch): Promise<{ small: Mismatch; alone: boolean }> {
  const small = await shrink(comparison, mismatch.one);
  if (!small) return { small: mismatch, alone: false };
  const last = small.one.words.findLast((word) => word !== NOP);
  const name = (last !== undefined && classOf(last)?.name) || small.one.name;
  return { small: { ...small, one: { ...small.one, name } }, alone: true };
}

/** Shows failures, one of each kind, and adds them to the corpus. */
async function report(
  root: string,
  comparison: Comparison,
  failed: readonly Mismatch[],
  { seed, keep }: IsaOptions,
  print: (line: string) => void,
): Promise<void> {
  const shown = new Set<string>();
  for (const mismatch of failed) {
    const { small, alone } = await smallest(comparison, mismatch);
    if (shown.has(small.one.name)) continue;
    shown.add(small.one.name);
    show(small, print);
    if (!alone) print('  does not differ alone: it depends on another case of its batch');
    else if (keep) {
      const note = `found with seed ${seed}: ${small.lines[0]}; expected: ${qemuVersion()}`;
      print(`  ${CORPUS}/${await writeEntry(join(root, CORPUS), toEntry(small.one, small.theirs, note))}`);
    }
  }
}

/** A row of the table, and what the closing line adds up. */
export interface IsaSums {
  readonly rows: readonly {
    readonly group: string;
    readonly classes: number;
    readonly cases: number;
    readonly mismatches: number;
  }[];
  readonly sequences: number;
  readonly instructions: number;
  readonly covered: number;
  readonly classes: number;
  readonly mismatches: number;
}

/** Compares `cases` cases made from `seed`. Rejects when QEMU fails. */
export async function compareIsa(root: string, options: IsaOptions, print: (line: string) => void): Promise<IsaSums> {
  const names = selectClasses(options.only);
  const round = roundOf(names);
  const comparison = createComparison(buildRunner(root, join(root, '.cache')));
  const random = new Random(options.seed);
  const sums = new Map<string, Sum>();
  const failed: Mismatch[] = [];
  let mismatches = 0;
  const finish = async (waiting: (() => Promise<Mismatch[]>) | undefined): Promise<void> => {
    for (const mismatch of (await waiting?.()) ?? []) {
      mismatches += 1;
      const sum = sums.get(groupOf(mismatch.one.name));
      if (sum) sum.mismatches += 1;
      if (mismatches <= SHRUNK) print(`${mismatch.one.name}: ${mismatch.lines[0]}`);
      const seen = failed.some(({ one }) => one.name === mismatch.one.name);
      if (!seen && failed.length < SHRUNK) failed.push(mismatch);
    }
  };
  let waiting: (() => Promise<Mismatch[]>) | undefined;
  for (let done = 0; done < options.cases; done += SLOTS) {
    const pool = statePool(random, POOL);
    const cases: Case[] = [];
    for (let slot = 0; slot < Math.min(SLOTS, options.cases - done); slot += 1) {
      const name = round[(done + slot) % round.length] as string;
      const one = makeCase(random, name, slot, random.pick(pool));
      cases.push(one);
      const group = groupOf(name);
      const sum = sums.get(group) ?? { cases: 0, words: 0, mismatches: 0, classes: new Set() };
      sums.set(group, sum);
      sum.cases += 1;
      sum.words += one.words.length;
      sum.classes.add(name);
    }
    const next = comparison.start(cases);
    await finish(waiting);
    waiting = next;
  }
  await finish(waiting);
  await report(root, comparison, failed, options, print);
  return {
    rows: [...sums].map(([group, sum]) => ({
      group,
      classes: sum.classes.size,
      cases: sum.cases,
      mismatches: sum.mismatches,
    })),
    sequences: options.cases,
    // without the HVC that ends each
    instructions: comparison.instructions() - options.cases,
    covered: new Set([...sums.values()].flatMap(({ classes }) => [...classes])).size,
    classes: names.length,
    mismatches,
  };
}
