import { simdEncodings } from '../cpu/isa/simd/table.js';
import {
  P_CRYPTO,
  P_FDIV32,
  P_FMA,
  P_FMA_FORWARD,
  P_FP_ADD,
  P_FP_COMPARE,
  P_FP_CONVERT,
  P_FP_MOVE,
  P_FP_MUL,
  P_FSQRT32,
  P_SIMD,
  P_SIMD_FORWARD,
  P_SIMD_MUL,
  SIMD_BLOCKS,
  SIMD_DOUBLE,
  SIMD_FLAGS,
  SIMD_RD,
  SIMD_READS_FLAGS,
  SIMD_RN,
  SIMD_VA,
  SIMD_VD,
  SIMD_VM,
  SIMD_VN,
} from '../wasm/timing-layout.js';

/** Latency and forwarding latency by name: the first pattern that matches. */
const LATENCIES: readonly (readonly [RegExp, number, number?])[] = [
  [/^FDIV/, P_FDIV32],
  [/^FSQRT/, P_FSQRT32],
  [/^FN?M(ADD|SUB)_S/, P_FMA, P_FMA_FORWARD],
  [/^FML[AS]/, P_FMA, P_FMA_FORWARD],
  [/^FN?MUL|^FRECPS|^FRSQRTS/, P_FP_MUL],
  [/^FC?CMPE?_[SZ]|^FCCMP/, P_FP_COMPARE],
  [/^FMOV_(WS|SW|XD|DX|XV1|V1X)|^DUP_VG|^INS_G|^[SU]MOV/, P_FP_MOVE],
  [/^FCVT|^[SU]CVTF|^FRINT/, P_FP_CONVERT],
  [/^(FMOV|FABS|FNEG|FCSEL)/, P_SIMD],
  [/^F|^U?RSQRTE|^URECPE/, P_FP_ADD],
  [/^(AES|SHA)/, P_CRYPTO],
  [/^PMULL/, P_CRYPTO],
  [/^(MLA|MLS|[SU]ML[AS]L|SQDML[AS]L)/, P_SIMD_MUL, P_SIMD_FORWARD],
  [/^(MUL|PMUL|[SU]MULL|SQR?DMUL)/, P_SIMD_MUL],
];

/** Accumulate into their destination, or change a part of it. */
const READS_DESTINATION =
  /^(FML[AS]|ML[AS]_|[SU]ML[AS]L|SQDML[AS]L|[SU]ABA|[SU]ABAL|[SU]ADALP|S?R?[SU]R?SRA|[SU]R?SRA|SRI|SLI|BSL|BI[TF]|INS_|TBX|SHA|AESE|AESD|FMOV_V1X|SUQADD|USQADD)/;
const GENERAL_SOURCE = /^([SU]CVTF_GX?|FMOV_(SW|DX|V1X)|DUP_VG|INS_G)$/;
const GENERAL_RESULT = /^(FCVT\w+_GX?|FMOV_(WS|XD|XV1)|[SU]MOV(_[WX])?)$/;

/** The words of TIMED_SIMD in the order of the sub-operations: what each reads, writes and takes. */
export function simdTimingTable(): Uint32Array {
  return Uint32Array.from(simdEncodings, ({ name, group, fields }) => {
    const has = (field: string): boolean => fields.some((candidate) => candidate.name === field);
    const [, latency, forward = 0] = LATENCIES.find(([pattern]) => pattern.test(name)) ?? [/./, P_SIMD];
    let word = latency | (forward << 8);
    const compares = group === 'flags' && name !== 'FCSEL_S';
    if (has('Rn')) word |= GENERAL_SOURCE.test(name) ? SIMD_RN : SIMD_VN;
    if (has('Rm')) word |= SIMD_VM;
    if (has('Ra')) word |= SIMD_VA;
    if (READS_DESTINATION.test(name)) word |= SIMD_VD;
    if (GENERAL_RESULT.test(name)) word |= SIMD_RD;
    if (compares) word |= SIMD_FLAGS;
    if (/^F(CCMP|CSEL)/.test(name)) word |= SIMD_READS_FLAGS;
    if (group === 'fpDiv') word |= SIMD_BLOCKS | (has('sz') ? SIMD_DOUBLE : 0);
    return word;
  });
}
