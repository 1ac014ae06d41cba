/** `bench irq`: a disk's interrupt, from the line that the backend raises to the guest's end of interrupt; from the trace alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rcarH3, readTrace, type TraceRecord } from '../index.js';
import { runGuest } from './guest.js';
import { notRun } from './ioreq.js';
import type { BenchCase, BenchJob, BenchStep, JobResult } from './job.js';
import { guestCases } from './paths.js';

const [GICV_IAR, GICV_EOIR] = [0x00c, 0x010];
/** virtio 1.2, 4.2.2. */
const [INTERRUPT_STATUS, INTERRUPT_ACK] = ['0x060', '0x064'];

/** The pauses between the measured ones. */
const TIMER = 'INTID 27';

interface Path {
  readonly start: bigint;
  end: bigint;
  readonly tiles: { name: string; phase: string; cpu: number; cost: string; ticks: bigint }[];
}

export async function runIrq(job: BenchJob): Promise<JobResult> {
  const { rounds, gap, seed, state } = job.parameters;
  const folder = mkdtempSync(join(tmpdir(), 'rcar-sim-bench-'));
  try {
    const trace = job.trace ?? join(folder, 'trace');
    const sleep = state === 'sleeping' ? 1 : 0;
    const ran = await runGuest(
      { ...job, settings: ['board.schedule.quantum=200 ns', ...job.settings], trace },
      { words: `bench=irq rounds=${rounds} gap=${gap} seed=${seed} sleep=${sleep}`, vcpus: 1, paths: true },
    );
    if ('notRun' in ran) return notRun(ran.notRun);
    const names = Object.keys(ran.about.ticksPerCycle);
    const basis = (cost: string): BenchStep['confidence'] => confidenceOf(cost);
    const paths = [...irqPaths(readTrace(trace))];
    return { ...ran.about, cases: [...guestCases(ran, ` ${state}`), caseOf(`irq ${state}`, paths, names, basis)] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The weakest class of the timing entries that a step cites. */
function confidenceOf(cost: string): BenchStep['confidence'] {
  const table = rcarH3().timing as Readonly<Record<string, { confidence: BenchStep['confidence'] }>>;
  const found = cost.split('+').map((entry) => table[entry]?.confidence);
  return found.includes('guessed') ? 'guessed' : found.includes('derived') ? 'derived' : (found[0] ?? 'wait');
}

/**
 * Each interrupt of the ledger whose handler then ran: its steps up to the return into the guest, then what the guest does: the
 * vector and GICV_IAR, the handler with its two accesses that a backend serves, GICV_EOIR. Half-open intervals without gaps.
 */
function* irqPaths(records: Iterable<TraceRecord>): Generator<Path> {
  const { virtualCpuInterface } = rcarH3().gic;
  const iar = aliased(virtualCpuInterface!, GICV_IAR);
  const eoir = aliased(virtualCpuInterface!, GICV_EOIR);
  const open = new Map<number, Path>();
  /** The path that is in the guest, on which core, and the nested request that it waits for. */
  let current: { path: Path; core: number; at: 'entry' | 'handler'; nested: number } | undefined;
  const mark = (name: string, time: bigint, cpu: number): void => {
    const { path } = current!;
    path.tiles.push({ name, phase: 'guest', cpu, cost: '', ticks: time - path.end });
    path.end = time;
  };
  for (const { kind, core, time, fields } of records) {
    const request = Number(fields['request']);
    if (kind === 'Open') {
      if (fields['op'] === 'interrupt' && fields['register'] !== TIMER)
        open.set(request, { start: time, end: time, tiles: [] });
      const register = String(fields['register']);
      if (current?.at === 'handler' && [INTERRUPT_STATUS, INTERRUPT_ACK].includes(register)) {
        mark('handler', time, current.core);
        current.nested = request;
      }
    } else if (kind === 'Step') {
      const path = open.get(request);
      if (path === undefined) continue;
      const cpu = Number(fields['cpu']);
      const tile = { name: String(fields['step']), phase: String(fields['phase']), cost: String(fields['cost']) };
      path.tiles.push({ ...tile, cpu: cpu === 0xffff_ffff ? -1 : cpu, ticks: time - path.end });
      path.end = time;
    } else if (kind === 'Close') {
      const path = open.get(request);
      open.delete(request);
      if (path !== undefined && fields['abandoned'] !== 1) {
        const last = path.tiles.at(-1)?.cpu ?? -1;
        current = { path, core: last, at: 'entry', nested: 0 };
      } else if (current?.nested === request && request !== 0) {
        mark('device register', time, -1);
        current.nested = 0;
      }
    } else if (current !== undefined && core === current.core) {
      const address = Number(fields['paLo']);
      if (kind === 'MmioRead' && iar.has(address) && current.at === 'entry') {
        mark('acknowledge', time, core);
        current.at = 'handler';
      } else if (kind === 'MmioWrite' && eoir.has(address) && current.at === 'handler') {
        mark('handler', time, core);
        yield current.path;
        current = undefined;
      }
    }
  }
}

/** Where a register of GICV shows: its page, and the first page of each 64 KiB alias. */
function aliased({ base, size }: { base: number; size: number }, offset: number): Set<number> {
  const out = new Set<number>();
  for (let at = 0; at < size; at += 0x1000) out.add(base + at + offset);
  return out;
}

function caseOf(
  name: string,
  paths: readonly Path[],
  names: readonly string[],
  basis: (cost: string) => BenchStep['confidence'],
): BenchCase {
  const sums = new Map<string, { -readonly [K in keyof BenchStep]: BenchStep[K] }>();
  for (const { tiles } of paths) {
    for (const tile of tiles) {
      const cpu = names[tile.cpu] ?? '-';
      const key = `${tile.phase} ${tile.name} ${cpu}`;
      const confidence = tile.cost === '' ? (tile.cpu < 0 ? 'wait' : 'executed') : basis(tile.cost);
      const sum = sums.get(key) ?? { name: tile.name, phase: tile.phase, cpu, ticks: 0, confidence };
      sum.ticks += Number(tile.ticks);
      sums.set(key, sum);
    }
  }
  const totals = paths.map(({ start, end }) => Number(end - start)).sort((a, b) => a - b);
  const at = (share: number): number => totals[Math.max(0, Math.ceil(share * totals.length) - 1)] ?? 0;
  return {
    name,
    count: totals.length,
    totalTicks: totals.reduce((sum, ticks) => sum + ticks, 0),
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    max: at(1),
    steps: [...sums.values()],
  };
}
