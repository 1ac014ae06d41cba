/** The machine's cores and GIC in the shape that the hypervisor uses. */
import type { Core } from '../../../sim/cpu/core.js';
import { loadContext, resetContext, saveContext } from '../../../sim/cpu/context.js';
import type { Machine } from '../../../sim/machine/machine.js';
import { localTime } from '../../../sim/machine/scheduler.js';
import type { Ticks } from '../../../sim/machine/time.js';
import { WALK_RESULT } from '../../../sim/wasm/layout.js';
import type { XenHardware } from '../../common/xen.js';
import type { CoreExit, WalkResult, XenCore, XenGic } from './hardware.js';

const WALK_STAGE2 = 1;
const GICD_CTLR = 0x000;
const GICD_IPRIORITYR = 0x400;
const GICC_CTLR = 0x000;
const GICC_PMR = 0x004;
const GICC_BPR = 0x008;
/** Group enable (the Non-secure view's bit 0) and EOImode (bit 9): xen: gicv2_cpu_init. */
const GICC_CTLR_ENABLE_EOIMODE = 0x201;
/** GIC_PRI_IPI and GIC_PRI_IRQ (xen: xen/arch/arm/include/asm/gic.h). */
const PRIORITY_IPI = 0x90;
const PRIORITY_IRQ = 0xa0;
const SGIS = [0, 1, 2];
const MAX_LRS = 31;

/** Parts of the machine for `new Xen(...)`. @param pcpus machine core indices, in pCPU order. */
export function xenHardware(machine: Machine, pcpus: readonly number[]): XenHardware {
  return {
    memory: machine.memory,
    clock: machine.clock,
    errors: machine.errors,
    trace: machine.trace,
    ledger: machine.ledger,
    costs: machine.costs,
    cores: pcpus.map((index) => new MachineCore(machine, machine.cores[index]!)),
    gic: new MachineGic(machine, pcpus),
    tlbFlushVmid: (vmid) => void machine.kernel.tlbFlushVmid(vmid),
  };
}

class MachineCore implements XenCore {
  readonly index: number;
  readonly ticksPerCycle: number;

  constructor(
    private readonly machine: Machine,
    private readonly core: Core,
  ) {
    this.index = core.index;
    this.ticksPerCycle = core.ticksPerCycle;
    core.el2Model = true;
  }

  get cycles(): number {
    return this.core.cycles;
  }

  get limit(): number {
    return this.core.limit;
  }

  get lines(): number {
    return this.core.lines;
  }

  now(): Ticks {
    return localTime(this.core);
  }

  charge(cycles: number): void {
    this.core.charge(cycles);
  }

  advanceTo(when: Ticks): void {
    const per = BigInt(this.ticksPerCycle);
    const cycles = Number((when + per - 1n) / per);
    if (cycles > this.core.cycles) this.core.cycles = cycles;
  }

  run(): CoreExit {
    const code = this.core.run();
    return { code, info: this.core.exitInfo };
  }

  eret(): void {
    this.core.eret();
  }

  x(n: number): bigint {
    return this.core.x(n);
  }

  setX(n: number, value: bigint): void {
    this.core.setX(n, value);
  }

  sys(name: string): bigint {
    return this.core.sysreg(name);
  }

  setSys(name: string, value: bigint): void {
    this.core.setSysreg(name, value);
  }

  saveRegs(): Uint8Array {
    return saveContext(this.machine.kernel, this.core);
  }

  loadRegs(block: Uint8Array): void {
    loadContext(this.machine.kernel, this.core, block);
  }

  resetRegs(): void {
    this.loadRegs(resetContext());
  }

  setHypTimer(when: Ticks | undefined): void {
    if (when === undefined) {
      this.core.setSysreg('CNTHP_CTL_EL2', 0n);
    } else {
      const per = BigInt(this.machine.clock.ticksPerCount);
      this.core.setSysreg('CNTHP_CVAL_EL2', when <= 0n ? 0n : (when + per - 1n) / per);
      this.core.setSysreg('CNTHP_CTL_EL2', 1n);
    }
    this.timersChanged();
  }

