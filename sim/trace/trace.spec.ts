import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { TraceHash } from './hash.js';
import { RequestLedger } from './ledger.js';
import { percentiles } from './percentiles.js';
import { NO_CORE, RECORD_WORDS, Trace, TraceKind } from './record.js';
import { readTrace, writeTrace, type TraceRecord } from './writer.js';

const folder = mkdtempSync(join(tmpdir(), 'trace-'));
afterAll(() => rmSync(folder, { recursive: true }));
const HEADER = { tickHz: 5_990_400_000, ticksPerCycle: [4, 4, 5] };

function fill(trace: Trace, records: number): void {
  for (let i = 0; i < records; i++) {
    trace.record(TraceKind.MmioWrite, i % 3, i * 1000, i >> 4, 0x9000_0000, 0, 4, i, 0);
    if (i % 100 === 0) trace.recordAt(TraceKind.Event, NO_CORE, (5n << 32n) | BigInt(i), trace.name(`event ${i % 7}`));
  }
}

test('the hash tells order, place and every bit apart', () => {
  const of = (...words: number[]): string => {
    const hash = new TraceHash();
    for (const word of words) hash.word(word);
    return hash.hex();
  };
  const all = [of(), of(0), of(0, 0), of(1, 2), of(2, 1), of(-1), of(0x8000_0000), of(1)];
  for (let bit = 0; bit < 32; bit++) all.push(of(7, 1 << bit, 9));
  expect(new Set(all).size).toBe(all.length);
  expect(of(-1)).toBe(of(0xffff_ffff));
});

test('the hash does not depend on a file being written', () => {
  const plain = new Trace();
  const written = new Trace();
  const close = writeTrace(written, join(folder, 'a.trace'), HEADER);
  fill(plain, 10_000);
  fill(written, 10_000);
  close();
  expect(written.hash()).toBe(plain.hash());
  expect(written.hash(['ram', 1])).not.toBe(plain.hash(['ram', 2]));
  expect(written.events).toBe(10_100);
});

test('what was written is read back, names resolved; JSON lines say the same', () => {
  const paths = ['b.trace', 'b.jsonl'].map((name) => join(folder, name));
  for (const path of paths) {
    const trace = new Trace();
    trace.name('défined before the file');
    const close = writeTrace(trace, path, HEADER);
    fill(trace, 9000);
    trace.record(TraceKind.GuestError, 1, 1, 0, trace.name('bad-width'), trace.name('défined before the file'), 3);
    close();
  }
  const records: TraceRecord[] = [];
  const reader = readTrace(paths[0] as string);
  for (let step = reader.next(); ; step = reader.next()) {
    if (step.done === true) {
      expect(step.value).toEqual(HEADER);
      break;
    }
    records.push(step.value);
  }
  expect(records.length).toBe(9091);
  expect(records[1]).toEqual({ kind: 'Event', core: undefined, time: 5n << 32n, fields: { event: 'event 0' } });
  expect(records.at(-1)).toEqual({
    kind: 'GuestError',
    core: 1,
    time: 1n,
    fields: { error: 'bad-width', device: 'défined before the file', count: 3 },
  });
  const lines = readFileSync(paths[1] as string, 'utf8')
    .trimEnd()
    .split('\n');
  expect(lines.length).toBe(9092);
  expect(JSON.parse(lines[2] as string)).toEqual({ time: String(5n << 32n), kind: 'Event', event: 'event 0' });
});

test('the tail keeps the newest records across the end of the ring', () => {
  const trace = new Trace();
  for (let i = 0; i < 5000; i++) trace.record(TraceKind.Wake, 0, i, 0);
  const tail = trace.tail(1000);
  expect([tail[1], tail[tail.length - RECORD_WORDS + 1]]).toEqual([4000, 4999]);
  expect(trace.tail(9999).length).toBe(4096 * RECORD_WORDS);
});

test('save and load continue the hash', () => {
  const one = new Trace();
  fill(one, 500);
  const two = new Trace();
  two.load(JSON.parse(JSON.stringify(one.save())));
  fill(one, 50);
  fill(two, 50);
  expect(two.hash()).toBe(one.hash());
  expect(two.events).toBe(one.events);
});

