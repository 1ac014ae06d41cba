/** "Why is it stuck": what the report says of a run that was cut off, for causes that the test itself made. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  bareGuest,
  configure,
  createXenSimulation,
  MemoryDisk,
  rcarH3,
  vcpuScreens,
  type ReportVcpu,
  type XenSimulation,
} from '../../index.js';
import { gicdWrite } from '../../xen/arch/arm/vgic-v2.js';
import { END, image, say, XEN_UART } from '../cli/programs.js';
import { Scratch } from '../support/xen-run.js';

const scratch = new Scratch();
const TICK_HZ = 5_990_400_000;
/** mov x0, #1; msr cntv_ctl_el0, x0; wfi; b .-4: the timer fires at once, and its interrupt was never enabled. */
const TIMER_OFF_AT_GICD = [0xd2800020, 0xd51be320, 0xd503207f, 0x17ffffff];
const GICD_ICENABLER1 = 0x184;
const DISK_SPI = 33;

beforeAll(() => {
  scratch.file('sleep', image(say({ uart: XEN_UART, end: END.sleep })));
  scratch.file('spin', image(say({ uart: XEN_UART, end: END.spin })));
  scratch.file('timer', image(say({ uart: XEN_UART, end: TIMER_OFF_AT_GICD })));
});
afterAll(() => scratch.remove());

function bare(words: string, { vcpus = 1, seconds = 3, kernel = '' } = {}): XenSimulation {
  const guest = bareGuest(`console=ttyAMA0 ${words}`, vcpus);
  return createXenSimulation({
    configuration: configure(rcarH3(), []),
    guests: [kernel === '' ? guest : { ...guest, kernel: `${scratch.folder}/${kernel}` }],
    disks: new Map([['bare:xvda', new MemoryDisk(new Uint8Array(1 << 20))]]),
    deadline: BigInt(seconds * TICK_HZ),
  });
}

/** Runs on to the end, which is the deadline, and looks. The text must fit a screen. */
function cutOff(sim: XenSimulation): ReportVcpu[] {
  expect(sim.requests.run()?.name ?? 'timeout').toBe('timeout');
  const vcpus = sim.vcpus!();
  for (const v of vcpus) {
    const lines = vcpuScreens([v], TICK_HZ).split('\n');
    expect(lines.length).toBeLessThanOrEqual(24);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
  }
  return vcpus;
}

test('a wedged backend: the request, its server, the port, and the process that is never scheduled', () => {
  const sim = bare('reads=4 writes=0');
  const request = sim.requests.runToRequest(({ slot }) => slot.addr === 0x200_0050n)!;
  const asked = sim.machine.time;
  sim.backends.get('bare:xvda')!.enabled = false;
  const [v, ...others] = cutOff(sim);
  expect(others).toEqual([]);
  expect(v).toMatchObject({ guest: 'bare', vcpu: 'd2v0', state: 'blocked', waits: 'ioreq', end: '' });
  expect(v!.ioreq).toMatchObject({
    request: request.id,
    server: 0,
    emulator: 'DomD',
    direction: 'write',
    address: 0x200_0050,
    register: 'QueueNotify',
    size: 4,
    data: '0x0',
    slot: 'ready',
    process: 'bare:xvda',
  });
  // The kernel of DomD took the upcall, so the port is masked until its process reads it: that never happens.
  expect(v!.ioreq!.port).toMatchObject({ pending: false, masked: true });
  expect(v!.why).toBe(
    'It waits for DomD to answer a write of QueueNotify (server 0). The event was taken, the slot is still READY: ' +
      'process bare:xvda in DomD is wedged: it is never scheduled.',
  );
  // Since the trap, which was just before the slot became READY.
  expect(v!.time).toBe(3 * TICK_HZ);
  expect(Number(asked) - v!.since).toBeGreaterThan(0);
  expect(Number(asked) - v!.since).toBeLessThan(TICK_HZ * 20e-6);
});

test('a killed backend: nobody is bound to the channel', () => {
  const sim = bare('reads=4 writes=0');
  sim.requests.runToRequest(({ slot }) => slot.addr === 0x200_0050n);
  sim.backends.get('bare:xvda')!.kill();
  const [v] = cutOff(sim);
  expect(v!.ioreq).toMatchObject({ slot: 'ready', port: { emulator: -1 } });
  expect(v!.why).toMatch(/Nobody is bound to its event channel \(port \d+\): no process in DomD serves server 0\.$/);
});

