import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { simdEncodings } from '../../../sim/cpu/isa/simd/table.js';
import { Random, randomInstruction, randomState } from './cases.js';
import { buildRunner, missingTool, qemuVersion, runQemu } from './qemu.js';
import { formatVector } from './vectors.js';

const CASES_PER_ENCODING = 2;

/**
 * Writes sim/cpu/simd.vectors.txt: what QEMU does with two random instructions of every encoding. The states are derived
 * from the seeds by randomState; a change of it makes the file stale.
 */
export function recordVectors(root: string, print: (line: string) => void): void {
  const missing = missingTool();
  if (missing) {
    print(`skipped: ${missing} is not installed`);
    return;
  }
  const cases = simdEncodings.flatMap((encoding, index) =>
    Array.from({ length: CASES_PER_ENCODING }, (_unused, i) => {
      const seed = index * CASES_PER_ENCODING + i + 1;
      const random = new Random(seed * 0x9e3779b1);
      return { seed, insn: randomInstruction(random, encoding), state: randomState(random, false) };
    }),
  );
  const results = runQemu(buildRunner(root, resolve(root, '.cache')), cases);
  const lines = cases.map((one, i) => {
    const after = results[i];
    if (!after) throw new Error(`QEMU does not know ${one.insn.toString(16)}`);
    return formatVector(one.seed, one.insn, after);
  });
  const header = [`# ${qemuVersion()}, -cpu cortex-a57`, '# seed instruction Vd Xd fpsr nzcv'];
  writeFileSync(resolve(root, 'sim/cpu/simd.vectors.txt'), `${[...header, ...lines].join('\n')}\n`);
  print(`${lines.length} vectors`);
}
