import type { SimdEncoding, SimdGroup } from './pattern.js';

/**
 * AdvSIMD instructions on vectors (Arm ARM C4, same section). Suffixes: _V vector, _VZ compare with zero, _VI shift
 * or conversion by immediate, _VE by element. `size` 0..3 is B, H, S, D; `sz` 0..1 is S, D; Q = 1 is 128 bits.
 */
const entry = (group: SimdGroup, name: string, pattern: string, undef: string[] = []): SimdEncoding => ({
  name,
  group,
  pattern,
  undef,
});

/** 1D arrangements do not exist. */
const NO_1D = ['size=11 Q=0'];
const NO_D = ['size=11'];
const HS_ONLY = ['size=00', 'size=11'];
const B_ONLY = ['size=x1', 'size=1x'];
const BH_ONLY = ['size=1x'];
const FP_NO_1D = ['sz=1 Q=0'];
const S_ONLY = ['sz=1'];

const threeSameInteger: [string, string, string, string[]][] = [
  ['SHADD_V', '0', '00000', NO_D],
  ['UHADD_V', '1', '00000', NO_D],
  ['SQADD_V', '0', '00001', NO_1D],
  ['UQADD_V', '1', '00001', NO_1D],
  ['SRHADD_V', '0', '00010', NO_D],
  ['URHADD_V', '1', '00010', NO_D],
  ['SHSUB_V', '0', '00100', NO_D],
  ['UHSUB_V', '1', '00100', NO_D],
  ['SQSUB_V', '0', '00101', NO_1D],
  ['UQSUB_V', '1', '00101', NO_1D],
  ['CMGT_V', '0', '00110', NO_1D],
  ['CMHI_V', '1', '00110', NO_1D],
  ['CMGE_V', '0', '00111', NO_1D],
  ['CMHS_V', '1', '00111', NO_1D],
  ['SSHL_V', '0', '01000', NO_1D],
  ['USHL_V', '1', '01000', NO_1D],
  ['SQSHL_V', '0', '01001', NO_1D],
  ['UQSHL_V', '1', '01001', NO_1D],
  ['SRSHL_V', '0', '01010', NO_1D],
  ['URSHL_V', '1', '01010', NO_1D],
  ['SQRSHL_V', '0', '01011', NO_1D],
  ['UQRSHL_V', '1', '01011', NO_1D],
  ['SMAX_V', '0', '01100', NO_D],
  ['UMAX_V', '1', '01100', NO_D],
  ['SMIN_V', '0', '01101', NO_D],
  ['UMIN_V', '1', '01101', NO_D],
  ['SABD_V', '0', '01110', NO_D],
  ['UABD_V', '1', '01110', NO_D],
  ['SABA_V', '0', '01111', NO_D],
  ['UABA_V', '1', '01111', NO_D],
  ['ADD_V', '0', '10000', NO_1D],
  ['SUB_V', '1', '10000', NO_1D],
  ['CMTST_V', '0', '10001', NO_1D],
  ['CMEQ_V', '1', '10001', NO_1D],
  ['MLA_V', '0', '10010', NO_D],
  ['MLS_V', '1', '10010', NO_D],
  ['MUL_V', '0', '10011', NO_D],
  ['PMUL_V', '1', '10011', B_ONLY],
  ['SMAXP_V', '0', '10100', NO_D],
  ['UMAXP_V', '1', '10100', NO_D],
  ['SMINP_V', '0', '10101', NO_D],
  ['UMINP_V', '1', '10101', NO_D],
  ['SQDMULH_V', '0', '10110', HS_ONLY],
  ['SQRDMULH_V', '1', '10110', HS_ONLY],
  ['ADDP_V', '0', '10111', NO_1D],
];

const logical: [string, string, string][] = [
  ['AND_V', '0', '00'],
  ['BIC_V', '0', '01'],
  ['ORR_V', '0', '10'],
  ['ORN_V', '0', '11'],
  ['EOR_V', '1', '00'],
  ['BSL_V', '1', '01'],
  ['BIT_V', '1', '10'],
  ['BIF_V', '1', '11'],
];

