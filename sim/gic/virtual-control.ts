/**
 * GICH, the virtual interface control registers that a hypervisor programs (IHI 0048B 5.3). The first page is
 * banked by the initiator; the second gives each core's registers at 0x200 times its number (GIC-400 TRM 3.4).
 */
import type { GuestErrors, Initiator, MmioDevice, Width } from '../machine/device.js';
import { hex } from '../machine/registers.js';
import type { GicConfig } from './config.js';
import { foldAlias64k, GICH } from './registers.js';
import type { VirtualState } from './virtual-state.js';

export class VirtualControl implements MmioDevice {
  constructor(
    readonly name: string,
    private readonly config: GicConfig,
    private readonly state: VirtualState,
    private readonly errors: GuestErrors,
  ) {}

  /** GICH_VTR: 5 priority bits, 5 preemption bits, the number of list registers less one (5.3.3). */
  get vtr(): number {
    return (0x9000_0000 | (this.state.lrCount - 1)) >>> 0;
  }

  read(offset: number, width: Width, initiator: Initiator): number {
    const { state } = this;
    const [cpu, at] = this.#locate(offset, initiator);
    const register = cpu < 0 ? undefined : GICH.find(at, width);
    if (register === undefined) {
      if (initiator >= 0) this.errors.report('bad-read', this.name, `${hex(offset)}/${width}`);
      return 0;
    }
    switch (register.name) {
      case 'HCR':
        return state.hcr[cpu]!;
      case 'VTR':
        return this.vtr;
      case 'VMCR':
        return state.vmcr[cpu]!;
      case 'MISR':
        return state.maintenanceStatus(cpu);
      case 'EISR':
        return state.eoiStatus(cpu, register.index);
      case 'ELRSR':
        return state.emptyStatus(cpu, register.index);
      case 'APR':
        return state.apr[cpu]!;
      case 'LR':
        return state.readLr(cpu, register.index);
    }
  }

  write(offset: number, width: Width, value: number, _hi: number, initiator: Initiator): void {
    const { state } = this;
    const [cpu, at] = this.#locate(offset, initiator);
    const register = cpu < 0 ? undefined : GICH.find(at, width);
    switch (register?.name) {
      case undefined:
        if (initiator >= 0) this.errors.report('bad-write', this.name, `${hex(offset)}/${width}`);
        return;
      case 'HCR':
        state.writeHcr(cpu, value);
        return;
      case 'VMCR':
        state.writeVmcr(cpu, value);
        return;
      case 'APR':
        state.writeApr(cpu, value);
        return;
      case 'LR':
        state.writeLr(cpu, register!.index, value);
        return;
      default: // read-only registers
        return;
    }
  }

  reset(): void {
    this.state.reset();
    for (let cpu = 0; cpu < this.config.cpuCount; cpu++) this.state.update(cpu);
  }

  save(): unknown {
    return this.state.save();
  }

  load(state: unknown): void {
    this.state.load(state);
    for (let cpu = 0; cpu < this.config.cpuCount; cpu++) this.state.update(cpu);
  }

  #locate(offset: number, initiator: Initiator): readonly [cpu: number, at: number] {
    const at = this.config.alias64k ? foldAlias64k(offset) : offset;
    if (at < 0x1000) return [initiator >= 0 && initiator < this.config.cpuCount ? initiator : 0, at];
    const cpu = (at - 0x1000) >> 9;
    return [cpu < this.config.cpuCount ? cpu : -1, at & 0x1ff];
  }
}
