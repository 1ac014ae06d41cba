// Compares docs/ioreq.md with the reports of vitest: every test id that the page names has run and passed, for each
// baseline where its tests name one; every test with an id is named; patches 1 to 16 and traps 1 to 30 are all there.
//   node tools/check-ioreq-docs.mjs [REPORT.json]...   without reports: those of the last `npm test`
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const BASELINES = ['v1', '4.17', 'current'];
const NUMBERED = { 'The 16 patches of the series': 16, 'Traps for a model': 30 };
const TITLE = /^\[([a-z][a-z0-9]*(?:-[a-z0-9]+)+)(?:@(v1|4\.17|current))?\] /;

const given = process.argv.slice(2);
const reports =
  given.length > 0 ? given : ['vitest', 'vitest.system'].map((name) => join(root, '.cache', `test-${name}.json`));
const faults = [];

/** id -> baseline or '' -> status of each test. */
const tests = new Map();
for (const path of reports) {
  if (!existsSync(path)) {
    console.error(`check-ioreq-docs: no report ${path}: run npm test first`);
    process.exit(2);
  }
  for (const file of JSON.parse(readFileSync(path, 'utf8')).testResults ?? []) {
    for (const { title, status } of file.assertionResults) {
      const match = TITLE.exec(title);
      if (match === null) continue;
      const [, id, baseline = ''] = match;
      if (!tests.has(id)) tests.set(id, new Map());
      const of = tests.get(id);
      of.set(baseline, [...(of.get(baseline) ?? []), status]);
    }
  }
}

/** Rows of the page's tables: section, cells. */
const rows = [];
let section = '';
let header = [];
readFileSync(join(root, 'docs/ioreq.md'), 'utf8')
  .split('\n')
  .forEach((line, index) => {
    if (line.startsWith('## ')) section = line.slice(3);
    if (!line.startsWith('|')) {
      header = [];
      return;
    }
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (header.length === 0) header = cells;
    else if (!cells.every((cell) => /^-+$/.test(cell))) rows.push({ section, line: index + 1, header, cells });
  });

const named = new Set();
for (const { line, header: columns, cells } of rows) {
  if (columns.at(-1) !== 'Test') continue;
  const last = cells.at(-1) ?? '';
  const ids = [...last.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
  if (cells.length !== columns.length)
    faults.push(`line ${line}: ${cells.length} cells, the table has ${columns.length}`);
  if (ids.length === 0 && !last.startsWith('none: ')) faults.push(`line ${line}: neither a test nor a reason`);
  for (const id of ids) {
    named.add(id);
    const of = tests.get(id);
    if (of === undefined) {
      faults.push(`line ${line}: no test ${id} has run`);
      continue;
    }
    const bad = [...of].filter(([, states]) => states.some((status) => status !== 'passed'));
    for (const [baseline, states] of bad)
      faults.push(`line ${line}: ${id}${baseline && `@${baseline}`} ${states.join(', ')}`);
    if (!of.has(''))
      for (const baseline of BASELINES)
        if (!of.has(baseline)) faults.push(`line ${line}: ${id}@${baseline} has not run`);
  }
}
for (const id of tests.keys()) if (!named.has(id)) faults.push(`test ${id} is not in docs/ioreq.md`);
for (const [name, count] of Object.entries(NUMBERED)) {
  const numbers = rows.filter((row) => row.section === name).map((row) => Number(row.cells[0]));
  const wanted = Array.from({ length: count }, (_, i) => i + 1);
  if (numbers.join() !== wanted.join()) faults.push(`"${name}": rows ${numbers.join(', ')} instead of 1 to ${count}`);
}

for (const fault of faults) console.log(`docs/ioreq.md: ${fault}`);
const checked = rows.filter((row) => row.header.at(-1) === 'Test').length;
console.log(`docs/ioreq.md: ${checked} rows, ${named.size} test ids, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;
