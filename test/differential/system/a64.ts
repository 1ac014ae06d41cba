/** Encoders for the few instructions that the steps are made of (Arm ARM DDI 0487 C4, C6). */

type Encoding = readonly [op0: number, op1: number, crn: number, crm: number, op2: number];

const system = ([op0, op1, crn, crm, op2]: Encoding): number =>
  ((op0 & 3) << 19) | (op1 << 16) | (crn << 12) | (crm << 8) | (op2 << 5);

export const mrs = (rt: number, encoding: Encoding): number => (0xd520_0000 | system(encoding) | rt) >>> 0;
export const msr = (encoding: Encoding, rt: number): number => (0xd500_0000 | system(encoding) | rt) >>> 0;
/** SYS with op0 = 1: op1, CRn, CRm, op2. */
export const sys = (op1: number, crn: number, crm: number, op2: number, rt = 31): number =>
  (0xd500_0000 | system([1, op1, crn, crm, op2]) | rt) >>> 0;
export const svc = (imm: number): number => (0xd400_0001 | (imm << 5)) >>> 0;
export const hvc = (imm: number): number => (0xd400_0002 | (imm << 5)) >>> 0;
export const smc = (imm: number): number => (0xd400_0003 | (imm << 5)) >>> 0;
export const brk = (imm: number): number => (0xd420_0000 | (imm << 5)) >>> 0;
export const ERET = 0xd69f_03e0;
export const ISB = 0xd503_3fdf;
export const DSB = 0xd503_3f9f;
export const NOP = 0xd503_201f;
export const WFE = 0xd503_205f;
export const WFI = 0xd503_207f;
/** MOV Xd, Xn */
export const mov = (rd: number, rn: number): number => (0xaa00_03e0 | (rn << 16) | rd) >>> 0;
/** MOV Xd|SP, Xn|SP */
export const movSp = (rd: number, rn: number): number => (0x9100_0000 | (rn << 5) | rd) >>> 0;
/** FMOV Xd, Dn; UMOV Xd, Vn.D[1] */
export const fmovLow = (rd: number, vn: number): number => (0x9e66_0000 | (vn << 5) | rd) >>> 0;
export const umovHigh = (rd: number, vn: number): number => (0x4e18_3c00 | (vn << 5) | rd) >>> 0;
export const blr = (rn: number): number => (0xd63f_0000 | (rn << 5)) >>> 0;
export const br = (rn: number): number => (0xd61f_0000 | (rn << 5)) >>> 0;
/** LDR Xt, [Xn]; STR Xt, [Xn] */
export const ldr = (rt: number, rn: number): number => (0xf940_0000 | (rn << 5) | rt) >>> 0;
export const str = (rt: number, rn: number): number => (0xf900_0000 | (rn << 5) | rt) >>> 0;

/** Instructions that put a constant into Xd. */
export function constant(rd: number, value: bigint): number[] {
  const words: number[] = [];
  for (let hw = 0; hw < 4; hw += 1) {
    const part = Number((value >> BigInt(16 * hw)) & 0xffffn);
    if (part === 0 && !(hw === 3 && words.length === 0)) continue;
    words.push(((words.length === 0 ? 0xd280_0000 : 0xf280_0000) | (hw << 21) | (part << 5) | rd) >>> 0);
  }
  return words;
}

// Bits of SPSR_ELx and PSTATE
export const EL0T = 0x0;
export const EL1T = 0x4;
export const EL1H = 0x5;
export const EL2T = 0x8;
export const EL2H = 0x9;
export const DAIF = 0x3c0;
