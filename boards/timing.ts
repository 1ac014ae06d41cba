import { CORE_TIMING } from './timing-cores.js';
import { entry, type TimingEntry } from './timing-schema.js';

/**
 * What everything costs on the R-Car H3 under Xen. Sources: seL4 benchmark results, lmbench logs, compiler models and
 * papers; `docs/timing.md` explains the choices. `cycles` are A57 cycles at 1497.6 MHz unless said otherwise.
 * Short names: SEL4 = sel4bench results for Tegra X1 (A57), LLVM = AArch64SchedA57.td, SBC = sbc-bench raw logs (Jetson
 * Nano, A57), ISCA16/ATC17 = Dall et al., LMBENCH = TI SDK performance guides (A53, A72), TFA = psci-performance-juno.
 */
/** Cost per instruction class in `functional` accuracy: one byte in each micro-op, at least 1. Mean of OS code: about 1 per cycle. */
const cpu = {
  'cpu.functional.alu': entry(1, 'cycles', [1, 2], 'measured', 'LLVM: 1 cycle, 2 pipes'),
  'cpu.functional.shift': entry(
    1,
    'cycles',
    [1, 3],
    'measured',
    'LLVM: shifted operand 2 cycles on the M pipe, 1 per cycle',
  ),
  'cpu.functional.mul': entry(1, 'cycles', [1, 5], 'measured', 'LLVM: 32-bit multiply latency 3, 1 per cycle'),
  'cpu.functional.mul64': entry(3, 'cycles', [1, 6], 'measured', 'LLVM: latency 5; A72 measurement: 1 per 3 cycles'),
  'cpu.functional.div': entry(
    12,
    'cycles',
    [4, 35],
    'derived',
    'LLVM bound 35, A72 minimum 4; middle of typical operands',
  ),
  'cpu.functional.branch': entry(
    1,
    'cycles',
    [1, 14],
    'derived',
    'taken: redirect 1-3, predicted otherwise free; 14 when wrong (LLVM)',
  ),
  'cpu.functional.branchIndirect': entry(
    2,
    'cycles',
    [1, 14],
    'derived',
    'A72: BL+RET pair 6.5, BLR+RET 12, overlapped',
  ),
  'cpu.functional.load': entry(
    1,
    'cycles',
    [1, 25],
    'derived',
    'LLVM: latency 4, 1 per cycle; L1 hit rate of OS code hidden in the mean',
  ),
  'cpu.functional.loadPair': entry(2, 'cycles', [1, 25], 'measured', 'LLVM: 2 micro-ops'),
  'cpu.functional.store': entry(1, 'cycles', [1, 5], 'measured', 'LLVM: 1 per cycle'),
  'cpu.functional.storePair': entry(1, 'cycles', [1, 5], 'measured', 'LLVM: 1 per cycle'),
  'cpu.functional.exclusive': entry(5, 'cycles', [3, 80], 'guessed', 'pair 8-15 cycles uncontended, judgement'),
  'cpu.functional.fp': entry(2, 'cycles', [1, 9], 'derived', 'LLVM: latency 5, 2 pipes'),
  'cpu.functional.fpDiv': entry(17, 'cycles', [7, 32], 'measured', 'LLVM: 17 single, 32 double'),
  'cpu.functional.simd': entry(2, 'cycles', [1, 6], 'derived', 'LLVM: latency 3, 2 pipes, Q forms 1 per cycle'),
  'cpu.functional.system': entry(5, 'cycles', [2, 20], 'guessed', 'MRS 3-10 cycles, judgement'),
  'cpu.functional.barrier': entry(20, 'cycles', [10, 300], 'guessed', 'DMB 10-20, DSB 15-40, ISB 20-40, judgement'),
  'cpu.functional.hint': entry(1, 'cycles', [1, 4], 'guessed', 'judgement'),
  'cpu.wfiWake': entry(200, 'ns', [50, 1000], 'guessed', 'standby exit of a core, judgement'),
} as const satisfies Record<string, TimingEntry>;

