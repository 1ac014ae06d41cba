/** The corpus of the system differential: small programs that once differed, as JSON. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { disassemble } from '../isa/disassemble.js';
import { recordAt } from './image.js';
import type { Ending } from './image.js';
import { CONTEXT_REGISTERS, RECORD_FIELDS, RECORD_WORDS } from './layout.js';
import type { Context, Program, Step } from './layout.js';
import { makeContext } from './contexts.js';
import { fromText, toText } from './serial.js';

/** One file. Registers of a context that are not named are those of the plain one; record words that are not, zero. */
export interface SystemEntry {
  readonly name: string;
  /** What was wrong, and who says what is right. */
  readonly note: string;
  readonly contexts: readonly { readonly code: bigint; readonly registers: Partial<Context> }[];
  readonly steps: readonly Step[];
  readonly assembly: readonly (readonly string[])[];
  /** 64-bit words of memory by address. */
  readonly memory: Readonly<Record<string, bigint>>;
  readonly expected: readonly Readonly<Record<string, bigint>>[];
}

/** A program and the ending that is right, as an entry. */
export function toSystemEntry(program: Program, expected: Ending, note: string): SystemEntry {
  const memory: Record<string, bigint> = {};
  for (const { address, bytes } of program.memory) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      const value = view.getBigUint64(at, true);
      if (value !== 0n) memory[(address + at).toString(16)] = value;
    }
  }
  return {
    name: (program.steps.at(-1) as Step).name,
    note,
    contexts: program.contexts.map(({ code, registers }) => {
      const plain = makeContext({}, code).registers;
      const own = CONTEXT_REGISTERS.filter((name) => registers[name] !== plain[name]);
      return { code, registers: Object.fromEntries(own.map((name) => [name, registers[name]])) };
    }),
    steps: program.steps,
    assembly: program.steps.map(({ words }) => disassemble(words, 0).map((line) => line.replace(/^[0-9a-f]{8} /, ''))),
    memory,
    expected: program.steps.map((_, i) => {
      const record = recordAt(expected, i);
      return Object.fromEntries(
        RECORD_FIELDS.flatMap(([at, name]): [string, bigint][] =>
          (record[at] ?? 0n) === 0n ? [] : [[name, record[at] as bigint]],
        ),
      );
    }),
  };
}

/** The program of an entry, and the records that it asks for. */
export function fromSystemEntry(entry: SystemEntry): { program: Program; records: BigUint64Array } {
  const records = new BigUint64Array(entry.steps.length * RECORD_WORDS);
  entry.expected.forEach((words, i) => {
    for (const [at, name] of RECORD_FIELDS) records[i * RECORD_WORDS + at] = words[name] ?? 0n;
  });
  const memory = Object.entries(entry.memory).map(([address, value]) => ({
    address: parseInt(address, 16),
    bytes: new Uint8Array(BigUint64Array.of(value).buffer),
  }));
  const contexts = entry.contexts.map(({ code, registers }) => ({
    code,
    registers: { ...makeContext({}, code).registers, ...registers },
  }));
  return { program: { contexts, steps: entry.steps, memory }, records };
}

/** Every entry in `folder`. Throws Error that names a file which is cut off or no JSON. */
export function readSystemCorpus(folder: string): { file: string; entry: SystemEntry }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => {
      try {
        return { file, entry: fromText(readFileSync(join(folder, file), 'utf8')) as SystemEntry };
      } catch (error) {
        throw new Error(`${file} is no entry of the corpus: ${(error as Error).message}`, { cause: error });
      }
    });
}

/** Writes an entry under a name made from its class and content; returns the file name. */
export async function writeSystemEntry(
  folder: string,
  program: Program,
  expected: Ending,
  note: string,
): Promise<string> {
  const { format } = await import('prettier');
  mkdirSync(folder, { recursive: true });
  const entry = toSystemEntry(program, expected, note);
  const hash = createHash('sha256')
    .update(toText([entry.steps, entry.contexts, entry.memory]))
    .digest('hex')
    .slice(0, 8);
  const file = `${entry.name.replace(/\W+/g, '-').toLowerCase().slice(0, 40)}-${hash}.json`;
  writeFileSync(join(folder, file), await format(toText(entry), { parser: 'json', printWidth: 120 }));
  return file;
}
