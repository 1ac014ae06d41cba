/** The xenstore entries that libxl makes for a domain (golden-libxl.md section 4; xen: tools/libs/light/libxl_create.c, libxl_disk.c, libxl_console.c). */
import type { Permission, Store } from '../xenstored/store.js';
import type { VirtioDisk } from './guest_config.js';
import type { VirtioWindow } from './virtio_mmio.js';

const owner = (domid: number, ...readers: number[]): Permission[] => [
  { access: 'n', domid },
  ...readers.map((reader): Permission => ({ access: 'r', domid: reader })),
];

export interface DomainIdentity {
  readonly domid: number;
  readonly name: string;
  readonly uuid: string;
}

/** Writes as Dom0 and sets permissions of the node. */
function put(store: Store, path: string, value: string, perms: readonly Permission[]): void {
  store.write(0, path, value);
  store.setPerms(0, path, perms);
}

/** /local/domain/0 as the toolstack and the kernel leave it. */
export function writeDom0(store: Store): void {
  const home = '/local/domain/0';
  const perms = owner(0);
  for (const [path, value] of [
    ['', ''],
    ['/control', ''],
    ['/control/feature-poweroff', '1'],
    ['/control/feature-reboot', '1'],
    ['/control/feature-suspend', '1'],
    ['/domid', '0'],
    ['/name', 'Domain-0'],
    ['/backend', ''],
  ] as const) {
    put(store, home + path, value, perms);
  }
  put(store, '/local/pool', '', perms);
  put(store, '/local/pool/0', '', perms);
  put(store, '/local/pool/0/name', 'Pool-0', perms);
}

/** libxl__domain_make and libxl__build_post: everything of a domain but its devices. */
export function writeDomain(
  store: Store,
  id: DomainIdentity,
  memoryKiB: number,
  vcpus: number,
  startTime: string,
  ports: { store: number; console: number },
): void {
  const { domid, name, uuid } = id;
  const home = `/local/domain/${domid}`;
  const ro = owner(0, domid);
  const rw = owner(domid);
  const vm = `/vm/${uuid}`;
  put(store, home, '', ro);
  put(store, vm, '', ro);
  put(store, `${vm}/name`, name, ro);
  put(store, `${vm}/uuid`, uuid, ro);
  put(store, `${vm}/start_time`, startTime, ro);
  put(store, `/libxl/${domid}`, '', owner(0));
  const nodes: readonly (readonly [string, string, readonly Permission[]])[] = [
    ['vm', vm, ro],
    ['name', name, ro],
    ['cpu', '', ro],
    ...Array.from({ length: vcpus }, (_, i) => [
      [`cpu/${i}`, '', ro] as const,
      [`cpu/${i}/availability`, 'online', ro] as const,
    ]).flat(),
    ['memory', '', ro],
    ['memory/static-max', String(memoryKiB), ro],
    ['memory/target', String(memoryKiB), ro],
    ['memory/videoram', '0', ro],
    ['device', '', ro],
    ['device/suspend', '', ro],
    ['device/suspend/event-channel', '', rw],
    ['control', '', ro],
    ['control/shutdown', '', rw],
    ['control/feature-poweroff', '', rw],
    ['control/feature-reboot', '', rw],
    ['control/feature-suspend', '', rw],
    ['control/sysrq', '', rw],
    ['control/platform-feature-multiprocessor-suspend', '1', ro],
    ['control/platform-feature-xs_reset_watches', '1', ro],
    ['data', '', rw],
    ['drivers', '', rw],
    ['feature', '', rw],
    ['attr', '', rw],
    ['error', '', rw],
    ['domid', String(domid), ro],
    ['store', '', ro],
    ['store/port', String(ports.store), ro],
    ['store/ring-ref', String(0x39001), ro],
  ];
  for (const [path, value, perms] of nodes) put(store, `${home}/${path}`, value, perms);
}

