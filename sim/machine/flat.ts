import { flatBoard } from '../../boards/flat.js';
import { writeFdt } from '../../formats/fdt.js';
import { BareCore } from '../firmware/bare-core.js';
import { flatDeviceTree } from './flat-tree.js';
import { LoadError, planLoad, type LoadPlan } from './load.js';
import { Machine, type MachineOptions } from './machine.js';

export interface FlatMachineOptions extends Omit<MachineOptions, 'board' | 'el2'> {
  /** arm64 Image, ELF64 or flat binary. */
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array;
  /** A device tree blob in place of the generated one; chosen is then the caller's. */
  readonly dtb?: Uint8Array;
  /** Kernel command line. */
  readonly append?: string;
  /** Exception level of the first instruction, default 1. */
  readonly el?: 1 | 2;
  /** Cores, 1 to 8, default 1. */
  readonly smp?: number;
  /** Default 256 MiB. */
  readonly ramBytes?: number;
  /** A board in place of the default one (after `--set`). */
  readonly board?: MachineOptions['board'];
}

export interface FlatMachine {
  readonly machine: Machine;
  readonly plan: LoadPlan;
}

const MAX_DTB = 2 << 20;

/**
 * A machine with QEMU virt's addresses, ready to run a kernel without a hypervisor: files in RAM, core 0 at the entry
 * point with x0 = device tree, MMU off, interrupts masked; the other cores wait for PSCI CPU_ON.
 * Throws LoadError or FormatError for files that do not fit.
 */
export function createFlatMachine(options: FlatMachineOptions): FlatMachine {
  const { kernel, initrd, dtb, append, el = 1, smp = 1, ramBytes, board: given, ...rest } = options;
  const board = given ?? flatBoard({ cores: smp, entryLevel: el, ...(ramBytes === undefined ? {} : { ramBytes }) });
  const ram = board.memory[0];
  if (ram === undefined) throw new LoadError('the board has no RAM');
  if (dtb !== undefined && dtb.length > MAX_DTB)
    throw new LoadError(`the device tree has ${dtb.length} bytes, at most 2 MiB`);
  let firmware: BareCore | undefined;
  const machine = new Machine({ ...rest, board, el2: (m) => (firmware = new BareCore(m)) });
  const plan = planLoad(ram, kernel, initrd, dtb?.length ?? MAX_DTB);
  const tree =
    dtb ??
    writeFdt(
      flatDeviceTree(board, {
        ...(append === undefined ? {} : { bootargs: append }),
        ...(plan.initrd === undefined ? {} : { initrd: plan.initrd }),
      }),
    );
  for (const segment of plan.segments) machine.memory.write(segment.address, segment.bytes);
  machine.memory.write(plan.dtb, tree);
  firmware?.start(0, BigInt(plan.entry), BigInt(plan.dtb));
  return { machine, plan };
}
