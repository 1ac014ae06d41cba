/** Data processing, immediate and register (Arm ARM C4.1.2 and C4.1.5 of the v8.0 issues). */
import type { Encoding } from './encoding.js';

const f = 'const f: u32 = 1 - sf;';

/** Integer data-processing encodings. Fixed bits and checks together leave unallocated patterns undefined. */
export const INTEGER_ENCODINGS: readonly Encoding[] = [
  {
    name: 'ADR, ADRP',
    pattern: 'page:1 immlo:2 10000 immhi:19 Rd',
    emit: `const imm = <i64>(<i32>((immhi << 13) | (immlo << 11)) >> 11);
      put(uop, O_ADR, zr(Rd), 0, 0, page ? <u64>(imm << 12) : (pc & 0xfff) + <u64>imm);`,
  },
  {
    name: 'ADD, SUB (immediate)',
    pattern: 'sf sub:1 S:1 100010 sh:1 imm12:12 Rn Rd',
    emit: `${f} const imm: u64 = <u64>imm12 << (sh ? 12 : 0);
      if (S) put(uop, (sub ? O_SUBS_IMM64 : O_ADDS_IMM64) + f, zr(Rd), sp(Rn), 0, imm);
      else put(uop, O_ADD_IMM64 + f, sp(Rd), sp(Rn), 0, sub ? 0 - imm : imm);`,
  },
  {
    name: 'AND, ORR, EOR, ANDS (immediate)',
    pattern: 'sf opc:2 100100 N:1 immr:6 imms:6 Rn Rd',
    emit: `if ((!sf && N) || !bitmaskValid(N, imms)) return undefined_(uop);
      ${f} const imm = bitmask(N, imms, immr) & (sf ? ~(<u64>0) : 0xffffffff);
      if (opc == 0) put(uop, O_AND_IMM, sp(Rd), reg(Rn), 0, imm);
      else if (opc == 1 && Rn == 31) put(uop, O_MOVI, sp(Rd), 0, 0, imm);
      else if (opc == 1) put(uop, O_ORR_IMM64 + f, sp(Rd), reg(Rn), 0, imm);
      else if (opc == 2) put(uop, O_EOR_IMM64 + f, sp(Rd), reg(Rn), 0, imm);
      else put(uop, O_ANDS_IMM64 + f, zr(Rd), reg(Rn), 0, imm);`,
  },
  {
    name: 'MOVN, MOVZ, MOVK',
    pattern: 'sf opc:2 100101 hw:2 imm16:16 Rd',
    emit: `if (opc == 1 || (!sf && hw > 1)) return undefined_(uop);
      ${f} const imm: u64 = <u64>imm16 << (<u64>hw * 16);
      if (opc == 3) put(uop, O_MOVK64 + f, zr(Rd), 0, hw * 16, imm);
      else put(uop, O_MOVI, zr(Rd), 0, 0, (opc == 0 ? ~imm : imm) & (sf ? ~(<u64>0) : 0xffffffff));`,
  },
  {
    name: 'SBFM, BFM, UBFM',
    pattern: 'sf opc:2 100110 N:1 immr:6 imms:6 Rn Rd',
    emit: `if (N != sf || opc == 3 || (!sf && (immr > 31 || imms > 31))) return undefined_(uop);
      ${f} const size: u32 = sf ? 64 : 32; const extract = imms >= immr;
      const width: u32 = extract ? imms - immr + 1 : imms + 1;
      const low: u64 = width == 64 ? ~(<u64>0) : ((<u64>1) << width) - 1;
      const mask: u64 = extract ? low : low << (size - immr);
      const rotate: u32 = extract ? immr : (64 - (size - immr)) & 63;
      if (opc == 0) {
        const left: u32 = 63 - imms; const right: u32 = extract ? left + immr : left - (size - immr);
        put(uop, O_SBFM64 + f, zr(Rd), reg(Rn), left | (right << 8), 0);
      } else if (opc == 1) put(uop, O_BFM64 + f, zr(Rd), reg(Rn), rotate, mask);
      else put(uop, O_UBFM, zr(Rd), reg(Rn), rotate, mask);`,
  },
  {
    name: 'EXTR',
    pattern: 'sf 00 100111 N:1 0 Rm imms:6 Rn Rd',
    emit: `if (N != sf || (!sf && imms > 31)) return undefined_(uop);
      put(uop, O_EXTR64 + 1 - sf, zr(Rd), reg(Rn), reg(Rm), imms);`,
  },
  {
    name: 'AND, BIC, ORR, ORN, EOR, EON, ANDS, BICS (shifted register)',
    pattern: 'sf opc:2 01010 shift:2 N:1 Rm imm6:6 Rn Rd',
    emit: `if (!sf && imm6 > 31) return undefined_(uop);
      ${f} const imm: u64 = shift | (imm6 << 8); let op: u32;
      if (opc == 1 && !N && Rn == 31 && imm6 == 0) { put(uop, O_MOV_REG64 + f, zr(Rd), 0, reg(Rm), 0); return; }
      if (imm6 == 0 && (!N || opc == 0)) op = N ? O_BIC_REG64 : opc == 0 ? O_AND_REG64 : opc == 1 ? O_ORR_REG64 : opc == 2 ? O_EOR_REG64 : O_ANDS_REG64;
      else if (opc == 0) op = N ? O_BIC_SHIFT64 : O_AND_SHIFT64;
      else if (opc == 1) op = N ? O_ORN_SHIFT64 : O_ORR_SHIFT64;
      else if (opc == 2) op = N ? O_EON_SHIFT64 : O_EOR_SHIFT64;
      else op = N ? O_BICS_SHIFT64 : O_ANDS_SHIFT64;
      put(uop, op + f, zr(Rd), reg(Rn), reg(Rm), imm);`,
  },
  {
    name: 'ADD, SUB (shifted register)',
    pattern: 'sf sub:1 S:1 01011 shift:2 0 Rm imm6:6 Rn Rd',
    emit: `if (shift == 3 || (!sf && imm6 > 31)) return undefined_(uop);
      ${f} let op: u32;
      if (imm6) op = S ? (sub ? O_SUBS_SHIFT64 : O_ADDS_SHIFT64) : sub ? O_SUB_SHIFT64 : O_ADD_SHIFT64;
      else op = S ? (sub ? O_SUBS_REG64 : O_ADDS_REG64) : sub ? O_SUB_REG64 : O_ADD_REG64;
      put(uop, op + f, zr(Rd), reg(Rn), reg(Rm), shift | (imm6 << 8));`,
  },
  {
    name: 'ADD, SUB (extended register)',
    pattern: 'sf sub:1 S:1 01011 00 1 Rm option:3 imm3:3 Rn Rd',
    emit: `if (imm3 > 4) return undefined_(uop);
      ${f} const op: u32 = S ? (sub ? O_SUBS_EXT64 : O_ADDS_EXT64) : sub ? O_SUB_EXT64 : O_ADD_EXT64;
      put(uop, op + f, S ? zr(Rd) : sp(Rd), sp(Rn), reg(Rm), option | (imm3 << 8));`,
  },
  {
    name: 'ADC, SBC',
    pattern: 'sf sub:1 S:1 11010000 Rm 000000 Rn Rd',
    emit: 'put(uop, O_ADC64 + 1 - sf, zr(Rd), reg(Rn), reg(Rm), sub | (S << 1));',
  },
  {
    name: 'CCMN, CCMP (register)',
    pattern: 'sf sub:1 1 11010010 Rm cond 00 Rn 0 nzcv:4',
    emit: 'put(uop, (sub ? O_CCMP64 : O_CCMN64) + 1 - sf, 0, reg(Rn), reg(Rm), cond | (nzcv << 8));',
  },
  {
    name: 'CCMN, CCMP (immediate)',
    pattern: 'sf sub:1 1 11010010 imm5:5 cond 10 Rn 0 nzcv:4',
    emit: `put(uop, (sub ? O_CCMP64 : O_CCMN64) + 1 - sf, 0, reg(Rn), HOT_XZR,
        cond | (nzcv << 8) | (imm5 << 16) | (1 << 24));`,
  },
  {
    name: 'CSEL, CSINC, CSINV, CSNEG',
    pattern: 'sf inv:1 0 11010100 Rm cond 0 inc:1 Rn Rd',
    emit: `const op: u32 = inv ? (inc ? O_CSNEG64 : O_CSINV64) : inc ? O_CSINC64 : O_CSEL64;
      put(uop, op + 1 - sf, zr(Rd), reg(Rn), reg(Rm), cond);`,
  },
  {
    name: 'UDIV, SDIV',
    pattern: 'sf 00 11010110 Rm 00001 s:1 Rn Rd',
    emit: 'put(uop, (s ? O_SDIV64 : O_UDIV64) + 1 - sf, zr(Rd), reg(Rn), reg(Rm), 0);',
  },
  {
    name: 'LSLV, LSRV, ASRV, RORV',
    pattern: 'sf 00 11010110 Rm 0010 op2:2 Rn Rd',
    emit: `const op: u32 = op2 == 0 ? O_LSLV64 : op2 == 1 ? O_LSRV64 : op2 == 2 ? O_ASRV64 : O_RORV64;
      put(uop, op + 1 - sf, zr(Rd), reg(Rn), reg(Rm), 0);`,
  },
  {
    name: 'CRC32',
    pattern: 'sf 00 11010110 Rm 010 C:1 sz:2 Rn Rd',
    emit: `if (sf != (sz == 3 ? 1 : 0)) return undefined_(uop);
      put(uop, O_CRC32, zr(Rd), reg(Rn), reg(Rm), sz | (C << 2));`,
  },
  {
    name: 'RBIT, REV16, REV32, REV, CLZ, CLS',
    pattern: 'sf 10 11010110 00000 000 opcode:3 Rn Rd',
    emit: `${f} let op: u32;
      if (opcode == 0) op = O_RBIT64 + f;
      else if (opcode == 1) op = O_REV_HALVES64 + f;
      else if (opcode == 2) op = sf ? O_REV_WORDS : O_REV32;
      else if (opcode == 3) { if (!sf) return undefined_(uop); op = O_REV64; }
      else if (opcode == 4) op = O_CLZ64 + f;
      else if (opcode == 5) op = O_CLS64 + f;
      else return undefined_(uop);
      put(uop, op, zr(Rd), reg(Rn), 0, 0);`,
  },
  {
    name: 'MADD, MSUB',
    pattern: 'sf 00 11011 000 Rm sub:1 Ra Rn Rd',
    emit: 'put(uop, (sub ? O_MSUB64 : O_MADD64) + 1 - sf, zr(Rd), reg(Rn), reg(Rm), reg(Ra));',
  },
  {
    name: 'SMADDL, SMSUBL, UMADDL, UMSUBL',
    pattern: '100 11011 U:1 01 Rm sub:1 Ra Rn Rd',
    emit: `const op: u32 = U ? (sub ? O_UMSUBL : O_UMADDL) : sub ? O_SMSUBL : O_SMADDL;
      put(uop, op, zr(Rd), reg(Rn), reg(Rm), reg(Ra));`,
  },
  {
    name: 'SMULH, UMULH',
    pattern: '100 11011 U:1 10 Rm 0 Ra Rn Rd',
    emit: 'put(uop, U ? O_UMULH : O_SMULH, zr(Rd), reg(Rn), reg(Rm), 0);',
  },
];
