/** `bench micro`: the loops of the well-known micro-benchmark set under their names, beside published figures. */
import { notRun, runIoreq } from './ioreq.js';
import type { BenchJob, JobResult } from './job.js';
import { runPath } from './paths.js';

/**
 * Published figures: Xen 4.5 and KVM (Linux 4.0) on an X-Gene at 2.4 GHz, cycles (ISCA 2016 table II; the hypercalls also Linaro 2016);
 * KVM on a Cortex-A57 at 2.0 GHz, cycles (USENIX ATC 2017); kvm-unit-tests on the A53s of a Juno r2, ns (list mails of 2020 and 2021).
 */
const PUBLISHED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  hyp_call: { 'Xen X-Gene': 376, 'KVM X-Gene': 6500, 'KVM A57': 6413, 'KVM A53 ns': 4530 },
  mmio_read_user: { 'KVM A57': 10_012, 'KVM A53 ns': 20_177 },
  mmio_read_vgic: { 'Xen X-Gene': 1356, 'KVM X-Gene': 7370, 'KVM A57': 8034, 'KVM A53 ns': 7053 },
  eoi: { 'Xen X-Gene': 71, 'KVM X-Gene': 71, 'KVM A53 ns': 103 },
  ipi: { 'Xen X-Gene': 5978, 'KVM X-Gene': 11_557, 'KVM A57': 13_121 },
  timer: {},
};

export const LOOPS = Object.keys(PUBLISHED);

const PATHS: Readonly<Record<string, string>> = {
  hyp_call: 'hypercall',
  mmio_read_vgic: 'vgic',
  eoi: 'eoi',
  ipi: 'ipi',
  timer: 'timer',
};

export async function runMicro(job: BenchJob): Promise<JobResult> {
  const { loop, rounds } = job.parameters;
  const name = String(loop);
  const path = PATHS[name];
  const result =
    path === undefined
      ? await runIoreq({ ...job, parameters: { target: 'idle', vcpus: 1, rounds: rounds!, gap: 150_000, seed: 1 } })
      : await runPath({ ...job, bench: path, parameters: { rounds: rounds!, state: 'running' } });
  const found = path === undefined ? result.cases[0] : result.cases.find(({ asGuestSees }) => asGuestSees === true);
  if (found === undefined) return result.notRun === undefined ? notRun('it measured nothing') : result;
  const perCycle = result.ticksPerCycle['a57.0'] ?? 1;
  const figures = { cycles: Math.round(found.totalTicks / found.count / perCycle), ...PUBLISHED[name] };
  return { ...result, cases: [{ ...found, name, figures }] };
}
