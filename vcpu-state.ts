/** What the vCPUs of the guests stand at, for people: collected from the hypervisor, the interrupt controller and the backends. */
import type { ProcessStatus, VirtioDisk } from './backends/domd/virtio_disk.js';
import type {
  ReportBackend,
  ReportInterrupt,
  ReportListRegister,
  ReportVcpu,
  ReportWaitingIoreq,
  VcpuState,
  VcpuWait,
} from './report/vcpu.js';
import { explainVcpu } from './report/why.js';
import { contextRegister } from './sim/cpu/context.js';
import type { Machine } from './sim/machine/machine.js';
import { decodeIoreq } from './requests.js';
import { LR_ACTIVE, LR_PENDING } from './xen/arch/arm/hardware.js';
import { priorityToGuest } from './xen/arch/arm/gic.js';
import { IRQ_ACTIVE, IRQ_ENABLED, IRQ_QUEUED, type PendingIrq } from './xen/arch/arm/vgic-state.js';
import { VPF_BLOCKED, VPF_BLOCKED_IN_XEN, VPF_DOWN, type Domain, type Vcpu } from './xen/common/domain.js';
import type { Xen } from './xen/common/xen.js';
import { IOREQ } from './xen/public/ioreq.js';
import { GUEST_TIMER_PHYS_NS_PPI, GUEST_TIMER_VIRT_PPI } from './xen/public/arch-arm.js';

export interface VcpuSources {
  readonly machine: Machine;
  readonly xen: Xen;
  /** Backend processes; one may stand for several disks. */
  readonly backends: ReadonlyMap<string, { readonly process: VirtioDisk; readonly domain: Domain }>;
  /** Name of a guest's register at an address of the virtio windows. */
  readonly registerAt: (process: VirtioDisk | undefined, address: number) => string;
  readonly coreNames: readonly string[];
  /** How a guest has ended, empty if it has not. */
  readonly endOf: (guest: string) => string;
}

const EVTCHN_PPI = 31;
const NR_SGIS = 16;
const ENABLE = 1;
const MASK = 2;
const TIMER_PENDING = 4;
const PSTATE_I = 0x80;
const VMCR_ENABLE_GROUP0 = 1;
const VMCR_PRIORITY_SHIFT = 27;
const WFI = 0xd503_207f;
const BRANCH_TO_SELF = 0x1400_0000;
const BRANCH_BACK_ONE = 0x17ff_ffff;

/** All vCPUs of all guests, in the order of creation. Looking changes nothing. */
export function vcpuStates(from: VcpuSources): ReportVcpu[] {
  const guests = [...from.xen.domains.values()].filter((d) => d.kind === 'guest');
  return guests.flatMap((d) => d.vcpus.map((v) => vcpuState(from, d, v)));
}

function stateOf(d: Domain, v: Vcpu): VcpuState {
  if (d.isShutDown || v.pausedForShutdown) return 'shut down';
  if (v.pauseFlags & VPF_DOWN) return 'off';
  if (v.pauseFlags & (VPF_BLOCKED | VPF_BLOCKED_IN_XEN)) return 'blocked';
  if (!v.runnable) return 'paused';
  return v.isRunning ? 'running' : 'runnable';
}

function waitOf(v: Vcpu, state: VcpuState): VcpuWait {
  if (state === 'off') return 'start';
  if (state === 'shut down' || state === 'paused') return 'unpause';
  if (v.pauseFlags & VPF_BLOCKED_IN_XEN) return 'ioreq';
  if (v.pauseFlags & VPF_BLOCKED) return v.pollEvtchn === 0 ? 'interrupt' : 'event';
  return 'nothing';
}

function vcpuState(from: VcpuSources, d: Domain, v: Vcpu): ReportVcpu {
  const { machine, xen } = from;
  const state = stateOf(d, v);
  const waits = waitOf(v, state);
  const backends = backendsOf(from, d);
  const ioreq = waits === 'ioreq' ? waitingIoreq(from, d, v) : null;
  const opened = ioreq === null ? undefined : machine.ledger.openedAt(ioreq.request);
  const registers = registersOf(from, v);
  const gic = virtualInterface(xen, v);
  const facts = {
    guest: d.name,
    vcpu: v.name,
    state,
    waits,
    since: Number(opened ?? v.runstate.since),
    time: Number(machine.time),
    core: from.coreNames[xen.pcpus[v.processor]?.core.index ?? 0] ?? '-',
    pc: `0x${registers.pc.toString(16)}`,
    el: (registers.pstate >>> 2) & 3,
    masked: (registers.pstate & PSTATE_I) !== 0,
    loops: loops(xen, v, registers.pc),
    ioreq,
    pollPort: v.pollEvtchn,
    timers: timersOf(xen, v),
    interrupts: interruptsOf(v, gic, backends, waits !== 'interrupt' && (registers.pstate & PSTATE_I) !== 0),
    listRegisters: gic.lrs,
    virtualInterface: { lrs: xen.gic.lrCount, enabled: gic.enabled, priorityMask: gic.mask << 3 },
    backends,
    end: from.endOf(d.name),
  };
  return { ...facts, why: explainVcpu(facts, machine.board.tickHz) };
}

