/**
 * `vdisk = [ 'backend=DomD, disks=rw:/dev/mmcblk0p3;ro:/dev/mmcblk1p3' ]`, with `virtio = 1`: the syntax of patches 15 and 16 of
 * the 2020 series (xen-ioreq.md 8.3). Only the first entry of the list counts, for at most four disks.
 */
import type { VirtioDisk } from '../light/guest_config.js';
import { DiskError } from './disk.js';

const MAX_VIRTIO_DISKS = 4;
const ACCESS: Readonly<Record<string, boolean>> = { ro: true, rw: false };

/** The disks of an entry. Throws DiskError. */
export function parseVdisk(entry: string): VirtioDisk[] {
  let backend: string | undefined;
  let disks: string | undefined;
  for (const part of entry.split(',').map((each) => each.trim())) {
    const [key, value] = cut(part, '=');
    if (key === 'backend') backend = value;
    else if (key === 'disks') disks = value;
    else throw new DiskError(`unknown parameter '${key}' in vdisk '${entry}'`);
  }
  if (disks === undefined || disks === '')
    throw new DiskError(`vdisk '${entry}' names no disks (disks=rw:PATH;ro:PATH)`);
  const list = disks.split(';');
  if (list.length > MAX_VIRTIO_DISKS) throw new DiskError(`vdisk '${entry}': more than ${MAX_VIRTIO_DISKS} disks`);
  return list.map((disk, index) => {
    const [access, target] = cut(disk.trim(), ':');
    const readOnly = ACCESS[access];
    if (readOnly === undefined || target === '')
      throw new DiskError(`vdisk '${entry}': '${disk.trim()}' is not rw:PATH or ro:PATH`);
    // The series has no names for disks; they get those of the later tools, for messages and reports.
    const vdev = `xvd${String.fromCharCode(97 + index)}`;
    return { vdev, target, readOnly, backend, grantUsage: undefined, removable: false, discard: undefined };
  });
}

/** Before and after the first `mark`. */
function cut(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
