/**
 * The virtio-disk process (observed life: golden-libxl.md 4, 5; xen-ioreq.md 8.5, 8.6): waits for a guest in xenstore, sets up
 * an IOREQ server, serves register accesses in its main thread and disk requests in one more per disk, tears all down, waits again.
 */
import {
  IOREQ_TYPE_COPY,
  IOREQ_TYPE_INVALIDATE,
  STATE_IOREQ_INPROCESS,
  STATE_IOREQ_READY,
  STATE_IORESP_READY,
} from '../../xen/public/ioreq.js';
import type { UnpopulatedSpace } from '../../xen/tools/libs/foreignmemory.js';
import type { XsHandle } from '../../xen/tools/libs/xenstore.js';
import type { VirtioMmio } from '../virtio/mmio.js';
import { Attachment, newServed, START, type Served, type Start } from './attachment.js';
import { DiskDirectories, VdiskDirectory, type Discovery, type StaticPlace } from './discovery.js';
import { DiskDevice, type DiskDeviceOptions, type DiskStatus } from './disk_device.js';
import type { DomdProgram, Process } from './program.js';

type Main =
  | { at: 'wait' }
  | { at: 'start'; step: Start }
  | { at: 'idle' }
  | { at: 'wake' }
  | { at: 'read-port' }
  | { at: 'unmask'; port: number }
  | { at: 'look'; port: number; vcpu: number }
  | { at: 'access'; port: number; vcpu: number }
  | { at: 'respond'; port: number; vcpu: number; data: string | null }
  | { at: 'notify'; port: number; vcpu: number }
  | { at: 'stop'; done: number }
  | { at: 'gone' };

/** Phases of a request's path, for the ledger. */
const PHASES: Readonly<Record<Main['at'], string>> = {
  wait: '',
  start: '',
  stop: '',
  gone: '',
  idle: 'deliver',
  wake: 'deliver',
  'read-port': 'deliver',
  unmask: 'deliver',
  look: 'backend',
  access: 'backend',
  respond: 'backend',
  notify: 'respond',
};

export interface VirtioDiskOptions {
  /** The disks that this process serves, all of the same guest. */
  readonly disks: readonly DiskDeviceOptions[];
  readonly space: UnpopulatedSpace;
  readonly xenstore: XsHandle;
  readonly warn: (line: string) => void;
  /** `disk` directories of libxl, or the `vdisk` one of the 2020 series. */
  readonly layout?: 'disk' | 'vdisk';
  /** How the process learns of a request: by its event channel, by looking at the slots, or kicks by the kernel's ioeventfd. */
  readonly wake?: 'event' | 'poll' | 'ioeventfd';
  /** Windows and interrupts by disk, told on the command line instead of being read. */
  readonly places?: readonly StaticPlace[];
}

/** What a backend process is doing. */
export interface ProcessStatus {
  /** `wedged`: it is never scheduled. */
  readonly life: 'looks for a guest' | 'starting' | 'serving' | 'stopping' | 'ended' | 'wedged';
  /** Domain id of its guest and id of its IOREQ server, if it has one. */
  readonly domid: number | undefined;
  readonly server: number | undefined;
  /** Where its main thread is. */
  readonly step: string;
  /** Event ports that were read and not yet acted on. */
  readonly ports: number;
  readonly disks: readonly DiskStatus[];
}

const LIVES: Partial<Record<Main['at'], ProcessStatus['life']>> = {
  wait: 'looks for a guest',
  start: 'starting',
  stop: 'stopping',
  gone: 'ended',
};

