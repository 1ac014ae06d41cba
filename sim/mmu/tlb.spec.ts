import { expect, test } from 'vitest';
import { DEVICE, MmuProbe, RAM, type Taken } from '../../test/support/mmu-probe.js';
import { CORE_EVENT, CORE_TLB_MISSES, HOT_PC, SLOW_KIND, UOP_MAP } from '../wasm/layout.js';

const TABLE = 3n;
const PAGE = 3n;
const BLOCK = 1n;
const NORMAL = (1n << 10n) | (3n << 8n) | (1n << 2n);
const DEVICE_MEMORY = 1n << 10n;
const USER = 1n << 6n;
const READ_ONLY = 1n << 7n;
const NG = 1n << 11n;
const MAIR = 0xff04n;
/** T0SZ = T1SZ = 25 (39 bits), 4K, IPS 40 bits, 16-bit ASIDs. */
const TCR = 25n | (25n << 16n) | (2n << 30n) | (2n << 32n) | (1n << 36n);

const ram = BigInt(RAM);
const L1 = ram + 0x1_0000n;
const L2 = ram + 0x2_0000n;
const L3 = ram + 0x3_0000n;
const PAGES = ram + 0x80_0000n;
/** Level-1 index 1, level-2 index 2: pages of L3. */
const VA = 0x4040_0000n;

// sim/mmu/kernel/maintenance.ts
const VMALLE1 = 0;
const VAE1 = 1;
const ASIDE1 = 2;
const VAAE1 = 3;
const VMALLS12E1 = 4;
const ALLE1 = 5;
const IPAS2E1 = 6;
const VAE2 = 7;
const ALLE2 = 8;

/** Pages 0..15 of VA are pages of RAM whose first word is the page's number + 100; both cores have the same tables. */
function machine(flags = NG): MmuProbe {
  const m = new MmuProbe();
  m.tables([
    [L1 + 8n, L2 | TABLE],
    [L2 + 16n, L3 | TABLE],
  ]);
  for (let i = 0n; i < 16n; i++) {
    m.tables([[L3 + i * 8n, (PAGES + i * 0x1000n) | NORMAL | flags | PAGE]]);
    m.ram.write64(Number(PAGES + i * 0x1000n), 100n + i);
  }
  for (const core of [1, 0]) {
    m.on(core).set('MAIR_EL1', MAIR).set('TCR_EL1', TCR).set('TTBR0_EL1', L1).set('SCTLR_EL1', 1n);
  }
  return m;
}

/** Points page 0 of VA at page 5: a TLB that still has the old translation reads 100, a new walk 105. */
function remap(m: MmuProbe): void {
  m.tables([[L3, (PAGES + 0x5000n) | NORMAL | PAGE]]);
}

test('an entry stays until it is invalidated', () => {
  const m = machine();
  expect(m.read(VA)).toBe(100n);
  remap(m);
  expect(m.read(VA)).toBe(100n);
  m.tlbi(VAE1, VA >> 12n);
  expect(m.read(VA)).toBe(105n);
});

test.each([
  ['VMALLE1', VMALLE1, 0n, true],
  ['VAE1', VAE1, VA >> 12n, true],
  ['VAE1 of another page', VAE1, (VA + 0x1000n) >> 12n, false],
  ['VAE1 of the same TLB slot', VAE1, (VA + 0x80_0000n) >> 12n, false],
  ['ASIDE1', ASIDE1, 0n, true],
  ['ASIDE1 of another ASID', ASIDE1, 9n << 48n, false],
  ['VAAE1', VAAE1, VA >> 12n, true],
  ['VMALLS12E1', VMALLS12E1, 0n, true],
  ['ALLE1', ALLE1, 0n, true],
  ['IPAS2E1', IPAS2E1, 0n, true],
  ['ALLE2', ALLE2, 0n, false],
] as [string, number, bigint, boolean][])('TLBI %s', (_name, kind, value, drops) => {
  const m = machine();
  expect(m.read(VA)).toBe(100n);
  m.on(1);
  expect(m.read(VA)).toBe(100n);
  remap(m);
  m.tlbi(kind, value);
  expect(m.read(VA)).toBe(drops ? 105n : 100n);
  expect(m.on(0).read(VA)).toBe(drops ? 105n : 100n);
});

