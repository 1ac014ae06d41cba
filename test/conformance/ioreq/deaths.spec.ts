/**
 * A backend that dies, comes back, is late, answers twice or wrongly: what its guest, Xen and the other guest see, and how the
 * run's report names it (golden-libxl.md 7; xen-ioreq.md 1.5, 5.7).
 */
import { expect } from 'vitest';
import {
  bareGuest,
  buildReport,
  configure,
  createXenSimulation,
  MemoryDisk,
  rcarH3,
  reportSchema,
  simulationFacts,
  vcpuScreens,
  type Report,
  type XenSimulation,
} from '../../../index.js';
import type { VirtioDisk } from '../../../backends/domd/virtio_disk.js';
import type { IoreqServer } from '../../../xen/common/ioreq.js';
import { rule } from '../../support/ioreq-test.js';

const BLOCKED_IN_XEN = 4;
const SECONDS = 30;

interface Pair {
  readonly simulation: XenSimulation;
  /** The process that serves the first guest. */
  readonly process: VirtioDisk;
  console(name: string): string;
  until(done: () => boolean, ms?: number): boolean;
}

/** Two guests with a disk each, both served from DomD; the first one reads for long, the second one does its work and ends. */
function pair(settings: readonly string[] = [], words = 'reads=300 size=512', vcpus = 1): Pair {
  const text = new Map<string, string>();
  const guest = (name: string, line: string, cpus: number) => {
    const base = bareGuest(`console=ttyAMA0 ${line}`, cpus);
    return { ...base, name, disks: base.disks.map((disk) => ({ ...disk, target: `/${name}.raw` })) };
  };
  const guests = [guest('bad', words, vcpus), guest('good', 'reads=40 writes=4 size=4096', 1)];
  const simulation = createXenSimulation({
    configuration: configure(rcarH3(), settings),
    guests,
    disks: new Map(guests.map(({ name }) => [`${name}:xvda`, new MemoryDisk(new Uint8Array(1 << 20))])),
    deadline: BigInt(SECONDS) * 5_990_400_000n,
    onConsole: (name, byte) => void text.set(name, (text.get(name) ?? '') + String.fromCharCode(byte)),
  });
  const { machine } = simulation;
  return {
    simulation,
    process: simulation.backends.get('bad:xvda')!,
    console: (name) => text.get(name) ?? '',
    until: (done, ms = 1000) => {
      const end = machine.time + BigInt(Math.ceil((ms * machine.board.tickHz) / 1000));
      while (!done() && machine.time < end && machine.outcome === undefined)
        if (machine.run(20_000, end) === 'waiting') break;
      return done();
    },
  };
}

const domainOf = ({ simulation }: Pair) =>
  [...simulation.xen.domains.values()].find((d) => d.name === 'bad') ?? expect.unreachable('no such domain');
const serverOf = (p: Pair): IoreqServer => domainOf(p).ioreq.servers[0]!;
const waits = (p: Pair): boolean => (domainOf(p).vcpus[0]!.pauseFlags & BLOCKED_IN_XEN) !== 0;
/** To a moment at which the first guest has a request in flight, and the backend goes no further. */
function inFlight(p: Pair): void {
  const { machine, xen } = p.simulation;
  expect(p.until(() => p.process.accesses > 60)).toBe(true);
  const open = (): boolean => [1, 2].includes(xen.memory.read8(serverOf(p).slot(0)! + 30) & 15);
  // Step by step: a round trip takes some 26 us.
  for (let steps = 0; steps < 100_000 && !(open() && waits(p)); steps++) machine.run(1, machine.time + 600n);
  p.process.enabled = false;
  expect([waits(p), open()]).toEqual([true, true]);
}

/** The second guest has not noticed anything, and Dom0 and the driver domain live. */
function othersLive(p: Pair): void {
  expect(p.until(() => p.console('good').includes('bare: ok reads=40 writes=4'), 2000)).toBe(true);
  const { xen } = p.simulation;
  expect([0, 1].map((id) => xen.domain(id)?.isDying)).toEqual([0, 0]);
}

/** The report of the run so far, as its file holds it; the guestErrors of the first guest and its backend. */
async function reportOf(p: Pair): Promise<{ report: Report; named: string[] }> {
  const run = { command: 'run', settings: [], exitCode: 1, seconds: 1, peakRssBytes: 0, node: '' };
  const built = buildReport(await simulationFacts(p.simulation), run);
  const report = reportSchema.parse(JSON.parse(JSON.stringify(built)));
  return { report, named: report.guestErrors.map(({ kind, device }) => `${kind} ${device}`) };
}

/** Notifies the first guest's vCPU as its emulator would. */
function notify(p: Pair): void {
  const { xen } = p.simulation;
  const { remotePort } = domainOf(p).evtchn.at(serverOf(p).vcpus[0]!.port)!;
  xen.evtchn.send(xen.domain(1)!, remotePort);
}

rule(
  'death-in-request',
  'it disappears during a request: its vCPU waits for ever, and the report says for whom',
  async () => {
    const p = pair();
    inFlight(p);
    p.process.kill();
    p.process.enabled = true;
    othersLive(p);
    expect([p.process.ended, waits(p), serverOf(p).enabled]).toEqual([true, true, true]);
    expect(p.console('bad')).not.toContain('FAIL');
    const { machine } = p.simulation;
    while (machine.outcome === undefined) machine.run();
    const { report, named } = await reportOf(p);
    expect(named).toContain('backend-killed bad:xvda');
    expect([report.outcome, report.ioreq.exceptions['inFlight']]).toEqual(['timeout', 1]);
    const screen = vcpuScreens(report.vcpus, report.ioreq.roundTrip.tickHz);
    expect(report.vcpus.filter(({ guest }) => guest === 'bad').map(({ waits: what }) => what)).toEqual(['ioreq']);
    expect(screen).toMatch(/bad/);
  },
);

