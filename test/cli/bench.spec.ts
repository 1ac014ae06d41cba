/** `rcar-sim bench` as a user sees it. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import type { BenchReport, Calibration } from '../../bench/index.js';
import { Folder } from './cli.js';

const folder = new Folder();
afterAll(() => folder.remove());

const SMALL = ['--target', 'idle,running', '--vcpus', '1,2', '--rounds', '3'];

test('results do not depend on the number of workers', async () => {
  const run = async (jobs: string): Promise<string> => {
    const vary = ['--vary', 'xen.placement=same,cluster', '--vary', 'xen.contextSwitch=2000..8000*2'];
    const { code } = await folder.run('bench', 'ioreq', ...vary, '--rounds', '2', '--jobs', jobs, '--json', '@r.json');
    expect(code).toBe(0);
    return readFileSync(folder.file('r.json'), 'utf8');
  };
  const one = await run('1');
  expect(await run('3')).toBe(one);
  const { variants, tickHz } = JSON.parse(one) as BenchReport;
  expect(variants.map(({ settings }) => settings.join(' '))).toEqual(
    ['same', 'cluster'].flatMap((p) => [2000, 4000, 8000].map((n) => `xen.placement=${p} xen.contextSwitch=${n}`)),
  );
  // With two pCPUs a request has one half switch in each direction (idle -> vCPU); an A57 cycle is 4 ticks.
  const totals = variants.map(({ cases }) => cases[0]!.totalTicks / cases[0]!.count);
  expect([totals[4]! - totals[3]!, totals[5]! - totals[4]!]).toEqual([2 * 2000 * 4, 2 * 4000 * 4]);
  expect(tickHz).toBe(5_990_400_000);
});

test('a budget is met by the run that wrote it, and names the step that grew', async () => {
  const bench = (...more: string[]) => folder.run('bench', 'ioreq', ...SMALL, ...more);
  expect((await bench('--write-budget', '@b.json')).code).toBe(0);
  expect((await bench('--budget', '@b.json')).code).toBe(0);
  const grown = await bench('--budget', '@b.json', '--set', 'domd.upcall=3000');
  expect(grown.code).toBe(1);
  expect(grown.err[0]).toMatch(
    /^rcar-sim: over budget: read idle 1 vCPU: step deliver: upcall grew: 2003\.2 ns, budget 1335\.5 ns$/,
  );
});

test('the table has every step and the percentiles', async () => {
  const { code, out, err } = await folder.run('bench', 'ioreq', ...SMALL, '--csv', '@r.csv');
  expect([code, err.filter((line) => line !== '')]).toEqual([0, []]);
  for (const text of ['read idle 1 vCPU', 'write running 2 vCPUs', 'p99', 'trap entry', 'user wake', 'slot write'])
    expect(out).toContain(text);
  const [head, ...rows] = readFileSync(folder.file('r.csv'), 'utf8').trim().split('\r\n');
  expect(head).toBe('variant,case,count,phase,step,cpu,ticks,ns_each,confidence');
  // Each case's line `total` is the sum of the lines that follow.
  let total = 0;
  let rest = 0;
  for (const row of rows) {
    const [, , , , step, , ticks] = row.split(',');
    if (step !== 'total') rest -= Number(ticks);
    else {
      expect(rest).toBe(0);
      total++;
      rest = Number(ticks);
    }
  }
  expect([total, rest]).toEqual([12, 0]);
});

test('an output that becomes unwritable is said, and the run is a failure', async () => {
  const { code, err } = await folder.run('bench', 'ioreq', ...SMALL, '--csv', '/dev/full');
  expect([code, err[0]]).toEqual([1, 'rcar-sim: cannot write /dev/full: no space left']);
});

test('calibrate judges what can be run without a core model, and claims no accuracy from it', async () => {
  expect((await folder.run('bench', 'calibrate', '--json', '@c.json')).code).toBe(0);
  const { rows, counts, heldOut } = JSON.parse(readFileSync(folder.file('c.json'), 'utf8')) as Calibration;
  const judged = rows.filter(({ ours }) => ours !== null);
  expect(judged.map(({ id, verdict }) => [id, verdict])).toEqual([
    ['38', 'in'],
    ['39', 'in'],
    ['40', 'in'],
    ['41', 'in'],
    ['46', 'reported'],
    ['47', 'in'],
  ]);
  expect([counts.in, counts.out, heldOut.meanAbsoluteError]).toEqual([5, 0, null]);
});

test('without a name the benchmarks are listed', async () => {
  const { code, out } = await folder.run('bench');
  expect([code, out.includes('ioreq')]).toEqual([0, true]);
});
