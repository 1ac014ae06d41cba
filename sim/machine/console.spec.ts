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

test('the closing line of an architecture test: a whole line, an odd number, the last one counts', () => {
  const said = (text: string): number | undefined => {
    const console = new Console('uart0');
    put(console, text);
    const copy = new Console('uart0');
    copy.load(JSON.parse(JSON.stringify(console.save())));
    expect(copy.testStatus).toBe(console.testStatus);
    return console.testStatus;
  };
  expect(said('PASS: x\n\nEXIT: STATUS=1\n')).toBe(1);
  expect(said('EXIT: STATUS=155\r\nmore\n')).toBe(155);
  expect(said('EXIT: STATUS=-1\n')).toBe(-1);
  expect(said('EXIT: STATUS=3\nEXIT: STATUS=1\n')).toBe(1);
  const none = [
    '',
    'EXIT: STATUS=1',
    'EXIT: STATUS=2\n',
    'EXIT: STATUS=x\n',
    'EXIT: STATUS=1 \n',
    '> EXIT: STATUS=1\n',
  ];
  for (const text of [...none, 'EXIT: STATUS=12345678901\n']) expect([text, said(text)]).toEqual([text, undefined]);
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
