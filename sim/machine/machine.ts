import type { Board, BoardCore } from '../../boards/board.js';
import { Core } from '../cpu/core.js';
import { PmuInterrupts } from '../cpu/pmu.js';
import { COST_CLASSES } from '../cpu/isa/costs.js';
import { Gic400 } from '../gic/gic400.js';
import { ApproximateTiming } from '../timing/approximate.js';
import { Costs } from '../timing/costs.js';
import { createBlock } from '../soc/blocks.js';
import { GenericTimer, type TimerName } from '../timer/generic-timer.js';
import { RequestLedger } from '../trace/ledger.js';
import { NO_CORE, Trace, TraceKind } from '../trace/record.js';
import { COST_TABLE } from '../wasm/layout.js';
import { Translator } from '../translator/translator.js';
import { createKernel, type Kernel, type KernelImports } from '../wasm/module.js';
import { Bus } from './bus.js';
import { coreDigest } from './core-digest.js';
import type { Console } from './console.js';
import type { IrqLine } from './device.js';
import type { El2, SliceOutcome } from './el2.js';
import type { Clock, TimedEvent } from './events.js';
import { ExceptionWatch } from './exception-loop.js';
import { GuestErrorLog } from './guest-errors.js';
import { InputLog, type InputRecord } from './input-log.js';
import { CoreLines } from './lines.js';
import type { Outcome } from './outcome.js';
import { createLinearMemory, LinearPhysicalMemory } from './physical-memory.js';
import { compareMachines } from './lock-step.js';
import { localTime, Scheduler } from './scheduler.js';
import { SerialPorts } from './serial-ports.js';
import { NEVER, type Ticks } from './time.js';

export interface MachineOptions {
  readonly board: Board;
  /** Makes the software above EL1: sim/firmware's BareCore, or the Xen model. */
  readonly el2: (machine: Machine) => El2;
  /** How guest instructions are executed; results do not depend on it. Default: the interpreter alone. */
  readonly engine?: 'interpreter' | 'translator';
  /** Simulated time at which the run ends with outcome `timeout`. */
  readonly deadline?: Ticks;
  /** Characters leave a UART at once (default), or at its baud rate. */
  readonly uart?: 'instant' | 'baud';
  /** Every byte of every console. */
  readonly onConsole?: (console: string, byte: number) => void;
  readonly onGuestError?: (kind: string, device: string, detail: string, count: number) => void;
  /** What real-time clocks say at power-on, in seconds since 1970. */
  readonly epoch?: number;
  /** Names the software that a core runs now, undefined if nothing can go wrong there; default: the core. */
  readonly contextOf?: (core: number) => string | undefined;
  /** That software takes the same exception for ever; default: the run ends with outcome `crash`. */
  readonly onExceptionLoop?: (context: string, detail: string) => void;
  /** How cores are timed; default: functional. */
  readonly timing?: TimingChoice;
  /** Console input recorded in an earlier run, delivered at the same times. */
  readonly replay?: readonly InputRecord[];
}

/** The design choices `timing.cpu` and `timing.from`. */
export interface TimingChoice {
  readonly cpu: 'functional' | 'approximate';
  /** Functional until a console line matches this or a guest executes HINT #127; '' = approximate from the start. */
  readonly from: string;
}

/** `more`: call run() again. `waiting`: nothing will happen without input. `done`: see `outcome`. */
export type RunStatus = 'more' | 'waiting' | 'done';

/** One of several independent state holders that a snapshot asks. */
export interface Saved {
  save(): unknown;
  load(state: unknown): void;
}

/** After a panic message the kernel still prints registers and a trace; then the run ends. */
const PANIC_GRACE_MS = 100n;
/** 2026-01-01T00:00:00Z: a fixed moment, because the host's clock may not touch a result. */
const DEFAULT_EPOCH = 1_767_225_600;
const SOLO_QUANTUM_MS = 1n;
/** Cycles after which run() returns to the host: a tenth of a second or so. */
const DEFAULT_BUDGET = 20_000_000;
const MAX_ROUNDS = 100_000;
/** A report of this kind ends the run. */
const UNMODELLED = 'unmodelled';

