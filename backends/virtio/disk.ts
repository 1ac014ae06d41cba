/** The host side of a disk: a raw image, read-only, read-write, or copy-on-write in memory. A host error is an error status, never a lost write. */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';

export const SECTOR = 512;
const PAGE = 4096;
const NOT_WRITABLE = 'not writable (use access=ro or --snapshot-disk)';

/** The image cannot be opened as asked: the user's input, exit code 2. */
export class DiskImageError extends Error {}

/** What the device needs; offsets in bytes. False: the host failed; `lastError` says how. */
export interface Disk {
  readonly bytes: number;
  readonly readOnly: boolean;
  readonly lastError: string | undefined;
  read(offset: number, into: Uint8Array): boolean;
  write(offset: number, data: Uint8Array): boolean;
  flush(): boolean;
  close(): void;
  save(): unknown;
  load(state: unknown): void;
}

function code(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

/** A raw file. */
export class FileDisk implements Disk {
  readonly #fd: number;
  readonly bytes: number;
  /** Written since the last flush. */
  #dirty = false;
  lastError: string | undefined;

  constructor(
    readonly path: string,
    readonly readOnly: boolean,
  ) {
    try {
      this.#fd = openSync(path, readOnly ? 'r' : 'r+');
    } catch (error) {
      const locked = !readOnly && ['EACCES', 'EROFS', 'EPERM'].includes(code(error));
      const why = locked ? NOT_WRITABLE : `cannot be opened (${code(error)})`;
      throw new DiskImageError(`disk image ${path}: ${why}`);
    }
    const stat = fstatSync(this.#fd);
    // Root may write to anything; an image without write permission is meant to be left alone nevertheless.
    const refused = !stat.isFile()
      ? 'not a regular file'
      : !readOnly && (stat.mode & 0o222) === 0
        ? NOT_WRITABLE
        : undefined;
    if (refused !== undefined) {
      closeSync(this.#fd);
      throw new DiskImageError(`disk image ${path}: ${refused}`);
    }
    this.bytes = Math.floor(stat.size / SECTOR) * SECTOR;
    if (this.bytes === 0) {
      closeSync(this.#fd);
      throw new DiskImageError(`disk image ${path}: smaller than one sector of ${SECTOR} bytes`);
    }
  }

  #try(action: () => void): boolean {
    this.lastError = undefined;
    try {
      action();
      return true;
    } catch (error) {
      this.lastError = `${this.path}: ${code(error)}`;
      return false;
    }
  }

  read(offset: number, into: Uint8Array): boolean {
    return this.#try(() => {
      for (let done = 0; done < into.length;) {
        const n = readSync(this.#fd, into, done, into.length - done, offset + done);
        if (n === 0) throw Object.assign(new Error('short read'), { code: 'EIO' });
        done += n;
      }
    });
  }

  write(offset: number, data: Uint8Array): boolean {
    this.#dirty = true;
    return this.#try(() => {
      for (let done = 0; done < data.length;) {
        const n = writeSync(this.#fd, data, done, data.length - done, offset + done);
        if (n === 0) throw Object.assign(new Error('short write'), { code: 'EIO' });
        done += n;
      }
    });
  }

  flush(): boolean {
    if (!this.#dirty) return true;
    const done = this.#try(() => fsyncSync(this.#fd));
    if (done) this.#dirty = false;
    return done;
  }

  /** What was written is on the host's disk after it; throws DiskImageError if it is not. */
  close(): void {
    const done = this.flush();
    closeSync(this.#fd);
    if (!done) throw new DiskImageError(`disk image ${this.path}: writes may be lost (${this.lastError})`);
  }

  save(): unknown {
    return null;
  }

  load(): void {}
}

/** Copy-on-write in memory over another disk, in pages; the base is never written. */
export class OverlayDisk implements Disk {
  readonly #pages = new Map<number, Uint8Array>();
  readonly readOnly = false;

  constructor(private readonly base: Disk) {}

  get bytes(): number {
    return this.base.bytes;
  }

  get lastError(): string | undefined {
    return this.base.lastError;
  }

  read(offset: number, into: Uint8Array): boolean {
    if (!this.base.read(offset, into)) return false;
    this.#overlap(offset, into.length, (page, from, at, length) => {
      const own = this.#pages.get(page);
      if (own !== undefined) into.set(own.subarray(from, from + length), at);
      return true;
    });
    return true;
  }

  write(offset: number, data: Uint8Array): boolean {
    return this.#overlap(offset, data.length, (page, from, at, length) => {
      let own = this.#pages.get(page);
      if (own === undefined) {
        own = new Uint8Array(PAGE);
        const have = Math.min(PAGE, this.bytes - page * PAGE);
        if (!this.base.read(page * PAGE, own.subarray(0, have))) return false;
        this.#pages.set(page, own);
      }
      own.set(data.subarray(at, at + length), from);
      return true;
    });
  }

  #overlap(
    offset: number,
    length: number,
    each: (page: number, from: number, at: number, length: number) => boolean,
  ): boolean {
    for (let at = 0; at < length;) {
      const page = Math.floor((offset + at) / PAGE);
      const from = (offset + at) % PAGE;
      const n = Math.min(PAGE - from, length - at);
      if (!each(page, from, at, n)) return false;
      at += n;
    }
    return true;
  }

  flush(): boolean {
    return true;
  }

  close(): void {
    this.base.close();
  }

  save(): unknown {
    return [...this.#pages].map(([page, bytes]) => [page, Buffer.from(bytes).toString('base64')]);
  }

  load(state: unknown): void {
    this.#pages.clear();
    for (const [page, bytes] of state as [number, string][])
      this.#pages.set(page, Uint8Array.from(Buffer.from(bytes, 'base64')));
  }
}