const threeSameFloat: [string, string, string, string, SimdGroup][] = [
  ['FMAXNM_V', '0', '0', '11000', 'fp'],
  ['FMLA_V', '0', '0', '11001', 'fp'],
  ['FADD_V', '0', '0', '11010', 'fp'],
  ['FMULX_V', '0', '0', '11011', 'fp'],
  ['FCMEQ_V', '0', '0', '11100', 'fp'],
  ['FMAX_V', '0', '0', '11110', 'fp'],
  ['FRECPS_V', '0', '0', '11111', 'fp'],
  ['FMINNM_V', '0', '1', '11000', 'fp'],
  ['FMLS_V', '0', '1', '11001', 'fp'],
  ['FSUB_V', '0', '1', '11010', 'fp'],
  ['FMIN_V', '0', '1', '11110', 'fp'],
  ['FRSQRTS_V', '0', '1', '11111', 'fp'],
  ['FMAXNMP_V', '1', '0', '11000', 'fp'],
  ['FADDP_V', '1', '0', '11010', 'fp'],
  ['FMUL_V', '1', '0', '11011', 'fp'],
  ['FCMGE_V', '1', '0', '11100', 'fp'],
  ['FACGE_V', '1', '0', '11101', 'fp'],
  ['FMAXP_V', '1', '0', '11110', 'fp'],
  ['FDIV_V', '1', '0', '11111', 'fpDiv'],
  ['FMINNMP_V', '1', '1', '11000', 'fp'],
  ['FABD_V', '1', '1', '11010', 'fp'],
  ['FCMGT_V', '1', '1', '11100', 'fp'],
  ['FACGT_V', '1', '1', '11101', 'fp'],
  ['FMINP_V', '1', '1', '11110', 'fp'],
];

const threeDifferent: [string, string, string, string[]][] = [
  ['SADDL_V', '0', '0000', NO_D],
  ['UADDL_V', '1', '0000', NO_D],
  ['SADDW_V', '0', '0001', NO_D],
  ['UADDW_V', '1', '0001', NO_D],
  ['SSUBL_V', '0', '0010', NO_D],
  ['USUBL_V', '1', '0010', NO_D],
  ['SSUBW_V', '0', '0011', NO_D],
  ['USUBW_V', '1', '0011', NO_D],
  ['ADDHN_V', '0', '0100', NO_D],
  ['RADDHN_V', '1', '0100', NO_D],
  ['SABAL_V', '0', '0101', NO_D],
  ['UABAL_V', '1', '0101', NO_D],
  ['SUBHN_V', '0', '0110', NO_D],
  ['RSUBHN_V', '1', '0110', NO_D],
  ['SABDL_V', '0', '0111', NO_D],
  ['UABDL_V', '1', '0111', NO_D],
  ['SMLAL_V', '0', '1000', NO_D],
  ['UMLAL_V', '1', '1000', NO_D],
  ['SQDMLAL_V', '0', '1001', HS_ONLY],
  ['SMLSL_V', '0', '1010', NO_D],
  ['UMLSL_V', '1', '1010', NO_D],
  ['SQDMLSL_V', '0', '1011', HS_ONLY],
  ['SMULL_V', '0', '1100', NO_D],
  ['UMULL_V', '1', '1100', NO_D],
  ['SQDMULL_V', '0', '1101', HS_ONLY],
  ['PMULL_V', '0', '1110', ['size=01', 'size=10']],
];

const twoRegisterInteger: [string, string, string, string[]][] = [
  ['REV64_V', '0', '00000', NO_D],
  ['REV32_V', '1', '00000', BH_ONLY],
  ['REV16_V', '0', '00001', B_ONLY],
  ['SADDLP_V', '0', '00010', NO_D],
  ['UADDLP_V', '1', '00010', NO_D],
  ['SUQADD_V', '0', '00011', NO_1D],
  ['USQADD_V', '1', '00011', NO_1D],
  ['CLS_V', '0', '00100', NO_D],
  ['CLZ_V', '1', '00100', NO_D],
  ['CNT_V', '0', '00101', B_ONLY],
  ['SADALP_V', '0', '00110', NO_D],
  ['UADALP_V', '1', '00110', NO_D],
  ['SQABS_V', '0', '00111', NO_1D],
  ['SQNEG_V', '1', '00111', NO_1D],
  ['CMGT_VZ', '0', '01000', NO_1D],
  ['CMGE_VZ', '1', '01000', NO_1D],
  ['CMEQ_VZ', '0', '01001', NO_1D],
  ['CMLE_VZ', '1', '01001', NO_1D],
  ['CMLT_VZ', '0', '01010', NO_1D],
  ['ABS_V', '0', '01011', NO_1D],
  ['NEG_V', '1', '01011', NO_1D],
  ['XTN_V', '0', '10010', NO_D],
  ['SQXTUN_V', '1', '10010', NO_D],
  ['SHLL_V', '1', '10011', NO_D],
  ['SQXTN_V', '0', '10100', NO_D],
  ['UQXTN_V', '1', '10100', NO_D],
];

