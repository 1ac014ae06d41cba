import { readFileSync } from 'node:fs';
import type { ExposureFacts } from './backends/domd/exposure.js';
import { DomdProgram } from './backends/domd/program.js';
import type { StaticPlace } from './backends/domd/discovery.js';
import { VirtioDisk } from './backends/domd/virtio_disk.js';
import { FileDisk, OverlayDisk, type Disk } from './backends/virtio/disk.js';
import { registerName } from './backends/virtio/mmio.js';
import type { Configuration } from './boards/keys.js';
import { FormatError, isArmImage, isElf, otherKernelFormat } from './formats/index.js';
import { GuestEnds } from './guest-ends.js';
import { Console } from './sim/machine/console.js';
import type { InputRecord } from './sim/machine/input-log.js';
import { Machine } from './sim/machine/machine.js';
import type { Outcome, OutcomeName } from './sim/machine/outcome.js';
import type { Ticks } from './sim/machine/time.js';
import { placementOf, placementText } from './placement.js';
import type { ReportExposure } from './report/exposure.js';
import { RequestRunner } from './requests.js';
import { bothEngines, coreNames, engineOf, timingChoice, type Simulation } from './simulation.js';
import { vcpuStates } from './vcpu-state.js';
import { xenHardware } from './xen/arch/arm/adapter.js';
import { XenEl2 } from './xen/arch/arm/el2.js';
import { BASELINES } from './xen/common/baselines.js';
import { DomainError } from './xen/common/domctl.js';
import type { Domain } from './xen/common/domain.js';
import type { Xen } from './xen/common/xen.js';
import { createXen } from './xen/create.js';
import { GUEST_VIRTIO_MMIO_BASE, GUEST_VIRTIO_MMIO_SIZE } from './xen/public/arch-arm.js';
import { Xenconsoled, type ConsoleKind } from './xen/tools/console/xenconsoled.js';
import { vdevToDevid, type GuestConfig, type VirtioDisk as GuestDisk } from './xen/tools/light/guest_config.js';
import { allocateWindows, type VirtioWindow } from './xen/tools/light/virtio_mmio.js';
import {
  createModelledDomain,
  MODELLED_SHARED_INFO,
  startModelledDomain,
  writeModelledHome,
  type ModelledDomain,
} from './xen/tools/light/modelled_domain.js';
import { ToolsError } from './xen/tools/light/tools_error.js';
import { SeededBytes, Toolstack, type GuestOutcome } from './xen/tools/light/toolstack.js';
import type { ForeignPages } from './xen/tools/libs/foreignmemory.js';
import { XsHandle } from './xen/tools/libs/xenstore.js';
import { Xenstored } from './xen/tools/xenstored/xenstored.js';

export interface XenSimulationOptions {
  readonly configuration: Configuration;
  /** Guests with resolved host paths, in order of creation. */
  readonly guests: readonly GuestConfig[];
  /** Disks are copy-on-write in memory. */
  readonly snapshotDisk?: boolean;
  /** Disks instead of the files of the configuration, by `NAME:VDEV`. */
  readonly disks?: ReadonlyMap<string, Disk>;
  /** The ledger has hypercalls, emulated accesses and injected interrupts too: for benchmarks. */
  readonly measurePaths?: boolean;
  readonly deadline?: Ticks;
  readonly replay?: readonly InputRecord[];
  /** Bytes of a guest's primary console; `console` is the guest's name. */
  readonly onConsole?: (console: string, byte: number) => void;
  readonly onGuestError?: (kind: string, device: string, detail: string, count: number) => void;
  /** One line for the user. */
  readonly warn?: (line: string) => void;
  /** A guest has ended for good while others go on. */
  readonly onGuestEnd?: (name: string, outcome: Outcome) => void;
}

/** A simulation of Xen guests, with the parts that a test or an experiment wants to look into. */
export interface XenSimulation extends Simulation {
  /** Runs it, to the end or to a request. */
  readonly requests: RequestRunner;
  readonly xen: Xen;
  readonly xenstored: Xenstored;
  readonly toolstack: Toolstack;
  /** Backend processes by guest name and vdev, as `NAME:VDEV`. */
  readonly backends: ReadonlyMap<string, VirtioDisk>;
  /** What the domains with backends have spent on the guests' pages. */
  memory(): BackendMemory[];
}

