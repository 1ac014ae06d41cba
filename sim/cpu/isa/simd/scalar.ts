import type { SimdEncoding, SimdGroup } from './pattern.js';

/**
 * AdvSIMD scalar instructions and the cryptographic ones (Arm ARM C4, same section). Suffixes: _D scalar, _DZ compare
 * with zero, _DI shift or conversion by immediate, _DE by element, _DP pairwise.
 */
const entry = (group: SimdGroup, name: string, pattern: string, undef: string[] = []): SimdEncoding => ({
  name,
  group,
  pattern,
  undef,
});

const D_ONLY = ['size=0x', 'size=x0'];
const HS_ONLY = ['size=00', 'size=11'];
const NO_D = ['size=11'];

const threeSameInteger: [string, string, string, string[]][] = [
  ['SQADD_D', '0', '00001', []],
  ['UQADD_D', '1', '00001', []],
  ['SQSUB_D', '0', '00101', []],
  ['UQSUB_D', '1', '00101', []],
  ['CMGT_D', '0', '00110', D_ONLY],
  ['CMHI_D', '1', '00110', D_ONLY],
  ['CMGE_D', '0', '00111', D_ONLY],
  ['CMHS_D', '1', '00111', D_ONLY],
  ['SSHL_D', '0', '01000', D_ONLY],
  ['USHL_D', '1', '01000', D_ONLY],
  ['SQSHL_D', '0', '01001', []],
  ['UQSHL_D', '1', '01001', []],
  ['SRSHL_D', '0', '01010', D_ONLY],
  ['URSHL_D', '1', '01010', D_ONLY],
  ['SQRSHL_D', '0', '01011', []],
  ['UQRSHL_D', '1', '01011', []],
  ['ADD_D', '0', '10000', D_ONLY],
  ['SUB_D', '1', '10000', D_ONLY],
  ['CMTST_D', '0', '10001', D_ONLY],
  ['CMEQ_D', '1', '10001', D_ONLY],
  ['SQDMULH_D', '0', '10110', HS_ONLY],
  ['SQRDMULH_D', '1', '10110', HS_ONLY],
];

const threeSameFloat: [string, string, string, string][] = [
  ['FMULX_D', '0', '0', '11011'],
  ['FCMEQ_D', '0', '0', '11100'],
  ['FRECPS_D', '0', '0', '11111'],
  ['FRSQRTS_D', '0', '1', '11111'],
  ['FCMGE_D', '1', '0', '11100'],
  ['FACGE_D', '1', '0', '11101'],
  ['FABD_D', '1', '1', '11010'],
  ['FCMGT_D', '1', '1', '11100'],
  ['FACGT_D', '1', '1', '11101'],
];

const threeDifferent: [string, string][] = [
  ['SQDMLAL_D', '1001'],
  ['SQDMLSL_D', '1011'],
  ['SQDMULL_D', '1101'],
];

const twoRegisterInteger: [string, string, string, string[]][] = [
  ['SUQADD_D', '0', '00011', []],
  ['USQADD_D', '1', '00011', []],
  ['SQABS_D', '0', '00111', []],
  ['SQNEG_D', '1', '00111', []],
  ['CMGT_DZ', '0', '01000', D_ONLY],
  ['CMGE_DZ', '1', '01000', D_ONLY],
  ['CMEQ_DZ', '0', '01001', D_ONLY],
  ['CMLE_DZ', '1', '01001', D_ONLY],
  ['CMLT_DZ', '0', '01010', D_ONLY],
  ['ABS_D', '0', '01011', D_ONLY],
  ['NEG_D', '1', '01011', D_ONLY],
  ['SQXTUN_D', '1', '10010', NO_D],
  ['SQXTN_D', '0', '10100', NO_D],
  ['UQXTN_D', '1', '10100', NO_D],
];

