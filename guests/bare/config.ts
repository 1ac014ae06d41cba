/** The built-in bare-metal guest as a configuration, for library users. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GuestConfig } from '../../xen/tools/light/guest_config.js';
import { readGuestConfig } from '../../xen/tools/xl/config.js';

/** guest.cfg and virtio.img: beside this file in the sources, three folders up from where the build puts it. */
function find(name: string): string {
  const places = [`./${name}`, `../../../guests/bare/${name}`].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return places.find((path) => existsSync(path)) ?? places[0]!;
}

/**
 * The guest of guests/bare/guest.cfg. `words` replace its command line (guests/bare/args.h says which there are), so that
 * it makes exactly the accesses that one wants; `vcpus` its number of vCPUs. Its disk is `bare:xvda`.
 */
export function bareGuest(words?: string, vcpus = 1): GuestConfig {
  const file = find('guest.cfg');
  const { config } = readGuestConfig(file, [], true);
  const image = find(config.kernel);
  return {
    ...config,
    kernel: image,
    cmdline: words ?? config.cmdline,
    vcpus,
    disks: config.disks.map((disk) => ({ ...disk, target: `${dirname(file)}/${disk.target}` })),
  };
}
