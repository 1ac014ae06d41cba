import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { readGuestConfig, type GuestConfig, type ParsedGuest } from '../index.js';
import { UsageError } from './exit.js';
import type { RunOptions } from './options.js';

/** The guests of a command line, with every path resolved to a file that exists. Throws CfgError or UsageError. */
export function readGuests(options: RunOptions): ParsedGuest[] {
  const files = options.words.filter((word) => !isOverride(word));
  const overrides = options.words.filter(isOverride);
  if (files.length === 0) throw new UsageError('no guest.cfg among the arguments');
  const guests = files.map((file, index): ParsedGuest => {
    const { config, warnings } = readGuestConfig(file, index === 0 ? overrides : [], options.strict);
    return { config: resolveFiles(config, file, index === 0 ? options : { ...options, kernel: undefined }), warnings };
  });
  const names = new Set<string>();
  for (const { config } of guests) {
    if (names.has(config.name)) throw new UsageError(`two guests are named '${config.name}'`);
    names.add(config.name);
  }
  if (!options.snapshotDisk) refuseSharedWrites(guests);
  for (const { vdev } of options.disks) {
    if (!guests.some(({ config }) => config.disks.some((disk) => disk.vdev === vdev))) {
      throw new UsageError(`--disk ${vdev}: no guest has a disk of that name`);
    }
  }
  return guests;
}

/** Two writers of one image destroy it (xen: tools/hotplug/Linux/block refuses it too). */
function refuseSharedWrites(guests: readonly ParsedGuest[]): void {
  const users = guests.flatMap(({ config }) =>
    config.disks.map((disk) => ({ name: `${config.name}:${disk.vdev}`, file: realpathSync(disk.target), disk })),
  );
  for (const [index, user] of users.entries()) {
    const other = users.slice(index + 1).find(({ file }) => file === user.file);
    if (other === undefined || (user.disk.readOnly && other.disk.readOnly)) continue;
    throw new UsageError(
      `${user.name} and ${other.name} share ${user.disk.target} and one writes it (access=ro for both, or --snapshot-disk)`,
    );
  }
}

/** `memory=512` is an override, `./a=b.cfg` a file. */
function isOverride(word: string): boolean {
  return /^[A-Za-z_]\w*=/.test(word) && !existsSync(word);
}

/** Paths in a configuration are relative to its folder, then to the current one. */
function resolveFiles(config: GuestConfig, file: string, options: RunOptions): GuestConfig {
  const folder = dirname(resolve(file));
  const find = (what: string, path: string, hint: string): string => {
    const places = isAbsolute(path) ? [path] : [join(folder, path), resolve(path)];
    const found = places.find((place) => existsSync(place));
    if (found === undefined) throw new UsageError(`${file}: ${what} ${path}: no such file${hint}`);
    if (statSync(found).isDirectory()) throw new UsageError(`${file}: ${what} ${path}: is a directory`);
    return found;
  };
  return {
    ...config,
    kernel:
      options.kernel === undefined
        ? find('kernel', config.kernel, ' (--kernel FILE takes another)')
        : find('--kernel', resolve(options.kernel), ''),
    ramdisk: config.ramdisk === undefined ? undefined : find('ramdisk', config.ramdisk, ''),
    disks: config.disks.map((disk) => {
      const given = options.disks.find(({ vdev }) => vdev === disk.vdev);
      const target =
        given === undefined
          ? find(`disk ${disk.vdev}`, disk.target, ` (--disk ${disk.vdev}=FILE takes another)`)
          : find(`--disk ${disk.vdev}`, resolve(given.file), '');
      return { ...disk, target };
    }),
  };
}

/** What was understood, for `--dry-run`. */
export function guestText({ config }: ParsedGuest): string {
  const lines = [
    `${config.name}: ${config.vcpus} vCPU${config.vcpus === 1 ? '' : 's'}, ${config.memoryMiB} MiB`,
    `  kernel     ${config.kernel}`,
    ...(config.ramdisk === undefined ? [] : [`  ramdisk    ${config.ramdisk}`]),
    `  cmdline    ${config.cmdline}`,
    `  consoles   hvc0${config.vuart ? ', ttyAMA0 (sbsa_uart)' : ''}`,
    ...config.disks.map(
      (disk) =>
        `  disk       ${disk.vdev} ${disk.readOnly ? 'read-only' : 'read-write'} from ${disk.backend ?? 'Dom0'}, ` +
        `${grants(disk.grantUsage, disk.backend)}: ${disk.target}`,
    ),
    ...config.virtio.map((device) => `  virtio     ${device.type} from ${device.backend ?? 'Dom0'}, not served`),
    `  on end     poweroff: ${config.onPoweroff}, reboot: ${config.onReboot}, crash: ${config.onCrash}`,
  ];
  return lines.join('\n');
}

/** libxl's default: grants for a backend outside Dom0. */
function grants(usage: boolean | undefined, backend: string | undefined): string {
  const used = usage ?? (backend !== undefined && backend !== 'Domain-0' && backend !== '0');
  return `${used ? 'grants' : 'foreign mappings'}${usage === undefined ? ' by default' : ''}`;
}
