/** The life of backend processes: signals, absence, restart, configuration, grants, legacy transport, discard (golden-libxl.md 7; xen-ioreq.md 8, 10). */
import { describe, expect } from 'vitest';
import { bareGuest, configure, createXenSimulation, MemoryDisk, rcarH3, type XenSimulation } from '../../../index.js';
import type { DiskDevice } from '../../../backends/domd/disk_device.js';
import type { VirtioDisk } from '../../../backends/domd/virtio_disk.js';
import { onEach, rule, setting } from '../../support/ioreq-test.js';
import { BUFFERS, DiskBackend, NEXT, REG, WRITE } from '../../support/disk-backend.js';
import { pack } from '../../xen-fixture.js';
import { copyFromGuest } from '../../../xen/arch/arm/guestcopy.js';

const B = 0x0200_0000;
const ID = 'bare:xvda';
const BLOCKED_IN_XEN = 4;

interface Life {
  readonly simulation: XenSimulation;
  readonly process: VirtioDisk;
  readonly messages: readonly string[];
  console(): string;
  /** Until something is so, within so many simulated ms. */
  until(done: () => boolean, ms?: number): boolean;
  errors(): readonly string[];
}

/** The built-in guest with its disk, and as many more as asked for. */
function life(words: string, settings: readonly string[] = [], disks = 1, vcpus = 1, grantUsage = false): Life {
  let text = '';
  const messages: string[] = [];
  const base = bareGuest(`console=ttyAMA0 ${words}`, vcpus);
  const guest = {
    ...base,
    disks: Array.from({ length: disks }, (_, i) => ({
      ...base.disks[0]!,
      vdev: `xvd${'abcd'[i]}`,
      target: `/disk${i}.raw`,
      grantUsage,
    })),
  };
  const simulation = createXenSimulation({
    configuration: configure(rcarH3(), settings),
    guests: [guest],
    disks: new Map(guest.disks.map(({ vdev }) => [`bare:${vdev}`, new MemoryDisk(new Uint8Array(1 << 20))])),
    onConsole: (_name, byte) => void (text += String.fromCharCode(byte)),
    warn: (line) => void messages.push(line),
  });
  const { machine } = simulation;
  return {
    simulation,
    process: simulation.backends.get(ID)!,
    messages,
    console: () => text,
    until: (done, ms = 1000) => {
      const end = machine.time + BigInt(Math.ceil((ms * machine.board.tickHz) / 1000));
      while (!done() && machine.time < end && machine.outcome === undefined)
        if (machine.run(100_000, end) === 'waiting') break;
      return done();
    },
    errors: () => machine.errors.list().map(({ kind }) => kind),
  };
}

const domain = ({ simulation }: Life) => simulation.xen.domain(simulation.toolstack.domids()[0]!)!;
/** Requests without end; a second CPU looks at InterruptStatus all the time, so there is always a next access. */
const reader = (): Life => life('reads=1000 size=512 vcpus=2 peeks=1000000', [], 1, 2);
const blocked = (l: Life): boolean => domain(l).vcpus.some((v) => (v.pauseFlags & BLOCKED_IN_XEN) !== 0);
/** The guest has used its disk for a while. */
const busy = (l: Life): boolean => l.until(() => l.process.accesses > 60);

