/** Where kernel, initrd and device tree go in a guest's RAM (xen: tools/libs/guest/xg_dom_arm.c, xg_dom_armzimageloader.c). */
import { GUEST_RAM0_BASE, PAGE_SIZE } from '../../public/arch-arm.js';
import { ToolsError } from './tools_error.js';

const MODULES_AT = 0x4800_0000;
const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

export interface Placement {
  readonly kernel: number;
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
  readonly deviceTree: number;
}

/** Sizes in bytes; `kernelSize` is the image's memory size. Throws ToolsError when they do not fit. */
export function placeModules(
  ram0Bytes: number,
  kernelOffset: number,
  kernelSize: number,
  initrdSize: number,
  fdtSize: number,
): Placement {
  const end = GUEST_RAM0_BASE + ram0Bytes;
  const kernel = GUEST_RAM0_BASE + kernelOffset;
  const kernelEnd = roundUp(kernel + kernelSize, 0x20_0000);
  const initrd = roundUp(initrdSize, PAGE_SIZE);
  const modules = initrd + roundUp(fdtSize, PAGE_SIZE);
  if (kernel + kernelSize > end) {
    throw new ToolsError(
      `the kernel needs ${Math.ceil((kernelOffset + kernelSize) / 2 ** 20)} MiB, the guest has ${ram0Bytes / 2 ** 20} MiB`,
    );
  }
  let base: number;
  if (end >= MODULES_AT + modules && kernelEnd < MODULES_AT) base = MODULES_AT;
  else if (end - modules > kernelEnd) base = end - modules;
  else if (kernel - GUEST_RAM0_BASE > modules) base = kernel - modules;
  else throw new ToolsError(`kernel and initrd do not fit into ${ram0Bytes / 2 ** 20} MiB`);
  return {
    kernel,
    initrd: initrdSize === 0 ? undefined : { start: base, end: base + initrd },
    deviceTree: base + initrd,
  };
}