test('a local TLBI by address leaves other cores alone, unless HCR_EL2.FB', () => {
  const m = machine();
  for (const core of [1, 0]) expect(m.on(core).read(VA)).toBe(100n);
  remap(m);
  m.tlbi(VAE1, VA >> 12n, false);
  expect(m.read(VA)).toBe(105n);
  expect(m.on(1).read(VA)).toBe(100n);
  m.on(0).set('HCR_EL2', 1n << 9n);
  m.tlbi(VAE1, VA >> 12n, false);
  expect(m.on(1).read(VA)).toBe(105n);
});

test('TLBI VAE2 and ALLE2 are for the EL2 regime', () => {
  for (const [kind, value] of [
    [VAE2, VA >> 12n],
    [ALLE2, 0n],
  ] as [number, bigint][]) {
    const m = machine();
    m.set('MAIR_EL2', MAIR)
      .set('TCR_EL2', 25n | (2n << 16n))
      .set('TTBR0_EL2', L1)
      .set('SCTLR_EL2', 1n)
      .el(2);
    expect(m.read(VA)).toBe(100n);
    remap(m);
    expect(m.read(VA)).toBe(100n);
    m.tlbi(kind, value);
    expect(m.read(VA)).toBe(105n);
  }
});

test('TLBI by any address of a block removes all of it', () => {
  const m = machine();
  m.tables([[L2 + 3n * 8n, (PAGES & ~0x1f_ffffn) | NORMAL | BLOCK]]);
  const block = VA + 0x20_0000n;
  expect(m.read(block + 0x5000n)).toBe(105n);
  expect(m.read(block + 0x7000n)).toBe(107n);
  m.tables([[L2 + 3n * 8n, 0n]]);
  expect(m.read(block + 0x5000n)).toBe(105n);
  m.tlbi(VAAE1, (block + 0x1f_0000n) >> 12n);
  expect(m.read(block + 0x5000n)).toMatchObject({ fsc: 0x06 });
  expect(m.read(block + 0x7000n)).toMatchObject({ fsc: 0x06 });
  // 1 GiB: the RAM's own gigabyte at level-1 index 2
  m.tables([[L1 + 16n, 0x4000_0000n | NORMAL | BLOCK]]);
  const huge = 0x8000_0000n + (PAGES & 0x3fff_ffffn);
  expect(m.read(huge + 0x3000n)).toBe(103n);
  m.tables([[L1 + 16n, 0n]]);
  m.tlbi(VAAE1, 0xbfff_f000n >> 12n);
  expect(m.read(huge + 0x3000n)).toMatchObject({ fsc: 0x05 });
});

test('a 64K page goes as a whole', () => {
  const m = machine();
  // 42 bits: VA 0 is index 0 of the root, page 2 of L3
  m.set('TCR_EL1', 22n | (1n << 14n) | (2n << 32n)).set('TTBR0_EL1', L1);
  m.tables([
    [L1, L3 | TABLE],
    [L3 + 16n, PAGES | NORMAL | PAGE],
  ]);
  expect(m.read(0x2_1000n)).toBe(101n);
  expect(m.read(0x2_9000n)).toBe(109n);
  m.tables([[L3 + 16n, 0n]]);
  m.tlbi(VAAE1, 0x2_0000n >> 12n);
  expect(m.read(0x2_1000n)).toMatchObject({ fsc: 0x07 });
  expect(m.read(0x2_9000n)).toMatchObject({ fsc: 0x07 });
});

test('ASIDs keep entries apart, and a switch drops nothing', () => {
  const m = machine();
  m.set('TTBR0_EL1', L1 | (1n << 48n));
  expect(m.read(VA)).toBe(100n);
  remap(m);
  m.set('TTBR0_EL1', L1 | (2n << 48n));
  expect(m.read(VA + 0x1000n)).toBe(101n);
  m.set('TTBR0_EL1', L1 | (1n << 48n));
  expect(m.read(VA)).toBe(100n);
  m.tlbi(ASIDE1, 2n << 48n);
  expect(m.read(VA)).toBe(100n);
  m.set('TTBR0_EL1', L1 | (2n << 48n));
  expect(m.read(VA)).toBe(105n);
  m.tables([[L3, (PAGES + 0x6000n) | NORMAL | PAGE]]);
  m.tlbi(ASIDE1, 1n << 48n);
  expect(m.read(VA)).toBe(105n);
  m.tlbi(ASIDE1, 2n << 48n);
  expect(m.read(VA)).toBe(106n);
});

