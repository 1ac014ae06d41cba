import { expect, test } from 'vitest';
import { vdevToDevid } from '../light/guest_config.js';
import { DiskError, parseDisk } from './disk.js';

const V = 'specification=virtio';
const fault = (entry: string): string => {
  try {
    parseDisk(entry);
    return 'ok';
  } catch (error) {
    if (error instanceof DiskError) return error.message;
    throw error;
  }
};

test('the forms of the manual give the same disk', () => {
  const disk = {
    vdev: 'xvda',
    target: '/dev/mmcblk0p3',
    readOnly: false,
    backend: undefined,
    grantUsage: undefined,
    removable: false,
    discard: undefined,
  };
  for (const entry of [
    `/dev/mmcblk0p3,raw,xvda,rw,${V}`,
    `/dev/mmcblk0p3, raw, xvda, w, ${V}`,
    `/dev/mmcblk0p3,,xvda,,${V}`,
    `phy:/dev/mmcblk0p3, xvda, ${V}`,
    `phy:/dev/mmcblk0p3,xvda,w,${V},backendtype=standalone`,
    `format=raw, vdev=xvda, access=rw, ${V}, target=/dev/mmcblk0p3`,
    `vdev=xvda,${V},transport=mmio,backendtype=standalone,target=/dev/mmcblk0p3`,
  ]) {
    expect([entry, parseDisk(entry)]).toEqual([entry, disk]);
  }
});

test('target= takes the rest, commas and all', () => {
  expect(parseDisk(`vdev=xvda,${V},target=/a,b=c,raw`).target).toBe('/a,b=c,raw');
});

test('access, backend, grants, flags', () => {
  const get = (more: string) => parseDisk(`/i,raw,xvdb,${more},${V}`);
  expect(['r', 'ro', 'w', 'rw'].map((a) => get(a).readOnly)).toEqual([true, true, false, false]);
  expect([
    get('rw,backend=DomD').backend,
    get('rw,grant_usage=1').grantUsage,
    get('rw,grant_usage=0').grantUsage,
  ]).toEqual(['DomD', true, false]);
  expect([get('rw,removable').removable, get('rw,discard').discard, get('rw,no-discard').discard]).toEqual([
    true,
    true,
    false,
  ]);
});

test('each refusal says what is wrong', () => {
  expect([
    fault(`/i,xvda1,${V}`), // without a prefix the second field is the format (observed with xl)
    fault(`/i,raw,${V}`),
    fault(`/i,raw,floppy,rw,${V}`),
    fault(`/i,raw,xvda,rx,${V}`),
    fault(`/i,raw,xvda,rw,extra,${V}`),
    fault('/i,raw,xvda,rw'),
    fault('/i,raw,xvda,rw,specification=nvme'),
    fault(`/i,qcow2,xvda,rw,${V}`),
    fault(`/i,raw,xvda,rw,backendtype=qdisk,${V}`),
    fault(`/i,raw,xvda,rw,backendtype=tape,${V}`),
    fault(`/i,raw,xvda,rw,transport=pci,${V}`),
    fault(`,raw,xvda,rw,${V}`),
    fault(`/i,raw,xvda,rw,grant_usage=2,${V}`),
    fault(`/i,raw,xvda,rw,spezification=virtio`),
    fault(''),
  ]).toEqual([
    "unknown value for format: 'xvda1'",
    `disk '/i,raw,${V}' has no vdev (e.g. vdev=xvda)`,
    "'floppy' is not a virtual disk name (e.g. xvda)",
    "unknown value for access: 'rx'",
    `too many positional fields in disk '/i,raw,xvda,rw,extra,${V}' at 'extra'`,
    'disk xvda: only specification=virtio is modelled (a Xen PV disk has no backend here)',
    "unknown value for specification: 'nvme'",
    'no suitable backend for disk xvda: virtio needs format=raw, backendtype=standalone',
    'no suitable backend for disk xvda: virtio needs format=raw, backendtype=standalone',
    "unknown value for backendtype: 'tape'",
    'disk xvda: transport must be mmio',
    'disk xvda has no target',
    "grant_usage must be 0 or 1, not '2'",
    "unknown parameter 'spezification' in disk '/i,raw,xvda,rw,spezification=virtio'; did you mean 'specification'?",
    "disk '' has no vdev (e.g. vdev=xvda)",
  ]);
});

// xen: libxl__device_disk_dev_number; xvda 51712, xvda1 51713, xvdb 51728 observed (golden-libxl.md 4).
test('device numbers', () => {
  const cases: [string, number | undefined][] = [
    ['xvda', 51712],
    ['xvda1', 51713],
    ['xvdb', 51728],
    ['xvdp15', 51967],
    ['xvdq', 0x1000_1000],
    ['xvda16', 0x1000_0010],
    ['xvdaa', 0x1000_1a00],
    ['d0', 51712],
    ['d1p2', 51730],
    ['hda', 0x300],
    ['hdb1', 0x341],
    ['hdc', 0x1600],
    ['sda', 0x800],
    ['sdp15', 0x8ff],
    ['51712', 51712],
    ['0xca00', 51712],
    ['hde', undefined],
    ['sdq', undefined],
    ['sda16', undefined],
    ['xvda256', undefined],
    ['xvd', undefined],
    ['a', undefined],
    ['xvdA', undefined],
    ['', undefined],
    ['xvda1x', undefined],
    ['4294967296', undefined],
    ['d1048576', undefined],
  ];
  for (const [vdev, devid] of cases) expect([vdev, vdevToDevid(vdev)]).toEqual([vdev, devid]);
});
