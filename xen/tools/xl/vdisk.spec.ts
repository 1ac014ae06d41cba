import { expect, test } from 'vitest';
import { DiskError } from './disk.js';
import { parseVdisk } from './vdisk.js';

test('[vdisk-syntax] backend, and up to four disks with rw: or ro:', () => {
  expect(parseVdisk('backend=DomD, disks=rw:/dev/mmcblk0p3;ro:/dev/mmcblk1p3')).toEqual([
    {
      vdev: 'xvda',
      target: '/dev/mmcblk0p3',
      readOnly: false,
      backend: 'DomD',
      grantUsage: undefined,
      removable: false,
      discard: undefined,
    },
    {
      vdev: 'xvdb',
      target: '/dev/mmcblk1p3',
      readOnly: true,
      backend: 'DomD',
      grantUsage: undefined,
      removable: false,
      discard: undefined,
    },
  ]);
  expect(parseVdisk('disks=ro:a;ro:b;ro:c;ro:d').map((d) => [d.vdev, d.backend])).toEqual([
    ['xvda', undefined],
    ['xvdb', undefined],
    ['xvdc', undefined],
    ['xvdd', undefined],
  ]);
});

test('[vdisk-errors] anything else is refused', () => {
  for (const entry of [
    '',
    'backend=DomD',
    'disks=',
    'disks=/dev/x',
    'disks=rx:/dev/x',
    'disks=rw:',
    'disks=rw:a;',
    'disks=rw:a;rw:b;rw:c;rw:d;rw:e',
    'disk=rw:a',
  ]) {
    expect(() => parseVdisk(entry), entry).toThrow(DiskError);
  }
});
