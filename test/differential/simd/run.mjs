// Compares FP/AdvSIMD execution with qemu-aarch64:
//   node test/differential/simd/run.mjs [seed] [cases] [regular expression of names | random]
// and records the vectors of sim/cpu/simd.spec.ts:
//   node test/differential/simd/run.mjs record
import { loadTs, ROOT } from '../../../tools/load-ts.mjs';

const print = (line) => process.stdout.write(`${line}\n`);
if (process.argv[2] === 'record') {
  const { recordVectors } = await loadTs('test/differential/simd/record.ts');
  recordVectors(ROOT, print);
} else {
  const { compareWithQemu } = await loadTs('test/differential/simd/main.ts');
  if (!(await compareWithQemu(ROOT, process.argv.slice(2), print))) process.exitCode = 1;
}
