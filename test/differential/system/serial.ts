/** Programs and endings as text and bytes: for the corpus and for the recorded sample. */
import { createHash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { Ending } from './image.js';
import { RECORD_BYTES, RECORD_FIELDS, RECORD_WORDS } from './layout.js';
import type { Program } from './layout.js';

const BIG = /^[0-9a-f]+n$/;

/** JSON in which a bigint is its hexadecimal digits with an n. */
export function toText(value: unknown, space?: number): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one.toString(16)}n` : one), space);
}

/** The reverse; throws SyntaxError for what is no JSON. */
export function fromText(text: string): unknown {
  return JSON.parse(text, (_, one: unknown) =>
    typeof one === 'string' && BIG.test(one) ? BigInt(`0x${one.slice(0, -1)}`) : one,
  );
}

/** What QEMU answered to a program: the records, and a digest of the data region. */
export interface Answer {
  readonly records: BigUint64Array;
  readonly digest: string;
}

export function digestOf(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Words that are not compared are zero: some depend on time. */
export function answerOf({ steps }: Program, { records, data }: Ending): Answer {
  const kept = records.slice();
  steps.forEach(({ ignore }, i) => {
    for (const [at, name] of RECORD_FIELDS) if (ignore?.includes(name)) kept[i * RECORD_WORDS + at] = 0n;
  });
  return { records: kept, digest: digestOf(data) };
}

/** One program of the recorded sample. */
export interface Recorded {
  readonly name: string;
  readonly seed: number;
  readonly program: Program;
  readonly answer: Answer;
}

const MAGIC = 'system oracle 1';

/** The sample as a file: one line with QEMU's version, then everything else compressed. */
export function encodeSystemSample(qemu: string, recorded: readonly Recorded[], quality = 11): Uint8Array {
  const blobs: Uint8Array[] = [];
  const add = (bytes: Uint8Array): number => blobs.push(bytes) - 1;
  const index = recorded.map(({ name, seed, program, answer }) => ({
    name,
    seed,
    contexts: program.contexts,
    steps: program.steps,
    memory: program.memory.map(({ address, bytes }) => ({ address, blob: add(bytes) })),
    records: add(
      columns(
        new Uint8Array(answer.records.buffer, answer.records.byteOffset, answer.records.byteLength),
        RECORD_BYTES,
      ),
    ),
    digest: answer.digest,
  }));
  const json = Buffer.from(toText({ index, sizes: blobs.map(({ length }) => length) }));
  const head = Buffer.alloc(4);
  head.writeUInt32LE(json.length);
  const body = Buffer.concat([head, json, ...blobs]);
  const packed = brotliCompressSync(body, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
      [constants.BROTLI_PARAM_LGWIN]: 24,
    },
  });
  return Buffer.concat([Buffer.from(`${MAGIC}; ${qemu}\n`), packed]);
}

/** Byte i of every row after another: rows are much alike. */
function columns(bytes: Uint8Array, row: number): Uint8Array {
  const rows = bytes.length / row;
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i += 1) out[(i % row) * rows + Math.floor(i / row)] = bytes[i] as number;
  return out;
}

function rows(bytes: Uint8Array, row: number): Uint8Array {
  const count = bytes.length / row;
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i += 1) out[i] = bytes[(i % row) * count + Math.floor(i / row)] as number;
  return out;
}

/** Reads the file. Throws Error in one line for a file that is cut off or another. */
export function decodeSystemSample(file: Uint8Array): { qemu: string; recorded: Recorded[] } {
  const fail = (cause?: unknown): Error => new Error('not a sample of the system oracle, or cut off', { cause });
  const end = file.indexOf(10);
  const line = Buffer.from(file.subarray(0, Math.max(end, 0))).toString();
  if (!line.startsWith(`${MAGIC}; `)) throw fail();
  try {
    const body = brotliDecompressSync(file.subarray(end + 1));
    const length = body.readUInt32LE(0);
    const { index, sizes } = fromText(body.subarray(4, 4 + length).toString()) as { index: Stored[]; sizes: number[] };
    let at = 4 + length;
    const blobs = sizes.map((size) => {
      at += size;
      return Uint8Array.from(body.subarray(at - size, at));
    });
    const recorded = index.map(({ name, seed, contexts, steps, memory, records, digest }): Recorded => ({
      name,
      seed,
      program: {
        contexts,
        steps,
        memory: memory.map(({ address, blob }) => ({ address, bytes: blobs[blob] as Uint8Array })),
      },
      answer: { records: new BigUint64Array(rows(blobs[records] as Uint8Array, RECORD_BYTES).buffer), digest },
    }));
    return { qemu: line.slice(MAGIC.length + 2), recorded };
  } catch (error) {
    throw fail(error);
  }
}

interface Stored extends Pick<Program, 'contexts' | 'steps'> {
  readonly name: string;
  readonly seed: number;
  readonly memory: readonly { readonly address: number; readonly blob: number }[];
  readonly records: number;
  readonly digest: string;
}
