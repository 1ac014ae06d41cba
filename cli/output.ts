import { writeSync } from 'node:fs';

/** The guest's console on standard output: bytes as they are, or line by line with a prefix for several guests. */
export class ConsoleOutput {
  readonly #lines = new Map<string, number[]>();
  #pending: number[] = [];

  /** @param prefixed names before each line. */
  constructor(
    private readonly prefixed: boolean,
    private readonly fd = 1,
  ) {}

  byte(console: string, byte: number): void {
    if (!this.prefixed) {
      this.#pending.push(byte);
      // A prompt has no newline, so `flush` is also called at each return to the host.
      if (byte === 10 || this.#pending.length >= 4096) this.flush();
      return;
    }
    let line = this.#lines.get(console);
    if (line === undefined) this.#lines.set(console, (line = []));
    line.push(byte);
    if (byte === 10 || line.length >= 4096) this.#line(console, line);
  }

  /** Writes what waits. At the end of the run, `last` adds unfinished lines. */
  flush(last = false): void {
    if (this.#pending.length > 0) {
      put(this.fd, Uint8Array.from(this.#pending));
      this.#pending = [];
    }
    if (last) for (const [console, line] of this.#lines) if (line.length > 0) this.#line(console, [...line, 10]);
  }

  #line(console: string, line: number[]): void {
    put(this.fd, Buffer.concat([Buffer.from(`[${console}] `), Uint8Array.from(line)]));
    this.#lines.set(console, []);
  }
}

/** Writes all of it, waiting for a reader that is slow; a reader that is gone is not our error. */
function put(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      else if (code === 'EPIPE') return;
      else throw error;
    }
  }
}
