import { expect, test } from 'vitest';
import { DEVICE, MmuProbe, RAM } from '../../test/support/mmu-probe.js';
import { WALK_RESULT } from '../wasm/layout.js';

// Formats: Arm ARM DDI 0487, D5.3 and D5.4 (descriptors, permissions), D13.2.37 (ESR_ELx).
const TABLE = 3n;
const PAGE = 3n;
const BLOCK = 1n;
const AF = 1n << 10n;
const ISH = 3n << 8n;
const NG = 1n << 11n;
const USER = 1n << 6n; // AP[1]
const READ_ONLY = 1n << 7n; // AP[2]
const UXN = 1n << 54n;
const PXN = 1n << 53n;
const attr = (index: bigint): bigint => index << 2n;
/** Attributes 0: Device-nGnRnE, 1: Device-nGnRE, 2: Normal non-cacheable, 3: Normal write-back. */
const MAIR = 0xff44_0400n;
const NORMAL = AF | ISH | attr(3n);
const S2_RW = AF | ISH | (3n << 6n) | (15n << 2n);
const S2_DEVICE = AF | (3n << 6n) | (1n << 2n);

const EC_INSTRUCTION_LOWER = 0x20;
const EC_INSTRUCTION_SAME = 0x21;
const EC_DATA_LOWER = 0x24;
const EC_DATA_SAME = 0x25;
const WNR = 0x40;
const S1PTW = 0x80;
const CM = 0x100;

const M = 1n;
const A = 2n;
const WXN = 1n << 19n;

const ram = BigInt(RAM);
const DATA = ram + 0x80_0000n;
const T0 = ram + 0x1_0000n;
const T1 = ram + 0x2_0000n;
const T2 = ram + 0x3_0000n;
const T3 = ram + 0x4_0000n;

/** T0SZ = T1SZ, both granules 4K, IPS 40 bits. */
const tcr4k = (size: bigint): bigint => (64n - size) | ((64n - size) << 16n) | (2n << 30n) | (2n << 32n);

// 48 bits: VA 0x0123_4567_89a0 has indices 0x02, 0x8d, 0x2b, 0x78 and offset 0x9a0.
const VA48 = 0x0123_4567_89a0n;
function table48(leaf: bigint, l0 = 0n, l1 = 0n, l2 = 0n): (readonly [bigint, bigint])[] {
  return [
    [T0 + 0x02n * 8n, T1 | TABLE | l0],
    [T1 + 0x8dn * 8n, T2 | TABLE | l1],
    [T2 + 0x2bn * 8n, T3 | TABLE | l2],
    [T3 + 0x78n * 8n, leaf],
  ];
}

/** EL1 with four levels of 4K tables and `leaf` for VA48; the word there is 0x1122_3344_5566_7788. */
function machine48(leaf: bigint, l0 = 0n, l1 = 0n, l2 = 0n): MmuProbe {
  const m = new MmuProbe();
  m.tables(table48(leaf, l0, l1, l2));
  m.ram.write64(Number(DATA) + 0x9a0, 0x1122_3344_5566_7788n);
  return m.set('MAIR_EL1', MAIR).set('TCR_EL1', tcr4k(48n)).set('TTBR0_EL1', T0).set('SCTLR_EL1', M);
}

test('48 bits, 4K: four reads, then none', () => {
  const m = machine48(DATA | NORMAL | PAGE);
  expect(m.read(VA48)).toBe(0x1122_3344_5566_7788n);
  expect(m.reads()).toBe(4);
  expect(m.read(VA48)).toBe(0x1122_3344_5566_7788n);
  expect(m.write(VA48 + 8n, 5n)).toBeUndefined();
  expect(m.reads()).toBe(0);
  expect(m.ram.read64(Number(DATA) + 0x9a8)).toBe(5n);
});

