import { readFileSync, writeFileSync } from 'node:fs';
import type { InputRecord } from '../index.js';
import { UsageError } from './exit.js';

const VERSION = 1;

/** Writes console input as JSON lines: a header, then one `{time, console, bytes}` each, bytes in hexadecimal. */
export function writeRecording(path: string, input: readonly InputRecord[]): void {
  const lines = [
    JSON.stringify({ recording: VERSION }),
    ...input.map(({ time, console, bytes }) =>
      JSON.stringify({ time, console, bytes: Buffer.from(bytes).toString('hex') }),
    ),
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
}

/** Reads what writeRecording wrote. Throws UsageError naming the line that is wrong, or the file system's error. */
export function readRecording(path: string): InputRecord[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const input: InputRecord[] = [];
  let last = 0n;
  lines.forEach((line, index) => {
    try {
      const value = JSON.parse(line) as { recording?: number; time: string; console: string; bytes: string };
      if (index === 0) {
        if (value.recording !== VERSION) throw new Error(`not a recording of version ${VERSION}`);
        return;
      }
      if (!/^([0-9a-f]{2})+$/.test(value.bytes)) throw new Error('bytes are not hexadecimal');
      if (!/^\d+$/.test(value.time) || BigInt(value.time) < last)
        throw new Error('times must be ticks that never go back');
      last = BigInt(value.time);
      input.push({ time: value.time, console: String(value.console), bytes: [...Buffer.from(value.bytes, 'hex')] });
    } catch (error) {
      throw new UsageError(`${path}:${index + 1}: ${(error as Error).message}`);
    }
  });
  if (lines.length === 0) throw new UsageError(`${path}: empty, not a recording`);
  return input;
}
