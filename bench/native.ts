/** `bench native`: the same program with and without a hypervisor, on cores and counters of the same speed. */
import { readFileSync } from 'node:fs';
import * as api from '../index.js';
import { runGuest } from './guest.js';
import { notRun } from './ioreq.js';
import { BenchError, type BenchJob, type JobResult } from './job.js';
import { guestCases } from './paths.js';

/** Without Xen: the flat board with a core of the Salvator-XS, its clock and its counter. */
export function nativeConfiguration(cluster: 'a57' | 'a53', settings: readonly string[]): api.Configuration {
  const board = api.rcarH3();
  const { core, clockHz } = board.clusters.find(({ name }) => name === cluster)!;
  const flat = api.flatBoard();
  return api.configure(flat, [
    `board.clusters.a57.core=${core}`,
    `board.clusters.a57.clockHz=${clockHz}`,
    `board.timer.cntfrqHz=${board.timer.cntfrqHz}`,
    ...settings.filter((setting) => !setting.startsWith('board.')),
  ]);
}

/** Runs a program of the guest without a hypervisor; its lines. Throws BenchError. */
export function runNativeGuest(
  job: BenchJob,
  configuration: api.Configuration,
  words: string,
): { lines: string[]; machine: api.Machine } {
  let text = '';
  const { machine } = api.createBareSimulation({
    configuration,
    kernel: readFileSync(api.bareGuest().kernel),
    append: `disk=none ${words}`,
    deadline: BigInt(60 * configuration.board.tickHz),
    onConsole: (_name, byte) => (text += String.fromCharCode(byte)),
  });
  while (machine.run() === 'more') continue;
  const lines = [...text.matchAll(/^bench: (.*?)\r?$/gm)].map((match) => match[1]!);
  const failure = /^bare: FAIL .*$/m.exec(text)?.[0];
  if (failure !== undefined || lines.at(-1) !== 'done')
    throw new BenchError(
      `${job.bench} without a hypervisor: ${failure ?? machine.outcome?.detail ?? 'nothing more happens'}`,
    );
  return { lines, machine };
}

export async function runNative(job: BenchJob): Promise<JobResult> {
  const words = `bench=native rounds=${job.parameters['rounds']}`;
  const ran = await runGuest(job, { words, vcpus: 1 });
  if ('notRun' in ran) return notRun(ran.notRun);
  const configuration = nativeConfiguration('a57', job.settings);
  const { lines } = runNativeGuest(job, configuration, words);
  const { tickHz, timer } = configuration.board;
  const native = guestCases({ ...ran, lines, about: { ...ran.about, tickHz }, cntfrqHz: timer.cntfrqHz }, ' native');
  // In the ticks of the other board.
  const scaled = native.map((each) => {
    const scale = (ticks: number): number => Math.round((ticks * ran.about.tickHz) / tickHz);
    return {
      ...each,
      totalTicks: scale(each.totalTicks),
      p50: scale(each.p50),
      p90: scale(each.p90),
      p99: scale(each.p99),
      max: scale(each.max),
    };
  });
  const xen = guestCases(ran, ' Xen').map((each, index) => ({
    ...each,
    figures: { 'over native': each.totalTicks / scaled[index]!.totalTicks },
  }));
  return { ...ran.about, cases: xen.flatMap((each, index) => [scaled[index]!, each]) };
}
