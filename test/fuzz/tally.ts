/** What a case found: how often each outcome came, and what went wrong. Plain data, so that workers can send it. */
export interface CaseResult {
  readonly index: number;
  readonly accesses: number;
  readonly mutations: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** What does not hold, one line each; empty: all is well. */
  readonly failures: readonly string[];
  /** The last things done before, for the reader of a failure. */
  readonly trail: readonly string[];
}

const MAX_FAILURES = 20;
const TRAIL = 12;

export class Tally {
  accesses = 0;
  mutations = 0;
  readonly failures: string[] = [];
  readonly #outcomes = new Map<string, number>();
  readonly #trail: string[] = [];

  count(outcome: string, times = 1): void {
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + times);
  }

  fail(...lines: readonly string[]): void {
    for (const line of lines) if (this.failures.length < MAX_FAILURES) this.failures.push(line);
  }

  /** Notes what is being done: the end of it is printed with a failure. */
  note(line: string): void {
    this.#trail.push(line);
    if (this.#trail.length > TRAIL) this.#trail.shift();
  }

  result(index: number): CaseResult {
    const { accesses, mutations } = this;
    const outcomes = Object.fromEntries(this.#outcomes);
    return { index, accesses, mutations, outcomes, failures: [...this.failures], trail: [...this.#trail] };
  }
}

/** Name of a hypercall's result. */
export function errnoName(rc: bigint | number): string {
  const value = BigInt.asIntN(64, BigInt(rc));
  if (value >= 0n) return 'ok';
  return value > -4096n ? (ERRNO[Number(-value)] ?? `errno ${-value}`) : 'not a result';
}

/** (xen: xen/include/public/errno.h) */
const ERRNO: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  3: 'ESRCH',
  5: 'EIO',
  7: 'E2BIG',
  9: 'EBADF',
  12: 'ENOMEM',
  14: 'EFAULT',
  16: 'EBUSY',
  17: 'EEXIST',
  22: 'EINVAL',
  28: 'ENOSPC',
  33: 'EDOM',
  38: 'ENOSYS',
  61: 'ENODATA',
  84: 'EILSEQ',
  95: 'EOPNOTSUPP',
};
