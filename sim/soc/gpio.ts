/**
 * R-Car Gen3 GPIO bank (hardware manual, GPIO; linux: drivers/gpio/gpio-rcar.c). Inputs float high unless driven;
 * outputs are read back.
 */
import type { GuestErrors, IrqLine } from '../machine/device.js';
import type { Register } from '../machine/registers.js';
import { RegisterDevice, registerMap } from '../machine/registers.js';

const ALL = 0xffff_ffff;

export const GPIO_REGISTERS = registerMap({
  IOINTSEL: { at: 0x00, write: ALL }, // 1: the pin is an interrupt input
  INOUTSEL: { at: 0x04, write: ALL }, // 1: output
  OUTDT: { at: 0x08, write: ALL },
  INDT: { at: 0x0c, policy: 'modelled' },
  INTDT: { at: 0x10, policy: 'modelled' },
  INTCLR: { at: 0x14, policy: 'modelled' },
  INTMSK: { at: 0x18, policy: 'modelled' },
  MSKCLR: { at: 0x1c, policy: 'modelled' },
  POSNEG: { at: 0x20, write: ALL }, // 1: active low or falling
  EDGLEVEL: { at: 0x24, write: ALL }, // 1: edge
  FILONOFF: { at: 0x28, write: ALL },
  OUTDTSEL: { at: 0x40, write: ALL },
  BOTHEDGE: { at: 0x4c, write: ALL },
});
type Name = Parameters<(typeof GPIO_REGISTERS)['slot']>[0];

export class Gpio extends RegisterDevice<Name> {
  readonly #pins: number;
  #inputs: number;
  #edges = 0;

  constructor(
    name: string,
    lines: number,
    private readonly irq: IrqLine,
    errors: GuestErrors,
  ) {
    super(name, GPIO_REGISTERS, errors);
    this.#pins = lines === 32 ? ALL : 2 ** lines - 1;
    this.#inputs = this.#pins;
  }

  /** Drives an input pin. */
  setInput(pin: number, level: boolean): void {
    const before = this.#inputs;
    const bit = (1 << pin) & this.#pins;
    this.#inputs = (level ? before | bit : before & ~bit) >>> 0;
    const changed = before ^ this.#inputs;
    const wanted = level ? ~this.get('POSNEG') : this.get('POSNEG');
    this.#edges |= changed & this.get('EDGLEVEL') & (wanted | this.get('BOTHEDGE'));
    this.#drive();
  }

  protected override readRegister(register: Register<Name>, debug: boolean): number {
    switch (register.name) {
      case 'INDT':
        return this.#levels();
      case 'INTDT':
        return this.#requests();
      case 'INTMSK': // 1: the interrupt is enabled; MSKCLR sets, INTMSK clears
        return this.get('MSKCLR');
      case 'INTCLR':
      case 'MSKCLR':
        return 0;
      default:
        return super.readRegister(register, debug);
    }
  }

  protected override written(register: Register<Name>, data: number): void {
    switch (register.name) {
      case 'INTCLR':
        this.#edges &= ~data;
        break;
      case 'INTMSK':
        this.set('MSKCLR', this.get('MSKCLR') & data);
        break;
      case 'MSKCLR':
        this.set('MSKCLR', (this.get('MSKCLR') | data) & this.#pins);
        break;
      default:
        break;
    }
    this.#drive();
  }

  protected override onReset(): void {
    this.#edges = 0;
    this.#drive();
  }

  protected override saveExtra(): unknown {
    return { inputs: this.#inputs, edges: this.#edges };
  }

  protected override loadExtra(extra: unknown): void {
    const saved = extra as { inputs: number; edges: number };
    this.#inputs = saved.inputs;
    this.#edges = saved.edges;
    this.#drive();
  }

  #levels(): number {
    const outputs = this.get('INOUTSEL');
    return ((this.#inputs & ~outputs) | (this.get('OUTDT') & outputs & this.#pins)) >>> 0;
  }

  #requests(): number {
    const edge = this.get('EDGLEVEL');
    const active = this.#inputs ^ this.get('POSNEG');
    return (((this.#edges & edge) | (active & ~edge)) & this.get('IOINTSEL') & this.#pins) >>> 0;
  }

  #drive(): void {
    this.irq.set((this.#requests() & this.get('MSKCLR')) !== 0);
  }
}