/** Pages of 4 KiB. */
export interface BackendMemory extends ForeignPages {
  readonly domain: string;
  /** Owned by the domain: RAM that it has not given up. */
  readonly ram: number;
  /** Stage-2 tables of the domain. */
  readonly tables: number;
}

const DOM0 = '';

/** How a guest's end ends the run. */
const OUTCOMES: Readonly<Record<GuestOutcome, OutcomeName>> = {
  poweroff: 'poweroff',
  reboot: 'reboot',
  crash: 'crash',
  suspend: 'poweroff',
  destroyed: 'poweroff',
  watchdog: 'crash',
  failed: 'crash',
};

/** The console that a guest's command line makes the primary one; Linux takes the last `console=`. */
function primaryConsole(config: GuestConfig): ConsoleKind {
  const last = [...config.cmdline.matchAll(/(?:^|\s)console=(\S+)/g)].at(-1)?.[1];
  return config.vuart && last?.startsWith('ttyAMA') === true ? 'vuart' : 'hvc0';
}

/**
 * Xen guests on a board: hypervisor, Dom0's services, driver domains with their disks, and the guests, built and about to
 * start. Throws ToolsError for a guest that cannot be built, DiskImageError for an image that cannot be opened.
 */
export function createXenSimulation(options: XenSimulationOptions): XenSimulation {
  if (options.configuration.design['cpu.engine'] !== 'both') return createWithEngine(options);
  return bothEngines(options, (one) => {
    // each machine writes to a copy of its own
    const { disks } = options;
    return createWithEngine(
      disks === undefined
        ? one
        : { ...one, disks: new Map([...disks].map(([id, disk]) => [id, new OverlayDisk(disk)])) },
    );
  });
}

