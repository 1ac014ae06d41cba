import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readArmImage } from '../../formats/image.js';

const image = readFileSync(new URL('./virtio.img', import.meta.url));

test('virtio.img has the header of an arm64 Image that may be loaded anywhere', () => {
  const header = readArmImage(image);
  expect(header.textOffset).toBe(0);
  expect(header.anywhere).toBe(true);
  expect(header.pageSize).toBe(4096);
  expect(header.imageSize % 4096).toBe(0);
});

test('virtio.img with its data fits far below the smallest guest', () => {
  expect(readArmImage(image).imageSize).toBeLessThan(256 << 10);
});
