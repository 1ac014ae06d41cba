/**
 * Guests of machine code on the board, with a backend that the test scripts: the whole path, from the instruction through the
 * stage-2 fault, Xen and the event channels to a modelled domain and back. The program is bare-guest.S.
 */
import { DomdProgram, type Process } from '../../backends/domd/program.js';
import { IoreqSlots, type SlotRequest } from '../../backends/domd/ioreq_slots.js';
import { STATE_IOREQ_INPROCESS, STATE_IOREQ_READY, STATE_IORESP_READY } from '../../xen/public/ioreq.js';
import { setVcpuContext, unpauseByController } from '../../xen/common/domctl.js';
import type { Domain, DomainOptions } from '../../xen/common/domain.js';
import type { Xen } from '../../xen/common/xen.js';
import type { Machine } from '../../sim/machine/machine.js';
import { P2M_RAM_RW } from '../../xen/arch/arm/p2m.js';
import { baselineOf } from '../../xen/common/baselines.js';
import { createIoreqServer, mapIoRange, setIoreqServerState } from '../../xen/tools/libs/devicemodel.js';
import { mapResource } from '../../xen/tools/libs/foreignmemory.js';
import {
  createModelledDomain,
  MODELLED_SHARED_INFO,
  startModelledDomain,
  type ModelledDomain,
} from '../../xen/tools/light/modelled_domain.js';
import { bareXen } from './bare-xen.js';

// Assembled from bare-guest.S with GNU as.
// prettier-ignore
const CODE =
  'fd0300aa9dd018d5c13f001001c018d5a10320913f0000910260a0d2020082f224008052440000b904008012440001b9440401b90560a0d2' +
  '050084f2041e8052a40400b924008052a40000b9e41f80d204a218d5e4050058442018d5248440f9042018d5df3f03d5248040f9041018d5' +
  'df3f03d5220c41a9241442a9261c43a9282444a92a2c45a92c3446a92e3c47a9304448a9324c49a934544aa9365c4ba938644ca93a6c4da9' +
  '3c7040f93e7840f9200440a9c0033fd69dd038d5a00700a9a20f01a9a41702a9a61f03a9a82704a9aa2f05a9ac3706a9ae3f07a9b04708a9' +
  'b24f09a9b4570aa9b65f0ba9b8670ca9ba6f0da9bc7300f9210080d2a1a300f9a07f44f9020000d400000014000000001935808002000000';
// prettier-ignore
const SYNC =
  '7cd01bd59cd038d59d7b15a91d5238d51e6038d59d7b10a93d4038d51e4038d59d7b11a99e9340f95e0000b5be1300913e4018d59e7b40f9' +
  'de0700919e7b00f99d7b55a97cd03bd5e0039fd6';
// prettier-ignore
const IRQ =
  '7cd01bd59cd038d59d7b15a91d60a0d21d0084f2be0f40b99e9f00f9be1300b93e4038d59e9b00f99e9740f9de0700919e9700f95e0080d2' +
  '3ee31bd59d7b55a97cd03bd5e0039fd6';
const VECTORS = 0x800;
const [SYNC_AT, IRQ_AT] = [VECTORS + 0x200, VECTORS + 0x280];

export const RAM = 0x4000_0000;
const RAM_PAGES = 512;
const RET = 0xd65f_03c0;
/** Guest-physical places: blocks of the vCPUs, their instructions, a page table. */
const BLOCKS = RAM + 0x1_0000;
const CODES = RAM + 0x2_0000;
const TABLE = RAM + 0x3_0000;
/** Free for the test. */
export const DATA = RAM + 0x4_0000;
const BLOCK = 0x1000;

const PSCI = { systemOff: 0x8400_0008, systemReset: 0x8400_0009, cpuOff: 0x8400_0002 } as const;
const SCTLR_OFF = 0x00c5_0078n;
/** M, C and I. */
const SCTLR_ON = SCTLR_OFF | 0x1005n;