test('a masked interrupt: the disk’s SPI is pending, and the guest has disabled it', () => {
  const sim = bare('reads=4 writes=0 timeout=100');
  sim.requests.runToRequest(({ slot }) => slot.addr === 0x200_0050n);
  const [guest] = [...sim.xen.domains.values()].filter((d) => d.kind === 'guest');
  gicdWrite(sim.xen, guest!.vcpus[0]!, GICD_ICENABLER1, 4, 1 << (DISK_SPI - 32));
  const [v] = cutOff(sim);
  expect(v).toMatchObject({ state: 'blocked', waits: 'interrupt', ioreq: null });
  expect(v!.interrupts).toContainEqual({
    intid: DISK_SPI,
    name: 'bare:xvda',
    state: 'pending',
    lr: -1,
    masked: ['disabled in GICD_ISENABLER1'],
  });
  expect(v!.why).toContain(
    'sleeps in WFI although interrupt 33 (bare:xvda) is pending but kept: disabled in GICD_ISENABLER1.',
  );
  expect(v!.backends[0]).toMatchObject({ process: 'bare:xvda', domain: 'DomD', life: 'serving' });
  expect(v!.backends[0]!.disks[0]).toMatchObject({ waiting: 0, taken: 0, interruptStatus: 1, irq: DISK_SPI });
});

test('a guest that never enabled its timer’s interrupt nor its CPU interface', () => {
  const [v] = cutOff(bare('', { kernel: 'timer' }));
  expect(v!.interrupts).toEqual([
    {
      intid: 27,
      name: 'virtual timer',
      state: 'pending',
      lr: -1,
      masked: ['disabled in GICD_ISENABLER0', 'GICC_CTLR is off', 'GICC_PMR 0x0 masks priority 0x0'],
    },
  ]);
  expect(v!.why).toMatch(/^It sleeps in WFI although interrupt 27 \(virtual timer\) is pending but kept: disabled in/);
});

test('a disk that never answers: the queue says so', () => {
  const sim = bare('reads=4 writes=0 timeout=100');
  const request = sim.requests.runToRequest(({ slot }) => slot.addr === 0x200_0050n)!;
  sim.requests.runToCompletion(request);
  sim.backends.get('bare:xvda')!.enabled = false;
  const [v] = cutOff(sim);
  expect(v).toMatchObject({ waits: 'interrupt' });
  expect(v!.why).toMatch(/while bare:xvda has requests open \(1 .*\): process bare:xvda in DomD is wedged/);
});

test('a dead guest: asleep with nothing on its way, or spinning with interrupts masked', () => {
  const [asleep] = cutOff(bare('', { kernel: 'sleep' }));
  expect(asleep).toMatchObject({ state: 'blocked', waits: 'interrupt', interrupts: [], loops: false });
  expect(asleep!.timers).toEqual({ virtual: null, physical: null });
  expect(asleep!.why).toMatch(/^It sleeps in WFI and nothing is on its way/);
  const [spinning] = cutOff(bare('', { kernel: 'spin', seconds: 0.1 }));
  expect(spinning).toMatchObject({ state: 'running', waits: 'nothing', loops: true, masked: true, el: 1 });
  expect(spinning!.why).toMatch(/^It runs in a loop of one instruction at 0x[0-9a-f]+, EL1, with interrupts masked/);
});

test('a vCPU that nobody has started', () => {
  const vcpus = cutOff(bare('', { kernel: 'sleep', vcpus: 2 }));
  expect(vcpus.map(({ vcpu, state }) => [vcpu, state])).toEqual([
    ['d2v0', 'blocked'],
    ['d2v1', 'off'],
  ]);
  expect(vcpus[1]!.why).toMatch(/PSCI CPU_ON/);
});

test('looking changes nothing', () => {
  const hash = (look: boolean): string => {
    const sim = bare('reads=2 writes=1');
    while (sim.machine.run(20_000) === 'more') if (look) sim.vcpus!();
    return sim.machine.hash();
  };
  expect(hash(true)).toBe(hash(false));
});
