import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FpState } from './module.js';

const STATE_BYTES = 784;

/** Instruction and the state before it. */
export interface Case {
  readonly insn: number;
  readonly state: FpState;
}

/** What is missing to run the comparison, or undefined. */
export function missingTool(): string | undefined {
  for (const [tool, argument] of [
    ['qemu-aarch64', '--version'],
    ['aarch64-linux-gnu-gcc', '--version'],
  ] as const) {
    if (spawnSync(tool, [argument]).status !== 0) return tool;
  }
  return undefined;
}

/** First line of `qemu-aarch64 --version`. */
export function qemuVersion(): string {
  return execFileSync('qemu-aarch64', ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
}

/** Builds runner.c into `directory`; returns the program's path. */
export function buildRunner(root: string, directory: string): string {
  mkdirSync(directory, { recursive: true });
  const program = join(directory, 'simd-runner');
  const source = join(root, 'test/differential/simd/runner.c');
  execFileSync('aarch64-linux-gnu-gcc', ['-static', '-O1', '-Wl,-z,noseparate-code', '-o', program, source]);
  return program;
}

/** Runs at most 65536 cases on QEMU's Cortex-A57; undefined where the instruction trapped as undefined. */
export function runQemu(program: string, cases: readonly Case[]): (FpState | undefined)[] {
  const input = new Uint8Array(cases.length * STATE_BYTES);
  const view = new DataView(input.buffer);
  cases.forEach(({ insn, state }, i) => {
    const at = i * STATE_BYTES;
    view.setUint32(at, insn, true);
    view.setUint32(at + 4, state.fpcr, true);
    view.setUint32(at + 8, state.fpsr, true);
    view.setUint32(at + 12, state.nzcv, true);
    input.set(state.x, at + 16);
    input.set(state.v, at + 272);
  });
  const output = execFileSync('qemu-aarch64', ['-cpu', 'cortex-a57', program], {
    input,
    maxBuffer: cases.length * STATE_BYTES + 1024,
  });
  if (output.length !== input.length) throw new Error(`runner answered ${output.length} bytes`);
  const result = new DataView(output.buffer, output.byteOffset, output.byteLength);
  return cases.map((_case, i) => {
    const at = i * STATE_BYTES;
    if (result.getUint32(at, true) !== 0) return undefined;
    return {
      fpcr: result.getUint32(at + 4, true),
      fpsr: result.getUint32(at + 8, true),
      nzcv: result.getUint32(at + 12, true),
      x: Uint8Array.from(output.subarray(at + 16, at + 272)),
      v: Uint8Array.from(output.subarray(at + 272, at + 784)),
    };
  });
}
