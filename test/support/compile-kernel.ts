import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(ROOT, '.cache', 'kernels');
const SOURCES = [
  'sim/cpu/kernel',
  'sim/mmu/kernel',
  'sim/timing/kernel',
  'sim/wasm/layout.ts',
  'sim/wasm/timing-layout.ts',
];

function filesBelow(path: string): string[] {
  if (path.endsWith('.ts')) return [path];
  return readdirSync(join(ROOT, path), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() || entry.name.endsWith('.ts') ? filesBelow(`${path}/${entry.name}`) : []));
}

/**
 * Compiles an AssemblyScript entry file (path from the project's root) for a spec and returns the path of the module;
 * it is kept in .cache until a kernel source changes. The generated sources must be there (npm run build).
 */
export async function compileKernel(entry: string, flags: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(entry).update(flags.join(' '));
  for (const file of SOURCES.flatMap(filesBelow)) hash.update(file).update(readFileSync(join(ROOT, file)));
  const out = join(CACHE, `${hash.digest('hex').slice(0, 24)}.wasm`);
  if (existsSync(out)) return out;
  mkdirSync(CACHE, { recursive: true });
  const { default: asc } = await import('assemblyscript/asc');
  // Another spec may compile the same file: the rename makes it appear whole.
  const draft = `${out}.${process.pid}`;
  const common = ['--runtime', 'stub', '--memoryBase', '65536', '--use', 'abort=', '--enable', 'simd', '-O2'];
  const { error, stderr } = await asc.main([entry, ...common, ...flags, '--baseDir', ROOT, '--outFile', draft]);
  if (error) throw new Error(`${entry} does not compile:\n${stderr.toString()}`);
  renameSync(draft, out);
  return out;
}
