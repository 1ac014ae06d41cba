import { expect, test } from 'vitest';
import { placeModules } from './placement.js';

const MIB = 2 ** 20;
const KERNEL = 36 * MIB;
const INITRD = 0x10_1288; // golden-libxl.md 3: what the real libxc was given, and where it put it
const FDT = 1894;

test('as observed: initrd at RAM + 128 MiB, the tree behind it', () => {
  for (const ram of [256 * MIB, 3072 * MIB]) {
    expect(placeModules(ram, 0, KERNEL, INITRD, FDT)).toEqual({
      kernel: 0x4000_0000,
      initrd: { start: 0x4800_0000, end: 0x4810_2000 },
      deviceTree: 0x4810_2000,
    });
  }
});

test('as observed with 128 MiB: at the end of RAM', () => {
  expect(placeModules(128 * MIB, 0, KERNEL, INITRD, FDT)).toEqual({
    kernel: 0x4000_0000,
    initrd: { start: 0x47ef_d000, end: 0x47ff_f000 },
    deviceTree: 0x47ff_f000,
  });
});

test('without initrd the tree stands there alone', () => {
  expect(placeModules(256 * MIB, 0x8_0000, KERNEL, 0, FDT)).toEqual({
    kernel: 0x4008_0000,
    initrd: undefined,
    deviceTree: 0x4800_0000,
  });
});

test('a kernel that reaches 128 MiB pushes the modules to the end', () => {
  expect(placeModules(256 * MIB, 0, 128 * MIB, 0, 4096).deviceTree).toBe(0x4fff_f000);
  // 127 MiB rounds up to 128 MiB: that is not below it any more. 126 is.
  expect(placeModules(256 * MIB, 0, 127 * MIB, 0, 4096).deviceTree).toBe(0x4fff_f000);
  expect(placeModules(256 * MIB, 0, 126 * MIB, 0, 4096).deviceTree).toBe(0x4800_0000);
});

test('the boundary of RAM + 128 MiB', () => {
  expect(placeModules(128 * MIB + 4096, 0, MIB, 0, 4096).deviceTree).toBe(0x4800_0000);
  expect(placeModules(128 * MIB + 4096, 0, MIB, 4096, 4096).initrd).toEqual({ start: 0x47ff_f000, end: 0x4800_0000 });
});

test('below the kernel when there is no room above', () => {
  expect(placeModules(16 * MIB, 8 * MIB, 7 * MIB, MIB, 4096)).toMatchObject({
    kernel: 0x4080_0000,
    initrd: { start: 0x406f_f000, end: 0x407f_f000 },
    deviceTree: 0x407f_f000,
  });
});

test('what does not fit is said in MiB', () => {
  expect(() => placeModules(32 * MIB, 0, 33 * MIB, 0, 4096)).toThrow('the kernel needs 33 MiB, the guest has 32 MiB');
  expect(() => placeModules(32 * MIB, 0x8_0000, 32 * MIB, 0, 4096)).toThrow(
    'the kernel needs 33 MiB, the guest has 32 MiB',
  );
  expect(() => placeModules(32 * MIB, 0, 30 * MIB, 4 * MIB, 4096)).toThrow('kernel and initrd do not fit into 32 MiB');
});