const bus = {
  'bus.deviceRead': entry(110, 'cycles', [80, 150], 'guessed', 'on-chip nGnRE read 50-100 ns, judgement'),
  'bus.deviceWrite': entry(15, 'cycles', [5, 100], 'guessed', 'posted write, judgement'),
  'bus.gicRead': entry(
    110,
    'cycles',
    [80, 150],
    'derived',
    'SEL4: GIC-400 against GICv3 about 185 cycles per interrupt on A53',
  ),
  'bus.gicWrite': entry(15, 'cycles', [5, 100], 'guessed', 'posted write, judgement'),
  'bus.gichRead': entry(200, 'cycles', [150, 250], 'derived', 'ISCA16: VGIC save 3250 cycles in a dozen-odd reads'),
  'bus.gichWrite': entry(20, 'cycles', [5, 100], 'guessed', 'posted write, judgement'),
  'bus.ipi': entry(350, 'ns', [100, 1000], 'guessed', 'SGI from distributor write to the target taking it, judgement'),
} as const satisfies Record<string, TimingEntry>;

const firmware = {
  'firmware.smc': entry(560, 'cycles', [470, 650], 'derived', 'TFA: PSCI_VERSION 520-720 ns at 900 MHz, unmitigated'),
  'firmware.workaround': entry(
    1300,
    'cycles',
    [1000, 1480],
    'derived',
    'TFA: mitigated SMC 1380-1640 ns at 900 MHz; taken on each trap from a guest',
  ),
  'firmware.cpuOn': entry(
    15_000,
    'ns',
    [5_000, 50_000],
    'derived',
    'TFA: CPU_SUSPEND to power level 0 wakes in 14-23 us',
  ),
} as const satisfies Record<string, TimingEntry>;