const twoRegisterFloat: [string, string, string, string, string[]][] = [
  ['FCVTNS_D', '0', '0', '11010', []],
  ['FCVTMS_D', '0', '0', '11011', []],
  ['FCVTAS_D', '0', '0', '11100', []],
  ['SCVTF_D', '0', '0', '11101', []],
  ['FCMGT_DZ', '0', '1', '01100', []],
  ['FCMEQ_DZ', '0', '1', '01101', []],
  ['FCMLT_DZ', '0', '1', '01110', []],
  ['FCVTPS_D', '0', '1', '11010', []],
  ['FCVTZS_D', '0', '1', '11011', []],
  ['FRECPE_D', '0', '1', '11101', []],
  ['FRECPX_D', '0', '1', '11111', []],
  ['FCVTXN_D', '1', '0', '10110', ['sz=0']],
  ['FCVTNU_D', '1', '0', '11010', []],
  ['FCVTMU_D', '1', '0', '11011', []],
  ['FCVTAU_D', '1', '0', '11100', []],
  ['UCVTF_D', '1', '0', '11101', []],
  ['FCMGE_DZ', '1', '1', '01100', []],
  ['FCMLE_DZ', '1', '1', '01101', []],
  ['FCVTPU_D', '1', '1', '11010', []],
  ['FCVTZU_D', '1', '1', '11011', []],
  ['FRSQRTE_D', '1', '1', '11101', []],
];

const pairwiseFloat: [string, string, string][] = [
  ['FMAXNM_DP', '0', '01100'],
  ['FADD_DP', '0', '01101'],
  ['FMAX_DP', '0', '01111'],
  ['FMINNM_DP', '1', '01100'],
  ['FMIN_DP', '1', '01111'],
];

const SHIFT_D = ['immh=0xxx'];
const SHIFT_ANY = ['immh=0000'];
const SHIFT_NARROW = ['immh=0000', 'immh=1xxx'];
const SHIFT_FLOAT = ['immh=00xx'];
const shiftImmediate: [string, string, string, string[], SimdGroup][] = [
  ['SSHR_DI', '0', '00000', SHIFT_D, 'simd'],
  ['USHR_DI', '1', '00000', SHIFT_D, 'simd'],
  ['SSRA_DI', '0', '00010', SHIFT_D, 'simd'],
  ['USRA_DI', '1', '00010', SHIFT_D, 'simd'],
  ['SRSHR_DI', '0', '00100', SHIFT_D, 'simd'],
  ['URSHR_DI', '1', '00100', SHIFT_D, 'simd'],
  ['SRSRA_DI', '0', '00110', SHIFT_D, 'simd'],
  ['URSRA_DI', '1', '00110', SHIFT_D, 'simd'],
  ['SRI_DI', '1', '01000', SHIFT_D, 'simd'],
  ['SHL_DI', '0', '01010', SHIFT_D, 'simd'],
  ['SLI_DI', '1', '01010', SHIFT_D, 'simd'],
  ['SQSHLU_DI', '1', '01100', SHIFT_ANY, 'simd'],
  ['SQSHL_DI', '0', '01110', SHIFT_ANY, 'simd'],
  ['UQSHL_DI', '1', '01110', SHIFT_ANY, 'simd'],
  ['SQSHRUN_DI', '1', '10000', SHIFT_NARROW, 'simd'],
  ['SQRSHRUN_DI', '1', '10001', SHIFT_NARROW, 'simd'],
  ['SQSHRN_DI', '0', '10010', SHIFT_NARROW, 'simd'],
  ['UQSHRN_DI', '1', '10010', SHIFT_NARROW, 'simd'],
  ['SQRSHRN_DI', '0', '10011', SHIFT_NARROW, 'simd'],
  ['UQRSHRN_DI', '1', '10011', SHIFT_NARROW, 'simd'],
  ['SCVTF_DI', '0', '11100', SHIFT_FLOAT, 'fp'],
  ['UCVTF_DI', '1', '11100', SHIFT_FLOAT, 'fp'],
  ['FCVTZS_DI', '0', '11111', SHIFT_FLOAT, 'fp'],
  ['FCVTZU_DI', '1', '11111', SHIFT_FLOAT, 'fp'],
];

