// Execution of FP and AdvSIMD data-processing instructions: sub-operation to implementation.
import { fpConvert } from '../fp/convert';
import { HALF, SINGLE, DOUBLE, RM_TIEEVEN, RM_TIEAWAY, RM_POSINF, RM_NEGINF, RM_ZERO, RM_ODD } from '../fp/format';
// prettier-ignore
import {
  V_FCMP_S, V_FCMP_Z, V_FCMPE_S, V_FCMPE_Z, V_FCCMP_S, V_FCCMPE_S, V_FCSEL_S, V_FMOV_S, V_FABS_S, V_FNEG_S,
  V_FRINTN_S, V_FRINTP_S, V_FRINTM_S, V_FRINTZ_S, V_FRINTA_S, V_FRINTX_S, V_FRINTI_S, V_FCVT_SD, V_FCVT_SH,
  V_FCVT_DS, V_FCVT_DH, V_FCVT_HS, V_FCVT_HD, V_FMUL_S, V_FADD_S, V_FSUB_S, V_FMAX_S, V_FMIN_S, V_FMAXNM_S,
  V_FMINNM_S, V_FNMUL_S, V_FMADD_S, V_FMSUB_S, V_FNMADD_S, V_FNMSUB_S, V_FMOV_IMM, V_FCVTNS_G, V_FCVTNU_G, V_SCVTF_G,
  V_UCVTF_G, V_FCVTAS_G, V_FCVTAU_G, V_FCVTPS_G, V_FCVTPU_G, V_FCVTMS_G, V_FCVTMU_G, V_FCVTZS_G, V_FCVTZU_G,
  V_SCVTF_GX, V_UCVTF_GX, V_FCVTZS_GX, V_FCVTZU_GX, V_FMOV_WS, V_FMOV_SW, V_FMOV_XD, V_FMOV_DX, V_FMOV_XV1,
  V_FMOV_V1X, V_FMAXNM_V, V_FMLA_V, V_FADD_V, V_FMULX_V, V_FCMEQ_V, V_FMAX_V, V_FRECPS_V, V_FMINNM_V, V_FMLS_V,
  V_FSUB_V, V_FMIN_V, V_FRSQRTS_V, V_FMAXNMP_V, V_FADDP_V, V_FMUL_V, V_FCMGE_V, V_FACGE_V, V_FMAXP_V, V_FMINNMP_V,
  V_FABD_V, V_FCMGT_V, V_FACGT_V, V_FMINP_V, V_FCVTN_V, V_FCVTL_V, V_FRINTN_V, V_FRINTM_V, V_FCVTNS_V, V_FCVTMS_V,
  V_FCVTAS_V, V_SCVTF_V, V_FCMGT_VZ, V_FCMEQ_VZ, V_FCMLT_VZ, V_FABS_V, V_FRINTP_V, V_FRINTZ_V, V_FCVTPS_V,
  V_FCVTZS_V, V_URECPE_V, V_FRECPE_V, V_FCVTXN_V, V_FRINTA_V, V_FRINTX_V, V_FCVTNU_V, V_FCVTMU_V, V_FCVTAU_V,
  V_UCVTF_V, V_FCMGE_VZ, V_FCMLE_VZ, V_FNEG_V, V_FRINTI_V, V_FCVTPU_V, V_FCVTZU_V, V_URSQRTE_V, V_FRSQRTE_V,
  V_FMAXNMV_V, V_FMAXV_V, V_FMINNMV_V, V_FMINV_V, V_SCVTF_VI, V_UCVTF_VI, V_FCVTZS_VI, V_FCVTZU_VI, V_FMLA_VE,
  V_FMLS_VE, V_FMUL_VE, V_FMULX_VE, V_FMULX_D, V_FCMEQ_D, V_FRECPS_D, V_FRSQRTS_D, V_FCMGE_D, V_FACGE_D, V_FABD_D,
  V_FCMGT_D, V_FACGT_D, V_FCVTNS_D, V_FCVTMS_D, V_FCVTAS_D, V_SCVTF_D, V_FCMGT_DZ, V_FCMEQ_DZ, V_FCMLT_DZ,
  V_FCVTPS_D, V_FCVTZS_D, V_FRECPE_D, V_FRECPX_D, V_FCVTXN_D, V_FCVTNU_D, V_FCVTMU_D, V_FCVTAU_D, V_UCVTF_D,
  V_FCMGE_DZ, V_FCMLE_DZ, V_FCVTPU_D, V_FCVTZU_D, V_FRSQRTE_D, V_FMAXNM_DP, V_FADD_DP, V_FMAX_DP, V_FMINNM_DP,
  V_FMIN_DP, V_SCVTF_DI, V_UCVTF_DI, V_FCVTZS_DI, V_FCVTZU_DI, V_FMLA_DE, V_FMLS_DE, V_FMUL_DE, V_FMULX_DE,
  V_FSQRT_S, V_FDIV_S, V_FDIV_V, V_FSQRT_V, V_SHADD_V, V_UHADD_V, V_SQADD_V, V_UQADD_V, V_SRHADD_V, V_URHADD_V,
  V_SHSUB_V, V_UHSUB_V, V_SQSUB_V, V_UQSUB_V, V_CMGT_V, V_CMHI_V, V_CMGE_V, V_CMHS_V, V_SSHL_V, V_USHL_V, V_SQSHL_V,
  V_UQSHL_V, V_SRSHL_V, V_URSHL_V, V_SQRSHL_V, V_UQRSHL_V, V_SMAX_V, V_UMAX_V, V_SMIN_V, V_UMIN_V, V_SABD_V,
  V_UABD_V, V_SABA_V, V_UABA_V, V_ADD_V, V_SUB_V, V_CMTST_V, V_CMEQ_V, V_MLA_V, V_MLS_V, V_MUL_V, V_PMUL_V,
  V_SMAXP_V, V_UMAXP_V, V_SMINP_V, V_UMINP_V, V_SQDMULH_V, V_SQRDMULH_V, V_ADDP_V, V_AND_V, V_BIC_V, V_ORR_V,
  V_ORN_V, V_EOR_V, V_BSL_V, V_BIT_V, V_BIF_V, V_SADDL_V, V_UADDL_V, V_SADDW_V, V_UADDW_V, V_SSUBL_V, V_USUBL_V,
  V_SSUBW_V, V_USUBW_V, V_ADDHN_V, V_RADDHN_V, V_SABAL_V, V_UABAL_V, V_SUBHN_V, V_RSUBHN_V, V_SABDL_V, V_UABDL_V,
  V_SMLAL_V, V_UMLAL_V, V_SQDMLAL_V, V_SMLSL_V, V_UMLSL_V, V_SQDMLSL_V, V_SMULL_V, V_UMULL_V, V_SQDMULL_V, V_PMULL_V,
  V_REV64_V, V_REV32_V, V_REV16_V, V_SADDLP_V, V_UADDLP_V, V_SUQADD_V, V_USQADD_V, V_CLS_V, V_CLZ_V, V_CNT_V,
  V_SADALP_V, V_UADALP_V, V_SQABS_V, V_SQNEG_V, V_CMGT_VZ, V_CMGE_VZ, V_CMEQ_VZ, V_CMLE_VZ, V_CMLT_VZ, V_ABS_V,
  V_NEG_V, V_XTN_V, V_SQXTUN_V, V_SHLL_V, V_SQXTN_V, V_UQXTN_V, V_NOT_V, V_RBIT_V, V_SADDLV_V, V_UADDLV_V, V_SMAXV_V,
  V_UMAXV_V, V_SMINV_V, V_UMINV_V, V_ADDV_V, V_SSHR_VI, V_USHR_VI, V_SSRA_VI, V_USRA_VI, V_SRSHR_VI, V_URSHR_VI,
  V_SRSRA_VI, V_URSRA_VI, V_SRI_VI, V_SHL_VI, V_SLI_VI, V_SQSHLU_VI, V_SQSHL_VI, V_UQSHL_VI, V_SHRN_VI, V_SQSHRUN_VI,
  V_RSHRN_VI, V_SQRSHRUN_VI, V_SQSHRN_VI, V_UQSHRN_VI, V_SQRSHRN_VI, V_UQRSHRN_VI, V_SSHLL_VI, V_USHLL_VI, V_MOVI_V,
  V_MLA_VE, V_MLS_VE, V_MUL_VE, V_SMLAL_VE, V_UMLAL_VE, V_SMLSL_VE, V_UMLSL_VE, V_SMULL_VE, V_UMULL_VE, V_SQDMLAL_VE,
  V_SQDMLSL_VE, V_SQDMULL_VE, V_SQDMULH_VE, V_SQRDMULH_VE, V_DUP_VE, V_DUP_VG, V_SMOV, V_UMOV_W, V_UMOV_X, V_INS_G,
  V_INS_E, V_EXT_V, V_TBL_V, V_TBX_V, V_UZP1_V, V_TRN1_V, V_ZIP1_V, V_UZP2_V, V_TRN2_V, V_ZIP2_V, V_SQADD_D,
  V_UQADD_D, V_SQSUB_D, V_UQSUB_D, V_CMGT_D, V_CMHI_D, V_CMGE_D, V_CMHS_D, V_SSHL_D, V_USHL_D, V_SQSHL_D, V_UQSHL_D,
  V_SRSHL_D, V_URSHL_D, V_SQRSHL_D, V_UQRSHL_D, V_ADD_D, V_SUB_D, V_CMTST_D, V_CMEQ_D, V_SQDMULH_D, V_SQRDMULH_D,
  V_SQDMLAL_D, V_SQDMLSL_D, V_SQDMULL_D, V_SUQADD_D, V_USQADD_D, V_SQABS_D, V_SQNEG_D, V_CMGT_DZ, V_CMGE_DZ,
  V_CMEQ_DZ, V_CMLE_DZ, V_CMLT_DZ, V_ABS_D, V_NEG_D, V_SQXTUN_D, V_SQXTN_D, V_UQXTN_D, V_ADD_DP, V_SSHR_DI,
  V_USHR_DI, V_SSRA_DI, V_USRA_DI, V_SRSHR_DI, V_URSHR_DI, V_SRSRA_DI, V_URSRA_DI, V_SRI_DI, V_SHL_DI, V_SLI_DI,
  V_SQSHLU_DI, V_SQSHL_DI, V_UQSHL_DI, V_SQSHRUN_DI, V_SQRSHRUN_DI, V_SQSHRN_DI, V_UQSHRN_DI, V_SQRSHRN_DI,
  V_UQRSHRN_DI, V_SQDMLAL_DE, V_SQDMLSL_DE, V_SQDMULL_DE, V_SQDMULH_DE, V_SQRDMULH_DE, V_DUP_DE, V_SHA1C, V_SHA1P,
  V_SHA1M, V_SHA1SU0, V_SHA256H, V_SHA256H2, V_SHA256SU1, V_SHA1H, V_SHA1SU1, V_SHA256SU0, V_AESE, V_AESD, V_AESMC,
  V_AESIMC, V_FLAGS_END,
} from '../gen/simd';
import {
  aesd,
  aese,
  aesimc,
  aesmc,
  polyMul,
  sha1c,
  sha1h,
  sha1m,
  sha1p,
  sha1su0,
  sha1su1,
  sha256h,
  sha256h2,
  sha256su0,
  sha256su1,
} from './crypto';
import {
  F_ABD,
  F_ACGE,
  F_ACGT,
  F_ADD,
  F_CMEQ,
  F_CMGE,
  F_CMGT,
  F_CMLE,
  F_CMLT,
  F_DIV,
  F_MAX,
  F_MAXNM,
  F_MIN,
  F_MINNM,
  F_MLA,
  F_MLS,
  F_MUL,
  F_MULX,
  F_NMUL,
  F_RECPS,
  F_RSQRTS,
  F_SUB,
  RM_FPCR,
  U_ABS,
  U_MOV,
  U_NEG,
  U_RECPE,
  U_RECPX,
  U_RINTA,
  U_RINTI,
  U_RINTM,
  U_RINTN,
  U_RINTP,
  U_RINTX,
  U_RINTZ,
  U_RSQRTE,
  U_SQRT,
  U_URECPE,
  U_URSQRTE,
  expandFloat,
  floatAcross,
  floatByElement,
  floatCompare,
  floatCondCompare,
  floatConvert,
  floatLong,
  floatMulAdd,
  floatNarrow,
  floatPair,
  floatPairs,
  floatScalar,
  floatSelect,
  floatToGeneral,
  floatToInt,
  floatUnaryScalar,
  floatUnaryVector,
  floatVector,
  floatZero,
  generalToFloat,
  intToFloat,
} from './float';
import {
  LONG_OP_ADD,
  LONG_OP_MLA,
  LONG_OP_MLS,
  LONG_OP_MUL,
  LONG_OP_SUB,
  PAIR_ADD,
  PAIR_MAX,
  PAIR_MIN,
  copyIndex,
  copySize,
  d,
  differenceLong,
  doubling,
  doublingByElement,
  doublingHighByElement,
  dupElement,
  dupGeneral,
  elementSplat,
  extract,
  extremeAcross,
  leftAmount,
  long,
  longByElement,
  longPairs,
  m,
  modifiedImmediate,
  n,
  narrowHigh,
  pairwise,
  polyLong,
  rightAmount,
  saturating,
  saturatingNarrow,
  saturatingShiftImmediate,
  saturatingShiftNarrow,
  saturatingUnary,
  shiftLong,
  shiftNarrow,
  shiftRightImmediate,
  shiftSize,
  sumAcross,
  tableLookup,
  wide,
} from './groups';
import {
  absDifference,
  countLeadingSigns,
  countLeadingZeros,
  greaterEqual,
  halvingAdd,
  halvingSub,
  longOperand,
  lowNarrow,
  multiplyAdd,
  reverse,
  reverseBits,
  shiftLeftInsert,
  shiftRightInsert,
} from './integer';
import {
  insertElement,
  moveSigned,
  permuteTrn1,
  permuteTrn2,
  permuteUzp1,
  permuteUzp2,
  permuteZip1,
  permuteZip2,
} from './permute';
import { floatOf, isQ, laneU, putD, putLane, putLow, putNarrow, putQ, putV, putX, sizeOf, vd, vn, xn } from './regs';
import {
  LONG,
  LONG_ADD,
  LONG_SUB,
  NARROW_SS,
  NARROW_SU,
  NARROW_UU,
  SHIFT_SQ,
  SHIFT_SQU,
  SHIFT_UQ,
  SQABS,
  SQADD,
  SQDMULH,
  SQNEG,
  SQRDMULH,
  SQRSHL,
  SQSHL,
  SQSUB,
  SRSHL,
  SSHL,
  SUQADD,
  UQADD,
  UQRSHL,
  UQSHL,
  UQSUB,
  URSHL,
  USHL,
  USQADD,
} from './saturate';
import { vAbs, vAdd, vEq, vGtS, vGtU, vMax, vMin, vMul, vNeg, vShl, vSub } from './vec';

