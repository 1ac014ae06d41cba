import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { KIND_NAMES, RECORD_FIELDS, RECORD_WORDS, TraceKind, type Trace } from './record.js';

/** "RCTR" and the version of the format. */
const MAGIC = 0x5254_4352;
const VERSION = 1;
const HEADER_BYTES = 64;

export interface TraceHeader {
  readonly tickHz: number;
  readonly ticksPerCycle: readonly number[];
}

/** A record as readers see it; names are resolved, lo/hi pairs are still two words. */
export interface TraceRecord {
  readonly kind: string;
  /** Core that made it, or undefined. */
  readonly core: number | undefined;
  readonly time: bigint;
  readonly fields: Readonly<Record<string, number | string>>;
}

/**
 * Streams a trace to a file, binary (64-byte header, then 32-byte little-endian records), or as JSON lines if the
 * name ends in .jsonl. Memory use does not depend on the length of the run. Throws the file system's error if the
 * file cannot be opened. Returns the function that writes the rest and closes the file; it throws the first error of
 * any write: the run itself goes on without its trace.
 */
export function writeTrace(trace: Trace, path: string, header: TraceHeader): () => void {
  const fd = openSync(path, 'w');
  let failed: unknown;
  const put = (bytes: Uint8Array): void => {
    if (failed !== undefined) return;
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done);
    } catch (error) {
      failed = error;
    }
  };
  if (path.endsWith('.jsonl')) {
    const decoder = new TraceDecoder();
    put(new TextEncoder().encode(`${JSON.stringify({ trace: VERSION, ...header })}\n`));
    trace.attach((words) => {
      let text = '';
      for (let at = 0; at < words.length; at += RECORD_WORDS) {
        const record = decoder.decode(words, at);
        if (record !== undefined) text += `${jsonLine(record)}\n`;
      }
      put(new TextEncoder().encode(text));
    });
  } else {
    const head = new DataView(new ArrayBuffer(HEADER_BYTES));
    head.setUint32(0, MAGIC, true);
    head.setUint32(4, VERSION, true);
    head.setFloat64(8, header.tickHz, true);
    header.ticksPerCycle.slice(0, 8).forEach((ticks, core) => head.setUint32(16 + 4 * core, ticks, true));
    put(new Uint8Array(head.buffer));
    trace.attach((words) => put(new Uint8Array(words.buffer, words.byteOffset, words.byteLength)));
  }
  return () => {
    trace.flush();
    closeSync(fd);
    if (failed !== undefined) throw failed;
  };
}

/** One record as one line of JSON, with the time as a decimal string of ticks. */
export function jsonLine(record: TraceRecord): string {
  return JSON.stringify({ time: String(record.time), core: record.core, kind: record.kind, ...record.fields });
}

/** The header of a binary trace file. Throws Error if the file is not a trace. */
export function readTraceHeader(path: string): TraceHeader {
  const fd = openSync(path, 'r');
  try {
    return headerOf(fd, path);
  } finally {
    closeSync(fd);
  }
}

function headerOf(fd: number, path: string): TraceHeader {
  const head = Buffer.alloc(HEADER_BYTES);
  if (readSync(fd, head, 0, HEADER_BYTES, null) !== HEADER_BYTES || head.readUInt32LE(0) !== MAGIC) {
    throw new Error(`${path} is not a trace file`);
  }
  if (head.readUInt32LE(4) !== VERSION) throw new Error(`${path} is a trace of version ${head.readUInt32LE(4)}`);
  const ticksPerCycle = Array.from({ length: 8 }, (_, core) => head.readUInt32LE(16 + 4 * core)).filter((t) => t > 0);
  const tickHz = head.readDoubleLE(8);
  if (!Number.isSafeInteger(tickHz) || tickHz <= 0) throw new Error(`${path}: ${tickHz} ticks per second`);
  return { tickHz, ticksPerCycle };
}

/**
 * Reads a binary trace file record by record; names are resolved and their definitions left out.
 * Throws Error if the file is not a trace.
 */
export function* readTrace(path: string): Generator<TraceRecord, TraceHeader> {
  const fd = openSync(path, 'r');
  try {
    const header = headerOf(fd, path);
    const decoder = new TraceDecoder();
    const block = new Uint32Array(2048 * RECORD_WORDS);
    const bytes = new Uint8Array(block.buffer);
    for (;;) {
      let have = 0;
      while (have < bytes.length) {
        const got = readSync(fd, bytes, have, bytes.length - have, null);
        if (got === 0) break;
        have += got;
      }
      const words = Math.floor(have / (4 * RECORD_WORDS)) * RECORD_WORDS;
      for (let at = 0; at < words; at += RECORD_WORDS) {
        const record = decoder.decode(block, at);
        if (record !== undefined) yield record;
      }
      if (have < bytes.length) break;
    }
    return header;
  } finally {
    closeSync(fd);
  }
}

/** Turns records into objects, learning names as they are defined. */
export class TraceDecoder {
  readonly #names = new Map<number, { bytes: Uint8Array; text?: string }>();

  /** @param known names whose definitions the records do not hold (Trace.definitions). */
  constructor(known: ReadonlyMap<number, string> = new Map()) {
    for (const [id, text] of known) this.#names.set(id, { bytes: new Uint8Array(0), text });
  }

  /** The record at word `at`, or undefined for a definition. */
  decode(words: Uint32Array, at: number): TraceRecord | undefined {
    const word = (i: number): number => words[at + i] as number;
    const kind = (word(0) & 0xff) as TraceKind;
    if (kind === TraceKind.Name) {
      this.#names.set(word(3), { bytes: new Uint8Array(Math.min(word(4), 4096)) });
      return undefined;
    }
    if (kind === TraceKind.Text) {
      const name = this.#names.get(word(1));
      if (name === undefined) return undefined;
      for (let i = 0; i < 20; i++) {
        const index = word(2) + i;
        if (index < name.bytes.length) name.bytes[index] = (word(3 + (i >> 2)) >>> ((i & 3) * 8)) & 0xff;
      }
      return undefined;
    }
    const core = (word(0) >>> 8) & 0xff;
    const fields: Record<string, number | string> = {};
    (RECORD_FIELDS[kind] ?? []).forEach((field, index) => {
      const value = word(3 + index);
      if (field.endsWith('Name')) fields[field.slice(0, -4)] = value === 0 ? '' : this.#name(value);
      else fields[field] = value;
    });
    return {
      kind: KIND_NAMES.get(kind) ?? `kind${kind}`,
      core: core === 0xff ? undefined : core,
      time: (BigInt(word(2)) << 32n) | BigInt(word(1)),
      fields,
    };
  }

  #name(id: number): string {
    const name = this.#names.get(id);
    if (name === undefined) return `#${id}`;
    return (name.text ??= new TextDecoder().decode(name.bytes));
  }
}