const byElementInteger: [string, string][] = [
  ['SQDMLAL_DE', '0011'],
  ['SQDMLSL_DE', '0111'],
  ['SQDMULL_DE', '1011'],
  ['SQDMULH_DE', '1100'],
  ['SQRDMULH_DE', '1101'],
];

const byElementFloat: [string, string, string][] = [
  ['FMLA_DE', '0', '0001'],
  ['FMLS_DE', '0', '0101'],
  ['FMUL_DE', '0', '1001'],
  ['FMULX_DE', '1', '1001'],
];

const shaThree: [string, string][] = [
  ['SHA1C', '000'],
  ['SHA1P', '001'],
  ['SHA1M', '010'],
  ['SHA1SU0', '011'],
  ['SHA256H', '100'],
  ['SHA256H2', '101'],
  ['SHA256SU1', '110'],
];

const shaTwo: [string, string][] = [
  ['SHA1H', '00000'],
  ['SHA1SU1', '00001'],
  ['SHA256SU0', '00010'],
];

const aes: [string, string][] = [
  ['AESE', '00100'],
  ['AESD', '00101'],
  ['AESMC', '00110'],
  ['AESIMC', '00111'],
];

export const scalar: readonly SimdEncoding[] = [
  ...threeSameInteger.map(([name, u, op, undef]) =>
    entry('simd', name, `01 ${u} 11110 size:2 1 Rm ${op} 1 Rn Rd`, undef),
  ),
  ...threeSameFloat.map(([name, u, a, op]) => entry('fp', name, `01 ${u} 11110 ${a} sz:1 1 Rm ${op} 1 Rn Rd`)),
  ...threeDifferent.map(([name, op]) => entry('simd', name, `01 0 11110 size:2 1 Rm ${op} 00 Rn Rd`, HS_ONLY)),
  ...twoRegisterInteger.map(([name, u, op, undef]) =>
    entry('simd', name, `01 ${u} 11110 size:2 10000 ${op} 10 Rn Rd`, undef),
  ),
  ...twoRegisterFloat.map(([name, u, a, op, undef]) =>
    entry('fp', name, `01 ${u} 11110 ${a} sz:1 10000 ${op} 10 Rn Rd`, undef),
  ),
  entry('simd', 'ADD_DP', '01 0 11110 11 11000 11011 10 Rn Rd'),
  ...pairwiseFloat.map(([name, a, op]) => entry('fp', name, `01 1 11110 ${a} sz:1 11000 ${op} 10 Rn Rd`)),
  ...shiftImmediate.map(([name, u, op, undef, group]) =>
    entry(group, name, `01 ${u} 111110 immh:4 immb:3 ${op} 1 Rn Rd`, undef),
  ),
  ...byElementInteger.map(([name, op]) =>
    entry('simd', name, `01 0 11111 size:2 L:1 M:1 Rm:4 ${op} H:1 0 Rn Rd`, HS_ONLY),
  ),
  ...byElementFloat.map(([name, u, op]) =>
    entry('fp', name, `01 ${u} 11111 1 sz:1 L:1 M:1 Rm:4 ${op} H:1 0 Rn Rd`, ['sz=1 L=1']),
  ),
  entry('simd', 'DUP_DE', '01 0 11110000 imm5:5 0 0000 1 Rn Rd', ['imm5=x0000']),
  ...shaThree.map(([name, op]) => entry('simd', name, `01011110000 Rm 0 ${op} 00 Rn Rd`)),
  ...shaTwo.map(([name, op]) => entry('simd', name, `0101111000 10100 ${op} 10 Rn Rd`)),
  ...aes.map(([name, op]) => entry('simd', name, `0100111000 10100 ${op} 10 Rn Rd`)),
];