describe('signals', () => {
  rule(
    'backend-sigterm',
    'SIGTERM: clean detach and an empty directory; the frontend stays; the next access aborts',
    () => {
      const l = reader();
      expect(busy(l)).toBe(true);
      const { store } = l.simulation.xenstored;
      const d = domain(l);
      const [frontend, backend] = [
        `/local/domain/${d.id}/device/virtio_disk/51712`,
        `/local/domain/1/backend/virtio_disk/${d.id}/51712`,
      ];
      expect([store.exists(frontend), store.readText(0, `${backend}/state`)]).toEqual([true, '2']); // it never goes to 4
      l.process.terminate();
      expect(l.until(() => l.process.ended)).toBe(true);
      expect([store.exists(frontend), store.exists(backend), d.ioreq.servers.some((s) => s !== undefined)]).toEqual([
        true,
        false,
        false,
      ]);
      expect(l.until(() => / cpu [01]/.test(l.console()))).toBe(true);
      expect(l.console()).toMatch(/FAIL data abort: .* ESR_EL1=0x0*96000000 FAR_EL1=0x0*2000060/);
      expect(l.errors()).toContain('guest-abort');
      // All mappings of the guest's pages are gone: it does not stay as a zombie.
      l.simulation.xen.shutdownDomain(d, 3);
      l.until(() => l.simulation.xen.domain(d.id) === undefined, 100);
      expect(l.simulation.xen.domain(d.id)).toBeUndefined();
    },
  );

  rule(
    'backend-sigkill',
    'SIGKILL: ports unbound, server and range stay; the next access blocks its vCPU for ever',
    () => {
      const l = reader();
      expect(busy(l)).toBe(true);
      const d = domain(l);
      const { port } = d.ioreq.servers[0]!.vcpus[0]!;
      l.process.kill();
      expect(l.until(() => l.process.ended)).toBe(true);
      expect([d.evtchn.at(port)?.state, d.ioreq.servers[0]?.enabled, d.ioreq.servers[0]?.ranges[1]?.ranges]).toEqual([
        'unbound',
        true,
        [{ start: BigInt(B), end: BigInt(B + 0x1ff) }],
      ]);
      expect(l.until(() => blocked(l))).toBe(true);
      expect(l.until(() => !blocked(l), 100)).toBe(false);
      expect(l.console()).not.toContain('FAIL');
    },
  );

  rule(
    'backend-sigkill-destroy',
    'a destroy after SIGKILL works, after libxl has waited ten seconds for the directory',
    () => {
      const l = reader();
      expect(busy(l)).toBe(true);
      const d = domain(l);
      l.process.kill();
      l.until(() => l.process.ended);
      l.simulation.xen.shutdownDomain(d, 3);
      expect(l.until(() => l.simulation.xen.domain(d.id) === undefined, 9_900)).toBe(false);
      expect(l.until(() => l.simulation.xen.domain(d.id) === undefined, 200)).toBe(true);
      expect(l.messages.join('\n')).toContain('did not close within 10 s');
    },
  );

  rule(
    'backend-restart-xenstore',
    'a process started again for a running guest finds state 2 and does not come up',
    () => {
      const l = reader();
      expect(busy(l)).toBe(true);
      expect(l.process.restart()).toBe(false); // it runs
      l.process.kill();
      l.until(() => l.process.ended);
      expect(l.process.restart()).toBe(true);
      expect(l.until(() => l.errors().includes('backend-start'))).toBe(true);
    },
  );

  rule(
    'backend-restart',
    'with its parameters on the command line it joins with a new server, and wins over the dead one',
    () => {
      const l = life('reads=4', ['backend.config=static']);
      // The backend has come up, the guest has not touched the disk.
      expect(
        l.until(() => l.simulation.toolstack.domids()[0] !== 0 && domain(l).ioreq.servers[0]?.enabled === true),
      ).toBe(true);
      l.until(() => domain(l).ioreq.servers[0]!.ranges[1]!.ranges.length === 1);
      const d = domain(l);
      expect(l.process.accesses).toBe(0);
      l.process.kill();
      expect(l.until(() => l.process.ended)).toBe(true);
      l.process.restart();
      expect(l.until(() => l.process.accesses > 0)).toBe(true);
      expect([d.ioreq.servers[0]?.enabled, d.ioreq.servers[1]?.enabled]).toEqual([true, true]);
      l.until(() => false, 3000);
      expect(l.console()).toContain('4 reads');
    },
  );
});

