/** xenstore listings (`xenstore-ls -fp`) made comparable: one guest's entries, with its id, uuid and host's accidents masked. */

export interface Entry {
  readonly path: string;
  readonly value: string;
  readonly perms: string;
}

export function parseListing(lines: readonly string[]): Entry[] {
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const match = /^(\S+) = "(.*)" {3}\(([^)]*)\)$/.exec(line);
      if (match === null) throw new Error(`not a line of xenstore-ls -fp: ${line}`);
      return { path: match[1]!, value: match[2]!, perms: match[3]! };
    });
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

/** Replaces a guest's domid wherever it stands for the domain, and what differs from host to host. */
function mask(entry: Entry, domid: number): Entry {
  const inPath = (text: string): string =>
    text
      .replace(new RegExp(`^/local/domain/${domid}(?=/|$)`), '/local/domain/GUEST')
      .replace(new RegExp(`^(/local/domain/\\d+/backend/\\w+)/${domid}(?=/|$)`), '$1/GUEST')
      .replace(new RegExp(`^/libxl/${domid}(?=/|$)`), '/libxl/GUEST')
      .replace(UUID, 'UUID');
  const key = entry.path.split('/').at(-1)!;
  let value = entry.value.startsWith('/') ? inPath(entry.value) : entry.value.replace(UUID, 'UUID');
  if ((key === 'domid' || key === 'frontend-id') && value === String(domid)) value = 'GUEST';
  if (key === 'start_time') value = 'TIME';
  if (key === 'tty') value = 'TTY';
  const perms = entry.perms.replace(new RegExp(`(?<=[nrwb])${domid}(?=,|$)`, 'g'), 'GUEST');
  return { path: inPath(entry.path), value, perms };
}

/**
 * What belongs to one guest, in the order of the listing: its home, its backends' nodes, the toolstack's notes, its vm.
 * Directories of backends are sorted by kind: their own order is that of the first guest that had such a device.
 */
export function guestEntries(listing: readonly Entry[], name: string): Entry[] {
  const home = listing.find((e) => /^\/local\/domain\/\d+\/name$/.test(e.path) && e.value === name);
  if (home === undefined) throw new Error(`no domain ${name} in the listing`);
  const domid = Number(home.path.split('/')[3]);
  const vm = listing.find((e) => e.path === `/local/domain/${domid}/vm`)!.value;
  const roots = [
    new RegExp(`^/local/domain/${domid}(/|$)`),
    new RegExp(`^/local/domain/\\d+/backend/\\w+/${domid}(/|$)`),
  ];
  const mine = (path: string): boolean =>
    roots.some((root) => root.test(path)) ||
    path === vm ||
    path.startsWith(`${vm}/`) ||
    new RegExp(`^/libxl/${domid}(/|$)`).test(path);
  const entries = listing.filter((e) => mine(e.path)).map((e) => mask(e, domid));
  const kind = (e: Entry): string => /\/backend\/(\w+)\/GUEST(?:\/|$)/.exec(e.path)?.[1] ?? '';
  const backends = entries.filter((e) => kind(e) !== '').sort((a, b) => kind(a).localeCompare(kind(b), 'en'));
  return [...backends, ...entries.filter((e) => kind(e) === '')];
}

/** What is there beside guests: the roots, Dom0's home, the pool, and the directories that hold backends. */
export function sharedEntries(listing: readonly Entry[]): Entry[] {
  const shared =
    /^\/(tool|local|vm|libxl)(\/xenstored|\/domain|\/pool(\/0(\/name)?)?)?$|^\/local\/domain\/0(\/(control|domid|name)(\/.*)?)?$/;
  const holder = /^\/local\/domain\/\d+\/backend(\/\w+)?$/;
  const holders = listing.filter((e) => holder.test(e.path)).sort((a, b) => a.path.localeCompare(b.path, 'en'));
  return [...listing.filter((e) => shared.test(e.path)), ...holders];
}

export const printed = (entries: readonly Entry[]): string[] =>
  entries.map((e) => `${e.path} = "${e.value}"   (${e.perms})`);
