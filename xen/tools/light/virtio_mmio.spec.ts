import { expect, test } from 'vitest';
import type { GuestConfig } from './guest_config.js';
import { allocateWindows, spisFor } from './virtio_mmio.js';

const disk = (backend?: string, grantUsage?: boolean): GuestConfig['disks'][number] => ({
  vdev: 'xvda',
  target: '/x',
  readOnly: false,
  backend,
  grantUsage,
  removable: false,
  discard: undefined,
});
const config = (part: Partial<GuestConfig>): GuestConfig => ({
  name: 'g',
  uuid: undefined,
  kernel: '',
  ramdisk: undefined,
  cmdline: '',
  memoryMiB: 256,
  maxMemMiB: undefined,
  vcpus: 1,
  maxVcpus: undefined,
  vuart: false,
  disks: [],
  virtio: [],
  nrSpis: undefined,
  onPoweroff: 'destroy',
  onReboot: 'restart',
  onCrash: 'destroy',
  cpuWeight: undefined,
  cpus: undefined,
  ...part,
});
const domid = (name: string | undefined): number => (name === 'DomD' ? 1 : 0);
const windows = (part: Partial<GuestConfig>) => allocateWindows(config(part), domid);

// golden-libxl.md 2 and 4: xvda 33554432/33, xvdb 33554944/34; disks first, then virtio=.
test('windows of 0x200 and SPIs from 33, disks before the rest', () => {
  expect(
    windows({
      virtio: [{ type: 'virtio,device22', backend: undefined, grantUsage: undefined }],
      disks: [disk(), disk()],
    }),
  ).toEqual([
    { base: 33_554_432, spi: 33, type: undefined, grantDomid: undefined },
    { base: 33_554_944, spi: 34, type: undefined, grantDomid: undefined },
    { base: 33_555_456, spi: 35, type: 'virtio,device22', grantDomid: undefined },
  ]);
});

test('grants are the default as soon as the backend is not Dom0', () => {
  expect(
    windows({ disks: [disk(), disk('DomD'), disk('DomD', false), disk(undefined, true), disk('DomD', true)] }).map(
      (w) => w.grantDomid,
    ),
  ).toEqual([undefined, 1, undefined, 0, 1]);
});

test('eleven devices, not twelve', () => {
  expect(windows({ disks: Array.from({ length: 11 }, () => disk()) }).at(-1)).toMatchObject({
    base: 0x0200_1400,
    spi: 43,
  });
  expect(() => windows({ disks: Array.from({ length: 12 }, () => disk()) })).toThrow(
    'Ran out of reserved range for Virtio MMIO IRQ 44',
  );
});

// golden-libxl.md 3: "Allocate N SPIs".
test('SPIs that are asked for', () => {
  const spis = (part: Partial<GuestConfig>): number => spisFor(config(part), windows(part));
  expect([
    spis({}),
    spis({ vuart: true }),
    spis({ disks: [disk()] }),
    spis({ vuart: true, disks: [disk()] }),
    spis({ disks: [disk(), disk()] }),
  ]).toEqual([0, 1, 2, 2, 3]);
  expect([spis({ nrSpis: 2, disks: [disk()] }), spis({ nrSpis: 64, disks: [disk()] }), spis({ nrSpis: 0 })]).toEqual([
    2, 64, 0,
  ]);
  expect(() => spis({ nrSpis: 1, disks: [disk()] })).toThrow('Provided nr_spis value is too small (needs 2)');
});
