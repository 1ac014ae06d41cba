import { expect, test } from 'vitest';
import { compileKernel } from '../../test/support/compile-kernel.js';
import { createStage2, type Access, type EngineName, type Stage2Walker } from './stage2.js';

// Formats: Arm ARM DDI 0487, D5.3 (descriptors), D13.2 (VTCR_EL2, VTTBR_EL2), D13.2.37 (fault status codes).
const path = await compileKernel('sim/mmu/kernel/stage2.ts', []);

const TABLE = 3n;
const PAGE = 3n;
const BLOCK = 1n;
/** AF, inner shareable, S2AP read and write, Normal write-back. */
const RW = 0x400n | (3n << 8n) | (3n << 6n) | (15n << 2n);
const READ_ONLY = RW & ~(1n << 7n);
const NO_ACCESS = RW & ~(3n << 6n);
const XN = 1n << 54n;
const NO_AF = RW & ~0x400n;

/** T0SZ, SL0, TG0, PS; walks inner shareable, write-back. */
const vtcr = (t0sz: bigint, sl0: bigint, tg0: bigint, ps: bigint): bigint =>
  t0sz | (sl0 << 6n) | (1n << 8n) | (1n << 10n) | (3n << 12n) | (tg0 << 14n) | (ps << 16n) | (1n << 31n);
/** What Xen programs on the board: 40-bit IPA, two concatenated level-1 tables, 4K. */
const XEN = vtcr(24n, 1n, 0n, 2n);

const RAM = 0x4800_0000n;
const VMID = 5n << 48n;

interface Vector {
  readonly name: string;
  readonly vtcr: bigint;
  readonly vttbr: bigint;
  /** [physical address, descriptor] */
  readonly tables: readonly (readonly [bigint, bigint])[];
  readonly ipa: bigint;
  readonly access?: Access;
  readonly paBits?: number;
  readonly pa?: bigint;
  readonly level?: number;
  readonly size?: number;
  readonly fsc?: number;
  readonly reads: number;
}

// IPA 0x0a_8040_3456: level-1 index 0x2a, level-2 index 2, level-3 index 3.
const ROOT = RAM + 0x2000n;
const L2 = RAM + 0x4000n;
const L3 = RAM + 0x5000n;
const IPA = 0x0a_8040_3456n;
const L1_ENTRY = ROOT + 0x2an * 8n;
const chain = (leaf: bigint): (readonly [bigint, bigint])[] => [
  [L1_ENTRY, L2 | TABLE],
  [L2 + 2n * 8n, L3 | TABLE],
  [L3 + 3n * 8n, leaf],
];
const base = { vtcr: XEN, vttbr: VMID | ROOT, ipa: IPA };