test('39 bits, 4K: three reads; 2 MiB block: two; 1 GiB block: one', () => {
  // VA 0x12_3456_7890: indices 0x48, 0x1a2, 0x167, offset 0x890
  const m = new MmuProbe();
  const va = 0x12_3456_7890n;
  m.set('MAIR_EL1', MAIR).set('TCR_EL1', tcr4k(39n)).set('TTBR0_EL1', T0).set('SCTLR_EL1', M);
  m.tables([
    [T0 + 0x48n * 8n, T1 | TABLE],
    [T1 + 0x1a2n * 8n, T2 | TABLE],
    [T2 + 0x167n * 8n, DATA | NORMAL | PAGE],
  ]);
  m.ram.write64(Number(DATA) + 0x890, 77n);
  expect(m.read(va)).toBe(77n);
  expect(m.reads()).toBe(3);
  // bits 20:0 of the VA are 0x16_7890
  m.tables([[T1 + 0x1a2n * 8n, (ram + 0x20_0000n) | NORMAL | BLOCK]]);
  m.ram.write64(RAM + 0x36_7890, 78n);
  m.kernel.tlbFlushAll();
  expect(m.read(va)).toBe(78n);
  expect(m.reads()).toBe(2);
  // bits 29:0 of the VA are 0x3456_7890: 0x4000_0000 + that is outside RAM and bus
  m.tables([[T0 + 0x48n * 8n, 0x4000_0000n | NORMAL | BLOCK]]);
  m.kernel.tlbFlushAll();
  expect(m.read(va)).toMatchObject({ level: 1, ec: EC_DATA_SAME, fsc: 0x10, far: va });
  expect(m.reads()).toBe(1);
  expect(m.read(0x12_0800_0000n)).toBe(0n);
});

test('64K, 42 and 48 bits', () => {
  // 42 bits, start at level 2: VA 0x123_4567_89a8 has indices 0x91a, 0x567
  const m = new MmuProbe();
  const va = 0x123_4567_89a8n;
  m.set('MAIR_EL1', MAIR).set('TTBR0_EL1', T0).set('SCTLR_EL1', M);
  m.set('TCR_EL1', 22n | (1n << 14n) | (2n << 32n));
  m.tables([
    [T0 + 0x91an * 8n, T2 | TABLE],
    [T2 + 0x567n * 8n, DATA | NORMAL | PAGE],
  ]);
  m.ram.write64(Number(DATA) + 0x89a8, 9n);
  expect(m.read(va)).toBe(9n);
  expect(m.reads()).toBe(2);
  // 48 bits: level 1 with 64 entries of 2^42; the same VA has index 0 there
  m.set('TTBR0_EL1', T3);
  m.set('TCR_EL1', 16n | (1n << 14n) | (2n << 32n));
  m.tables([[T3, T0 | TABLE]]);
  expect(m.read(va)).toBe(9n);
  expect(m.reads()).toBe(3);
});

test('TTBR1, and its 64K granule encoding (TG1 = 3)', () => {
  const m = new MmuProbe();
  const va = 0xffff_ff80_0000_0010n;
  m.set('MAIR_EL1', MAIR).set('TCR_EL1', tcr4k(39n)).set('TTBR1_EL1', T1).set('SCTLR_EL1', M);
  m.tables([[T1, 0x4000_0000n | NORMAL | BLOCK]]);
  m.ram.write64(RAM + 0x10, 3n);
  expect(m.read(va + 0x800_0000n)).toBe(3n);
  expect(m.reads()).toBe(1);
  // TTBR0 is walked for the lower half only
  expect(m.read(0x800_0000n)).toMatchObject({ fsc: 0x15 });
  // 64K, 42 bits: the VA's bits 41:29 are 0, a 512 MiB block
  m.set('TCR_EL1', 25n | (22n << 16n) | (3n << 30n) | (2n << 32n));
  m.tables([[T1, 0x4000_0000n | NORMAL | BLOCK]]);
  expect(m.read(0xffff_fc00_0800_0010n)).toBe(3n);
  expect(m.reads()).toBe(2);
});

test('addresses outside both halves, EPD0, EPD1, TnSZ out of range', () => {
  const m = machine48(DATA | NORMAL | PAGE);
  const fault = { level: 1, ec: EC_DATA_SAME, fsc: 0x04 };
  expect(m.read(0x0001_0000_0000_0000n)).toMatchObject({ ...fault, far: 0x0001_0000_0000_0000n });
  expect(m.read(0xfffe_ffff_ffff_fff8n)).toMatchObject(fault);
  m.set('TCR_EL1', tcr4k(48n) | (1n << 7n));
  expect(m.read(VA48)).toMatchObject(fault);
  m.set('TCR_EL1', tcr4k(48n) | (1n << 23n));
  expect(m.read(0xffff_0000_0000_0000n)).toMatchObject(fault);
  m.set('TCR_EL1', (tcr4k(48n) & ~63n) | 40n);
  expect(m.read(VA48)).toMatchObject(fault);
  expect(m.reads()).toBe(0);
});

