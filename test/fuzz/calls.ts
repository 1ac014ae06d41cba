/**
 * Hypercalls with structures that are plausible but for a field or two: number, command, and what each field means
 * (xen: xen/include/public/; offsets as in xen/public/). The same list serves a guest and a backend.
 */
import type { Random } from '../differential/isa/random.js';
import { edge, field, type FieldKind, type World } from './values.js';

type Field = readonly [offset: number, width: 1 | 2 | 4 | 8, kind: FieldKind];

interface CallKind {
  readonly name: string;
  readonly nr: number;
  readonly cmd: number;
  readonly bytes: number;
  readonly fields: readonly Field[];
  /** Third argument: a count of structures. */
  readonly counted?: boolean;
}

const call = (name: string, nr: number, cmd: number, bytes: number, ...fields: readonly Field[]): CallKind => ({
  name,
  nr,
  cmd,
  bytes,
  fields,
});

const EVTCHN: readonly CallKind[] = [
  call('evtchn bind_interdomain', 32, 0, 12, [0, 2, 'domid'], [4, 4, 'port']),
  call('evtchn bind_virq', 32, 1, 12, [0, 4, 'small'], [4, 4, 'vcpu']),
  call('evtchn close', 32, 3, 4, [0, 4, 'port']),
  call('evtchn send', 32, 4, 4, [0, 4, 'port']),
  call('evtchn status', 32, 5, 24, [0, 2, 'domid'], [4, 4, 'port']),
  call('evtchn alloc_unbound', 32, 6, 8, [0, 2, 'domid'], [2, 2, 'domid']),
  call('evtchn bind_ipi', 32, 7, 8, [0, 4, 'vcpu']),
  call('evtchn bind_vcpu', 32, 8, 8, [0, 4, 'port'], [4, 4, 'vcpu']),
  call('evtchn unmask', 32, 9, 4, [0, 4, 'port']),
  call('evtchn set_priority', 32, 13, 8, [0, 4, 'port'], [4, 4, 'small']),
];
/** They take the ports of the caller's other work away, or change how it is told. */
const EVTCHN_LIFE: readonly CallKind[] = [
  call('evtchn reset', 32, 10, 2, [0, 2, 'domid']),
  call('evtchn init_control', 32, 11, 24, [0, 8, 'gfn'], [8, 4, 'small'], [12, 4, 'vcpu']),
  call('evtchn expand_array', 32, 12, 8, [0, 8, 'gfn']),
];
const MEMORY: readonly CallKind[] = [
  call('memory increase', 12, 0, 32, [0, 8, 'va'], [8, 8, 'count'], [16, 4, 'zero'], [24, 2, 'domid']),
  call('memory decrease', 12, 1, 32, [0, 8, 'va'], [8, 8, 'count'], [16, 4, 'zero'], [24, 2, 'domid']),
  call('memory populate', 12, 6, 32, [0, 8, 'va'], [8, 8, 'count'], [16, 4, 'zero'], [24, 2, 'domid']),
  call('memory current', 12, 3, 2, [0, 2, 'domid']),
  call('memory maximum', 12, 4, 2, [0, 2, 'domid']),
  call('memory add_to_physmap', 12, 7, 24, [0, 2, 'domid'], [4, 4, 'zero'], [8, 8, 'count'], [16, 8, 'gfn']),
  call('memory remove_from_physmap', 12, 15, 16, [0, 2, 'domid'], [8, 8, 'gfn']),
  call('memory add_to_physmap_batch', 12, 23, 32, [0, 2, 'domid'], [2, 2, 'small'], [4, 2, 'count'], [6, 2, 'domid'], [8, 8, 'va'], [16, 8, 'va'], [24, 8, 'va']),
  call('memory acquire_resource', 12, 28, 32, [0, 2, 'domid'], [2, 2, 'zero'], [4, 4, 'vcpu'], [8, 4, 'count'], [12, 4, 'zero'], [16, 8, 'count'], [24, 8, 'va']),
  call('memory other', 12, 9, 64, [0, 8, 'any'], [8, 8, 'any']),
]; // prettier-ignore
const GRANT: readonly CallKind[] = [
  { ...call('grant map', 20, 0, 32, [0, 8, 'va'], [8, 4, 'small'], [12, 4, 'small'], [16, 2, 'domid']), counted: true },
  { ...call('grant unmap', 20, 1, 24, [0, 8, 'va'], [16, 4, 'small']), counted: true },
  { ...call('grant setup_table', 20, 2, 24, [0, 2, 'domid'], [4, 4, 'count'], [16, 8, 'va']), counted: true },
  { ...call('grant query_size', 20, 6, 16, [0, 2, 'domid']), counted: true },
  { ...call('grant set_version', 20, 8, 4, [0, 4, 'small']), counted: true },
  { ...call('grant get_version', 20, 10, 8, [0, 2, 'domid']), counted: true },
  { ...call('grant copy', 20, 5, 64, [0, 8, 'any'], [8, 8, 'any']), counted: true },
];
const OTHER: readonly CallKind[] = [
  call('hvm set_param', 34, 0, 16, [0, 2, 'domid'], [4, 4, 'small'], [8, 8, 'any']),
  call('hvm get_param', 34, 1, 16, [0, 2, 'domid'], [4, 4, 'small']),
  call('vcpu_op', 24, 5, 16, [0, 8, 'va'], [8, 4, 'zero']),
  call('vcpu_op register_vcpu_info', 24, 10, 16, [0, 8, 'gfn'], [8, 4, 'small'], [12, 4, 'zero']),
  call('version', 17, 6, 8, [0, 4, 'zero']),
  call('version text', 17, 1, 16),
  call('domctl', 36, 0, 144, [0, 4, 'small'], [4, 4, 'small'], [8, 2, 'domid']),
  call('vm_assist', 21, 0, 8, [0, 4, 'small']),
  call('console_io', 18, 0, 64),
  call('physdev_op', 33, 4, 16),
  call('platform_op', 7, 4, 16),
  call('sysctl', 35, 4, 16),
];
const DM_OPS = 22;

