/** Loads and stores (Arm ARM C4.1.4 of the v8.0 issues: no LSE, LOR, RCpc or PAC forms). */
import type { Encoding } from './encoding.js';

// Load/store of one register, by addressing form: 0 imm, 1 reg, 2 pre, 3 post, 4 unprivileged (accesses.ts).
// size:opc of the general registers: 0 store, 1 load, 2 signed to 64 bits (PRFM if size = 3), 3 signed to 32 bits.
const single = (form: string, offset: string, index: string, prefetch: string, vector: string): string => `
  if (V) {
    ${vector}
    if (opc > 1 && size) return undefined_(uop);
    const q: u32 = opc > 1 ? 4 : size;
    memory(uop, (opc & 1 ? M_LDRV_B_imm : M_STRV_B_imm) + q * 4 + ${form}, vreg(Rt), Rn, ${index}, ${offset}, 0);
    return;
  }
  if (opc == 0) {
    memory(uop, M_STR_X_imm + (3 - size) * 5 + ${form}, reg(Rt), Rn, ${index}, ${offset}, template(${form}, size, 0, Rt, size == 3 ? 1 : 0));
    return;
  }
  let kind: u32 = 3 - size; // X W H B
  if (opc > 1) {
    if (size == 3) { if (opc == 3) return undefined_(uop); ${prefetch} }
    if (opc == 3 && size == 2) return undefined_(uop);
    kind = opc == 2 ? 6 - size : 8 - size; // SW SH64 SB64, SH32 SB32
  }
  memory(uop, M_LDR_X_imm + kind * 5 + ${form}, zr(Rt), Rn, ${index}, ${offset},
    template(${form}, size, opc > 1 ? 1 : 0, Rt, opc == 2 || size == 3 ? 1 : 0));`;

const NOP = 'put(uop, O_NOP, 0, 0, 0, 0); return;';
const UNDEFINED = 'return undefined_(uop);';