export class VirtioDisk implements Process {
  readonly devices: readonly DiskDevice[];
  /** False: a start switch that tests and users turn to see a wedged backend; the process is never scheduled. */
  enabled = true;
  #main: Main = { at: 'wait' };
  #guest: Served | undefined;
  #lastDomid = 0;
  /** xenstore changed: look for a guest, or whether ours is gone. */
  #storeEvent = true;
  #watching = false;
  /** A signal that has not been acted on. */
  #signal: 'term' | 'kill' | undefined;
  #pending: number[] = [];
  /** Which thread's turn it is when both can run; and which disk's. */
  #ioTurn = false;
  #diskTurn = 0;
  readonly #discovery: Discovery;
  readonly #attachment: Attachment;

  constructor(
    readonly name: string,
    private readonly program: DomdProgram,
    private readonly options: VirtioDiskOptions,
  ) {
    const { caller } = program;
    const { xenstore, space, layout, places } = options;
    this.devices = options.disks.map((disk) => new DiskDevice(program, disk));
    this.#discovery =
      layout === 'vdisk'
        ? new VdiskDirectory(xenstore, this.devices)
        : new DiskDirectories(xenstore, this.devices, places);
    this.#attachment = new Attachment(program, space, this.devices, this.#discovery, this.#polls);
    xenstore.onWatch(() => {
      this.#storeEvent = true;
      caller.xen.unblock(caller.vcpu);
    });
  }

  /** The first disk's register page. */
  get device(): VirtioMmio {
    return this.devices[0]!.device;
  }

  /** Register accesses served, for all disks and guests so far. */
  get accesses(): number {
    return this.devices.reduce((sum, device) => sum + device.accesses, 0);
  }

  /** Whether it serves a guest now. */
  get serving(): boolean {
    return this.#guest !== undefined;
  }

  /** The disk with that id (`NAME:VDEV`). */
  disk(id: string): DiskDevice | undefined {
    return this.devices.find((device) => device.options.id === id);
  }

  /** Looks without charging or changing anything. */
  look(): ProcessStatus {
    const main = this.#main;
    const g = this.#guest;
    return {
      life: this.enabled || this.ended ? (LIVES[main.at] ?? 'serving') : 'wedged',
      domid: g?.domid,
      server: g === undefined || g.server < 0 ? undefined : g.server,
      step: main.at === 'start' ? `start: ${main.step}` : main.at,
      ports: this.#pending.length,
      disks: this.devices.map((device) => device.look()),
    };
  }

  // ---- signals ----

  /** SIGTERM: tears down as if the guest had gone, then ends. */
  terminate(): void {
    this.#signal ??= 'term';
    this.#wakeUp();
  }

  /** SIGKILL: the kernel closes what it had; server, range and xenstore stay as they are. */
  kill(): void {
    this.#signal = 'kill';
    this.#wakeUp();
  }

  /** A fresh process after the end of this one, with the same command line. False: it still runs. */
  restart(): boolean {
    if (this.#main.at !== 'gone') return false;
    this.#main = { at: 'wait' };
    this.#lastDomid = 0;
    this.#storeEvent = true;
    this.#watching = false;
    this.#signal = undefined;
    this.#wakeUp();
    return true;
  }

  get ended(): boolean {
    return this.#main.at === 'gone';
  }

  #wakeUp(): void {
    const { caller } = this.program;
    caller.xen.unblock(caller.vcpu);
  }

  /** Acts on a signal between two steps. @returns true if it did. */
  #takeSignal(): boolean {
    if (this.#signal === undefined || this.ended) return false;
    const g = this.#guest;
    if (this.#signal === 'kill') {
      this.#report('backend-killed', 'SIGKILL');
      if (g !== undefined) this.#attachment.release(g);
      this.#end();
      return true;
    }
    // The real process looks at the signal only when it sleeps: what it is doing for the guest is finished first.
    if (this.#main.at !== 'wait' && this.#main.at !== 'idle') return false;
    this.#report('backend-terminated', 'SIGTERM');
    if (this.#main.at === 'wait') this.#end();
    else this.#main = { at: 'stop', done: START.length };
    return true;
  }

  #report(kind: string, signal: string): void {
    const whose = this.#guest === undefined ? 'without a guest' : `while it served d${this.#guest.domid}`;
    this.program.caller.xen.errors.report(kind, this.name, `${signal} ${whose}`);
  }

  #end(): void {
    this.#guest = undefined;
    this.#pending = [];
    this.#signal = undefined;
    this.#main = { at: 'gone' };
    this.options.xenstore.close();
  }

