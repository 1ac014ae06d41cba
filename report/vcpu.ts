/** What a guest's vCPU stands at: the data behind "why is it stuck". Ticks are base ticks of the run. */

export type VcpuState = 'running' | 'runnable' | 'blocked' | 'paused' | 'off' | 'shut down';

/** `interrupt`: WFI. `event`: SCHEDOP_poll. `ioreq`: an emulator's answer. `start`: PSCI CPU_ON. */
export type VcpuWait = 'nothing' | 'ioreq' | 'event' | 'interrupt' | 'start' | 'unpause';

/** An interrupt between injection and end, or latched while it is disabled. */
export interface ReportInterrupt {
  intid: number;
  /** What it is for, e.g. `virtual timer`, `xvda`. */
  name: string;
  state: 'pending' | 'active' | 'active and pending';
  /** List register that holds it, -1 for none. */
  lr: number;
  /** Why the guest does not take it now; empty: nothing keeps it. */
  masked: string[];
}

export interface ReportListRegister {
  lr: number;
  intid: number;
  state: 'pending' | 'active' | 'active and pending';
  /** As the guest wrote it, 0 the highest. */
  priority: number;
}

/** A disk of a backend process. */
export interface ReportDisk {
  id: string;
  irq: number;
  thread: string;
  status: number;
  interruptStatus: number;
  waiting: number;
  taken: number;
}

/** A backend process that serves the guest. */
export interface ReportBackend {
  process: string;
  domain: string;
  life: string;
  step: string;
  ports: number;
  /** State of the one vCPU that its domain has. */
  vcpu: VcpuState;
  server: number;
  disks: ReportDisk[];
}

/** The request that a vCPU waits for. */
export interface ReportWaitingIoreq {
  /** Id in trace and ledger, 0: a broadcast that nobody accounts for. */
  request: number;
  server: number;
  emulator: string;
  direction: 'read' | 'write';
  address: number;
  register: string;
  size: number;
  /** Hexadecimal; what a write carries. */
  data: string;
  /** State of the slot in the shared page. */
  slot: 'none' | 'ready' | 'inprocess' | 'response' | 'unknown';
  /** The channel that tells the emulator: ports at both ends; remote -1: nobody is bound. */
  port: { guest: number; emulator: number; pending: boolean; masked: boolean };
  /** Its process; empty: none that serves this server. */
  process: string;
}

export interface ReportVcpu {
  guest: string;
  /** As Xen prints it: d1v0. */
  vcpu: string;
  state: VcpuState;
  waits: VcpuWait;
  /** One or two sentences. */
  why: string;
  /** When it began to wait or to run, and when it was looked at. */
  since: number;
  time: number;
  /** Core that it runs on, or ran on last. */
  core: string;
  /** Hexadecimal. */
  pc: string;
  el: number;
  /** PSTATE.I. */
  masked: boolean;
  /** The instruction at `pc` is a branch to itself, or WFI and back. */
  loops: boolean;
  ioreq: ReportWaitingIoreq | null;
  /** Ports of SCHEDOP_poll, -1 for several. */
  pollPort: number;
  /** Ticks at which the timers fire; null: off, or masked. */
  timers: { virtual: number | null; physical: number | null };
  interrupts: ReportInterrupt[];
  listRegisters: ReportListRegister[];
  virtualInterface: { lrs: number; enabled: boolean; priorityMask: number };
  backends: ReportBackend[];
  /** How the guest has ended, if it has; empty otherwise. */
  end: string;
}
