/** Benchmarks of the hypervisor's own paths: hypercalls, trapped interrupt controller, interrupts between vCPUs, events, timers. */
import { runGuest, type GuestRunResult } from './guest.js';
import { notRun } from './ioreq.js';
import type { BenchCase, BenchJob, JobResult } from './job.js';

/** What the interrupted vCPU does meanwhile. */
export const STATES = ['sleeping', 'running'] as const;

/**
 * Cores run for so long by themselves; what one sends to another that runs is seen after that. Between vCPUs that is too long to
 * be measured with. As `board.schedule.syncWindow`.
 */
const SHORT_QUANTUM = 'board.schedule.quantum=200 ns';

/** What a program of the guest measures: kinds of requests, with the register or number, and what to call them. */
interface Program {
  readonly vcpus: number;
  readonly shortQuantum?: boolean;
  readonly requests: Readonly<Record<string, string>>;
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  hypercall: { vcpus: 1, requests: { 'hypercall number 17': 'XENVER_version' } },
  vgic: { vcpus: 1, requests: { 'emulated vgic+8': 'GICD_IIDR read' } },
  eoi: { vcpus: 1, requests: {} },
  timer: { vcpus: 1, requests: { 'interrupt INTID 27': 'injection' } },
  ipi: {
    vcpus: 2,
    shortQuantum: true,
    requests: { 'emulated vgic+f00': 'GICD_SGIR write', 'interrupt INTID 3': 'SGI' },
  },
  evtchn: {
    vcpus: 2,
    shortQuantum: true,
    requests: { 'hypercall number 32': 'EVTCHNOP_send', 'interrupt INTID 31': 'upcall' },
  },
};

export async function runPath(job: BenchJob): Promise<JobResult> {
  const { rounds = 100, gap = 0, seed = 1, state = 'running' } = job.parameters;
  const { vcpus, shortQuantum, requests } = PROGRAMS[job.bench]!;
  const sleep = state === 'sleeping' ? 1 : 0;
  const ran = await runGuest(shortQuantum === true ? { ...job, settings: [SHORT_QUANTUM, ...job.settings] } : job, {
    words: `bench=${job.bench} rounds=${rounds} gap=${gap} seed=${seed} sleep=${sleep}`,
    vcpus,
    paths: true,
  });
  if ('notRun' in ran) return notRun(ran.notRun);
  const suffix = job.parameters['state'] === undefined ? '' : ` ${state}`;
  const cases: BenchCase[] = guestCases(ran, suffix);
  for (const { kind, register, ...rest } of ran.facts.ioreq.kinds) {
    const name = requests[`${kind} ${register}`];
    if (name === undefined) continue;
    const { count, totalTicks, p50, p90, p99, max, steps } = rest;
    cases.push({ name: `${name}${suffix}`, count, totalTicks, p50, p90, p99, max, steps });
  }
  return { ...ran.about, cases };
}

/** Lines `NAME COUNT TICKS` of the guest: what it measured itself, with its counter; one number for all rounds. */
export function guestCases({ lines, about, cntfrqHz }: GuestRunResult, suffix: string): BenchCase[] {
  return lines.flatMap((line) => {
    const match = /^(.+) (\d+) (\d+)$/.exec(line);
    if (match === null) return [];
    const [, name = '', count, ticks] = match;
    const totalTicks = (Number(ticks) * about.tickHz) / cntfrqHz;
    const each = Math.round(totalTicks / Number(count));
    return [
      {
        name: `${name}${suffix}`,
        count: Number(count),
        totalTicks,
        p50: each,
        p90: each,
        p99: each,
        max: each,
        steps: [],
        asGuestSees: true,
      },
    ];
  });
}
