import { FormatError } from './format-error.js';

/** cpio "newc" archives as the Linux initramfs loader reads them (Documentation/driver-api/early-userspace). */

/** `path` has no leading slash; `mode` is the permission bits. */
export type CpioEntry =
  | { readonly path: string; readonly type: 'directory'; readonly mode: number }
  | { readonly path: string; readonly type: 'file'; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly path: string; readonly type: 'link'; readonly target: string }
  | {
      readonly path: string;
      readonly type: 'char' | 'block';
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const FILE_TYPE = { directory: 0o040000, file: 0o100000, link: 0o120000, char: 0o020000, block: 0o060000 } as const;
const TYPE_MASK = 0o170000;
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
  const record = (path: string, inode: number, mode: number, data: Uint8Array, major = 0, minor = 0): void => {
    const name = new TextEncoder().encode(`${path}\0`);
    const links = (mode & TYPE_MASK) === FILE_TYPE.directory ? 2 : 1;
    const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, major, minor, name.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).toUpperCase().padStart(8, '0')).join('')}`;
    const bytes = new Uint8Array(HEADER + name.length);
    bytes.set(new TextEncoder().encode(header));
    bytes.set(name, HEADER);
    put(bytes);
    if (data.length > 0) put(data);
  };
  const nothing = new Uint8Array(0);
  entries.forEach((entry, index) => {
    const { path, type } = entry;
    if (path === '' || path.startsWith('/') || path.includes('\0') || seen.has(path)) {
      throw new FormatError('cpio', `path '${path}' is empty, absolute or given twice`);
    }
    seen.add(path);
    if (type === 'link') record(path, index + 1, FILE_TYPE.link | 0o777, new TextEncoder().encode(entry.target));
    else if (type === 'file') record(path, index + 1, FILE_TYPE.file | entry.mode, entry.bytes);
    else if (type === 'directory') record(path, index + 1, FILE_TYPE.directory | entry.mode, nothing);
    else record(path, index + 1, FILE_TYPE[type] | entry.mode, nothing, entry.major, entry.minor);
  });
  record(TRAILER, 0, 0, nothing);
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
    if (nameSize === 0 || dataAt + dataSize > bytes.length)
      throw new FormatError('cpio', `the entry at ${at} is cut off`);
    const path = text.decode(bytes.subarray(at + HEADER, at + HEADER + nameSize - 1));
    if (path === TRAILER) return entries;
    entries.push(
      toEntry(path, field(1), new Uint8Array(bytes.subarray(dataAt, dataAt + dataSize)), field(9), field(10)),
    );
    at = (dataAt + dataSize + 3) & ~3;
  }
}

function toEntry(path: string, fullMode: number, bytes: Uint8Array, major: number, minor: number): CpioEntry {
  const mode = fullMode & 0o7777;
  switch (fullMode & TYPE_MASK) {
    case FILE_TYPE.directory:
      return { path, type: 'directory', mode };
    case FILE_TYPE.file:
      return { path, type: 'file', mode, bytes };
    case FILE_TYPE.link:
      return { path, type: 'link', target: new TextDecoder().decode(bytes) };
    case FILE_TYPE.char:
      return { path, type: 'char', mode, major, minor };
    case FILE_TYPE.block:
      return { path, type: 'block', mode, major, minor };
    default:
      throw new FormatError('cpio', `'${path}' is neither file, directory, link nor device`);
  }
}
