// Runs test tiers and adds them up: seconds per tier, then `N passed, N failed, N skipped`.
//   node tools/test.mjs [TIER]...   tiers: lint, unit, system, boot; without one: unit and system
// With CI=true in the environment a skipped test is a failure.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const ci = process.env.CI === 'true';
const LINTS = [
  ['types', 'typescript/bin/tsc', ['-p', 'tsconfig.json']],
  ['oxlint', 'oxlint/bin/oxlint', []],
  ['prettier', 'prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']],
  [
    'layers',
    'dependency-cruiser/bin/dependency-cruise.mjs',
    [
      '--config',
      '.dependency-cruiser.cjs',
      'index.ts',
      'simulation.ts',
      'boards',
      'formats',
      'sim',
      'xen',
      'backends',
      'report',
      'cli',
    ],
  ],
];
const VITEST = { unit: 'vitest.config.ts', system: 'vitest.system.config.ts', boot: 'vitest.boot.config.ts' };

function node(script, args) {
  return spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: root, stdio: 'inherit' });
}

function lint() {
  const result = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, script, args] of LINTS) {
    if (node(script, args).status === 0) result.passed++;
    else {
      result.failed++;
      console.log(`lint: ${name} failed`);
    }
  }
  return result;
}

function vitest(config) {
  const report = join(root, '.cache', `test-${config}.json`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  rmSync(report, { force: true });
  const { status } = node('vitest/vitest.mjs', [
    'run',
    '--config',
    config,
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  let data;
  try {
    data = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
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

const known = ['lint', ...Object.keys(VITEST)];
const wanted = process.argv.slice(2);
for (const tier of wanted) {
  if (!known.includes(tier)) {
    console.error(`test: no tier '${tier}', there are ${known.join(', ')}`);
    process.exit(2);
  }
}
const sum = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
for (const tier of wanted.length > 0 ? wanted : ['unit', 'system']) {
  const begin = process.hrtime.bigint();
  const result = tier === 'lint' ? lint() : vitest(VITEST[tier]);
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  lines.push(
    `${tier.padEnd(8)} ${seconds.toFixed(1).padStart(7)} s   ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`,
  );
  for (const key of Object.keys(sum)) sum[key] += result[key];
}
console.log(`\n${lines.join('\n')}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed > 0 || (ci && sum.skipped > 0) ? 1 : 0;
