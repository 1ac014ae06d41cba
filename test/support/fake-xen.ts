/** A Xen instance over real GIC, event queue, costs and ledger, but cores that only count: for unit specs. */
import { rcarH3 } from '../../boards/index.js';
import { Gic400 } from '../../sim/gic/gic400.js';
import type { GuestErrors } from '../../sim/machine/device.js';
import { EventQueue } from '../../sim/machine/event-queue.js';
import type { PhysicalMemory } from '../../sim/machine/memory.js';
import type { Ticks } from '../../sim/machine/time.js';
import { Costs } from '../../sim/timing/costs.js';
import { RequestLedger } from '../../sim/trace/ledger.js';
import { Trace } from '../../sim/trace/record.js';
import { EL2_IRQ, EXIT_EL2, LINE_IRQ, LINE_VIRQ } from '../../sim/wasm/layout.js';
import type { CoreExit, WalkResult, XenCore, XenGic } from '../../xen/arch/arm/hardware.js';
import { archIoreq } from '../../xen/arch/arm/ioreq.js';
import { EventChannels } from '../../xen/common/event_channel.js';
import { GrantTables } from '../../xen/common/grant_table.js';
import { hypercallTable } from '../../xen/common/hypercalls.js';
import { Ioreq } from '../../xen/common/ioreq.js';
import type { SchedulerOptions } from '../../xen/common/sched.js';
import { Xen } from '../../xen/common/xen.js';

const PAGE = 4096;

export class FakeMemory implements PhysicalMemory {
  readonly pages = new Map<number, Uint8Array>();

  constructor(
    private readonly base: number,
    private readonly size: number,
  ) {}

  isRam(pa: number, length: number): boolean {
    return pa >= this.base && pa + length <= this.base + this.size;
  }

  read(pa: number, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => this.read8(pa + i));
  }

  write(pa: number, bytes: Uint8Array): void {
    bytes.forEach((byte, i) => this.write8(pa + i, byte));
  }

  zero(pa: number, length: number): void {
    for (let at = pa; at < pa + length; at += PAGE) if (this.pages.has(at - (at % PAGE))) this.#page(at).fill(0);
  }

  read8(pa: number): number {
    return this.#page(pa)[pa % PAGE]!;
  }

  read16(pa: number): number {
    return Number(this.#get(pa, 2));
  }

  read32(pa: number): number {
    return Number(this.#get(pa, 4));
  }

  read64(pa: number): bigint {
    return this.#get(pa, 8);
  }

  write8(pa: number, value: number): void {
    this.#page(pa)[pa % PAGE] = value;
  }

  write16(pa: number, value: number): void {
    this.#set(pa, 2, BigInt(value));
  }

  write32(pa: number, value: number): void {
    this.#set(pa, 4, BigInt(value));
  }

  write64(pa: number, value: bigint): void {
    this.#set(pa, 8, value);
  }

  #page(pa: number): Uint8Array {
    if (!this.isRam(pa, 1)) throw new RangeError(`0x${pa.toString(16)} is not RAM`);
    const at = pa - (pa % PAGE);
    let page = this.pages.get(at);
    if (page === undefined) this.pages.set(at, (page = new Uint8Array(PAGE)));
    return page;
  }

  #get(pa: number, bytes: number): bigint {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.read8(pa + i));
    return value;
  }

  #set(pa: number, bytes: number, value: bigint): void {
    for (let i = 0; i < bytes; i++) this.write8(pa + i, Number((value >> BigInt(8 * i)) & 0xffn));
  }
}

export class FakeCore implements XenCore {
  readonly ticksPerCycle = 4;
  cycles = 0;
  limit = 0;
  lines = 0;
  hypTimer: Ticks | undefined;
  readonly regs = new Array<bigint>(31).fill(0n);
  readonly sysregs = new Map<string, bigint>();
  /** What `run` does; the default takes a pending interrupt, else spends the slice. */
  onRun: (core: FakeCore) => CoreExit = (core) => {
    if (core.lines & LINE_IRQ) return { code: EXIT_EL2, info: EL2_IRQ };
    core.cycles = core.limit;
    return { code: 0, info: 0 };
  };
  erets = 0;

  constructor(readonly index: number) {}

  now(): Ticks {
    return BigInt(this.cycles * this.ticksPerCycle);
  }

  charge(cycles: number): void {
    this.cycles += cycles;
  }

  advanceTo(when: Ticks): void {
    this.cycles = Math.max(this.cycles, Math.ceil(Number(when) / this.ticksPerCycle));
  }

  run(): CoreExit {
    return this.onRun(this);
  }

  eret(): void {
    this.erets++;
  }

  x(n: number): bigint {
    return this.regs[n] ?? 0n;
  }

  setX(n: number, value: bigint): void {
    if (n < 31) this.regs[n] = value;
  }

  sys(name: string): bigint {
    return this.sysregs.get(name) ?? 0n;
  }

  setSys(name: string, value: bigint): void {
    this.sysregs.set(name, value);
  }

  saveRegs(): Uint8Array {
    return new Uint8Array(1);
  }

  loadRegs(): void {}

  resetRegs(): void {
    this.regs.fill(0n);
  }

  setHypTimer(when: Ticks | undefined): void {
    this.hypTimer = when;
    this.onHypTimer();
  }

