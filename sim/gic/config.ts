/** What a board says about its GIC-400. */

export interface GicConfig {
  /** CPU interfaces, 1 to 8; core n of the machine is interface n. */
  readonly cpuCount: number;
  /** Shared peripheral interrupts; rounded up to a multiple of 32, at most 480 (GIC-400 TRM 1.2). */
  readonly spiCount: number;
  /** List registers per CPU, 1 to 64; 4 on the GIC-400 as built. */
  readonly lrCount: number;
  /**
   * True: software sees the Non-secure view, as after a secure firmware has handed over. False: a GIC without
   * the Security Extensions.
   */
  readonly securityExtensions: boolean;
  /** The 64 KiB integration of GICC, GICH and GICV: each 4 KiB register page repeats sixteen times. */
  readonly alias64k: boolean;
  /** INTIDs that secure firmware has left in Group 0 (only with the Security Extensions). */
  readonly group0?: readonly number[];
  /** PPIs that exist besides the GIC-400's own, INTIDs 25 to 31 (GIC-400 TRM 2.2.1). */
  readonly ppis?: readonly number[];
  /** INTID of the maintenance interrupt; 25 by convention (Arm BSA). */
  readonly maintenanceIntid?: number;
  readonly gicdIidr?: number;
  readonly giccIidr?: number;
}

/** The interrupt signals of one core. Called only when a level changes. */
export interface GicOutputs {
  setIrq(cpu: number, level: boolean): void;
  setFiq(cpu: number, level: boolean): void;
  setVirq(cpu: number, level: boolean): void;
  setVfiq(cpu: number, level: boolean): void;
}

export const MAX_CPUS = 8;
/** INTID returned when there is nothing to acknowledge (GICv2 architecture, IHI 0048B, 2.2.1). */
export const SPURIOUS = 1023;
/** INTID returned when the highest pending interrupt is of Group 1 and the register serves Group 0. */
export const SPURIOUS_GROUP1 = 1022;
/** The GIC-400 implements priority bits 7:3 (GIC-400 TRM 2.3.2). */
export const PRIORITY_MASK = 0xf8;
export const IDLE_PRIORITY = 0xff;
