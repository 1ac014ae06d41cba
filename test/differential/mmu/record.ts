import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCases, makeTables } from './cases.js';
import { missingTool, qemuVersion, runQemu } from './qemu.js';

/** Records what QEMU answers to `count` cases of `seed` for sim/mmu/at.spec.ts. Throws if a tool is missing. */
export function recordVectors(root: string, seed: number, count: number, print: (line: string) => void): void {
  const missing = missingTool();
  if (missing !== undefined) throw new Error(`${missing} is not installed`);
  const pars = runQemu(root, join(root, '.cache/mmu'), makeTables(seed), makeCases(seed, count));
  if (pars.length !== count) throw new Error(`QEMU answered ${pars.length} of ${count} cases`);
  const lines = pars.map((par) => par.toString(16));
  const out = join(root, 'sim/mmu/at.vectors.txt');
  writeFileSync(out, `# ${qemuVersion()}\n${seed} ${count}\n${lines.join('\n')}\n`);
  print(`${count} results in ${out}`);
}