const twoRegisterFloat: [string, string, string, string, string[], SimdGroup][] = [
  ['FCVTN_V', '0', '0', '10110', [], 'fp'],
  ['FCVTL_V', '0', '0', '10111', [], 'fp'],
  ['FRINTN_V', '0', '0', '11000', FP_NO_1D, 'fp'],
  ['FRINTM_V', '0', '0', '11001', FP_NO_1D, 'fp'],
  ['FCVTNS_V', '0', '0', '11010', FP_NO_1D, 'fp'],
  ['FCVTMS_V', '0', '0', '11011', FP_NO_1D, 'fp'],
  ['FCVTAS_V', '0', '0', '11100', FP_NO_1D, 'fp'],
  ['SCVTF_V', '0', '0', '11101', FP_NO_1D, 'fp'],
  ['FCMGT_VZ', '0', '1', '01100', FP_NO_1D, 'fp'],
  ['FCMEQ_VZ', '0', '1', '01101', FP_NO_1D, 'fp'],
  ['FCMLT_VZ', '0', '1', '01110', FP_NO_1D, 'fp'],
  ['FABS_V', '0', '1', '01111', FP_NO_1D, 'fp'],
  ['FRINTP_V', '0', '1', '11000', FP_NO_1D, 'fp'],
  ['FRINTZ_V', '0', '1', '11001', FP_NO_1D, 'fp'],
  ['FCVTPS_V', '0', '1', '11010', FP_NO_1D, 'fp'],
  ['FCVTZS_V', '0', '1', '11011', FP_NO_1D, 'fp'],
  ['URECPE_V', '0', '1', '11100', S_ONLY, 'fp'],
  ['FRECPE_V', '0', '1', '11101', FP_NO_1D, 'fp'],
  ['FCVTXN_V', '1', '0', '10110', ['sz=0'], 'fp'],
  ['FRINTA_V', '1', '0', '11000', FP_NO_1D, 'fp'],
  ['FRINTX_V', '1', '0', '11001', FP_NO_1D, 'fp'],
  ['FCVTNU_V', '1', '0', '11010', FP_NO_1D, 'fp'],
  ['FCVTMU_V', '1', '0', '11011', FP_NO_1D, 'fp'],
  ['FCVTAU_V', '1', '0', '11100', FP_NO_1D, 'fp'],
  ['UCVTF_V', '1', '0', '11101', FP_NO_1D, 'fp'],
  ['FCMGE_VZ', '1', '1', '01100', FP_NO_1D, 'fp'],
  ['FCMLE_VZ', '1', '1', '01101', FP_NO_1D, 'fp'],
  ['FNEG_V', '1', '1', '01111', FP_NO_1D, 'fp'],
  ['FRINTI_V', '1', '1', '11001', FP_NO_1D, 'fp'],
  ['FCVTPU_V', '1', '1', '11010', FP_NO_1D, 'fp'],
  ['FCVTZU_V', '1', '1', '11011', FP_NO_1D, 'fp'],
  ['URSQRTE_V', '1', '1', '11100', S_ONLY, 'fp'],
  ['FRSQRTE_V', '1', '1', '11101', FP_NO_1D, 'fp'],
  ['FSQRT_V', '1', '1', '11111', FP_NO_1D, 'fpDiv'],
];

const ACROSS_UNDEF = ['size=11', 'size=10 Q=0'];
const acrossInteger: [string, string, string][] = [
  ['SADDLV_V', '0', '00011'],
  ['UADDLV_V', '1', '00011'],
  ['SMAXV_V', '0', '01010'],
  ['UMAXV_V', '1', '01010'],
  ['SMINV_V', '0', '11010'],
  ['UMINV_V', '1', '11010'],
  ['ADDV_V', '0', '11011'],
];

const acrossFloat: [string, string, string][] = [
  ['FMAXNMV_V', '0', '01100'],
  ['FMAXV_V', '0', '01111'],
  ['FMINNMV_V', '1', '01100'],
  ['FMINV_V', '1', '01111'],
];