/** PC and PSTATE: in the core, in its EL2 registers, or saved. */
function registersOf({ machine, xen }: VcpuSources, v: Vcpu): { pc: bigint; pstate: number } {
  const p = xen.pcpus[v.processor];
  if (p?.current === v) {
    const core = machine.cores[p.core.index]!;
    if (v.arch.inGuest) return { pc: core.pc, pstate: core.pstate };
    return { pc: p.core.sys('ELR_EL2'), pstate: Number(p.core.sys('SPSR_EL2')) };
  }
  const { regs, start } = v.arch;
  if (regs === undefined) return { pc: start?.pc ?? 0n, pstate: Number(start?.pstate ?? 0n) };
  return { pc: contextRegister(regs, 'ELR_EL2'), pstate: Number(contextRegister(regs, 'SPSR_EL2')) };
}

/** The two endless loops of one instruction that software ends in (`b .`, `wfi; b .-4`), if the vCPU is loaded. */
function loops(xen: Xen, v: Vcpu, pc: bigint): boolean {
  const p = xen.pcpus[v.processor];
  if (p?.current !== v) return false;
  const word = (va: bigint): number => {
    const walk = p.core.walk(va, 0);
    return walk.ok && xen.heap.isRam(walk.pa) ? xen.memory.read32(walk.pa) : 0;
  };
  const at = word(pc);
  return at === BRANCH_TO_SELF || (at === BRANCH_BACK_ONE && word(pc - 4n) === WFI);
}

interface VirtualInterface {
  readonly enabled: boolean;
  /** Priorities as list registers have them, 5 bits. */
  readonly mask: number;
  readonly running: number;
  readonly lrs: ReportListRegister[];
}

function virtualInterface(xen: Xen, v: Vcpu): VirtualInterface {
  const p = xen.pcpus[v.processor];
  const loaded = p !== undefined && p.current === v;
  const { gic } = v.arch;
  const vmcr = loaded ? xen.gic.readVmcr(p.id) : gic.vmcr;
  const apr = loaded ? xen.gic.readApr(p.id) : gic.apr;
  const used = loaded ? p.lrMask : gic.lrMask;
  const lrs: ReportListRegister[] = [];
  for (let lr = 0; lr < xen.gic.lrCount; lr++) {
    if (((used >>> lr) & 1) === 0) continue;
    const value = loaded ? xen.gic.readLr(p.id, lr) : gic.lr[lr]!;
    const state = stateName((value >>> 28) & 3);
    if (state !== undefined) lrs.push({ lr, intid: value & 0x3ff, state, priority: ((value >>> 23) & 0x1f) << 3 });
  }
  return {
    enabled: (vmcr & VMCR_ENABLE_GROUP0) !== 0,
    mask: vmcr >>> VMCR_PRIORITY_SHIFT,
    running: apr === 0 ? 32 : 31 - Math.clz32(apr & -apr),
    lrs,
  };
}

function stateName(bits: number): ReportListRegister['state'] | undefined {
  if (bits === (LR_ACTIVE | LR_PENDING)) return 'active and pending';
  return bits === LR_ACTIVE ? 'active' : bits === LR_PENDING ? 'pending' : undefined;
}

/**
 * Interrupts in flight that the guest has not ended, with what keeps those that are pending (IHI 0048B 5.2, 4.4.2). PSTATE.I
 * does not keep a vCPU in WFI (Arm ARM D1.6.2), so there it is no reason.
 */
function interruptsOf(
  v: Vcpu,
  gic: VirtualInterface,
  backends: readonly ReportBackend[],
  irqMasked: boolean,
): ReportInterrupt[] {
  const list: ReportInterrupt[] = [];
  const active = gic.lrs.find((lr) => lr.state !== 'pending');
  for (const irq of v.arch.vgic.inflight) {
    const held = gic.lrs.find((lr) => lr.intid === irq.irq);
    // A list register that has emptied: the guest has ended it, Xen sees that at the next trap.
    if (held === undefined && irq.lr >= 0 && (irq.status & IRQ_QUEUED) === 0) continue;
    const state = held?.state ?? waitingState(irq);
    const masked: string[] = [];
    if (state !== 'active') {
      const priority = priorityToGuest(irq.priority);
      if ((irq.status & IRQ_ENABLED) === 0) masked.push(`disabled in GICD_ISENABLER${irq.irq >>> 5}`);
      else if (state === 'active and pending') masked.push('it is active: the guest has not ended the one before');
      if (!gic.enabled) masked.push('GICC_CTLR is off');
      if (priority >= gic.mask)
        masked.push(`GICC_PMR 0x${(gic.mask << 3).toString(16)} masks priority 0x${irq.priority.toString(16)}`);
      if (active !== undefined && active.intid !== irq.irq && priority >= gic.running)
        masked.push(`interrupt ${active.intid} of priority 0x${active.priority.toString(16)} is active and not ended`);
      if (irqMasked) masked.push('PSTATE.I is set');
    }
    list.push({ intid: irq.irq, name: interruptName(irq.irq, backends), state, lr: held?.lr ?? -1, masked });
  }
  return list;
}

