/** Windows and SPIs of a guest's virtio devices (xen: tools/libs/light/libxl_arm.c alloc_virtio_mmio_params). */
import {
  GUEST_VIRTIO_MMIO_BASE,
  GUEST_VIRTIO_MMIO_SIZE,
  GUEST_VIRTIO_MMIO_SPI_FIRST,
  GUEST_VIRTIO_MMIO_SPI_LAST,
  GUEST_VPL011_SPI,
  VIRTIO_MMIO_DEV_SIZE,
} from '../../public/arch-arm.js';
import { BASELINES, type BaselineName } from '../../common/baselines.js';
import type { GuestConfig } from './guest_config.js';
import { ToolsError } from './tools_error.js';

export interface VirtioWindow {
  readonly base: number;
  readonly spi: number;
  /** Class of a generic device, e.g. "virtio,device22"; undefined for a disk. */
  readonly type: string | undefined;
  /** Backend domid when the guest must use grants, undefined otherwise. */
  readonly grantDomid: number | undefined;
}

/** Disks first, in order, then the generic devices. `backendDomid` resolves a backend's name. */
export function allocateWindows(
  config: GuestConfig,
  backendDomid: (name: string | undefined) => number,
  baseline: BaselineName = 'current',
): VirtioWindow[] {
  const { grants: haveGrants } = BASELINES[baseline];
  const wanted = [
    ...config.disks.map((d) => ({ type: undefined, backend: d.backend, grants: d.grantUsage })),
    ...config.virtio.map((v) => ({ type: v.type, backend: v.backend, grants: v.grantUsage })),
  ];
  return wanted.map(({ type, backend, grants }, index) => {
    const base = GUEST_VIRTIO_MMIO_BASE + index * VIRTIO_MMIO_DEV_SIZE;
    const spi = GUEST_VIRTIO_MMIO_SPI_FIRST + index;
    if (spi > GUEST_VIRTIO_MMIO_SPI_LAST) throw new ToolsError(`Ran out of reserved range for Virtio MMIO IRQ ${spi}`);
    if (base + VIRTIO_MMIO_DEV_SIZE > GUEST_VIRTIO_MMIO_BASE + GUEST_VIRTIO_MMIO_SIZE) {
      throw new ToolsError(`Ran out of reserved range for Virtio MMIO BASE 0x${base.toString(16)}`);
    }
    const domid = backendDomid(backend);
    return { base, spi, type, grantDomid: haveGrants && (grants ?? domid !== 0) ? domid : undefined };
  });
}

/**
 * SPIs that the toolstack asks Xen for; Xen rounds up to 32. An explicit value that is too small is an error, or was raised in
 * silence (golden-libxl.md 9); the tools of 2020 added the devices' to the vuart's.
 */
export function spisFor(
  config: GuestConfig,
  windows: readonly VirtioWindow[],
  baseline: BaselineName = 'current',
): number {
  const { spisAdd, nrSpisTooSmall } = BASELINES[baseline];
  const vuart = config.vuart ? GUEST_VPL011_SPI - 31 : 0;
  const virtio = Math.max(0, ...windows.map((w) => w.spi - 31));
  const needed = spisAdd ? vuart + virtio : Math.max(vuart, virtio);
  if (config.nrSpis === undefined) return needed;
  if (config.nrSpis < needed && nrSpisTooSmall === 'error')
    throw new ToolsError(`Provided nr_spis value is too small (needs ${needed})`);
  return Math.max(config.nrSpis, needed);
}
