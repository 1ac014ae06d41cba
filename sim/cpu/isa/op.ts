import type { CostClass } from './costs.js';

/** One case of the interpreter's switch. */
export interface Op {
  /** The constant is O_<name>. */
  readonly name: string;
  readonly cost: CostClass;
  /** AssemblyScript of the case, see text.ts. */
  readonly body: string;
  /** True if the body itself leaves the case (continue or break); otherwise the next micro-op follows. */
  readonly leaves?: boolean;
}

/** An operation that goes on to the next micro-op. */
export function op(name: string, cost: CostClass, body: string): Op {
  return { name, cost, body };
}

/** An operation whose body ends with `continue` or `break` on every path. */
export function leavingOp(name: string, cost: CostClass, body: string): Op {
  return { name, cost, body, leaves: true };
}
