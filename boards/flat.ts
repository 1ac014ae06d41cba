import { createBoard, type Board } from './board.js';
import type { BoardInput } from './schema.js';
import { TIMING } from './timing.js';

export interface FlatOptions {
  /** Cores, 1 to 8. */
  cores?: number;
  ramBytes?: number;
  /** Exception level of the first software: 1 makes PSCI use HVC, as QEMU virt does without virtualization=on. */
  entryLevel?: 1 | 2;
}

/**
 * A plain board with the addresses and interrupts of QEMU's `virt` machine (gic-version=2, cortex-a57), for flat
 * binaries and for comparisons with QEMU. 1 GHz cores and CNTFRQ 62.5 MHz: 16 cycles per counter increment.
 */
export function flatBoard(options: FlatOptions = {}): Board {
  const cores = options.cores ?? 1;
  const entryLevel = options.entryLevel ?? 1;
  const input: BoardInput = {
    name: 'flat',
    model: 'linux,dummy-virt',
    compatible: ['linux,dummy-virt'],
    tick: 'auto',
    clusters: [
      {
        name: 'a57',
        core: 'cortex-a57',
        clockHz: '1 GHz',
        cores: Array.from({ length: cores }, (_, index) => ({ mpidr: index, gicInterface: index, pmuIntid: 23 })),
        caches: {
          l1i: { size: '48 KiB', ways: 3, lineBytes: 64 },
          l1d: { size: '32 KiB', ways: 2, lineBytes: 64 },
          l2: { size: '2 MiB', ways: 16, lineBytes: 64 },
        },
        idRegisters: {
          MIDR_EL1: 0x411fd070, // r1p0, as QEMU's cortex-a57
          REVIDR_EL1: 0,
          CTR_EL0: 0x8444c004,
          DCZID_EL0: 0x4,
          CLIDR_EL1: 0x0a200023,
          ID_AA64PFR0_EL1: entryLevel === 2 ? 0x0111 : 0x0011, // AArch64 only; no EL3, no EL2 when entered at EL1
          ID_AA64DFR0_EL1: 0x10305106,
          ID_AA64ISAR0_EL1: 0x11120,
          ID_AA64MMFR0_EL1: 0x1124,
          PMCR_EL0: 0x41013000,
        },
      },
    ],
    memory: [{ name: 'ram', base: 0x4000_0000, size: options.ramBytes ?? '256 MiB' }],
    gic: {
      distributor: { base: 0x0800_0000, size: 0x10000 },
      cpuInterface: { base: 0x0801_0000, size: 0x10000 },
      hypervisor: { base: 0x0803_0000, size: 0x10000 },
      virtualCpuInterface: { base: 0x0804_0000, size: 0x10000 },
      maintenanceIntid: 25,
      spiCount: 256,
      lrCount: 4,
      securityExtensions: false,
      group0Intids: [],
      alias64k: false,
      iidr: { distributor: 0x0200143b, cpuInterface: 0x0202143b },
    },
    timer: {
      cntfrqHz: '62.5 MHz',
      securePhysicalIntid: 29,
      physicalIntid: 30,
      virtualIntid: 27,
      hypervisorIntid: 26,
    },
    serial: [{ kind: 'pl011', name: 'uart0', base: 0x0900_0000, size: 0x1000, intid: 33 }],
    console: 'uart0',
    blocks: [{ kind: 'pl031', name: 'rtc', base: 0x0901_0000, size: 0x1000, intid: 34 }],
    firmware: {
      conduit: entryLevel === 2 ? 'smc' : 'hvc',
      psciVersion: '1.1',
      smcccVersion: '1.1',
      workaround1: 'absent',
      workaround2: 'absent',
      workaround3: 'absent',
      migrateInfoType: 2,
      entryLevel,
    },
    schedule: { quantum: '10 us', syncWindow: '200 ns' },
    timing: TIMING,
  };
  return createBoard(input);
}
