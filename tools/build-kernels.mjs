// Generates sim/cpu/kernel/gen and compiles sim/wasm/core.wasm, core-approximate.wasm and stage2.wasm, if their sources changed.
//   node tools/build-kernels.mjs [-O1]    RCAR_SIM_WAT=1 in the environment: the text forms too, beside the modules
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadTs, ROOT } from './load-ts.mjs';

const GEN = join(ROOT, 'sim/cpu/kernel/gen');
const STAMPS = join(ROOT, '.stamps');
const CORE = { entry: 'sim/cpu/kernel/main.ts', out: 'sim/wasm/core.wasm' };
const APPROXIMATE = { entry: 'sim/timing/kernel/main.ts', out: 'sim/wasm/core-approximate.wasm' };
const STAGE2 = { entry: 'sim/mmu/kernel/stage2.ts', out: 'sim/wasm/stage2.wasm' };
const SOURCES = [
  'sim/cpu/isa',
  'sim/cpu/kernel',
  'sim/mmu/kernel',
  'sim/timing/kernel',
  'sim/wasm/layout.ts',
  'sim/wasm/timing-layout.ts',
  'tools/load-ts.mjs',
  'tools/build-kernels.mjs',
];
const CORE_FLAGS = [
  '--importMemory',
  '--noExportMemory',
  '--initialMemory',
  '16384',
  '--maximumMemory',
  '65536',
  '--exportTable',
];
const CORE_IMPORTS = ['env.hot', 'env.memory', 'env.mmioRead', 'env.mmioWrite', 'env.timerWritten'];

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

/** Writes the generated AssemblyScript; returns how many operations its switches have. */
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
  const { simdEncodings } = await loadTs('sim/cpu/isa/simd/table.ts');
  return { operations: operationCount(), simdOperations: simdEncodings.length };
}

async function compile({ entry, out }, flags, level) {
  const { default: asc } = await import('assemblyscript/asc');
  const common = ['--runtime', 'stub', '--memoryBase', '65536', '--use', 'abort=', '--enable', 'simd', level];
  const args = [entry, ...common, ...flags, '--baseDir', ROOT, '--outFile', out, '--textFile', `${out}.wat`];
  const results = new Map();
  const { error, stderr } = await asc.main(args, { writeFile: (name, contents) => void results.set(name, contents) });
  if (error) throw new Error(`${entry} does not compile:\n${stderr.toString()}`);
  const text = results.get(`${out}.wat`);
  if (process.env.RCAR_SIM_WAT) writeFileSync(join(ROOT, `${out}.wat`), text);
  return { out, bytes: results.get(out), text };
}

/** Targets of the widest `br_table` of one function of the text form; 0 if there is none. */
function widestTable(text, name) {
  const begin = text.indexOf(`\n (func ${name} `);
  const end = text.indexOf('\n (func ', begin + 1);
  const tables = begin < 0 ? [] : (text.slice(begin, end < 0 ? undefined : end).match(/br_table[^()]*/g) ?? []);
  return Math.max(0, ...tables.map((table) => table.trim().split(/\s+/).length - 1));
}

/** What the design relies on and the compiler does not promise. `run` names the module's run loop. */
function verifyCore({ out, bytes, text }, run, wanted, { operations, simdOperations }) {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map(
    ({ module, name }) => `${module}.${name}`,
  );
  if (imports.toSorted().join() !== wanted.join()) throw new Error(`${out} imports ${imports.join(', ')}`);
  if (/\(data /.test(text)) throw new Error(`${out} has static data, which would lie in the CORE blocks`);
  // A switch that the compiler turns into a chain of comparisons costs a factor, not an error.
  for (const [name, least] of [
    [run, operations],
    ['$sim/cpu/kernel/simd/exec/simdExec', simdOperations],
  ]) {
    const targets = widestTable(text, name);
    if (targets < least) throw new Error(`${name} is no jump table: ${targets} targets for ${least} operations`);
  }
}

/** Builds what is out of date. Returns true if anything was. `level` is a compiler option, for quick trials. */
export async function buildKernels(level = '-O3') {
  const stamp = join(STAMPS, 'kernels');
  const wanted = `${hashOfSources()} ${level}`;
  const built = [CORE.out, APPROXIMATE.out, STAGE2.out].every((out) => existsSync(join(ROOT, out)));
  if (built && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return false;
  const counts = await generate();
  const core = await compile(CORE, CORE_FLAGS, level);
  verifyCore(core, '$sim/cpu/kernel/gen/run/run', CORE_IMPORTS, counts);
  const approximate = await compile(APPROXIMATE, [...CORE_FLAGS, '--use', 'APPROXIMATE=1'], level);
  const imports = CORE_IMPORTS.filter((name) => name !== 'env.hot');
  verifyCore(approximate, '$sim/cpu/kernel/gen/timed-run/run', imports, counts);
  for (const { out, bytes } of [core, approximate, await compile(STAGE2, [], level)])
    writeFileSync(join(ROOT, out), bytes);
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(stamp, wanted);
  return true;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const changed = await buildKernels(process.argv[2]);
  console.log(
    changed ? `built ${[CORE, APPROXIMATE, STAGE2].map(({ out }) => out).join(', ')}` : 'kernels are up to date',
  );
}
