/**
 * IOREQ servers (xen: xen/common/ioreq.c): their life, which one an access belongs to, the request in the shared page, and
 * the wait for its answer. A vCPU that must wait gets BLOCKED and runs the same function again when it is scheduled.
 */
import {
  BUFIOREQ_OFF,
  DMOP_RANGE,
  IOREQ,
  IOREQ_DATA_IS_PTR,
  IOREQ_DF,
  IOREQ_DIR_READ,
  IOREQ_FRAME_BUFIOREQ,
  IOREQ_FRAME_IOREQ,
  IOREQ_STATE_MASK,
  IOREQ_TYPE_COPY,
  IOREQ_TYPE_INVALIDATE,
  IOREQ_TYPE_PIO,
  IOREQ_WRITE,
  IOREQSRV_FLAG_NO_GFNS,
  MAX_NR_IOREQ_SERVERS,
  STATE_IOREQ_INPROCESS,
  STATE_IOREQ_NONE,
  STATE_IOREQ_READY,
  STATE_IORESP_READY,
} from '../public/ioreq.js';
import { EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, EOPNOTSUPP, EPERM } from '../public/errno.js';
import { PAGE_SIZE } from '../public/arch-arm.js';
import {
  BLOCKED,
  VIO_MMIO_COMPLETION,
  VIO_NO_COMPLETION,
  newIoreq,
  type Blocked,
  type Domain,
  type IoreqRecord,
  type Vcpu,
} from './domain.js';
import { sendBuffered, type BufferedPage } from './bufioreq.js';
import { IoreqServer, IoreqState, type IoreqVcpu } from './ioreq_server.js';
import { baselineOf } from './baselines.js';
import { endShutdownDeferral, startShutdownDeferral } from './lifecycle.js';
import type { Xen } from './xen.js';
import { TraceKind } from '../../sim/trace/record.js';

/** Result of forwarding an access (xen: xen/arch/arm/include/asm/mmio.h enum io_state). */
export const IO_ABORT = 0;
export const IO_HANDLED = 1;
export const IO_UNHANDLED = 2;
export const IO_RETRY = 3;
export type IoState = 0 | 1 | 2 | 3;

export { IoreqServer, IoreqState, type IoreqVcpu };

/** (xen: ioreq_needs_completion): on Arm every MMIO access waits, stores too. */
export function ioreqNeedsCompletion(p: IoreqRecord): boolean {
  return p.state === STATE_IOREQ_READY && !p.dataIsPtr && (p.type !== IOREQ_TYPE_PIO || p.dir !== IOREQ_WRITE);
}

/** First and last byte of an access (xen: ioreq_mmio_first_byte, ioreq_mmio_last_byte); df: repeats go downwards. */
export function mmioFirstByte(p: IoreqRecord): number {
  return p.df ? p.addr - (p.count - 1) * p.size : p.addr;
}

export function mmioLastByte(p: IoreqRecord): number {
  return p.df ? p.addr + p.size - 1 : p.addr + p.count * p.size - 1;
}

/** What the architecture adds (xen: arch_ioreq_complete_mmio). */
export interface ArchIoreq {
  /** Writes the loaded register, advances the PC. False: the vCPU must not go on. */
  completeMmio(v: Vcpu, pcpu: number): boolean;
}

export class Ioreq {
  /** Told of each slot that has just become READY, before the emulator is; for observers, who change nothing. */
  onReady: ((server: IoreqServer, v: Vcpu, slot: number) => void) | undefined;

  constructor(
    private readonly xen: Xen,
    private readonly arch: ArchIoreq,
  ) {}

  // ---- servers, as the DM ops make them; each returns 0 or -errno ----

  /** Lowest free id of 0..7, or -errno. `emulator` is the calling domain. */
  create(emulator: Domain, d: Domain, bufioreq: number): number {
    if (bufioreq > 2) return -EINVAL;
    if (bufioreq !== BUFIOREQ_OFF && !baselineOf(this.xen).bufioreqOnArm) return -EINVAL;
    this.xen.pauseDomain(d);
    try {
      const id = d.ioreq.servers.findIndex((s) => s === undefined);
      if (id < 0) return -ENOSPC;
      const server = new IoreqServer(id, emulator.id, bufioreq);
      for (const v of d.vcpus) {
        const rc = this.#addVcpu(d, server, v.id);
        if (rc < 0) {
          this.#freePorts(d, server);
          return rc;
        }
      }
      this.xen.getDomain(emulator);
      d.ioreq.servers[id] = server;
      return id;
    } finally {
      this.xen.unpauseDomain(d);
    }
  }

