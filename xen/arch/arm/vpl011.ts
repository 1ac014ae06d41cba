/**
 * The SBSA UART that Xen emulates (xen: xen/arch/arm/vpl011.c; Arm Server Base System Architecture, generic UART). Its
 * other end is `struct xencons_interface` in a guest page, shared with the console service.
 */
import type { Domain } from '../../common/domain.js';
import type { Xen } from '../../common/xen.js';
import { ENOMEM, EINVAL } from '../../public/errno.js';
import { GUEST_VPL011_SPI } from '../../public/arch-arm.js';
import { vgicInjectIrq } from './vgic.js';

/** struct xencons_interface (xen: xen/include/public/io/console.h). */
export const XENCONS = { in: 0, out: 1024, inCons: 3072, inProd: 3076, outCons: 3080, outProd: 3084 } as const;
const IN_SIZE = 1024;
const OUT_SIZE = 2048;
const FIFO_SIZE = 32;
const FIFO_LEVEL = FIFO_SIZE / 2;

const DR = 0x00;
const RSR = 0x04;
const FR = 0x18;
const IMSC = 0x38;
const RIS = 0x3c;
const MIS = 0x40;
const ICR = 0x44;

const FR_BUSY = 1 << 3;
const FR_RXFE = 1 << 4;
const FR_TXFF = 1 << 5;
const FR_RXFF = 1 << 6;
const FR_TXFE = 1 << 7;
const INT_RX = 1 << 4;
const INT_TX = 1 << 5;
const INT_RT = 1 << 6;

export class Vpl011 {
  #fr = FR_TXFE | FR_RXFE;
  #ris = 0;
  #imsc = 0;
  #shadowUartmis = 0;

  /** @param ring SoC address of the shared page. @param port its event channel in the guest's port space. */
  constructor(
    private readonly xen: Xen,
    private readonly d: Domain,
    private readonly ring: number,
    readonly port: number,
  ) {}

