/**
 * The state of the distributor and of the CPU interfaces, and the one derivation from it that everything shares:
 * the highest-priority pending interrupt of each CPU. Bit arrays hold INTIDs 0..31 once per CPU (words 0..7) and
 * the SPIs after them.
 */
import type { GicConfig } from './config.js';
import { IDLE_PRIORITY, MAX_CPUS, PRIORITY_MASK, SPURIOUS } from './config.js';

const BANKED_IDS = 32;
/** SGIs are edge-triggered by nature. */
const SGI_BITS = 0x0000_ffff;
/** The GIC-400's PPIs, INTIDs 25 to 31 (TRM 2.2.1). */
const PPI_BITS = 0xfe00_0000;

export class GicState {
  /** INTIDs implemented, a multiple of 32. */
  readonly intids: number;
  readonly words: number;
  readonly cpuMask: number;
  /** INTIDs 0 to 31 that exist; registers show nothing of the others (IHI 0048B 4.1.1). */
  readonly bankedIds: number;

  readonly group: Uint32Array; // 1 = Group 1
  readonly enabled: Uint32Array;
  /** Pending by edge, by SGI or by a write to ISPENDR (IHI 0048B, figure 4-10). */
  readonly latched: Uint32Array;
  /** Input lines. */
  readonly line: Uint32Array;
  readonly active: Uint32Array;
  readonly edge: Uint32Array;
  readonly priority: Uint8Array;
  readonly targets: Uint8Array; // by SPI
  readonly sgiSources: Uint8Array; // by cpu * 16 + SGI: pending sources
  distributorEnable = 0; // bit 0 Group 0, bit 1 Group 1

  readonly control = new Uint32Array(MAX_CPUS); // GICC_CTLR as without the Security Extensions
  readonly priorityMask = new Uint8Array(MAX_CPUS);
  readonly binaryPoint = new Uint8Array(MAX_CPUS); // Group 0
  readonly binaryPoint1 = new Uint8Array(MAX_CPUS); // Group 1 (GICC_ABPR)
  readonly activePriorities0 = new Uint32Array(MAX_CPUS); // bit n: a Group 0 interrupt of priority n << 3
  readonly activePriorities1 = new Uint32Array(MAX_CPUS);

  /** Derived: bit array of the SPIs that target a CPU, by cpu * words + word. */
  readonly #targetBits: Uint32Array;
  /** Derived: highest-priority pending INTID by CPU, or SPURIOUS. */
  readonly best = new Uint16Array(MAX_CPUS).fill(SPURIOUS);

  constructor(readonly config: GicConfig) {
    if (config.cpuCount < 1 || config.cpuCount > MAX_CPUS) throw new Error(`GIC: ${config.cpuCount} CPU interfaces`);
    if (config.spiCount < 0 || config.spiCount > 480) throw new Error(`GIC: ${config.spiCount} SPIs`);
    this.words = 1 + Math.ceil(config.spiCount / 32);
    this.intids = this.words * 32;
    this.cpuMask = (1 << config.cpuCount) - 1;
    this.bankedIds = (config.ppis ?? []).reduce((bits, intid) => (bits | (1 << intid)) >>> 0, SGI_BITS + PPI_BITS);
    const banks = MAX_CPUS + this.words - 1;
    this.group = new Uint32Array(banks);
    this.enabled = new Uint32Array(banks);
    this.latched = new Uint32Array(banks);
    this.line = new Uint32Array(banks);
    this.active = new Uint32Array(banks);
    this.edge = new Uint32Array(banks);
    this.priority = new Uint8Array(banks * 32);
    this.targets = new Uint8Array(Math.max(0, this.intids - BANKED_IDS));
    this.sgiSources = new Uint8Array(MAX_CPUS * 16);
    this.#targetBits = new Uint32Array(MAX_CPUS * this.words);
    this.reset();
  }

