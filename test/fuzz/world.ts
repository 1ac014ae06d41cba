/**
 * Where a fuzzed guest lives: the board, Xen, Dom0, a driver domain whose backend is hostile, and a second guest, the witness,
 * with a backend of its own in Dom0. The witness counts and sums what it reads; whatever happens next to it, both must be right.
 */
import type { Domain } from '../../xen/common/domain.js';
import { GTF_PERMIT_ACCESS, GTF_READONLY } from '../../xen/common/grant_table.js';
import { initVpl011 } from '../../xen/arch/arm/vpl011.js';
import { startModelledDomain } from '../../xen/tools/light/modelled_domain.js';
import { P2M_RAM_RW } from '../../xen/arch/arm/p2m.js';
import { GUEST_MAGIC_VUART } from '../../xen/public/arch-arm.js';
import type { Random } from '../differential/isa/random.js';
import { bareBench, DATA, type BackendSide, type BareBench, type BareGuest } from '../support/bare-guest.js';
import { HostileEmulator } from './emulator.js';
import { checkXen } from './invariants.js';
import { RAM_END, type Program } from './program.js';
import type { Tally } from './tally.js';

export const WINDOW = 0x0200_0000;
/** Ranges of the two hostile servers: they overlap, touch, cross a page and end in the middle of a word. */
export const RANGES: readonly (readonly (readonly [number, number])[])[] = [
  [
    [WINDOW, WINDOW + 0x1ff],
    [WINDOW + 0x400, WINDOW + 0x407],
    [WINDOW + 0x408, WINDOW + 0x408],
    [WINDOW + 0xff8, WINDOW + 0x1007],
  ],
  [
    [WINDOW + 0x100, WINDOW + 0x2ff],
    [WINDOW + 0x500, WINDOW + 0x502],
    [0x4020_0000, 0x4020_000f],
  ],
];
const WITNESS_DATA = 5n;
// msr daifclr, #2; again: the timer in 200 us; wfi; ldr w0, [x1]; sums in x5, counts in x3, stores both at x2
const WITNESS = [
  0xd503_42ff, 0xd280_d044, 0xd51b_e304, 0xd280_0024, 0xd51b_e324, 0xd503_207f, 0xb940_0020, 0x8b00_00a5, 0x9100_0463, 0xf900_0043,
  0xf900_0445, 0x17ff_fff6,
]; // prettier-ignore
/** Guest frames at which the witness's granted pages can be mapped. */
export const GRANT_AT = 0x3_8100;
/** Guest-physical page for the vpl011's ring. */
const RING = GUEST_MAGIC_VUART;
/** Simulated time without any progress after which a guest is given up. */
const STUCK_NS = 4_000_000;
const SLICE_NS = 1_000_000;

export interface Ended {
  /** Stanzas that were executed to their end. */
  readonly done: number;
  /** Why it went no further; undefined: the program came to its end. */
  readonly why: string | undefined;
}

export class World {
  readonly bench: BareBench;
  readonly dom0: BackendSide;
  readonly hostile: BackendSide;
  readonly witness: BareGuest;
  emulators: HostileEmulator[] = [];
  #guests = 0;
  #time = 0n;

  constructor(
    readonly rng: Random,
    readonly tally: Tally,
  ) {
    this.bench = bareBench(['xen.baseline=' + rng.pick(['current', 'current', '4.17', 'v1'])]);
    this.dom0 = this.bench.backend();
    this.hostile = this.bench.backend('DomD');
    this.witness = this.bench.guest('witness', { affinity: [2] });
    this.bench.emulate(this.witness, [[WINDOW, WINDOW + 0x1ff]], () => ({ data: WITNESS_DATA }), this.dom0);
    this.witness.load(0, { code: WITNESS, x: { 1: WINDOW, 2: DATA, 3: 0, 5: 0 } });
    this.witness.start();
  }

  get xen() {
    return this.bench.xen;
  }

  /** Lets nanoseconds of simulated time pass. */
  pass(ns: number, until: () => boolean = () => false): boolean {
    return this.bench.run(until, ns);
  }

  /** A new guest with its two hostile servers, not yet started. */
  guest(hostility: number): BareGuest {
    const guest = this.bench.guest(`guest${this.#guests++}`, {
      affinity: [0, 1],
      maxPages: 1024,
      trapUnmapped: this.rng.chance(80),
    });
    this.#grant(guest.d.id);
    const ring = this.xen.heap.allocPages(0, guest.d.id)!;
    guest.d.totPages++;
    guest.d.p2m.map(RING / 4096, ring, 1, P2M_RAM_RW);
    initVpl011(this.xen, guest.d, RING / 4096, 0);
    // A second view of everything, as Device memory; then a first-level entry whose table lies in the servers' window.
    guest.setTable(2, 0x705n);
    guest.setTable(3, BigInt(WINDOW) | 3n);
    const first = this.emulators.length === 0;
    this.emulators = RANGES.map((ranges) => {
      const emulator = new HostileEmulator(this.hostile, guest.d, ranges, this.rng, this.tally);
      this.hostile.program.add(emulator);
      return emulator;
    });
    if (first) startModelledDomain(this.xen, this.hostile.modelled, this.hostile.program);
    else this.hostile.wake();
    if (!this.pass(3_000_000_000, () => this.emulators.every((e) => e.ready)))
      this.tally.fail('the emulators do not come up');
    for (const emulator of this.emulators) emulator.hostility = hostility;
    return guest;
  }