function waitingState({ status }: PendingIrq): ReportInterrupt['state'] {
  return status & IRQ_ACTIVE ? 'active and pending' : 'pending';
}

function interruptName(intid: number, backends: readonly ReportBackend[]): string {
  if (intid < NR_SGIS) return `SGI ${intid}`;
  if (intid === EVTCHN_PPI) return 'event channels';
  if (intid === GUEST_TIMER_VIRT_PPI) return 'virtual timer';
  if (intid === GUEST_TIMER_PHYS_NS_PPI) return 'physical timer';
  return backends.flatMap(({ disks }) => disks).find(({ irq }) => irq === intid)?.id ?? 'no device of ours';
}

function timersOf(xen: Xen, v: Vcpu): ReportVcpu['timers'] {
  const p = xen.pcpus[v.processor];
  const loaded = p !== undefined && p.current === v;
  const perCount = BigInt(xen.clock.ticksPerCount);
  const ctl = loaded ? Number(p.core.sys('CNTV_CTL_EL0')) : v.arch.vtimer.ctl;
  const cval = loaded ? p.core.sys('CNTV_CVAL_EL0') : v.arch.vtimer.cval;
  const { ptimer } = v.arch;
  const at = (count: bigint): number => Number(BigInt.asUintN(64, count) * perCount);
  return {
    virtual: (ctl & (ENABLE | MASK)) === ENABLE ? at(cval + v.domain.virtOffset) : null,
    physical: (ptimer.ctl & (ENABLE | MASK | TIMER_PENDING)) === ENABLE ? at(ptimer.cval) : null,
  };
}

/** Processes that serve the domain, or did and have ended. */
function backendsOf({ backends }: VcpuSources, d: Domain): ReportBackend[] {
  const seen = new Map<VirtioDisk, ReportBackend>();
  for (const [id, { process, domain }] of backends) {
    if (seen.has(process)) continue;
    const status = process.look();
    if (status.domid !== d.id && !(status.domid === undefined && id.startsWith(`${d.name}:`))) continue;
    seen.set(process, reportBackend(process, domain, status));
  }
  return [...seen.values()];
}

function reportBackend({ name }: VirtioDisk, domain: Domain, status: ProcessStatus): ReportBackend {
  const [vcpu] = domain.vcpus;
  return {
    process: name,
    domain: domain.name,
    life: status.life,
    step: status.step,
    ports: status.ports,
    vcpu: vcpu === undefined ? 'off' : stateOf(domain, vcpu),
    server: status.server ?? -1,
    disks: status.disks.map((disk) => ({ ...disk })),
  };
}

function waitingIoreq(from: VcpuSources, d: Domain, v: Vcpu): ReportWaitingIoreq | null {
  const { xen } = from;
  const server = d.ioreq.servers.find((s) => s?.vcpus.some((each) => each.vcpu === v.id && each.pending));
  const port = server?.vcpus.find((each) => each.vcpu === v.id)?.port;
  const at = server?.slot(v.id);
  if (server === undefined || port === undefined || at === undefined) return null;
  const slot = decodeIoreq(xen.memory.read(at, IOREQ.bytes));
  const owner = [...from.backends.values()].find(({ process, domain }) => {
    const status = process.look();
    return domain.id === server.emulator && status.domid === d.id && status.server === server.id;
  });
  const channel = d.evtchn.at(port);
  const emulator = xen.domain(server.emulator);
  const bound = channel?.state === 'interdomain' ? channel.remotePort : -1;
  const address = Number(slot.addr);
  return {
    request: v.io.requestId,
    server: server.id,
    emulator: emulator?.name ?? `d${server.emulator}`,
    direction: slot.direction,
    address,
    register: slot.type === 8 ? 'map cache (INVALIDATE)' : from.registerAt(owner?.process, address),
    size: slot.size,
    data: `0x${slot.data.toString(16)}`,
    slot: slot.state,
    port: {
      guest: port,
      emulator: bound,
      pending: bound >= 0 && emulator !== undefined && emulator.evtchn.ops.isPending(xen, emulator, bound),
      masked: bound >= 0 && emulator !== undefined && emulator.evtchn.ops.isMasked(xen, emulator, bound),
    },
    process: owner?.process.name ?? '',
  };
}
