// Records what QEMU's Cortex-A57 answers to random address translations, for sim/mmu/at.spec.ts:
//   node test/differential/mmu/run.mjs [seed] [cases]
import { loadTs, ROOT } from '../../../tools/load-ts.mjs';

const { recordVectors } = await loadTs('test/differential/mmu/record.ts');
recordVectors(ROOT, Number(process.argv[2] ?? 1), Number(process.argv[3] ?? 1000), (line) =>
  process.stdout.write(`${line}\n`),
);
