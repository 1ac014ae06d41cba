/** A virtio-disk process in a driver domain, really running, with a guest whose accesses and memory the spec plays. */
import type { DiskDeviceOptions } from '../../backends/domd/disk_device.js';
import { DomdProgram } from '../../backends/domd/program.js';
import { VirtioDisk } from '../../backends/domd/virtio_disk.js';
import type { Disk } from '../../backends/virtio/disk.js';
import { MemoryDisk } from '../../backends/virtio/memory-disk.js';
import { newIoreq } from '../../xen/common/domain.js';
import {
  createModelledDomain,
  MODELLED_SHARED_INFO,
  startModelledDomain,
  writeModelledHome,
  type ModelledDomain,
} from '../../xen/tools/light/modelled_domain.js';
import { diskPaths, writeDisk, writeDomain, writeDom0 } from '../../xen/tools/light/xenstore_nodes.js';
import { XsHandle } from '../../xen/tools/libs/xenstore.js';
import { Xenstored } from '../../xen/tools/xenstored/xenstored.js';
import { pack, xenFixture, type Caller, type XenFixture } from '../xen-fixture.js';

const DEVID = 51712;
export const BASE = 0x0200_0000;
export const SPI = 33;
/** Registers (virtio 1.2, 4.2.2). */
export const REG = {
  FEATURES_SEL: 0x14,
  DRIVER: 0x20,
  DRIVER_SEL: 0x24,
  QUEUE_SEL: 0x30,
  READY: 0x44,
  NOTIFY: 0x50,
  ISR: 0x60,
  ACK: 0x64,
  STATUS: 0x70,
  DESC: 0x80,
  AVAIL: 0x90,
  USED: 0xa0,
} as const;
/** Guest-physical places: the rings, one page each, then buffers. */
export const RING = { desc: 0x4000_0000, avail: 0x4000_1000, used: 0x4000_2000 } as const;
export const BUFFERS = 0x4000_3000;
const QUEUE_SIZE = 256;
const [STATE, DATA] = [30, 8];

export const [NEXT, WRITE, INDIRECT] = [1, 2, 4] as const;
export type Descriptor = readonly [gpa: number | bigint, length: number, flags?: number, next?: number];

export class DiskBackend {
  readonly f: XenFixture = xenFixture();
  readonly xenstored: Xenstored;
  readonly domd: ModelledDomain;
  readonly guest: Caller;
  readonly process: VirtioDisk;
  readonly warnings: string[] = [];
  /** Hypercalls of the driver domain, as `dm 20`, `memory 23`, `evtchn 0`. */
  readonly calls: string[] = [];
  #avail = 0;

  constructor(
    readonly disk: Disk = new MemoryDisk(new Uint8Array(1 << 16)),
    vcpus = 1,
    extra: Partial<DiskDeviceOptions> = {},
  ) {
    const { xen, machine } = this.f;
    this.xenstored = new Xenstored(xen, this.f.dom0.d);
    xen.services.set('xenstored', this.xenstored);
    const { store } = this.xenstored;
    writeDom0(store);
    this.guest = this.f.domain('guest', { maxVcpus: vcpus, nrSpis: 2 });
    this.domd = createModelledDomain(xen, { name: 'DomD', uuid: 'd', domid: undefined, affinity: [0] });
    writeModelledHome(store, this.domd);
    const warn = (line: string): void => void this.warnings.push(line);
    const program = new DomdProgram(this.domd.caller, MODELLED_SHARED_INFO, (handler) =>
      machine.clock.event('domd.start', handler),
    );
    this.process = new VirtioDisk('guest:xvda', program, {
      disks: [
        {
          id: 'guest:xvda',
          params: '/disk.raw',
          disk: this.disk,
          space: this.domd.space,
          diskEvent: (handler) => machine.clock.event('domd.disk', handler),
          warn,
          ...extra,
        },
      ],
      space: this.domd.space,
      xenstore: new XsHandle(this.xenstored, this.domd.caller, 'disk'),
      warn,
    });
    program.add(this.process);
    this.#log(41, 'dm', (x) => this.#dmOp(x.arg(2)));
    this.#log(12, 'memory', (x) => Number(x.arg(0)));
    this.#log(32, 'evtchn', (x) => Number(x.arg(0)));
    startModelledDomain(xen, this.domd, program);
  }

