import { expect, test } from 'vitest';
import type { Report, ReportStep } from '../data.js';
import { bars, checkAlone, checkFigures, readPage } from '../../test/support/page.js';
import { pageInputs } from './inputs.js';
import { htmlPage, sweepPage } from './page.js';
import { whatIfs } from './what-if.js';

const TICK_HZ = 1_000_000_000;
const step = (name: string, phase: string, ticks: number, cost: string, cpu = 'a57.0'): ReportStep => ({
  name,
  phase,
  cpu,
  ticks,
  confidence: cost === 'xen.decode' ? 'guessed' : 'derived',
  costs: cost === '' ? [] : cost.split('+'),
});

/** 10 requests of 4 us each: 1 us trap, 3 us wake. */
function report(hostile = ''): Report {
  const entry = { value: 100, unit: 'cycles', low: 50, high: 300, source: `a paper ${hostile}` } as const;
  return {
    schema: 1,
    command: `run guest.cfg ${hostile}`,
    outcome: 'poweroff',
    detail: hostile,
    exitCode: 0,
    board: {
      name: 'rcar-h3',
      model: 'Salvator-XS',
      placement: 'guest on a57.0',
      settings: ['xen.decode=100'],
      map: [
        { name: 'ram', base: 0x4800_0000, size: 1 << 29, kind: 'memory', accesses: 0 },
        { name: 'gicd', base: 0xf101_0000, size: 4096, kind: 'device', accesses: 1234 },
      ],
    },
    accuracy: { class: 'functional', timingTable: '0123456789abcdef', shares: { guessed: 0.25, derived: 0.75 } },
    host: { seconds: 1, mips: 1, peakRssBytes: 1, node: 'v20' },
    sim: { seconds: 1.5, ticks: 1.5 * TICK_HZ, instructions: 1_234_567 },
    trace: { hash: 'fedcba9876543210', events: 1 },
    vcpus: [],
    timing: {
      'xen.decode': { ...entry, confidence: 'guessed' },
      'xen.wake': { ...entry, low: 100, high: 200, confidence: 'derived' },
    },
    sample: {
      request: 7,
      kind: 'notify',
      register: 'QueueNotify',
      start: 1000,
      intervals: [
        { name: 'decode', phase: 'trap', cpu: 'a57.0', start: 1000, end: 2000, cost: 'xen.decode' },
        { name: 'wake', phase: 'wake', cpu: '-', start: 2000, end: 5000, cost: 'xen.wake' },
      ],
    },
    exposure: [],
    guestErrors: hostile === '' ? [] : [{ kind: hostile, device: hostile, count: 3, detail: hostile }],
    memory: [],
    ioreq: {
      count: 10,
      stage2Aborts: 10,
      exceptions: {},
      roundTrip: {
        tickHz: TICK_HZ,
        ticksPerCycle: { 'a57.0': 4 },
        kinds: [
          {
            kind: 'notify',
            register: `QueueNotify${hostile}`,
            count: 10,
            steps: [step('decode', 'trap', 10_000, 'xen.decode'), step('wake', 'wake', 30_000, 'xen.wake', '-')],
            totalTicks: 40_000,
            p50: 4000,
            p90: 4000,
            p99: 4000,
            max: 4000,
            distribution: [[4000, 10]],
          },
        ],
      },
    },
  };
}

test('figures are those of the JSON, the page is alone, and bars are as long as what they stand for', async () => {
  const html = await htmlPage(report());
  const page = readPage(html);
  expect(page.data).toEqual(report());
  expect(checkFigures(page)).toBeGreaterThan(12);
  checkAlone(html, page);
  expect(page.document.querySelector('#mean')?.textContent).toBe('4.00 us');
  for (const width of ['wide', 'narrow'] as const) {
    const [trap, wake, ...more] = bars(page.document, 'steps', width);
    expect(more).toEqual([]);
    expect([trap?.title, wake?.title]).toEqual([
      'notify QueueNotify (10), trap: 1.000 us',
      'notify QueueNotify (10), wake: 3.000 us',
    ]);
    expect(wake!.width / trap!.width).toBeCloseTo(3, 5);
    expect(wake!.x).toBeCloseTo(trap!.x + trap!.width, 5);
    expect(bars(page.document, 'basis', width).map(({ title }) => title)).toEqual(['derived 75.0 %', 'guessed 25.0 %']);
    expect(bars(page.document, 'request', width)).toHaveLength(2);
  }
});

test('what if: 1 us of 4 rests on an entry of 100 that may be 50 to 300', () => {
  const [first, second] = whatIfs(report());
  // 30,000 ticks doubled over 10 requests: 3 us more; 10,000 at a half and threefold: 0.5 us less to 2 us more.
  expect(first).toMatchObject({ name: 'xen.wake', low: 4, high: 7 });
  expect(second).toMatchObject({ name: 'xen.decode', low: 3.5, high: 6 });
});

