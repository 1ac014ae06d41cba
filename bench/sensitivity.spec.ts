import { expect, test } from 'vitest';
import type { JobResult } from './job.js';
import { planSensitivity, rankSensitivity } from './sensitivity.js';

/** One case of one request; 1 GHz: a tick is a nanosecond. */
function result(ticks: number, charged: readonly string[] = []): JobResult {
  const one = { name: 'read', count: 1, totalTicks: ticks, p50: ticks, p90: ticks, p99: ticks, max: ticks, steps: [] };
  const about = { placement: '', ticksPerCycle: {}, timingTable: '', accuracyClass: 'functional', charged };
  return { ...about, tickHz: 1e9, cases: [one] };
}

test('each charged entry is put at both ends of its range; services are left out', () => {
  const { jobs, entries } = planSensitivity(
    ['xen.hardening=off'],
    result(1, ['xen.decode', 'bus.ipi', 'tools.create']),
  );
  expect(entries.map(({ key }) => key)).toEqual(['bus.ipi', 'xen.decode']);
  expect(jobs.map(({ settings }) => settings.join(' '))).toEqual([
    'xen.hardening=off bus.ipi=100',
    'xen.hardening=off bus.ipi=1000',
    'xen.hardening=off xen.decode=20',
    'xen.hardening=off xen.decode=200',
  ]);
});

test('the ranking is by swing: the distance of the farthest results, of the baseline', () => {
  const base = result(1000, ['xen.decode', 'bus.ipi', 'xen.eret']);
  const plan = planSensitivity([], base);
  expect(plan.entries.map(({ key }) => key)).toEqual(['bus.ipi', 'xen.eret', 'xen.decode']);
  const { entries, baseline } = rankSensitivity(
    plan,
    [],
    base,
    [990, 1010, 1000, 1000, 900, 1200].map((ticks) => result(ticks)),
  );
  expect(baseline).toBe(1000);
  const rounded = (value: number): number => Number(value.toPrecision(6));
  expect(entries.map(({ key, swing, atLow, atHigh }) => [key, ...[swing, atLow, atHigh].map(rounded)])).toEqual([
    ['xen.decode', 0.3, 900, 1200],
    ['bus.ipi', 0.02, 990, 1010],
  ]);
});
