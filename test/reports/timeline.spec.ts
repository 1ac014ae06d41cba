/** `trace timeline`: the file against the Chrome trace format, and its figures against the report's. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Timeline, type Report } from '../../index.js';
import { Folder } from '../cli/cli.js';

const folder = new Folder();
const CFG = new URL('../../guests/bare/guest.cfg', import.meta.url).pathname;

/** "Trace Event Format" (Google, 2016): what each phase must have. Strict, so that nothing is misspelt. */
const where = { pid: z.int(), tid: z.int(), ts: z.number().nonnegative(), name: z.string().min(1) };
const args = z.record(z.string(), z.union([z.string(), z.number()]));
const eventSchema = z.discriminatedUnion('ph', [
  z.strictObject({ ph: z.literal('X'), ...where, cat: z.string(), dur: z.number().nonnegative(), args }),
  z.strictObject({ ph: z.literal('i'), ...where, cat: z.string(), s: z.literal('t'), args }),
  z.strictObject({ ph: z.literal('C'), ...where, args: z.record(z.string(), z.number()) }),
  z.strictObject({ ph: z.enum(['s', 't']), ...where, cat: z.string(), id: z.int() }),
  z.strictObject({ ph: z.literal('f'), ...where, cat: z.string(), id: z.int(), bp: z.literal('e') }),
  z.strictObject({
    ph: z.literal('M'),
    pid: z.int(),
    tid: z.int().optional(),
    name: z.enum(['process_name', 'process_sort_index', 'thread_name', 'thread_sort_index']),
    args,
  }),
]);
const fileSchema = z.strictObject({ displayTimeUnit: z.literal('ns'), traceEvents: z.array(eventSchema) });
type Event = z.infer<typeof eventSchema>;
type Slice = Extract<Event, { ph: 'X' }>;

let events: Event[];
let report: Report;

beforeAll(async () => {
  const words = ['vcpus=2', 'extra="reads=6 writes=3 depth=3 peeks=20"'];
  const ran = await folder.run(
    'run',
    CFG,
    ...words,
    '--snapshot-disk',
    '--trace',
    '@trace',
    '--report',
    '@report.json',
  );
  expect(ran.code).toBe(0);
  const made = await folder.run('trace', 'timeline', '@trace', '-o', '@timeline.json');
  expect([made.code, made.err]).toEqual([0, []]);
  events = fileSchema.parse(JSON.parse(readFileSync(folder.file('timeline.json'), 'utf8'))).traceEvents;
  report = folder.report();
});
afterAll(() => folder.remove());

function groupBy<T, K>(list: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of list) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

const slices = (): Slice[] => events.filter((event) => event.ph === 'X');

test('a track for each core, vCPU, Xen, the driver domain, the GIC and the disk', () => {
  const named = events.flatMap((event) =>
    event.ph === 'M' && event.name === 'thread_name' ? [event.args['name']] : [],
  );
  for (const track of [
    'core 0',
    'core 3',
    'd2v0: requests',
    'd2v1: requests',
    'Xen on core 0',
    'Xen on core 3',
    'd1v0',
  ])
    expect(named).toContain(track);
  for (const track of ['d2v0: interrupts', 'bare:xvda']) expect(named).toContain(track);
  const threads = new Set(events.flatMap((event) => (event.ph === 'X' ? [`${event.pid} ${event.tid}`] : [])));
  const known = new Set(events.flatMap((e) => (e.ph === 'M' && e.name === 'thread_name' ? [`${e.pid} ${e.tid}`] : [])));
  for (const thread of threads) expect(known).toContain(thread);
});

test('slices of a track lie beside or within each other', () => {
  const byTrack = groupBy(slices(), ({ pid, tid }) => `${pid} ${tid}`);
  for (const [track, list] of byTrack) {
    const tenths = (us: number): number => Math.round(us * 10_000);
    list.sort((a, b) => a.ts - b.ts || b.dur - a.dur);
    const open: number[] = [];
    for (const { ts, dur, name } of list) {
      while (open.length > 0 && open.at(-1)! <= tenths(ts)) open.pop();
      if (open.length > 0) expect(tenths(ts) + tenths(dur), `${track} ${name}`).toBeLessThanOrEqual(open.at(-1)!);
      open.push(tenths(ts) + tenths(dur));
    }
  }
});

test('every arrow begins once, ends once, and each of its points is at a slice of its request', () => {
  const at = new Set(slices().map(({ pid, tid, ts, args: a }) => `${pid} ${tid} ${ts} ${a['request']}`));
  const flows = groupBy(
    events.flatMap((event) => (event.ph === 's' || event.ph === 't' || event.ph === 'f' ? [event] : [])),
    ({ id }) => id,
  );
  expect(flows.size).toBe(report.ioreq.count);
  for (const [id, points] of flows) {
    const order = points.map(({ ph }) => ph).join('');
    expect(order, `request ${id}`).toMatch(/^st*f$/);
    for (const [i, { pid, tid, ts }] of points.entries()) {
      expect(at).toContain(`${pid} ${tid} ${ts} ${id}`);
      expect(ts).toBeGreaterThanOrEqual(points[i - 1]?.ts ?? 0);
    }
  }
});

