/** Where guests and driver domains run: the design's `xen.placement` as pCPUs. */
import type { Board } from './boards/index.js';
import type { Configuration } from './boards/keys.js';
import { ToolsError } from './xen/tools/light/tools_error.js';

export interface Placement {
  /** Machine cores that Xen brings up, in the order of its pCPUs. */
  readonly cores: readonly number[];
  /** pCPUs for driver domains and for guests without `cpus=`; undefined: wherever the scheduler likes. */
  readonly backend: readonly number[] | undefined;
  readonly guest: readonly number[] | undefined;
  /** pCPUs of different kinds of cores together, which Xen does only with `hmp-unsafe=true`. */
  readonly hmpUnsafe: boolean;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/**
 * @param vcpus of all guests that do not say themselves where they run.
 * Throws ToolsError for a placement that the board cannot have.
 */
export function placementOf({ board, design }: Configuration, vcpus: number): Placement {
  const kind = design['xen.placement'];
  let count = Math.min(design['xen.pcpus'], board.cores.length);
  const stranger = otherCluster(board);
  if (kind === 'across') {
    if (stranger === undefined) throw new ToolsError('xen.placement=across: the board has one cluster only');
    count = Math.max(count, stranger + 1);
  }
  const cores = board.cores.slice(0, count).map((core) => core.index);
  const at = (backend: number[] | undefined, guest: number[] | undefined): Placement => ({
    cores,
    backend,
    guest,
    hmpUnsafe: stranger !== undefined && count > stranger,
  });
  switch (kind) {
    case 'same':
      return at([0], vcpus === 1 ? [0] : undefined);
    case 'across':
      return at([stranger!], range(stranger!));
    case 'oversubscribed': {
      // One pCPU fewer than vCPUs: whoever wakes, somebody else runs there.
      const shared = range(Math.min(count, Math.max(1, vcpus)));
      return at(shared, shared);
    }
    case 'cluster':
      if (count > 1) return at([count - 1], vcpus < count ? range(count - 1) : undefined);
      return at(undefined, undefined);
    default:
      return at(undefined, undefined);
  }
}

/** The first core that is not of the boot core's cluster. */
function otherCluster({ cores }: Board): number | undefined {
  return cores.find(({ cluster }) => cluster.name !== cores[0]!.cluster.name)?.index;
}

/** For people: who runs where. */
export function placementText(
  guests: readonly { readonly name: string; readonly vcpus: number; readonly cpus: readonly number[] | undefined }[],
  backends: readonly string[],
  placement: Placement,
): string {
  const where = (cpus: readonly number[] | undefined): string =>
    cpus === undefined ? 'any pCPU' : `pCPU ${rangeText(cpus)}`;
  const byPlace = new Map<string, string[]>();
  for (const { name, vcpus, cpus } of guests) {
    const place = where(cpus ?? placement.guest);
    byPlace.set(place, [...(byPlace.get(place) ?? []), `${name} (${vcpus} vCPU${vcpus === 1 ? '' : 's'})`]);
  }
  return [
    ...[...byPlace].map(([place, names]) => `${names.join(', ')} on ${place}`),
    `backend ${backends.length === 0 ? 'Domain-0' : backends.join(', ')} on ${where(placement.backend)}`,
    ...(placement.hmpUnsafe ? ['both clusters, hmp-unsafe'] : []),
  ].join('; ');
}

/** `0-2` for 0, 1, 2. */
function rangeText(cpus: readonly number[]): string {
  const first = cpus[0] ?? 0;
  const inRow = cpus.length > 1 && cpus.every((cpu, i) => cpu === first + i);
  return inRow ? `${first}-${first + cpus.length - 1}` : cpus.join(',');
}
