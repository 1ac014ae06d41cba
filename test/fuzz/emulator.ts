/**
 * A backend process that does what it likes: it serves ranges of a guest and answers some requests wrongly, late, twice or
 * not at all, and between them makes hypercalls and writes into its ioreq page as it is told.
 */
import type { Process } from '../../backends/domd/program.js';
import { IoreqSlots } from '../../backends/domd/ioreq_slots.js';
import type { Domain } from '../../xen/common/domain.js';
import { IOREQ, STATE_IOREQ_INPROCESS, STATE_IOREQ_READY, STATE_IORESP_READY } from '../../xen/public/ioreq.js';
import {
  createIoreqServer,
  destroyIoreqServer,
  mapIoRange,
  setIoreqServerState,
} from '../../xen/tools/libs/devicemodel.js';
import { mapResource, unmapPage } from '../../xen/tools/libs/foreignmemory.js';
import type { Caller } from '../../xen/tools/libs/caller.js';
import type { Random } from '../differential/isa/random.js';
import type { BackendSide } from '../support/bare-guest.js';
import type { Tally } from './tally.js';
import { u64 } from './values.js';

/** Something to be done in one step of the process. */
export type Deed = (caller: Caller, self: HostileEmulator) => void;

const SETUP = ['create', 'page', 'enable', 'bind', 'ranges'] as const;

export class HostileEmulator implements Process {
  readonly name: string;
  id = -1;
  page = -1;
  ports: number[] = [];
  requests = 0;
  /** Requests of one thousand that get no proper answer. */
  hostility = 0;
  /** A request got no proper answer: later ones may be refused, and abort. */
  misbehaved = false;
  readonly deeds: Deed[] = [];
  #setup = 0;
  #pending: number[] = [];
  /** vCPUs whose request waits for `release`. */
  #held: number[] = [];
  #slots!: IoreqSlots;

  constructor(
    readonly side: BackendSide,
    readonly d: Domain,
    private readonly ranges: readonly (readonly [number, number])[],
    private readonly rng: Random,
    private readonly tally: Tally,
  ) {
    this.name = `emulator of d${d.id}`;
  }

  get ready(): boolean {
    return this.#setup === SETUP.length;
  }

  get held(): number {
    return this.#held.length;
  }

  ownsPort(port: number): boolean {
    return this.ports.includes(port);
  }

  onPort(port: number): void {
    if (!this.#pending.includes(port)) this.#pending.push(port);
  }

  requestOf(): number {
    return 0;
  }

  /** Late answers are given now. */
  release(): void {
    const held = this.#held.splice(0);
    if (held.length === 0) return;
    this.deeds.push(() => held.forEach((vcpu) => this.#answer(vcpu, u64(this.rng))));
    this.side.wake();
  }

  /** Gives everything back that it set up. */
  stop(): void {
    this.deeds.length = 0;
    this.deeds.push((caller) => {
      for (const port of this.ports) this.side.program.ports.close(port);
      if (this.page >= 0) unmapPage(caller, this.side.modelled.space, this.page);
      if (this.id >= 0) destroyIoreqServer(caller, this.d.id, this.id);
      this.ports = [];
      this.#pending = [];
      this.#held = [];
      this.page = this.id = -1;
    });
    this.side.wake();
  }

  step(): boolean {
    const { caller } = this.side.modelled;
    caller.charge('domd.queueWork');
    if (!this.ready) {
      const rc = this.#setUp(SETUP[this.#setup++]!);
      if (rc < 0) this.tally.fail(`${this.name}: ${SETUP[this.#setup - 1]} gives ${rc}`);
      return true;
    }
    const deed = this.deeds.shift();
    if (deed !== undefined) {
      deed(caller, this);
      return true;
    }
    const port = this.#pending.shift();
    if (port === undefined) return false;
    this.side.program.ports.unmask(port);
    this.#serve(this.ports.indexOf(port));
    return true;
  }

  /** Any byte of the page, most often of a slot that is in use. */
  scribble(): void {
    if (this.page < 0) return;
    const { rng } = this;
    const vcpu = rng.chance(70) ? 0 : rng.below(128);
    const at = rng.pick([
      IOREQ.bitfield,
      IOREQ.bitfield,
      IOREQ.vp_eport,
      IOREQ.data,
      IOREQ.addr,
      IOREQ.type,
      rng.below(32),
    ]);
    const bytes = new Uint8Array(rng.pick([1, 1, 4, 8]));
    for (let i = 0; i < bytes.length; i++) bytes[i] = rng.pick([0, 1, 2, 3, 0x21, 0x22, 0x23, 0xff, rng.below(256)]);
    this.side.modelled.caller.write(this.page * 4096 + ((vcpu * IOREQ.bytes + at) % (4096 - 8)), bytes);
    this.tally.count(`slot written at ${at < 30 ? 'a field' : at === 30 ? 'its state' : 'its type'}`);
  }

  #serve(vcpu: number): void {
    const { rng } = this;
    if (vcpu < 0 || this.page < 0) return;
    const request = this.#slots.read(vcpu);
    if (request.state !== STATE_IOREQ_READY) return;
    this.requests++;
    if (rng.below(1000) >= this.hostility) return this.#answer(vcpu, u64(rng));
    const how = rng.pick(['late', 'twice', 'state', 'no notice', 'scribble', 'back'] as const);
    this.misbehaved = true;
    this.tally.count(`answer: ${how}`);
    switch (how) {
      case 'late':
        this.#held.push(vcpu);
        return;
      case 'twice':
        this.#answer(vcpu, u64(rng));
        return this.#answer(vcpu, u64(rng));
      case 'state':
        this.#slots.setState(vcpu, rng.below(16));
        this.side.program.ports.notify(this.ports[vcpu]!);
        return;
      case 'no notice':
        this.#slots.setState(vcpu, STATE_IORESP_READY);
        this.#held.push(vcpu);
        return;
      case 'scribble':
        this.scribble();
        return this.#answer(vcpu, u64(rng));
      default:
        this.#slots.setState(vcpu, STATE_IOREQ_INPROCESS);
        this.side.program.ports.notify(this.ports[vcpu]!);
        this.#slots.setState(vcpu, STATE_IOREQ_READY);
        this.#held.push(vcpu);
    }
  }

  #answer(vcpu: number, data: bigint): void {
    const port = this.ports[vcpu];
    if (this.page < 0 || port === undefined) return;
    this.#slots.setState(vcpu, STATE_IOREQ_INPROCESS);
    this.#slots.setData(vcpu, data);
    this.#slots.setState(vcpu, STATE_IORESP_READY);
    this.side.program.ports.notify(port);
  }

  #setUp(step: (typeof SETUP)[number]): number {
    const { caller, space } = this.side.modelled;
    const { d } = this;
    switch (step) {
      case 'create':
        this.id = createIoreqServer(caller, d.id, 0);
        return this.id;
      case 'page':
        this.page = mapResource(caller, space, d.id, this.id, 1);
        this.#slots = new IoreqSlots(caller, this.page * 4096);
        return this.page;
      case 'enable':
        return setIoreqServerState(caller, d.id, this.id, true);
      case 'bind':
        for (const v of d.vcpus) this.ports.push(this.side.program.ports.bindInterdomain(d.id, this.#slots.port(v.id)));
        return Math.min(0, ...this.ports);
      default:
        return Math.min(0, ...this.ranges.map(([start, end]) => mapIoRange(caller, d.id, this.id, start, end)));
    }
  }

  save(): unknown {
    return null;
  }

  load(): void {}
}