function createWithEngine(options: XenSimulationOptions): XenSimulation {
  const { configuration } = options;
  const { board, design } = configuration;
  const warn = options.warn ?? ((): void => {});
  const guests = design['ioreq.policy'] === 'dom0' ? options.guests.map(backendsInDom0) : options.guests;
  const placement = placementOf(
    configuration,
    guests.reduce((sum, g) => sum + (g.cpus === undefined ? g.vcpus : 0), 0),
  );
  const pcpus = [...placement.cores];
  const guestCpus = placement.guest;
  const backendCpus = placement.backend === undefined ? undefined : [...placement.backend];
  const random = new SeededBytes(BigInt(design['sim.seed']));
  let xen!: Xen;
  const machine = new Machine({
    board,
    engine: engineOf(design),
    epoch: design['sim.epoch'],
    timing: timingChoice(design),
    el2: (m) => {
      xen = createXen(xenHardware(m, pcpus), {
        pcpus,
        ram: board.memory.map(({ base, size }) => ({ base, size })),
        gicv: { base: board.gic.virtualCpuInterface!.base, alias64k: board.gic.virtualCpuInterface!.size >= 0x20000 },
        baseline: design['xen.baseline'],
        ioreqServer: design['xen.ioreqServer'] === 'on',
        scheduler: { kind: design['xen.scheduler'], rateLimitUs: design['xen.rateLimit'] / 1000 },
        workarounds: { wa1: false, wa2: false, wa3: false },
        vwfiNative: design['xen.vwfi'] === 'native',
        measurePaths: options.measurePaths === true,
        branchPredictorHardening: design['xen.hardening'] === 'on' && board.firmware.workaround1 === 'offered',
        epoch: design['sim.epoch'],
        version: BASELINES[design['xen.baseline']].version,
      });
      return new XenEl2(xen);
    },
    ...(options.deadline === undefined ? {} : { deadline: options.deadline }),
    ...(options.replay === undefined ? {} : { replay: options.replay }),
    ...(options.onGuestError === undefined ? {} : { onGuestError: options.onGuestError }),
    contextOf: (core) => {
      const v = xen.pcpus.find((p) => p.core.index === core)?.current;
      return v === undefined || v.isIdle || v.modelled ? undefined : v.name;
    },
    onExceptionLoop: (vcpu, detail) => {
      xen.errors.report('exception-loop', vcpu, detail);
      const name = toolstack.nameOf(Number(/^d(\d+)v/.exec(vcpu)?.[1] ?? 0));
      if (name !== undefined) ends.ended(name, { name: 'crash', detail: `${vcpu}: ${detail}` });
    },
  });
  for (const { core } of xen.pcpus) {
    machine.cores[core.index]?.setAbortWindow(GUEST_VIRTIO_MMIO_BASE, GUEST_VIRTIO_MMIO_BASE + GUEST_VIRTIO_MMIO_SIZE);
  }
  const ends = new GuestEnds(
    machine,
    guests.map(({ name }) => name),
    options.onGuestEnd ?? ((): void => {}),
  );

  const dom0 = createModelledDomain(xen, {
    name: 'Domain-0',
    uuid: '00000000-0000-0000-0000-000000000000',
    domid: 0,
    // Bound to a pCPU of its own, which must not be the driver domain's.
    affinity: design['xen.scheduler'] === 'null' ? undefined : backendCpus,
    ...(design['backend.space'] === 'balloon' ? { balloonPages: design['backend.balloonPages'] } : {}),
  });
  const xenstored = new Xenstored(xen, dom0.domain);
  xen.services.set('xenstored', xenstored);

  // A guest's consoles: all are watched for panics, the primary one is shown and searched.
  const consoles = new Map<string, Console>();
  const primary = new Map(guests.map((g) => [g.name, primaryConsole(g)]));
  const stopOn = (line: string, name: string): void => machine.stop({ name: 'expect', detail: `${name}: ${line}` });
  for (const { name } of guests) {
    for (const kind of ['hvc0', 'vuart'] as const) {
      const shown = primary.get(name) === kind;
      consoles.set(
        `${name}:${kind}`,
        new Console(name, {
          ...(shown && options.onConsole !== undefined
            ? { onByte: (byte: number) => options.onConsole?.(name, byte) }
            : {}),
          onPanic: (line) => ends.panicSeen(name, line),
          onExpect: (line) => stopOn(line, name),
        }),
      );
      machine.timedFrom(consoles.get(`${name}:${kind}`)!);
    }
  }
  const consoled = new Xenconsoled(xen, dom0.domain, (domid, kind, bytes) => {
    const console = consoles.get(`${toolstack.nameOf(domid) ?? ''}:${kind}`);
    for (const byte of bytes) console?.write(byte);
  });
  xen.services.set('xenconsoled', consoled);

  // Driver domains: one for each backend name.
  const modelled = new Map<string, ModelledDomain>([[DOM0, dom0]]);
  for (const name of new Set(guests.flatMap((g) => [...g.disks, ...g.virtio].map((d) => d.backend)))) {
    if (name === undefined || name === 'Domain-0' || name === '0') continue;
    const domain = createModelledDomain(xen, {
      name,
      uuid: random.uuid(),
      domid: undefined,
      affinity: backendCpus,
      mayEmulate: design['ioreq.policy'] === 'allow',
      ...backendMemory(design),
    });
    modelled.set(name, domain);
    writeModelledHome(xenstored.store, domain);
  }
  const programs = new Map(
    [...modelled].map(([name, m]) => [
      name,
      new DomdProgram(
        m.caller,
        MODELLED_SHARED_INFO,
        (handler) => machine.clock.event(`domd.d${m.domain.id}.start`, handler),
        design['domd.load'] === 'spin',
      ),
    ]),
  );
  const backends = new Map<string, VirtioDisk>();
  const servers = new Map<string, { readonly process: VirtioDisk; readonly domain: Domain }>();
  const disks: Disk[] = [];
  const layout = BASELINES[xen.options.baseline].diskSyntax;
  const toolstack = new Toolstack(
    xen,
    xenstored,
    consoled,
    random,
    new Map([...modelled].map(([name, m]) => [name, m.domain])),
    {
      onGuestEnd: (name, outcome, detail) => ends.ended(name, { name: OUTCOMES[outcome], detail }),
      onReboot: () => {},
      onMessage: warn,
    },
  );
  xen.toolstack = toolstack;
  machine.addPart('toolstack', toolstack);
  machine.addPart('evtchn-services', xen.evtchn);
  machine.addPart('guest-ends', ends);
  for (const [key, console] of consoles) machine.addPart(`console.${key}`, console);
  for (const { domain, space } of modelled.values()) machine.addPart(`unpopulated.d${domain.id}`, space);

  for (const guest of guests) {
    const windows = allocateWindows(guest, (name) => modelled.get(name ?? DOM0)?.domain.id ?? 0, xen.options.baseline);
    for (const group of backendProcesses(guest, design)) {
      const [first] = group;
      const id = `${guest.name}:${first!.vdev}`;
      const where = modelled.get(first!.backend ?? DOM0) ?? dom0;
      const program = programs.get(first!.backend ?? DOM0) ?? programs.get(DOM0)!;
      const process = new VirtioDisk(id, program, {
        disks: group.map((disk) => {
          const name = `${guest.name}:${disk.vdev}`;
          const image =
            options.disks?.get(name) ??
            orClose(disks, () => openDisk(disk.target, disk.readOnly, options.snapshotDisk === true));
          disks.push(image);
          const devid = layout === 'vdisk' ? guest.disks.indexOf(disk) : vdevToDevid(disk.vdev);
          return {
            id: name,
            params: disk.target,
            disk: image,
            space: where.space,
            serves: (domid: number, key: string) => toolstack.nameOf(domid) === guest.name && Number(key) === devid,
            diskEvent: (handler: () => void) => machine.clock.event(`domd.${name}.disk`, handler),
            warn,
            blk: { discard: design['backend.discard'] === 'on' },
            mmio: design['backend.mmio'] === 'legacy' ? 1 : 2,
          };
        }),
        space: where.space,
        xenstore: new XsHandle(xenstored, where.caller, id),
        warn,
        layout,
        wake: design['domd.wake'],
        ...(design['backend.config'] === 'static'
          ? { places: group.map((disk) => placeOf(windows[guest.disks.indexOf(disk)]!)) }
          : {}),
      });
      program.add(process);
      for (const disk of group) {
        backends.set(`${guest.name}:${disk.vdev}`, process);
        servers.set(`${guest.name}:${disk.vdev}`, { process, domain: where.domain });
      }
    }
  }
  for (const [name, m] of modelled) {
    const program = programs.get(name)!;
    if (!program.empty) startModelledDomain(xen, m, program);
  }
  for (const guest of guests) {
    const placed = guest.cpus === undefined && guestCpus !== undefined ? { ...guest, cpus: guestCpus } : guest;
    orClose(disks, () => createGuest(toolstack, placed));
    const kind = primary.get(guest.name)!;
    machine.guestConsoles.set(guest.name, (bytes) => {
      const domid = toolstack.domids().find((id) => toolstack.nameOf(id) === guest.name);
      if (domid !== undefined && domid !== 0) consoled.write(domid, kind, bytes);
    });
  }

  return {
    machine,
    configuration,
    placement: placementText(
      guests,
      [...modelled.keys()].filter((name) => name !== DOM0),
      placement,
    ),
    keyboardConsole: guests[0]?.name ?? '',
    expect: (pattern) => {
      for (const [name, kind] of primary) consoles.get(`${name}:${kind}`)!.expect = pattern;
    },
    close: () => closeAll(disks),
    vcpus: () =>
      vcpuStates({
        machine,
        xen,
        backends: servers,
        registerAt: (process, address) => process?.registerAt(address) ?? `0x${address.toString(16)}`,
        coreNames: coreNames({ machine }),
        endOf: (guest) => {
          const end = ends.endOf(guest);
          return end === undefined ? '' : `${end.name}${end.detail === '' ? '' : ` (${end.detail})`}`;
        },
      }),
    exposure: () =>
      [...servers].map(([disk, { process, domain }]) =>
        reportExposure(disk, domain.name, process.disk(disk)!.exposure.facts(), machine.board.tickHz),
      ),
    warnings: () => guests.flatMap((guest) => unusedGrants(guest, backends)),
    requests: new RequestRunner(machine, xen),
    registerName: (register) => (register.startsWith('0x') ? registerName(Number(register)) : register),
    windowExceptions: () => ({
      ...xen.windowAborts,
      inFlight: machine.ledger.inFlight,
      abandoned: machine.ledger.abandoned,
    }),
    xen,
    xenstored,
    toolstack,
    backends,
    memory: () =>
      [...modelled.values()].map(({ domain, space }) => ({
        domain: domain.name,
        ram: domain.totPages,
        tables: domain.p2m.tables,
        ...space.report(),
      })),
  };
}

