import { execFileSync, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { flatBoard } from '../../boards/flat.js';
import { writeFdt } from '../../formats/fdt.js';
import { flatDeviceTree } from './flat-tree.js';
import { planLoad } from './load.js';

const RAM = { base: 0x4000_0000, size: 256 << 20 };
const DTB = 0x10000;

function image(textOffset: number, imageSize: number, length = 4096): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(8, BigInt(textOffset), true);
  view.setBigUint64(16, BigInt(imageSize), true);
  view.setUint32(24, 0xa, true);
  view.setUint32(0x38, 0x644d5241, true);
  return bytes;
}

test('an Image goes to the first 2 MiB boundary plus text_offset, kept clear of the first page', () => {
  expect(planLoad(RAM, image(0, 0x100_0000), undefined, DTB)).toMatchObject({ kind: 'image', entry: 0x4020_0000 });
  expect(planLoad(RAM, image(0x8_0000, 0x100_0000), undefined, DTB)).toMatchObject({ entry: 0x4008_0000 });
});

test('initrd 128 MiB or half of RAM above the base, device tree at the next 2 MiB', () => {
  const initrd = new Uint8Array(0x20_0001);
  expect(planLoad(RAM, image(0, 0x100_0000), initrd, DTB)).toMatchObject({
    initrd: { start: 0x4800_0000, end: 0x4820_0001 },
    dtb: 0x4840_0000,
  });
  const small = { base: 0x4000_0000, size: 64 << 20 };
  expect(planLoad(small, image(0, 0x100_0000), undefined, DTB).dtb).toBe(0x4200_0000);
  // the kernel's bss reaches past the middle of RAM
  expect(planLoad(small, image(0, 0x210_0001), initrd, DTB).initrd?.start).toBe(0x4230_1000);
});

test('a file that is certainly no program is named', () => {
  const tree = writeFdt(flatDeviceTree(flatBoard()));
  const text = new TextEncoder().encode('#!/bin/sh\necho hello\n');
  for (const [file, message] of [
    [text, 'this is text, not a program: an arm64 Image, an ELF file or a flat binary'],
    [tree, 'this is a device tree blob (--dtb takes it), not a program'],
    [new Uint8Array(4096), 'no arm64 program: a flat binary begins with an instruction, and 0x00000000 is none'],
    [Uint8Array.of(0x1f, 0x20), '2 bytes hold no instruction'],
  ] as const) {
    expect(() => planLoad(RAM, file, undefined, DTB)).toThrow(message);
  }
  // Code whose bytes happen to look like text is a program if not all of them do.
  expect(planLoad(RAM, Uint8Array.of(0x41, 0x41, 0x41, 0x91, 0, 0, 0, 0x14), undefined, DTB).kind).toBe('flat');
});

test('a flat binary goes to RAM + 0x80000 and is entered at its first byte', () => {
  const plan = planLoad(RAM, Uint8Array.of(1, 2, 3, 4), undefined, DTB);
  expect(plan).toMatchObject({ kind: 'flat', entry: 0x4008_0000, dtb: 0x4800_0000 });
});

test('what does not fit is named in one line', () => {
  const small = { base: 0x4000_0000, size: 8 << 20 };
  expect(() => planLoad(small, image(0, 0x80_0000), undefined, DTB)).toThrow(
    'the kernel Image (0x40200000..0x409fffff) does not fit into RAM (0x40000000..0x407fffff)',
  );
  expect(() => planLoad(small, image(0, 0x1000), new Uint8Array(5 << 20), DTB)).toThrow('the initrd (5242880 bytes');
  expect(() => planLoad(small, image(0, 0x1000), new Uint8Array((4 << 20) - 100), DTB)).toThrow(
    'no room for the device',
  );
  expect(() => planLoad(RAM, new Uint8Array(0), undefined, DTB)).toThrow('empty');
});

const dtc = spawnSync('dtc', ['--version']).status === 0;

test.skipIf(!dtc)('the device tree passes dtc and says what QEMU virt says', () => {
  for (const entryLevel of [1, 2] as const) {
    const board = flatBoard({ cores: 2, entryLevel });
    const blob = writeFdt(
      flatDeviceTree(board, { bootargs: 'console=ttyAMA0', initrd: { start: 0x4800_0000, end: 0x4800_1000 } }),
    );
    const result = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts', '-'], { input: blob, encoding: 'utf8' });
    expect([result.status, result.stderr]).toEqual([0, '']);
    const prop = (node: string, property: string, type = 'x'): string =>
      execFileSync('fdtget', ['-t', type, '-', node, property], { input: blob, encoding: 'utf8' }).trim();
    // the values of `qemu-system-aarch64 -M virt,gic-version=2,virtualization=on|off,dumpdtb -smp 2 -m 256`
    expect(prop('/memory@40000000', 'reg')).toBe('0 40000000 0 10000000');
    expect(prop('/psci', 'method', 's')).toBe(entryLevel === 1 ? 'hvc' : 'smc');
    expect(prop('/timer', 'interrupts')).toBe('1 d 304 1 e 304 1 b 304 1 a 304');
    expect(prop('/pl011@9000000', 'interrupts')).toBe('0 1 4');
    expect(prop('/cpus/cpu@1', 'enable-method', 's')).toBe('psci');
    expect(prop('/intc@8000000', 'reg')).toBe(
      '0 8000000 0 10000 0 8010000 0 10000' + (entryLevel === 1 ? '' : ' 0 8030000 0 10000 0 8040000 0 10000'),
    );
    expect(prop('/chosen', 'stdout-path', 's')).toBe('/pl011@9000000');
    expect(prop('/chosen', 'linux,initrd-end')).toBe('0 48001000');
  }
});
