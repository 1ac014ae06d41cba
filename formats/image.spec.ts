import { expect, test } from 'vitest';
import { isArmImage, readArmImage } from './image.js';

/** A header by the field table of booting.rst. */
function header(textOffset: bigint, imageSize: bigint, flags: bigint): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xfa405a4d, true);
  view.setBigUint64(8, textOffset, true);
  view.setBigUint64(16, imageSize, true);
  view.setBigUint64(24, flags, true);
  bytes.set(new TextEncoder().encode('ARM\x64'), 0x38);
  return bytes;
}

// Debian 6.12.107 linux-image-arm64: text_offset 0, image_size 0x24f0000, flags 0xa.
test('reads the header of a Debian kernel', () => {
  expect(readArmImage(header(0n, 0x24f0000n, 0xan))).toEqual({
    textOffset: 0,
    imageSize: 0x24f0000,
    bigEndian: false,
    pageSize: 4096,
    anywhere: true,
  });
});

test('a kernel that gives no image_size has the old offset', () => {
  expect(readArmImage(header(0x80000n, 0n, 0n))).toMatchObject({
    textOffset: 0x80000,
    imageSize: 128,
    anywhere: false,
  });
});

test('names what the file is instead', () => {
  const gzip = new Uint8Array(100);
  gzip.set([0x1f, 0x8b, 8]);
  expect(isArmImage(gzip)).toBe(false);
  expect(() => readArmImage(gzip)).toThrow(
    'Image: no arm64 header at 0x38: this is gzip data, unpack it first (gunzip)',
  );
  expect(() => readArmImage(new Uint8Array(3))).toThrow('the file has 3 bytes');
  expect(() => readArmImage(new Uint8Array(200))).toThrow('not an arm64 kernel Image');
  expect(() => readArmImage(header(0n, 1n, 1n))).toThrow('big endian');
});
