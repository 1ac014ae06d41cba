/**
 * Start and stop of a backend process at its guest, one call at a time (golden-libxl.md 5: the order of the real process's
 * calls; xen-ioreq.md 8.5). What has been done is undone in reverse, from wherever the start had come.
 */
import { baselineOf } from '../../xen/tools/libs/baseline.js';
import { BUFIOREQ_LEGACY, BUFIOREQ_OFF } from '../../xen/public/ioreq.js';
import {
  bufferedPort,
  createIoreqServer,
  destroyIoreqServer,
  mapIoRange,
  nrVcpus,
  setIoreqServerState,
} from '../../xen/tools/libs/devicemodel.js';
import { domainVcpus } from '../../xen/tools/libs/domctl.js';
import { mapResourceFrames, unmapPage, type UnpopulatedSpace } from '../../xen/tools/libs/foreignmemory.js';
import type { Discovery } from './discovery.js';
import { WINDOW, type DiskDevice } from './disk_device.js';
import { IoreqSlots } from './ioreq_slots.js';
import type { DomdProgram } from './program.js';

const PAGE = 4096;

/** Steps of the start, in order. */
export const START = ['connect', 'config', 'nr-vcpus', 'create', 'map-page', 'enable', 'bind', 'device'] as const;
export type Start = (typeof START)[number];

/** A guest that is served, as far as the start has come. */
export interface Served {
  domid: number;
  vcpus: number;
  server: number;
  /** Own gfns of the mapped frames: the ioreq page last, before it the buffered ring's if there is one. */
  pages: number[];
  /** Local port of each vCPU. */
  ports: number[];
  bufferedPort: number | undefined;
}

export function newServed(domid: number): Served {
  return { domid, vcpus: 0, server: -1, pages: [], ports: [], bufferedPort: undefined };
}

export class Attachment {
  constructor(
    private readonly program: DomdProgram,
    private readonly space: UnpopulatedSpace,
    private readonly devices: readonly DiskDevice[],
    private readonly discovery: Discovery,
    /** The process looks at its slots instead of being woken. */
    private readonly polls = false,
  ) {}

  slots(g: Served): IoreqSlots {
    return new IoreqSlots(this.program.caller, g.pages.at(-1)! * PAGE);
  }

  get #early(): boolean {
    return baselineOf(this.program.caller.xen).earlyBackend;
  }

  /** One step. @returns a negative error, or anything else. */
  start(step: Start, g: Served): number {
    const { caller } = this.program;
    switch (step) {
      case 'connect':
        return this.discovery.connect();
      case 'config':
        return this.discovery.configure();
      case 'nr-vcpus':
        g.vcpus = this.#early ? domainVcpus(caller, g.domid) : nrVcpus(caller, g.domid);
        return g.vcpus;
      case 'create':
        g.server = createIoreqServer(caller, g.domid, this.#early ? BUFIOREQ_LEGACY : BUFIOREQ_OFF);
        return g.server;
      case 'map-page': {
        const [first, count] = this.#early ? [0, 2] : [1, 1];
        const pages = mapResourceFrames(caller, this.space, g.domid, g.server, first, count);
        if (typeof pages === 'number') return pages;
        g.pages = pages;
        return 0;
      }
      case 'enable':
        return setIoreqServerState(caller, g.domid, g.server, true);
      case 'bind':
        return this.#bind(g);
      default:
        for (const device of this.devices) {
          device.device.reset();
          const { base } = device.at;
          const rc = mapIoRange(caller, g.domid, g.server, base, base + WINDOW - 1);
          if (rc < 0) return rc;
        }
        return 0;
    }
  }

  #bind(g: Served): number {
    const { caller, ports } = this.program;
    const slots = this.slots(g);
    for (let vcpu = 0; vcpu < g.vcpus; vcpu++) {
      const port = ports.bindInterdomain(g.domid, slots.port(vcpu), this.polls);
      if (port < 0) return port;
      g.ports.push(port);
    }
    if (!this.#early) return 0;
    const remote = bufferedPort(caller, g.domid, g.server);
    const port = remote < 0 ? remote : ports.bindInterdomain(g.domid, remote);
    if (port < 0) return port;
    g.bufferedPort = port;
    return 0;
  }

  /** Undoes one step. Calls on a guest that is gone fail, and that is all right. */
  stop(step: Start, g: Served): void {
    const { caller, ports } = this.program;
    switch (step) {
      case 'device':
        for (const device of this.devices) {
          const { base } = device.at;
          mapIoRange(caller, g.domid, g.server, base, base + WINDOW - 1, false);
          device.stopQueue();
          device.device.reset();
        }
        return;
      case 'bind':
        if (g.bufferedPort !== undefined) ports.close(g.bufferedPort);
        for (const port of g.ports) ports.close(port);
        g.bufferedPort = undefined;
        g.ports = [];
        return;
      case 'enable':
        setIoreqServerState(caller, g.domid, g.server, false);
        return;
      case 'map-page':
        for (const page of g.pages) unmapPage(caller, this.space, page);
        g.pages = [];
        return;
      case 'create':
        destroyIoreqServer(caller, g.domid, g.server);
        return;
      case 'connect':
        this.discovery.disconnect();
        return;
      default:
        return;
    }
  }

  /** What the kernel does for a process that was killed: its ports and mappings go; the server in Xen stays. */
  release(g: Served): void {
    for (const device of this.devices) {
      device.stopQueue();
      device.device.reset();
    }
    this.stop('bind', g);
    this.stop('map-page', g);
  }
}
