/**
 * What holds in Xen whatever guests and backends have done: every frame is free or in use, and used exactly as often as
 * somebody is seen to use it; nobody maps what is not his; channels have two ends. Counted anew from the tables in simulated
 * memory and from the saved heap, not from the counters that are being checked.
 */
import { entryIsTable, entryPa, entryType, isForeign, isGrant, isRam, P2M_INVALID } from '../../xen/arch/arm/p2m.js';
import type { Domain } from '../../xen/common/domain.js';
import type { Xen } from '../../xen/common/xen.js';
import type { Machine } from '../../sim/machine/machine.js';

const NOBODY = 0xffff;
const MAX_ERROR_KINDS = 1001;
const PAGE = 4096;

/** Made once: a check would else leave megabytes behind. */
let arrays: { owner: Uint16Array; count: Uint32Array; allocated: Uint8Array; freeOrder: Uint8Array } | undefined;

/** Frames of the heap by index, from what a snapshot holds of it. */
class Frames {
  readonly owner: Uint16Array;
  readonly count: Uint32Array;
  readonly allocated: Uint8Array;
  readonly freeOrder: Uint8Array;
  readonly freePages: number;
  /** Frames by owner. */
  readonly owned = new Map<number, number>();
  readonly #banks: { base: number; first: number; pages: number }[] = [];

  constructor(xen: Xen) {
    const saved = xen.heap.save() as Record<'owner' | 'count' | 'allocated' | 'freeOrder', number[]> & {
      freePages: number;
    };
    let total = 0;
    for (const { base, size } of xen.options.ram) {
      this.#banks.push({ base, first: total, pages: size / PAGE });
      total += size / PAGE;
    }
    if (arrays?.owner.length !== total) {
      arrays = {
        owner: new Uint16Array(total),
        count: new Uint32Array(total),
        allocated: new Uint8Array(total),
        freeOrder: new Uint8Array(total),
      };
    }
    this.owner = unpack(saved.owner, arrays.owner);
    this.count = unpack(saved.count, arrays.count);
    this.allocated = unpack(saved.allocated, arrays.allocated);
    this.freeOrder = unpack(saved.freeOrder, arrays.freeOrder);
    for (let i = 0; i < saved.owner.length; i += 2)
      this.owned.set(saved.owner[i]!, (this.owned.get(saved.owner[i]!) ?? 0) + saved.owner[i + 1]!);
    this.freePages = saved.freePages;
  }

  index(pa: number): number {
    const bank = this.#banks.find(({ base, pages }) => pa >= base && pa < base + pages * PAGE);
    return bank === undefined ? -1 : bank.first + Math.floor((pa - bank.base) / PAGE);
  }
}

function unpack<T extends Uint8Array | Uint16Array | Uint32Array>(runs: readonly number[], into: T): T {
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) into.fill(runs[i]!, at, (at += runs[i + 1]!));
  return into;
}

interface Leaf {
  readonly gfn: number;
  readonly pa: number;
  readonly type: number;
  readonly pages: number;
}

/** Leaves of a domain's stage-2 tables: two concatenated tables at level 1 (40-bit addresses). */
function leaves(xen: Xen, d: Domain): Leaf[] {
  const found: Leaf[] = [];
  const walk = (table: number, entries: number, level: number, gfn: number): void => {
    const pages = 512 ** (3 - level);
    for (let i = 0; i < entries; i++) {
      const e = xen.memory.read64(table + 8 * i);
      if (e === 0n || entryType(e) === P2M_INVALID) continue;
      if (entryIsTable(e, level)) walk(entryPa(e), 512, level + 1, gfn + i * pages);
      else found.push({ gfn: gfn + i * pages, pa: entryPa(e), type: entryType(e), pages });
    }
  };
  if (d.p2m.root !== 0) walk(d.p2m.root, 1024, 1, 0);
  return found;
}

/** Lines about what does not hold; empty if all does. */
export function checkXen(machine: Machine, xen: Xen): string[] {
  const frames = new Frames(xen);
  const uses = new Map<number, number>();
  const use = (pa: number): void => {
    const at = frames.index(pa);
    uses.set(at, (uses.get(at) ?? 0) + 1);
  };
  const wrong: string[] = [];
  for (const d of xen.domains.values()) wrong.push(...checkDomain(xen, d, frames, use), ...checkPorts(xen, d));
  wrong.push(...checkFrames(frames, uses));
  if (machine.errors.list().length > MAX_ERROR_KINDS) wrong.push('the table of errors has no bound');
  const vcpus = [...xen.domains.values()].reduce((sum, d) => sum + d.vcpus.length, 0);
  if (machine.ledger.inFlight > vcpus) wrong.push(`${machine.ledger.inFlight} requests in flight of ${vcpus} vCPUs`);
  return wrong;
}