  /** (xen: ioreq_server_add_vcpu): a port for the vCPU; vCPU 0 has that of the buffered ring as well. */
  #addVcpu(d: Domain, server: IoreqServer, vcpu: number): number {
    const { evtchn } = this.xen;
    const port = evtchn.allocUnboundXen(d, vcpu, server.emulator, 'ioreq');
    if (port < 0) return port;
    if (vcpu === 0 && server.bufioreq !== BUFIOREQ_OFF) {
      const buffered = evtchn.allocUnboundXen(d, 0, server.emulator, 'ioreq');
      if (buffered < 0) {
        evtchn.freeXen(d, port);
        return buffered;
      }
      server.bufioreqPort = buffered;
    }
    server.vcpus.push({ vcpu, port, pending: false, seen: STATE_IOREQ_NONE });
    return 0;
  }

  #freePorts(d: Domain, server: IoreqServer): void {
    const { evtchn } = this.xen;
    if (server.bufioreqPort !== undefined) evtchn.freeXen(d, server.bufioreqPort);
    for (const sv of server.vcpus) evtchn.freeXen(d, sv.port);
    server.bufioreqPort = undefined;
    server.vcpus = [];
  }

  #owned(caller: Domain, d: Domain, id: number): IoreqServer | number {
    const server = d.ioreq.servers[id];
    if (server === undefined) return -ENOENT;
    return server.emulator === caller.id ? server : -EPERM;
  }

  /** Only no_gfns is answered on Arm: there is no legacy page in guest space (xen: arch_ioreq_server_map_pages). */
  getInfo(caller: Domain, d: Domain, id: number, flags: number): number | { bufioreqPort: number | undefined } {
    if ((flags & ~IOREQSRV_FLAG_NO_GFNS) !== 0) return -EINVAL;
    const server = this.#owned(caller, d, id);
    if (typeof server === 'number') return server;
    return (flags & IOREQSRV_FLAG_NO_GFNS) === 0 ? -EOPNOTSUPP : { bufioreqPort: server.bufioreqPort };
  }

  mapRange(caller: Domain, d: Domain, id: number, type: number, start: bigint, end: bigint): number {
    if (start > end) return -EINVAL;
    const server = this.#owned(caller, d, id);
    if (typeof server === 'number') return server;
    const set = server.ranges[type];
    if (set === undefined) return -EINVAL;
    if (set.overlaps(start, end)) return -EEXIST;
    return set.add(start, end) ? 0 : -ENOMEM;
  }

  unmapRange(caller: Domain, d: Domain, id: number, type: number, start: bigint, end: bigint): number {
    if (start > end) return -EINVAL;
    const server = this.#owned(caller, d, id);
    if (typeof server === 'number') return server;
    const set = server.ranges[type];
    if (set === undefined) return -EINVAL;
    if (!set.contains(start, end)) return -ENOENT;
    return set.remove(start, end) ? 0 : -ENOMEM;
  }

  setState(caller: Domain, d: Domain, id: number, enabled: boolean): number {
    const server = this.#owned(caller, d, id);
    if (typeof server === 'number') return server;
    this.xen.pauseDomain(d);
    if (enabled && !server.enabled) for (const sv of server.vcpus) this.#updateEvtchn(server, sv);
    server.enabled = enabled;
    this.xen.unpauseDomain(d);
    return 0;
  }

  /** (xen: ioreq_update_evtchn): the slot tells the emulator which port to bind. */
  #updateEvtchn(server: IoreqServer, sv: IoreqVcpu): void {
    const slot = server.slot(sv.vcpu);
    if (slot !== undefined) this.xen.memory.write32(slot + IOREQ.vp_eport, sv.port);
  }

  destroy(caller: Domain, d: Domain, id: number): number {
    const server = this.#owned(caller, d, id);
    if (typeof server === 'number') return server;
    this.xen.pauseDomain(d);
    this.#release(d, server);
    this.xen.unpauseDomain(d);
    return 0;
  }

  /** A vCPU that waits for this server is not woken: nothing is left to answer it (xen-ioreq.md 5.7). */
  #release(d: Domain, server: IoreqServer): void {
    server.enabled = false;
    this.#freePorts(d, server);
    for (const page of [server.ioreqPage, server.bufioreqPage]) {
      if (page !== undefined && this.xen.heap.testAndClearAllocated(page)) this.xen.putPage(page);
    }
    d.ioreq.servers[server.id] = undefined;
    const emulator = this.xen.domain(server.emulator);
    if (emulator !== undefined) this.xen.putDomain(emulator);
  }

  /** ioreq_server_destroy_all, at domain_kill. */
  destroyAll(d: Domain): void {
    for (const server of d.ioreq.servers) if (server !== undefined) this.#release(d, server);
  }

  /** (xen: ioreq_server_get_frame): the SoC address of a resource frame, allocated on first use; or -errno. */
  getFrame(caller: Domain, d: Domain, id: number, index: number): number {
    const server = this.#owned(caller, d, id);
    if (typeof server === 'number') return server;
    // The pages are made before the index is looked at, so a refused frame leaves them behind.
    const rc = this.#allocPages(d, server);
    if (rc < 0) return rc;
    if (index === IOREQ_FRAME_BUFIOREQ) return server.bufioreqPage ?? -ENOENT;
    return index === IOREQ_FRAME_IOREQ ? server.ioreqPage! : -EINVAL;
  }

  /** (xen: ioreq_server_alloc_pages): pages of the target, beyond its memory limit. */
  #allocPages(d: Domain, server: IoreqServer): number {
    server.ioreqPage ??= this.#allocPage(d);
    if (server.ioreqPage === undefined) return -ENOMEM;
    if (server.bufioreq === BUFIOREQ_OFF) return 0;
    server.bufioreqPage ??= this.#allocPage(d);
    return server.bufioreqPage === undefined ? -ENOMEM : 0;
  }

  #allocPage(d: Domain): number | undefined {
    const page = d.alive ? this.xen.heap.allocPages(0, d.id) : undefined;
    if (page === undefined) return undefined;
    d.totPages++;
    this.xen.memory.zero(page, PAGE_SIZE);
    return page;
  }

  /** (xen: domain_has_ioreq_server) */
  hasServer(d: Domain): boolean {
    return this.enabled && d.ioreq.servers.some((s) => s !== undefined);
  }

  /** CONFIG_IOREQ_SERVER. */
  get enabled(): boolean {
    return this.xen.options.ioreqServer !== false;
  }

  /** Frames of the ioreq resource: the buffered one and enough for max_vcpus slots; 0 without CONFIG_IOREQ_SERVER. */
  resourceFrames(d: Domain): number {
    if (!this.enabled) return 0;
    return 1 + Math.ceil((d.options.maxVcpus * IOREQ.bytes) / PAGE_SIZE);
  }

  // ---- the request ----

  /** (xen: ioreq_server_select): from the highest id down; one contiguous run must hold the whole access. */
  select(d: Domain, p: IoreqRecord): IoreqServer | undefined {
    if (p.type !== IOREQ_TYPE_COPY && p.type !== IOREQ_TYPE_PIO) return undefined;
    const type = p.type === IOREQ_TYPE_PIO ? DMOP_RANGE.port : DMOP_RANGE.memory;
    const start = BigInt(mmioFirstByte(p));
    const end = BigInt(mmioLastByte(p));
    for (let id = MAX_NR_IOREQ_SERVERS - 1; id >= 0; id--) {
      const server = d.ioreq.servers[id];
      if (server?.enabled === true && server.ranges[type]!.contains(start, end)) return server;
    }
    return undefined;
  }

  /** (xen: ioreq_send_buffered): nobody waits; there is no fall-back to the synchronous path in here. */
  sendBuffered(server: IoreqServer, v: Vcpu, p: IoreqRecord): IoState {
    const outcome = sendBuffered(this.#bufferedPage(server, v.domain), server.bufioreq, p);
    if (outcome === 'misfit' && !baselineOf(this.xen).bufferedMisfitUnhandled) return IO_ABORT;
    if (outcome !== 'sent') return IO_UNHANDLED;
    if (server.bufioreqPort !== undefined) this.xen.evtchn.notifyViaXen(v.domain, server.bufioreqPort);
    return IO_HANDLED;
  }

  #bufferedPage(server: IoreqServer, d: Domain): BufferedPage | undefined {
    const { memory } = this.xen;
    const at = server.bufioreqPage;
    if (at === undefined || !d.alive) return undefined;
    return {
      read32: (offset) => memory.read32(at + offset),
      write32: (offset, value) => memory.write32(at + offset, value),
      compareExchange64: (offset, expected, value) => {
        if (memory.read64(at + offset) !== expected) return false;
        memory.write64(at + offset, value);
        return true;
      },
    };
  }

  /** (xen: ioreq_send, synchronous path): RETRY once the request is in the slot and the vCPU waits. */
  send(server: IoreqServer, v: Vcpu, p: IoreqRecord, pcpu: number): IoState {
    const { xen } = this;
    const sv = server.vcpus.find((each) => each.vcpu === v.id);
    if (!startShutdownDeferral(xen, v)) {
      v.io.suspended = true;
      return IO_RETRY;
    }
    const slot = server.slot(v.id);
    if (sv === undefined) return IO_UNHANDLED;
    if (slot === undefined) {
      xen.errors.report(
        'ioreq-server-without-page',
        `d${v.domain.id}`,
        `server ${server.id} enabled before its page was mapped`,
      );
      return IO_UNHANDLED;
    }
    const state = xen.memory.read8(slot + IOREQ.bitfield) & IOREQ_STATE_MASK;
    if (state !== STATE_IOREQ_NONE) {
      xen.errors.report('ioreq-bad-state', v.name, `slot state ${state} before a request`);
      return IO_UNHANDLED;
    }
    const port = xen.memory.read32(slot + IOREQ.vp_eport);
    if (port !== sv.port) {
      xen.errors.report('ioreq-bad-port', v.name, `vp_eport ${port}, not ${sv.port}`);
      return IO_UNHANDLED;
    }
    xen.charge(pcpu, 'xen.slotWrite');
    this.#writeSlot(slot, p, sv.port);
    // Blocked before READY is visible: an emulator that answers at once cannot lose the wake-up.
    xen.prepareWaitOnXenEventChannel(v);
    xen.charge(pcpu, 'xen.notify');
    this.#setState(slot, STATE_IOREQ_READY);
    this.onReady?.(server, v, slot);
    sv.pending = true;
    sv.seen = STATE_IOREQ_NONE;
    this.#trace(v, p, STATE_IOREQ_READY, pcpu);
    xen.evtchn.notifyViaXen(v.domain, sv.port);
    return IO_RETRY;
  }

  #writeSlot(slot: number, p: IoreqRecord, port: number): void {
    const bytes = new Uint8Array(IOREQ.bytes);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(IOREQ.addr, BigInt(p.addr), true);
    view.setBigUint64(IOREQ.data, BigInt.asUintN(64, p.data), true);
    view.setUint32(IOREQ.count, p.count, true);
    view.setUint32(IOREQ.size, p.size, true);
    view.setUint32(IOREQ.vp_eport, port, true);
    let bits = STATE_IOREQ_NONE;
    if (p.dataIsPtr) bits |= IOREQ_DATA_IS_PTR;
    if (p.dir !== IOREQ_WRITE) bits |= IOREQ_DIR_READ;
    if (p.df) bits |= IOREQ_DF;
    view.setUint8(IOREQ.bitfield, bits);
    view.setUint8(IOREQ.type, p.type);
    this.xen.memory.write(slot, bytes);
  }

  #setState(slot: number, state: number): void {
    const at = slot + IOREQ.bitfield;
    this.xen.memory.write8(at, (this.xen.memory.read8(at) & ~IOREQ_STATE_MASK) | state);
  }

  /** (xen: ioreq_signal_mapcache_invalidate): to every enabled server, in the caller's own slot. */
  broadcastInvalidate(v: Vcpu, pcpu: number): void {
    const p: IoreqRecord = {
      ...newIoreq(),
      type: IOREQ_TYPE_INVALIDATE,
      size: 4,
      dir: IOREQ_WRITE,
      data: (1n << 64n) - 1n,
    };
    for (let id = MAX_NR_IOREQ_SERVERS - 1; id >= 0; id--) {
      const server = v.domain.ioreq.servers[id];
      if (server?.enabled !== true) continue;
      if (this.send(server, v, p, pcpu) === IO_UNHANDLED) {
        this.xen.errors.report('ioreq-broadcast-failed', v.name, `server ${id}`);
      }
    }
  }

  /**
   * (xen: vcpu_ioreq_handle_completion). 'done': the vCPU may enter the guest; 'again': the exit work must be looked at once
   * more; BLOCKED: the vCPU sleeps, and this runs again from its top when it is scheduled.
   */
  handleCompletion(v: Vcpu, pcpu: number): 'done' | 'again' | Blocked {
    for (let id = MAX_NR_IOREQ_SERVERS - 1; id >= 0; id--) {
      const server = v.domain.ioreq.servers[id];
      const sv = server?.vcpus.find((each) => each.vcpu === v.id && each.pending);
      if (server === undefined || sv === undefined) continue;
      const outcome = this.#waitForIo(server, sv, v, pcpu);
      if (outcome !== 'done') return outcome === 'crashed' ? 'again' : BLOCKED;
      if (!baselineOf(this.xen).waitForEveryServer) break;
    }
    v.io.req.state = ioreqNeedsCompletion(v.io.req) ? STATE_IORESP_READY : STATE_IOREQ_NONE;
    endShutdownDeferral(this.xen, v);
    const completion = v.io.completion;
    v.io.completion = VIO_NO_COMPLETION;
    if (completion === VIO_MMIO_COMPLETION && !this.arch.completeMmio(v, pcpu)) return 'again';
    if (v.mapcacheInvalidate) {
      v.mapcacheInvalidate = false;
      this.broadcastInvalidate(v, pcpu);
      return 'again';
    }
    return 'done';
  }

  /** (xen: wait_for_io), one look at the slot. Only state and data are read back. */
  #waitForIo(server: IoreqServer, sv: IoreqVcpu, v: Vcpu, pcpu: number): 'done' | 'crashed' | Blocked {
    const { xen } = this;
    const slot = server.slot(sv.vcpu)!;
    const state = xen.memory.read8(slot + IOREQ.bitfield) & IOREQ_STATE_MASK;
    let data = (1n << 64n) - 1n; // the emulator died: all ones
    // NONE ends the wait whenever it is seen: only a step back to another state is an error.
    if (state !== STATE_IOREQ_NONE) {
      if (state < sv.seen) return this.#badState(sv, v, `weird transition ${sv.seen} -> ${state}`);
      sv.seen = state;
      if (state === STATE_IOREQ_READY || state === STATE_IOREQ_INPROCESS) {
        xen.prepareWaitOnXenEventChannel(v);
        return BLOCKED;
      }
      if (state !== STATE_IORESP_READY) return this.#badState(sv, v, `weird state ${state}`);
      data = xen.memory.read64(slot + IOREQ.data);
      this.#setState(slot, STATE_IOREQ_NONE);
    } else xen.errors.report('ioreq-no-answer', v.name, 'the emulator took the request back: all ones');
    // An answer that came before the vCPU was switched away: its pCPU works for the request again.
    const p = xen.pcpus[pcpu]!;
    if (v.io.requestId !== 0 && p.request !== v.io.requestId) p.takeOver(v.io.requestId, 'resume');
    if (ioreqNeedsCompletion(v.io.req)) {
      v.io.req.data = data;
      this.#trace(v, v.io.req, STATE_IORESP_READY, pcpu);
    }
    sv.pending = false;
    return 'done';
  }

  #trace(v: Vcpu, p: IoreqRecord, state: number, pcpu: number): void {
    const access = (state | (p.dir << 4) | (p.type << 8) | (p.size << 16) | (p.count << 24)) >>> 0;
    const who = (v.domain.id << 16) | v.id;
    const low = Number(BigInt.asUintN(32, p.data));
    const { core } = this.xen.pcpus[pcpu]!;
    this.xen.trace.recordAt(
      TraceKind.Ioreq,
      core.index,
      this.xen.now(pcpu),
      v.io.requestId,
      who,
      access,
      p.addr % 2 ** 32,
      low,
    );
  }

  #badState(sv: IoreqVcpu, v: Vcpu, why: string): 'crashed' {
    sv.pending = false;
    this.xen.crashDomain(v.domain, `ioreq of ${v.name}: ${why}`);
    return 'crashed';
  }
}
