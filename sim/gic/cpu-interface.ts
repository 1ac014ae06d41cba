/**
 * The GICv2 CPU interfaces (IHI 0048B 4.4), one per core, banked by the initiator. State keeps the layout without
 * the Security Extensions; with them, accesses see the Non-secure view of it (3.8, 4.4.1).
 */
import type { GuestErrors, Initiator, MmioDevice, Width } from '../machine/device.js';
import type { Register } from '../machine/registers.js';
import { hex } from '../machine/registers.js';
import { IDLE_PRIORITY, PRIORITY_MASK, SPURIOUS, SPURIOUS_GROUP1 } from './config.js';
import {
  CTLR_GRP0,
  CTLR_GRP1,
  foldAlias64k,
  GICC,
  GICC_CTLR_ACK_CTL,
  GICC_CTLR_BITS,
  GICC_CTLR_BYPASS,
  GICC_CTLR_CBPR,
  GICC_CTLR_EOI_MODE,
  GICC_CTLR_FIQ_EN,
} from './registers.js';
import type { GicState } from './state.js';

export const GIC400_GICC_IIDR = 0x0202_143b;

/** The bits of a priority that decide preemption, for the binary point of Group 0 or of Group 1 (3.3.3). */
export function groupPriorityMask(binaryPoint: number, group1: boolean): number {
  return 0xff & ~((1 << (group1 ? binaryPoint : binaryPoint + 1)) - 1);
}

export class CpuInterface implements MmioDevice {
  readonly #secure: boolean;

  constructor(
    readonly name: string,
    private readonly state: GicState,
    private readonly update: (cpus: number) => void,
    private readonly errors: GuestErrors,
  ) {
    this.#secure = state.config.securityExtensions;
  }

  read(offset: number, width: Width, initiator: Initiator): number {
    const register = GICC.find(this.state.config.alias64k ? foldAlias64k(offset) : offset, width);
    if (register === undefined) {
      if (initiator >= 0) this.errors.report('bad-read', this.name, `${hex(offset)}/${width}`);
      return 0;
    }
    return this.#readRegister(register, this.#cpu(initiator), initiator < 0) >>> 0;
  }

  write(offset: number, width: Width, value: number, _hi: number, initiator: Initiator): void {
    const register = GICC.find(this.state.config.alias64k ? foldAlias64k(offset) : offset, width);
    if (register === undefined) {
      if (initiator >= 0) this.errors.report('bad-write', this.name, `${hex(offset)}/${width}`);
      return;
    }
    this.#writeRegister(register, this.#cpu(initiator), value >>> 0);
  }

  reset(): void {} // the distributor resets the shared state

  save(): unknown {
    return null; // saved with the distributor
  }

  load(): void {}

  /** The INTID that the interface now signals to the core, or SPURIOUS (3.3, pseudocode of UpdateExceptionState). */
  signalled(cpu: number): number {
    const { state } = this;
    const intid = state.best[cpu]!;
    if (intid === SPURIOUS) return SPURIOUS;
    const group1 = state.test(state.group, cpu, intid);
    if ((state.control[cpu]! & (group1 ? CTLR_GRP1 : CTLR_GRP0)) === 0) return SPURIOUS;
    const priority = state.priority[state.priorityIndex(cpu, intid)]!;
    if (priority >= state.priorityMask[cpu]!) return SPURIOUS;
    return this.#groupPriority(cpu, priority, group1) < state.runningPriority(cpu) ? intid : SPURIOUS;
  }

  /** Whether the signalled interrupt goes out as FIQ. */
  signalsFiq(cpu: number, intid: number): boolean {
    return (this.state.control[cpu]! & GICC_CTLR_FIQ_EN) !== 0 && !this.state.test(this.state.group, cpu, intid);
  }

  /** A read of GICC_IAR: activates the signalled interrupt and returns INTID | source CPU << 10 (4.4.4). */
  acknowledge(cpu: number): number {
    return this.#acknowledge(cpu, false, false);
  }

