/** Property: the steps of every benchmark's requests tile them, whatever the seed and the settings; from the trace alone. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { BENCHMARKS } from '../../bench/benchmarks.js';
import { runIoreq, TARGETS } from '../../bench/ioreq.js';
import { TIMING } from '../../boards/index.js';
import { readTrace } from '../../sim/trace/writer.js';
import { readRounds, sumTiles, type Round } from './tiles.js';

const folder = mkdtempSync(join(tmpdir(), 'bench-tiles-'));
afterAll(() => rmSync(folder, { recursive: true }));

const choices = (key: string, ...values: string[]) => fc.constantFrom(...values).map((value) => `${key}=${value}`);
/** Any value of any entry that a request's path charges. */
const entry = fc
  .constantFrom('xen.contextSwitch', 'xen.schedule', 'bus.ipi', 'cpu.wfiWake', 'domd.userWake', 'firmware.workaround')
  .chain((key) => {
    const { low, high } = TIMING[key as keyof typeof TIMING];
    return fc.integer({ min: low, max: high }).map((value) => `${key}=${value}`);
  });
const settings = fc.tuple(
  choices('xen.placement', 'cluster', 'same', 'oversubscribed', 'across', 'free'),
  choices('xen.hardening', 'on', 'off'),
  choices('xen.rateLimit', '0', '1 ms'),
  choices('domd.wake', 'event', 'poll', 'ioeventfd'),
  choices('xen.vwfi', 'trap', 'native'),
  entry,
);

test('steps tile every request, sums are exact', async () => {
  const trace = join(folder, 'run.trace');
  await fc.assert(
    fc.asyncProperty(
      settings,
      fc.constantFrom(...TARGETS),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(0, 20_000, 150_000),
      fc.nat(1e6),
      async (chosen, target, vcpus, gap, seed) => {
        const parameters = { target, vcpus, rounds: target === 'busy' ? 40 : 4, gap, seed };
        const result = await runIoreq({ bench: 'ioreq', settings: chosen, parameters, trace });
        expect(result.notRun).toBeUndefined();
        const rounds = readRounds(trace);
        checkTiles(rounds);
        const sums = sumTiles(rounds);
        for (const { name, steps, totalTicks, count } of result.cases) {
          const [kind] = name.split(' ');
          const register = { read: 'InterruptStatus', write: 'InterruptACK', notify: 'QueueNotify' }[kind!];
          const mine = rounds.filter((round) => round.op === kind && nameOf(round.register) === register);
          expect(mine.length).toBe(count);
          expect(Number(mine.reduce((sum, { start, end }) => sum + end - start, 0n))).toBe(totalTicks);
          expect(steps.reduce((sum, { ticks }) => sum + ticks, 0)).toBe(totalTicks);
          const fromTrace = [...sums].filter(([key]) => key.startsWith(`${kind} ${mine[0]!.register} `));
          expect(Number(fromTrace.reduce((sum, [, ticks]) => sum + ticks, 0n))).toBe(totalTicks);
        }
        const each = vcpus * (target === 'busy' ? 2 : 4);
        expect(result.cases.map(({ count }) => count)).toEqual([each, each, each]);
      },
    ),
    { numRuns: 6, seed: 5 },
  );
});

function checkTiles(rounds: readonly Round[]): void {
  expect(rounds.length).toBeGreaterThan(0);
  for (const { request, start, end, tiles } of rounds) {
    let at = start;
    for (const { from, to } of tiles) {
      expect(from, `request ${request}`).toBe(at);
      expect(to >= from, `request ${request}`).toBe(true);
      at = to;
    }
    expect(at, `request ${request}`).toBe(end);
  }
}

test.each([
  ['hypercall', { rounds: 5 }, [['hypercall', 'number 17', 5]]],
  ['vgic', { rounds: 5 }, [['emulated', 'vgic+8', 5]]],
  ['ipi', { rounds: 5, gap: 20_000, seed: 3, state: 'sleeping' }, [['interrupt', 'INTID 3', 5]]],
  ['ipi', { rounds: 5, gap: 0, seed: 3, state: 'running' }, [['interrupt', 'INTID 3', 5]]],
  [
    'evtchn',
    { rounds: 5, gap: 20_000, seed: 3, state: 'sleeping' },
    [
      ['interrupt', 'INTID 31', 5],
      ['hypercall', 'number 32', 5],
    ],
  ],
  ['irq', { rounds: 5, gap: 20_000, seed: 3, state: 'sleeping' }, [['interrupt', 'INTID 33', 5]]],
  ['irq', { rounds: 5, gap: 20_000, seed: 3, state: 'running' }, [['interrupt', 'INTID 33', 5]]],
] as const)('bench %s %j: other paths are tiled as well', async (bench, parameters, expected) => {
  const trace = join(folder, 'path.trace');
  const result = await BENCHMARKS.get(bench)!.run({ bench, settings: [], parameters, trace });
  const rounds = readRounds(trace);
  checkTiles(rounds);
  for (const [op, register, least] of expected) {
    const mine = rounds.filter((round) => round.op === op && round.register === register && !round.abandoned);
    expect(mine.length, `${op} ${register}`).toBeGreaterThanOrEqual(least);
    expect(mine.every(({ tiles }) => tiles.at(-1)?.step === 'eret')).toBe(true);
  }
  for (const { steps, totalTicks, count, asGuestSees } of result.cases) {
    expect(count).toBeGreaterThanOrEqual(5);
    if (asGuestSees !== true) expect(steps.reduce((sum, { ticks }) => sum + ticks, 0)).toBe(totalTicks);
  }
  // What the guest sees of an operation is not shorter than what the hypervisor needs for it.
  const [seen, ...paths] = result.cases;
  expect(seen!.asGuestSees).toBe(true);
  for (const { totalTicks, count } of paths) expect(seen!.totalTicks / seen!.count).toBeGreaterThan(totalTicks / count);
  expect(statSync(trace).size / [...readTrace(trace)].length).toBeLessThanOrEqual(40);
});

/** Offsets of virtio-mmio registers (virtio 1.2, 4.2.2); the trace has the number. */
function nameOf(register: string): string {
  return { 80: 'QueueNotify', 96: 'InterruptStatus', 100: 'InterruptACK' }[Number(register)] ?? register;
}
