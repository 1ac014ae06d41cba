/** The guest's disk: a raw image with known content, so that a read in the guest can be checked from outside. */
import { createHash } from 'node:crypto';

export const DISK_BYTES = 16 << 20;

/** Deterministic content: one xorshift32 stream (Marsaglia 2003, shifts 13, 17, 5), seed 1. */
export function diskImage(bytes: number = DISK_BYTES): Uint8Array {
  const words = new Uint32Array(bytes / 4);
  let x = 1;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  return new Uint8Array(words.buffer);
}

/** Lower-case hex SHA-256. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
