/** A hostile backend in a driver domain: DM ops, event channels, foreign pages and its ioreq page, while its guest makes requests. */
import type { Random } from '../differential/isa/random.js';
import { randomCall } from './calls.js';
import type { HostileEmulator } from './emulator.js';
import { randomForm } from './forms.js';
import { Program, RAM_END, SPARE } from './program.js';
import { errnoName, type Tally } from './tally.js';
import { edge, u64, type World as Names } from './values.js';
import { WINDOW, World } from './world.js';

/** Own gfns of the driver domain that nothing else uses (its extended region begins at 0x5_0000). */
const OWN_GFN = 0x6_0000;
const ARGUMENT_PAGE = 0x4000_4000;
const RAM_PAGE = 0x4000_5000;

/** `total` mutations: hypercalls and writes into slots, between and during requests. */
export function fuzzEmulator(rng: Random, tally: Tally, total: number): void {
  const world = new World(rng, tally);
  for (let guests = 0; tally.mutations < total && guests < 60; guests++) {
    const guest = world.guest(rng.pick([5, 50, 200]));
    const program = new Program();
    for (let i = 0; i < 150; i++) {
      let form = randomForm(rng);
      while (!form.plain) form = randomForm(rng);
      program.access({ form, va: BigInt(WINDOW + rng.below(0x300)), data: u64(rng) });
    }
    const each = (): void => {
      for (const emulator of world.emulators) {
        for (let i = rng.below(8); i > 0 && tally.mutations < total; i--) {
          tally.mutations++;
          emulator.deeds.push(deed(rng, tally, guest.d.id));
        }
      }
      world.hostile.wake();
    };
    each();
    const ended = world.run(guest, program, true, each);
    tally.count(`requests of a guest: ${ended.why ?? 'all answered'}`);
    world.end(guest);
    if (world.bench.machine.outcome !== undefined) break;
  }
  for (const { kind, count } of world.bench.machine.errors.list()) tally.count(`report: ${kind}`, count);
  world.finish();
}

function deed(rng: Random, tally: Tally, guest: number): HostileEmulator['deeds'][number] {
  return (caller, self) => {
    if (rng.chance(25)) {
      tally.note('slot written');
      return self.scribble();
    }
    const names = namesOf(rng, guest, self);
    const made = randomCall(rng, names, true);
    const end = ARGUMENT_PAGE + 4096 - made.struct.length;
    const at = rng.chance(70) ? ARGUMENT_PAGE : end + (rng.chance(30) ? rng.below(16) : 0);
    const args = made.args(rng.chance(94) ? BigInt(at) : rng.pick(names.vas));
    if (harmsItself(made.nr, args, made.struct)) return tally.count('left out: would stop the backend itself');
    caller.write(at, made.struct);
    const list = new BigUint64Array(32);
    for (let i = 0; i < list.length; i++)
      list[i] = BigInt(rng.chance(70) ? rng.pick(names.gfns) : OWN_GFN + rng.below(64));
    caller.write(ARGUMENT_PAGE + 0x800, new Uint8Array(list.buffer));
    const rc = caller.hypercall(made.nr, ...args);
    tally.count(`${made.name}: ${errnoName(rc)}`);
    tally.note(`${made.name}: ${errnoName(rc)}`);
  };
}

function namesOf(rng: Random, guest: number, self: HostileEmulator): Names {
  return {
    domids: [guest, guest, guest, guest, 2, 0, 0x7ff0, self.side.modelled.domain.id],
    gfns: [SPARE / 4096 + rng.below(64), RAM_END / 4096 - 1, RAM_END / 4096, OWN_GFN + rng.below(16), OWN_GFN + 64],
    vas: [
      BigInt(ARGUMENT_PAGE + 0x800), BigInt(ARGUMENT_PAGE + 0x800), BigInt(ARGUMENT_PAGE + 0xff8), BigInt(RAM_PAGE), 0n, 4n, edge(rng),
      BigInt(OWN_GFN * 4096), 0x4001_0000n - 4n, 1n << 40n, (1n << 63n) + 8n,
    ],
  }; // prettier-ignore
}

/** Gives up its arguments' page, its shared info or its vCPU. */
function harmsItself(nr: number, args: readonly bigint[], struct: Uint8Array): boolean {
  if (![12, 20, 24, 29, 32].includes(nr)) return false;
  if (nr === 29 || nr === 24) return true;
  const cmd = Number(args[0]! & 0x3fn);
  const view = new DataView(struct.buffer);
  if (nr === 32) return [10, 11, 12].includes(cmd);
  const at = (offset: number): bigint => (offset + 8 <= struct.length ? view.getBigUint64(offset, true) : 0n);
  const low = (value: bigint): boolean => value < BigInt(OWN_GFN) && value >= 0x4_0000n;
  if (nr === 20) return low(at(0) >> 12n);
  if (cmd === 15) return low(at(8));
  if (cmd === 7) return low(at(16));
  return cmd < 3 || cmd === 6;
}
