/** Product register: 0x4f in bits 14:8 is the R-Car H3, bits 7:4 and 3:0 the cut (0x20 is ES3.0). */
import type { GuestErrors } from '../machine/device.js';
import { RegisterDevice, registerMap } from '../machine/registers.js';

const PRR_REGISTERS = registerMap({ PRR: { at: 0x00 } });

export class Prr extends RegisterDevice<'PRR'> {
  constructor(
    name: string,
    private readonly value: number,
    errors: GuestErrors,
  ) {
    super(name, PRR_REGISTERS, errors);
    this.onReset();
  }

  protected override onReset(): void {
    this.set('PRR', this.value);
  }
}
