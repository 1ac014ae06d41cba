import { setImmediate as nextTurn } from 'node:timers/promises';
import { NEVER, type Simulation } from '../index.js';
import { Pace } from './pace.js';
import { InputScript } from './script.js';
import { openTerminal } from './terminal.js';

export interface DriveOptions {
  readonly simulation: Simulation;
  /** False while replaying: the keyboard would make the run another one. */
  readonly keyboard: boolean;
  /** Called at each return to the host. */
  readonly flush: () => void;
  /** Called after a signal or Ctrl-]. */
  readonly onLeave: (reason: string) => void;
  /** SIGQUIT; the run goes on. */
  readonly onStatus: () => void;
  /** Nothing was said for an hour of simulated time, and nobody can type. */
  readonly onQuiet: () => void;
}

/** Console bytes are given here as they are written; scripted input answers those of one console. */
export class ConsoleTap {
  readonly #script: InputScript;
  readonly #typed: Uint8Array[] = [];
  #onByte: ((byte: number) => void) | undefined;
  #onTyped: (() => void) | undefined;
  /** The console that input goes to. */
  console = '';

  constructor(texts: readonly string[]) {
    this.#script = new InputScript(texts);
  }

  /** Texts that found no prompt. */
  get untyped(): number {
    return this.#script.remaining;
  }

  output(console: string, byte: number): void {
    if (console !== this.console) return;
    this.#onByte?.(byte);
    const bytes = this.#script.output(byte);
    if (bytes === undefined) return;
    this.#typed.push(bytes);
    this.#onTyped?.();
  }

  /** @param onTyped there is something to take. */
  listen(onByte: (byte: number) => void, onTyped: () => void): void {
    this.#onByte = onByte;
    this.#onTyped = onTyped;
  }

  /** What was typed since the last call. */
  take(): Uint8Array[] {
    return this.#typed.splice(0);
  }
}

/** How long the host sleeps at most while simulated time waits for real time. */
const NAP_MS = 20;
const QUIET_SECONDS = 3600n;

/**
 * Runs to the outcome. Control returns to the host every few million cycles, at points that depend on simulated cycles
 * alone; there signals are heard and keys given to the machine, which records them. Waiting for a key costs no host time.
 */
export async function drive(options: DriveOptions, tap: ConsoleTap): Promise<void> {
  const { simulation } = options;
  const { machine, keyboardConsole } = simulation;
  const pace = new Pace(machine.board.tickHz);
  const keys: Uint8Array[] = [];
  let wake: (() => void) | undefined;
  let spoken = 0n;
  let told = false;
  tap.console = keyboardConsole;
  tap.listen(
    (byte) => {
      pace.output(byte);
      spoken = -1n;
    },
    () => machine.pause(),
  );
  const terminal = openTerminal(
    {
      keys: (bytes) => {
        keys.push(Uint8Array.from(bytes));
        wake?.();
      },
      leave: (reason) => {
        options.onLeave(reason);
        machine.stop({ name: 'interrupted', detail: reason });
        wake?.();
      },
      status: options.onStatus,
    },
    options.keyboard,
  );
  const { interactive } = terminal;
  /** Until a key, a signal, or `ms` have passed. */
  const wait = async (ms?: number): Promise<void> => {
    if (keys.length > 0 || machine.outcome !== undefined) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (ms !== undefined) timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    wake = undefined;
  };
  try {
    for (;;) {
      const limit = interactive ? pace.limit(machine.time) : undefined;
      const status = machine.run(undefined, undefined, limit);
      options.flush();
      if (status === 'done') return;
      await nextTurn();
      if (machine.outcome !== undefined) return;
      const typed = tap.take();
      for (const bytes of typed) machine.input(keyboardConsole, bytes);
      if (limit !== undefined && machine.time >= limit && machine.scheduler.allIdle) await wait(NAP_MS);
      if (status === 'waiting' && typed.length === 0 && keys.length === 0) {
        if (machine.inputs.next < NEVER) continue;
        if (!interactive) {
          machine.stop({ name: 'timeout', detail: 'every core waits and nothing will wake one' });
          return;
        }
        await wait();
      }
      if (machine.outcome !== undefined) return;
      if (keys.length > 0) pace.keys();
      for (const bytes of keys.splice(0)) machine.input(keyboardConsole, bytes);
      if (spoken < 0n) spoken = machine.time;
      if (!told && !interactive && machine.time - spoken > QUIET_SECONDS * BigInt(machine.board.tickHz)) {
        told = true;
        options.onQuiet();
      }
    }
  } finally {
    terminal.close();
  }
}
