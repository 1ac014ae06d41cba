/** Comparison of the kernel's FP/AdvSIMD instructions with QEMU's Cortex-A57; run.mjs is the command. */
import { resolve } from 'node:path';
import { simdEncodings } from '../../../sim/cpu/isa/simd/table.js';
import { Random, randomInstruction, randomState } from './cases.js';
import { loadSimdModule } from './module.js';
import type { FpState } from './module.js';
import { buildRunner, missingTool, qemuVersion, runQemu } from './qemu.js';
import type { Case } from './qemu.js';

const FLAGS = [
  ['IOC', 1],
  ['DZC', 2],
  ['OFC', 4],
  ['UFC', 8],
  ['IXC', 16],
  ['IDC', 128],
  ['QC', 1 << 27],
] as const;

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

function vectorText(v: Uint8Array, index: number): string {
  return [...v.subarray(index * 16, index * 16 + 16)]
    .reverse()
    .map((b) => b.toString(16).padStart(2, '0'))
    .join('');
}

function xText(x: Uint8Array, index: number): string {
  return [...x.subarray(index * 8, index * 8 + 8)]
    .reverse()
    .map((b) => b.toString(16).padStart(2, '0'))
    .join('');
}

function differences(ours: FpState | undefined, theirs: FpState | undefined): string[] {
  if (!ours || !theirs)
    return ours === theirs ? [] : [`ours ${ours ? 'ran' : 'UNDEFINED'}, qemu ${theirs ? 'ran' : 'UNDEFINED'}`];
  const out: string[] = [];
  if (ours.fpsr !== theirs.fpsr) out.push(`fpsr ours ${hex(ours.fpsr)} qemu ${hex(theirs.fpsr)}`);
  if (ours.nzcv !== theirs.nzcv) out.push(`nzcv ours ${hex(ours.nzcv)} qemu ${hex(theirs.nzcv)}`);
  for (let i = 0; i < 32; i += 1) {
    if (vectorText(ours.v, i) !== vectorText(theirs.v, i)) {
      out.push(`v${i} ours ${vectorText(ours.v, i)} qemu ${vectorText(theirs.v, i)}`);
    }
    if (i < 30 && xText(ours.x, i) !== xText(theirs.x, i)) {
      out.push(`x${i} ours ${xText(ours.x, i)} qemu ${xText(theirs.x, i)}`);
    }
  }
  return out;
}

/**
 * Runs `total` random cases from `seed` on both and prints what differs. `only` is a regular expression on names, or
 * "random" for random encodings of the whole space (bits 27:25 = 111), which checks what is UNDEFINED.
 * @returns true when nothing differs, or when QEMU or the cross compiler is missing.
 */
export async function compareWithQemu(
  root: string,
  [seed = '1', total = '20000', only = '']: readonly string[],
  print: (line: string) => void,
): Promise<boolean> {
  const missing = missingTool();
  if (missing) {
    print(`skipped: ${missing} is not installed`);
    return true;
  }
  const module = await loadSimdModule(root);
  const program = buildRunner(root, resolve(root, '.cache'));
  const random = new Random(Number(seed));
  const encodings = simdEncodings.filter(({ name }) => new RegExp(only === 'random' ? '' : only).test(name));
  print(`${qemuVersion()}; ${encodings.length} encodings, seed ${seed}, ${total} cases`);
  const failures = new Map<string, number>();
  const raised = new Map<string, number>(FLAGS.map(([name]) => [name, 0]));
  let defined = 0;
  let shown = 0;
  for (let done = 0; done < Number(total); done += 20000) {
    const cases: Case[] = [];
    for (let i = done; i < Math.min(done + 20000, Number(total)); i += 1) {
      const plain = random.below(4) === 0;
      let insn = randomInstruction(random, encodings[i % encodings.length]!);
      if (only === 'random') {
        insn = (random.next() | 0x0e000000) >>> 0;
        if (random.below(2)) insn = (insn & 0x5fffffff) >>> 0;
        for (const low of [0, 5]) if (((insn >>> low) & 31) === 30) insn -= 2 ** (low + 1);
      }
      cases.push({ insn, state: randomState(random, plain) });
    }
    const expected = runQemu(program, cases);
    cases.forEach(({ insn, state }, i) => {
      const after = expected[i];
      if (after) defined += 1;
      for (const [name, bit] of FLAGS) {
        if (after && (after.fpsr & ~state.fpsr & bit) !== 0) raised.set(name, (raised.get(name) ?? 0) + 1);
      }
      for (const fast of [true, false]) {
        module.setFastPath(fast);
        const lines = differences(module.run(insn, state), expected[i]);
        if (lines.length === 0) continue;
        const name = simdEncodings[module.decode(insn)]?.name ?? 'UNDEFINED';
        const count = failures.get(name) ?? 0;
        failures.set(name, count + 1);
        if (count >= 2 || shown >= 60) continue;
        shown += 1;
        const fields = [insn & 31, (insn >>> 5) & 31, (insn >>> 16) & 31, (insn >>> 10) & 31];
        print(`${name} ${hex(insn)} fpcr ${hex(state.fpcr)} fpsr ${hex(state.fpsr)} fast ${fast}`);
        print(`  in: ${fields.map((r) => `v${r} ${vectorText(state.v, r)}`).join(' ')}`);
        for (const line of lines) print(`  ${line}`);
      }
    });
  }
  print(`${defined} executed; raised ${[...raised].map(([name, count]) => `${name} ${count}`).join(', ')}`);
  print(failures.size === 0 ? 'no differences' : `DIFFERENCES: ${JSON.stringify([...failures])}`);
  return failures.size === 0;
}