test('top byte ignored: TBI0 for the lower half, FAR keeps the tag', () => {
  const m = machine48(DATA | NORMAL | PAGE);
  const tagged = VA48 | (0x5an << 56n);
  expect(m.read(tagged)).toMatchObject({ fsc: 0x04 });
  m.set('TCR_EL1', tcr4k(48n) | (1n << 37n));
  expect(m.read(tagged)).toBe(0x1122_3344_5566_7788n);
  expect(m.read(tagged + 0x1000n)).toMatchObject({ fsc: 0x07, far: tagged + 0x1000n });
});

test.each([
  ['level 0', [], 0x04, 1],
  ['level 1', [[T0 + 0x10n, T1 | TABLE]], 0x05, 2],
  ['level 2', table48(0n).slice(0, 2), 0x06, 3],
  ['level 3', table48(0n), 0x07, 4],
  ['type 01 at level 3', table48(DATA | NORMAL | BLOCK), 0x07, 4],
  ['access flag', table48(DATA | ISH | attr(3n) | PAGE), 0x0b, 4],
  ['output beyond IPS', table48((1n << 40n) | NORMAL | PAGE), 0x03, 4],
  ['table beyond IPS', [[T0 + 0x10n, (1n << 40n) | TABLE]], 0x00, 1],
  ['level-0 block', [[T0 + 0x10n, NORMAL | BLOCK]], 0x04, 1],
  ['table outside RAM', [[T0 + 0x10n, 0x9000_0000n | TABLE]], 0x15, 2],
  ['table in a device', [[T0 + 0x10n, BigInt(DEVICE) | TABLE]], 0x15, 2],
] as [string, (readonly [bigint, bigint])[], number, number][])('fault: %s', (_name, tables, fsc, reads) => {
  const m = new MmuProbe();
  m.tables(tables);
  m.set('MAIR_EL1', MAIR).set('TCR_EL1', tcr4k(48n)).set('TTBR0_EL1', T0).set('SCTLR_EL1', M);
  expect(m.write(VA48, 1n)).toEqual({ level: 1, ec: EC_DATA_SAME, iss: fsc | WNR, fsc, far: VA48 });
  expect(m.reads()).toBe(reads);
  expect(m.fetch(VA48)).toEqual({ level: 1, ec: EC_INSTRUCTION_SAME, iss: fsc, fsc, far: VA48 });
  expect(m.el(0).read(VA48)).toMatchObject({ level: 1, ec: EC_DATA_LOWER, fsc });
  expect(m.fetch(VA48)).toMatchObject({ level: 1, ec: EC_INSTRUCTION_LOWER, fsc });
});

test('a root beyond IPS is a level-0 address size fault', () => {
  const m = machine48(DATA | NORMAL | PAGE).set('TTBR0_EL1', 1n << 40n);
  expect(m.read(VA48)).toMatchObject({ fsc: 0x00 });
  // IPS above the implemented 44 bits is cut to 44
  m.set('TCR_EL1', (tcr4k(48n) & ~(7n << 32n)) | (5n << 32n)).set('TTBR0_EL1', 1n << 44n);
  expect(m.read(VA48)).toMatchObject({ fsc: 0x00 });
  expect(m.set('TTBR0_EL1', 1n << 43n).read(VA48)).toMatchObject({ fsc: 0x14 });
});

/** Rights as 'rwx' of EL1 then EL0, found by trying. */
function rights(m: MmuProbe): string {
  return [1, 0]
    .map((level) => {
      m.el(level);
      const denied = { fsc: 0x0f };
      const r = typeof m.read(VA48) === 'bigint' ? 'r' : '-';
      const w = m.write(VA48, 1n);
      const x = m.fetch(VA48);
      if (w !== undefined) expect(w).toMatchObject(denied);
      if (typeof x !== 'number') expect(x).toMatchObject(denied);
      return r + (w === undefined ? 'w' : '-') + (typeof x === 'number' ? 'x' : '-');
    })
    .join(' ');
}

test.each([
  // Arm ARM D5.4.5, table "Access permissions for instruction execution for stage 1 of the EL1&0 translation regime"
  ['AP 00', 0n, 'rwx --x'],
  ['AP 01', USER, 'rw- rwx'],
  ['AP 10', READ_ONLY, 'r-x --x'],
  ['AP 11', USER | READ_ONLY, 'r-x r-x'],
  ['AP 00 UXN', UXN, 'rwx ---'],
  ['AP 00 PXN', PXN, 'rw- --x'],
  ['AP 01 UXN', USER | UXN, 'rw- rw-'],
  ['AP 11 UXN PXN', USER | READ_ONLY | UXN | PXN, 'r-- r--'],
  ['AP 11 PXN', USER | READ_ONLY | PXN, 'r-- r-x'],
] as [string, bigint, string][])('permissions: %s', (_name, bits, wanted) => {
  expect(rights(machine48(DATA | NORMAL | PAGE | bits))).toBe(wanted);
});

