import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Register } from './registers.js';
import { maskOf, RegisterDevice, RegisterMap, registerMap } from './registers.js';

const MAP = registerMap({
  CTRL: { at: 0x00, reset: 0x8000_0001, write: 0x0000_ffff, w1c: 0x00f0_0000, w0c: 0x0f00_0000 },
  BYTES: { at: 0x04, widths: [1, 4], write: 0xffff_ffff },
  HALF: { at: 0x08, size: 2, write: 0xffff },
  ID: { at: 0x0c, reset: 0xabcd, policy: 'constant' },
  ZERO: { at: 0x10, reset: 0xff, write: 0xff, policy: 'raz' },
  ODD: { at: 0x14, write: 0xff, policy: 'tagged' },
  ROW: { at: 0x20, count: 3, stride: 0x10, write: 0xff },
  BITS: { at: [0x24, 0x48], write: 0xff },
});
type Name = Parameters<(typeof MAP)['slot']>[0];

class Device extends RegisterDevice<Name> {
  readonly writes: string[] = [];

  peek(name: Name, index = 0): number {
    return this.get(name, index);
  }

  poke(name: Name, value: number): void {
    this.set(name, value);
  }

  protected override written(register: Register<Name>, data: number, old: number, lanes: number): void {
    this.writes.push([register.name + String(register.index), data, old, lanes].join(' '));
  }
}

function bench() {
  const errors: string[] = [];
  return {
    errors,
    device: new Device('dev', MAP, { report: (kind, _device, detail) => errors.push(`${kind} ${detail}`) }),
  };
}

test('reset values, masks, write-one-clear and write-zero-clear', () => {
  const { device } = bench();
  expect(device.read(0, 4, 0)).toBe(0x8000_0001);
  device.poke('CTRL', 0xfff0_0000);
  device.write(0, 4, 0xf530_1234, 0, 0);
  // w1c: 0xf0 & ~0x30 = 0xc0; w0c: 0x0f & 0x05; bits 31:28 are read-only; 15:0 plain.
  expect(device.read(0, 4, 0)).toBe(0xf5c0_1234);
  device.reset();
  expect(device.read(0, 4, 0)).toBe(0x8000_0001);
});

test('narrow accesses act on the addressed part', () => {
  const { device } = bench();
  device.write(4, 4, 0x1122_3344, 0, 0);
  device.write(6, 1, 0xaa, 0, 0);
  expect([device.read(4, 4, 0), device.read(6, 1, 0), device.read(7, 1, 0)]).toEqual([0x11aa_3344, 0xaa, 0x11]);
  expect(device.writes[1]).toBe(`BYTES0 ${0xaa_0000} ${0x1122_3344} ${0xff_0000}`);
});

test('wrong width, misaligned and unknown offsets are reported once each and change nothing', () => {
  const { device, errors } = bench();
  const before = JSON.stringify(device.save());
  expect([device.read(0, 2, 0), device.read(0x0a, 2, 0), device.read(0x18, 4, 0), device.read(4, 8, 0)]).toEqual([
    0, 0, 0, 0,
  ]);
  device.write(8, 4, 1, 0, 0);
  device.write(0x1000, 4, 1, 0, 0);
  expect(errors).toEqual([
    'bad-read 0x0/2',
    'bad-read 0xa/2',
    'bad-read 0x18/4',
    'bad-read 0x4/8',
    'bad-write 0x8/4',
    'bad-write 0x1000/4',
  ]);
  expect(JSON.stringify(device.save())).toBe(before);
  device.read(0x1000, 4, -1);
  expect(errors.length).toBe(6); // a debug access is no guest's mistake
});

test('policies: constants keep their value, raz reads zero, tagged registers warn once', () => {
  const { device, errors } = bench();
  device.write(0x0c, 4, 1, 0, 0);
  device.write(0x10, 4, 1, 0, 0);
  expect([device.read(0x0c, 4, 0), device.read(0x10, 4, 0)]).toEqual([0xabcd, 0]);
  device.write(0x14, 4, 0x1ff, 0, 0);
  expect([device.read(0x14, 4, 0), errors.length]).toEqual([0xff, 1]);
  const copy = bench();
  copy.device.load(JSON.parse(JSON.stringify(device.save())));
  copy.device.read(0x14, 4, 0);
  expect(copy.errors).toEqual([]);
});

test('arrays: regular with a stride, irregular by offsets', () => {
  const { device } = bench();
  device.write(0x40, 4, 2, 0, 0);
  device.write(0x48, 4, 3, 0, 0);
  expect([device.peek('ROW', 2), device.peek('BITS', 1)]).toEqual([2, 3]);
});

test('a table with overlapping registers is refused', () => {
  expect(() => new RegisterMap({ A: { at: 0 }, B: { at: 2, size: 2 } })).toThrow('B0 at 0x2 overlaps');
});

test('any access sequence is answered; save and load are the identity', () => {
  const access = fc.tuple(fc.boolean(), fc.nat(0x60), fc.constantFrom<1 | 2 | 4 | 8>(1, 2, 4, 8), fc.nat(0xffff_ffff));
  fc.assert(
    fc.property(fc.array(access), (steps) => {
      const { device } = bench();
      for (const [write, offset, width, value] of steps) {
        if (write) device.write(offset, width, value, 0, 0);
        else expect(device.read(offset, width, 0)).toBeLessThanOrEqual(maskOf(width));
      }
      const copy = bench().device;
      copy.load(JSON.parse(JSON.stringify(device.save())));
      expect(copy.save()).toEqual(device.save());
    }),
    { seed: 1 },
  );
});
