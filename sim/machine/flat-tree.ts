import type { Board } from '../../boards/board.js';
import { cells, cells64, concat, EMPTY, fdtNode, type Fdt, type FdtNode } from '../../formats/fdt.js';

export interface FlatTreeOptions {
  /** Kernel command line. */
  readonly bootargs?: string;
  /** Physical range of the initial RAM disk, end exclusive. */
  readonly initrd?: { readonly start: number; readonly end: number };
}

const PHANDLE_GIC = 1;
const PHANDLE_CLOCK = 2;
const SPI = 0;
const PPI = 1;
const LEVEL_HIGH = 4;
/** apb_pclk of QEMU's virt machine, also the UART clock. */
export const PL011_CLOCK_HZ = 24_000_000;

/**
 * The device tree of a flat board: memory, cpus, psci, interrupt controller, timer, PL011, PL031 and chosen, as QEMU's virt
 * machine describes the same hardware. Bindings: Linux Documentation/devicetree/bindings.
 */
export function flatDeviceTree(board: Board, options: FlatTreeOptions = {}): Fdt {
  const { gic, timer, firmware } = board;
  const ppi = (intid: number): Uint8Array =>
    cells(PPI, intid - 16, (((1 << board.cores.length) - 1) << 8) | LEVEL_HIGH);
  const reg = (...ranges: readonly { base: number; size: number }[]): Uint8Array =>
    concat(...ranges.map((range) => cells64(range.base, range.size)));

  const el2 = firmware.entryLevel === 2;
  const gicFrames = [gic.distributor, gic.cpuInterface];
  if (el2) gicFrames.push(gic.hypervisor, gic.virtualCpuInterface);
  const intc = fdtNode(`intc@${gic.distributor.base.toString(16)}`, {
    compatible: 'arm,cortex-a15-gic',
    'interrupt-controller': EMPTY,
    '#interrupt-cells': 3,
    '#address-cells': 2,
    '#size-cells': 2,
    reg: reg(...gicFrames),
    ...(el2 ? { interrupts: cells(PPI, gic.maintenanceIntid - 16, LEVEL_HIGH) } : {}),
    phandle: PHANDLE_GIC,
  });

  const uarts = board.serial
    .filter((port) => port.kind === 'pl011')
    .map((port) =>
      fdtNode(`pl011@${port.base.toString(16)}`, {
        compatible: ['arm,pl011', 'arm,primecell'],
        reg: reg(port),
        interrupts: cells(SPI, port.intid - 32, LEVEL_HIGH),
        clocks: cells(PHANDLE_CLOCK, PHANDLE_CLOCK),
        'clock-names': ['uartclk', 'apb_pclk'],
      }),
    );
  const clocks = board.blocks
    .filter((block) => block.kind === 'pl031')
    .map((block) =>
      fdtNode(`pl031@${block.base.toString(16)}`, {
        compatible: ['arm,pl031', 'arm,primecell'],
        reg: reg(block),
        interrupts: cells(SPI, block.intid - 32, LEVEL_HIGH),
        clocks: cells(PHANDLE_CLOCK),
        'clock-names': 'apb_pclk',
      }),
    );
  const console = board.serial.find((port) => port.name === board.console);

  const chosen: Record<string, Uint8Array | string> = {};
  if (options.bootargs !== undefined) chosen['bootargs'] = options.bootargs;
  if (options.initrd !== undefined) {
    chosen['linux,initrd-start'] = cells64(options.initrd.start);
    chosen['linux,initrd-end'] = cells64(options.initrd.end);
  }
  if (console?.kind === 'pl011') chosen['stdout-path'] = `/pl011@${console.base.toString(16)}`;

  const root = fdtNode(
    '',
    {
      model: board.model,
      compatible: board.compatible,
      '#address-cells': 2,
      '#size-cells': 2,
      'interrupt-parent': PHANDLE_GIC,
    },
    [
      fdtNode('chosen', chosen),
      ...board.memory.map((bank) =>
        fdtNode(`memory@${bank.base.toString(16)}`, { device_type: 'memory', reg: reg(bank) }),
      ),
      cpus(board),
      fdtNode('psci', { compatible: ['arm,psci-1.0', 'arm,psci-0.2'], method: firmware.conduit }),
      intc,
      fdtNode('timer', {
        compatible: ['arm,armv8-timer', 'arm,armv7-timer'],
        'always-on': EMPTY,
        interrupts: concat(
          ppi(timer.securePhysicalIntid),
          ppi(timer.physicalIntid),
          ppi(timer.virtualIntid),
          ppi(timer.hypervisorIntid),
        ),
      }),
      ...pmu(board, ppi),
      fdtNode('apb-pclk', {
        compatible: 'fixed-clock',
        '#clock-cells': 0,
        'clock-frequency': PL011_CLOCK_HZ,
        'clock-output-names': 'clk24mhz',
        phandle: PHANDLE_CLOCK,
      }),
      ...uarts,
      ...clocks,
    ],
  );
  return { root, reservations: [], bootCpu: 0 };
}

/** The performance monitors, if all cores have the same PPI for them, as on QEMU's virt. */
function pmu(board: Board, ppi: (intid: number) => Uint8Array): FdtNode[] {
  const intid = board.cores[0]?.pmuIntid;
  if (intid === undefined || intid >= 32 || board.cores.some((core) => core.pmuIntid !== intid)) return [];
  return [fdtNode('pmu', { compatible: 'arm,armv8-pmuv3', interrupts: ppi(intid) })];
}

function cpus(board: Board): FdtNode {
  return fdtNode(
    'cpus',
    { '#address-cells': 1, '#size-cells': 0 },
    board.cores.map((core) =>
      fdtNode(`cpu@${core.mpidr.toString(16)}`, {
        device_type: 'cpu',
        compatible: `arm,${core.cluster.core}`,
        reg: core.mpidr,
        'enable-method': 'psci',
      }),
    ),
  );
}
