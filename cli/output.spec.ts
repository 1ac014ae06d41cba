import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConsoleOutput } from './output.js';

function written(prefixed: boolean, partial: boolean, write: (output: ConsoleOutput) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'rcar-sim-'));
  const path = join(folder, 'out');
  const fd = openSync(path, 'w');
  try {
    const output = new ConsoleOutput(prefixed, partial, fd);
    write(output);
    output.end();
    return readFileSync(path, 'latin1');
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
}

const text = (output: ConsoleOutput, console: string, bytes: string): void => {
  for (const byte of Buffer.from(bytes, 'latin1')) output.byte(console, byte);
};

test('one guest: bytes as they are; on a terminal what follows begins on a new line', () => {
  const write = (output: ConsoleOutput): void => text(output, 'a', 'x\xff\n$ ');
  expect(written(false, false, write)).toBe('x\xff\n$ ');
  expect(written(false, true, write)).toBe('x\xff\n$ \n');
});

test('several guests: whole lines with their names, unfinished ones at the end', () => {
  const write = (output: ConsoleOutput): void => {
    text(output, 'a', 'on');
    text(output, 'b', 'two\nthree');
    output.flush();
    text(output, 'a', 'e\n');
  };
  expect(written(true, false, write)).toBe('[b] two\n[a] one\n[b] three\n');
});

test('several guests on a terminal: prompts are shown, and another guest’s line does not run into them', () => {
  const write = (output: ConsoleOutput): void => {
    text(output, 'a', 'boot\n$ ');
    output.flush();
    text(output, 'a', 'ls');
    output.flush();
    text(output, 'b', 'hello\n');
    output.flush();
    text(output, 'a', ' -l\n');
  };
  expect(written(true, true, write)).toBe('[a] boot\n[a] $ ls\n[b] hello\n[a]  -l\n');
});
