import { FormatError } from './format-error.js';

/** cpio "newc" archives as the Linux initramfs loader reads them (Documentation/driver-api/early-userspace). */

export interface CpioEntry {
  /** Path without a leading slash. */
  path: string;
  /** st_mode with its file type, e.g. 0o100644, 0o040755, 0o120777 (link: data is the target), 0o020600. */
  mode: number;
  data?: Uint8Array;
  /** Major and minor of a device node. */
  device?: readonly [number, number];
}

const HEADER = 110;
const TRAILER = 'TRAILER!!!';

/**
 * Writes an archive that depends on its entries alone: owner 0:0, mtime 0, inode numbers in order from 1. Entries keep
 * their order, so parents must come before children. Throws FormatError for a path given twice.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  const put = (bytes: Uint8Array): void => {
    parts.push(bytes);
    size += bytes.length;
    const padding = -size & 3;
    if (padding > 0) parts.push(new Uint8Array(padding));
    size += padding;
  };
  const seen = new Set<string>();
  const record = (path: string, inode: number, mode: number, data: Uint8Array, device: readonly [number, number]) => {
    const name = new TextEncoder().encode(`${path}\0`);
    const links = (mode & 0o170000) === 0o040000 ? 2 : 1;
    const fields = [inode, mode, 0, 0, path === TRAILER ? 1 : links, 0, data.length, 0, 0, ...device, name.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).toUpperCase().padStart(8, '0')).join('')}`;
    const bytes = new Uint8Array(HEADER + name.length);
    bytes.set(new TextEncoder().encode(header));
    bytes.set(name, HEADER);
    put(bytes);
    if (data.length > 0) put(data);
  };
  entries.forEach((entry, index) => {
    const path = entry.path.replace(/^\/+/, '');
    if (path === '' || seen.has(path)) throw new FormatError('cpio', `path '${path}' is empty or given twice`);
    seen.add(path);
    record(path, index + 1, entry.mode, entry.data ?? new Uint8Array(0), entry.device ?? [0, 0]);
  });
  record(TRAILER, 0, 0, new Uint8Array(0), [0, 0]);
  const archive = new Uint8Array((size + 511) & ~511);
  let offset = 0;
  for (const part of parts) {
    archive.set(part, offset);
    offset += part.length;
  }
  return archive;
}

/** Reads one archive up to its trailer. Throws FormatError. */
export function readCpio(bytes: Uint8Array): CpioEntry[] {
  const entries: CpioEntry[] = [];
  const text = new TextDecoder();
  let at = 0;
  for (;;) {
    if (at + HEADER > bytes.length) throw new FormatError('cpio', `no header at ${at}`);
    const header = text.decode(bytes.subarray(at, at + HEADER));
    if (!/^07070[12][0-9a-fA-F]{104}$/.test(header)) throw new FormatError('cpio', `no newc magic at ${at}`);
    const field = (index: number): number => parseInt(header.slice(6 + index * 8, 14 + index * 8), 16);
    const nameSize = field(11);
    const dataSize = field(6);
    const dataAt = (at + HEADER + nameSize + 3) & ~3;
    if (nameSize === 0 || dataAt + dataSize > bytes.length) throw new FormatError('cpio', `the entry at ${at} is cut off`);
    const path = text.decode(bytes.subarray(at + HEADER, at + HEADER + nameSize - 1));
    if (path === TRAILER) return entries;
    const entry: CpioEntry = { path, mode: field(1), data: new Uint8Array(bytes.subarray(dataAt, dataAt + dataSize)) };
    const kind = entry.mode & 0o170000;
    if (kind === 0o020000 || kind === 0o060000) entry.device = [field(9), field(10)];
    entries.push(entry);
    at = (dataAt + dataSize + 3) & ~3;
  }
}
