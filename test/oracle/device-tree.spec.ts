import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { GuestConfig } from '../../xen/tools/light/guest_config.js';
import { fakeToolstack } from '../support/fake-toolstack.js';
import { dtbLines, dtsLines, maskSeed } from './support/dts.js';
import { GOLDEN_VERSION, goldenConfig, goldenFiles, goldenPath, goldenText } from './support/golden.js';

interface Built {
  dtb: Uint8Array;
  /** x0, pc of vCPU 0 at its start. */
  x0: number;
  pc: number;
}

/** The guest as the toolstack builds it, and its device tree as it lies in the guest's memory. */
function build(config: GuestConfig): Built {
  const drivers = config.disks.flatMap((disk) => disk.backend ?? []);
  const fake = fakeToolstack({ ramBytes: 2 ** 32, version: GOLDEN_VERSION }, drivers);
  fake.toolstack.create(config, goldenFiles());
  const domain = fake.xen.domain(fake.toolstack.domids()[0]!)!;
  const start = domain.vcpus[0]!.arch.start!;
  const x0 = Number(start.x0);
  const pa = fake.xen.gfnToPa(domain, x0 / 4096)!;
  const header = fake.memory.read(pa, 8);
  const size = new DataView(header.buffer).getUint32(4);
  return { dtb: fake.memory.read(pa, size), x0, pc: Number(start.pc) };
}

/** Where the real libxl put the device tree. */
const SCOPE: Readonly<Record<string, number>> = {
  plain1: 0x4810_2000,
  plain2vu: 0x4810_2000,
  vdisk2: 0x4810_2000,
  vdiskdef: 0x4810_2000,
  vdiskgrant: 0x4810_2000,
  vdiskdomd: 0x4810_2000,
  'vdisk-128M': 0x47ff_f000,
  'vdisk-3584M': 0x4810_2000,
  virtiogen: 0x4810_2000,
};

describe.each(Object.entries(SCOPE))('%s', (name, address) => {
  const built = build(goldenConfig(name));

  test("nodes, properties, their order and values are the real libxl's", () => {
    expect(maskSeed(dtbLines(built.dtb))).toEqual(maskSeed(dtsLines(goldenText(`${name}.dts`))));
  });

  test('the first vCPU starts at the kernel with the tree in x0', () => {
    expect({ pc: built.pc, x0: built.x0 }).toEqual({ pc: 0x4000_0000, x0: address });
  });

  // dtc is the second opinion on both readers; the comparison above needs no tool.
  test('dtc prints the same', () => {
    const dtc = (args: readonly string[], input?: Uint8Array): string | undefined => {
      const run = spawnSync('dtc', ['-q', ...args], { ...(input === undefined ? {} : { input }), encoding: 'utf8' });
      if (run.error !== undefined) return undefined;
      expect(run.status, run.stderr).toBe(0);
      return run.stdout;
    };
    const ours = dtc(['-I', 'dtb', '-O', 'dts', '-'], built.dtb);
    const real = dtc(['-I', 'dts', '-O', 'dts', goldenPath(`${name}.dts`)]);
    if (ours === undefined || real === undefined) return;
    const mask = (text: string): string => text.replace(/rng-seed = <[^>]*>/, 'rng-seed');
    expect(mask(ours)).toBe(mask(real));
  });
});
