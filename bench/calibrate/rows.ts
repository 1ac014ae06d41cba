/**
 * What the simulator is judged by: published figures of real hardware, how near ours has to be, and what part each one had in
 * the making of the timing table. The roles were fixed before anything was measured; `held out` rows are never fitted to.
 */
import type { Measured } from './measure.js';

/** `input`: the table holds it. `fitted`: may be fitted to. `held out`: accuracy is claimed on these only. `report`: no verdict. */
export type Role = 'input' | 'fitted' | 'held out' | 'report';

export interface Row {
  /** Stable; a number of the list with a letter where it has several figures. */
  readonly id: string;
  readonly metric: string;
  /** What was measured on hardware; several values are a range. */
  readonly reference: number;
  readonly unit: 'cycles' | 'ns' | 'us' | 'GB/s' | 'ratio' | 'reads' | 'DMIPS/MHz' | 'CoreMark/MHz' | '%';
  readonly low: number;
  readonly high: number;
  readonly role: Role;
  readonly source: string;
  /** It says something about the core model, which `timing.cpu=functional` does not have. */
  readonly core?: boolean;
  /** Ours, or undefined. */
  readonly ours?: (m: Measured) => number | undefined;
  /** What is not there to run it with. */
  readonly needs?: string;
  /** What has to be given for it. */
  readonly without?: string;
  /** Where ours is not the very program of the reference. */
  readonly note?: string;
}

const band = (reference: number, share: number): { reference: number; low: number; high: number } => ({
  reference,
  low: reference * (1 - share),
  high: reference * (1 + share),
});

/** A latency that a compiler's model or a measurement gives to the cycle: 3 % for the loop around it. */
function latency(
  id: string,
  cluster: 'a57' | 'a53',
  name: string,
  what: string,
  cycles: number,
  source: string,
  share = 0.03,
): Row {
  const metric = `${cluster.toUpperCase()} ${what}`;
  const ours = (m: Measured): number | undefined => m.core(cluster, name);
  return { id, metric, ...band(cycles, share), unit: 'cycles', role: 'input', source, core: true, ours };
}

const LINUX = 'a Linux kernel, --linux IMAGE';
const LLVM57 = 'LLVM AArch64SchedA57';
const INSB = 'insn_bench_aarch64';
const SBC = 'sbc-bench, Jetson Nano';
const SEL4 = 'sel4bench';
const ISCA16 = 'ISCA 2016, X-Gene';

