import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readGuestConfig } from '../xl/config.js';
import type { GuestConfig } from './guest_config.js';
import { oldToolsNotes } from './old_tools.js';
import { allocateWindows, spisFor } from './virtio_mmio.js';

/** Reads a configuration made of a kernel, a name and the given lines. */
function config(...lines: readonly string[]): GuestConfig {
  const folder = mkdtempSync(join(tmpdir(), 'rcar-sim-cfg-'));
  try {
    const file = join(folder, 'guest.cfg');
    writeFileSync(file, ['name = "g"', 'kernel = "Image"', ...lines].join('\n'));
    return readGuestConfig(file, [], true).config;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const disk = (vdev: string, more = ''): string => `'phy:/d, ${vdev}, specification=virtio${more}'`;
const VDISK = "vdisk = [ 'backend=DomD, disks=rw:/a;ro:/b' ]";

test('[vdisk-config] virtio = 1 and vdisk go together, and only with the tools of v1', () => {
  const old = config('virtio = 1', VDISK);
  expect([old.diskSyntax, old.disks.length, old.virtio]).toEqual(['vdisk', 2, []]);
  expect(() => config('virtio = 1')).toThrow(/guest\.cfg:3: virtio = 1 without vdisk/);
  expect(() => config(VDISK)).toThrow(/guest\.cfg:3: vdisk without virtio = 1/);
  expect(oldToolsNotes(old, 'v1')).toEqual([]);
  for (const name of ['4.17', 'current'] as const)
    expect(() => oldToolsNotes(old, name)).toThrow(/syntax of xen\.baseline=v1/);
});

test('[tools-disk-v1] disk= is taken in the older sense, with a line that says so; what has none is refused', () => {
  const list = (...disks: readonly string[]): GuestConfig => config(`disk = [ ${disks.join(', ')} ]`);
  expect(oldToolsNotes(list(disk('xvda', ', backend=DomD')), 'v1')).toEqual([
    "disk= is taken as virtio = 1, vdisk = [ 'backend=DomD, disks=rw:/d' ]",
  ]);
  expect(() => oldToolsNotes(list(...['xvda', 'xvdb', 'xvdc', 'xvdd', 'xvde'].map((v) => disk(v))), 'v1')).toThrow(
    /at most 4/,
  );
  expect(() => oldToolsNotes(list(disk('xvda'), disk('xvdb', ', backend=DomD')), 'v1')).toThrow(/one backend/);
  expect(oldToolsNotes(list(disk('xvda')), 'current')).toEqual([]);
});

test('[tools-virtio-list] virtio=[...] devices came with Xen 4.18', () => {
  const generic = config("virtio = [ 'type=virtio,device22, transport=mmio' ]");
  expect(oldToolsNotes(generic, 'current')).toEqual([]);
  for (const name of ['v1', '4.17'] as const) expect(() => oldToolsNotes(generic, name)).toThrow(/4\.18/);
});

test('[tools-nr-spis] SPIs: the larger, or the sum in v1; too small a wish is an error, or raised in silence', () => {
  const guest = config('vuart = "sbsa_uart"', `disk = [ ${disk('xvda')} ]`);
  const spis = (g: GuestConfig, name: 'v1' | '4.17' | 'current'): number =>
    spisFor(
      g,
      allocateWindows(g, () => 0, name),
      name,
    );
  // SPI 33 is the second: 2; the vuart's 32 the first: 1 more in v1.
  expect([spis(guest, 'v1'), spis(guest, '4.17'), spis(guest, 'current')]).toEqual([3, 2, 2]);
  const wish = { ...guest, nrSpis: 1 };
  expect([spis(wish, '4.17'), spis({ ...guest, nrSpis: 64 }, 'current')]).toEqual([2, 64]);
  expect(() => spis(wish, 'current')).toThrow(/too small/);
});

test('[tools-grants] a device of another domain uses grants unless told otherwise; v1 has none', () => {
  const guest = config(`disk = [ ${disk('xvda', ', backend=DomD')} ]`);
  const grant = (g: GuestConfig, name: 'v1' | '4.17' | 'current'): number | undefined =>
    allocateWindows(g, () => 5, name)[0]!.grantDomid;
  expect([grant(guest, 'v1'), grant(guest, '4.17'), grant(guest, 'current')]).toEqual([undefined, 5, 5]);
  const off = config(`disk = [ ${disk('xvda', ', backend=DomD, grant_usage=0')} ]`);
  expect(grant(off, 'current')).toBeUndefined();
});
