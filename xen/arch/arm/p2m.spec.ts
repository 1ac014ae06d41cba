import { expect, test } from 'vitest';
import { fakeXen, type FakeXen } from '../../../test/support/fake-xen.js';
import type { Domain } from '../../common/domain.js';
import { createDomain, destroyDomain, unpauseByController } from '../../common/domctl.js';
import {
  leafEntry,
  P2M_MAP_FOREIGN_RW,
  P2M_MMIO_DIRECT_DEV,
  P2M_RAM_RO,
  P2M_RAM_RW,
  splitEntry,
  tableEntry,
} from './p2m.js';

const UUID = '00000000-0000-0000-0000-000000000001';

function domain(f: FakeXen, name = 'a'): Domain {
  return createDomain(f.xen, { name, uuid: UUID, kind: 'guest', options: { p2mPoolPages: 64, nrSpis: 2 } });
}

/** The descriptor at one level of a walk, by hand: level 1 index is IPA[39:30] over two tables, then 9 bits each. */
function descriptor(f: FakeXen, d: Domain, ipa: number, level: 1 | 2 | 3): bigint {
  let table = d.p2m.root;
  let index = Math.floor(ipa / 2 ** 30);
  for (let l = 1; ; l++) {
    const e = f.memory.read64(table + index * 8);
    if (l === level) return e;
    table = Number(e & 0xffff_ffff_f000n);
    index = Math.floor(ipa / 2 ** (l === 1 ? 21 : 12)) % 512;
  }
}

// Bits by hand (DDI 0487 D8.3; lpae_p2m_t): valid 0, table/page 1, MemAttr 5:2, S2AP 7:6, SH 9:8, AF 10, XN 54, type 58:55.
test('descriptors have the bits that Xen gives them', () => {
  expect(leafEntry(0x4_8000_0000, P2M_RAM_RW, 2)).toBe(0x0080_0004_8000_07fdn);
  expect(leafEntry(0x5_0000_1000, P2M_RAM_RO, 3)).toBe(0x0100_0005_0000_177fn);
  // Device-nGnRE 0b0001, outer shareable, XN, type 3
  expect(leafEntry(0xf106_f000, P2M_MMIO_DIRECT_DEV, 3)).toBe(0x01c0_0000_f106_f6c7n);
  // foreign: XN, type 6
  expect(leafEntry(0x4800_5000, P2M_MAP_FOREIGN_RW, 3)).toBe(0x0340_0000_4800_57ffn);
  expect(tableEntry(0x4800_2000)).toBe(0x0080_0000_4800_27ffn);
  // the 3rd page of a 2 MiB block
  expect(splitEntry(leafEntry(0x4820_0000, P2M_RAM_RW, 2), 2, 2)).toBe(0x0080_0000_4820_27ffn);
});

test('2 MiB aligned RAM is mapped with blocks, the rest with pages', () => {
  const f = fakeXen();
  const d = domain(f);
  expect(d.p2m.map(0x40000, 0x4a00_0000, 512, P2M_RAM_RW)).toBe(0);
  expect(d.p2m.map(0x39000, 0x4900_0000, 4, P2M_RAM_RW)).toBe(0);
  expect(descriptor(f, d, 0x4000_0000, 2)).toBe(0x0080_0000_4a00_07fdn);
  expect(descriptor(f, d, 0x3900_3000, 3)).toBe(0x0080_0000_4900_37ffn);
  expect(d.p2m.mappings).toEqual([0, 0, 1, 4]);
  expect(d.p2m.lookup(0x40123)).toEqual({ pa: 0x4a12_3000, type: P2M_RAM_RW, order: 9, valid: true });
  // the upper of the two concatenated root tables: IPA 0x80_0000_0000 and up
  expect(d.p2m.map(0x800_0000, 0x4b00_0000, 1, P2M_RAM_RW)).toBe(0);
  expect(f.memory.read64(d.p2m.root + 4096) & 1n).toBe(1n);
  expect(d.p2m.map(2 ** 28, 0x4b00_0000, 1, P2M_RAM_RW)).toBe(-22);
  expect(d.p2m.vttbr).toBe((BigInt(d.p2m.vmid) << 48n) | BigInt(d.p2m.root));
});

