import { z } from 'zod';
import { boardSchema, type BoardData, type BoardInput, type ClusterData } from './schema.js';
import { didYouMean } from './suggest.js';
import { TIMING_KEYS, type TimingTable } from './timing.js';
import { lcm } from './units.js';

/** One core of the board, in the order of machine core indices (cluster by cluster). */
export interface BoardCore {
  readonly index: number;
  readonly cluster: ClusterData;
  readonly clusterIndex: number;
  /** Affinity fields only; MPIDR_EL1 reads with bit 31 set. */
  readonly mpidr: number;
  readonly gicInterface: number;
  readonly ticksPerCycle: number;
}

/** A checked, frozen board: the description plus what follows from it. */
export interface Board extends Omit<BoardData, 'timing'> {
  readonly timing: TimingTable;
  /** Base ticks per second. Every clock of the board divides it. */
  readonly tickHz: number;
  /** Base ticks per CNTPCT increment. */
  readonly ticksPerCount: number;
  readonly cores: readonly BoardCore[];
}

/** A board that cannot be built; one line per fault, each beginning with the property's path. */
export class BoardError extends Error {
  constructor(
    readonly board: string,
    readonly faults: readonly string[],
  ) {
    super(`board ${board}: ${faults.length} fault${faults.length === 1 ? '' : 's'}\n  ${faults.join('\n  ')}`);
    this.name = 'BoardError';
  }
}

const MAX_TICK_HZ = 1_000_000_000_000n;
const CHUNK = 64 * 1024;
const LOCAL_INTERRUPTS = ['securePhysicalIntid', 'physicalIntid', 'virtualIntid', 'hypervisorIntid'] as const;

/**
 * Checks a description and derives tick, core list and divisors.
 * Throws BoardError with every fault found, not only the first.
 */
export function createBoard(input: BoardInput): Board {
  const label = typeof input?.name === 'string' ? input.name : '(unnamed)';
  const parsed = boardSchema.safeParse(input);
  if (!parsed.success) throw new BoardError(label, parsed.error.issues.flatMap((issue) => describe(issue, input)));
  const data = parsed.data;
  const faults = [
    ...timingFaults(data),
    ...regionFaults(data),
    ...interruptFaults(data),
    ...coreFaults(data),
    ...cacheFaults(data),
    ...referenceFaults(data),
  ];
  const tick = baseTick(data, faults);
  if (faults.length > 0) throw new BoardError(label, faults);
  const cores: BoardCore[] = [];
  data.clusters.forEach((cluster, clusterIndex) => {
    for (const core of cluster.cores) {
      cores.push({
        index: cores.length,
        cluster,
        clusterIndex,
        mpidr: core.mpidr,
        gicInterface: core.gicInterface,
        ticksPerCycle: tick / cluster.clockHz,
      });
    }
  });
  return deepFreeze({
    ...data,
    timing: data.timing as TimingTable,
    tickHz: tick,
    ticksPerCount: tick / data.timer.cntfrqHz,
    cores,
  });
}

/** The description a board was made from, without what was derived; a valid input of createBoard. */
export function boardData(board: Board): BoardData {
  const { tickHz: _tickHz, ticksPerCount: _ticksPerCount, cores: _cores, ...data } = board;
  return structuredClone(data) as BoardData;
}

