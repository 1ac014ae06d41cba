/**
 * The driver domain's software on its one vCPU: a kernel that takes event-channel upcalls, and processes made of threads.
 * It runs one step at a time, so Xen may preempt it between steps; all of its state is data.
 */
import type { Caller } from '../../xen/tools/libs/caller.js';
import type { TimedEvent } from '../../xen/tools/libs/timer.js';
import { EventPorts, mapSharedInfo } from '../../xen/tools/libs/evtchn.js';

const EVTCHN_PPI = 31;
const PAGE = 4096;

/** What a process may do when one of its threads is scheduled. */
export interface Process {
  readonly name: string;
  /** A port of this process was taken from the pending bits and masked. */
  onPort(port: number): void;
  ownsPort(port: number): boolean;
  /** The ledger's request that a pending port stands for, 0 if none. */
  requestOf(port: number): number;
  /**
   * The kernel's own answer to an event, in its interrupt handler (linux: drivers/xen/privcmd.c, ioeventfd_interrupt). False: the
   * process has to see it.
   */
  inKernel?(port: number): boolean;
  /** Runs one step of one thread; false: every thread sleeps. */
  step(): boolean;
  save(): unknown;
  load(state: unknown): void;
}

/** `off`: nothing ran yet; `starting`: user space comes up, which takes time but not this vCPU's whole attention. */
type BootStep = 'off' | 'starting' | 'shared-info' | 'interrupts' | 'running';

/** Structurally xen/common/domain.ts ModelledProgram. */
export class DomdProgram {
  readonly ports: EventPorts;
  readonly #processes: Process[] = [];
  #boot: BootStep = 'off';
  readonly #started: TimedEvent;
  /** Round robin over processes. */
  #turn = 0;

  constructor(
    readonly caller: Caller,
    /** Guest-physical address at which shared_info is placed. */
    private readonly sharedInfo: number,
    /** Event that ends the start-up time. */
    startEvent: (handler: () => void) => TimedEvent,
    /** A program of lowest priority runs whenever nothing else wants to. */
    private readonly spins = false,
  ) {
    this.ports = new EventPorts(caller, sharedInfo);
    this.#started = startEvent(() => {
      this.#boot = 'shared-info';
      caller.xen.unblock(caller.vcpu);
    });
  }

  /** No process was added: nothing is to run here. */
  get empty(): boolean {
    return this.#processes.length === 0;
  }

  add(process: Process): void {
    this.#processes.push(process);
  }

  /** One step; 'blocked': nothing to do until an interrupt or a timer wakes the vCPU. */
  step(_vcpu: unknown, pcpu: number): 'ran' | 'blocked' {
    this.caller.enter(pcpu);
    try {
      return this.#step();
    } finally {
      this.caller.workFor(0);
    }
  }

  #step(): 'ran' | 'blocked' {
    if (this.#boot !== 'running') return this.#bootStep();
    const intid = this.caller.acknowledge();
    if (intid !== undefined) {
      this.#interrupt(intid);
      return 'ran';
    }
    for (let i = 0; i < this.#processes.length; i++) {
      const process = this.#processes[(this.#turn + i) % this.#processes.length]!;
      if (process.step()) {
        this.#turn = (this.#turn + i + 1) % this.#processes.length;
        return 'ran';
      }
    }
    if (!this.spins) return 'blocked';
    this.caller.spin();
    return 'ran';
  }

  #bootStep(): 'ran' | 'blocked' {
    const { xen } = this.caller;
    if (this.#boot === 'starting') return 'blocked';
    if (this.#boot === 'off') {
      this.#boot = 'starting';
      this.#started.scheduleAt(xen.clock.now() + xen.costTicks('domd.start'));
    } else if (this.#boot === 'shared-info') {
      const rc = mapSharedInfo(this.caller, this.sharedInfo / PAGE);
      if (rc < 0) xen.errors.report('backend-start', this.caller.domain.name, `shared_info: ${rc}`);
      this.#boot = 'interrupts';
    } else {
      this.caller.enableInterrupt(EVTCHN_PPI);
      this.#boot = 'running';
    }
    return 'ran';
  }

  /** The kernel's interrupt path: upcall, then one handler per port. The first request seen pays for it. */
  #interrupt(intid: number): void {
    const pending = intid === EVTCHN_PPI ? this.ports.peek() : [];
    const request = pending.map((port) => this.#owner(port)?.requestOf(port) ?? 0).find((r) => r !== 0) ?? 0;
    this.caller.interrupted(request);
    this.caller.workFor(request, 'deliver');
    this.caller.charge('domd.upcall');
    for (const port of intid === EVTCHN_PPI ? this.ports.take() : []) {
      this.caller.charge('domd.evtchn');
      const owner = this.#owner(port);
      if (owner?.inKernel?.(port) === true) this.ports.unmask(port);
      else owner?.onPort(port);
    }
    this.caller.endOfInterrupt(intid);
  }

  #owner(port: number): Process | undefined {
    return this.#processes.find((p) => p.ownsPort(port));
  }

  save(): unknown {
    return { boot: this.#boot, turn: this.#turn, processes: this.#processes.map((p) => p.save()) };
  }

  load(state: unknown): void {
    const s = state as { boot: BootStep; turn: number; processes: unknown[] };
    this.#boot = s.boot;
    this.#turn = s.turn;
    s.processes.forEach((saved, i) => this.#processes[i]?.load(saved));
  }
}
