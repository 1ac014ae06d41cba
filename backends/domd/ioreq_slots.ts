/** The backend's view of the shared ioreq page: read a slot once, move its state (xen: xen/include/public/hvm/ioreq.h). */
import { IOREQ, IOREQ_DIR_READ, IOREQ_STATE_MASK } from '../../xen/public/ioreq.js';
import type { Caller } from '../../xen/tools/libs/caller.js';

export interface SlotRequest {
  readonly addr: number;
  readonly data: bigint;
  readonly size: number;
  readonly read: boolean;
  readonly type: number;
  readonly state: number;
}

export class IoreqSlots {
  constructor(
    private readonly caller: Caller,
    /** Guest-physical address at which the page is mapped. */
    private readonly page: number,
  ) {}

  port(vcpu: number): number {
    const raw = this.caller.read(this.page + vcpu * IOREQ.bytes + IOREQ.vp_eport, 4)!;
    return new DataView(raw.buffer, raw.byteOffset, 4).getUint32(0, true);
  }

  read(vcpu: number): SlotRequest {
    const raw = this.caller.read(this.page + vcpu * IOREQ.bytes, IOREQ.bytes)!;
    const view = new DataView(raw.buffer, raw.byteOffset, IOREQ.bytes);
    const bits = view.getUint8(IOREQ.bitfield);
    return {
      addr: Number(view.getBigUint64(IOREQ.addr, true) & 0xffff_ffff_ffffn),
      data: view.getBigUint64(IOREQ.data, true),
      size: view.getUint32(IOREQ.size, true),
      read: (bits & IOREQ_DIR_READ) !== 0,
      type: view.getUint8(IOREQ.type),
      state: bits & IOREQ_STATE_MASK,
    };
  }

  /** A read-modify-write of the byte that holds the state, as compiled C with bit-fields does it. */
  setState(vcpu: number, state: number): void {
    const at = this.page + vcpu * IOREQ.bytes + IOREQ.bitfield;
    const old = this.caller.read(at, 1)![0]!;
    this.caller.write(at, Uint8Array.of((old & ~IOREQ_STATE_MASK) | state));
  }

  setData(vcpu: number, data: bigint): void {
    const raw = new Uint8Array(8);
    new DataView(raw.buffer).setBigUint64(0, data, true);
    this.caller.write(this.page + vcpu * IOREQ.bytes + IOREQ.data, raw);
  }
}