describe('absence', () => {
  rule('backend-none', 'no process: ten seconds for state 2, ten for removal, then the creation has failed', () => {
    const l = life('reads=1');
    l.process.enabled = false;
    expect(l.until(() => l.simulation.machine.outcome !== undefined, 19_000)).toBe(false);
    expect(l.messages.join('\n')).toContain('no backend answered within 10 s');
    expect(l.until(() => l.simulation.machine.outcome !== undefined, 2_000)).toBe(true);
    expect([l.simulation.toolstack.domids(), [...l.simulation.xen.domains.keys()]]).toEqual([[0], [0, 1]]);
  });

  rule(
    'backend-denied',
    'state 2 written but no server (policy denies): the guest boots and its first access aborts',
    () => {
      const l = life('reads=1', ['ioreq.policy=deny']);
      expect(l.until(() => l.console().includes(' cpu 0'))).toBe(true);
      expect(l.console()).toMatch(/ESR_EL1=0x0*96000000 FAR_EL1=0x0*2000000/);
      expect(l.errors()).toEqual(expect.arrayContaining(['backend-start', 'guest-abort']));
    },
  );

  rule('backend-policy-dom0', 'with all backends in Dom0 the same guest needs no policy', () => {
    const l = life('reads=2', ['ioreq.policy=dom0']);
    l.until(() => false, 3000);
    expect([
      l.console().includes('2 reads'),
      [...l.simulation.xen.domains.values()].some((d) => d.name === 'DomD'),
    ]).toEqual([true, false]);
  });

  rule('backend-late', 'a backend that answers late holds up the access and nothing else', () => {
    const l = life('reads=8');
    expect(l.until(() => l.process.accesses > 10)).toBe(true);
    l.process.enabled = false;
    const d = domain(l);
    expect(l.until(() => (d.vcpus[0]!.pauseFlags & BLOCKED_IN_XEN) !== 0, 100)).toBe(true);
    l.until(() => false, 100);
    l.process.enabled = true;
    l.simulation.xen.unblock(l.simulation.xen.domain(1)!.vcpus[0]!);
    l.until(() => false, 3000);
    expect(l.console()).toContain('8 reads');
  });
});

describe('toolstack', () => {
  rule(
    'tools-early-shutdown',
    'a guest that was shut down while it was being made ends as soon as it has started',
    () => {
      const l = life('reads=1');
      const { toolstack, xen, machine } = l.simulation;
      expect(toolstack.phaseOf('bare')).toBe('waiting-backend');
      xen.shutdownDomain(domain(l), 3);
      // A backend that loses the frontend while it connects leaves its directory: libxl waits ten seconds.
      expect(l.until(() => machine.outcome !== undefined, 11_000)).toBe(true);
      expect([machine.outcome?.name, l.process.accesses, [...xen.domains.keys()]]).toEqual(['crash', 0, [0, 1]]);
    },
  );

  rule(
    'tools-destroy',
    'a destroy takes the guest while it is made, runs, or waits for its disk; with or without a next one',
    () => {
      for (const when of ['waiting-backend', 'running', 'blocked'] as const) {
        const l = reader();
        const { toolstack, xen, machine } = l.simulation;
        if (when !== 'waiting-backend') expect(busy(l)).toBe(true);
        if (when === 'blocked') {
          l.process.enabled = false;
          expect(l.until(() => blocked(l))).toBe(true);
          l.process.enabled = true;
        }
        const id = toolstack.domids()[0]!;
        expect([toolstack.destroy('bare', true), toolstack.destroy('bare'), toolstack.destroy('nobody')]).toEqual([
          true,
          false,
          false,
        ]);
        expect(l.until(() => (toolstack.domids()[0] ?? 0) > id, 11_000)).toBe(true);
        expect([when, [...xen.domains.keys()]]).toEqual([when, [0, 1, id + 1]]);
        expect(toolstack.destroy('bare')).toBe(true);
        expect(l.until(() => machine.outcome !== undefined, 11_000)).toBe(true);
        expect([machine.outcome?.name, [...xen.domains.keys()]]).toEqual(['poweroff', [0, 1]]);
      }
    },
  );
});

