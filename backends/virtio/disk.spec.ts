import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DiskImageError, FileDisk, OverlayDisk } from './disk.js';

const folder = mkdtempSync(join(tmpdir(), 'disk-'));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
function image(bytes: number): string {
  const path = join(folder, `${made++}.img`);
  writeFileSync(
    path,
    Uint8Array.from({ length: bytes }, (_, i) => i % 251),
  );
  return path;
}
const expected = (from: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (from + i) % 251);

function read(disk: FileDisk | OverlayDisk, at: number, length: number): Uint8Array | undefined {
  const into = new Uint8Array(length);
  return disk.read(at, into) ? into : undefined;
}

test('a file is read and written in place', () => {
  const path = image(4096);
  const disk = new FileDisk(path, false);
  expect([disk.bytes, disk.readOnly]).toEqual([4096, false]);
  expect(read(disk, 512, 1024)).toEqual(expected(512, 1024));
  expect([disk.write(1024, new Uint8Array(512).fill(0xee)), disk.flush()]).toEqual([true, true]);
  disk.close();
  const now = readFileSync(path);
  expect([
    now.subarray(0, 1024).equals(expected(0, 1024)),
    now.subarray(1024, 1536).every((b) => b === 0xee),
    now.subarray(1536).equals(expected(1536, 2560)),
  ]).toEqual([true, true, true]);
});

test('a tail that is no whole sector is not part of the disk', () => {
  expect(new FileDisk(image(1000), true).bytes).toBe(512);
});

test('images that cannot be used are refused in one line', () => {
  const none = join(folder, 'none.img');
  const dir = join(folder, 'dir');
  mkdirSync(dir);
  const guarded = image(512);
  chmodSync(guarded, 0o444);
  const short = image(511);
  const message = (path: string, readOnly: boolean): string => {
    try {
      new FileDisk(path, readOnly).close();
      return 'ok';
    } catch (error) {
      if (error instanceof DiskImageError) return error.message.replace(path, 'X');
      throw error;
    }
  };
  expect([message(none, true), message(none, false), message(dir, true)]).toEqual([
    'disk image X: cannot be opened (ENOENT)',
    'disk image X: cannot be opened (ENOENT)',
    'disk image X: not a regular file',
  ]);
  expect(message(short, true)).toBe('disk image X: smaller than one sector of 512 bytes');
  // Also for root, who could write to it.
  expect([message(guarded, false), message(guarded, true)]).toEqual([
    'disk image X: not writable (use access=ro or --snapshot-disk)',
    'ok',
  ]);
});

test('what the host refuses is a failure with its name, never silence', () => {
  const path = image(4096);
  const ro = new FileDisk(path, true);
  expect([ro.write(0, new Uint8Array(512)), ro.lastError, ro.flush()]).toEqual([false, `${path}: EBADF`, true]);
  const disk = new FileDisk(path, false);
  truncateSync(path, 1024); // somebody cuts the image under us
  expect([read(disk, 512, 512), read(disk, 512, 1024), disk.lastError]).toEqual([
    expected(512, 512),
    undefined,
    `${path}: EIO`,
  ]);
  disk.close();
  expect([disk.read(0, new Uint8Array(512)), disk.lastError]).toEqual([false, `${path}: EBADF`]);
});

test('an overlay keeps what is written and leaves the base alone', () => {
  const path = image(3 * 4096 + 512);
  const base = new FileDisk(path, true);
  const disk = new OverlayDisk(base);
  expect([disk.bytes, disk.readOnly]).toEqual([3 * 4096 + 512, false]);
  const data = Uint8Array.from({ length: 5120 }, (_, i) => 200 + (i % 7));
  expect(disk.write(3584, data)).toBe(true); // parts of pages 0 and 2, all of page 1
  expect(disk.write(3 * 4096, data.subarray(0, 512))).toBe(true); // the short last page
  expect([read(disk, 3584, 5120), read(disk, 3072, 512), read(disk, 8704, 512), read(disk, 3 * 4096, 512)]).toEqual([
    data,
    expected(3072, 512),
    expected(8704, 512),
    data.subarray(0, 512),
  ]);
  const across = read(disk, 3072, 1024)!;
  expect([across.subarray(0, 512), across.subarray(512)]).toEqual([expected(3072, 512), data.subarray(0, 512)]);
  expect(disk.flush()).toBe(true);
  disk.close();
  expect(readFileSync(path).equals(expected(0, 3 * 4096 + 512))).toBe(true);
});

test('an overlay over a base that fails, fails', () => {
  const path = image(8192);
  const base = new FileDisk(path, true);
  const disk = new OverlayDisk(base);
  truncateSync(path, 0);
  expect([read(disk, 0, 512), disk.write(0, new Uint8Array(512)), disk.lastError]).toEqual([
    undefined,
    false,
    `${path}: EIO`,
  ]);
});

test("an overlay's pages are in its saved state", () => {
  const path = image(8192);
  const disk = new OverlayDisk(new FileDisk(path, true));
  disk.write(4096, new Uint8Array(512).fill(9));
  const copy = new OverlayDisk(new FileDisk(path, true));
  copy.write(0, new Uint8Array(512).fill(1)); // is gone after load
  copy.load(JSON.parse(JSON.stringify(disk.save())));
  expect([read(copy, 0, 512), read(copy, 4096, 512), read(copy, 4608, 512)]).toEqual([
    expected(0, 512),
    new Uint8Array(512).fill(9),
    expected(4608, 512),
  ]);
});
