/**
 * The GICv2 distributor (IHI 0048B 4.3). With the Security Extensions every access is Non-secure: interrupts of
 * Group 0 read as zero and ignore writes, and priorities are seen shifted left by one.
 */
import type { GuestErrors, Initiator, MmioDevice, Width } from '../machine/device.js';
import type { Register } from '../machine/registers.js';
import { hex, maskOf } from '../machine/registers.js';
import { PRIORITY_MASK } from './config.js';
import { CIDR0_3, CTLR_GRP0, CTLR_GRP1, GICD, PIDR0_3, PIDR4_7 } from './registers.js';
import type { GicState } from './state.js';

type GicdRegister = Register<Parameters<(typeof GICD)['slot']>[0]>;

const SGIS = 0x0000_ffff;
const GIC400_IIDR = 0x0200_143b;

export class Distributor implements MmioDevice {
  readonly #secure: boolean;

  /** `update` recomputes the named CPUs' pending interrupt and lines. */
  constructor(
    readonly name: string,
    private readonly state: GicState,
    private readonly update: (cpus: number) => void,
    private readonly errors: GuestErrors,
  ) {
    this.#secure = state.config.securityExtensions;
  }

  read(offset: number, width: Width, initiator: Initiator): number {
    const register = GICD.find(offset, width);
    if (register === undefined) {
      if (initiator >= 0) this.errors.report('bad-read', this.name, `${hex(offset)}/${width}`);
      return 0;
    }
    const value = this.#readWord(register, this.#cpu(initiator));
    return ((value >>> ((offset - register.at) * 8)) & maskOf(width)) >>> 0;
  }

  write(offset: number, width: Width, value: number, _hi: number, initiator: Initiator): void {
    const register = GICD.find(offset, width);
    if (register === undefined) {
      if (initiator >= 0) this.errors.report('bad-write', this.name, `${hex(offset)}/${width}`);
      return;
    }
    const cpu = this.#cpu(initiator);
    const byte = offset - register.at;
    if (register.name === 'IPRIORITYR' || register.name === 'ITARGETSR' || register.name.endsWith('PENDSGIR')) {
      let changed = 0;
      for (let i = 0; i < width; i++) changed |= this.#writeByte(register, byte + i, (value >>> (i * 8)) & 0xff, cpu);
      this.update(changed);
    } else {
      this.#writeWord(register, value >>> 0, cpu);
    }
  }

  reset(): void {
    this.state.reset();
    this.update(this.state.cpuMask);
  }

  save(): unknown {
    return this.state.save();
  }

  load(state: unknown): void {
    this.state.load(state);
    this.update(this.state.cpuMask);
  }

  /** Enables or disables an interrupt; banked INTIDs for `cpu` only. */
  setEnabled(cpu: number, intid: number, enabled: boolean): void {
    if (intid < 16 || !this.state.visible(cpu, intid)) return;
    this.state.put(this.state.enabled, cpu, intid, enabled);
    this.update(this.state.targetMask(cpu, intid));
  }

