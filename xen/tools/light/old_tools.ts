/** What the toolstack of an older baseline would say to a configuration that newer ones understand. */
import { BASELINES, type BaselineName } from '../../common/baselines.js';
import type { GuestConfig } from './guest_config.js';
import { ToolsError } from './tools_error.js';

const MAX_VDISKS = 4;

/**
 * Lines for the user, where a setting is taken in the older sense so that one configuration serves for comparisons. Throws
 * ToolsError for what has no older sense.
 */
export function oldToolsNotes(config: GuestConfig, name: BaselineName): string[] {
  const baseline = BASELINES[name];
  const { disks, virtio } = config;
  if (virtio.length > 0 && !baseline.virtioList)
    throw new ToolsError(`virtio=[...] came with Xen 4.18, xen.baseline is ${name}`);
  if (baseline.diskSyntax === 'disk') {
    if (config.diskSyntax === 'vdisk')
      throw new ToolsError(
        `vdisk= is the syntax of xen.baseline=v1, not of ${name}: use disk= with specification=virtio`,
      );
    return [];
  }
  if (disks.length === 0 || config.diskSyntax === 'vdisk') return [];
  if (disks.length > MAX_VDISKS)
    throw new ToolsError(`${disks.length} virtio disks: the tools of xen.baseline=${name} know at most ${MAX_VDISKS}`);
  const [first] = disks;
  if (disks.some((disk) => disk.backend !== first!.backend))
    throw new ToolsError(`the tools of xen.baseline=${name} have one backend for all virtio disks`);
  const backend = first!.backend === undefined ? '' : `backend=${first!.backend}, `;
  const list = disks.map((disk) => `${disk.readOnly ? 'ro' : 'rw'}:${disk.target}`).join(';');
  return [`disk= is taken as virtio = 1, vdisk = [ '${backend}disks=${list}' ]`];
}