describe('habits', () => {
  onEach(
    'backend-race',
    'a guest that is faster than the backend, between state 2 and its range, gets an abort (derived)',
    (baseline) => {
      const l = life('reads=1', [setting(baseline)]);
      const key = baseline === 'v1' ? '0' : '51712';
      const { store } = l.simulation.xenstored;
      const state = (): string | undefined =>
        store.readText(0, `/local/domain/1/backend/virtio_disk/${l.simulation.toolstack.domids()[0]}/${key}/state`);
      const { machine } = l.simulation;
      // Step by step, so that the process stands still exactly there.
      while (state() !== '2' && machine.outcome === undefined) machine.run(1, machine.time + 1000n);
      l.process.enabled = false;
      expect(l.until(() => l.console().includes(' cpu 0'), 2000)).toBe(true);
      expect(l.console()).toMatch(/ESR_EL1=0x0*96000000 FAR_EL1=0x0*2000000/);
    },
  );

  rule('backend-one-page-per-call', 'each page is a hypercall of its own, to map it and to unmap it', () => {
    const b = new DiskBackend().attached().driver();
    b.calls.length = 0;
    b.header(0, 0);
    // 16 KiB of data over five pages, header and status in one page each
    b.descriptors([
      [BUFFERS, 16, NEXT, 1],
      [BUFFERS + 0x1800, 16384, NEXT | WRITE, 2],
      [BUFFERS + 0x100, 1, WRITE],
    ]);
    b.kick();
    const count = (call: string): number => b.calls.filter((c) => c === call).length;
    expect([b.usedIndex, count('memory 23'), count('memory 15'), count('dm 19')]).toEqual([1, 7, 7, 1]);
  });

  rule('backend-queue-num', 'QueueNum is ignored: the ring has 256 entries', () => {
    const b = new DiskBackend().attached();
    b.write(0x38, 8);
    expect([b.read(0x34), b.process.device.queue.size]).toEqual([256, 256]);
  });

  onEach('backend-state-2', 'the backend never becomes Connected: its state stays 2 while it serves', (baseline) => {
    const l = life('reads=50', [setting(baseline)]);
    expect(busy(l)).toBe(true);
    const key = baseline === 'v1' ? '0' : '51712';
    const path = `/local/domain/1/backend/virtio_disk/${domain(l).id}/${key}/state`;
    expect(l.simulation.xenstored.store.readText(0, path)).toBe('2');
  });

  rule('backend-level-one', 'an interrupt is one set_irq_level with 1; early backends sent a 0 behind it', () => {
    const b = new DiskBackend().attached().driver();
    b.calls.length = 0;
    b.header(4, 0);
    b.descriptors([
      [BUFFERS, 16, NEXT, 1],
      [BUFFERS + 0x100, 1, WRITE],
    ]);
    b.kick();
    expect(b.calls.filter((c) => c === 'dm 19').length).toBe(1);
    const l = life('reads=2', ['xen.baseline=v1']);
    const { xen } = l.simulation;
    const levels: number[] = [];
    const handler = xen.hypercalls[41]!;
    xen.hypercalls[41] = (x) => {
      const buffer = copyFromGuest(xen, x.vcpu, x.arg(2), 8)!;
      const op = copyFromGuest(xen, x.vcpu, new DataView(buffer.buffer).getBigUint64(0, true), 32)!;
      if (op[0] === 19) levels.push(op[12]!); // op u32 @0; irq u32 @8, level u8 @12
      return handler(x);
    };
    l.until(() => l.console().includes('2 reads'), 3000);
    expect(levels).toEqual(levels.map((_, i) => (i % 2 === 0 ? 1 : 0)));
    expect(levels.length).toBeGreaterThanOrEqual(4);
  });
});

