/** The data files of a run of the real stack: Xen 4.20, libxl, virtio-disk, Debian 6.12 (see golden/README.md). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { GuestConfig } from '../../../xen/tools/light/guest_config.js';
import type { GuestFiles } from '../../../xen/tools/light/toolstack.js';
import { readGuestConfig } from '../../../xen/tools/xl/config.js';

export function goldenPath(file: string): string {
  return fileURLToPath(new URL(`../golden/${file}`, import.meta.url));
}

export function goldenText(file: string): string {
  return readFileSync(goldenPath(file), 'utf8');
}

/** A configuration as the real xl was given it. */
export function goldenConfig(name: string): GuestConfig {
  const { config, warnings } = readGuestConfig(goldenPath(`${name}.cfg`), [], true);
  if (warnings.length > 0) throw new Error(warnings.join('\n'));
  return config;
}

export const GOLDEN_VERSION = { major: 4, minor: 20, extra: '.0' } as const;
/** Memory size of Debian 6.12's Image (System RAM, kernel code to kernel data) and size of the initrd there. */
const KERNEL_BYTES = 0x24f_0000;
const INITRD_BYTES = 0x10_1288;

/** A program that sleeps, in an Image that claims the real kernel's size, and an initrd as large as the real one. */
export function goldenFiles(): GuestFiles {
  const kernel = new Uint8Array(64);
  const view = new DataView(kernel.buffer);
  view.setUint32(0x00, 0xd503_207f, true); // wfi
  view.setUint32(0x04, 0x17ff_ffff, true); // b .-4
  view.setBigUint64(0x10, BigInt(KERNEL_BYTES), true);
  view.setUint32(0x18, 0x0a, true); // 4 KiB pages, anywhere
  view.setUint32(0x38, 0x644d_5241, true);
  return { kernel, ramdisk: new Uint8Array(INITRD_BYTES) };
}