export const ROWS: readonly Row[] = [
  latency('1', 'a57', 'load l1', 'L1 load-use', 4, SBC, 0.02),
  latency('2a', 'a57', 'add', 'add', 1, LLVM57),
  latency('2b', 'a57', 'add shifted', 'add, shifted operand', 2, LLVM57),
  latency('2c', 'a57', 'mul 32', 'multiply, 32 bits', 3, LLVM57),
  latency('2d', 'a57', 'mul 64', 'multiply, 64 bits', 5, LLVM57),
  latency('2e', 'a57', 'smulh', 'smulh', 6, LLVM57),
  latency('3a', 'a57', 'fadd', 'fadd', 5, LLVM57),
  latency('3b', 'a57', 'fmul', 'fmul', 5, LLVM57),
  latency('3c', 'a57', 'fma', 'fmadd, by a factor', 9, LLVM57),
  latency('3d', 'a57', 'fma accumulator', 'fmadd, by the addend', 4, LLVM57),
  latency('4a', 'a57', 'fdiv single', 'fdiv, single', 17, LLVM57, 0.1),
  latency('4b', 'a57', 'fdiv double', 'fdiv, double', 32, LLVM57, 0.1),
  {
    id: '5',
    metric: 'A57 branch mispredicted',
    reference: 14,
    low: 12,
    high: 17,
    unit: 'cycles',
    role: 'input',
    source: `${LLVM57}, ${INSB}`,
    core: true,
    ours: (m) => m.mispredict('a57'),
  },
  {
    id: '6',
    metric: 'A57 L2 hit, load-use',
    reference: 25,
    low: 20,
    high: 28,
    unit: 'cycles',
    role: 'input',
    source: SBC,
    core: true,
    ours: (m) => m.core('a57', 'load l2'),
  },
  {
    id: '7',
    metric: 'A57 L1 TLB miss that the L2 TLB has',
    ...band(8, 0),
    low: 4,
    high: 12,
    unit: 'cycles',
    role: 'input',
    source: SBC,
    core: true,
    needs: 'a guest with pages of 4 KiB',
  },
  {
    id: '8',
    metric: 'A57 stage-1 walk',
    reference: 40,
    low: 25,
    high: 60,
    unit: 'ns',
    role: 'fitted',
    source: SBC,
    core: true,
    needs: 'a guest with pages of 4 KiB',
  },
  {
    id: '9',
    metric: 'A57 DRAM, load-use',
    reference: 140,
    low: 110,
    high: 170,
    unit: 'ns',
    role: 'input',
    source: SBC,
    core: true,
    ours: (m) => m.nanoseconds('a57', 'load dram'),
  },
  {
    id: '10',
    metric: 'A57 misses in flight',
    reference: 6,
    low: 5,
    high: 7,
    unit: 'ratio',
    role: 'input',
    source: SBC,
    core: true,
    ours: (m) => m.ratio(m.core('a57', 'load dram'), m.core('a57', 'load dram 8')),
  },
  ...(
    [
      ['11a', 'copy', 3.7],
      ['11b', 'set', 8.9],
      ['11c', 'read', 4.75],
    ] as const
  ).map(([id, name, reference]): Row => {
    const ours = (m: Measured): number | undefined => m.bandwidth('a57', name);
    const metric = `A57 memory ${name}`;
    return { id, metric, ...band(reference, 0.3), unit: 'GB/s', role: 'fitted', source: SBC, core: true, ours };
  }),
  {
    id: '12',
    metric: 'A57 Dhrystone',
    ...band(4.34, 0.15),
    unit: 'DMIPS/MHz',
    role: 'held out',
    source: 'Linux, RZ/G2M device tree',
    core: true,
    needs: 'Dhrystone',
  },
  {
    id: '13',
    metric: 'A53 Dhrystone per MHz, of the A57’s',
    ...band(0.547, 0.1),
    unit: 'ratio',
    role: 'held out',
    source: 'Linux, RZ/G2M device tree',
    core: true,
    needs: 'Dhrystone',
  },
  {
    id: '15',
    metric: 'A57 Linux null system call',
    ...band(775, 0.3),
    unit: 'cycles',
    role: 'held out',
    source: 'lmbench, A72, scaled',
    core: true,
    ours: (m) => m.systemCall('a57'),
    without: LINUX,
    note: 'own process, getppid',
  },
  {
    id: '16',
    metric: 'A57 null system call of a microkernel',
    ...band(249, 0.15),
    unit: 'cycles',
    role: 'fitted',
    source: SEL4,
    core: true,
    ours: (m) => m.core('a57', 'svc'),
    note: 'own exception loop, all registers saved',
  },
  {
    id: '17',
    metric: 'A57 inter-process call of seL4',
    ...band(413, 0.15),
    unit: 'cycles',
    role: 'held out',
    source: SEL4,
    core: true,
    needs: 'seL4',
  },
  {
    id: '19',
    metric: 'A57 interrupt to user, seL4',
    ...band(662, 0.25),
    unit: 'cycles',
    role: 'held out',
    source: SEL4,
    core: true,
    needs: 'seL4',
  },
  latency('20', 'a53', 'load l1', 'L1 load-use', 3, INSB),
  latency('21a', 'a53', 'mul 64', 'multiply, 64 bits', 4, INSB, 0.1),
  latency('21b', 'a53', 'madd 64', 'madd, 64 bits, by a factor', 5, INSB, 0.1),
  latency('21c', 'a53', 'smulh', 'smulh', 6, INSB, 0.1),
  latency('21d', 'a53', 'fadd', 'fadd', 4, INSB, 0.1),
  latency('21e', 'a53', 'fdiv single', 'fdiv, single', 13, 'lmbench, AM62x', 0.1),
  latency('21f', 'a53', 'fdiv double', 'fdiv, double', 22, 'lmbench, AM62x', 0.1),
  {
    id: '22',
    metric: 'A53 CoreMark',
    ...band(3.4, 0.1),
    unit: 'CoreMark/MHz',
    role: 'held out',
    source: 'OpenWrt on IPQ8072A and others',
    core: true,
    needs: 'CoreMark',
  },
  {
    id: '23',
    metric: 'A53 Dhrystone',
    ...band(2.6, 0.15),
    unit: 'DMIPS/MHz',
    role: 'held out',
    source: 'Linux, RZ/G2M device tree; TI',
    core: true,
    needs: 'Dhrystone',
  },
  {
    id: '24',
    metric: 'A53 null system call of a microkernel',
    ...band(131, 0.15),
    unit: 'cycles',
    role: 'fitted',
    source: SEL4,
    core: true,
    ours: (m) => m.core('a53', 'svc'),
    note: 'own exception loop, all registers saved',
  },
  {
    id: '25',
    metric: 'null system call, cycles of the A57 over the A53’s',
    reference: 1.9,
    low: 1.5,
    high: 2.3,
    unit: 'ratio',
    role: 'fitted',
    source: SEL4,
    core: true,
    ours: (m) => m.ratio(m.core('a57', 'svc'), m.core('a53', 'svc')),
    note: 'own exception loop',
  },
  {
    id: '26',
    metric: 'A53 Linux null system call',
    ...band(580, 0.25),
    unit: 'cycles',
    role: 'held out',
    source: 'lmbench, AM62x',
    core: true,
    ours: (m) => m.systemCall('a53'),
    without: LINUX,
    note: 'own process, getppid',
  },
  {
    id: '38',
    metric: 'Xen hypercall, no mitigation',
    reference: 376,
    low: 250,
    high: 560,
    unit: 'cycles',
    role: 'input',
    source: 'Linaro 2016, X-Gene',
    ours: (m) => m.hypervisor('hyp_call'),
  },
  {
    id: '39',
    metric: 'Xen emulated distributor access',
    ...band(1356, 0.35),
    unit: 'cycles',
    role: 'input',
    source: ISCA16,
    ours: (m) => m.hypervisor('mmio_read_vgic'),
  },
  {
    id: '40',
    metric: 'Xen virtual IPI, both running',
    ...band(5978, 0.4),
    unit: 'cycles',
    role: 'fitted',
    source: ISCA16,
    ours: (m) => m.hypervisor('ipi'),
  },
  {
    id: '41',
    metric: 'virtual end of interrupt',
    reference: 71,
    low: 40,
    high: 110,
    unit: 'cycles',
    role: 'fitted',
    source: ISCA16,
    ours: (m) => m.hypervisor('eoi'),
  },
  {
    id: '42',
    metric: 'Xen I/O latency, out and in',
    ...band(32_200, 0.4),
    unit: 'cycles',
    role: 'fitted',
    source: ISCA16,
    needs: 'a paravirtual network driver',
  },
  {
    id: '43',
    metric: 'KVM on A57: hypercall',
    ...band(6413, 0.3),
    unit: 'cycles',
    role: 'held out',
    source: 'USENIX ATC 2017, Seattle',
    core: true,
    needs: 'a Linux host with KVM',
  },
  {
    id: '44',
    metric: 'KVM on A53: hypercall',
    ...band(4.53, 0.3),
    unit: 'us',
    role: 'held out',
    source: 'kvm-unit-tests, Juno',
    core: true,
    needs: 'a Linux host with KVM',
  },
  {
    id: '46',
    metric: 'IOREQ round trip, two pCPUs',
    reference: 27.5,
    low: 12,
    high: 60,
    unit: 'us',
    role: 'report',
    source: 'estimate',
    ours: (m) => m.roundTrip(),
  },
  {
    id: '47',
    metric: 'descriptor reads of a cold walk, 3 and 3 levels',
    ...band(15, 0),
    unit: 'reads',
    role: 'input',
    source: 'Arm ARM D8.2: (3 + 1)(3 + 1) - 1',
    ours: (m) => m.walkReads(),
  },
];
