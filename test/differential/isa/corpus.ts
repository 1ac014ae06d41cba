/** The corpus: cases that once differed, as JSON that a person can read; they run in `npm test` for ever. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hexOf, nameOfSignal, REGISTERS, signalNamed } from './compare.js';
import { disassemble } from './disassemble.js';
import { BLOCK_BYTES, getNumber, setNumber, STATE_BYTES, STATE_PC, viewOf } from './state.js';
import type { Case, Result } from './state.js';

/** One file of the corpus. Numbers are hexadecimal; registers that are not named are zero before, unchanged after. */
export interface CorpusEntry {
  readonly name: string;
  /** What was wrong, and who says what is right. */
  readonly note: string;
  readonly code: string;
  readonly words: readonly string[];
  readonly assembly: readonly string[];
  readonly before: Readonly<Record<string, string>>;
  readonly end: string;
  readonly address?: string;
  readonly after: Readonly<Record<string, string>>;
  /** Offset in the data to 16 bytes as one number. */
  readonly memory?: Readonly<Record<string, string>>;
}

function bytesOf(hex: string, size: number): Uint8Array {
  const digits = hex.padStart(2 * size, '0');
  return Uint8Array.from({ length: size }, (_, i) => parseInt(digits.slice(2 * (size - 1 - i), 2 * (size - i)), 16));
}

const short = (hex: string): string => hex.replace(/^0+(?=.)/, '');

/** A case and its right result as an entry. */
export function toEntry(one: Case, expected: Result, note: string): CorpusEntry {
  const before: Record<string, string> = {};
  const after: Record<string, string> = {};
  for (const [name, offset, size] of REGISTERS) {
    const [a, b] = [one.state, expected.state].map((state) => hexOf(state.subarray(offset, offset + size)));
    if (name !== 'pc' && /[1-9a-f]/.test(a as string)) before[name] = short(a as string);
    if (a !== b) after[name] = short(b as string);
  }
  const memory: Record<string, string> = {};
  for (let at = 0; at < expected.blocks.length; at += BLOCK_BYTES) {
    const offset = viewOf(expected.blocks).getUint16(at, true);
    memory[offset.toString(16)] = short(hexOf(expected.blocks.subarray(at + 8, at + BLOCK_BYTES)));
  }
  const code = getNumber(one.state, STATE_PC);
  return {
    name: one.name,
    note,
    code: code.toString(16),
    words: one.words.map((word) => word.toString(16).padStart(8, '0')),
    assembly: disassemble(one.words, code).map((line) => line.replace(/^[0-9a-f]{8} /, '')),
    before,
    end: nameOfSignal(expected.signal),
    ...(expected.address !== 0n && { address: expected.address.toString(16) }),
    after,
    ...(Object.keys(memory).length > 0 && { memory }),
  };
}

/** The case and the result that an entry asks for. Throws Error for an entry with an unknown register or end. */
export function fromEntry(entry: CorpusEntry): { one: Case; expected: Result } {
  const state = new Uint8Array(STATE_BYTES);
  const put = (target: Uint8Array, values: Readonly<Record<string, string>>): void => {
    for (const [name, hex] of Object.entries(values)) {
      const register = REGISTERS.find(([other]) => other === name);
      if (!register) throw new Error(`${entry.name}: no register ${name}`);
      target.set(bytesOf(hex, register[2]), register[1]);
    }
  };
  put(state, entry.before);
  setNumber(state, STATE_PC, parseInt(entry.code, 16));
  const after = state.slice();
  put(after, entry.after);
  const blocks = Object.entries(entry.memory ?? {})
    .map(([offset, hex]) => [parseInt(offset, 16), hex] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([offset, hex]) => [...bytesOf(offset.toString(16), 8), ...bytesOf(hex, 16)]);
  return {
    one: { name: entry.name, words: entry.words.map((word) => parseInt(word, 16)), state },
    expected: {
      signal: signalNamed(entry.end),
      address: BigInt(`0x${entry.address ?? '0'}`),
      state: after,
      blocks: Uint8Array.from(blocks.flat()),
    },
  };
}

/** Every entry in `folder`, by file name. Throws Error that names a file which is cut off or no JSON. */
export function readCorpus(folder: string): { file: string; entry: CorpusEntry }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => {
      try {
        return { file, entry: JSON.parse(readFileSync(join(folder, file), 'utf8')) as CorpusEntry };
      } catch (error) {
        throw new Error(`${file} is no entry of the corpus: ${(error as Error).message}`, { cause: error });
      }
    });
}

/** Writes an entry under a name made from its class and content; returns the file name. */
export async function writeEntry(folder: string, entry: CorpusEntry): Promise<string> {
  const { format } = await import('prettier');
  mkdirSync(folder, { recursive: true });
  const hash = createHash('sha256')
    .update(JSON.stringify([entry.words, entry.before]))
    .digest('hex')
    .slice(0, 8);
  const file = `${entry.name.replace(/\W+/g, '-').toLowerCase().slice(0, 40)}-${hash}.json`;
  writeFileSync(join(folder, file), await format(JSON.stringify(entry), { parser: 'json', printWidth: 120 }));
  return file;
}
