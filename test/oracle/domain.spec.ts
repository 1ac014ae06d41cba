/** A domain as the toolstack leaves it before the start, against what the real xl asked of Xen for the same configuration. */
import { expect, test } from 'vitest';
import { fakeToolstack } from '../support/fake-toolstack.js';
import { GOLDEN_VERSION, goldenConfig, goldenFiles, goldenText } from './support/golden.js';

const PAGE = 4096;
const lines = goldenText('g1.xl-hypercalls.txt').split('\n');

/** Argument bytes of a domctl, from where the command's own structure begins. */
function domctl(name: string): DataView {
  const match = lines
    .map((line) => new RegExp(`domctl \\d+ ${name} dom=\\d+ u=([0-9a-f]+) -> 0`).exec(line))
    .find((m) => m !== null);
  if (match === undefined || match === null) throw new Error(`no domctl ${name} in the record`);
  return new DataView(Uint8Array.from(Buffer.from(match[1]!, 'hex')).buffer);
}

const fake = fakeToolstack({ ramBytes: 2 ** 30, version: GOLDEN_VERSION });
fake.toolstack.create(goldenConfig('g1'), goldenFiles());
const domain = fake.xen.domain(fake.toolstack.domids()[0]!)!;

test('HVM parameters are those that were set', () => {
  const set = lines.flatMap((line) => {
    const match = /hvm_op sub=0 dom=1 idx=(\d+) val=(0x\w+) -> 0$/.exec(line);
    return match === null ? [] : [[Number(match[1]), BigInt(match[2]!)] as const];
  });
  expect(set).toHaveLength(6);
  // CALLBACK_IRQ is set before the domain is built; Xen's model sets it as the domain is made.
  expect(new Map([...domain.hvmParams].sort(([a], [b]) => a - b))).toEqual(new Map([...set].sort(([a], [b]) => a - b)));
});

test('limits: memory, p2m pool, vCPUs, event channels, interrupts', () => {
  const created = domctl('createdomain');
  // xen_domctl_createdomain: ssidref, handle[16], flags, iommu_opts, max_vcpus, max_evtchn_port
  expect(domain.vcpus.length).toBe(created.getUint32(28, true));
  expect(domain.options.maxEvtchnPort).toBe(created.getUint32(32, true));
  expect(domain.maxPages * PAGE).toBe(Number(domctl('max_mem').getBigUint64(0, true)) * 1024);
  expect(domain.options.p2mPoolPages! * PAGE).toBe(Number(domctl('set_paging_mempool_size').getBigUint64(0, true)));
  // "nr_pages 65540": 256 MiB and four magic pages. "Allocate 2 SPIs": one disk.
  expect(domain.totPages).toBe(65540);
  expect(domain.options.nrSpis).toBe(2);
});

test('ports 1 and 2 are for xenstore and console, grants 0 and 1 are their pages for Dom0', () => {
  for (const port of [1, 2]) expect(domain.evtchn.at(port)).toMatchObject({ state: 'interdomain', remoteDomid: 0 });
  expect(domain.evtchn.at(3)).toBeUndefined();
  const grants = [0, 1].map((ref) => {
    const at = fake.xen.gnttab.entryPa(domain, ref)!;
    return {
      permitted: fake.memory.read16(at) & 3,
      domid: fake.memory.read16(at + 2),
      frame: fake.memory.read32(at + 4),
    };
  });
  expect(grants).toEqual([
    { permitted: 1, domid: 0, frame: 0x39000 },
    { permitted: 1, domid: 0, frame: 0x39001 },
  ]);
});