/** True when the sub-operation reads or writes HOT_NZCV (FCMP, FCMPE, FCCMP, FCCMPE, FCSEL). */
export function simdUsesFlags(sub: i32): bool {
  return sub < V_FLAGS_END;
}

/** Executes `insn`, whose sub-operation (from simdDecode) is `sub`, on the HOT registers. */
export function simdExec(sub: i32, insn: u32): void {
  // prettier-ignore
  switch (sub) {
    case V_FCMP_S: floatCompare(insn, false, false); break;
    case V_FCMP_Z: floatCompare(insn, true, false); break;
    case V_FCMPE_S: floatCompare(insn, false, true); break;
    case V_FCMPE_Z: floatCompare(insn, true, true); break;
    case V_FCCMP_S: floatCondCompare(insn, false); break;
    case V_FCCMPE_S: floatCondCompare(insn, true); break;
    case V_FCSEL_S: floatSelect(insn); break;
    case V_FMOV_S: floatUnaryScalar(insn, U_MOV); break;
    case V_FABS_S: floatUnaryScalar(insn, U_ABS); break;
    case V_FNEG_S: floatUnaryScalar(insn, U_NEG); break;
    case V_FSQRT_S: floatUnaryScalar(insn, U_SQRT); break;
    case V_FRINTN_S: floatUnaryScalar(insn, U_RINTN); break;
    case V_FRINTP_S: floatUnaryScalar(insn, U_RINTP); break;
    case V_FRINTM_S: floatUnaryScalar(insn, U_RINTM); break;
    case V_FRINTZ_S: floatUnaryScalar(insn, U_RINTZ); break;
    case V_FRINTA_S: floatUnaryScalar(insn, U_RINTA); break;
    case V_FRINTX_S: floatUnaryScalar(insn, U_RINTX); break;
    case V_FRINTI_S: floatUnaryScalar(insn, U_RINTI); break;
    case V_FCVT_SD: floatConvert(insn, SINGLE, DOUBLE); break;
    case V_FCVT_SH: floatConvert(insn, SINGLE, HALF); break;
    case V_FCVT_DS: floatConvert(insn, DOUBLE, SINGLE); break;
    case V_FCVT_DH: floatConvert(insn, DOUBLE, HALF); break;
    case V_FCVT_HS: floatConvert(insn, HALF, SINGLE); break;
    case V_FCVT_HD: floatConvert(insn, HALF, DOUBLE); break;
    case V_FMUL_S: floatScalar(insn, F_MUL); break;
    case V_FDIV_S: floatScalar(insn, F_DIV); break;
    case V_FADD_S: floatScalar(insn, F_ADD); break;
    case V_FSUB_S: floatScalar(insn, F_SUB); break;
    case V_FMAX_S: floatScalar(insn, F_MAX); break;
    case V_FMIN_S: floatScalar(insn, F_MIN); break;
    case V_FMAXNM_S: floatScalar(insn, F_MAXNM); break;
    case V_FMINNM_S: floatScalar(insn, F_MINNM); break;
    case V_FNMUL_S: floatScalar(insn, F_NMUL); break;
    case V_FMADD_S: floatMulAdd(insn, false, false); break;
    case V_FMSUB_S: floatMulAdd(insn, false, true); break;
    case V_FNMADD_S: floatMulAdd(insn, true, true); break;
    case V_FNMSUB_S: floatMulAdd(insn, true, false); break;
    case V_FMOV_IMM: putD(insn, expandFloat(floatOf(insn), (insn >> 13) & 0xff)); break;
    case V_FCVTNS_G: floatToGeneral(insn, false, RM_TIEEVEN, false); break;
    case V_FCVTNU_G: floatToGeneral(insn, true, RM_TIEEVEN, false); break;
    case V_FCVTAS_G: floatToGeneral(insn, false, RM_TIEAWAY, false); break;
    case V_FCVTAU_G: floatToGeneral(insn, true, RM_TIEAWAY, false); break;
    case V_FCVTPS_G: floatToGeneral(insn, false, RM_POSINF, false); break;
    case V_FCVTPU_G: floatToGeneral(insn, true, RM_POSINF, false); break;
    case V_FCVTMS_G: floatToGeneral(insn, false, RM_NEGINF, false); break;
    case V_FCVTMU_G: floatToGeneral(insn, true, RM_NEGINF, false); break;
    case V_FCVTZS_G: floatToGeneral(insn, false, RM_ZERO, false); break;
    case V_FCVTZU_G: floatToGeneral(insn, true, RM_ZERO, false); break;
    case V_SCVTF_G: generalToFloat(insn, false, false); break;
    case V_SCVTF_GX: generalToFloat(insn, false, true); break;
    case V_FCVTZS_GX: floatToGeneral(insn, false, RM_ZERO, true); break;
    case V_UCVTF_G: generalToFloat(insn, true, false); break;
    case V_UCVTF_GX: generalToFloat(insn, true, true); break;
    case V_FCVTZU_GX: floatToGeneral(insn, true, RM_ZERO, true); break;
    case V_FMOV_WS: putX(insn, load<u32>(vn(insn))); break;
    case V_FMOV_SW: putD(insn, xn(insn) & 0xffffffff); break;
    case V_FMOV_XD: putX(insn, load<u64>(vn(insn))); break;
    case V_FMOV_DX: putD(insn, xn(insn)); break;
    case V_FMOV_XV1: putX(insn, load<u64>(vn(insn), 8)); break;
    case V_FMOV_V1X: store<u64>(vd(insn), xn(insn), 8); break;
    case V_FMAXNM_V: floatVector(insn, F_MAXNM); break;
    case V_FMINNM_V: floatVector(insn, F_MINNM); break;
    case V_FMLA_V: floatVector(insn, F_MLA); break;
    case V_FMLS_V: floatVector(insn, F_MLS); break;
    case V_FADD_V: floatVector(insn, F_ADD); break;
    case V_FSUB_V: floatVector(insn, F_SUB); break;
    case V_FMULX_V: floatVector(insn, F_MULX); break;
    case V_FMUL_V: floatVector(insn, F_MUL); break;
    case V_FDIV_V: floatVector(insn, F_DIV); break;
    case V_FCMEQ_V: floatVector(insn, F_CMEQ); break;
    case V_FCMGE_V: floatVector(insn, F_CMGE); break;
    case V_FCMGT_V: floatVector(insn, F_CMGT); break;
    case V_FACGE_V: floatVector(insn, F_ACGE); break;
    case V_FACGT_V: floatVector(insn, F_ACGT); break;
    case V_FMAX_V: floatVector(insn, F_MAX); break;
    case V_FMIN_V: floatVector(insn, F_MIN); break;
    case V_FRECPS_V: floatVector(insn, F_RECPS); break;
    case V_FRSQRTS_V: floatVector(insn, F_RSQRTS); break;
    case V_FABD_V: floatVector(insn, F_ABD); break;
    case V_FMAXNMP_V: floatPairs(insn, F_MAXNM); break;
    case V_FMINNMP_V: floatPairs(insn, F_MINNM); break;
    case V_FADDP_V: floatPairs(insn, F_ADD); break;
    case V_FMAXP_V: floatPairs(insn, F_MAX); break;
    case V_FMINP_V: floatPairs(insn, F_MIN); break;
    case V_FMAXNM_DP: floatPair(insn, F_MAXNM); break;
    case V_FMINNM_DP: floatPair(insn, F_MINNM); break;
    case V_FADD_DP: floatPair(insn, F_ADD); break;
    case V_FMAX_DP: floatPair(insn, F_MAX); break;
    case V_FMIN_DP: floatPair(insn, F_MIN); break;
    case V_FMAXNMV_V: floatAcross(insn, F_MAXNM); break;
    case V_FMINNMV_V: floatAcross(insn, F_MINNM); break;
    case V_FMAXV_V: floatAcross(insn, F_MAX); break;
    case V_FMINV_V: floatAcross(insn, F_MIN); break;
    case V_FMULX_D: floatScalar(insn, F_MULX); break;
    case V_FCMEQ_D: floatScalar(insn, F_CMEQ); break;
    case V_FRECPS_D: floatScalar(insn, F_RECPS); break;
    case V_FRSQRTS_D: floatScalar(insn, F_RSQRTS); break;
    case V_FCMGE_D: floatScalar(insn, F_CMGE); break;
    case V_FACGE_D: floatScalar(insn, F_ACGE); break;
    case V_FABD_D: floatScalar(insn, F_ABD); break;
    case V_FCMGT_D: floatScalar(insn, F_CMGT); break;
    case V_FACGT_D: floatScalar(insn, F_ACGT); break;
    case V_FCMGT_VZ: floatZero(insn, F_CMGT, false); break;
    case V_FCMGT_DZ: floatZero(insn, F_CMGT, true); break;
    case V_FCMEQ_VZ: floatZero(insn, F_CMEQ, false); break;
    case V_FCMEQ_DZ: floatZero(insn, F_CMEQ, true); break;
    case V_FCMLT_VZ: floatZero(insn, F_CMLT, false); break;
    case V_FCMLT_DZ: floatZero(insn, F_CMLT, true); break;
    case V_FCMGE_VZ: floatZero(insn, F_CMGE, false); break;
    case V_FCMGE_DZ: floatZero(insn, F_CMGE, true); break;
    case V_FCMLE_VZ: floatZero(insn, F_CMLE, false); break;
    case V_FCMLE_DZ: floatZero(insn, F_CMLE, true); break;
    case V_FMLA_VE: floatByElement(insn, F_MLA, false); break;
    case V_FMLA_DE: floatByElement(insn, F_MLA, true); break;
    case V_FMLS_VE: floatByElement(insn, F_MLS, false); break;
    case V_FMLS_DE: floatByElement(insn, F_MLS, true); break;
    case V_FMUL_VE: floatByElement(insn, F_MUL, false); break;
    case V_FMUL_DE: floatByElement(insn, F_MUL, true); break;
    case V_FMULX_VE: floatByElement(insn, F_MULX, false); break;
    case V_FMULX_DE: floatByElement(insn, F_MULX, true); break;
    case V_FABS_V: floatUnaryVector(insn, U_ABS); break;
    case V_FNEG_V: floatUnaryVector(insn, U_NEG); break;
    case V_FSQRT_V: floatUnaryVector(insn, U_SQRT); break;
    case V_FRINTN_V: floatUnaryVector(insn, U_RINTN); break;
    case V_FRINTP_V: floatUnaryVector(insn, U_RINTP); break;
    case V_FRINTM_V: floatUnaryVector(insn, U_RINTM); break;
    case V_FRINTZ_V: floatUnaryVector(insn, U_RINTZ); break;
    case V_FRINTA_V: floatUnaryVector(insn, U_RINTA); break;
    case V_FRINTX_V: floatUnaryVector(insn, U_RINTX); break;
    case V_FRINTI_V: floatUnaryVector(insn, U_RINTI); break;
    case V_FRECPE_V: floatUnaryVector(insn, U_RECPE); break;
    case V_FRSQRTE_V: floatUnaryVector(insn, U_RSQRTE); break;
    case V_URECPE_V: floatUnaryVector(insn, U_URECPE); break;
    case V_URSQRTE_V: floatUnaryVector(insn, U_URSQRTE); break;
    case V_FRECPE_D: floatUnaryScalar(insn, U_RECPE); break;
    case V_FRSQRTE_D: floatUnaryScalar(insn, U_RSQRTE); break;
    case V_FRECPX_D: floatUnaryScalar(insn, U_RECPX); break;
    case V_FCVTNS_V: floatToInt(insn, false, RM_TIEEVEN, false, false); break;
    case V_FCVTNS_D: floatToInt(insn, false, RM_TIEEVEN, true, false); break;
    case V_FCVTNU_V: floatToInt(insn, true, RM_TIEEVEN, false, false); break;
    case V_FCVTNU_D: floatToInt(insn, true, RM_TIEEVEN, true, false); break;
    case V_FCVTAS_V: floatToInt(insn, false, RM_TIEAWAY, false, false); break;
    case V_FCVTAS_D: floatToInt(insn, false, RM_TIEAWAY, true, false); break;
    case V_FCVTAU_V: floatToInt(insn, true, RM_TIEAWAY, false, false); break;
    case V_FCVTAU_D: floatToInt(insn, true, RM_TIEAWAY, true, false); break;
    case V_FCVTPS_V: floatToInt(insn, false, RM_POSINF, false, false); break;
    case V_FCVTPS_D: floatToInt(insn, false, RM_POSINF, true, false); break;
    case V_FCVTPU_V: floatToInt(insn, true, RM_POSINF, false, false); break;
    case V_FCVTPU_D: floatToInt(insn, true, RM_POSINF, true, false); break;
    case V_FCVTMS_V: floatToInt(insn, false, RM_NEGINF, false, false); break;
    case V_FCVTMS_D: floatToInt(insn, false, RM_NEGINF, true, false); break;
    case V_FCVTMU_V: floatToInt(insn, true, RM_NEGINF, false, false); break;
    case V_FCVTMU_D: floatToInt(insn, true, RM_NEGINF, true, false); break;
    case V_FCVTZS_V: floatToInt(insn, false, RM_ZERO, false, false); break;
    case V_FCVTZS_D: floatToInt(insn, false, RM_ZERO, true, false); break;
    case V_FCVTZU_V: floatToInt(insn, true, RM_ZERO, false, false); break;
    case V_FCVTZU_D: floatToInt(insn, true, RM_ZERO, true, false); break;
    case V_SCVTF_V: intToFloat(insn, false, false, false); break;
    case V_SCVTF_D: intToFloat(insn, false, true, false); break;
    case V_SCVTF_VI: intToFloat(insn, false, false, true); break;
    case V_FCVTZS_VI: floatToInt(insn, false, RM_ZERO, false, true); break;
    case V_SCVTF_DI: intToFloat(insn, false, true, true); break;
    case V_FCVTZS_DI: floatToInt(insn, false, RM_ZERO, true, true); break;
    case V_UCVTF_V: intToFloat(insn, true, false, false); break;
    case V_UCVTF_D: intToFloat(insn, true, true, false); break;
    case V_UCVTF_VI: intToFloat(insn, true, false, true); break;
    case V_FCVTZU_VI: floatToInt(insn, true, RM_ZERO, false, true); break;
    case V_UCVTF_DI: intToFloat(insn, true, true, true); break;
    case V_FCVTZU_DI: floatToInt(insn, true, RM_ZERO, true, true); break;
    case V_FCVTL_V: floatLong(insn); break;
    case V_FCVTN_V: putNarrow(insn, floatNarrow(insn, RM_FPCR)); break;
    case V_FCVTXN_V: putNarrow(insn, floatNarrow(insn, RM_ODD)); break;
    case V_FCVTXN_D: putD(insn, fpConvert(DOUBLE, SINGLE, load<u64>(vn(insn)), RM_ODD)); break;
    case V_SHADD_V: putQ(insn, halvingAdd(sizeOf(insn), n(insn), m(insn), false, false)); break;
    case V_SRHADD_V: putQ(insn, halvingAdd(sizeOf(insn), n(insn), m(insn), false, true)); break;
    case V_SHSUB_V: putQ(insn, halvingSub(sizeOf(insn), n(insn), m(insn), false)); break;
    case V_SMAX_V: putQ(insn, vMax(sizeOf(insn), n(insn), m(insn), false)); break;
    case V_SMIN_V: putQ(insn, vMin(sizeOf(insn), n(insn), m(insn), false)); break;
    case V_SABD_V: putQ(insn, absDifference(sizeOf(insn), n(insn), m(insn), false)); break;
    case V_SABA_V: putQ(insn, vAdd(sizeOf(insn), d(insn), absDifference(sizeOf(insn), n(insn), m(insn), false))); break;
    case V_SMAXP_V: pairwise(insn, PAIR_MAX, false); break;
    case V_SMINP_V: pairwise(insn, PAIR_MIN, false); break;
    case V_UHADD_V: putQ(insn, halvingAdd(sizeOf(insn), n(insn), m(insn), true, false)); break;
    case V_URHADD_V: putQ(insn, halvingAdd(sizeOf(insn), n(insn), m(insn), true, true)); break;
    case V_UHSUB_V: putQ(insn, halvingSub(sizeOf(insn), n(insn), m(insn), true)); break;
    case V_UMAX_V: putQ(insn, vMax(sizeOf(insn), n(insn), m(insn), true)); break;
    case V_UMIN_V: putQ(insn, vMin(sizeOf(insn), n(insn), m(insn), true)); break;
    case V_UABD_V: putQ(insn, absDifference(sizeOf(insn), n(insn), m(insn), true)); break;
    case V_UABA_V: putQ(insn, vAdd(sizeOf(insn), d(insn), absDifference(sizeOf(insn), n(insn), m(insn), true))); break;
    case V_UMAXP_V: pairwise(insn, PAIR_MAX, true); break;
    case V_UMINP_V: pairwise(insn, PAIR_MIN, true); break;
    case V_ADDP_V: pairwise(insn, PAIR_ADD, false); break;
    case V_CMGT_V: putQ(insn, vGtS(sizeOf(insn), n(insn), m(insn))); break;
    case V_CMGT_D: putLow(insn, vGtS(3, n(insn), m(insn))); break;
    case V_CMHI_V: putQ(insn, vGtU(sizeOf(insn), n(insn), m(insn))); break;
    case V_CMHI_D: putLow(insn, vGtU(3, n(insn), m(insn))); break;
    case V_CMGE_V: putQ(insn, greaterEqual(sizeOf(insn), n(insn), m(insn), false)); break;
    case V_CMGE_D: putLow(insn, greaterEqual(3, n(insn), m(insn), false)); break;
    case V_CMHS_V: putQ(insn, greaterEqual(sizeOf(insn), n(insn), m(insn), true)); break;
    case V_CMHS_D: putLow(insn, greaterEqual(3, n(insn), m(insn), true)); break;
    case V_CMEQ_V: putQ(insn, vEq(sizeOf(insn), n(insn), m(insn))); break;
    case V_CMEQ_D: putLow(insn, vEq(3, n(insn), m(insn))); break;
    case V_CMTST_V: putQ(insn, v128.not(vEq(sizeOf(insn), v128.and(n(insn), m(insn)), i64x2.splat(0)))); break;
    case V_CMTST_D: putLow(insn, v128.not(vEq(3, v128.and(n(insn), m(insn)), i64x2.splat(0)))); break;
    case V_ADD_V: putQ(insn, vAdd(sizeOf(insn), n(insn), m(insn))); break;
    case V_ADD_D: putLow(insn, vAdd(3, n(insn), m(insn))); break;
    case V_SUB_V: putQ(insn, vSub(sizeOf(insn), n(insn), m(insn))); break;
    case V_SUB_D: putLow(insn, vSub(3, n(insn), m(insn))); break;
    case V_MLA_V: putQ(insn, multiplyAdd(sizeOf(insn), d(insn), n(insn), m(insn), true)); break;
    case V_MLS_V: putQ(insn, multiplyAdd(sizeOf(insn), d(insn), n(insn), m(insn), false)); break;
    case V_MUL_V: putQ(insn, vMul(sizeOf(insn), n(insn), m(insn))); break;
    case V_PMUL_V: putQ(insn, polyMul(n(insn), m(insn))); break;
    case V_SQADD_V: saturating(insn, SQADD, false); break;
    case V_SQADD_D: saturating(insn, SQADD, true); break;
    case V_UQADD_V: saturating(insn, UQADD, false); break;
    case V_UQADD_D: saturating(insn, UQADD, true); break;
    case V_SQSUB_V: saturating(insn, SQSUB, false); break;
    case V_SQSUB_D: saturating(insn, SQSUB, true); break;
    case V_UQSUB_V: saturating(insn, UQSUB, false); break;
    case V_UQSUB_D: saturating(insn, UQSUB, true); break;
    case V_SSHL_V: saturating(insn, SSHL, false); break;
    case V_SSHL_D: saturating(insn, SSHL, true); break;
    case V_USHL_V: saturating(insn, USHL, false); break;
    case V_USHL_D: saturating(insn, USHL, true); break;
    case V_SQSHL_V: saturating(insn, SQSHL, false); break;
    case V_SQSHL_D: saturating(insn, SQSHL, true); break;
    case V_UQSHL_V: saturating(insn, UQSHL, false); break;
    case V_UQSHL_D: saturating(insn, UQSHL, true); break;
    case V_SRSHL_V: saturating(insn, SRSHL, false); break;
    case V_SRSHL_D: saturating(insn, SRSHL, true); break;
    case V_URSHL_V: saturating(insn, URSHL, false); break;
    case V_URSHL_D: saturating(insn, URSHL, true); break;
    case V_SQRSHL_V: saturating(insn, SQRSHL, false); break;
    case V_SQRSHL_D: saturating(insn, SQRSHL, true); break;
    case V_UQRSHL_V: saturating(insn, UQRSHL, false); break;
    case V_UQRSHL_D: saturating(insn, UQRSHL, true); break;
    case V_SQDMULH_V: saturating(insn, SQDMULH, false); break;
    case V_SQDMULH_D: saturating(insn, SQDMULH, true); break;
    case V_SQRDMULH_V: saturating(insn, SQRDMULH, false); break;
    case V_SQRDMULH_D: saturating(insn, SQRDMULH, true); break;
    case V_AND_V: putQ(insn, v128.and(n(insn), m(insn))); break;
    case V_BIC_V: putQ(insn, v128.andnot(n(insn), m(insn))); break;
    case V_ORR_V: putQ(insn, v128.or(n(insn), m(insn))); break;
    case V_ORN_V: putQ(insn, v128.or(n(insn), v128.not(m(insn)))); break;
    case V_EOR_V: putQ(insn, v128.xor(n(insn), m(insn))); break;
    case V_BSL_V: putQ(insn, v128.bitselect(n(insn), m(insn), d(insn))); break;
    case V_BIT_V: putQ(insn, v128.bitselect(n(insn), d(insn), m(insn))); break;
    case V_BIF_V: putQ(insn, v128.bitselect(d(insn), n(insn), m(insn))); break;
    case V_SADDL_V: long(insn, LONG_OP_ADD, false); break;
    case V_SSUBL_V: long(insn, LONG_OP_SUB, false); break;
    case V_SADDW_V: wide(insn, LONG_OP_ADD, false); break;
    case V_SSUBW_V: wide(insn, LONG_OP_SUB, false); break;
    case V_SABAL_V: differenceLong(insn, true, false); break;
    case V_SABDL_V: differenceLong(insn, false, false); break;
    case V_SMULL_V: long(insn, LONG_OP_MUL, false); break;
    case V_SMULL_VE: longByElement(insn, LONG_OP_MUL, false); break;
    case V_SMLAL_V: long(insn, LONG_OP_MLA, false); break;
    case V_SMLAL_VE: longByElement(insn, LONG_OP_MLA, false); break;
    case V_SMLSL_V: long(insn, LONG_OP_MLS, false); break;
    case V_SMLSL_VE: longByElement(insn, LONG_OP_MLS, false); break;
    case V_UADDL_V: long(insn, LONG_OP_ADD, true); break;
    case V_USUBL_V: long(insn, LONG_OP_SUB, true); break;
    case V_UADDW_V: wide(insn, LONG_OP_ADD, true); break;
    case V_USUBW_V: wide(insn, LONG_OP_SUB, true); break;
    case V_UABAL_V: differenceLong(insn, true, true); break;
    case V_UABDL_V: differenceLong(insn, false, true); break;
    case V_UMULL_V: long(insn, LONG_OP_MUL, true); break;
    case V_UMULL_VE: longByElement(insn, LONG_OP_MUL, true); break;
    case V_UMLAL_V: long(insn, LONG_OP_MLA, true); break;
    case V_UMLAL_VE: longByElement(insn, LONG_OP_MLA, true); break;
    case V_UMLSL_V: long(insn, LONG_OP_MLS, true); break;
    case V_UMLSL_VE: longByElement(insn, LONG_OP_MLS, true); break;
    case V_ADDHN_V: narrowHigh(insn, false, false); break;
    case V_RADDHN_V: narrowHigh(insn, false, true); break;
    case V_SUBHN_V: narrowHigh(insn, true, false); break;
    case V_RSUBHN_V: narrowHigh(insn, true, true); break;
    case V_SQDMULL_V: doubling(insn, LONG, false); break;
    case V_SQDMULL_D: doubling(insn, LONG, true); break;
    case V_SQDMULL_VE: doublingByElement(insn, LONG, false); break;
    case V_SQDMULL_DE: doublingByElement(insn, LONG, true); break;
    case V_SQDMLAL_V: doubling(insn, LONG_ADD, false); break;
    case V_SQDMLAL_D: doubling(insn, LONG_ADD, true); break;
    case V_SQDMLAL_VE: doublingByElement(insn, LONG_ADD, false); break;
    case V_SQDMLAL_DE: doublingByElement(insn, LONG_ADD, true); break;
    case V_SQDMLSL_V: doubling(insn, LONG_SUB, false); break;
    case V_SQDMLSL_D: doubling(insn, LONG_SUB, true); break;
    case V_SQDMLSL_VE: doublingByElement(insn, LONG_SUB, false); break;
    case V_SQDMLSL_DE: doublingByElement(insn, LONG_SUB, true); break;
    case V_PMULL_V: polyLong(insn); break;
    case V_MLA_VE: putQ(insn, multiplyAdd(sizeOf(insn), d(insn), n(insn), elementSplat(insn), true)); break;
    case V_MLS_VE: putQ(insn, multiplyAdd(sizeOf(insn), d(insn), n(insn), elementSplat(insn), false)); break;
    case V_MUL_VE: putQ(insn, vMul(sizeOf(insn), n(insn), elementSplat(insn))); break;
    case V_SQDMULH_VE: doublingHighByElement(insn, SQDMULH, false); break;
    case V_SQDMULH_DE: doublingHighByElement(insn, SQDMULH, true); break;
    case V_SQRDMULH_VE: doublingHighByElement(insn, SQRDMULH, false); break;
    case V_SQRDMULH_DE: doublingHighByElement(insn, SQRDMULH, true); break;
    case V_REV64_V: putQ(insn, reverse(sizeOf(insn), 3, n(insn))); break;
    case V_REV32_V: putQ(insn, reverse(sizeOf(insn), 2, n(insn))); break;
    case V_REV16_V: putQ(insn, reverse(0, 1, n(insn))); break;
    case V_SADDLP_V: longPairs(insn, false, false); break;
    case V_SADALP_V: longPairs(insn, false, true); break;
    case V_SADDLV_V: sumAcross(insn, false, true); break;
    case V_SMAXV_V: extremeAcross(insn, false, true); break;
    case V_SMINV_V: extremeAcross(insn, false, false); break;
    case V_UADDLP_V: longPairs(insn, true, false); break;
    case V_UADALP_V: longPairs(insn, true, true); break;
    case V_UADDLV_V: sumAcross(insn, true, true); break;
    case V_UMAXV_V: extremeAcross(insn, true, true); break;
    case V_UMINV_V: extremeAcross(insn, true, false); break;
    case V_ADDV_V: sumAcross(insn, true, false); break;
    case V_SUQADD_V: saturatingUnary(insn, SUQADD, true, false); break;
    case V_SUQADD_D: saturatingUnary(insn, SUQADD, true, true); break;
    case V_USQADD_V: saturatingUnary(insn, USQADD, true, false); break;
    case V_USQADD_D: saturatingUnary(insn, USQADD, true, true); break;
    case V_SQABS_V: saturatingUnary(insn, SQABS, false, false); break;
    case V_SQABS_D: saturatingUnary(insn, SQABS, false, true); break;
    case V_SQNEG_V: saturatingUnary(insn, SQNEG, false, false); break;
    case V_SQNEG_D: saturatingUnary(insn, SQNEG, false, true); break;
    case V_CLS_V: putQ(insn, countLeadingSigns(sizeOf(insn), n(insn))); break;
    case V_CLZ_V: putQ(insn, countLeadingZeros(sizeOf(insn), n(insn))); break;
    case V_CNT_V: putQ(insn, i8x16.popcnt(n(insn))); break;
    case V_NOT_V: putQ(insn, v128.not(n(insn))); break;
    case V_RBIT_V: putQ(insn, reverseBits(n(insn))); break;
    case V_CMGT_VZ: putQ(insn, vGtS(sizeOf(insn), n(insn), i64x2.splat(0))); break;
    case V_CMGT_DZ: putLow(insn, vGtS(3, n(insn), i64x2.splat(0))); break;
    case V_CMGE_VZ: putQ(insn, greaterEqual(sizeOf(insn), n(insn), i64x2.splat(0), false)); break;
    case V_CMGE_DZ: putLow(insn, greaterEqual(3, n(insn), i64x2.splat(0), false)); break;
    case V_CMEQ_VZ: putQ(insn, vEq(sizeOf(insn), n(insn), i64x2.splat(0))); break;
    case V_CMEQ_DZ: putLow(insn, vEq(3, n(insn), i64x2.splat(0))); break;
    case V_CMLE_VZ: putQ(insn, greaterEqual(sizeOf(insn), i64x2.splat(0), n(insn), false)); break;
    case V_CMLE_DZ: putLow(insn, greaterEqual(3, i64x2.splat(0), n(insn), false)); break;
    case V_CMLT_VZ: putQ(insn, vGtS(sizeOf(insn), i64x2.splat(0), n(insn))); break;
    case V_CMLT_DZ: putLow(insn, vGtS(3, i64x2.splat(0), n(insn))); break;
    case V_ABS_V: putQ(insn, vAbs(sizeOf(insn), n(insn))); break;
    case V_ABS_D: putLow(insn, vAbs(3, n(insn))); break;
    case V_NEG_V: putQ(insn, vNeg(sizeOf(insn), n(insn))); break;
    case V_NEG_D: putLow(insn, vNeg(3, n(insn))); break;
    case V_XTN_V: putNarrow(insn, lowNarrow(sizeOf(insn), n(insn))); break;
    case V_SHLL_V: putV(insn, vShl(sizeOf(insn) + 1, longOperand(sizeOf(insn), n(insn), isQ(insn), true), 8 << sizeOf(insn))); break;
    case V_SQXTN_V: saturatingNarrow(insn, NARROW_SS, false); break;
    case V_SQXTN_D: saturatingNarrow(insn, NARROW_SS, true); break;
    case V_SQXTUN_V: saturatingNarrow(insn, NARROW_SU, false); break;
    case V_SQXTUN_D: saturatingNarrow(insn, NARROW_SU, true); break;
    case V_UQXTN_V: saturatingNarrow(insn, NARROW_UU, false); break;
    case V_UQXTN_D: saturatingNarrow(insn, NARROW_UU, true); break;
    case V_SSHR_VI: shiftRightImmediate(insn, false, false, false, false); break;
    case V_SSHR_DI: shiftRightImmediate(insn, false, false, false, true); break;
    case V_SSRA_VI: shiftRightImmediate(insn, false, false, true, false); break;
    case V_SSRA_DI: shiftRightImmediate(insn, false, false, true, true); break;
    case V_SRSHR_VI: shiftRightImmediate(insn, false, true, false, false); break;
    case V_SRSHR_DI: shiftRightImmediate(insn, false, true, false, true); break;
    case V_SRSRA_VI: shiftRightImmediate(insn, false, true, true, false); break;
    case V_SRSRA_DI: shiftRightImmediate(insn, false, true, true, true); break;
    case V_SSHLL_VI: shiftLong(insn, false); break;
    case V_USHR_VI: shiftRightImmediate(insn, true, false, false, false); break;
    case V_USHR_DI: shiftRightImmediate(insn, true, false, false, true); break;
    case V_USRA_VI: shiftRightImmediate(insn, true, false, true, false); break;
    case V_USRA_DI: shiftRightImmediate(insn, true, false, true, true); break;
    case V_URSHR_VI: shiftRightImmediate(insn, true, true, false, false); break;
    case V_URSHR_DI: shiftRightImmediate(insn, true, true, false, true); break;
    case V_URSRA_VI: shiftRightImmediate(insn, true, true, true, false); break;
    case V_URSRA_DI: shiftRightImmediate(insn, true, true, true, true); break;
    case V_USHLL_VI: shiftLong(insn, true); break;
    case V_SHL_VI: putQ(insn, vShl(shiftSize(insn), n(insn), leftAmount(insn))); break;
    case V_SRI_VI: putQ(insn, shiftRightInsert(shiftSize(insn), d(insn), n(insn), rightAmount(insn))); break;
    case V_SLI_VI: putQ(insn, shiftLeftInsert(shiftSize(insn), d(insn), n(insn), leftAmount(insn))); break;
    case V_SHL_DI: putLow(insn, vShl(shiftSize(insn), n(insn), leftAmount(insn))); break;
    case V_SRI_DI: putLow(insn, shiftRightInsert(shiftSize(insn), d(insn), n(insn), rightAmount(insn))); break;
    case V_SLI_DI: putLow(insn, shiftLeftInsert(shiftSize(insn), d(insn), n(insn), leftAmount(insn))); break;
    case V_SQSHLU_VI: saturatingShiftImmediate(insn, SHIFT_SQU, false); break;
    case V_SQSHLU_DI: saturatingShiftImmediate(insn, SHIFT_SQU, true); break;
    case V_SQSHL_VI: saturatingShiftImmediate(insn, SHIFT_SQ, false); break;
    case V_SQSHL_DI: saturatingShiftImmediate(insn, SHIFT_SQ, true); break;
    case V_UQSHL_VI: saturatingShiftImmediate(insn, SHIFT_UQ, false); break;
    case V_UQSHL_DI: saturatingShiftImmediate(insn, SHIFT_UQ, true); break;
    case V_SHRN_VI: shiftNarrow(insn, false); break;
    case V_RSHRN_VI: shiftNarrow(insn, true); break;
    case V_SQSHRN_VI: saturatingShiftNarrow(insn, NARROW_SS, false, false); break;
    case V_SQSHRN_DI: saturatingShiftNarrow(insn, NARROW_SS, false, true); break;
    case V_SQRSHRN_VI: saturatingShiftNarrow(insn, NARROW_SS, true, false); break;
    case V_SQRSHRN_DI: saturatingShiftNarrow(insn, NARROW_SS, true, true); break;
    case V_UQSHRN_VI: saturatingShiftNarrow(insn, NARROW_UU, false, false); break;
    case V_UQSHRN_DI: saturatingShiftNarrow(insn, NARROW_UU, false, true); break;
    case V_UQRSHRN_VI: saturatingShiftNarrow(insn, NARROW_UU, true, false); break;
    case V_UQRSHRN_DI: saturatingShiftNarrow(insn, NARROW_UU, true, true); break;
    case V_SQSHRUN_VI: saturatingShiftNarrow(insn, NARROW_SU, false, false); break;
    case V_SQSHRUN_DI: saturatingShiftNarrow(insn, NARROW_SU, false, true); break;
    case V_SQRSHRUN_VI: saturatingShiftNarrow(insn, NARROW_SU, true, false); break;
    case V_SQRSHRUN_DI: saturatingShiftNarrow(insn, NARROW_SU, true, true); break;
    case V_MOVI_V: modifiedImmediate(insn); break;
    case V_DUP_VE: dupElement(insn, false); break;
    case V_DUP_DE: dupElement(insn, true); break;
    case V_DUP_VG: dupGeneral(insn); break;
    case V_SMOV: moveSigned(insn); break;
    case V_UMOV_W: case V_UMOV_X: putX(insn, laneU(vn(insn), copySize(insn), copyIndex(insn))); break;
    case V_INS_G: putLane(vd(insn), copySize(insn), copyIndex(insn), xn(insn)); break;
    case V_INS_E: insertElement(insn); break;
    case V_EXT_V: extract(insn); break;
    case V_TBL_V: tableLookup(insn, false); break;
    case V_TBX_V: tableLookup(insn, true); break;
    case V_UZP1_V: permuteUzp1(insn); break;
    case V_UZP2_V: permuteUzp2(insn); break;
    case V_ZIP1_V: permuteZip1(insn); break;
    case V_ZIP2_V: permuteZip2(insn); break;
    case V_TRN1_V: permuteTrn1(insn); break;
    case V_TRN2_V: permuteTrn2(insn); break;
    case V_ADD_DP: putD(insn, load<u64>(vn(insn)) + load<u64>(vn(insn), 8)); break;
    case V_SHA1C: sha1c(insn); break;
    case V_SHA1P: sha1p(insn); break;
    case V_SHA1M: sha1m(insn); break;
    case V_SHA1SU0: sha1su0(insn); break;
    case V_SHA256H: sha256h(insn); break;
    case V_SHA256H2: sha256h2(insn); break;
    case V_SHA256SU1: sha256su1(insn); break;
    case V_SHA1H: sha1h(insn); break;
    case V_SHA1SU1: sha1su1(insn); break;
    case V_SHA256SU0: sha256su0(insn); break;
    case V_AESE: aese(insn); break;
    case V_AESD: aesd(insn); break;
    case V_AESMC: aesmc(insn); break;
    case V_AESIMC: aesimc(insn); break;
  }
}
