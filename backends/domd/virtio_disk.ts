/**
 * The virtio-disk process (observed life: golden-libxl.md 4, 5; xen-ioreq.md 8.5, 8.6): waits for a guest in xenstore, sets up
 * an IOREQ server, serves register accesses in its main thread and disk requests in a second one, tears all down, waits again.
 */
import { IOREQ_TYPE_COPY, IOREQ_TYPE_INVALIDATE, STATE_IOREQ_INPROCESS, STATE_IOREQ_READY, STATE_IORESP_READY } from '../../xen/public/ioreq.js';
import { createIoreqServer, destroyIoreqServer, mapIoRange, nrVcpus, setIoreqServerState } from '../../xen/tools/libs/devicemodel.js';
import { MappedPages, mapForeignPage, mapResource, unmapPage, type UnpopulatedSpace } from '../../xen/tools/libs/foreignmemory.js';
import type { TimedEvent } from '../../xen/tools/libs/timer.js';
import type { XsHandle } from '../../xen/tools/libs/xenstore.js';
import { blkClass } from '../virtio/blk.js';
import type { Disk } from '../virtio/disk.js';
import { VirtioMmio, registerName, type Effect } from '../virtio/mmio.js';
import { IoThread } from './io_thread.js';
import { IoreqSlots } from './ioreq_slots.js';
import type { DomdProgram, Process } from './program.js';

const WINDOW = 0x200;
const PAGE = 4096;
const XENBUS = { initialising: 1, initWait: 2, closed: 6 } as const;

/** Start-up steps in order; teardown walks them backwards from wherever it was. */
const START = ['connect', 'config', 'nr-vcpus', 'create', 'map-page', 'enable', 'bind', 'device'] as const;
type Start = (typeof START)[number];

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

interface Guest {
  domid: number;
  base: number;
  irq: number;
  vcpus: number;
  server: number;
  page: number;
  /** Local port of each vCPU. */
  ports: number[];
  backendPath: string;
  frontendPath: string;
  devid: string;
}

export interface VirtioDiskOptions {
  /** The image path in xenstore that this process serves (`params`). */
  readonly params: string;
  /** Which guest and device of that image it is for, where several name the same; default: the first. */
  readonly serves?: (domid: number, devid: string) => boolean;
  readonly disk: Disk;
  readonly space: UnpopulatedSpace;
  readonly xenstore: XsHandle;
  /** Event that ends the disk's service time. */
  readonly diskEvent: (handler: () => void) => TimedEvent;
  readonly warn: (line: string) => void;
}

export class VirtioDisk implements Process {
  readonly device: VirtioMmio;
  /** False: a start switch that tests and users turn to see a wedged backend; the process is never scheduled. */
  enabled = true;
  /** Register accesses served, for all guests so far. */
  accesses = 0;
  #main: Main = { at: 'wait' };
  #guest: Guest | undefined;
  #lastDomid = 0;
  /** xenstore changed: look for a guest, or whether ours is gone. */
  #storeEvent = true;
  #watching = false;
  #pending: number[] = [];
  readonly #rings: MappedPages;
  readonly #io: IoThread;
  readonly #diskEvent: TimedEvent;
  /** Which thread's turn it is when both can run. */
  #ioTurn = false;

