import { expect, test } from 'vitest';
import { Random } from '../../test/differential/isa/random.js';
import { CODE, STAGE2, STAGE2_BYTES } from '../../test/differential/system/layout.js';
import { Stage2Tables } from '../../test/differential/system/tables.js';
import { compileKernel } from '../../test/support/compile-kernel.js';
import { createStage2, type Access, type EngineName, type Stage2Walker } from './stage2.js';

// The random second stages that are compared with QEMU, on both engines.
const path = await compileKernel('sim/mmu/kernel/stage2.ts', []);
const ACCESSES: readonly Access[] = ['read', 'write', 'execute'];
const WALKS = 2500;
const SHAPES = 4;

/** What `engine` answers to walks through tables of `seed`, as text; undefined if it is not installed. */
function answers(engine: EngineName, seed: number): string[] | undefined {
  const made = createStage2(path, engine);
  if (made === undefined) return undefined;
  const walker: Stage2Walker = made;
  const random = new Random(seed);
  const tables = new Stage2Tables(random);
  const stages = Array.from({ length: SHAPES }, () => tables.make(true));
  walker.ram(BigInt(STAGE2), STAGE2_BYTES);
  const { address, bytes } = tables.memory;
  const words = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  words.forEach((word, i) => {
    if (word !== 0n) walker.write64(BigInt(address + 8 * i), word);
  });
  return Array.from({ length: WALKS }, () => {
    const { granule, t0sz, sl0, root } = random.pick(stages);
    const vtcr =
      BigInt(t0sz) | (BigInt(sl0) << 6n) | (granule === 64 ? 1n << 14n : 0n) | (BigInt(random.below(6)) << 16n);
    walker.configure((1n << 31n) | vtcr, BigInt(root));
    const low = BigInt(CODE + random.below(0xa00_0000));
    const ipa = random.chance(70) ? low : low | (BigInt(random.below(0x4000)) << 32n);
    const found = walker.walk(ipa, random.pick(ACCESSES));
    return Object.entries(found)
      .map(([name, value]) => `${name} ${value.toString(16)}`)
      .join(' ');
  });
}

const installed = createStage2(path, 'wasmtime') !== undefined;
test.skipIf(!installed)('Wasmtime walks random tables of both granules as V8 does', () => {
  for (const seed of [1, 2]) {
    const wanted = answers('v8', seed) as string[];
    expect(answers('wasmtime', seed)).toEqual(wanted);
    // hits and faults of every kind are among them
    expect(new Set(wanted.map((text) => text.replace(/^(fsc \w+).*|^pa.*/, '$1'))).size).toBeGreaterThan(6);
  }
});
