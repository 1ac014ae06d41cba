/**
 * xl as a modelled service of Dom0: creates guests in libxl's order (devices, wait for the backend, unpause), acts on
 * shutdown, reboot and crash, and tears domains down. State is data; waiting is a phase, not a closure.
 */
import { pauseByController, unpauseByController } from '../../common/domctl.js';
import type { Domain } from '../../common/domain.js';
import type { ToolstackHooks, Xen } from '../../common/xen.js';
import { SHUTDOWN } from '../../public/xen.js';
import type { TimedEvent } from '../../../sim/machine/events.js';
import type { Xenconsoled } from '../console/xenconsoled.js';
import type { Xenstored } from '../xenstored/xenstored.js';
import { BASELINES } from '../../common/baselines.js';
import { buildDomain } from './builder.js';
import { vdevToDevid, type GuestConfig, type LifeAction } from './guest_config.js';
import { ToolsError } from './tools_error.js';
import { oldToolsNotes } from './old_tools.js';
import { allocateWindows, type VirtioWindow } from './virtio_mmio.js';
import {
  diskPaths,
  removeDomain,
  writeConsole,
  vdiskPaths,
  writeDisk,
  writeDom0,
  writeDomain,
  writeDomainType,
  writeVdisk,
} from './xenstore_nodes.js';

/** LIBXL_INIT_TIMEOUT and LIBXL_DESTROY_TIMEOUT: ten seconds, in ns. */
const BACKEND_TIMEOUT_NS = 10_000_000_000n;

export type GuestOutcome = 'poweroff' | 'reboot' | 'crash' | 'suspend' | 'watchdog' | 'destroyed' | 'failed';

/** What the user of the toolstack learns. */
export interface ToolstackEvents {
  /** A guest is gone for good (or could not be made). */
  onGuestEnd(name: string, outcome: GuestOutcome, detail: string): void;
  onReboot(name: string, domid: number): void;
  onMessage(line: string): void;
}

export interface GuestFiles {
  readonly kernel: Uint8Array;
  readonly ramdisk: Uint8Array | undefined;
}

export type Phase = 'creating' | 'waiting-backend' | 'running' | 'closing' | 'restarting' | 'ended';

interface Guest {
  readonly index: number;
  readonly config: GuestConfig;
  readonly files: GuestFiles;
  readonly uuid: string;
  phase: Phase;
  domid: number;
  windows: VirtioWindow[];
  outcome: GuestOutcome;
  action: LifeAction;
  readonly timer: TimedEvent;
}

/** Seeded bytes for rng-seed and uuids: PCG-XSH-RR 64/32 (O'Neill 2014). */
export class SeededBytes {
  #state: bigint;

  constructor(seed: bigint) {
    this.#state = BigInt.asUintN(64, seed * 6364136223846793005n + 1442695040888963407n);
  }

  next(): number {
    const old = this.#state;
    this.#state = BigInt.asUintN(64, old * 6364136223846793005n + 1442695040888963407n);
    const shifted = Number((((old >> 18n) ^ old) >> 27n) & 0xffff_ffffn);
    const rotate = Number(old >> 59n);
    return ((shifted >>> rotate) | (shifted << (-rotate & 31))) >>> 0;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.next() >>> 24);
  }

  uuid(): string {
    const b = this.bytes(16);
    b[6] = (b[6]! & 0x0f) | 0x40;
    b[8] = (b[8]! & 0x3f) | 0x80;
    const hex = Buffer.from(b).toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }

  save(): string {
    return String(this.#state);
  }

  load(state: string): void {
    this.#state = BigInt(state);
  }
}

export class Toolstack implements ToolstackHooks {
  readonly #guests: Guest[] = [];

