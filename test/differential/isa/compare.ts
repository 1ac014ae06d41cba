/** What differs between two results of one case. */
import { TOLERANCES, unknownAfterFault } from './exclusions.js';
import type { Tolerance } from './exclusions.js';
import {
  BLOCK_BYTES,
  getNumber,
  SIGBUS,
  SIGILL,
  SIGSEGV,
  SIGTRAP,
  STATE_FPCR,
  STATE_FPSR,
  STATE_NZCV,
  STATE_PC,
  STATE_SP,
  STATE_TPIDR,
  STATE_V,
  STATE_X,
  TIMEOUT,
  UNMODELLED,
  viewOf,
} from './state.js';
import type { Case, Result } from './state.js';

const SIGNALS: Readonly<Record<number, string>> = {
  [SIGILL]: 'SIGILL',
  [SIGTRAP]: 'SIGTRAP',
  [SIGBUS]: 'SIGBUS',
  [SIGSEGV]: 'SIGSEGV',
  [TIMEOUT]: 'does not end',
  [UNMODELLED]: 'leaves run()',
};

/** How a case ended, as text. */
export function nameOfSignal(signal: number): string {
  return SIGNALS[signal] ?? `signal ${signal}`;
}

/** The number of an end; throws Error for an unknown one. */
export function signalNamed(name: string): number {
  const found = Object.entries(SIGNALS).find(([, text]) => text === name);
  if (!found) throw new Error(`no signal ${name}`);
  return Number(found[0]);
}

/** QEMU knows a fault address only where the host can have memory, all of the access. */
const HOST_ADDRESSES = 2 ** 47 - 64;
const ADDRESS_BITS = 2n ** 56n - 1n;

/** A register's bytes as one hexadecimal number. */
export function hexOf(bytes: Uint8Array): string {
  return [...bytes]
    .reverse()
    .map((b) => b.toString(16).padStart(2, '0'))
    .join('');
}

/** Name, offset and size of every register in a state. */
export const REGISTERS: readonly (readonly [name: string, offset: number, size: number])[] = [
  ...Array.from({ length: 31 }, (_, i) => [`x${i}`, STATE_X + 8 * i, 8] as const),
  ['sp', STATE_SP, 8],
  ['nzcv', STATE_NZCV, 4],
  ['fpcr', STATE_FPCR, 4],
  ['fpsr', STATE_FPSR, 4],
  ['tpidr', STATE_TPIDR, 8],
  ['pc', STATE_PC, 8],
  ...Array.from({ length: 32 }, (_, i) => [`v${i}`, STATE_V + 16 * i, 16] as const),
];

/** Index of the instruction at which a case ended; no index of the case if it ended elsewhere. */
export function lastIndex({ state }: Case, result: Result): number {
  return (getNumber(result.state, STATE_PC) - getNumber(state, STATE_PC)) / 4;
}

/** The instruction at which a case ended, or undefined if it ended elsewhere. */
function lastInstruction(one: Case, result: Result): number | undefined {
  return one.words[lastIndex(one, result)];
}

function addressesDiffer(ours: Result, theirs: Result): boolean {
  if (theirs.signal !== SIGSEGV) return false;
  const [a, b] = [ours.address & ADDRESS_BITS, theirs.address & ADDRESS_BITS];
  return Number(a) < HOST_ADDRESSES && a !== b;
}

function blockText(result: Result): string {
  const parts: string[] = [];
  for (let at = 0; at < result.blocks.length; at += BLOCK_BYTES) {
    const offset = viewOf(result.blocks).getUint16(at, true);
    parts.push(`+${offset.toString(16)}: ${hexOf(result.blocks.subarray(at + 8, at + BLOCK_BYTES))}`);
  }
  return parts.join(', ') || 'nothing';
}

/** The tolerance for two different ends, where the Arm ARM allows both or QEMU is known to be wrong. */
function toleranceOf(one: Case, ours: Result, theirs: Result): Tolerance | undefined {
  const pc = viewOf(ours.state).getUint32(STATE_PC, true);
  if (ours.signal === theirs.signal && pc === viewOf(theirs.state).getUint32(STATE_PC, true)) return undefined;
  const last = lastInstruction(one, ours);
  return TOLERANCES.find((tolerance) => tolerance.matches(last, ours.signal, theirs.signal, pc));
}

/** One line per register or other part that differs; none if the two agree as far as the Arm ARM says. */
export function differences(one: Case, ours: Result, theirs: Result): string[] {
  const same = ours.signal === theirs.signal;
  if (
    same &&
    Buffer.compare(ours.state, theirs.state) === 0 &&
    Buffer.compare(ours.blocks, theirs.blocks) === 0 &&
    !addressesDiffer(ours, theirs)
  ) {
    return [];
  }
  const tolerance = toleranceOf(one, ours, theirs);
  const out: string[] = [];
  if (!same && tolerance?.ignores !== 'signal')
    out.push(`ends with: ours ${nameOfSignal(ours.signal)}, QEMU ${nameOfSignal(theirs.signal)}`);
  const last = lastInstruction(one, theirs);
  const unknown = same && last !== undefined ? unknownAfterFault(last, theirs.signal) : undefined;
  for (const [register, offset, size] of REGISTERS) {
    if (tolerance?.ignores === 'pc' && offset === STATE_PC) continue;
    const a = ours.state.subarray(offset, offset + size);
    const b = theirs.state.subarray(offset, offset + size);
    if (Buffer.compare(a, b) === 0) continue;
    if (unknown?.vectors.some((v) => register === `v${v}`)) continue;
    out.push(`${register}: ours ${hexOf(a)}, QEMU ${hexOf(b)}`);
  }
  if (same && addressesDiffer(ours, theirs)) {
    out.push(`fault address: ours ${ours.address.toString(16)}, QEMU ${theirs.address.toString(16)}`);
  }
  if (!unknown?.memory && Buffer.compare(ours.blocks, theirs.blocks) !== 0) {
    out.push(`memory: ours ${blockText(ours)}; QEMU ${blockText(theirs)}`);
  }
  return out;
}
