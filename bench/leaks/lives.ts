/**
 * Lives of guests one after the other in one simulation, and what each leaves behind: a row of counts, taken when the old
 * domain is gone and the next one is not there yet. `npm run leaks` prints them; a system test compares them.
 */
import { existsSync, readdirSync } from 'node:fs';
import { configure, createXenSimulation, rcarH3, type GuestConfig, type XenSimulation } from '../../index.js';

/** How a life ends: by itself; by `xl destroy` at some moment; the same after SIGKILL for its backends. */
export type End = 'reboot' | 'destroy' | 'kill';

/** Everything that a life could leave behind. */
export interface Row {
  /** Id of the domain whose life it was. */
  readonly domid: number;
  /** Domains that exist, zombies too. */
  readonly domains: number;
  /** IOREQ servers of all domains. */
  readonly servers: number;
  /** Event channels in use, of all domains. */
  readonly ports: number;
  /** Free pages of Xen's heap. */
  readonly freePages: number;
  /** Stage-2 tables of all domains. */
  readonly tables: number;
  /** Grant mappings held. */
  readonly grants: number;
  /** Foreign pages mapped by the domains with backends. */
  readonly foreign: number;
  /** In xenstore: nodes, watches, connections and open transactions. */
  readonly nodes: number;
  readonly watches: number;
  readonly connections: number;
  /** Timers of Xen and events of the machine that wait. */
  readonly timers: number;
  /** Requests of the ledger that are open. */
  readonly requests: number;
  /** Files that the host process has open; 0 where that cannot be told. */
  readonly handles: number;
  /** Resident bytes of the host process after a garbage collection, if there is one to call; not simulated. */
  readonly rss: number;
}

/** Open files of this process (Linux). */
export function openHandles(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0;
}

function residentBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage.rss();
}

function rowOf({ xen, xenstored, machine, memory }: XenSimulation, domid: number): Row {
  const domains = [...xen.domains.values()];
  const sum = (of: (d: (typeof domains)[number]) => number): number => domains.reduce((n, d) => n + of(d), 0);
  const { queues } = xen.timers.save() as { queues: unknown[][] };
  const { events } = machine.scheduler.save().queue;
  const { nodes, watches, connections, transactions } = xenstored.census();
  return {
    domid,
    domains: domains.length,
    servers: sum((d) => d.ioreq.servers.filter((s) => s !== undefined).length),
    ports: sum((d) => d.evtchn.channels.filter(({ state }) => state !== 'free' && state !== 'reserved').length),
    freePages: xen.heap.freePages,
    tables: sum((d) => d.p2m.tables),
    grants: sum((d) => d.grants.maptrack.size),
    foreign: memory().reduce((n, { mapped }) => n + mapped, 0),
    nodes,
    watches,
    connections: connections + transactions,
    timers: queues.flat().length + events.length,
    requests: machine.ledger.inFlight,
    handles: openHandles(),
    rss: residentBytes(),
  };
}

export interface Lives {
  readonly rows: readonly Row[];
  /** Why it ended early, if it did. */
  readonly failure: string | undefined;
}

export interface LivesOptions {
  /** Its reboots must be enough for 'reboot'; for the others it should be busy for 30 ms at least. */
  readonly guest: GuestConfig;
  readonly settings?: readonly string[];
  readonly count: number;
  readonly end: End;
  /** Simulated ms that the guest runs before the first moment at which it is destroyed. */
  readonly busyAfter?: number;
  readonly onRow?: (row: Row) => void;
}

/** Longest simulated time of one life. */
const LIFE_SECONDS = 60;

export function lives(options: LivesOptions): Lives {
  const { guest, count, end } = options;
  const simulation = createXenSimulation({
    configuration: configure(rcarH3(), options.settings ?? []),
    guests: [{ ...guest, onReboot: 'restart' }],
  });
  const { machine, toolstack } = simulation;
  const ticks = (us: number): bigint => (BigInt(us) * BigInt(machine.board.tickHz)) / 1_000_000n;
  const phase = (): string | undefined => toolstack.phaseOf(guest.name);
  const until = (done: () => boolean, stepUs: number): boolean => {
    const limit = machine.time + ticks(LIFE_SECONDS * 1_000_000);
    while (!done()) {
      if (machine.outcome !== undefined || machine.time >= limit) return false;
      if (machine.run(undefined, machine.time + ticks(stepUs)) === 'waiting') return done();
    }
    return true;
  };
  const rows: Row[] = [];
  let failure: string | undefined;
  try {
    while (rows.length < count && failure === undefined) {
      if (!until(() => phase() === 'running', 5_000)) failure = `life ${rows.length}: does not start`;
      const domid = toolstack.domids()[0]!;
      if (end !== 'reboot') {
        // Another moment each time: between requests, in the middle of one, while the backend maps pages.
        const moment = machine.time + ticks((options.busyAfter ?? 0) * 1000 + ((rows.length * 3137) % 25_000));
        while (machine.time < moment && machine.outcome === undefined) machine.run(undefined, moment);
        if (end === 'kill') for (const process of simulation.backends.values()) process.kill();
        if (!toolstack.destroy(guest.name, true)) failure = `life ${rows.length}: cannot be destroyed`;
      }
      if (!until(() => phase() === 'restarting', 20_000)) failure = `life ${rows.length}: does not end`;
      if (end === 'kill') for (const process of new Set(simulation.backends.values())) process.restart();
      const row = rowOf(simulation, domid);
      rows.push(row);
      options.onRow?.(row);
    }
    failure &&= `${failure} (${phase()}${machine.outcome === undefined ? '' : `, ${machine.outcome.name} ${machine.outcome.detail}`})`;
  } finally {
    simulation.close();
  }
  return { rows, failure };
}

/** The columns in which a later life differs from the one with index `settled`; the host's memory is judged elsewhere. */
export function leaks(rows: readonly Row[], settled = 2): string[] {
  const base = rows[settled];
  if (base === undefined) return [`${rows.length} lives are too few`];
  const columns = (Object.keys(base) as (keyof Row)[]).filter((name) => name !== 'domid' && name !== 'rss');
  return columns.flatMap((name) => {
    const at = rows.findIndex((row, i) => i > settled && row[name] !== base[name]);
    return at < 0 ? [] : [`${name}: ${base[name]} after life ${settled + 1}, ${rows[at]![name]} after life ${at + 1}`];
  });
}
