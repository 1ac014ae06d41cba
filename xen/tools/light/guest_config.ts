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

export type LifeAction = 'destroy' | 'restart' | 'preserve' | 'rename-restart' | 'coredump-destroy' | 'coredump-restart' | 'soft-reset';

export interface GuestConfig {
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

/** Device id of a vdev name in the xvd scheme: 202 << 8 | disk << 4 | partition for the first 16 disks (xen: libxl_disk.c). */
export function vdevToDevid(vdev: string): number | undefined {
  const match = /^(?:xvd|hd|sd)([a-z]+)(\d*)$/.exec(vdev);
  if (match === null) return undefined;
  let disk = 0;
  for (const letter of match[1]!) disk = disk * 26 + (letter.charCodeAt(0) - 96);
  disk -= 1;
  const partition = match[2] === '' ? 0 : Number(match[2]);
  if (disk < 16 && partition < 16) return (202 << 8) | (disk << 4) | partition;
  return disk < 2 ** 20 && partition < 256 ? (1 << 28) | (disk << 8) | partition : undefined;
}
