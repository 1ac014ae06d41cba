// Builds guests/linux/init with GCC for AArch64, the same bytes everywhere; --check compares as guests/bare/build.mjs does.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const target = join(folder, 'init');
const gcc = `${process.env.CROSS_COMPILE ?? 'aarch64-linux-gnu-'}gcc`;
const work = mkdtempSync(join(tmpdir(), 'init-'));
try {
  const made = join(work, 'init');
  // One segment that may be written: the line is made in place.
  const flags =
    '-nostdlib -static -Wl,-N -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-s -Wl,-z,noexecstack'.split(' ');
  const { error, status, stderr } = spawnSync(gcc, [...flags, '-o', made, 'init.S'], { cwd: folder, encoding: 'utf8' });
  if (error?.code === 'ENOENT') {
    process.stderr.write(`build: no ${gcc} on this machine (Debian: gcc-aarch64-linux-gnu)\n`);
    process.exitCode = 3;
  } else if (status !== 0) {
    process.stderr.write(`build: ${gcc} failed\n${stderr}`);
    process.exitCode = 1;
  } else if (!process.argv.includes('--check')) {
    writeFileSync(target, readFileSync(made));
    process.stdout.write(`init: ${readFileSync(made).length} bytes\n`);
  } else if (existsSync(target) && readFileSync(target).equals(readFileSync(made))) {
    process.stdout.write('init: as committed\n');
  } else {
    process.stderr.write('build: init differs from what its source gives\n');
    process.exitCode = 1;
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
