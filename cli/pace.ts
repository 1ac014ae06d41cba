/** Simulated time that may pass before the host's clock is looked at again. */
const SLACK_MS = 20n;
/** Behind by more than this, simulated time does not try to catch up. */
const LAG_MS = 100n;
/** Without output or keys for so much simulated time, a guest waits for somebody. */
const QUIET_SECONDS = 3600n;

/**
 * Keeps simulated time from running away while the guest waits for its user: at a prompt (a line that has no end yet), or
 * after an hour without output, idle time passes no faster than real time. Otherwise it jumps: `sleep 1000` takes a moment.
 * It decides only when the host looks for keys, so it changes nothing but their times, which are recorded.
 */
export class Pace {
  readonly #tickHz: bigint;
  #anchor: { ticks: bigint; ns: bigint } | undefined;
  #column = 0;
  #lastActivity = 0n;

  constructor(
    tickHz: number,
    private readonly now: () => bigint = process.hrtime.bigint,
  ) {
    this.#tickHz = BigInt(tickHz);
  }

  /** A byte of the console that the user looks at. */
  output(byte: number): void {
    this.#column = byte === 10 ? 0 : this.#column + 1;
    this.#lastActivity = -1n;
  }

  /** The user typed something. */
  keys(): void {
    this.#lastActivity = -1n;
  }

  /** Up to which simulated time an idle machine may go now; undefined: as far as it likes. */
  limit(ticks: bigint): bigint | undefined {
    if (this.#lastActivity < 0n) this.#lastActivity = ticks;
    const waits = this.#column > 0 || ticks - this.#lastActivity > QUIET_SECONDS * this.#tickHz;
    if (!waits) {
      this.#anchor = undefined;
      return undefined;
    }
    const anchor = (this.#anchor ??= { ticks, ns: this.now() });
    const real = anchor.ticks + ((this.now() - anchor.ns) * this.#tickHz) / 1_000_000_000n;
    if (real - ticks > (LAG_MS * this.#tickHz) / 1000n) this.#anchor = { ticks, ns: this.now() };
    return (real > ticks ? real : ticks) + (SLACK_MS * this.#tickHz) / 1000n;
  }
}