/** Structure, and arguments x0.. with the structure's address where it belongs. */
export interface Made {
  readonly name: string;
  readonly nr: number;
  readonly struct: Uint8Array;
  args(at: bigint): bigint[];
}

/** `own`: a backend, which keeps its own event channels and RAM; else a guest, which may lose everything. */
export function randomCall(rng: Random, world: World, own: boolean): Made {
  const kind = rng.below(100);
  if (kind < (own ? 40 : 8)) return dmOp(rng, world);
  if (kind > 97) return anything(rng);
  const lists = own ? [EVTCHN, GRANT, MEMORY.slice(3)] : [EVTCHN, EVTCHN, EVTCHN_LIFE, MEMORY, MEMORY, GRANT, OTHER];
  return fill(rng, world, rng.pick(rng.pick(lists)), own);
}

/** SCHEDOP_yield, block, shutdown and poll: what stops or ends the caller. */
export function schedCall(rng: Random, world: World): Made {
  const cmd = rng.pick([0, 1, 1, 3, 3, 3, 3, 4, 6]);
  const poll: readonly Field[] = [[0, 8, 'va'], [8, 4, 'small'], [16, 8, 'count']]; // prettier-ignore
  return fill(rng, world, call(`sched_op ${cmd}`, 29, cmd, 24, ...poll), false);
}

