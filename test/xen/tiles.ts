/** Round trips recomputed from a trace file alone: what the ledger says, without the ledger. */
import { readTrace } from '../../sim/trace/writer.js';

export interface Tile {
  readonly step: string;
  readonly phase: string;
  readonly cpu: number;
  readonly cost: string;
  readonly from: bigint;
  readonly to: bigint;
}

export interface Round {
  readonly request: number;
  readonly op: string;
  readonly register: string;
  readonly start: bigint;
  end: bigint;
  abandoned: boolean;
  readonly tiles: Tile[];
}

const NOBODY = 0xffff_ffff;

/** Every request of the file that ended, in the order of their ends. Throws when its records do not make sense. */
export function readRounds(path: string): Round[] {
  const open = new Map<number, Round>();
  const done: Round[] = [];
  for (const { kind, time, fields } of readTrace(path)) {
    if (kind !== 'Open' && kind !== 'Step' && kind !== 'Close') continue;
    const request = Number(fields['request']);
    const round = open.get(request);
    if (kind === 'Open') {
      if (round !== undefined) throw new Error(`request ${request} is opened twice`);
      open.set(request, {
        request,
        op: String(fields['op']),
        register: String(fields['register']),
        start: time,
        end: time,
        abandoned: false,
        tiles: [],
      });
      continue;
    }
    if (round === undefined) throw new Error(`${kind} of request ${request}, which is not open`);
    if (kind === 'Step') {
      const cpu = Number(fields['cpu']);
      round.tiles.push({
        step: String(fields['step']),
        phase: String(fields['phase']),
        cpu: cpu === NOBODY ? -1 : cpu,
        cost: String(fields['cost']),
        from: round.end,
        to: time,
      });
      round.end = time;
      continue;
    }
    round.abandoned = fields['abandoned'] === 1;
    if (!round.abandoned && time !== round.end)
      throw new Error(`request ${request} ends at ${time}, its last step at ${round.end}`);
    open.delete(request);
    done.push(round);
  }
  return done;
}

/** Ticks by `op register phase step cpu`, over all requests that completed. */
export function sumTiles(rounds: readonly Round[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { op, register, tiles, abandoned } of rounds) {
    for (const { step, phase, cpu, from, to } of abandoned ? [] : tiles) {
      const key = `${op} ${register} ${phase} ${step} ${cpu}`;
      sums.set(key, (sums.get(key) ?? 0n) + to - from);
    }
  }
  return sums;
}