describe('memory', () => {
  const used = (l: Life) => l.simulation.memory().find(({ domain: name }) => name === 'DomD')!;

  rule(
    'memory-unpopulated',
    'foreign pages in address space without RAM cost the driver domain none; all are gone at the end',
    () => {
      const l = life('reads=8 size=65536');
      const before = used(l).ram;
      let most = 0;
      l.until(() => {
        most = Math.max(most, used(l).mapped);
        return l.console().includes('8 reads');
      }, 3000);
      expect(most).toBeGreaterThanOrEqual(4); // ioreq page, three rings
      // 16 pages of data, one or two for header and status, the table's
      expect(used(l).peak).toBeGreaterThanOrEqual(4 + 16 + 1);
      l.until(() => false, 3000);
      expect([used(l).ram - before, used(l).ballooned, used(l).mapped]).toEqual([0, 0, 0]);
    },
  );

  rule('memory-balloon', 'before, each took the place of a RAM page for good', () => {
    const l = life('reads=8 size=65536', ['backend.space=balloon']);
    const before = used(l).ram;
    l.until(() => false, 5000);
    const { ram, ballooned, peak, mapped } = used(l);
    expect(l.console()).toContain('8 reads');
    expect([before - ram, ballooned, mapped]).toEqual([peak, peak, 0]);
  });

  rule(
    'memory-exhausted',
    'a driver domain without RAM to give, or without pages for its tables, cannot map: the request fails, nobody dies',
    () => {
      const poor = life('reads=2 size=65536', ['backend.space=balloon', 'backend.balloonPages=8']);
      poor.until(() => poor.errors().includes('backend-map'), 3000);
      expect(poor.errors()).toContain('backend-map');
      expect(used(poor).ballooned).toBe(8);
      // Two tables for its RAM; the ioreq page in the extended region needs one more, which is not there.
      const tables = life('reads=1', ['backend.p2mPages=2']);
      expect(tables.until(() => tables.errors().includes('backend-start'), 3000)).toBe(true);
    },
  );
});

describe('configuration', () => {
  onEach('backend-baselines', 'the guest works with the tools and the backend of each baseline', (baseline) => {
    const l = life('reads=8 writes=4', [setting(baseline)]);
    expect(l.until(() => domain(l)?.ioreq.servers[0]?.enabled === true)).toBe(true);
    const server = domain(l).ioreq.servers[0]!;
    expect([server.bufioreq, server.bufioreqPort === undefined]).toEqual(baseline === 'v1' ? [1, false] : [0, true]);
    const { store } = l.simulation.xenstored;
    const at = (path: string): string | undefined => store.readText(0, path);
    const id = domain(l).id;
    if (baseline === 'v1') {
      const fe = `/local/domain/${id}/device/virtio_disk/0`;
      expect([at(`${fe}/0/filename`), at(`${fe}/0/readonly`), at(`${fe}/0/base`), at(`${fe}/0/irq`)]).toEqual([
        '/disk0.raw',
        '0',
        '33554432',
        '33',
      ]);
      expect(l.messages.join('\n')).toContain("vdisk = [ 'backend=DomD, disks=rw:/disk0.raw' ]");
    } else expect(at(`/local/domain/1/backend/virtio_disk/${id}/51712/base`)).toBe('33554432');
    l.until(() => false, 3000);
    expect(l.console()).toContain('8 reads');
  });

  rule('backend-static', 'window and interrupt may come from the command line', () => {
    const l = life('reads=2', ['backend.config=static']);
    l.until(() => false, 3000);
    expect(l.console()).toContain('2 reads');
  });

  rule('backend-one-process', 'one process serves all disks of a guest with one server; or one each', () => {
    for (const [choice, servers] of [
      ['one', 1],
      ['each', 4],
    ] as const) {
      const l = life('reads=2 disk=3', [`backend.processes=${choice}`], 4);
      expect(
        l.until(
          () => domain(l)?.ioreq.servers.filter((s) => s?.enabled && s.ranges[1]!.ranges.length > 0).length === servers,
        ),
      ).toBe(true);
      const ranges = domain(l).ioreq.servers.flatMap((s) => s?.ranges[1]!.ranges ?? []);
      // Back to back, so one server's four windows are one range.
      expect(ranges.reduce((sum, r) => sum + Number(r.end - r.start) + 1, 0)).toBe(4 * 0x200);
      expect(new Set(l.simulation.backends.values()).size).toBe(servers);
      l.until(() => false, 3000);
      expect([choice, l.console().includes('2 reads')]).toEqual([choice, true]);
    }
  });

  onEach('backend-new-domid', 'a reboot gives a new domid, and the process serves only greater ones', (baseline) => {
    const l = life('reads=2 writes=1 reboots=2', [setting(baseline)]);
    const seen: number[] = [];
    l.until(() => {
      const id = l.simulation.toolstack.domids()[0]!;
      if (id !== 0 && seen.at(-1) !== id) seen.push(id);
      return false;
    }, 20_000);
    expect(seen).toEqual([2, 3, 4]);
    expect(l.console().match(/2 reads/g)?.length).toBeGreaterThanOrEqual(1);
  });
});

