import { expect, test } from 'vitest';
import { BUS_FAULT, MMIO_HI, MMIO_LO } from '../wasm/layout.js';
import { Bus } from './bus.js';
import type { MmioDevice } from './device.js';
import { GuestErrorLog } from './guest-errors.js';

interface Access {
  readonly op: string;
  readonly offset: number;
  readonly width: number;
  readonly value?: number;
  readonly hi?: number;
  readonly core: number;
}

function device(name: string, log: Access[], answer = 0): MmioDevice {
  return {
    name,
    read: (offset, width, core) => (log.push({ op: 'r', offset, width, core }), answer),
    write: (offset, width, value, hi, core) => void log.push({ op: 'w', offset, width, value, hi, core }),
    reset: () => {},
    save: () => null,
    load: () => {},
  };
}

test('an overlap is refused at registration and names both devices', () => {
  const bus = new Bus(new GuestErrorLog());
  bus.map(0x1000, 0x1000, device('uart', []));
  bus.map(0x2000, 0x1000, device('next', [])); // touching is not overlapping
  expect(() => bus.map(0x1fff, 2, device('odd', []))).toThrow('odd at 0x1fff overlaps uart at 0x1000');
  expect(() => bus.map(0x0, 0x4000, device('all', []))).toThrow('overlaps');
});

test('accesses reach the region, with offset and period', () => {
  const log: Access[] = [];
  const bus = new Bus(new GuestErrorLog());
  bus.map(0x8000_0000, 0x1000, device('a', log, 0xffff_ffff));
  bus.map(0xf_1000_0000, 0x4000, device('b', log), { offset: 0x100, period: 0x1000 });
  expect(bus.read(2, 0x8000_0ffc, 4)).toBe(0xffff_ffff);
  expect(bus.write(0, 0xf_1000_2010, 4, 7, 0)).toBe(true);
  expect(log).toEqual([
    { op: 'r', offset: 0xffc, width: 4, core: 2 },
    { op: 'w', offset: 0x110, width: 4, value: 7, hi: 0, core: 0 },
  ]);
});

test('nothing there: counted, reported, no throw; debug accesses leave no trace', () => {
  const errors = new GuestErrorLog();
  const bus = new Bus(errors);
  bus.map(0x1000, 0x10, device('d', []));
  expect(bus.read(0, 0x100c, 8)).toBeUndefined(); // runs over the end of the region
  expect(bus.write(0, 0x5000, 4, 0, 0)).toBe(false);
  expect(bus.read(-1, 0x5000, 4)).toBeUndefined();
  expect(errors.list()).toEqual([
    { kind: 'unmapped-read', device: 'bus', count: 1, first: '0x100c/8' },
    { kind: 'unmapped-write', device: 'bus', count: 1, first: '0x5000/4' },
  ]);
  expect(bus.unmapped).toEqual({ reads: 1, writes: 1 });
});

test('a width outside the policy reads zero and does not reach the device', () => {
  const log: Access[] = [];
  const errors = new GuestErrorLog();
  const bus = new Bus(errors);
  bus.map(0x1000, 0x1000, device('d', log, 0x55), { widths: [4] });
  expect(bus.read(0, 0x1001, 1)).toBe(0);
  expect(bus.write(0, 0x1000, 2, 1, 0)).toBe(true);
  expect(log).toEqual([]);
  expect(errors.count('bad-width')).toBe(2);
});

test('the kernel sees both words of the data, and a fault where nothing answers', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const words = new Uint32Array(memory.buffer);
  const log: Access[] = [];
  const seen: unknown[] = [];
  const charged: unknown[] = [];
  const observe = (...args: unknown[]) => seen.push(args);
  const bus = new Bus(new GuestErrorLog(), observe, (...args) => charged.push(args));
  const wide = device('wide', log, 0x89ab_cdef);
  const read = wide.read;
  wide.read = (...args) => ((bus.port.hi = 0x0123_4567), read(...args));
  bus.map(0x1000, 0x1000, wide, { widths: [8], cost: { read: 'slow', write: 'fast' } });
  const host = bus.kernelImports(memory);
  expect(host.mmioRead(1, 0, 0x1008, 8)).toBe(0x89ab_cdef);
  expect(words[MMIO_HI >> 2]).toBe(0x0123_4567);
  words[MMIO_LO >> 2] = 0xffff_ffff;
  words[MMIO_HI >> 2] = 5;
  host.mmioWrite(1, 0, 0x1000, 8);
  expect(log[1]).toEqual({ op: 'w', offset: 0, width: 8, value: 0xffff_ffff, hi: 5, core: 1 });
  expect(words[BUS_FAULT >> 2]).toBe(0);
  host.mmioRead(1, 0xf, 0xffff_fff0 | 0, 4);
  expect(words[BUS_FAULT >> 2]).toBe(1);
  expect(seen).toEqual([
    [false, 1, 0x1008, 8, 0x89ab_cdef, 0x0123_4567],
    [true, 1, 0x1000, 8, 0xffff_ffff, 5],
    [false, 1, 0xf_ffff_fff0, 4, 0, 0],
  ]);
  expect(charged).toEqual([
    [1, 'slow'],
    [1, 'fast'],
  ]);
});