// immh = 0000 belongs to the modified immediates (or is unallocated).
const SHIFT_SAME = ['immh=0000', 'immh=1xxx Q=0'];
const SHIFT_NARROW = ['immh=0000', 'immh=1xxx'];
const SHIFT_FLOAT = ['immh=000x', 'immh=001x', 'immh=1xxx Q=0'];
const shiftImmediate: [string, string, string, string[], SimdGroup][] = [
  ['SSHR_VI', '0', '00000', SHIFT_SAME, 'simd'],
  ['USHR_VI', '1', '00000', SHIFT_SAME, 'simd'],
  ['SSRA_VI', '0', '00010', SHIFT_SAME, 'simd'],
  ['USRA_VI', '1', '00010', SHIFT_SAME, 'simd'],
  ['SRSHR_VI', '0', '00100', SHIFT_SAME, 'simd'],
  ['URSHR_VI', '1', '00100', SHIFT_SAME, 'simd'],
  ['SRSRA_VI', '0', '00110', SHIFT_SAME, 'simd'],
  ['URSRA_VI', '1', '00110', SHIFT_SAME, 'simd'],
  ['SRI_VI', '1', '01000', SHIFT_SAME, 'simd'],
  ['SHL_VI', '0', '01010', SHIFT_SAME, 'simd'],
  ['SLI_VI', '1', '01010', SHIFT_SAME, 'simd'],
  ['SQSHLU_VI', '1', '01100', SHIFT_SAME, 'simd'],
  ['SQSHL_VI', '0', '01110', SHIFT_SAME, 'simd'],
  ['UQSHL_VI', '1', '01110', SHIFT_SAME, 'simd'],
  ['SHRN_VI', '0', '10000', SHIFT_NARROW, 'simd'],
  ['SQSHRUN_VI', '1', '10000', SHIFT_NARROW, 'simd'],
  ['RSHRN_VI', '0', '10001', SHIFT_NARROW, 'simd'],
  ['SQRSHRUN_VI', '1', '10001', SHIFT_NARROW, 'simd'],
  ['SQSHRN_VI', '0', '10010', SHIFT_NARROW, 'simd'],
  ['UQSHRN_VI', '1', '10010', SHIFT_NARROW, 'simd'],
  ['SQRSHRN_VI', '0', '10011', SHIFT_NARROW, 'simd'],
  ['UQRSHRN_VI', '1', '10011', SHIFT_NARROW, 'simd'],
  ['SSHLL_VI', '0', '10100', SHIFT_NARROW, 'simd'],
  ['USHLL_VI', '1', '10100', SHIFT_NARROW, 'simd'],
  ['SCVTF_VI', '0', '11100', SHIFT_FLOAT, 'fp'],
  ['UCVTF_VI', '1', '11100', SHIFT_FLOAT, 'fp'],
  ['FCVTZS_VI', '0', '11111', SHIFT_FLOAT, 'fp'],
  ['FCVTZU_VI', '1', '11111', SHIFT_FLOAT, 'fp'],
];

const byElementInteger: [string, string, string][] = [
  ['MLA_VE', '1', '0000'],
  ['MLS_VE', '1', '0100'],
  ['MUL_VE', '0', '1000'],
  ['SMLAL_VE', '0', '0010'],
  ['UMLAL_VE', '1', '0010'],
  ['SMLSL_VE', '0', '0110'],
  ['UMLSL_VE', '1', '0110'],
  ['SMULL_VE', '0', '1010'],
  ['UMULL_VE', '1', '1010'],
  ['SQDMLAL_VE', '0', '0011'],
  ['SQDMLSL_VE', '0', '0111'],
  ['SQDMULL_VE', '0', '1011'],
  ['SQDMULH_VE', '0', '1100'],
  ['SQRDMULH_VE', '0', '1101'],
];

const byElementFloat: [string, string, string][] = [
  ['FMLA_VE', '0', '0001'],
  ['FMLS_VE', '0', '0101'],
  ['FMUL_VE', '0', '1001'],
  ['FMULX_VE', '1', '1001'],
];

