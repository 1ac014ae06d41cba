/**
 * xenconsoled as a modelled service of Dom0: drains the PV console and vUART rings of guests after the table's latency and
 * puts input into them (xen: tools/console/daemon/io.c, xen/include/public/io/console.h).
 */
import type { Domain } from '../../common/domain.js';
import type { Xen, XenService } from '../../common/xen.js';

/** struct xencons_interface: in[1024] @0, out[2048] @1024, then the indices. */
const IN_BYTES = 1024;
const OUT_BYTES = 2048;
const OUT = 1024;
const IN_CONS = 3072;
const IN_PROD = 3076;
const OUT_CONS = 3080;
const OUT_PROD = 3084;
/** Input that waits for ring space; more is dropped, counted. */
const INPUT_MAX = 64 * 1024;

export type ConsoleKind = 'hvc0' | 'vuart';

interface Connection {
  readonly domid: number;
  readonly kind: ConsoleKind;
  /** SoC address of the ring page. */
  readonly page: number;
  readonly port: number;
  input: number[];
  dead: boolean;
}

/** Where a guest's output goes: bytes as the guest wrote them. */
export type ConsoleSink = (domid: number, kind: ConsoleKind, bytes: Uint8Array) => void;

export class Xenconsoled implements XenService {
  readonly latency = 'console.drain';
  readonly #byPort = new Map<number, Connection>();

  constructor(
    private readonly xen: Xen,
    private readonly dom0: Domain,
    private readonly sink: ConsoleSink,
  ) {}

  /** Opens a guest's console: its ring page and its port. Returns false if the port cannot be bound. */
  open(domid: number, kind: ConsoleKind, page: number, remotePort: number): boolean {
    const port = this.xen.evtchn.bindInterdomain(this.dom0, domid, remotePort, 'xenconsoled');
    if (port < 0) return false;
    this.#byPort.set(port, { domid, kind, page, port, input: [], dead: false });
    return true;
  }

  /** Takes what is still in the rings and forgets the domain. */
  close(domid: number): void {
    for (const [port, c] of [...this.#byPort]) {
      if (c.domid !== domid) continue;
      this.#drain(c);
      this.xen.evtchn.close(this.dom0, port);
      this.#byPort.delete(port);
    }
  }

  onEvent(port: number): void {
    const c = this.#byPort.get(port);
    if (c === undefined || c.dead) return;
    const drained = this.#drain(c);
    if (this.#feed(c) || drained) this.xen.evtchn.send(this.dom0, port);
  }

  /** Input for a guest, e.g. keys. */
  write(domid: number, kind: ConsoleKind, bytes: Uint8Array): void {
    for (const c of this.#byPort.values()) {
      if (c.domid !== domid || c.kind !== kind || c.dead) continue;
      if (c.input.length + bytes.length > INPUT_MAX)
        this.xen.errors.report('console-input-dropped', `d${domid}`, `${bytes.length} bytes`);
      else c.input.push(...bytes);
      if (this.#feed(c)) this.xen.evtchn.send(this.dom0, c.port);
    }
  }

  /** Indices are the guest's words: a distance beyond the ring means the guest lies, and its console is cut off. */
  #distance(c: Connection, prod: number, cons: number, size: number): number {
    const used = (prod - cons) >>> 0;
    if (used <= size) return used;
    c.dead = true;
    this.xen.errors.report('console-ring-indices', `d${c.domid}`, `${c.kind}: prod ${prod}, cons ${cons}`);
    return 0;
  }

  #drain(c: Connection): boolean {
    const { memory } = this.xen;
    const cons = memory.read32(c.page + OUT_CONS);
    const used = this.#distance(c, memory.read32(c.page + OUT_PROD), cons, OUT_BYTES);
    if (used === 0) return false;
    const bytes = new Uint8Array(used);
    for (let i = 0; i < used; i++) bytes[i] = memory.read8(c.page + OUT + ((cons + i) % OUT_BYTES));
    memory.write32(c.page + OUT_CONS, (cons + used) >>> 0);
    this.sink(c.domid, c.kind, bytes);
    return true;
  }

  #feed(c: Connection): boolean {
    const { memory } = this.xen;
    const prod = memory.read32(c.page + IN_PROD);
    const used = this.#distance(c, prod, memory.read32(c.page + IN_CONS), IN_BYTES);
    const count = c.dead ? 0 : Math.min(IN_BYTES - used, c.input.length);
    for (let i = 0; i < count; i++) memory.write8(c.page + ((prod + i) % IN_BYTES), c.input[i]!);
    if (count === 0) return false;
    c.input = c.input.slice(count);
    memory.write32(c.page + IN_PROD, (prod + count) >>> 0);
    return true;
  }

  save(): unknown {
    return [...this.#byPort.values()];
  }

  load(state: unknown): void {
    this.#byPort.clear();
    for (const c of state as Connection[]) this.#byPort.set(c.port, { ...c, input: [...c.input] });
  }
}
