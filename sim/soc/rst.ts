/** R-Car H3 reset controller (hardware manual, RST): the mode pins, and what the firmware stores. */
import type { GuestErrors } from '../machine/device.js';
import { RegisterDevice, registerMap } from '../machine/registers.js';

const ALL = 0xffff_ffff;

export const RST_REGISTERS = registerMap({
  CA57RESCNT: { at: 0x040, write: ALL },
  CA53RESCNT: { at: 0x044, write: ALL },
  WDTRSTCR: { at: 0x054, write: ALL },
  RSTOUTCR: { at: 0x058, write: ALL },
  MODEMR: { at: 0x060 },
  CR7BAR: { at: 0x070, write: ALL },
  CA53CPUBARH: { at: 0x080, count: 4, stride: 0x10, write: ALL },
  CA53CPUBARL: { at: 0x084, count: 4, stride: 0x10, write: ALL },
  CA57CPUBARH: { at: 0x0c0, count: 4, stride: 0x10, write: ALL },
  CA57CPUBARL: { at: 0x0c4, count: 4, stride: 0x10, write: ALL },
  SRESCR: { at: 0x110, write: ALL, policy: 'tagged' }, // soft power-on reset of the SoC: not carried out
});
type Name = Parameters<(typeof RST_REGISTERS)['slot']>[0];

export class Rst extends RegisterDevice<Name> {
  /** `modemr`: the mode pins MD[31:0]. */
  constructor(
    name: string,
    private readonly modemr: number,
    errors: GuestErrors,
  ) {
    super(name, RST_REGISTERS, errors);
    this.onReset();
  }

  protected override onReset(): void {
    this.set('MODEMR', this.modemr);
  }
}
