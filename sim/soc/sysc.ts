/**
 * R-Car H3 power management controller (hardware manual, SYSC; linux: drivers/pmdomain/renesas/rcar-sysc.c). All
 * domains are on at reset, and a power request completes at once.
 */
import type { GuestErrors } from '../machine/device.js';
import type { Register } from '../machine/registers.js';
import { RegisterDevice, registerMap } from '../machine/registers.js';

/** A power channel: its register block, and the SYSCISR bit of each of its domains by channel bit. */
const CHANNELS: readonly { readonly at: number; readonly interrupts: readonly (number | undefined)[] }[] = [
  { at: 0x080, interrupts: [0, 1, 2, 3] }, // ca57-cpu0..3
  { at: 0x100, interrupts: [17, 18, 19, 20, 22] }, // 3dg-a..e
  { at: 0x140, interrupts: [21] }, // ca53-scu
  { at: 0x180, interrupts: [24] }, // a3ir
  { at: 0x1c0, interrupts: [12] }, // ca57-scu
  { at: 0x200, interrupts: [5, 6, 7, 8] }, // ca53-cpu0..3
  { at: 0x240, interrupts: [13] }, // cr7
  { at: 0x340, interrupts: [9] }, // a3vp
  { at: 0x380, interrupts: [14] }, // a3vc
  { at: 0x3c0, interrupts: [undefined, 26] }, // a2vc1
];
const channelAt = (offset: number): readonly number[] => CHANNELS.map(({ at }) => at + offset);
const ALL = 0xffff_ffff;

export const SYSC_REGISTERS = registerMap({
  SYSCSR: { at: 0x000, reset: 3, policy: 'constant' }, // ready for power-on and power-off requests
  SYSCISR: { at: 0x004, policy: 'modelled' },
  SYSCISCR: { at: 0x008, policy: 'modelled' },
  SYSCIER: { at: 0x00c, write: ALL },
  SYSCIMR: { at: 0x010, write: ALL },
  WUPMSKCA57: { at: 0x014, write: ALL },
  WUPMSKCA53: { at: 0x018, write: ALL },
  SYSCEXTMASK: { at: 0x2f8, write: 1 },
  PWRSR: { at: channelAt(0x00), policy: 'modelled' },
  PWROFFCR: { at: channelAt(0x04), policy: 'modelled' },
  PWROFFSR: { at: channelAt(0x08), policy: 'constant' },
  PWRONCR: { at: channelAt(0x0c), policy: 'modelled' },
  PWRONSR: { at: channelAt(0x10), policy: 'constant' },
  PWRER: { at: channelAt(0x14), policy: 'constant' }, // no request fails
});
type Name = Parameters<(typeof SYSC_REGISTERS)['slot']>[0];

export class Sysc extends RegisterDevice<Name> {
  constructor(name: string, errors: GuestErrors) {
    super(name, SYSC_REGISTERS, errors);
    this.onReset();
  }

  protected override readRegister(register: Register<Name>, debug: boolean): number {
    switch (register.name) {
      case 'SYSCISCR':
      case 'PWROFFCR':
      case 'PWRONCR':
        return 0;
      default:
        return super.readRegister(register, debug);
    }
  }

  protected override written(register: Register<Name>, data: number): void {
    if (register.name === 'SYSCISCR') this.set('SYSCISR', this.get('SYSCISR') & ~data);
    else if (register.name === 'PWRONCR') this.#request(register.index, data, true);
    else if (register.name === 'PWROFFCR') this.#request(register.index, data, false);
  }

  protected override onReset(): void {
    CHANNELS.forEach(({ interrupts }, index) => {
      interrupts.forEach((interrupt, bit) => {
        if (interrupt !== undefined) this.#setPower(index, bit, true);
      });
    });
  }

  /** Changes the domains of `bits` and flags their completion. */
  #request(index: number, bits: number, on: boolean): void {
    CHANNELS[index]!.interrupts.forEach((interrupt, bit) => {
      if (interrupt === undefined || ((bits >>> bit) & 1) === 0) return;
      this.#setPower(index, bit, on);
      this.set('SYSCISR', this.get('SYSCISR') | (1 << interrupt));
    });
  }

  /**
   * PWRSR bit n: domain n is off, bit n + 4: it is on. With five domains (3DG) the on flags start at bit 5, so that
   * 3dg-a's does not read as 3dg-e's off flag; software tests off flags only.
   */
  #setPower(index: number, bit: number, on: boolean): void {
    const firstOn = Math.max(4, CHANNELS[index]!.interrupts.length);
    const off = 1 << bit;
    const status = this.get('PWRSR', index) & ~(off | (off << firstOn));
    this.set('PWRSR', status | (on ? off << firstOn : off), index);
  }
}
