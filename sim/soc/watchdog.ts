/**
 * R-Car Gen3 RCLK watchdog (hardware manual, RWDT). Writes carry a code word in their upper bits. The counter does
 * not run: no software studied starts it, and one that does is reported.
 */
import type { GuestErrors } from '../machine/device.js';
import type { Register } from '../machine/registers.js';
import { hex, RegisterDevice, registerMap } from '../machine/registers.js';

const W = [1, 2, 4] as const;

export const WATCHDOG_REGISTERS = registerMap({
  RWTCNT: { at: 0x0, widths: W, policy: 'modelled' },
  RWTCSRA: { at: 0x4, widths: W, reset: 0, policy: 'modelled' },
  RWTCSRB: { at: 0x8, widths: W, reset: 0, policy: 'modelled' },
});
type Name = Parameters<(typeof WATCHDOG_REGISTERS)['slot']>[0];

const CSRA_TME = 1 << 7;
/** Timer enable, overflow flag and clock select; WRFLG (bit 5) reads as zero: no write is ever pending. */
const CSRA_BITS = 0x97;

export class Watchdog extends RegisterDevice<Name> {
  constructor(name: string, errors: GuestErrors) {
    super(name, WATCHDOG_REGISTERS, errors);
  }

  protected override written(register: Register<Name>, data: number, _old: number, lanes: number): void {
    const counter = register.name === 'RWTCNT';
    const code = counter ? data >>> 16 : data >>> 8;
    if (lanes >>> 0 !== 0xffff_ffff || code !== (counter ? 0x5a5a : 0xa5_a5a5)) {
      this.errors.report('bad-code-word', this.name, `${register.name} = ${hex(data)}`);
      return;
    }
    if (counter) this.set('RWTCNT', data & 0xffff);
    else if (register.name === 'RWTCSRB') this.set('RWTCSRB', data & 0x3f);
    else {
      if (data & CSRA_TME) this.errors.report('watchdog-started', this.name, 'the watchdog does not count');
      this.set('RWTCSRA', data & CSRA_BITS);
    }
  }
}
