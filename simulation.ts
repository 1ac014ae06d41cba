import { timingTableHash, type Configuration } from './boards/keys.js';
import type { SimulationFacts } from './report/build.js';
import type { ReportExposure } from './report/exposure.js';
import type { ReportVcpu } from './report/vcpu.js';
import type {
  ReportEntry,
  ReportKind,
  ReportMemory,
  ReportRegion,
  ReportSample,
  StepConfidence,
} from './report/data.js';
import { createFlatMachine, type FlatMachineOptions } from './sim/machine/flat.js';
import type { Machine, TimingChoice } from './sim/machine/machine.js';
import { CORE_BASE, CORE_STRIDE, CORE_WALK_READS, CORE_WINDOW_ABORTS } from './sim/wasm/layout.js';
import type { StepTotal } from './sim/trace/ledger.js';
import { percentiles } from './sim/trace/percentiles.js';
import { RECORD_WORDS } from './sim/trace/record.js';
import { jsonLine, TraceDecoder, writeTrace } from './sim/trace/writer.js';

/** A machine with what it was made from: the thing that the command line and library users run. */
export interface Simulation {
  readonly machine: Machine;
  readonly configuration: Configuration;
  /** Where guests and backends run, for people. */
  readonly placement: string;
  /** Where the user's keys go. */
  readonly keyboardConsole: string;
  /** Name of a device register as the ledger has it, for people. */
  registerName?(register: string): string;
  /** Aborts in the device window that became no request, by what they became. */
  windowExceptions?(): Record<string, number>;
  /** Sets the pattern that ends the run well; any guest's console line counts. */
  expect(pattern: RegExp): void;
  /** n of the program's line `EXIT: STATUS=n`, (code << 1) | 1, if it has written one. */
  testStatus?(): number | undefined;
  /** What the guests' vCPUs stand at and wait for. */
  vcpus?(): ReportVcpu[];
  /** What of the guests' memory their backends could reach, mapped and touched. */
  exposure?(): ReportExposure[];
  /** What the domains with backends have spent on the guests' pages. */
  memory?(): ReportMemory[];
  /** What the user should know about how the run went, one line each. */
  warnings?(): string[];
  /** Releases what belongs to the host (disk files). Errors that appear only now are thrown. */
  close(): void;
}

export interface BareOptions extends Omit<FlatMachineOptions, 'board'> {
  readonly configuration: Configuration;
}

/** A program on the bare flat board, without Xen. Throws LoadError or FormatError for files that do not fit. */
export function createBareSimulation(options: BareOptions): Simulation {
  return bothEngines(options, createWithEngine);
}

/**
 * Makes a simulation; with `cpu.engine=both` two, with the translator and with the interpreter, of which the second runs
 * in step with the first, silently. The first is returned.
 */
export function bothEngines<O extends { readonly configuration: Configuration }, S extends Simulation>(
  options: O,
  create: (options: O) => S,
): S {
  const { configuration } = options;
  if (configuration.design['cpu.engine'] !== 'both') return create(options);
  const withEngine = (engine: 'interpreter' | 'translator'): O => ({
    ...options,
    configuration: { ...configuration, design: { ...configuration.design, 'cpu.engine': engine } },
    snapshotDisk: true,
  });
  const first = create(withEngine('translator'));
  const silent = { onConsole: () => {}, onGuestError: () => {}, onGuestEnd: () => {}, warn: () => {} };
  const second = create({ ...withEngine('interpreter'), ...silent });
  first.machine.inStepWith(second.machine);
  return {
    ...first,
    configuration,
    close: () => {
      first.close();
      second.close();
    },
  };
}

function createWithEngine(options: BareOptions): Simulation {
  const { configuration, ...rest } = options;
  const { board, design } = configuration;
  const engine = design['cpu.engine'] === 'translator' ? 'translator' : 'interpreter';
  const { machine } = createFlatMachine({ ...rest, board, engine, timing: timingChoice(design) });
  return {
    machine,
    configuration,
    placement: `bare on ${board.cores.length} core${board.cores.length === 1 ? '' : 's'}, entered at EL${board.firmware.entryLevel}`,
    keyboardConsole: board.console,
    expect: (pattern) => {
      machine.serial.console().expect = pattern;
    },
    testStatus: () => machine.serial.console().testStatus,
    close: () => {},
  };
}

