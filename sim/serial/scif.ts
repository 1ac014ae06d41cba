/**
 * Renesas SCIF and HSCIF serial ports with baud rate generator (R-Car Gen3 hardware manual, SCIF chapter; facts
 * cross-checked with linux: drivers/tty/serial/sh-sci.c and xen: xen/drivers/char/scif-uart.c).
 *
 * TDFE, TEND, RDF and DR are conditions of the FIFOs, so a write of zero cannot hold them down; the errors are
 * latches that a written zero clears.
 */
import type { GuestErrors, IrqLine } from '../machine/device.js';
import type { Clock, TimedEvent } from '../machine/events.js';
import type { Register } from '../machine/registers.js';
import { RegisterDevice, registerMap } from '../machine/registers.js';

/** Software uses exactly these widths. SCFER-class and HSCIF registers are storage. */
export const SCIF_REGISTERS = registerMap({
  SCSMR: { at: 0x00, size: 2, write: 0x007f },
  SCBRR: { at: 0x04, size: 1, reset: 0xff, write: 0xff },
  SCSCR: { at: 0x08, size: 2, write: 0x08ff },
  SCFTDR: { at: 0x0c, size: 1, policy: 'modelled' },
  SCFSR: { at: 0x10, size: 2, policy: 'modelled' },
  SCFRDR: { at: 0x14, size: 1, policy: 'modelled' },
  SCFCR: { at: 0x18, size: 2, write: 0x07ff },
  SCFDR: { at: 0x1c, size: 2, policy: 'modelled' },
  SCSPTR: { at: 0x20, size: 2, write: 0x00ff },
  SCLSR: { at: 0x24, size: 2, policy: 'modelled' },
  SCFER: { at: 0x28, size: 2, write: 0xffff, policy: 'tagged' },
  DL: { at: 0x30, size: 2, write: 0xffff },
  CKS: { at: 0x34, size: 2, write: 0xc000 },
  HSSRR: { at: 0x40, size: 2, write: 0xcf1f },
  HSRTRGR: { at: 0x54, size: 2, write: 0x00ff },
  HSTTRGR: { at: 0x58, size: 2, write: 0x00ff },
});
type Name = Parameters<(typeof SCIF_REGISTERS)['slot']>[0];

const SMR_CHR7 = 1 << 6;
const SMR_PE = 1 << 5;
const SMR_STOP = 1 << 3;
const SCR_TEIE = 1 << 11;
const SCR_TIE = 1 << 7;
const SCR_RIE = 1 << 6;
const SCR_TE = 1 << 5;
const SCR_RE = 1 << 4;
const SCR_REIE = 1 << 3;
const SCR_TOIE = 1 << 2;
const SCR_CKE1 = 1 << 1;
const FSR_ER = 1 << 7;
const FSR_TEND = 1 << 6;
const FSR_TDFE = 1 << 5;
const FSR_BRK = 1 << 4;
const FSR_FER = 1 << 3;
const FSR_PER = 1 << 2;
const FSR_RDF = 1 << 1;
const FSR_DR = 1 << 0;
/** The errors that a character may bring: SCFSR bits BRK, FER, PER, and ER which goes with the last two. */
const FSR_LATCHES = FSR_ER | FSR_BRK | FSR_FER | FSR_PER;
const LSR_TO = 1 << 2;
const LSR_ORER = 1 << 0;
const FCR_TFRST = 1 << 2;
const FCR_RFRST = 1 << 1;
const FCR_LOOP = 1 << 0;
const CKS_XIN = 1 << 14;
/** Characters that start a receive, and that are left when a transmit is asked for, by SCFCR field. */
const RX_TRIGGER: readonly number[] = [1, 4, 8, 14];
const TX_TRIGGER: readonly number[] = [8, 4, 2, 0];
/** DR is set when no character has come for 15 bit times. */
const IDLE_BITS = 15;

export interface ScifConfig {
  readonly name: string;
  readonly kind: 'scif' | 'hscif';
  /** `instant`: a character leaves as it is written and DR is set at once; `baud`: both take their time. */
  readonly tx: 'instant' | 'baud';
  /** Module clock (fck), internal BRG clock (S3D1) and the SCIF_CLK pin. */
  readonly fckHz: number;
  readonly brgIntHz: number;
  readonly scifClkHz: number;
}

export interface ScifDeps {
  readonly clock: Clock;
  readonly irq: IrqLine;
  readonly errors: GuestErrors;
  /** Receives each transmitted character. */
  sink(byte: number): void;
  /** The receive FIFO has room again after having been full. */
  rxSpace?(): void;
}

