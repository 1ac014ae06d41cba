import { boardFaults } from './board-faults.js';
import { issueLines } from './board-issues.js';
import { boardSchema, type BoardData, type BoardInput, type ClusterData } from './schema.js';
import type { TimingTable } from './timing.js';
import { lcm } from './units.js';

/** One core of the board, in the order of machine core indices (cluster by cluster). */
export interface BoardCore {
  readonly index: number;
  readonly cluster: ClusterData;
  readonly clusterIndex: number;
  /** Affinity fields only; MPIDR_EL1 reads with bit 31 set. */
  readonly mpidr: number;
  readonly gicInterface: number;
  /** Overflow interrupt of the performance monitors. */
  readonly pmuIntid: number | undefined;
  readonly ticksPerCycle: number;
}

/** A checked, frozen board: the description plus what follows from it. */
export interface Board extends Omit<BoardData, 'timing'> {
  readonly timing: TimingTable;
  /** Base ticks per second. Every clock of the board divides it. */
  readonly tickHz: number;
  /** Base ticks per CNTPCT increment. */
  readonly ticksPerCount: number;
  readonly cores: readonly BoardCore[];
}

/** A board that cannot be built; one line per fault, each beginning with the property's path. */
export class BoardError extends Error {
  constructor(
    readonly board: string,
    readonly faults: readonly string[],
  ) {
    super(`board ${board}: ${faults.length === 1 ? '' : `${faults.length} faults\n  `}${faults.join('\n  ')}`);
    this.name = 'BoardError';
  }
}

const MAX_TICK_HZ = 1_000_000_000_000n;

/**
 * Checks a description and derives tick, core list and divisors.
 * Throws BoardError with every fault found, not only the first.
 */
export function createBoard(input: BoardInput): Board {
  const label = typeof input?.name === 'string' ? input.name : '(unnamed)';
  const parsed = boardSchema.safeParse(input);
  if (!parsed.success)
    throw new BoardError(
      label,
      parsed.error.issues.flatMap((issue) => issueLines(issue, input)),
    );
  const data = parsed.data;
  const faults = boardFaults(data);
  const tick = baseTick(data, faults);
  if (faults.length > 0) throw new BoardError(label, faults);
  const cores: BoardCore[] = [];
  data.clusters.forEach((cluster, clusterIndex) => {
    for (const core of cluster.cores) {
      cores.push({
        index: cores.length,
        cluster,
        clusterIndex,
        mpidr: core.mpidr,
        gicInterface: core.gicInterface,
        pmuIntid: core.pmuIntid,
        ticksPerCycle: tick / cluster.clockHz,
      });
    }
  });
  return deepFreeze({
    ...data,
    timing: data.timing as TimingTable,
    tickHz: tick,
    ticksPerCount: tick / data.timer.cntfrqHz,
    cores,
  });
}

/** The description a board was made from, without what was derived; a valid input of createBoard. */
export function boardData(board: Board): BoardData {
  const { tickHz: _tickHz, ticksPerCount: _ticksPerCount, cores: _cores, ...data } = board;
  return structuredClone(data) as BoardData;
}

function baseTick(data: BoardData, faults: string[]): number {
  const clocks = [...data.clusters.map((cluster) => cluster.clockHz), data.timer.cntfrqHz];
  if (data.tick === 'auto') {
    const tick = clocks.reduce((all, hz) => lcm(all, BigInt(hz)), 1n);
    if (tick > MAX_TICK_HZ) {
      faults.push(`tick: the clocks ${clocks.join(', ')} Hz share no base tick below 1000 GHz, choose rounder ones`);
      return 0;
    }
    return Number(tick);
  }
  const tick = data.tick;
  data.clusters.forEach((cluster, index) => {
    if (tick % cluster.clockHz !== 0) {
      faults.push(
        `clusters[${index}].clockHz: the base tick of ${tick} Hz is no multiple of ${cluster.clockHz} Hz, use tick: 'auto'`,
      );
    }
  });
  if (tick % data.timer.cntfrqHz !== 0) {
    faults.push(
      `timer.cntfrqHz: the base tick of ${tick} Hz is no multiple of ${data.timer.cntfrqHz} Hz, use tick: 'auto'`,
    );
  }
  return tick;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
