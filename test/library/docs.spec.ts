/** What the documents say about the code is looked up in the code. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SYSREGS } from '../../sim/cpu/isa/sysregs.js';
import { TIMING } from '../../boards/timing.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];

/** The text between backticks, each with what precedes it in its table cell or sentence. */
function codeSpans(text: string): string[] {
  return [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
}

test('the spec in docs/library.md is the one that is tested', () => {
  const block = /```ts\n([\s\S]*?)```/.exec(read('docs/library.md'))?.[1];
  expect(block).toBe(read('test/library/library.spec.ts'));
});

test.each(documents)('files and documents that %s names are there', (document) => {
  const text = read(document);
  const named = [...codeSpans(text), ...[...text.matchAll(/\bdocs\/\w+\.md\b/g)].map((match) => match[0])];
  const paths = named
    .map((span) => span.split(':')[0] ?? '')
    .filter((span) => /^(boards|formats|sim|xen|backends|report|cli|guests|tools|test|docs)\/[\w./-]*$/.test(span));
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('functions in the path of one IOREQ are in the files that are named for them', () => {
  const table = /## The path of one IOREQ\n([\s\S]*?)\n## /.exec(read('docs/architecture.md'))?.[1] ?? '';
  const rows = table.split('\n').filter((line) => line.startsWith('|'));
  const missing: string[] = [];
  let checked = 0;
  for (const row of rows) {
    let file = '';
    for (const span of codeSpans(row.split('|')[2] ?? '')) {
      const [, path, name] = /^(?:([\w./-]+\.ts)(?:: )?)?([#\w.]*)$/.exec(span) ?? [];
      if (path !== undefined) file = path.includes('/') ? path : join(file, '..', path);
      if (name === undefined || name === '' || file === '') continue;
      checked++;
      const wanted = name.split('.').at(-1) ?? '';
      if (!existsSync(join(root, file)) || !read(file).includes(`${wanted}(`))
        missing.push(`${basename(file)}: ${name}`);
    }
  }
  expect(missing).toEqual([]);
  expect(checked).toBeGreaterThan(30);
});

test('docs/conformance.md lists every gap of the system registers', () => {
  const text = read('docs/conformance.md');
  const gaps = Object.entries(SYSREGS).flatMap(([name, register]) =>
    register.gap === undefined ? [] : [{ name, gap: register.gap }],
  );
  const absent = gaps.filter(({ name, gap }) => {
    const line = text.split('\n').find((one) => one.startsWith(`| ${gap} |`)) ?? '';
    const stem = name.replace(/\d+(_EL\d)$/, 'n$1');
    return !line.includes(name) && !line.includes(stem);
  });
  expect(absent).toEqual([]);
});

test('docs/timing.md counts the entries of each class as they are', () => {
  const text = read('docs/timing.md');
  for (const confidence of ['measured', 'derived', 'guessed']) {
    const count = Object.values(TIMING).filter((entry) => entry.confidence === confidence).length;
    expect(text, confidence).toMatch(new RegExp(`^\\| ${confidence} \\|.*\\| ${count} \\|$`, 'm'));
  }
});

test('docs/cli.md names every option of every command, every outcome and every field of the report', () => {
  const text = read('docs/cli.md');
  const commands = ['cli/run-command.ts', 'cli/board.ts', 'cli/trace.ts'].map(read).join('\n');
  const options = [...commands.matchAll(/\.option\(\s*'([\w-]+)'/g)].map((match) => `--${match[1] ?? ''}`);
  expect(options.length).toBeGreaterThan(25);
  expect(options.filter((option) => !text.includes(option))).toEqual([]);
  const data = (read('report/data.ts').split('export function')[0] ?? '').replace(/\/\*\*[\s\S]*?\*\//g, '');
  const fields = [...data.matchAll(/\b([a-zA-Z]\w*)(?=\??: )/g)].map((match) => match[1] ?? '');
  expect(fields.length).toBeGreaterThan(40);
  expect(fields.filter((field) => !text.includes(field))).toEqual([]);
  const outcomes = /export type Outcome =([^;]*);/.exec(read('report/data.ts'))?.[1] ?? '';
  expect([...outcomes.matchAll(/'(\w+)'/g)].filter((match) => !text.includes(`\`${match[1] ?? ''}\``))).toEqual([]);
});
