/** Whole boots in both engines: in step, and one by one. */
import { expect, test } from 'vitest';
import { prepare, runDebian } from '../../tools/debian-run.mjs';

const BOOKWORM = { suite: 'bookworm', flavour: 'arm64', vcpus: 2, console: 'ttyAMA0' };
const engine = (name: string) => ({ options: ['--set', `cpu.engine=${name}`] });

test('two vCPUs, the engines in step: no difference', () => {
  prepare(BOOKWORM);
  // disks are copies in memory then, so nothing reaches the file
  const { failures, report, stderr } = runDebian(BOOKWORM, engine('both'));
  expect(failures, stderr).toEqual(['host disk']);
  expect(report.outcome).toBe('poweroff');
});

test.each([BOOKWORM, { suite: 'trixie', flavour: 'cloud-arm64', vcpus: 1, console: 'hvc0' }])(
  '$suite $flavour, $vcpus vCPU: the same trace hash in both engines',
  (guest) => {
    prepare(guest);
    const [a, b] = [runDebian(guest, engine('interpreter')), runDebian(guest, engine('translator'))];
    expect([a.failures, b.failures]).toEqual([[], []]);
    expect([b.report.trace, b.report.sim]).toEqual([a.report.trace, a.report.sim]);
  },
);
