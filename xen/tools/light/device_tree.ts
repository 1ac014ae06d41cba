/**
 * The guest's device tree as libxl makes it (xen: tools/libs/light/libxl_arm.c; golden-libxl.md section 2): node order,
 * property order and values.
 */
import { EMPTY, cells, cells64, concat, fdtNode, strings, writeFdt, type FdtNode } from '../../../formats/fdt.js';
import {
  GUEST_EVTCHN_PPI,
  GUEST_GICC_BASE,
  GUEST_GICC_SIZE,
  GUEST_GICD_BASE,
  GUEST_GICD_SIZE,
  GUEST_GNTTAB_BASE,
  GUEST_GNTTAB_SIZE,
  GUEST_PL011_BASE,
  GUEST_PL011_SIZE,
  GUEST_RAM0_BASE,
  GUEST_RAM0_SIZE,
  GUEST_RAM1_BASE,
  GUEST_RAM1_SIZE,
  GUEST_TIMER_PHYS_NS_PPI,
  GUEST_TIMER_PHYS_S_PPI,
  GUEST_TIMER_VIRT_PPI,
  GUEST_VPL011_SPI,
  VIRTIO_MMIO_DEV_SIZE,
} from '../../public/arch-arm.js';
import type { VirtioWindow } from './virtio_mmio.js';

const PHANDLE_GIC = 65000;
const PHANDLE_IOMMU = 65001;
/** Smallest hole that is offered as an extended region, and their alignment. */
const EXT_REGION_MIN = 0x400_0000;
const EXT_REGION_ALIGN = 0x20_0000;

export interface RamBank {
  readonly base: number;
  readonly size: number;
}

export interface DeviceTreeInput {
  readonly version: { readonly major: number; readonly minor: number };
  readonly cmdline: string;
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
  readonly vcpuMpidrs: readonly number[];
  readonly banks: readonly RamBank[];
  readonly vuart: boolean;
  readonly windows: readonly VirtioWindow[];
  /** 128 bytes; undefined: the tools know no rng-seed. */
  readonly rngSeed: Uint8Array | undefined;
  /** Offer the holes of the address space for foreign pages; true if not given. */
  readonly extendedRegions?: boolean;
  readonly clockFrequency: number | undefined;
}

/** Banks for an amount of RAM: bank 0 first (xen: tools/libs/guest/xg_dom_arm.c). */
export function ramBanks(bytes: number): RamBank[] {
  const first = Math.min(bytes, GUEST_RAM0_SIZE);
  const banks = [{ base: GUEST_RAM0_BASE, size: first }];
  if (bytes > first) banks.push({ base: GUEST_RAM1_BASE, size: bytes - first });
  return banks;
}

/** Unused guest-physical space where backends may map foreign pages (xen: finalize_hypervisor_node). */
export function extendedRegions(banks: readonly RamBank[]): RamBank[] {
  const spaces = [
    { base: GUEST_RAM0_BASE, size: GUEST_RAM0_SIZE },
    { base: GUEST_RAM1_BASE, size: GUEST_RAM1_SIZE },
  ];
  return spaces.flatMap((space) => {
    const used = banks.find((b) => b.base === space.base)?.size ?? 0;
    const start = Math.ceil((space.base + used) / EXT_REGION_ALIGN) * EXT_REGION_ALIGN;
    // 40-bit guest-physical addresses.
    const end = Math.min(space.base + space.size, 2 ** 40);
    return end - start >= EXT_REGION_MIN ? [{ base: start, size: end - start }] : [];
  });
}

const ppi = (intid: number): number[] => [1, intid - 16, 0xf08];
const regs = (...ranges: readonly RamBank[]): Uint8Array => concat(...ranges.map((r) => cells64(r.base, r.size)));

function chosen(input: DeviceTreeInput): FdtNode {
  const node = fdtNode('chosen', { bootargs: input.cmdline });
  const put = (name: string, value: Uint8Array): void => void node.properties.push({ name, value });
  if (input.initrd !== undefined) {
    put('linux,initrd-start', cells64(input.initrd.start));
    put('linux,initrd-end', cells64(input.initrd.end));
  }
  if (input.rngSeed !== undefined) put('rng-seed', input.rngSeed);
  return node;
}

function cpus(mpidrs: readonly number[]): FdtNode {
  return fdtNode(
    'cpus',
    { '#address-cells': 1, '#size-cells': 0 },
    mpidrs.map((mpidr) =>
      fdtNode(`cpu@${mpidr.toString(16)}`, {
        device_type: 'cpu',
        compatible: 'arm,armv8',
        'enable-method': 'psci',
        reg: mpidr,
      }),
    ),
  );
}

