/**
 * Arm PrimeCell UART PL011 r1p5 (DDI 0183G). Transmission takes no time, or the time that the programmed divisor
 * gives; received characters come from `input`. The modem inputs read as a connected, ready device.
 */
import type { GuestErrors, IrqLine } from '../machine/device.js';
import type { Clock, TimedEvent } from '../machine/events.js';
import type { Register } from '../machine/registers.js';
import { RegisterDevice, registerMap } from '../machine/registers.js';

const W = [1, 2, 4] as const;

/** DDI 0183G, table 3-1. Writing DMACR is stored, there is no DMA; the test registers are storage. */
export const PL011_REGISTERS = registerMap({
  DR: { at: 0x000, widths: W, policy: 'modelled' },
  RSR_ECR: { at: 0x004, widths: W, policy: 'modelled' },
  FR: { at: 0x018, widths: W, policy: 'modelled' },
  ILPR: { at: 0x020, widths: W, write: 0xff },
  IBRD: { at: 0x024, widths: W, write: 0xffff },
  FBRD: { at: 0x028, widths: W, write: 0x3f },
  LCR_H: { at: 0x02c, widths: W, write: 0xff },
  CR: { at: 0x030, widths: W, reset: 0x300, write: 0xff87 },
  IFLS: { at: 0x034, widths: W, reset: 0x12, write: 0x3f },
  IMSC: { at: 0x038, widths: W, write: 0x7ff },
  RIS: { at: 0x03c, widths: W, policy: 'modelled' },
  MIS: { at: 0x040, widths: W, policy: 'modelled' },
  ICR: { at: 0x044, widths: W, policy: 'modelled' },
  DMACR: { at: 0x048, widths: W, write: 0x7 },
  ITCR: { at: 0x080, widths: W, write: 0x3, policy: 'tagged' },
  ITIP: { at: 0x084, widths: W, write: 0xff, policy: 'tagged' },
  ITOP: { at: 0x088, widths: W, write: 0xffff, policy: 'tagged' },
  TDR: { at: 0x08c, widths: W, write: 0x7ff, policy: 'tagged' },
  PERIPHID0: { at: 0xfe0, widths: W, reset: 0x11, policy: 'constant' },
  PERIPHID1: { at: 0xfe4, widths: W, reset: 0x10, policy: 'constant' },
  PERIPHID2: { at: 0xfe8, widths: W, reset: 0x34, policy: 'constant' },
  PERIPHID3: { at: 0xfec, widths: W, reset: 0x00, policy: 'constant' },
  PCELLID0: { at: 0xff0, widths: W, reset: 0x0d, policy: 'constant' },
  PCELLID1: { at: 0xff4, widths: W, reset: 0xf0, policy: 'constant' },
  PCELLID2: { at: 0xff8, widths: W, reset: 0x05, policy: 'constant' },
  PCELLID3: { at: 0xffc, widths: W, reset: 0xb1, policy: 'constant' },
});
type Name = Parameters<(typeof PL011_REGISTERS)['slot']>[0];

const FR_MODEM = 0x007; // CTS, DSR, DCD
const FR_BUSY = 1 << 3;
const FR_RXFE = 1 << 4;
const FR_TXFF = 1 << 5;
const FR_RXFF = 1 << 6;
const FR_TXFE = 1 << 7;
const CR_UARTEN = 1 << 0;
const CR_LBE = 1 << 7;
const CR_TXE = 1 << 8;
const CR_RXE = 1 << 9;
const LCR_BRK = 1 << 0;
const LCR_PEN = 1 << 1;
const LCR_STP2 = 1 << 3;
const LCR_FEN = 1 << 4;
const INT_RX = 1 << 4;
const INT_TX = 1 << 5;
const INT_RT = 1 << 6;
const INT_OE = 1 << 10;
/** DR error bits 11:8 of a received character: framing, parity, break, overrun; RSR holds them in 3:0. */
const DR_LINE_ERRORS = 0x700;
const DR_OE = 1 << 11;
/** r1p5 has FIFOs of 32 characters, earlier revisions of 16 (DDI 0183G, 1.1). */
const FIFO_DEPTH = 32;
/** IFLS selects 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO; the other codes are reserved and taken as 7/8. */
const IFLS_LEVEL: readonly number[] = [4, 8, 16, 24, 28, 28, 28, 28];
/** The receive timeout is 32 bit periods (DDI 0183G, 2.4.2). */
const TIMEOUT_BITS = 32;

export interface Pl011Config {
  readonly name: string;
  /** `instant`: a character leaves as it is written. `baud`: it takes the time of its bits. */
  readonly tx: 'instant' | 'baud';
  readonly clockHz: number;
  /** The firmware has left the UART switched on; a kernel's early console relies on it. */
  readonly enabledAtReset: boolean;
}

