import { expect, test } from 'vitest';
import { binary, program } from '../../bench/host/programs.js';
import { configure, flatBoard } from '../../boards/index.js';
import { createBareSimulation } from '../../simulation.js';
import { createFlatMachine } from '../../sim/machine/flat.js';
import type { Machine } from '../../sim/machine/machine.js';

/** add x0, x0, #1; b .-4 */
const LOOP = binary([0x9100_0400, 0x17ff_ffff]);
const TABLE_ENTRY = 0x4010_0008;

function pair(): [Machine, Machine] {
  const make = (engine: 'interpreter' | 'translator'): Machine => {
    const { machine } = createFlatMachine({ kernel: LOOP, ramBytes: 16 << 20, engine });
    machine.memory.write64(TABLE_ENTRY, 0x4000_0701n); // a block of 1 GiB, mapped one to one
    return machine;
  };
  const [machine, reference] = [make('translator'), make('interpreter')];
  machine.inStepWith(reference);
  return [machine, reference];
}

test('machines that agree run on together', () => {
  const [machine, reference] = pair();
  machine.run(3_000_000);
  expect(machine.translator!.counts.executed).toBeGreaterThan(1_000_000);
  expect([reference.time, reference.hash()]).toEqual([machine.time, machine.hash()]);
});

test('a difference names the register and shows the region', () => {
  const [machine, reference] = pair();
  machine.run(3_000_000);
  reference.cores[0]!.setX(5, 1n);
  const text = (): void => void machine.run(3_000_000);
  expect(text).toThrow(/cpu0: x5 0x0, interpreter 0x1\n/);
  expect(text).toThrow(/91000400 ADD_IMM64[^]*17ffffff B\n[^]*WebAssembly:[^]*i64Add/);
});

test('cpu.engine=both makes such a pair', () => {
  const configuration = configure(flatBoard({ cores: 1, ramBytes: 16 << 20, entryLevel: 1 }), ['cpu.engine=both']);
  const { machine } = createBareSimulation({ configuration, kernel: program('exceptions') });
  machine.run(200_000);
  machine.cores[0]!.setX(7, 7n);
  expect(() => machine.run(200_000)).toThrow(/x7 0x7, interpreter 0x0/);
});
