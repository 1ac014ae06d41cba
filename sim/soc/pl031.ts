/** Arm PrimeCell real-time clock PL031 (DDI 0224C): seconds of simulated time after a fixed start. */
import type { GuestErrors, IrqLine } from '../machine/device.js';
import type { Clock, TimedEvent } from '../machine/events.js';
import type { Register } from '../machine/registers.js';
import { RegisterDevice, registerMap } from '../machine/registers.js';

const ALL = 0xffff_ffff;

export const PL031_REGISTERS = registerMap({
  DR: { at: 0x000, policy: 'modelled' },
  MR: { at: 0x004, write: ALL },
  LR: { at: 0x008, write: ALL },
  CR: { at: 0x00c, reset: 1, policy: 'constant' }, // once started it runs
  IMSC: { at: 0x010, write: 1 },
  RIS: { at: 0x014 },
  MIS: { at: 0x018, policy: 'modelled' },
  ICR: { at: 0x01c, policy: 'modelled' },
  PERIPHID0: { at: 0xfe0, reset: 0x31, policy: 'constant' },
  PERIPHID1: { at: 0xfe4, reset: 0x10, policy: 'constant' },
  PERIPHID2: { at: 0xfe8, reset: 0x04, policy: 'constant' },
  PERIPHID3: { at: 0xfec, reset: 0x00, policy: 'constant' },
  PCELLID0: { at: 0xff0, reset: 0x0d, policy: 'constant' },
  PCELLID1: { at: 0xff4, reset: 0xf0, policy: 'constant' },
  PCELLID2: { at: 0xff8, reset: 0x05, policy: 'constant' },
  PCELLID3: { at: 0xffc, reset: 0xb1, policy: 'constant' },
});
type Name = Parameters<(typeof PL031_REGISTERS)['slot']>[0];

export class Pl031 extends RegisterDevice<Name> {
  /** DR less the seconds since power-on, modulo 2^32. */
  #offset: number;
  readonly #match: TimedEvent;

  /** `epoch`: seconds since 1970 at power-on. */
  constructor(
    name: string,
    private readonly epoch: number,
    private readonly clock: Clock,
    private readonly irq: IrqLine,
    errors: GuestErrors,
  ) {
    super(name, PL031_REGISTERS, errors);
    this.#offset = epoch >>> 0;
    this.#match = clock.event(`${name}.match`, () => {
      this.set('RIS', 1);
      this.#derive();
    });
    this.#derive();
  }

  protected override readRegister(register: Register<Name>, debug: boolean): number {
    if (register.name === 'DR') return (this.#offset + this.#seconds()) >>> 0;
    if (register.name === 'MIS') return this.get('RIS') & this.get('IMSC');
    if (register.name === 'ICR') return 0;
    return super.readRegister(register, debug);
  }

  protected override written(register: Register<Name>, data: number): void {
    if (register.name === 'LR') this.#offset = (data - this.#seconds()) >>> 0;
    if (register.name === 'ICR' && data & 1) this.set('RIS', 0);
    this.#derive();
  }

  protected override onReset(): void {
    this.#offset = this.epoch >>> 0;
    this.#derive();
  }

  protected override saveExtra(): unknown {
    return { offset: this.#offset };
  }

  protected override loadExtra(extra: unknown): void {
    this.#offset = (extra as { offset: number }).offset;
    this.irq.set((this.get('RIS') & this.get('IMSC')) !== 0);
  }

  #seconds(): number {
    return Number((this.clock.now() / BigInt(this.clock.tickHz)) & 0xffff_ffffn);
  }

  /** The match comes when DR next becomes equal to MR; zero, the reset value, is not waited for. */
  #derive(): void {
    const ahead = (this.get('MR') - this.#offset - this.#seconds()) >>> 0 || 2 ** 32;
    const when = (this.clock.now() / BigInt(this.clock.tickHz) + BigInt(ahead)) * BigInt(this.clock.tickHz);
    if (this.get('MR') === 0) this.#match.cancel();
    else if (this.#match.when !== when) this.#match.scheduleAt(when);
    this.irq.set((this.get('RIS') & this.get('IMSC')) !== 0);
  }
}
