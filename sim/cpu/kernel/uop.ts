// What the generated decoder builds micro-ops with. Layout of a micro-op: docs/architecture.md, "CPU kernel".
import { COST_TABLE, HOT_SP, HOT_TRASH, HOT_V, HOT_X } from '../../wasm/layout';
import { COST_HINT, formCost, formTraits, hotOp, hotSpOp, O_MEM, O_SLOW, O_SYSTEM, opCost } from './gen/opcodes';
import { SYS_UNDEFINED } from './system-op';

/** Slot of a source register; 31 is the zero register. */
export function reg(r: u32): u32 {
  return <u32>HOT_X + r * 8;
}

/** Slot of a destination register; writes to 31 are lost. */
export function zr(r: u32): u32 {
  return r == 31 ? <u32>HOT_TRASH : <u32>HOT_X + r * 8;
}

/** Slot of a register where 31 is the stack pointer. */
export function sp(r: u32): u32 {
  return r == 31 ? <u32>HOT_SP : <u32>HOT_X + r * 8;
}

/** Slot of a V register. */
export function vreg(r: u32): u32 {
  return <u32>HOT_V + r * 16;
}

/** Sets the cost byte from a class: at least 1, so that every loop ends at a limit. */
export function setCost(uop: usize, costClass: u32): void {
  const cost = <u32>load<u8>(<usize>COST_TABLE + <usize>costClass);
  store<u8>(uop, <u8>(cost ? cost : 1), 1);
}

export function put(uop: usize, op: u32, rd: u32, rn: u32, rm: u32, imm: u64): void {
  store<u8>(uop, <u8>op);
  setCost(uop, opCost(op));
  store<u16>(uop, <u16>rd, 2);
  store<u16>(uop, <u16>rn, 4);
  store<u16>(uop, <u16>rm, 6);
  store<u64>(uop, imm, 8);
}

/** Bits 19:5 of MSR and MRS of DAIF (S3_3_C4_C2_1), without op0's upper bit. */
export const DAIF: u32 = 0x5a11;

/** A hint that is an operation of system-op.ts. */
export function hint(uop: usize, kind: u32): void {
  put(uop, O_SYSTEM, 0, 0, kind, 0);
  setCost(uop, COST_HINT);
}

export function undefined_(uop: usize): void {
  put(uop, O_SYSTEM, 0, 0, SYS_UNDEFINED, 0);
}

/** A direct branch of `offset` bytes: `local` if the target is in the same page, else `far` with `extra` for it. */
export function branch(uop: usize, pc: u64, local: u32, far: u32, offset: i32, rn: u32, rm: u32, extra: u32): void {
  const target = <i32>(pc & 0xfff) + offset;
  if (target >= 0 && target < 4096) put(uop, local, 0, rn, rm, <u64>(<u32>(offset << 2)));
  else put(uop, far, 0, rn, rm, (<u64>(<u32>offset)) | ((<u64>extra) << 32));
}

/** A load or store of form M_*; `base` is a register number, `iss` the syndrome template. */
export function memory(uop: usize, form: u32, rd: u32, base: u32, rm: u32, low: u32, iss: u32): void {
  const onSp = base == 31;
  let op = onSp ? hotSpOp(form) : hotOp(form);
  if (!op) {
    const traits = formTraits(form);
    op = (traits & 2 ? O_SLOW : O_MEM) + (traits & 1 ? 2 : 0) + (onSp ? 1 : 0);
  }
  put(uop, op, rd, sp(base), rm, (<u64>low) | ((<u64>iss) << 32) | ((<u64>form) << 48));
  setCost(uop, formCost(form));
}

/**
 * ESR bits 24:14 (ISV, SAS, SSE, SRT, SF, AR) of a load or store of one general register, 0 for a form with
 * write-back (2 and 3), which has no valid syndrome.
 */
export function template(form: u32, size: u32, signExtends: u32, rt: u32, sixtyFour: u32): u32 {
  if (form == 2 || form == 3) return 0;
  return 0x400 | (size << 8) | (signExtends << 7) | (rt << 2) | (sixtyFour << 1);
}

/** DecodeBitMasks: false for the reserved values. */
export function bitmaskValid(n: u32, imms: u32): bool {
  const selector = (n << 6) | (~imms & 63);
  if (selector < 2) return false;
  const levels = (1 << (31 - clz<u32>(selector))) - 1;
  return (imms & levels) != levels;
}

/** DecodeBitMasks: the immediate of the logical instructions. */
export function bitmask(n: u32, imms: u32, immr: u32): u64 {
  const size: u32 = 1 << (31 - clz<u32>((n << 6) | (~imms & 63)));
  const ones = (imms & (size - 1)) + 1;
  const rotate = immr & (size - 1);
  let element: u64 = ~(<u64>0) >>> (<u64>(64 - ones));
  const left = <u64>(size - rotate);
  if (rotate) element = (element >>> (<u64>rotate)) | (element << left);
  if (size < 64) element &= ((<u64>1) << (<u64>size)) - 1;
  for (let filled = size; filled < 64; filled <<= 1) element |= element << (<u64>filled);
  return element;
}
