import { expect, test } from 'vitest';
import type { TimingEntry } from '../../boards/timing-schema.js';
import { Costs } from './costs.js';

const entry = (value: number, unit: TimingEntry['unit'], confidence: TimingEntry['confidence'] = 'guessed') =>
  ({ value, unit, low: 0, high: 1e6, confidence, source: 'test' }) satisfies TimingEntry;

const TICK_HZ = 5_990_400_000; // A57 cycle 4 ticks, A53 cycle 5
const table = {
  'x.trap': entry(100, 'cycles', 'measured'),
  'x.wire': entry(350, 'ns'),
  'x.copy': entry(64, 'cycles/KiB'),
  'x.disk': entry(80, 'ns/KiB', 'derived'),
};

test('cycles are the cycles of the core that works', () => {
  const costs = new Costs(table, TICK_HZ);
  expect(costs.cost('x.trap', 4)).toBe(100);
  expect(costs.cost('x.trap', 5)).toBe(100);
  expect(costs.used()).toEqual([{ name: 'x.trap', confidence: 'measured', uses: 2, ticks: 900n }]);
});

test('nanoseconds become cycles, rounded up', () => {
  const costs = new Costs(table, TICK_HZ);
  // 350 ns * 1.4976 GHz = 524.16; * 1.19808 GHz = 419.328; * 5.9904 GHz = 2096.64
  expect(costs.peek('x.wire', 4)).toBe(525);
  expect(costs.peek('x.wire', 5)).toBe(420);
  expect(costs.ticks('x.wire')).toBe(2097n);
});

test('per-KiB entries scale with the bytes', () => {
  const costs = new Costs(table, TICK_HZ);
  expect(costs.peek('x.copy', 4, 512)).toBe(32);
  expect(costs.peek('x.copy', 4, 1)).toBe(1);
  // 80 ns/KiB * 4 KiB = 320 ns * 5.9904 = 1916.928 ticks
  expect(costs.ticks('x.disk', 4096)).toBe(1917n);
});

test('an unknown name is our bug', () => {
  const costs = new Costs(table, TICK_HZ);
  expect(() => costs.cost('x.nothing', 4)).toThrow('no entry x.nothing');
  expect(() => costs.ticks('x.trap')).toThrow('in cycles');
});

test('save and load keep the counts', () => {
  const costs = new Costs(table, TICK_HZ);
  costs.cost('x.trap', 4);
  costs.ticks('x.wire');
  const other = new Costs(table, TICK_HZ);
  other.cost('x.copy', 4, 10);
  other.load(JSON.parse(JSON.stringify(costs.save())));
  expect(other.used()).toEqual(costs.used());
});