export interface Pl011Deps {
  readonly clock: Clock;
  readonly irq: IrqLine;
  readonly errors: GuestErrors;
  /** Receives each transmitted character. */
  sink(byte: number): void;
  /** The receive FIFO has room again after having been full. */
  rxSpace?(): void;
}

interface Pl011State {
  readonly tx: readonly number[];
  readonly rx: readonly number[];
  readonly shifting: number;
  readonly raw: number;
  readonly errors: number;
  readonly overrun: boolean;
}

export class Pl011 extends RegisterDevice<Name> {
  #tx: number[] = []; // waiting for the shifter, oldest first
  #shifting = -1; // the character being sent
  #rx: number[] = []; // character and error bits 11:8
  #raw = 0; // RIS
  #rxErrors = 0; // RSR
  #overrun = false; // an overrun, to be shown with the next character received
  readonly #txDone: TimedEvent;
  readonly #rxTimeout: TimedEvent;

  constructor(
    private readonly config: Pl011Config,
    private readonly deps: Pl011Deps,
  ) {
    super(config.name, PL011_REGISTERS, deps.errors);
    this.#txDone = deps.clock.event(`${config.name}.tx`, () => this.#shifted());
    this.#rxTimeout = deps.clock.event(`${config.name}.rx-timeout`, () => {
      if (this.#rx.length > 0) this.#raw |= INT_RT;
      this.#drive();
    });
    this.onReset();
  }

  /**
   * A character arrives on the line, with error bits as in DR (framing 8, parity 9, break 10). Returns false if it
   * is lost: the receiver is off, or the FIFO is full, which is an overrun error.
   */
  input(byte: number, errors = 0): boolean {
    const control = this.get('CR');
    if ((control & (CR_UARTEN | CR_RXE)) !== (CR_UARTEN | CR_RXE) || (control & CR_LBE) !== 0) return false;
    return this.#receive((byte & 0xff) | (errors & DR_LINE_ERRORS));
  }

  /** Whether `input` would take a character now; a source with flow control asks first. */
  canAccept(): boolean {
    const control = this.get('CR');
    return (control & (CR_UARTEN | CR_RXE)) === (CR_UARTEN | CR_RXE) && this.#rx.length < this.#depth();
  }

  protected override readRegister(register: Register<Name>, debug: boolean): number {
    switch (register.name) {
      case 'DR':
        return debug ? (this.#rx[0] ?? 0) : this.#readData();
      case 'RSR_ECR':
        return this.#rxErrors;
      case 'FR':
        return this.#flags();
      case 'RIS':
        return this.#raw;
      case 'MIS':
        return this.#raw & this.get('IMSC');
      case 'ICR': // write-only
        return 0;
      default:
        return super.readRegister(register, debug);
    }
  }

  protected override written(register: Register<Name>, data: number, old: number): void {
    switch (register.name) {
      case 'DR':
        this.#transmit(data & 0xff);
        break;
      case 'RSR_ECR': // any write clears the errors
        this.#rxErrors = 0;
        break;
      case 'ICR':
        this.#raw &= ~data;
        break;
      case 'LCR_H':
        // Switching FEN empties both FIFOs (DDI 0183G, 3.3.7: the FIFOs become one-byte holding registers).
        if ((old ^ this.get('LCR_H')) & LCR_FEN) {
          this.#tx = [];
          this.#rx = [];
          this.#rxTimeout.cancel();
        }
        break;
      case 'CR':
        this.#startShifter();
        break;
      default:
        break;
    }
    this.#drive();
  }

  protected override onReset(): void {
    this.#tx = [];
    this.#rx = [];
    this.#shifting = -1;
    this.#raw = 0;
    this.#rxErrors = 0;
    this.#overrun = false;
    this.#txDone.cancel();
    this.#rxTimeout.cancel();
    if (this.config.enabledAtReset) this.set('CR', 0x300 | CR_UARTEN);
    this.#drive();
  }

  protected override saveExtra(): Pl011State {
    return {
      tx: [...this.#tx],
      rx: [...this.#rx],
      shifting: this.#shifting,
      raw: this.#raw,
      errors: this.#rxErrors,
      overrun: this.#overrun,
    };
  }

  protected override loadExtra(extra: unknown): void {
    const saved = extra as Pl011State;
    this.#tx = [...saved.tx];
    this.#rx = [...saved.rx];
    this.#shifting = saved.shifting;
    this.#raw = saved.raw;
    this.#rxErrors = saved.errors;
    this.#overrun = saved.overrun;
    this.#drive();
  }

  #depth(): number {
    return this.get('LCR_H') & LCR_FEN ? FIFO_DEPTH : 1;
  }

  #flags(): number {
    let flags = FR_MODEM;
    if (this.#rx.length === 0) flags |= FR_RXFE;
    if (this.#rx.length >= this.#depth()) flags |= FR_RXFF;
    if (this.#tx.length === 0) flags |= FR_TXFE;
    if (this.#tx.length >= this.#depth()) flags |= FR_TXFF;
    if (this.#tx.length > 0 || this.#shifting >= 0) flags |= FR_BUSY;
    return flags;
  }

  #transmit(byte: number): void {
    if (this.#tx.length >= this.#depth()) {
      this.errors.report('tx-overflow', this.name, `character ${byte} dropped`);
      return;
    }
    this.#tx.push(byte);
    this.#startShifter();
  }

  #canSend(): boolean {
    return (this.get('CR') & (CR_UARTEN | CR_TXE)) === (CR_UARTEN | CR_TXE) && (this.get('LCR_H') & LCR_BRK) === 0;
  }

  /** Moves a character into the idle shifter; without a bit clock nothing holds it there. */
  #startShifter(): void {
    while (this.#shifting < 0 && this.#tx.length > 0 && this.#canSend()) {
      this.#shifting = this.#tx.shift()!;
      const duration = this.config.tx === 'baud' ? this.#bitTicks(this.#frameBits()) : 0n;
      if (duration > 0n) {
        this.#noteTransmitLevel();
        this.#txDone.scheduleAt(this.deps.clock.now() + duration);
      } else {
        this.#deliver();
        this.#raw |= INT_TX; // as if the FIFO had passed its trigger level on the way
      }
    }
  }

  #shifted(): void {
    this.#deliver();
    this.#startShifter();
    // With the FIFO disabled the interrupt comes when the holding register is empty (DDI 0183G, 2.8.4).
    this.#drive();
  }

  #deliver(): void {
    const byte = this.#shifting;
    this.#shifting = -1;
    if (byte < 0) return;
    if (this.get('CR') & CR_LBE) this.#receive(byte);
    else this.deps.sink(byte);
  }

  /** The transmit interrupt is raised by a transition through the trigger level (DDI 0183G, 2.8.4). */
  #noteTransmitLevel(): void {
    const level = this.get('LCR_H') & LCR_FEN ? IFLS_LEVEL[this.get('IFLS') & 7]! : 0;
    if (this.#tx.length === level) this.#raw |= INT_TX;
  }

  #receive(character: number): boolean {
    if (this.#rx.length >= this.#depth()) {
      this.#overrun = true;
      this.#raw |= INT_OE;
      this.#rxErrors |= DR_OE >> 8;
      this.#drive();
      return false;
    }
    this.#rx.push(character | (this.#overrun ? DR_OE : 0));
    this.#raw |= (character & DR_LINE_ERRORS) >> 1; // RIS bits 7 to 9
    this.#overrun = false;
    const trigger = this.get('LCR_H') & LCR_FEN ? IFLS_LEVEL[(this.get('IFLS') >> 3) & 7]! : 1;
    if (this.#rx.length >= trigger) this.#raw |= INT_RX;
    const idle = this.#bitTicks(TIMEOUT_BITS);
    if (idle > 0n && this.config.tx === 'baud') this.#rxTimeout.scheduleAt(this.deps.clock.now() + idle);
    else this.#raw |= INT_RT;
    this.#drive();
    return true;
  }

  #readData(): number {
    const entry = this.#rx.shift();
    if (entry === undefined) return 0;
    this.#rxErrors = (entry >> 8) & 0xf;
    const trigger = this.get('LCR_H') & LCR_FEN ? IFLS_LEVEL[(this.get('IFLS') >> 3) & 7]! : 1;
    if (this.#rx.length < trigger) this.#raw &= ~INT_RX;
    if (this.#rx.length === 0) {
      this.#raw &= ~INT_RT;
      this.#rxTimeout.cancel();
    }
    this.#drive();
    if (this.#rx.length === this.#depth() - 1) this.deps.rxSpace?.();
    return entry;
  }

  /** Start bit, 5 to 8 data bits, parity, stop bits. */
  #frameBits(): number {
    const line = this.get('LCR_H');
    return 1 + 5 + ((line >> 5) & 3) + (line & LCR_PEN ? 1 : 0) + (line & LCR_STP2 ? 2 : 1);
  }

  /** A bit lasts 16 * (IBRD + FBRD / 64) UARTCLK periods (DDI 0183G, 3.3.6); 0 while no divisor is set. */
  #bitTicks(bits: number): bigint {
    const divisor = this.get('IBRD') * 64 + this.get('FBRD');
    return (BigInt(bits * divisor) * BigInt(this.deps.clock.tickHz)) / BigInt(4 * this.config.clockHz);
  }

  #drive(): void {
    this.deps.irq.set((this.#raw & this.get('IMSC')) !== 0);
  }
}
