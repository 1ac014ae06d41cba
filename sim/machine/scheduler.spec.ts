import { expect, test } from 'vitest';
import type { SliceOutcome } from './el2.js';
import { Scheduler, type ScheduledCore } from './scheduler.js';
import { NEVER } from './time.js';

interface Fake {
  readonly scheduler: Scheduler;
  readonly log: string[];
  readonly cores: ScheduledCore[];
}

/** Cores that run `step` cycles between check points; `act` is called at each check point and may end the slice. */
function fake(
  ticksPerCycle: number[],
  act: (core: ScheduledCore, fake: Fake) => SliceOutcome | undefined,
  extra: { quantum?: bigint; syncWindow?: bigint; inFlight?: () => boolean; step?: number } = {},
): Fake {
  const cores = ticksPerCycle.map((ticks, index) => ({ index, ticksPerCycle: ticks, cycles: 0, limit: 0 }));
  const log: string[] = [];
  const slice = (core: ScheduledCore): SliceOutcome => {
    const from = core.cycles;
    let outcome: SliceOutcome = 'ran';
    while (core.cycles < core.limit) {
      core.cycles += extra.step ?? 1;
      const acted = act(core, self);
      if (acted !== undefined) {
        outcome = acted;
        break;
      }
    }
    log.push(`${core.index}:${from}-${core.cycles}${outcome === 'ran' ? '' : ` ${outcome}`}`);
    return outcome;
  };
  const scheduler = new Scheduler(cores, slice, {
    tickHz: 5_990_400_000,
    ticksPerCount: 720,
    quantum: extra.quantum ?? 100n,
    syncWindow: extra.syncWindow ?? 20n,
    soloQuantum: 1000n,
    requestInFlight: extra.inFlight ?? (() => false),
  });
  const self = { scheduler, log, cores };
  return self;
}

test('busy cores share a quantum; each runs its own cycles to the same time', () => {
  const { scheduler, log } = fake([4, 5], () => undefined);
  scheduler.round(NEVER);
  scheduler.round(NEVER);
  expect(log).toEqual(['0:0-25', '1:0-20', '0:25-50', '1:20-40']);
  expect(scheduler.base).toBe(200n);
});

test('the quantum is the sync window while a request is in flight, and long for an only busy core', () => {
  let inFlight = true;
  const { scheduler, log } = fake([1, 1], (core) => (core.index === 1 && core.cycles >= 30 ? 'idle' : undefined), {
    inFlight: () => inFlight,
  });
  scheduler.round(NEVER);
  inFlight = false;
  scheduler.round(NEVER);
  scheduler.round(NEVER);
  expect(log).toEqual(['0:0-20', '1:0-20', '0:20-120', '1:20-30 idle', '0:120-1120']);
});

test('a slice ends at the next event, which runs at its own time', () => {
  const f = fake([4], () => undefined);
  const seen: bigint[] = [];
  f.scheduler.queue.event('e', () => seen.push(f.scheduler.queue.now())).scheduleAt(42n);
  f.scheduler.round(NEVER);
  expect(f.log).toEqual(['0:0-11']); // 42 / 4 rounded up
  expect(seen).toEqual([42n]);
  expect(f.scheduler.base).toBe(42n);
});

test('an event posted earlier shortens the slices of the running core and of those after it', () => {
  const f = fake([1, 1, 1], (core, { scheduler }) => {
    if (core.index === 1 && core.cycles === 30) event.scheduleAt(scheduler.queue.now() + 10n);
    return undefined;
  });
  const event = f.scheduler.queue.event('e', () => f.log.push(`e@${f.scheduler.queue.now()}`));
  f.scheduler.round(NEVER);
  expect(f.log).toEqual(['0:0-100', '1:0-40', '2:0-40', 'e@40']);
  f.scheduler.round(NEVER);
  expect(f.log.slice(4)).toEqual(['0:100-140', '1:40-140', '2:40-140']);
});