  /** Runs a program until its end, its death, or until nothing goes on. `each` is called every slice of simulated time. */
  run(guest: BareGuest, program: Program, mmu: boolean, each: () => void = () => {}): Ended {
    const { machine } = this.bench;
    program.load(guest, mmu);
    guest.start();
    let done = 0;
    let idle = 0;
    const before = machine.time;
    const over = (): boolean => {
      while (done < program.stanzas && program.slot(guest, done) !== undefined) done++;
      return done === program.stanzas || guest.d.isShutDown || machine.outcome !== undefined;
    };
    while (idle < STUCK_NS) {
      const had = done;
      if (this.pass(SLICE_NS, over)) break;
      idle = done === had ? idle + SLICE_NS : 0;
      each();
      for (const emulator of this.emulators) emulator.release();
    }
    if (machine.time <= before) this.tally.fail('simulated time stands still');
    const why =
      done === program.stanzas
        ? undefined
        : machine.outcome !== undefined
          ? `machine: ${machine.outcome.name}`
          : guest.d.isShutDown
            ? `guest ended, code ${guest.d.shutdown?.code ?? '-'}`
            : 'guest waits or loops';
    return { done, why };
  }

  /** Ends the guest and its servers, and looks at what is left. */
  end(guest: BareGuest): void {
    this.#check('before the end of the guest');
    for (const emulator of this.emulators) emulator.stop();
    this.pass(5_000_000, () => this.emulators.every((e) => e.deeds.length === 0));
    this.xen.destroyDomain(guest.d);
    this.pass(100_000);
  }

  /** At the end of a case: the witness is well, and when all but Dom0 has gone nothing of it is left. */
  finish(): void {
    const { tally, witness, xen } = this;
    const { machine } = this.bench;
    if (machine.outcome !== undefined) {
      tally.count(`machine ended: ${machine.outcome.name}`);
      return;
    }
    const [count, time] = [witness.read64(DATA), machine.time];
    if (!this.pass(50_000_000, () => witness.read64(DATA) > count + 2n)) tally.fail('the witness does not go on');
    if (machine.time <= time) tally.fail('simulated time stands still');
    const [turns, sum] = [witness.read64(DATA), witness.read64(DATA + 8)];
    if (sum !== turns * WITNESS_DATA && sum !== (turns - 1n) * WITNESS_DATA)
      tally.fail(`the witness counts ${turns} and sums up ${sum}`);
    if (this.dom0.modelled.domain.isShutDown || witness.d.isShutDown) tally.fail('a bystander was ended');
    for (const d of [witness.d, this.hostile.modelled.domain]) xen.destroyDomain(d);
    this.pass(100_000);
    this.#check('when all have gone');
    for (const d of xen.domains.values())
      if (!d.isControl && !this.#held(d))
        tally.fail(`d${d.id} is left with ${d.totPages} pages and ${d.refs} references`);
  }

  /** Dom0 has the witness's ioreq page, and it may have servers of a domain that is gone. */
  #held(d: Domain): boolean {
    if (d === this.witness.d && d.totPages === 1) return true;
    return [...this.xen.domains.values()].some((each) =>
      each.ioreq.servers.some((server) => server?.emulator === d.id),
    );
  }

  #check(when: string): void {
    const { machine } = this.bench;
    for (const line of checkXen(machine, this.xen)) this.tally.fail(`${when}: ${line}`);
    if (machine.time < this.#time) this.tally.fail('simulated time runs backwards');
    this.#time = machine.time;
  }

  /** The witness grants two of its pages to the guest: the first read-only. */
  #grant(domid: number): void {
    const { xen, witness } = this;
    const table = xen.gnttab.frame(witness.d, 0);
    for (const ref of [8, 9]) {
      const entry = new Uint8Array(8);
      const view = new DataView(entry.buffer);
      view.setUint16(0, GTF_PERMIT_ACCESS | (ref === 8 ? GTF_READONLY : 0), true);
      view.setUint16(2, domid, true);
      view.setUint32(4, (RAM_END - 4096 * (ref - 7)) / 4096, true);
      xen.memory.write(table + 8 * ref, entry);
    }
  }
}
