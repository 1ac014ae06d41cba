import { TYPE_I64, TYPE_VOID, W, type Code } from './code.js';
import type { Block } from './discover.js';

/** Where a branch to a block goes: a frame of the function, and a value of the state local if several blocks share it. */
interface Label {
  readonly frame: number;
  readonly shared: boolean;
}

/**
 * Structured control flow for a graph of blocks: strongly connected components in topological order, each that loops a
 * `loop`; one that can be entered at several blocks begins with a `br_table` on a state local.
 */
export class Flow {
  #frames = 0;
  #labels: ReadonlyMap<number, Label> = new Map();
  readonly #states = new Map<number, number>();

  constructor(
    private readonly code: Code,
    private readonly blocks: ReadonlyMap<number, Block>,
    private readonly stateLocal: number,
    private readonly emitBlock: (block: Block) => void,
  ) {}

  /** Emits all blocks, begun at `entry`, inside a frame that exits leave with an i64. */
  emit(entry: number): void {
    this.code.op(W.block, TYPE_I64);
    this.#frames = 1;
    this.#sequence([...this.blocks.keys()], new Set(), [entry]);
    this.code.op(W.unreachable, W.end);
    this.#frames = 0;
  }

  /** Opens an `if` with no result. */
  openIf(): void {
    this.code.op(W.if, TYPE_VOID);
    this.#frames++;
  }

  close(): void {
    this.code.op(W.end);
    this.#frames--;
  }

  /** True if a branch to the block stays in the region. */
  inside(at: number): boolean {
    return this.#labels.has(at);
  }

  /** True if a branch to the block is a plain `br`, for which `br_if` will do. */
  direct(at: number): boolean {
    return this.#labels.get(at)?.shared === false;
  }

  /** Branches to a block that is inside. */
  branch(at: number, opcode: number = W.br): void {
    const label = this.#labels.get(at);
    if (label === undefined) throw new Error(`no way to the block at ${at}`);
    if (label.shared) this.code.i32(this.#state(at)).set(this.stateLocal);
    this.code.op(opcode).u(this.#frames - label.frame);
  }

  /** Leaves the region; the result is on the stack, with `br_if` the condition above it. */
  exit(opcode: number = W.br): void {
    this.code.op(opcode).u(this.#frames - 1);
  }

  #state(at: number): number {
    let state = this.#states.get(at);
    if (state === undefined) {
      state = this.#states.size;
      this.#states.set(at, state);
    }
    return state;
  }

  #open(opcode: number): number {
    this.code.op(opcode, TYPE_VOID);
    return ++this.#frames;
  }

  /** Emits `nodes`, entered at `entries`, without the edges into `cut` (heads of loops around). */
  #sequence(nodes: readonly number[], cut: ReadonlySet<number>, entries: readonly number[]): void {
    const inside = new Set(nodes);
    const edges = (at: number): number[] =>
      (this.blocks.get(at) as Block).next.filter((to) => inside.has(to) && !cut.has(to));
    const components = stronglyConnected(nodes, edges);
    const componentOf = new Map<number, number>();
    components.forEach((component, index) => component.forEach((at) => componentOf.set(at, index)));
    const heads = components.map(() => new Set<number>());
    const enter = (at: number): void => void heads[componentOf.get(at) as number]?.add(at);
    entries.forEach(enter);
    for (const at of nodes) {
      for (const to of edges(at)) if (componentOf.get(to) !== componentOf.get(at)) enter(to);
    }
    const dispatched = entries.length > 1 || componentOf.get(entries[0] as number) !== 0;
    const first = dispatched ? 0 : 1;
    const frames: number[] = [];
    for (let i = components.length - 1; i >= first; i--) frames[i] = this.#open(W.block);
    if (dispatched) this.#dispatch(entries.map((at) => [at, frames[componentOf.get(at) as number] as number]));
    const outer = this.#labels;
    components.forEach((component, index) => {
      if (index >= first) this.close();
      const labels = new Map(outer);
      for (let later = index + 1; later < components.length; later++) {
        const ways = heads[later] as Set<number>;
        for (const at of ways) {
          if (cut.has(at)) continue;
          labels.set(at, { frame: frames[later] as number, shared: ways.size > 1 });
        }
      }
      this.#labels = labels;
      this.#component(component, [...(heads[index] as Set<number>)], cut);
    });
    this.#labels = outer;
  }

  #component(nodes: readonly number[], heads: readonly number[], cut: ReadonlySet<number>): void {
    const only = nodes[0] as number;
    const block = this.blocks.get(only) as Block;
    if (nodes.length === 1 && !(block.next.includes(only) && !cut.has(only))) {
      this.emitBlock(block);
      return;
    }
    const outer = this.#labels;
    const frame = this.#open(W.loop);
    const labels = new Map(outer);
    for (const at of heads) labels.set(at, { frame, shared: heads.length > 1 });
    this.#labels = labels;
    this.#sequence(nodes, new Set([...cut, ...heads]), heads);
    this.close();
    this.#labels = outer;
  }

  /** Branches to the frame of the entry whose number is in the state local. */
  #dispatch(entries: readonly (readonly [number, number])[]): void {
    if (entries.length === 1) {
      this.code.op(W.br).u(this.#frames - (entries[0]?.[1] ?? 0));
      return;
    }
    const byState = new Map(entries.map(([at, frame]) => [this.#state(at), frame]));
    const last = Math.max(...byState.keys());
    const depth = (frame: number | undefined): number => this.#frames - (frame ?? (entries[0]?.[1] as number));
    this.code
      .get(this.stateLocal)
      .op(W.brTable)
      .u(last + 1);
    for (let state = 0; state <= last; state++) this.code.u(depth(byState.get(state)));
    this.code.u(depth(undefined));
  }
}

/** Tarjan's strongly connected components, in topological order; without recursion. */
export function stronglyConnected(nodes: readonly number[], edges: (at: number) => readonly number[]): number[][] {
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const active = new Set<number>();
  const stack: number[] = [];
  const components: number[][] = [];
  const number = (at: number): number => low.get(at) as number;
  for (const root of nodes) {
    if (index.has(root)) continue;
    const calls: { at: number; to: readonly number[]; next: number }[] = [];
    const visit = (at: number): void => {
      index.set(at, index.size);
      low.set(at, index.size - 1);
      active.add(at);
      stack.push(at);
      calls.push({ at, to: edges(at), next: 0 });
    };
    visit(root);
    for (let call = calls.at(-1); call !== undefined; call = calls.at(-1)) {
      const to = call.to[call.next++];
      if (to !== undefined) {
        if (!index.has(to)) visit(to);
        else if (active.has(to)) low.set(call.at, Math.min(number(call.at), index.get(to) as number));
        continue;
      }
      calls.pop();
      const caller = calls.at(-1);
      if (caller !== undefined) low.set(caller.at, Math.min(number(caller.at), number(call.at)));
      if (number(call.at) !== index.get(call.at)) continue;
      const component: number[] = [];
      for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
        active.delete(at);
        component.push(at);
        if (at === call.at) break;
      }
      components.push(component);
    }
  }
  return components.reverse();
}
