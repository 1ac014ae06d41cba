/**
 * The memory-mapped control frame of the system counter (DDI 0487, I1.3; R-Car: CNTC). The count that cores see
 * runs from power-on whatever CNTCR says: the firmware has started it.
 */
import type { GuestErrors } from '../machine/device.js';
import type { Clock } from '../machine/events.js';
import type { Register } from '../machine/registers.js';
import { RegisterDevice, registerMap } from '../machine/registers.js';

export const SYSTEM_COUNTER_REGISTERS = registerMap({
  CNTCR: { at: 0x00, reset: 1, write: 0x3 },
  CNTSR: { at: 0x04, reset: 0, policy: 'constant' },
  CNTCVL: { at: 0x08, policy: 'modelled' },
  CNTCVU: { at: 0x0c, policy: 'modelled' },
  CNTFID0: { at: 0x20, policy: 'modelled' },
});
type Name = Parameters<(typeof SYSTEM_COUNTER_REGISTERS)['slot']>[0];

export class SystemCounter extends RegisterDevice<Name> {
  constructor(
    name: string,
    private readonly clock: Clock,
    errors: GuestErrors,
  ) {
    super(name, SYSTEM_COUNTER_REGISTERS, errors);
  }

  protected override readRegister(register: Register<Name>, debug: boolean): number {
    const count = this.clock.now() / BigInt(this.clock.ticksPerCount);
    if (register.name === 'CNTCVL') return Number(count & 0xffff_ffffn);
    if (register.name === 'CNTCVU') return Number(count >> 32n);
    if (register.name === 'CNTFID0') return this.clock.tickHz / this.clock.ticksPerCount;
    return super.readRegister(register, debug);
  }
}
