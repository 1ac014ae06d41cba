/** Branches, exception generation and system instructions (Arm ARM C4.1.3). */
import type { Encoding } from './encoding.js';

/** Branch, exception and system encodings. */
export const SYSTEM_ENCODINGS: readonly Encoding[] = [
  {
    name: 'B, BL',
    pattern: 'link:1 00101 imm26:26',
    emit: `branch(uop, pc, link ? O_BL : O_B, link ? O_BL_FAR : O_B_FAR, <i32>(imm26 << 6) >> 4, 0, 0, 0);`,
  },
  {
    name: 'CBZ, CBNZ',
    pattern: 'sf 011010 nz:1 imm19:19 Rt',
    emit: `branch(uop, pc, (nz ? O_CBNZ64 : O_CBZ64) + 1 - sf, O_CB_FAR, <i32>(imm19 << 13) >> 11, reg(Rt), 0,
        (sf ? 0 : 32) | (nz << 8));`,
  },
  {
    name: 'TBZ, TBNZ',
    pattern: 'b5:1 011011 nz:1 b40:5 imm14:14 Rt',
    emit: `branch(uop, pc, nz ? O_TBNZ : O_TBZ, O_TB_FAR, <i32>(imm14 << 18) >> 16, reg(Rt), (b5 << 5) | b40, nz << 8);`,
  },
  {
    name: 'B.cond',
    pattern: '01010100 imm19:19 0 cond',
    emit: `const offset: i32 = <i32>(imm19 << 13) >> 11;
      if (cond >= 14) branch(uop, pc, O_B, O_B_FAR, offset, 0, 0, 0);
      else branch(uop, pc, O_BEQ + cond, O_BCOND_FAR, offset, 0, 0, cond);`,
  },
  { name: 'BR', pattern: '1101011 0000 11111 000000 Rn 00000', emit: 'put(uop, O_BR, 0, reg(Rn), 0, 0);' },
  { name: 'BLR', pattern: '1101011 0001 11111 000000 Rn 00000', emit: 'put(uop, O_BLR, 0, reg(Rn), 0, 0);' },
  { name: 'RET', pattern: '1101011 0010 11111 000000 Rn 00000', emit: 'put(uop, O_BR, 0, reg(Rn), 0, 0);' },
  { name: 'ERET', pattern: '1101011 0100 11111 000000 11111 00000', emit: 'put(uop, O_SYSTEM, 0, 0, SYS_ERET, 0);' },
  { name: 'SVC', pattern: '11010100 000 imm16:16 000 01', emit: 'put(uop, O_SYSTEM, 0, 0, SYS_SVC, imm16);' },
  { name: 'HVC', pattern: '11010100 000 imm16:16 000 10', emit: 'put(uop, O_SYSTEM, 0, 0, SYS_HVC, imm16);' },
  { name: 'SMC', pattern: '11010100 000 imm16:16 000 11', emit: 'put(uop, O_SYSTEM, 0, 0, SYS_SMC, imm16);' },
  { name: 'BRK', pattern: '11010100 001 imm16:16 000 00', emit: 'put(uop, O_SYSTEM, 0, 0, SYS_BRK, imm16);' },
  {
    name: 'HINT',
    pattern: '1101010100 0 00 011 0010 CRm:4 op2:3 11111',
    emit: `const n = (CRm << 3) | op2;
      if (n == 1) hint(uop, SYS_YIELD);
      else if (n == 2) hint(uop, SYS_WFE);
      else if (n == 3) hint(uop, SYS_WFI);
      else if (n == 4) hint(uop, SYS_SEV);
      else if (n == 5) hint(uop, SYS_SEVL);
      else if (n == 127) hint(uop, SYS_MARKER); // a NOP on hardware
      else put(uop, O_NOP, 0, 0, 0, 0);`,
  },
  {
    name: 'CLREX',
    pattern: '1101010100 0 00 011 0011 CRm:4 010 11111',
    emit: 'put(uop, O_SYSTEM, 0, 0, SYS_CLREX, 0); setCost(uop, COST_BARRIER);',
  },
  { name: 'DSB', pattern: '1101010100 0 00 011 0011 CRm:4 100 11111', emit: 'put(uop, O_BARRIER, 0, 0, 0, 1);' },
  { name: 'DMB', pattern: '1101010100 0 00 011 0011 CRm:4 101 11111', emit: 'put(uop, O_BARRIER, 0, 0, 0, 0);' },
  {
    name: 'ISB',
    pattern: '1101010100 0 00 011 0011 CRm:4 110 11111',
    emit: 'put(uop, O_SYSTEM, 0, 0, SYS_ISB, 0); setCost(uop, COST_BARRIER);',
  },
  {
    name: 'MSR (immediate)',
    pattern: '1101010100 0 00 op1:3 0100 CRm:4 op2:3 11111',
    emit: `const field = (op1 << 3) | op2;
      if (field != 5 && field != 0x1e && field != 0x1f) return undefined_(uop); // SPSel, DAIFSet, DAIFClr
      const imm = field | (CRm << 8);
      if (field == 5) put(uop, O_SYSTEM, 0, 0, SYS_MSR_IMMEDIATE, imm);
      else put(uop, O_MSR_DAIF, 0, 0, SYS_MSR_IMMEDIATE, <u64>imm | (<u64>CRm << 38));`,
  },
  {
    name: 'SYS',
    pattern: '1101010100 0 01 op:14 Rt',
    emit: `if (op == 0x1ba1) put(uop, O_ZVA, 0, reg(Rt), 0, 0); // DC ZVA: op1 3, C7, C4, op2 1
      else put(uop, O_SYSTEM, 0, reg(Rt), SYS_SYS, 0x4000 | op);`,
  },
  // SYSL (L = 1, op0 = 1) has no allocated operation in v8.0: it stays undefined
  {
    name: 'MSR (register)',
    pattern: '1101010100 0 1 enc:15 Rt',
    emit: `const index = sysregIndex(0x8000 | enc);
      if (index < 0) return undefined_(uop);
      put(uop, enc == DAIF ? O_MSR_DAIF : O_SYSTEM, 0, reg(Rt), SYS_MSR, <u64>index);`,
  },
  {
    name: 'MRS',
    pattern: '1101010100 1 1 enc:15 Rt',
    emit: `const index = sysregIndex(0x8000 | enc);
      if (index < 0) return undefined_(uop);
      let op: u32 = O_MRS; let offset: u32 = CORE_SYSREG + index * 8;
      if (index == SR_SP_EL0 || index == SR_TPIDR_EL1) op = O_MRS_EL1H;
      else if (index == SR_TPIDR_EL0 || index == SR_TPIDRRO_EL0) op = O_MRS_ANY;
      else if (enc == DAIF) { op = O_MRS_EL1H; offset = CORE_DAIF; } // PSTATE.IL beside it is 0 while instructions run
      put(uop, op, zr(Rt), 0, <u32>index, offset);`,
  },
];
