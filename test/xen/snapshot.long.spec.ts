/** A run that was saved at any check point and restored in another process ends as if nothing had happened. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./snapshot-process.mjs', import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snapshot-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface End {
  readonly hash: string;
  readonly outcome: string;
  readonly time: string;
}
interface Saved {
  readonly total: number;
  readonly saved: readonly { readonly file: string; readonly inFlight: boolean; readonly work?: string }[];
  readonly whole: End;
  readonly cut: End;
}

function run<T>(...words: string[]): T {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...words], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

test.each<[string, string, string, number, ...string[]]>([
  ['20 random points', 'reads=2 writes=1 depth=2 peeks=4', '2', 20],
  ['across a reboot, which makes another domain', 'reads=1 writes=1 reboots=1', '1', 5],
  ['with cores timed by the approximate model', 'reads=2 writes=1 depth=2', '2', 5, 'timing.cpu=approximate'],
])(
  '%s',
  (_name, words, vcpus, count, ...settings) => {
    const { total, saved, whole, cut } = run<Saved>('save', folder, words, vcpus, String(count), ...settings);
    expect(total).toBeGreaterThan(saved.length);
    expect(saved.length).toBeGreaterThanOrEqual(count);
    expect(cut).toEqual(whole); // saving changes nothing
    expect(whole.outcome).toBe('poweroff');
    expect(saved.some((s) => s.inFlight)).toBe(true);
    expect(saved.some((s) => s.work !== undefined)).toBe(true);
    const restored = run<(End & { file: string })[]>('restore', folder, words, vcpus, String(count), ...settings);
    expect(restored).toEqual(saved.map(({ file }) => ({ file, ...whole })));
  },
  300_000,
);
