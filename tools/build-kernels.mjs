// Generates sim/cpu/kernel/gen and compiles sim/wasm/core.wasm and sim/wasm/stage2.wasm, if their sources changed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadTs, ROOT } from './load-ts.mjs';

const GEN = join(ROOT, 'sim/cpu/kernel/gen');
const STAMPS = join(ROOT, '.stamps');
const CORE = { entry: 'sim/cpu/kernel/main.ts', out: 'sim/wasm/core.wasm' };
const STAGE2 = { entry: 'sim/mmu/kernel/stage2.ts', out: 'sim/wasm/stage2.wasm' };
const SOURCES = [
  'sim/cpu/isa',
  'sim/cpu/kernel',
  'sim/mmu/kernel',
  'sim/wasm/layout.ts',
  'tools/load-ts.mjs',
  'tools/build-kernels.mjs',
];
const CORE_FLAGS = ['--importMemory', '--noExportMemory', '--initialMemory', '16384', '--maximumMemory', '65536'];
const CORE_IMPORTS = ['env.memory', 'env.mmioRead', 'env.mmioWrite', 'env.timerWritten'];

/** Source files below `path`, without specs and generated files, in a fixed order. */
function filesBelow(path) {
  if (!existsSync(join(ROOT, path))) return [];
  if (/\.\w+$/.test(path)) return [path];
  return readdirSync(join(ROOT, path), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const child = `${path}/${entry.name}`;
      if (entry.isDirectory()) return entry.name === 'gen' ? [] : filesBelow(child);
      return child.endsWith('.ts') && !child.endsWith('.spec.ts') ? [child] : [];
    });
}

function hashOfSources() {
  const hash = createHash('sha256');
  hash.update(readFileSync(join(ROOT, 'node_modules/assemblyscript/package.json')));
  for (const file of SOURCES.flatMap(filesBelow)) hash.update(`${file}\n`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

/** Writes the generated AssemblyScript; returns the number of operations. */
export async function generate() {
  mkdirSync(GEN, { recursive: true });
  const { generateIsa, operationCount } = await loadTs('sim/cpu/isa/generate.ts');
  const { generateSysregs } = await loadTs('sim/cpu/isa/generate-sysregs.ts');
  const { generateSimd } = await loadTs('sim/cpu/isa/generate-simd.ts');
  const files = { ...generateIsa(), 'sysregs.ts': generateSysregs(), 'simd.ts': generateSimd() };
  for (const [name, text] of Object.entries(files)) {
    const path = join(GEN, name);
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
  }
  return operationCount();
}

async function compile({ entry, out }, flags, level) {
  const { default: asc } = await import('assemblyscript/asc');
  const wat = `.cache/${entry.replaceAll('/', '-')}.wat`;
  const common = ['--runtime', 'stub', '--memoryBase', '65536', '--use', 'abort=', '--enable', 'simd', level];
  const args = [entry, ...common, ...flags, '--baseDir', ROOT, '--outFile', out, '--textFile', wat];
  const { error, stderr } = await asc.main(args);
  if (error) throw new Error(`${entry} does not compile:\n${stderr.toString()}`);
  return { bytes: readFileSync(join(ROOT, out)), text: readFileSync(join(ROOT, wat), 'utf8') };
}

/** What the design relies on and the compiler does not promise. */
function verifyCore({ bytes, text }, operations) {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map(
    ({ module, name }) => `${module}.${name}`,
  );
  if (imports.toSorted().join() !== CORE_IMPORTS.join()) throw new Error(`core.wasm imports ${imports.join(', ')}`);
  if (/\(data /.test(text)) throw new Error('core.wasm has static data, which would lie in the CORE blocks');
  const widest = Math.max(
    ...(text.match(/br_table[^()]*/g) ?? ['']).map((table) => table.trim().split(/\s+/).length - 1),
  );
  if (widest < operations) throw new Error(`the run loop is no jump table: the widest br_table has ${widest} targets`);
}

/** Builds what is out of date. Returns true if anything was. `level` is a compiler option, for quick trials. */
export async function buildKernels(level = '-O3') {
  const stamp = join(STAMPS, 'kernels');
  const wanted = `${hashOfSources()} ${level}`;
  const built = [CORE.out, STAGE2.out].every((out) => existsSync(join(ROOT, out)));
  if (built && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return false;
  const operations = await generate();
  verifyCore(await compile(CORE, CORE_FLAGS, level), operations);
  await compile(STAGE2, [], level);
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(stamp, wanted);
  return true;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const changed = await buildKernels(process.argv[2]);
  console.log(changed ? `built ${relative(ROOT, join(ROOT, CORE.out))} and ${STAGE2.out}` : 'kernels are up to date');
}
