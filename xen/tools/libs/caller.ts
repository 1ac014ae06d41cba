/**
 * How modelled software of a domain calls Xen and touches its own memory: the privcmd and evtchn paths of its kernel, as
 * costs and hypercalls. Addresses are the domain's guest-physical ones; its software runs with an identity map.
 */
import { PAGE_SIZE } from '../../public/arch-arm.js';
import { BLOCKED, type Domain, type Vcpu } from '../../common/domain.js';
import type { Xen } from '../../common/xen.js';
import { modelledHypercall } from '../../arch/arm/hypercall.js';
import { gicdWrite } from '../../arch/arm/vgic-v2.js';

const SPURIOUS = 1023;
const GICV_VMCR_ENABLE = 1;
/** Priority mask as Linux sets it, 0xf0, in GICH_VMCR's place. */
const VMCR_PMR = (0xf0 >> 3) << 27;

export class Caller {
  #pcpu = 0;
  /** This step has already entered Xen. */
  #trapped = false;

  constructor(
    readonly xen: Xen,
    readonly domain: Domain,
    /** A page of the domain's RAM for hypercall arguments. */
    readonly scratch: number,
  ) {}

  get vcpu(): Vcpu {
    return this.domain.vcpus[0]!;
  }

  /** The pCPU that runs the domain's vCPU for the step about to be made. */
  enter(pcpu: number): void {
    this.#pcpu = pcpu;
    this.#trapped = false;
  }

  /** Charges are steps of this request, in this phase of its path, until the next call; 0 = nobody's. */
  workFor(request: number, phase = ''): void {
    this.xen.pcpus[this.#pcpu]!.workFor(request, phase);
  }

  /** The interrupt that the vCPU is about to take was for this request: what led to it are its steps. */
  interrupted(request: number): void {
    this.xen.pcpus[this.#pcpu]!.takeOver(request, 'wake');
  }

  /** Charges a named cost; the ledger of the request being worked for gets it as a step. */
  charge(cost: string, count = 1, bytes = 0): void {
    this.xen.charge(this.#pcpu, cost, count, bytes);
  }

  /** Runs other work, nobody's, until something may have happened to this pCPU: the end of its slice. */
  spin(): void {
    const { core } = this.xen.pcpus[this.#pcpu]!;
    core.charge(Math.max(1, core.limit - core.cycles));
  }

  /**
   * A hypercall from the domain's kernel, with its trap. Result as in x0. The exit path runs after the step; an earlier
   * call of the same step pays for its own return.
   */
  hypercall(nr: number, ...args: readonly bigint[]): bigint {
    if (this.#trapped) {
      this.charge('xen.restoreRegisters');
      this.charge('xen.eret');
    }
    this.#trapped = true;
    const result = modelledHypercall(this.xen, this.vcpu, this.#pcpu, nr, args);
    if (result === BLOCKED) throw new Error(`modelled caller: hypercall ${nr} blocks, which none of its calls may`);
    return result;
  }

  /** A hypercall with a structure in memory: returns the result and the structure as Xen left it. */
  hypercallWith(nr: number, cmd: number, struct: Uint8Array): { rc: number; out: DataView } {
    this.write(this.scratch, struct);
    const rc = Number(this.hypercall(nr, BigInt(cmd), BigInt(this.scratch)));
    const raw = this.read(this.scratch, struct.length)!;
    return { rc, out: new DataView(raw.buffer, raw.byteOffset, raw.byteLength) };
  }

  /** Bytes of the domain's own memory (RAM or foreign mappings), undefined if a page is not mapped. */
  read(gpa: number, length: number): Uint8Array | undefined {
    const out = new Uint8Array(length);
    return this.#pages(gpa, length, (pa, at, n) => out.set(this.xen.memory.read(pa, n), at)) ? out : undefined;
  }

  write(gpa: number, bytes: Uint8Array): boolean {
    return this.#pages(gpa, bytes.length, (pa, at, n) => this.xen.memory.write(pa, bytes.subarray(at, at + n)));
  }

  #pages(gpa: number, length: number, each: (pa: number, at: number, n: number) => void): boolean {
    for (let at = 0; at < length;) {
      const from = gpa + at;
      const n = Math.min(length - at, PAGE_SIZE - (from % PAGE_SIZE));
      const frame = this.xen.gfnToPa(this.domain, Math.floor(from / PAGE_SIZE));
      if (frame === undefined) return false;
      each(frame + (from % PAGE_SIZE), at, n);
      at += n;
    }
    return true;
  }

  // ---- interrupts of the domain's vCPU ----

  /** Enables the virtual distributor, one interrupt and the CPU interface, as a kernel does when it boots. */
  enableInterrupt(intid: number): void {
    for (const [offset, value] of [
      [0x000, 1],
      [0x100 + (intid >>> 5) * 4, (1 << (intid & 31)) >>> 0],
    ] as const) {
      this.charge('xen.vgicEmulation');
      gicdWrite(this.xen, this.vcpu, offset, 4, value);
    }
    this.xen.gic.writeVmcr(this.#pcpu, (VMCR_PMR | GICV_VMCR_ENABLE) >>> 0);
    this.vcpu.arch.irqsMasked = false;
  }

  /** GICV_IAR: the INTID taken, undefined when none is pending. */
  acknowledge(): number | undefined {
    const iar = this.xen.gic.virtualAcknowledge(this.#pcpu) & 0x3ff;
    return iar === SPURIOUS ? undefined : iar;
  }

  endOfInterrupt(intid: number): void {
    this.xen.gic.virtualEoi(this.#pcpu, intid);
  }
}