  constructor(
    private readonly xen: Xen,
    private readonly xenstored: Xenstored,
    private readonly consoled: Xenconsoled,
    private readonly random: SeededBytes,
    /** Backend domains by name; they exist before any guest. */
    private readonly backends: ReadonlyMap<string, Domain>,
    private readonly events: ToolstackEvents,
  ) {
    writeDom0(xenstored.store);
    xenstored.attachClient('toolstack', { onWatch: (path) => this.#onWatch(path) });
  }

  /** Declares a guest and starts its creation after the table's latency. Throws ToolsError for what is wrong at once. */
  create(config: GuestConfig, files: GuestFiles): void {
    const index = this.#guests.length;
    const guest: Guest = {
      index,
      config,
      files,
      uuid: config.uuid ?? this.random.uuid(),
      phase: 'creating',
      domid: 0,
      windows: [],
      outcome: 'failed',
      action: 'destroy',
      timer: this.xen.clock.event(`toolstack.guest${index}`, () => this.#onTimer(guest)),
    };
    this.#guests.push(guest);
    this.#build(guest);
  }

  /** Domain ids now in use, by guest index; 0 while there is none. */
  domids(): number[] {
    return this.#guests.map((g) => g.domid);
  }

  nameOf(domid: number): string | undefined {
    return this.#guests.find((g) => g.domid === domid)?.config.name;
  }

  /** Where a guest's life stands, by name. */
  phaseOf(name: string): Phase | undefined {
    return this.#guests.find((g) => g.config.name === name)?.phase;
  }

  #backendDomid(name: string | undefined): number {
    return name === undefined ? 0 : (this.backends.get(name)?.id ?? 0);
  }

  #build(guest: Guest): void {
    const { config, files } = guest;
    const { baseline } = this.xen.options;
    for (const line of oldToolsNotes(config, baseline)) this.events.onMessage(`${config.name}: ${line}`);
    guest.windows = allocateWindows(config, (name) => this.#backendDomid(name), baseline);
    const { domain, ports, pages } = buildDomain(this.xen, config, {
      kernel: files.kernel,
      ramdisk: files.ramdisk,
      windows: guest.windows,
      uuid: guest.uuid,
      rngSeed: this.random.bytes(128),
    });
    guest.domid = domain.id;
    guest.phase = 'waiting-backend';
    const { store } = this.xenstored;
    const { domid } = guest;
    writeDomain(
      store,
      { domid, name: config.name, uuid: guest.uuid },
      config.memoryMiB * 1024,
      config.vcpus,
      String(this.xen.options.epoch),
      ports,
    );
    this.xenstored.introduce(domid, pages.store, ports.store);
    this.consoled.open(domid, 'hvc0', pages.console, ports.console);
    if (ports.vuart !== undefined) this.consoled.open(domid, 'vuart', pages.vuart, ports.vuart);
    if (this.#oneDevice && config.disks.length > 0) {
      writeVdisk(store, domid, this.#backendDomid(config.disks[0]!.backend), config.disks, guest.windows);
    } else
      config.disks.forEach((disk, i) => {
        writeDisk(store, domid, this.#backendDomid(disk.backend), vdevToDevid(disk.vdev)!, disk, guest.windows[i]!);
      });
    guest.timer.scheduleAt(this.xen.clock.now() + this.xen.nsToTicks(BACKEND_TIMEOUT_NS));
    for (const { backend } of this.#paths(guest))
      this.xenstored.watchLocal('toolstack', 0, `${backend}/state`, String(guest.index));
    this.#checkBackends(guest);
  }

  /** The 2020 series has one device for all disks of a guest. */
  get #oneDevice(): boolean {
    return BASELINES[this.xen.options.baseline].diskSyntax === 'vdisk';
  }

  #paths(guest: Guest): { frontend: string; backend: string; copy: string }[] {
    const [first] = guest.config.disks;
    if (this.#oneDevice) return first === undefined ? [] : [vdiskPaths(guest.domid, this.#backendDomid(first.backend))];
    return guest.config.disks.map((d) => diskPaths(guest.domid, this.#backendDomid(d.backend), vdevToDevid(d.vdev)!));
  }

  #onWatch(path: string): void {
    for (const guest of this.#guests) {
      if (guest.phase === 'waiting-backend') this.#checkBackends(guest);
      else if (
        guest.phase === 'closing' &&
        this.#paths(guest).some((p) => path.startsWith(p.backend) || p.backend.startsWith(path))
      ) {
        this.#checkClosed(guest);
      }
    }
  }

  /** All disks in InitWait: consoles are written and the guest starts. */
  #checkBackends(guest: Guest): void {
    const { store } = this.xenstored;
    if (guest.phase !== 'waiting-backend') return;
    if (this.#paths(guest).some(({ backend }) => store.readText(0, `${backend}/state`) !== '2')) return;
    const domain = this.xen.domain(guest.domid)!;
    this.#unwatch(guest);
    guest.timer.cancel();
    const vuartPort = domain.vuart?.port;
    if (vuartPort !== undefined) writeConsole(store, guest.domid, 'vuart', vuartPort, '/dev/pts/1');
    writeConsole(store, guest.domid, 'console', 2, '/dev/pts/0');
    writeDomainType(store, guest.domid);
    guest.phase = 'running';
    unpauseByController(this.xen, domain);
    // Somebody may have shut it down while it was being made: xl's first look at a new domain finds that.
    if (domain.isShutDown) this.onShutdown(domain);
  }

  #unwatch(guest: Guest): void {
    for (const { backend } of this.#paths(guest))
      this.xenstored.unwatchLocal('toolstack', `${backend}/state`, String(guest.index));
  }

  // ---- end of a guest ----

  /**
   * `xl destroy`, whatever the guest is doing; with `again` the same configuration is created anew two seconds later.
   * To be called while no core runs. False: there is no such guest, or it is going already.
   */
  destroy(name: string, again = false): boolean {
    const guest = this.#guests.find((g) => g.config.name === name);
    if (guest === undefined || (guest.phase !== 'running' && guest.phase !== 'waiting-backend')) return false;
    if (guest.phase === 'waiting-backend') this.#unwatch(guest);
    [guest.outcome, guest.action] = ['destroyed', again ? 'restart' : 'destroy'];
    this.#close(guest);
    return true;
  }

  onShutdown(d: Domain): void {
    const guest = this.#guests.find((g) => g.domid === d.id && g.phase === 'running');
    if (guest === undefined) return;
    const { config } = guest;
    const table: Readonly<Record<number, readonly [GuestOutcome, LifeAction]>> = {
      [SHUTDOWN.poweroff]: ['poweroff', config.onPoweroff],
      [SHUTDOWN.reboot]: ['reboot', config.onReboot],
      [SHUTDOWN.suspend]: ['suspend', 'preserve'],
      [SHUTDOWN.watchdog]: ['watchdog', 'destroy'],
    };
    [guest.outcome, guest.action] = table[d.shutdown?.code ?? SHUTDOWN.crash] ?? ['crash', config.onCrash];
    this.#close(guest);
  }

  /** Devices first: the frontend goes, the backend sees it and removes its directory (golden-libxl.md 4, teardown). */
  #close(guest: Guest): void {
    if (guest.action === 'preserve') {
      guest.phase = 'ended';
      this.events.onGuestEnd(guest.config.name, guest.outcome, 'preserved');
      return;
    }
    const { store } = this.xenstored;
    guest.phase = 'closing';
    pauseByController(this.xen, this.xen.domain(guest.domid)!);
    guest.timer.scheduleAt(this.xen.clock.now() + this.xen.nsToTicks(BACKEND_TIMEOUT_NS));
    for (const { frontend, backend } of this.#paths(guest)) {
      if (store.exists(frontend)) store.rm(0, frontend);
      if (!store.exists(backend)) continue;
      store.write(0, `${backend}/online`, '0');
      store.write(0, `${backend}/state`, '5');
      this.xenstored.watchLocal('toolstack', 0, `${backend}/state`, String(guest.index));
    }
    this.#checkClosed(guest);
  }

  #checkClosed(guest: Guest): void {
    if (guest.phase !== 'closing') return;
    if (this.#paths(guest).some(({ backend }) => this.xenstored.store.exists(backend))) return;
    this.#unwatch(guest);
    this.#destroy(guest);
  }

  #destroy(guest: Guest): void {
    const { config, domid, uuid } = guest;
    this.consoled.close(domid);
    this.xenstored.release(domid);
    removeDomain(this.xenstored.store, { domid, name: config.name, uuid });
    // virtio-disk removes the directory of its device only (xen-ioreq.md 8.5): the guest's, now empty, would stay.
    for (const { backend } of this.#paths(guest)) {
      const above = backend.slice(0, backend.lastIndexOf('/'));
      const { store } = this.xenstored;
      if (store.exists(above) && store.directory(0, above).length === 0) store.rm(0, above);
    }
    const domain = this.xen.domain(domid);
    if (domain !== undefined) this.xen.destroyDomain(domain);
    guest.domid = 0;
    const restart =
      guest.action === 'restart' || guest.action === 'rename-restart' || guest.action === 'coredump-restart';
    if (!restart) {
      guest.timer.cancel();
      guest.phase = 'ended';
      this.events.onGuestEnd(config.name, guest.outcome, '');
      return;
    }
    // xl sleeps two seconds between destroying a guest and making it again.
    guest.phase = 'restarting';
    guest.timer.scheduleAt(this.xen.clock.now() + this.xen.costTicks('tools.reboot'));
    this.events.onReboot(config.name, domid);
  }

  #onTimer(guest: Guest): void {
    switch (guest.phase) {
      case 'restarting':
        this.#rebuild(guest);
        return;
      case 'waiting-backend':
        this.events.onMessage(`${guest.config.name}: no backend answered within 10 s: unable to add disk devices`);
        guest.outcome = 'failed';
        guest.action = 'destroy';
        this.#unwatch(guest);
        this.#close(guest);
        return;
      case 'closing':
        this.events.onMessage(`${guest.config.name}: backend did not close within 10 s`);
        for (const { backend } of this.#paths(guest))
          if (this.xenstored.store.exists(backend)) this.xenstored.store.rm(0, backend);
        this.#checkClosed(guest);
        return;
      default:
        return;
    }
  }

  /** What was possible once may not be again: memory that a backend still maps is not free. */
  #rebuild(guest: Guest): void {
    try {
      this.#build(guest);
    } catch (error) {
      if (!(error instanceof ToolsError)) throw error;
      guest.phase = 'ended';
      this.events.onGuestEnd(guest.config.name, 'failed', `cannot be restarted: ${error.message}`);
    }
  }

  save(): unknown {
    return {
      random: this.random.save(),
      guests: this.#guests.map((g) => ({
        phase: g.phase,
        domid: g.domid,
        windows: g.windows,
        outcome: g.outcome,
        action: g.action,
        uuid: g.uuid,
      })),
    };
  }

  /** Guests must have been declared with the same configurations. */
  load(state: unknown): void {
    const s = state as {
      random: string;
      guests: (Pick<Guest, 'phase' | 'domid' | 'windows' | 'outcome' | 'action'> & { uuid: string })[];
    };
    this.random.load(s.random);
    s.guests.forEach((saved, i) => Object.assign(this.#guests[i]!, saved));
  }
}
