/** Locals of a region's function. The first nine are its parameters (sim/cpu/isa/generate-run.ts calls it). */
import { TYPE_I32, TYPE_I64 } from './code.js';

/** i64: virtual page of the first micro-op. */
export const LOCAL_PAGE = 0;
/** i64: TLB context of normal accesses. */
export const LOCAL_CONTEXT = 1;
/** i64, i64, i32: the lazy flags. */
export const LOCAL_FA = 2;
export const LOCAL_FB = 3;
export const LOCAL_FK = 4;
/** i32: cycles after which a check point stops. */
export const LOCAL_LIMIT = 5;
/** i32: address of the CORE block. */
export const LOCAL_CORE = 6;
/** i32: address of the core's TLB. */
export const LOCAL_TLB = 7;
/** i32: bits of SP that must be zero. */
export const LOCAL_SP_MASK = 8;
export const PARAMETERS = [TYPE_I64, TYPE_I64, TYPE_I64, TYPE_I64, TYPE_I32, TYPE_I32, TYPE_I32, TYPE_I32, TYPE_I32];

/** i32: TLB entry or host address; condition; which block of several. */
export const LOCAL_ENTRY = 9;
export const LOCAL_BOOL = 10;
export const LOCAL_STATE = 11;
export const I32_LOCALS = 3;
/** i64: instructions << 32 | cycles since the entry. */
export const LOCAL_COUNTS = 12;
/** i64: virtual address; temporaries; target of an indirect branch. */
export const LOCAL_VA = 13;
export const LOCAL_T1 = 14;
export const LOCAL_T2 = 15;
export const LOCAL_TARGET = 16;
/** i64: the registers that the region uses, from here on. */
export const LOCAL_REGISTERS = 17;
