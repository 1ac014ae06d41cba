// Runs the commands of docs/tutorial.md and the job of docs/ci.md as they are written, and looks for the output that is shown.
//   node tools/tutorial.mjs [--write]   --write: puts the figures of this run into the lines that are shown
// Exit code 1: a command failed, or printed nothing like a line that is shown. Figures may differ, words may not.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const write = process.argv.includes('--write');
const faults = [];

/** Fenced blocks in order: language, text, and where the text begins and ends. */
function blocks(text) {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => {
    const start = match.index + 4 + match[1].length;
    return { language: match[1], text: match[2], start, end: start + match[2].length };
  });
}

function run(script, cwd) {
  const env = { ...process.env, NO_COLOR: '1', npm_config_loglevel: 'error' };
  const { status, stdout } = spawnSync('bash', ['-e', '-o', 'pipefail', '-c', `exec 2>&1\n${script}`], {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 27,
  });
  if (status !== 0) faults.push(`exit code ${status}: ${script.trim()}\n${stdout.slice(-2000)}`);
  return stdout.split('\n');
}

/** Words without figures, and without the bars and columns whose width follows from them. */
const words = (line) =>
  line
    .replace(/0x[\da-f]+|[+-]?\d[\d,.]*/gi, '#')
    .replace(/[█\s]+/g, ' ')
    .trim();

/** Finds each line that is shown, in order; returns what was printed in its place. */
function compare(shown, printed) {
  let from = 0;
  return shown.map((line) => {
    const wanted = words(line);
    const at = printed.findIndex((one, i) => i >= from && words(one).includes(wanted));
    if (at < 0) {
      faults.push(`not printed: ${line}`);
      return line;
    }
    from = at + 1;
    return words(printed[at]) === wanted ? printed[at].trimEnd() : line;
  });
}

function tutorial() {
  const path = join(root, 'docs/tutorial.md');
  let text = readFileSync(path, 'utf8');
  const list = blocks(text);
  rmSync(join(root, '.cache/tutorial'), { recursive: true, force: true });
  const changes = [];
  list.forEach((block, i) => {
    if (block.language !== 'sh') return;
    const printed = run(block.text, root);
    const next = list[i + 1];
    if (next?.language !== 'text') return;
    const found = compare(next.text.trimEnd().split('\n'), printed);
    changes.unshift({ ...next, text: `${found.join('\n')}\n` });
  });
  if (!write) return;
  for (const { start, end, text: found } of changes) text = text.slice(0, start) + found + text.slice(end);
  writeFileSync(path, text);
}

/** The commands of the job, in a folder with a guest in it. The package is this checkout. */
function job() {
  const [yaml] = blocks(readFileSync(join(root, 'docs/ci.md'), 'utf8')).filter(({ language }) => language === 'yaml');
  if (yaml === undefined) return faults.push('docs/ci.md has no job');
  if (yaml.text.trimEnd().split('\n').length !== 12) faults.push('docs/ci.md: the job has not twelve lines');
  const folder = join(root, '.cache/tutorial/job/project');
  mkdirSync(folder, { recursive: true });
  for (const name of ['guest.cfg', 'virtio.img']) copyFileSync(join(root, 'guests/bare', name), join(folder, name));
  const disk = join(folder, '../../.cache/guests/bare/disk.raw');
  mkdirSync(dirname(disk), { recursive: true });
  copyFileSync(join(root, '.cache/guests/bare/disk.raw'), disk);
  copyFileSync(join(root, '.cache/tutorial/budget.json'), join(folder, 'ioreq.budget.json'));
  const commands = [...yaml.text.matchAll(/^ {4}- (.*)$/gm)].map((match) => match[1]);
  if (!commands[0]?.startsWith('npm install')) faults.push('docs/ci.md: the job does not begin with an installation');
  for (const command of commands.slice(1)) run(command, folder);
}

tutorial();
if (faults.length === 0) job();
for (const fault of faults) console.error(`tutorial: ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;
