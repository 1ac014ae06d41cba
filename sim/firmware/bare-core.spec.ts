import { expect, test } from 'vitest';
import { flatBoard } from '../../boards/flat.js';
import { CODE, cpuBench } from '../cpu/testbench.js';
import type { Outcome } from '../machine/outcome.js';
import { Scheduler } from '../machine/scheduler.js';
import type { Core } from '../cpu/core.js';
import { LINE_IRQ } from '../wasm/layout.js';
import { BareCore } from './bare-core.js';

/**
 * Core 0: CPU_ON of core 1 with context 0x77, waits in WFE until the flag is set, WFI, SYSTEM_OFF. Core 1: stores its
 * context to the flag, CPU_SUSPEND with power-down, stores the resume context behind it, CPU_OFF.
 */
const PROGRAM = [
  0xd2800060, // mov x0, #0x3
  0xf2b88000, // movk x0, #0xc400, lsl #16
  0xd2800021, // mov x1, #0x1
  0x10000182, // adr x2, core1
  0xd2800ee3, // mov x3, #0x77
  0xd4000002, // hvc #0x0
  0xaa0003f3, // mov x19, x0
  0x100002e5, // adr x5, flag
  0xd503205f, // wfe
  0xf94000a4, // ldr x4, [x5]
  0xb4ffffc4, // cbz x4, wfe
  0xd503207f, // wfi
  0xd2800100, // mov x0, #0x8
  0xf2b08000, // movk x0, #0x8400, lsl #16
  0xd4000002, // hvc #0x0
  0x100001e5, // core1: adr x5, flag
  0xf90000a0, // str x0, [x5]
  0xd2800020, // mov x0, #0x1
  0xf2b88000, // movk x0, #0xc400, lsl #16
  0xd2a00021, // mov x1, #0x10000
  0x10000082, // adr x2, resumed
  0xd2800aa3, // mov x3, #0x55
  0xd4000002, // hvc #0x0
  0x14000000, // b .
  0x100000c5, // resumed: adr x5, flag
  0xf90004a0, // str x0, [x5, #8]
  0xd2800040, // mov x0, #0x2
  0xf2b08000, // movk x0, #0x8400, lsl #16
  0xd4000002, // hvc #0x0
  0x14000000, // b .
];
const FLAG = Number(CODE) + 4 * PROGRAM.length;

function build(...program: number[]) {
  const bench = cpuBench({ entryLevel: 1, cores: 2 });
  bench.program(...program);
  const outcomes: Outcome[] = [];
  const scheduler: Scheduler = new Scheduler(bench.cores, (core) => firmware.slice(core as Core), {
    tickHz: 1_000_000_000,
    ticksPerCount: 16,
    quantum: 200n,
    syncWindow: 200n,
    soloQuantum: 10_000n,
    requestInFlight: () => false,
  });
  const firmware = new BareCore({
    board: flatBoard(),
    cores: bench.cores,
    clock: scheduler.queue,
    memory: bench.memory,
    costs: { cost: () => 1000 },
    wake: (core) => scheduler.wake(core),
    charge: (core, _cost) => (bench.cores[core]?.charge(50), 50),
    stop: (outcome) => (outcomes.push(outcome), scheduler.stop()),
  });
  firmware.start(0, CODE, 0x1234n);
  const rounds = (n: number): void => {
    for (let i = 0; i < n; i++) scheduler.round(1n << 60n);
  };
  return { ...bench, scheduler, firmware, outcomes, rounds };
}

test('CPU_ON, WFE, power-down suspend, WFI, CPU_OFF and SYSTEM_OFF of two cores', () => {
  const { core, cores, memory, scheduler, firmware, outcomes, rounds } = build(...PROGRAM);
  memory.write64(FLAG, 0n);
  rounds(1);
  expect(firmware.psci.state(1).kind).toBe('pending');
  expect(core.x(19)).toBe(0n);
  expect(memory.read64(FLAG)).toBe(0n);
  rounds(30);
  expect(memory.read64(FLAG)).toBe(0x77n);
  expect(firmware.psci.state(1).kind).toBe('suspended');
  expect([scheduler.isIdle(0), scheduler.isIdle(1)]).toEqual([true, true]);
  // it started 1000 ticks after the call, no earlier
  expect(cores[1]?.cycles).toBeGreaterThan(1000);
  cores[1]?.setLines(LINE_IRQ);
  scheduler.wake(1);
  rounds(5);
  expect(memory.read64(FLAG + 8)).toBe(0x55n);
  expect(firmware.psci.state(1).kind).toBe('off');
  core.setLines(LINE_IRQ);
  scheduler.wake(0);
  rounds(5);
  expect(outcomes).toEqual([{ name: 'poweroff', detail: 'PSCI SYSTEM_OFF by cpu0' }]);
});

test('unknown calls answer -1, and what is not modelled ends the run by name', () => {
  // mov x0, #1; movk x0, #0x8600, lsl #16; hvc #0; mov x9, x0; mov x0, #0x2000000; msr sctlr_el1, x0
  const { core, outcomes, rounds } = build(0xd2800020, 0xf2b0c000, 0xd4000002, 0xaa0003e9, 0xd2a04000, 0xd5181000);
  rounds(3);
  expect(core.x(9)).toBe(0xffff_ffff_ffff_ffffn);
  expect(outcomes).toEqual([{ name: 'unmodelled', detail: 'cpu0: instruction 0xd5181000 at 0x40000014' }]);
});
