/** Comparison of the kernel's instructions with QEMU's Cortex-A57; test/differential/run.mjs is the command. */
import { resolve } from 'node:path';
import { differences } from './compare.js';
import { CLASS_NAMES, groupOf, makeCase, statePool } from './generate.js';
import { createIsaKernel } from './kernel.js';
import { buildRunner, runQemu } from './qemu.js';
import { Random } from './random.js';
import { SLOTS } from './state.js';
import type { Case, Result } from './state.js';
import { disassemble } from './disassemble.js';
import { STATE_PC, getNumber } from './state.js';

export async function quick(root: string, seed: number, total: number, only: string, print: (s: string) => void): Promise<void> {
  const program = buildRunner(root, resolve(root, '.cache'));
  const kernel = createIsaKernel();
  const random = new Random(seed);
  const names = CLASS_NAMES.filter((n) => new RegExp(only).test(n) || new RegExp(only).test(groupOf(n)));
  const fails = new Map<string, number>();
  let tg = 0, to = 0, tq = 0, shown = 0, sig: Record<number, number> = {};
  for (let done = 0; done < total; done += SLOTS) {
    const t0 = performance.now();
    const pool = statePool(random, 256);
    const cases: Case[] = Array.from({ length: Math.min(SLOTS, total - done) }, (_, i) => makeCase(random, names[(done + i) % names.length]!, i, pool));
    const t1 = performance.now();
    const ours = kernel.run(cases);
    const t2 = performance.now();
    const theirs = await runQemu(program, cases);
    const t3 = performance.now();
    tg += t1 - t0; to += t2 - t1; tq += t3 - t2;
    cases.forEach((one, i) => {
      sig[theirs[i]!.signal] = (sig[theirs[i]!.signal] ?? 0) + 1;
      const lines = differences(one, ours[i]!, theirs[i]!);
      if (lines.length === 0) return;
      const n = fails.get(one.name) ?? 0;
      fails.set(one.name, n + 1);
      if (n < 2 && shown++ < 40) {
        print(`--- ${one.name} slot ${i}`);
        for (const l of disassemble(one.words, getNumber(one.state, STATE_PC))) print(`   ${l}`);
        for (const l of lines) print(` ${l}`);
      }
    });
  }
  print(JSON.stringify(sig));
  print(`gen ${(tg).toFixed()} ours ${to.toFixed()} qemu ${tq.toFixed()} ms`);
  print(JSON.stringify([...fails]));
}