  // ---- Process ----

  ownsPort(port: number): boolean {
    const g = this.#guest;
    return g !== undefined && (g.ports.includes(port) || g.bufferedPort === port);
  }

  onPort(port: number): void {
    // What came before the port was masked is in the slot all the same.
    if (this.#polls && this.#guest?.ports.includes(port) === true) return;
    if (!this.#pending.includes(port)) this.#pending.push(port);
  }

  requestOf(port: number): number {
    const vcpu = this.#guest?.ports.indexOf(port) ?? -1;
    if (vcpu < 0) return 0;
    return this.program.caller.xen.domain(this.#guest!.domid)?.vcpus[vcpu]?.io.requestId ?? 0;
  }

  get #polls(): boolean {
    return this.options.wake === 'poll';
  }

  /** A kick that is in the slot is signalled to the disk thread and answered without waking the process. */
  inKernel(port: number): boolean {
    const g = this.#guest;
    if (this.options.wake !== 'ioeventfd' || !this.enabled || g === undefined) return false;
    const { caller, ports } = this.program;
    const vcpu = g.ports.indexOf(port);
    if (vcpu < 0) return false;
    caller.workFor(this.requestOf(port), 'backend');
    caller.charge('domd.ioeventfd');
    const slots = this.#attachment.slots(g);
    const { state, type, addr, size, read, data } = slots.read(vcpu);
    const device = this.devices.find((each) => each.isKick(addr));
    if (state !== STATE_IOREQ_READY || type !== IOREQ_TYPE_COPY || read || device === undefined) return false;
    slots.setState(vcpu, STATE_IOREQ_INPROCESS);
    device.access(g.domid, addr, size, read, data);
    slots.setState(vcpu, STATE_IORESP_READY);
    caller.workFor(this.requestOf(port), 'respond');
    ports.notify(port);
    return true;
  }

  step(): boolean {
    if (!this.enabled) return false;
    if (this.#takeSignal()) return true;
    const mainReady = this.#mainReady();
    const io = this.#nextDisk();
    if (!mainReady && io === undefined) return false;
    // A thread that another one wakes does not preempt it: the main thread runs on until it would sleep.
    const useIo = io !== undefined && (!mainReady || (this.#ioTurn && this.#main.at === 'idle'));
    this.#ioTurn = !useIo;
    if (useIo) io.step(this.#guest!.domid);
    else this.#mainStep();
    return true;
  }

  /** The disk threads take turns, step by step. */
  #nextDisk(): DiskDevice | undefined {
    const { devices } = this;
    for (let i = 0; i < devices.length; i++) {
      const at = (this.#diskTurn + i) % devices.length;
      if (!devices[at]!.runnable) continue;
      this.#diskTurn = (at + 1) % devices.length;
      return devices[at];
    }
    return undefined;
  }

  #mainReady(): boolean {
    switch (this.#main.at) {
      case 'gone':
        return false;
      case 'wait':
        return this.#storeEvent;
      case 'idle':
        if (this.#pending.length > 0 || this.#storeEvent) return true;
        // Polling goes on, but not in the way of a disk thread.
        return this.#polls && (this.#polled() !== undefined || this.#nextDisk() === undefined);
      default:
        return true;
    }
  }

  #mainStep(): void {
    const { caller } = this.program;
    const main = this.#main;
    const port = 'port' in main ? main.port : this.#pending[0];
    caller.workFor(port === undefined ? 0 : this.requestOf(port), PHASES[main.at]);
    switch (main.at) {
      case 'wait':
        return this.#findGuest();
      case 'start':
        return this.#start(main.step);
      case 'idle':
        return this.#polls ? this.#poll() : this.#wake();
      case 'wake':
      case 'read-port':
        return this.#readPort();
      case 'unmask':
        return this.#unmask(main.port);
      case 'look':
        return this.#look(main.port, main.vcpu);
      case 'access':
        return this.#access(main.port, main.vcpu);
      case 'respond':
        return this.#respond(main.port, main.vcpu, main.data);
      case 'notify':
        return this.#notify(main.port);
      case 'stop':
        return this.#stop(main.done);
      default:
        return;
    }
  }

  // ---- life ----

  #findGuest(): void {
    this.#storeEvent = false;
    if (!this.#watching) {
      this.#watching = true;
      this.#discovery.watch();
    }
    const domid = this.#discovery.find(this.#lastDomid);
    if (domid === undefined) return;
    this.#lastDomid = domid;
    this.#guest = newServed(domid);
    this.#main = { at: 'start', step: 'connect' };
  }

  #fail(step: string, rc: number): void {
    this.program.caller.xen.errors.report('backend-start', this.name, `${step}: ${rc}`);
    this.options.warn(`${this.name}: ${step} failed (${rc})`);
    this.#main = { at: 'stop', done: START.indexOf(step as Start) };
  }

  #start(step: Start): void {
    const rc = this.#attachment.start(step, this.#guest!);
    if (rc < 0) return this.#fail(step, rc);
    const next = START[START.indexOf(step) + 1];
    this.#main = next === undefined ? { at: 'idle' } : { at: 'start', step: next };
    // The watch's own first firing and anything that happened meanwhile is looked at once we serve.
    if (next === undefined) this.#storeEvent = true;
  }

  /** One step of the teardown: `done` start steps are still in effect. */
  #stop(done: number): void {
    if (done > 0) {
      this.#attachment.stop(START[done - 1]!, this.#guest!);
      this.#main = { at: 'stop', done: done - 1 };
      return;
    }
    if (this.#signal === 'term') return this.#end();
    this.#guest = undefined;
    this.#pending = [];
    this.#storeEvent = true;
    this.#main = { at: 'wait' };
  }

  /** select() returned: an event, or xenstore. */
  #wake(): void {
    const { caller } = this.program;
    if (this.#storeEvent) {
      this.#storeEvent = false;
      if (this.#discovery.gone()) {
        this.#main = { at: 'stop', done: START.length };
        return;
      }
      if (this.#pending.length === 0) return;
    }
    caller.charge('domd.userWake');
    this.#main = { at: 'read-port' };
  }

  /** The first port whose slot has a request. */
  #polled(): number | undefined {
    return this.#guest?.ports.find((port) => this.program.ports.isPending(port));
  }

  /**
   * One look at every slot. A slot is seen when the event that goes with it has come to be pending: a sender on another core may
   * be ahead of this one, and nobody sees a request before it was made.
   */
  #poll(): void {
    const { caller, ports } = this.program;
    if (this.#storeEvent) {
      this.#storeEvent = false;
      if (this.#discovery.gone()) this.#main = { at: 'stop', done: START.length };
      return;
    }
    const port = this.#polled();
    if (port === undefined) return caller.spin();
    ports.takeMasked(port);
    caller.interrupted(this.requestOf(port));
    caller.workFor(this.requestOf(port), 'deliver');
    caller.charge('domd.pollLook');
    this.#main = { at: 'look', port, vcpu: this.#guest!.ports.indexOf(port) };
  }

  // ---- one port, one request ----

  #readPort(): void {
    const port = this.#pending.shift();
    if (port === undefined) {
      this.#main = { at: 'idle' };
      return;
    }
    const { caller } = this.program;
    caller.workFor(this.requestOf(port), 'deliver');
    caller.charge('domd.readPort');
    this.#main = { at: 'unmask', port };
  }