test('a step that several entries made is nobody’s', () => {
  const data = report();
  data.ioreq.roundTrip.kinds[0]!.steps[0]!.costs = ['xen.decode', 'xen.wake'];
  expect(whatIfs(data).map(({ name }) => name)).toEqual(['xen.wake']);
});

test('names of guests and files are text, whatever they hold', async () => {
  const hostile = '</script><script>alert(1)</script><img src=x onerror=y>"\'&<!--';
  const html = await htmlPage(report(hostile));
  const page = readPage(html);
  expect(page.data).toEqual(report(hostile));
  checkFigures(page);
  checkAlone(html, page);
  expect(page.document.querySelector('h1')?.textContent).toBe(`rcar-h3: poweroff (${hostile})`);
});

test('a run without requests, disks or errors has a page too', async () => {
  const data = report();
  data.ioreq.count = 0;
  data.ioreq.roundTrip.kinds = [];
  data.sample = null;
  data.timing = {};
  data.accuracy.shares = {};
  const page = readPage(await htmlPage(data));
  checkFigures(page);
  expect(page.document.querySelector('body')?.textContent).toContain('No request was made.');
});

test('a sweep: a bar for each phase of each case under each setting', async () => {
  const one = { name: 'read idle 1 vCPU', count: 10, totalTicks: 40_000 };
  const steps = [
    { phase: 'trap', ticks: 10_000 },
    { phase: 'wake', ticks: 30_000 },
  ];
  const variants = ['same', 'cluster'].map((value) => ({
    settings: [`xen.placement=${value}`],
    cases: [{ ...one, steps }],
  }));
  const html = await sweepPage({ bench: 'ioreq', tickHz: TICK_HZ, variants });
  const page = readPage(html);
  expect(checkFigures(page)).toBe(4);
  checkAlone(html, page);
  expect(bars(page.document, 'sweep-0').map(({ title }) => title)).toContain(
    'read idle 1 vCPU, xen.placement=same, wake: 3.000 us',
  );
});

const CALIBRATION = {
  schema: 1,
  accuracyClass: 'functional',
  rows: [
    {
      id: '1',
      metric: 'null hypercall',
      reference: 400,
      unit: 'cycles',
      low: 200,
      high: 800,
      role: 'held out',
      source: 'a <paper>',
      ours: 600,
      verdict: 'in',
    },
    {
      id: '2',
      metric: 'far off',
      reference: 10,
      unit: 'ns',
      low: 5,
      high: 20,
      role: 'input',
      source: 'x',
      ours: 40,
      verdict: 'OUT',
    },
    {
      id: '3',
      metric: 'never',
      reference: 10,
      unit: 'ns',
      low: 5,
      high: 20,
      role: 'input',
      source: 'x',
      ours: null,
      verdict: 'not run: needs X',
    },
  ],
  heldOut: { rows: 1, of: 1, meanAbsoluteError: 0.5 },
};

test('results of benchmarks are shown beside the run: calibration, and a line over a varied number', async () => {
  const cases = (us: number): unknown[] => [{ name: 'read', count: 10, totalTicks: us * 10_000, steps: [] }];
  const sweep = {
    bench: 'ioreq',
    tickHz: TICK_HZ,
    variants: [1, 2, 4].map((n) => ({ settings: [`xen.decode=${n}00`], cases: cases(n) })),
  };
  const inputs = pageInputs([
    { name: 'sweep.json', text: JSON.stringify(sweep) },
    { name: 'calibration.json', text: JSON.stringify(CALIBRATION) },
  ]);
  expect([inputs.sweeps.length, inputs.calibrations.length]).toEqual([1, 1]);
  const html = await htmlPage(report(), inputs);
  const page = readPage(html);
  checkAlone(html, page);
  const dots = (figure: string): string[] =>
    [...page.document.querySelectorAll(`#${figure} svg.wide circle`)].map(
      (dot) => dot.querySelector('title')?.textContent ?? '',
    );
  expect(dots('sweep-0')).toEqual([
    'read, xen.decode=100: 1.000 us',
    'read, xen.decode=200: 2.000 us',
    'read, xen.decode=400: 4.000 us',
  ]);
  expect(dots('calibration-0')).toEqual([
    '1 null hypercall: 600 cycles, published 400 (200 to 800), held out: in',
    '2 far off: 40 ns, published 10 (5 to 20), input: OUT',
  ]);
  expect(page.document.querySelector('body')?.textContent).toContain('1 of 1 rows run, mean absolute error 50.0 %');
});

test.each([
  ['{', /^x\.json: not JSON: /],
  ['{}', /^x\.json: neither results of bench NAME --json nor of bench calibrate --json$/],
  ['null', /^x\.json: neither /],
])('%s is no input of a page: one line', (text, line) => {
  expect(() => pageInputs([{ name: 'x.json', text }])).toThrow(line);
});
