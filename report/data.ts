/**
 * The report of a run: what `--report FILE` holds, and all that tables and pages are made from. Stable: fields are added,
 * never changed; `schema` grows when one must be.
 */
import type { ReportExposure } from './exposure.js';
import type { ReportVcpu } from './vcpu.js';

export const REPORT_SCHEMA = 1;

export type Outcome = 'poweroff' | 'reboot' | 'expect' | 'panic' | 'crash' | 'timeout' | 'unmodelled' | 'interrupted';

/** How well founded a step's time is; `executed` is guest code run instruction by instruction, `wait` follows from others. */
export type StepConfidence = 'measured' | 'derived' | 'guessed' | 'executed' | 'wait';

export interface ReportStep {
  name: string;
  /** Part of the round trip: trap, send, wake, deliver, backend, respond, resume. */
  phase: string;
  /** Name of the core, e.g. a57.0, or `-` for a wait in which no core works. */
  cpu: string;
  /** Sum over all requests of the kind. */
  ticks: number;
  confidence: StepConfidence;
  /** Timing entries that it was charged under, joined by `+` where several made it as long as it is; see `timing`. */
  costs: string[];
}

/** A timing entry that a step cites. */
export interface ReportEntry {
  value: number;
  unit: string;
  low: number;
  high: number;
  confidence: 'measured' | 'derived' | 'guessed';
  source: string;
}

/** One request, as it went: the last kick of a queue, or the last request if there was none. */
export interface ReportSample {
  request: number;
  kind: string;
  register: string;
  start: number;
  /** Half-open intervals in order, without gaps; `cpu` and `cost` as in the steps. */
  intervals: { name: string; phase: string; cpu: string; start: number; end: number; cost: string }[];
}

/** A range of physical addresses. */
export interface ReportRegion {
  name: string;
  base: number;
  size: number;
  kind: 'memory' | 'device';
  /** Accesses that cores made. */
  accesses: number;
}

export interface ReportKind {
  /** Benchmarks measure other paths than those of backends too. */
  kind: 'notify' | 'read' | 'write' | 'hypercall' | 'emulated' | 'interrupt';
  register: string;
  count: number;
  steps: ReportStep[];
  /** Equals the sum of the steps' ticks exactly. */
  totalTicks: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
  /** How often a round trip took so many ticks, ascending; neighbours are put together to at most 256. */
  distribution: [ticks: number, count: number][];
}

export interface ReportGuestError {
  kind: string;
  device: string;
  count: number;
  /** The first one's detail. */
  detail: string;
}

/** What a domain with backends has spent on foreign pages, in pages of 4 KiB. */
export interface ReportMemory {
  domain: string;
  /** RAM that the domain owns at the end. */
  ram: number;
  /** Stage-2 tables at the end. */
  tables: number;
  /** Foreign pages mapped at the end, and at most. */
  mapped: number;
  peak: number;
  /** RAM pages given up to make room for foreign ones. */
  ballooned: number;
}

export interface Report {
  schema: typeof REPORT_SCHEMA;
  command: string;
  outcome: Outcome;
  /** One line that explains the outcome. */
  detail: string;
  exitCode: number;
  /** What an architecture test said at its end: code of its line `EXIT: STATUS=n`, n = (code << 1) | 1. 0 is success. */
  testCode?: number;
  board: { name: string; model: string; placement: string; settings: string[]; map: ReportRegion[] };
  accuracy: { class: string; timingTable: string; shares: Partial<Record<StepConfidence, number>> };
  host: { seconds: number; mips: number; peakRssBytes: number; node: string };
  sim: { seconds: number; ticks: number; instructions: number };
  trace: { hash: string; events: number };
  /** Of a run that was cut off (timeout, interrupted): what every vCPU of a guest stood at. Empty for other ends. */
  vcpus: ReportVcpu[];
  /** The timing entries behind the steps, by name. */
  timing: Record<string, ReportEntry>;
  sample: ReportSample | null;
  /** One for each disk of a guest. */
  exposure: ReportExposure[];
  guestErrors: ReportGuestError[];
  /** One for each domain with backends. */
  memory: ReportMemory[];
  ioreq: {
    count: number;
    /** Aborts in the device window, counted by the CPU; equals count plus the named exceptions. */
    stage2Aborts: number;
    exceptions: Record<string, number>;
    roundTrip: { tickHz: number; ticksPerCycle: Record<string, number>; kinds: ReportKind[] };
  };
}

/** Errors of a report's arithmetic, empty when it is sound. */
export function checkReport(report: Report): string[] {
  const faults: string[] = [];
  for (const kind of report.ioreq.roundTrip.kinds) {
    const label = `${kind.kind} ${kind.register}`;
    const sum = kind.steps.reduce((total, step) => total + step.ticks, 0);
    if (sum !== kind.totalTicks) faults.push(`${label}: steps sum to ${sum} ticks, total is ${kind.totalTicks}`);
    if (!Number.isSafeInteger(kind.totalTicks)) faults.push(`${label}: totalTicks is not an exact integer`);
  }
  return faults;
}