/** How a machine is told the cost model of its cores. */
export function timingChoice(design: Configuration['design']): TimingChoice {
  return { cpu: design['timing.cpu'], from: design['timing.from'] };
}

/** What executes guest instructions: regions know fixed costs only, so other cost models have the interpreter. */
export function engineOf(design: Configuration['design']): 'interpreter' | 'translator' {
  return design['cpu.engine'] === 'interpreter' || design['timing.cpu'] !== 'functional' ? 'interpreter' : 'translator';
}

/** Names of the cores by machine index: `a57.0` is core 0 of cluster a57. */
export function coreNames({ machine }: Pick<Simulation, 'machine'>): string[] {
  const seen = new Map<string, number>();
  return machine.board.cores.map(({ cluster }) => {
    const index = seen.get(cluster.name) ?? 0;
    seen.set(cluster.name, index + 1);
    return `${cluster.name}.${index}`;
  });
}

/** Streams the trace of a simulation to a file from now on; returns the function that ends it. */
export function streamTrace(simulation: Simulation, path: string): () => void {
  const { trace, board } = simulation.machine;
  return writeTrace(trace, path, {
    tickHz: board.tickHz,
    ticksPerCycle: board.cores.map((core) => core.ticksPerCycle),
  });
}

/** The newest records of the trace as lines, oldest first. */
export function traceTail(simulation: Simulation, count: number): string[] {
  const { trace } = simulation.machine;
  const words = trace.tail(count);
  const decoder = new TraceDecoder(trace.definitions());
  const lines: string[] = [];
  for (let at = 0; at < words.length; at += RECORD_WORDS) {
    const record = decoder.decode(words, at);
    if (record !== undefined) lines.push(jsonLine(record));
  }
  return lines;
}

/** What a finished run says about itself, as plain data for reports. */
export async function simulationFacts(simulation: Simulation): Promise<SimulationFacts> {
  const { machine, configuration } = simulation;
  const { board } = machine;
  const names = coreNames(simulation);
  const totals = machine.ledger.totals();
  const kinds: ReportKind[] = [];
  for (const group of totals) {
    kinds.push({
      kind: group.kind,
      register: simulation.registerName?.(group.register) ?? group.register,
      count: group.count,
      steps: group.steps.map((step) => ({
        name: step.name,
        phase: step.phase,
        cpu: names[step.cpu] ?? '-',
        ticks: Number(step.ticks),
        confidence: stepConfidence(machine, step),
        costs: [...step.costs],
      })),
      totalTicks: Number(group.totalTicks),
      ...(await percentiles(group)),
      distribution: binned(group.distribution),
    });
  }
  const { outcome } = machine;
  const status = simulation.testStatus?.();
  const { name, detail } = outcome ?? { name: 'interrupted', detail: 'the run did not end' };
  return {
    outcome: { name, detail: status === undefined ? detail : `${detail}; EXIT: STATUS=${status}, code ${status >> 1}` },
    ...(status === undefined ? {} : { testCode: status >> 1 }),
    board: { name: board.name, model: board.model, placement: simulation.placement, map: addressMap(machine) },
    accuracyClass: configuration.design['timing.cpu'],
    timingTable: timingTableHash(board),
    tickHz: board.tickHz,
    ticksPerCycle: Object.fromEntries(
      board.cores.map((core, index) => [names[index] ?? String(index), core.ticksPerCycle]),
    ),
    ticks: endTime(machine),
    instructions: machine.instructions,
    traceHash: machine.hash(),
    traceEvents: machine.trace.events,
    vcpus: outcome?.name === 'timeout' || outcome?.name === 'interrupted' ? (simulation.vcpus?.() ?? []) : [],
    timing: citedEntries(machine, kinds),
    sample: sampleOf(simulation, names),
    exposure: simulation.exposure?.() ?? [],
    guestErrors: machine.errors
      .list()
      .map(({ kind, device, count, first }) => ({ kind, device, count, detail: first })),
    memory: simulation.memory?.() ?? [],
    ioreq: {
      count: totals.reduce((sum, group) => sum + group.count, 0),
      stage2Aborts: counter(machine, CORE_WINDOW_ABORTS),
      exceptions: simulation.windowExceptions?.() ?? {},
      kinds,
    },
  };
}