function checkDomain(xen: Xen, d: Domain, frames: Frames, use: (pa: number) => void): string[] {
  const wrong: string[] = [];
  const own = frames.owned.get(d.id) ?? 0;
  if (own !== d.totPages) wrong.push(`d${d.id} has ${own} frames and counts ${d.totPages}`);
  const shared = new Set([d.sharedInfoPa, ...d.grants.frames]);
  const granted = new Set([...d.grants.maptrack.values()].map((m) => m.pa));
  for (const { gfn, pa, type, pages } of leaves(xen, d)) {
    const where = `d${d.id} gfn 0x${gfn.toString(16)}`;
    for (let i = 0; i < pages; i++) {
      const frame = pa + i * PAGE;
      const at = frames.index(frame);
      if (isForeign(type)) use(frame);
      if (isRam(type) && frames.owner[at] !== d.id && !shared.has(frame))
        wrong.push(`${where} maps RAM of ${frames.owner[at]}`);
      if (isGrant(type) && !granted.has(frame)) wrong.push(`${where} maps a grant that is not held`);
      if ((isRam(type) || isForeign(type)) && frames.count[at] === 0) wrong.push(`${where} maps a free frame`);
    }
  }
  for (const { pa } of d.grants.maptrack.values()) use(pa);
  for (const v of d.vcpus) if (v.vcpuInfo !== undefined) use(v.vcpuInfo.pa);
  for (const pa of [...(d.evtchn.fifo?.arrayPages ?? []), ...(d.evtchn.fifo?.controlBlock ?? [])])
    if (pa !== undefined) use(pa);
  if (d.vuart !== undefined) use((d.vuart.save() as { ring: number }).ring);
  let refs = d.isDying === 2 ? 0 : 1;
  for (const other of xen.domains.values()) {
    refs += other.ioreq.servers.filter((server) => server?.emulator === d.id).length;
    if (other.target === d.id) refs++;
  }
  if (refs !== d.refs) wrong.push(`d${d.id} has ${d.refs} references, of which ${refs} are seen`);
  if (d.pauseCount < 0 || d.vcpus.some((v) => v.pauseCount < 0)) wrong.push(`d${d.id} is paused less than not at all`);
  return wrong;
}

/** Both ends of a channel name each other, and a server's ports are Xen's. */
function checkPorts(xen: Xen, d: Domain): string[] {
  const wrong: string[] = [];
  for (const ch of d.evtchn.channels) {
    if (ch.state !== 'interdomain') continue;
    const other = xen.domain(ch.remoteDomid)?.evtchn.at(ch.remotePort);
    if (other?.state !== 'interdomain' || other.remoteDomid !== d.id || other.remotePort !== ch.port)
      wrong.push(
        `d${d.id} port ${ch.port} is bound to d${ch.remoteDomid} port ${ch.remotePort}, which is not bound to it`,
      );
  }
  for (const server of d.ioreq.servers) {
    for (const { port } of server?.vcpus ?? [])
      if (d.evtchn.at(port)?.xenConsumer !== 'ioreq') wrong.push(`d${d.id} port ${port} of a server is not Xen's`);
  }
  return wrong;
}

function checkFrames(frames: Frames, uses: ReadonlyMap<number, number>): string[] {
  const wrong: string[] = [];
  const { owner, count, allocated, freeOrder } = frames;
  let free = 0;
  for (let at = 0; at < count.length;) {
    const order = freeOrder[at]! - 1;
    if (order >= 0) {
      const end = at + 2 ** order;
      for (let i = at; i < end; i++) {
        if (count[i] !== 0 || allocated[i] !== 0 || owner[i] !== NOBODY || (i > at && freeOrder[i] !== 0))
          wrong.push(`frame ${i} is in a free block and in use`);
      }
      free += end - at;
      at = end;
      continue;
    }
    const seen = allocated[at]! + (uses.get(at) ?? 0);
    if (count[at] === 0) wrong.push(`frame ${at} is neither free nor in use`);
    else if (count[at] !== seen)
      wrong.push(`frame ${at} of d${owner[at]} has ${count[at]} references, of which ${seen} are seen`);
    at++;
  }
  if (free !== frames.freePages) wrong.push(`${free} pages are free, ${frames.freePages} are counted`);
  return wrong.slice(0, 10);
}
