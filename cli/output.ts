import { writeSync } from 'node:fs';

const NEWLINE = 10;
const MAX_PENDING = 4096;

/** The guest's console on standard output: bytes as they are, or line by line with a prefix for several guests. */
export class ConsoleOutput {
  readonly #lines = new Map<string, number[]>();
  #pending: number[] = [];
  /** Whose line has no end yet on the terminal. */
  #open: string | undefined;
  /** Why nothing more is written, once the host has refused. */
  error: unknown;

  /**
   * @param prefixed names before each line.
   * @param partial shows unfinished lines (prompts) of prefixed output too: somebody is looking.
   */
  constructor(
    private readonly prefixed: boolean,
    private readonly partial = false,
    private readonly fd = 1,
  ) {}

  byte(console: string, byte: number): void {
    if (!this.prefixed) {
      this.#pending.push(byte);
      this.#open = byte === NEWLINE ? undefined : console;
      // A prompt has no newline, so `flush` is also called at each return to the host.
      if (byte === NEWLINE || this.#pending.length >= MAX_PENDING) this.flush();
      return;
    }
    let line = this.#lines.get(console);
    if (line === undefined) this.#lines.set(console, (line = []));
    line.push(byte);
    if (byte === NEWLINE || line.length >= MAX_PENDING) this.#line(console, line);
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#pending.length > 0) this.#put(this.#pending);
    this.#pending = [];
    if (this.partial) this.#flushLines();
  }

  /** The end of the run: unfinished lines too; what follows on a terminal begins on a line of its own. */
  end(): void {
    this.flush();
    this.#flushLines();
    if (this.#open !== undefined && (this.partial || this.prefixed)) this.#put([NEWLINE]);
    this.#open = undefined;
  }

  #flushLines(): void {
    for (const [console, line] of this.#lines) if (line.length > 0) this.#line(console, line);
  }

  #line(console: string, line: number[]): void {
    const bytes: number[] = [];
    if (this.#open !== console) {
      if (this.#open !== undefined) bytes.push(NEWLINE);
      bytes.push(...Buffer.from(`[${console}] `));
    }
    bytes.push(...line);
    this.#put(bytes);
    this.#open = line.at(-1) === NEWLINE ? undefined : console;
    this.#lines.set(console, []);
  }

  /** Writes all of it, waiting for a reader that is slow; a reader that is gone is not our error. */
  #put(data: readonly number[]): void {
    const bytes = Uint8Array.from(data);
    for (let done = 0; done < bytes.length && this.error === undefined;) {
      try {
        done += writeSync(this.fd, bytes, done);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
        else if (code === 'EPIPE') return;
        else this.error = error;
      }
    }
  }
}