  #log(nr: number, name: string, command: (x: { arg(i: number): bigint }) => number): void {
    const { xen } = this.f;
    const handler = xen.hypercalls[nr]!;
    xen.hypercalls[nr] = (x) => {
      if (x.vcpu.domain === this.domd.domain) this.calls.push(`${name} ${command(x)}`);
      return handler(x);
    };
  }

  #dmOp(bufs: bigint): number {
    const { caller } = this.domd;
    const word = (at: number): number => new DataView(caller.read(at, 4)!.slice().buffer).getUint32(0, true);
    return word(word(Number(bufs)));
  }

  get paths(): { frontend: string; backend: string } {
    return diskPaths(this.guest.id, this.domd.domain.id, DEVID);
  }

  /** The toolstack's part: nodes of the guest and of its disk. */
  announce(): void {
    const { store } = this.xenstored;
    writeDomain(store, { domid: this.guest.id, name: 'guest', uuid: 'g' }, 65536, 1, '0', { store: 1, console: 2 });
    const disk = {
      vdev: 'xvda',
      target: '/disk.raw',
      readOnly: this.disk.readOnly,
      backend: 'DomD',
      grantUsage: false,
      removable: false,
      discard: undefined,
    };
    writeDisk(store, this.guest.id, this.domd.domain.id, DEVID, disk, {
      base: BASE,
      spi: SPI,
      type: undefined,
      grantDomid: undefined,
    });
  }

  /** Longest slice in ticks, for specs that want to look between the steps of the backend. */
  slice: bigint | undefined;

  /** Lets simulated time pass until something is so; false if nothing more happens before. */
  until(done: () => boolean, slices = 20_000): boolean {
    const { machine } = this.f;
    for (let i = 0; i < slices && !done(); i++) {
      const status = this.slice === undefined ? machine.run(1) : machine.run(1, machine.time + this.slice);
      if (status !== 'more') return done();
    }
    return done();
  }

  /** Until the driver domain sleeps. */
  settle(): void {
    this.until(() => false, 2000);
  }

  get server() {
    return this.guest.d.ioreq.servers[0];
  }

  /** Announced, and the backend has done all its set-up. */
  attached(): this {
    this.announce();
    if (!this.until(() => this.server?.ranges[1]?.ranges.length === 1)) throw new Error('the backend does not come');
    this.settle();
    return this;
  }

  /** Sends a request as vCPU `vcpu`; the data of the answer. Throws if there is none. */
  request(part: Partial<ReturnType<typeof newIoreq>>, vcpu = 0): bigint {
    const { xen, machine } = this.f;
    const v = this.guest.d.vcpus[vcpu]!;
    const server = this.server!;
    const slot = server.slot(vcpu)!;
    v.io.req = { ...newIoreq(), count: 1, size: 4, type: 1, state: 1, ...part };
    xen.ioreq.send(server, v, v.io.req, 0);
    if (!this.until(() => (machine.memory.read8(slot + STATE) & 15) === 3)) throw new Error('no answer');
    // What Xen does when the vCPU runs again.
    machine.memory.write8(slot + STATE, machine.memory.read8(slot + STATE) & 0xf0);
    server.vcpus[vcpu]!.pending = false;
    v.io.req.state = 0;
    v.pauseFlags &= ~4;
    return machine.memory.read64(slot + DATA);
  }

  read(offset: number, size = 4, vcpu = 0): number {
    return Number(this.request({ addr: BASE + offset, size, dir: 1 }, vcpu));
  }

  write(offset: number, value: number, vcpu = 0): void {
    this.request({ addr: BASE + offset, dir: 0, data: BigInt(value) }, vcpu);
  }

  /** A driver's set-up; `features` word 0. */
  driver(features = 0x1000_0204, rings: Readonly<Record<keyof typeof RING, number>> = RING): this {
    this.write(REG.STATUS, 0);
    for (const [at, value] of [
      [REG.STATUS, 3], [REG.DRIVER_SEL, 1], [REG.DRIVER, 3], [REG.DRIVER_SEL, 0], [REG.DRIVER, features], [REG.STATUS, 0xb], [REG.QUEUE_SEL, 0],
      [REG.DESC, rings.desc], [REG.DESC + 4, 0], [REG.AVAIL, rings.avail], [REG.AVAIL + 4, 0], [REG.USED, rings.used], [REG.USED + 4, 0],
    ] as const) this.write(at, value); // prettier-ignore
    for (const at of Object.values(rings))
      if (this.guest.d.p2m.lookup(at >> 12)) this.guest.write(at & ~0xfff, new Uint8Array(4096));
    this.#avail = 0;
    this.write(REG.READY, 1);
    this.write(REG.STATUS, 0xf);
    return this;
  }

  descriptors(list: readonly Descriptor[], table: number = RING.desc): void {
    list.forEach(([gpa, length, flags = 0, next = 0], i) => {
      this.guest.write(table + 16 * i, pack(16, [0, 8, gpa], [8, 4, length], [12, 2, flags], [14, 2, next]));
    });
  }

  /** Makes a head available and rings the bell; waits until the backend sleeps again. */
  kick(head = 0, index = this.#avail + 1): void {
    this.guest.write(RING.avail + 4 + 2 * (this.#avail % QUEUE_SIZE), pack(2, [0, 2, head]));
    this.#avail = (this.#avail + 1) & 0xffff;
    this.guest.write(RING.avail + 2, pack(2, [0, 2, index & 0xffff]));
    this.write(REG.NOTIFY, 0);
    this.settle();
  }

  get usedIndex(): number {
    return this.guest.view(RING.used + 2, 2).getUint16(0, true);
  }

  used(slot: number): number[] {
    const view = this.guest.view(RING.used + 4 + 8 * slot, 8);
    return [view.getUint32(0, true), view.getUint32(4, true)];
  }

  /** Puts a request header at `at`. */
  header(type: number, sector: number | bigint, at = BUFFERS): void {
    this.guest.write(at, pack(16, [0, 4, type], [8, 8, sector]));
  }

  /** References of the guest's frames beyond its own: what the backend has mapped. */
  mapped(): number {
    const { xen } = this.f;
    let count = 0;
    for (const pa of xen.heap.ownedBy(this.guest.id)) count += xen.heap.refs(pa) - 1;
    return count;
  }

  get interruptPending(): boolean {
    return this.guest.d.vcpus[0]!.arch.vgic.isInflight(SPI);
  }
}