  /** A write of GICC_EOIR: priority drop, and deactivation unless EOImode is set (4.4.5). */
  endOfInterrupt(cpu: number, value: number): void {
    const { state } = this;
    const intid = value & 0x3ff;
    if (intid >= state.intids || (this.#secure && !state.test(state.group, cpu, intid))) return;
    const group1 = state.test(state.group, cpu, intid);
    const active = group1 ? state.activePriorities1 : state.activePriorities0;
    if (active[cpu] === 0) {
      this.errors.report('eoi-without-active', this.name, `cpu${cpu} ${hex(value)}`);
      return;
    }
    active[cpu]! &= active[cpu]! - 1; // drops the highest: its bit is the lowest
    if ((state.control[cpu]! & GICC_CTLR_EOI_MODE) === 0) this.#clearActive(cpu, intid);
    else this.update(1 << cpu);
  }

  /** A write of GICC_DIR; not allowed while EOImode is 0 (4.4.15). */
  deactivate(cpu: number, value: number): void {
    const { state } = this;
    const intid = value & 0x3ff;
    if (intid >= state.intids || (this.#secure && !state.test(state.group, cpu, intid))) return;
    if ((state.control[cpu]! & GICC_CTLR_EOI_MODE) === 0) {
      this.errors.report('dir-without-eoimode', this.name, `cpu${cpu} ${hex(value)}`);
      return;
    }
    this.#clearActive(cpu, intid);
  }

  /** The deactivation that a virtual EOI or DIR of a hardware-linked list register causes (5.2.1). */
  deactivatePhysical(cpu: number, intid: number): void {
    if (intid < 16 || intid >= this.state.intids) return;
    this.#clearActive(cpu, intid);
  }

  #clearActive(cpu: number, intid: number): void {
    this.state.put(this.state.active, cpu, intid, false);
    this.update(this.state.targetMask(cpu, intid) | (1 << cpu));
  }

  #cpu(initiator: Initiator): number {
    return initiator >= 0 && initiator < this.state.config.cpuCount ? initiator : 0;
  }

  #groupPriority(cpu: number, priority: number, group1: boolean): number {
    const { state } = this;
    const own = group1 && (state.control[cpu]! & GICC_CTLR_CBPR) === 0;
    return priority & groupPriorityMask(own ? state.binaryPoint1[cpu]! : state.binaryPoint[cpu]!, own);
  }

  /** `alias`: through GICC_AIAR, which serves Group 1 only. `peek`: a debug access. */
  #acknowledge(cpu: number, alias: boolean, peek: boolean): number {
    const { state } = this;
    const intid = this.#forGroup(cpu, this.signalled(cpu), alias);
    if (intid >= SPURIOUS_GROUP1) return intid;
    const source =
      intid < 16 ? 31 - Math.clz32(state.sgiSources[cpu * 16 + intid]! & -state.sgiSources[cpu * 16 + intid]!) : 0;
    if (!peek) {
      if (intid < 16) state.setSgiSources(cpu, intid, state.sgiSources[cpu * 16 + intid]! & ~(1 << source));
      else state.put(state.latched, cpu, intid, false);
      state.put(state.active, cpu, intid, true);
      const group1 = state.test(state.group, cpu, intid);
      const priority = this.#groupPriority(cpu, state.priority[state.priorityIndex(cpu, intid)]!, group1);
      const active = group1 ? state.activePriorities1 : state.activePriorities0;
      active[cpu]! |= 1 << (priority >> 3);
      this.update(state.targetMask(cpu, intid) | (1 << cpu));
    }
    return intid | (source << 10);
  }

