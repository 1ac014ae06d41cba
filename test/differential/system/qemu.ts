/** The other side: QEMU's virt machine with EL2 and a Cortex-A57. Its RAM is a file, read when it has powered off. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endingOf, recordAt, segmentsOf } from './image.js';
import type { Ending } from './image.js';
import { CODE, RAM, RAM_BYTES } from './layout.js';
import type { Program } from './layout.js';

const QEMU = 'qemu-system-aarch64';
const COMPILER = 'aarch64-linux-gnu-gcc';
const OBJCOPY = 'aarch64-linux-gnu-objcopy';
export const PROBE_SOURCE = 'test/differential/system/probe.S';
const SECONDS = 10;

/** What is missing to run the comparison, as one line, or undefined. */
export function missingTool(): string | undefined {
  for (const [tool, debian] of [
    [QEMU, 'qemu-system-arm'],
    [COMPILER, 'gcc-aarch64-linux-gnu'],
  ] as const) {
    if (spawnSync(tool, ['--version']).status !== 0) return `${tool} is not installed (Debian: ${debian})`;
  }
  return undefined;
}

/** First line of `qemu-system-aarch64 --version`. */
export function qemuVersion(): string {
  return execFileSync(QEMU, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
}

/** Assembles probe.S, unless `directory` has it already. */
export function buildProbe(root: string, directory: string): Uint8Array {
  const source = join(root, PROBE_SOURCE);
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12);
  const program = join(directory, `probe-${hash}.bin`);
  if (!existsSync(program)) {
    mkdirSync(directory, { recursive: true });
    const partial = `${program}.${process.pid}`;
    execFileSync(COMPILER, ['-c', '-march=armv8-a', '-o', `${partial}.o`, source]);
    execFileSync(OBJCOPY, ['-O', 'binary', `${partial}.o`, partial]);
    rmSync(`${partial}.o`);
    renameSync(partial, program);
  }
  return readFileSync(program);
}

function argumentsFor(ram: string): string[] {
  return [
    ...['-machine', 'virt,virtualization=on,gic-version=2,memory-backend=ram', '-cpu', 'cortex-a57', '-smp', '1'],
    ...['-object', `memory-backend-file,id=ram,size=${RAM_BYTES},mem-path=${ram},share=on`, '-m', `${RAM_BYTES}b`],
    ...['-display', 'none', '-monitor', 'none', '-serial', 'none', '-nic', 'none', '-nodefaults', '-no-reboot'],
    ...['-device', `loader,addr=0x${CODE.toString(16)},cpu-num=0`],
  ];
}

function ended(child: ReturnType<typeof spawn>): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), SECONDS * 1000);
    let said = '';
    child.stderr?.on('data', (data: Buffer) => (said += data.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(undefined);
      else if (signal === 'SIGKILL') resolve(`QEMU did not end within ${SECONDS} s`);
      else resolve(`QEMU crashed: ${signal ?? `exit status ${code}`}${said ? `: ${said.trim().split('\n')[0]}` : ''}`);
    });
  });
}

/** Runs a program. Rejects when QEMU crashes or does not end: that is a finding of its own. */
export async function startQemu(program: Program, probe: Uint8Array): Promise<Ending> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'differential-'));
  const ram = join(folder, 'ram');
  try {
    const file = openSync(ram, 'w+');
    try {
      ftruncateSync(file, RAM_BYTES);
      for (const { address, bytes } of segmentsOf(program, probe))
        writeSync(file, bytes, 0, bytes.length, address - RAM);
      const failure = await ended(spawn(QEMU, argumentsFor(ram), { stdio: ['ignore', 'ignore', 'pipe'] }));
      const ending = endingOf(program.steps.length, (address, length) => {
        const bytes = new Uint8Array(length);
        readSync(file, bytes, 0, length, address - RAM);
        return bytes;
      });
      if (failure === undefined) return ending;
      // a record that was written has SP_EL1 or a syndrome in it
      const step = program.steps.findIndex((_, i) => recordAt(ending, i).every((word) => word === 0n));
      throw new Error(`${failure}, at step ${step} (${program.steps[step]?.name})`);
    } finally {
      closeSync(file);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