/** A grant entry of version 1: flags u16, domid u16, frame u32. */
function grant(backend: DiskBackend, ref: number, gfn: number, readOnly: boolean): void {
  const { guest } = backend;
  guest.xen.gnttab.frame(guest.d, 0);
  const at = guest.xen.gnttab.entryPa(guest.d, ref)!;
  guest.xen.memory.write(at, pack(8, [0, 2, readOnly ? 5 : 1], [2, 2, backend.domd.domain.id], [4, 4, gfn]));
}

const GRANT = 1n << 63n;
const grantAddress = (ref: number, offset = 0): bigint => GRANT | (BigInt(ref) << 12n) | BigInt(offset);

describe('grants', () => {
  const gfn = (gpa: number): number => gpa / 4096;

  /** A driver whose memory is granted: rings by references 10, 11, 12; header and status 20, data 21. */
  function granted(dataReadOnly: boolean): DiskBackend {
    const b = new DiskBackend(new MemoryDisk(new Uint8Array(1 << 16).fill(0x5a))).attached();
    const pages: [number, number, boolean][] = [
      [10, 0x4000_0000, false],
      [11, 0x4000_1000, false],
      [12, 0x4000_2000, false],
      [20, BUFFERS, false],
      [21, BUFFERS + 0x1000, dataReadOnly],
    ];
    for (const [ref, gpa, readOnly] of pages) grant(b, ref, gfn(gpa), readOnly);
    for (const [at, value] of [
      [REG.STATUS, 0], [REG.STATUS, 3], [REG.DRIVER_SEL, 1], [REG.DRIVER, 3], [REG.STATUS, 0xb], [REG.QUEUE_SEL, 0],
      [REG.DESC, 10 << 12], [REG.DESC + 4, 0x8000_0000], [REG.AVAIL, 11 << 12], [REG.AVAIL + 4, 0x8000_0000], [REG.USED, 12 << 12], [REG.USED + 4, 0x8000_0000],
      [REG.READY, 1], [REG.STATUS, 0xf],
    ] as const) b.write(at, value); // prettier-ignore
    return b;
  }

  rule(
    'backend-grants',
    'addresses with bit 63 name grants: rings, header, data and status are mapped by reference and unmapped',
    () => {
      const b = granted(false);
      const entry = (ref: number): number => b.guest.xen.memory.read16(b.guest.xen.gnttab.entryPa(b.guest.d, ref)!);
      expect([entry(10), entry(21)]).toEqual([0x19, 1]); // GTF_reading, GTF_writing while mapped
      b.header(0, 0);
      b.descriptors([
        [grantAddress(20), 16, NEXT, 1],
        [grantAddress(21, 0x200), 512, NEXT | WRITE, 2],
        [grantAddress(20, 0x100), 1, WRITE],
      ]);
      b.kick();
      expect([b.usedIndex, b.used(0), b.interruptPending]).toEqual([1, [0, 512], true]);
      expect([...b.guest.read(BUFFERS + 0x1200, 4), ...b.guest.read(BUFFERS + 0x100, 1)]).toEqual([
        0x5a, 0x5a, 0x5a, 0x5a, 0,
      ]);
      expect([entry(20), entry(21), entry(10)]).toEqual([1, 1, 0x19]);
      // No foreign mapping was made: only the ioreq page is.
      expect(b.calls.filter((c) => c === 'memory 23')).toEqual([]);
      b.write(REG.STATUS, 0);
      expect([entry(10), entry(11), entry(12)]).toEqual([1, 1, 1]);
    },
  );

  rule(
    'backend-grants-guest',
    'a guest that grants its rings and buffers works as one that does not, and nothing else of it is ever mapped',
    () => {
      for (const indirect of [0, 1]) {
        const words = `reads=20 writes=4 size=8192 depth=4 event_idx=${indirect} indirect=${indirect}`;
        const [plain, granting] = [false, true].map((grants) => life(words, [], 1, 1, grants));
        const { xen } = granting!.simulation;
        let most = 0;
        const calls: number[] = [];
        const handler = xen.hypercalls[12]!;
        xen.hypercalls[12] = (x) => {
          if (x.vcpu.domain.id === 1) calls.push(Number(x.arg(0)));
          return handler(x);
        };
        granting!.until(() => {
          most = Math.max(most, xen.domain(1)!.grants.maptrack.size);
          return granting!.simulation.machine.outcome !== undefined;
        }, 3000);
        plain!.until(() => false, 3000);
        const sum = (l: Life): string | undefined => /ok reads=20 writes=4 crc=(\w{8})/.exec(l.console())?.[1];
        expect(sum(granting!)).toBeDefined();
        expect(sum(granting!)).toBe(sum(plain!));
        expect(granting!.console()).toContain('memory is granted to domain 1');
        // Three rings, and up to four requests of a header, two pages of data and a status at a time.
        expect(most).toBeGreaterThanOrEqual(3 + 3);
        // The server's page is acquired (28); no page is mapped as a foreign one (23).
        expect([calls.filter((c) => c === 28).length, calls.filter((c) => c === 23).length]).toEqual([1, 0]);
        expect([xen.domain(1)!.grants.maptrack.size, granting!.errors()]).toEqual([0, []]);
      }
    },
  );

  rule('backend-grants-readonly', 'a read-only grant can be read from and not written to', () => {
    const b = granted(true);
    b.header(1, 0); // OUT
    b.guest.write(BUFFERS + 0x1000, new Uint8Array(512).fill(7));
    b.descriptors([
      [grantAddress(20), 16, NEXT, 1],
      [grantAddress(21), 512, NEXT, 2],
      [grantAddress(20, 0x100), 1, WRITE],
    ]);
    b.kick();
    expect([b.usedIndex, b.guest.read(BUFFERS + 0x100, 1)[0], (b.disk as MemoryDisk).content[0]]).toEqual([1, 0, 7]);
    b.header(0, 0); // IN into the same page
    b.descriptors([
      [grantAddress(20), 16, NEXT, 1],
      [grantAddress(21), 512, NEXT | WRITE, 2],
      [grantAddress(20, 0x100), 1, WRITE],
    ]);
    b.kick();
    expect(b.f.errors()).toContain('backend-map DomD');
    expect(b.guest.read(BUFFERS + 0x1000, 1)[0]).toBe(7);
  });

  rule('backend-grants-mixed', 'frames and grants in one queue are the driver’s mistake: NEEDS_RESET', () => {
    const b = granted(false);
    b.header(0, 0);
    b.descriptors([
      [BUFFERS, 16, NEXT, 1],
      [BUFFERS + 0x100, 1, WRITE],
    ]);
    b.kick();
    expect([b.f.errors().some((e) => e.startsWith('mixed-addresses')), (b.read(REG.STATUS) & 64) !== 0]).toEqual([
      true,
      true,
    ]);
  });
});

