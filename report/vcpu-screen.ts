import type { ReportVcpu } from './vcpu.js';
import { timeText } from './why.js';

const WIDTH = 100;
const LABEL = 11;
/** A guest decides how much it leaves pending: a screen shows so many. */
const LINES = 8;

/** One screen for each vCPU that does not run freely: what it waits for, since when, and what stands in its way. */
export function vcpuScreens(vcpus: readonly ReportVcpu[], tickHz: number): string {
  return vcpus.map((v) => screen(v, tickHz)).join('\n\n');
}

function screen(v: ReportVcpu, tickHz: number): string {
  const waits = { ioreq: ', waits for an ioreq', event: ', polls', interrupt: ', in WFI', start: '', unpause: '' };
  const wait = v.waits === 'nothing' ? '' : waits[v.waits];
  const lines = [`${v.vcpu} of ${v.guest}: ${v.state}${wait}, since ${timeText(v.time - v.since, tickHz)}`];
  const add = (label: string, text: string): void => {
    for (const [i, line] of wrap(text, WIDTH - LABEL - 2).entries())
      lines.push(`  ${(i === 0 ? label : '').padEnd(LABEL)}${line}`.trimEnd());
  };
  add('why', v.why);
  const r = v.ioreq;
  if (r !== null) {
    add(
      'request',
      `${r.request === 0 ? '' : `#${r.request} `}${r.direction} ${r.register} (0x${r.address.toString(16)}), ${r.size} bytes` +
        `${r.direction === 'write' ? ` of ${r.data}` : ''}; slot ${r.slot}`,
    );
    const bound = r.port.emulator < 0 ? 'unbound' : `to ${r.port.emulator} of ${r.emulator}`;
    const flags = [r.port.pending ? 'pending' : 'not pending', r.port.masked ? 'masked' : 'unmasked'].join(', ');
    add(
      'server',
      `${r.server} of ${r.emulator}; event port ${r.port.guest} ${bound}${r.port.emulator < 0 ? '' : `, ${flags}`}`,
    );
  }
  for (const b of v.backends) {
    add(
      'backend',
      `${b.process} in ${b.domain} (${b.vcpu}): ${b.life}, main thread at '${b.step}', ${b.ports} ports read`,
    );
    for (const d of b.disks) {
      add(
        '',
        `${d.id}: thread ${d.thread}, ${d.waiting} requests waiting, ${d.taken} taken; ` +
          `Status 0x${d.status.toString(16)}, InterruptStatus 0x${d.interruptStatus.toString(16)}, interrupt ${d.irq}`,
      );
    }
  }
  if (v.state !== 'off')
    add('at', `${v.pc}, EL${v.el}, interrupts ${v.masked ? 'masked (PSTATE.I)' : 'on'}; ${v.core}`);
  const due = (at: number | null): string => (at === null ? 'off' : `in ${timeText(at - v.time, tickHz)}`);
  add('timers', `virtual ${due(v.timers.virtual)}, physical ${due(v.timers.physical)}`);
  const interrupts = v.interrupts.map(
    ({ intid, name, state, lr, masked }) =>
      `${intid} ${name}: ${state}${lr < 0 ? ', in no list register' : ` in LR${lr}`}` +
      `${masked.length === 0 ? '' : `; kept: ${masked.join(', ')}`}`,
  );
  if (interrupts.length === 0) add('interrupts', 'none pending or active');
  for (const [i, text] of capped(interrupts).entries()) add(i === 0 ? 'interrupts' : '', text);
  const { lrs, enabled, priorityMask } = v.virtualInterface;
  const used = v.listRegisters.map(
    ({ lr, intid, state, priority }) => `LR${lr} ${intid} ${state} 0x${priority.toString(16).padStart(2, '0')}`,
  );
  add(
    'GICV',
    `${enabled ? 'enabled' : 'disabled'}, priority mask 0x${priorityMask.toString(16)}; ` +
      `${used.length === 0 ? `${lrs} list registers, all empty` : `${used.join(', ')}; ${lrs - used.length} of ${lrs} empty`}`,
  );
  return lines.join('\n');
}

function capped(lines: readonly string[]): readonly string[] {
  return lines.length <= LINES ? lines : [...lines.slice(0, LINES - 1), `and ${lines.length - LINES + 1} more`];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
