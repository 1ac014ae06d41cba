import type { SimdEncoding, SimdGroup } from './pattern.js';

/**
 * Floating-point instructions of the scalar class (Arm ARM C4, "Data Processing -- Scalar Floating-Point and
 * Advanced SIMD"). `sz` is bit 22: 0 single, 1 double. Half precision is only a source or target of FCVT in v8.0.
 * Name suffixes: _S floating point only, _G to or from a general register, _GX the same with fraction bits.
 */
const entry = (group: SimdGroup, name: string, pattern: string, undef: string[] = []): SimdEncoding => ({
  name,
  group,
  pattern,
  undef,
});

const oneSource: [string, string, SimdGroup][] = [
  ['FMOV_S', '000000', 'fp'],
  ['FABS_S', '000001', 'fp'],
  ['FNEG_S', '000010', 'fp'],
  ['FSQRT_S', '000011', 'fpDiv'],
  ['FRINTN_S', '001000', 'fp'],
  ['FRINTP_S', '001001', 'fp'],
  ['FRINTM_S', '001010', 'fp'],
  ['FRINTZ_S', '001011', 'fp'],
  ['FRINTA_S', '001100', 'fp'],
  ['FRINTX_S', '001110', 'fp'],
  ['FRINTI_S', '001111', 'fp'],
];

const conversions: [string, string][] = [
  ['FCVT_SD', '00 1 000101'],
  ['FCVT_SH', '00 1 000111'],
  ['FCVT_DS', '01 1 000100'],
  ['FCVT_DH', '01 1 000111'],
  ['FCVT_HS', '11 1 000100'],
  ['FCVT_HD', '11 1 000101'],
];

const twoSource: [string, string, SimdGroup][] = [
  ['FMUL_S', '0000', 'fp'],
  ['FDIV_S', '0001', 'fpDiv'],
  ['FADD_S', '0010', 'fp'],
  ['FSUB_S', '0011', 'fp'],
  ['FMAX_S', '0100', 'fp'],
  ['FMIN_S', '0101', 'fp'],
  ['FMAXNM_S', '0110', 'fp'],
  ['FMINNM_S', '0111', 'fp'],
  ['FNMUL_S', '1000', 'fp'],
];

const threeSource: [string, string, string][] = [
  ['FMADD_S', '0', '0'],
  ['FMSUB_S', '0', '1'],
  ['FNMADD_S', '1', '0'],
  ['FNMSUB_S', '1', '1'],
];

const general: [string, string][] = [
  ['FCVTNS_G', '00 000'],
  ['FCVTNU_G', '00 001'],
  ['SCVTF_G', '00 010'],
  ['UCVTF_G', '00 011'],
  ['FCVTAS_G', '00 100'],
  ['FCVTAU_G', '00 101'],
  ['FCVTPS_G', '01 000'],
  ['FCVTPU_G', '01 001'],
  ['FCVTMS_G', '10 000'],
  ['FCVTMU_G', '10 001'],
  ['FCVTZS_G', '11 000'],
  ['FCVTZU_G', '11 001'],
];

const fixedPoint: [string, string][] = [
  ['SCVTF_GX', '00 010'],
  ['UCVTF_GX', '00 011'],
  ['FCVTZS_GX', '11 000'],
  ['FCVTZU_GX', '11 001'],
];

export const scalarFloat: readonly SimdEncoding[] = [
  // FCMP with zero: Rm is (0)(0)(0)(0)(0), not decoded.
  entry('flags', 'FCMP_S', '000 11110 0 sz:1 1 Rm 00 1000 Rn 00000'),
  entry('flags', 'FCMP_Z', '000 11110 0 sz:1 1 Rm 00 1000 Rn 01000'),
  entry('flags', 'FCMPE_S', '000 11110 0 sz:1 1 Rm 00 1000 Rn 10000'),
  entry('flags', 'FCMPE_Z', '000 11110 0 sz:1 1 Rm 00 1000 Rn 11000'),
  entry('flags', 'FCCMP_S', '000 11110 0 sz:1 1 Rm cond 01 Rn 0 nzcv:4'),
  entry('flags', 'FCCMPE_S', '000 11110 0 sz:1 1 Rm cond 01 Rn 1 nzcv:4'),
  entry('flags', 'FCSEL_S', '000 11110 0 sz:1 1 Rm cond 11 Rn Rd'),
  ...oneSource.map(([name, op, group]) => entry(group, name, `000 11110 0 sz:1 1 ${op} 10000 Rn Rd`)),
  ...conversions.map(([name, op]) => entry('fp', name, `000 11110 ${op} 10000 Rn Rd`)),
  ...twoSource.map(([name, op, group]) => entry(group, name, `000 11110 0 sz:1 1 Rm ${op} 10 Rn Rd`)),
  ...threeSource.map(([name, o1, o0]) => entry('fp', name, `000 11111 0 sz:1 ${o1} Rm ${o0} Ra Rn Rd`)),
  entry('fp', 'FMOV_IMM', '000 11110 0 sz:1 1 imm8:8 100 00000 Rd'),
  ...general.map(([name, op]) => entry('fp', name, `sf 00 11110 0 sz:1 1 ${op} 000000 Rn Rd`)),
  ...fixedPoint.map(([name, op]) =>
    entry('fp', name, `sf 00 11110 0 sz:1 0 ${op} scale:6 Rn Rd`, ['sf=0 scale=0xxxxx']),
  ),
  entry('fp', 'FMOV_WS', '000 11110 00 1 00 110 000000 Rn Rd'),
  entry('fp', 'FMOV_SW', '000 11110 00 1 00 111 000000 Rn Rd'),
  entry('fp', 'FMOV_XD', '100 11110 01 1 00 110 000000 Rn Rd'),
  entry('fp', 'FMOV_DX', '100 11110 01 1 00 111 000000 Rn Rd'),
  entry('fp', 'FMOV_XV1', '100 11110 10 1 01 110 000000 Rn Rd'),
  entry('fp', 'FMOV_V1X', '100 11110 10 1 01 111 000000 Rn Rd'),
];
