/** Debian kernels for boot tests, with a first process of the test's own. Fetched once, as `npm run guest` does. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildInitramfs } from '../../guests/debian/initramfs.js';
import { prepareGuest, type GuestRequest } from '../../guests/debian/main.js';
import { collectModules } from '../../guests/debian/modules.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface DebianGuest {
  /** Path of the Image. */
  readonly kernel: string;
  readonly initramfs: Uint8Array;
  /** `uname -r`. */
  readonly release: string;
}

/** @param scripts folder with the init.sh and demo.sh that go into the initramfs. */
export async function debianGuest(
  suite: GuestRequest['suite'],
  flavour: GuestRequest['flavour'],
  scripts: string,
): Promise<DebianGuest> {
  const folder = join(ROOT, '.cache/guests', `debian-${suite}-${flavour}`);
  if (!existsSync(join(folder, 'guest.cfg'))) {
    const none = { kernel: undefined, modules: undefined, add: [], init: undefined };
    await prepareGuest({ root: ROOT, suite, flavour, ...none, log: (line) => void process.stderr.write(`${line}\n`) });
  }
  const unpacked = join(folder, 'unpacked');
  const image = readdirSync(join(unpacked, 'boot')).find((name) => name.startsWith('vmlinuz-'))!;
  const release = image.slice('vmlinuz-'.length);
  const find = (...paths: string[]): string => paths.map((p) => join(unpacked, p)).find((p) => existsSync(p))!;
  const initramfs = buildInitramfs({
    busybox: readFileSync(find('usr/bin/busybox', 'bin/busybox')),
    modules: await collectModules(find(`usr/lib/modules/${release}`, `lib/modules/${release}`), [
      'virtio_mmio',
      'virtio_blk',
    ]),
    scripts,
    add: [],
    init: undefined,
  });
  return { kernel: join(folder, 'Image'), initramfs, release };
}
