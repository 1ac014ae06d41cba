import {
  REPORT_SCHEMA,
  type Outcome,
  type Report,
  type ReportEntry,
  type ReportGuestError,
  type ReportKind,
  type ReportMemory,
  type ReportRegion,
  type ReportSample,
  type StepConfidence,
} from './data.js';
import type { ReportExposure } from './exposure.js';
import type { ReportVcpu } from './vcpu.js';

/** What a finished simulation says about itself. Plain data. */
export interface SimulationFacts {
  outcome: { name: Outcome; detail: string };
  testCode?: number;
  board: { name: string; model: string; placement: string; map: ReportRegion[] };
  accuracyClass: string;
  timingTable: string;
  tickHz: number;
  /** Base ticks per cycle by core name, e.g. `a57.0`. */
  ticksPerCycle: Record<string, number>;
  ticks: bigint;
  instructions: number;
  traceHash: string;
  traceEvents: number;
  vcpus: ReportVcpu[];
  timing: Record<string, ReportEntry>;
  sample: ReportSample | null;
  exposure: ReportExposure[];
  guestErrors: ReportGuestError[];
  memory: ReportMemory[];
  ioreq: { count: number; stage2Aborts: number; exceptions: Record<string, number>; kinds: ReportKind[] };
}

export interface RunFacts {
  command: string;
  settings: string[];
  exitCode: number;
  seconds: number;
  peakRssBytes: number;
  node: string;
}

/** Puts a report together; everything in it is JSON. */
export function buildReport(simulation: SimulationFacts, run: RunFacts): Report {
  const { ioreq } = simulation;
  return {
    schema: REPORT_SCHEMA,
    command: run.command,
    outcome: simulation.outcome.name,
    detail: simulation.outcome.detail,
    exitCode: run.exitCode,
    ...(simulation.testCode === undefined ? {} : { testCode: simulation.testCode }),
    board: { ...simulation.board, settings: run.settings },
    accuracy: { class: simulation.accuracyClass, timingTable: simulation.timingTable, shares: shares(ioreq.kinds) },
    host: {
      seconds: run.seconds,
      mips: run.seconds > 0 ? simulation.instructions / run.seconds / 1e6 : 0,
      peakRssBytes: run.peakRssBytes,
      node: run.node,
    },
    sim: {
      seconds: Number(simulation.ticks) / simulation.tickHz,
      ticks: Number(simulation.ticks),
      instructions: simulation.instructions,
    },
    trace: { hash: simulation.traceHash, events: simulation.traceEvents },
    vcpus: simulation.vcpus,
    timing: simulation.timing,
    sample: simulation.sample,
    exposure: simulation.exposure,
    guestErrors: simulation.guestErrors,
    memory: simulation.memory,
    ioreq: {
      count: ioreq.count,
      stage2Aborts: ioreq.stage2Aborts,
      exceptions: ioreq.exceptions,
      roundTrip: { tickHz: simulation.tickHz, ticksPerCycle: simulation.ticksPerCycle, kinds: ioreq.kinds },
    },
  };
}

/** Share of all round-trip time by how well founded it is; the shares sum to 1. */
function shares(kinds: readonly ReportKind[]): Partial<Record<StepConfidence, number>> {
  const total = kinds.reduce((sum, kind) => sum + kind.totalTicks, 0);
  const result: Partial<Record<StepConfidence, number>> = {};
  for (const step of kinds.flatMap((kind) => kind.steps)) {
    result[step.confidence] = (result[step.confidence] ?? 0) + step.ticks / total;
  }
  return result;
}
