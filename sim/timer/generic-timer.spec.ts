// Expected values: DDI 0487 D12.2.4 (timer condition), by hand.
import { expect, test } from 'vitest';
import { EventQueue } from '../machine/event-queue.js';
import { GenericTimer, timerCondition } from './generic-timer.js';

function bench(cores = 1) {
  const regs: Record<string, bigint> = {};
  const log: string[] = [];
  let local: bigint | undefined;
  const queue = new EventQueue({ tickHz: 5_990_400_000, ticksPerCount: 720, localTime: () => local });
  const timer = new GenericTimer({
    cores,
    readSysreg: (core, name) => regs[`${core}.${name}`] ?? 0n,
    localTicks: () => local ?? queue.time,
    clock: queue,
    line: (core, name) => {
      let level = false;
      return {
        name,
        set: (now) => {
          if (now !== level) log.push(`${core}.${name}=${now ? 1 : 0}@${queue.now()}`);
          level = now;
        },
      };
    },
  });
  return {
    queue,
    timer,
    log,
    at: (ticks: bigint) => (local = ticks),
    write(name: string, value: bigint, core = 0) {
      regs[`${core}.${name}`] = value;
      timer.recompute(core);
    },
  };
}

test('the line rises in the first tick at which the count has reached CVAL', () => {
  const { queue, write, log } = bench();
  write('CNTP_CVAL_EL0', 10n);
  write('CNTP_CTL_EL0', 1n);
  queue.dispatch(7199n);
  expect(log).toEqual([]);
  queue.dispatch(7200n);
  expect(log).toEqual(['0.cntp=1@7200']);
});

test('IMASK and ENABLE gate the line, ISTATUS ignores IMASK', () => {
  const { queue, timer, write, log } = bench();
  write('CNTV_CVAL_EL0', 1n);
  write('CNTV_CTL_EL0', 3n);
  queue.dispatch(100_000n);
  expect([log.length, timer.istatus(0, 'cntv')]).toEqual([0, true]);
  write('CNTV_CTL_EL0', 1n);
  write('CNTV_CTL_EL0', 0n);
  expect(log).toEqual(['0.cntv=1@100000', '0.cntv=0@100000']);
  expect(timer.istatus(0, 'cntv')).toBe(false);
});

test('CVAL moved forward drops the line and makes a new deadline', () => {
  const { queue, write, log } = bench();
  write('CNTHP_CTL_EL2', 1n);
  write('CNTHP_CVAL_EL2', 5n);
  queue.dispatch(4000n);
  expect(log).toEqual(['0.cnthp=1@0', '0.cnthp=0@0', '0.cnthp=1@3600']);
});

test('the virtual timer subtracts CNTVOFF_EL2', () => {
  const { queue, write, log } = bench();
  write('CNTVOFF_EL2', 100n);
  write('CNTV_CVAL_EL0', 10n);
  write('CNTV_CTL_EL0', 1n); // the virtual count is now 2^64 - 100: met, until it wraps
  queue.dispatch(200n * 720n);
  expect(log).toEqual(['0.cntv=1@0', `0.cntv=0@${100 * 720}`, `0.cntv=1@${110 * 720}`]);
});

test('day 29.99: exact to the tick where doubles of nanoseconds are not', () => {
  const { queue, write, log, at } = bench();
  const count = 21_558_251_520_000n; // 29.99 days of 86,400 s at 8.32 MHz
  at(count * 720n + 719n);
  write('CNTP_CVAL_EL0', count + 1n);
  write('CNTP_CTL_EL0', 1n);
  expect(log).toEqual([]);
  expect(queue.next()).toBe((count + 1n) * 720n);
  queue.dispatch((count + 1n) * 720n);
  expect(log).toEqual([`0.cntp=1@${(count + 1n) * 720n}`]);
});

test('unsigned comparison at the ends of the range', () => {
  const max = (1n << 64n) - 1n;
  expect(timerCondition(0n, 0n, 0n)).toEqual({ met: true, countsToChange: 1n << 64n });
  expect(timerCondition(5n, 0n, max)).toEqual({ met: false, countsToChange: max - 5n });
  expect(timerCondition(5n, 6n, max)).toEqual({ met: true, countsToChange: 1n });
  expect(timerCondition(1n << 63n, 0n, 1n)).toEqual({ met: true, countsToChange: 1n << 63n });
});

test('a CVAL of all ones schedules nothing', () => {
  const { queue, write } = bench();
  write('CNTP_CVAL_EL0', (1n << 64n) - 1n);
  write('CNTP_CTL_EL0', 1n);
  expect(queue.size).toBe(0);
});

test('cores and timers are independent', () => {
  const { queue, write, log } = bench(2);
  write('CNTP_CVAL_EL0', 2n, 1);
  write('CNTP_CTL_EL0', 1n, 1);
  write('CNTV_CVAL_EL0', 1n, 0);
  write('CNTV_CTL_EL0', 1n, 0);
  queue.dispatch(5000n);
  expect(log).toEqual(['0.cntv=1@720', '1.cntp=1@1440']);
});
