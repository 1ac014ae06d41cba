import type { TimedEvent } from './sim/machine/events.js';
import type { Machine } from './sim/machine/machine.js';
import type { Outcome, OutcomeName } from './sim/machine/outcome.js';

/** After a panic message the kernel still prints registers and a trace; then its guest counts as ended. */
const PANIC_GRACE_MS = 100n;
/** From what everybody wants to what nobody does: the worst end of any guest is that of the run. */
const SEVERITY: readonly OutcomeName[] = ['poweroff', 'reboot', 'crash', 'panic'];

interface GuestEnd {
  readonly name: string;
  readonly panicGrace: TimedEvent;
  outcome: Outcome | undefined;
  panicLine: string;
}

/**
 * What became of each guest. The run goes on until none is left that could still do something: a guest that panicked, or that
 * takes the same exception for ever, never ends by itself, so it counts as ended.
 */
export class GuestEnds {
  readonly #guests: GuestEnd[];

  /** @param onEnd one guest has ended and others go on. */
  constructor(
    private readonly machine: Machine,
    names: readonly string[],
    private readonly onEnd: (name: string, outcome: Outcome) => void,
  ) {
    this.#guests = names.map((name, index) => {
      const guest: GuestEnd = {
        name,
        panicGrace: machine.clock.event(`guest${index}.panic`, () => {
          this.ended(name, { name: 'panic', detail: guest.panicLine });
        }),
        outcome: undefined,
        panicLine: '',
      };
      return guest;
    });
  }

  /** A guest announced a kernel panic; arm64 Linux tells its hypervisor nothing and spins (linux: kernel/panic.c). */
  panicSeen(name: string, line: string): void {
    const guest = this.#guests.find((g) => g.name === name);
    if (guest === undefined || guest.panicLine !== '') return;
    guest.panicLine = line;
    guest.panicGrace.scheduleAt(
      this.machine.clock.now() + (PANIC_GRACE_MS * BigInt(this.machine.board.tickHz)) / 1000n,
    );
  }

  /** A guest is gone for good, or might as well be. The worst outcome of a guest stands. */
  ended(name: string, outcome: Outcome): void {
    const guest = this.#guests.find((g) => g.name === name);
    if (guest === undefined) return;
    // `panic=N` makes Linux reboot after a panic; that is still a panic.
    const now: Outcome = guest.panicLine === '' ? outcome : { name: 'panic', detail: guest.panicLine };
    const before = guest.outcome;
    if (before !== undefined && SEVERITY.indexOf(before.name) >= SEVERITY.indexOf(now.name)) return;
    guest.outcome = now;
    const open = this.#guests.some((g) => g.outcome === undefined);
    if (open && before === undefined) this.onEnd(name, now);
    if (!open) this.machine.stop(this.#outcome());
  }

  /** How a guest has ended or is about to, or undefined. */
  endOf(name: string): Outcome | undefined {
    const guest = this.#guests.find((g) => g.name === name);
    return guest === undefined || guest.panicLine === '' ? guest?.outcome : { name: 'panic', detail: guest.panicLine };
  }

  save(): unknown {
    return this.#guests.map(({ name, outcome, panicLine }) => ({ name, outcome: outcome ?? null, panicLine }));
  }

  load(state: unknown): void {
    for (const saved of state as { name: string; outcome: Outcome | null; panicLine: string }[]) {
      const guest = this.#guests.find((g) => g.name === saved.name);
      if (guest === undefined) continue;
      guest.outcome = saved.outcome ?? undefined;
      guest.panicLine = saved.panicLine;
    }
  }

  #outcome(): Outcome {
    const ends = this.#guests.flatMap(({ name, outcome }) => (outcome === undefined ? [] : [{ name, outcome }]));
    const rank = (o: Outcome): number => SEVERITY.indexOf(o.name);
    const worst = ends.reduce((a, b) => (rank(b.outcome) > rank(a.outcome) ? b : a));
    const text = ({ name, outcome }: (typeof ends)[number]): string =>
      `${name}${outcome.detail === '' ? '' : `: ${outcome.detail}`}`;
    const others = ends.filter((e) => e !== worst).map(({ name, outcome }) => `${name} ${outcome.name}`);
    return { name: worst.outcome.name, detail: [text(worst), ...others].join('; ') };
  }
}
