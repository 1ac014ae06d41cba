import { expect, test } from 'vitest';
import { judge } from './judge.js';
import type { Measured } from './measure.js';
import { ROWS } from './rows.js';

/** The core's figures are 1. */
function measured(
  accuracyClass: string,
  hypervisor: Readonly<Record<string, number>>,
  systemCalls: Readonly<Record<string, number>> = {},
): Measured {
  return {
    accuracyClass,
    core: () => 1,
    nanoseconds: () => 1,
    bandwidth: () => 1,
    mispredict: () => 1,
    ratio: () => 1,
    hypervisor: (name: string) => hypervisor[name],
    roundTrip: () => 30,
    walkReads: () => 15,
    systemCall: (cluster: string) => systemCalls[cluster],
  } as unknown as Measured;
}

test('the roles are those that were fixed: held-out rows are 12, 13, 15, 17, 19, 22, 23, 26, 43 and 44', () => {
  const heldOut = ROWS.filter(({ role }) => role === 'held out').map(({ id }) => id.replace(/[a-z]$/, ''));
  expect([...new Set(heldOut)]).toEqual(['12', '13', '15', '17', '19', '22', '23', '26', '43', '44']);
  expect(new Set(ROWS.map(({ id }) => id)).size).toBe(ROWS.length);
  for (const { id, low, high, reference } of ROWS)
    expect([id, low <= reference && reference <= high]).toEqual([id, true]);
});

test('every required row can be run', () => {
  const runs = new Set(ROWS.filter(({ ours }) => ours !== undefined).map(({ id }) => id.replace(/[a-z]$/, '')));
  for (const id of ['1', '2', '3', '4', '5', '6', '9', '11', '20', '21', '25', '38', '39', '41', '47'])
    expect([id, runs.has(id)]).toEqual([id, true]);
});

test('a figure is in or out of its band, ends included; rows that were not run count neither way', () => {
  const hypervisor = { hyp_call: 560, mmio_read_vgic: 2000, eoi: 71 };
  const { rows, counts, heldOut } = judge([], measured('functional', hypervisor));
  const verdict = (id: string): string | undefined => rows.find((row) => row.id === id)?.verdict;
  expect(['38', '39', '41', '46', '47', '1', '12', '40'].map(verdict)).toEqual([
    'in',
    'OUT',
    'in',
    'reported',
    'in',
    'not run: needs timing.cpu=approximate',
    'not run: needs Dhrystone',
    'not run: needs a core of that kind',
  ]);
  expect([counts.in, counts.out]).toEqual([3, 1]);
  expect(heldOut).toEqual({ rows: 0, of: 10, meanAbsoluteError: null });
});

test('accuracy is the mean absolute error of the held-out rows that were run, and of no others', () => {
  const { heldOut, rows } = judge([], measured('approximate', {}, { a57: 620, a53: 638 }));
  // 620 of 775 is 20 % less, 638 of 580 is 10 % more.
  expect(heldOut.rows).toBe(2);
  expect(heldOut.meanAbsoluteError).toBeCloseTo(0.15, 10);
  expect(rows.filter(({ role, ours }) => role === 'held out' && ours !== null).map(({ id }) => id)).toEqual([
    '15',
    '26',
  ]);
  const none = judge([], measured('approximate', {}));
  expect(none.rows.find(({ id }) => id === '15')?.verdict).toBe('not run: needs a Linux kernel, --linux IMAGE');
});
