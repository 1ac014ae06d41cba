/** One entry of `disk=[...]` (xen: docs/man/xl-disk-configuration.5): positional target, format, vdev, access, then key=value. */
import { guess } from './guess.js';
import { vdevToDevid, type VirtioDisk } from '../light/guest_config.js';

/** Text of a refusal; the caller adds file and line. */
export class DiskError extends Error {}

const POSITIONAL = ['target', 'format', 'vdev', 'access'] as const;
const FORMATS = new Set(['raw', 'qcow', 'qcow2', 'qed', 'vhd', 'empty']);
const BACKENDTYPES = new Set(['phy', 'tap', 'qdisk', 'standalone']);
const ACCESS: Readonly<Record<string, boolean>> = { r: true, ro: true, w: false, rw: false };

/** Parses one entry; only specification=virtio is modelled. */
export function parseDisk(entry: string): VirtioDisk {
  const fields = new Map<string, string>();
  let position = 0;
  let rest = entry;
  const prefix = /^(phy|file|tap2?|aio|qcow2?|vhd):(.*)$/s.exec(rest);
  // "phy:PATH, vdev, access": the old form, in which the format is not a field of its own.
  let order: readonly string[] = POSITIONAL;
  if (prefix !== null) {
    rest = prefix[2]!;
    order = ['target', 'vdev', 'access'];
    fields.set('format', 'raw');
  }
  const parts = rest.split(',').map((part) => part.trim());
  for (const [index, part] of parts.entries()) {
    if (part === '') {
      position++;
      continue;
    }
    const match = /^([a-z_-]+)=(.*)$/s.exec(part);
    if (match !== null) {
      const key = match[1]!;
      if (key === 'target') {
        // target= takes the rest of the line, commas and all.
        fields.set('target', parts.slice(index).join(',').slice('target='.length));
        break;
      }
      fields.set(key, match[2]!);
      continue;
    }
    if (['cdrom', 'discard', 'no-discard', 'removable', 'direct-io-safe'].includes(part)) {
      fields.set(part, '1');
      continue;
    }
    const key = order[position++];
    if (key === undefined) throw new DiskError(`too many positional fields in disk '${entry}' at '${part}'`);
    fields.set(key, part);
  }
  return toDisk(fields, entry);
}

const KEYS = new Set([
  ...POSITIONAL,
  'specification',
  'backendtype',
  'backend',
  'grant_usage',
  'transport',
  'script',
  'cdrom',
  'discard',
  'no-discard',
  'removable',
  'direct-io-safe',
  'devtype',
]);

function toDisk(fields: ReadonlyMap<string, string>, entry: string): VirtioDisk {
  for (const key of fields.keys())
    if (!KEYS.has(key)) throw new DiskError(`unknown parameter '${key}' in disk '${entry}'${guess(key, [...KEYS])}`);
  const format = fields.get('format') ?? 'raw';
  if (!FORMATS.has(format)) throw new DiskError(`unknown value for format: '${format}'`);
  const vdev = fields.get('vdev');
  if (vdev === undefined) throw new DiskError(`disk '${entry}' has no vdev (e.g. vdev=xvda)`);
  if (vdevToDevid(vdev) === undefined) throw new DiskError(`'${vdev}' is not a virtual disk name (e.g. xvda)`);
  const access = fields.get('access') ?? 'rw';
  const readOnly = ACCESS[access];
  if (readOnly === undefined) throw new DiskError(`unknown value for access: '${access}'`);
  const specification = fields.get('specification') ?? 'xen';
  if (specification !== 'xen' && specification !== 'virtio')
    throw new DiskError(`unknown value for specification: '${specification}'`);
  const backendtype = fields.get('backendtype') ?? 'standalone';
  if (!BACKENDTYPES.has(backendtype)) throw new DiskError(`unknown value for backendtype: '${backendtype}'`);
  if (specification !== 'virtio') {
    throw new DiskError(`disk ${vdev}: only specification=virtio is modelled (a Xen PV disk has no backend here)`);
  }
  if (backendtype !== 'standalone' || format !== 'raw')
    throw new DiskError(`no suitable backend for disk ${vdev}: virtio needs format=raw, backendtype=standalone`);
  if ((fields.get('transport') ?? 'mmio') !== 'mmio') throw new DiskError(`disk ${vdev}: transport must be mmio`);
  const target = fields.get('target');
  if (target === undefined || target === '') throw new DiskError(`disk ${vdev} has no target`);
  const grants = fields.get('grant_usage');
  if (grants !== undefined && grants !== '0' && grants !== '1')
    throw new DiskError(`grant_usage must be 0 or 1, not '${grants}'`);
  return {
    vdev,
    target,
    readOnly,
    backend: fields.get('backend'),
    grantUsage: grants === undefined ? undefined : grants === '1',
    removable: fields.has('removable'),
    discard: fields.has('no-discard') ? false : fields.has('discard') ? true : undefined,
  };
}
