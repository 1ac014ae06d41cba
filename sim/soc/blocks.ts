/** Makes the device of a board's block description. */
import type { BlockData } from '../../boards/schema.js';
import type { GuestErrors, IrqLine, MmioDevice } from '../machine/device.js';
import type { Clock } from '../machine/events.js';
import { CpgMssr } from './cpg-mssr.js';
import { Gpio } from './gpio.js';
import { IntcEx } from './intc-ex.js';
import { Pfc } from './pfc.js';
import { Pl031 } from './pl031.js';
import { Prr } from './prr.js';
import { Rst } from './rst.js';
import { Stub } from './stub.js';
import { Sysc } from './sysc.js';
import { SystemCounter } from './system-counter.js';
import { Watchdog } from './watchdog.js';

export interface BlockDeps {
  readonly clock: Clock;
  readonly errors: GuestErrors;
  /** The interrupt input of a shared INTID (32 and up). */
  irq(intid: number): IrqLine;
  /** Seconds since 1970 at power-on, for real-time clocks. */
  readonly epoch: number;
}

export function createBlock(block: BlockData, { clock, errors, irq, epoch }: BlockDeps): MmioDevice {
  switch (block.kind) {
    case 'cpg-mssr':
      return new CpgMssr(block.name, errors);
    case 'rst':
      return new Rst(block.name, block.modemr, errors);
    case 'sysc':
      return new Sysc(block.name, errors);
    case 'pfc':
      return new Pfc(block.name, errors);
    case 'prr':
      return new Prr(block.name, block.value, errors);
    case 'intc-ex':
      return new IntcEx(block.name, block.intids.map(irq), errors);
    case 'gpio':
      return new Gpio(block.name, block.lines, irq(block.intid), errors);
    case 'watchdog':
      return new Watchdog(block.name, errors);
    case 'system-counter':
      return new SystemCounter(block.name, clock, errors);
    case 'pl031':
      return new Pl031(block.name, epoch, clock, irq(block.intid), errors);
    case 'stub':
      return new Stub(block.name, errors);
  }
}
