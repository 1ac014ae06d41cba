import { VgicVcpu } from './vgic-state.js';

/** A timer's registers as saved while the vCPU does not run, or as emulated (CNTP). Values are 64 bits. */
export interface TimerRegs {
  ctl: number;
  cval: bigint;
}

/** What a vCPU starts with (xen: struct vcpu_guest_context). */
export interface StartState {
  pc: bigint;
  x0: bigint;
  pstate: bigint;
  sctlr: bigint;
  ttbr0: bigint;
  ttbr1: bigint;
  tcr: bigint;
}

/** The virtual interface while the vCPU is not loaded (struct gic_v2 in xen: xen/arch/arm/include/asm/gic.h). */
export interface SavedGic {
  hcr: number;
  vmcr: number;
  apr: number;
  lr: number[];
  lrMask: number;
}

/** HCR_EL2 of every guest vCPU (xen: get_default_hcr_flags and arch/arm/domain.c; Arm ARM D17.2.48). */
export const HCR_GUEST =
  0x1n | // VM
  (1n << 1n) | // SWIO
  (1n << 2n) | // PTW
  (1n << 3n) | // FMO
  (1n << 4n) | // IMO
  (1n << 5n) | // AMO
  (1n << 9n) | // FB
  (1n << 10n) | // BSU: inner shareable
  (1n << 13n) | // TWI
  (1n << 14n) | // TWE
  (1n << 18n) | // TID3
  (1n << 19n) | // TSC
  (1n << 20n) | // TIDCP
  (1n << 21n) | // TACR
  (1n << 22n) | // TSW
  (1n << 31n); // RW

/** The Arm part of a vCPU. */
export class VcpuArch {
  /** EL0/EL1 context while not loaded; undefined until it ran for the first time. */
  regs: Uint8Array | undefined;
  /** Start state that is applied when it is loaded next. */
  start: StartState | undefined;
  /** True between the return to the guest and the next exit; false: on its way out, leave_hypervisor runs. */
  inGuest = false;
  hcr = HCR_GUEST;
  actlr = 0n;
  vmpidr = 0n;
  vgic = new VgicVcpu();
  gic: SavedGic;
  vtimer: TimerRegs = { ctl: 0, cval: 0n };
  ptimer: TimerRegs = { ctl: 0, cval: 0n };
  /** Modelled software: PSTATE.I, i.e. whether it takes no virtual interrupt now. */
  irqsMasked = true;

  constructor(lrCount: number) {
    this.gic = { hcr: 1, vmcr: 0, apr: 0, lr: new Array<number>(lrCount).fill(0), lrMask: 0 };
  }

  save(): unknown {
    const timer = (t: TimerRegs): unknown => ({ ctl: t.ctl, cval: String(t.cval) });
    return {
      regs: this.regs ? Array.from(this.regs) : null,
      start: this.start ? Object.fromEntries(Object.entries(this.start).map(([k, v]) => [k, String(v)])) : null,
      inGuest: this.inGuest,
      hcr: String(this.hcr),
      actlr: String(this.actlr),
      vmpidr: String(this.vmpidr),
      vgic: this.vgic.save(),
      gic: { ...this.gic, lr: [...this.gic.lr] },
      vtimer: timer(this.vtimer),
      ptimer: timer(this.ptimer),
      irqsMasked: this.irqsMasked,
    };
  }

  load(state: unknown): void {
    const s = state as any;
    const timer = (t: any): TimerRegs => ({ ctl: t.ctl, cval: BigInt(t.cval) });
    this.regs = s.regs ? Uint8Array.from(s.regs) : undefined;
    this.start = s.start
      ? (Object.fromEntries(Object.entries(s.start).map(([k, v]) => [k, BigInt(v as string)])) as unknown as StartState)
      : undefined;
    this.inGuest = s.inGuest;
    this.hcr = BigInt(s.hcr);
    this.actlr = BigInt(s.actlr);
    this.vmpidr = BigInt(s.vmpidr);
    this.vgic.load(s.vgic);
    this.gic = { ...s.gic, lr: [...s.gic.lr] };
    this.vtimer = timer(s.vtimer);
    this.ptimer = timer(s.ptimer);
    this.irqsMasked = s.irqsMasked;
  }
}
