/** Linux under Xen with cores timed by the approximate model (docs/timing.md), as a user starts it. */
import { expect, test } from 'vitest';
import { prepare, runDebian } from '../../tools/debian-run.mjs';

const guest = { suite: 'bookworm', flavour: 'arm64', vcpus: 2, console: 'ttyAMA0' };
const APPROXIMATE = ['--set', 'timing.cpu=approximate'];

test('timing.cpu=approximate: boot, disk, power-off; again with the same trace hash', () => {
  prepare(guest);
  const once = runDebian(guest, { options: APPROXIMATE });
  expect(once.failures, `${once.console.slice(-2000)}\n${once.stderr}`).toEqual([]);
  expect(once.report.accuracy.class).toBe('approximate');
  expect(runDebian(guest, { options: APPROXIMATE }).report.trace).toEqual(once.report.trace);
});

test('timing.from: quick to the first process, timed from there', () => {
  prepare(guest);
  const functional = runDebian(guest);
  const late = runDebian(guest, { options: [...APPROXIMATE, '--set', 'timing.from=rcar-sim: init'] });
  const never = runDebian(guest, { options: [...APPROXIMATE, '--set', 'timing.from=no line says this'] });
  expect([late.failures, never.failures]).toEqual([[], []]);
  // until the switch nothing differs, so a run without one is the functional run
  expect(never.report.trace).toEqual(functional.report.trace);
  expect(late.report.trace).not.toEqual(functional.report.trace);
});