/** What libxl notes for itself about the kind of domain, when all devices are there (xen: store_libxl_entry). */
export function writeDomainType(store: Store, domid: number): void {
  put(store, `/libxl/${domid}/type`, 'pvh', owner(0));
  put(store, `/libxl/${domid}/dm-version`, 'qemu_xen', owner(0));
}

/** A console of the guest: the PV console, or the vUART. */
export function writeConsole(store: Store, domid: number, kind: 'console' | 'vuart', port: number, tty: string): void {
  const ro = owner(0, domid);
  const at = kind === 'console' ? 'console' : 'vuart/0';
  const device = kind === 'console' ? 'console/0' : 'vuart/0';
  const frontend = `/local/domain/${domid}/${at}`;
  const backend = `/local/domain/0/backend/${kind}/${domid}/0`;
  if (kind === 'vuart') put(store, `/local/domain/${domid}/vuart`, '', ro);
  put(store, frontend, '', ro);
  const front: readonly (readonly [string, string, readonly Permission[]])[] = [
    ['backend', backend, ro],
    ...(kind === 'console' ? [['backend-id', '0', owner(domid, 0)] as const] : []),
    ...(kind === 'vuart' ? [['port', String(port), ro] as const, ['ring-ref', String(0x39003), ro] as const] : []),
    ['limit', '1048576', ro],
    ['type', 'xenconsoled', ro],
    ...(kind === 'console' ? [['output', 'pty', ro] as const] : []),
    ['tty', tty, ro],
    ...(kind === 'console' ? [['port', String(port), ro] as const, ['ring-ref', String(0x39000), ro] as const] : []),
  ];
  for (const [path, value, perms] of front) put(store, `${frontend}/${path}`, value, perms);
  const back: readonly (readonly [string, string])[] = [
    ['frontend', frontend],
    ['frontend-id', String(domid)],
    ['online', '1'],
    ['state', '1'],
    ['protocol', 'vt100'],
  ];
  put(store, `/local/domain/0/backend/${kind}`, '', owner(0));
  put(store, `/local/domain/0/backend/${kind}/${domid}`, '', owner(0));
  put(store, backend, '', ro);
  for (const [path, value] of back) put(store, `${backend}/${path}`, value, ro);
  const copy = `/libxl/${domid}/device/${device}`;
  put(store, `${copy}/frontend`, frontend, owner(0));
  put(store, `${copy}/backend`, backend, owner(0));
  for (const [path, value] of back.slice(1)) put(store, `${copy}/${path}`, value, owner(0));
}

/** Paths of a virtio disk's two ends. */
export function diskPaths(
  domid: number,
  backendDomid: number,
  devid: number,
): { frontend: string; backend: string; copy: string } {
  return {
    frontend: `/local/domain/${domid}/device/virtio_disk/${devid}`,
    backend: `/local/domain/${backendDomid}/backend/virtio_disk/${domid}/${devid}`,
    copy: `/libxl/${domid}/device/virtio_disk/${devid}`,
  };
}

