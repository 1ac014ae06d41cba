import type { BoardData } from './schema.js';
import { didYouMean } from './suggest.js';
import { TIMING_KEYS } from './timing.js';

const CHUNK = 64 * 1024;
const FIRST_SPI = 32;
const LOCAL_INTERRUPTS = ['securePhysicalIntid', 'physicalIntid', 'virtualIntid', 'hypervisorIntid'] as const;

/** What no single property shows: overlaps, duplicates, references. One line per fault, beginning with the path. */
export function boardFaults(data: BoardData): string[] {
  return [
    ...timingFaults(data),
    ...regionFaults(data),
    ...interruptFaults(data),
    ...coreFaults(data),
    ...cacheFaults(data),
    ...referenceFaults(data),
  ];
}

function timingFaults(data: BoardData): string[] {
  const faults: string[] = [];
  const known: readonly string[] = TIMING_KEYS;
  for (const key of Object.keys(data.timing)) {
    if (!known.includes(key)) faults.push(`timing.${key}: unknown key${didYouMean(key, known)}`);
  }
  for (const key of known) if (!(key in data.timing)) faults.push(`timing.${key}: is missing`);
  return faults;
}

interface NamedRegion {
  path: string;
  base: number;
  size: number;
}

/** Every address range the board decodes, with the path of its description. */
export function boardRegions(data: Pick<BoardData, 'memory' | 'gic' | 'serial' | 'blocks'>): NamedRegion[] {
  const gicFrames = ['distributor', 'cpuInterface', 'hypervisor', 'virtualCpuInterface'] as const;
  return [
    ...data.memory.map((bank, i) => ({ path: `memory[${i}]`, base: bank.base, size: bank.size })),
    ...gicFrames.map((frame) => ({ path: `gic.${frame}`, ...data.gic[frame] })),
    ...data.serial.map((port, i) => ({ path: `serial[${i}]`, base: port.base, size: port.size })),
    ...data.blocks.map((block, i) => ({ path: `blocks[${i}]`, base: block.base, size: block.size })),
  ];
}

function regionFaults(data: BoardData): string[] {
  const faults: string[] = [];
  const regions = boardRegions(data);
  data.memory.forEach((bank, i) => {
    for (const property of ['base', 'size'] as const) {
      if (bank[property] % CHUNK !== 0)
        faults.push(`memory[${i}].${property}: ${hex(bank[property])} is no multiple of 64 KiB`);
    }
    if (bank.size === 0) faults.push(`memory[${i}].size: is empty`);
  });
  for (const region of regions) {
    if (region.base + region.size > 2 ** 36) faults.push(`${region.path}.size: ends above 2^36`);
  }
  const sorted = [...regions].sort((a, b) => a.base - b.base);
  let highest: NamedRegion | undefined;
  for (const region of sorted) {
    if (highest && region.base < highest.base + highest.size) {
      faults.push(`${region.path}.base: ${span(region)} overlaps ${highest.path} ${span(highest)}`);
    }
    if (!highest || region.base + region.size > highest.base + highest.size) highest = region;
  }
  const aliased = [data.gic.cpuInterface, data.gic.virtualCpuInterface] as const;
  const need = data.gic.alias64k ? 0x20000 : 0x2000;
  (['cpuInterface', 'virtualCpuInterface'] as const).forEach((frame, i) => {
    const size = aliased[i]?.size ?? 0;
    if (size < need) faults.push(`gic.${frame}.size: ${hex(size)} is below the ${hex(need)} of this layout`);
  });
  if (data.gic.distributor.size < 0x1000) faults.push('gic.distributor.size: is below 0x1000');
  return faults;
}

