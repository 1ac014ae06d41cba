/** Guests as the toolstack builds them from the configurations that the real one was given. */
import type { GuestConfig } from '../../../xen/tools/light/guest_config.js';
import { fakeToolstack } from '../../support/fake-toolstack.js';
import { GOLDEN_VERSION, goldenFiles } from './golden.js';

export interface Built {
  readonly dtb: Uint8Array;
  /** x0 and pc of vCPU 0 at its start. */
  readonly x0: number;
  readonly pc: number;
}

/** The guest as the toolstack builds it, and its device tree as it lies in the guest's memory. */
export function buildGolden(config: GuestConfig): Built {
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

/** The configurations, and where the real libxl put their device trees. */
export const GOLDEN_TREES: Readonly<Record<string, number>> = {
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
