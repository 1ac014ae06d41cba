/** A block that is not modelled: reads as zero, ignores writes, and each access is counted as such. */
import type { GuestErrors, Initiator, MmioDevice, Width } from '../machine/device.js';
import { hex } from '../machine/registers.js';

export class Stub implements MmioDevice {
  constructor(
    readonly name: string,
    private readonly errors: GuestErrors,
  ) {}

  read(offset: number, width: Width, initiator: Initiator): number {
    if (initiator >= 0) this.errors.report('stub-read', this.name, `${hex(offset)}/${width}`);
    return 0;
  }

  write(offset: number, width: Width, value: number, _hi: number, initiator: Initiator): void {
    if (initiator >= 0) this.errors.report('stub-write', this.name, `${hex(offset)}/${width} = ${hex(value)}`);
  }

  reset(): void {}

  save(): unknown {
    return null;
  }

  load(): void {}
}