test.each([
  ['APTable 01 (no EL0 access)', USER, 1n << 61n, 'rwx --x'],
  ['APTable 10 (read-only)', USER, 2n << 61n, 'r-x r-x'],
  ['APTable 11', USER, 3n << 61n, 'r-x --x'],
  ['UXNTable', USER, 1n << 60n, 'rw- rw-'],
  ['PXNTable', 0n, 1n << 59n, 'rw- --x'],
] as [string, bigint, bigint, string][])('permissions: %s, at any level', (_name, bits, table, wanted) => {
  expect(rights(machine48(DATA | NORMAL | PAGE | bits, table))).toBe(wanted);
  expect(rights(machine48(DATA | NORMAL | PAGE | bits, 0n, table))).toBe(wanted);
  expect(rights(machine48(DATA | NORMAL | PAGE | bits, 0n, 0n, table))).toBe(wanted);
});

test('permissions: WXN makes writable pages execute-never', () => {
  expect(rights(machine48(DATA | NORMAL | PAGE).set('SCTLR_EL1', M | WXN))).toBe('rw- --x');
  expect(rights(machine48(DATA | NORMAL | PAGE | USER).set('SCTLR_EL1', M | WXN))).toBe('rw- rw-');
  expect(rights(machine48(DATA | NORMAL | PAGE | READ_ONLY | USER).set('SCTLR_EL1', M | WXN))).toBe('r-x r-x');
});

test('LDTR and STTR have the rights of EL0', () => {
  const m = machine48(DATA | NORMAL | PAGE | READ_ONLY | USER);
  expect(m.read(VA48, 8, { flags: 1 })).toBe(0x1122_3344_5566_7788n);
  expect(m.write(VA48, 0n, 8, { flags: 1 })).toMatchObject({ fsc: 0x0f, ec: EC_DATA_SAME });
  const kernel = machine48(DATA | NORMAL | PAGE);
  expect(kernel.read(VA48)).toBe(0x1122_3344_5566_7788n);
  expect(kernel.read(VA48, 8, { flags: 1 })).toMatchObject({ fsc: 0x0f });
});

test('the EL2 regime: one table, AP[1] and PXN ignored', () => {
  const m = new MmuProbe(2);
  m.tables(table48(DATA | NORMAL | PAGE | PXN));
  m.ram.write64(Number(DATA) + 0x9a0, 8n);
  // TCR_EL2: T0SZ 16, PS 40 bits
  m.set('MAIR_EL2', MAIR)
    .set('TCR_EL2', 16n | (2n << 16n))
    .set('TTBR0_EL2', T0)
    .set('SCTLR_EL2', M);
  expect(m.read(VA48)).toBe(8n);
  expect(m.reads()).toBe(4);
  expect(m.write(VA48, 9n)).toBeUndefined();
  expect(m.fetch(VA48)).toBeTypeOf('number');
  expect(m.read(0xffff_0000_0000_0000n)).toMatchObject({ level: 2, ec: EC_DATA_SAME, fsc: 0x04 });
  m.tables(table48(DATA | NORMAL | PAGE | READ_ONLY | UXN));
  m.kernel.tlbFlushAll();
  expect(m.write(VA48, 9n)).toMatchObject({ level: 2, fsc: 0x0f });
  expect(m.fetch(VA48)).toMatchObject({ level: 2, ec: EC_INSTRUCTION_SAME, fsc: 0x0f });
});

test('MMU off: flat, data is Device memory and must be aligned, addresses beyond the implemented size fault', () => {
  const m = new MmuProbe();
  m.ram.write64(RAM + 0x100, 0x0102_0304_0506_0708n);
  expect(m.read(ram + 0x100n)).toBe(0x0102_0304_0506_0708n);
  expect(m.read(ram + 0x104n)).toMatchObject({ fsc: 0x21, far: ram + 0x104n });
  expect(m.read(ram + 0x104n, 4)).toBe(0x0102_0304n);
  // a pair of words: aligned to its element
  expect(m.read(ram + 0x104n, 8, { flags: 0x30 })).toBe(0x0102_0304n);
  expect(m.write(ram + 0x101n, 0n, 2)).toMatchObject({ fsc: 0x21, iss: 0x21 | WNR });
  expect(m.zero(ram + 0x100n)).toMatchObject({ fsc: 0x21 });
  expect(m.fetch(ram + 0x100n)).toBeTypeOf('number');
  expect(m.read(1n << 44n)).toMatchObject({ fsc: 0x00 });
  expect(m.fetch(1n << 44n)).toMatchObject({ fsc: 0x00 });
  expect(m.reads()).toBe(0);
});