  constructor(
    readonly name: string,
    private readonly program: DomdProgram,
    private readonly options: VirtioDiskOptions,
  ) {
    const { caller } = program;
    this.device = new VirtioMmio(blkClass(options.disk));
    this.#rings = new MappedPages(caller);
    this.#diskEvent = options.diskEvent(() => {
      this.#io.diskDone();
      caller.xen.unblock(caller.vcpu);
    });
    this.#io = new IoThread(caller, options.space, this.device, options.disk, name, this.#rings, (cost, bytes) => this.#startDisk(cost, bytes), options.warn);
    options.xenstore.onWatch(() => {
      this.#storeEvent = true;
      caller.xen.unblock(caller.vcpu);
    });
  }

  #startDisk(cost: string, bytes: number): void {
    const { xen } = this.program.caller;
    const service = xen.costTicks(cost) + xen.costTicks('disk.transfer', bytes);
    this.#diskEvent.scheduleAt(xen.clock.now() + service);
  }

  // ---- Process ----

  ownsPort(port: number): boolean {
    return this.#guest?.ports.includes(port) === true;
  }

  onPort(port: number): void {
    if (!this.#pending.includes(port)) this.#pending.push(port);
  }

  requestOf(port: number): number {
    const vcpu = this.#guest?.ports.indexOf(port) ?? -1;
    if (vcpu < 0) return 0;
    return this.program.caller.xen.domain(this.#guest!.domid)?.vcpus[vcpu]?.io.requestId ?? 0;
  }

  step(): boolean {
    if (!this.enabled) return false;
    const mainReady = this.#mainReady();
    if (!mainReady && !this.#io.runnable) return false;
    // A thread that another one wakes does not preempt it: the main thread runs on until it would sleep.
    const useIo = this.#io.runnable && (!mainReady || (this.#ioTurn && this.#main.at === 'idle'));
    this.#ioTurn = !useIo;
    if (useIo) this.#io.step({ domid: this.#guest!.domid, irq: this.#guest!.irq });
    else this.#mainStep();
    return true;
  }

  #mainReady(): boolean {
    switch (this.#main.at) {
      case 'gone':
        return false;
      case 'wait':
        return this.#storeEvent;
      case 'idle':
        return this.#pending.length > 0 || this.#storeEvent;
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
        return this.#wake();
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
    const { xenstore, params } = this.options;
    if (!this.#watching) {
      this.#watching = true;
      xenstore.watch('backend/virtio_disk', 'virtio_disk');
    }
    const domids = xenstore
      .directory('backend/virtio_disk')
      .map(Number)
      .filter((d) => d > this.#lastDomid)
      .sort((a, b) => a - b);
    for (const domid of domids) {
      for (const devid of xenstore.directory(`backend/virtio_disk/${domid}`)) {
        const backendPath = `backend/virtio_disk/${domid}/${devid}`;
        if (xenstore.read(`${backendPath}/params`) !== params) continue;
        if (this.options.serves?.(domid, devid) === false) continue;
        this.#lastDomid = domid;
        this.#guest = { domid, devid, backendPath, frontendPath: '', base: 0, irq: 0, vcpus: 0, server: -1, page: -1, ports: [] };
        this.#main = { at: 'start', step: 'connect' };
        return;
      }
    }
  }

  #fail(step: string, rc: number): void {
    this.program.caller.xen.errors.report('backend-start', this.name, `${step}: ${rc}`);
    this.options.warn(`${this.name}: ${step} failed (${rc})`);
    this.#main = { at: 'stop', done: START.indexOf(step as Start) };
  }

  #start(step: Start): void {
    const rc = this.#startStep(step);
    if (rc < 0) return this.#fail(step, rc);
    const next = START[START.indexOf(step) + 1];
    this.#main = next === undefined ? { at: 'idle' } : { at: 'start', step: next };
    // The watch's own first firing and anything that happened meanwhile is looked at once we serve.
    if (next === undefined) this.#storeEvent = true;
  }

  #startStep(step: Start): number {
    const { caller, ports } = this.program;
    const { xenstore, space } = this.options;
    const g = this.#guest!;
    switch (step) {
      case 'connect': {
        if (xenstore.read(`${g.backendPath}/state`) !== String(XENBUS.initialising)) return -22;
        // libxl may unpause the guest from here on (xen-ioreq.md 8.5 step 3).
        xenstore.write(`${g.backendPath}/state`, String(XENBUS.initWait));
        g.frontendPath = xenstore.read(`${g.backendPath}/frontend`) ?? '';
        if (xenstore.read(`${g.frontendPath}/state`) !== String(XENBUS.initialising)) return -22;
        xenstore.watch(g.backendPath, 'be');
        xenstore.watch(g.frontendPath, 'fe');
        return 0;
      }
      case 'config':
        g.base = Number(xenstore.read(`${g.backendPath}/base`) ?? NaN);
        g.irq = Number(xenstore.read(`${g.backendPath}/irq`) ?? NaN);
        return Number.isInteger(g.base) && Number.isInteger(g.irq) ? 0 : -22;
      case 'nr-vcpus':
        g.vcpus = nrVcpus(caller, g.domid);
        return g.vcpus;
      case 'create':
        g.server = createIoreqServer(caller, g.domid, 0);
        return g.server;
      case 'map-page':
        g.page = mapResource(caller, space, g.domid, g.server, 1);
        return g.page;
      case 'enable':
        return setIoreqServerState(caller, g.domid, g.server, true);
      case 'bind': {
        const slots = this.#slots();
        for (let vcpu = 0; vcpu < g.vcpus; vcpu++) {
          const port = ports.bindInterdomain(g.domid, slots.port(vcpu));
          if (port < 0) return port;
          g.ports.push(port);
        }
        return 0;
      }
      default:
        this.device.reset();
        return mapIoRange(caller, g.domid, g.server, g.base, g.base + WINDOW - 1);
    }
  }

  /** One step of the teardown: `done` start steps are still in effect. */
  #stop(done: number): void {
    const { caller, ports } = this.program;
    const { xenstore, space } = this.options;
    const g = this.#guest!;
    if (done > 0) {
      switch (START[done - 1]) {
        case 'device':
          mapIoRange(caller, g.domid, g.server, g.base, g.base + WINDOW - 1, false);
          this.#stopQueue();
          this.device.reset();
          break;
        case 'bind':
          for (const port of g.ports) ports.close(port);
          g.ports = [];
          break;
        case 'enable':
          setIoreqServerState(caller, g.domid, g.server, false);
          break;
        case 'map-page':
          unmapPage(caller, space, g.page);
          break;
        case 'create':
          destroyIoreqServer(caller, g.domid, g.server);
          break;
        case 'connect':
          xenstore.write(`${g.backendPath}/state`, String(XENBUS.closed));
          xenstore.unwatch(g.frontendPath, 'fe');
          xenstore.unwatch(g.backendPath, 'be');
          xenstore.rm(g.backendPath);
          break;
        default:
          break;
      }
      this.#main = { at: 'stop', done: done - 1 };
      return;
    }
    this.#guest = undefined;
    this.#pending = [];
    this.#storeEvent = true;
    this.#main = { at: 'wait' };
  }

  #slots(): IoreqSlots {
    return new IoreqSlots(this.program.caller, this.#guest!.page * PAGE);
  }

  /** select() returned: an event, or xenstore. */
  #wake(): void {
    const { caller } = this.program;
    if (this.#storeEvent) {
      this.#storeEvent = false;
      const { xenstore } = this.options;
      const g = this.#guest!;
      const gone = ['frontendPath', 'backendPath'] as const;
      if (gone.some((key) => (xenstore.read(`${g[key]}/state`) ?? '0') === '0')) {
        this.#main = { at: 'stop', done: START.length };
        return;
      }
      if (this.#pending.length === 0) return;
    }
    caller.charge('domd.userWake');
    this.#main = { at: 'read-port' };
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
    const slots = this.#slots();
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
    const request = this.#slots().read(vcpu);
    const { base } = this.#guest!;
    let data: bigint | null = null;
    if (request.type === IOREQ_TYPE_COPY) {
      this.accesses++;
      const offset = request.addr - base;
      if (offset < 0 || offset >= WINDOW) this.options.warn(`${this.name}: access at 0x${request.addr.toString(16)} is not the device's`);
      else if (request.read) data = this.device.read(offset, request.size);
      else this.#effect(this.device.write(offset, request.size, request.data));
    } else if (request.type !== IOREQ_TYPE_INVALIDATE) this.options.warn(`${this.name}: request of type ${request.type}`);
    this.#main = { at: 'respond', port, vcpu, data: data === null ? null : String(data) };
  }

  #respond(port: number, vcpu: number, data: string | null): void {
    this.program.caller.charge('domd.pageAccess');
    const slots = this.#slots();
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

  // ---- queue ----

  #effect(effect: Effect): void {
    if (effect === 'notify') this.#io.kick();
    else if (effect === 'queue-ready') this.#mapRings();
    else if (effect === 'queue-stop') this.#stopQueue();
  }

  /** QueueReady = 1 maps one page each of desc, avail and used (golden-libxl.md 5). */
  #mapRings(): void {
    const { caller } = this.program;
    const { desc, avail, used } = this.device.queue;
    for (const gpa of [desc, avail, used]) {
      const gfn = Number(gpa / BigInt(PAGE));
      if (this.#rings.pages.has(gfn)) continue;
      caller.charge('domd.mapCall');
      const own = mapForeignPage(caller, this.options.space, this.#guest!.domid, gfn);
      if (own < 0) {
        caller.xen.errors.report('ring-not-mapped', this.name, `gfn 0x${gfn.toString(16)}: ${own}`);
        this.device.needsReset();
        return;
      }
      this.#rings.pages.set(gfn, own);
    }
  }

  #stopQueue(): void {
    this.#io.stop();
    this.#diskEvent.cancel();
    for (const own of this.#rings.pages.values()) {
      this.program.caller.charge('domd.unmapCall');
      unmapPage(this.program.caller, this.options.space, own);
    }
    this.#rings.pages.clear();
  }

  /** Register name of an address in this device's window, for reports. */
  registerAt(address: number): string | undefined {
    const g = this.#guest;
    return g !== undefined && address >= g.base && address < g.base + WINDOW ? registerName(address - g.base) : undefined;
  }

  save(): unknown {
    return {
      device: this.device.save(),
      enabled: this.enabled,
      accesses: this.accesses,
      main: this.#main,
      guest: this.#guest ?? null,
      lastDomid: this.#lastDomid,
      storeEvent: this.#storeEvent,
      watching: this.#watching,
      pending: [...this.#pending],
      rings: [...this.#rings.pages],
      io: this.#io.save(),
      ioTurn: this.#ioTurn,
      disk: this.options.disk.save(),
    };
  }

  load(state: unknown): void {
    type Saved = { device: unknown; enabled: boolean; accesses: number; main: Main; guest: Guest | null; lastDomid: number; storeEvent: boolean; watching: boolean; pending: number[]; rings: [number, number][]; io: unknown; ioTurn: boolean; disk: unknown };
    const s = state as Saved;
    this.device.load(s.device);
    this.enabled = s.enabled;
    this.accesses = s.accesses;
    this.#main = s.main;
    this.#guest = s.guest === null ? undefined : { ...s.guest, ports: [...s.guest.ports] };
    this.#lastDomid = s.lastDomid;
    this.#storeEvent = s.storeEvent;
    this.#watching = s.watching;
    this.#pending = [...s.pending];
    this.#rings.pages.clear();
    for (const [gfn, own] of s.rings) this.#rings.pages.set(gfn, own);
    this.#io.load(s.io);
    this.#ioTurn = s.ioTurn;
    this.options.disk.load(s.disk);
  }
}
