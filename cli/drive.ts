import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Simulation } from '../index.js';
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
}

/** Console bytes are given here as they are written; scripted input answers them. */
export class ConsoleTap {
  readonly #script: InputScript;
  readonly #typed: { console: string; bytes: Uint8Array }[] = [];

  constructor(texts: readonly string[]) {
    this.#script = new InputScript(texts);
  }

  /** Texts that found no prompt. */
  get untyped(): number {
    return this.#script.remaining;
  }

  output(console: string, byte: number): void {
    const bytes = this.#script.output(byte);
    if (bytes !== undefined) this.#typed.push({ console, bytes });
  }

  /** What was typed since the last call. */
  take(): { console: string; bytes: Uint8Array }[] {
    return this.#typed.splice(0);
  }
}

/**
 * Runs to the outcome. Control returns to the host every few million cycles, at points that depend on simulated cycles
 * alone; there signals are heard and keys given to the machine, which records them. Waiting for a key costs no host time.
 */
export async function drive(options: DriveOptions, tap: ConsoleTap): Promise<void> {
  const { simulation } = options;
  const { machine } = simulation;
  let wake: (() => void) | undefined;
  const keys: Uint8Array[] = [];
  const close = openTerminal({
    keys: (bytes) => {
      if (options.keyboard) keys.push(Uint8Array.from(bytes));
      wake?.();
    },
    leave: (reason) => {
      options.onLeave(reason);
      machine.stop({ name: 'interrupted', detail: reason });
      wake?.();
    },
  });
  try {
    for (;;) {
      const status = machine.run();
      options.flush();
      if (status === 'done') return;
      await nextTurn();
      if (machine.outcome !== undefined) return;
      const typed = tap.take();
      for (const { console, bytes } of typed) machine.input(console, bytes);
      for (const bytes of keys.splice(0)) machine.input(simulation.keyboardConsole, bytes);
      if (status !== 'waiting' || typed.length > 0) continue;
      if (!options.keyboard || process.stdin.isTTY !== true) {
        machine.stop({ name: 'timeout', detail: 'every core waits and nothing will wake one' });
        return;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (keys.length > 0 || machine.outcome !== undefined) resolve();
      });
      wake = undefined;
      for (const bytes of keys.splice(0)) machine.input(simulation.keyboardConsole, bytes);
    }
  } finally {
    close();
  }
}
