import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCpio, writeCpio, type CpioEntry } from './cpio.js';

const entries: CpioEntry[] = [
  { path: 'bin', type: 'directory', mode: 0o755 },
  { path: 'bin/hello', type: 'file', mode: 0o755, bytes: new TextEncoder().encode('#!/bin/sh\necho hi\n') },
  { path: 'init', type: 'link', target: 'bin/hello' },
  { path: 'console', type: 'char', mode: 0o600, major: 5, minor: 1 },
];

test('reading what was written is the identity', () => {
  expect(readCpio(writeCpio(entries))).toEqual(entries);
});

test('the archive is a function of its entries, in whole 512-byte blocks', () => {
  const once = writeCpio(entries);
  expect(writeCpio(entries)).toEqual(once);
  expect(once.length % 512).toBe(0);
});

// Header fields of cpio(5), "New ASCII Format": magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor,
// devminor, rdevmajor, rdevminor, namesize, check.
test('the first header is the documented one', () => {
  const header = Buffer.from(writeCpio(entries).subarray(0, 114)).toString('latin1');
  expect(header).toBe(
    '070701' +
      '00000001' +
      '000041ED' +
      '00000000'.repeat(2) +
      '00000002' +
      '00000000'.repeat(6) +
      '00000004' +
      '00000000' +
      'bin\0',
  );
});

test('a path given twice and a cut-off archive are refused', () => {
  expect(() => writeCpio([entries[0] as CpioEntry, entries[0] as CpioEntry])).toThrow(/given twice/);
  expect(() => readCpio(writeCpio(entries).subarray(0, 200))).toThrow(/cpio: /);
});

const hasCpio = (() => {
  try {
    execFileSync('cpio', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

test.runIf(hasCpio)('GNU cpio unpacks it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rcar-sim-cpio-'));
  try {
    const plain = entries.filter((entry) => entry.type !== 'char');
    execFileSync('cpio', ['-i', '-d', '--quiet'], { cwd: folder, input: writeCpio(plain) });
    expect(readFileSync(join(folder, 'bin/hello'), 'utf8')).toBe('#!/bin/sh\necho hi\n');
    expect(readlinkSync(join(folder, 'init'))).toBe('bin/hello');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