export const vector: readonly SimdEncoding[] = [
  ...threeSameInteger.map(([name, u, op, undef]) =>
    entry('simd', name, `0 Q:1 ${u} 01110 size:2 1 Rm ${op} 1 Rn Rd`, undef),
  ),
  ...logical.map(([name, u, size]) => entry('simd', name, `0 Q:1 ${u} 01110 ${size} 1 Rm 00011 1 Rn Rd`)),
  ...threeSameFloat.map(([name, u, a, op, group]) =>
    entry(group, name, `0 Q:1 ${u} 01110 ${a} sz:1 1 Rm ${op} 1 Rn Rd`, FP_NO_1D),
  ),
  ...threeDifferent.map(([name, u, op, undef]) =>
    entry('simd', name, `0 Q:1 ${u} 01110 size:2 1 Rm ${op} 00 Rn Rd`, undef),
  ),
  ...twoRegisterInteger.map(([name, u, op, undef]) =>
    entry('simd', name, `0 Q:1 ${u} 01110 size:2 10000 ${op} 10 Rn Rd`, undef),
  ),
  entry('simd', 'NOT_V', '0 Q:1 1 01110 00 10000 00101 10 Rn Rd'),
  entry('simd', 'RBIT_V', '0 Q:1 1 01110 01 10000 00101 10 Rn Rd'),
  ...twoRegisterFloat.map(([name, u, a, op, undef, group]) =>
    entry(group, name, `0 Q:1 ${u} 01110 ${a} sz:1 10000 ${op} 10 Rn Rd`, undef),
  ),
  ...acrossInteger.map(([name, u, op]) =>
    entry('simd', name, `0 Q:1 ${u} 01110 size:2 11000 ${op} 10 Rn Rd`, ACROSS_UNDEF),
  ),
  ...acrossFloat.map(([name, a, op]) => entry('fp', name, `01 1 01110 ${a} 0 11000 ${op} 10 Rn Rd`)),
  ...shiftImmediate.map(([name, u, op, undef, group]) =>
    entry(group, name, `0 Q:1 ${u} 011110 immh:4 immb:3 ${op} 1 Rn Rd`, undef),
  ),
  entry('simd', 'MOVI_V', '0 Q:1 op:1 0111100000 abc:3 cmode:4 01 defgh:5 Rd', ['op=1 cmode=1111 Q=0']),
  ...byElementInteger.map(([name, u, op]) =>
    entry('simd', name, `0 Q:1 ${u} 01111 size:2 L:1 M:1 Rm:4 ${op} H:1 0 Rn Rd`, HS_ONLY),
  ),
  ...byElementFloat.map(([name, u, op]) =>
    entry('fp', name, `0 Q:1 ${u} 01111 1 sz:1 L:1 M:1 Rm:4 ${op} H:1 0 Rn Rd`, ['sz=1 L=1', 'sz=1 Q=0']),
  ),
  entry('simd', 'DUP_VE', '0 Q:1 0 01110000 imm5:5 0 0000 1 Rn Rd', ['imm5=x0000', 'imm5=x1000 Q=0']),
  entry('simd', 'DUP_VG', '0 Q:1 0 01110000 imm5:5 0 0001 1 Rn Rd', ['imm5=x0000', 'imm5=x1000 Q=0']),
  entry('simd', 'SMOV', '0 Q:1 0 01110000 imm5:5 0 0101 1 Rn Rd', ['imm5=xx000', 'imm5=xx100 Q=0']),
  entry('simd', 'UMOV_W', '00 0 01110000 imm5:5 0 0111 1 Rn Rd', ['imm5=xx000']),
  entry('simd', 'UMOV_X', '01 0 01110000 index:1 1000 0 0111 1 Rn Rd'),
  entry('simd', 'INS_G', '01 0 01110000 imm5:5 0 0011 1 Rn Rd', ['imm5=x0000']),
  entry('simd', 'INS_E', '01 1 01110000 imm5:5 0 imm4:4 1 Rn Rd', ['imm5=x0000']),
  entry('simd', 'EXT_V', '0 Q:1 101110000 Rm 0 imm4:4 0 Rn Rd', ['Q=0 imm4=1xxx']),
  entry('simd', 'TBL_V', '0 Q:1 001110000 Rm 0 len:2 000 Rn Rd'),
  entry('simd', 'TBX_V', '0 Q:1 001110000 Rm 0 len:2 100 Rn Rd'),
  entry('simd', 'UZP1_V', '0 Q:1 001110 size:2 0 Rm 0 001 10 Rn Rd', NO_1D),
  entry('simd', 'TRN1_V', '0 Q:1 001110 size:2 0 Rm 0 010 10 Rn Rd', NO_1D),
  entry('simd', 'ZIP1_V', '0 Q:1 001110 size:2 0 Rm 0 011 10 Rn Rd', NO_1D),
  entry('simd', 'UZP2_V', '0 Q:1 001110 size:2 0 Rm 0 101 10 Rn Rd', NO_1D),
  entry('simd', 'TRN2_V', '0 Q:1 001110 size:2 0 Rm 0 110 10 Rn Rd', NO_1D),
  entry('simd', 'ZIP2_V', '0 Q:1 001110 size:2 0 Rm 0 111 10 Rn Rd', NO_1D),
];
