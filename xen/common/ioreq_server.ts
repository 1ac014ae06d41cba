/** The state of IOREQ servers (xen: struct ioreq_server, struct ioreq_vcpu); what is done with it is in ioreq.ts. */
import { IOREQ, MAX_NR_IOREQ_SERVERS, MAX_NR_IO_RANGES, NR_IO_RANGE_TYPES } from '../public/ioreq.js';
import { RangeSet } from './rangeset.js';

/** A vCPU's end of one server (xen: struct ioreq_vcpu). */
export interface IoreqVcpu {
  readonly vcpu: number;
  readonly port: number;
  pending: boolean;
  /** The slot state last seen by the wait, to notice a step backwards. */
  seen: number;
}

/** One server (xen: struct ioreq_server). Pages are SoC addresses of frames that the target domain owns. */
export class IoreqServer {
  enabled = false;
  /** Xen-consumed port of the buffered ring, when it has one. */
  bufioreqPort: number | undefined;
  ioreqPage: number | undefined;
  bufioreqPage: number | undefined;
  readonly ranges = Array.from({ length: NR_IO_RANGE_TYPES }, () => new RangeSet(MAX_NR_IO_RANGES));
  vcpus: IoreqVcpu[] = [];

  constructor(
    readonly id: number,
    readonly emulator: number,
    readonly bufioreq: number,
  ) {}

  /** Address of a vCPU's slot. */
  slot(vcpu: number): number | undefined {
    return this.ioreqPage === undefined ? undefined : this.ioreqPage + vcpu * IOREQ.bytes;
  }
}

/** A domain's eight server slots. */
export class IoreqState {
  readonly servers = new Array<IoreqServer | undefined>(MAX_NR_IOREQ_SERVERS).fill(undefined);

  save(): unknown {
    return this.servers.map((s) =>
      s === undefined
        ? null
        : {
            id: s.id,
            emulator: s.emulator,
            bufioreq: s.bufioreq,
            enabled: s.enabled,
            bufioreqPort: s.bufioreqPort ?? null,
            ioreqPage: s.ioreqPage ?? null,
            bufioreqPage: s.bufioreqPage ?? null,
            ranges: s.ranges.map((r) => r.save()),
            vcpus: s.vcpus.map((v) => ({ ...v })),
          },
    );
  }

  load(state: unknown): void {
    (state as (Record<string, never> | null)[]).forEach((saved, i) => {
      if (saved === null) {
        this.servers[i] = undefined;
        return;
      }
      const server = new IoreqServer(saved['id']!, saved['emulator']!, saved['bufioreq']!);
      server.enabled = saved['enabled']!;
      server.bufioreqPort = saved['bufioreqPort'] ?? undefined;
      server.ioreqPage = saved['ioreqPage'] ?? undefined;
      server.bufioreqPage = saved['bufioreqPage'] ?? undefined;
      (saved['ranges']! as unknown[]).forEach((r, k) => server.ranges[k]!.load(r));
      server.vcpus = (saved['vcpus']! as IoreqVcpu[]).map((v) => ({ ...v }));
      this.servers[i] = server;
    });
  }
}
