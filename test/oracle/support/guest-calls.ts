/** The recorded hypercalls and SMCCC calls of a real guest, and ours, in words that leave out what is the kernel's own choice. */
import { EVTCHNOP, HYPERVISOR, VCPUOP, XENMEM } from '../../../xen/public/xen.js';
import { goldenText } from './golden.js';

export interface GuestCall {
  readonly number: number;
  readonly cmd: number;
  /** The argument's first three 64-bit words. */
  readonly words: readonly bigint[];
  readonly vcpu: number;
}

const low = (word: bigint | undefined): number => Number((word ?? 0n) & 0xffff_ffffn);
const high = (word: bigint | undefined): number => Number((word ?? 0n) >> 32n);

/**
 * A call in words. Left out: frame numbers of pages that the kernel allocated, virtual addresses, and which vCPU an initcall
 * happened to run on.
 */
export function callText({ number, cmd, words, vcpu }: GuestCall): string {
  const [a, b, c] = words;
  switch (number) {
    case HYPERVISOR.xen_version:
      return `xen_version ${cmd} submap ${low(a)}`;
    case HYPERVISOR.hvm_op:
      return `hvm_op ${cmd} domid 0x${(low(a) & 0xffff).toString(16)} param ${high(a)}`;
    case HYPERVISOR.memory_op: {
      const frame = high(a) === 1 ? ` gfn 0x${c?.toString(16)}` : '';
      return `memory_op ${cmd === XENMEM.add_to_physmap ? 'add_to_physmap' : cmd} space ${high(a)} idx ${b}${frame}`;
    }
    case HYPERVISOR.grant_table_op:
      return cmd === 8
        ? `grant_table_op set_version ${low(a)}`
        : `grant_table_op ${cmd} domid 0x${(low(a) & 0xffff).toString(16)}`;
    case HYPERVISOR.event_channel_op:
      if (cmd === EVTCHNOP.init_control) return `init_control offset ${low(b)} vcpu ${high(b)}`;
      if (cmd === EVTCHNOP.expand_array) return 'expand_array';
      if (cmd === EVTCHNOP.bind_vcpu) return `bind_vcpu port ${low(a)} vcpu ${high(a)}`;
      return `event_channel_op ${cmd} port ${low(a)}`;
    case HYPERVISOR.vcpu_op:
      return cmd === VCPUOP.register_vcpu_info
        ? `register_vcpu_info offset 0x${low(b).toString(16)}`
        : `vcpu_op ${cmd} by vcpu ${vcpu}`;
    case HYPERVISOR.sched_op:
      return `sched_op ${cmd} reason ${low(a)}`;
    default:
      return `hypercall ${number} ${cmd}`;
  }
}

/** g3.guest-hypercalls.txt, without the sends that console and xenstore traffic makes. */
export function goldenGuestCalls(): { hypercalls: GuestCall[]; smccc: { function: number; arg: number }[] } {
  const hypercalls: GuestCall[] = [];
  const smccc: { function: number; arg: number }[] = [];
  for (const line of goldenText('g3.guest-hypercalls.txt').split('\n')) {
    const call = /^vcpu(\d+) hypercall (\d+) \w+ cmd=(\w+) arg0_words=(\S+) ret=0$/.exec(line);
    const firmware = /^vcpu\d+ smccc (0x\w+) a1=(\w+)$/.exec(line);
    if (call !== null) {
      const words = call[4]!.split(',').map((word) => BigInt(`0x${word}`));
      hypercalls.push({ vcpu: Number(call[1]), number: Number(call[2]), cmd: Number(call[3]), words });
    } else if (firmware !== null) smccc.push({ function: Number(firmware[1]), arg: Number(firmware[2]) });
    else if (line !== '' && !/^ +\(event_channel_op 4 send x \d+\)$/.test(line))
      throw new Error(`not a guest's call: ${line}`);
  }
  return { hypercalls, smccc };
}