test('alignment: Device memory before permission, SCTLR.A before translation', () => {
  const device = machine48(DATA | AF | attr(1n) | PAGE | READ_ONLY);
  expect(device.write(VA48 + 1n, 0n, 4)).toMatchObject({ fsc: 0x21 });
  expect(device.write(VA48, 0n, 4)).toMatchObject({ fsc: 0x0f });
  const checked = machine48(DATA | NORMAL | PAGE).set('SCTLR_EL1', M | A);
  expect(checked.read(VA48)).toBe(0x1122_3344_5566_7788n);
  expect(checked.read(VA48 + 4n, 4)).toBe(0x1122_3344n);
  expect(checked.read(VA48 + 1n, 4)).toMatchObject({ fsc: 0x21 });
  // unmapped, but misaligned first
  expect(checked.read(0x11n)).toMatchObject({ fsc: 0x21 });
  const normal = machine48(DATA | NORMAL | PAGE);
  expect(normal.read(VA48 + 1n, 4)).toBe(0x4455_6677n);
  // acquire and release must be aligned whatever SCTLR.A says
  expect(normal.read(VA48 + 1n, 4, { flags: 2 })).toMatchObject({ fsc: 0x21 });
});

// ---- two stages ----
// Stage 2 as Xen has it: 40-bit IPA, two concatenated level-1 tables, 4K. IPA = PA + 0x4000_0000 here, so that a
// confusion of the two shows: IPA 0x8800_0000 is RAM.
const S2ROOT = ram + 0x10_0000n;
const S2L2 = ram + 0x11_0000n;
const S2L3 = ram + 0x20_0000n;
const IPA_OFFSET = 0x4000_0000n;
const VTCR = 24n | (1n << 6n) | (2n << 16n);
const VM = 1n;

/** Maps the first 16 MiB of RAM at IPA_OFFSET above, by pages; `blocks`: by 2 MiB blocks. */
function stage2Tables(blocks = false): (readonly [bigint, bigint])[] {
  // IPA 0x8800_0000: level-1 index 2, level-2 index 0x40
  const out: (readonly [bigint, bigint])[] = [[S2ROOT + 2n * 8n, S2L2 | TABLE]];
  for (let i = 0n; i < 8n; i++) {
    const pa = ram + (i << 21n);
    const entry = S2L2 + (0x40n + i) * 8n;
    if (blocks) out.push([entry, pa | S2_RW | BLOCK]);
    else {
      out.push([entry, (S2L3 + i * 0x1000n) | TABLE]);
      for (let j = 0n; j < 512n; j++) out.push([S2L3 + i * 0x1000n + j * 8n, (pa + (j << 12n)) | S2_RW | PAGE]);
    }
  }
  return out;
}

/** A guest whose stage-1 tables are written with IPAs. */
function guest(bits: 39n | 48n, blocks = false): MmuProbe {
  const m = new MmuProbe();
  m.tables(stage2Tables(blocks));
  const o = IPA_OFFSET;
  const leaf = (DATA + o) | NORMAL | PAGE;
  m.tables([
    [T0 + 0x02n * 8n, (T1 + o) | TABLE],
    [T1 + 0x8dn * 8n, (T2 + o) | TABLE],
    [T2 + 0x2bn * 8n, (T3 + o) | TABLE],
    [T3 + 0x78n * 8n, leaf],
  ]);
  m.ram.write64(Number(DATA) + 0x9a0, 0xabcdn);
  m.set('MAIR_EL1', MAIR)
    .set('TCR_EL1', tcr4k(bits))
    .set('TTBR0_EL1', (bits === 48n ? T0 : T1) + o);
  m.set('VTCR_EL2', VTCR)
    .set('VTTBR_EL2', S2ROOT | (7n << 48n))
    .set('HCR_EL2', VM | (1n << 31n));
  return m.set('SCTLR_EL1', M);
}
// 39 bits: the same without the level-0 index
const VA39 = VA48 & 0x7f_ffff_ffffn;

