/**
 * R-Car H3 pin function controller (hardware manual, PFC). A protected register takes a write only if the
 * complement of the value has just been written to PMMR (linux: drivers/pinctrl/renesas/core.c).
 */
import type { GuestErrors } from '../machine/device.js';
import type { Register } from '../machine/registers.js';
import { hex, RegisterDevice, registerMap } from '../machine/registers.js';

const ALL = 0xffff_ffff;

export const PFC_REGISTERS = registerMap({
  PMMR: { at: 0x000, write: ALL },
  GPSR: { at: 0x100, count: 8, policy: 'modelled' },
  IPSR: { at: 0x200, count: 19, policy: 'modelled' },
  DRVCTRL: { at: 0x300, count: 25, policy: 'modelled' },
  POCCTRL0: { at: 0x380, policy: 'modelled' },
  TDSELCTRL: { at: 0x3c0, policy: 'modelled' },
  PUEN: { at: 0x400, count: 7, policy: 'modelled' },
  PUD: { at: 0x440, count: 7, policy: 'modelled' },
  MOD_SEL: { at: 0x500, count: 3, policy: 'modelled' },
});
type Name = Parameters<(typeof PFC_REGISTERS)['slot']>[0];

export class Pfc extends RegisterDevice<Name> {
  constructor(name: string, errors: GuestErrors) {
    super(name, PFC_REGISTERS, errors);
  }

  protected override written(register: Register<Name>, data: number): void {
    if (register.name === 'PMMR') return;
    if (this.get('PMMR') === ~data >>> 0) this.set(register.name, data, register.index);
    else this.errors.report('locked-write', this.name, `${register.name}${register.index} = ${hex(data)}`);
    this.set('PMMR', 0); // the permission is for one write
  }
}
