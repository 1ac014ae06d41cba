import { expect, test } from 'vitest';
import { CODE, cpuBench, type CpuBench } from '../cpu/testbench.js';
import { REGION_BASE, REGION_SIZE, REGION_UOP } from '../wasm/layout.js';
import { Translator, type TranslatorOptions } from './translator.js';

const ADD_X0_1 = 0x9100_0400;
const SUBS_X1_1 = 0xf100_0421;
const B_NE_BACK_8 = 0x54ff_ffc1; // to two instructions before
const LOOPS = 6;
const COUNT = 20_000;

/** A program of loops one after the other, each of them COUNT times `add x0, x0, #1`, on a core with a translator. */
function loops(options: TranslatorOptions): { bench: CpuBench; translator: Translator } {
  const bench = cpuBench({ imports: { hot: (uop, hi, lo, now) => translator.hot(uop, hi, lo, now !== 0) } });
  const translator = new Translator(bench.kernel, options);
  const loop = [(0xd280_0001 | (COUNT << 5)) >>> 0, ADD_X0_1, SUBS_X1_1, B_NE_BACK_8]; // mov x1, #COUNT
  bench.program(...Array.from({ length: LOOPS }, () => loop).flat());
  return { bench, translator };
}

function live(bench: CpuBench): number {
  let count = 0;
  for (let n = 1; n < 64; n++) if (bench.kernel.u32[(REGION_BASE + n * REGION_SIZE + REGION_UOP) >> 2] !== 0) count++;
  return count;
}

test('hot loops become regions, and the sum is right', () => {
  const { bench, translator } = loops({ batch: 1 });
  bench.run(LOOPS * COUNT * 3 + 1000);
  expect([bench.core.x(0), bench.core.pc]).toEqual([BigInt(LOOPS * COUNT), CODE + BigInt(16 * LOOPS)]);
  expect(translator.counts).toMatchObject({ regions: LOOPS, modules: LOOPS, evicted: 0, failed: 0, dropped: 0 });
  // all but the iterations before a loop was found to be hot: 12 samples of every 251st branch
  expect(translator.counts.executed).toBeGreaterThan(LOOPS * (COUNT - 12 * 251 - 251) * 3);
});

test('the oldest modules go when there are too many', () => {
  const { bench, translator } = loops({ batch: 1, modules: 2 });
  bench.run(LOOPS * COUNT * 3 + 1000);
  expect(bench.core.x(0)).toBe(BigInt(LOOPS * COUNT));
  expect(translator.counts).toMatchObject({ regions: LOOPS, evicted: LOOPS - 2 });
  expect(live(bench)).toBe(2);
});

test('what WebAssembly refuses is left to the interpreter', () => {
  const { bench, translator } = loops({
    batch: 1,
    instantiate: () => {
      throw new Error('no memory');
    },
  });
  bench.run(LOOPS * COUNT * 3 + 1000);
  expect(bench.core.x(0)).toBe(BigInt(LOOPS * COUNT));
  expect(translator.counts).toMatchObject({ regions: 0, modules: 0, failed: LOOPS, entries: 0 });
  expect(live(bench)).toBe(0);
});

test('two runs translate the same', () => {
  const [a, b] = [loops({}), loops({})];
  a.bench.run(LOOPS * COUNT * 3 + 1000);
  // cut up differently
  for (let part = 0; part < 10; part++) b.bench.run((LOOPS * COUNT * 3 + 1000) / 10);
  expect(b.bench.core.x(0)).toBe(a.bench.core.x(0));
  expect(b.translator.counts.regions).toBe(a.translator.counts.regions);
});
