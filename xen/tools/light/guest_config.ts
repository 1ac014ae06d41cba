/** What a guest is to be: the result of reading an xl configuration file, before the domain exists. */

export interface VirtioDisk {
  /** xvda, xvdb1 ... */
  readonly vdev: string;
  /** Path as written (xenstore `params`). */
  readonly target: string;
  readonly readOnly: boolean;
  /** Backend domain's name, undefined = Dom0. */
  readonly backend: string | undefined;
  readonly grantUsage: boolean | undefined;
  readonly removable: boolean;
  readonly discard: boolean | undefined;
}

/** `virtio=[...]`: a device for which only the window is made; nobody of ours serves it. */
export interface GenericVirtio {
  /** "virtio,device" or "virtio,deviceNN" (hex class). */
  readonly type: string;
  readonly backend: string | undefined;
  readonly grantUsage: boolean | undefined;
}

export type LifeAction =
  'destroy' | 'restart' | 'preserve' | 'rename-restart' | 'coredump-destroy' | 'coredump-restart' | 'soft-reset';

export interface GuestConfig {
  /** How its disks were asked for: `disk=` with specification=virtio, or `virtio = 1` and `vdisk=` of the 2020 series. */
  readonly diskSyntax?: 'disk' | 'vdisk';
  readonly name: string;
  readonly uuid: string | undefined;
  /** Host paths. */
  readonly kernel: string;
  readonly ramdisk: string | undefined;
  readonly cmdline: string;
  readonly memoryMiB: number;
  readonly maxMemMiB: number | undefined;
  readonly vcpus: number;
  readonly maxVcpus: number | undefined;
  readonly vuart: boolean;
  readonly disks: readonly VirtioDisk[];
  readonly virtio: readonly GenericVirtio[];
  readonly nrSpis: number | undefined;
  readonly onPoweroff: LifeAction;
  readonly onReboot: LifeAction;
  readonly onCrash: LifeAction;
  readonly cpuWeight: number | undefined;
  readonly cpus: readonly number[] | undefined;
}

/** Device id of a vdev name: xvdLETTERS, hd, sd with a partition, dNpM, or a number (xen: libxl__device_disk_dev_number). */
export function vdevToDevid(vdev: string): number | undefined {
  if (/^(?:0x[0-9a-f]+|\d+)$/i.test(vdev)) return Number(vdev) < 2 ** 31 ? Number(vdev) : undefined;
  const numbered = /^d(\d{1,7})(?:p(\d{1,3}))?$/.exec(vdev);
  const lettered = /^(xvd|hd|sd)([a-z]{1,5})(\d{0,3})$/.exec(vdev);
  if (numbered === null && lettered === null) return undefined;
  let disk = Number(numbered?.[1] ?? 0);
  if (lettered !== null) {
    for (const letter of lettered[2]!) disk = disk * 26 + (letter.charCodeAt(0) - 96);
    disk -= 1;
  }
  const partition = Number(numbered?.[2] ?? lettered?.[3] ?? 0);
  switch (lettered?.[1]) {
    case 'hd':
      return disk < 4 && partition < 64 ? ((disk < 2 ? 3 : 22) << 8) | ((disk & 1) << 6) | partition : undefined;
    case 'sd':
      return disk < 16 && partition < 16 ? (8 << 8) | (disk << 4) | partition : undefined;
    default:
      if (disk < 16 && partition < 16) return (202 << 8) | (disk << 4) | partition;
      return disk < 2 ** 20 && partition < 256 ? (1 << 28) | (disk << 8) | partition : undefined;
  }
}