test('reads of a cold combined walk: (n + 1)(m + 1) - 1', () => {
  const four = guest(48n);
  expect(four.read(VA48)).toBe(0xabcdn);
  expect(four.reads()).toBe(19);
  const three = guest(39n);
  expect(three.read(VA39)).toBe(0xabcdn);
  expect(three.reads()).toBe(15);
  const blocks = guest(39n, true);
  expect(blocks.read(VA39)).toBe(0xabcdn);
  expect(blocks.reads()).toBe(11);
});

test('stage 1 off under stage 2: the IPA is the VA', () => {
  const m = guest(48n).set('SCTLR_EL1', 0n);
  m.ram.write64(RAM + 0x40, 5n);
  expect(m.read(ram + IPA_OFFSET + 0x40n)).toBe(5n);
  expect(m.reads()).toBe(3);
  expect(m.read(ram + IPA_OFFSET + 0x41n, 4)).toMatchObject({ level: 1, fsc: 0x21 });
  // HCR_EL2.DC: the memory becomes Normal write-back, SCTLR_EL1.M and HCR_EL2.VM do not matter
  m.set('HCR_EL2', 1n << 12n).set('SCTLR_EL1', M);
  expect(m.read(ram + IPA_OFFSET + 0x3fn)).toBe(0x500n);
});

test('stage-2 faults go to EL2 with the IPA in HPFAR_EL2 and the syndrome of the instruction', () => {
  const m = guest(48n);
  const iss = 0x0183_4000; // ISV, SAS 2, SRT 3 and SF... bits 24:14 of a template
  // the leaf's IPA has no stage-2 entry
  m.tables([[T3 + 0x79n * 8n, 0x0a_1234_5000n | NORMAL | PAGE]]);
  const va = VA48 + 0x1000n;
  expect(m.write(va, 1n, 4, { iss })).toEqual({
    level: 2,
    ec: EC_DATA_LOWER,
    iss: iss | WNR | 0x05,
    fsc: 0x05,
    far: va,
  });
  // HPFAR_EL2.FIPA is IPA bits 47:12 at bit 4
  expect(m.get('HPFAR_EL2')).toBe(0x0a_1234_5n << 4n);
  expect(m.fetch(va)).toEqual({ level: 2, ec: EC_INSTRUCTION_LOWER, iss: 0x05, fsc: 0x05, far: va });
  // read-only, no access flag, execute-never at stage 2
  const data = S2L3 + 4n * 0x1000n;
  m.tables([[data, DATA | (S2_RW & ~(1n << 7n)) | PAGE]]);
  expect(m.read(VA48)).toBe(0xabcdn);
  expect(m.write(VA48, 0n)).toMatchObject({ level: 2, fsc: 0x0f, iss: 0x0f | WNR });
  m.tables([[data, DATA | (S2_RW & ~AF) | PAGE]]);
  m.kernel.tlbFlushVmid(7);
  expect(m.read(VA48)).toMatchObject({ level: 2, fsc: 0x0b });
  m.tables([[data, DATA | S2_RW | UXN | PAGE]]);
  expect(m.read(VA48)).toBe(0xabcdn);
  expect(m.fetch(VA48)).toMatchObject({ level: 2, ec: EC_INSTRUCTION_LOWER, fsc: 0x0f });
});

test('a stage-2 fault on a table of stage 1: S1PTW, HPFAR_EL2 has the table', () => {
  const m = guest(48n);
  m.tables([[T1 + 0x8dn * 8n, 0x0a_1234_5000n | TABLE]]);
  expect(m.write(VA48, 1n, 8, { iss: 0x0183_4000 })).toEqual({
    level: 2,
    ec: EC_DATA_LOWER,
    iss: 0x05 | S1PTW | WNR,
    fsc: 0x05,
    far: VA48,
  });
  expect(m.get('HPFAR_EL2')).toBe(0x0a_1234_5n << 4n);
  expect(m.fetch(VA48)).toMatchObject({ ec: EC_INSTRUCTION_LOWER, iss: 0x05 | S1PTW });
  // HCR_EL2.PTW: a table in stage-2 Device memory is a permission fault, also for a write
  const tables = guest(48n);
  tables.tables([[S2L3 + 0x30n * 8n, T2 | S2_DEVICE | PAGE]]);
  expect(tables.read(VA48)).toBe(0xabcdn);
  tables.set('HCR_EL2', VM | (1n << 2n) | (1n << 31n));
  expect(tables.read(VA48)).toMatchObject({ level: 2, iss: 0x0f | S1PTW });
});