/**
 * A board brought to life: cores, memory, interrupt controller, timers, serial ports and whatever the EL2 model adds,
 * run in simulated time. Everything is deterministic but `input`, which is recorded.
 */
export class Machine {
  readonly board: Board;
  readonly linear: WebAssembly.Memory;
  readonly memory: LinearPhysicalMemory;
  readonly kernel: Kernel;
  /** Makes WebAssembly of hot code, if the engine is the translator. */
  readonly translator: Translator | undefined;
  readonly cores: readonly Core[];
  readonly bus: Bus;
  readonly gic: Gic400;
  readonly timer: GenericTimer;
  readonly pmu: PmuInterrupts;
  readonly serial: SerialPorts;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly costs: Costs;
  readonly errors: GuestErrorLog;
  readonly trace = new Trace();
  readonly ledger = new RequestLedger(this.trace);
  readonly inputs: InputLog;
  readonly el2: El2;
  /** State holders by name, in the order in which they are restored. */
  readonly #parts = new Map<string, Saved>();
  /** Receivers of console input that are no serial port of the board: consoles of guests, by name. */
  readonly guestConsoles = new Map<string, (bytes: Uint8Array) => void>();
  #panicLine = '';
  readonly #lines: CoreLines;
  readonly #deadline: Ticks;
  readonly #watch: ExceptionWatch;
  readonly #panicStop: TimedEvent;
  readonly #approximate: ApproximateTiming | undefined;
  readonly #timedFrom: RegExp | undefined;
  #timingDue = false;
  #outcome: Outcome | undefined;
  #pause = false;
  #reference: Machine | undefined;

