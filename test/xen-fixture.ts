/**
 * A Xen instance on a real machine (R-Car H3) without guests that run: domains are made by hand and call hypercalls as
 * modelled software does, with arguments in their own simulated memory. For unit specs of xen/ and backends/.
 */
import { configure } from '../boards/keys.js';
import { rcarH3 } from '../boards/index.js';
import { Machine } from '../sim/machine/machine.js';
import { xenHardware } from '../xen/arch/arm/adapter.js';
import { XenEl2 } from '../xen/arch/arm/el2.js';
import { P2M_RAM_RW } from '../xen/arch/arm/p2m.js';
import { BASELINES } from '../xen/common/baselines.js';
import type { Domain, DomainOptions } from '../xen/common/domain.js';
import { BLOCKED, VPF_DOWN } from '../xen/common/domain.js';
import type { Xen } from '../xen/common/xen.js';
import { createXen } from '../xen/create.js';
import { GUEST_RAM0_BASE, PAGE_SIZE } from '../xen/public/arch-arm.js';

/** Guest frame of the first page of RAM. */
export const RAM_GFN = GUEST_RAM0_BASE / PAGE_SIZE;
const RAM_PAGES = 16;
/** Where hypercall arguments go: the last page of RAM. */
const ARGUMENTS = GUEST_RAM0_BASE + (RAM_PAGES - 1) * PAGE_SIZE;

export interface XenFixture {
  readonly machine: Machine;
  readonly xen: Xen;
  /** Dom0: the control domain, one vCPU, 16 pages. */
  readonly dom0: Caller;
  /** Another domain with software; `guest` domains have the same address translation here. */
  domain(name: string, options?: Partial<DomainOptions>): Caller;
  /** Reports of guests' and backends' mistakes so far, as `kind device`. */
  errors(): string[];
}

/** A domain whose memory and hypercalls the spec plays. */
export class Caller {
  constructor(
    readonly xen: Xen,
    readonly d: Domain,
  ) {}

  get id(): number {
    return this.d.id;
  }

  /** Hypercall as the vCPU on pCPU 0; the result as a signed number. */
  call(nr: number, ...args: readonly (number | bigint)[]): number {
    return this.callOn(0, nr, ...args);
  }

  callOn(vcpu: number, nr: number, ...args: readonly (number | bigint)[]): number {
    const { xen } = this;
    xen.thisPcpu = 0;
    try {
      const rc = xen.hypercall(this.d.vcpus[vcpu]!, 0, nr, args.map(BigInt));
      if (rc === BLOCKED) throw new Error(`hypercall ${nr} blocks`);
      return Number(BigInt.asIntN(64, rc));
    } finally {
      xen.thisPcpu = -1;
    }
  }

  /** Hypercall (cmd, struct): result and the structure as Xen left it. */
  op(nr: number, cmd: number, struct: Uint8Array): { rc: number; out: DataView } {
    this.write(ARGUMENTS, struct);
    const rc = this.call(nr, cmd, ARGUMENTS);
    return { rc, out: this.view(ARGUMENTS, struct.length) };
  }

  /** SoC address behind a guest-physical one. */
  pa(gpa: number): number {
    const frame = this.xen.gfnToPa(this.d, Math.floor(gpa / PAGE_SIZE));
    if (frame === undefined) throw new Error(`0x${gpa.toString(16)} is not mapped in domain ${this.d.id}`);
    return frame + (gpa % PAGE_SIZE);
  }

  read(gpa: number, length: number): Uint8Array {
    return this.xen.memory.read(this.pa(gpa), length);
  }

  view(gpa: number, length: number): DataView {
    const raw = this.read(gpa, length).slice();
    return new DataView(raw.buffer);
  }

  u32(gpa: number): number {
    return this.xen.memory.read32(this.pa(gpa));
  }

  /** Within one page. */
  write(gpa: number, bytes: Uint8Array): void {
    this.xen.memory.write(this.pa(gpa), bytes);
  }
}

/** Bytes of a structure: [offset, width in bytes, value]. */
export function pack(
  size: number,
  ...fields: readonly (readonly [offset: number, width: 1 | 2 | 4 | 8, value: number | bigint])[]
): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  for (const [offset, width, value] of fields) {
    if (width === 8) view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    else if (width === 4) view.setUint32(offset, Number(value), true);
    else if (width === 2) view.setUint16(offset, Number(value), true);
    else view.setUint8(offset, Number(value));
  }
  return bytes;
}

/** Machine, hypervisor and Dom0; nothing runs. */
export function xenFixture(settings: readonly string[] = []): XenFixture {
  const configuration = configure(rcarH3(), settings);
  const { board, design } = configuration;
  const pcpus = board.cores.slice(0, design['xen.pcpus']).map((core) => core.index);
  let xen!: Xen;
  const machine = new Machine({
    board,
    epoch: design['sim.epoch'],
    el2: (m) => {
      xen = createXen(xenHardware(m, pcpus), {
        pcpus,
        ram: board.memory.map(({ base, size }) => ({ base, size })),
        gicv: { base: board.gic.virtualCpuInterface!.base, alias64k: true },
        baseline: design['xen.baseline'],
        ioreqServer: design['xen.ioreqServer'] === 'on',
        scheduler: { kind: design['xen.scheduler'], rateLimitUs: design['xen.rateLimit'] / 1000 },
        workarounds: { wa1: false, wa2: false, wa3: false },
        branchPredictorHardening: false,
        epoch: design['sim.epoch'],
        version: BASELINES[design['xen.baseline']].version,
      });
      return new XenEl2(xen);
    },
  });
  const make = (name: string, domid: number | undefined, options: Partial<DomainOptions>): Caller => {
    const d = xen.createDomain({
      name,
      uuid: `00000000-0000-0000-0000-00000000000${xen.domains.size}`,
      kind: 'modelled',
      isControl: domid === 0,
      ...(domid === undefined ? {} : { domid }),
      // On the pCPU that calls are made from: events are shown at once.
      options: { affinity: [0], ...options },
    });
    for (let i = 0; i < RAM_PAGES; i++) {
      const pa = xen.heap.allocPages(0, d.id)!;
      xen.memory.zero(pa, PAGE_SIZE);
      d.totPages++;
      d.p2m.map(RAM_GFN + i, pa, 1, P2M_RAM_RW);
    }
    for (const v of d.vcpus) {
      v.isInitialised = true;
      v.pauseFlags &= ~VPF_DOWN;
    }
    return new Caller(xen, d);
  };
  return {
    machine,
    xen,
    dom0: make('Domain-0', 0, {}),
    domain: (name, options = {}) => make(name, undefined, options),
    errors: () => machine.errors.list().map(({ kind, device }) => `${kind} ${device}`),
  };
}