function reportExposure(disk: string, domain: string, facts: ExposureFacts, tickHz: number): ReportExposure {
  const { pageTicks, bucketTicks, buckets, ...rest } = facts;
  return {
    disk,
    guest: disk.slice(0, disk.lastIndexOf(':')),
    domain,
    ...rest,
    pageSeconds: Number(pageTicks) / tickHz,
    timeline: { bucketTicks, mapped: [...buckets] },
  };
}

/** Room for foreign pages and stage-2 tables of a driver domain. */
function backendMemory(design: Configuration['design']): { balloonPages?: number; p2mPoolPages?: number } {
  return {
    ...(design['backend.space'] === 'balloon' ? { balloonPages: design['backend.balloonPages'] } : {}),
    ...(design['backend.p2mPages'] === 0 ? {} : { p2mPoolPages: design['backend.p2mPages'] }),
  };
}

/** Disks of a guest by the process that serves them; the tools of 2020 had one for all. */
function backendProcesses(guest: GuestConfig, design: Configuration['design']): (readonly GuestDisk[])[] {
  const together = design['backend.processes'] === 'one' || BASELINES[design['xen.baseline']].diskSyntax === 'vdisk';
  if (!together) return guest.disks.map((disk) => [disk]);
  const byBackend = new Map<string, GuestDisk[]>();
  for (const disk of guest.disks) {
    const name = disk.backend ?? DOM0;
    byBackend.set(name, [...(byBackend.get(name) ?? []), disk]);
  }
  return [...byBackend.values()];
}

