/** Runs what the rows of the judgement table need, and looks figures up in it. */
import * as api from '../../index.js';
import { runIoreq } from '../ioreq.js';
import { nativeConfiguration, runNativeGuest } from '../native.js';
import { runPath } from '../paths.js';
import type { BenchJob } from '../job.js';
import { nullSystemCall } from './linux.js';
import { coldWalkReads } from './walk.js';

type Cluster = 'a57' | 'a53';

/** Firmware calls on each trap came after the published figures. */
const UNMITIGATED = 'xen.hardening=off';

export class Measured {
  #hypervisor = new Map<string, number>();
  readonly #systemCalls = new Map<Cluster, number>();
  #roundTrip: number | undefined;
  #walkReads: number | undefined;
  readonly #cores = new Map<Cluster, Map<string, number>>();
  readonly #clockHz = new Map<Cluster, number>();
  accuracyClass = '';

  /** Runs all of it. Throws BenchError. */
  static async all(
    settings: readonly string[],
    linux: Uint8Array | undefined,
    onDone: (count: number) => void = () => {},
  ): Promise<Measured> {
    const m = new Measured();
    const configuration = api.configure(api.rcarH3(), settings);
    m.accuracyClass = configuration.design['timing.cpu'];
    let done = 0;
    const step = (): void => onDone(++done);
    for (const cluster of ['a57', 'a53'] as const) {
      const clockHz = configuration.board.clusters.find(({ name }) => name === cluster)?.clockHz;
      if (clockHz === undefined) continue;
      m.#clockHz.set(cluster, clockHz);
      const { lines } = runNativeGuest(
        { bench: `calibrate ${cluster}`, settings, parameters: {} },
        nativeConfiguration(cluster, settings),
        'bench=core rounds=20',
      );
      m.#cores.set(cluster, each(lines));
      step();
    }
    const job = (bench: string, parameters: BenchJob['parameters']): BenchJob => {
      return { bench, settings: [...settings, UNMITIGATED], parameters };
    };
    for (const bench of ['hypercall', 'vgic', 'eoi', 'ipi']) {
      const { cases, tickHz } = await runPath(job(bench, { rounds: 100, state: 'running' }));
      const seen = cases.find(({ asGuestSees }) => asGuestSees === true);
      const clockHz = m.#clockHz.get('a57') ?? 0;
      if (seen !== undefined)
        m.#hypervisor.set(seen.name.split(' ')[0]!, ((seen.totalTicks / seen.count) * clockHz) / tickHz);
      step();
    }
    const parameters = { target: 'idle', vcpus: 1, rounds: 10, gap: 150_000, seed: 1 };
    const { cases, tickHz } = await runIoreq({ bench: 'ioreq', settings, parameters });
    const [read] = cases;
    if (read !== undefined) m.#roundTrip = (read.totalTicks / read.count / tickHz) * 1e6;
    step();
    for (const cluster of ['a57', 'a53'] as const) {
      if (linux !== undefined) m.#systemCalls.set(cluster, nullSystemCall(cluster, settings, linux));
      step();
    }
    m.#walkReads = await coldWalkReads(settings);
    step();
    return m;
  }

  /** How often `onDone` of `all` is called. */
  static readonly STEPS = 10;

  /** Cycles of one operation. */
  core(cluster: Cluster, name: string): number | undefined {
    return this.#cores.get(cluster)?.get(name);
  }

  nanoseconds(cluster: Cluster, name: string): number | undefined {
    const cycles = this.core(cluster, name);
    const clockHz = this.#clockHz.get(cluster);
    return cycles === undefined || clockHz === undefined ? undefined : (cycles / clockHz) * 1e9;
  }

  /** GB/s of one core. */
  bandwidth(cluster: Cluster, name: string): number | undefined {
    const ns = this.nanoseconds(cluster, name);
    return ns === undefined ? undefined : 1 / ns;
  }

  /** Half of the random branches go the other way than the predictor thinks; the work around them is the same. */
  mispredict(cluster: Cluster): number | undefined {
    const random = this.core(cluster, 'branch random');
    const never = this.core(cluster, 'branch never');
    return random === undefined || never === undefined ? undefined : (random - never) * 2;
  }

  ratio(a: number | undefined, b: number | undefined): number | undefined {
    return a === undefined || b === undefined || b === 0 ? undefined : a / b;
  }

  /** A57 cycles under Xen without the firmware's mitigation. */
  hypervisor(name: string): number | undefined {
    return this.#hypervisor.get(name);
  }

  /** Cycles of a Linux system call that does nothing. */
  systemCall(cluster: Cluster): number | undefined {
    return this.#systemCalls.get(cluster);
  }

  /** Microseconds of a read that a backend emulates. */
  roundTrip(): number | undefined {
    return this.#roundTrip;
  }

  walkReads(): number | undefined {
    return this.#walkReads;
  }
}

/** `NAME COUNT TICKS` as ticks of one. */
function each(lines: readonly string[]): Map<string, number> {
  return new Map(
    lines.flatMap((line) => {
      const match = /^(.+) (\d+) (\d+)$/.exec(line);
      return match === null ? [] : [[match[1]!, Number(match[3]) / Number(match[2])] as const];
    }),
  );
}
