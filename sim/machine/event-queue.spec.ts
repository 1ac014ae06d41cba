import { expect, test } from 'vitest';
import { EventQueue } from './event-queue.js';
import { NEVER } from './time.js';

const queue = (extra = {}): EventQueue => new EventQueue({ tickHz: 5_990_400_000, ticksPerCount: 720, ...extra });

test('events run in time order, ties in the order of scheduling (T3)', () => {
  const q = queue();
  const ran: string[] = [];
  const make = (name: string) => q.event(name, () => ran.push(`${name}@${q.now()}`));
  const [a, b, c, d] = [make('a'), make('b'), make('c'), make('d')];
  c.scheduleAt(20n);
  a.scheduleAt(10n);
  d.scheduleAt(20n);
  b.scheduleAt(10n);
  a.scheduleAt(10n); // scheduling again moves it behind b
  q.dispatch(20n);
  expect(ran).toEqual(['b@10', 'a@10', 'c@20', 'd@20']);
  expect(q.time).toBe(20n);
});

test('an event is unlinked before its handler, which may schedule it again and cancel others (T4)', () => {
  const q = queue();
  const ran: bigint[] = [];
  const other = q.event('other', () => ran.push(-1n));
  const tick = q.event('tick', () => {
    expect(tick.when).toBeUndefined();
    ran.push(q.now());
    other.cancel();
    if (ran.length < 3) tick.scheduleAt(q.now() + 5n);
  });
  tick.scheduleAt(5n);
  other.scheduleAt(6n);
  q.dispatch(100n);
  expect(ran).toEqual([5n, 10n, 15n]);
  expect(q.next()).toBe(NEVER);
});

test('everything due at a time runs before time moves on, also what handlers add (T5)', () => {
  const q = queue();
  const ran: string[] = [];
  const late = q.event('late', () => ran.push(`late@${q.now()}`));
  const first = q.event('first', () => {
    ran.push(`first@${q.now()}`);
    late.scheduleAt(q.now());
  });
  const after = q.event('after', () => ran.push(`after@${q.now()}`));
  after.scheduleAt(8n);
  first.scheduleAt(7n);
  q.dispatch(8n);
  expect(ran).toEqual(['first@7', 'late@7', 'after@8']);
});

test('a time in the past runs at the next dispatch and time does not go back', () => {
  const q = queue();
  let at = -1n;
  q.dispatch(1000n);
  q.event('x', () => (at = q.now())).scheduleAt(10n);
  q.dispatch(1001n);
  expect(at).toBe(1000n);
});

test('names are unique; NEVER cancels', () => {
  const q = queue();
  const e = q.event('x', () => {});
  expect(() => q.event('x', () => {})).toThrow('event name x is taken');
  e.scheduleAt(5n);
  e.scheduleAt(NEVER);
  expect([e.when, q.size]).toEqual([undefined, 0]);
});

test('an event that becomes the first one is announced', () => {
  const seen: bigint[] = [];
  const q = queue({ onEarlier: (when: bigint) => seen.push(when) });
  q.event('a', () => {}).scheduleAt(50n);
  q.event('b', () => {}).scheduleAt(60n);
  q.event('c', () => {}).scheduleAt(40n);
  expect(seen).toEqual([50n, 40n]);
});

test('day 29.99: ticks beyond 2^53 stay exact', () => {
  // 29.99 days * 86400 s * 5990.4 MHz = 15,521,941,094,400,000 ticks, more than 2^53 = 9,007,199,254,740,992
  const day = 15_521_941_094_400_000n;
  const q = queue();
  q.dispatch(day);
  const ran: bigint[] = [];
  q.event('odd', () => ran.push(q.now())).scheduleAt(day + 1n);
  q.event('odder', () => ran.push(q.now())).scheduleAt(day + 3n);
  q.dispatch(day + 2n);
  expect(ran).toEqual([day + 1n]);
  q.dispatch(day + 3n);
  expect(ran).toEqual([day + 1n, day + 3n]);
});

test('save and load keep times, order of ties and the sequence', () => {
  const build = () => {
    const q = queue();
    const ran: string[] = [];
    const events = ['a', 'b', 'c', 'd'].map((name) => q.event(name, () => ran.push(name)));
    return { q, ran, events };
  };
  const one = build();
  [3, 1, 0, 2].forEach((i) => one.events[i]?.scheduleAt(i === 3 ? 9n : 7n));
  const state = JSON.parse(JSON.stringify(one.q.save()));
  const two = build();
  two.events[0]?.scheduleAt(1n);
  two.q.load(state);
  expect(two.q.save()).toEqual(one.q.save());
  one.q.dispatch(10n);
  two.q.dispatch(10n);
  expect(two.ran).toEqual(one.ran);
  expect(one.ran).toEqual(['b', 'a', 'c', 'd']);
});

test('a thousand pseudo-random operations keep the heap ordered', () => {
  const q = queue();
  const ran: bigint[] = [];
  const events = Array.from({ length: 60 }, (_, i) => q.event(`e${i}`, () => ran.push(q.now())));
  let x = 12345;
  const next = (n: number) => ((x = (Math.imul(x, 1103515245) + 12345) >>> 0) >>> 8) % n;
  for (let i = 0; i < 1000; i++) {
    const event = events[next(events.length)];
    if (next(4) === 0) event?.cancel();
    else event?.scheduleAt(BigInt(next(500)));
  }
  const expected = events
    .map((e) => e.when)
    .filter((w) => w !== undefined)
    .sort((a, b) => Number(a - b));
  q.dispatch(1000n);
  expect(ran).toEqual(expected);
});
