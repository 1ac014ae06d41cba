/**
 * How a backend process finds its guest and its devices' places in xenstore (xen-ioreq.md 8.4, 8.5): one directory per
 * disk, as libxl writes it since 4.17, or one per guest with the disks below the frontend, as patch 16 of the series had it.
 */
import type { XsHandle } from '../../xen/tools/libs/xenstore.js';
import type { DiskDevice } from './disk_device.js';

const XENBUS = { initialising: '1', initWait: '2', closed: '6' } as const;
const EINVAL = -22;
const ROOT = 'backend/virtio_disk';

/** Window and interrupt of a device, given on the command line instead of in xenstore. */
export interface StaticPlace {
  readonly base: number;
  readonly irq: number;
}

export interface Discovery {
  /** Watches for new guests. */
  watch(): void;
  /** The next guest with a domid above `last` that has all of our devices, or undefined. */
  find(last: number): number | undefined;
  /** Tells the toolstack that we are here. @returns 0 or a negative error. */
  connect(): number;
  /** Windows and interrupts. @returns 0 or a negative error. */
  configure(): number;
  /** A device has gone, or its frontend. */
  gone(): boolean;
  /** The last words: closed, and our directory goes. */
  disconnect(): void;
}

/** Domids below our directory, ascending, above `last`: the real process never serves a smaller one again. */
function newDomids(xs: XsHandle, last: number): number[] {
  const domids = xs.directory(ROOT).map(Number);
  return domids.filter((domid) => domid > last).sort((a, b) => a - b);
}

function place(device: DiskDevice, base: string | undefined, irq: string | undefined): number {
  device.at.base = Number(base ?? Number.NaN);
  device.at.irq = Number(irq ?? Number.NaN);
  return Number.isInteger(device.at.base) && Number.isInteger(device.at.irq) ? 0 : EINVAL;
}

/** libxl since 4.17: /local/domain/BE/backend/virtio_disk/FE/DEVID for each disk. */
export class DiskDirectories implements Discovery {
  constructor(
    private readonly xs: XsHandle,
    private readonly devices: readonly DiskDevice[],
    /** Places by device, when they are not to be read. Such a process also joins a guest that has had another backend. */
    private readonly places?: readonly StaticPlace[],
  ) {}

  watch(): void {
    this.xs.watch(ROOT, 'virtio_disk');
  }

  find(last: number): number | undefined {
    return newDomids(this.xs, last).find((domid) => this.devices.every((device) => this.#findDevice(domid, device)));
  }

  #findDevice(domid: number, device: DiskDevice): boolean {
    const { params, serves } = device.options;
    for (const devid of this.xs.directory(`${ROOT}/${domid}`)) {
      const backendPath = `${ROOT}/${domid}/${devid}`;
      if (this.xs.read(`${backendPath}/params`) !== params) continue;
      if (serves?.(domid, devid) === false) continue;
      device.at = { base: 0, irq: 0, backendPath, frontendPath: '', devid };
      return true;
    }
    return false;
  }

  connect(): number {
    for (const device of this.devices) {
      const rc = connectTo(this.xs, device, this.places !== undefined);
      if (rc < 0) return rc;
    }
    return 0;
  }

  configure(): number {
    for (const [i, device] of this.devices.entries()) {
      const at = this.places?.[i];
      const { backendPath } = device.at;
      const read = (key: string): string | undefined => this.xs.read(`${backendPath}/${key}`);
      const rc =
        at === undefined ? place(device, read('base'), read('irq')) : place(device, String(at.base), String(at.irq));
      if (rc < 0) return rc;
    }
    return 0;
  }

  gone(): boolean {
    return this.devices.some(({ at }) => lost(this.xs, at.frontendPath) || lost(this.xs, at.backendPath));
  }

  disconnect(): void {
    for (const { at } of this.devices) disconnectFrom(this.xs, at);
  }
}

/** The series of 2020: /local/domain/BE/backend/virtio_disk/FE/0, and N/filename, N/base, N/irq below the frontend. */
export class VdiskDirectory implements Discovery {
  constructor(
    private readonly xs: XsHandle,
    private readonly devices: readonly DiskDevice[],
  ) {}

  watch(): void {
    this.xs.watch(ROOT, 'virtio_disk');
  }

  find(last: number): number | undefined {
    return newDomids(this.xs, last).find((domid) => {
      const backendPath = `${ROOT}/${domid}/0`;
      const frontendPath = this.xs.read(`${backendPath}/frontend`);
      if (frontendPath === undefined) return false;
      return this.devices.every((device) => {
        const { params, serves } = device.options;
        const devid = this.xs
          .directory(frontendPath)
          .find((i) => this.xs.read(`${frontendPath}/${i}/filename`) === params && serves?.(domid, i) !== false);
        if (devid === undefined) return false;
        device.at = { base: 0, irq: 0, backendPath, frontendPath, devid };
        return true;
      });
    });
  }

  connect(): number {
    return connectTo(this.xs, this.devices[0]!, false);
  }

  configure(): number {
    for (const device of this.devices) {
      const { frontendPath, devid } = device.at;
      const read = (key: string): string | undefined => this.xs.read(`${frontendPath}/${devid}/${key}`);
      const rc = place(device, read('base'), read('irq'));
      if (rc < 0) return rc;
    }
    return 0;
  }

  gone(): boolean {
    const { at } = this.devices[0]!;
    return lost(this.xs, at.frontendPath) || lost(this.xs, at.backendPath);
  }

  disconnect(): void {
    disconnectFrom(this.xs, this.devices[0]!.at);
  }
}

/** Both ends must be in their first state; libxl may unpause the guest once ours is InitWait (xen-ioreq.md 8.5 step 3). */
function connectTo(xs: XsHandle, device: DiskDevice, anyState: boolean): number {
  const { at } = device;
  const fresh = xs.read(`${at.backendPath}/state`) === XENBUS.initialising;
  if (!fresh && !anyState) return EINVAL;
  if (fresh) xs.write(`${at.backendPath}/state`, XENBUS.initWait);
  at.frontendPath = xs.read(`${at.backendPath}/frontend`) ?? '';
  if (xs.read(`${at.frontendPath}/state`) !== XENBUS.initialising) return EINVAL;
  xs.watch(at.backendPath, 'be');
  xs.watch(at.frontendPath, 'fe');
  return 0;
}

function lost(xs: XsHandle, path: string): boolean {
  return (xs.read(`${path}/state`) ?? '0') === '0';
}

function disconnectFrom(xs: XsHandle, at: { readonly backendPath: string; readonly frontendPath: string }): void {
  xs.write(`${at.backendPath}/state`, XENBUS.closed);
  xs.unwatch(at.frontendPath, 'fe');
  xs.unwatch(at.backendPath, 'be');
  xs.rm(at.backendPath);
}
