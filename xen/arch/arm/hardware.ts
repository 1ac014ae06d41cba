import type { Ticks } from '../../../sim/machine/time.js';

/** Why `run` returned (sim/wasm/layout.ts EXIT_*). */
export interface CoreExit {
  code: number;
  info: number;
}

/** One physical core, as Xen sees it; adapter.ts makes it of sim/cpu's Core. */
export interface XenCore {
  /** Machine core index. */
  readonly index: number;
  readonly ticksPerCycle: number;
  /** Own cycles so far. */
  readonly cycles: number;
  /** Cycles at which the slice ends; an event may have shortened it. */
  readonly limit: number;
  /** LINE_* asserted at the core now. */
  readonly lines: number;
  /** Local time in base ticks. */
  now(): Ticks;
  /** Moves local time by whole cycles. */
  charge(cycles: number): void;
  /** Moves local time to `when` if that is later. */
  advanceTo(when: Ticks): void;
  /** Runs guest code up to the limit. */
  run(): CoreExit;
  /** Exception return through ELR_EL2 and SPSR_EL2. */
  eret(): void;
  /** X0..X30 of the stopped core; 31 reads 0 and ignores writes. */
  x(n: number): bigint;
  setX(n: number, value: bigint): void;
  /** A system register's stored value, by its name in sim/cpu/isa/sysregs.ts. */
  sys(name: string): bigint;
  setSys(name: string, value: bigint): void;
  /** EL0/EL1 context with ELR_EL2 and SPSR_EL2 (general, FP, system registers) as an opaque block, and back. */
  saveRegs(): Uint8Array;
  loadRegs(block: Uint8Array): void;
  /** Puts that context into its reset state. */
  resetRegs(): void;
  /**
   * Programs CNTHP_CVAL/CTL_EL2 so that PPI 26 rises at `when` (rounded up to a counter increment); undefined
   * disables it and lowers the line.
   */
  setHypTimer(when: Ticks | undefined): void;
  /** After the hypervisor wrote CNTV or CNTVOFF registers: recomputes lines and deadlines. */
  timersChanged(): void;
  /** Stage 1 + 2 walk of the loaded context as EL1: access 0 read, 1 write. */
  walk(va: bigint, access: 0 | 1): WalkResult;
}

/** `pa` is meaningful when ok. On a fault: its stage and, for stage 2, the IPA that missed. */
export interface WalkResult {
  ok: boolean;
  pa: number;
  stage2: boolean;
  ipa: number;
}

/** State of a list register. */
export const LR_PENDING = 1;
export const LR_ACTIVE = 2;

/** The interrupt controller as Xen drives it: physical interface of one CPU, and GICH. `cpu` is a pCPU index. */
export interface XenGic {
  readonly lrCount: number;
  /** Enables the distributor, Xen's SGIs and PPIs of this CPU, and its CPU interface with EOImode 1. */
  initCpu(cpu: number): void;
  /** GICC_IAR: INTID, for an SGI with the source CPU << 10; 1023 when nothing is pending. */
  acknowledge(cpu: number): number;
  /** GICC_EOIR and GICC_DIR. */
  endOfInterrupt(cpu: number, iar: number): void;
  sendSgi(from: number, target: number, intid: number): void;
  readLr(cpu: number, n: number): number;
  writeLr(cpu: number, n: number, value: number): void;
  readHcr(cpu: number): number;
  writeHcr(cpu: number, value: number): void;
  readVmcr(cpu: number): number;
  writeVmcr(cpu: number, value: number): void;
  readApr(cpu: number): number;
  writeApr(cpu: number, value: number): void;
  /** The virtual CPU interface, for modelled software: GICV_IAR and GICV_EOIR. */
  virtualAcknowledge(cpu: number): number;
  virtualEoi(cpu: number, iar: number): void;
}