function baseTick(data: BoardData, faults: string[]): number {
  const clocks = [...data.clusters.map((cluster) => cluster.clockHz), data.timer.cntfrqHz];
  if (data.tick === 'auto') {
    const tick = clocks.reduce((all, hz) => lcm(all, BigInt(hz)), 1n);
    if (tick > MAX_TICK_HZ) {
      faults.push(`tick: the clocks ${clocks.join(', ')} Hz share no base tick below 1000 GHz, choose rounder ones`);
      return 0;
    }
    return Number(tick);
  }
  const tick = data.tick;
  data.clusters.forEach((cluster, index) => {
    if (tick % cluster.clockHz !== 0) {
      faults.push(
        `clusters[${index}].clockHz: the base tick of ${tick} Hz is no multiple of ${cluster.clockHz} Hz, use tick: 'auto'`,
      );
    }
  });
  if (tick % data.timer.cntfrqHz !== 0) {
    faults.push(
      `timer.cntfrqHz: the base tick of ${tick} Hz is no multiple of ${data.timer.cntfrqHz} Hz, use tick: 'auto'`,
    );
  }
  return tick;
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
      if (bank[property] % CHUNK !== 0) faults.push(`memory[${i}].${property}: ${hex(bank[property])} is no multiple of 64 KiB`);
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
      faults.push(
        `${region.path}.base: ${span(region)} overlaps ${highest.path} ${span(highest)}`,
      );
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
  const uses: { path: string; intid: number }[] = [{ path: 'gic.maintenanceIntid', intid: data.gic.maintenanceIntid }];
  for (const timer of LOCAL_INTERRUPTS) uses.push({ path: `timer.${timer}`, intid: data.timer[timer] });
  data.clusters.forEach((cluster, c) =>
    cluster.cores.forEach((core, i) => {
      if (core.pmuIntid !== undefined) uses.push({ path: `clusters[${c}].cores[${i}].pmuIntid`, intid: core.pmuIntid });
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
  const first = new Map<number, string>();
  for (const use of uses) {
    const owner = first.get(use.intid);
    if (owner !== undefined) faults.push(`${use.path}: interrupt ${use.intid} is already used by ${owner}`);
    else first.set(use.intid, use.path);
    const limit = 32 + data.gic.spiCount;
    if (use.intid >= limit) faults.push(`${use.path}: interrupt ${use.intid} is above the controller's last, ${limit - 1}`);
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
      if ((core.mpidr & ~0xffffff) !== 0) faults.push(`${path}.mpidr: ${hex(core.mpidr)} has bits outside the affinity fields`);
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
        faults.push(`clusters[${c}].caches.${level}.size: ${cache.size} bytes in ${cache.ways} ways is no power of two of sets`);
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

function describe(issue: z.core.$ZodIssue, input: unknown): string[] {
  const where = pathText(issue.path);
  const at = (name: string): string => (where === '' ? name : `${where}.${name}`);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(boardSchema, issue.path, input);
    return issue.keys.map((key) => `${at(key)}: unknown key${didYouMean(key, known)}`);
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const inner = issue.errors.at(-1)?.[0];
    if (inner) return describe({ ...inner, path: [...issue.path, ...inner.path] }, input);
  }
  if (issue.code === 'invalid_key') {
    return [`${where}: ${issue.issues[0]?.message ?? 'unknown key'}`];
  }
  const value = valueAt(input, issue.path);
  if (issue.code === 'invalid_type' && value === undefined) return [`${where}: is missing`];
  return [`${where === '' ? 'board' : where}: ${issue.message}`];
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], input);
}

/** Keys the schema knows at a path; for a union, those of the alternative that the input's `kind` selects. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[], input: unknown): string[] {
  let current: z.core.$ZodType = schema;
  let value = input;
  for (const part of [...path, undefined]) {
    current = pick(current, value);
    if (part === undefined) break;
    value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
    const def = current._zod.def;
    if (def.type === 'object') current = (def as z.core.$ZodObjectDef).shape[String(part)] ?? current;
    else if (def.type === 'array') current = (def as z.core.$ZodArrayDef).element;
    else if (def.type === 'record') current = (def as z.core.$ZodRecordDef).valueType;
  }
  const def = current._zod.def;
  if (def.type === 'record') {
    const key = (def as z.core.$ZodRecordDef).keyType._zod.def;
    return key.type === 'enum' ? Object.keys((key as z.core.$ZodEnumDef).entries) : [];
  }
  return def.type === 'object' ? Object.keys((def as z.core.$ZodObjectDef).shape) : [];
}

function pick(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  const def = schema._zod.def;
  if (def.type === 'optional') return pick((def as z.core.$ZodOptionalDef).innerType, value);
  if (def.type !== 'union') return schema;
  const options = (def as z.core.$ZodUnionDef).options;
  const kind = (value as { kind?: unknown } | undefined)?.kind;
  return (
    options.find((option) => {
      const member = pick(option, value)._zod.def;
      const shape = member.type === 'object' ? (member as z.core.$ZodObjectDef).shape : {};
      return shape['kind']?._zod.values?.has(kind as string) ?? false;
    }) ?? schema
  );
}

function span(region: NamedRegion): string {
  return `${hex(region.base)}..${hex(region.base + region.size - 1)}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