  /** @returns the value, or undefined: the access aborts (64 bits wide, or the write-only ICR). */
  read(offset: number, bytes: number): bigint | undefined {
    if (bytes === 8) return undefined;
    switch (offset) {
      case DR:
        return BigInt(this.#readData());
      case RSR:
        return 0n; // no framing or parity errors
      case FR:
        return BigInt(this.#fr);
      case RIS:
        return BigInt(this.#ris);
      case MIS:
        return BigInt(this.#ris & this.#imsc);
      case IMSC:
        return BigInt(this.#imsc);
      case ICR:
        return undefined;
      default:
        return 0n;
    }
  }

  write(offset: number, bytes: number, value: bigint): boolean {
    if (bytes === 8) return false;
    const word = Number(value & 0xffff_ffffn);
    switch (offset) {
      case DR:
        this.#writeData(word & 0xff);
        return true;
      case IMSC:
        this.#imsc = word;
        this.#updateInterrupt();
        return true;
      case ICR:
        this.#ris &= ~word;
        this.#updateInterrupt();
        return true;
      default: // RSR, FR, RIS, MIS and unknown registers
        return true;
    }
  }

  /** The console's end notified: it took output or put input (vpl011_notification, vpl011_data_avail). */
  onBackendEvent(): void {
    const { inQueued, outQueued } = this.#queued();
    if (inQueued > 0) this.#fr &= ~FR_RXFE;
    if (inQueued === IN_SIZE) this.#fr |= FR_RXFF;
    if (inQueued >= IN_SIZE - FIFO_LEVEL) this.#ris |= INT_RX;
    if (inQueued > 0) this.#ris |= INT_RT;
    if (outQueued !== OUT_SIZE) {
      this.#fr &= ~(FR_TXFF | FR_BUSY);
      this.#updateTxStatus(outQueued);
    }
    this.#updateInterrupt();
    if (outQueued === 0) this.#fr |= FR_TXFE;
  }

  /** domain_vpl011_deinit. */
  destroy(): void {
    this.xen.evtchn.freeXen(this.d, this.port);
    this.xen.putPage(this.ring);
  }

  save(): unknown {
    return {
      ring: this.ring,
      port: this.port,
      fr: this.#fr,
      ris: this.#ris,
      imsc: this.#imsc,
      mis: this.#shadowUartmis,
    };
  }

  load(state: unknown): void {
    const s = state as any;
    this.#fr = s.fr;
    this.#ris = s.ris;
    this.#imsc = s.imsc;
    this.#shadowUartmis = s.mis;
  }

  #queued(): { inQueued: number; outQueued: number; inCons: number; outProd: number } {
    const { memory } = this.xen;
    const inCons = memory.read32(this.ring + XENCONS.inCons);
    const inProd = memory.read32(this.ring + XENCONS.inProd);
    const outCons = memory.read32(this.ring + XENCONS.outCons);
    const outProd = memory.read32(this.ring + XENCONS.outProd);
    return {
      inQueued: xenconsQueued(inProd, inCons, IN_SIZE),
      outQueued: xenconsQueued(outProd, outCons, OUT_SIZE),
      inCons,
      outProd,
    };
  }

  #readData(): number {
    const { memory } = this.xen;
    const { inQueued, inCons } = this.#queued();
    let data = 0;
    let left = inQueued;
    if (inQueued > 0) {
      data = memory.read8(this.ring + XENCONS.in + (inCons & (IN_SIZE - 1)));
      memory.write32(this.ring + XENCONS.inCons, (inCons + 1) >>> 0);
      left--;
    } else {
      this.xen.errors.report('vpl011-in-empty', `d${this.d.id}`, 'read of an empty FIFO');
    }
    if (inQueued > 0) {
      if (left === 0) {
        this.#fr |= FR_RXFE;
        this.#ris &= ~INT_RT;
      }
      if (left < IN_SIZE - FIFO_LEVEL) this.#ris &= ~INT_RX;
      this.#updateInterrupt();
    }
    this.#fr &= ~FR_RXFF;
    this.xen.evtchn.notifyViaXen(this.d, this.port);
    return data;
  }

  #writeData(data: number): void {
    const { memory } = this.xen;
    const { outQueued, outProd } = this.#queued();
    if (outQueued < OUT_SIZE) {
      memory.write8(this.ring + XENCONS.out + (outProd & (OUT_SIZE - 1)), data);
      memory.write32(this.ring + XENCONS.outProd, (outProd + 1) >>> 0);
      const queued = outQueued + 1;
      // BUSY only when full, so that early output need not wait for it after each character.
      if (queued === OUT_SIZE) this.#fr |= FR_TXFF | FR_BUSY;
      this.#updateTxStatus(queued);
      this.#updateInterrupt();
    } else {
      this.xen.errors.report('vpl011-out-full', `d${this.d.id}`, 'output lost');
    }
    this.#fr &= ~FR_TXFE;
    this.xen.evtchn.notifyViaXen(this.d, this.port);
  }

  /** vpl011_update_tx_fifo_status: TXI while there is room for half a FIFO. */
  #updateTxStatus(queued: number): void {
    if (queued <= OUT_SIZE - FIFO_LEVEL) this.#ris |= INT_TX;
    else this.#ris &= ~INT_TX;
  }

  /** vpl011_update_interrupt_status: an edge for each bit that becomes set in the masked status. */
  #updateInterrupt(): void {
    const mis = this.#ris & this.#imsc;
    if (mis & ~this.#shadowUartmis) vgicInjectIrq(this.xen, this.d, null, GUEST_VPL011_SPI, true);
    this.#shadowUartmis = mis;
  }
}

/** xencons_queued: never more than the ring holds, whatever was written into the indices (xen: ring.h FLEX_RING). */
export function xenconsQueued(prod: number, cons: number, size: number): number {
  if (prod === cons) return 0;
  const queued = (prod - cons) & (size - 1);
  return queued === 0 ? size : queued;
}

/**
 * domain_vpl011_init (vuart_op init): the page at `gfn` becomes the ring, SPI 32 is reserved, and a channel for the
 * console's domain is made. @returns the guest-side port, or -errno.
 */
export function initVpl011(xen: Xen, d: Domain, gfn: number, consoleDomid: number): number {
  if (d.vuart !== undefined) return -EINVAL;
  const ring = d.p2m.ramPa(gfn);
  if (ring === undefined) return -EINVAL;
  const port = xen.evtchn.allocUnboundXen(d, 0, consoleDomid, 'vpl011');
  if (port < 0) return port;
  if (!d.vgic.reserve(GUEST_VPL011_SPI)) {
    xen.evtchn.freeXen(d, port);
    return -EINVAL;
  }
  if (!xen.heap.getPage(ring)) return -ENOMEM;
  d.vuart = new Vpl011(xen, d, ring, port);
  return port;
}
