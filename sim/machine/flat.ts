import { flatBoard } from '../../boards/flat.js';
import { cells64, fdtNode, readFdt, setFdtProperty, writeFdt } from '../../formats/fdt.js';
import { BareCore } from '../firmware/bare-core.js';
import { flatDeviceTree, type FlatTreeOptions } from './flat-tree.js';
import { LoadError, planLoad, type LoadPlan } from './load.js';
import { Machine, type MachineOptions } from './machine.js';

export interface FlatMachineOptions extends Omit<MachineOptions, 'board' | 'el2'> {
  /** arm64 Image, ELF64 or flat binary. */
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array;
  /** A device tree blob in place of the generated one; `append` and `initrd` are written into its chosen node. */
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

/** A given tree with the command line and the RAM disk, as boot loaders add them; as it is if there is neither. */
function withChosen(dtb: Uint8Array, { bootargs, initrd }: FlatTreeOptions): Uint8Array {
  if (bootargs === undefined && initrd === undefined) return dtb;
  const tree = readFdt(dtb);
  let chosen = tree.root.children.find((node) => node.name === 'chosen');
  if (chosen === undefined) tree.root.children.push((chosen = fdtNode('chosen')));
  if (bootargs !== undefined) setFdtProperty(chosen, 'bootargs', bootargs);
  if (initrd !== undefined) {
    setFdtProperty(chosen, 'linux,initrd-start', cells64(initrd.start));
    setFdtProperty(chosen, 'linux,initrd-end', cells64(initrd.end));
  }
  return writeFdt(tree);
}

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
  const plan = planLoad(ram, kernel, initrd, MAX_DTB);
  const chosen = {
    ...(append === undefined ? {} : { bootargs: append }),
    ...(plan.initrd === undefined ? {} : { initrd: plan.initrd }),
  };
  const tree = dtb === undefined ? writeFdt(flatDeviceTree(board, chosen)) : withChosen(dtb, chosen);
  for (const segment of plan.segments) machine.memory.write(segment.address, segment.bytes);
  machine.memory.write(plan.dtb, tree);
  firmware?.start(0, BigInt(plan.entry), BigInt(plan.dtb));
  return { machine, plan };
}