const xen = {
  'xen.trapEntry': entry(60, 'cycles', [45, 76], 'derived', 'X-Gene 68-76 (NEVE17), SEL4 null syscall 249 in all'),
  'xen.saveRegisters': entry(
    90,
    'cycles',
    [60, 152],
    'derived',
    'ISCA16: hypercall 376 less entry, dispatch and return; KVM general registers 152',
  ),
  'xen.restoreRegisters': entry(90, 'cycles', [60, 184], 'derived', 'as xen.saveRegisters; KVM general registers 184'),
  'xen.eret': entry(55, 'cycles', [45, 65], 'derived', 'X-Gene 65 (NEVE17)'),
  'xen.hypercall': entry(81, 'cycles', [40, 265], 'derived', 'ISCA16: Xen hypercall 376 less 60 + 90 + 90 + 55'),
  'xen.decode': entry(60, 'cycles', [20, 200], 'guessed', 'syndrome decode, judgement'),
  'xen.decodeInstruction': entry(
    600,
    'cycles',
    [200, 2000],
    'guessed',
    'fetch and decode when the syndrome is not valid, judgement',
  ),
  'xen.p2mWalk': entry(
    150,
    'cycles',
    [60, 500],
    'derived',
    'three descriptor reads, L2 hits of 25 cycles (SBC), and locking',
  ),
  'xen.handlerSearch': entry(80, 'cycles', [30, 200], 'guessed', 'bsearch over the registered windows, judgement'),
  'xen.serverSelect': entry(120, 'cycles', [50, 400], 'guessed', 'range sets of each server, judgement'),
  'xen.slotWrite': entry(
    150,
    'cycles',
    [50, 300],
    'derived',
    '32 bytes in a line last held by another core: snoop 50-80, barrier 20',
  ),
  'xen.notify': entry(450, 'cycles', [200, 1200], 'guessed', 'event channel pending, kick decision, judgement'),
  'xen.ipiSend': entry(60, 'cycles', [20, 200], 'derived', 'barrier and one distributor write'),
  'xen.irqEntry': entry(260, 'cycles', [150, 500], 'derived', 'exception entry, save, one interrupt acknowledge read'),
  'xen.block': entry(250, 'cycles', [100, 800], 'guessed', 'prepare to wait, raise the schedule softirq, judgement'),
  'xen.schedule': entry(
    1800,
    'cycles',
    [500, 4000],
    'derived',
    'ISCA16: VM switch 8799 less state of two vCPUs, halved',
  ),
  'xen.contextSwitch': entry(
    4400,
    'cycles',
    [1000, 8800],
    'derived',
    'ISCA16: VM switch 8799, one half of save and restore; 10 us measured on a GICv3 server',
  ),
  'xen.idleWake': entry(
    1500,
    'cycles',
    [500, 5000],
    'guessed',
    'interrupt in the idle vCPU to the schedule softirq, judgement',
  ),
  'xen.vcpuWake': entry(800, 'cycles', [300, 2000], 'guessed', 'run queue insertion and tickle, judgement'),
  'xen.lrSave': entry(
    240,
    'cycles',
    [150, 900],
    'derived',
    'GICH_HCR and one list register read at 200 cycles each, partly overlapped',
  ),
  'xen.lrLoad': entry(120, 'cycles', [40, 400], 'derived', 'list register writes at 20 cycles each and queue handling'),
  'xen.inject': entry(350, 'cycles', [150, 800], 'guessed', 'rank lock, pending bit, queue insertion, judgement'),
  'xen.upcall': entry(200, 'cycles', [100, 600], 'guessed', 'upcall pending, per-vCPU selector, judgement'),
  'xen.completion': entry(
    300,
    'cycles',
    [100, 800],
    'guessed',
    'read the slot, finish the instruction, advance the PC, judgement',
  ),
  'xen.vgicEmulation': entry(
    1001,
    'cycles',
    [600, 1500],
    'derived',
    'ISCA16: interrupt controller trap 1356 less 60 + 90 + 60 + 90 + 55',
  ),
  'xen.vtimerEmulation': entry(400, 'cycles', [150, 1000], 'guessed', 'trapped CNTP access, judgement'),
  'xen.vpl011Emulation': entry(500, 'cycles', [200, 1500], 'guessed', 'register access with ring update, judgement'),
  'xen.evtchnSend': entry(
    400,
    'cycles',
    [150, 1200],
    'guessed',
    'port lookup, pending bit, notify decision, judgement',
  ),
  'xen.dmop': entry(500, 'cycles', [200, 1500], 'guessed', 'domain lookup, copy of the operation, dispatch, judgement'),
  'xen.mapPage': entry(550, 'cycles', [300, 1500], 'derived', 'SEL4: 545 cycles per page mapped'),
  'xen.unmapPage': entry(
    740,
    'cycles',
    [400, 2700],
    'derived',
    'SEL4: 738 cycles per page with local TLBI, 2704 with 4 cores',
  ),
  'xen.grantMap': entry(1200, 'cycles', [600, 2300], 'derived', 'grant call 0.8 us measured on another server'),
  'xen.copy': entry(420, 'cycles/KiB', [170, 900], 'derived', 'SBC: memcpy 3.7 GB/s'),
} as const satisfies Record<string, TimingEntry>;