test('steps tile a request; totals can be computed again from the trace file alone', async () => {
  const path = join(folder, 'ledger.trace');
  const trace = new Trace();
  const close = writeTrace(trace, path, HEADER);
  const ledger = new RequestLedger(trace);
  for (let i = 0; i < 10; i++) {
    const id = ledger.newId();
    const start = BigInt(i) * 10_000n;
    ledger.open(id, 'read', 'MagicValue', 0, start);
    ledger.mark(id, 'trap', 'to backend', 0, start + 240n, 'xen.trapEntry');
    ledger.mark(id, 'wake-up', 'to backend', -1, start + 1000n);
    ledger.mark(id, 'work', 'backend', 1, start + 5000n + BigInt(i));
    ledger.mark(id, 'trap', 'to backend', 0, start + 5100n + BigInt(i), 'xen.trapEntry');
    expect(ledger.inFlight).toBe(1);
    ledger.close(id, start + 5100n + BigInt(i));
  }
  close();
  const [group] = ledger.totals();
  expect(group?.count).toBe(10);
  expect(group?.totalTicks).toBe(51_045n);
  expect(group?.steps.map((s) => [s.name, s.cpu, s.count, s.ticks, s.costs])).toEqual([
    ['trap', 0, 10, 3400n, ['xen.trapEntry']],
    ['wake-up', -1, 10, 7600n, []],
    ['work', 1, 10, 40_045n, []],
  ]);
  expect(group?.steps.reduce((sum, s) => sum + s.ticks, 0n)).toBe(group?.totalTicks);
  expect(await percentiles(group as NonNullable<typeof group>)).toEqual({ p50: 5104, p90: 5108, p99: 5109, max: 5109 });

  const last = new Map<unknown, bigint>();
  const sums = new Map<unknown, bigint>();
  for (const record of readTrace(path)) {
    const { request, step } = record.fields;
    if (record.kind === 'Step') sums.set(step, (sums.get(step) ?? 0n) + record.time - (last.get(request) as bigint));
    if (record.kind === 'Close') expect(record.time).toBe(last.get(request));
    last.set(request, record.time);
  }
  expect(Object.fromEntries(sums)).toEqual({ trap: 3400n, 'wake-up': 7600n, work: 40_045n });
});

test('a lagging clock cannot make an interval negative; the skew is counted', () => {
  const ledger = new RequestLedger(new Trace());
  ledger.open(7, 'notify', 'QueueNotify', 0, 1000n);
  ledger.mark(7, 'a', 'p', 0, 1500n);
  ledger.mark(7, 'b', 'p', 1, 1400n);
  ledger.close(7, 1400n);
  expect(ledger.skew).toEqual({ count: 1, max: 100n });
  expect(ledger.totals()[0]?.totalTicks).toBe(500n);
});

test('time that belongs to no step, an unknown id and an id used twice are our bugs', () => {
  const ledger = new RequestLedger(new Trace());
  ledger.open(1, 'read', 'X', 0, 10n);
  expect(() => ledger.open(1, 'read', 'X', 0, 10n)).toThrow('open already');
  expect(() => ledger.close(1, 11n)).toThrow('belong to no step');
  expect(() => ledger.mark(2, 'a', 'p', 0, 5n)).toThrow('not open');
  ledger.abandon(1, 12n);
  expect([ledger.inFlight, ledger.abandoned, ledger.totals()]).toEqual([0, 1, []]);
});

test('the ledger survives a snapshot with a request in flight', () => {
  const one = new RequestLedger(new Trace());
  one.open(one.newId(), 'read', 'X', 0, 10n);
  one.mark(1, 'a', 'p', 0, 20n, 'x.cost');
  one.close(1, 20n);
  one.open(one.newId(), 'write', 'Y', 1, 30n);
  one.mark(2, 'a', 'p', 1, 35n);
  one.beside('log', 'q', 2, 5n);
  const two = new RequestLedger(new Trace());
  two.load(JSON.parse(JSON.stringify(one.save())));
  for (const ledger of [one, two]) {
    ledger.mark(2, 'b', 'p', -1, 50n);
    ledger.close(2, 50n);
  }
  expect(two.totals()).toEqual(one.totals());
  expect(two.parallel()).toEqual(one.parallel());
  expect(two.newId()).toBe(one.newId());
});
