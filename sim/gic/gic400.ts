/**
 * The GIC-400: its four register frames, its interrupt inputs, and the direct access that a modelled hypervisor
 * uses in place of MMIO. Every output line is recomputed from state after a change and driven when it differs.
 */
import type { GuestErrors, IrqLine, MmioDevice } from '../machine/device.js';
import type { GicConfig, GicOutputs } from './config.js';
import { MAX_CPUS, SPURIOUS } from './config.js';
import { CpuInterface } from './cpu-interface.js';
import { Distributor } from './distributor.js';
import { GicState } from './state.js';
import { VirtualControl } from './virtual-control.js';
import { VirtualCpuInterface } from './virtual-cpu-interface.js';
import { VirtualState } from './virtual-state.js';

const IRQ = 1;
const FIQ = 2;
const VIRQ = 4;
const VFIQ = 8;

export class Gic400 {
  readonly dist: Distributor;
  readonly cpuif: CpuInterface;
  readonly gich: VirtualControl;
  readonly gicv: VirtualCpuInterface;
  /** List registers, HCR, VMCR and APR by core. */
  readonly virtual: VirtualState;
  readonly #state: GicState;
  readonly #outputs: GicOutputs;
  /** Level last driven on each core's lines; derived, so not saved. */
  readonly #driven = new Uint8Array(MAX_CPUS);
  readonly #maintenance: readonly IrqLine[];