test('a core woken by another starts at the time of the wake, and the waker stops there', () => {
  const f = fake([1, 1], (core, { scheduler }) => {
    if (core.index === 1 && core.cycles === 1) return 'idle';
    if (core.index === 0 && core.cycles === 150) scheduler.wake(1);
    return undefined;
  });
  f.scheduler.round(NEVER);
  f.scheduler.round(NEVER);
  expect(f.log).toEqual(['0:0-100', '1:0-1 idle', '0:100-150']);
  expect(f.cores[1]?.cycles).toBe(150);
  f.scheduler.round(NEVER);
  expect(f.log.slice(3)).toEqual(['0:150-250', '1:150-250']);
});

test('all idle: time jumps to the next event; with none, it waits', () => {
  const f = fake([4], () => 'idle');
  f.scheduler.round(NEVER);
  const event = f.scheduler.queue.event('alarm', () => f.scheduler.wake(0));
  event.scheduleAt(4_000_000_002n);
  expect(f.scheduler.round(NEVER)).toBe('ran');
  expect(f.cores[0]?.cycles).toBe(1_000_000_001);
  f.scheduler.round(NEVER);
  expect(f.scheduler.round(NEVER)).toBe('waiting');
});

test('a wake-up of the running core keeps it from idling', () => {
  const f = fake([1], (core, { scheduler }) => {
    if (core.cycles === 5) {
      scheduler.wake(0);
      return 'idle';
    }
    return undefined;
  });
  f.scheduler.round(100n);
  f.scheduler.round(200n);
  expect(f.log).toEqual(['0:0-5 idle', '0:5-200']);
});

test('stop ends the round at the next check point; later cores do not run', () => {
  const f = fake([1, 1], (core, { scheduler }) => {
    if (core.cycles === 7) scheduler.stop();
    return undefined;
  });
  expect(f.scheduler.round(NEVER)).toBe('stopped');
  expect(f.log).toEqual(['0:0-7']);
});

test('no round goes past its end', () => {
  const f = fake([3], () => undefined);
  f.scheduler.round(10n);
  expect([f.scheduler.base, f.cores[0]?.cycles]).toEqual([10n, 4]);
});

test('day 29.99: local times beyond 2^53 ticks are exact', () => {
  const f = fake([4], () => undefined);
  const core = f.cores[0] as ScheduledCore;
  core.cycles = 3_880_485_273_600_000; // 29.99 days at 1497.6 MHz
  f.scheduler.queue.dispatch(15_521_941_094_400_000n);
  const seen: bigint[] = [];
  f.scheduler.load({ ...f.scheduler.save(), base: '15521941094400000' });
  f.scheduler.queue.event('e', () => seen.push(f.scheduler.queue.now())).scheduleAt(15_521_941_094_400_007n);
  f.scheduler.round(NEVER);
  expect(core.cycles).toBe(3_880_485_273_600_002);
  expect(seen).toEqual([15_521_941_094_400_007n]);
});

test('equal runs are equal whatever the host does between rounds', () => {
  const run = (chunks: number) => {
    let x = 1;
    const f = fake([4, 5, 4], (_core, { scheduler }) => {
      x = (Math.imul(x, 1103515245) + 12345) >>> 0;
      if (x % 97 === 0) event.scheduleAt(scheduler.queue.now() + BigInt(x % 50));
      if (x % 101 === 0) scheduler.wake(x % 3);
      return x % 89 === 0 ? 'idle' : undefined;
    });
    const event = f.scheduler.queue.event('e', () => [0, 1, 2].forEach((core) => f.scheduler.wake(core)));
    const tick = f.scheduler.queue.event('tick', () => {
      f.scheduler.wake(0);
      tick.scheduleAt(f.scheduler.queue.now() + 333n);
    });
    tick.scheduleAt(333n);
    for (let i = 0; i < 200; i++) {
      f.scheduler.round(NEVER);
      for (let c = 0; c < chunks; c++) f.scheduler.load(JSON.parse(JSON.stringify(f.scheduler.save())));
    }
    return f.log;
  };
  expect(run(1)).toEqual(run(0));
});
