import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRecording, writeRecording } from './recording.js';
import { InputScript, unescapeText } from './script.js';

/** What is typed, with the output before it. */
function play(script: InputScript, text: string): string[] {
  const typed: string[] = [];
  for (const byte of Buffer.from(text)) {
    const bytes = script.output(byte);
    if (bytes !== undefined) typed.push(Buffer.from(bytes).toString());
  }
  return typed;
}

test('each text waits for a prompt of its own, not for the echo of the one before', () => {
  const script = new InputScript(['ls', 'poweroff']);
  expect(play(script, 'Linux # 1 booting\n/ # ')).toEqual(['ls\r']);
  expect(play(script, 'ls # ')).toEqual([]);
  expect(play(script, '\nbin dev\n~ # ')).toEqual(['poweroff\r']);
  expect(script.remaining).toBe(0);
});

test('REGEX=>TEXT waits for the pattern', () => {
  const script = new InputScript(['^Press (.*) key=>y\\c']);
  expect(play(script, '/ # \nPress any key')).toEqual(['y']);
});

test('escapes are those of echo', () => {
  expect([...unescapeText('a\\t\\x1b[A\\\\\\c')]).toEqual([0x61, 9, 0x1b, 0x5b, 0x41, 0x5c]);
  expect([...unescapeText('é')]).toEqual([0xc3, 0xa9, 13]);
  expect(() => unescapeText('\\q')).toThrow("--input \\q: unknown escape '\\q'");
});

test('a recording is read as it was written, and a damaged line is named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rcar-sim-'));
  const path = join(folder, 'keys');
  try {
    const input = [
      { time: '5990400000', console: 'uart0', bytes: [108, 115, 13] },
      { time: '123456789012345678', console: 'uart0', bytes: [0, 255] },
    ];
    writeRecording(path, input);
    expect(readRecording(path)).toEqual(input);
    writeFileSync(
      path,
      '{"recording":1}\n{"time":"5","console":"uart0","bytes":"61"}\n{"time":"4","console":"uart0","bytes":"61"}\n',
    );
    expect(() => readRecording(path)).toThrow(`${path}:3: times must be ticks that never go back`);
    writeFileSync(path, '');
    expect(() => readRecording(path)).toThrow('not a recording');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
