// Installs and builds whatever is missing or out of date; does nothing, quickly, when all is in place.
// Plain JavaScript with no imports from node_modules: it runs on a fresh clone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, '.cache');
const stampFile = join(cache, 'setup.json');
const lockFile = join(cache, 'setup.lock');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node ${process.versions.node} is too old, 20.19 or newer is needed`);
}

/** Files below `folder` that `wanted` accepts, sorted, with forward slashes. */
function list(folder, wanted) {
  const found = [];
  const walk = (path) => {
    for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
      const child = `${path}/${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules') walk(child);
      } else if (wanted(child)) found.push(child);
    }
  };
  if (existsSync(join(root, folder))) walk(folder);
  return found.sort();
}

const SOURCES = ['boards', 'formats', 'sim', 'xen', 'backends', 'report', 'cli', 'guests', 'bench'];
const isKernel = (path) => path.includes('/kernel/');
const kernelInputs = () => [
  ...list(
    'sim',
    (path) => isKernel(path) && path.endsWith('.ts') && !path.includes('/gen/') && !path.endsWith('.spec.ts'),
  ),
  ...list('sim/cpu/isa', (path) => path.endsWith('.ts') && !path.endsWith('.spec.ts')),
  'sim/wasm/layout.ts',
  'sim/wasm/timing-layout.ts',
  'tools/build-kernels.mjs',
];
const typescriptInputs = () => [
  ...readdirSync(root)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.config.ts'))
    .sort(),
  'tsconfig.json',
  'tsconfig.build.json',
  ...SOURCES.flatMap((folder) =>
    list(folder, (path) => path.endsWith('.ts') && !path.endsWith('.spec.ts') && !isKernel(path)),
  ),
];
const modules = () => list('sim', (path) => path.endsWith('.wasm'));

/** Content is read only when size or time changed since the stamp. */
function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    const full = join(root, path);
    if (!existsSync(full)) continue;
    const { mtimeMs, size } = statSync(full);
    hash.update(`${path}\0${mtimeMs}\0${size}\n`);
  }
  return hash.digest('hex');
}

const stages = [
  {
    name: 'install',
    done: 'packages',
    inputs: () => ['package-lock.json'],
    ready: () => existsSync(join(root, 'node_modules/typescript/package.json')) && installed(),
    run: () => run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']),
  },
  {
    name: 'kernels',
    done: 'WebAssembly kernels',
    inputs: kernelInputs,
    ready: () => false,
    intact: () => modules().length > 0,
    run: () => run(process.execPath, ['tools/build-kernels.mjs']),
  },
  {
    name: 'typescript',
    done: 'dist/',
    inputs: () => [...typescriptInputs(), ...modules()],
    ready: () => false,
    intact: () => existsSync(join(root, 'dist/index.js')),
    run: buildTypeScript,
  },
  {
    name: 'disk',
    done: 'disk of the built-in guest',
    inputs: () => ['guests/bare/disk.ts', 'guests/debian/disk.ts'],
    ready: () => existsSync(join(root, '.cache/guests/bare/disk.raw')),
    run: () => {
      const make = 'const [url, root] = process.argv.slice(-2); (await import(url)).bareDisk(root);';
      const url = new URL('../dist/guests/bare/disk.js', import.meta.url).href;
      run(process.execPath, ['--input-type=module', '--eval', make, '--', url, root]);
    },
  },
];

/** True if what npm recorded as installed is what the lock file asks for on this machine. */
function installed() {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const want = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const have = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(want).every(
    ([path, entry]) => path === '' || entry.optional || have[path]?.version === entry.version,
  );
}

function buildTypeScript() {
  const outputs = new Set(
    typescriptInputs()
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
      .map((path) => path.slice(0, -3)),
  );
  // Output of a source that is gone would still be importable.
  for (const path of list('dist', (name) => name.endsWith('.js'))) {
    const stem = path.slice('dist/'.length, -3);
    if (outputs.has(stem)) continue;
    for (const ending of ['.js', '.js.map', '.d.ts']) rmSync(join(root, `dist/${stem}${ending}`), { force: true });
  }
  // The incremental compiler does not look whether what it wrote is still there.
  const missing = [...outputs].some((stem) => !existsSync(join(root, `dist/${stem}.js`)));
  if (missing) rmSync(join(cache, 'tsbuild.json'), { force: true });
  run(process.execPath, [
    'node_modules/typescript/bin/tsc',
    '-p',
    'tsconfig.build.json',
    '--incremental',
    '--tsBuildInfoFile',
    '.cache/tsbuild.json',
  ]);
  for (const path of modules()) {
    const target = join(root, 'dist', path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(root, path), target);
  }
}

function run(command, args) {
  // Everything of ours goes to stderr: a script's stdout may be a guest's console.
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.error) fail(`${command} cannot be started: ${result.error.message}`);
  if (result.signal) fail(`${command} was ended by ${result.signal}`);
  if (result.status !== 0) fail(`'${[command, ...args].map(short).join(' ')}' failed`);
}

function short(path) {
  return path.startsWith('/') ? relative(root, path).replace(/^(\.\.\/)+.*\//, '') : path;
}

function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

function readStamps() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

const upToDate = (stage, stamps) =>
  stamps[stage.name] === fingerprint(stage.inputs()) && (stage.intact ?? stage.ready)();

/** Two builds in one checkout would write over each other. */
function lock() {
  mkdirSync(cache, { recursive: true });
  for (let waited = 0; ; waited++) {
    try {
      const file = openSync(lockFile, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      process.on('exit', () => rmSync(lockFile, { force: true }));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    let owner = 0;
    try {
      owner = Number(readFileSync(lockFile, 'utf8'));
      if (owner > 0) process.kill(owner, 0);
    } catch (error) {
      if (error.code === 'ESRCH') rmSync(lockFile, { force: true });
      if (error.code === 'ESRCH' || error.code === 'ENOENT') continue;
    }
    if (waited === 0) process.stderr.write('setup: waiting for another build of this checkout\n');
    if (waited > 3000) fail(`another build (process ${owner}) has not ended in five minutes`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

const stamps = readStamps();
if (!stages.every((stage) => upToDate(stage, stamps))) {
  lock();
  for (const stage of stages) {
    if (upToDate(stage, readStamps())) continue;
    const begin = process.hrtime.bigint();
    const was = stage.ready();
    if (!was) stage.run();
    const current = { ...readStamps(), [stage.name]: fingerprint(stage.inputs()) };
    writeFileSync(stampFile, JSON.stringify(current, null, 2));
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    if (!was) process.stderr.write(`setup: ${stage.done} in ${seconds.toFixed(1)} s\n`);
  }
}
