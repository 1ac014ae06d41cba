/** The xenstore tree: nodes, permissions, transactions (xen: tools/xenstored, docs/misc/xenstore.txt). Errors are names such as ENOENT. */
export type XsError =
  | 'EINVAL'
  | 'EACCES'
  | 'EEXIST'
  | 'EISDIR'
  | 'ENOENT'
  | 'ENOMEM'
  | 'ENOSPC'
  | 'EIO'
  | 'ENOTEMPTY'
  | 'ENOSYS'
  | 'EROFS'
  | 'EBUSY'
  | 'EAGAIN'
  | 'EISCONN'
  | 'E2BIG'
  | 'EPERM';

/** An error as the protocol knows it; never leaves xen/tools. */
export class XenstoreError extends Error {
  constructor(readonly code: XsError) {
    super(code);
  }
}

/** 'n' none, 'r' read, 'w' write, 'b' both; the first entry of a list is the owner and its default for others. */
export interface Permission {
  readonly access: 'n' | 'r' | 'w' | 'b';
  readonly domid: number;
}

interface Node {
  value: Uint8Array;
  perms: readonly Permission[];
  generation: number;
}

/** Quotas of the C xenstored. Dom0 has none. */
const QUOTA_NODES = 1000;
const QUOTA_NODE_BYTES = 2048;
const QUOTA_TRANSACTIONS = 10;
const QUOTA_PERMS = 5;
/** XENSTORE_ABS_PATH_MAX, XENSTORE_REL_PATH_MAX. */
const PATH_MAX = 3072;
const RELATIVE_MAX = 2048;
/** "Generation" of a node that is not there. */
const ABSENT = -1;

interface Transaction {
  readonly domid: number;
  readonly nodes: Map<string, Node>;
  /** Generation of each node that was looked at or changed, as the transaction found it. */
  readonly before: Map<string, number>;
  readonly changed: Set<string>;
}

/** Notes what a transaction depends on, before it changes it. */
function touch(t: Transaction | undefined, path: string): void {
  if (t !== undefined && !t.before.has(path)) t.before.set(path, t.nodes.get(path)?.generation ?? ABSENT);
}

const text = new TextEncoder();
const decoder = new TextDecoder();

/** Parent of an absolute path, '/' for a top node. */
function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/**
 * What fires watches: the path that changed, and for a removal the nodes that went, the path first. Permissions are those
 * from before, which a watcher may have had.
 */
export type ChangeListener = (
  path: string,
  removed: ReadonlyMap<string, readonly Permission[]> | undefined,
  before?: readonly Permission[],
) => void;

export class Store {
  #nodes = new Map<string, Node>();
  #generation = 1;
  readonly #transactions = new Map<number, Transaction>();
  #nextTransaction = 1;

  constructor(private readonly onChange: ChangeListener) {
    const perms: Permission[] = [{ access: 'n', domid: 0 }];
    for (const path of ['/', '/tool', '/tool/xenstored', '/local', '/local/domain', '/vm', '/libxl']) {
      this.#nodes.set(path, { value: new Uint8Array(0), perms, generation: 0 });
    }
  }

  /** Checks syntax and makes the path absolute, relative to the caller's home. */
  canonical(domid: number, path: string): string {
    const full = path.startsWith('/') || path.startsWith('@') ? path : `/local/domain/${domid}/${path}`;
    if (full.length > PATH_MAX || (full !== path && path.length > RELATIVE_MAX) || !/^[-/_@A-Za-z0-9]+$/.test(full))
      throw new XenstoreError('EINVAL');
    if (full !== '/' && (full.endsWith('/') || full.includes('//'))) throw new XenstoreError('EINVAL');
    return full;
  }

  #view(domid: number, tx: number): { nodes: Map<string, Node>; t: Transaction | undefined } {
    if (tx === 0) return { nodes: this.#nodes, t: undefined };
    const t = this.#transactions.get(tx);
    if (t === undefined || t.domid !== domid) throw new XenstoreError('ENOENT');
    return { nodes: t.nodes, t };
  }

