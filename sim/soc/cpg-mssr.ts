/**
 * R-Car H3 clock pulse generator and module standby / software reset (hardware manual, CPG; linux:
 * drivers/clk/renesas/renesas-cpg-mssr.c). Clocks have no effect on timing here: module stop and reset bits are
 * state that software sees, PLL and divider registers hold their values.
 */
import type { GuestErrors } from '../machine/device.js';
import type { Register } from '../machine/registers.js';
import { RegisterDevice, registerMap } from '../machine/registers.js';

const ALL = 0xffff_ffff;

export const CPG_REGISTERS = registerMap({
  FRQCRB: { at: 0x004, write: ALL },
  CSI0CKCR: { at: 0x00c, reset: 0x100, write: 0x13f },
  MSOCKCR: { at: 0x014, write: 0x13f },
  PLL2CR: { at: 0x02c, reset: 0x4700_0000, write: 0x7f00_0000 }, // (0x47 + 1) * 2 = 144
  MSTPSR: {
    at: [0x030, 0x038, 0x040, 0x048, 0x04c, 0x03c, 0x1c0, 0x1c4, 0x9a0, 0x9a4, 0x9a8, 0x9ac],
    policy: 'modelled',
  },
  SD0CKCR: { at: 0x074, write: 0x3ff },
  SD1CKCR: { at: 0x078, write: 0x3ff },
  SRCR: {
    at: [0x0a0, 0x0a8, 0x0b0, 0x0b8, 0x0bc, 0x0c4, 0x1c8, 0x1cc, 0x920, 0x924, 0x928, 0x92c],
    policy: 'modelled',
  },
  PLLECR: { at: 0x0d0, reset: 0x1f00, write: 0xff }, // bit 8 + n: PLLn is stable
  PLL0CR: { at: 0x0d8, reset: 0x5900_0000, write: 0x7f00_0000 }, // (0x59 + 1) * 2 = 180
  FRQCRC: { at: 0x0e0, write: 0x1f1f },
  RMSTPCR: {
    at: [0x110, 0x114, 0x118, 0x11c, 0x120, 0x124, 0x128, 0x12c, 0x980, 0x984, 0x988, 0x98c],
    write: ALL,
  },
  SMSTPCR: {
    at: [0x130, 0x134, 0x138, 0x13c, 0x140, 0x144, 0x148, 0x14c, 0x990, 0x994, 0x998, 0x99c],
    write: ALL,
  },
  PLL4CR: { at: 0x1f4, reset: 0x4700_0000, write: 0x7f00_0000 },
  RPCCKCR: { at: 0x238, write: 0x31f },
  RCKCR: { at: 0x240, write: 0x833f },
  CANFDCKCR: { at: 0x244, write: 0x13f },
  HDMICKCR: { at: 0x250, write: 0x13f },
  SD2CKCR: { at: 0x268, write: 0x3ff },
  SD3CKCR: { at: 0x26c, write: 0x3ff },
  CPGWPR: { at: 0x900, write: ALL },
  CPGWPCR: { at: 0x904, write: ALL },
  SRSTCLR: {
    at: [0x940, 0x944, 0x948, 0x94c, 0x950, 0x954, 0x958, 0x95c, 0x960, 0x964, 0x968, 0x96c],
    policy: 'modelled',
  },
});
type Name = Parameters<(typeof CPG_REGISTERS)['slot']>[0];

/** Module stop bits as Trusted Firmware-A leaves them (plat/renesas): SCIF2 and the GIC run. */
const SMSTPCR_AFTER_FIRMWARE: readonly number[] = [
  0x0021_0000, 0xffff_ffff, 0x040e_2fdc, 0xffff_fbdf, 0x8000_0004, 0xc3ff_ffff, 0xffff_ffff, 0xffff_ffff, 0x01f1_fff5,
  0xffff_ffff, 0xfffe_ffe0, 0x0000_00b7,
];
const FRQCRB_KICK = 0x8000_0000;

export class CpgMssr extends RegisterDevice<Name> {
  constructor(name: string, errors: GuestErrors) {
    super(name, CPG_REGISTERS, errors);
    this.onReset();
  }

  /** Whether a module (100 * register + bit) is stopped. */
  isStopped(module: number): boolean {
    return ((this.get('SMSTPCR', Math.floor(module / 100)) >>> (module % 100)) & 1) !== 0;
  }

  /** Whether a module is held in software reset. */
  isInReset(module: number): boolean {
    return ((this.get('SRCR', Math.floor(module / 100)) >>> (module % 100)) & 1) !== 0;
  }

  protected override readRegister(register: Register<Name>, debug: boolean): number {
    switch (register.name) {
      case 'MSTPSR': // a stop request takes effect at once
        return this.get('SMSTPCR', register.index);
      case 'SRSTCLR':
        return 0;
      default:
        return super.readRegister(register, debug);
    }
  }

  protected override written(register: Register<Name>, data: number): void {
    const { index } = register;
    switch (register.name) {
      case 'FRQCRB': // the kick bit clears itself when the dividers have changed
        this.set('FRQCRB', data & ~FRQCRB_KICK);
        break;
      case 'SRCR':
        this.set('SRCR', this.get('SRCR', index) | data, index);
        break;
      case 'SRSTCLR':
        this.set('SRCR', this.get('SRCR', index) & ~data, index);
        break;
      default:
        break;
    }
  }

  protected override onReset(): void {
    SMSTPCR_AFTER_FIRMWARE.forEach((value, index) => {
      this.set('SMSTPCR', value, index);
      this.set('RMSTPCR', value, index);
    });
  }
}
