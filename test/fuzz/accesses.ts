/** Accesses of a guest to every region that somebody emulates, to the edges of what is mapped, and to what is not. */
import type { Random } from '../differential/isa/random.js';
import { RAM, type BareGuest } from '../support/bare-guest.js';
import { randomForm, type Form } from './forms.js';
import { ARGUMENTS, MAX_STANZAS, Program, RAM_END, SPARE, type Access } from './program.js';
import type { Tally } from './tally.js';
import { edge, u64 } from './values.js';
import { GRANT_AT, WINDOW, World } from './world.js';

interface Region {
  readonly name: string;
  readonly from: number;
  /** One beyond the last byte. */
  readonly to: number;
  /** What a plain access that lies within does. */
  readonly plain?: 'completes' | 'aborts';
  /** Stores to it are left out: a read-only page lets the guest try for ever, as upstream does. */
  readonly loadsOnly?: boolean;
}

/** Guest-physical (xen: xen/include/public/arch-arm.h); what traps, and its neighbourhood. */
const REGIONS: readonly Region[] = [
  { name: 'vGICD', from: 0x0300_1000, to: 0x0300_2000 },
  { name: 'GICC', from: 0x0300_2000, to: 0x0300_4000 },
  { name: 'vpl011', from: 0x2200_0000, to: 0x2200_1000 },
  { name: 'vpl011 ring', from: 0x3900_3000, to: 0x3900_4000, plain: 'completes' },
  { name: 'window', from: WINDOW, to: WINDOW + 0x300, plain: 'completes' },
  { name: 'window', from: WINDOW, to: WINDOW + 0x200, plain: 'completes' },
  { name: 'small range', from: WINDOW + 0x400, to: WINDOW + 0x409 },
  { name: 'small range', from: WINDOW + 0x500, to: WINDOW + 0x503 },
  { name: 'range over a page end', from: WINDOW + 0xff8, to: WINDOW + 0x1008 },
  { name: 'between ranges', from: WINDOW + 0x800, to: WINDOW + 0x900, plain: 'aborts' },
  { name: 'range after RAM', from: RAM_END, to: RAM_END + 16 },
  { name: 'before RAM', from: RAM - 0x1000, to: RAM, plain: 'aborts' },
  { name: 'start of RAM', from: RAM, to: RAM + 8, plain: 'completes' },
  { name: 'end of RAM', from: RAM_END - 0x1000, to: RAM_END, plain: 'completes' },
  { name: 'RAM', from: SPARE, to: SPARE + 0x1_0000, plain: 'completes' },
  { name: 'read-only grant', from: GRANT_AT * 4096, to: GRANT_AT * 4096 + 0x1000, loadsOnly: true },
  { name: 'grant', from: (GRANT_AT + 2) * 4096, to: (GRANT_AT + 3) * 4096, plain: 'completes' },
  { name: 'beyond the grants', from: (GRANT_AT + 3) * 4096, to: (GRANT_AT + 4) * 4096, plain: 'aborts' },
  { name: 'hole', from: 0x0400_0000, to: 0x0400_1000, plain: 'aborts' },
  { name: 'hole', from: 0x0, to: 0x1000, plain: 'aborts' },
  { name: 'end of 1 GiB', from: 0x3fff_f000, to: 0x4000_0000, plain: 'aborts' },
  { name: 'magic pages', from: 0x3900_0000, to: 0x3900_1000, plain: 'aborts' },
];
const DEVICE_VIEW = 0x8000_0000;
/** Its table lies in the servers' window: the walk itself is an access. */
const WALK_VIEW = 0xc000_0000;

interface Planned extends Access {
  readonly region: string;
  readonly expected: 'completes' | 'aborts' | undefined;
}

function plan(rng: Random, mmu: boolean): Planned {
  const region = rng.pick(REGIONS);
  let form = randomForm(rng);
  // What may go anywhere else would destroy the program that it is part of.
  while ((region.loadsOnly === true && form.write) || (region.name === 'start of RAM' && wild(form)))
    form = randomForm(rng);
  const [offset, inside] = place(rng, region, form);
  const at = region.from + offset;
  const view = mmu ? rng.below(100) : 0;
  const access = { form, data: rng.chance(50) ? u64(rng) : edge(rng), region: region.name };
  if (view < 82) {
    const aligned = at % form.bytes === 0 || (mmu && form.name !== 'ordered');
    const expected = form.plain && inside && aligned ? region.plain : undefined;
    return { ...access, va: BigInt(at), expected };
  }
  const other = { ...access, expected: undefined };
  if (view < 93) return { ...other, region: `${region.name}, device view`, va: BigInt(DEVICE_VIEW + at) };
  if (view < 97) return { ...other, region: 'walk through a window', va: BigInt(WALK_VIEW + (at % 0x4000_0000)) };
  return { ...other, region: 'anywhere', va: edge(rng) };
}