  static #grants(perms: readonly Permission[], domid: number, want: 'r' | 'w'): boolean {
    if (domid === 0 || perms[0]!.domid === domid) return true;
    const entry = perms.slice(1).find((p) => p.domid === domid) ?? perms[0]!;
    return entry.access === 'b' || entry.access === want;
  }

  static #allowed(node: Node, domid: number, want: 'r' | 'w'): boolean {
    return Store.#grants(node.perms, domid, want);
  }

  /** Whether a watcher may learn of a change: it can read the node, could before, or can read the parent. */
  mayKnow(domid: number, path: string, before?: readonly Permission[]): boolean {
    if (domid === 0) return true;
    if (path.startsWith('@')) return false;
    if (before !== undefined && Store.#grants(before, domid, 'r')) return true;
    return [path, parentOf(path)].some((at) => {
      const node = this.#nodes.get(at);
      return node !== undefined && Store.#allowed(node, domid, 'r');
    });
  }

  #get(domid: number, path: string, tx: number, want: 'r' | 'w'): Node {
    const { nodes, t } = this.#view(domid, tx);
    touch(t, path);
    const node = nodes.get(path);
    if (node === undefined) throw new XenstoreError(this.#absent(nodes, domid, path, want));
    if (!Store.#allowed(node, domid, want)) throw new XenstoreError('EACCES');
    return node;
  }

  /** Whether a hidden node exists is not told either: the nearest ancestor decides. */
  #absent(nodes: Map<string, Node>, domid: number, path: string, want: 'r' | 'w'): XsError {
    let up = parentOf(path);
    while (!nodes.has(up)) up = parentOf(up);
    return Store.#allowed(nodes.get(up)!, domid, want) ? 'ENOENT' : 'EACCES';
  }

  #put(domid: number, path: string, tx: number, node: Omit<Node, 'generation'>, before?: readonly Permission[]): void {
    const { nodes, t } = this.#view(domid, tx);
    touch(t, path);
    if (t === undefined) {
      this.#commit(path, node);
      this.onChange(path, undefined, before);
      return;
    }
    nodes.set(path, { ...node, generation: this.#generation });
    t.changed.add(path);
  }

  /** A node's coming or going changes its parent as well: its list of children. */
  #commit(path: string, node: Omit<Node, 'generation'> | undefined): void {
    const generation = ++this.#generation;
    const listed = this.#nodes.has(path);
    if (node === undefined) this.#nodes.delete(path);
    else this.#nodes.set(path, { ...node, generation });
    const up = parentOf(path);
    const parent = this.#nodes.get(up);
    if (listed !== (node !== undefined) && parent !== undefined) this.#nodes.set(up, { ...parent, generation });
  }

  read(domid: number, path: string, tx = 0): Uint8Array {
    return this.#get(domid, this.canonical(domid, path), tx, 'r').value;
  }

  /** Text of a node for the toolstack and for modelled clients, undefined if it is not readable. */
  readText(domid: number, path: string): string | undefined {
    try {
      return decoder.decode(this.read(domid, path));
    } catch (error) {
      if (error instanceof XenstoreError) return undefined;
      throw error;
    }
  }

  /** Child names in creation order. */
  directory(domid: number, path: string, tx = 0): string[] {
    const at = this.canonical(domid, path);
    this.#get(domid, at, tx, 'r');
    const prefix = at === '/' ? '/' : at + '/';
    const names: string[] = [];
    for (const key of this.#view(domid, tx).nodes.keys()) {
      if (key !== '/' && key.startsWith(prefix) && !key.slice(prefix.length).includes('/'))
        names.push(key.slice(prefix.length));
    }
    return names;
  }

  exists(path: string): boolean {
    return this.#nodes.has(path);
  }

  /** Creates missing parents; they inherit permissions, the owner being the creating domain. */
  write(domid: number, path: string, value: Uint8Array | string, tx = 0): void {
    const at = this.canonical(domid, path);
    const bytes = typeof value === 'string' ? text.encode(value) : value;
    if (domid !== 0 && bytes.length + at.length > QUOTA_NODE_BYTES) throw new XenstoreError('ENOSPC');
    const { nodes } = this.#view(domid, tx);
    const node = nodes.get(at);
    if (node !== undefined) {
      if (!Store.#allowed(node, domid, 'w')) throw new XenstoreError('EACCES');
      this.#put(domid, at, tx, { value: bytes, perms: node.perms });
      return;
    }
    this.#create(domid, at, bytes, tx);
  }

  #create(domid: number, path: string, value: Uint8Array, tx: number): void {
    const { nodes, t } = this.#view(domid, tx);
    const up = parentOf(path);
    touch(t, up);
    if (!nodes.has(up)) this.#create(domid, up, new Uint8Array(0), tx);
    const parent = nodes.get(up)!;
    if (!Store.#allowed(parent, domid, 'w')) throw new XenstoreError('EACCES');
    if (domid !== 0 && this.#owned(nodes, domid) >= QUOTA_NODES) throw new XenstoreError('ENOSPC');
    const perms = domid === 0 ? parent.perms : [{ access: parent.perms[0]!.access, domid }, ...parent.perms.slice(1)];
    this.#put(domid, path, tx, { value, perms });
  }

  #owned(nodes: Map<string, Node>, domid: number): number {
    let count = 0;
    for (const node of nodes.values()) if (node.perms[0]!.domid === domid) count++;
    return count;
  }

  mkdir(domid: number, path: string, tx = 0): void {
    const at = this.canonical(domid, path);
    const node = this.#view(domid, tx).nodes.get(at);
    if (node === undefined) this.#create(domid, at, new Uint8Array(0), tx);
    else if (!Store.#allowed(node, domid, 'w')) throw new XenstoreError('EACCES');
  }

  /** Removes a node and all below it; a node that is not there is no error if its parent is. */
  rm(domid: number, path: string, tx = 0): void {
    const at = this.canonical(domid, path);
    if (at === '/') throw new XenstoreError('EINVAL');
    const { nodes, t } = this.#view(domid, tx);
    const node = nodes.get(at);
    touch(t, at);
    touch(t, parentOf(at));
    if (node === undefined) {
      const why = this.#absent(nodes, domid, at, 'w');
      if (why === 'EACCES' || !nodes.has(parentOf(at))) throw new XenstoreError(why);
      return;
    }
    if (!Store.#allowed(node, domid, 'w')) throw new XenstoreError('EACCES');
    const gone = Store.#subtree(nodes, at);
    for (const key of gone.keys()) {
      touch(t, key);
      if (t === undefined) this.#commit(key, undefined);
      else {
        nodes.delete(key);
        t.changed.add(key);
      }
    }
    if (t === undefined) this.onChange(at, gone);
  }

  /** A node and all below it, the node first. */
  static #subtree(nodes: Map<string, Node>, top: string): Map<string, readonly Permission[]> {
    const found = new Map([[top, nodes.get(top)!.perms]]);
    for (const [key, { perms }] of nodes) if (key.startsWith(top + '/')) found.set(key, perms);
    return found;
  }

  getPerms(domid: number, path: string, tx = 0): readonly Permission[] {
    return this.#get(domid, this.canonical(domid, path), tx, 'r').perms;
  }

  setPerms(domid: number, path: string, perms: readonly Permission[], tx = 0): void {
    const at = this.canonical(domid, path);
    const node = this.#get(domid, at, tx, 'w');
    const owner = node.perms[0]!.domid;
    if (perms.length === 0) throw new XenstoreError('EINVAL');
    if (domid !== 0 && perms.length > QUOTA_PERMS) throw new XenstoreError('ENOSPC');
    if (domid !== 0 && owner !== domid) throw new XenstoreError('EACCES');
    if (domid !== 0 && perms[0]!.domid !== owner) throw new XenstoreError('EPERM');
    this.#put(domid, at, tx, { value: node.value, perms }, node.perms);
  }

  transactionStart(domid: number): number {
    const own = [...this.#transactions.values()].filter((t) => t.domid === domid).length;
    if (domid !== 0 && own >= QUOTA_TRANSACTIONS) throw new XenstoreError('ENOSPC');
    const id = this.#nextTransaction++;
    this.#transactions.set(id, { domid, nodes: new Map(this.#nodes), before: new Map(), changed: new Set() });
    return id;
  }

  /** Commits, or throws EAGAIN if somebody else changed what the transaction looked at. */
  transactionEnd(domid: number, tx: number, commit: boolean): void {
    const t = this.#transactions.get(tx);
    if (t === undefined || t.domid !== domid) throw new XenstoreError('ENOENT');
    this.#transactions.delete(tx);
    if (!commit) return;
    for (const [path, generation] of t.before) {
      if ((this.#nodes.get(path)?.generation ?? ABSENT) !== generation) throw new XenstoreError('EAGAIN');
    }
    const perms = new Map([...t.changed].map((path) => [path, this.#nodes.get(path)?.perms]));
    for (const path of t.changed) this.#commit(path, t.nodes.get(path));
    for (const path of t.changed) {
      const before = perms.get(path);
      if (t.nodes.has(path)) this.onChange(path, undefined, before);
      else if (before !== undefined) this.onChange(path, new Map([[path, before]]));
    }
  }

  /** Ends a dead domain's transactions. Its nodes are the toolstack's to remove. */
  release(domid: number): void {
    for (const [id, t] of [...this.#transactions]) if (t.domid === domid) this.#transactions.delete(id);
  }

  /** Lines as `xenstore-ls -fp` prints them: path = "value"   (perms). */
  list(): string[] {
    const lines: string[] = [];
    const walk = (path: string): void => {
      const node = this.#nodes.get(path)!;
      const perms = node.perms.map((p) => `${p.access}${p.domid}`).join(',');
      if (path !== '/') lines.push(`${path} = "${decoder.decode(node.value)}"   (${perms})`);
      for (const name of this.directory(0, path)) walk(path === '/' ? `/${name}` : `${path}/${name}`);
    };
    walk('/');
    return lines;
  }

  /** Nodes of the tree, and transactions that are open. */
  census(): { nodes: number; transactions: number } {
    return { nodes: this.#nodes.size, transactions: this.#transactions.size };
  }

  save(): unknown {
    const pack = (nodes: Map<string, Node>): unknown =>
      [...nodes].map(([p, n]) => [p, [...n.value], n.perms, n.generation]);
    return {
      nodes: pack(this.#nodes),
      generation: this.#generation,
      next: this.#nextTransaction,
      transactions: [...this.#transactions].map(([id, t]) => ({
        id,
        domid: t.domid,
        nodes: pack(t.nodes),
        before: [...t.before],
        changed: [...t.changed],
      })),
    };
  }

  load(state: unknown): void {
    type Packed = [string, number[], Permission[], number][];
    const s = state as {
      nodes: Packed;
      generation: number;
      next: number;
      transactions: { id: number; domid: number; nodes: Packed; before: [string, number][]; changed: string[] }[];
    };
    const unpack = (packed: Packed): Map<string, Node> =>
      new Map(packed.map(([p, value, perms, generation]) => [p, { value: Uint8Array.from(value), perms, generation }]));
    this.#nodes = unpack(s.nodes);
    this.#generation = s.generation;
    this.#nextTransaction = s.next;
    this.#transactions.clear();
    for (const t of s.transactions) {
      this.#transactions.set(t.id, {
        domid: t.domid,
        nodes: unpack(t.nodes),
        before: new Map(t.before),
        changed: new Set(t.changed),
      });
    }
  }
}