test('TCR_EL1.A1 and AS choose the ASID', () => {
  const m = machine();
  m.set('TCR_EL1', TCR | (1n << 22n)).set('TTBR1_EL1', 3n << 48n);
  expect(m.read(VA)).toBe(100n);
  remap(m);
  // TTBR0's ASID does not count
  m.set('TTBR0_EL1', L1 | (7n << 48n));
  expect(m.read(VA)).toBe(100n);
  m.set('TTBR1_EL1', 4n << 48n);
  expect(m.read(VA)).toBe(105n);
  // 8-bit ASIDs: 0x104 is 4
  m.set('TCR_EL1', (TCR | (1n << 22n)) & ~(1n << 36n));
  expect(m.read(VA)).toBe(105n);
  m.tables([[L3, (PAGES + 0x6000n) | NORMAL | PAGE]]);
  m.set('TTBR1_EL1', 0x104n << 48n);
  expect(m.read(VA)).toBe(105n);
});

test('VMIDs keep entries apart; tlbFlushVmid drops one of them', () => {
  const m = machine();
  m.set('VTTBR_EL2', 1n << 48n);
  expect(m.read(VA)).toBe(100n);
  remap(m);
  m.set('VTTBR_EL2', 2n << 48n);
  expect(m.read(VA)).toBe(105n);
  m.tables([[L3, (PAGES + 0x6000n) | NORMAL | PAGE]]);
  m.kernel.tlbFlushVmid(1);
  expect(m.read(VA)).toBe(105n);
  m.set('VTTBR_EL2', 1n << 48n);
  expect(m.read(VA)).toBe(106n);
});

test('EL0 and EL1 do not share rights; LDTR uses those of EL0', () => {
  const m = machine();
  expect(m.read(VA)).toBe(100n);
  expect(m.el(0).read(VA)).toMatchObject({ fsc: 0x0f });
  m.el(1);
  expect(m.kernel.fastRead(0, Number(VA), 8, 0)).toBe(1);
  expect(m.kernel.fastRead(0, Number(VA), 8, 1)).toBe(0);
  expect(m.read(VA, 8, { flags: 1 })).toMatchObject({ fsc: 0x0f });
});

test('read-only entries let no store pass', () => {
  const m = machine(READ_ONLY);
  expect(m.read(VA)).toBe(100n);
  expect(m.write(VA, 1n)).toMatchObject({ fsc: 0x0f });
  expect(m.ram.read64(Number(PAGES))).toBe(100n);
});

test('switching the MMU on and off changes the meaning of addresses', () => {
  const m = machine();
  const same = PAGES;
  m.set('SCTLR_EL1', 0n);
  expect(m.read(same)).toBe(100n);
  m.set('SCTLR_EL1', 1n);
  // level-1 index 1 is the table, its entry 0x44 is empty
  expect(m.read(same)).toMatchObject({ fsc: 0x06 });
});

test('thousands of ASIDs: ids run out and everything is flushed, twice', () => {
  const m = machine();
  for (let asid = 1n; asid < 5000n; asid++) {
    m.set('TTBR0_EL1', L1 | (asid << 48n));
    if (asid % 997n === 0n) expect(m.read(VA)).toBe(100n);
  }
  remap(m);
  m.set('TTBR0_EL1', L1 | (1n << 48n));
  expect(m.read(VA)).toBe(105n);
  expect(m.on(1).read(VA)).toBe(105n);
});