function wild(form: Form): boolean {
  return form.name === 'any' || form.name === 'zva' || form.name === 'structures' || form.name === 'jump';
}

/** An offset, and whether the whole access is inside the region: edges are as likely as the middle. */
function place(rng: Random, { from, to }: Region, { bytes }: Form): [number, boolean] {
  const size = to - from;
  const width = Math.max(bytes, 1);
  let offset = rng.below(size);
  if (rng.chance(60)) offset -= offset % width;
  const edge = rng.below(100);
  if (edge < 15) offset = rng.between(-16, 16);
  else if (edge < 28) offset = size + rng.between(-16, 16);
  return [offset, offset >= 0 && offset + width <= size];
}

/** `total` accesses, by as many guests as it takes. Results go to the tally. */
export function fuzzAccesses(rng: Random, tally: Tally, total: number): void {
  const world = new World(rng, tally);
  for (let guests = 0; tally.accesses < total && guests < 60; guests++) {
    const guest = world.guest(rng.pick([0, 0, 2, 10]));
    const mmu = rng.chance(70);
    const program = new Program();
    mapGrants(program, guest);
    const preamble = program.stanzas;
    const planned = Array.from({ length: Math.min(total - tally.accesses, MAX_STANZAS - 8) }, () => plan(rng, mmu));
    for (const access of planned) program.access(access);
    const ended = world.run(guest, program, mmu);
    const spoiled = world.emulators.some((emulator) => emulator.misbehaved);
    const certain = planned.map((p) => (spoiled && p.region === 'window' ? { ...p, expected: undefined } : p));
    count(tally, program, guest, preamble, certain, ended.done, ended.why);
    world.end(guest);
    if (world.bench.machine.outcome !== undefined) break;
  }
  for (const { kind, count: times } of world.bench.machine.errors.list()) tally.count(`report: ${kind}`, times);
  world.finish();
}

/** GNTTABOP_map_grant_ref for the two pages that the witness grants: struct at ARGUMENTS. */
function mapGrants(program: Program, guest: BareGuest): void {
  for (const i of [0, 1]) {
    const op = new DataView(new ArrayBuffer(32));
    op.setBigUint64(0, BigInt((GRANT_AT + 2 * i) * 4096), true);
    op.setUint32(8, i === 0 ? 6 : 2, true);
    op.setUint32(12, 8 + i, true);
    op.setUint16(16, WITNESS_ID, true);
    guest.write(ARGUMENTS + 32 * i, new Uint8Array(op.buffer));
    program.hypercall({ nr: 20n, args: [0n, BigInt(ARGUMENTS + 32 * i), 1n, 0n, 0n] });
  }
}

function count(
  tally: Tally,
  program: Program,
  guest: BareGuest,
  preamble: number,
  planned: readonly Planned[],
  done: number,
  why: string | undefined,
): void {
  let aborts = 0n;
  planned.forEach((access, i) => {
    const { region, form, expected } = access;
    const slot = i + preamble < done ? program.slot(guest, i + preamble) : undefined;
    if (i + preamble > done) return;
    tally.accesses++;
    const text = `${form.name} 0x${form.word.toString(16)} at 0x${access.va.toString(16)} (${region})`;
    if (slot === undefined) {
      tally.count(`${region}: ${why ?? 'not executed'}`);
      tally.note(`${text}: ${why}`);
      return;
    }
    const aborted = slot > aborts;
    aborts = slot;
    tally.count(`${region}: ${aborted ? 'aborts' : 'completes'}`);
    if (expected !== undefined && aborted !== (expected === 'aborts') && guest.d.options.trapUnmapped)
      tally.fail(`${text} ${aborted ? 'aborts' : 'completes'}, baseline ${guest.xen.options.baseline}`);
  });
}

/** The witness is the first domain after Dom0 and the driver domain. */
const WITNESS_ID = 2;