test('the slices of steps sum to the report, tick by tick', () => {
  const requests = slices().filter(({ cat }) => cat === 'request');
  const { kinds, tickHz } = report.ioreq.roundTrip;
  expect(requests).toHaveLength(report.ioreq.count);
  for (const { kind, register, totalTicks, count, steps } of kinds) {
    const mine = requests.filter(({ name }) => name === `${kind} ${register}`);
    expect(mine).toHaveLength(count);
    expect(mine.reduce((sum, { args: a }) => sum + Number(a['ticks']), 0)).toBe(totalTicks);
    const parts = slices().filter(({ args: a }) => a['kind'] === kind && a['register'] === register);
    for (const step of steps) {
      const core = step.cpu === '-' ? -1 : Number(step.cpu.split('.')[1]);
      const same = parts.filter(
        ({ name, cat, args: a }) => name === step.name && cat === step.phase && a['cpu'] === core,
      );
      expect(
        same.reduce((sum, { args: a }) => sum + Number(a['ticks']), 0),
        step.name,
      ).toBe(step.ticks);
      // Durations are cut to tenths of a nanosecond at both ends.
      const us = same.reduce((sum, { dur }) => sum + dur, 0);
      expect(Math.abs(us - (step.ticks / tickHz) * 1e6)).toBeLessThanOrEqual(same.length * 1e-4 + 1e-9);
    }
    expect(parts.reduce((sum, { args: a }) => sum + Number(a['ticks']), 0)).toBe(totalTicks);
  }
});

test('counters: queue depth to the depth that the guest uses and back to 0, list registers, interrupts', () => {
  const values = (name: string): number[] =>
    events.flatMap((event) => (event.ph === 'C' && event.name === name ? [event.args['count'] ?? -1] : []));
  expect(Math.max(...values('bare:xvda queue depth'))).toBe(3);
  expect(values('bare:xvda queue depth').at(-1)).toBe(0);
  expect(Math.max(...values('d2v0 list registers'))).toBeGreaterThanOrEqual(1);
  expect(Math.max(...values('d2v0 list registers'))).toBeLessThanOrEqual(4);
  expect(values('d2v0 interrupts in flight').length).toBeGreaterThan(1);
});

test('the disk works for each request of the guest', () => {
  const disk = slices().filter(({ cat }) => cat === 'disk');
  const bytes = (name: string): number =>
    disk.filter((slice) => slice.name === name).reduce((sum, { args: a }) => sum + Number(a['bytes']), 0);
  // 6 reads and 3 to read back what was written, of 4096 bytes; the id of the disk is no transfer of the image.
  expect(bytes('write')).toBe(3 * 4096);
  expect(bytes('read')).toBe(9 * 4096 + 20);
});

test('a file without end keeps memory bounded and arrows whole', () => {
  const out: string[] = [];
  const options = {
    tickHz: 1_000_000_000,
    registerName: (name: string) => name,
    put: (text: string) => out.push(text),
  };
  const timeline = new Timeline(options);
  const record = (kind: string, time: number, fields: Record<string, number | string>): void =>
    timeline.record({ kind, core: 0, time: BigInt(time), fields });
  for (let id = 1; id <= 5000; id++) {
    record('Open', id, { request: id, op: 'read', register: 'x', cpu: 0 });
    record('Step', id + 1, { request: id, step: 'decode', phase: 'trap', cpu: 0, cost: 'xen.decode' });
    record('Step', id + 2, { request: id, step: 'fly', phase: 'wake', cpu: 0xffff_ffff, cost: 'bus.ipi' });
  }
  expect(timeline.open).toBeLessThanOrEqual(1024);
  timeline.end();
  const parsed = fileSchema.parse(JSON.parse(out.join(''))).traceEvents;
  const count = (ph: string): number => parsed.filter((event) => event.ph === ph).length;
  expect([count('s'), count('f')]).toEqual([5000, 5000]);
});

test.each([
  [['timeline', '@trace'], 'trace timeline: -o OUT.json says where to'],
  [['timeline', '@trace', '@trace', '-o', '@x'], 'trace timeline takes one file'],
  [['timeline', '@report.json', '-o', '@x'], '@/report.json is not a trace file'],
  [['timeline', '@trace', '-o', '@no/x'], 'cannot write @/no/x: no such file or directory'],
])('trace %j: one line', async (words, line) => {
  const { code, err } = await folder.run('trace', ...words);
  expect([code, err]).toEqual([2, [`rcar-sim: ${line}`]]);
});