/** Load and store encodings. */
export const MEMORY_ENCODINGS: readonly Encoding[] = [
  {
    name: 'load/store exclusive, LDAR, STLR',
    pattern: 'size:2 001000 ordered:1 L:1 pair:1 Rs o0:1 Rt2 Rn Rt',
    emit: `const kind = 3 - size;
      if (ordered) {
        if (pair || !o0) return undefined_(uop); // CAS (v8.1), LDLAR and STLLR (v8.1)
        const iss = (size << 8) | 0x400 | (Rt << 2) | (size == 3 ? 2 : 0) | 1;
        if (L) memory(uop, M_LDAR_X + kind, zr(Rt), Rn, 0, 0, iss);
        else memory(uop, M_STLR_X + kind, reg(Rt), Rn, 0, 0, iss);
      } else if (pair) {
        if (size < 2) return undefined_(uop); // CASP (v8.1)
        if (L) memory(uop, M_LDXP_X + kind, zr(Rt), Rn, zr(Rt2), 0, 0);
        else memory(uop, M_STXP_X + kind, reg(Rt), Rn, reg(Rt2), zr(Rs), 0);
      } else if (L) memory(uop, M_LDXR_X + kind, zr(Rt), Rn, 0, 0, 0);
      else memory(uop, M_STXR_X + kind, reg(Rt), Rn, 0, zr(Rs), 0);`,
  },
  {
    name: 'load literal',
    pattern: 'opc:2 011 V:1 00 imm19:19 Rt',
    emit: `const offset: u32 = <u32>(pc & 0xfff) + <u32>(<i32>(imm19 << 13) >> 11);
      if (V) {
        if (opc == 3) return undefined_(uop);
        memory(uop, M_LDRV_S_lit + opc, vreg(Rt), 0, 0, offset, 0);
      } else if (opc == 3) put(uop, O_NOP, 0, 0, 0, 0); // PRFM
      else memory(uop, opc == 0 ? M_LDR_W_lit : opc == 1 ? M_LDR_X_lit : M_LDR_SW_lit, zr(Rt), 0, 0, offset,
        template(0, opc == 1 ? 3 : 2, opc == 2 ? 1 : 0, Rt, opc ? 1 : 0));`,
  },
  {
    name: 'load/store pair',
    pattern: 'opc:2 101 V:1 0 mode:2 L:1 imm7:7 Rt2 Rn Rt',
    emit: `const form: u32 = mode == 3 ? 1 : mode == 1 ? 2 : 0; // imm (also no-allocate), pre, post
      const imm: i32 = <i32>(imm7 << 25) >> 25;
      if (opc == 3) return undefined_(uop);
      if (V) {
        memory(uop, (L ? M_LDPV_S_imm : M_STPV_S_imm) + opc * 3 + form, vreg(Rt), Rn, vreg(Rt2), <u32>(imm << (opc + 2)), 0);
        return;
      }
      if (opc == 1) {
        if (!L || mode == 0) return undefined_(uop); // STGP is MTE
        memory(uop, M_LDP_SW_imm + form, zr(Rt), Rn, zr(Rt2), <u32>(imm << 2), 0);
        return;
      }
      const w: u32 = opc ? 0 : 3; const offset: u32 = <u32>(imm << (opc ? 3 : 2));
      if (L) memory(uop, M_LDP_X_imm + w + form, zr(Rt), Rn, zr(Rt2), offset, 0);
      else memory(uop, M_STP_X_imm + w + form, reg(Rt), Rn, reg(Rt2), offset, 0);`,
  },
  {
    name: 'load/store, 9-bit offset',
    pattern: 'size:2 111 V:1 00 opc:2 0 imm9:9 mode:2 Rn Rt',
    emit: `const form: u32 = mode == 0 ? 0 : mode == 1 ? 3 : mode == 2 ? 4 : 2;
      const offset: u32 = <u32>(<i32>(imm9 << 23) >> 23);
      ${single('form', 'offset', '0', `if (mode) return undefined_(uop); ${NOP}`, `if (mode == 2) ${UNDEFINED}`)}`,
  },
  {
    name: 'load/store, register offset',
    pattern: 'size:2 111 V:1 00 opc:2 1 Rm option:3 S:1 10 Rn Rt',
    emit: `if (!(option & 2)) return undefined_(uop);
      const scale: u32 = V && opc > 1 ? 4 : size;
      const offset: u32 = option | (S ? scale << 8 : 0);
      ${single('1', 'offset', 'reg(Rm)', NOP, '')}`,
  },
  {
    name: 'load/store, unsigned offset',
    pattern: 'size:2 111 V:1 01 opc:2 imm12:12 Rn Rt',
    emit: `const offset: u32 = imm12 << (V && opc > 1 ? 4 : size);
      ${single('0', 'offset', '0', NOP, '')}`,
  },
  {
    name: 'AdvSIMD structures, multiple',
    pattern: '0 Q:1 0011000 L:1 000000 opcode:4 size:2 Rn Rt',
    emit: 'if (!structureAllocated(insn)) return undefined_(uop); memory(uop, M_STRUCTURE, 0, Rn, 0, insn, 0);',
  },
  {
    name: 'AdvSIMD structures, multiple, post-indexed',
    pattern: '0 Q:1 0011001 L:1 0 Rm opcode:4 size:2 Rn Rt',
    emit: 'if (!structureAllocated(insn)) return undefined_(uop); memory(uop, M_STRUCTURE, 0, Rn, reg(Rm), insn, 0);',
  },
  {
    name: 'AdvSIMD structures, single',
    pattern: '0 Q:1 0011010 L:1 R:1 00000 opcode:3 S:1 size:2 Rn Rt',
    emit: 'if (!structureAllocated(insn)) return undefined_(uop); memory(uop, M_STRUCTURE, 0, Rn, 0, insn, 0);',
  },
  {
    name: 'AdvSIMD structures, single, post-indexed',
    pattern: '0 Q:1 0011011 L:1 R:1 Rm opcode:3 S:1 size:2 Rn Rt',
    emit: 'if (!structureAllocated(insn)) return undefined_(uop); memory(uop, M_STRUCTURE, 0, Rn, reg(Rm), insn, 0);',
  },
];