rule(
  'death-restart',
  'started again without xenstore: new requests go to the new process, the old one stays lost',
  async () => {
    const p = pair(['backend.config=static']);
    inFlight(p);
    p.process.kill();
    p.process.enabled = true;
    expect(p.until(() => p.process.ended)).toBe(true);
    expect(p.process.restart()).toBe(true);
    expect(p.until(() => domainOf(p).ioreq.servers[1]?.enabled === true)).toBe(true);
    othersLive(p);
    expect([waits(p), domainOf(p).ioreq.servers[0]?.enabled]).toEqual([true, true]);
    expect((await reportOf(p)).named).toContain('backend-killed bad:xvda');
  },
);

rule(
  'death-late',
  'an answer that comes late: the guest goes on as if nothing had been, and the longest round trip shows it',
  async () => {
    const p = pair([], 'reads=80 size=512');
    inFlight(p);
    othersLive(p);
    const before = p.simulation.machine.time;
    p.until(() => false, 50);
    expect(waits(p)).toBe(true);
    p.process.enabled = true;
    p.simulation.xen.unblock(p.simulation.xen.domain(1)!.vcpus[0]!);
    expect(p.until(() => p.console('bad').includes('bare: ok reads=80'), 2000)).toBe(true);
    expect(p.simulation.machine.time).toBeGreaterThan(before);
    const { report, named } = await reportOf(p);
    expect(named.filter((name) => name.includes('bad'))).toEqual([]);
    const longest = Math.max(...report.ioreq.roundTrip.kinds.map(({ max }) => max));
    expect(longest).toBeGreaterThan(0.05 * report.ioreq.roundTrip.tickHz);
  },
);

rule('death-twice', 'a second answer spoils the slot: the next access is refused and aborts', async () => {
  const p = pair();
  expect(p.until(() => p.process.accesses > 60)).toBe(true);
  const slot = (): number => serverOf(p).slot(0)! + 30;
  const { memory } = p.simulation.xen;
  expect(p.until(() => !waits(p) && (memory.read8(slot()) & 15) === 0)).toBe(true);
  memory.write8(slot(), (memory.read8(slot()) & 0xf0) | 3);
  notify(p);
  expect(p.until(() => p.console('bad').includes('FAR_EL1'))).toBe(true);
  expect(p.console('bad')).toMatch(/FAIL data abort: .* ESR_EL1=0x0*96000000/);
  othersLive(p);
  const { named } = await reportOf(p);
  expect(named.filter((name) => name.startsWith('ioreq-bad-state') || name.startsWith('guest-abort')).length).toBe(2);
});

rule(
  'death-wrong-state',
  'an illegal state crashes the guest, not the emulator, which goes on with the others',
  async () => {
    const p = pair();
    inFlight(p);
    const { memory } = p.simulation.xen;
    const { id } = domainOf(p);
    memory.write8(serverOf(p).slot(0)! + 30, 0x27);
    notify(p);
    expect(p.until(() => domainOf(p).isShutDown)).toBe(true);
    expect(domainOf(p).shutdown?.code).toBe(3);
    p.process.enabled = true;
    othersLive(p);
    expect(p.until(() => p.simulation.xen.domain(id) === undefined, 12_000)).toBe(true);
    const { report, named } = await reportOf(p);
    expect(named).toContain(`domain-crash d${id}`);
    expect(report.guestErrors.find(({ kind }) => kind === 'domain-crash')?.detail).toContain('weird state 7');
  },
);

rule(
  'death-took-back',
  'state NONE while the vCPU waits is a dying emulator: all ones, and the guest sees the rest',
  async () => {
    const p = pair();
    inFlight(p);
    const { memory } = p.simulation.xen;
    memory.write8(serverOf(p).slot(0)! + 30, 0x20);
    notify(p);
    expect(p.until(() => !waits(p), 100)).toBe(true);
    othersLive(p);
    expect((await reportOf(p)).named.some((name) => name.startsWith('ioreq-no-answer'))).toBe(true);
  },
);

rule('death-sigterm', 'SIGTERM detaches it: the next access aborts; named as what it was', async () => {
  // A second CPU looks at InterruptStatus all the time, so there is a next access.
  const p = pair([], 'reads=1000 size=512 vcpus=2 peeks=1000000', 2);
  expect(p.until(() => p.process.accesses > 60)).toBe(true);
  p.process.terminate();
  expect(p.until(() => p.process.ended)).toBe(true);
  othersLive(p);
  expect(p.until(() => / cpu [01]/.test(p.console('bad')))).toBe(true);
  expect(p.console('bad')).toMatch(/FAIL data abort: .* ESR_EL1=0x0*96000000/);
  const { report, named } = await reportOf(p);
  expect(named).toEqual(expect.arrayContaining(['backend-terminated bad:xvda']));
  expect(report.guestErrors.find(({ kind }) => kind === 'guest-abort')?.count).toBe(1);
});
