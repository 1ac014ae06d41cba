import type { Board, BoardCore } from '../../boards/board.js';
import type { SlotName } from './isa/sysregs.js';

interface Cache {
  readonly size: number;
  readonly ways: number;
  readonly lineBytes: number;
}

/** CCSIDR_EL1 write-back, read-allocate and write-allocate bits of a data or unified cache; an L1I has RA only. */
const DATA_CACHE = 0x7000_0000;
const INSTRUCTION_CACHE = 0x2000_0000;
const MPIDR_RES1 = 0x8000_0000;

/** CCSIDR_EL1 (DDI 0487 D13.2.25): sets - 1 in 27:13, ways - 1 in 12:3, log2(line bytes) - 4 in 2:0. */
export function ccsidr({ size, ways, lineBytes }: Cache, kind: number): number {
  const sets = size / (ways * lineBytes);
  return (kind + (sets - 1) * 0x2000 + (ways - 1) * 8 + (Math.log2(lineBytes) - 4)) >>> 0;
}

/** Values of the registers that the board and its firmware decide, by slot name. */
export function boardRegisters(core: BoardCore, board: Board): Partial<Record<SlotName, bigint>> {
  const { cluster } = core;
  const { l1i, l1d, l2 } = cluster.caches;
  const out: Partial<Record<SlotName, bigint>> = {};
  for (const [name, value] of Object.entries(cluster.idRegisters)) out[name as SlotName] = BigInt(value);
  out.MPIDR_EL1 = BigInt(MPIDR_RES1 + core.mpidr);
  out.CNTFRQ_EL0 = BigInt(board.timer.cntfrqHz);
  out.CCSIDR_L1D = BigInt(ccsidr(l1d, DATA_CACHE));
  out.CCSIDR_L1I = BigInt(ccsidr(l1i, INSTRUCTION_CACHE));
  out.CCSIDR_L2 = BigInt(ccsidr(l2, DATA_CACHE));
  out.L2CTLR_EL1 = BigInt((cluster.cores.length - 1) * 2 ** 24);
  return out;
}
