/** Hypercalls, SMCCC calls and system registers of a hostile guest, by HVC on the CPU, with buffers where they should not be. */
import type { Random } from '../differential/isa/random.js';
import { randomCall, schedCall, type Made } from './calls.js';
import { ARGUMENTS, ARGUMENT_BYTES, MAX_STANZAS, Program, RAM_END, SPARE, type Hypercall } from './program.js';
import { errnoName, type Tally } from './tally.js';
import { edge, field, type World as Names } from './values.js';
import { GRANT_AT, WINDOW, World } from './world.js';
import { RAM, type BareGuest } from '../support/bare-guest.js';

const SPARE_PAGES = (RAM_END - SPARE) / 4096;
/** PSCI and SMCCC function identifiers (DEN 0022, DEN 0028), most of which a guest may call. */
const SMCCC = [
  0x8400_0000, 0xc400_0001, 0x8400_0002, 0xc400_0003, 0xc400_0004, 0x8400_0005, 0x8400_0006, 0x8400_000a, 0xc400_000e, 0x8000_0000,
  0x8000_0001, 0x8000_8000, 0x8400_ff01, 0x8600_ff01,
]; // prettier-ignore
const HVC_0 = 0xd400_0002;
const SMC_0 = 0xd400_0003;

interface Planned extends Hypercall {
  readonly name: string;
}

/** `total` mutated calls, by as many guests as it takes. */
export function fuzzHypercalls(rng: Random, tally: Tally, total: number): void {
  const world = new World(rng, tally);
  for (let guests = 0; tally.mutations < total && guests < 40; guests++) {
    const guest = world.guest(0);
    const program = new Program();
    const calls: Planned[] = [];
    let at = 0;
    const count = Math.min(total - tally.mutations, MAX_STANZAS / 4);
    for (let i = 0; i < count; i++) {
      at = plan(rng, guest, program, calls, at);
      if (rng.chance(3)) program.timer(rng.between(1, 2000));
    }
    const ended = world.run(guest, program, true);
    calls.forEach(({ name }, i) => {
      if (i > ended.done) return;
      tally.mutations++;
      const slot = i < ended.done ? program.slot(guest, i) : undefined;
      tally.count(`${name}: ${slot === undefined ? (ended.why ?? 'not executed') : errnoName(slot)}`);
      tally.note(`${name}: ${slot === undefined ? ended.why : errnoName(slot)}`);
    });
    world.end(guest);
    if (world.bench.machine.outcome !== undefined) break;
  }
  for (const { kind, count } of world.bench.machine.errors.list()) tally.count(`report: ${kind}`, count);
  world.finish();
}

/** One call; its structure is put where the host can: @returns the next free place of the argument area. */
function plan(rng: Random, guest: BareGuest, program: Program, calls: Planned[], at: number): number {
  const names = namesOf(rng, guest);
  const add = (planned: Planned): void => {
    calls.push(planned);
    program.hypercall(planned);
  };
  if (rng.chance(4)) {
    const id = rng.chance(80) ? rng.pick(SMCCC) : Number(edge(rng) & 0xffff_ffffn);
    const args = [BigInt(id), edge(rng), edge(rng), edge(rng), edge(rng)];
    add({ name: 'SMCCC', nr: 0n, args, word: rng.pick([HVC_0, SMC_0]) });
    return at;
  }
  const made = rng.chance(3) ? schedCall(rng, names) : randomCall(rng, names, false);
  // At the end of a page, across it, or anywhere in it.
  const page = ARGUMENTS + (at % ARGUMENT_BYTES);
  const where = place(rng, page, made);
  const args = made.args(BigInt(where));
  guest.write(where, made.struct);
  fillLists(rng, guest, names, page);
  if (rng.chance(8))
    return (add({ name: made.name, nr: BigInt(made.nr), args: made.args(field(rng, 'va', names)) }), at + 4096);
  add({ name: made.name, nr: BigInt(made.nr), args });
  return at + 4096;
}

function place(rng: Random, page: number, { struct }: Made): number {
  const end = page + 4096 - struct.length;
  return rng.pick([
    page,
    page + 8,
    end,
    Math.min(end + rng.below(struct.length + 1), ARGUMENTS + ARGUMENT_BYTES - 4096),
    page + 1,
  ]);
}

/** Frame and port lists in the middle of the page, which structures point to. */
function fillLists(rng: Random, guest: BareGuest, names: Names, page: number): void {
  const list = new BigUint64Array(32);
  for (let i = 0; i < list.length; i++)
    list[i] = BigInt.asUintN(64, field(rng, rng.chance(80) ? 'gfn' : 'port', names));
  guest.write(page + 0x800, new Uint8Array(list.buffer));
}

function namesOf(rng: Random, { d }: BareGuest): Names {
  const page = BigInt(ARGUMENTS + 4096 * rng.below(ARGUMENT_BYTES / 4096));
  return {
    domids: [0x7ff0, 0x7ff0, 0x7ff0, 0x7ff0, 0x7ff0, d.id, d.id, 0, 1, 2],
    gfns: [SPARE / 4096 + rng.below(SPARE_PAGES), RAM_END / 4096, GRANT_AT, GRANT_AT + 1, GRANT_AT + 4 + rng.below(8), 0x3_9003],
    vas: [
      page + 0x800n, page + 0x800n, page + 0x800n, page + 0xff8n, page + 0xffcn, BigInt(RAM_END - 8), BigInt(RAM_END - 4), 0n, 8n,
      BigInt(WINDOW), 0x0300_1000n, BigInt(GRANT_AT * 4096), BigInt(SPARE), BigInt(RAM - 4), 0x8000_0000n + page, 0xc000_0000n,
      0xffff_0000_0000_0000n, 0x0001_0000_0000_0000n, 0xffff_ffff_ffff_fff8n, 1n << 40n,
    ],
  }; // prettier-ignore
}