  constructor(config: GicConfig, deps: GicOutputs & { readonly errors: GuestErrors }) {
    const { errors } = deps;
    const update = (cpus: number): void => this.#update(cpus);
    this.#outputs = deps;
    this.#state = new GicState(config);
    this.dist = new Distributor('gicd', this.#state, update, errors);
    this.cpuif = new CpuInterface('gicc', this.#state, update, errors);
    this.virtual = new VirtualState(config, {
      setVirq: (cpu, level) => this.#drive(cpu, VIRQ, level),
      setVfiq: (cpu, level) => this.#drive(cpu, VFIQ, level),
      setMaintenance: (cpu, level) => this.#maintenance[cpu]!.set(level),
    });
    this.gich = new VirtualControl('gich', config, this.virtual, errors);
    this.gicv = new VirtualCpuInterface(
      'gicv',
      config,
      this.virtual,
      (cpu, intid) => this.cpuif.deactivatePhysical(cpu, intid),
      errors,
    );
    const maintenance = config.maintenanceIntid ?? 25;
    this.#maintenance = Array.from({ length: config.cpuCount }, (_, cpu) => this.ppiLine(cpu, maintenance));
  }

  /** The four frames in the order of their addresses. */
  get devices(): readonly MmioDevice[] {
    return [this.dist, this.cpuif, this.gich, this.gicv];
  }

  /** The input of shared peripheral interrupt `n` (INTID 32 + n). */
  spiLine(n: number): IrqLine {
    const intid = 32 + n;
    if (n < 0 || intid >= this.#state.intids) throw new RangeError(`GIC: no SPI ${n}`);
    return { name: `spi${n}`, set: (level) => this.#setLine(0, intid, level) };
  }

  /** The input of private peripheral interrupt `intid` (16 to 31) of a core. */
  ppiLine(cpu: number, intid: number): IrqLine {
    if (intid < 16 || intid > 31 || ((this.#state.bankedIds >>> intid) & 1) === 0) {
      throw new RangeError(`GIC: INTID ${intid} is no PPI`);
    }
    if (cpu < 0 || cpu >= this.#state.config.cpuCount) throw new RangeError(`GIC: no CPU interface ${cpu}`);
    return { name: `cpu${cpu}.ppi${intid}`, set: (level) => this.#setLine(cpu, intid, level) };
  }

  /** As a read of GICC_IAR by that core: INTID in 9:0, source CPU of an SGI in 12:10; 1023 if none. */
  acknowledge(cpu: number): number {
    return this.cpuif.acknowledge(cpu);
  }

  /** As a write of GICC_EOIR. */
  eoi(cpu: number, iar: number): void {
    this.cpuif.endOfInterrupt(cpu, iar);
  }

  /** As a write of GICC_DIR. */
  deactivate(cpu: number, intid: number): void {
    this.cpuif.deactivate(cpu, intid);
  }

  /** As a write of GICD_SGIR with a target list. */
  sendSgi(fromCpu: number, targetMask: number, sgi: number): void {
    this.dist.sendSgi(fromCpu, targetMask & this.#state.cpuMask, sgi & 0xf);
  }

  /** As a write of GICD_ISENABLER or ICENABLER by that core. */
  enable(cpu: number, intid: number, enabled = true): void {
    this.dist.setEnabled(cpu, intid, enabled);
  }

  readLr(cpu: number, index: number): number {
    return this.virtual.readLr(cpu, index);
  }

  writeLr(cpu: number, index: number, value: number): void {
    this.virtual.writeLr(cpu, index, value);
  }

  readHcr(cpu: number): number {
    return this.virtual.hcr[cpu]!;
  }

  writeHcr(cpu: number, value: number): void {
    this.virtual.writeHcr(cpu, value);
  }

  readVmcr(cpu: number): number {
    return this.virtual.vmcr[cpu]!;
  }

  writeVmcr(cpu: number, value: number): void {
    this.virtual.writeVmcr(cpu, value);
  }

  readApr(cpu: number): number {
    return this.virtual.apr[cpu]!;
  }

  writeApr(cpu: number, value: number): void {
    this.virtual.writeApr(cpu, value);
  }

  /** As a read of GICV_IAR by that core. */
  virtualAcknowledge(cpu: number): number {
    return this.gicv.acknowledge(cpu);
  }

  /** As a write of GICV_EOIR. */
  virtualEoi(cpu: number, iar: number): void {
    this.gicv.endOfInterrupt(cpu, iar);
  }

  /** The level that a core's four signals have: IRQ 1, FIQ 2, virtual IRQ 4, virtual FIQ 8. */
  lines(cpu: number): number {
    return this.#driven[cpu]!;
  }

  reset(): void {
    this.dist.reset();
    this.gich.reset();
  }

  save(): unknown {
    return { physical: this.dist.save(), virtual: this.gich.save() };
  }

  load(state: unknown): void {
    const saved = state as { physical: unknown; virtual: unknown };
    this.dist.load(saved.physical);
    this.gich.load(saved.virtual);
  }

  #setLine(cpu: number, intid: number, level: boolean): void {
    const state = this.#state;
    if (state.test(state.line, cpu, intid) === level) return;
    state.put(state.line, cpu, intid, level);
    if (level && state.test(state.edge, cpu, intid)) state.put(state.latched, cpu, intid, true);
    this.#update(state.targetMask(cpu, intid));
  }

  #update(cpus: number): void {
    const state = this.#state;
    for (let cpu = 0; cpu < state.config.cpuCount; cpu++) {
      if (((cpus >> cpu) & 1) === 0) continue;
      state.deriveBest(cpu);
      const intid = this.cpuif.signalled(cpu);
      const fiq = intid !== SPURIOUS && this.cpuif.signalsFiq(cpu, intid);
      this.#drive(cpu, IRQ, intid !== SPURIOUS && !fiq);
      this.#drive(cpu, FIQ, fiq);
    }
  }

  #drive(cpu: number, line: number, level: boolean): void {
    const driven = this.#driven[cpu]!;
    if (((driven & line) !== 0) === level) return;
    this.#driven[cpu] = driven ^ line;
    if (line === IRQ) this.#outputs.setIrq(cpu, level);
    else if (line === FIQ) this.#outputs.setFiq(cpu, level);
    else if (line === VIRQ) this.#outputs.setVirq(cpu, level);
    else this.#outputs.setVfiq(cpu, level);
  }
}