const domd = {
  'domd.upcall': entry(
    2000,
    'cycles',
    [1500, 3000],
    'derived',
    'vector to handler 1.0-2.0 us, from SEL4 and lmbench proxies',
  ),
  'domd.evtchn': entry(
    1500,
    'cycles',
    [700, 3000],
    'guessed',
    'two-level scan and the evtchn device interrupt handler, judgement',
  ),
  'domd.pollLook': entry(
    60,
    'cycles',
    [20, 300],
    'guessed',
    'domd.wake=poll: one look at the slots, cached lines, judgement',
  ),
  'domd.ioeventfd': entry(
    500,
    'cycles',
    [200, 1500],
    'guessed',
    'domd.wake=ioeventfd: slot read, list of eventfds searched, one signalled, judgement',
  ),
  'domd.userWake': entry(
    7500,
    'cycles',
    [4500, 15000],
    'derived',
    'LMBENCH: pipe round trip 13-19 us on A72, two wake-ups, scaled',
  ),
  'domd.readPort': entry(850, 'cycles', [600, 1500], 'derived', 'LMBENCH: read() 0.51 us on A72 at 2.0 GHz'),
  'domd.unmaskPort': entry(850, 'cycles', [600, 1500], 'derived', 'LMBENCH: write() 0.48 us on A72 at 2.0 GHz'),
  'domd.pageAccess': entry(120, 'cycles', [50, 300], 'derived', 'slot line moved between cores, 50-80 cycles each way'),
  'domd.deviceRegister': entry(400, 'cycles', [150, 2000], 'guessed', 'virtio-mmio register dispatch, judgement'),
  'domd.queueWork': entry(
    900,
    'cycles',
    [300, 3000],
    'guessed',
    'descriptor chain walk and used ring update, judgement',
  ),
  'domd.syscall': entry(
    780,
    'cycles',
    [700, 1200],
    'derived',
    'LMBENCH: null system call 0.39 us on A72 at 2.0 GHz; ioctl entered and left',
  ),
  'domd.mapCall': entry(
    12_000,
    'ns',
    [8_000, 20_000],
    'guessed',
    'foreign mapping of one page from user space, judgement',
  ),
  'domd.mapPage': entry(1_000, 'ns', [500, 1_500], 'guessed', 'each further page of a batch, judgement'),
  'domd.unmapCall': entry(8_000, 'ns', [5_000, 15_000], 'guessed', 'unmap, mostly TLB maintenance, judgement'),
  'domd.unmapPage': entry(700, 'ns', [300, 1_500], 'guessed', 'each further page, judgement'),
  'domd.grantMap': entry(
    3_000,
    'ns',
    [2_200, 6_000],
    'derived',
    'set-up of foreign access 2.2-2.8 us measured on another server, and a system call',
  ),
  'domd.grantUnmap': entry(
    1_500,
    'ns',
    [850, 5_000],
    'derived',
    'end of foreign access 0.85-0.96 us measured on another server, and a system call',
  ),
  'domd.copy': entry(420, 'cycles/KiB', [170, 900], 'derived', 'SBC: memcpy 3.7 GB/s'),
  'domd.start': entry(50_000_000, 'ns', [5_000_000, 500_000_000], 'guessed', 'start of the backend process, judgement'),
  'disk.read': entry(
    100_000,
    'ns',
    [5_000, 1_000_000],
    'guessed',
    'one request to the backing store (eMMC or page cache), judgement',
  ),
  'disk.write': entry(150_000, 'ns', [5_000, 5_000_000], 'guessed', 'one request to the backing store, judgement'),
  'disk.flush': entry(500_000, 'ns', [1_000, 20_000_000], 'guessed', 'cache flush of the backing store, judgement'),
  'disk.transfer': entry(4_000, 'ns/KiB', [200, 50_000], 'guessed', 'eMMC HS400 at about 250 MB/s, judgement'),
} as const satisfies Record<string, TimingEntry>;

const services = {
  'xenstore.answer': entry(
    60_000,
    'ns',
    [20_000, 500_000],
    'guessed',
    'event, wake-up, database and answer in Dom0, judgement',
  ),
  'console.drain': entry(
    50_000,
    'ns',
    [10_000, 1_000_000],
    'guessed',
    'console daemon notices and empties the ring, judgement',
  ),
  'tools.create': entry(100_000_000, 'ns', [10_000_000, 2_000_000_000], 'guessed', 'xl create, judgement'),
  'tools.reboot': entry(
    200_000_000,
    'ns',
    [10_000_000, 5_000_000_000],
    'guessed',
    'domain destroyed and made anew, judgement',
  ),
} as const satisfies Record<string, TimingEntry>;

/** The default table. Boards with other cores start from it. */
export const TIMING = { ...cpu, ...CORE_TIMING, ...bus, ...firmware, ...xen, ...domd, ...services } as const;

export type TimingKey = keyof typeof TIMING;
export type TimingTable = Readonly<Record<TimingKey, TimingEntry>>;
export const TIMING_KEYS = Object.keys(TIMING) as readonly TimingKey[];
