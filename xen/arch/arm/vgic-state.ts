/** State of the virtual GIC: pending interrupts, ranks, queues (xen: xen/arch/arm/include/asm/vgic.h). */

/** Bits of PendingIrq.status. */
export const IRQ_QUEUED = 1 << 0;
export const IRQ_ACTIVE = 1 << 1;
export const IRQ_VISIBLE = 1 << 2;
export const IRQ_ENABLED = 1 << 3;
export const IRQ_MIGRATING = 1 << 4;

export const NO_LR = -1;
export const NR_LOCAL_IRQS = 32;

/** struct pending_irq. `priority` is sampled when the interrupt is injected. */
export interface PendingIrq {
  irq: number;
  status: number;
  lr: number;
  priority: number;
}

export function newPendingIrq(irq: number): PendingIrq {
  return { irq, status: 0, lr: NO_LR, priority: 0 };
}

/** Distributor registers of a bank of interrupts. */
export class VgicRank {
  readonly enable: Uint32Array;
  readonly priority: Uint8Array;
  readonly icfg: Uint32Array;
  /** Target vCPU by interrupt (SPIs only). */
  readonly target: Uint8Array;

  constructor(readonly interrupts: number) {
    this.enable = new Uint32Array(interrupts / 32);
    this.priority = new Uint8Array(interrupts);
    this.icfg = new Uint32Array(interrupts / 16);
    this.target = new Uint8Array(interrupts);
  }

  save(): unknown {
    return {
      enable: Array.from(this.enable),
      priority: Array.from(this.priority),
      icfg: Array.from(this.icfg),
      target: Array.from(this.target),
    };
  }

  load(state: unknown): void {
    const s = state as any;
    this.enable.set(s.enable);
    this.priority.set(s.priority);
    this.icfg.set(s.icfg);
    this.target.set(s.target);
  }
}

/** The private part: SGIs and PPIs, and the queues of what is on its way to this vCPU. */
export class VgicVcpu {
  readonly pending: PendingIrq[] = Array.from({ length: NR_LOCAL_IRQS }, (_, irq) => newPendingIrq(irq));
  readonly rank = new VgicRank(NR_LOCAL_IRQS);
  /** Interrupts between injection and EOI, by priority; and those of them that wait for a list register. */
  inflight: PendingIrq[] = [];
  lrPending: PendingIrq[] = [];
  /** What the trace's counters say. */
  traced = { lrs: 0, inflight: 0 };

  constructor() {
    this.rank.icfg[0] = 0xaaaa_aaaa; // SGIs are edge-triggered
  }

  isInflight(irq: number): boolean {
    return this.inflight.some((p) => p.irq === irq);
  }

  save(): unknown {
    return {
      pending: this.pending.map((p) => ({ ...p })),
      rank: this.rank.save(),
      inflight: this.inflight.map((p) => p.irq),
      lrPending: this.lrPending.map((p) => p.irq),
      traced: { ...this.traced },
    };
  }

  /** SPIs in the queues are looked up by VgicDomain.relink afterwards. */
  load(state: unknown): void {
    const s = state as any;
    s.pending.forEach((p: PendingIrq, i: number) => Object.assign(this.pending[i]!, p));
    this.rank.load(s.rank);
    this.traced = { ...s.traced };
    this.inflight = s.inflight.map((irq: number) => this.pending[irq] ?? newPendingIrq(irq));
    this.lrPending = s.lrPending.map((irq: number) => this.pending[irq] ?? newPendingIrq(irq));
  }
}

/** The shared part: the distributor and the SPIs. */
export class VgicDomain {
  /** GICD_CTLR bit 0. */
  enabled = false;
  readonly nrSpis: number;
  readonly spis: PendingIrq[];
  readonly rank: VgicRank;
  /** Virtual interrupts in use by Xen or passed through: the device model may not raise them. */
  readonly allocated: Set<number>;
  /** Guest address of GICD, and GICC with its SoC address (GICV). */
  readonly dbase: number;
  readonly cbase: number;
  readonly csize: number;
  readonly vbase: number;

  /** @param nrSpis as asked for; rounded up to a multiple of 32 (at most 992-32). */
  constructor(
    nrSpis: number,
    readonly maxVcpus: number,
    layout: { dbase: number; cbase: number; csize: number; vbase: number },
  ) {
    this.nrSpis = Math.min(Math.ceil(nrSpis / 32) * 32, 960);
    this.spis = Array.from({ length: this.nrSpis }, (_, i) => newPendingIrq(32 + i));
    this.rank = new VgicRank(this.nrSpis);
    this.allocated = new Set(Array.from({ length: 16 }, (_, sgi) => sgi));
    this.dbase = layout.dbase;
    this.cbase = layout.cbase;
    this.csize = layout.csize;
    this.vbase = layout.vbase;
  }

  /** vgic_num_irqs. */
  get numIrqs(): number {
    return NR_LOCAL_IRQS + this.nrSpis;
  }

  /** vgic_reserve_virq: false if it is taken or does not exist. */
  reserve(irq: number): boolean {
    if (irq >= this.numIrqs || this.allocated.has(irq)) return false;
    this.allocated.add(irq);
    return true;
  }

  save(): unknown {
    return {
      enabled: this.enabled,
      spis: this.spis.map((p) => ({ ...p })),
      rank: this.rank.save(),
      allocated: [...this.allocated],
    };
  }

  load(state: unknown): void {
    const s = state as any;
    this.enabled = s.enabled;
    s.spis.forEach((p: PendingIrq, i: number) => Object.assign(this.spis[i]!, p));
    this.rank.load(s.rank);
    this.allocated.clear();
    for (const irq of s.allocated) this.allocated.add(irq);
  }

  /** After a restore: the queues of the vCPUs share the SPI objects. */
  relink(vcpus: readonly VgicVcpu[]): void {
    const same = (p: PendingIrq): PendingIrq => (p.irq >= NR_LOCAL_IRQS ? this.spis[p.irq - NR_LOCAL_IRQS]! : p);
    for (const v of vcpus) {
      v.inflight = v.inflight.map(same);
      v.lrPending = v.lrPending.map(same);
    }
  }
}
