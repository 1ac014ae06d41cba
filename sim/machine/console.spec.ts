import { expect, test } from 'vitest';
import { Console, ConsoleInput } from './console.js';
import { EventQueue } from './event-queue.js';

const put = (console: Console, text: string): void => {
  for (const byte of Buffer.from(text)) console.write(byte);
};

test('a kernel panic is announced once, in any place of a line', () => {
  const lines: string[] = [];
  const console = new Console('uart0', { onPanic: (line) => lines.push(line) });
  put(console, 'ok\r\n[    1.0] Kernel panic - not sync');
  expect(console.panicked).toBe(false);
  put(console, 'ing: VFS\r\nKernel panic - not syncing: again\n');
  expect(lines).toEqual(['[    1.0] Kernel panic - not syncing: VFS']);
});

test('expect matches a prompt without an end of line', () => {
  const seen: string[] = [];
  const console = new Console('uart0', { onExpect: (line) => seen.push(line) });
  console.expect = /^~ # $/;
  put(console, 'foo ~ # \r\n~ # ');
  expect(seen).toEqual(['~ # ']);
});

test('a line without end does not grow for ever', () => {
  const console = new Console('uart0');
  put(console, 'x'.repeat(10_000));
  expect((console.save() as { line: string }).line.length).toBe(4096);
  expect(console.bytes).toBe(10_000);
});

test('input waits until the receiver takes it, and asks again each millisecond', () => {
  const clock = new EventQueue({ tickHz: 1_000_000, ticksPerCount: 1 });
  const got: number[] = [];
  let room = 0;
  const port = { canAccept: () => room > 0, input: (byte: number) => (room--, got.push(byte), true) };
  const input = new ConsoleInput('uart0', clock, port);
  input.add(Uint8Array.of(1, 2, 3));
  expect([got, input.pending]).toEqual([[], 3]);
  room = 1;
  input.pump();
  expect(got).toEqual([1]);
  room = 5;
  clock.dispatch(999n);
  expect(got).toEqual([1]);
  clock.dispatch(1000n);
  expect([got, input.pending, clock.size]).toEqual([[1, 2, 3], 0, 0]);
});

test('waiting input is bounded', () => {
  const clock = new EventQueue({ tickHz: 1_000_000, ticksPerCount: 1 });
  const input = new ConsoleInput('uart0', clock, { canAccept: () => false, input: () => false });
  expect(input.add(new Uint8Array(1 << 20))).toBe(1 << 20);
  expect(input.add(new Uint8Array(10))).toBe(0);
});