  /**
   * Reset values (IHI 0048B 4.3, 4.4), and with the Security Extensions what the secure firmware leaves: all
   * interrupts but the secure ones in Group 1, a fully open priority mask. Input lines keep their level.
   */
  reset(): void {
    const secure = this.config.securityExtensions;
    this.group.fill(secure ? 0xffff_ffff : 0);
    for (const intid of secure ? (this.config.group0 ?? []) : []) {
      for (let cpu = 0; cpu < (intid < BANKED_IDS ? MAX_CPUS : 1); cpu++) {
        this.group[this.bank(cpu, intid >> 5)]! &= ~(1 << (intid & 31));
      }
    }
    this.enabled.fill(0);
    this.latched.fill(0);
    this.active.fill(0);
    this.edge.fill(0);
    for (let cpu = 0; cpu < MAX_CPUS; cpu++) {
      this.enabled[cpu] = SGI_BITS; // SGIs are always enabled (GIC-400 TRM 3.2, GICD_ISENABLERn)
      this.edge[cpu] = SGI_BITS;
    }
    this.priority.fill(0);
    // A single-processor GIC has no target registers: every SPI goes to CPU 0 (IHI 0048B 4.3.12).
    this.targets.fill(this.config.cpuCount === 1 ? 1 : 0);
    this.sgiSources.fill(0);
    this.distributorEnable = 0;
    this.control.fill(0);
    this.priorityMask.fill(secure ? PRIORITY_MASK : 0);
    this.binaryPoint.fill(2); // the smallest value with 5 priority bits (IHI 0048B 3.3.3)
    this.binaryPoint1.fill(3);
    this.activePriorities0.fill(0);
    this.activePriorities1.fill(0);
    this.#derive();
  }

  /** Index into the bit arrays of word `word` as seen by `cpu`. */
  bank(cpu: number, word: number): number {
    return word === 0 ? cpu : MAX_CPUS + word - 1;
  }

  /** Index into `priority` of an INTID as seen by `cpu`. */
  priorityIndex(cpu: number, intid: number): number {
    return intid < BANKED_IDS ? cpu * 32 + intid : MAX_CPUS * 32 + intid - BANKED_IDS;
  }

  test(bits: Uint32Array, cpu: number, intid: number): boolean {
    return ((bits[this.bank(cpu, intid >> 5)]! >>> (intid & 31)) & 1) !== 0;
  }

  put(bits: Uint32Array, cpu: number, intid: number, value: boolean): void {
    const bank = this.bank(cpu, intid >> 5);
    const bit = 1 << (intid & 31);
    bits[bank] = value ? bits[bank]! | bit : bits[bank]! & ~bit;
  }

  /**
   * The interrupts of a word that software may see and change: those that exist, and with the Security Extensions
   * those of Group 1 (IHI 0048B 3.1.3, table 4-1 notes).
   */
  visibleWord(cpu: number, word: number): number {
    if (word >= this.words) return 0;
    const exist = word === 0 ? this.bankedIds : 0xffff_ffff;
    return (this.config.securityExtensions ? exist & this.group[this.bank(cpu, word)]! : exist) >>> 0;
  }

  visible(cpu: number, intid: number): boolean {
    return ((this.visibleWord(cpu, intid >> 5) >>> (intid & 31)) & 1) !== 0;
  }

  /** Pending status word: the latch, or a level-sensitive input that is asserted (IHI 0048B 3.2.4). */
  pendingWord(cpu: number, word: number): number {
    const bank = this.bank(cpu, word);
    return (this.latched[bank]! | (this.line[bank]! & ~this.edge[bank]!)) >>> 0;
  }

  /** CPUs whose interface an INTID may reach; banked INTIDs reach their own CPU. */
  targetMask(cpu: number, intid: number): number {
    return intid < BANKED_IDS ? 1 << cpu : this.targets[intid - BANKED_IDS]!;
  }

