import type { ReportBackend, ReportDisk, ReportInterrupt, ReportVcpu, ReportWaitingIoreq } from './vcpu.js';

export type VcpuFacts = Omit<ReportVcpu, 'why'>;

/** Why a vCPU does not go on, in one or two sentences. @param tickHz ticks per second. */
export function explainVcpu(v: VcpuFacts, tickHz: number): string {
  if (v.end !== '') return `The guest has ended: ${v.end}.${v.state === 'running' ? ` ${running(v)}` : ''}`;
  switch (v.waits) {
    case 'ioreq':
      return v.ioreq === null ? 'It waits for an answer that no server owes.' : ioreq(v, v.ioreq);
    case 'event':
      return `It polls event channel ${v.pollPort < 0 ? 'ports' : `port ${v.pollPort}`} (SCHEDOP_poll), and none became pending.`;
    case 'interrupt':
      return asleep(v, tickHz);
    case 'start':
      return 'It is off: no other vCPU has started it (PSCI CPU_ON), or it turned itself off.';
    case 'unpause':
      return v.state === 'shut down' ? 'Its domain is shut down.' : 'Its domain or itself is paused.';
    default:
      return v.state === 'runnable' ? `It could run, but another vCPU has its core ${v.core}.` : running(v);
  }
}

function running(v: VcpuFacts): string {
  const kept = v.interrupts.filter((irq) => irq.masked.length > 0);
  const loop = v.loops ? ' in a loop of one instruction' : '';
  const where = `It runs${loop} at ${v.pc}, EL${v.el}`;
  if (kept.length > 0) return `${where}; ${kept.map(maskedText).join('; ')}.`;
  return `${where}, with interrupts ${v.masked ? 'masked (PSTATE.I)' : 'on'}.`;
}

/** WFI. The first thing that keeps it there is the answer. */
function asleep(v: VcpuFacts, tickHz: number): string {
  const kept = v.interrupts.filter((irq) => irq.masked.length > 0 && irq.state !== 'active');
  const timers = Object.entries(v.timers).flatMap(([name, due]) => (due === null ? [] : [{ name, due }]));
  const next = timers.sort((a, b) => a.due - b.due)[0];
  const alarm = next === undefined ? '' : ` The ${next.name} timer wakes it in ${time(next.due - v.time, tickHz)}.`;
  const disks = v.backends.flatMap((backend) => backend.disks.map((disk) => ({ backend, disk })));
  if (kept.length > 0) return `It sleeps in WFI although ${kept.map(maskedText).join(', and ')}.${alarm}`;
  const open = disks.find(({ disk }) => disk.waiting + disk.taken > 0);
  if (open !== undefined) return `It sleeps in WFI while ${openText(open.backend, open.disk)}.${alarm}`;
  const quiet = disks.find(
    ({ disk }) => disk.interruptStatus !== 0 && !v.interrupts.some((irq) => irq.intid === disk.irq),
  );
  if (quiet !== undefined) {
    const { id, interruptStatus, irq } = quiet.disk;
    return (
      `It sleeps in WFI; ${id} has raised InterruptStatus 0x${interruptStatus.toString(16)} that the driver did not ` +
      `acknowledge, and its interrupt ${irq} is not pending.${alarm}`
    );
  }
  if (next !== undefined) return `It sleeps in WFI.${alarm}`;
  return (
    'It sleeps in WFI and nothing is on its way: no timer is armed, no interrupt is pending, no disk request is open. ' +
    'Only console input, another vCPU or a change in xenstore could wake it.'
  );
}

function maskedText({ intid, name, state, masked }: ReportInterrupt): string {
  return `interrupt ${intid} (${name}) is ${state} but kept: ${masked.join(', ')}`;
}

function openText(backend: ReportBackend, disk: ReportDisk): string {
  const parts = [
    disk.waiting > 0 ? `${disk.waiting} not taken by the device` : '',
    disk.taken > 0 ? `${disk.taken} taken and not completed` : '',
  ].filter((part) => part !== '');
  return `${disk.id} has requests open (${parts.join(', ')}): ${doing(backend, disk)}`;
}

function doing(backend: ReportBackend, disk?: ReportDisk): string {
  const who = `process ${backend.process} in ${backend.domain}`;
  if (backend.life === 'wedged') return `${who} is wedged: it is never scheduled`;
  if (backend.life === 'ended') return `${who} has ended`;
  if (backend.life !== 'serving') return `${who} is not serving (${backend.life}, ${backend.step})`;
  if (backend.vcpu !== 'running' && backend.vcpu !== 'runnable' && backend.vcpu !== 'blocked')
    return `${backend.domain} itself is ${backend.vcpu}`;
  if (disk !== undefined) {
    if (disk.thread === 'disk') return `${who} waits for its disk`;
    if (disk.thread === 'sleep') return `${who} sleeps: it was not kicked, or the kick was lost`;
    return `${who} works on it (disk thread: ${disk.thread})`;
  }
  const cpu = backend.vcpu === 'runnable' ? `, and ${backend.domain} waits for a core` : '';
  return `${who} is at '${backend.step}'${cpu}`;
}

/** The slot says whose turn it is, the channel whether that one knows. */
function ioreq(v: VcpuFacts, r: ReportWaitingIoreq): string {
  const { emulator, slot, server, port } = r;
  const what = `It waits for ${emulator} to answer a ${r.direction} of ${r.register} (server ${server}).`;
  const backend = v.backends.find((b) => b.process === r.process);
  const who = backend === undefined ? `no process in ${emulator} serves server ${server}` : doing(backend);
  if (slot === 'response') return `${what} The answer is in the slot, but the event channel was not signalled: ${who}.`;
  if (slot === 'inprocess') return `${what} The request was taken and is not answered: ${who}.`;
  if (slot !== 'ready') return `${what} The slot is in state ${slot}: ${who}.`;
  if (port.emulator < 0) return `${what} Nobody is bound to its event channel (port ${port.guest}): ${who}.`;
  if (port.pending && port.masked) {
    return `${what} Port ${port.emulator} of ${emulator} is pending but masked, since an earlier event was not read: ${who}.`;
  }
  if (port.pending) return `${what} Port ${port.emulator} of ${emulator} is pending, no upcall has taken it: ${who}.`;
  return `${what} The event was taken, the slot is still READY: ${who}.`;
}

function time(ticks: number, tickHz: number): string {
  const seconds = Math.max(0, ticks) / tickHz;
  if (seconds >= 1) return `${seconds.toFixed(3)} s`;
  return seconds >= 1e-3 ? `${(seconds * 1e3).toFixed(3)} ms` : `${(seconds * 1e6).toFixed(1)} us`;
}

export { time as timeText };