  /**
   * What HPPIR looks at: neither priority mask nor active interrupts matter, but a group that the interface does
   * not signal hides its interrupts (4.4.7; the same register in DDI 0595, GICC_HPPIR).
   */
  #highestPending(cpu: number): number {
    const { state } = this;
    const intid = state.best[cpu]!;
    if (intid === SPURIOUS) return SPURIOUS;
    const enable = state.test(state.group, cpu, intid) ? CTLR_GRP1 : CTLR_GRP0;
    return (state.control[cpu]! & enable) !== 0 ? intid : SPURIOUS;
  }

  /** What a register that serves one group answers for `intid` (tables 4-36, 4-39, 4-43). */
  #forGroup(cpu: number, intid: number, alias: boolean): number {
    if (intid === SPURIOUS) return SPURIOUS;
    const group1 = this.state.test(this.state.group, cpu, intid);
    if (this.#secure) return group1 ? intid : SPURIOUS;
    if (alias) return group1 ? intid : SPURIOUS;
    return group1 && (this.state.control[cpu]! & GICC_CTLR_ACK_CTL) === 0 ? SPURIOUS_GROUP1 : intid;
  }

  #readRegister(register: Register<Parameters<(typeof GICC)['slot']>[0]>, cpu: number, debug: boolean): number {
    const { state } = this;
    switch (register.name) {
      case 'CTLR':
        return this.#secure ? nonSecureControl(state.control[cpu]!) : state.control[cpu]!;
      case 'PMR':
        return this.#secure ? nonSecurePriority(state.priorityMask[cpu]!) : state.priorityMask[cpu]!;
      case 'BPR':
        return this.#secure ? state.binaryPoint1[cpu]! : state.binaryPoint[cpu]!;
      case 'ABPR':
        return this.#secure ? 0 : state.binaryPoint1[cpu]!;
      case 'IAR':
        return this.#acknowledge(cpu, false, debug);
      case 'AIAR':
        return this.#secure ? 0 : this.#acknowledge(cpu, true, debug); // Secure registers are RAZ (4.4.9, 4.4.11)
      case 'RPR': {
        const running = state.runningPriority(cpu);
        return running === IDLE_PRIORITY || !this.#secure ? running : nonSecurePriority(running);
      }
      case 'HPPIR':
      case 'AHPPIR': {
        const alias = register.name === 'AHPPIR';
        if (alias && this.#secure) return 0;
        const intid = this.#forGroup(cpu, this.#highestPending(cpu), alias);
        if (intid >= 16) return intid;
        const sources = state.sgiSources[cpu * 16 + intid]!;
        return intid | ((31 - Math.clz32(sources & -sources)) << 10);
      }
      case 'APR': // the Non-secure view holds the lower-priority half of Group 1 (4.4.11)
        if (register.index !== 0) return 0;
        return this.#secure ? state.activePriorities1[cpu]! >>> 16 : state.activePriorities0[cpu]!;
      case 'NSAPR':
        return this.#secure || register.index !== 0 ? 0 : state.activePriorities1[cpu]!;
      case 'IIDR':
        return state.config.giccIidr ?? GIC400_GICC_IIDR;
      default: // EOIR, AEOIR, DIR are write-only
        return 0;
    }
  }

  #writeRegister(register: Register<Parameters<(typeof GICC)['slot']>[0]>, cpu: number, value: number): void {
    const { state } = this;
    switch (register.name) {
      case 'CTLR':
        state.control[cpu] = this.#secure ? controlFromNonSecure(value) : value & GICC_CTLR_BITS;
        break;
      case 'PMR':
        if (!this.#secure) state.priorityMask[cpu] = value & PRIORITY_MASK;
        // A Non-secure write cannot touch a mask in the upper half of the priorities (4.4.2).
        else if (state.priorityMask[cpu]! >= 0x80) state.priorityMask[cpu] = (0x80 | (value >> 1)) & PRIORITY_MASK;
        break;
      case 'BPR':
        if (this.#secure) state.binaryPoint1[cpu] = Math.max(3, value & 7);
        else state.binaryPoint[cpu] = Math.max(2, value & 7);
        break;
      case 'ABPR':
        if (!this.#secure) state.binaryPoint1[cpu] = Math.max(3, value & 7);
        break;
      case 'EOIR':
        this.endOfInterrupt(cpu, value);
        return;
      case 'AEOIR':
        if (!this.#secure) this.endOfInterrupt(cpu, value);
        return;
      case 'DIR':
        this.deactivate(cpu, value);
        return;
      case 'APR':
        if (register.index !== 0) return;
        if (this.#secure) state.activePriorities1[cpu] = value << 16;
        else state.activePriorities0[cpu] = value;
        break;
      case 'NSAPR':
        if (!this.#secure && register.index === 0) state.activePriorities1[cpu] = value;
        break;
      default: // read-only registers
        return;
    }
    this.update(1 << cpu);
  }
}

/** Priorities of the secure half read as zero, the others shifted (3.8.1). */
function nonSecurePriority(priority: number): number {
  return priority < 0x80 ? 0 : (priority << 1) & 0xff;
}

/** GICC_CTLR, Non-secure copy (table 4-32): EnableGrp1 bit 0, the Group 1 bypass disables 6:5, EOImodeNS 9. */
function nonSecureControl(control: number): number {
  return ((control >> 1) & 1) | ((control >> 2) & 0x60) | (control & GICC_CTLR_EOI_MODE);
}

function controlFromNonSecure(value: number): number {
  return ((value & 1) << 1) | (((value & 0x60) << 2) & GICC_CTLR_BYPASS) | (value & GICC_CTLR_EOI_MODE);
}
