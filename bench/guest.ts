/** Runs the built-in bare-metal guest with a benchmark program in it. */
import * as api from '../index.js';
import { BenchError, type BenchJob, type JobResult } from './job.js';

export interface GuestRun {
  /** Words of the guest's command line. */
  readonly words: string;
  readonly vcpus: number;
  /** A second guest keeps the backend's pCPU busy. */
  readonly hog?: boolean;
  readonly diskBytes?: number;
  /** The ledger has hypercalls, emulated accesses and interrupts too. */
  readonly paths?: boolean;
}

export interface GuestRunResult {
  /** Lines `bench: ...` of the guest's console, without the prefix. */
  readonly lines: readonly string[];
  /** Of the counter that they are measured with. */
  readonly cntfrqHz: number;
  readonly facts: Awaited<ReturnType<typeof api.simulationFacts>>;
  /** Descriptors read by translation walks, from the start of the machine. */
  readonly descriptorReads: number;
  /** Everything of a JobResult but the cases. */
  readonly about: Omit<JobResult, 'cases'>;
}

/** Simulated time after which a benchmark has failed. */
const LIMIT_SECONDS = 120;
const DISK_BYTES = 1 << 20;

/** Throws BenchError if the guest does not get to its end; SettingError for settings that do not hold. */
export async function runGuest(job: BenchJob, run: GuestRun): Promise<GuestRunResult | { readonly notRun: string }> {
  const configuration = api.configure(api.rcarH3(), job.settings);
  const consoles = new Map<string, string>();
  const bench = api.bareGuest(`console=ttyAMA0 ${run.words}`, run.vcpus);
  let simulation: api.XenSimulation;
  try {
    simulation = api.createXenSimulation({
      configuration,
      guests: run.hog === true ? [bench, hog(configuration)] : [bench],
      disks: new Map([['bare:xvda', new api.MemoryDisk(new Uint8Array(run.diskBytes ?? DISK_BYTES))]]),
      measurePaths: run.paths === true,
      deadline: BigInt(LIMIT_SECONDS * configuration.board.tickHz),
      onConsole: (name, byte) => consoles.set(name, (consoles.get(name) ?? '') + String.fromCharCode(byte)),
      onGuestEnd: (name, outcome) => {
        if (name === bench.name) simulation.machine.stop(outcome);
      },
    });
  } catch (error) {
    // The null scheduler refuses more vCPUs than pCPUs, for one: not every circumstance goes with every design.
    if (error instanceof api.ToolsError) return { notRun: error.message };
    throw error;
  }
  try {
    const endTrace = job.trace === undefined ? undefined : api.streamTrace(simulation, job.trace);
    const outcome = simulation.requests.run();
    endTrace?.();
    const text = consoles.get(bench.name) ?? '';
    const lines = [...text.matchAll(/^bench: (.*?)\r?$/gm)].map((match) => match[1]!);
    const failure = /^bare: FAIL .*$/m.exec(text)?.[0];
    if (failure !== undefined || lines.at(-1) !== 'done' || outcome?.name !== 'poweroff') {
      const why =
        failure ?? `${outcome?.name ?? 'nothing more happens'}${outcome?.detail ? ` (${outcome.detail})` : ''}`;
      throw new BenchError(`${job.bench} ${describe(job)}: ${why}`);
    }
    const facts = await api.simulationFacts(simulation);
    const { tickHz, ticksPerCycle, timingTable, accuracyClass } = facts;
    const charged = simulation.machine.costs.used().map(({ name }) => name);
    const about = { placement: simulation.placement, charged, tickHz, ticksPerCycle, timingTable, accuracyClass };
    const descriptorReads = api.descriptorReads(simulation);
    return { lines, descriptorReads, cntfrqHz: configuration.board.timer.cntfrqHz, facts, about };
  } finally {
    simulation.close();
  }
}

/** A guest that spins where the driver domain runs. */
function hog(configuration: api.Configuration): api.GuestConfig {
  const { backend } = api.placementOf(configuration, 1);
  const config = api.bareGuest('console=ttyAMA0 bench=spin disk=none');
  return { ...config, name: 'hog', disks: [], cpus: backend === undefined ? undefined : [...backend] };
}

/** The circumstances of a job, for messages. */
export function describe({ settings, parameters }: BenchJob): string {
  return [...Object.entries(parameters).map(([key, value]) => `${key}=${value}`), ...settings].join(' ');
}
