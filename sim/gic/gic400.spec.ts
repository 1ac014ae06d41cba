import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FLAT, gicBench, H3 } from './testbench.js';

const access = fc.record({
  device: fc.nat(3),
  // Mostly architected registers, some anywhere in and past the window.
  offset: fc.oneof(
    fc.nat(0x10ff).map((n) => n & ~3),
    fc.constantFrom(0x0c, 0x10, 0xf00, 0xf10, 0xf20, 0x100, 0x104, 0x108, 0x10c, 0x1000, 0x1_0000, 0xf00c),
    fc.nat(0x2_0fff),
  ),
  width: fc.constantFrom<1 | 2 | 4 | 8>(4, 4, 4, 1, 2, 8),
  value: fc.oneof(fc.nat(0xffff_ffff), fc.nat(0x3ff), fc.constantFrom(0xffff_ffff, 0x1000_0021, 0x9000_6c1b)),
  kind: fc.nat(4),
  cpu: fc.integer({ min: -1, max: 8 }),
});

type Access = typeof access extends fc.Arbitrary<infer T> ? T : never;

function apply(bench: ReturnType<typeof gicBench>, { device, offset, width, value, kind, cpu }: Access): number {
  const { gic } = bench;
  if (kind === 0) gic.spiLine(value % 256).set((value & 0x100) !== 0);
  else if (kind === 1) {
    // INTID 25 has its driver: the maintenance interrupt.
    gic.ppiLine(Math.max(0, cpu) & 1, 26 + (value % 6)).set((value & 0x100) !== 0);
  } else if (kind === 2) return gic.devices[device]!.read(offset, width, cpu);
  else gic.devices[device]!.write(offset, width, value, 0, cpu);
  return 0;
}

test.each([
  ['flat', FLAT],
  ['R-Car H3', H3],
])('%s: no access sequence throws; saved and restored state behaves alike', (_name, config) => {
  fc.assert(
    fc.property(fc.array(access, { maxLength: 120 }), fc.array(access, { maxLength: 40 }), (before, after) => {
      const a = gicBench(config);
      a.open(0, 1);
      for (const each of before) expect(apply(a, each)).toBeGreaterThanOrEqual(0);
      const saved = JSON.stringify(a.gic.save());
      const b = gicBench(config);
      b.gic.load(JSON.parse(saved));
      expect(JSON.stringify(b.gic.save())).toBe(saved);
      for (let cpu = 0; cpu < config.cpuCount; cpu++) expect(b.gic.lines(cpu)).toBe(a.gic.lines(cpu));
      const [logA, logB] = [a, b].map((bench) => {
        bench.log.length = 0;
        return after.map((each) => apply(bench, each)).concat(bench.log as unknown as number[]);
      });
      expect(logB).toEqual(logA);
      expect(b.gic.save()).toEqual(a.gic.save());
    }),
    { numRuns: 200, seed: 1 },
  );
});

test('reset returns to the reset state and keeps the input lines', () => {
  const { gic, r, w, open, log } = gicBench(FLAT);
  open(0);
  gic.dist.setTargets(33, 1);
  gic.enable(0, 33);
  gic.spiLine(1).set(true);
  w(gic.gich, 0x100, 0x1000_0021);
  gic.reset();
  expect(log).toEqual(['irq0=1', 'irq0=0']);
  expect([r(gic.dist, 0), r(gic.dist, 0x104), r(gic.dist, 0x204), r(gic.gich, 0x100)]).toEqual([0, 0, 2, 0]);
});

test('lines that do not exist are an error of the board', () => {
  const { gic } = gicBench(FLAT);
  expect(() => gic.spiLine(256)).toThrow(RangeError);
  expect(() => gic.ppiLine(0, 15)).toThrow(RangeError);
  expect(() => gic.ppiLine(2, 27)).toThrow(RangeError);
});
