import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CASE_WORDS, TABLES, type AtCase } from './cases.js';

const CASES = 0x4300_0000;
const CODE = 0x4010_0000;

/** What is missing to run the comparison, or undefined. */
export function missingTool(): string | undefined {
  return ['qemu-system-aarch64', 'aarch64-linux-gnu-as', 'aarch64-linux-gnu-objcopy'].find(
    (tool) => spawnSync(tool, ['--version']).status !== 0,
  );
}

/** First line of `qemu-system-aarch64 --version`. */
export function qemuVersion(): string {
  return execFileSync('qemu-system-aarch64', ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
}

/** Runs the cases on QEMU's Cortex-A57 at EL2; one PAR_EL1 (or abort, see guest.S) for each. */
export function runQemu(root: string, directory: string, tables: BigUint64Array, cases: readonly AtCase[]): bigint[] {
  mkdirSync(directory, { recursive: true });
  const file = (name: string): string => join(directory, name);
  execFileSync('aarch64-linux-gnu-as', ['-o', file('guest.o'), join(root, 'test/differential/mmu/guest.S')]);
  execFileSync('aarch64-linux-gnu-objcopy', ['-O', 'binary', file('guest.o'), file('guest.bin')]);
  writeFileSync(file('tables.bin'), new Uint8Array(tables.buffer, tables.byteOffset, tables.byteLength));
  const words = [...cases.flatMap((one) => CASE_WORDS.map((word) => one[word])), 0xffn, 0n];
  writeFileSync(file('cases.bin'), new Uint8Array(BigUint64Array.from(words).buffer));
  const load = (name: string, address: number): string[] => [
    '-device',
    `loader,file=${file(name)},addr=0x${address.toString(16)},force-raw=on`,
  ];
  execFileSync(
    'qemu-system-aarch64',
    [
      ...[
        '-M',
        'virt,virtualization=on',
        '-cpu',
        'cortex-a57',
        '-m',
        '256',
        '-display',
        'none',
        '-monitor',
        'none',
        '-nic',
        'none',
      ],
      ...['-serial', `file:${file('out.txt')}`],
      ...load('guest.bin', CODE),
      ...['-device', `loader,addr=0x${CODE.toString(16)},cpu-num=0`],
      ...load('tables.bin', TABLES),
      ...load('cases.bin', CASES),
    ],
    { timeout: 60_000, stdio: 'ignore' },
  );
  return readFileSync(file('out.txt'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => BigInt(`0x${line}`));
}
