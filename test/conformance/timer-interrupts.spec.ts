/**
 * Timer interrupts of whole machines: the PPI's level, the moment at which it rises, WFI (DDI 0487 D11.2.4, D1.6
 * "Wait For Interrupt"). Levels are read from the distributor's GICD_PPISR (GIC-400 TRM 3.2).
 */
import { describe, expect, test } from 'vitest';
import { configure, rcarH3 } from '../../boards/index.js';
import { createFlatMachine, type FlatMachineOptions } from '../../sim/machine/flat.js';
import { hvc, Program, smc, type SysregName, WFI } from '../support/a64.js';

const BASE = 0x4008_0000;
const RESULTS = 0x4100_0000;
const SYSTEM_OFF = 0x8400_0008;
const GICD = 0x0800_0000;
const GICC = 0x0801_0000;

function run(p: Program, options: Partial<FlatMachineOptions> = {}) {
  const { machine } = createFlatMachine({ kernel: p.bytes(), deadline: 1_000_000_000n, ...options });
  while (machine.run() === 'more');
  const result = (n: number) => machine.memory.read64(RESULTS + 8 * n);
  return { machine, outcome: machine.outcome?.name, result };
}

/** A flat program that keeps the results' address in x28. */
const program = () => new Program(BASE).mov(28, RESULTS);
/** At EL2 the firmware is behind SMC; a flat board at EL1 conducts HVC. */
const off = (p: Program, el = 1) => p.mov(0, SYSTEM_OFF).put(el === 2 ? smc(0) : hvc(0));

/** Enables a PPI and lets it reach the core; PSTATE.I stays set, so nothing is taken. */
const openGic = (p: Program, intid: number) =>
  p
    .poke(GICD, 1)
    .poke(GICD + 0x100, 2 ** intid)
    .poke(GICC + 4, 0xff)
    .poke(GICC, 1);

const TIMERS = [
  { ctl: 'CNTP_CTL_EL0', cval: 'CNTP_CVAL_EL0', count: 'CNTPCT_EL0', intid: 30, el: 1 },
  { ctl: 'CNTV_CTL_EL0', cval: 'CNTV_CVAL_EL0', count: 'CNTVCT_EL0', intid: 27, el: 1 },
  { ctl: 'CNTHP_CTL_EL2', cval: 'CNTHP_CVAL_EL2', count: 'CNTPCT_EL0', intid: 26, el: 2 },
] as const;

/** x20 = GICD_PPISR, stored as result n. */
const ppisr = (p: Program, n: number) =>
  p
    .mov(19, GICD + 0xd00)
    .ldrw(20, 19)
    .str(20, 28, 8 * n);
const set = (p: Program, name: SysregName, value: number | bigint) => p.mov(3, value).msr(name, 3);

describe.each(TIMERS)('$ctl', ({ ctl, cval, count, intid, el }) => {
  test('the level follows ENABLE, IMASK and the condition, whichever changes', () => {
    const p = program();
    const steps: readonly (readonly [SysregName, number | bigint, boolean])[] = [
      [cval, 0, false],
      [ctl, 1, true],
      [ctl, 3, false],
      [ctl, 1, true],
      [cval, 1n << 62n, false],
      [cval, 0, true],
      [ctl, 2, false],
      [ctl, 1, true],
      [ctl, 0, false],
    ];
    steps.forEach(([name, value], n) => ppisr(set(p, name, value), n));
    const { outcome, result } = run(off(p, el), { el });
    expect(outcome).toBe('poweroff');
    const bit = 1n << BigInt(intid - 16);
    expect(steps.map((_, n) => result(n))).toEqual(steps.map(([, , level]) => (level ? bit : 0n)));
  });

  test('WFI ends when the count reaches CVAL, not before, with PSTATE.I set and nothing taken', () => {
    const p = openGic(program(), intid);
    p.mrs(4, count).add(4, 4, 2000).msr(cval, 4);
    set(p, ctl, 1).put(WFI).mrs(5, count).str(4, 28, 0).str(5, 28, 8);
    p.mrs(6, ctl).str(6, 28, 16);
    const { outcome, result } = run(off(p, el), { el });
    expect(outcome).toBe('poweroff');
    const late = result(1) - result(0);
    // Late by what the timing table has for an interrupt and a wake-up, less than a microsecond.
    expect(late >= 0n && late < 64n).toBe(true);
    expect(result(2)).toBe(5n);
  });

  test.each([
    ['IMASK', (p: Program) => set(p, ctl, 3)],
    ['a disabled PPI', (p: Program) => set(p.poke(GICD + 0x180, 2 ** intid), ctl, 1)],
    ['a closed priority mask', (p: Program) => set(p.poke(GICC + 4, 0), ctl, 1)],
  ])('WFI does not end through %s', (_name, arm) => {
    const p = openGic(program(), intid);
    p.mrs(4, count).add(4, 4, 2000).msr(cval, 4);
    const { outcome } = run(off(arm(p).put(WFI), el), { el });
    expect(outcome).toBe('timeout'); // waits until the deadline
  });
});

test('the line rises in exactly the tick at which the count reaches CVAL', () => {
  // Spins on GICD_PPISR; the count is read before and after.
  const p = program();
  p.mrs(4, 'CNTVCT_EL0').add(4, 4, 500).msr('CNTV_CVAL_EL0', 4);
  set(p, 'CNTV_CTL_EL0', 1).mov(19, GICD + 0xd00);
  p.label('again').mrs(5, 'CNTVCT_EL0').ldrw(20, 19).mrs(6, 'CNTVCT_EL0').cbz(20, 'again');
  p.str(4, 28, 0).str(5, 28, 8).str(6, 28, 16);
  const { outcome, result } = run(off(p));
  expect(outcome).toBe('poweroff');
  expect(result(2)).toBeGreaterThanOrEqual(result(0)); // not early
  expect(result(1)).toBeLessThanOrEqual(result(0) + 20n); // seen by the first look after it
});

test('CNTVOFF_EL2 moves the virtual timer, both ways, and no other (D13.8.27)', () => {
  const p = program();
  set(set(p, 'CNTV_CVAL_EL0', 1n << 40n), 'CNTP_CVAL_EL0', 1n << 40n);
  set(set(p, 'CNTV_CTL_EL0', 1), 'CNTP_CTL_EL0', 1);
  ppisr(p, 0);
  set(p, 'CNTVOFF_EL2', -(1n << 41n)); // the virtual count is 2^41 ahead
  ppisr(p, 1);
  set(p, 'CNTVOFF_EL2', 0);
  ppisr(p, 2);
  const { result } = run(off(p, 2), { el: 2 });
  expect([0, 1, 2].map(result)).toEqual([0n, 1n << 11n, 0n]);
});

test('the R-Car H3 has the same PPIs, at 8.32 MHz (board)', () => {
  const { board } = configure(rcarH3(), []);
  expect([board.timer.virtualIntid, board.timer.physicalIntid, board.timer.hypervisorIntid]).toEqual([27, 30, 26]);
  const p = new Program(0x4808_0000).mrs(0, 'CNTFRQ_EL0');
  const { machine } = createFlatMachine({ kernel: p.put(0x1400_0000).bytes(), board, deadline: 10_000_000n });
  while (machine.run() === 'more');
  expect(machine.cores[0]?.x(0)).toBe(8_320_000n);
});
