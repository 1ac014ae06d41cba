import { expect, test } from 'vitest';
import { makeBudget, overBudget, parseBudget } from './budget.js';
import type { BenchReport } from './plan.js';

/** 1 GHz: a tick is a nanosecond. */
function report(ticks: Readonly<Record<string, number>>, count = 2): BenchReport {
  const steps = Object.entries(ticks).map(([name, each]) => ({
    name,
    phase: 'trap',
    cpu: 'a57.0',
    ticks: each * count,
    confidence: 'derived' as const,
  }));
  const totalTicks = steps.reduce((sum, step) => sum + step.ticks, 0);
  const one = { name: 'read', count, totalTicks, p50: 1, p90: 1, p99: 1, max: 1, steps };
  return {
    schema: 1,
    bench: 'ioreq',
    settings: [],
    parameters: {},
    tickHz: 1e9,
    ticksPerCycle: {},
    accuracyClass: 'functional',
    variants: [{ settings: [], timingTable: '', placements: [], cases: [one], notRun: [] }],
  };
}

test('a run meets the budget that it wrote', () => {
  const budget = makeBudget(report({ decode: 40, walk: 100 }));
  expect(budget.cases).toEqual({ read: { total: 140, steps: { 'trap: decode': 40, 'trap: walk': 100 } } });
  const again = parseBudget(JSON.stringify(budget), 'ioreq', 'FILE');
  expect(overBudget(again, report({ decode: 40, walk: 100 }))).toEqual([]);
  expect(overBudget(again, report({ decode: 30, walk: 100 }))).toEqual([]);
});

test('the step that grew is named, the one that grew most first', () => {
  const budget = makeBudget(report({ decode: 40, walk: 100 }));
  const lines = overBudget(budget, report({ decode: 50, walk: 150 }));
  expect(lines).toEqual([
    'read: step trap: walk grew: 150.0 ns, budget 100.0 ns',
    'read: step trap: decode grew: 50.0 ns, budget 40.0 ns',
    'read: the whole grew: 200.0 ns, budget 140.0 ns',
  ]);
  // A step that another one's gain hides.
  expect(overBudget(budget, report({ decode: 10, walk: 120 }))).toEqual([
    'read: step trap: walk grew: 120.0 ns, budget 100.0 ns',
  ]);
});

test('within the tolerance is within; a new step and a missing case are not', () => {
  const budget = { ...makeBudget(report({ decode: 100 })), tolerance: 0.1 };
  expect(overBudget(budget, report({ decode: 110 }))).toEqual([]);
  expect(overBudget(budget, report({ decode: 100, other: 1 }))).toEqual([
    'read: step trap: other grew: 1.0 ns, not in the budget',
  ]);
  const none = { ...report({}), variants: [{ ...report({}).variants[0]!, cases: [] }] };
  expect(overBudget(budget, none)).toEqual(['read: in the budget, not in this run']);
});

test.each([
  ['nonsense', /not JSON/],
  ['{}', /not a budget/],
  ['{"budget":2,"bench":"ioreq","tolerance":0,"cases":{}}', /schema 2; this is schema 1/],
  ['{"budget":1,"bench":"irq","tolerance":0,"cases":{}}', /bench irq, not of ioreq/],
  ['{"budget":1,"bench":"ioreq","tolerance":0,"cases":{"a":{"total":-1,"steps":{}}}}', /cases\.a\.total/],
])('%s is no budget', (text, message) => {
  expect(() => parseBudget(text, 'ioreq', 'FILE')).toThrow(message);
  expect(() => parseBudget(text, 'ioreq', 'FILE')).toThrow(/^FILE: /);
});
