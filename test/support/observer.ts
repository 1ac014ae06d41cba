/** What a run's trace and hypercalls say, kept as data while it runs: only what the real stack's records can be compared with. */
import { RECORD_WORDS, TraceKind } from '../../sim/trace/record.js';
import { TraceDecoder } from '../../sim/trace/writer.js';
import type { XenSimulation } from '../../xen-simulation.js';
import { copyFromGuest } from '../../xen/arch/arm/guestcopy.js';
import { BLOCKED } from '../../xen/common/domain.js';
import { HYPERVISOR } from '../../xen/public/xen.js';

export interface SeenIoreq {
  readonly kind: 'ioreq';
  readonly domid: number;
  readonly vcpu: number;
  readonly state: number;
  readonly read: boolean;
  readonly type: number;
  readonly size: number;
  readonly count: number;
  readonly addr: number;
  readonly data: number;
}

export interface SeenHypercall {
  readonly kind: 'hypercall';
  readonly domid: number;
  readonly vcpu: number;
  readonly number: number;
  /** The command (of dm_op: the op) and the first 32 bytes of the struct that the argument points to. */
  readonly cmd: number;
  readonly words: DataView;
  readonly args: readonly bigint[];
  /** In two's complement; undefined if the call blocked (it is made again) or has not returned. */
  result: bigint | undefined;
}

export interface SeenFirmware {
  readonly kind: 'smccc';
  readonly function: number;
  readonly arg: number;
}

export interface SeenInterrupt {
  readonly kind: 'inject';
  readonly domid: number;
  readonly intid: number;
}

export type Seen = SeenIoreq | SeenHypercall | SeenFirmware | SeenInterrupt;

const KINDS: ReadonlySet<number> = new Set([
  TraceKind.Ioreq,
  TraceKind.Firmware,
  TraceKind.Interrupt,
  TraceKind.Name,
  TraceKind.Text,
]);

function view(raw: Uint8Array | undefined): DataView {
  const bytes = new Uint8Array(32);
  bytes.set(raw ?? []);
  return new DataView(bytes.buffer);
}

/** Collects from now on, in the order of the events; call `seen` when the run is over. */
export class Observer {
  readonly #seen: Seen[] = [];
  readonly #sim: XenSimulation;

  constructor(sim: XenSimulation) {
    this.#sim = sim;
    const decoder = new TraceDecoder();
    sim.machine.trace.attach((words) => {
      for (let at = 0; at < words.length; at += RECORD_WORDS) {
        const kind = words[at]! & 0xff;
        if (!KINDS.has(kind)) continue;
        const record = decoder.decode(words, at);
        if (record !== undefined) this.#record(kind, record.fields);
      }
    });
    this.#wrap();
  }

  /** Everything so far, in order. */
  seen(): readonly Seen[] {
    this.#sim.machine.trace.flush();
    return this.#seen;
  }

  of<K extends Seen['kind']>(kind: K): Extract<Seen, { kind: K }>[] {
    return this.seen().filter((s): s is Extract<Seen, { kind: K }> => s.kind === kind);
  }

  #record(kind: number, fields: Readonly<Record<string, number | string>>): void {
    const n = (name: string): number => Number(fields[name]);
    const domid = n('vcpu') >>> 16;
    const vcpu = n('vcpu') & 0xffff;
    if (kind === TraceKind.Ioreq) {
      const access = n('access');
      this.#seen.push({
        kind: 'ioreq',
        domid,
        vcpu,
        state: access & 0xf,
        read: ((access >>> 4) & 1) === 1,
        type: (access >>> 8) & 0xff,
        size: (access >>> 16) & 0xff,
        count: access >>> 24,
        addr: n('addr'),
        data: n('data'),
      });
    } else if (kind === TraceKind.Firmware) this.#seen.push({ kind: 'smccc', function: n('function'), arg: n('arg1') });
    else if (kind === TraceKind.Interrupt && fields['level'] === 'inject')
      this.#seen.push({ kind: 'inject', domid, intid: n('intid') });
  }

  /** Hypercalls with what their arguments point to, which the trace does not hold. */
  #wrap(): void {
    const { xen } = this.#sim;
    for (const [key, handler] of Object.entries(xen.hypercalls)) {
      const number = Number(key);
      xen.hypercalls[number] = (x) => {
        let at = x.arg(number === HYPERVISOR.vcpu_op ? 2 : 1);
        // dm_op(domid, nr_bufs, bufs): the first buffer's handle is at the start of bufs.
        if (number === HYPERVISOR.dm_op) at = view(copyFromGuest(xen, x.vcpu, x.arg(2), 8)).getBigUint64(0, true);
        const words = view(copyFromGuest(xen, x.vcpu, at, 32) ?? copyFromGuest(xen, x.vcpu, at, 8));
        const cmd = number === HYPERVISOR.dm_op ? words.getUint32(0, true) : Number(x.arg(0) & 0xffff_ffffn);
        const args = [0, 1, 2, 3].map((i) => x.arg(i));
        // Records come in blocks; what was recorded before this call goes before it.
        this.#sim.machine.trace.flush();
        const call: SeenHypercall = {
          kind: 'hypercall',
          domid: x.vcpu.domain.id,
          vcpu: x.vcpu.id,
          number,
          cmd,
          words,
          args,
          result: undefined,
        };
        this.#seen.push(call);
        const result = handler(x);
        if (result !== BLOCKED) call.result = result;
        return result;
      };
    }
  }
}
