/**
 * What both sides of the comparison share: where code and data lie, and the layout of a state in bytes. runner.c has the
 * same numbers. The addresses need more than 32 bits, and the low words are negative when cut off and extended.
 */

/** Virtual address of the code: readable and executable at EL0, else filled with BRK. */
export const CODE = 0x12_3440_0000;
export const CODE_BYTES = 0x20_0000;
/** Each case has a slot; a slot begins at CODE + SLOT_OFFSET + slot * SLOT_BYTES and may cross a page. */
export const SLOT_BYTES = 256;
export const SLOT_OFFSET = 128;
export const SLOTS = CODE_BYTES / SLOT_BYTES - 1;
/** Instructions of a case; a BRK follows. */
export const MAX_WORDS = 31;
export const BRK = 0xd420_0000;
export const NOP = 0xd503_201f;

/** Virtual address of the data: two writable pages, then a read-only one; unmapped before and after. */
export const DATA = 0x5a_9bc0_7000;
export const WRITABLE_BYTES = 0x2000;
export const MEMORY_BYTES = 0x3000;

/** Byte offsets of a state. */
export const STATE_X = 0;
export const STATE_SP = 248;
export const STATE_NZCV = 256;
export const STATE_FPCR = 260;
export const STATE_FPSR = 264;
export const STATE_TPIDR = 272;
export const STATE_PC = 280;
export const STATE_V = 288;
export const STATE_BYTES = 800;

/** Signal numbers of Linux, as which both sides report how a case ended. */
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGBUS = 7;
export const SIGSEGV = 11;
/** The case does not end. */
export const TIMEOUT = 100;
/** Only our side: an exit that no EL0 instruction should cause. */
export const UNMODELLED = 101;

/** One test: instructions, and the state before them, whose PC is the address of the first. */
export interface Case {
  /** Class that it was made for. */
  readonly name: string;
  readonly words: readonly number[];
  readonly state: Uint8Array;
}

/** What a case left. */
export interface Result {
  /** SIGTRAP at the BRK after the last instruction if nothing went wrong. */
  readonly signal: number;
  /** Address of a fault on data; 0 for other signals. */
  readonly address: bigint;
  readonly state: Uint8Array;
  /** The 16-byte blocks of the writable pages that changed: 8 bytes of offset, then the bytes, ascending. */
  readonly blocks: Uint8Array;
}

export const BLOCK_BYTES = 24;

/** A view of a state or of any other bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Low and high word of a 64-bit register whose value is a safe integer, at `offset`. */
export function setNumber(state: Uint8Array, offset: number, value: number): void {
  const view = viewOf(state);
  view.setUint32(offset, value % 2 ** 32, true);
  view.setInt32(offset + 4, Math.floor(value / 2 ** 32), true);
}

/** The value of a 64-bit field as an unsigned number; exact below 2^53. */
export function getNumber(state: Uint8Array, offset: number): number {
  const view = viewOf(state);
  return view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
}

/** Address of slot `slot`. */
export function slotAddress(slot: number): number {
  return CODE + SLOT_OFFSET + slot * SLOT_BYTES;
}
