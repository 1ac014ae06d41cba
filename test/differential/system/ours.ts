/** Our side: the flat machine with EL2, from the probe's first instruction to its SYSTEM_OFF. */
import { flatBoard } from '../../../boards/flat.js';
import { BareCore } from '../../../sim/firmware/bare-core.js';
import { Machine } from '../../../sim/machine/machine.js';
import { endingOf, segmentsOf } from './image.js';
import type { Ending } from './image.js';
import { CODE, RAM_BYTES } from './layout.js';
import type { Program } from './layout.js';

/** Cycles that a step may take on average, by far. */
const CYCLES_PER_STEP = 20_000;

/** Runs a program. `instructions` counts those of the probe too. Throws Error if the run ends in another way. */
export function runOurs(program: Program, probe: Uint8Array): Ending & { readonly instructions: number } {
  const board = flatBoard({ entryLevel: 2, cores: 1, ramBytes: RAM_BYTES });
  let firmware: BareCore | undefined;
  const machine = new Machine({
    board,
    el2: (m) => (firmware = new BareCore(m)),
    onExceptionLoop: () => undefined,
  });
  for (const { address, bytes } of segmentsOf(program, probe)) machine.memory.write(address, bytes);
  firmware?.start(0, BigInt(CODE), 0n);
  const limit = (program.steps.length + 100) * CYCLES_PER_STEP;
  while (machine.outcome === undefined) {
    const status = machine.run();
    const core = machine.cores[0]!;
    if (machine.outcome === undefined && (status === 'waiting' || core.cycles > limit)) {
      throw new Error(`our side does not end: PC 0x${core.pc.toString(16)}, EL${core.el}`);
    }
  }
  if (machine.outcome.name !== 'poweroff') {
    throw new Error(`our side ends with ${machine.outcome.name}: ${machine.outcome.detail}`);
  }
  const ending = endingOf(program.steps.length, (address, length) => machine.memory.read(address, length));
  return { ...ending, instructions: machine.instructions };
}