  /** Sets an SPI's targets; bits of CPU interfaces that do not exist are dropped. Returns the CPUs concerned. */
  setTargets(intid: number, mask: number): number {
    const old = this.targets[intid - BANKED_IDS]!;
    const now = mask & this.cpuMask;
    this.targets[intid - BANKED_IDS] = now;
    const bit = 1 << (intid & 31);
    for (let cpu = 0; cpu < this.config.cpuCount; cpu++) {
      const at = cpu * this.words + (intid >> 5);
      const bits = this.#targetBits[at]!;
      this.#targetBits[at] = (now >> cpu) & 1 ? bits | bit : bits & ~bit;
    }
    return old | now;
  }

  /** Sets the pending sources of an SGI and the latch that follows from them. */
  setSgiSources(cpu: number, sgi: number, sources: number): void {
    this.sgiSources[cpu * 16 + sgi] = sources & this.cpuMask;
    this.put(this.latched, cpu, sgi, (sources & this.cpuMask) !== 0);
  }

  /**
   * Recomputes the highest-priority pending interrupt of a CPU: enabled, pending, not active, of a group that the
   * distributor forwards. Of equal priorities the lowest INTID wins (GIC-400 TRM 2.3.2).
   */
  deriveBest(cpu: number): void {
    let best = SPURIOUS;
    let bestPriority = 0x100;
    if (this.distributorEnable !== 0) {
      const group0 = this.distributorEnable & 1 ? 0xffff_ffff : 0;
      const group1 = this.distributorEnable & 2 ? 0xffff_ffff : 0;
      for (let word = 0; word < this.words; word++) {
        const bank = word === 0 ? cpu : MAX_CPUS + word - 1;
        let candidates = this.enabled[bank]! & (this.latched[bank]! | (this.line[bank]! & ~this.edge[bank]!));
        if (candidates === 0) continue;
        candidates &= ~this.active[bank]!;
        candidates &= (this.group[bank]! & group1) | (~this.group[bank]! & group0);
        if (word !== 0) candidates &= this.#targetBits[cpu * this.words + word]!;
        while (candidates !== 0) {
          const bit = 31 - Math.clz32(candidates & -candidates);
          candidates &= candidates - 1;
          const priority = this.priority[bank * 32 + bit]!;
          if (priority < bestPriority) {
            bestPriority = priority;
            best = word * 32 + bit;
          }
        }
      }
    }
    this.best[cpu] = best;
  }

  /** Priority of the highest active interrupt, or IDLE_PRIORITY. */
  runningPriority(cpu: number): number {
    const active = this.activePriorities0[cpu]! | this.activePriorities1[cpu]!;
    return active === 0 ? IDLE_PRIORITY : (31 - Math.clz32(active & -active)) << 3;
  }

  save(): Record<string, unknown> {
    const arrays = Object.entries(this.#arrays()).map(([name, array]) => [name, Array.from(array)]);
    return { ...Object.fromEntries(arrays), distributorEnable: this.distributorEnable };
  }

  load(state: unknown): void {
    const saved = state as Record<string, readonly number[]> & { distributorEnable: number };
    for (const [name, array] of Object.entries(this.#arrays())) array.set(saved[name]!);
    this.distributorEnable = saved.distributorEnable;
    this.#derive();
  }

  #arrays(): Record<string, Uint8Array | Uint32Array> {
    const { group, enabled, latched, line, active, edge, priority, targets, sgiSources, control } = this;
    const { priorityMask, binaryPoint, binaryPoint1, activePriorities0, activePriorities1 } = this;
    return {
      group,
      enabled,
      latched,
      line,
      active,
      edge,
      priority,
      targets,
      sgiSources,
      control,
      priorityMask,
      binaryPoint,
      binaryPoint1,
      activePriorities0,
      activePriorities1,
    };
  }

  #derive(): void {
    this.targets.forEach((mask, spi) => this.setTargets(spi + BANKED_IDS, mask));
    for (let cpu = 0; cpu < MAX_CPUS; cpu++) this.deriveBest(cpu);
  }
}