const vectors: readonly Vector[] = [
  {
    ...base,
    name: 'page',
    tables: chain(0x6_1234_5000n | RW | PAGE),
    pa: 0x6_1234_5456n,
    level: 3,
    size: 12,
    reads: 3,
  },
  {
    ...base,
    name: 'level-2 block',
    tables: [
      [L1_ENTRY, L2 | TABLE],
      [L2 + 2n * 8n, 0x6_1220_0000n | RW | BLOCK],
    ],
    pa: 0x6_1220_3456n,
    level: 2,
    size: 21,
    reads: 2,
  },
  {
    ...base,
    name: 'level-1 block',
    tables: [[L1_ENTRY, 0x7_4000_0000n | RW | BLOCK]],
    pa: 0x7_4040_3456n,
    level: 1,
    size: 30,
    reads: 1,
  },
  {
    ...base,
    name: 'the second concatenated root (IPA bit 39)',
    ipa: 0x8a_8000_0010n,
    // index 0x22a: entry 0x2a of the second table
    tables: [[ROOT + 0x1000n + 0x2an * 8n, 0x1_8000_0000n | RW | BLOCK]],
    pa: 0x1_8000_0010n,
    level: 1,
    size: 30,
    reads: 1,
  },
  { ...base, name: 'invalid at level 1', tables: [], fsc: 0x05, reads: 1 },
  { ...base, name: 'invalid at level 2', tables: [[L1_ENTRY, L2 | TABLE]], fsc: 0x06, reads: 2 },
  { ...base, name: 'invalid at level 3', tables: chain(0n), fsc: 0x07, reads: 3 },
  { ...base, name: 'type 01 at level 3', tables: chain(0x6_1234_5000n | RW | BLOCK), fsc: 0x07, reads: 3 },
  { ...base, name: 'type 10', tables: chain(0x6_1234_5000n | RW | 2n), fsc: 0x07, reads: 3 },
  { ...base, name: 'no access flag', tables: chain(0x6_1234_5000n | NO_AF | PAGE), fsc: 0x0b, reads: 3 },
  {
    ...base,
    name: 'no access flag in a block',
    tables: [[L1_ENTRY, 0x7_4000_0000n | NO_AF | BLOCK]],
    fsc: 0x09,
    reads: 1,
  },
  { ...base, name: 'write, read-only', access: 'write', tables: chain(READ_ONLY | PAGE), fsc: 0x0f, reads: 3 },
  {
    ...base,
    name: 'read, read-only',
    tables: chain(RAM | READ_ONLY | PAGE),
    pa: RAM + 0x456n,
    level: 3,
    size: 12,
    reads: 3,
  },
  { ...base, name: 'read, no access', tables: chain(NO_ACCESS | PAGE), fsc: 0x0f, reads: 3 },
  { ...base, name: 'execute, XN', access: 'execute', tables: chain(RW | XN | PAGE), fsc: 0x0f, reads: 3 },
  {
    ...base,
    name: 'execute does not need S2AP read',
    access: 'execute',
    tables: chain(RAM | NO_ACCESS | PAGE),
    pa: RAM + 0x456n,
    level: 3,
    size: 12,
    reads: 3,
  },
  { ...base, name: 'IPA beyond the input size', ipa: 1n << 40n, tables: [], fsc: 0x04, reads: 0 },
  { ...base, name: 'page beyond PS', tables: chain((1n << 40n) | RW | PAGE), fsc: 0x03, reads: 3 },
  { ...base, name: 'table beyond PS', tables: [[L1_ENTRY, (1n << 40n) | TABLE]], fsc: 0x01, reads: 1 },
  { ...base, name: 'root beyond PS', vttbr: VMID | (1n << 40n), tables: [], fsc: 0x00, reads: 0 },
  {
    ...base,
    name: 'PS above the implemented size is cut',
    vtcr: vtcr(24n, 1n, 0n, 5n),
    paBits: 40,
    tables: chain((1n << 40n) | RW | PAGE),
    fsc: 0x03,
    reads: 3,
  },
  { ...base, name: 'table outside RAM', tables: [[L1_ENTRY, 0x9000_0000n | TABLE]], fsc: 0x16, reads: 2 },
  { ...base, name: 'root outside RAM', vttbr: 0x9000_0000n, tables: [], fsc: 0x15, reads: 1 },
  { ...base, name: 'SL0 reserved', vtcr: vtcr(24n, 3n, 0n, 2n), tables: [], fsc: 0x04, reads: 0 },
  { ...base, name: 'start with more than 16 tables', vtcr: vtcr(20n, 0n, 0n, 2n), tables: [], fsc: 0x04, reads: 0 },
  { ...base, name: 'start with less than two entries', vtcr: vtcr(34n, 1n, 0n, 2n), tables: [], fsc: 0x04, reads: 0 },
  {
    // 48-bit IPA, level 0: IPA 0x0123_4567_89ab has indices 0x02, 0x8d, 0x2b, 0x78
    name: 'level-0 start',
    vtcr: vtcr(16n, 2n, 0n, 4n),
    vttbr: RAM,
    ipa: 0x0123_4567_89abn,
    tables: [
      [RAM + 0x02n * 8n, (RAM + 0x1000n) | TABLE],
      [RAM + 0x1000n + 0x8dn * 8n, (RAM + 0x2000n) | TABLE],
      [RAM + 0x2000n + 0x2bn * 8n, (RAM + 0x3000n) | TABLE],
      [RAM + 0x3000n + 0x78n * 8n, 0xfff_ffff_f000n | RW | PAGE],
    ],
    pa: 0xfff_ffff_f9abn,
    level: 3,
    size: 12,
    reads: 4,
  },
  {
    name: 'level-0 block is reserved',
    vtcr: vtcr(16n, 2n, 0n, 4n),
    vttbr: RAM,
    ipa: 0n,
    tables: [[RAM, RW | BLOCK]],
    fsc: 0x04,
    reads: 1,
  },
  {
    name: 'level-0 start needs more than 42 bits',
    vtcr: vtcr(24n, 2n, 0n, 2n),
    vttbr: RAM,
    ipa: 0n,
    paBits: 40,
    tables: [[RAM, (RAM + 0x1000n) | TABLE]],
    fsc: 0x04,
    reads: 0,
  },
  {
    // 64K, 42-bit IPA, start at level 2 (SL0 = 1) with 8192 entries: IPA 0x123_4567_89ab has indices 0x91a, 0x567
    name: '64K page',
    vtcr: vtcr(22n, 1n, 1n, 3n),
    vttbr: RAM,
    ipa: 0x123_4567_89abn,
    tables: [
      [RAM + 0x91an * 8n, (RAM + 0x1_0000n) | TABLE],
      [RAM + 0x1_0000n + 0x567n * 8n, 0x5_4321_0000n | RW | PAGE],
    ],
    pa: 0x5_4321_89abn,
    level: 3,
    size: 16,
    reads: 2,
  },
  {
    name: '64K granule, 512 MiB block',
    vtcr: vtcr(22n, 1n, 1n, 3n),
    vttbr: RAM,
    ipa: 0x123_4567_89abn,
    tables: [[RAM + 0x91an * 8n, 0x5_4000_0000n | RW | BLOCK]],
    // IPA bits 28:0 = 0x0567_89ab
    pa: 0x5_4567_89abn,
    level: 2,
    size: 29,
    reads: 1,
  },
  {
    // 64K, 48-bit IPA, start at level 1 (SL0 = 2) with 64 entries of 2^42
    name: '64K granule, level-1 block is reserved',
    vtcr: vtcr(16n, 2n, 1n, 4n),
    vttbr: RAM,
    ipa: 5n << 42n,
    tables: [[RAM + 5n * 8n, RW | BLOCK]],
    fsc: 0x05,
    reads: 1,
  },
];