test('stage 1 comes first: translation and permission faults of stage 1 hide those of stage 2', () => {
  const m = guest(48n);
  m.tables([[T3 + 0x79n * 8n, 0x0a_1234_5000n | NORMAL | READ_ONLY | PAGE]]);
  expect(m.write(VA48 + 0x1000n, 1n)).toMatchObject({ level: 1, ec: EC_DATA_SAME, fsc: 0x0f });
  expect(m.read(VA48 + 0x1000n)).toMatchObject({ level: 2, fsc: 0x05 });
});

test('Device memory of either stage refuses misaligned accesses; that of stage 2 reports to EL2', () => {
  const m = guest(48n);
  m.tables([[S2L3 + 4n * 0x1000n, DATA | S2_DEVICE | PAGE]]);
  expect(m.read(VA48)).toBe(0xabcdn);
  expect(m.read(VA48 + 1n, 4)).toMatchObject({ level: 2, fsc: 0x21 });
});

test('an external abort on a stage-2 table goes to EL2, on a stage-1 table to EL1', () => {
  const m = guest(48n);
  m.tables([[S2L2 + 0x44n * 8n, 0x9000_0000n | TABLE]]);
  expect(m.read(VA48)).toMatchObject({ level: 2, fsc: 0x17 });
  const one = guest(48n);
  one.tables([[S2L3 + 0x20n * 8n, 0x9000_0000n | S2_RW | PAGE]]);
  expect(one.read(VA48)).toMatchObject({ level: 1, fsc: 0x15 });
});

// ---- AT ----
const S1E1R = 0;
const S1E1W = 1;
const S1E0R = 2;
const S12E1R = 4;
const S12E1W = 5;
const S1E2R = 8;
/** RES1 bit 11, NS. */
const PAR_BITS = 0xa00n;

test('AT: PAR_EL1 of a hit has attributes and shareability', () => {
  const m = machine48(DATA | NORMAL | PAGE | NG);
  expect(m.at(S1E1R, VA48)).toBe((0xffn << 56n) | DATA | (3n << 7n) | PAR_BITS);
  m.tables(table48(DATA | AF | attr(1n) | PAGE));
  expect(m.at(S1E1W, VA48)).toBe((0x04n << 56n) | DATA | (2n << 7n) | PAR_BITS);
  m.tables(table48(DATA | AF | attr(2n) | PAGE));
  expect(m.at(S1E1W, VA48)).toBe((0x44n << 56n) | DATA | (2n << 7n) | PAR_BITS);
  m.set('SCTLR_EL1', 0n);
  expect(m.at(S1E1R, 0x1234_5678n)).toBe(0x1234_5000n | (2n << 7n) | PAR_BITS);
});

test('AT: PAR_EL1 of a fault', () => {
  const m = machine48(DATA | NORMAL | PAGE);
  // F, FST, bit 11
  expect(m.at(S1E0R, VA48)).toBe(0x801n | (0x0fn << 1n));
  expect(m.at(S1E1R, 0n)).toBe(0x801n | (0x04n << 1n));
  expect(m.reads()).toBe(5);
});

test.each([
  ['VMALLE1', 0, false],
  ['VMALLS12E1', 4, true],
  ['ALLE1', 5, true],
  ['IPAS2E1', 6, true],
] as [string, number, boolean][])('stage-2 translations of tables are kept until TLBI %s', (_name, kind, drops) => {
  const m = guest(48n);
  expect(m.read(VA48)).toBe(0xabcdn);
  expect(m.reads()).toBe(19);
  // the next page has the same tables: 4 reads of stage 1, 3 of stage 2 for the page
  m.tables([[T3 + 0x79n * 8n, (DATA + IPA_OFFSET + 0x1000n) | NORMAL | PAGE]]);
  expect(m.read(VA48 + 0x1000n)).toBe(0n);
  expect(m.reads()).toBe(7);
  m.tlbi(kind);
  expect(m.read(VA48)).toBe(0xabcdn);
  expect(m.reads()).toBe(drops ? 19 : 4);
});