  /** Sets a priority as software writes it to GICD_IPRIORITYR. */
  setPriority(cpu: number, intid: number, priority: number): void {
    this.update(this.#writePriority(cpu, intid, priority));
  }

  /** Sets the CPU interfaces an SPI is forwarded to. */
  setTargets(intid: number, cpus: number): void {
    this.update(this.#writeTargets(intid, cpus));
  }

  /** Makes an SPI edge-triggered or level-sensitive. */
  setEdge(intid: number, edge: boolean): void {
    if (intid < 32 || intid >= this.state.intids) return;
    this.state.put(this.state.edge, 0, intid, edge);
    this.update(this.state.targetMask(0, intid));
  }

  setPending(cpu: number, intid: number, pending: boolean): void {
    if (intid < 16 || !this.state.visible(cpu, intid)) return;
    this.state.put(this.state.latched, cpu, intid, pending);
    this.update(this.state.targetMask(cpu, intid));
  }

  setActive(cpu: number, intid: number, active: boolean): void {
    if (!this.state.visible(cpu, intid)) return;
    this.state.put(this.state.active, cpu, intid, active);
    this.update(this.state.targetMask(cpu, intid));
  }

  /** Forwards SGI `sgi` from `source` to the CPUs of `targets` on which it is in the visible group (4.3.15). */
  sendSgi(source: number, targets: number, sgi: number): void {
    const { state } = this;
    let changed = 0;
    for (let cpu = 0; cpu < state.config.cpuCount; cpu++) {
      if (((targets >> cpu) & 1) === 0 || !this.state.visible(cpu, sgi)) continue;
      state.setSgiSources(cpu, sgi, state.sgiSources[cpu * 16 + sgi]! | (1 << source));
      changed |= 1 << cpu;
    }
    this.update(changed);
  }

  /** GICD_CTLR as software reads and writes it. */
  get control(): number {
    const { distributorEnable } = this.state;
    return this.#secure ? (distributorEnable >> 1) & 1 : distributorEnable;
  }

  set control(value: number) {
    const { state } = this;
    state.distributorEnable = this.#secure
      ? (state.distributorEnable & CTLR_GRP0) | ((value & 1) << 1)
      : value & (CTLR_GRP0 | CTLR_GRP1);
    this.update(state.cpuMask);
  }

  #cpu(initiator: Initiator): number {
    return initiator >= 0 && initiator < this.state.config.cpuCount ? initiator : 0;
  }

  #readWord(register: GicdRegister, cpu: number): number {
    const { state } = this;
    const { config } = state;
    const word = register.index;
    switch (register.name) {
      case 'CTLR':
        return this.control;
      case 'TYPER':
        // 4.3.2: LSPI is 31 lockable SPIs with the Security Extensions.
        return (state.words - 1) | ((config.cpuCount - 1) << 5) | (this.#secure ? (1 << 10) | (31 << 11) : 0);
      case 'IIDR':
        return config.gicdIidr ?? GIC400_IIDR;
      case 'IGROUPR':
        return this.#secure ? 0 : this.#bits(state.group, cpu, word);
      case 'ISENABLER':
      case 'ICENABLER':
        return this.#bits(state.enabled, cpu, word);
      case 'ISPENDR':
      case 'ICPENDR':
        return word < state.words ? state.pendingWord(cpu, word) & state.visibleWord(cpu, word) : 0;
      case 'ISACTIVER':
      case 'ICACTIVER':
        return this.#bits(state.active, cpu, word);
      case 'IPRIORITYR':
      case 'ITARGETSR':
      case 'CPENDSGIR':
      case 'SPENDSGIR': {
        let value = 0;
        for (let i = 0; i < 4; i++) value |= this.#readByte(register, i, cpu) << (i * 8);
        return value;
      }
      case 'ICFGR':
        return this.#readConfig(cpu, word);
      case 'PPISR':
        return this.#bits(state.line, cpu, 0) >>> 16;
      case 'SPISR':
        return this.#bits(state.line, cpu, word + 1);
      case 'PIDR4':
        return PIDR4_7[word] ?? 0;
      case 'PIDR0':
        return PIDR0_3[word] ?? 0;
      case 'CIDR':
        return CIDR0_3[word] ?? 0;
      case 'SGIR': // write-only
      case 'NSACR':
        return 0;
    }
  }

  #writeWord(register: GicdRegister, value: number, cpu: number): void {
    const { state } = this;
    const word = register.index;
    if (register.name === 'CTLR') {
      this.control = value;
      return;
    }
    if (register.name === 'SGIR') {
      this.#writeSgir(value, cpu);
      return;
    }
    if (register.name === 'ICFGR') {
      this.#writeConfig(word, value);
      return;
    }
    if (word >= state.words) return;
    const bank = state.bank(cpu, word);
    const bits = value & state.visibleWord(cpu, word);
    const notSgis = word === 0 ? bits & ~SGIS : bits;
    switch (register.name) {
      case 'IGROUPR':
        if (!this.#secure) state.group[bank] = bits;
        break;
      case 'ISENABLER':
        state.enabled[bank]! |= notSgis;
        break;
      case 'ICENABLER':
        state.enabled[bank]! &= ~notSgis;
        break;
      case 'ISPENDR': // bits of SGIs are read-only (4.3.7)
        state.latched[bank]! |= notSgis;
        break;
      case 'ICPENDR':
        state.latched[bank]! &= ~notSgis;
        break;
      case 'ISACTIVER':
        state.active[bank]! |= bits;
        break;
      case 'ICACTIVER':
        state.active[bank]! &= ~bits;
        break;
      default: // read-only registers
        return;
    }
    this.update(word === 0 ? 1 << cpu : state.cpuMask);
  }

  #readByte(register: GicdRegister, byte: number, cpu: number): number {
    const { state } = this;
    const intid = register.index * 4 + byte;
    switch (register.name) {
      case 'IPRIORITYR': {
        if (!this.state.visible(cpu, intid)) return 0;
        const priority = state.priority[state.priorityIndex(cpu, intid)]!;
        return this.#secure ? (priority << 1) & 0xff : priority;
      }
      case 'ITARGETSR':
        if (state.config.cpuCount === 1 || !this.state.visible(cpu, intid)) return 0;
        return state.targetMask(cpu, intid);
      default: // CPENDSGIR, SPENDSGIR
        return this.state.visible(cpu, intid) ? state.sgiSources[cpu * 16 + intid]! : 0;
    }
  }