function outcome(walker: Stage2Walker, vector: Vector): object {
  walker.configure(vector.vtcr, vector.vttbr);
  const found = walker.walk(vector.ipa, vector.access);
  if ('fsc' in found) return { fsc: found.fsc, reads: found.reads };
  return { pa: found.pa, level: found.level, size: found.size, reads: found.reads };
}

function walkerFor(engine: EngineName, vector: Vector): Stage2Walker | undefined {
  const walker = createStage2(path, engine, vector.paBits);
  walker?.ram(RAM, 0x10_0000);
  for (const [pa, descriptor] of vector.tables) walker?.write64(pa, descriptor);
  return walker;
}

function expected({ pa, level, size, fsc, reads }: Vector): object {
  return fsc === undefined ? { pa, level, size, reads } : { fsc, reads };
}

test.each(vectors)('stage 2: $name', (vector) => {
  const walker = walkerFor('v8', vector) as Stage2Walker;
  expect(outcome(walker, vector)).toEqual(expected(vector));
});

test('the leaf descriptor is reported as it is', () => {
  const vector = vectors[0] as Vector;
  const walker = walkerFor('v8', vector) as Stage2Walker;
  walker.configure(vector.vtcr, vector.vttbr);
  expect(walker.walk(IPA)).toMatchObject({ leaf: 0x6_1234_57ffn });
});

test('writes outside RAM are refused', () => {
  const walker = createStage2(path) as Stage2Walker;
  expect(() => walker.write64(0x1000n, 1n)).toThrow('no RAM at 0x1000');
  walker.ram(0n, 0x1_0000);
  walker.write64(0x1000n, 0xfedc_ba98_7654_3210n);
  expect(walker.read64(0x1000n)).toBe(0xfedc_ba98_7654_3210n);
});

test('walkMany walks as walk does', () => {
  const vector = vectors[2] as Vector;
  const walker = walkerFor('v8', vector) as Stage2Walker;
  walker.configure(vector.vtcr, vector.vttbr);
  // Pages 0x740000, 0x740001, 0x740002 of the block.
  expect(walker.walkMany(0x0a_8000_0000n, 0x1000, 3)).toBe(0x740000 ^ 0x740001 ^ 0x740002);
});

const second = createStage2(path, 'wasmtime');
test.skipIf(second === undefined)('Wasmtime gives the same results as V8', () => {
  for (const vector of vectors) {
    const walker = walkerFor('wasmtime', vector) as Stage2Walker;
    expect({ name: vector.name, ...outcome(walker, vector) }).toEqual({ name: vector.name, ...expected(vector) });
  }
});