test('replacing a page inside a block shatters it, with break before make', () => {
  const f = fakeXen();
  const d = domain(f);
  d.p2m.map(0x40000, 0x4a00_0000, 512, P2M_RAM_RW);
  const free = d.p2m.poolPages.free;
  f.flushed.length = 0;
  expect(d.p2m.map(0x40100, 0x4900_0000, 1, P2M_RAM_RW)).toBe(0);
  expect(f.flushed).toContain(d.p2m.vmid);
  expect(d.p2m.poolPages.free).toBe(free - 1);
  expect(descriptor(f, d, 0x400f_f000, 3)).toBe(0x0080_0000_4a0f_f7ffn);
  expect(descriptor(f, d, 0x4010_0000, 3)).toBe(0x0080_0000_4900_07ffn);
  expect(descriptor(f, d, 0x401f_f000, 3)).toBe(0x0080_0000_4a1f_f7ffn);
  expect(d.p2m.unmap(0x40100, 1)).toBe(0);
  expect(d.p2m.lookup(0x40100)).toBeUndefined();
  expect(d.p2m.lookup(0x40101)?.pa).toBe(0x4a10_1000);
});

test('the first touch of each level faults once after the creation (xen-ioreq 5.2)', () => {
  const f = fakeXen();
  const d = domain(f);
  d.p2m.map(0x40000, 0x4a00_0000, 512, P2M_RAM_RW);
  d.p2m.map(0x40200, 0x4b00_0000, 1, P2M_RAM_RW);
  expect(unpauseByController(f.xen, d)).toBe(0);
  expect(descriptor(f, d, 0x4000_0000, 1) & 1n).toBe(0n);
  // the block: level 1 table, then level 2 block
  expect(d.p2m.resolveFault(0x40000)).toBe(true);
  expect(descriptor(f, d, 0x4000_0000, 1) & 1n).toBe(1n);
  expect(descriptor(f, d, 0x4000_0000, 2) & 1n).toBe(0n);
  expect(d.p2m.resolveFault(0x40000)).toBe(true);
  expect(descriptor(f, d, 0x4000_0000, 2) & 1n).toBe(1n);
  // the page: level 2 table, then level 3
  expect(d.p2m.resolveFault(0x40200)).toBe(true);
  expect(descriptor(f, d, 0x4020_0000, 3) & 1n).toBe(0n);
  expect(d.p2m.resolveFault(0x40200)).toBe(true);
  expect(descriptor(f, d, 0x4020_0000, 3) & 1n).toBe(1n);
  // a hole below the highest mapped frame is a real fault
  expect(d.p2m.resolveFault(0x02000)).toBe(false);
  expect(d.p2m.lookup(0x40200)?.type).toBe(P2M_RAM_RW);
});

test('an exhausted pool refuses, and unmapping everything gives the tables back', () => {
  const f = fakeXen();
  const d = createDomain(f.xen, { name: 'a', uuid: UUID, kind: 'guest', options: { p2mPoolPages: 2 } });
  expect(d.p2m.map(0x40000, 0x4a00_0000, 1, P2M_RAM_RW)).toBe(0);
  expect(d.p2m.map(0x80000, 0x4a00_1000, 1, P2M_RAM_RW)).toBe(-12);
  d.p2m.relinquish();
  expect(d.p2m.poolPages).toEqual({ total: 2, free: 2 });
});

test('a foreign mapping pins the frame and its dead owner until it is removed', () => {
  const f = fakeXen();
  const guest = domain(f, 'guest');
  const backend = createDomain(f.xen, { name: 'be', uuid: UUID, kind: 'modelled' });
  const pa = f.xen.heap.allocPages(0, guest.id)!;
  guest.totPages++;
  guest.p2m.map(0x40000, pa, 1, P2M_RAM_RW);
  expect(f.xen.heap.getPage(pa, guest.id)).toBe(true);
  expect(backend.p2m.map(0x1000, pa, 1, P2M_MAP_FOREIGN_RW)).toBe(0);
  destroyDomain(f.xen, guest);
  expect(f.xen.domain(guest.id)?.isDying).toBe(2);
  expect(f.xen.heap.owner(pa)).toBe(guest.id);
  expect(backend.p2m.unmap(0x1000, 1)).toBe(0);
  expect(f.xen.domain(guest.id)).toBeUndefined();
  expect(f.xen.heap.owner(pa)).toBeUndefined();
});

test('creating and destroying domains leaks no page and no VMID', () => {
  const f = fakeXen();
  const before = f.xen.heap.freePages;
  for (let i = 0; i < 300; i++) {
    const d = domain(f, `d${i}`);
    d.p2m.map(0x40000, 0x4a00_0000, 1, P2M_RAM_RW);
    destroyDomain(f.xen, d);
  }
  expect(f.xen.heap.freePages).toBe(before);
  expect(f.xen.domains.size).toBe(0);
});
