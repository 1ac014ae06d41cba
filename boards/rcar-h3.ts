import { createBoard, type Board } from './board.js';
import type { BoardInput } from './schema.js';
import { TIMING } from './timing.js';

/**
 * Renesas R-Car H3 (R8A77951 ES3.0) on Salvator-XS. Addresses, interrupts and clocks are those of the board's upstream
 * device tree (r8a77951-salvator-xs); identification registers are the Cortex-A57/A53 TRMs' except:
 * ID_AA64PFR0_EL1 reads 0x1111 because AArch32 is not modelled, and the AArch32 registers read 0 with it.
 */
const sharedIds = {
  REVIDR_EL1: 0,
  AIDR_EL1: 0,
  ID_AA64PFR0_EL1: 0x1111,
  ID_AA64DFR0_EL1: 0x10305106,
  ID_AA64ISAR0_EL1: 0x11120,
  DCZID_EL0: 0x4,
  CLIDR_EL1: 0x0a200023,
} as const;

export const rcarH3Input = {
  name: 'rcar-h3',
  model: 'Renesas Salvator-X 2nd version board based on r8a77951',
  compatible: ['renesas,salvator-xs', 'renesas,r8a7795'],
  tick: 'auto',
  clusters: [
    {
      name: 'a57',
      core: 'cortex-a57',
      clockHz: '1497.6 MHz', // PLL0 at 16.64 MHz * 180 / 2: 180 cycles per counter increment
      cores: [
        { mpidr: 0x000, gicInterface: 0, pmuIntid: 104 },
        { mpidr: 0x001, gicInterface: 1, pmuIntid: 105 },
        { mpidr: 0x002, gicInterface: 2, pmuIntid: 106 },
        { mpidr: 0x003, gicInterface: 3, pmuIntid: 107 },
      ],
      caches: {
        l1i: { size: '48 KiB', ways: 3, lineBytes: 64 },
        l1d: { size: '32 KiB', ways: 2, lineBytes: 64 },
        l2: { size: '2 MiB', ways: 16, lineBytes: 64 },
      },
      idRegisters: {
        ...sharedIds,
        MIDR_EL1: 0x411fd073, // r1p3
        CTR_EL0: 0x8444c004,
        ID_AA64MMFR0_EL1: 0x1124, // 44-bit physical addresses, no 16 KiB granule
        PMCR_EL0: 0x41013000,
      },
    },
    {
      name: 'a53',
      core: 'cortex-a53',
      clockHz: '1198.08 MHz', // PLL2: 144 cycles per counter increment
      cores: [
        { mpidr: 0x100, gicInterface: 4, pmuIntid: 116 },
        { mpidr: 0x101, gicInterface: 5, pmuIntid: 117 },
        { mpidr: 0x102, gicInterface: 6, pmuIntid: 118 },
        { mpidr: 0x103, gicInterface: 7, pmuIntid: 119 },
      ],
      caches: {
        l1i: { size: '32 KiB', ways: 2, lineBytes: 64 },
        l1d: { size: '32 KiB', ways: 4, lineBytes: 64 },
        l2: { size: '512 KiB', ways: 16, lineBytes: 64 },
      },
      idRegisters: {
        ...sharedIds,
        MIDR_EL1: 0x410fd034, // r0p4
        CTR_EL0: 0x84448004,
        ID_AA64MMFR0_EL1: 0x1122, // 40-bit physical addresses
        PMCR_EL0: 0x41033000,
      },
    },
  ],
  // Four 1 GiB channels as in the upstream device tree; the first 128 MiB belong to the firmware.
  memory: [
    { name: 'bank0', base: 0x4800_0000, size: '896 MiB' },
    { name: 'bank1', base: 0x5_0000_0000, size: '1 GiB' },
    { name: 'bank2', base: 0x6_0000_0000, size: '1 GiB' },
    { name: 'bank3', base: 0x7_0000_0000, size: '1 GiB' },
  ],
  gic: {
    distributor: { base: 0xf101_0000, size: 0x1000 },
    cpuInterface: { base: 0xf102_0000, size: 0x20000 },
    hypervisor: { base: 0xf104_0000, size: 0x20000 },
    virtualCpuInterface: { base: 0xf106_0000, size: 0x20000 },
    maintenanceIntid: 25,
    spiCount: 480,
    lrCount: 4,
    securityExtensions: true,
    // As BL31 leaves them: secure timer, SGI 8-15, RPC-IF, crypto, secure timers and watchdog.
    group0Intids: [8, 9, 10, 11, 12, 13, 14, 15, 29, 70, 97, 98, 102, 166, 171, 173],
    alias64k: true,
    iidr: { distributor: 0x0200143b, cpuInterface: 0x0202143b },
  },
  timer: {
    cntfrqHz: '8.32 MHz', // EXTAL 16.64 MHz / 2
    securePhysicalIntid: 29,
    physicalIntid: 30,
    virtualIntid: 27,
    hypervisorIntid: 26,
  },
  serial: [
    {
      kind: 'scif',
      name: 'scif2',
      base: 0xe6e8_8000,
      size: 0x40,
      intid: 196,
      moduleClock: 310,
      externalClockHz: '14.7456 MHz',
    },
    {
      kind: 'hscif',
      name: 'hscif1',
      base: 0xe655_0000,
      size: 0x60,
      intid: 187,
      moduleClock: 519,
      externalClockHz: '14.7456 MHz',
    },
  ],
  console: 'scif2',
  blocks: [
    { kind: 'watchdog', name: 'rwdt', base: 0xe602_0000, size: 0xc, intid: 172 },
    { kind: 'gpio', name: 'gpio0', base: 0xe605_0000, size: 0x50, intid: 36, lines: 16 },
    { kind: 'gpio', name: 'gpio1', base: 0xe605_1000, size: 0x50, intid: 37, lines: 29 },
    { kind: 'gpio', name: 'gpio2', base: 0xe605_2000, size: 0x50, intid: 38, lines: 15 },
    { kind: 'gpio', name: 'gpio3', base: 0xe605_3000, size: 0x50, intid: 39, lines: 16 },
    { kind: 'gpio', name: 'gpio4', base: 0xe605_4000, size: 0x50, intid: 40, lines: 18 },
    { kind: 'gpio', name: 'gpio5', base: 0xe605_5000, size: 0x50, intid: 41, lines: 26 },
    { kind: 'gpio', name: 'gpio6', base: 0xe605_5400, size: 0x50, intid: 42, lines: 32 },
    { kind: 'gpio', name: 'gpio7', base: 0xe605_5800, size: 0x50, intid: 43, lines: 4 },
    { kind: 'pfc', name: 'pfc', base: 0xe606_0000, size: 0x50c },
    { kind: 'system-counter', name: 'cntc', base: 0xe608_0000, size: 0x1000 },
    { kind: 'cpg-mssr', name: 'cpg', base: 0xe615_0000, size: 0x1000, extalHz: '16.64 MHz', extalrHz: '32768 Hz' },
    { kind: 'rst', name: 'rst', base: 0xe616_0000, size: 0x200, modemr: 0 }, // MD[14:13] = 0: EXTAL 16.64 MHz
    { kind: 'sysc', name: 'sysc', base: 0xe618_0000, size: 0x400 },
    { kind: 'intc-ex', name: 'intc-ex', base: 0xe61c_0000, size: 0x200, intids: [32, 33, 34, 35, 50, 193] },
    { kind: 'prr', name: 'prr', base: 0xfff0_0044, size: 4, value: 0x4f20 }, // product 0x4f, cut ES3.0
  ],
  firmware: {
    conduit: 'smc',
    psciVersion: '1.1',
    smcccVersion: '1.5',
    workaround1: 'offered',
    workaround2: 'offered',
    workaround3: 'offered',
    migrateInfoType: 1, // BL31 of this platform installs a uniprocessor, not migratable hook
    entryLevel: 2,
  },
  schedule: { quantum: '10 us', syncWindow: '200 ns' },
  timing: TIMING,
} as const satisfies BoardInput;

/** The Salvator-XS. */
export function rcarH3(): Board {
  return createBoard(structuredClone(rcarH3Input) as unknown as BoardInput);
}