interface ScifState {
  readonly tx: readonly number[];
  readonly rx: readonly number[];
  readonly shifting: number;
  readonly latches: number;
  readonly line: number;
  readonly idle: boolean;
}

export class Scif extends RegisterDevice<Name> {
  #tx: number[] = [];
  #rx: number[] = [];
  #shifting = -1;
  #latches = 0; // error bits of SCFSR
  #line = 0; // SCLSR
  #idle = true; // no character has come for IDLE_BITS
  readonly #depth: number;
  readonly #txDone: TimedEvent;
  readonly #rxIdle: TimedEvent;

  constructor(
    private readonly config: ScifConfig,
    private readonly deps: ScifDeps,
  ) {
    super(config.name, SCIF_REGISTERS, deps.errors);
    this.#depth = config.kind === 'hscif' ? 128 : 16;
    this.#txDone = deps.clock.event(`${config.name}.tx`, () => {
      this.#deliver();
      this.#startShifter();
      this.#drive();
    });
    this.#rxIdle = deps.clock.event(`${config.name}.rx-idle`, () => {
      this.#idle = true;
      this.#drive();
    });
    this.onReset();
  }

  /**
   * A character arrives on the line, with error bits as in SCFSR (ER, BRK, FER, PER). Returns false if it is lost:
   * receiver off, or FIFO full (overrun).
   */
  input(byte: number, errors = 0): boolean {
    if (!this.#receiving() || (this.get('SCFCR') & FCR_LOOP) !== 0) return false;
    this.#latches |= errors & FSR_LATCHES;
    const taken = this.#receive(byte & 0xff);
    this.#drive();
    return taken;
  }

  /** Whether `input` would take a character now; a source with flow control asks first. */
  canAccept(): boolean {
    return this.#receiving() && this.#rx.length < this.#depth;
  }

  protected override readRegister(register: Register<Name>, debug: boolean): number {
    switch (register.name) {
      case 'SCFRDR':
        return debug ? (this.#rx[0] ?? 0) : this.#readData();
      case 'SCFSR':
        return this.#status();
      case 'SCFDR':
        return (this.#tx.length << 8) | this.#rx.length;
      case 'SCLSR':
        return this.#line;
      case 'SCFTDR': // write-only
        return 0;
      default:
        return super.readRegister(register, debug);
    }
  }

  protected override written(register: Register<Name>, data: number): void {
    switch (register.name) {
      case 'SCFTDR':
        this.#transmit(data);
        break;
      case 'SCFSR':
        this.#latches &= data;
        break;
      case 'SCLSR':
        this.#line &= data;
        break;
      case 'SCFCR':
        if (data & FCR_TFRST) this.#tx = [];
        if (data & FCR_RFRST) this.#clearReceive();
        break;
      case 'SCSCR':
        if ((data & SCR_RE) === 0) this.#rxIdle.cancel();
        this.#startShifter();
        break;
      default:
        break;
    }
    this.#drive();
  }

  protected override onReset(): void {
    this.#tx = [];
    this.#shifting = -1;
    this.#latches = 0;
    this.#line = 0;
    this.#txDone.cancel();
    this.#clearReceive();
    this.#drive();
  }

  protected override saveExtra(): ScifState {
    return {
      tx: [...this.#tx],
      rx: [...this.#rx],
      shifting: this.#shifting,
      latches: this.#latches,
      line: this.#line,
      idle: this.#idle,
    };
  }

  protected override loadExtra(extra: unknown): void {
    const saved = extra as ScifState;
    this.#tx = [...saved.tx];
    this.#rx = [...saved.rx];
    this.#shifting = saved.shifting;
    this.#latches = saved.latches;
    this.#line = saved.line;
    this.#idle = saved.idle;
    this.#drive();
  }

  #receiving(): boolean {
    return (this.get('SCSCR') & SCR_RE) !== 0 && (this.get('SCFCR') & FCR_RFRST) === 0;
  }

  #status(): number {
    const control = this.get('SCFCR');
    let status = this.#latches;
    if (this.#tx.length <= this.#transmitTrigger(control)) status |= FSR_TDFE;
    if (this.#tx.length === 0 && this.#shifting < 0) status |= FSR_TEND;
    const trigger = this.#receiveTrigger(control);
    if (this.#rx.length >= trigger) status |= FSR_RDF;
    // Raised again for each character that is left, or a reader of one character per DR would stop (Xen's).
    else if (this.#rx.length > 0 && this.#idle) status |= FSR_DR;
    return status;
  }

  /** HSCIF has trigger registers of its own; zero there means that they are unused. */
  #transmitTrigger(control: number): number {
    const own = this.config.kind === 'hscif' ? this.get('HSTTRGR') : 0;
    return own !== 0 ? own : TX_TRIGGER[(control >> 4) & 3]!;
  }

  #receiveTrigger(control: number): number {
    const own = this.config.kind === 'hscif' ? this.get('HSRTRGR') : 0;
    return own !== 0 ? own : RX_TRIGGER[(control >> 6) & 3]!;
  }

  #transmit(byte: number): void {
    if ((this.get('SCFCR') & FCR_TFRST) !== 0 || this.#tx.length >= this.#depth) {
      this.errors.report('tx-overflow', this.name, `character ${byte} dropped`);
      return;
    }
    this.#tx.push(byte);
    this.#startShifter();
  }

  #startShifter(): void {
    while (this.#shifting < 0 && this.#tx.length > 0 && (this.get('SCSCR') & SCR_TE) !== 0) {
      this.#shifting = this.#tx.shift()!;
      const duration = this.config.tx === 'baud' ? this.#bitTicks(this.#frameBits()) : 0n;
      if (duration > 0n) this.#txDone.scheduleAt(this.deps.clock.now() + duration);
      else this.#deliver();
    }
  }

  #deliver(): void {
    const byte = this.#shifting;
    this.#shifting = -1;
    if (byte < 0) return;
    if ((this.get('SCFCR') & FCR_LOOP) === 0) this.deps.sink(byte);
    else if (this.#receiving()) this.#receive(byte);
  }

  #receive(byte: number): boolean {
    if (this.#rx.length >= this.#depth) {
      this.#line |= LSR_ORER;
      return false;
    }
    this.#rx.push(byte);
    if (this.config.tx === 'baud') {
      this.#idle = false;
      this.#rxIdle.scheduleAt(this.deps.clock.now() + this.#bitTicks(IDLE_BITS));
    }
    return true;
  }

  #readData(): number {
    const byte = this.#rx.shift();
    if (byte === undefined) return 0;
    this.#drive();
    if (this.#rx.length === this.#depth - 1) this.deps.rxSpace?.();
    return byte;
  }

  #clearReceive(): void {
    this.#rx = [];
    this.#idle = true;
    this.#rxIdle.cancel();
  }

  #frameBits(): number {
    const mode = this.get('SCSMR');
    return 1 + (mode & SMR_CHR7 ? 7 : 8) + (mode & SMR_PE ? 1 : 0) + (mode & SMR_STOP ? 2 : 1);
  }

  /**
   * Internal clock: baud = fck / (32 * 4^CKS * (SCBRR + 1)). With SCSCR.CKE1 the BRG output: clock / (16 * DL), the
   * clock being S3D1 or the SCIF_CLK pin. HSCIF divides by SRCYC + 1 in place of 16.
   */
  #bitTicks(bits: number): bigint {
    const rate = this.get('HSSRR');
    const sampling = this.config.kind === 'hscif' && rate & 0x8000 ? (rate & 0x1f) + 1 : 16;
    const external = (this.get('SCSCR') & SCR_CKE1) !== 0;
    const clockHz = !external
      ? this.config.fckHz
      : this.get('CKS') & CKS_XIN
        ? this.config.brgIntHz
        : this.config.scifClkHz;
    const divisor = external
      ? sampling * Math.max(1, this.get('DL'))
      : sampling * 2 * 4 ** (this.get('SCSMR') & 3) * (this.get('SCBRR') + 1);
    return (BigInt(bits * divisor) * BigInt(this.deps.clock.tickHz)) / BigInt(clockHz);
  }

  #drive(): void {
    const control = this.get('SCSCR');
    const status = this.#status();
    let level = (control & SCR_TIE) !== 0 && (status & FSR_TDFE) !== 0;
    level ||= (control & SCR_RIE) !== 0 && (status & (FSR_RDF | FSR_DR)) !== 0;
    const errors = (status & (FSR_ER | FSR_BRK)) !== 0 || (this.#line & LSR_ORER) !== 0;
    level ||= (control & (SCR_RIE | SCR_REIE)) !== 0 && errors;
    level ||= (control & SCR_TEIE) !== 0 && (status & FSR_TEND) !== 0;
    level ||= (control & SCR_TOIE) !== 0 && (this.#line & LSR_TO) !== 0;
    this.deps.irq.set(level);
  }
}
