/** Stopping at one request, reading its slot, and asking for its steps: what tests and experiments do with a simulation. */
import type { Machine } from './sim/machine/machine.js';
import type { Outcome } from './sim/machine/outcome.js';
import type { CompletedRequest } from './sim/trace/ledger.js';
import type { Xen } from './xen/common/xen.js';
import { IOREQ, IOREQ_DATA_IS_PTR, IOREQ_DF, IOREQ_DIR_READ, IOREQ_STATE_MASK } from './xen/public/ioreq.js';

const STATES = ['none', 'ready', 'inprocess', 'response'] as const;

/** struct ioreq, from its 32 bytes (xen: xen/include/public/hvm/ioreq.h). */
export interface IoreqSlot {
  /** Guest-physical address of the access. */
  readonly addr: bigint;
  readonly data: bigint;
  readonly count: number;
  /** Bytes of the access. */
  readonly size: number;
  readonly vpEport: number;
  /** `unknown` is a value that no header names. */
  readonly state: (typeof STATES)[number] | 'unknown';
  readonly dataIsPtr: boolean;
  readonly direction: 'read' | 'write';
  readonly df: boolean;
  /** IOREQ_TYPE_*: 1 is a copy (MMIO), 8 a map-cache invalidation. */
  readonly type: number;
}

/** A request that is in its slot, READY, before the emulator knows. */
export interface PendingRequest {
  /** The ledger's id, from trap to return. */
  readonly id: number;
  /** The guest's name. */
  readonly domain: string;
  readonly vcpu: number;
  /** Id of the IOREQ server that was selected. */
  readonly server: number;
  /** Physical address of its struct ioreq in the shared page. */
  readonly slotAddress: number;
  /** What the slot said at that moment. */
  readonly slot: IoreqSlot;
}

/** Decodes the bytes of one slot. Throws RangeError for fewer than 32. */
export function decodeIoreq(bytes: Uint8Array): IoreqSlot {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bits = view.getUint8(IOREQ.bitfield);
  return {
    addr: view.getBigUint64(IOREQ.addr, true),
    data: view.getBigUint64(IOREQ.data, true),
    count: view.getUint32(IOREQ.count, true),
    size: view.getUint32(IOREQ.size, true),
    vpEport: view.getUint32(IOREQ.vp_eport, true),
    state: STATES[bits & IOREQ_STATE_MASK] ?? 'unknown',
    dataIsPtr: (bits & IOREQ_DATA_IS_PTR) !== 0,
    direction: (bits & IOREQ_DIR_READ) !== 0 ? 'read' : 'write',
    df: (bits & IOREQ_DF) !== 0,
    type: view.getUint8(IOREQ.type),
  };
}

/**
 * Drives a machine with an eye on its requests. Looking does not change the run: it stops where slices end anyway, so
 * the trace hash is that of an unwatched run. A request that becomes READY ends a slice, if its emulator is on another pCPU.
 */
export class RequestRunner {
  /** The last request of each vCPU, until it is handed out. */
  readonly #ready = new Map<string, PendingRequest>();

  constructor(
    private readonly machine: Machine,
    private readonly xen: Xen,
  ) {}

  /** The slot at a physical address, as simulated memory has it now. */
  readSlot(slotAddress: number): IoreqSlot {
    return decodeIoreq(this.machine.memory.read(slotAddress, IOREQ.bytes));
  }

  /** Runs to the end. The outcome is undefined if nothing will ever happen again without console input. */
  run(): Outcome | undefined {
    for (;;) if (this.machine.run() !== 'more') return this.machine.outcome;
  }

  /** Runs until `done()` is true, which is asked after each slice; false if the run ended without it. */
  runUntil(done: () => boolean): boolean {
    while (!done()) if (this.machine.run(1) !== 'more') return done();
    return true;
  }

  /**
   * Runs until a request that `match` accepts is in its slot, READY, and was not handed out before; undefined if the run
   * ends first.
   */
  runToRequest(match: (request: PendingRequest) => boolean = () => true): PendingRequest | undefined {
    this.#watch();
    let found: PendingRequest | undefined;
    this.runUntil(() => {
      found = this.#take(match);
      return found !== undefined;
    });
    return found;
  }

  /** Runs until the guest goes on after this request; its steps, or undefined if it never does. */
  runToCompletion(request: { readonly id: number }): CompletedRequest | undefined {
    const { ledger } = this.machine;
    this.#watch();
    const done: CompletedRequest[] = [];
    ledger.onClose = (closed) => {
      if (closed.id === request.id) done.push(closed);
    };
    try {
      this.runUntil(() => ledger.lastBoundary(request.id) === undefined);
      return done[0];
    } finally {
      ledger.onClose = undefined;
    }
  }

  #watch(): void {
    this.xen.ioreq.onReady = (server, vcpu, slotAddress) => {
      const { name } = vcpu.domain;
      const slot = this.readSlot(slotAddress);
      const request = { id: vcpu.io.requestId, domain: name, vcpu: vcpu.id, server: server.id, slotAddress, slot };
      this.#ready.set(`${name}\n${vcpu.id}`, request);
    };
  }

  /** A request that has been answered meanwhile is nobody's to stop at. */
  #take(match: (request: PendingRequest) => boolean): PendingRequest | undefined {
    for (const [key, request] of this.#ready) {
      if (this.readSlot(request.slotAddress).state !== 'ready') this.#ready.delete(key);
      else if (match(request)) {
        this.#ready.delete(key);
        return request;
      }
    }
    return undefined;
  }
}