  #unmask(port: number): void {
    this.program.caller.charge('domd.unmaskPort');
    this.program.ports.unmask(port);
    const vcpu = this.#guest!.ports.indexOf(port);
    this.#main = vcpu < 0 ? { at: 'idle' } : { at: 'look', port, vcpu };
  }

  #look(port: number, vcpu: number): void {
    this.program.caller.charge('domd.pageAccess');
    const slots = this.#attachment.slots(this.#guest!);
    if (slots.read(vcpu).state !== STATE_IOREQ_READY) {
      // The event that every bind sends; "IO request not ready" in the real process.
      this.#main = { at: 'idle' };
      return;
    }
    slots.setState(vcpu, STATE_IOREQ_INPROCESS);
    this.#main = { at: 'access', port, vcpu };
  }

  #access(port: number, vcpu: number): void {
    const { caller } = this.program;
    caller.charge('domd.deviceRegister');
    const g = this.#guest!;
    const { type, addr, size, read, data: value } = this.#attachment.slots(g).read(vcpu);
    let data: bigint | null = null;
    if (type === IOREQ_TYPE_COPY) {
      const device = this.devices.find((each) => each.covers(addr));
      // Answered all the same, with the data as it is.
      if (device === undefined) this.options.warn(`${this.name}: access at 0x${addr.toString(16)} is not the device's`);
      else data = device.access(g.domid, addr, size, read, value);
    } else if (type !== IOREQ_TYPE_INVALIDATE) this.options.warn(`${this.name}: request of type ${type}`);
    this.#main = { at: 'respond', port, vcpu, data: data === null ? null : String(data) };
  }

  #respond(port: number, vcpu: number, data: string | null): void {
    this.program.caller.charge('domd.pageAccess');
    const slots = this.#attachment.slots(this.#guest!);
    if (data !== null) slots.setData(vcpu, BigInt(data));
    slots.setState(vcpu, STATE_IORESP_READY);
    this.#main = { at: 'notify', port, vcpu };
  }

  #notify(port: number): void {
    const { caller, ports } = this.program;
    caller.charge('domd.syscall');
    ports.notify(port);
    this.#main = this.#pending.length > 0 ? { at: 'read-port' } : { at: 'idle' };
  }

  /** Register name of an address in one of our windows, for reports. */
  registerAt(address: number): string | undefined {
    return this.#guest === undefined
      ? undefined
      : this.devices.find((each) => each.covers(address))?.registerAt(address);
  }

  save(): unknown {
    return {
      devices: this.devices.map((device) => device.save()),
      enabled: this.enabled,
      main: this.#main,
      guest: this.#guest === undefined ? null : { ...this.#guest, bufferedPort: this.#guest.bufferedPort ?? null },
      lastDomid: this.#lastDomid,
      storeEvent: this.#storeEvent,
      watching: this.#watching,
      signal: this.#signal ?? null,
      pending: [...this.#pending],
      ioTurn: this.#ioTurn,
      diskTurn: this.#diskTurn,
    };
  }

  load(state: unknown): void {
    // The snapshot reader has checked the version: the fields are those of save().
    const s = state as any;
    s.devices.forEach((saved: unknown, i: number) => this.devices[i]!.load(saved));
    this.enabled = s.enabled;
    this.#main = s.main;
    this.#guest =
      s.guest === null
        ? undefined
        : {
            ...s.guest,
            pages: [...s.guest.pages],
            ports: [...s.guest.ports],
            bufferedPort: s.guest.bufferedPort ?? undefined,
          };
    this.#lastDomid = s.lastDomid;
    this.#storeEvent = s.storeEvent;
    this.#watching = s.watching;
    this.#signal = s.signal ?? undefined;
    this.#pending = [...s.pending];
    this.#ioTurn = s.ioTurn;
    this.#diskTurn = s.diskTurn;
  }
}
