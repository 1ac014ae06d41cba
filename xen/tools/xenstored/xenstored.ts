/**
 * xenstored as a modelled service of Dom0: the ring and event-channel ABI towards domains is exact, every request gets
 * a reply, and an answer comes after the table's latency (boards/timing.ts xenstore.answer).
 */
import type { Domain } from '../../common/domain.js';
import type { Xen, XenService } from '../../common/xen.js';
import { Store, XenstoreError, type Permission } from './store.js';
import { HEADER_BYTES, PAYLOAD_MAX, XS, XS_NAMES, XsRing, encodeMessage, type XsMessage } from './wire.js';

const QUOTA_WATCHES = 128;
/** Replies and watch events that wait for ring space: beyond this the domain is disconnected. */
const OUT_MAX = 1 << 20;

const text = new TextEncoder();
const decoder = new TextDecoder('latin1');
const empty = new Uint8Array(0);

interface Watch {
  readonly path: string;
  readonly token: string;
  readonly relative: boolean;
}

interface Connection {
  readonly domid: number;
  readonly port: number;
  readonly ring: XsRing;
  readonly watches: Watch[];
  input: Uint8Array;
  output: Uint8Array;
  dead: boolean;
}

/** A modelled client in Dom0 or the driver domain: called at the event, with the path that changed. */
export interface LocalWatcher {
  onWatch(path: string, token: string): void;
}

interface LocalWatch extends Watch {
  readonly domid: number;
  readonly client: string;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/** The NUL-terminated strings of a body; what is not terminated is no string. */
function strings(body: Uint8Array): string[] {
  if (body.length === 0 || body[body.length - 1] !== 0) throw new XenstoreError('EINVAL');
  return decoder.decode(body.subarray(0, -1)).split('\0');
}

/** The one string that a request consists of. */
function only(body: Uint8Array): string {
  const [first, ...more] = strings(body);
  if (first === undefined || more.length > 0) throw new XenstoreError('EINVAL');
  return first;
}

function perms(list: readonly Permission[]): Uint8Array {
  return text.encode(list.map((p) => `${p.access}${p.domid}\0`).join(''));
}

function domidOf(word: string): number {
  if (!/^\d{1,5}$/.test(word)) throw new XenstoreError('EINVAL');
  return Number(word);
}

function parsePerms(words: readonly string[]): Permission[] {
  return words.map((word) => {
    const match = /^([nrwb])(\d+)$/.exec(word);
    if (match === null) throw new XenstoreError('EINVAL');
    return { access: match[1] as Permission['access'], domid: Number(match[2]) };
  });
}

export class Xenstored implements XenService {
  readonly latency = 'xenstore.answer';
  readonly store: Store;
  readonly #byPort = new Map<number, Connection>();
  readonly #local: LocalWatch[] = [];
  readonly #clients = new Map<string, LocalWatcher>();
  /** Every operation of guests, for comparison with the real stack; bounded. */
  readonly log: string[] = [];

  constructor(
    private readonly xen: Xen,
    private readonly dom0: Domain,
  ) {
    this.store = new Store((path, removed, before) => this.#fire(path, removed, before));
  }

  // ---- connections ----

  /** XS_INTRODUCE by the toolstack: the ring page (SoC address) and the guest's port. */
  introduce(domid: number, page: number, remotePort: number): void {
    const port = this.xen.evtchn.bindInterdomain(this.dom0, domid, remotePort, 'xenstored');
    if (port < 0) throw new Error(`xenstored: bind to domain ${domid} port ${remotePort} failed (${port})`);
    const ring = new XsRing(this.xen.memory, page);
    this.#byPort.set(port, { domid, port, ring, watches: [], input: empty, output: empty, dead: false });
    this.#fire('@introduceDomain');
  }

  /** XS_RELEASE: the domain is gone. */
  release(domid: number): void {
    for (const [port, c] of [...this.#byPort]) {
      if (c.domid !== domid) continue;
      this.xen.evtchn.close(this.dom0, port);
      this.#byPort.delete(port);
    }
    this.store.release(domid);
    this.#fire('@releaseDomain');
  }

  onEvent(port: number): void {
    const c = this.#byPort.get(port);
    if (c === undefined || c.dead) return;
    const waiting = c.output.length;
    let moved = false;
    // At most one ring's worth an event; the guest notifies again when it adds more.
    for (let room = 4; room > 0; room--) {
      const bytes = c.ring.take(PAYLOAD_MAX + HEADER_BYTES);
      if (bytes === undefined) return this.#disconnect(c, 'ring indices out of range');
      if (bytes.length === 0) break;
      moved = true;
      c.input = concat(c.input, bytes);
      if (!this.#consume(c)) return;
    }
    this.#flush(c);
    // A ring that did not move is not notified: the event that a bind sends would else reach the guest before it boots.
    if (moved || c.output.length !== waiting) this.xen.evtchn.send(this.dom0, c.port);
  }

  #disconnect(c: Connection, why: string): void {
    if (c.dead) return;
    c.dead = true;
    c.input = empty;
    c.output = empty;
    this.xen.errors.report('xenstore-protocol', `d${c.domid}`, why);
  }

  #consume(c: Connection): boolean {
    while (c.input.length >= HEADER_BYTES) {
      const view = new DataView(c.input.buffer, c.input.byteOffset, HEADER_BYTES);
      const length = view.getUint32(12, true);
      if (length > PAYLOAD_MAX) {
        this.#disconnect(c, `message of ${length} bytes`);
        return false;
      }
      if (c.input.length < HEADER_BYTES + length) return true;
      const body = c.input.slice(HEADER_BYTES, HEADER_BYTES + length);
      const message = {
        type: view.getUint32(0, true),
        reqId: view.getUint32(4, true),
        txId: view.getUint32(8, true),
        body,
      };
      c.input = c.input.slice(HEADER_BYTES + length);
      this.#request(c, message);
      if (c.dead) return false;
    }
    return true;
  }

  #request(c: Connection, m: XsMessage): void {
    let type = m.type;
    let body: Uint8Array;
    try {
      body = this.#handle(c, m);
      if (body.length > PAYLOAD_MAX) throw new XenstoreError('E2BIG');
    } catch (error) {
      if (!(error instanceof XenstoreError)) throw error;
      type = XS.ERROR;
      body = text.encode(error.code + '\0');
    }
    this.#note(c.domid, m, type === XS.ERROR ? decoder.decode(body.subarray(0, -1)) : 'ok');
    this.#queue(c, { type, reqId: m.reqId, txId: m.txId, body });
    // A new watch fires once at registration, after the reply.
    if (m.type === XS.WATCH && type === XS.WATCH) {
      const watch = c.watches.at(-1)!;
      this.#event(c, watch, watch.path);
    }
  }

