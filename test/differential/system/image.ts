/** A program as the memory that probe.S finds, and its records. */
import {
  CODE,
  CONTEXT_BYTES,
  CONTEXT_REGISTERS,
  CONTEXTS,
  DATA,
  DATA_BYTES,
  MAX_CONTEXTS,
  MAX_STEPS,
  RECORD_BYTES,
  RECORD_WORDS,
  RECORDS,
  SLOT_BYTES,
  SLOT_WORDS,
  SLOTS,
  STEP_BYTES,
  STEPS,
} from './layout.js';
import type { Program, Step } from './layout.js';

const HVC_END = 0xd4001e02; // hvc #0xf0
const SMC_END = 0xd4001e03;
const SVC_END = 0xd4001e01;
const RET = 0xd65f03c0;
const HCR_HCD = 1n << 29n;
const PAGE = 0x1000;
/** Bytes at both ends of each page of the data, all alike: a store over a page end may be done in part. */
export const EDGE = 16;
export const EDGE_BYTE = 0xe7;
/** The part of each page that holds instructions. */
export const RETS = [0x400, 0xc00] as const;

/** What the data region holds before a run: numbers that tell their address, RETs, and equal bytes at the page ends. */
export function initialData(): Uint8Array {
  const words = new Uint32Array(DATA_BYTES / 4);
  for (let i = 0; i < words.length; i += 1) {
    const offset = (4 * i) % PAGE;
    if (offset >= RETS[0] && offset < RETS[1]) words[i] = RET;
    else words[i] = Math.imul(i + 1, 0x9e37_79b1) ^ 0x5bd1_e995;
  }
  const bytes = new Uint8Array(words.buffer);
  for (let page = 0; page < bytes.length; page += PAGE) {
    bytes.fill(EDGE_BYTE, page, page + EDGE);
    bytes.fill(EDGE_BYTE, page + PAGE - EDGE, page + PAGE);
  }
  return bytes;
}

function endWord(step: Step, hcd: boolean): number {
  const level = (step.spsr >> 2) & 3;
  // at EL2 an HVC that is disabled ends the step too
  return level === 0 ? SVC_END : hcd && level === 1 ? SMC_END : HVC_END;
}

/** The segments of a program's memory, the probe's image `probe` among them. Throws RangeError: the generator's fault. */
export function segmentsOf(program: Program, probe: Uint8Array): { address: number; bytes: Uint8Array }[] {
  const { contexts, steps } = program;
  if (contexts.length > MAX_CONTEXTS || steps.length > MAX_STEPS) throw new RangeError('a program too large');
  const words = new BigUint64Array((contexts.length * CONTEXT_BYTES) / 8);
  contexts.forEach(({ registers }, i) => {
    CONTEXT_REGISTERS.forEach((name, j) => {
      words[(i * CONTEXT_BYTES) / 8 + j] = registers[name];
    });
  });
  const slots = steps.reduce((most, { slot }, i) => Math.max(most, (slot ?? i) + 1), 0);
  if (slots > MAX_STEPS) throw new RangeError('a slot too far');
  const code = new Uint32Array((slots * SLOT_BYTES) / 4);
  const list = new BigUint64Array(((steps.length + 1) * STEP_BYTES) / 8);
  steps.forEach((step, i) => {
    const context = contexts[step.context];
    if (context === undefined || step.words.length >= SLOT_WORDS) throw new RangeError(`step ${i} is malformed`);
    const hcd = (context.registers.HCR_EL2 & HCR_HCD) !== 0n;
    const place = step.slot ?? i;
    code.fill(endWord(step, hcd), place * SLOT_WORDS, (place + 1) * SLOT_WORDS);
    code.set(step.words, place * SLOT_WORDS);
    const at = (i * STEP_BYTES) / 8;
    list[at] = BigInt(CONTEXTS + step.context * CONTEXT_BYTES);
    list[at + 1] = BigInt((step.flush ? 1 : 0) | (step.at ? (step.at.kind + 1) << 8 : 0));
    list[at + 2] = BigInt(step.sgi ?? 0);
    list[at + 3] = BigInt(step.spsr);
    const slot = BigInt(SLOTS - CODE + place * SLOT_BYTES);
    // EL2 always has its code where it is
    const base = ((step.spsr >> 2) & 3) === 2 ? BigInt(CODE) : context.code;
    list[at + 4] = step.entry ?? BigInt.asUintN(64, base + slot);
    list[at + 5] = step.at?.va ?? 0n;
    step.x.forEach((value, j) => {
      list[at + 6 + j] = value;
    });
  });
  list[(steps.length * STEP_BYTES) / 8] = (1n << 64n) - 1n;
  const bytes = (array: BigUint64Array | Uint32Array): Uint8Array => new Uint8Array(array.buffer);
  return [
    { address: CODE, bytes: probe },
    { address: SLOTS, bytes: bytes(code) },
    { address: CONTEXTS, bytes: bytes(words) },
    { address: STEPS, bytes: bytes(list) },
    { address: DATA, bytes: initialData() },
    ...program.memory,
  ];
}

/** What a machine leaves: a record for each step, and the data region. */
export interface Ending {
  readonly records: BigUint64Array;
  readonly data: Uint8Array;
}

/** The ending in a machine's RAM. */
export function endingOf(steps: number, read: (address: number, length: number) => Uint8Array): Ending {
  const bytes = read(RECORDS, steps * RECORD_BYTES).slice();
  return { records: new BigUint64Array(bytes.buffer), data: read(DATA, DATA_BYTES) };
}

/** The words of record `index`. */
export function recordAt(ending: Pick<Ending, 'records'>, index: number): BigUint64Array {
  return ending.records.subarray(index * RECORD_WORDS, (index + 1) * RECORD_WORDS);
}