/** Without a policy for driver domains: what `backend=` names is served from Dom0. */
function backendsInDom0(guest: GuestConfig): GuestConfig {
  const moved = <T extends { readonly backend: string | undefined }>(device: T): T => ({
    ...device,
    backend: undefined,
  });
  return { ...guest, disks: guest.disks.map(moved), virtio: guest.virtio.map(moved) };
}

const placeOf = ({ base, spi }: VirtioWindow): StaticPlace => ({ base, irq: spi });

/** Throws ToolsError, naming guest and file. */
function createGuest(toolstack: Toolstack, guest: GuestConfig): void {
  const kernel = readFileSync(guest.kernel);
  const where = `${guest.name}: kernel ${guest.kernel}`;
  if (!isElf(kernel) && !isArmImage(kernel)) {
    throw new ToolsError(`${where}: ${otherKernelFormat(kernel) ?? 'neither an arm64 Image nor an ELF file'}`);
  }
  try {
    toolstack.create(guest, { kernel, ramdisk: guest.ramdisk === undefined ? undefined : readFileSync(guest.ramdisk) });
  } catch (error) {
    if (error instanceof FormatError) throw new ToolsError(`${where}: ${error.message}`);
    if (error instanceof ToolsError || error instanceof DomainError)
      throw new ToolsError(`${guest.name}: ${error.message}`);
    throw error;
  }
}

/** Does it, or closes the disks that are open: nobody else has them yet. */
function orClose<T>(disks: readonly Disk[], action: () => T): T {
  try {
    return action();
  } catch (error) {
    closeAll(disks);
    throw error;
  }
}

/** Closes every disk, whatever the first ones say; throws the first error. */
function closeAll(disks: readonly Disk[]): void {
  const errors: unknown[] = [];
  for (const disk of disks) {
    try {
      disk.close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** With grants on, a kernel without Xen's grant DMA defers the device for ever and says nothing (Debian's kernels). */
function unusedGrants(guest: GuestConfig, backends: ReadonlyMap<string, VirtioDisk>): string[] {
  const idle = guest.disks.filter(({ vdev, backend, grantUsage }) => {
    const local = backend === undefined || backend === 'Domain-0' || backend === '0';
    return (
      (grantUsage ?? !local) && backends.get(`${guest.name}:${vdev}`)?.disk(`${guest.name}:${vdev}`)?.accesses === 0
    );
  });
  if (idle.length === 0) return [];
  const vdevs = idle.map(({ vdev }) => vdev).join(', ');
  return [
    `${guest.name}: the guest never touched ${vdevs}: grants are on and its kernel may lack CONFIG_XEN_VIRTIO; try grant_usage=0`,
  ];
}

function openDisk(path: string, readOnly: boolean, snapshot: boolean): Disk {
  const file = new FileDisk(path, readOnly || snapshot);
  return snapshot && !readOnly ? new OverlayDisk(file) : file;
}
