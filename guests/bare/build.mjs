// Builds guests/bare/virtio.img with GCC for AArch64 (Debian: gcc-aarch64-linux-gnu), the same bytes everywhere.
//   node guests/bare/build.mjs           writes the image
//   node guests/bare/build.mjs --check   compares with the committed one: exit 1 = different, 3 = no such compiler
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const image = join(folder, 'virtio.img');
const prefix = process.env.CROSS_COMPILE ?? 'aarch64-linux-gnu-';
const FLAGS = (
  '-O2 -std=gnu11 -march=armv8-a+crc -mgeneral-regs-only -mstrict-align -mno-outline-atomics -ffreestanding ' +
  '-fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns ' +
  '-fno-tree-switch-conversion -fno-common -mbranch-protection=none -Wall -Wextra -Werror -g0'
).split(' ');
// The image must run wherever a loader puts it: linked for two addresses it has to be the same.
const BASES = ['0x40000000', '0x40200000'];

/** Another compiler makes another image, as correct but not comparable. */
const GCC_MAJOR = '12';

class BuildError extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

function run(tool, args) {
  const { error, status, stdout, stderr } = spawnSync(prefix + tool, args, { cwd: folder, encoding: 'utf8' });
  if (error?.code === 'ENOENT')
    throw new BuildError(`no ${prefix}${tool} on this machine (Debian: gcc-aarch64-linux-gnu)`, 3);
  if (error !== undefined || status !== 0)
    throw new BuildError(`${prefix}${tool} failed\n${stderr ?? String(error)}`, 1);
  return stdout;
}

/** The flat binary. */
function build(work) {
  const sources = readdirSync(folder)
    .filter((name) => /\.[cS]$/.test(name))
    .sort();
  const objects = sources.map((name) => {
    const object = join(work, `${name}.o`);
    run('gcc', [...FLAGS, '-c', name, '-o', object]);
    return object;
  });
  const [first, second] = BASES.map((base, i) => {
    const elf = join(work, `${i}.elf`);
    const flat = join(work, `${i}.img`);
    const script = ['-T', 'link.ld', `--defsym=BASE=${base}`];
    run('ld', [
      '-nostdlib',
      '-static',
      '--build-id=none',
      '--fatal-warnings',
      '-z',
      'noexecstack',
      '--no-warn-rwx-segments',
      ...script,
      '-o',
      elf,
      ...objects,
    ]);
    run('objcopy', ['-O', 'binary', elf, flat]);
    return readFileSync(flat);
  });
  if (!first.equals(second))
    throw new BuildError('the image depends on its address: an absolute pointer in initialised data', 1);
  return first;
}

const work = mkdtempSync(join(tmpdir(), 'bare-'));
try {
  const bytes = build(work);
  if (!process.argv.includes('--check')) {
    writeFileSync(image, bytes);
    process.stdout.write(`virtio.img: ${bytes.length} bytes\n`);
  } else if (existsSync(image) && readFileSync(image).equals(bytes)) {
    process.stdout.write('virtio.img: as committed\n');
  } else {
    const major = run('gcc', ['-dumpversion']).trim().split('.')[0];
    if (major !== GCC_MAJOR)
      throw new BuildError(`${prefix}gcc is version ${major}, the image is made by ${GCC_MAJOR}`, 3);
    throw new BuildError('virtio.img differs from what its sources give', 1);
  }
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  process.stderr.write(`build: ${error.message}\n`);
  process.exitCode = error.code;
} finally {
  rmSync(work, { recursive: true, force: true });
}
