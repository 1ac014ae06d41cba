// Imports TypeScript modules from build scripts: Node 20 cannot. Each file is transpiled (types dropped, not checked)
// into .cache/ts under a name that depends on its content and on what it imports, so that a change is always seen.
// With `built` only the tests' own files are: what they test comes from dist, where imports may go in circles.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const CACHE = join(ROOT, '.cache', 'ts');
/** Dropped by the compiler, and free to form cycles. */
const TYPE_ONLY = /^(?:import|export) type [^;]*;$/gm;
const RELATIVE_IMPORT = /(from\s+')(\.[^']+)\.js(')/g;

/** Transpiles `file` and what it imports relatively; returns the path of the JavaScript. */
function transpile(ts, file, done, built) {
  const known = done.get(file);
  if (known) return known;
  const source = readFileSync(file, 'utf8')
    .replace(TYPE_ONLY, (text) => (text.includes(" from '") ? '' : text))
    .replace(RELATIVE_IMPORT, (text, head, path, tail) => {
      const target = resolve(dirname(file), `${path}.ts`);
      const compiled = join(ROOT, 'dist', relative(ROOT, target).replace(/\.ts$/, '.js'));
      if (built && existsSync(compiled)) return `${head}${pathToFileURL(compiled).href}${tail}`;
      return existsSync(target) ? `${head}${pathToFileURL(transpile(ts, target, done, built)).href}${tail}` : text;
    })
    // files that a module finds by its own place are beside the source
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href));
  const hash = createHash('sha256').update(source).digest('hex').slice(0, 16);
  const out = join(CACHE, `${relative(ROOT, file).replace(/[\\/]/g, '-').replace(/\.ts$/, '')}-${hash}.mjs`);
  if (!existsSync(out)) {
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(out, ts.transpileModule(source, { compilerOptions: options, fileName: file }).outputText);
  }
  done.set(file, out);
  return out;
}

/** Imports the TypeScript module at `path` (relative to the project). `built`: what dist has comes from there. */
export async function loadTs(path, { built = false } = {}) {
  const { default: ts } = await import('typescript');
  return import(pathToFileURL(transpile(ts, resolve(ROOT, path), new Map(), built)).href);
}