  /** Returns the CPUs to update. */
  #writeByte(register: GicdRegister, byte: number, value: number, cpu: number): number {
    const { state } = this;
    const intid = register.index * 4 + byte;
    switch (register.name) {
      case 'IPRIORITYR':
        return this.#writePriority(cpu, intid, value);
      case 'ITARGETSR':
        return this.#writeTargets(intid, value);
      default: {
        if (!this.state.visible(cpu, intid)) return 0;
        const sources = state.sgiSources[cpu * 16 + intid]!;
        state.setSgiSources(cpu, intid, register.name === 'SPENDSGIR' ? sources | value : sources & ~value);
        return 1 << cpu;
      }
    }
  }

  #writePriority(cpu: number, intid: number, value: number): number {
    if (!this.state.visible(cpu, intid)) return 0;
    const { state } = this;
    // A Non-secure write stores the value in the lower half of the priorities (IHI 0048B 3.8.1).
    const priority = this.#secure ? 0x80 | (value >> 1) : value;
    state.priority[state.priorityIndex(cpu, intid)] = priority & PRIORITY_MASK;
    return state.targetMask(cpu, intid);
  }

  #writeTargets(intid: number, cpus: number): number {
    if (intid < 32 || this.state.config.cpuCount === 1 || !this.state.visible(0, intid)) return 0;
    return this.state.setTargets(intid, cpus);
  }

  #bits(bits: Uint32Array, cpu: number, word: number): number {
    if (word >= this.state.words) return 0;
    return (bits[this.state.bank(cpu, word)]! & this.state.visibleWord(cpu, word)) >>> 0;
  }

  /**
   * Bit 1 of each field is the trigger type; bit 0 is the handling model, 1 but for SGIs: ICFGR0 reads 0xaaaaaaaa
   * and ICFGR1 0x55540000 (GIC-400 TRM 3.2).
   */
  #readConfig(cpu: number, index: number): number {
    const word = index >> 1;
    if (word >= this.state.words) return 0;
    const edges = this.state.edge[this.state.bank(cpu, word)]! >>> ((index & 1) * 16);
    const visible = this.state.visibleWord(cpu, word) >>> ((index & 1) * 16);
    const model = index === 0 ? 0 : 1;
    let value = 0;
    for (let i = 0; i < 16; i++) {
      if ((visible >>> i) & 1) value |= (model | (((edges >>> i) & 1) << 1)) << (i * 2);
    }
    return value >>> 0;
  }

  /** SGIs and PPIs are not programmable (GIC-400 TRM 3.2). */
  #writeConfig(index: number, value: number): void {
    if (index < 2 || index >= this.state.words * 2) return;
    for (let i = 0; i < 16; i++) {
      const intid = index * 16 + i;
      if (this.state.visible(0, intid)) this.state.put(this.state.edge, 0, intid, ((value >>> (i * 2 + 1)) & 1) !== 0);
    }
    this.update(this.state.cpuMask);
  }

  #writeSgir(value: number, cpu: number): void {
    const self = 1 << cpu;
    const lists = [(value >>> 16) & 0xff, this.state.cpuMask & ~self, self];
    const targets = lists[(value >>> 24) & 3];
    if (targets === undefined) {
      this.errors.report('bad-sgi', this.name, hex(value)); // target list filter 0b11 is reserved (4.3.15)
      return;
    }
    this.sendSgi(cpu, targets, value & 0xf);
  }
}