  timersChanged(): void {
    this.machine.timer.recompute(this.index);
  }

  walk(va: bigint, access: 0 | 1): WalkResult {
    const { kernel } = this.machine;
    const ok = kernel.hostWalk(this.index, Number(va >> 32n), Number(va & 0xffff_ffffn), access) !== 0;
    const at = WALK_RESULT >> 2;
    const word = (i: number): number => kernel.u32[at + i] as number;
    return {
      ok,
      pa: ok ? word(1) * 2 ** 32 + word(0) : 0,
      stage2: !ok && (word(5) & WALK_STAGE2) !== 0,
      ipa: ok ? 0 : word(3) * 2 ** 32 + word(2),
    };
  }
}

class MachineGic implements XenGic {
  readonly lrCount: number;

  constructor(
    private readonly machine: Machine,
    private readonly pcpus: readonly number[],
  ) {
    this.lrCount = Math.min(machine.gic.virtual.lrCount, MAX_LRS);
  }

  initCpu(cpu: number): void {
    const { gic, board } = this.machine;
    const core = this.#core(cpu);
    const ppis = [board.timer.hypervisorIntid, board.timer.virtualIntid, board.gic.maintenanceIntid];
    gic.dist.write(GICD_CTLR, 4, 1, 0, core);
    for (const [intids, priority] of [
      [SGIS, PRIORITY_IPI],
      [ppis, PRIORITY_IRQ],
    ] as const) {
      for (const intid of intids) {
        gic.dist.write(GICD_IPRIORITYR + intid, 1, priority, 0, core);
        gic.enable(core, intid);
      }
    }
    gic.cpuif.write(GICC_PMR, 4, 0xff, 0, core);
    gic.cpuif.write(GICC_BPR, 4, 0, 0, core);
    gic.cpuif.write(GICC_CTLR, 4, GICC_CTLR_ENABLE_EOIMODE, 0, core);
  }

  acknowledge(cpu: number): number {
    return this.machine.gic.acknowledge(this.#core(cpu));
  }

  endOfInterrupt(cpu: number, iar: number): void {
    this.machine.gic.eoi(this.#core(cpu), iar);
    this.machine.gic.deactivate(this.#core(cpu), iar);
  }

  sendSgi(from: number, target: number, intid: number): void {
    this.machine.gic.sendSgi(this.#core(from), 1 << this.#core(target), intid);
  }

  readLr(cpu: number, n: number): number {
    return this.machine.gic.readLr(this.#core(cpu), n);
  }

  writeLr(cpu: number, n: number, value: number): void {
    this.machine.gic.writeLr(this.#core(cpu), n, value);
  }

  readHcr(cpu: number): number {
    return this.machine.gic.virtual.hcr[this.#core(cpu)]!;
  }

  writeHcr(cpu: number, value: number): void {
    this.machine.gic.virtual.writeHcr(this.#core(cpu), value);
  }

  readVmcr(cpu: number): number {
    return this.machine.gic.virtual.vmcr[this.#core(cpu)]!;
  }

  writeVmcr(cpu: number, value: number): void {
    this.machine.gic.virtual.writeVmcr(this.#core(cpu), value);
  }

  readApr(cpu: number): number {
    return this.machine.gic.virtual.apr[this.#core(cpu)]!;
  }

  writeApr(cpu: number, value: number): void {
    this.machine.gic.virtual.writeApr(this.#core(cpu), value);
  }

  virtualAcknowledge(cpu: number): number {
    return this.machine.gic.gicv.read(GICC_IAR, 4, this.#core(cpu));
  }

  virtualEoi(cpu: number, iar: number): void {
    this.machine.gic.gicv.endOfInterrupt(this.#core(cpu), iar);
  }

  #core(cpu: number): number {
    return this.pcpus[cpu]!;
  }
}

const GICC_IAR = 0x00c;
