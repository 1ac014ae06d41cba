import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  cells,
  cells64,
  EMPTY,
  fdtNode,
  fdtProperty,
  findFdtNode,
  readCells,
  readFdt,
  readStrings,
  writeFdt,
} from './fdt.js';
import type { Fdt, FdtNode } from './fdt.js';

// The blob that dtc 1.6.1 makes of the tree below (memreserve, strings, an empty property, bytes).
const DTC_BLOB =
  'd00dfeed00000163000000480000011c0000002800000011000000100000000000000047000000d4' +
  '00000000480000000000000000001000000000000000000000000000000000000000000100000000' +
  '0000000300000004000000000000000200000003000000040000000f000000020000000300000019' +
  '0000001b78656e2c78656e766d2d342e32300078656e2c78656e766d00000000000000016d656d6f' +
  '7279403430303030303030000000000300000007000000266d656d6f727900000000000300000010' +
  '0000003200000000400000000000000010000000000000020000000176697274696f403230303030' +
  '30300000000000030000000000000036000000030000000300000043010203000000000200000002' +
  '0000000923616464726573732d63656c6c73002373697a652d63656c6c7300636f6d70617469626c' +
  '65006465766963655f747970650072656700646d612d636f686572656e74006d616300';

const tree: Fdt = {
  bootCpu: 0,
  reservations: [{ address: 0x48000000n, size: 0x1000n }],
  root: fdtNode('', { '#address-cells': 2, '#size-cells': 2, compatible: ['xen,xenvm-4.20', 'xen,xenvm'] }, [
    fdtNode('memory@40000000', { device_type: 'memory', reg: cells64(0x4000_0000, 0x1000_0000n) }),
    fdtNode('virtio@2000000', { 'dma-coherent': EMPTY, mac: Uint8Array.of(1, 2, 3) }),
  ]),
};

test('writes the bytes that dtc writes', () => {
  expect(Buffer.from(writeFdt(tree)).toString('hex')).toBe(DTC_BLOB);
});

test('reads the bytes that dtc writes', () => {
  const fdt = readFdt(Buffer.from(DTC_BLOB, 'hex'));
  expect(fdt).toEqual(tree);
  const memory = findFdtNode(fdt, '/memory');
  expect(memory?.name).toBe('memory@40000000');
  expect(readCells(fdtProperty(memory as FdtNode, 'reg') ?? EMPTY)).toEqual([0, 0x40000000, 0, 0x10000000]);
  expect(readStrings(fdtProperty(fdt.root, 'compatible') ?? EMPTY)).toEqual(['xen,xenvm-4.20', 'xen,xenvm']);
});

test('padding is counted in totalsize', () => {
  const blob = writeFdt(tree, 4096);
  expect(blob.length).toBe(4096);
  expect(readFdt(blob)).toEqual(tree);
});

const nodeName = fc.stringMatching(/^[a-z][a-z0-9,._+-]{0,10}(@[0-9a-f]{1,8})?$/);
const property = fc.record({
  name: fc.stringMatching(/^[a-z#][a-z0-9,._+?#-]{0,20}$/),
  value: fc.uint8Array({ maxLength: 24 }),
});
const nodeOfDepth = (depth: number): fc.Arbitrary<FdtNode> =>
  fc.record({
    name: nodeName,
    properties: fc.uniqueArray(property, { maxLength: 5, selector: (p) => p.name }),
    children: depth === 0 ? fc.constant<FdtNode[]>([]) : fc.array(nodeOfDepth(depth - 1), { maxLength: 3 }),
  });
const trees: fc.Arbitrary<Fdt> = fc.record({
  root: nodeOfDepth(3).map((root) => ({ ...root, name: '' })),
  reservations: fc.array(fc.record({ address: fc.bigInt(1n, 2n ** 64n - 1n), size: fc.bigInt(1n, 2n ** 64n - 1n) }), {
    maxLength: 3,
  }),
  bootCpu: fc.nat(),
});

test('reading what was written is the identity', () => {
  fc.assert(
    fc.property(trees, (fdt) => {
      expect(readFdt(writeFdt(fdt))).toEqual(fdt);
    }),
    { numRuns: 200 },
  );
});

test('a damaged blob is refused or read, never thrown on otherwise, never read outside', () => {
  const good = writeFdt(tree);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
      const bad = good.slice(0, Math.max(length, at + 1));
      bad[at] = value;
      try {
        readFdt(bad);
      } catch (error) {
        expect((error as Error).name).toBe('FormatError');
      }
    }),
    { numRuns: 2000 },
  );
});

const hasDtc = (() => {
  try {
    execFileSync('dtc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

test.runIf(hasDtc)('dtc reads it back to the same bytes', () => {
  const text = execFileSync('dtc', ['-q', '-I', 'dtb', '-O', 'dts'], { input: writeFdt(tree) });
  const blob = execFileSync('dtc', ['-q', '-I', 'dts', '-O', 'dtb'], { input: text });
  expect(readFdt(blob)).toEqual(tree);
  expect(cells(1, 0xffffffff)).toEqual(Uint8Array.of(0, 0, 0, 1, 255, 255, 255, 255));
});