test('an access over a page end: both halves, or a fault before any effect', () => {
  const m = machine();
  m.ram.write64(Number(PAGES) + 0xff8, 0x1122_3344_5566_7788n);
  m.ram.write64(Number(PAGES) + 0x1000, 0xaabb_ccdd_eeff_0011n);
  expect(m.read(VA + 0xffcn)).toBe(0xeeff_0011_1122_3344n);
  expect(m.write(VA + 0xffdn, 0x0807_0605_0403_0201n)).toBeUndefined();
  expect(m.ram.read64(Number(PAGES) + 0xff8)).toBe(0x0302_0144_5566_7788n);
  expect(m.ram.read64(Number(PAGES) + 0x1000)).toBe(0xaabb_cc08_0706_0504n);
  // page 15 is the last one: nothing of the store is done
  m.ram.write64(Number(PAGES) + 0xfff8, 7n);
  expect(m.write(VA + 0xfffcn, 0xffff_ffff_ffff_ffffn)).toMatchObject({ fsc: 0x07, far: VA + 0x1_0000n });
  expect(m.read(VA + 0xfffcn)).toMatchObject({ fsc: 0x07, far: VA + 0x1_0000n });
  expect(m.ram.read64(Number(PAGES) + 0xfff8)).toBe(7n);
  // a second page that is read-only
  m.tables([[L3 + 8n, (PAGES + 0x1000n) | NORMAL | READ_ONLY | PAGE]]);
  m.tlbi(VMALLE1);
  expect(m.write(VA + 0xffcn, 0n)).toMatchObject({ fsc: 0x0f, far: VA + 0x1000n });
  expect(m.ram.read64(Number(PAGES) + 0xff8)).toBe(0x0302_0144_5566_7788n);
});

// ---- devices ----
const DEVICE_VA = VA + 0x8000n;
function withDevice(): MmuProbe {
  const m = machine();
  m.tables([[L3 + 8n * 8n, BigInt(DEVICE) | DEVICE_MEMORY | PAGE]]);
  m.tables([[L3 + 9n * 8n, BigInt(DEVICE + 0x10_0000) | DEVICE_MEMORY | PAGE]]);
  return m;
}

test('devices: every width reaches the bus, and only the bus', () => {
  const m = withDevice();
  m.answer = 0x8877_6655_4433_2211n;
  expect(m.read(DEVICE_VA + 8n)).toBe(0x8877_6655_4433_2211n);
  expect(m.view.getUint32(SLOW_KIND, true)).toBe(1);
  expect(m.read(DEVICE_VA + 6n, 2)).toBe(0x2211n);
  expect(m.read(DEVICE_VA + 5n, 1)).toBe(0x11n);
  expect(m.write(DEVICE_VA + 4n, 0xdead_beefn, 4)).toBeUndefined();
  expect(m.write(DEVICE_VA + 16n, 0x0123_4567_89ab_cdefn)).toBeUndefined();
  expect(m.bus.map(({ kind, pa, size }) => `${kind} ${pa - DEVICE} ${size}`)).toEqual([
    'read 8 8',
    'read 6 2',
    'read 5 1',
    'write 4 4',
    'write 16 8',
  ]);
  expect(m.bus[3]?.value).toBe(0xdead_beefn);
  expect(m.bus[4]?.value).toBe(0x0123_4567_89ab_cdefn);
  expect(m.kernel.fastRead(0, Number(DEVICE_VA), 4, 0)).toBe(0);
  // one walk serves them all, and the next RAM access says that it was none
  expect(m.reads()).toBe(3);
  m.read(VA);
  expect(m.view.getUint32(SLOW_KIND, true)).toBe(0);
});

test('devices: pairs are one access per register', () => {
  const m = withDevice();
  expect(m.write(DEVICE_VA, 0x2222_2222_1111_1111n, 8, { flags: 0x30 })).toBeUndefined();
  expect(m.write(DEVICE_VA + 8n, 0x33n, 16, { flags: 0x40 })).toBeUndefined();
  expect(m.bus).toEqual([
    { kind: 'write', pa: DEVICE, size: 4, value: 0x1111_1111n },
    { kind: 'write', pa: DEVICE + 4, size: 4, value: 0x2222_2222n },
    { kind: 'write', pa: DEVICE + 8, size: 8, value: 0x33n },
    { kind: 'write', pa: DEVICE + 16, size: 8, value: 0n },
  ]);
});

test('devices: misaligned accesses, exclusives and holes abort', () => {
  const m = withDevice();
  expect(m.read(DEVICE_VA + 2n, 4)).toMatchObject({ fsc: 0x21 });
  expect(m.read(DEVICE_VA + 4n, 4)).toBe(0n);
  expect(m.read(DEVICE_VA + 2n, 4)).toMatchObject({ fsc: 0x21 });
  expect(m.loadExclusive(DEVICE_VA)).toMatchObject({ fsc: 0x35 });
  expect(m.storeExclusive(DEVICE_VA, 0n)).toMatchObject({ fsc: 0x35 });
  expect(m.zero(DEVICE_VA)).toMatchObject({ fsc: 0x21 });
  expect(m.read(DEVICE_VA + 0x1010n, 4)).toMatchObject({ fsc: 0x10, far: DEVICE_VA + 0x1010n });
  expect(m.write(DEVICE_VA + 0x1010n, 0n, 4)).toMatchObject({ fsc: 0x10, iss: 0x10 | 0x40 });
  expect(m.fetch(DEVICE_VA)).toMatchObject({ fsc: 0x10 });
  expect(m.bus.length).toBe(1);
});

