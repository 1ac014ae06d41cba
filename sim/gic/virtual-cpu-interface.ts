/**
 * GICV, the CPU interface that a virtual machine sees (IHI 0048B 5.5). It works on the list registers of the core
 * that makes the access; a hypervisor maps it at stage 2 where the guest expects GICC.
 */
import type { GuestErrors, Initiator, MmioDevice, Width } from '../machine/device.js';
import { hex } from '../machine/registers.js';
import type { GicConfig } from './config.js';
import { SPURIOUS, SPURIOUS_GROUP1 } from './config.js';
import { GIC400_GICC_IIDR } from './cpu-interface.js';
import {
  foldAlias64k,
  GICC,
  GICC_CTLR_ACK_CTL,
  GICC_CTLR_EOI_MODE,
  LR_ACTIVE,
  LR_GROUP1,
  LR_HW,
  LR_PENDING,
  LR_PHYSICAL_SHIFT,
  LR_VIRTUAL_ID,
} from './registers.js';
import type { VirtualState } from './virtual-state.js';
import { lrAcknowledgeValue } from './virtual-state.js';

export class VirtualCpuInterface implements MmioDevice {
  /** `deactivatePhysical` ends the physical interrupt behind a hardware-linked list register. */
  constructor(
    readonly name: string,
    private readonly config: GicConfig,
    private readonly state: VirtualState,
    private readonly deactivatePhysical: (cpu: number, intid: number) => void,
    private readonly errors: GuestErrors,
  ) {}

  read(offset: number, width: Width, initiator: Initiator): number {
    const { state } = this;
    const register = GICC.find(this.config.alias64k ? foldAlias64k(offset) : offset, width);
    if (register === undefined) {
      if (initiator >= 0) this.errors.report('bad-read', this.name, `${hex(offset)}/${width}`);
      return 0;
    }
    const cpu = this.#cpu(initiator);
    switch (register.name) {
      case 'CTLR':
        return state.control(cpu);
      case 'PMR':
        return state.priorityMask(cpu);
      case 'BPR':
        return state.binaryPoint(cpu, false);
      case 'ABPR':
        return state.binaryPoint(cpu, true);
      case 'IAR':
        return this.#acknowledge(cpu, false, initiator < 0);
      case 'AIAR':
        return this.#acknowledge(cpu, true, initiator < 0);
      case 'RPR':
        return state.runningPriority(cpu);
      case 'HPPIR':
        return this.#forGroup(cpu, state.highestPendingLr(cpu), false);
      case 'AHPPIR':
        return this.#forGroup(cpu, state.highestPendingLr(cpu), true);
      case 'APR':
        return register.index === 0 ? state.apr[cpu]! : 0;
      case 'IIDR':
        return this.config.giccIidr ?? GIC400_GICC_IIDR;
      default: // EOIR, AEOIR, DIR are write-only; there is no NSAPR
        return 0;
    }
  }

  write(offset: number, width: Width, value: number, _hi: number, initiator: Initiator): void {
    const { state } = this;
    const register = GICC.find(this.config.alias64k ? foldAlias64k(offset) : offset, width);
    if (register === undefined) {
      if (initiator >= 0) this.errors.report('bad-write', this.name, `${hex(offset)}/${width}`);
      return;
    }
    const cpu = this.#cpu(initiator);
    switch (register.name) {
      case 'CTLR':
        state.setControl(cpu, value);
        return;
      case 'PMR':
        state.setPriorityMask(cpu, value);
        return;
      case 'BPR':
        state.setBinaryPoint(cpu, value, false);
        return;
      case 'ABPR':
        state.setBinaryPoint(cpu, value, true);
        return;
      case 'EOIR':
      case 'AEOIR':
        this.endOfInterrupt(cpu, value);
        return;
      case 'DIR':
        this.deactivate(cpu, value);
        return;
      case 'APR':
        if (register.index === 0) state.writeApr(cpu, value);
        return;
      default: // read-only registers
        return;
    }
  }

  reset(): void {} // GICH resets the shared state

  save(): unknown {
    return null; // saved with GICH
  }

  load(): void {}

  /** A read of GICV_IAR (5.5.4): activates the signalled list register's interrupt. */
  acknowledge(cpu: number): number {
    return this.#acknowledge(cpu, false, false);
  }

  /** A write of GICV_EOIR (5.5.5): priority drop, and with EOImode 0 deactivation of the list register. */
  endOfInterrupt(cpu: number, value: number): void {
    const { state } = this;
    if ((value & LR_VIRTUAL_ID) >= 1020) return; // special INTIDs
    const dropped = state.apr[cpu] !== 0;
    state.apr[cpu]! &= state.apr[cpu]! - 1;
    if ((state.vmcr[cpu]! & GICC_CTLR_EOI_MODE) === 0) {
      const index = state.activeLr(cpu, value);
      if (index >= 0) this.#deactivateLr(cpu, index);
      // Only an EOI that clears a bit of GICH_APR counts (5.3.2, EOICount).
      else if (dropped) state.countEoi(cpu);
    }
    state.update(cpu);
  }

  /** A write of GICV_DIR (5.5.14). */
  deactivate(cpu: number, value: number): void {
    const { state } = this;
    if ((value & LR_VIRTUAL_ID) >= 1020) return;
    if ((state.vmcr[cpu]! & GICC_CTLR_EOI_MODE) === 0) {
      this.errors.report('dir-without-eoimode', this.name, `cpu${cpu} ${hex(value)}`);
      return;
    }
    const index = state.activeLr(cpu, value);
    if (index >= 0) this.#deactivateLr(cpu, index);
    else state.countEoi(cpu);
    state.update(cpu);
  }

  #deactivateLr(cpu: number, index: number): void {
    const { state } = this;
    const lr = state.readLr(cpu, index);
    state.lr[cpu * state.lrCount + index] = lr & ~LR_ACTIVE;
    if (lr & LR_HW) this.deactivatePhysical(cpu, (lr >>> LR_PHYSICAL_SHIFT) & 0x3ff);
  }

  #acknowledge(cpu: number, alias: boolean, peek: boolean): number {
    const { state } = this;
    const index = state.signalledLr(cpu);
    const answer = this.#forGroup(cpu, index, alias);
    if (index < 0 || (answer & LR_VIRTUAL_ID) >= SPURIOUS_GROUP1 || peek) return answer;
    const lr = state.readLr(cpu, index);
    state.apr[cpu]! |= 1 << (state.groupPriority(cpu, lr) >> 3);
    state.lr[cpu * state.lrCount + index] = (lr & ~LR_PENDING) | LR_ACTIVE;
    state.update(cpu);
    return answer;
  }

  /** What a register that serves one group answers for a list register (tables 5-13 and 5-15). */
  #forGroup(cpu: number, index: number, alias: boolean): number {
    if (index < 0) return SPURIOUS;
    const lr = this.state.readLr(cpu, index);
    const group1 = (lr & LR_GROUP1) !== 0;
    if (alias) return group1 ? lrAcknowledgeValue(lr) : SPURIOUS;
    return group1 && (this.state.vmcr[cpu]! & GICC_CTLR_ACK_CTL) === 0 ? SPURIOUS_GROUP1 : lrAcknowledgeValue(lr);
  }

  #cpu(initiator: Initiator): number {
    return initiator >= 0 && initiator < this.config.cpuCount ? initiator : 0;
  }
}
