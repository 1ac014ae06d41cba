// Decoding of FP and AdvSIMD data processing: the encodings are in sim/cpu/isa/simd.
import { COST_FP, COST_FP_DIV, COST_SIMD, O_SIMD, O_SIMD_FLAGS, O_SYSTEM } from './gen/opcodes';
import { simdDecode, V_FLAGS_END, V_FP_END, V_FPDIV_END } from './gen/simd';
import { SYS_UNMODELLED } from './system-op';
import { put, setCost, undefined_ } from './uop';

export function decodeSimd(insn: u32, uop: usize): void {
  const sub = simdDecode(insn);
  if (sub == -1) {
    undefined_(uop);
    return;
  }
  if (sub < 0) {
    put(uop, O_SYSTEM, 0, 0, SYS_UNMODELLED, insn);
    return;
  }
  put(uop, sub < V_FLAGS_END ? O_SIMD_FLAGS : O_SIMD, 0, 0, <u32>sub, insn);
  setCost(uop, sub < V_FP_END ? COST_FP : sub < V_FPDIV_END ? COST_FP_DIV : COST_SIMD);
}
