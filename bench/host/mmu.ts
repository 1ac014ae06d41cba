import { fileURLToPath } from 'node:url';
import { createStage2, type EngineName, type Stage2Walker } from '../../sim/mmu/stage2.js';
import { loopSpeed } from './cpu.js';
import { measure, type Result } from './result.js';

const MODULE = fileURLToPath(new URL('../../sim/wasm/stage2.wasm', import.meta.url));
const RAM = 0x4800_0000n;
/** VTCR_EL2 as Xen has it on this board: 40-bit IPA, two concatenated level-1 tables, 4K (Arm ARM DDI 0487, D13.2). */
const VTCR = 24n | (1n << 6n) | (1n << 8n) | (1n << 10n) | (3n << 12n) | (2n << 16n) | (1n << 31n);
/** AF, inner shareable, read and write, Normal write-back. */
const PAGE = 0x400n | (3n << 8n) | (3n << 6n) | (15n << 2n) | 3n;
const TABLE = 3n;
const BATCH = 4096;

/** 2 MiB of pages below one level-3 table, three descriptors a walk. */
function build(walker: Stage2Walker): void {
  const [root, level2, level3] = [RAM, RAM + 0x2000n, RAM + 0x3000n];
  walker.ram(RAM, 16 << 20);
  walker.write64(root, level2 | TABLE);
  walker.write64(level2, level3 | TABLE);
  for (let i = 0n; i < 512n; i++) walker.write64(level3 + i * 8n, (RAM + 0x10_0000n + i * 0x1000n) | PAGE);
  walker.configure(VTCR, (5n << 48n) | root);
}

function walks(engine: EngineName): Result[] {
  const walker = createStage2(MODULE, engine);
  const name = `stage-2 walk, ${engine}`;
  if (walker === undefined) return [{ name, value: 0, unit: 'ns', note: 'npm wasmtime is not installed' }];
  build(walker);
  const hit = walker.walk(0x5000n);
  if (!('reads' in hit) || hit.reads !== 3) throw new Error(`${engine}: the walk does not read three descriptors`);
  const batch = measure(name, () => void walker.walkMany(0n, 0, BATCH));
  const single = measure(`${name}, one call each`, () => void walker.walkMany(0x5000n, 0, 1));
  return [
    { name: `${name}, inside`, value: (batch.seconds / BATCH) * 1e9, unit: 'ns', rme: batch.rme, note: '3 reads' },
    { name: `${name}, by call`, value: single.seconds * 1e9, unit: 'ns', rme: single.rme, note: '1 call, 1 walk' },
  ];
}

/** `npm run bench -- mmu` */
export function mmuBench(report: (result: Result) => void): void {
  for (const engine of ['v8', 'wasmtime'] as const) walks(engine).forEach(report);
  report(loopSpeed('a new page each time'));
}
