import { expect, test } from 'vitest';
import { diskImage } from '../debian/disk.js';
import { BARE_READ_CRC } from './disk.js';

/** IEEE 802.3 CRC-32, reflected, bit by bit. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return ~crc >>> 0;
}

test('crc32 of this spec gives the check value of the algorithm', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf4_3926);
});

test('the CRC that the bare guest is expected to print is that of the disk content', () => {
  expect(crc32(diskImage().subarray(0, 64 * 4096))).toBe(BARE_READ_CRC);
});
