/**
 * The overflow interrupts of the cores' performance monitors (DDI 0487 D5.3). The counters are the kernel's
 * (sim/cpu/kernel/pmu.ts); this file drives the lines and looks again when a counter may overflow.
 */
import type { IrqLine } from '../machine/device.js';
import type { Clock, TimedEvent } from '../machine/events.js';
import type { Core } from './core.js';

export interface PmuInterruptsDeps {
  readonly cores: readonly Core[];
  readonly clock: Clock;
  /** The level-sensitive interrupt of a core's PMU, if the board has one. */
  line(core: number): IrqLine | undefined;
}

export class PmuInterrupts {
  readonly #deps: PmuInterruptsDeps;
  readonly #lines: readonly (IrqLine | undefined)[];
  readonly #events: readonly TimedEvent[];

  constructor(deps: PmuInterruptsDeps) {
    this.#deps = deps;
    this.#lines = deps.cores.map(({ index }) => deps.line(index));
    this.#events = deps.cores.map(({ index }) =>
      deps.clock.event(`cpu${index}.pmu`, () => this.#derive(index, deps.clock.now())),
    );
  }

  /** To be called when the kernel says that a PMU register or the exception level of a core has changed. */
  recompute(core: number): void {
    this.#derive(core, 0n);
  }

  /** `after`: the time of the event being dispatched, which a core that has stopped short of it has yet to reach. */
  #derive(index: number, after: bigint): void {
    const core = this.#deps.cores[index]!;
    const event = this.#events[index]!;
    this.#lines[index]?.set(core.updatePmu());
    const deadline = core.pmuDeadline;
    // while the core waits its counters stand still: run() announces them again
    if (deadline === undefined || core.pmuSuspended) {
      event.cancel();
      return;
    }
    const when = BigInt(deadline) * BigInt(core.ticksPerCycle);
    event.scheduleAt(when > after ? when : after + 1n);
  }
}