function fill(rng: Random, world: World, kind: CallKind, own: boolean): Made {
  const struct = new Uint8Array(kind.bytes);
  const view = new DataView(struct.buffer);
  for (const [offset, width, means] of kind.fields) put(view, offset, width, field(rng, means, world));
  if (rng.chance(5)) for (let i = 0; i < struct.length; i++) if (rng.chance(20)) struct[i] = rng.below(256);
  const cmd = rng.chance(3) ? edge(rng) : BigInt(kind.cmd);
  // A backend maps what it is given at frames of its own choice, not over what it needs.
  const count = own ? BigInt(rng.below(3)) : field(rng, 'count', world);
  const vcpu = field(rng, 'vcpu', world);
  return {
    name: kind.name,
    nr: rng.chance(1) ? rng.below(64) : kind.nr,
    struct,
    args: (at) =>
      kind.nr === 24
        ? [cmd, vcpu, at, 0n, 0n]
        : kind.nr === 36
          ? [at, 0n, 0n, 0n, 0n]
          : [cmd, at, kind.counted ? count : edge(rng), 0n, 0n],
  };
}

/** dm_op(domid, nr_bufs, bufs): two buffers' descriptions, then the operation. */
function dmOp(rng: Random, world: World): Made {
  const struct = new Uint8Array(32 + 40);
  const view = new DataView(struct.buffer);
  const op = rng.chance(90) ? rng.between(0, DM_OPS) : Number(edge(rng) & 0xffff_ffffn);
  const start = edge(rng);
  view.setUint32(32, op, true);
  view.setUint32(36, Number(field(rng, 'zero', world) & 0xffff_ffffn), true);
  put(view, 40, 2, field(rng, 'vcpu', world));
  put(view, 42, 2, field(rng, 'zero', world));
  if (op === 19) put(view, 40, 4, BigInt(rng.pick([31, 32, 33, 40, 63, 64, 1019, 1020, 0xffff_ffff])));
  if (op === 3 || op === 4) {
    put(view, 44, 4, BigInt(rng.pick([0, 1, 1, 1, 2, 3, 0xffff_ffff])));
    const from = rng.chance(60) ? BigInt(0x0201_0000 + rng.below(0x4000)) : start;
    put(view, 48, 8, from);
    put(view, 56, 8, rng.chance(80) ? from + BigInt(rng.below(64)) : edge(rng));
  } else {
    put(view, 44, 4, field(rng, 'zero', world));
    put(view, 48, 8, rng.chance(70) ? 0n : edge(rng));
  }
  const [far, size] = [rng.chance(12), rng.chance(12)];
  const domid = field(rng, 'domid', world);
  const bufs = BigInt(rng.chance(88) ? rng.between(1, 2) : rng.pick([0, 3, 0xffff_ffff]));
  const [handle, bytes] = [far ? field(rng, 'va', world) : undefined, size ? edge(rng) : 32n];
  return {
    name: `dm_op ${op <= DM_OPS ? op : 'unknown'}`,
    nr: 41,
    struct,
    args: (at) => {
      view.setBigUint64(0, BigInt.asUintN(64, handle ?? at + 32n), true);
      view.setBigUint64(8, BigInt.asUintN(64, bytes), true);
      view.setBigUint64(16, BigInt.asUintN(64, at + 8n), true);
      view.setBigUint64(24, 8n, true);
      return [domid, bufs, at, 0n, 0n];
    },
  };
}

function anything(rng: Random): Made {
  const struct = Uint8Array.from({ length: 64 }, () => rng.below(256));
  const rest = [edge(rng), edge(rng), edge(rng), edge(rng)];
  return {
    name: 'any number',
    nr: rng.below(64),
    struct,
    args: (at) => (rng.chance(50) ? [rest[0]!, at, rest[1]!, rest[2]!, rest[3]!] : [...rest, at]),
  };
}

function put(view: DataView, offset: number, width: 1 | 2 | 4 | 8, value: bigint): void {
  if (width === 8) view.setBigUint64(offset, BigInt.asUintN(64, value), true);
  else if (width === 4) view.setUint32(offset, Number(BigInt.asUintN(32, value)), true);
  else if (width === 2) view.setUint16(offset, Number(BigInt.asUintN(16, value)), true);
  else view.setUint8(offset, Number(BigInt.asUintN(8, value)));
}
