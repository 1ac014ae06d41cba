import { expect, test } from 'vitest';
import { Pace } from './pace.js';

const HZ = 1_000_000_000; // a tick is a nanosecond
const SECOND = 1_000_000_000n;
const SLACK = 20_000_000n;

function pace(): { pace: Pace; at(ms: number): void } {
  let now = 5n * SECOND;
  return {
    pace: new Pace(HZ, () => now),
    at: (ms) => {
      now = 5n * SECOND + BigInt(ms) * 1_000_000n;
    },
  };
}

test('after a whole line idle time jumps, for an hour', () => {
  const { pace: p } = pace();
  for (const byte of Buffer.from('sleep 1000\r\n')) p.output(byte);
  expect(p.limit(2n * SECOND)).toBeUndefined();
  expect(p.limit(1002n * SECOND)).toBeUndefined();
  expect(p.limit(3602n * SECOND)).toBeUndefined();
  expect(p.limit(3603n * SECOND)).toBe(3603n * SECOND + SLACK);
  p.keys();
  expect(p.limit(3604n * SECOND)).toBeUndefined();
});

test('at a prompt it follows the clock on the wall', () => {
  const { pace: p, at } = pace();
  for (const byte of Buffer.from('\n$ ')) p.output(byte);
  expect(p.limit(2n * SECOND)).toBe(2n * SECOND + SLACK);
  at(50);
  expect(p.limit(2n * SECOND + SLACK)).toBe(2n * SECOND + 50_000_000n + SLACK);
});

test('a machine that was busy or a host that slept does not catch up', () => {
  const { pace: p, at } = pace();
  p.output(36);
  p.limit(0n);
  at(10_000);
  p.limit(SECOND); // nine seconds late: from here on it counts anew
  at(10_010);
  expect(p.limit(SECOND)).toBe(SECOND + 10_000_000n + SLACK);
  // ahead, after a burst of work: idle time waits until real time is there
  expect(p.limit(9n * SECOND)).toBe(9n * SECOND + SLACK);
});
