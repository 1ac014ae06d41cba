import type { Clock, TimedEvent } from './events.js';

export interface ConsoleHooks {
  /** Each byte, as the guest writes it. */
  readonly onByte?: (byte: number) => void;
  /** A kernel panic was announced; called once, when its line is complete. */
  readonly onPanic?: (line: string) => void;
  /** The current line, still growing or just ended, matches `expect`. */
  readonly onExpect?: (line: string) => void;
}

const PANIC = 'Kernel panic - not syncing';
/** Last words of an architecture test: n = (code << 1) | 1, as on machines whose exit port takes such a number. */
const EXIT_STATUS = /^EXIT: STATUS=(-?\d{1,9})$/;
const MAX_LINE = 4096;
const NEWLINE = 10;
const RETURN = 13;

/**
 * The output side of a serial or paravirtual console: watches for what ends a run. Lines are cut at 4 KiB, so a
 * guest cannot make it grow.
 */
export class Console {
  expect: RegExp | undefined;
  /** Called once, when the current line matches the pattern. */
  trigger: { readonly pattern: RegExp; readonly fire: () => void } | undefined;
  #line = '';
  #bytes = 0;
  #panicked = false;
  #testStatus: number | undefined;

  constructor(
    readonly name: string,
    private readonly hooks: ConsoleHooks = {},
  ) {}

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True once a kernel panic was seen: arm64 Linux tells nobody else and spins (linux: kernel/panic.c). */
  get panicked(): boolean {
    return this.#panicked;
  }

  /** n of the newest complete line `EXIT: STATUS=n` with an odd n. */
  get testStatus(): number | undefined {
    return this.#testStatus;
  }

  write(byte: number): void {
    this.#bytes++;
    this.hooks.onByte?.(byte);
    if (byte === NEWLINE) {
      if (!this.#panicked && this.#line.includes(PANIC)) {
        this.#panicked = true;
        this.hooks.onPanic?.(this.#line);
      }
      const status = EXIT_STATUS.exec(this.#line)?.[1];
      if (status !== undefined && (Number(status) & 1) === 1) this.#testStatus = Number(status);
      this.#line = '';
      return;
    }
    if (byte === RETURN || this.#line.length >= MAX_LINE) return;
    // Latin-1: a pattern can name any byte, and a cut UTF-8 sequence does no harm.
    this.#line += String.fromCharCode(byte);
    if (this.trigger?.pattern.test(this.#line) === true) {
      const { fire } = this.trigger;
      this.trigger = undefined;
      fire();
    }
    if (this.expect?.test(this.#line) === true) this.hooks.onExpect?.(this.#line);
  }

  save(): unknown {
    return {
      line: this.#line,
      bytes: this.#bytes,
      panicked: this.#panicked,
      testStatus: this.#testStatus ?? null,
    };
  }

  load(state: unknown): void {
    const { line, bytes, panicked, testStatus } = state as {
      line: string;
      bytes: number;
      panicked: boolean;
      testStatus: number | null;
    };
    this.#line = line;
    this.#bytes = bytes;
    this.#panicked = panicked;
    this.#testStatus = testStatus ?? undefined;
  }
}

/** A receiver with flow control, such as a UART's FIFO. */
export interface InputPort {
  canAccept(): boolean;
  input(byte: number): boolean;
}

const MAX_PENDING = 1 << 20;
/** How often a receiver that is switched off or full is asked again: 1 ms. */
const RETRY_HZ = 1000;

/** Keys on their way to a console: they wait until the receiver takes them. */
export class ConsoleInput {
  readonly #retry: TimedEvent;
  readonly #retryTicks: bigint;
  #pending: number[] = [];

  constructor(
    name: string,
    private readonly clock: Clock,
    private readonly port: InputPort,
  ) {
    this.#retry = clock.event(`${name}.input`, () => this.pump());
    this.#retryTicks = BigInt(Math.ceil(clock.tickHz / RETRY_HZ));
  }

  /** Bytes that wait. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Adds bytes; what exceeds a mebibyte of waiting input is dropped. Returns how many were taken. */
  add(bytes: Uint8Array): number {
    const room = Math.min(bytes.length, MAX_PENDING - this.#pending.length);
    for (let i = 0; i < room; i++) this.#pending.push(bytes[i] as number);
    this.pump();
    return room;
  }

  /** Hands over what the receiver takes now; to be called when it has room again. */
  pump(): void {
    let taken = 0;
    while (taken < this.#pending.length && this.port.canAccept()) {
      if (!this.port.input(this.#pending[taken] as number)) break;
      taken++;
    }
    if (taken > 0) this.#pending.splice(0, taken);
    if (this.#pending.length === 0) this.#retry.cancel();
    else this.#retry.scheduleAt(this.clock.now() + this.#retryTicks);
  }

  save(): unknown {
    return [...this.#pending];
  }

  load(state: unknown): void {
    this.#pending = [...(state as number[])];
  }
}