export interface Run {
  /** Registers before, by number. */
  readonly x?: Readonly<Record<number, number | bigint>>;
  /** Instructions, without the RET at the end. */
  readonly code: readonly number[];
  /** Stage 1 on: everything Normal memory, one to one. */
  readonly mmu?: boolean;
  /** Where an abort returns to instead of the next instruction. */
  readonly resume?: number;
  readonly end?: keyof typeof PSCI;
}

export interface Outcome {
  x(n: number): bigint;
  readonly aborts: number;
  readonly esr: bigint;
  readonly far: bigint;
  readonly elr: bigint;
  readonly spsr: bigint;
  readonly interrupts: number;
  readonly irqElr: bigint;
  readonly iar: bigint;
  readonly done: boolean;
}

/** What the backend does with a request. */
export interface Answer {
  /** Left out: the data stays as Xen wrote it. */
  readonly data?: bigint;
  /** 3, RESP_READY, if not given. */
  readonly state?: number;
  /** States that are written before the last one. */
  readonly via?: readonly number[];
  readonly notify?: boolean;
}

/** 'hold': not answered until `release`. */
export type OnRequest = (request: SlotRequest, vcpu: number) => Answer | 'hold';

type SetupStep = 'create' | 'page' | 'enable' | 'bind' | 'ranges';

/** A backend process without device: one server of one guest, whose answers the test gives. */
export class Emulator implements Process {
  readonly name: string;
  readonly requests: (SlotRequest & { readonly vcpu: number })[] = [];
  id = -1;
  ports: number[] = [];
  slots!: IoreqSlots;
  /** Results of the set-up calls, in order. */
  readonly results: number[] = [];
  #steps: SetupStep[];
  #pending: number[] = [];
  #released: { vcpu: number; answer: Answer }[] = [];

  constructor(
    private readonly side: BackendSide,
    private readonly d: Domain,
    private readonly ranges: readonly (readonly [start: number, end: number])[],
    public onRequest: OnRequest,
    steps: readonly SetupStep[] = ['create', 'page', 'enable', 'bind', 'ranges'],
  ) {
    this.name = `emulator of d${d.id}`;
    this.#steps = [...steps];
  }

  get ready(): boolean {
    return this.#steps.length === 0;
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

  /** Further set-up calls, made in the backend's time. */
  setup(...steps: SetupStep[]): void {
    this.#steps.push(...steps);
    this.side.wake();
  }

  /** Answers a request that is held. */
  release(vcpu: number, answer: Answer = {}): void {
    this.#released.push({ vcpu, answer });
    this.side.wake();
  }

  step(): boolean {
    const { caller } = this.side.modelled;
    caller.charge('domd.queueWork');
    const step = this.#steps[0];
    if (step !== undefined) {
      this.results.push(this.#setup(step));
      this.#steps.shift();
      return true;
    }
    const released = this.#released.shift();
    if (released !== undefined) {
      this.#answer(released.vcpu, released.answer);
      return true;
    }
    const port = this.#pending.shift();
    if (port === undefined) return false;
    this.side.program.ports.unmask(port);
    const vcpu = this.ports.indexOf(port);
    const request = this.slots.read(vcpu);
    if (request.state !== STATE_IOREQ_READY) return true;
    this.requests.push({ ...request, vcpu });
    const answer = this.onRequest(request, vcpu);
    if (answer !== 'hold') this.#answer(vcpu, answer);
    return true;
  }

  #answer(
    vcpu: number,
    { data, state = STATE_IORESP_READY, via = [STATE_IOREQ_INPROCESS], notify = true }: Answer,
  ): void {
    for (const each of via) this.slots.setState(vcpu, each);
    if (data !== undefined) this.slots.setData(vcpu, data);
    this.slots.setState(vcpu, state);
    if (notify) this.side.program.ports.notify(this.ports[vcpu]!);
  }

  #setup(step: SetupStep): number {
    const { caller, space } = this.side.modelled;
    const { d } = this;
    switch (step) {
      case 'create':
        this.id = createIoreqServer(caller, d.id, 0);
        return this.id;
      case 'page': {
        const gfn = mapResource(caller, space, d.id, this.id, 1);
        this.slots = new IoreqSlots(caller, gfn * 4096);
        return gfn < 0 ? gfn : 0;
      }
      case 'enable':
        return setIoreqServerState(caller, d.id, this.id, true);
      case 'bind':
        for (const v of d.vcpus) this.ports.push(this.side.program.ports.bindInterdomain(d.id, this.slots.port(v.id)));
        return Math.min(0, ...this.ports);
      default:
        for (const [start, end] of this.ranges) {
          const rc = mapIoRange(caller, d.id, this.id, start, end);
          if (rc < 0) return rc;
        }
        return 0;
    }
  }

