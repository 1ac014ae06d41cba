/** Register tables of the GIC-400 (GICv2 architecture, IHI 0048B, chapter 4; GIC-400 TRM, DDI 0471B, chapter 3). */
import { registerMap } from '../machine/registers.js';

/** Distributor, table 4-1. */
export const GICD = registerMap({
  CTLR: { at: 0x000, policy: 'modelled' },
  TYPER: { at: 0x004, policy: 'modelled' },
  IIDR: { at: 0x008, policy: 'modelled' },
  IGROUPR: { at: 0x080, count: 32, policy: 'modelled' },
  ISENABLER: { at: 0x100, count: 32, policy: 'modelled' },
  ICENABLER: { at: 0x180, count: 32, policy: 'modelled' },
  ISPENDR: { at: 0x200, count: 32, policy: 'modelled' },
  ICPENDR: { at: 0x280, count: 32, policy: 'modelled' },
  ISACTIVER: { at: 0x300, count: 32, policy: 'modelled' },
  ICACTIVER: { at: 0x380, count: 32, policy: 'modelled' },
  IPRIORITYR: { at: 0x400, count: 255, widths: [1, 4], policy: 'modelled' },
  ITARGETSR: { at: 0x800, count: 255, widths: [1, 4], policy: 'modelled' },
  ICFGR: { at: 0xc00, count: 64, policy: 'modelled' },
  PPISR: { at: 0xd00, policy: 'modelled' },
  SPISR: { at: 0xd04, count: 15, policy: 'modelled' },
  NSACR: { at: 0xe00, count: 64, policy: 'raz' },
  SGIR: { at: 0xf00, policy: 'modelled' },
  CPENDSGIR: { at: 0xf10, count: 4, widths: [1, 4], policy: 'modelled' },
  SPENDSGIR: { at: 0xf20, count: 4, widths: [1, 4], policy: 'modelled' },
  PIDR4: { at: 0xfd0, count: 4, policy: 'constant' },
  PIDR0: { at: 0xfe0, count: 4, policy: 'constant' },
  CIDR: { at: 0xff0, count: 4, policy: 'constant' },
});

/** CPU interface, table 4-2; also the layout of the virtual CPU interface, table 5-10. */
export const GICC = registerMap({
  CTLR: { at: 0x00, policy: 'modelled' },
  PMR: { at: 0x04, policy: 'modelled' },
  BPR: { at: 0x08, policy: 'modelled' },
  IAR: { at: 0x0c, policy: 'modelled' },
  EOIR: { at: 0x10, policy: 'modelled' },
  RPR: { at: 0x14, policy: 'modelled' },
  HPPIR: { at: 0x18, policy: 'modelled' },
  ABPR: { at: 0x1c, policy: 'modelled' },
  AIAR: { at: 0x20, policy: 'modelled' },
  AEOIR: { at: 0x24, policy: 'modelled' },
  AHPPIR: { at: 0x28, policy: 'modelled' },
  APR: { at: 0xd0, count: 4, policy: 'modelled' },
  NSAPR: { at: 0xe0, count: 4, policy: 'modelled' },
  IIDR: { at: 0xfc, policy: 'modelled' },
  DIR: { at: 0x1000, policy: 'modelled' },
});

/** Virtual interface control, table 5-1. */
export const GICH = registerMap({
  HCR: { at: 0x000, policy: 'modelled' },
  VTR: { at: 0x004, policy: 'modelled' },
  VMCR: { at: 0x008, policy: 'modelled' },
  MISR: { at: 0x010, policy: 'modelled' },
  EISR: { at: 0x020, count: 2, policy: 'modelled' },
  ELRSR: { at: 0x030, count: 2, policy: 'modelled' },
  APR: { at: 0x0f0, policy: 'modelled' },
  LR: { at: 0x100, count: 64, policy: 'modelled' },
});

// GICD_CTLR, GICC_CTLR (the view without the Security Extensions, table 4-31)
export const CTLR_GRP0 = 1 << 0;
export const CTLR_GRP1 = 1 << 1;
export const GICC_CTLR_ACK_CTL = 1 << 2;
export const GICC_CTLR_FIQ_EN = 1 << 3;
export const GICC_CTLR_CBPR = 1 << 4;
export const GICC_CTLR_BYPASS = 0xf << 5;
export const GICC_CTLR_EOI_MODE = 1 << 9;
/** Bits that exist without the Security Extensions. */
export const GICC_CTLR_BITS = 0x3ff;

// GICH_HCR (5.3.2) and, one place lower from bit 1 on, GICH_MISR (5.3.5)
export const HCR_EN = 1 << 0;
export const HCR_UIE = 1 << 1;
export const HCR_LRENPIE = 1 << 2;
export const HCR_NPIE = 1 << 3;
export const HCR_VGRP0EIE = 1 << 4;
export const HCR_VGRP0DIE = 1 << 5;
export const HCR_VGRP1EIE = 1 << 6;
export const HCR_VGRP1DIE = 1 << 7;
export const HCR_BITS = 0xf800_00ff;
export const MISR_EOI = 1 << 0;
export const MISR_U = 1 << 1;
export const MISR_LRENP = 1 << 2;
export const MISR_NP = 1 << 3;
export const MISR_VGRP0E = 1 << 4;
export const MISR_VGRP0D = 1 << 5;
export const MISR_VGRP1E = 1 << 6;
export const MISR_VGRP1D = 1 << 7;

// GICH_LRn (5.3.11)
export const LR_VIRTUAL_ID = 0x3ff;
export const LR_PHYSICAL_SHIFT = 10;
export const LR_EOI = 1 << 19; // with HW = 0
export const LR_PRIORITY_SHIFT = 23;
export const LR_PENDING = 1 << 28;
export const LR_ACTIVE = 1 << 29;
export const LR_GROUP1 = 1 << 30;
/** Bits 22:20 are reserved. */
export const LR_BITS = 0xff8f_ffff;
export const LR_HW = 0x8000_0000;

/** GICD peripheral and component identification (GIC-400 TRM 3.2). */
export const PIDR0_3: readonly number[] = [0x90, 0xb4, 0x2b, 0x00];
export const PIDR4_7: readonly number[] = [0x04, 0x00, 0x00, 0x00];
export const CIDR0_3: readonly number[] = [0x0d, 0xf0, 0x05, 0xb1];

/**
 * Maps an offset in a window of the 64 KiB integration to the two-page register layout: the first page repeats
 * through the first 64 KiB, the second through the second.
 */
export function foldAlias64k(offset: number): number {
  return ((offset >>> 4) & 0x1000) | (offset & 0xfff);
}