test('devices: a TLBI ends the kept translation', () => {
  const m = withDevice();
  expect(m.read(DEVICE_VA, 4)).toBe(0n);
  m.tables([[L3 + 8n * 8n, (PAGES + 0x4000n) | NORMAL | PAGE]]);
  expect(m.read(DEVICE_VA, 4)).toBe(0n);
  m.tlbi(VAAE1, DEVICE_VA >> 12n);
  expect(m.read(DEVICE_VA, 4)).toBe(104n);
});

// ---- decoded code ----
const uopOp = (m: MmuProbe, uops: number, word: number): number => m.view.getUint8(uops + word * 16);
const hostPage = (m: MmuProbe, page: bigint): number => m.kernel.hostOfExport(0, Number(PAGES + page * 0x1000n)) >>> 12;

/** Marks a micro-op as decoded, as the decoder would. */
function decoded(m: MmuProbe, uops: number, ...words: number[]): void {
  for (const word of words) m.view.setUint8(uops + word * 16, 200);
}

test('a page of micro-ops starts undecoded, ends with a sentinel, and is found again', () => {
  const m = machine();
  const uops = m.fetch(VA + 0x2004n) as number;
  expect(uopOp(m, uops, 0)).toBe(0);
  expect(uopOp(m, uops, 1023)).toBe(0);
  expect(uopOp(m, uops, 1024)).not.toBe(0);
  expect(m.fetch(VA + 0x2ffcn)).toBe(uops);
  // the other core shares it
  expect(m.on(1).fetch(VA + 0x2000n)).toBe(uops);
});

test('a store into decoded code undoes exactly the words it hits, from any core and any alias', () => {
  const m = machine();
  // page 3 is an alias of page 2
  m.tables([[L3 + 24n, (PAGES + 0x2000n) | NORMAL | PAGE]]);
  expect(m.write(VA + 0x3000n, 0n)).toBeUndefined();
  expect(m.on(1).write(VA + 0x2000n, 0n)).toBeUndefined();
  const uops = m.on(0).fetch(VA + 0x2000n) as number;
  decoded(m, uops, 0, 1, 2, 3, 4, 5);
  expect(m.write(VA + 0x3006n, 0n, 4)).toBeUndefined();
  expect([0, 1, 2, 3].map((word) => uopOp(m, uops, word))).toEqual([200, 0, 0, 200]);
  expect(m.on(1).write(VA + 0x200cn, 0n, 1)).toBeUndefined();
  expect(uopOp(m, uops, 3)).toBe(0);
  expect(uopOp(m, uops, 4)).toBe(200);
  expect(m.on(0).zero(VA + 0x2000n)).toBeUndefined();
  expect(uopOp(m, uops, 4)).toBe(0);
  decoded(m, uops, 0);
  expect(m.loadExclusive(VA + 0x3000n, 4)).toBe(true);
  expect(m.storeExclusive(VA + 0x3000n, 1n, 4)).toBe('stored');
  expect(uopOp(m, uops, 0)).toBe(0);
});

test('stores to a page with code are seen although its entry was writable before', () => {
  const m = machine();
  expect(m.write(VA + 0x2000n, 1n)).toBeUndefined();
  expect(m.kernel.fastWrite(0, Number(VA + 0x2000n), 8, 0)).toBe(1);
  m.fetch(VA + 0x2000n);
  expect(m.kernel.fastWrite(0, Number(VA + 0x2000n), 8, 0)).toBe(0);
  expect(m.write(VA + 0x2000n, 2n)).toBeUndefined();
  expect(m.kernel.fastWrite(0, Number(VA + 0x2000n), 8, 0)).toBe(0);
  expect(m.kernel.fastRead(0, Number(VA + 0x2000n), 8, 0)).toBe(1);
});

