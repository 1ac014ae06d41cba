import { CORE_BASE, CORE_STRIDE, LAYOUT_VERSION, MAX_CORES } from '../wasm/layout.js';
import type { Machine } from './machine.js';

const MAGIC = 0x4e53_4352; // "RCSN"
const VERSION = 1;
const PREFIX_BYTES = 16;
const CORE_BYTES = MAX_CORES * CORE_STRIDE;
const CHUNK_SIZE = 0x10000;
const PAGE_SIZE = 4096;

/** What a snapshot file says about itself; `config` is whatever its writer needs to build the same machine. */
export interface SnapshotHeader {
  readonly layout: number;
  readonly board: string;
  readonly config: unknown;
  readonly state: unknown;
  /** Physical addresses / 4096 of the pages that follow, each 4096 bytes. */
  readonly pages: readonly number[];
}

/** A file that is no snapshot, or one of another version or board. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

/**
 * The whole state of a machine as bytes: prefix (magic, version, length of the header), header as JSON, the cores'
 * blocks, and every page of RAM that is not zero. Only between calls of run(). Decoded code and TLBs are not part of
 * it: they follow from the rest and do not change results.
 */
export function saveSnapshot(machine: Machine, config: unknown = null): Uint8Array {
  const pages: number[] = [];
  const contents: Uint8Array[] = [];
  machine.memory.forEachUsedChunk((pa, bytes) => {
    for (let at = 0; at < CHUNK_SIZE; at += PAGE_SIZE) {
      const page = bytes.subarray(at, at + PAGE_SIZE);
      if (!page.some((byte) => byte !== 0)) continue;
      pages.push((pa + at) / PAGE_SIZE);
      contents.push(page);
    }
  });
  const header: SnapshotHeader = {
    layout: LAYOUT_VERSION,
    board: boardKey(machine),
    config,
    state: machine.save(),
    pages,
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const out = new Uint8Array(PREFIX_BYTES + json.length + CORE_BYTES + pages.length * PAGE_SIZE);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, json.length, true);
  out.set(json, PREFIX_BYTES);
  let at = PREFIX_BYTES + json.length;
  out.set(new Uint8Array(machine.linear.buffer, CORE_BASE, CORE_BYTES), at);
  at += CORE_BYTES;
  for (const page of contents) {
    out.set(page, at);
    at += PAGE_SIZE;
  }
  return out;
}

/** Reads the header only. Throws SnapshotError. */
export function readSnapshotHeader(bytes: Uint8Array): SnapshotHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PREFIX_BYTES || view.getUint32(0, true) !== MAGIC) throw new SnapshotError('not a snapshot');
  const version = view.getUint32(4, true);
  if (version !== VERSION) throw new SnapshotError(`snapshot of version ${version}, this program writes ${VERSION}`);
  const length = view.getUint32(8, true);
  if (PREFIX_BYTES + length + CORE_BYTES > bytes.length) throw new SnapshotError('the snapshot is cut short');
  const header = JSON.parse(
    new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length)),
  ) as SnapshotHeader;
  if (PREFIX_BYTES + length + CORE_BYTES + header.pages.length * PAGE_SIZE !== bytes.length) {
    throw new SnapshotError('the snapshot is cut short');
  }
  return header;
}

/**
 * Puts a machine, freshly built from the same board and options, into the saved state. From there on it does exactly
 * what the original did. Throws SnapshotError if the file is not of such a machine.
 */
export function loadSnapshot(machine: Machine, bytes: Uint8Array): void {
  const header = readSnapshotHeader(bytes);
  if (header.layout !== LAYOUT_VERSION) throw new SnapshotError(`snapshot of kernel layout ${header.layout}`);
  if (header.board !== boardKey(machine)) throw new SnapshotError('the snapshot is of another board');
  let at = bytes.length - header.pages.length * PAGE_SIZE;
  const cores = bytes.subarray(at - CORE_BYTES, at);
  machine.memory.clear();
  for (const page of header.pages) {
    if (!machine.memory.isRam(page * PAGE_SIZE, PAGE_SIZE))
      throw new SnapshotError('the snapshot has pages outside RAM');
    machine.memory.write(page * PAGE_SIZE, bytes.subarray(at, at + PAGE_SIZE));
    at += PAGE_SIZE;
  }
  machine.load(header.state, () => {
    new Uint8Array(machine.linear.buffer, CORE_BASE, CORE_BYTES).set(cores);
    machine.kernel.tlbFlushAll();
  });
}

function boardKey(machine: Machine): string {
  return JSON.stringify(machine.board);
}