  constructor(options: MachineOptions) {
    const { board } = options;
    this.board = board;
    this.#deadline = options.deadline ?? NEVER;
    this.costs = new Costs(board.timing, board.tickHz);
    this.errors = new GuestErrorLog((kind, device, detail, count) => {
      this.stamp(TraceKind.GuestError, this.trace.name(kind), this.trace.name(device), count);
      options.onGuestError?.(kind, device, detail, count);
      // What the simulator lacks must not look like the guest's own failure.
      if (kind === UNMODELLED) this.stop({ name: 'unmodelled', detail: `${device}: ${detail}` });
    });
    this.bus = new Bus(
      this.errors,
      (write, core, pa, width, lo, hi) => {
        const kind = write ? TraceKind.MmioWrite : TraceKind.MmioRead;
        this.#stampCore(kind, core, pa % 2 ** 32, Math.floor(pa / 2 ** 32), width, lo, hi);
      },
      (core, cost) => this.charge(core, cost),
    );
    this.linear = createLinearMemory(board.memory);
    const imports: KernelImports = {
      ...this.bus.kernelImports(this.linear),
      timerWritten: (core) => {
        this.timer.recompute(core);
        this.pmu.recompute(core);
      },
      hot: (uop, pageHi, pageLo, now) => this.translator?.hot(uop, pageHi, pageLo, now !== 0),
    };
    this.kernel = createKernel(this.linear, imports);
    this.translator = options.engine === 'translator' ? new Translator(this.kernel) : undefined;
    this.memory = new LinearPhysicalMemory(this.linear, board.memory, this.kernel);
    this.#writeCostTable(board.cores[0] as BoardCore);
    this.cores = board.cores.map((core) => new Core(this.kernel, this.linear, core, board));
    const { timing } = options;
    if (timing?.cpu === 'approximate') {
      this.#approximate = new ApproximateTiming(this.kernel, imports, board, this.costs);
      if (timing.from === '') this.#approximate.start();
      else {
        this.#timedFrom = new RegExp(timing.from);
        this.kernel.onMarker = () => this.#approximate?.start();
      }
    }
    this.scheduler = new Scheduler(this.cores, (core) => this.#slice(core as Core), {
      tickHz: board.tickHz,
      ticksPerCount: board.ticksPerCount,
      quantum: nsToTicks(board.schedule.quantum, board.tickHz),
      syncWindow: nsToTicks(board.schedule.syncWindow, board.tickHz),
      soloQuantum: (SOLO_QUANTUM_MS * BigInt(board.tickHz)) / 1000n,
      requestInFlight: () => this.ledger.inFlight > 0,
      onDispatch: (name, at) => this.trace.recordAt(TraceKind.Event, NO_CORE, at, this.trace.name(name)),
    });
    this.clock = this.scheduler.queue;
    this.#lines = new CoreLines(this.scheduler, this.cores, this.costs, (core, lines) =>
      this.stamp(TraceKind.Lines, core, lines),
    );
    this.gic = new Gic400(gicConfig(board), { ...this.#lines.outputs, errors: this.errors });
    this.#mapGic();
    this.timer = new GenericTimer({
      cores: this.cores.length,
      readSysreg: (core, name) => this.#core(core).sysreg(name),
      localTicks: (core) => localTime(this.#core(core)),
      clock: this.clock,
      line: (core, timer) => this.gic.ppiLine(core, timerIntid(board, timer)),
    });
    this.pmu = new PmuInterrupts({
      cores: this.cores,
      clock: this.clock,
      line: (core) => this.#pmuLine(core),
    });
    this.#panicStop = this.clock.event('machine.panic', () => {
      this.stop({ name: 'panic', detail: this.#panicLine });
    });
    this.serial = new SerialPorts(board, {
      clock: this.clock,
      errors: this.errors,
      bus: this.bus,
      spiLine: (intid) => this.gic.spiLine(intid - 32),
      transmit: options.uart ?? 'instant',
      ...(options.onConsole === undefined ? {} : { onByte: options.onConsole }),
      onPanic: (line) => this.panicSeen(line),
      onExpect: (console, line) => this.stop({ name: 'expect', detail: `${console}: ${line}` }),
    });
    this.#mapBlocks(options.epoch ?? DEFAULT_EPOCH);
    this.#watch = new ExceptionWatch(
      this.cores,
      options.contextOf ?? ((core) => `cpu${core}`),
      options.onExceptionLoop ??
        ((context, detail) => {
          this.stop({ name: 'crash', detail: `${context}: ${detail}` });
        }),
    );
    this.inputs = new InputLog(options.replay ?? [], (record) => this.#deliver(record));
    for (const [name, part] of [
      ['errors', this.errors],
      ['costs', this.costs],
      ['ledger', this.ledger],
      ['bus', this.bus],
      ['gic', this.gic],
      ['serial', this.serial],
      ['inputs', this.inputs],
      ['watch', this.#watch],
    ] as const) {
      this.addPart(name, part);
    }
    if (this.#approximate !== undefined) this.addPart('timing', this.#approximate);
    for (const { name } of board.serial) this.timedFrom(this.serial.console(name));
    this.el2 = options.el2(this);
    this.addPart('el2', this.el2);
  }

  /** Makes snapshots include something; names are unique, the order of adding is the order of restoring. */
  addPart(name: string, part: Saved): void {
    if (this.#parts.has(name)) throw new Error(`the machine has a part ${name} already`);
    this.#parts.set(name, part);
  }

  /**
   * Makes `reference`, which was built alike but has the interpreter, do every round that this machine does, and run()
   * throw at the first round after which the two differ. Before the first run() only.
   */
  inStepWith(reference: Machine): void {
    this.#reference = reference;
    if (this.translator !== undefined) this.translator.keepSources = true;
  }

  /** Makes a line of this console that matches `timing.from` begin the approximate timing. */
  timedFrom(console: Console): void {
    if (this.#timedFrom === undefined) return;
    console.trigger = { pattern: this.#timedFrom, fire: () => (this.#timingDue = true) };
  }

  /** True while cores are timed by the approximate model. */
  get timed(): boolean {
    return this.#approximate?.on === true;
  }

  /** How the run ended, or undefined while it goes on. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Simulated time that all cores have reached, in ticks. */
  get time(): Ticks {
    return this.scheduler.base;
  }

  /** Instructions retired by all cores. */
  get instructions(): number {
    return this.cores.reduce((sum, core) => sum + core.instructions, 0);
  }

  /**
   * Runs until the outcome is known, or for about `budget` cycles. Between calls the host may give input, take a
   * snapshot or inspect anything; how the run is cut up does not change it. With `until` it also returns when every
   * core has reached that time; the slices end there, so this is part of what makes a run equal to another. With
   * `idleUntil` it returns at that time only if no core has anything to do, which changes nothing.
   */
  run(budget = DEFAULT_BUDGET, until: Ticks = NEVER, idleUntil: Ticks = NEVER): RunStatus {
    this.#pause = false;
    const end = this.#cycles() + budget;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (this.#outcome !== undefined) return 'done';
      if (this.time >= until) return 'more';
      this.inputs.deliverDue(this.time);
      if (this.time >= this.#deadline) {
        const seconds = Number(this.time) / this.board.tickHz;
        this.stop({ name: 'timeout', detail: `simulated time limit of ${seconds.toFixed(3)} s reached` });
        return 'done';
      }
      const idle = this.scheduler.allIdle;
      if (idle && this.time >= idleUntil) return 'more';
      const limit = earliest(this.inputs.next, this.#deadline, until);
      const status = this.scheduler.round(limit, idleUntil);
      if (this.#reference !== undefined) {
        this.#reference.run(0, until, idleUntil);
        compareMachines(this, this.#reference);
      }
      if (this.#timingDue) {
        this.#timingDue = false;
        this.#approximate?.start();
      }
      if (!idle) this.#watch.look(this.time, this.board.tickHz);
      if (this.memory.exhausted) {
        this.stop({ name: 'crash', detail: 'the guest uses more RAM than 4 GiB of linear memory can hold' });
      }
      if (this.#outcome !== undefined) return 'done';
      if (status === 'stopped') {
        this.stop({ name: 'crash', detail: 'the EL2 model stopped without an outcome' });
      } else if (status === 'waiting') {
        if (limit === NEVER) return 'waiting';
        this.scheduler.skip(limit);
      }
      if (this.#pause || this.#cycles() >= end) break;
    }
    return this.#outcome === undefined ? 'more' : 'done';
  }

  /** Makes run() return at the end of the present round, e.g. because a console showed what input waits for. */
  pause(): void {
    this.#pause = true;
  }

  /** Ends the run; the first outcome stands. */
  stop(outcome: Outcome): void {
    if (this.#outcome !== undefined) return;
    // `panic=N` makes Linux reboot after a panic; that is still a failure.
    const panicked = this.#panicLine !== '' && (outcome.name === 'reboot' || outcome.name === 'poweroff');
    this.#outcome = panicked ? { name: 'panic', detail: this.#panicLine } : outcome;
    this.stamp(TraceKind.Outcome, this.trace.name(this.#outcome.name));
    this.scheduler.stop();
  }

  /** A console has announced a kernel panic: the run ends soon, with that outcome. */
  panicSeen(line: string): void {
    if (this.#panicLine === '') this.#panicLine = line;
    if (this.#panicStop.when !== undefined) return;
    this.#panicStop.scheduleAt(this.clock.now() + (PANIC_GRACE_MS * BigInt(this.board.tickHz)) / 1000n);
  }

  /**
   * Bytes typed on a console; they arrive, and are recorded, at the next tick. Only between calls of run(), which ends a
   * slice there: a replay does the same, so the two are alike.
   */
  input(console: string, bytes: Uint8Array): void {
    this.inputs.add({ time: String(this.time + 1n), console, bytes: [...bytes] });
    this.#reference?.input(console, bytes);
  }

  /** True if input can be given to a console of that name. */
  hasConsole(name: string): boolean {
    return this.guestConsoles.has(name) || this.board.serial.some((port) => port.name === name);
  }

  /** Makes an idle core run; for the EL2 model, whose virtual CPUs are woken by software. */
  wake(core: number): void {
    this.stamp(TraceKind.Wake, core);
    this.scheduler.wake(core);
  }

  /** Adds the cost of a timing entry to a core's time, before the effect that it pays for. Returns the cycles. */
  charge(core: number, cost: string, bytes = 0): number {
    const target = this.#core(core);
    const cycles = this.costs.cost(cost, target.ticksPerCycle, bytes);
    target.cycles += cycles;
    return cycles;
  }

  /** A trace record at the present time, made by the core that runs, if one does. */
  stamp(kind: TraceKind, a = 0, b = 0, c = 0, d = 0, e = 0): void {
    const core = this.scheduler.current;
    if (core === undefined) this.trace.recordAt(kind, NO_CORE, this.clock.now(), a, b, c, d, e);
    else this.#stampCore(kind, core.index, a, b, c, d, e);
  }

  /** The hash of the run so far: trace, registers of all cores, contents of RAM. */
  hash(): string {
    const final: (number | string)[] = [String(this.time), this.memory.digest()];
    for (const core of this.cores) final.push(coreDigest(this.linear, core.index));
    return this.trace.hash(final);
  }

  /** State for snapshots, without RAM and core blocks (snapshot.ts adds those). */
  save(): unknown {
    return {
      scheduler: this.scheduler.save(),
      lines: this.#lines.save(),
      trace: this.trace.save(),
      outcome: this.#outcome ?? null,
      panicLine: this.#panicLine,
      parts: [...this.#parts].map(([name, part]) => [name, part.save()]),
    };
  }

  /** Restores `save()`; `restoreCores` puts core blocks and RAM back, after the devices have driven their lines. */
  load(state: unknown, restoreCores: () => void): void {
    const saved = state as {
      scheduler: ReturnType<Scheduler['save']>;
      lines: number[];
      trace: unknown;
      outcome: Outcome | null;
      panicLine: string;
      parts: [string, unknown][];
    };
    for (const [name, value] of saved.parts) {
      const part = this.#parts.get(name);
      if (part === undefined) throw new Error(`snapshot has state of an unknown part: ${name}`);
      part.load(value);
    }
    restoreCores();
    this.#lines.load(saved.lines);
    this.scheduler.load(saved.scheduler);
    this.trace.load(saved.trace);
    this.#outcome = saved.outcome ?? undefined;
    this.#panicLine = saved.panicLine;
  }

  #core(index: number): Core {
    return this.cores[index] as Core;
  }

  #cycles(): number {
    return this.cores.reduce((sum, core) => sum + core.cycles, 0);
  }

  #slice(core: Core): SliceOutcome {
    return this.el2.slice(core);
  }

  #deliver(record: InputRecord): void {
    const bytes = Uint8Array.from(record.bytes);
    const name = this.trace.name(record.console);
    for (let at = 0; at < bytes.length; at += 12) {
      const word = (i: number): number =>
        ((bytes[at + i] ?? 0) |
          ((bytes[at + i + 1] ?? 0) << 8) |
          ((bytes[at + i + 2] ?? 0) << 16) |
          ((bytes[at + i + 3] ?? 0) << 24)) >>>
        0;
      this.stamp(TraceKind.Input, name, Math.min(12, bytes.length - at), word(0), word(4), word(8));
    }
    const guest = this.guestConsoles.get(record.console);
    if (guest === undefined) this.serial.input(record.console, bytes);
    else guest(bytes);
  }

  /** The time as two words, without a bigint: this is the path of every MMIO access. */
  #stampCore(kind: TraceKind, index: number, a: number, b: number, c: number, d: number, e: number): void {
    const core = this.#core(index);
    const cycles = core.cycles;
    const high = Math.floor(cycles / 2 ** 32);
    const low = (cycles - high * 2 ** 32) * core.ticksPerCycle;
    const carry = Math.floor(low / 2 ** 32);
    this.trace.record(kind, index, low - carry * 2 ** 32, high * core.ticksPerCycle + carry, a, b, c, d, e);
  }

  #writeCostTable(core: BoardCore): void {
    const table = new Uint8Array(this.linear.buffer, COST_TABLE, COST_CLASSES.length);
    COST_CLASSES.forEach((name, index) => {
      table[index] = Math.min(this.costs.peek(`cpu.functional.${name}`, core.ticksPerCycle), 255);
    });
  }

  #pmuLine(core: number): IrqLine | undefined {
    const intid = this.board.cores[core]?.pmuIntid;
    if (intid === undefined) return undefined;
    return intid < 32 ? this.gic.ppiLine(core, intid) : this.gic.spiLine(intid - 32);
  }

  #mapBlocks(epoch: number): void {
    const cost = { read: 'bus.deviceRead', write: 'bus.deviceWrite' };
    const irq = (intid: number): IrqLine => this.gic.spiLine(intid - 32);
    for (const block of this.board.blocks) {
      const device = createBlock(block, { clock: this.clock, errors: this.errors, irq, epoch });
      this.bus.map(block.base, block.size, device, { cost });
      this.addPart(`block.${block.name}`, device);
    }
  }

  #mapGic(): void {
    const { gic, firmware } = this.board;
    const cost = { read: 'bus.gicRead', write: 'bus.gicWrite' };
    this.bus.map(gic.distributor.base, gic.distributor.size, this.gic.dist, { cost });
    this.bus.map(gic.cpuInterface.base, gic.cpuInterface.size, this.gic.cpuif, { cost });
    if (firmware.entryLevel !== 2) return;
    const control = { read: 'bus.gichRead', write: 'bus.gichWrite' };
    this.bus.map(gic.hypervisor.base, gic.hypervisor.size, this.gic.gich, { cost: control });
    this.bus.map(gic.virtualCpuInterface.base, gic.virtualCpuInterface.size, this.gic.gicv, { cost });
  }
}

function earliest(...times: readonly Ticks[]): Ticks {
  return times.reduce((first, time) => (time < first ? time : first), NEVER);
}

function nsToTicks(ns: number, tickHz: number): Ticks {
  return (BigInt(ns) * BigInt(tickHz) + 999_999_999n) / 1_000_000_000n;
}

function timerIntid(board: Board, timer: TimerName): number {
  const { physicalIntid, virtualIntid, hypervisorIntid } = board.timer;
  return { cntp: physicalIntid, cntv: virtualIntid, cnthp: hypervisorIntid }[timer];
}

function gicConfig(board: Board) {
  const { gic, timer, cores } = board;
  const timers = [timer.securePhysicalIntid, timer.physicalIntid, timer.virtualIntid, timer.hypervisorIntid];
  const wired = [gic.maintenanceIntid, ...timers, ...cores.flatMap((core) => core.pmuIntid ?? [])];
  return {
    cpuCount: cores.length,
    spiCount: gic.spiCount,
    lrCount: gic.lrCount,
    securityExtensions: gic.securityExtensions,
    group0: gic.group0Intids,
    ppis: wired.filter((intid) => intid < 32),
    alias64k: gic.alias64k,
    maintenanceIntid: gic.maintenanceIntid,
    gicdIidr: gic.iidr.distributor,
    giccIidr: gic.iidr.cpuInterface,
  };
}