test('a page that is only written becomes data again; misses stay few meanwhile', () => {
  const m = machine();
  m.fetch(VA + 0x2000n);
  // what runs is in page 4
  m.fetch(VA + 0x4000n);
  m.view.setBigUint64(HOT_PC, VA + 0x4000n, true);
  m.setWord(CORE_TLB_MISSES, 0);
  for (let i = 0; i < 70; i++) m.write(VA + 0x2800n, BigInt(i));
  expect(m.view.getUint32(UOP_MAP + hostPage(m, 2n) * 4, true)).toBe(0);
  expect(m.kernel.fastWrite(0, Number(VA + 0x2000n), 8, 0)).toBe(1);
  expect(m.word(CORE_TLB_MISSES)).toBeLessThan(4);
});

test('the host drops a page; more users than the record holds are found too', () => {
  const m = machine();
  // 10 aliases of page 2
  for (let i = 3n; i < 13n; i++) m.tables([[L3 + i * 8n, (PAGES + 0x2000n) | NORMAL | PAGE]]);
  const uops = m.fetch(VA + 0x2000n) as number;
  for (let i = 3n; i < 13n; i++) expect(m.fetch(VA + i * 0x1000n)).toBe(uops);
  m.kernel.invalidateCodeHost(hostPage(m, 2n));
  decoded(m, uops, 7);
  // the freed page serves the next one, and no alias leads to it any more
  expect(m.fetch(VA + 0xe000n)).toBe(uops);
  expect(uopOp(m, uops, 7)).toBe(0);
  for (let i = 2n; i < 13n; i++) expect(m.fetch(VA + i * 0x1000n)).not.toBe(uops);
});

test('writing RAM from outside drops its code', () => {
  const m = machine();
  const uops = m.fetch(VA + 0x2000n) as number;
  m.ram.write64(Number(PAGES) + 0x2000, 0n);
  expect(m.view.getUint32(UOP_MAP + hostPage(m, 2n) * 4, true)).toBe(0);
  expect(m.fetch(VA + 0x2000n)).toBe(uops);
});

// ---- exclusives ----
test('exclusives: store once, in the marked granule only', () => {
  const m = machine();
  expect(m.storeExclusive(VA, 1n)).toBe('failed');
  expect(m.loadExclusive(VA)).toBe(true);
  expect(m.storeExclusive(VA, 2n)).toBe('stored');
  expect(m.storeExclusive(VA, 3n)).toBe('failed');
  expect(m.ram.read64(Number(PAGES))).toBe(2n);
  m.loadExclusive(VA);
  expect(m.storeExclusive(VA + 0x40n, 4n)).toBe('failed');
  m.loadExclusive(VA);
  expect(m.storeExclusive(VA + 0x38n, 5n)).toBe('stored');
});

test('exclusives: misaligned ones fault, also pairs, and a fault comes before the monitor', () => {
  const m = machine(USER | NG);
  expect(m.loadExclusive(VA + 4n)).toMatchObject({ fsc: 0x21, iss: 0x21 });
  expect(m.loadExclusive(VA + 8n, 16)).toMatchObject({ fsc: 0x21 });
  expect(m.storeExclusive(VA + 1n, 0n, 2)).toMatchObject({ fsc: 0x21, iss: 0x61 });
  expect(m.storeExclusive(VA + 0x10_0000n, 0n)).toMatchObject({ fsc: 0x07 });
});

test('exclusives: a write from outside opens the monitor and is an event', () => {
  const m = machine();
  m.loadExclusive(VA);
  m.setWord(CORE_EVENT, 0);
  m.ram.write64(Number(PAGES) + 0x40, 1n);
  expect(m.word(CORE_EVENT)).toBe(0);
  m.ram.write64(Number(PAGES) + 0x38, 1n);
  expect(m.word(CORE_EVENT)).toBe(1);
  expect(m.storeExclusive(VA, 9n)).toBe('failed');
});

test('a fault leaves the TLB as it was', () => {
  const m = machine();
  expect((m.read(VA + 0x10_0000n) as Taken).fsc).toBe(0x07);
  m.tables([[L3 + 0x100n * 8n, (PAGES + 0x3000n) | NORMAL | PAGE]]);
  // no TLBI is needed to go from invalid to valid
  expect(m.read(VA + 0x10_0000n)).toBe(103n);
});
