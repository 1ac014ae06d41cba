/** The steps of a request tile it: recomputed from the trace file by code that knows nothing of the ledger (tiles.ts). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { rcarH3 } from '../../boards/index.js';
import { streamTrace } from '../../simulation.js';
import { bareRun, type BareRun, type BareRunOptions } from './run-bare.js';
import { readRounds, sumTiles, type Round, type Tile } from './tiles.js';

const folder = mkdtempSync(join(tmpdir(), 'tiles-'));
afterAll(() => rmSync(folder, { recursive: true }));

function traced(options: BareRunOptions): { sim: BareRun; rounds: Round[] } {
  const file = join(folder, 'run.trace');
  const sim = bareRun(options);
  const end = streamTrace(sim, file);
  sim.requests.run();
  end();
  return { sim, rounds: readRounds(file) };
}

test('steps tile each request, and their sums are what the report says', () => {
  for (const options of [{ words: 'reads=6 writes=3 depth=3', vcpus: 2 }, { words: 'reads=3 writes=0 poll=1' }]) {
    const { sim, rounds } = traced(options);
    const totals = sim.machine.ledger.totals();
    expect(rounds.length).toBe(totals.reduce((sum, group) => sum + group.count, 0));
    for (const { request, start, end, tiles } of rounds) {
      expect(tiles.length, `request ${request}`).toBeGreaterThan(5);
      let at = start;
      for (const { from, to } of tiles) {
        expect(from, `request ${request}`).toBe(at);
        expect(to >= from, `request ${request}`).toBe(true);
        at = to;
      }
      expect(at).toBe(end);
      expect([tiles[0]?.step, tiles.at(-1)?.step]).toEqual(['trap entry', 'eret']);
    }
    const ours = sumTiles(rounds);
    const theirs = new Map(
      totals.flatMap(({ kind, register, steps }) =>
        steps.map((s) => [`${kind} ${register} ${s.phase} ${s.name} ${s.cpu}`, s.ticks] as const),
      ),
    );
    expect(ours).toEqual(theirs);
    for (const { kind, register, totalTicks, count, max } of totals) {
      const mine = rounds.filter((r) => r.op === kind && r.register === register).map((r) => r.end - r.start);
      expect([mine.length, mine.reduce((a, b) => a + b, 0n), mine.reduce((a, b) => (a > b ? a : b))]).toEqual([
        count,
        totalTicks,
        max,
      ]);
    }
  }
});

test('a step that cites one entry in cycles is a multiple of it', () => {
  const { rounds } = traced({});
  const { timing, cores } = rcarH3();
  const table = timing as Readonly<Record<string, { value: number; unit: string }>>;
  let seen = 0;
  for (const { cost, cpu, from, to } of rounds.flatMap((r) => r.tiles)) {
    const entry = table[cost];
    if (entry === undefined || entry.unit !== 'cycles' || entry.value === 0 || cpu < 0) continue;
    seen++;
    expect([cost, Number(to - from) % (entry.value * cores[cpu]!.ticksPerCycle)]).toEqual([cost, 0]);
  }
  expect(seen).toBeGreaterThan(500);
});

test('a request that never completes is told apart', () => {
  const file = join(folder, 'crash.trace');
  const sim = bareRun();
  const end = streamTrace(sim, file);
  const request = sim.requests.runToRequest(({ slot }) => slot.direction === 'read')!;
  sim.requests.runUntil(() => sim.requests.readSlot(request.slotAddress).state === 'response');
  sim.machine.memory.write8(request.slotAddress + 30, 0x2f);
  sim.requests.run();
  sim.xen.abandonRequest(request.id);
  end();
  const last = readRounds(file).at(-1);
  expect([last?.request, last?.abandoned, sim.machine.ledger.abandoned]).toEqual([request.id, true, 1]);
});

/** Ticks and number of tiles of each kind, apart by whether they cite the entry. */
function byEntry(
  rounds: readonly Round[],
  cost: string,
): { citing: Map<string, [number, bigint]>; others: Map<string, [number, bigint]> } {
  const citing = new Map<string, [number, bigint]>();
  const others = new Map<string, [number, bigint]>();
  const add = (map: typeof citing, key: string, { from, to }: Tile): void => {
    const [n, ticks] = map.get(key) ?? [0, 0n];
    map.set(key, [n + 1, ticks + to - from]);
  };
  for (const { op, register, tiles } of rounds) {
    for (const tile of tiles)
      add(
        tile.cost.split('+').includes(cost) ? citing : others,
        `${op} ${register} ${tile.phase} ${tile.step} ${tile.cpu}`,
        tile,
      );
  }
  return { citing, others };
}

test('doubling one entry of the timing table changes the steps that cite it, and no others', () => {
  for (const cost of ['xen.slotWrite', 'xen.completion', 'domd.deviceRegister']) {
    const words = 'reads=3 writes=0';
    const { value } = (rcarH3().timing as Readonly<Record<string, { value: number }>>)[cost]!;
    const plain = byEntry(traced({ words }).rounds, cost);
    const doubled = byEntry(traced({ words, settings: [`${cost}=${2 * value}`] }).rounds, cost);
    expect(plain.citing.size).toBeGreaterThan(5);
    for (const [key, [count, ticks]] of plain.citing)
      expect([key, doubled.citing.get(key)]).toEqual([key, [count, 2n * ticks]]);
    expect(doubled.others).toEqual(plain.others);
  }
});
