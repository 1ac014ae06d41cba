import { expect, test } from 'vitest';
import { CHUNK_MAP, PHYS_NEXT_FREE, RAM_POOL, UOP_MAP } from '../wasm/layout.js';
import { createLinearMemory, LinearPhysicalMemory } from './physical-memory.js';

const BANKS = [
  { base: 0x4000_0000, size: 0x40_0000 },
  { base: 0xf_0000_0000, size: 0x10_0000 },
];

function build() {
  const memory = createLinearMemory(BANKS);
  const calls: string[] = [];
  const ram = new LinearPhysicalMemory(memory, BANKS, {
    invalidateCodeHost: (page) => calls.push(`code ${page}`),
    breakMonitors: (hi, lo, length) => calls.push(`monitor ${hi}:${lo.toString(16)}+${length}`),
  });
  return { memory, ram, calls, words: new Uint32Array(memory.buffer) };
}

test('isRam knows the banks, their ends and holes', () => {
  const { ram } = build();
  expect(ram.isRam(0x4000_0000, 0x40_0000)).toBe(true);
  expect(ram.isRam(0x4000_0000, 0x40_0001)).toBe(false);
  expect(ram.isRam(0x3fff_ffff, 1)).toBe(false);
  expect(ram.isRam(0xf_000f_ffff, 1)).toBe(true);
  expect(ram.isRam(-1, 1)).toBe(false);
  expect(ram.isRam(Number.NaN, 1)).toBe(false);
  expect(ram.isRam(2 ** 36, 1)).toBe(false);
});

test('untouched RAM reads zero and takes no memory; a touch gives a chunk its place', () => {
  const { ram, words } = build();
  expect(ram.read64(0x4000_0008)).toBe(0n);
  expect(ram.read(0x4000_fff0, 0x20)).toEqual(new Uint8Array(0x20));
  ram.zero(0x4000_0000, 0x40_0000);
  expect(words[PHYS_NEXT_FREE >> 2]).toBe(RAM_POOL);
  ram.write32(0x4001_0004, 0xdead_beef);
  expect(words[PHYS_NEXT_FREE >> 2]).toBe(RAM_POOL + 0x10000);
  expect(words[(CHUNK_MAP >> 2) + 0x4001]).toBe(RAM_POOL);
  expect(words[(RAM_POOL + 4) >> 2]).toBe(0xdead_beef);
  expect(ram.read16(0x4001_0006)).toBe(0xdead);
});

test('reads and writes cross chunks, little endian', () => {
  const { ram } = build();
  ram.write64(0x4000_fffc, 0x1122_3344_5566_7788n);
  expect(ram.read32(0x4000_fffc)).toBe(0x5566_7788);
  expect(ram.read32(0x4001_0000)).toBe(0x1122_3344);
  expect(ram.read64(0x4000_fffc)).toBe(0x1122_3344_5566_7788n);
  expect(ram.read16(0x4000_ffff)).toBe(0x4455);
  const bytes = Uint8Array.from({ length: 0x20000 }, (_, i) => i * 7);
  ram.write(0xf_0000_8000, bytes);
  expect(ram.read(0xf_0000_8000, 0x20000)).toEqual(bytes);
  ram.zero(0xf_0000_8000, 0x20000);
  expect(ram.read(0xf_0000_8000, 0x20000)).toEqual(new Uint8Array(0x20000));
});

test('outside RAM it throws: callers check guest addresses first', () => {
  const { ram } = build();
  expect(() => ram.read(0x3fff_fff0, 0x20)).toThrow(RangeError);
  expect(() => ram.write32(0x4040_0000, 1)).toThrow(RangeError);
  expect(() => ram.write64(0x403f_fffc, 1n)).toThrow(RangeError);
});

test('a write drops decoded code of exactly its pages and opens monitors', () => {
  const { ram, words, calls } = build();
  ram.write8(0x4000_0000, 0);
  const page = RAM_POOL >> 12;
  words[(UOP_MAP >> 2) + page + 1] = 0x100_0000;
  calls.length = 0;
  ram.write(0x4000_0f00, new Uint8Array(0x100));
  expect(calls).toEqual(['monitor 0:40000f00+256']);
  ram.write(0x4000_0fff, new Uint8Array(2));
  expect(calls.slice(1)).toEqual([`code ${page + 1}`, 'monitor 0:40000fff+2']);
});

test('the digest sees contents only: place, order of touching and touched zeros do not matter', () => {
  const a = build().ram;
  const b = build().ram;
  a.write32(0x4002_0000, 1);
  a.write32(0xf_0000_0000, 2);
  b.write32(0xf_0000_0000, 2);
  b.write32(0x4003_0000, 0);
  b.write32(0x4002_0000, 1);
  expect(b.digest()).toBe(a.digest());
  b.write8(0x4002_ffff, 1);
  expect(b.digest()).not.toBe(a.digest());
});

test('overlapping or misaligned banks are refused', () => {
  const hooks = { invalidateCodeHost: () => {}, breakMonitors: () => {} };
  const make = (banks: { base: number; size: number }[]) =>
    new LinearPhysicalMemory(createLinearMemory(banks), banks, hooks);
  expect(() => make([{ base: 0x1000, size: 0x10000 }])).toThrow('64 KiB');
  expect(() => make([{ base: 0, size: 0x20000 }, { base: 0x10000, size: 0x10000 }])).toThrow('overlap'); // prettier-ignore
});