describe('legacy and discard', () => {
  rule('backend-legacy', 'virtio-mmio version 1: one page frame number places all rings, 32 feature bits', () => {
    const b = new DiskBackend(new MemoryDisk(new Uint8Array(1 << 16).fill(0x21)), 1, { mmio: 1 }).attached();
    const device: DiskDevice = b.process.devices[0]!;
    expect([b.read(0x04), b.read(0x34), device.device.version]).toEqual([1, 256, 1]);
    b.write(REG.FEATURES_SEL, 1);
    expect(b.read(0x10)).toBe(0);
    // GuestPageSize; reset; QueueNum, QueueAlign, QueuePFN
    for (const [at, value] of [
      [0x28, 4096],
      [REG.STATUS, 0],
      [REG.STATUS, 3],
      [REG.QUEUE_SEL, 0],
      [0x38, 256],
      [0x3c, 4096],
    ] as const)
      b.write(at, value);
    expect(b.read(0x40)).toBe(0);
    b.write(0x40, 0x40000);
    b.write(REG.STATUS, 7);
    expect([b.read(0x40), device.device.queue.desc, device.device.queue.avail, device.device.queue.used]).toEqual([
      0x40000,
      0x4000_0000n,
      0x4000_1000n,
      0x4000_2000n,
    ]);
    b.header(0, 0);
    b.descriptors([
      [BUFFERS, 16, NEXT, 1],
      [BUFFERS + 0x200, 512, NEXT | WRITE, 2],
      [BUFFERS + 0x100, 1, WRITE],
    ]);
    b.kick();
    expect([b.usedIndex, b.used(0), b.guest.read(BUFFERS + 0x200, 1)[0]]).toEqual([1, [0, 512], 0x21]);
    b.write(0x40, 0);
    expect([device.device.queue.ready, b.mapped()]).toEqual([false, 1]); // the ioreq page alone
  });

  rule('backend-discard', 'DISCARD and WRITE_ZEROES when they are offered; unsupported otherwise', () => {
    const request = (b: DiskBackend, type: number, range: Uint8Array): number => {
      b.header(type, 0);
      b.guest.write(BUFFERS + 0x400, range);
      b.descriptors([
        [BUFFERS, 16, NEXT, 1],
        [BUFFERS + 0x400, range.length, NEXT, 2],
        [BUFFERS + 0x100, 1, WRITE],
      ]);
      b.kick();
      return b.guest.read(BUFFERS + 0x100, 1)[0]!;
    };
    const range = (sector: number, sectors: number, flags = 0): Uint8Array =>
      pack(16, [0, 8, sector], [8, 4, sectors], [12, 4, flags]);
    const plain = new DiskBackend().attached().driver();
    expect([request(plain, 11, range(0, 1)), request(plain, 13, range(0, 1))]).toEqual([2, 2]);
    const disk = new MemoryDisk(new Uint8Array(1 << 16).fill(9));
    const b = new DiskBackend(disk, 1, { blk: { discard: true } }).attached().driver();
    b.write(REG.FEATURES_SEL, 0);
    expect([b.read(0x10) & 0x6000, b.read(0x100 + 36), b.read(0x100 + 48), b.read(0x100 + 56, 1)]).toEqual([
      0x6000, 65536, 65536, 1,
    ]);
    expect([
      request(b, 13, range(2, 3)),
      disk.content.subarray(0x400, 0xa00).every((v) => v === 0),
      disk.content[0x3ff],
      disk.content[0xa00],
    ]).toEqual([0, true, 9, 9]);
    expect([request(b, 11, range(8, 8)), request(b, 13, range(0, 1, 1))]).toEqual([0, 0]);
    // Beyond the end, an unknown flag, unmap for a discard, two ranges.
    expect([
      request(b, 13, range(127, 2)),
      request(b, 13, range(0, 1, 2)),
      request(b, 11, range(0, 1, 1)),
      request(b, 13, new Uint8Array(32)),
    ]).toEqual([1, 2, 2, 1]);
  });
});
