/** The plain context, from which generators start: MMU off, nothing trapped. */
import { CODE, CONTEXT_REGISTERS, VECTORS_HVC, VECTORS_SMC } from './layout.js';
import type { Context, ContextRegister } from './layout.js';

/** RES1 bits with the MMU off; nTWE, nTWI, UCT, DZE, UCI are set, so EL0 is not trapped. */
export const SCTLR_EL1_PLAIN = 0x30d0_0800n | (1n << 14n) | (1n << 15n) | (1n << 16n) | (1n << 18n) | (1n << 26n);
export const SCTLR_EL2_PLAIN = 0x30c5_0830n;
export const HCR_RW = 1n << 31n;
export const HCR_HCD = 1n << 29n;
export const HCR_TSC = 1n << 19n;
const ZERO = Object.fromEntries(CONTEXT_REGISTERS.map((name) => [name, 0n])) as Record<ContextRegister, bigint>;

/** A context; with HCR_EL2.HCD the vectors of EL1 use SMC, and HCR_EL2.TSC is set for them. */
export function makeContext(
  registers: Partial<Record<ContextRegister, bigint>>,
  code = BigInt(CODE),
): { registers: Context; code: bigint } {
  const hcr = (registers.HCR_EL2 ?? 0n) | HCR_RW;
  const hcd = (hcr & HCR_HCD) !== 0n;
  return {
    code,
    registers: {
      ...ZERO,
      SCTLR_EL1: SCTLR_EL1_PLAIN,
      SCTLR_EL2: SCTLR_EL2_PLAIN,
      CPACR_EL1: 3n << 20n,
      CPTR_EL2: 0x33ffn,
      CNTHCTL_EL2: 3n,
      CNTKCTL_EL1: 0x303n,
      MDCR_EL2: 6n,
      PMUSERENR_EL0: 0xfn,
      VTCR_EL2: 0x8000_0000n,
      TCR_EL2: 0x8080_0000n,
      SP_EL0: 0x4880_0000n - 0x400n,
      SP_EL1: 0x4880_0000n - 0x800n,
      VBAR_EL1: BigInt.asUintN(64, code + BigInt(hcd ? VECTORS_SMC : VECTORS_HVC)),
      ...registers,
      HCR_EL2: hcd ? hcr | HCR_TSC : hcr,
    },
  };
}
