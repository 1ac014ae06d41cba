/** Plain tables: 2 MiB blocks of Normal memory at their own addresses, the code read-only, for EL1&0 and for EL2. */
import { CODE, PINNED, RAM, RAM_BYTES } from './layout.js';
import type { ContextRegister } from './layout.js';

const LEVEL1 = PINNED;
const LEVEL2 = PINNED + 0x1000;
const LEVEL1_EL2 = PINNED + 0x2000;
const LEVEL2_EL2 = PINNED + 0x3000;
const BLOCK = 0x20_0000;
// block, AttrIndx 0, inner shareable, AF
const NORMAL = 0x701n;
const AP_EL0 = 1n << 6n;
const AP_READ_ONLY = 1n << 7n;

/** T0SZ 25, TTBR1 off, write-back walks, 40 bits. */
const TCR = 25n | (1n << 8n) | (1n << 10n) | (3n << 12n) | (25n << 16n) | (1n << 23n) | (2n << 30n) | (2n << 32n);
const TCR_EL2 = 0x8080_0000n | 25n | (1n << 8n) | (1n << 10n) | (3n << 12n) | (2n << 16n);

/** The bytes of the tables at PINNED. */
export function identityTables(): { address: number; bytes: Uint8Array } {
  const words = new BigUint64Array(0x4000 / 8);
  const put = (table: number, index: number, value: bigint): void => {
    words[(table - PINNED) / 8 + index] = value;
  };
  const gigabyte = RAM / 2 ** 30;
  put(LEVEL1, gigabyte, BigInt(LEVEL2) | 3n);
  put(LEVEL1_EL2, gigabyte, BigInt(LEVEL2_EL2) | 3n);
  for (let i = 0; i < RAM_BYTES / BLOCK; i += 1) {
    const address = RAM + i * BLOCK;
    const code = address === CODE;
    put(LEVEL2, i, BigInt(address) | NORMAL | AP_EL0 | (code ? AP_READ_ONLY : 0n));
    // AP[1] is RES1 in the EL2 regime
    put(LEVEL2_EL2, i, BigInt(address) | NORMAL | AP_EL0 | (code ? AP_READ_ONLY : 0n));
  }
  return { address: PINNED, bytes: new Uint8Array(words.buffer) };
}

/** Registers of a context that uses them; SCTLR_EL1.M and SCTLR_EL2.M are the caller's. */
export const IDENTITY: Partial<Record<ContextRegister, bigint>> = {
  TCR_EL1: TCR,
  TTBR0_EL1: BigInt(LEVEL1),
  MAIR_EL1: 0xffn,
  TCR_EL2,
  TTBR0_EL2: BigInt(LEVEL1_EL2),
  MAIR_EL2: 0xffn,
};
