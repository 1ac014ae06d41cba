/**
 * A GICv2 without the Security Extensions, written from the pseudocode of the architecture specification
 * (IHI 0048B.b 3.7) and the state machine of 3.2.4: one plain object per interrupt and CPU, everything recomputed by
 * a search. It knows nothing of the model's arrays.
 */
export interface Interrupt {
  enabled: boolean;
  /** Pending by edge or by GICD_ISPENDR; of an SGI the sources. */
  latch: boolean;
  sources: Set<number>;
  line: boolean;
  active: boolean;
  edge: boolean;
  group1: boolean;
  priority: number;
  targets: Set<number>;
}

interface Cpu {
  enable0: boolean;
  enable1: boolean;
  ackCtl: boolean;
  fiqEn: boolean;
  cbpr: boolean;
  eoiMode: boolean;
  mask: number;
  bpr: number;
  abpr: number;
  active0: Set<number>;
  active1: Set<number>;
}

const IDLE = 0xff;

export class ReferenceGic {
  readonly cpus: Cpu[];
  readonly #banked: Interrupt[][];
  readonly #shared: Interrupt[];
  forward0 = false;
  forward1 = false;

  constructor(
    readonly cpuCount: number,
    readonly spis: number,
  ) {
    const interrupt = (sgi: boolean): Interrupt => ({
      enabled: sgi,
      latch: false,
      sources: new Set(),
      line: false,
      active: false,
      edge: sgi,
      group1: false,
      priority: 0,
      targets: new Set(),
    });
    this.cpus = Array.from({ length: cpuCount }, () => ({
      enable0: false,
      enable1: false,
      ackCtl: false,
      fiqEn: false,
      cbpr: false,
      eoiMode: false,
      mask: 0,
      bpr: 2,
      abpr: 3,
      active0: new Set(),
      active1: new Set(),
    }));
    this.#banked = this.cpus.map(() => Array.from({ length: 32 }, (_, n) => interrupt(n < 16)));
    this.#shared = Array.from({ length: spis }, () => interrupt(false));
  }

  at(cpu: number, intid: number): Interrupt {
    return intid < 32 ? this.#banked[cpu]![intid]! : this.#shared[intid - 32]!;
  }

  pending(cpu: number, intid: number): boolean {
    const it = this.at(cpu, intid);
    if (intid < 16) return it.sources.size > 0;
    return it.latch || (!it.edge && it.line);
  }

  setLine(cpu: number, intid: number, level: boolean): void {
    const it = this.at(cpu, intid);
    if (it.edge && level && !it.line) it.latch = true;
    it.line = level;
  }

  /** HighestPriorityPendingInterrupt(cpu_id). */
  highest(cpu: number): number {
    let best = 1023;
    let bestPriority = 0x100;
    for (let intid = 0; intid < 32 + this.spis; intid++) {
      const it = this.at(cpu, intid);
      const targeted = intid < 32 || it.targets.has(cpu);
      const forwarded = it.group1 ? this.forward1 : this.forward0;
      if (!targeted || !forwarded || !it.enabled || it.active || !this.pending(cpu, intid)) continue;
      if (it.priority < bestPriority) [best, bestPriority] = [intid, it.priority];
    }
    return best;
  }

  /** GIC_PriorityMask: the bits that preempt (3.3.3, table 3-2; 3.5.1 for Group 1). */
  #groupPriority(cpu: number, it: Interrupt): number {
    const { bpr, abpr, cbpr } = this.cpus[cpu]!;
    // Group 0: BPR 2 keeps bits 7:3, 7 keeps none. Group 1 with its own binary point keeps one bit more.
    const lowest = it.group1 && !cbpr ? abpr : bpr + 1;
    return (it.priority >> lowest) << lowest;
  }

  running(cpu: number): number {
    const { active0, active1 } = this.cpus[cpu]!;
    return Math.min(IDLE, ...active0, ...active1);
  }

  #enabled(cpu: number, it: Interrupt): boolean {
    return it.group1 ? this.cpus[cpu]!.enable1 : this.cpus[cpu]!.enable0;
  }

  /** UpdateExceptionState: what is signalled to a core. */
  signal(cpu: number): { intid: number; line: 'irq' | 'fiq' | 'none' } {
    const intid = this.highest(cpu);
    if (intid === 1023) return { intid, line: 'none' };
    const it = this.at(cpu, intid);
    const preempts = this.#groupPriority(cpu, it) < this.running(cpu);
    if (!this.#enabled(cpu, it) || it.priority >= this.cpus[cpu]!.mask || !preempts)
      return { intid: 1023, line: 'none' };
    return { intid, line: this.cpus[cpu]!.fiqEn && !it.group1 ? 'fiq' : 'irq' };
  }

  #answer(cpu: number, intid: number, alias: boolean): number {
    if (intid === 1023) return 1023;
    const it = this.at(cpu, intid);
    if (alias && !it.group1) return 1023;
    if (!alias && it.group1 && !this.cpus[cpu]!.ackCtl) return 1022;
    return intid < 16 ? intid | (Math.min(...it.sources) << 10) : intid;
  }

  /** GICC_HPPIR, GICC_AHPPIR. */
  hppir(cpu: number, alias: boolean): number {
    const intid = this.highest(cpu);
    if (intid !== 1023 && !this.#enabled(cpu, this.at(cpu, intid))) return 1023;
    return this.#answer(cpu, intid, alias);
  }

  /** GICC_IAR, GICC_AIAR. */
  acknowledge(cpu: number, alias: boolean): number {
    const { intid } = this.signal(cpu);
    const answer = this.#answer(cpu, intid, alias);
    if (answer === 1022 || answer === 1023) return answer;
    const it = this.at(cpu, intid);
    if (intid < 16) it.sources.delete(answer >> 10);
    it.latch = false;
    it.active = true;
    const { active0, active1 } = this.cpus[cpu]!;
    (it.group1 ? active1 : active0).add(this.#groupPriority(cpu, it));
    return answer;
  }

  /** GICC_EOIR, GICC_AEOIR. */
  end(cpu: number, intid: number): void {
    if (intid >= 32 + this.spis) return;
    const it = this.at(cpu, intid);
    const active = it.group1 ? this.cpus[cpu]!.active1 : this.cpus[cpu]!.active0;
    if (active.size === 0) return;
    active.delete(Math.min(...active));
    if (!this.cpus[cpu]!.eoiMode) it.active = false;
  }

  /** GICC_DIR. */
  deactivate(cpu: number, intid: number): void {
    if (intid < 32 + this.spis && this.cpus[cpu]!.eoiMode) this.at(cpu, intid).active = false;
  }
}
