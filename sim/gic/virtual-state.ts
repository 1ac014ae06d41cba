/**
 * The virtual interface's state per core (GICH_HCR, VMCR, APR, list registers) and what hardware derives from it:
 * the virtual interrupt signals and the maintenance interrupt (IHI 0048B, chapter 5).
 */
import type { GicConfig, GicOutputs } from './config.js';
import { IDLE_PRIORITY, MAX_CPUS } from './config.js';
import { groupPriorityMask } from './cpu-interface.js';
import {
  CTLR_GRP0,
  CTLR_GRP1,
  GICC_CTLR_CBPR,
  GICC_CTLR_FIQ_EN,
  HCR_BITS,
  HCR_EN,
  HCR_LRENPIE,
  HCR_NPIE,
  HCR_UIE,
  HCR_VGRP0DIE,
  HCR_VGRP0EIE,
  HCR_VGRP1DIE,
  HCR_VGRP1EIE,
  LR_ACTIVE,
  LR_BITS,
  LR_EOI,
  LR_GROUP1,
  LR_HW,
  LR_PENDING,
  LR_PRIORITY_SHIFT,
  LR_VIRTUAL_ID,
  MISR_EOI,
  MISR_LRENP,
  MISR_NP,
  MISR_U,
  MISR_VGRP0D,
  MISR_VGRP0E,
  MISR_VGRP1D,
  MISR_VGRP1E,
} from './registers.js';

/** Reset value: binary points 2 and 3, the smallest with 5 bits (GIC-400 TRM 3.5). */
const VMCR_RESET = 0x004c_0000;
const VMCR_CTLR = 0x021f;
const EOI_COUNT_SHIFT = 27;

export class VirtualState {
  readonly lrCount: number;
  readonly hcr = new Uint32Array(MAX_CPUS);
  readonly vmcr = new Uint32Array(MAX_CPUS);
  readonly apr = new Uint32Array(MAX_CPUS);
  readonly lr: Uint32Array; // by cpu * lrCount + index

  constructor(
    config: GicConfig,
    private readonly outputs: Pick<GicOutputs, 'setVirq' | 'setVfiq'> & {
      setMaintenance(cpu: number, level: boolean): void;
    },
  ) {
    if (config.lrCount < 1 || config.lrCount > 64) throw new Error(`GIC: ${config.lrCount} list registers`);
    this.lrCount = config.lrCount;
    this.lr = new Uint32Array(MAX_CPUS * config.lrCount);
    this.vmcr.fill(VMCR_RESET);
  }

  reset(): void {
    this.hcr.fill(0);
    this.vmcr.fill(VMCR_RESET);
    this.apr.fill(0);
    this.lr.fill(0);
  }

  readLr(cpu: number, index: number): number {
    return index < this.lrCount ? this.lr[cpu * this.lrCount + index]! : 0;
  }

  writeLr(cpu: number, index: number, value: number): void {
    if (index >= this.lrCount) return;
    this.lr[cpu * this.lrCount + index] = value & LR_BITS;
    this.update(cpu);
  }

  writeHcr(cpu: number, value: number): void {
    this.hcr[cpu] = value & HCR_BITS;
    this.update(cpu);
  }

  writeVmcr(cpu: number, value: number): void {
    this.vmcr[cpu] = value & (0xf800_0000 | VMCR_CTLR);
    this.#setBinaryPoint(cpu, (value >>> 21) & 7, false);
    this.#setBinaryPoint(cpu, (value >>> 18) & 7, true);
    this.update(cpu);
  }

  writeApr(cpu: number, value: number): void {
    this.apr[cpu] = value;
    this.update(cpu);
  }

  /** The VMCR fields under their GICV names. */
  control(cpu: number): number {
    return this.vmcr[cpu]! & VMCR_CTLR;
  }

  setControl(cpu: number, value: number): void {
    this.vmcr[cpu] = (this.vmcr[cpu]! & ~VMCR_CTLR) | (value & VMCR_CTLR);
    this.update(cpu);
  }

  priorityMask(cpu: number): number {
    return (this.vmcr[cpu]! >>> 24) & 0xf8;
  }

