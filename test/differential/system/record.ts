/** Makes the recorded sample of the system differential, and says whether the committed one is what QEMU here gives. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../isa/random.js';
import type { Program } from './layout.js';
import { makeExceptions } from './exceptions.js';
import { makeMmu } from './mmu.js';
import { buildProbe, qemuVersion, startQemu } from './qemu.js';
import { answerOf, decodeSystemSample, encodeSystemSample } from './serial.js';
import type { Answer, Recorded } from './serial.js';
import { makeTlbi } from './tlbi.js';

export const SYSTEM_FILE = 'test/oracle/system.bin';
export const PROBE_FILE = 'test/oracle/probe.bin';

/** What is recorded: few tables, so that the file stays small. */
const SAMPLE: readonly (readonly [name: string, seed: number, make: (random: Random) => Program])[] = [
  ['exceptions', 20260102, (random) => makeExceptions(random, 3000)],
  ['mmu', 20260103, (random) => makeMmu(random, 2200, 1)],
  ['mmu', 20260104, (random) => makeMmu(random, 2200, 1)],
  ['tlbi', 20260105, (random) => makeTlbi(random, 1500)],
  ['tlbi', 20260106, (random) => makeTlbi(random, 1500)],
];

/** Writes a new sample, and the probe's image beside it. */
export async function recordSystem(root: string, print: (line: string) => void): Promise<void> {
  const probe = buildProbe(root, join(root, '.cache'));
  const recorded: Recorded[] = [];
  for (const [name, seed, make] of SAMPLE) {
    const program = make(new Random(seed));
    recorded.push({ name, seed, program, answer: answerOf(program, await startQemu(program, probe)) });
  }
  const bytes = encodeSystemSample(qemuVersion(), recorded);
  writeFileSync(join(root, SYSTEM_FILE), bytes);
  writeFileSync(join(root, PROBE_FILE), probe);
  const steps = recorded.reduce((sum, { program }) => sum + program.steps.length, 0);
  print(`${SYSTEM_FILE}: ${steps} steps, ${bytes.length} bytes, ${qemuVersion()}`);
}

const same = (a: Answer, b: Answer): boolean =>
  a.digest === b.digest && a.records.length === b.records.length && a.records.every((word, i) => word === b.records[i]);

/** @returns true if QEMU here gives what is recorded. Rejects when the file is missing or cut off. */
export async function checkSystemRecord(root: string, print: (line: string) => void): Promise<boolean> {
  const file = join(root, SYSTEM_FILE);
  if (!existsSync(file)) throw new Error(`${SYSTEM_FILE} is missing: npm run differential -- regenerate`);
  let equal = true;
  const recordedProbe = readFileSync(join(root, PROBE_FILE));
  if (Buffer.compare(recordedProbe, buildProbe(root, join(root, '.cache'))) !== 0) {
    print(`${PROBE_FILE} is not what its source gives: npm run differential -- regenerate`);
    equal = false;
  }
  let sample: ReturnType<typeof decodeSystemSample>;
  try {
    sample = decodeSystemSample(readFileSync(file));
  } catch (error) {
    throw new Error(`${SYSTEM_FILE}: ${(error as Error).message}`, { cause: error });
  }
  const version = qemuVersion();
  if (sample.qemu !== version) print(`recorded with ${sample.qemu}, here is ${version}`);
  for (const { name, seed, program, answer } of sample.recorded) {
    const again = answerOf(program, await startQemu(program, recordedProbe));
    const text = same(answer, again) ? 'identical' : 'differ';
    print(`${SYSTEM_FILE}: ${name}, seed ${seed}, ${program.steps.length} answers of QEMU, ${text}`);
    equal = equal && text === 'identical';
  }
  return equal;
}
