// What `npm pack` makes, installed into an empty project: complete, and the spec that docs/library.md shows passes there.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NEEDED = [
  'LICENSE',
  'README.md',
  'cli/rcar-sim.mjs',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/boards/index.js',
  'dist/xen/index.js',
  'dist/backends/index.js',
  'dist/sim/wasm/core.wasm',
  'dist/sim/wasm/stage2.wasm',
  'guests/bare/guest.cfg',
  'guests/bare/virtio.img',
];
const UNWANTED = /\.spec\.|\.map$|(^|\/)(kernel|test|bench\/host)\/|\.wat$/;
const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    module: 'NodeNext',
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  },
  include: ['*.ts'],
};

function run(name, command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) console.log(`package: ${name} failed\n${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`);
  return { ok: status === 0, stdout };
}

/** The TypeScript blocks of a Markdown file that are vitest specs. */
function specsOf(markdown) {
  return [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .map(([, code]) => code)
    .filter((code) => code.includes("from 'vitest'"));
}

function contents(files) {
  const missing = NEEDED.filter((name) => !files.includes(name));
  const unwanted = files.filter((name) => UNWANTED.test(name));
  if (missing.length > 0) console.log(`package: not in the tarball: ${missing.join(', ')}`);
  if (unwanted.length > 0) console.log(`package: should not be in the tarball: ${unwanted.join(', ')}`);
  return missing.length === 0 && unwanted.length === 0;
}

/** One boolean per check: tarball, installation, command line, imports, types, spec. Says on stdout what failed. */
export function checkPackage(root) {
  const work = mkdtempSync(join(tmpdir(), 'rcar-sim-package-'));
  try {
    const pack = run('npm pack', 'npm', ['pack', '--json', '--silent', '--pack-destination', work], root);
    if (!pack.ok) return [false];
    // Scripts that npm ran before may have printed something.
    const answer = JSON.parse(pack.stdout.slice(pack.stdout.search(/^[[{]/m)));
    const [tarball] = Object.values(answer);
    const results = [contents(tarball.files.map(({ path }) => path))];
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const project = join(work, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n');
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    const tools = ['vitest', 'typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`);
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--ignore-scripts'];
    const install = run('npm install', 'npm', ['install', ...quiet, join(work, tarball.filename), ...tools], project);
    results.push(install.ok);
    if (!install.ok) return results;
    const bin = (name) => join(project, 'node_modules/.bin', name);
    results.push(run('rcar-sim board check', bin('rcar-sim'), ['board', 'check'], project).ok);
    const entries = ['rcar-sim', 'rcar-sim/board', 'rcar-sim/xen', 'rcar-sim/backend'];
    const imports = entries.map((name) => `await import('${name}');`).join(' ');
    results.push(run('import', process.execPath, ['--input-type=module', '-e', imports], project).ok);
    writeFileSync(
      join(project, 'entries.ts'),
      entries.map((name, i) => `import * as e${i} from '${name}';\nexport type E${i} = keyof typeof e${i};\n`).join(''),
    );
    const specs = specsOf(readFileSync(join(root, 'docs/library.md'), 'utf8'));
    if (specs.length === 0) {
      console.log('package: docs/library.md shows no spec');
      return [...results, false];
    }
    specs.forEach((code, i) => writeFileSync(join(project, `library-${i}.spec.ts`), code));
    results.push(run('tsc', bin('tsc'), ['-p', '.'], project).ok);
    results.push(run('vitest', bin('vitest'), ['run'], project).ok);
    return results;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
