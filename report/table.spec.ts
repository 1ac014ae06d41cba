import { expect, test } from 'vitest';
import { checkReport, REPORT_SCHEMA, type Report, type ReportStep } from './data.js';
import { roundTripTable } from './table.js';

const TICK_HZ = 5_990_400_000;

function step(
  name: string,
  phase: string,
  cpu: string,
  ticks: number,
  confidence: ReportStep['confidence'],
): ReportStep {
  return { name, phase, cpu, ticks, confidence, costs: [] };
}

function report(steps: ReportStep[], count: number): Report {
  const totalTicks = steps.reduce((sum, one) => sum + one.ticks, 0);
  return {
    schema: REPORT_SCHEMA,
    command: 'run guest.cfg',
    outcome: 'poweroff',
    detail: '',
    exitCode: 0,
    board: {
      name: 'rcar-h3',
      model: 'Salvator-XS',
      placement: 'guest on a57.0, backend on a57.1, credit2',
      settings: [],
      map: [],
    },
    accuracy: { class: 'functional', timingTable: '0123456789abcdef', shares: {} },
    host: { seconds: 18.2, mips: 58.9, peakRssBytes: 1, node: 'v20' },
    sim: { seconds: 12.4, ticks: 74_280_960_000, instructions: 1_071_980_000 },
    trace: { hash: '0', events: 1 },
    vcpus: [],
    timing: {},
    sample: null,
    exposure: [],
    guestErrors: [],
    memory: [],
    ioreq: {
      count,
      stage2Aborts: count,
      exceptions: {},
      roundTrip: {
        tickHz: TICK_HZ,
        ticksPerCycle: { 'a57.0': 4, 'a57.1': 4 },
        kinds: [
          {
            kind: 'read',
            register: 'InterruptStatus',
            count,
            steps,
            totalTicks,
            p50: 1,
            p90: 1,
            p99: 1,
            max: totalTicks,
            distribution: [],
          },
        ],
      },
    },
  };
}

const many = Array.from({ length: 30 }, (_, i) =>
  step(
    `step ${i}`,
    ['trap', 'deliver', 'backend', 'resume'][Math.floor(i / 8)] ?? '',
    `a57.${Math.floor(i / 8) & 1}`,
    1000 * (i + 1),
    i % 3 ? 'derived' : 'guessed',
  ),
);

test('thirty steps fit on 15 lines of 100 columns and lose nothing', () => {
  const lines = roundTripTable(report(many, 10)).split('\n');
  expect(lines).toHaveLength(15);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
  const shares = lines.slice(3, 12).map((line) => Number(/([\d.]+) %/.exec(line)?.[1]));
  expect(Math.abs(shares.reduce((a, b) => a + b, 0) - 100)).toBeLessThan(0.5);
});

test('means are of ticks: 59904 ticks are 14976 A57 cycles and 10000 ns', () => {
  const lines = roundTripTable(report([step('user wake', 'deliver', 'a57.1', 2 * 59_904, 'derived')], 2)).split('\n');
  expect(lines[3]).toMatch(/^ {2}deliver +user wake +a57\.1 +14,976 +10,000 100\.0 % █+ derived$/);
  expect(lines[4]).toMatch(/mean +of 2 round trips +10,000 100\.0 %/);
});

test('parts come in the order of the path, with the cores that worked and their largest step', () => {
  const steps = [
    step('completion', 'resume', 'a57.0', 100, 'guessed'),
    step('context switch', 'resume', 'a57.2', 900, 'derived'),
    step('decode', 'trap', 'a57.0', 60, 'guessed'),
    step('interrupt in flight', 'wake', '-', 100, 'guessed'),
  ];
  const lines = roundTripTable(report(steps, 1)).split('\n').slice(3, 7);
  expect(lines.map((line) => line.split(/ {2,}/).slice(1, 4))).toEqual([
    ['trap', 'decode', 'a57.0'],
    ['wake', 'interrupt in flight', '-'],
    ['resume', 'context switch', 'a57.2'],
    ['resume', 'completion', 'a57.0'],
  ]);
});

test('a report without requests says so', () => {
  expect(roundTripTable(report([], 0))).toContain('No request was made.');
});

test('the sum of the steps is checked', () => {
  const good = report(many, 10);
  expect(checkReport(good)).toEqual([]);
  const kind = good.ioreq.roundTrip.kinds[0];
  if (kind) kind.totalTicks++;
  expect(checkReport(good)).toHaveLength(1);
});