function virtio(w: VirtioWindow): FdtNode {
  const node = fdtNode(`virtio@${w.base.toString(16)}`, {
    compatible: 'virtio,mmio',
    reg: regs({ base: w.base, size: VIRTIO_MMIO_DEV_SIZE }),
    interrupts: cells(0, w.spi - 32, 0xf01),
    'interrupt-parent': PHANDLE_GIC,
    'dma-coherent': EMPTY,
  });
  if (w.grantDomid !== undefined) node.properties.push({ name: 'iommus', value: cells(PHANDLE_IOMMU, w.grantDomid) });
  if (w.type === 'virtio,device22') node.children.push(fdtNode('i2c', { compatible: w.type }));
  if (w.type === 'virtio,device29') {
    node.children.push(
      fdtNode('gpio', {
        compatible: w.type,
        'gpio-controller': EMPTY,
        '#gpio-cells': 2,
        'interrupt-controller': EMPTY,
        '#interrupt-cells': 2,
      }),
    );
  }
  return node;
}

/** The flattened tree. */
export function guestDeviceTree(input: DeviceTreeInput): Uint8Array {
  const version = `${input.version.major}.${input.version.minor}`;
  const timer = fdtNode('timer', {
    compatible: 'arm,armv8-timer',
    interrupts: cells(...ppi(GUEST_TIMER_PHYS_S_PPI), ...ppi(GUEST_TIMER_PHYS_NS_PPI), ...ppi(GUEST_TIMER_VIRT_PPI)),
    'interrupt-parent': PHANDLE_GIC,
  });
  if (input.clockFrequency !== undefined)
    timer.properties.push({ name: 'clock-frequency', value: cells(input.clockFrequency) });
  const nodes: FdtNode[] = [
    chosen(input),
    cpus(input.vcpuMpidrs),
    fdtNode('psci', { compatible: ['arm,psci-1.0', 'arm,psci-0.2', 'arm,psci'], method: 'hvc', cpu_off: 1, cpu_on: 2 }),
    ...input.banks.map((b) => fdtNode(`memory@${b.base.toString(16)}`, { device_type: 'memory', reg: regs(b) })),
    fdtNode(`interrupt-controller@${GUEST_GICD_BASE.toString(16)}`, {
      compatible: ['arm,cortex-a15-gic', 'arm,cortex-a9-gic'],
      '#interrupt-cells': 3,
      '#address-cells': 0,
      'interrupt-controller': EMPTY,
      reg: regs({ base: GUEST_GICD_BASE, size: GUEST_GICD_SIZE }, { base: GUEST_GICC_BASE, size: GUEST_GICC_SIZE }),
      'linux,phandle': PHANDLE_GIC,
      phandle: PHANDLE_GIC,
    }),
    timer,
    fdtNode('hypervisor', {
      compatible: strings(`xen,xen-${version}`, 'xen,xen'),
      reg: regs(
        { base: GUEST_GNTTAB_BASE, size: GUEST_GNTTAB_SIZE },
        ...(input.extendedRegions === false ? [] : extendedRegions(input.banks)),
      ),
      interrupts: cells(...ppi(GUEST_EVTCHN_PPI)),
      'interrupt-parent': PHANDLE_GIC,
    }),
  ];
  if (input.vuart) {
    nodes.push(
      fdtNode('sbsa-pl011', {
        compatible: 'arm,sbsa-uart',
        reg: regs({ base: GUEST_PL011_BASE, size: GUEST_PL011_SIZE }),
        interrupts: cells(0, GUEST_VPL011_SPI - 32, 0xf04),
        'interrupt-parent': PHANDLE_GIC,
        'current-speed': 115200,
      }),
    );
  }
  nodes.push(...input.windows.map(virtio));
  if (input.windows.some((w) => w.grantDomid !== undefined)) {
    nodes.push(fdtNode('xen_iommu', { compatible: 'xen,grant-dma', '#iommu-cells': 1, phandle: PHANDLE_IOMMU }));
  }
  const root = fdtNode(
    '',
    {
      model: `XENVM-${version}`,
      compatible: [`xen,xenvm-${version}`, 'xen,xenvm'],
      'interrupt-parent': PHANDLE_GIC,
      '#address-cells': 2,
      '#size-cells': 2,
    },
    nodes,
  );
  return writeFdt({ root, reservations: [], bootCpu: 0 });
}