  save(): unknown {
    return null;
  }

  load(): void {}
}

/** The domain in which backends run. */
export interface BackendSide {
  readonly modelled: ModelledDomain;
  readonly program: DomdProgram;
  /** Lets it run its processes although no event came. */
  wake(): void;
}

export class BareGuest {
  readonly d: Domain;
  readonly ram: number;

  constructor(
    readonly machine: Machine,
    readonly xen: Xen,
    name: string,
    options: Partial<DomainOptions>,
  ) {
    this.d = xen.createDomain({
      name,
      uuid: `00000000-0000-0000-0000-0000000001${String(xen.domains.size).padStart(2, '0')}`,
      kind: 'guest',
      options: { nrSpis: 32, p2mPoolPages: 64, maxVcpus: 1, affinity: [0, 1, 2], ...options },
    });
    this.ram = xen.heap.allocPages(9, this.d.id)!;
    xen.memory.zero(this.ram, RAM_PAGES * 4096);
    this.d.totPages += RAM_PAGES;
    this.d.p2m.map(RAM / 4096, this.ram, RAM_PAGES, P2M_RAM_RW);
    this.write(RAM, bytes(CODE));
    for (const at of [0, 0x80, 0x100, 0x180]) this.write(RAM + VECTORS + at, words([0x1400_0000]));
    this.write(RAM + SYNC_AT, bytes(SYNC));
    this.write(RAM + IRQ_AT, bytes(IRQ));
    // Two blocks of 1 GiB, inner-shareable Normal memory; the test may set further entries.
    this.write(TABLE, u64s([0x701n, 0x4000_0701n]));
  }

  write(gpa: number, data: Uint8Array): void {
    this.xen.memory.write(this.ram + gpa - RAM, data);
  }

  read64(gpa: number): bigint {
    return this.xen.memory.read64(this.ram + gpa - RAM);
  }

  /** Sets entry `index` of the first-level table (1 GiB each). */
  setTable(index: number, entry: bigint): void {
    this.write(TABLE + 8 * index, u64s([entry]));
  }

  /** Prepares a vCPU; it runs when the domain is unpaused. */
  load(vcpu: number, run: Run): void {
    const block = BLOCKS + vcpu * BLOCK;
    const code = CODES + vcpu * BLOCK;
    this.write(code, words([...run.code, RET]));
    for (const [n, value] of Object.entries(run.x ?? {}))
      this.write(block + 0x800 + 8 * Number(n), u64s([BigInt(value)]));
    this.write(
      block + 0x8f0,
      u64s([
        BigInt(code),
        BigInt(PSCI[run.end ?? (vcpu === 0 ? 'systemOff' : 'cpuOff')]),
        run.mmu === true ? SCTLR_ON : SCTLR_OFF,
        BigInt(TABLE),
      ]),
    );
    this.write(block + 0x120, u64s([BigInt(run.resume ?? 0)]));
    setVcpuContext(
      this.xen,
      this.d.vcpus[vcpu]!,
      {
        pc: BigInt(RAM),
        x0: BigInt(block),
        pstate: baselineOf(this.xen).initialPsr,
        sctlr: SCTLR_OFF,
        ttbr0: 0n,
        ttbr1: 0n,
        tcr: 0n,
      },
      true,
    );
  }