/** The nodes of a virtio disk, in one transaction: libxl's path, the frontend, the backend, the copy. */
export function writeDisk(
  store: Store,
  domid: number,
  backendDomid: number,
  devid: number,
  disk: VirtioDisk,
  window: VirtioWindow,
): void {
  const { frontend, backend, copy } = diskPaths(domid, backendDomid, devid);
  const back: readonly (readonly [string, string])[] = [
    ['params', disk.target],
    ['frontend-id', String(domid)],
    ['online', '1'],
    ['removable', disk.removable ? '1' : '0'],
    ['bootable', '1'],
    ['state', '1'],
    ['dev', disk.vdev],
    ['type', 'standalone'],
    ['mode', disk.readOnly ? 'r' : 'w'],
    ['device-type', 'disk'],
    ['discard-enable', (disk.discard ?? !disk.readOnly) ? '1' : '0'],
    ['specification', 'virtio'],
    ['transport', 'mmio'],
    ['base', String(window.base)],
    ['irq', String(window.spi)],
    ['grant_usage', window.grantDomid === undefined ? '0' : '1'],
  ];
  const libxl = owner(0);
  put(store, `${copy}/frontend`, frontend, libxl);
  put(store, `${copy}/backend`, backend, libxl);
  const front = owner(domid, backendDomid);
  put(store, `/local/domain/${domid}/device/virtio_disk`, '', owner(0, domid));
  put(store, frontend, '', front);
  for (const [path, value] of [
    ['backend', backend],
    ['backend-id', String(backendDomid)],
    ['state', '1'],
    ['virtual-device', String(devid)],
    ['device-type', 'disk'],
    ['trusted', '1'],
  ] as const) {
    put(store, `${frontend}/${path}`, value, front);
  }
  const perms = owner(backendDomid, domid);
  const home = backendDomid === 0 ? owner(0) : owner(0, backendDomid);
  put(store, `/local/domain/${backendDomid}/backend`, '', home);
  put(store, `/local/domain/${backendDomid}/backend/virtio_disk`, '', home);
  put(store, `/local/domain/${backendDomid}/backend/virtio_disk/${domid}`, '', home);
  put(store, backend, '', perms);
  put(store, `${backend}/frontend`, frontend, perms);
  for (const [path, value] of back) put(store, `${backend}/${path}`, value, perms);
  for (const [path, value] of back) put(store, `${copy}/${path}`, value, libxl);
}

/** Paths of the one device that stands for all virtio disks of a guest in the 2020 series. */
export function vdiskPaths(domid: number, backendDomid: number): { frontend: string; backend: string; copy: string } {
  return diskPaths(domid, backendDomid, 0);
}

/** The nodes of patch 16: states on both sides, and each disk's parameters below the frontend (xen-ioreq.md 8.4). */
export function writeVdisk(
  store: Store,
  domid: number,
  backendDomid: number,
  disks: readonly VirtioDisk[],
  windows: readonly VirtioWindow[],
): void {
  const { frontend, backend, copy } = vdiskPaths(domid, backendDomid);
  const front = owner(domid, backendDomid);
  const perms = owner(backendDomid, domid);
  const home = backendDomid === 0 ? owner(0) : owner(0, backendDomid);
  put(store, `${copy}/frontend`, frontend, owner(0));
  put(store, `${copy}/backend`, backend, owner(0));
  put(store, `/local/domain/${domid}/device/virtio_disk`, '', owner(0, domid));
  put(store, frontend, '', front);
  for (const [key, value] of [
    ['backend', backend],
    ['backend-id', String(backendDomid)],
    ['state', '1'],
  ] as const) {
    put(store, `${frontend}/${key}`, value, front);
  }
  disks.forEach((disk, i) => {
    put(store, `${frontend}/${i}`, '', front);
    for (const [key, value] of [
      ['filename', disk.target],
      ['readonly', disk.readOnly ? '1' : '0'],
      ['base', String(windows[i]!.base)],
      ['irq', String(windows[i]!.spi)],
    ] as const) {
      put(store, `${frontend}/${i}/${key}`, value, front);
    }
  });
  for (const path of ['backend', 'backend/virtio_disk', `backend/virtio_disk/${domid}`])
    put(store, `/local/domain/${backendDomid}/${path}`, '', home);
  put(store, backend, '', perms);
  for (const [key, value] of [
    ['frontend', frontend],
    ['frontend-id', String(domid)],
    ['online', '1'],
    ['state', '1'],
  ] as const) {
    put(store, `${backend}/${key}`, value, perms);
  }
}

/** All nodes of a dead domain. */
export function removeDomain(store: Store, id: DomainIdentity): void {
  for (const path of [`/local/domain/${id.domid}`, `/libxl/${id.domid}`, `/vm/${id.uuid}`]) {
    if (store.exists(path)) store.rm(0, path);
  }
  for (const kind of ['console', 'vuart']) {
    const path = `/local/domain/0/backend/${kind}/${id.domid}`;
    if (store.exists(path)) store.rm(0, path);
  }
}