test('AT S1 gives the IPA, AT S12 the PA; stage-2 faults set S, on a table PTW too', () => {
  const m = guest(48n).el(2);
  expect(m.at(S1E1R, VA48)).toBe((0xffn << 56n) | (DATA + IPA_OFFSET) | (3n << 7n) | PAR_BITS);
  expect(m.at(S12E1R, VA48)).toBe((0xffn << 56n) | DATA | (3n << 7n) | PAR_BITS);
  m.tables([[S2L3 + 4n * 0x1000n, DATA | (S2_RW & ~(1n << 7n)) | PAGE]]);
  m.kernel.tlbFlushVmid(7);
  expect(m.at(S12E1W, VA48)).toBe(0x801n | (0x0fn << 1n) | (1n << 9n));
  m.tables([[T1 + 0x8dn * 8n, 0x0a_1234_5000n | TABLE]]);
  expect(m.at(S12E1R, VA48)).toBe(0x801n | (0x05n << 1n) | (1n << 9n) | (1n << 8n));
  // executed at EL1 the same is taken to EL2
  expect(m.el(1).at(S1E1R, VA48)).toMatchObject({
    level: 2,
    ec: EC_DATA_LOWER,
    iss: 0x05 | S1PTW | CM | WNR,
    far: VA48,
  });
});

test('AT S12 combines memory types', () => {
  const m = guest(48n).el(2);
  // stage-2 Device-nGnRE wins over Normal
  m.tables([[S2L3 + 4n * 0x1000n, DATA | S2_DEVICE | PAGE]]);
  expect(m.at(S12E1R, VA48)).toBe((0x04n << 56n) | DATA | (2n << 7n) | PAR_BITS);
  // stage-2 non-cacheable (0101) makes write-back non-cacheable and outer shareable
  m.tables([[S2L3 + 4n * 0x1000n, DATA | AF | (3n << 6n) | (5n << 2n) | PAGE]]);
  m.kernel.tlbFlushVmid(7);
  expect(m.at(S12E1R, VA48)).toBe((0x44n << 56n) | DATA | (2n << 7n) | PAR_BITS);
  // stage-2 write-through (1010) keeps the hints of stage 1: nibble 10RW
  m.tables([[S2L3 + 4n * 0x1000n, DATA | AF | (3n << 6n) | (10n << 2n) | PAGE]]);
  m.kernel.tlbFlushVmid(7);
  expect(m.at(S12E1R, VA48)).toBe((0xbbn << 56n) | DATA | (3n << 7n) | PAR_BITS);
});

test('AT S1E2 walks the EL2 regime', () => {
  const m = new MmuProbe(2);
  m.tables(table48(DATA | NORMAL | PAGE));
  m.set('MAIR_EL2', MAIR)
    .set('TCR_EL2', 16n | (2n << 16n))
    .set('TTBR0_EL2', T0)
    .set('SCTLR_EL2', M);
  expect(m.at(S1E2R, VA48)).toBe((0xffn << 56n) | DATA | (3n << 7n) | PAR_BITS);
});

test('cache maintenance by address reports CM and WnR', () => {
  const m = machine48(DATA | NORMAL | PAGE | READ_ONLY);
  expect(m.maintain(VA48)).toBeUndefined();
  expect(m.maintain(VA48, true)).toMatchObject({ fsc: 0x0f, iss: 0x0f | CM | WNR });
  expect(m.maintain(0n)).toMatchObject({ fsc: 0x04, iss: 0x04 | CM | WNR, far: 0n });
});

test('hostWalk sees what the core would, and leaves no trace', () => {
  const m = guest(48n);
  const result = (): bigint => m.view.getBigUint64(WALK_RESULT, true);
  const walk = (va: bigint, flags: number): number =>
    m.kernel.hostWalk(0, Number(va >> 32n), Number(va & 0xffff_ffffn), flags);
  expect(walk(VA48, 0)).toBe(1);
  expect(result()).toBe(DATA + 0x9a0n);
  expect(walk(VA48, 4)).toBe(1);
  expect(result()).toBe(DATA + IPA_OFFSET + 0x9a0n);
  expect(walk(VA48, 2)).toBe(0);
  expect(m.view.getUint32(WALK_RESULT + 16, true)).toBe(0x0f);
  expect(m.view.getUint32(WALK_RESULT + 20, true)).toBe(0);
  m.tables([[S2L3 + 4n * 0x1000n, 0n]]);
  m.kernel.tlbFlushVmid(7);
  expect(walk(VA48, 1)).toBe(0);
  expect(m.view.getUint32(WALK_RESULT + 16, true)).toBe(0x07);
  expect(m.view.getUint32(WALK_RESULT + 20, true)).toBe(1);
  expect(m.view.getBigUint64(WALK_RESULT + 8, true)).toBe(DATA + IPA_OFFSET + 0x9a0n);
  expect(m.reads()).toBe(0);
});