  /** Address of a vCPU's instruction `n`. */
  pc(n: number, vcpu = 0): bigint {
    return BigInt(CODES + vcpu * BLOCK + 4 * n);
  }

  start(): void {
    unpauseByController(this.xen, this.d);
  }

  outcome(vcpu = 0): Outcome {
    const at = (offset: number): bigint => this.read64(BLOCKS + vcpu * BLOCK + offset);
    return {
      x: (n) => at(8 * n),
      aborts: Number(at(0xf0)),
      esr: at(0x100),
      far: at(0x108),
      elr: at(0x110),
      spsr: at(0x118),
      interrupts: Number(at(0x128)),
      irqElr: at(0x130),
      iar: at(0x138),
      done: at(0x140) === 1n,
    };
  }
}

export interface BareBench {
  readonly machine: Machine;
  readonly xen: Xen;
  /** Domains whose software is modelled, made as needed. */
  backend(name?: string): BackendSide;
  guest(name?: string, options?: Partial<DomainOptions>): BareGuest;
  /** A process in the backend domain that serves ranges of the guest. */
  emulate(
    guest: BareGuest,
    ranges: readonly (readonly [number, number])[],
    onRequest: OnRequest,
    side?: BackendSide,
  ): Emulator;
  /** Runs for so many nanoseconds of simulated time, or until `until`. @returns whether that came. */
  run(until: () => boolean, ns?: number): boolean;
  /** Reports so far, as `kind device`. */
  errors(): string[];
  reports(kind: string): number;
}

/** Board, hypervisor, Dom0; `settings` as of --set. */
export function bareBench(settings: readonly string[] = []): BareBench {
  const { machine, xen } = bareXen(settings);
  const sides = new Map<string, BackendSide>();
  const backend = (name = 'Domain-0'): BackendSide => {
    const have = sides.get(name);
    if (have !== undefined) return have;
    const domid = name === 'Domain-0' ? 0 : undefined;
    const modelled = createModelledDomain(xen, {
      name,
      uuid: `00000000-0000-0000-0000-0000000000${sides.size}0`,
      domid,
      affinity: [3],
    });
    const program = new DomdProgram(modelled.caller, MODELLED_SHARED_INFO, (handler) =>
      machine.clock.event(`domd.${name}.start`, handler),
    );
    const side: BackendSide = { modelled, program, wake: () => xen.unblock(modelled.domain.vcpus[0]!) };
    sides.set(name, side);
    return side;
  };
  const started = new Set<BackendSide>();
  const { tickHz } = machine.board;
  const run = (until: () => boolean, ns = 50_000_000): boolean => {
    const end = machine.time + BigInt(Math.ceil((ns * tickHz) / 1e9));
    while (!until() && machine.time < end && machine.outcome === undefined) machine.run(20_000, end);
    return until();
  };
  return {
    machine,
    xen,
    backend,
    guest: (name = 'bare', options = {}) => new BareGuest(machine, xen, name, options),
    emulate: (guest, ranges, onRequest, side = backend()) => {
      const emulator = new Emulator(side, guest.d, ranges, onRequest);
      side.program.add(emulator);
      if (!started.has(side)) {
        started.add(side);
        startModelledDomain(xen, side.modelled, side.program);
      } else side.wake();
      if (!run(() => emulator.ready, 3_000_000_000)) throw new Error('the emulator does not come up');
      return emulator;
    },
    run,
    errors: () => machine.errors.list().map(({ kind, device }) => `${kind} ${device}`),
    reports: (kind) => machine.errors.list().reduce((sum, e) => (e.kind === kind ? sum + e.count : sum), 0),
  };
}

export function words(list: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(list).buffer);
}

export function u64s(list: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(list).buffer);
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}