  #note(domid: number, m: XsMessage, result: string): void {
    if (this.log.length >= 10_000) return;
    const first = decoder.decode(m.body).split('\0')[0] ?? '';
    this.log.push(`d${domid} ${XS_NAMES[m.type] ?? m.type} ${first} ${result}`);
  }

  #queue(c: Connection, m: XsMessage): void {
    if (c.dead) return;
    c.output = concat(c.output, encodeMessage(m));
    this.#flush(c);
    if (c.output.length > OUT_MAX) this.#disconnect(c, 'replies not read');
  }

  #flush(c: Connection): void {
    if (c.dead) return;
    const sent = c.ring.put(c.output);
    if (sent === undefined) this.#disconnect(c, 'ring indices out of range');
    else c.output = c.output.slice(sent);
  }

  #handle(c: Connection, m: XsMessage): Uint8Array {
    const { store } = this;
    const id = c.domid;
    const ok = text.encode('OK\0');
    switch (m.type) {
      case XS.DIRECTORY:
        return text.encode(
          store
            .directory(id, only(m.body), m.txId)
            .map((name) => name + '\0')
            .join(''),
        );
      case XS.READ:
        return store.read(id, only(m.body), m.txId);
      case XS.WRITE: {
        const nul = m.body.indexOf(0);
        if (nul < 0) throw new XenstoreError('EINVAL');
        // The value is not terminated.
        store.write(id, decoder.decode(m.body.subarray(0, nul)), m.body.slice(nul + 1), m.txId);
        return ok;
      }
      case XS.MKDIR:
        store.mkdir(id, only(m.body), m.txId);
        return ok;
      case XS.RM:
        store.rm(id, only(m.body), m.txId);
        return ok;
      case XS.GET_PERMS:
        return perms(store.getPerms(id, only(m.body), m.txId));
      case XS.SET_PERMS: {
        const [path, ...list] = strings(m.body);
        store.setPerms(id, path!, parsePerms(list), m.txId);
        return ok;
      }
      case XS.TRANSACTION_START:
        return text.encode(`${store.transactionStart(id)}\0`);
      case XS.TRANSACTION_END: {
        const commit = only(m.body);
        if (commit !== 'T' && commit !== 'F') throw new XenstoreError('EINVAL');
        store.transactionEnd(id, m.txId, commit === 'T');
        return ok;
      }
      case XS.WATCH: {
        const [path, token, ...more] = strings(m.body);
        if (token === undefined || more.length > 0) throw new XenstoreError('EINVAL');
        this.#watch(c, path!, token);
        return ok;
      }
      case XS.UNWATCH: {
        const [path, token] = strings(m.body);
        const absolute = this.#absolute(id, path!);
        const at = c.watches.findIndex((w) => w.path === absolute && w.token === token);
        if (at < 0) throw new XenstoreError('ENOENT');
        c.watches.splice(at, 1);
        return ok;
      }
      case XS.RESET_WATCHES:
        c.watches.length = 0;
        return ok;
      case XS.GET_DOMAIN_PATH:
        return text.encode(`/local/domain/${domidOf(only(m.body))}\0`);
      case XS.IS_DOMAIN_INTRODUCED: {
        const asked = domidOf(only(m.body));
        return text.encode(
          asked === 0 || [...this.#byPort.values()].some((each) => each.domid === asked) ? 'T\0' : 'F\0',
        );
      }
      case XS.CONTROL:
      case XS.INTRODUCE:
      case XS.RELEASE:
      case XS.RESUME:
      case XS.SET_TARGET:
        throw new XenstoreError('EACCES');
      default:
        throw new XenstoreError('ENOSYS');
    }
  }

  // ---- watches ----

  #absolute(domid: number, path: string): string {
    return path.startsWith('@') ? path : this.store.canonical(domid, path);
  }

  #watch(c: Connection, path: string, token: string): void {
    const at = this.#absolute(c.domid, path);
    if (c.watches.some((w) => w.path === at && w.token === token)) throw new XenstoreError('EEXIST');
    if (c.watches.length >= QUOTA_WATCHES) throw new XenstoreError('E2BIG');
    c.watches.push({ path: at, token, relative: !path.startsWith('/') && !path.startsWith('@') });
  }

  #event(c: Connection, watch: Watch, path: string): void {
    const home = `/local/domain/${c.domid}/`;
    const shown = watch.relative && path.startsWith(home) ? path.slice(home.length) : path;
    this.#queue(c, { type: XS.WATCH_EVENT, reqId: 0, txId: 0, body: text.encode(`${shown}\0${watch.token}\0`) });
    this.xen.evtchn.send(this.dom0, c.port);
  }

  /** A change fires watches on the path and above it; a removal also those of nodes that went with it. */
  #fire(path: string, removed?: ReadonlyMap<string, readonly Permission[]>, before?: readonly Permission[]): void {
    /** What a watcher is told, undefined for nothing. */
    const shown = (w: Watch, domid: number): string | undefined => {
      const below = path !== w.path && removed?.has(w.path) === true;
      if (!below && path !== w.path && w.path !== '/' && !path.startsWith(w.path + '/')) return undefined;
      const what = below ? w.path : path;
      return this.store.mayKnow(domid, what, removed?.get(what) ?? before) ? what : undefined;
    };
    for (const c of this.#byPort.values()) {
      for (const w of c.dead ? [] : [...c.watches]) {
        const what = shown(w, c.domid);
        if (what !== undefined) this.#event(c, w, what);
      }
    }
    for (const w of [...this.#local]) {
      const what = shown(w, w.domid);
      if (what !== undefined) this.#clients.get(w.client)?.onWatch(path, w.token);
    }
  }

  // ---- modelled clients ----

  /** Registers a modelled client's receiver; the name is what a snapshot stores. */
  attachClient(client: string, receiver: LocalWatcher): void {
    this.#clients.set(client, receiver);
  }

  /** WATCH by a modelled client; fires once at registration. */
  watchLocal(client: string, domid: number, path: string, token: string): void {
    this.#local.push({ client, domid, path: this.#absolute(domid, path), token, relative: false });
    this.#clients.get(client)?.onWatch(path, token);
  }

  unwatchLocal(client: string, path: string, token: string): void {
    const at = this.#local.findIndex((w) => w.client === client && w.path === path && w.token === token);
    if (at >= 0) this.#local.splice(at, 1);
  }

  /** The client has closed its connection: its watches go. */
  dropLocal(client: string): void {
    for (let at = this.#local.length - 1; at >= 0; at--)
      if (this.#local[at]!.client === client) this.#local.splice(at, 1);
  }

  /** What it holds at present: nodes, open transactions, connected domains, watches of domains and of modelled clients. */
  census(): { nodes: number; transactions: number; connections: number; watches: number } {
    const connections = [...this.#byPort.values()];
    const watches = connections.reduce((sum, c) => sum + c.watches.length, this.#local.length);
    return { ...this.store.census(), connections: connections.length, watches };
  }

  save(): unknown {
    return {
      store: this.store.save(),
      connections: [...this.#byPort.values()].map((c) => ({
        domid: c.domid,
        port: c.port,
        page: c.ring.page,
        watches: c.watches,
        input: [...c.input],
        output: [...c.output],
        dead: c.dead,
      })),
      local: this.#local,
    };
  }

  load(state: unknown): void {
    type Saved = {
      domid: number;
      port: number;
      page: number;
      watches: Watch[];
      input: number[];
      output: number[];
      dead: boolean;
    };
    const s = state as { store: unknown; connections: Saved[]; local: LocalWatch[] };
    this.store.load(s.store);
    this.#byPort.clear();
    for (const c of s.connections) {
      this.#byPort.set(c.port, {
        domid: c.domid,
        port: c.port,
        ring: new XsRing(this.xen.memory, c.page),
        watches: [...c.watches],
        input: Uint8Array.from(c.input),
        output: Uint8Array.from(c.output),
        dead: c.dead,
      });
    }
    this.#local.splice(0, this.#local.length, ...s.local);
  }
}
