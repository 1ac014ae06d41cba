import type { Disk } from './disk.js';

/** A disk whose content is an array of the caller's: for tests and experiments that want no file. Writes change the array. */
export class MemoryDisk implements Disk {
  readonly lastError = undefined;

  /** @param content a whole number of 512-byte sectors. */
  constructor(
    readonly content: Uint8Array,
    readonly readOnly = false,
  ) {
    if (content.length === 0 || content.length % 512 !== 0)
      throw new RangeError(`${content.length} bytes are no whole sectors`);
  }

  get bytes(): number {
    return this.content.length;
  }

  read(offset: number, into: Uint8Array): boolean {
    into.set(this.content.subarray(offset, offset + into.length));
    return true;
  }

  write(offset: number, data: Uint8Array): boolean {
    this.content.set(data, offset);
    return true;
  }

  flush(): boolean {
    return true;
  }

  close(): void {}

  save(): unknown {
    return Buffer.from(this.content).toString('base64');
  }

  load(state: unknown): void {
    this.content.set(Buffer.from(state as string, 'base64'));
  }
}
