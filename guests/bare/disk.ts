/** The disk of the built-in bare-metal guest. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { diskImage } from '../debian/disk.js';

/** CRC-32 (zlib) of the disk's first 64 * 4096 bytes, which the guest of guest.cfg reads and prints. */
export const BARE_READ_CRC = 0x27ce7d27;

/** Makes `.cache/guests/bare/disk.raw` under `root` with the known content, unless it is there; returns its path. */
export function bareDisk(root: string): string {
  const path = join(root, '.cache/guests/bare/disk.raw');
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, diskImage());
  }
  return path;
}