function interruptFaults(data: BoardData): string[] {
  // `banked`: a PPI, of which every core has its own
  const uses: { path: string; intid: number; banked?: boolean }[] = [
    { path: 'gic.maintenanceIntid', intid: data.gic.maintenanceIntid },
  ];
  for (const timer of LOCAL_INTERRUPTS) uses.push({ path: `timer.${timer}`, intid: data.timer[timer] });
  data.clusters.forEach((cluster, c) =>
    cluster.cores.forEach((core, i) => {
      const intid = core.pmuIntid;
      if (intid !== undefined)
        uses.push({ path: `clusters[${c}].cores[${i}].pmuIntid`, intid, banked: intid < FIRST_SPI });
    }),
  );
  data.serial.forEach((port, i) => uses.push({ path: `serial[${i}].intid`, intid: port.intid }));
  data.blocks.forEach((block, i) => {
    if ('intid' in block) uses.push({ path: `blocks[${i}].intid`, intid: block.intid });
    if ('intids' in block) {
      (block.intids ?? []).forEach((intid, k) => uses.push({ path: `blocks[${i}].intids[${k}]`, intid }));
    }
  });
  const faults: string[] = [];
  const first = new Map<number, (typeof uses)[number]>();
  for (const use of uses) {
    const owner = first.get(use.intid);
    if (owner === undefined) first.set(use.intid, use);
    else if (use.banked !== true || owner.banked !== true)
      faults.push(`${use.path}: interrupt ${use.intid} is already used by ${owner.path}`);
    const limit = FIRST_SPI + data.gic.spiCount;
    if (use.intid >= limit)
      faults.push(`${use.path}: interrupt ${use.intid} is above the controller's last, ${limit - 1}`);
  }
  return faults;
}

function coreFaults(data: BoardData): string[] {
  const faults: string[] = [];
  const mpidrs = new Map<number, string>();
  const interfaces = new Map<number, string>();
  let count = 0;
  data.clusters.forEach((cluster, c) =>
    cluster.cores.forEach((core, i) => {
      const path = `clusters[${c}].cores[${i}]`;
      count++;
      if ((core.mpidr & ~0xffffff) !== 0)
        faults.push(`${path}.mpidr: ${hex(core.mpidr)} has bits outside the affinity fields`);
      const twin = mpidrs.get(core.mpidr);
      if (twin !== undefined) faults.push(`${path}.mpidr: ${hex(core.mpidr)} is already ${twin}'s`);
      mpidrs.set(core.mpidr, path);
      const other = interfaces.get(core.gicInterface);
      if (other !== undefined) faults.push(`${path}.gicInterface: ${core.gicInterface} is already ${other}'s`);
      interfaces.set(core.gicInterface, path);
    }),
  );
  if (count > 8) faults.push(`clusters: ${count} cores, the GIC-400 has 8 CPU interfaces`);
  return faults;
}

function cacheFaults(data: BoardData): string[] {
  const faults: string[] = [];
  data.clusters.forEach((cluster, c) => {
    for (const level of ['l1i', 'l1d', 'l2'] as const) {
      const cache = cluster.caches[level];
      const sets = cache.size / (cache.ways * cache.lineBytes);
      if (!Number.isInteger(sets) || sets < 1 || (sets & (sets - 1)) !== 0) {
        faults.push(
          `clusters[${c}].caches.${level}.size: ${cache.size} bytes in ${cache.ways} ways is no power of two of sets`,
        );
      }
    }
  });
  return faults;
}

function referenceFaults(data: BoardData): string[] {
  const faults: string[] = [];
  const seen = new Map<string, string>();
  const lists = { clusters: data.clusters, memory: data.memory, serial: data.serial, blocks: data.blocks };
  for (const [list, members] of Object.entries(lists)) {
    members.forEach((member, i) => {
      const id = `${list}:${member.name}`;
      const owner = seen.get(id);
      if (owner !== undefined) faults.push(`${list}[${i}].name: '${member.name}' is already ${owner}'s`);
      seen.set(id, `${list}[${i}]`);
    });
  }
  const ports = data.serial.map((port) => port.name);
  if (!ports.includes(data.console)) {
    faults.push(`console: no serial port is named '${data.console}'${didYouMean(data.console, ports)}`);
  }
  return faults;
}

function span(region: NamedRegion): string {
  return `${hex(region.base)}..${hex(region.base + region.size - 1)}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
