/** The other side: QEMU's Cortex-A57 in user mode, with runner.c. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BLOCK_BYTES, MAX_WORDS, SIGSEGV, STATE_BYTES, TIMEOUT, viewOf } from './state.js';
import type { Case, Result } from './state.js';
import { initialMemory } from './values.js';

const QEMU = 'qemu-aarch64';
const COMPILER = 'aarch64-linux-gnu-gcc';
const MAGIC = 0x33415349;
const CASE_BYTES = 4 + 4 * MAX_WORDS + STATE_BYTES;
const RESULT_BYTES = 16 + STATE_BYTES;
/** The runner ends a case that hangs; this is for QEMU itself. */
const SECONDS = 300;
const SIGALRM = 14;
/** Far from what operands are likely to be as addresses. */
const TEXT = '0x2b3c400000';

/** What is missing to run the comparison, as one line, or undefined. */
export function missingTool(): string | undefined {
  for (const [tool, debian] of [
    [QEMU, 'qemu-user'],
    [COMPILER, 'gcc-aarch64-linux-gnu'],
  ] as const) {
    if (spawnSync(tool, ['--version']).status !== 0) return `${tool} is not installed (Debian: ${debian})`;
  }
  return undefined;
}

/** First line of `qemu-aarch64 --version`. */
export function qemuVersion(): string {
  return execFileSync(QEMU, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
}

/** Builds runner.c into `directory` if it is not there; returns the program's path. */
export function buildRunner(root: string, directory: string): string {
  const source = join(root, 'test/differential/isa/runner.c');
  const flags = ['-static', '-nostdlib', '-ffreestanding', '-O2', '-fno-stack-protector'];
  flags.push('-fno-tree-loop-distribute-patterns', `-Wl,-Ttext-segment=${TEXT}`);
  const hash = createHash('sha256').update(readFileSync(source)).update(flags.join(' ')).digest('hex').slice(0, 12);
  const program = join(directory, `isa-runner-${hash}`);
  if (existsSync(program)) return program;
  mkdirSync(directory, { recursive: true });
  const partial = `${program}.${process.pid}`;
  execFileSync(COMPILER, [...flags, '-o', partial, source], { stdio: ['ignore', 'ignore', 'inherit'] });
  renameSync(partial, program);
  return program;
}

function encodeCases(cases: readonly Case[]): Uint8Array {
  const memory = initialMemory();
  const out = new Uint8Array(8 + memory.length + cases.length * CASE_BYTES);
  const view = viewOf(out);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, cases.length, true);
  out.set(memory, 8);
  cases.forEach(({ words, state }, i) => {
    const at = 8 + memory.length + i * CASE_BYTES;
    view.setUint32(at, words.length, true);
    words.forEach((word, j) => view.setUint32(at + 4 + 4 * j, word, true));
    out.set(state, at + 4 + 4 * MAX_WORDS);
  });
  return out;
}

function decodeResults(output: Uint8Array, count: number): Result[] {
  const view = viewOf(output);
  const results: Result[] = [];
  for (let at = 0; at < output.length;) {
    const blocks = view.getUint32(at + 4, true) * BLOCK_BYTES;
    const number = view.getUint32(at, true);
    const signal = number === SIGALRM ? TIMEOUT : number;
    results.push({
      signal,
      address: signal === SIGSEGV ? view.getBigUint64(at + 8, true) : 0n,
      state: output.subarray(at + 16, at + RESULT_BYTES),
      blocks: output.subarray(at + RESULT_BYTES, at + RESULT_BYTES + blocks),
    });
    at += RESULT_BYTES + blocks;
  }
  if (results.length !== count) throw new Error(`the runner answered ${results.length} of ${count} cases`);
  return results;
}

/**
 * Runs at most SLOTS cases, each in a slot of its own. Files instead of pipes: QEMU goes on while this process computes.
 * Rejects when QEMU or the runner ends early, hangs or answers too little: that is a finding of its own.
 */
export async function startQemu(program: string, cases: readonly Case[]): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'isa-'));
  const input = join(folder, 'in.bin');
  const output = join(folder, 'out.bin');
  writeFileSync(input, encodeCases(cases));
  const [from, to] = [openSync(input, 'r'), openSync(output, 'w')];
  try {
    const child = spawn(QEMU, ['-cpu', 'cortex-a57', program], { stdio: [from, to, 'inherit'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), SECONDS * 1000);
    const [status, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, by) => resolve([code, by]));
    });
    clearTimeout(timer);
    if (status !== 0) throw new Error(`QEMU ended with ${signal ?? `status ${status}`} in a batch of ${cases.length}`);
    return decodeResults(readFileSync(output), cases.length);
  } finally {
    closeSync(from);
    closeSync(to);
    rmSync(folder, { recursive: true, force: true });
  }
}
