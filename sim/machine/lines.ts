import type { GicOutputs } from '../gic/config.js';
import type { Costs } from '../timing/costs.js';
import { LINE_FIQ, LINE_IRQ, LINE_VFIQ, LINE_VIRQ } from '../wasm/layout.js';
import type { TimedEvent } from './events.js';
import type { ScheduledCore, Scheduler } from './scheduler.js';

/** What a core must offer to be interrupted. */
export interface InterruptibleCore extends ScheduledCore {
  /** Sets the LINE_* levels and recomputes whether the core must stop. */
  setLines(lines: number): void;
}

/**
 * The interrupt signals between GIC and cores. A signal that another core's action raises reaches its target after
 * the latency of the wire, and never before the target's own time has come that far: it travels as an event. A signal
 * raised by the core itself or by a device at its own time is there at once. A signal wakes an idle core.
 */
export class CoreLines {
  readonly #wanted: number[];
  readonly #applied: number[];
  readonly #events: readonly TimedEvent[];
  readonly outputs: GicOutputs = {
    setIrq: (cpu, level) => this.#set(cpu, LINE_IRQ, level),
    setFiq: (cpu, level) => this.#set(cpu, LINE_FIQ, level),
    setVirq: (cpu, level) => this.#set(cpu, LINE_VIRQ, level),
    setVfiq: (cpu, level) => this.#set(cpu, LINE_VFIQ, level),
  };

  constructor(
    private readonly scheduler: Scheduler,
    private readonly cores: readonly InterruptibleCore[],
    private readonly costs: Costs,
    private readonly onChange: (core: number, lines: number) => void,
  ) {
    this.#wanted = cores.map(() => 0);
    this.#applied = cores.map(() => 0);
    this.#events = cores.map(({ index }) => scheduler.queue.event(`cpu${index}.lines`, () => this.#apply(index)));
  }

  save(): number[] {
    return [...this.#wanted, ...this.#applied];
  }

  load(state: readonly number[]): void {
    this.cores.forEach((_, core) => {
      this.#wanted[core] = state[core] as number;
      this.#applied[core] = state[this.cores.length + core] as number;
    });
  }

  #set(cpu: number, line: number, level: boolean): void {
    const old = this.#wanted[cpu] as number;
    const lines = level ? old | line : old & ~line;
    this.#wanted[cpu] = lines;
    const event = this.#events[cpu] as TimedEvent;
    const { current, queue } = this.scheduler;
    if (current !== undefined && current.index !== cpu && (lines & ~old) !== 0) {
      const arrival = queue.now() + BigInt(this.costs.cost('bus.ipi', 1));
      if (event.when === undefined || event.when > arrival) event.scheduleAt(arrival);
    } else if (this.scheduler.lags(cpu)) {
      if (event.when === undefined) event.scheduleAt(queue.now());
    } else {
      this.#apply(cpu);
    }
  }

  #apply(cpu: number): void {
    const lines = this.#wanted[cpu] as number;
    const old = this.#applied[cpu] as number;
    if (lines === old) return;
    this.#applied[cpu] = lines;
    const core = this.cores[cpu] as InterruptibleCore;
    core.setLines(lines);
    this.onChange(cpu, lines);
    if ((lines & ~old) !== 0 && this.scheduler.isIdle(cpu)) {
      this.scheduler.wake(cpu);
      core.cycles += this.costs.cost('cpu.wfiWake', core.ticksPerCycle);
    }
  }
}
