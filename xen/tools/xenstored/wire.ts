/** The xenstore wire protocol and its ring (xen: xen/include/public/io/xs_wire.h). Words are little-endian u32. */
import type { PhysicalMemory } from '../../../sim/machine/memory.js';

export const XS = {
  CONTROL: 0,
  DIRECTORY: 1,
  READ: 2,
  GET_PERMS: 3,
  WATCH: 4,
  UNWATCH: 5,
  TRANSACTION_START: 6,
  TRANSACTION_END: 7,
  INTRODUCE: 8,
  RELEASE: 9,
  GET_DOMAIN_PATH: 10,
  WRITE: 11,
  MKDIR: 12,
  RM: 13,
  SET_PERMS: 14,
  WATCH_EVENT: 15,
  ERROR: 16,
  IS_DOMAIN_INTRODUCED: 17,
  RESUME: 18,
  SET_TARGET: 19,
  RESTRICT: 20,
  RESET_WATCHES: 21,
  DIRECTORY_PART: 22,
} as const;

export const XS_NAMES: readonly string[] = Object.keys(XS);
export const HEADER_BYTES = 16;
export const PAYLOAD_MAX = 4096;
const RING_BYTES = 1024;
/** struct xenstore_domain_interface. */
const REQ = 0;
const RSP = 1024;
const REQ_CONS = 2048;
const REQ_PROD = 2052;
const RSP_CONS = 2056;
const RSP_PROD = 2060;
export const SERVER_FEATURES = 2064;
export const CONNECTION = 2068;

export interface XsMessage {
  readonly type: number;
  readonly reqId: number;
  readonly txId: number;
  readonly body: Uint8Array;
}

export function encodeMessage(m: XsMessage): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + m.body.length);
  const view = new DataView(bytes.buffer);
  [m.type, m.reqId, m.txId, m.body.length].forEach((word, i) => view.setUint32(i * 4, word, true));
  bytes.set(m.body, HEADER_BYTES);
  return bytes;
}

/** One domain's ring page. Indices are the guest's words: read once, checked, used (rule G3). */
export class XsRing {
  constructor(
    private readonly memory: PhysicalMemory,
    readonly page: number,
  ) {}

  /** Takes what the guest has put, at most `max` bytes; undefined if the indices are impossible. */
  take(max: number): Uint8Array | undefined {
    const cons = this.memory.read32(this.page + REQ_CONS);
    const prod = this.memory.read32(this.page + REQ_PROD);
    const used = (prod - cons) >>> 0;
    if (used > RING_BYTES) return undefined;
    const count = Math.min(used, max);
    const out = new Uint8Array(count);
    for (let i = 0; i < count; i++) out[i] = this.memory.read8(this.page + REQ + ((cons + i) % RING_BYTES));
    if (count > 0) this.memory.write32(this.page + REQ_CONS, (cons + count) >>> 0);
    return out;
  }

  /** Puts as many bytes as fit; returns how many, or undefined if the indices are impossible. */
  put(bytes: Uint8Array): number | undefined {
    const cons = this.memory.read32(this.page + RSP_CONS);
    const prod = this.memory.read32(this.page + RSP_PROD);
    const used = (prod - cons) >>> 0;
    if (used > RING_BYTES) return undefined;
    const count = Math.min(RING_BYTES - used, bytes.length);
    for (let i = 0; i < count; i++) this.memory.write8(this.page + RSP + ((prod + i) % RING_BYTES), bytes[i]!);
    if (count > 0) this.memory.write32(this.page + RSP_PROD, (prod + count) >>> 0);
    return count;
  }
}
