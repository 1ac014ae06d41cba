/**
 * R-Car Gen3 INTC-EX, the external interrupt pins IRQ0 to IRQ5 (hardware manual, INTC-EX; linux:
 * drivers/irqchip/irq-renesas-irqc.c). The pins are quiet unless `setPin` drives them.
 */
import type { GuestErrors, IrqLine } from '../machine/device.js';
import type { Register } from '../machine/registers.js';
import { RegisterDevice, registerMap } from '../machine/registers.js';

const ALL = 0xffff_ffff;

export const INTC_EX_REGISTERS = registerMap({
  REQ_STS: { at: 0x000, policy: 'modelled' },
  EN_STS: { at: 0x004, policy: 'modelled' }, // reads the enables, writing 1 disables
  EN_SET: { at: 0x008, policy: 'modelled' },
  DETECT_STATUS: { at: 0x100, policy: 'modelled' },
  MONITOR: { at: 0x104, policy: 'modelled' },
  HLVL_STS: { at: 0x108, policy: 'modelled' },
  LLVL_STS: { at: 0x10c, policy: 'modelled' },
  S_R_EDGE_STS: { at: 0x110, policy: 'raz' },
  S_F_EDGE_STS: { at: 0x114, policy: 'raz' },
  A_R_EDGE_STS: { at: 0x118, policy: 'raz' },
  A_F_EDGE_STS: { at: 0x11c, policy: 'raz' },
  CHTEN_STS: { at: 0x120, policy: 'raz' },
  CONFIG: { at: 0x180, count: 32, write: ALL },
});
type Name = Parameters<(typeof INTC_EX_REGISTERS)['slot']>[0];

/** CONFIG bits 5:0: low level, high level, falling, rising, both edges. */
const SENSE_LOW = 0x01;
const SENSE_HIGH = 0x02;
const SENSE_FALLING = 0x04;
const SENSE_RISING = 0x08;
const SENSE_BOTH = 0x0c;

export class IntcEx extends RegisterDevice<Name> {
  #enabled = 0;
  #detected = 0;
  #pins = 0;

  /** One line per pin. */
  constructor(
    name: string,
    private readonly lines: readonly IrqLine[],
    errors: GuestErrors,
  ) {
    super(name, INTC_EX_REGISTERS, errors);
  }

  /** Drives an external pin. */
  setPin(pin: number, level: boolean): void {
    const bit = 1 << pin;
    if (((this.#pins & bit) !== 0) === level) return;
    this.#pins ^= bit;
    const sense = this.get('CONFIG', pin) & 0x3f;
    if (sense === SENSE_BOTH || sense === (level ? SENSE_RISING : SENSE_FALLING)) this.#detected |= bit;
    this.#drive();
  }

  protected override readRegister(register: Register<Name>, debug: boolean): number {
    switch (register.name) {
      case 'REQ_STS':
        return this.#requests() & this.#enabled;
      case 'EN_STS':
        return this.#enabled;
      case 'DETECT_STATUS':
        return this.#requests();
      case 'MONITOR':
      case 'HLVL_STS':
        return this.#pins;
      case 'LLVL_STS':
        return ~this.#pins & (2 ** this.lines.length - 1);
      case 'EN_SET':
        return 0;
      default:
        return super.readRegister(register, debug);
    }
  }

  protected override written(register: Register<Name>, data: number): void {
    if (register.name === 'EN_SET') this.#enabled |= data & (2 ** this.lines.length - 1);
    else if (register.name === 'EN_STS') this.#enabled &= ~data;
    else if (register.name === 'DETECT_STATUS') this.#detected &= ~data;
    this.#drive();
  }

  protected override onReset(): void {
    this.#enabled = 0;
    this.#detected = 0;
    this.#drive();
  }

  protected override saveExtra(): unknown {
    return { enabled: this.#enabled, detected: this.#detected, pins: this.#pins };
  }

  protected override loadExtra(extra: unknown): void {
    const saved = extra as { enabled: number; detected: number; pins: number };
    this.#enabled = saved.enabled;
    this.#detected = saved.detected;
    this.#pins = saved.pins;
    this.#drive();
  }

  #requests(): number {
    let requests = this.#detected;
    for (let pin = 0; pin < this.lines.length; pin++) {
      const sense = this.get('CONFIG', pin) & 0x3f;
      const high = ((this.#pins >> pin) & 1) !== 0;
      if (sense === (high ? SENSE_HIGH : SENSE_LOW)) requests |= 1 << pin;
    }
    return requests;
  }

  #drive(): void {
    const active = this.#requests() & this.#enabled;
    this.lines.forEach((line, pin) => line.set(((active >> pin) & 1) !== 0));
  }
}