  setPriorityMask(cpu: number, value: number): void {
    this.vmcr[cpu] = (this.vmcr[cpu]! & ~0xf800_0000) | ((value & 0xf8) << 24);
    this.update(cpu);
  }

  binaryPoint(cpu: number, group1: boolean): number {
    return (this.vmcr[cpu]! >>> (group1 ? 18 : 21)) & 7;
  }

  setBinaryPoint(cpu: number, value: number, group1: boolean): void {
    this.#setBinaryPoint(cpu, value & 7, group1);
    this.update(cpu);
  }

  runningPriority(cpu: number): number {
    const apr = this.apr[cpu]!;
    return apr === 0 ? IDLE_PRIORITY : (31 - Math.clz32(apr & -apr)) << 3;
  }

  groupPriority(cpu: number, lr: number): number {
    const own = (lr & LR_GROUP1) !== 0 && (this.vmcr[cpu]! & GICC_CTLR_CBPR) === 0;
    return lrPriority(lr) & groupPriorityMask(this.binaryPoint(cpu, own), own);
  }

  /** List register with the highest-priority interrupt that is pending and not active, or -1. */
  bestLr(cpu: number): number {
    if ((this.hcr[cpu]! & HCR_EN) === 0) return -1;
    let best = -1;
    let bestPriority = 0x100;
    for (let i = 0; i < this.lrCount; i++) {
      const lr = this.lr[cpu * this.lrCount + i]!;
      if ((lr & (LR_PENDING | LR_ACTIVE)) !== LR_PENDING) continue;
      const priority = lrPriority(lr);
      if (priority < bestPriority) {
        bestPriority = priority;
        best = i;
      }
    }
    return best;
  }

  /** What GICV_HPPIR looks at: the best list register, unless the virtual interface does not signal its group. */
  highestPendingLr(cpu: number): number {
    const best = this.bestLr(cpu);
    return best >= 0 && this.#groupEnabled(cpu, this.readLr(cpu, best)) ? best : -1;
  }

  /** List register whose interrupt is signalled to the virtual machine, or -1. */
  signalledLr(cpu: number): number {
    const best = this.bestLr(cpu);
    if (best < 0) return -1;
    const lr = this.readLr(cpu, best);
    if (!this.#groupEnabled(cpu, lr)) return -1;
    if (lrPriority(lr) >= this.priorityMask(cpu)) return -1;
    return this.groupPriority(cpu, lr) < this.runningPriority(cpu) ? best : -1;
  }

  /** List register that holds the active virtual interrupt of an EOI or DIR value, or -1. */
  activeLr(cpu: number, value: number): number {
    const intid = value & LR_VIRTUAL_ID;
    for (let i = 0; i < this.lrCount; i++) {
      const lr = this.lr[cpu * this.lrCount + i]!;
      if ((lr & LR_ACTIVE) === 0 || (lr & LR_VIRTUAL_ID) !== intid) continue;
      // A software SGI is identified by its source CPU too (5.3.11, CPUID).
      if (intid < 16 && (lr & LR_HW) === 0 && ((lr >>> 10) & 7) !== ((value >>> 10) & 7)) continue;
      return i;
    }
    return -1;
  }

  /** Counts an EOI without a list register; the 5-bit count wraps (5.3.2). */
  countEoi(cpu: number): void {
    this.hcr[cpu] = this.hcr[cpu]! + (1 << EOI_COUNT_SHIFT);
  }

  /** EISR: list registers whose end of interrupt asks for maintenance (5.3.6). */
  eoiStatus(cpu: number, word: number): number {
    return this.#statusWord(cpu, word, (lr) => (lr & (LR_PENDING | LR_ACTIVE | LR_HW | LR_EOI)) >>> 0 === LR_EOI);
  }

  /** ELRSR: list registers free for use (5.3.8). */
  emptyStatus(cpu: number, word: number): number {
    return this.#statusWord(
      cpu,
      word,
      (lr) => (lr & (LR_PENDING | LR_ACTIVE)) === 0 && ((lr & LR_HW) !== 0 || (lr & LR_EOI) === 0),
    );
  }