/** The timing entries that steps cite, by name in alphabetical order. */
function citedEntries({ board }: Machine, kinds: readonly ReportKind[]): Record<string, ReportEntry> {
  const names = new Set(kinds.flatMap(({ steps }) => steps.flatMap(({ costs }) => costs)));
  return Object.fromEntries(
    [...names].sort().flatMap((name): [string, ReportEntry][] => {
      const entry = board.timing[name as keyof typeof board.timing];
      return entry === undefined ? [] : [[name, { ...entry }]];
    }),
  );
}

function sampleOf({ machine, registerName }: Simulation, names: readonly string[]): ReportSample | null {
  const { sample } = machine.ledger;
  if (sample === undefined) return null;
  return {
    request: sample.id,
    kind: sample.kind,
    register: registerName?.(sample.register) ?? sample.register,
    start: Number(sample.start),
    intervals: sample.intervals.map(({ name, phase, cpu, start, end, cost }) => ({
      name,
      phase,
      cpu: names[cpu] ?? '-',
      start: Number(start),
      end: Number(end),
      cost,
    })),
  };
}

/** RAM and devices by address, with the accesses that cores made to devices. */
function addressMap({ board, bus }: Machine): ReportRegion[] {
  const memory = board.memory.map(({ name, base, size }): ReportRegion => ({
    name,
    base,
    size,
    kind: 'memory',
    accesses: 0,
  }));
  const devices = bus.regions.map(({ device, base, end, reads, writes }): ReportRegion => ({
    name: device.name,
    base,
    size: end - base,
    kind: 'device',
    accesses: reads + writes,
  }));
  return [...memory, ...devices].sort((a, b) => a.base - b.base);
}

const MAX_BINS = 256;

/** At most 256 pairs: beyond, those of intervals of equal width are put together under the least of them. */
function binned(distribution: readonly (readonly [ticks: number, count: number])[]): [number, number][] {
  if (distribution.length <= MAX_BINS) return distribution.map(([ticks, count]) => [ticks, count]);
  const low = distribution[0]?.[0] ?? 0;
  const width = ((distribution.at(-1)?.[0] ?? 0) - low + 1) / MAX_BINS;
  const bins = new Map<number, [number, number]>();
  for (const [ticks, count] of distribution) {
    const at = Math.floor((ticks - low) / width);
    const bin = bins.get(at);
    if (bin === undefined) bins.set(at, [ticks, count]);
    else bin[1] += count;
  }
  return [...bins.values()];
}

/** Time of the farthest core: the one that ended the run is ahead of what all have reached. */
function endTime(machine: Machine): bigint {
  return machine.cores.reduce((latest, core) => {
    const time = BigInt(core.cycles) * BigInt(core.ticksPerCycle);
    return time > latest ? time : latest;
  }, machine.time);
}

/** Descriptors that the cores' translation walks have read so far, in both stages. */
export function descriptorReads({ machine }: Simulation): number {
  return counter(machine, CORE_WALK_READS);
}

/** Sum over the cores of a 32-bit counter that the CPU kernel keeps. */
function counter(machine: Machine, offset: number): number {
  return machine.cores.reduce(
    (sum, core) => sum + (machine.kernel.u32[(CORE_BASE + core.index * CORE_STRIDE + offset) >>> 2] ?? 0),
    0,
  );
}

/** The weakest of the entries a step cites; a step that cites none is executed code, or a wait if no core works on it. */
function stepConfidence(machine: Machine, step: StepTotal): StepConfidence {
  const order: readonly StepConfidence[] = ['measured', 'derived', 'guessed'];
  if (step.costs.length === 0) return step.cpu < 0 ? 'wait' : 'executed';
  const ranks = step.costs.map((cost) => order.indexOf(machine.costs.confidence(cost)));
  return order[Math.max(...ranks)] ?? 'guessed';
}