  /** Drives the timer's line from its condition. */
  onHypTimer: () => void = () => {};

  timersChanged(): void {}

  walk(): WalkResult {
    return { ok: false, pa: 0, stage2: false, ipa: 0 };
  }
}

export interface FakeXen {
  xen: Xen;
  memory: FakeMemory;
  cores: FakeCore[];
  queue: EventQueue;
  gic: Gic400;
  errors: string[];
  flushed: number[];
}

export interface FakeXenOptions {
  /** RAM at 0x48000000; 64 MiB if not given. Pages cost nothing until written. */
  ramBytes?: number;
  version?: { major: number; minor: number; extra: string };
}

/** RAM at 0x48000000, `pcpus` cores. */
export function fakeXen(
  pcpus = 2,
  scheduler: SchedulerOptions = { kind: 'credit2', rateLimitUs: 1000 },
  options: FakeXenOptions = {},
): FakeXen {
  const board = rcarH3();
  const ramBytes = options.ramBytes ?? 64 << 20;
  const memory = new FakeMemory(0x4800_0000, ramBytes);
  const cores = Array.from({ length: pcpus }, (_, i) => new FakeCore(i));
  const errors: string[] = [];
  const log: GuestErrors = { report: (kind, device, detail) => void errors.push(`${kind} ${device} ${detail}`) };
  // The queue asks for the time while the hypervisor is still being made.
  const made: { xen?: Xen } = {};
  const queue = new EventQueue({
    tickHz: board.tickHz,
    ticksPerCount: board.ticksPerCount,
    localTime: () => (made.xen !== undefined && made.xen.thisPcpu >= 0 ? made.xen.now(made.xen.thisPcpu) : undefined),
  });
  const line = (cpu: number, bit: number, level: boolean): void => {
    const core = cores[cpu]!;
    core.lines = level ? core.lines | bit : core.lines & ~bit;
  };
  const gic = new Gic400(
    { cpuCount: pcpus, spiCount: 64, lrCount: 4, securityExtensions: false, alias64k: true },
    {
      setIrq: (cpu, level) => line(cpu, LINE_IRQ, level),
      setFiq: () => {},
      setVirq: (cpu, level) => line(cpu, LINE_VIRQ, level),
      setVfiq: () => {},
      errors: log,
    },
  );
  for (const core of cores) {
    const ppi = gic.ppiLine(core.index, 26);
    core.onHypTimer = () => ppi.set(core.hypTimer !== undefined && core.hypTimer <= core.now());
  }
  const flushed: number[] = [];
  const trace = new Trace();
  const xen = new Xen(
    {
      memory,
      clock: queue,
      errors: log,
      gic: fakeGic(gic),
      cores,
      trace,
      ledger: new RequestLedger(trace),
      costs: new Costs(board.timing, board.tickHz),
      tlbFlushVmid: (vmid) => void flushed.push(vmid),
    },
    {
      pcpus: cores.map((c) => c.index),
      ram: [{ base: 0x4800_0000, size: ramBytes }],
      gicv: { base: 0xf106_0000, alias64k: true },
      baseline: 'current',
      scheduler,
      workarounds: { wa1: false, wa2: false, wa3: false },
      branchPredictorHardening: false,
      epoch: 1_700_000_000,
      version: options.version ?? { major: 4, minor: 21, extra: '.0' },
    },
  );
  made.xen = xen;
  xen.evtchn = new EventChannels(xen);
  xen.gnttab = new GrantTables(xen);
  xen.ioreq = new Ioreq(xen, archIoreq(xen));
  xen.hypercalls = hypercallTable();
  return { xen, memory, cores, queue, gic, errors, flushed };
}

function fakeGic(gic: Gic400): XenGic {
  return {
    lrCount: gic.virtual.lrCount,
    initCpu: (cpu) => {
      gic.dist.write(0, 4, 1, 0, cpu);
      for (const intid of [0, 1, 2, 25, 26, 27]) gic.enable(cpu, intid);
      gic.cpuif.write(4, 4, 0xff, 0, cpu);
      gic.cpuif.write(0, 4, 0x201, 0, cpu);
    },
    acknowledge: (cpu) => gic.acknowledge(cpu),
    endOfInterrupt: (cpu, iar) => {
      gic.eoi(cpu, iar);
      gic.deactivate(cpu, iar);
    },
    sendSgi: (from, target, intid) => gic.sendSgi(from, 1 << target, intid),
    readLr: (cpu, n) => gic.readLr(cpu, n),
    writeLr: (cpu, n, value) => gic.writeLr(cpu, n, value),
    readHcr: (cpu) => gic.virtual.hcr[cpu]!,
    writeHcr: (cpu, value) => gic.virtual.writeHcr(cpu, value),
    readVmcr: (cpu) => gic.virtual.vmcr[cpu]!,
    writeVmcr: (cpu, value) => gic.virtual.writeVmcr(cpu, value),
    readApr: (cpu) => gic.virtual.apr[cpu]!,
    writeApr: (cpu, value) => gic.virtual.writeApr(cpu, value),
    virtualAcknowledge: (cpu) => gic.gicv.read(0x0c, 4, cpu),
    virtualEoi: (cpu, iar) => gic.gicv.endOfInterrupt(cpu, iar),
  };
}