  /** MISR: the conditions, each with its enable, that ask for maintenance (5.3.5). */
  maintenanceStatus(cpu: number): number {
    const hcr = this.hcr[cpu]!;
    const vmcr = this.vmcr[cpu]!;
    let valid = 0;
    let pending = 0;
    let ended = 0;
    for (let i = 0; i < this.lrCount; i++) {
      const lr = this.lr[cpu * this.lrCount + i]!;
      const state = lr & (LR_PENDING | LR_ACTIVE);
      if (state !== 0) valid++;
      else if ((lr & LR_HW) === 0 && (lr & LR_EOI) !== 0) ended++;
      if (state === LR_PENDING) pending++;
    }
    let status = ended > 0 ? MISR_EOI : 0;
    if (hcr & HCR_UIE && valid <= 1) status |= MISR_U;
    if (hcr & HCR_LRENPIE && hcr >>> EOI_COUNT_SHIFT !== 0) status |= MISR_LRENP;
    if (hcr & HCR_NPIE && pending === 0) status |= MISR_NP;
    if (hcr & HCR_VGRP0EIE && vmcr & CTLR_GRP0) status |= MISR_VGRP0E;
    if (hcr & HCR_VGRP0DIE && !(vmcr & CTLR_GRP0)) status |= MISR_VGRP0D;
    if (hcr & HCR_VGRP1EIE && vmcr & CTLR_GRP1) status |= MISR_VGRP1E;
    if (hcr & HCR_VGRP1DIE && !(vmcr & CTLR_GRP1)) status |= MISR_VGRP1D;
    return status;
  }

  /** Drives the virtual interrupt and maintenance lines of a core from its state. */
  update(cpu: number): void {
    const index = this.signalledLr(cpu);
    const fiq = index >= 0 && (this.vmcr[cpu]! & GICC_CTLR_FIQ_EN) !== 0 && (this.readLr(cpu, index) & LR_GROUP1) === 0;
    this.outputs.setVirq(cpu, index >= 0 && !fiq);
    this.outputs.setVfiq(cpu, fiq);
    this.outputs.setMaintenance(cpu, (this.hcr[cpu]! & HCR_EN) !== 0 && this.maintenanceStatus(cpu) !== 0);
  }

  save(): unknown {
    const { hcr, vmcr, apr, lr } = this;
    return { hcr: Array.from(hcr), vmcr: Array.from(vmcr), apr: Array.from(apr), lr: Array.from(lr) };
  }

  load(state: unknown): void {
    const saved = state as Record<'hcr' | 'vmcr' | 'apr' | 'lr', readonly number[]>;
    this.hcr.set(saved.hcr);
    this.vmcr.set(saved.vmcr);
    this.apr.set(saved.apr);
    this.lr.set(saved.lr);
  }

  #groupEnabled(cpu: number, lr: number): boolean {
    return (this.vmcr[cpu]! & (lr & LR_GROUP1 ? CTLR_GRP1 : CTLR_GRP0)) !== 0;
  }

  /** Values below the smallest supported one select that one (IHI 0048B 4.4.3). */
  #setBinaryPoint(cpu: number, value: number, group1: boolean): void {
    const shift = group1 ? 18 : 21;
    this.vmcr[cpu] = (this.vmcr[cpu]! & ~(7 << shift)) | (Math.max(group1 ? 3 : 2, value) << shift);
  }

  #statusWord(cpu: number, word: number, test: (lr: number) => boolean): number {
    let status = 0;
    for (let i = word * 32; i < Math.min(this.lrCount, word * 32 + 32); i++) {
      if (test(this.lr[cpu * this.lrCount + i]!)) status |= 1 << (i & 31);
    }
    return status >>> 0;
  }
}

/** The 8-bit priority of a list register. */
export function lrPriority(lr: number): number {
  return (lr >>> (LR_PRIORITY_SHIFT - 3)) & 0xf8;
}

/** The INTID, with the source CPU of a software SGI, as GICV_IAR shows it. */
export function lrAcknowledgeValue(lr: number): number {
  const intid = lr & LR_VIRTUAL_ID;
  return intid < 16 && (lr & LR_HW) === 0 ? lr & 0x1fff : intid;
}
